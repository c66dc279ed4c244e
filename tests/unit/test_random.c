/* Random streams: the published generators, known answers, the shape of the normal deviates. */
#include "data/base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* xoshiro256** from state {1, 2, 3, 4}: the first outputs of the authors' code. */
static void test_known_answers(void **state)
{
    (void)state;
    static const uint64_t expected[] = {11520u, 0u, 1509978240u, 1215971899390074240u};
    rid_random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_int_equal(rid_random_u64(&r), expected[i]);
}

static void test_keys_are_told_apart(void **state)
{
    (void)state;
    const uint64_t keys[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {2, 0, 0}};
    rid_random a = rid_random_of(keys[0], 3), again = rid_random_of(keys[0], 3);
    assert_memory_equal(&a, &again, sizeof a);
    for (size_t i = 0; i < 5; i++) {
        for (size_t n = 1; n <= 3; n++) {
            for (size_t j = 0; j < 5; j++) {
                rid_random x = rid_random_of(keys[i], n), y = rid_random_of(keys[j], 3);
                bool same = n == 3 && i == j;
                assert_true((memcmp(&x, &y, sizeof x) == 0) == same);
            }
        }
    }
}

static void test_ranges(void **state)
{
    (void)state;
    const uint64_t key = 7;
    rid_random r = rid_random_of(&key, 1);
    unsigned seen[7] = {0}, heads = 0;
    for (int i = 0; i < 70000; i++) {
        double u = rid_random_uniform(&r);
        assert_true(u > 0 && u < 1);
        uint64_t k = rid_random_below(&r, 7);
        assert_true(k < 7);
        seen[k]++;
        int64_t x = rid_random_between(&r, -2, 3);
        assert_true(x >= -2 && x <= 3);
        heads += rid_random_chance(&r, 0.25);
        assert_false(rid_random_chance(&r, 0));
        assert_true(rid_random_chance(&r, 1));
    }
    for (int k = 0; k < 7; k++)
        assert_in_range(seen[k], 9500, 10500); /* 10000 and more than 5 standard deviations */
    assert_in_range(heads, 16900, 18100);
    assert_int_equal(rid_random_between(&r, 5, 5), 5);
    rid_random_between(&r, INT64_MIN, INT64_MAX);
}

/* Moments and tails against the normal distribution's. */
static void test_normals(void **state)
{
    (void)state;
    enum { N = 2000000 };
    const uint64_t key = 3;
    rid_random r = rid_random_of(&key, 1);
    double sum = 0, square = 0, cube = 0, fourth = 0;
    unsigned beyond[5] = {0};
    for (int i = 0; i < N; i++) {
        double x = rid_random_normal(&r);
        sum += x;
        square += x * x;
        cube += x * x * x;
        fourth += x * x * x * x;
        for (int k = 1; k < 5; k++)
            beyond[k] += fabs(x) > k;
    }
    assert_true(fabs(sum / N) < 0.004);
    assert_true(fabs(square / N - 1) < 0.005);
    assert_true(fabs(cube / N) < 0.015);
    assert_true(fabs(fourth / N - 3) < 0.05);
    for (int k = 1; k < 5; k++) {
        double expected = N * erfc(k / sqrt(2.0));
        assert_true(fabs(beyond[k] - expected) < 5 * sqrt(expected));
    }
}

/* Inversion: the deviate of a uniform p has Phi(x) = p to PPND7's accuracy, tails included. */
static void test_normals_invert_the_distribution(void **state)
{
    (void)state;
    for (int shift = 0; shift < 50; shift++) {
        for (uint64_t key = 0; key < 50; key++) {
            rid_random r = rid_random_of(&key, 1), same;
            /* The output depends on the second word alone; a small one gives a small p. */
            const uint64_t inverse5 = 0xCCCCCCCCCCCCCCCDu, inverse9 = 0x8E38E38E38E38E39u;
            uint64_t y = (rid_random_u64(&r) >> shift) * inverse9;
            r.state[1] = ((y >> 7) | (y << 57)) * inverse5;
            same = r;
            double p = rid_random_uniform(&r), x = rid_random_normal(&same);
            double phi = p < 0.5 ? 0.5 * erfc(-x / sqrt(2.0)) : 0.5 * erfc(x / sqrt(2.0));
            double tail = p < 0.5 ? p : 1 - p;
            assert_true(fabs(phi / tail - 1) < 1e-5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_keys_are_told_apart),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_normals),
        cmocka_unit_test(test_normals_invert_the_distribution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
