/* Choosing a threshold: by hand, and the promise itself, over thousands of draws of people and buckets from
 * populations whose FPIR is known. */
#include "fixture.h"

#include "data/base/interrupt.h"
#include "eval/binomial.h"
#include "eval/calibration.h"

#include <signal.h>
#include <sys/wait.h>

static rid_calibration choose(const uint64_t *searches, const uint64_t *matched, size_t n_buckets,
                              size_t n_thresholds, double person_effect, rid_promise promise)
{
    const rid_calibration_counts counts = {.searches = searches,
                                           .matched = matched,
                                           .n_buckets = n_buckets,
                                           .n_thresholds = n_thresholds,
                                           .person_effect = person_effect};
    rid_calibration c;
    assert_ok(rid_calibration_choose(&c, &counts, &promise, &err));
    return c;
}

static void near(const char *what, double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-12 * fmax(1, fabs(expected))))
        fail_msg("%s is %.17g, expected %.17g", what, found, expected);
}

/* ---- by hand ---- */

static void test_one_bucket(void **state)
{
    (void)state;
    const rid_promise p = {0.01, 0.95, false};
    const uint64_t n = 1000;
    /* Loose to strict. Of 1000 at most 4 may match: the bound of 4 is 0.00913, that of 5 is 0.01048. */
    const uint64_t matched[] = {900, 4, 5, 4, 4, 0};
    const rid_calibration c = choose(&n, matched, 1, 6, 1, p);
    assert_true(c.kept);
    assert_int_equal(c.threshold, 3); /* 4 again, behind the failure, is not looked at */
    assert_int_equal(c.matched, 4);
    assert_int_equal(c.searches, 1000);
    near("bound", c.bound, rid_binomial_upper(4, 1000, 0.95));
    near("effect", c.design_effect, 1);
    const uint64_t all_pass[] = {3, 1};
    assert_int_equal(choose(&n, all_pass, 1, 2, 1, p).threshold, 0);
}

static void test_refusals(void **state)
{
    (void)state;
    const rid_promise p = {0.01, 0.95, false};
    const uint64_t few = 298, enough = 299, many = 1000;
    const uint64_t none[] = {0, 0}, five[] = {5, 5}, ten[] = {0, 10};
    rid_calibration c = choose(&few, none, 1, 2, 1, p);
    assert_false(c.kept);
    assert_int_equal(c.threshold, 1); /* the strictest */
    near("needed", c.needed, 299);
    assert_true(choose(&enough, none, 1, 2, 1, p).kept);
    /* People who come twice are half as many. */
    c = choose(&enough, none, 1, 2, 2, p);
    assert_false(c.kept);
    near("needed", c.needed, 597); /* 2 · ln 0.05 / ln 0.99 = 596.1 */
    /* Half a percent of 1000: 5 hits in n with a bound of 0.01, in proportion, is n = 1,200 or so. */
    c = choose(&many, five, 1, 2, 1, p);
    assert_false(c.kept);
    assert_true(rid_binomial_upper(5 * c.needed / 1000, c.needed, 0.95) <= 0.01);
    assert_true(rid_binomial_upper(5 * 0.99 * c.needed / 1000, 0.99 * c.needed, 0.95) > 0.01);
    c = choose(&many, ten, 1, 2, 1, p); /* as many as are allowed: never enough */
    assert_false(c.kept);
    assert_true(isinf(c.needed));
}

static void test_buckets(void **state)
{
    (void)state;
    const rid_promise p = {0.15, 0.95, true}, these = {0.15, 0.95, false};
    const double ratio = rid_student_quantile(0.05, 2) / rid_student_quantile(0.05, INFINITY);
    /* Three buckets of 100, alike: X² is taken as its mean, 2, and raised. */
    const uint64_t n[] = {100, 100, 100}, alike[] = {5, 5, 5}, apart[] = {0, 0, 15};
    rid_calibration c = choose(n, alike, 3, 1, 1, p);
    near("alike", c.bucket_effect, ratio * ratio);
    assert_true(c.kept);
    near("bound", c.bound, rid_binomial_upper(15 / c.design_effect, 300 / c.design_effect, 0.95));
    /* A rate of 0.05: X² = (25 + 25 + 100) / (100 · 0.05 · 0.95). */
    c = choose(n, apart, 3, 1, 1, p);
    near("apart", c.bucket_effect, 150 / 4.75 / 2 * ratio * ratio);
    assert_false(c.kept);
    c = choose(n, apart, 3, 1, 1, these);
    near("these", c.bucket_effect, 1);
    assert_true(c.kept);
    near("people and buckets", choose(n, alike, 3, 1, 1.5, p).design_effect, ratio * ratio + 0.5);
    /* One search a bucket: buckets are people. */
    const uint64_t ones[] = {1, 1, 1}, one[] = {0, 0, 1};
    near("ones", choose(ones, one, 3, 1, 1, p).bucket_effect, 1);
    /* All of one bucket match, nobody elsewhere: there are as many searches as buckets. */
    const uint64_t whole[] = {0, 0, 100};
    near("whole", choose(n, whole, 3, 1, 1, p).bucket_effect, 100);
    /* Different sizes: Σn²/Σn = 250, n0 = (400 − 250) / 1. */
    const uint64_t sizes[] = {100, 300}, none[] = {0, 0};
    const double raise = rid_student_quantile(0.05, 1) / rid_student_quantile(0.05, INFINITY);
    near("sizes", choose(sizes, none, 2, 1, 1, p).bucket_effect,
         1 + 249 * (raise * raise - 1) / 149);
}

/* The bucket effect of looser thresholds counts, up to twice the share that is allowed. */
static void test_looser_thresholds(void **state)
{
    (void)state;
    const rid_promise p = {0.1, 0.95, true};
    const double ratio = rid_student_quantile(0.05, 2) / rid_student_quantile(0.05, INFINITY);
    const uint64_t n[] = {100, 100, 100};
    /* Bucket by bucket, loose to strict: shares 0.5, 0.2, 0.05, 0. */
    const uint64_t matched[] = {0, 10, 5, 0, /**/ 50, 20, 5, 0, /**/ 100, 30, 5, 0};
    const rid_calibration c = choose(n, matched, 3, 4, 1, p);
    /* At 0.2: X² = 200 / 16; the one at 0.5 is behind it. */
    near("effect", c.bucket_effect, 200 / 16.0 / 2 * ratio * ratio);
    /* As if the other thresholds were not there. */
    const uint64_t strict[] = {0, 0, 0};
    near("alone", choose(n, strict, 3, 1, 1, p).bucket_effect, ratio * ratio);
}

/* Threshold by threshold, each with those that are looser, over counts that rise and fall. */
static void test_against_one_by_one(void **state)
{
    (void)state;
    enum { BUCKETS = 4, N = 12 };
    rid_random r = fx_random(7);
    size_t kept = 0;
    for (size_t draw = 0; draw < 500; draw++) {
        const rid_promise p = {0.1 + 0.1 * (double)(draw % 3), 0.9, true};
        uint64_t n[BUCKETS], matched[BUCKETS * N], one[BUCKETS];
        double own[N], sum[N] = {0}, searches = 0;
        for (size_t b = 0; b < BUCKETS; b++) {
            n[b] = (uint64_t)rid_random_between(&r, 100, 400);
            searches += (double)n[b];
            for (size_t t = 0; t < N; t++)
                matched[b * N + t] =
                    (uint64_t)rid_random_between(&r, 0, (int64_t)(n[b] / (2 * t + 1)));
        }
        for (size_t t = 0; t < N; t++) {
            for (size_t b = 0; b < BUCKETS; b++) {
                one[b] = matched[b * N + t];
                sum[t] += (double)one[b];
            }
            own[t] = choose(n, one, BUCKETS, 1, 1, p).bucket_effect;
        }
        size_t taken = N;
        double effect = 0, bound = 0;
        for (size_t t = N; t-- > 0;) {
            double most = own[t];
            for (size_t u = t; u > 0 && sum[u] < searches * fmin(2 * p.max_fpir, 0.5);)
                most = fmax(most, own[--u]);
            const double b = rid_binomial_upper(sum[t] / most, searches / most, p.confidence);
            if (b > p.max_fpir && taken < N)
                break;
            taken = t, effect = most, bound = b;
            if (b > p.max_fpir)
                break;
        }
        const rid_calibration c = choose(n, matched, BUCKETS, N, 1, p);
        assert_int_equal(c.threshold, taken);
        near("effect", c.bucket_effect, effect);
        near("bound", c.bound, bound);
        kept += c.kept;
    }
    assert_true(kept > 50 && kept < 450);
}

/* In time that is linear in the thresholds: the square of these would be a hang. */
static void test_many_thresholds(void **state)
{
    (void)state;
    enum { BUCKETS = 50, N = 300000 };
    uint64_t n[BUCKETS], *matched = calloc((size_t)BUCKETS * N, sizeof *matched);
    assert_non_null(matched);
    for (size_t b = 0; b < BUCKETS; b++)
        n[b] = 20;
    assert_int_equal(choose(n, matched, BUCKETS, N, 1, (rid_promise){0.01, 0.95, true}).threshold,
                     0);
    free(matched);
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        const uint64_t n[] = {10, 10}, none[] = {0, 0};
        const rid_calibration_counts counts = {n, none, 2, 1, 1};
        const rid_promise p = {0.5, 0.9, true};
        rid_calibration c;
        rid_err err = {0};
        if (rid_interrupt_install(&err) != RID_OK || raise(SIGTERM) != 0)
            _exit(2);
        _exit(rid_calibration_choose(&c, &counts, &p, &err) == RID_EINTR ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

static void test_memory(void **state)
{
    (void)state;
    const uint64_t n = 10, none = 0;
    const rid_calibration_counts counts = {&n, &none, 1, 1, 1};
    const rid_promise p = {0.1, 0.9, true};
    rid_calibration c;
    for (uint64_t nth = 1; nth <= 2; nth++) {
        rid_mem_fail_after(nth);
        assert_int_equal(rid_calibration_choose(&c, &counts, &p, NULL), RID_ETEMP);
        rid_mem_fail_after(0);
    }
}

/* ---- the promise ---- */

enum { BUCKETS_MAX = 30, THRESHOLDS = 48, DRAWS = 2000 };

/* Where scores of a non-mated search come from: standard normal over all buckets. */
typedef struct world {
    const char *name;
    size_t n_buckets;
    size_t people_min, people_max; /* of a bucket */
    double bucket_share;           /* of the variance, that all of a bucket have in common */
    double person_share;           /* that a person has in common with itself in other buckets */
    bool same_people;              /* come to every bucket */
} world;

/* Thresholds with these shares above them: loose to strict; one is just above what is allowed. */
static void make_thresholds(double *share, double *threshold, double max_fpir)
{
    for (size_t t = 0; t + 1 < THRESHOLDS; t++)
        share[t] = 0.3 * pow(1e-4, (double)t / (THRESHOLDS - 2));
    share[THRESHOLDS - 1] = max_fpir * 1.001;
    for (size_t t = THRESHOLDS - 1; t > 0 && share[t] > share[t - 1]; t--) {
        const double s = share[t];
        share[t] = share[t - 1];
        share[t - 1] = s;
    }
    for (size_t t = 0; t < THRESHOLDS; t++)
        threshold[t] = rid_student_quantile(share[t], INFINITY);
}

/* How many thresholds a score reaches. */
static size_t reached(const double *threshold, double score)
{
    size_t low = 0, high = score < threshold[0] ? 0 : THRESHOLDS;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (threshold[middle] <= score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void draw_bucket(const world *w, rid_random *r, const double *threshold,
                        const double *person, size_t n, uint64_t *matched)
{
    const double bucket = sqrt(w->bucket_share) * rid_random_normal(r);
    const double chance = sqrt(1 - w->bucket_share - w->person_share);
    memset(matched, 0, THRESHOLDS * sizeof *matched);
    for (size_t i = 0; i < n; i++) {
        const double own = w->same_people ? sqrt(w->person_share) * person[i] : 0;
        const size_t k = reached(threshold, bucket + own + chance * rid_random_normal(r));
        if (k > 0)
            matched[k - 1]++;
    }
    for (size_t t = THRESHOLDS - 1; t-- > 0;)
        matched[t] += matched[t + 1];
}

/* Over many draws: how often the FPIR of the chosen threshold is above what was promised, how often none is
 * found, and the mean FPIR of those chosen. */
typedef struct outcome {
    double broken, refused, fpir;
} outcome;

static outcome simulate(const world *w, const rid_promise *promise, double person_effect,
                        uint64_t seed)
{
    static uint64_t matched[BUCKETS_MAX * THRESHOLDS], searches[BUCKETS_MAX];
    static double person[4096];
    double share[THRESHOLDS], threshold[THRESHOLDS];
    rid_random r = fx_random(seed);
    outcome o = {0};
    make_thresholds(share, threshold, promise->max_fpir);
    for (size_t draw = 0; draw < DRAWS; draw++) {
        for (size_t i = 0; w->same_people && i < w->people_max; i++)
            person[i] = rid_random_normal(&r);
        for (size_t b = 0; b < w->n_buckets; b++) {
            searches[b] =
                (uint64_t)rid_random_between(&r, (int64_t)w->people_min, (int64_t)w->people_max);
            draw_bucket(w, &r, threshold, person, searches[b], matched + b * THRESHOLDS);
        }
        const rid_calibration c =
            choose(searches, matched, w->n_buckets, THRESHOLDS, person_effect, *promise);
        o.refused += !c.kept;
        o.broken += c.kept && share[c.threshold] > promise->max_fpir;
        o.fpir += c.kept ? share[c.threshold] : 0;
    }
    o.fpir /= fmax(1, DRAWS - o.refused);
    o.broken /= DRAWS;
    o.refused /= DRAWS;
    return o;
}

static void test_promise(void **state)
{
    (void)state;
    static const world worlds[] = {
        {"one bucket", 1, 1000, 1000, 0, 0, false},
        {"no bucket effect", 10, 50, 250, 0, 0, false},
        {"few buckets", 3, 600, 1000, 0.1, 0, false},
        {"some buckets", 8, 100, 300, 0.1, 0, false},
        {"many buckets", 30, 50, 150, 0.05, 0, false},
        {"unlike buckets", 10, 200, 200, 0.3, 0, false},
        {"unlike buckets of all sizes", 20, 10, 300, 0.2, 0, false},
    };
    const rid_promise promises[] = {{0.02, 0.95, true}, {0.05, 0.9, true}};
    for (size_t i = 0; i < sizeof worlds / sizeof worlds[0]; i++)
        for (size_t k = 0; k < 2; k++) {
            const outcome o = simulate(&worlds[i], &promises[k], 1, 10 * i + k);
            print_message("%s: broken %.4f of %.2f, refused %.3f, mean FPIR %.4f of %.2f\n",
                          worlds[i].name, o.broken, 1 - promises[k].confidence, o.refused, o.fpir,
                          promises[k].max_fpir);
            if (o.broken > 1 - promises[k].confidence)
                fail_msg("%s: the promise is broken in %.4f of the draws", worlds[i].name,
                         o.broken);
        }
}

/* What a bound without them would do: then the test above could fail. And it is not bought by refusing. */
static void test_effects_are_needed(void **state)
{
    (void)state;
    const world unlike = {"", 10, 200, 200, 0.3, 0, false}, alike = {"", 10, 200, 200, 0, 0, false};
    const world regulars = {"", 6, 200, 200, 0, 0.95, true};
    const rid_promise naive = {0.02, 0.95, false}, full = {0.02, 0.95, true};
    outcome o = simulate(&unlike, &naive, 1, 100);
    print_message("without the bucket effect: broken %.4f\n", o.broken);
    assert_true(o.broken > 0.15);
    o = simulate(&regulars, &naive, 1, 101);
    print_message("without the person effect: broken %.4f\n", o.broken);
    assert_true(o.broken > 0.15);
    o = simulate(&regulars, &naive, 6, 101);
    print_message("with it: broken %.4f\n", o.broken);
    assert_true(o.broken <= 0.05);
    o = simulate(&regulars, &full, 6, 101);
    assert_true(o.broken <= 0.05);
    o = simulate(&alike, &full, 1, 102);
    assert_true(o.refused < 0.01 && o.fpir > 0.008);
}

/* Stores with several days: what all days of a store have in common, and what each has of its own. How often
 * the promise breaks for other stores, and for days to come of the stores drawn. */
enum { STORES = 12, DAYS = 7, PEOPLE = 60 };

typedef struct by_days {
    double other_stores, same_stores, refused;
} by_days;

/* The FPIR of days to come of these stores. */
static double fpir_of(const double *store, double threshold, double store_share)
{
    double sum = 0;
    for (size_t s = 0; s < STORES; s++)
        sum += 0.5 * erfc((threshold - sqrt(store_share) * store[s]) / sqrt(2 * (1 - store_share)));
    return sum / STORES;
}

static by_days simulate_days(bool by_store, uint64_t seed)
{
    static uint64_t matched[STORES * DAYS * THRESHOLDS], pooled[STORES * THRESHOLDS];
    const double store_share = 0.15, day_share = 0.03, chance = sqrt(1 - store_share - day_share);
    const rid_promise promise = {0.05, 0.95, true};
    uint64_t n[STORES * DAYS], n_pooled[STORES];
    double share[THRESHOLDS], threshold[THRESHOLDS], store[STORES];
    rid_random r = fx_random(seed);
    by_days o = {0};
    make_thresholds(share, threshold, promise.max_fpir);
    for (size_t draw = 0; draw < DRAWS; draw++) {
        memset(matched, 0, sizeof matched);
        memset(pooled, 0, sizeof pooled);
        for (size_t b = 0; b < STORES * DAYS; b++) {
            const size_t s = b / DAYS;
            if (b % DAYS == 0)
                store[s] = rid_random_normal(&r);
            const double common =
                sqrt(store_share) * store[s] + sqrt(day_share) * rid_random_normal(&r);
            n[b] = PEOPLE;
            n_pooled[s] = DAYS * PEOPLE;
            for (size_t i = 0; i < PEOPLE; i++)
                for (size_t k = reached(threshold, common + chance * rid_random_normal(&r));
                     k-- > 0;) {
                    matched[b * THRESHOLDS + k]++;
                    pooled[s * THRESHOLDS + k]++;
                }
        }
        const rid_calibration c = by_store
                                      ? choose(n_pooled, pooled, STORES, THRESHOLDS, 1, promise)
                                      : choose(n, matched, STORES * DAYS, THRESHOLDS, 1, promise);
        o.refused += !c.kept;
        o.other_stores += c.kept && share[c.threshold] > promise.max_fpir;
        o.same_stores +=
            c.kept && fpir_of(store, threshold[c.threshold], store_share) > promise.max_fpir;
    }
    o.other_stores /= DRAWS;
    o.same_stores /= DRAWS;
    o.refused /= DRAWS;
    return o;
}

static void test_days_of_stores(void **state)
{
    (void)state;
    const by_days buckets = simulate_days(false, 200), stores = simulate_days(true, 200);
    print_message("days as clusters: broken %.4f for other stores, %.4f for these; refused %.4f\n",
                  buckets.other_stores, buckets.same_stores, buckets.refused);
    print_message(
        "stores as clusters: broken %.4f for other stores, %.4f for these; refused %.4f\n",
        stores.other_stores, stores.same_stores, stores.refused);
    assert_true(buckets.other_stores > 0.08);
    assert_true(buckets.same_stores <= 0.05);
    assert_true(stores.other_stores <= 0.05 && stores.same_stores <= 0.05 && stores.refused < 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_bucket),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_looser_thresholds),
        cmocka_unit_test(test_against_one_by_one),
        cmocka_unit_test(test_many_thresholds),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_promise),
        cmocka_unit_test(test_effects_are_needed),
        cmocka_unit_test(test_days_of_stores),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
