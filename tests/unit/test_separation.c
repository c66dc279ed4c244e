/* Scores of two kinds: by hand, against a plain walk over all thresholds, and the odd cases. */
#include "fixture.h"

#include "eval/separation.h"

static void assert_near(const char *what, double got, double want, double tolerance)
{
    if (isnan(got) != isnan(want) || (!isnan(want) && !(fabs(got - want) <= tolerance)))
        fail_msg("%s is %.17g, expected %.17g", what, got, want);
}

static rid_separation separate(const float *score, const bool *same, size_t n)
{
    rid_separation s;
    assert_ok(rid_separation_of(&s, NULL, score, same, n, &err));
    return s;
}

static void test_by_hand(void **state)
{
    (void)state;
    /* 0.9 + | 0.8 − | 0.7 + + − | 0.5 + | 0.2 −, −, −, −, −, −, − */
    const float score[] = {0.9F, 0.8F, 0.7F, 0.7F, 0.7F, 0.5F, 0.2F,
                           0.2F, 0.2F, 0.1F, 0.1F, 0.1F, 0.0F, -0.5F};
    const bool same[] = {true,  false, true,  true,  false, true,  false,
                         false, false, false, false, false, false, false};
    const rid_separation s = separate(score, same, 14);
    /* Positives beat: 0.9 all 10; each 0.7 eight and a tie; 0.5 eight. */
    assert_near("AUC", s.auc, (10 + 8.5 + 8.5 + 8) / 40, 1e-15);
    /* (FPR, FNR) down the scores: (0, 0.75), (0.1, 0.75), (0.2, 0.25), (0.2, 0): equal at 0.2. */
    assert_near("EER", s.eer, 0.2, 1e-15);
    assert_near("TAR at 0.1", s.tar[0], 0.25, 0);  /* 0.9: at 0.8 FAR is 0.1, and TAR no higher */
    assert_near("TAR at 0.01", s.tar[1], 0.25, 0); /* no negative passes 0.9 */
    assert_near("TAR at 0.0001", s.tar[3], 0.25, 0);
    /* 0.5: 4 of 4 positives and 2 negatives: 8/10. */
    assert_near("best F1", s.best_f1, 0.8, 1e-15);
    assert_near("its threshold", s.best_f1_threshold, 0.5, 0);
}

/* Everything from counts at every threshold. */
static rid_separation plain(const float *score, const bool *same, size_t n)
{
    static const double far[RID_TARS] = {1e-1, 1e-2, 1e-3, 1e-4};
    rid_separation s = {.auc = NAN, .dprime = NAN, .best_f1 = NAN, .best_f1_threshold = NAN};
    double n_p = 0, n_n = 0, won = 0, sum[2] = {0}, squares[2] = {0};
    for (size_t i = 0; i < n; i++) {
        const double x = (double)score[i];
        *(same[i] ? &n_p : &n_n) += 1;
        sum[same[i]] += x;
        squares[same[i]] += x * x;
        for (size_t k = 0; k < n; k++)
            if (same[i] && !same[k])
                won += score[i] > score[k] ? 1 : score[i] == score[k] ? 0.5 : 0;
    }
    for (int t = 0; t < RID_TARS; t++)
        s.tar[t] = n_p > 0 && n_n > 0 ? 0 : NAN;
    if (n_p > 0 && n_n > 0) {
        s.auc = won / (n_p * n_n);
        s.dprime = (sum[1] / n_p - sum[0] / n_n) / sqrt((squares[1] / n_p - pow(sum[1] / n_p, 2) +
                                                         squares[0] / n_n - pow(sum[0] / n_n, 2)) /
                                                        2);
    }
    for (size_t i = 0; i < n; i++) {
        double p = 0, q = 0;
        for (size_t k = 0; k < n; k++)
            if (score[k] >= score[i])
                *(same[k] ? &p : &q) += 1;
        const double f1 = 2 * p / (p + q + n_p);
        if (n_p > 0 && (isnan(s.best_f1) || f1 > s.best_f1 ||
                        (f1 == s.best_f1 && (double)score[i] > s.best_f1_threshold))) {
            s.best_f1 = f1;
            s.best_f1_threshold = (double)score[i];
        }
        for (int t = 0; t < RID_TARS && n_p > 0 && n_n > 0; t++)
            if (q / n_n <= far[t] && p / n_p > s.tar[t])
                s.tar[t] = p / n_p;
    }
    return s;
}

static void test_plainly(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 400; seed++) {
        enum { MAX = 300 };
        float score[MAX];
        bool same[MAX];
        rid_random r = fx_random(seed);
        const size_t n = 1 + rid_random_below(&r, MAX);
        const double steps = seed % 3 == 0   ? 1e9
                             : seed % 3 == 1 ? 20
                                             : 4,
                     share = (double)(seed % 5) / 4;
        for (size_t i = 0; i < n; i++) {
            same[i] = rid_random_chance(&r, share);
            score[i] =
                (float)(round((0.3 * rid_random_normal(&r) + 0.3 * same[i]) * steps) / steps);
        }
        const rid_separation s = separate(score, same, n), e = plain(score, same, n);
        assert_near("AUC", s.auc, e.auc, 1e-13);
        if (fabs(e.dprime) < 1e6) /* some have no variance */
            assert_near("d'", s.dprime, e.dprime, 1e-9);
        for (int t = 0; t < RID_TARS; t++)
            assert_near("TAR", s.tar[t], e.tar[t], 0);
        assert_near("best F1", s.best_f1, e.best_f1, 1e-15);
        assert_near("its threshold", s.best_f1_threshold, e.best_f1_threshold, 0);
    }
}

static void test_one_kind(void **state)
{
    (void)state;
    const float score[] = {0.5F, 0.5F, 0.5F};
    const bool all[] = {true, true, true}, none[] = {false, false, false},
               both[] = {true, false, true};
    rid_separation s = separate(score, all, 3);
    assert_true(isnan(s.auc) && isnan(s.eer) && isnan(s.dprime) && isnan(s.tar[0]));
    assert_true(s.best_f1 == 1 && s.best_f1_threshold == 0.5);
    s = separate(score, none, 3);
    assert_true(isnan(s.auc) && isnan(s.eer) && isnan(s.dprime) && isnan(s.tar[0]) &&
                isnan(s.best_f1) && isnan(s.best_f1_threshold));
    s = separate(score, none, 0);
    assert_true(isnan(s.auc) && isnan(s.best_f1));
    s = separate(score, both, 3); /* all alike */
    assert_true(s.auc == 0.5 && s.eer == 0.5 && isnan(s.dprime) && s.tar[0] == 0);
    assert_near("best F1", s.best_f1, 0.8, 1e-15);
}

static void test_no_memory(void **state)
{
    (void)state;
    const float score[] = {0.5F, 0.4F, 0.5F};
    const bool same[] = {true, false, true};
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_separation s;
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = rid_separation_of(&s, NULL, score, same, 3, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(st == RID_OK || st == RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_plainly),
        cmocka_unit_test(test_one_kind),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
