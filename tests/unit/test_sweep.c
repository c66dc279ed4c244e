/* The sweep against the rule replayed at every cell. */
#include "fixture.h"

#include "data/base/interrupt.h"
#include "eval/cluster.h"
#include "eval/sweep.h"

#include <time.h>

enum { DIM = 4, MAX_BUCKETS = 4 };

/* A data set: its buckets one after the other. */
typedef struct data_set {
    float *emb;
    uint8_t *usable;
    uint32_t *person;
    rid_sweep_bucket buckets[MAX_BUCKETS];
    size_t n_buckets, n;
} data_set;

/* Entries around a few centres; with steps > 0 rounded to multiples of 1/steps, so that many scores are
 * equal. Some entries repeat an earlier one, some are unlabelled, some cannot be matched. */
static data_set make_data(uint64_t seed, size_t n_buckets, size_t n, size_t n_people, double noise,
                          double steps)
{
    rid_random r = fx_random(seed);
    const size_t all = n_buckets * n;
    data_set d = {.n_buckets = n_buckets, .n = all};
    float *centre = rid_mem_alloc(n_people * DIM, sizeof *centre);
    d.emb = rid_mem_alloc(all * DIM, sizeof *d.emb);
    d.usable = rid_mem_alloc(all, 1);
    d.person = rid_mem_alloc(all, sizeof *d.person);
    rid_random_normals(&r, centre, n_people * DIM);
    for (size_t i = 0; i < all; i++) {
        float *x = d.emb + i * DIM;
        const size_t who = rid_random_below(&r, n_people);
        double sum = 0;
        d.usable[i] = !rid_random_chance(&r, 0.1);
        d.person[i] = rid_random_chance(&r, 0.1) ? RID_UNLABELLED : (uint32_t)(who * 1000003);
        for (size_t k = 0; k < DIM; k++) {
            x[k] = centre[who * DIM + k] + (float)(noise * rid_random_normal(&r));
            sum += (double)x[k] * (double)x[k];
        }
        for (size_t k = 0; k < DIM; k++) {
            x[k] = (float)((double)x[k] / sqrt(sum));
            if (steps > 0)
                x[k] = (float)(round((double)x[k] * steps) / steps);
        }
        if (i % n > 0 && rid_random_chance(&r, 0.1))
            memcpy(x, d.emb + (i / n * n + rid_random_below(&r, i % n)) * DIM, DIM * sizeof *x);
    }
    for (size_t b = 0; b < n_buckets; b++)
        d.buckets[b] = (rid_sweep_bucket){d.emb + b * n * DIM, d.usable + b * n, d.person + b * n, n};
    rid_mem_free(centre);
    return d;
}

static void free_data(data_set *d)
{
    rid_mem_free(d->emb);
    rid_mem_free(d->usable);
    rid_mem_free(d->person);
}

/* What rid_cluster does with the rule, counted. */
static rid_sweep_cell replay(const rid_sweep_bucket *buckets, size_t n_buckets, const rid_rule *rule)
{
    rid_sweep_cell all = {0};
    for (size_t b = 0; b < n_buckets; b++) {
        const rid_sweep_bucket *bucket = &buckets[b];
        rid_decision *d = rid_mem_alloc(bucket->n, sizeof *d);
        uint32_t *predicted = rid_mem_alloc(bucket->n, sizeof *predicted);
        rid_truth *truth;
        rid_cluster_counts clusters;
        rid_search_counts searches;
        size_t n_people;
        assert_ok(rid_cluster(d, &n_people, bucket->emb, bucket->usable, bucket->n, DIM, rule, 1, &err));
        for (size_t i = 0; i < bucket->n; i++)
            predicted[i] = d[i].person;
        assert_ok(rid_cluster_count(&clusters, bucket->person, predicted, bucket->n, &err));
        assert_ok(rid_truth_new(&truth, bucket->person, bucket->n, &err));
        rid_truth_count_searches(truth, d, &searches);
        rid_truth_free(truth);
        rid_cluster_counts_add(&all.clusters, &clusters);
        rid_search_counts_add(&all.searches, &searches);
        rid_mem_free(predicted);
        rid_mem_free(d);
    }
    return all;
}

static void assert_same_cell(const rid_sweep_cell *a, const rid_sweep_cell *b, const rid_rule *rule)
{
    const bool same =
        a->clusters.entries == b->clusters.entries && a->clusters.persons == b->clusters.persons &&
        a->clusters.true_persons == b->clusters.true_persons &&
        a->clusters.pairs == b->clusters.pairs &&
        a->clusters.predicted_pairs == b->clusters.predicted_pairs &&
        a->clusters.true_pairs == b->clusters.true_pairs &&
        a->clusters.hit_pairs == b->clusters.hit_pairs &&
        a->clusters.precision_sum == b->clusters.precision_sum &&
        a->clusters.recall_sum == b->clusters.recall_sum &&
        a->clusters.joint_log == b->clusters.joint_log &&
        a->clusters.predicted_log == b->clusters.predicted_log &&
        a->clusters.true_log == b->clusters.true_log &&
        a->clusters.entries_log == b->clusters.entries_log &&
        a->searches.mated == b->searches.mated && a->searches.nonmated == b->searches.nonmated &&
        a->searches.hits == b->searches.hits &&
        a->searches.wrong_matches == b->searches.wrong_matches &&
        a->searches.false_matches == b->searches.false_matches &&
        a->searches.to_unlabelled == b->searches.to_unlabelled;
    if (!same)
        fail_msg("%s %.17g %.17g: hits %d and %d, hit pairs %d and %d", rid_nn2_name(rule->nn2),
                 rule->threshold, rule->margin, (int)a->searches.hits, (int)b->searches.hits,
                 (int)a->clusters.hit_pairs, (int)b->clusters.hit_pairs);
}

static const struct {
    size_t n_buckets, n, n_people;
    double noise, steps;
} sets[] = {{1, 120, 15, 0.2, 0}, {3, 60, 8, 0.3, 4},  {1, 90, 2, 0.3, 0},
            {2, 80, 3, 0.1, 8},   {1, 100, 60, 1, 2}, {4, 30, 1, 0.5, 0}};
enum { N_SETS = sizeof sets / sizeof sets[0] };

static data_set make_set(size_t i)
{
    return make_data(i, sets[i].n_buckets, sets[i].n, sets[i].n_people, sets[i].noise, sets[i].steps);
}

static rid_sweep *scan_all(const data_set *d, rid_nn2_mode nn2, int threads)
{
    rid_sweep *s;
    assert_ok(rid_sweep_new(&s, d->n_buckets, DIM, nn2 == RID_NN2_IDENTITY, &err));
    for (size_t b = 0; b < d->n_buckets; b++)
        assert_ok(rid_sweep_add(s, &d->buckets[b], threads, &err));
    return s;
}

static void check_surface(const data_set *d, rid_nn2_mode nn2, const rid_sweep_grid *grid, int threads)
{
    rid_sweep *s = scan_all(d, nn2, threads);
    rid_sweep_cell *cells = rid_mem_alloc(grid->n_thresholds * grid->n_margins, sizeof *cells);
    assert_ok(rid_sweep_surface(s, nn2, grid, cells, threads, &err));
    for (size_t m = 0; m < grid->n_margins; m++) {
        for (size_t t = 0; t < grid->n_thresholds; t++) {
            const rid_rule rule = {grid->threshold[t], grid->margin[m], nn2};
            const rid_sweep_cell plain = replay(d->buckets, d->n_buckets, &rule);
            assert_same_cell(&cells[m * grid->n_thresholds + t], &plain, &rule);
        }
    }
    rid_mem_free(cells);
    rid_sweep_free(s);
}

static void test_surface(void **state)
{
    (void)state;
    double threshold[150], margin[] = {-0.5, 0, 1e-9, 0.01, 0.02, 0.0625, 0.125, 0.3, 0.7, 1.2, 1.9, 2, 2.3};
    for (size_t i = 0; i < 150; i++)
        threshold[i] = -1.1 + 2.2 / 149 * (double)i;
    for (size_t i = 0; i < N_SETS; i++) {
        data_set d = make_set(i);
        for (int nn2 = 0; nn2 < 2; nn2++) {
            rid_sweep_grid grid = {threshold, margin, i == 1 ? 150 : 31, sizeof margin / sizeof *margin};
            check_surface(&d, (rid_nn2_mode)nn2, &grid, 1 + (int)i % 3);
        }
        free_data(&d);
    }
}

/* The best over the grid of quantiles by replaying all of it. */
static rid_sweep_best plain_best(const data_set *d, rid_nn2_mode nn2, size_t max_side)
{
    rid_sweep *s = scan_all(d, nn2, 1);
    rid_sweep_grid grid;
    rid_sweep_best best = {NAN, NAN, NAN};
    assert_ok(rid_sweep_quantiles(s, nn2, max_side, &grid, &err));
    assert_true(grid.n_thresholds >= 1 && grid.n_thresholds <= max_side);
    assert_true(grid.n_margins >= 1 && grid.n_margins <= max_side);
    bool has_zero = false;
    for (size_t m = 0; m < grid.n_margins; m++) {
        assert_true(m == 0 || grid.margin[m] > grid.margin[m - 1]);
        has_zero |= grid.margin[m] == 0;
        for (size_t t = 0; t < grid.n_thresholds; t++) {
            assert_true(t == 0 || grid.threshold[t] > grid.threshold[t - 1]);
            const rid_rule rule = {grid.threshold[t], grid.margin[m], nn2};
            const rid_sweep_cell c = replay(d->buckets, d->n_buckets, &rule);
            const double f1 = rid_cluster_metrics_of(&c.clusters).pairwise_f1;
            if (isnan(best.f1) || f1 > best.f1 ||
                (f1 == best.f1 &&
                 (rule.threshold > best.threshold ||
                  (rule.threshold == best.threshold && rule.margin > best.margin))))
                best = (rid_sweep_best){f1, rule.threshold, rule.margin};
        }
    }
    assert_true(has_zero);
    rid_sweep_grid_clear(&grid);
    rid_sweep_free(s);
    return best;
}

static void test_best_f1(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_SETS; i++) {
        data_set d = make_set(i);
        for (int nn2 = 0; nn2 < 2; nn2++) {
            for (size_t side = 1; side <= 24; side = side * 3 + 1) {
                const rid_sweep_best plain = plain_best(&d, (rid_nn2_mode)nn2, side);
                for (int threads = 1; threads <= 3; threads += 2) {
                    rid_sweep_best best;
                    assert_ok(rid_sweep_best_f1(&best, d.buckets, d.n_buckets, DIM, (rid_nn2_mode)nn2,
                                                side, threads, &err));
                    assert_memory_equal(&best, &plain, sizeof best);
                }
            }
        }
        free_data(&d);
    }
}

static void test_nothing_to_find(void **state)
{
    (void)state;
    static const float emb[] = {1, 0, 0, 0, 0, 1, 0, 0};
    const uint8_t unusable[] = {0, 0};
    const uint32_t same[] = {5, 5}, other[] = {5, 6}, nobody[] = {RID_UNLABELLED, RID_UNLABELLED};
    rid_sweep_best best;
    for (int nn2 = 0; nn2 < 2; nn2++) {
        rid_sweep_bucket b = {emb, NULL, other, 2};
        assert_ok(rid_sweep_best_f1(&best, &b, 1, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(isnan(best.f1) && isnan(best.threshold) && isnan(best.margin));
        b.person = nobody;
        assert_ok(rid_sweep_best_f1(&best, &b, 1, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(isnan(best.f1));
        b.n = 0;
        assert_ok(rid_sweep_best_f1(&best, &b, 1, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(isnan(best.f1));
        assert_ok(rid_sweep_best_f1(&best, &b, 0, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(isnan(best.f1));
        /* A pair that no rule finds, and one that all do. */
        b = (rid_sweep_bucket){emb, unusable, same, 2};
        assert_ok(rid_sweep_best_f1(&best, &b, 1, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(best.f1 == 0 && best.margin >= 0 && !isnan(best.threshold));
        b.usable = NULL;
        assert_ok(rid_sweep_best_f1(&best, &b, 1, DIM, (rid_nn2_mode)nn2, 8, 2, &err));
        assert_true(best.f1 == 1 && best.threshold == 0 && best.margin == 1);
    }
}

static void test_bad_rows_and_memory(void **state)
{
    (void)state;
    data_set d = make_set(3);
    rid_sweep_best best, whole;
    for (int nn2 = 0; nn2 < 2; nn2++) {
        const int64_t blocks = rid_mem_live_blocks();
        const uint64_t before = rid_mem_allocations();
        assert_ok(rid_sweep_best_f1(&whole, d.buckets, 1, DIM, (rid_nn2_mode)nn2, 6, 1, &err));
        const uint64_t n = rid_mem_allocations() - before;
        for (uint64_t nth = 1; nth <= n; nth++) {
            rid_err err = {0};
            rid_mem_fail_after(nth);
            const rid_status st =
                rid_sweep_best_f1(&best, d.buckets, 1, DIM, (rid_nn2_mode)nn2, 6, 1, &err);
            rid_mem_fail_after(0);
            assert_int_equal(st, RID_ETEMP);
            assert_int_equal(rid_mem_live_blocks(), blocks);
        }
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    for (size_t i = 0; i < d.buckets[1].n; i++)
        d.emb[(d.buckets[0].n + i) * DIM] = NAN;
    assert_fails(rid_sweep_best_f1(&best, d.buckets, 2, DIM, RID_NN2_IDENTITY, 6, 1, &err), RID_EDATA,
                 "not finite");
    free_data(&d);
}

static int begin(void **state)
{
    (void)state;
    alarm(180);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_surface),
        cmocka_unit_test(test_best_f1),
        cmocka_unit_test(test_nothing_to_find),
        cmocka_unit_test(test_bad_rows_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
