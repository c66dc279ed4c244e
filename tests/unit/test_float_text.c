/* The float32 writer against the C++ library's: the same bits back, never more digits, and the same
 * digits wherever the library writes the shortest ones (it writes large integers in full). */
#include "data/float_text.h"

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
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_all_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
