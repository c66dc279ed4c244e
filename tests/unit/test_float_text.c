/* The float32 writer against the C++ library's: the same bits back, never more digits, and the same
 * digits wherever the library writes the shortest ones (it writes large integers in full). */
#include "data/float_text.h"

#include "data/base/random.h"
#include "data/half.h"
#include "data/jsonw.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Significant digits, without zeros at either end. */
static size_t significant(const char *text, char *digits)
{
    size_t n = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0'))
            digits[n++] = *text;
    while (n > 0 && digits[n - 1] == '0')
        n--;
    digits[n] = '\0';
    return n;
}

static void check(float x)
{
    char ours[2 * RID_JSON_NUMBER_MAX], library[2 * RID_JSON_NUMBER_MAX];
    char our_digits[64], library_digits[64];
    size_t n = rid_float_text_write(ours, x), m = rid_json_write_f32(library, x);
    ours[n] = library[m] = '\0';
    double back;
    float read;
    assert_true(n > 0 && n <= RID_JSON_NUMBER_MAX - 16);
    if (!rid_json_read_number(ours, n, &back))
        fail_msg("not a number: %s", ours);
    read = strtof(ours, NULL);
    if (memcmp(&read, &x, sizeof x) != 0)
        fail_msg("%s reads back as %.9g", ours, (double)read);
    size_t a = significant(ours, our_digits), b = significant(library, library_digits);
    bool large_integer = fabsf(x) >= 0x1p24f;
    if (a > b || (!large_integer && strcmp(our_digits, library_digits) != 0))
        fail_msg("%s, the library writes %s", ours, library);
}

static float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void test_all_over(void **state)
{
    (void)state;
    const char *step_text = getenv("RID_FLOAT_STEP"); /* 1: every float there is, ten minutes */
    uint64_t step = step_text ? strtoull(step_text, NULL, 10) : 1999;
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += step)
        if (isfinite(of_bits((uint32_t)bits)))
            check(of_bits((uint32_t)bits));
}

static void test_edges(void **state)
{
    (void)state;
    for (uint32_t exponent = 0; exponent < 255; exponent++) {
        for (uint32_t i = 0; i < 300; i++) { /* around every power of two */
            check(of_bits(exponent << 23 | i));
            check(of_bits(exponent << 23 | (0x7FFFFF - i)));
        }
    }
    for (int e = -38; e <= 38; e++)
        for (int up = -50; up <= 50; up++) {
            uint32_t bits;
            float x = (float)pow(10, e);
            memcpy(&bits, &x, sizeof bits);
            check(of_bits(bits + (uint32_t)up));
        }
}

/* ---- arrays: on every instruction set the same text as number by number ---- */

enum { ARRAY = 4000 };

typedef struct array {
    float x[ARRAY];
    size_t n;
    char text[ARRAY * (RID_JSON_NUMBER_MAX + 1)], expected[ARRAY * (RID_JSON_NUMBER_MAX + 1)];
} array;

static void check_array(array *a)
{
    char *at = a->expected;
    for (size_t i = 0; i < a->n; i++) {
        if (i)
            *at++ = ',';
        at += rid_float_text_write(at, a->x[i]);
    }
    size_t expected = (size_t)(at - a->expected);
    for (rid_isa isa = RID_ISA_BASE; isa < RID_ISA_COUNT; isa++) {
        if (!rid_isa_runs(isa))
            continue;
        size_t n = rid_float_text_array_of(isa)(a->text, a->x, a->n);
        if (n == expected && memcmp(a->text, a->expected, n) == 0)
            continue;
        size_t i = 0, number = 0;
        while (a->text[i] == a->expected[i])
            number += a->expected[i++] == ',';
        fail_msg("%s: number %zu of %zu, %.9g: %.20s, expected %.20s", rid_isa_name(isa), number,
                 a->n, (double)a->x[number], a->text + i, a->expected + i);
    }
    a->n = 0;
}

static void add(array *a, float x)
{
    if (!isfinite(x))
        return;
    a->x[a->n++] = x;
    if (a->n == ARRAY)
        check_array(a);
}

/* In order, so that whole blocks are of one kind; RID_FLOAT_STEP=1 as above. */
static void test_array_all_over(void **state)
{
    array *a = *state;
    const char *step_text = getenv("RID_FLOAT_STEP");
    uint64_t step = step_text ? strtoull(step_text, NULL, 10) : 997;
    for (uint64_t bits = 0; bits < (uint64_t)1 << 32; bits += step)
        add(a, of_bits((uint32_t)bits));
    check_array(a);
}

static void test_array_random(void **state)
{
    enum { ROUNDS = 500000 };
    array *a = *state;
    uint64_t seed = 7;
    rid_random r = rid_random_of(&seed, 1);
    for (int i = 0; i < ROUNDS; i++) {
        add(a, of_bits((uint32_t)rid_random_u64(&r)));
        add(a, (float)(0.03 * rid_random_normal(&r))); /* of a unit vector */
        add(a, (float)(15 * rid_random_normal(&r)));
        double short_one = (double)rid_random_between(&r, -2000000, 2000000);
        add(a, (float)(short_one * pow(10, -(double)rid_random_between(&r, 0, 9))));
        /* Few binary digits: ties, ends of intervals */
        add(a, (float)ldexp((double)rid_random_between(&r, -4096, 4096),
                            (int)rid_random_between(&r, -30, 2)));
    }
    check_array(a);
}

static void test_array_edges(void **state)
{
    array *a = *state;
    for (uint32_t exponent = 0; exponent < 255; exponent++) {
        for (uint32_t i = 0; i < 3000; i++) {
            add(a, of_bits(exponent << 23 | i));
            add(a, of_bits(0x80000000 | exponent << 23 | (0x7FFFFF - i)));
        }
    }
    for (int e = -45; e <= 38; e++) { /* powers of ten, and the ends of the range of the fast way */
        for (int up = -300; up <= 300; up++) {
            float x = (float)pow(10, e);
            uint32_t bits;
            memcpy(&bits, &x, sizeof bits);
            add(a, of_bits(bits + (uint32_t)up));
        }
    }
    for (uint32_t half = 0; half <= 0xFFFF; half++) { /* a store's f16 frames */
        uint16_t h = (uint16_t)half;
        float x;
        rid_half_to_f32(&x, &h, 1);
        add(a, x);
    }
    for (int i = -3000; i <= 3000; i++) {
        add(a, (float)i);
        add(a, (float)i / 128);
        add(a, (float)(i * 1e-3));
    }
    check_array(a);
}

/* Every length up to some blocks, zeros and others between plain numbers; nothing behind the place
 * that is asked for. */
static void test_array_lengths(void **state)
{
    enum { LENGTHS = 400 };
    static const float kinds[] = {0.5f, 0, -0.0f, 0.1f, -1023.9999f, 1024, 1e-5f, 3e38f, 1, -0.02f};
    array *a = *state;
    for (size_t n = 0; n < LENGTHS; n++) {
        for (size_t i = 0; i < n; i++)
            a->x[i] = kinds[(i * i + n) % (sizeof kinds / sizeof kinds[0])];
        size_t room = n * (RID_JSON_NUMBER_MAX + 1);
        memset(a->text + room, '#', 64);
        a->n = n;
        check_array(a);
        for (size_t i = 0; i < 64; i++)
            assert_int_equal(a->text[room + i], '#');
        size_t written = rid_float_text_write_array(a->text, a->x, n);
        assert_memory_equal(a->text, a->expected, written);
    }
}

/* No decimal of fewer digits reads back: the nearest of one digit less does not. (Powers of two
 * have two different neighbours, and are left out.) */
static void test_shortest(void **state)
{
    enum { ROUNDS = 200000 };
    array *a = *state;
    uint64_t seed = 8;
    rid_random r = rid_random_of(&seed, 1);
    for (int i = 0; i < ROUNDS; i++) {
        char digits[64], shorter[64];
        float x = (float)(pow(10, (double)rid_random_between(&r, -4, 2)) * rid_random_uniform(&r));
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        a->text[rid_float_text_write_array(a->text, &x, 1)] = '\0';
        float back = strtof(a->text, NULL);
        assert_memory_equal(&back, &x, sizeof x);
        int n = (int)significant(a->text, digits);
        if (n < 2 || (bits & 0x7FFFFF) == 0)
            continue;
        snprintf(shorter, sizeof shorter, "%.*e", n - 2, (double)x);
        if (strtof(shorter, NULL) == x)
            fail_msg("%s: %s reads back, too", a->text, shorter);
    }
}

static int new_array(void **state)
{
    *state = calloc(1, sizeof(array));
    return *state ? 0 : -1;
}

static int free_array(void **state)
{
    free(*state);
    return 0;
}

static void test_forms(void **state)
{
    (void)state;
    static const struct {
        float x;
        const char *text;
    } cases[] = {{0.0f, "0"},          {-0.0f, "-0.0"},      {1.0f, "1"},
                 {-1.5f, "-1.5"},      {0.1f, "0.1"},        {0.001f, "0.001"},
                 {0.0001f, "0.0001"},  {0.00001f, "1e-05"},  {123456.0f, "123456"},
                 {16777216.0f, "16777216"}, {1e14f, "100000000000000"}, {1e15f, "1e+15"},
                 {3.4028235e38f, "3.4028235e+38"}, {1e-45f, "1e-45"}, {1.1754944e-38f, "1.1754944e-38"},
                 {0.30000001f, "0.3"}, {8.5f, "8.5"},        {1048576.5f, "1048576.5"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[2 * RID_JSON_NUMBER_MAX];
        text[rid_float_text_write(text, cases[i].x)] = '\0';
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),          cmocka_unit_test(test_edges),
        cmocka_unit_test(test_all_over),       cmocka_unit_test(test_array_lengths),
        cmocka_unit_test(test_array_edges),    cmocka_unit_test(test_array_random),
        cmocka_unit_test(test_array_all_over), cmocka_unit_test(test_shortest),
    };
    return cmocka_run_group_tests(tests, new_array, free_array);
}
