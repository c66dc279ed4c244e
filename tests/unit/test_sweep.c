/* The sweep against the rule replayed at every cell. */
#include "sweep_fixture.h"

#include "eval/replay.h"

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
        a->searches.to_unlabelled == b->searches.to_unlabelled &&
        a->searches.nonmated_to_unlabelled == b->searches.nonmated_to_unlabelled &&
        a->pairs.same == b->pairs.same && a->pairs.different == b->pairs.different &&
        a->pairs.same_together == b->pairs.same_together &&
        a->pairs.different_together == b->pairs.different_together;
    if (!same)
        fail_msg("%s %.17g %.17g: hits %d and %d, hit pairs %d and %d", rid_nn2_name(rule->nn2),
                 rule->threshold, rule->margin, (int)a->searches.hits, (int)b->searches.hits,
                 (int)a->clusters.hit_pairs, (int)b->clusters.hit_pairs);
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
        rid_sweep_bucket b = {.emb = emb, .person = other, .n = 2};
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
        b = (rid_sweep_bucket){.emb = emb, .usable = unusable, .person = same, .n = 2};
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

/* Scores that find no room are computed again: the same decisions. */
static void test_scores_not_kept(void **state)
{
    (void)state;
    enum { LANES = 32 };
    double threshold[LANES];
    for (size_t l = 0; l < LANES; l++)
        threshold[l] = 0.03 * (double)l;
    for (size_t i = 0; i < N_SETS; i++) {
        data_set d = make_set(i);
        const rid_sweep_bucket *b = &d.buckets[0];
        uint32_t *label[2];
        for (int kept = 0; kept < 2; kept++) {
            rid_replay r;
            size_t spare = kept ? (size_t)1 << 20 : 0;
            assert_ok(rid_replay_init(&r, b->emb, b->usable, b->n, DIM, true, &spare, 1, &err));
            assert_true(kept ? r.scores && !r.packed : !r.scores && r.packed);
            float *scratch = rid_mem_alloc_aligned(rid_replay_scratch(&r), sizeof *scratch);
            label[kept] = rid_mem_alloc_aligned(b->n * LANES, sizeof *label[kept]);
            rid_replay_run(&r, 0.02, threshold, LANES, label[kept], scratch);
            rid_mem_free(scratch);
            rid_replay_clear(&r);
        }
        assert_memory_equal(label[0], label[1], b->n * LANES * sizeof *label[0]);
        rid_mem_free(label[0]);
        rid_mem_free(label[1]);
        free_data(&d);
    }
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
        cmocka_unit_test(test_scores_not_kept),
        cmocka_unit_test(test_best_f1),
        cmocka_unit_test(test_nothing_to_find),
        cmocka_unit_test(test_bad_rows_and_memory),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
