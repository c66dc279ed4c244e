/* Bootstrap over groups against the normal approximation, and where the answer is known. */
#include "fixture.h"

#include "eval/bootstrap.h"

enum { N = 2000, RESAMPLES = 2000 };

static rid_interval interval_of(const double *value, const uint32_t *group, size_t n, uint64_t seed)
{
    rid_interval r;
    assert_ok(rid_bootstrap_mean(&r, value, group, n, RESAMPLES, 0.95, seed, &err));
    return r;
}

static void assert_within(double got, double wanted, double tolerance)
{
    if (!(fabs(got - wanted) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", got, wanted, tolerance);
}

static void test_constant(void **state)
{
    (void)state;
    double value[50];
    uint32_t group[50];
    for (uint32_t i = 0; i < 50; i++) {
        value[i] = 0.25;
        group[i] = i / 7;
    }
    rid_interval r = interval_of(value, group, 50, 1);
    assert_true(r.mean == 0.25 && r.low == 0.25 && r.high == 0.25);
    r = interval_of(value, group, 1, 1);
    assert_true(r.mean == 0.25 && r.low == 0.25 && r.high == 0.25);
}

/* Groups of one: mean ± 1.96 standard errors. Limits of a quantile of 2,000 draws, and of the
 * interval's share of the samples' own spread, are within a tenth of the half width. */
static void test_normal_approximation(void **state)
{
    (void)state;
    double value[N], sum = 0, squares = 0;
    uint32_t group[N];
    rid_random rng = fx_random(1);
    for (uint32_t i = 0; i < N; i++) {
        value[i] = 3 + 2 * rid_random_normal(&rng);
        group[i] = N - i;
        sum += value[i];
        squares += value[i] * value[i];
    }
    double mean = sum / N, half = 1.959964 * sqrt((squares / N - mean * mean) / N);
    rid_interval r = interval_of(value, group, N, 5);
    assert_within(r.mean, mean, 1e-12);
    assert_within(r.low, mean - half, half / 10);
    assert_within(r.high, mean + half, half / 10);
    rid_interval narrow;
    assert_ok(rid_bootstrap_mean(&narrow, value, group, N, RESAMPLES, 0.5, 5, &err));
    assert_within(narrow.high - narrow.low, 2 * half * 0.674490 / 1.959964, half / 10);
}

/* Four equal items a group tell no more than one: the interval is twice what the items alone would
 * give. */
static void test_groups_are_drawn_whole(void **state)
{
    (void)state;
    double value[N];
    uint32_t group[N], alone[N];
    rid_random rng = fx_random(2);
    for (uint32_t i = 0; i < N; i++) {
        value[i] = i % 4 ? value[i - 1] : rid_random_normal(&rng);
        group[i] = i / 4;
        alone[i] = i;
    }
    rid_interval whole = interval_of(value, group, N, 3), single = interval_of(value, alone, N, 3);
    assert_within((whole.high - whole.low) / (single.high - single.low), 2, 0.15);
}

/* The mean is that of the items, however they are grouped; NaN is no item. */
static void test_items_count_alike(void **state)
{
    (void)state;
    const double value[] = {1, NAN, 0, 0, 0, NAN, 1, 1};
    const uint32_t group[] = {9, 9, 2, 2, 2, 7, UINT32_MAX, UINT32_MAX};
    rid_interval r = interval_of(value, group, 8, 1);
    assert_within(r.mean, 0.5, 1e-15);
    assert_true(r.low == 0 && r.high == 1); /* all three draws the same: more than one in 40 */
}

/* Where item i of 300 stands once the 41 groups, i mod 41, stand one behind the other: the first 13
 * have eight items, the others seven. */
static size_t moved_place(uint32_t i)
{
    const uint32_t g = i % 41;
    return g * 8 - (g > 13 ? g - 13 : 0) + i / 41;
}

static void test_deterministic(void **state)
{
    (void)state;
    double value[300], moved[300];
    uint32_t group[300], moved_group[300];
    rid_random rng = fx_random(3);
    for (uint32_t i = 0; i < 300; i++) {
        value[i] = rid_random_uniform(&rng);
        group[i] = i % 41;
        moved[moved_place(i)] = value[i];
        moved_group[moved_place(i)] = i % 41 * 1000 + 5;
    }
    rid_interval a = interval_of(value, group, 300, 9), b = interval_of(value, group, 300, 9);
    assert_memory_equal(&a, &b, sizeof a);
    b = interval_of(value, group, 300, 10);
    assert_true(a.mean == b.mean && a.low != b.low);
    /* Items group by group, with other numbers in the same order: the same draws. */
    b = interval_of(moved, moved_group, 300, 9);
    assert_memory_equal(&a, &b, sizeof a);
}

static void test_refused(void **state)
{
    (void)state;
    const double value[] = {NAN, NAN};
    const uint32_t group[] = {1, 2};
    rid_interval r;
    assert_fails(rid_bootstrap_mean(&r, value, group, 2, 10, 0.95, 1, &err), RID_EDATA, "no value");
    assert_fails(rid_bootstrap_mean(&r, value, group, 0, 10, 0.95, 1, &err), RID_EDATA, "no value");
    const double one = 1;
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1; nth <= 3; nth++) {
        rid_mem_fail_after(nth);
        rid_status st = rid_bootstrap_mean(&r, &one, group, 1, 10, 0.95, 1, NULL);
        rid_mem_fail_after(0);
        assert_int_equal(st, RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_normal_approximation),
        cmocka_unit_test(test_groups_are_drawn_whole),
        cmocka_unit_test(test_items_count_alike),
        cmocka_unit_test(test_deterministic),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
