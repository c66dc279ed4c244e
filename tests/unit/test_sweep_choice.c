/* What is chosen from a sweep, and how sure it is: against enumeration. */
#include "sweep_fixture.h"

#include "data/base/random.h"
#include "eval/optimum.h"
#include "eval/sweep_bootstrap.h"
#include "eval/sweep_grid.h"
#include "eval/sweep_pick.h"

static void test_grid(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        double x[6];
    } good[] = {
        {"0.3", 1, {0.3}},
        {"0.1:0.3:0.1", 3, {0.1, 0.2, 0.3}},
        {"0:1:0.4", 4, {0, 0.4, 0.8, 1}},
        {"0,0.02,0.1", 3, {0, 0.02, 0.1}},
        {"0.5,-1:-0.5:0.25,0.5", 4, {-1, -0.75, -0.5, 0.5}},
        {"0.7:0.7:0.1", 1, {0.7}},
        {"-0", 1, {0}},
        {".5", 1, {0.5}},
    };
    static const char *const bad[] = {"", "x", "1:2", "1:2:3:4", "0.3:0.1:0.1", "0:1:0", "0:1:-1", "1,",
                                      ":", "1e3", "0.1.2", "1234567", "0:1:0.00001", "nan", "0x1"};
    double *x;
    size_t n;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_ok(rid_grid_parse(&x, &n, good[i].text, "margin", &err));
        assert_int_equal(n, good[i].n);
        for (size_t k = 0; k < n; k++)
            assert_true(x[k] == good[i].x[k] && !signbit(x[k] + 0.0) == !signbit(good[i].x[k]));
        rid_mem_free(x);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(rid_grid_parse(&x, &n, bad[i], "margin", &err), RID_EUSAGE, "--margin");
        assert_null(x);
    }
    assert_ok(rid_grid_parse(&x, &n, "0:0.999:0.001", "threshold", &err));
    assert_int_equal(n, 1000);
    for (size_t k = 0; k < n; k++) {
        char text[32];
        snprintf(text, sizeof text, "0.%03zu", k);
        assert_true(x[k] == strtod(text, NULL));
    }
    rid_mem_free(x);
    assert_true(rid_grid_parse_auto("auto", &n) && n == 100);
    assert_true(rid_grid_parse_auto("auto:7", &n) && n == 7);
    assert_false(rid_grid_parse_auto("auto:1", &n) || rid_grid_parse_auto("auto:1001", &n) ||
                 rid_grid_parse_auto("auto7", &n) || rid_grid_parse_auto("all", &n));
}

static const char *const OBJECTIVES[] = {"f1", "bcubed-f1", "precision@recall=0.6",
                                         "recall@precision=0.8", "fnir@fpir=0.2", "fnir@fpir=0",
                                         "precision@recall=1"};
enum { N_OBJECTIVES = sizeof OBJECTIVES / sizeof OBJECTIVES[0] };

static void test_objective(void **state)
{
    (void)state;
    rid_objective o;
    static const char *const bad[] = {"",      "f2", "f1x", "precision@recall=", "fnir@fpir=1.1",
                                      "fnir@fpir=-0.1", "fnir", "recall@precision=x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rid_objective_parse(bad[i], &o));
    assert_true(rid_objective_parse("fnir@fpir=0.25", &o));
    assert_true(o.kind == RID_OBJECTIVE_FNIR && o.bound == 0.25);
    /* The condition comes first, then the value, then the lower FPIR; undefined is worst. */
    const rid_merit order[] = {{0, 0.9, 0.1}, {0, 0.9, 0.2},  {0, 0.9, NAN}, {0, 0.8, 0},
                               {0.1, 1, 0},   {0.2, 0.99, 0}, {0, NAN, 0}};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        for (size_t k = 0; k < sizeof order / sizeof order[0]; k++) {
            const int by = rid_merit_compare(&order[i], &order[k]);
            assert_true(i == k ? by == 0 : i < k ? by > 0 : by < 0);
        }
}

/* Every score as a threshold, every gap and 0 as a margin, replayed. */
static rid_optimum enumerate(const data_set *d, const rid_objective *o)
{
    double *t = rid_mem_alloc(d->n, sizeof *t), *m = rid_mem_alloc(d->n + 1, sizeof *m);
    size_t n = 0;
    rid_optimum best = {.threshold = 1, .merit = {.value = NAN, .fpir = NAN}, .exact = true};
    const rid_rule never = {2, 0, RID_NN2_NEIGHBOR};
    m[d->n] = 0;
    for (size_t b = 0; b < d->n_buckets; b++) {
        const rid_sweep_bucket *bucket = &d->buckets[b];
        rid_decision *decisions = rid_mem_alloc(bucket->n, sizeof *decisions);
        size_t people;
        assert_ok(rid_cluster(decisions, &people, bucket->emb, bucket->usable, bucket->n, DIM, &never,
                              1, &err));
        for (size_t i = 0; i < bucket->n; i++) {
            const rid_decision *x = &decisions[i];
            if (x->nn1.row == RID_NO_ENTRY)
                continue;
            t[n] = (double)x->nn1.score;
            m[n++] = (double)x->nn1.score - (double)x->nn2.score;
        }
        rid_mem_free(decisions);
    }
    m[n] = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k <= n; k++) {
            const rid_rule rule = {t[i], m[k], RID_NN2_NEIGHBOR};
            const rid_sweep_cell cell = replay(d->buckets, d->n_buckets, &rule);
            const rid_merit merit = rid_objective_merit(o, &cell);
            const int by = rid_merit_compare(&merit, &best.merit);
            if (isnan(merit.value) || by < 0 ||
                (by == 0 && (t[i] < best.threshold ||
                             (t[i] == best.threshold && m[k] <= best.margin))))
                continue;
            best = (rid_optimum){t[i], m[k], merit, true};
        }
    }
    rid_mem_free(t);
    rid_mem_free(m);
    return best;
}

static void test_optimum(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        data_set d = i == 0   ? make_data(7, 1, 40, 6, 0.3, 0)
                     : i == 1 ? make_data(8, 2, 18, 4, 0.3, 4)
                              : make_data(9, 3, 12, 3, 0.5, 8);
        rid_sweep *s = scan_all(&d, RID_NN2_NEIGHBOR, 1);
        for (size_t k = 0; k < N_OBJECTIVES; k++) {
            rid_objective o;
            rid_optimum found;
            assert_true(rid_objective_parse(OBJECTIVES[k], &o));
            const rid_optimum plain = enumerate(&d, &o);
            for (int threads = 1; threads <= 3; threads += 2) {
                assert_ok(rid_optimum_find(&found, s, &o, threads, &err));
                assert_true(found.exact);
                assert_int_equal(rid_merit_compare(&found.merit, &plain.merit), 0);
                assert_true(found.threshold == plain.threshold && found.margin == plain.margin);
            }
        }
        rid_sweep_free(s);
        free_data(&d);
    }
    /* Nothing to find. */
    rid_sweep *s;
    rid_optimum found;
    const rid_objective o = {RID_OBJECTIVE_F1, 0};
    assert_ok(rid_sweep_new(&s, 0, DIM, false, &err));
    assert_ok(rid_optimum_find(&found, s, &o, 2, &err));
    assert_true(isnan(found.merit.value) && found.threshold == 1 && found.margin == 0);
    rid_sweep_free(s);
}

/* Both modes on a coarse grid, so that values are equal in many cells. */
static void make_surfaces(rid_surface surfaces[2], double *threshold, size_t n_thresholds, double *margin,
                          size_t n_margins, const rid_sweep *s)
{
    for (int nn2 = 0; nn2 < 2; nn2++) {
        surfaces[nn2] = (rid_surface){.nn2 = (rid_nn2_mode)nn2,
                                      .grid = {threshold, margin, n_thresholds, n_margins}};
        surfaces[nn2].cells = rid_mem_alloc(n_thresholds * n_margins, sizeof(rid_sweep_cell));
        assert_ok(rid_sweep_surface(s, (rid_nn2_mode)nn2, &surfaces[nn2].grid, surfaces[nn2].cells, 1,
                                    &err));
    }
}

static void test_pick(void **state)
{
    (void)state;
    double threshold[24], margin[] = {0, 0.01, 0.02, 0.05, 0.1, 0.2};
    enum { MARGINS = sizeof margin / sizeof margin[0], MAX = 500 };
    rid_pick top[MAX], few[5];
    for (size_t i = 0; i < 24; i++)
        threshold[i] = 0.04 * (double)(i + 1);
    for (size_t i = 0; i < N_SETS; i++) {
        data_set d = make_set(i);
        rid_surface surfaces[2];
        rid_sweep *s = scan_all(&d, RID_NN2_IDENTITY, 1);
        make_surfaces(surfaces, threshold, 24, margin, MARGINS, s);
        for (size_t k = 0; k < N_OBJECTIVES; k++) {
            rid_objective o;
            rid_plateau p;
            assert_true(rid_objective_parse(OBJECTIVES[k], &o));
            const size_t n = rid_pick_top(top, MAX, surfaces, 2, &o);
            assert_int_equal(n, 2 * 24 * MARGINS);
            for (size_t a = 1; a < n; a++)
                assert_true(rid_pick_compare(surfaces, &top[a - 1], &top[a]) > 0);
            assert_int_equal(rid_pick_top(few, 5, surfaces, 2, &o), 5);
            for (size_t a = 0; a < 5; a++)
                assert_true(few[a].surface == top[a].surface && few[a].margin == top[a].margin &&
                            few[a].threshold == top[a].threshold);
            assert_ok(rid_pick_plateau(&p, surfaces, &top[0], &o, &err));
            const rid_rule best = rid_pick_rule(surfaces, &top[0]);
            size_t n_equal = 0;
            for (size_t a = 0; a < n; a++)
                n_equal += top[a].surface == top[0].surface && top[a].merit.value == top[0].merit.value &&
                           top[a].merit.lack == top[0].merit.lack;
            assert_true(p.n_cells >= 1 && p.n_cells <= n_equal);
            assert_true(p.threshold_min <= best.threshold && p.threshold_max >= best.threshold);
            assert_true(p.margin_min <= best.margin && p.margin_max >= best.margin);
        }
        for (int nn2 = 0; nn2 < 2; nn2++)
            rid_mem_free(surfaces[nn2].cells);
        rid_sweep_free(s);
        free_data(&d);
    }
}

/* A plateau drawn by hand: values of F1 are hit pairs over ten. */
static void test_plateau_by_hand(void **state)
{
    (void)state;
    static const uint64_t level[3][5] = {{1, 5, 5, 2, 5}, {5, 5, 1, 2, 5}, {3, 1, 5, 1, 1}};
    double threshold[] = {0.1, 0.2, 0.3, 0.4, 0.5}, margin[] = {0, 0.5, 1};
    rid_sweep_cell cells[15];
    const rid_objective o = {RID_OBJECTIVE_F1, 0};
    rid_surface s = {RID_NN2_NEIGHBOR, {threshold, margin, 5, 3}, cells};
    rid_pick top[15];
    rid_plateau p;
    for (size_t i = 0; i < 15; i++)
        cells[i] = (rid_sweep_cell){.clusters = {.entries = 5,
                                                 .true_pairs = 10,
                                                 .predicted_pairs = 10,
                                                 .hit_pairs = level[i / 5][i % 5]}};
    assert_int_equal(rid_pick_top(top, 15, &s, 1, &o), 15);
    assert_true(top[0].threshold == 4 && top[0].margin == 1); /* higher threshold, then margin */
    assert_ok(rid_pick_plateau(&p, &s, &top[0], &o, &err));
    assert_true(p.n_cells == 2 && p.threshold_min == 0.5 && p.threshold_max == 0.5 &&
                p.margin_min == 0 && p.margin_max == 0.5);
    assert_true(top[2].threshold == 2 && top[2].margin == 2);
    assert_ok(rid_pick_plateau(&p, &s, &top[2], &o, &err));
    assert_int_equal(p.n_cells, 1);
    assert_true(top[3].threshold == 2 && top[3].margin == 0);
    assert_ok(rid_pick_plateau(&p, &s, &top[3], &o, &err));
    assert_true(p.n_cells == 4 && p.threshold_min == 0.1 && p.threshold_max == 0.3 &&
                p.margin_min == 0 && p.margin_max == 0.5);
}

/* ---- bootstrap ---- */

enum { DRAWS = 60, PEOPLE_MAX = 128 };

/* Pairwise F1 and FPIR of each draw from lists of pairs and searches. */
static void draw_by_hand(const data_set *d, const rid_rule *rule, uint64_t seed, double *f1, double *fpir)
{
    uint32_t people[PEOPLE_MAX];
    size_t n = 0;
    for (uint32_t p = 0; p < 100; p++) /* as make_data numbers them */
        for (size_t i = 0; i < d->n; i++)
            if (d->person[i] == p * 1000003) {
                people[n++] = p * 1000003;
                break;
            }
    for (uint64_t r = 0; r < DRAWS; r++) {
        double weight[PEOPLE_MAX] = {0}, hit = 0, predicted = 0, true_pairs = 0, first = 0, wrong = 0;
        const uint64_t key[] = {seed, r};
        rid_random rng = rid_random_of(key, 2);
        for (size_t i = 0; i < n; i++)
            weight[rid_random_below(&rng, n)] += 1;
        for (size_t b = 0; b < d->n_buckets; b++) {
            const rid_sweep_bucket *x = &d->buckets[b];
            rid_decision *z = rid_mem_alloc(x->n, sizeof *z);
            size_t n_people, of[512];
            assert_ok(rid_cluster(z, &n_people, x->emb, x->usable, x->n, DIM, rule, 1, &err));
            for (size_t i = 0; i < x->n; i++) {
                bool mated = false;
                of[i] = n;
                for (size_t p = 0; p < n; p++)
                    if (people[p] == x->person[i])
                        of[i] = p;
                if (of[i] == n)
                    continue;
                for (size_t j = 0; j < i; j++) {
                    if (of[j] == n)
                        continue;
                    const double w = weight[of[i]] * (of[i] == of[j] ? 1 : weight[of[j]]);
                    mated |= of[i] == of[j];
                    true_pairs += of[i] == of[j] ? w : 0;
                    predicted += z[i].person == z[j].person ? w : 0;
                    hit += of[i] == of[j] && z[i].person == z[j].person ? w : 0;
                }
                first += mated ? 0 : weight[of[i]];
                wrong += !mated && z[i].matched && of[z[i].nn1.row] != n ? weight[of[i]] : 0;
            }
            rid_mem_free(z);
        }
        f1[r] = predicted + true_pairs > 0 ? 2 * hit / (predicted + true_pairs) : 1;
        fpir[r] = first > 0 ? wrong / first : NAN;
    }
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void assert_interval(const rid_interval *i, double *x)
{
    qsort(x, DRAWS, sizeof *x, compare_doubles);
    assert_true(fabs(i->low - rid_quantile_of_sorted(x, DRAWS, 0.05)) < 1e-12);
    assert_true(fabs(i->high - rid_quantile_of_sorted(x, DRAWS, 0.95)) < 1e-12);
}

static void test_bootstrap(void **state)
{
    (void)state;
    const rid_objective o = {RID_OBJECTIVE_F1, 0};
    for (size_t i = 0; i < N_SETS; i++) {
        data_set d = make_set(i);
        rid_sweep *s = scan_all(&d, RID_NN2_IDENTITY, 1);
        for (int nn2 = 0; nn2 < 2; nn2++) {
            const rid_rule rules[] = {{0.8, 0.01, (rid_nn2_mode)nn2}, {0.8, 0.01, (rid_nn2_mode)nn2},
                                      {0.6, 0, (rid_nn2_mode)nn2}, {2, 0, (rid_nn2_mode)nn2}};
            rid_sure_cell sure[4], again[4];
            double f1[2][DRAWS], fpir[2][DRAWS], behind[DRAWS];
            assert_ok(rid_sweep_bootstrap(sure, s, rules, 4, &o, DRAWS, 0.9, 5, 1, &err));
            assert_ok(rid_sweep_bootstrap(again, s, rules, 4, &o, DRAWS, 0.9, 5, 3, &err));
            for (size_t c = 0; c < 4; c++) {
                const rid_sweep_cell cell = replay(d.buckets, d.n_buckets, &rules[c]);
                const rid_cluster_metrics m = rid_cluster_metrics_of(&cell.clusters);
                const rid_interval *f = sure[c].figure;
                const double own[] = {m.pairwise_precision, m.pairwise_recall, m.pairwise_f1,
                                      m.bcubed_precision, m.bcubed_recall, m.bcubed_f1,
                                      rid_search_fnir(&cell.searches), rid_search_fpir(&cell.searches)};
                for (size_t k = 0; k < RID_SURE_FIGURES; k++) {
                    assert_true(fabs(f[k].mean - own[k]) < 1e-12);
                    assert_memory_equal(&f[k], &again[c].figure[k], sizeof f[k]);
                }
            }
            draw_by_hand(&d, &rules[0], 5, f1[0], fpir[0]);
            draw_by_hand(&d, &rules[2], 5, f1[1], fpir[1]);
            for (size_t r = 0; r < DRAWS; r++)
                behind[r] = f1[0][r] - f1[1][r];
            assert_interval(&sure[2].behind, behind);
            assert_interval(&sure[0].figure[RID_SURE_F1], f1[0]);
            assert_interval(&sure[2].figure[RID_SURE_F1], f1[1]);
            assert_interval(&sure[0].figure[RID_SURE_FPIR], fpir[0]);
            assert_true(sure[0].as_good && sure[1].as_good && sure[1].behind.high == 0);
        }
        rid_sweep_free(s);
        free_data(&d);
    }
}

static void test_memory(void **state)
{
    (void)state;
    data_set d = make_set(3);
    const rid_objective o = {RID_OBJECTIVE_F1, 0};
    const rid_rule rules[] = {{0.8, 0.01, RID_NN2_IDENTITY}, {0.7, 0.01, RID_NN2_NEIGHBOR}};
    rid_sweep *s = scan_all(&d, RID_NN2_IDENTITY, 1);
    rid_sure_cell sure[2];
    rid_optimum found;
    const int64_t blocks = rid_mem_live_blocks();
    for (int job = 0; job < 2; job++) {
        for (uint64_t nth = 1;; nth++) {
            rid_err err = {0};
            rid_mem_fail_after(nth);
            const rid_status st = job == 0
                                      ? rid_sweep_bootstrap(sure, s, rules, 2, &o, 20, 0.9, 1, 1, &err)
                                      : rid_optimum_find(&found, s, &o, 1, &err);
            rid_mem_fail_after(0);
            assert_int_equal(rid_mem_live_blocks(), blocks);
            if (st == RID_OK)
                break;
            assert_int_equal(st, RID_ETEMP);
        }
    }
    rid_sweep_free(s);
    for (size_t i = 0; i < d.n; i++)
        d.person[i] = RID_UNLABELLED;
    s = scan_all(&d, RID_NN2_NEIGHBOR, 1);
    assert_fails(rid_sweep_bootstrap(sure, s, rules + 1, 1, &o, 20, 0.9, 1, 1, &err), RID_EDATA,
                 "no labelled");
    rid_sweep_free(s);
    free_data(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid),        cmocka_unit_test(test_objective),
        cmocka_unit_test(test_optimum),     cmocka_unit_test(test_pick),
        cmocka_unit_test(test_plateau_by_hand), cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
