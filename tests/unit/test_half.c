/* Half precision against the compiler's own: every half, and floats around every rounding. */
#include "tests/unit/fixture.h"

#include "data/half.h"

#include <float.h>

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static float reference_float(uint16_t h)
{
    _Float16 x;
    memcpy(&x, &h, sizeof x);
    return (float)x;
}

static uint16_t reference_half(float x)
{
    _Float16 h = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &h, sizeof bits);
    return bits;
}

/* In blocks and one by one: the vector and the scalar code agree. */
static void test_every_half(void **state)
{
    (void)state;
    enum { N = 65536 };
    static uint16_t halves[N], back[N];
    static float block[N], single[N];
    for (size_t i = 0; i < N; i++)
        halves[i] = (uint16_t)i;
    rid_half_to_f32(block, halves, N);
    for (size_t i = 0; i < N; i++) {
        rid_half_to_f32(&single[i], &halves[i], 1);
        float expected = reference_float(halves[i]);
        if (isnan(expected)) {
            assert_true(isnan(block[i]) && isnan(single[i]));
            continue;
        }
        assert_int_equal(bits_of(block[i]), bits_of(expected));
        assert_int_equal(bits_of(single[i]), bits_of(expected));
        bool finite = rid_half_from_f32(&back[i], &single[i], 1);
        assert_int_equal(back[i], i);
        assert_int_equal(finite, isfinite(expected) != 0);
    }
}

static void check(const float *x, size_t n)
{
    uint16_t block[64], single;
    bool finite = true;
    assert_true(n <= 64);
    bool found = rid_half_from_f32(block, x, n);
    for (size_t i = 0; i < n; i++) {
        uint16_t expected = reference_half(x[i]);
        bool fits = (expected & 0x7C00) != 0x7C00;
        assert_int_equal(rid_half_from_f32(&single, &x[i], 1), fits);
        if (isnan(x[i])) {
            assert_true((single & 0x7C00) == 0x7C00 && (single & 0x3FF) != 0);
            assert_true((block[i] & 0x7C00) == 0x7C00 && (block[i] & 0x3FF) != 0);
        } else if (single != expected || block[i] != expected) {
            fail_msg("%a: %04x %04x, expected %04x", (double)x[i], single, block[i], expected);
        }
        finite &= fits;
    }
    assert_int_equal(found, finite);
}

static void test_floats(void **state)
{
    (void)state;
    rid_random r = fx_random(3);
    float x[64];
    for (int round = 0; round < 20000; round++) {
        size_t n = rid_random_below(&r, 65);
        for (size_t i = 0; i < n; i++) {
            uint64_t bits = rid_random_u64(&r);
            if (round % 2) /* around the range of halves, near ties */
                bits = (bits & 0x80000FFF) | (uint64_t)rid_random_between(&r, 0x330, 0x480) << 20 |
                       (rid_random_below(&r, 4) << 12);
            x[i] = float_of((uint32_t)bits);
        }
        check(x, n);
    }
}

/* Every half, and the floats that lie between it and the next: just below, at and above the middle.
 */
static void test_ties(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7C00; h++) {
        float a = reference_float((uint16_t)h),
              b = h == 0x7BFF ? 65536 : reference_float((uint16_t)(h + 1));
        float middle = (a + b) / 2; /* exact */
        float x[6] = {nextafterf(middle, 0), middle, nextafterf(middle, INFINITY)};
        for (size_t i = 0; i < 3; i++)
            x[3 + i] = -x[i];
        check(x, 6);
    }
}

static void test_limits(void **state)
{
    (void)state;
    static const float fits[] = {65504, -65504, 65519.996f, 0, -0.0f, FLT_MIN, 0x1p-25f};
    static const float not [] = {65520, -65520, FLT_MAX, INFINITY, -INFINITY, NAN};
    uint16_t h[20];
    assert_true(rid_half_from_f32(h, fits, 7));
    assert_true(rid_half_from_f32(h, fits, 0));
    for (size_t i = 0; i < 6; i++) {
        for (size_t at = 0; at < 20; at++) {
            float x[20] = {0};
            x[at] = not [i];
            assert_false(rid_half_from_f32(h, x, 20));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_half),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
