/* Figures of drawn people: by hand, against the copies one by one, and how often intervals hold the truth. */
#include "fixture.h"

#include "data/base/interrupt.h"
#include "eval/person_draws.h"

#include <signal.h>
#include <sys/wait.h>

static uint8_t weight_of(const rid_person_draws *d, size_t person, size_t draw)
{
    const size_t block = draw / RID_DRAWS_BLOCK, r = draw % RID_DRAWS_BLOCK;
    return d->weight[(block * d->n_people + person) * RID_DRAWS_BLOCK + r];
}

static void assert_figures(const double *got, size_t stride, const double wanted[RID_SURE_FIGURES])
{
    for (size_t f = 0; f < RID_SURE_FIGURES; f++)
        if (!(fabs(got[f * stride] - wanted[f]) <= 1e-12) &&
            !(isnan(got[f * stride]) && isnan(wanted[f])))
            fail_msg("%s: %.17g, expected %.17g", rid_sure_figure_name((rid_sure_figure)f),
                     got[f * stride], wanted[f]);
}

/* ---- by hand ---- */

/* Clusters {a a b c}, {a c}, {b}. */
static const rid_person_entry HAND[] = {{0, 7, RID_SEARCH_NO_MATCH},     {1, 7, RID_SEARCH_OTHER},
                                        {0, 7, RID_SEARCH_SAME},         {2, 7, RID_SEARCH_OTHER},
                                        {0, 3, RID_SEARCH_NO_MATCH},     {2, 3, RID_SEARCH_OTHER},
                                        {1, 5, RID_SEARCH_TO_UNLABELLED}};
enum { N_HAND = sizeof HAND / sizeof HAND[0] };

static void test_by_hand(void **state)
{
    (void)state;
    static const double wanted[][RID_SURE_FIGURES] = {
        /* Everybody once: 1 pair is right, 5 + 1 are false, 5 are true. */
        {1. / 7, 1. / 5, 2. / 12, 3.5 / 7, (5. / 3 + 1 + 1) / 7, 0, 3. / 4, 2. / 3},
        /* a twice, c once: 2 right, 2·2·1 + 2·1 false, 2·3 + 1 true. B-cubed: of 8 entries, 4 of a beside
         * one of c, c beside 4 of a's two copies, 2 of a beside one of c, c beside 2. */
        {2. / 8, 2. / 7, 4. / 15, (4 * 2. / 3 + 1. / 5 + 2 * 1. / 2 + 1. / 3) / 8,
         (2 * 5. / 3 + 1) / 8, 0, 3. / 5, 1. / 3},
        /* b three times: its copies do not meet. */
        {1, 0, 0, 1, 1. / 2, 0, 1, 1},
    };
    static const uint8_t weights[2][3] = {{2, 0, 1}, {0, 3, 0}};
    rid_person_table t;
    rid_person_draws d;
    double own[RID_SURE_FIGURES], value[RID_SURE_FIGURES * 2];
    assert_ok(rid_person_table_init(&t, 3, &err));
    assert_ok(rid_person_table_add(&t, HAND, N_HAND, &err));
    assert_ok(rid_person_table_add(&t, HAND, 0, &err));
    assert_ok(rid_person_draws_init(&d, 3, 2, 1, &err));
    for (size_t p = 0; p < 3; p++)
        for (size_t r = 0; r < 2; r++)
            d.weight[p * RID_DRAWS_BLOCK + r] = weights[r][p];
    assert_ok(rid_person_draws_figures(&d, &t, own, value, &err));
    for (size_t i = 0; i < 3; i++) {
        double all[RID_SURE_FIGURES];
        memcpy(all, wanted[i], sizeof all);
        all[RID_SURE_BCUBED_F1] = 2 * all[RID_SURE_BCUBED_PRECISION] * all[RID_SURE_BCUBED_RECALL] /
                                  (all[RID_SURE_BCUBED_PRECISION] + all[RID_SURE_BCUBED_RECALL]);
        assert_figures(i == 0 ? own : value + i - 1, i == 0 ? 1 : 2, all);
    }
    /* What was there is gone. */
    rid_person_table_reset(&t);
    assert_ok(rid_person_table_add(&t, HAND, 1, &err));
    assert_ok(rid_person_draws_figures(&d, &t, own, value, &err));
    assert_figures(own, 1, (const double[]){1, 1, 1, 1, 1, 1, NAN, 0});
    assert_figures(value + 1, 2, (const double[]){1, 1, 1, NAN, NAN, NAN, NAN, NAN});
    rid_person_draws_clear(&d);
    rid_person_table_clear(&t);
}

/* ---- against the copies ---- */

enum { PEOPLE = 12, BUCKETS = 3, ENTRIES = 30, DRAWS = 150, COPIES = BUCKETS * ENTRIES * PEOPLE };

/* An entry of a copy of a person. */
typedef struct copied_entry {
    rid_person_entry e;
    size_t bucket, copy;
} copied_entry;

static size_t copy_entries(copied_entry *out, const rid_person_entry *entries,
                           const size_t weight[PEOPLE])
{
    size_t n = 0;
    for (size_t i = 0; i < BUCKETS * ENTRIES; i++)
        for (size_t copy = 0; copy < weight[entries[i].person]; copy++)
            out[n++] = (copied_entry){entries[i], i / ENTRIES, copy};
    return n;
}

static double divided(double a, double b, double without)
{
    return b > 0 ? a / b : without;
}

static void figures_of_copies(double f[RID_SURE_FIGURES], const copied_entry *x, size_t n)
{
    double hit = 0, predicted = 0, of_one = 0, precision = 0, recall = 0;
    double mated = 0, nonmated = 0, found = 0, wrong = 0;
    for (size_t i = 0; i < n; i++) {
        double visits = 0, together = 0, size = 0;
        bool earlier = false;
        for (size_t j = 0; j < n; j++) {
            const bool same_person = x[i].e.person == x[j].e.person;
            const bool same = same_person && x[i].copy == x[j].copy;
            if (x[i].bucket != x[j].bucket || (same_person && !same))
                continue;
            const bool said = x[i].e.cluster == x[j].e.cluster;
            visits += same;
            together += same && said;
            size += said;
            earlier |= same && j < i;
            hit += i < j && same && said;
            predicted += i < j && said;
            of_one += i < j && same;
        }
        precision += together / size;
        recall += together / visits;
        mated += earlier;
        nonmated += !earlier;
        found += x[i].e.end == RID_SEARCH_SAME;
        wrong += !earlier && x[i].e.end == RID_SEARCH_OTHER;
    }
    const double p = divided(precision, (double)n, NAN), r = divided(recall, (double)n, NAN);
    const double all[] = {divided(hit, predicted, 1),
                          divided(hit, of_one, 1),
                          divided(2 * hit, predicted + of_one, 1),
                          p,
                          r,
                          divided(2 * p * r, p + r, NAN),
                          1 - divided(found, mated, NAN),
                          divided(wrong, nonmated, NAN)};
    memcpy(f, all, sizeof all);
}

static void test_copies(void **state)
{
    (void)state;
    static copied_entry copies[COPIES];
    for (uint64_t seed = 1; seed <= 4; seed++) {
        rid_random rng = fx_random(seed);
        rid_person_entry entries[BUCKETS * ENTRIES];
        rid_person_table t;
        rid_person_draws d;
        double own[RID_SURE_FIGURES],
            *value = rid_mem_alloc(RID_SURE_FIGURES * DRAWS, sizeof *value);
        assert_ok(rid_person_table_init(&t, PEOPLE, &err));
        for (size_t i = 0; i < BUCKETS * ENTRIES; i++)
            entries[i] = (rid_person_entry){(uint32_t)rid_random_below(&rng, PEOPLE),
                                            (uint32_t)rid_random_below(&rng, 4 * seed * seed),
                                            (rid_search_end)rid_random_below(&rng, 4)};
        for (size_t b = 0; b < BUCKETS; b++)
            assert_ok(rid_person_table_add(&t, entries + b * ENTRIES, ENTRIES, &err));
        assert_ok(rid_person_draws_init(&d, PEOPLE, DRAWS, seed, &err));
        assert_ok(rid_person_draws_figures(&d, &t, own, value, &err));
        for (size_t r = 0; r <= DRAWS; r++) {
            size_t weight[PEOPLE], n_drawn = 0;
            double wanted[RID_SURE_FIGURES];
            for (size_t p = 0; p < PEOPLE; p++)
                n_drawn += weight[p] = r == DRAWS ? 1 : weight_of(&d, p, r);
            assert_int_equal(n_drawn, PEOPLE);
            figures_of_copies(wanted, copies, copy_entries(copies, entries, weight));
            assert_figures(r == DRAWS ? own : value + r, r == DRAWS ? 1 : DRAWS, wanted);
        }
        rid_mem_free(value);
        rid_person_draws_clear(&d);
        rid_person_table_clear(&t);
    }
}

/* ---- coverage ---- */

enum { CROWD = 100, SAMPLES = 250, RESAMPLES = 400, VISITS = 4 };

/* Some people are taken for others more easily: a pair of people is taken for one with a chance that goes with
 * both; whoever is new then goes where the other one is. An entry may be left alone, too. */
static size_t make_crowd(rid_person_entry *out, rid_random *rng)
{
    double ease[CROWD];
    uint32_t cluster[CROWD];
    size_t n = 0;
    for (uint32_t p = 0; p < CROWD; p++) {
        ease[p] = exp(rid_random_normal(rng));
        cluster[p] = p;
        for (uint32_t q = 0; q < p; q++)
            if (rid_random_chance(rng, fmin(1, 0.001 * ease[p] * ease[q])))
                cluster[p] = cluster[q];
        for (size_t visits = 1 + rid_random_below(rng, VISITS); visits > 0; visits--) {
            const bool alone = rid_random_chance(rng, 0.1);
            out[n] = (rid_person_entry){p, alone ? CROWD + (uint32_t)n : cluster[p],
                                        RID_SEARCH_NO_MATCH};
            n++;
        }
    }
    return n;
}

/* 95% intervals of samples of a population whose figures are known: those of all samples pooled. (With false
 * pairs shared half and half by their people, those of precision hold it in 183 of 250, those of F1 in 194.) */
static void test_coverage(void **state)
{
    (void)state;
    static rid_interval found[SAMPLES][RID_SURE_FIGURES];
    rid_person_table t, pooled;
    rid_person_draws d;
    double truth[RID_SURE_FIGURES], own[RID_SURE_FIGURES];
    double *value = rid_mem_alloc(RID_SURE_FIGURES * RESAMPLES, sizeof *value);
    rid_random rng = fx_random(8);
    assert_ok(rid_person_table_init(&t, CROWD, &err));
    assert_ok(rid_person_table_init(&pooled, CROWD, &err));
    for (size_t i = 0; i < SAMPLES; i++) {
        rid_person_entry entries[CROWD * VISITS];
        const size_t n = make_crowd(entries, &rng);
        rid_person_table_reset(&t);
        assert_ok(rid_person_table_add(&t, entries, n, &err));
        assert_ok(rid_person_table_add(&pooled, entries, n, &err));
        assert_ok(rid_person_draws_init(&d, CROWD, RESAMPLES, i, &err));
        assert_ok(rid_person_draws_figures(&d, &t, own, value, &err));
        for (size_t f = 0; f < RID_SURE_FIGURES; f++)
            found[i][f] = rid_percentile_interval(own[f], value + f * RESAMPLES, RESAMPLES, 0.95);
        rid_person_draws_clear(&d);
    }
    assert_ok(rid_person_draws_init(&d, CROWD, 1, 0, &err));
    assert_ok(rid_person_draws_figures(&d, &pooled, truth, value, &err));
    rid_person_draws_clear(&d);
    for (size_t f = RID_SURE_PRECISION; f <= RID_SURE_BCUBED_F1; f++) {
        size_t held = 0;
        for (size_t i = 0; i < SAMPLES; i++)
            held += found[i][f].low <= truth[f] && truth[f] <= found[i][f].high;
        if (!(held >= 0.88 * SAMPLES))
            fail_msg("%s %.4f: in %zu of %d intervals", rid_sure_figure_name((rid_sure_figure)f),
                     truth[f], held, SAMPLES);
    }
    rid_mem_free(value);
    rid_person_table_clear(&t);
    rid_person_table_clear(&pooled);
}

/* ---- memory, signals ---- */

static rid_status draw_crowd(size_t resamples, rid_err *err)
{
    rid_random rng = fx_random(1);
    rid_person_entry entries[CROWD * VISITS];
    rid_person_table t;
    rid_person_draws d = {0};
    double own[RID_SURE_FIGURES];
    double *value = rid_mem_alloc(RID_SURE_FIGURES * resamples, sizeof *value);
    const size_t n = make_crowd(entries, &rng);
    rid_status st = rid_person_table_init(&t, CROWD, err);
    if (st == RID_OK)
        st = rid_person_table_add(&t, entries, n, err);
    if (st == RID_OK)
        st = rid_person_draws_init(&d, CROWD, resamples, 1, err);
    if (st == RID_OK)
        st = value ? rid_person_draws_figures(&d, &t, own, value, err) : RID_FAIL_NOMEM(err);
    rid_mem_free(value);
    rid_person_table_clear(&t);
    rid_person_draws_clear(&d);
    return st;
}

static void test_memory(void **state)
{
    (void)state;
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_mem_fail_after(nth);
        const rid_status st = draw_crowd(10, &(rid_err){0});
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

/* In the child; a million draws take seconds. */
static int stop_draws(void)
{
    rid_err err = {0};
    rid_person_draws d, more;
    rid_person_table t;
    double own[RID_SURE_FIGURES], value[RID_SURE_FIGURES * 10];
    if (rid_person_draws_init(&d, CROWD, 10, 1, &err) != RID_OK ||
        rid_person_table_init(&t, CROWD, &err) != RID_OK || rid_interrupt_install(&err) != RID_OK)
        return 2;
    const pid_t killer = fork();
    if (killer == 0) {
        usleep(20000);
        _exit(kill(getppid(), SIGTERM) == 0 ? 0 : 1);
    }
    if (draw_crowd(1000000, &err) != RID_EINTR)
        return 3;
    /* The signal has come: each part stops by itself. */
    return rid_person_draws_init(&more, CROWD, 10, 1, &err) == RID_EINTR &&
                   rid_person_draws_figures(&d, &t, own, value, &err) == RID_EINTR
               ? 0
               : 4;
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    const pid_t child = fork();
    if (child == 0)
        _exit(stop_draws());
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_copies),
        cmocka_unit_test(test_coverage),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
