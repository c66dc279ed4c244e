/* Pairs of rows: those of files against the ids, those of ground truth against two loops, and samples
 * that are as likely as they should be. */
#include "tests/unit/fixture.h"
#include "tests/unit/store_fixture.h"

#include "gt/bucket_pairs.h"

static void test_bind(void **state)
{
    (void)state;
    static const float x[2] = {1, 0};
    /* Rows in matching order: by day and store, undated first, then by time. */
    static const fx_entry entries[] = {
        {"e1", "2025-11-06", "s1", NULL, "2025-11-06T10:00:00Z", x, NULL},
        {"e2", "2025-11-06", "s1", NULL, "2025-11-06T09:00:00Z", x, NULL},
        {"e3", "2025-11-06", "s1", NULL, NULL, NULL, NULL},
        {"e4", "2025-11-06", "s2", NULL, NULL, x, NULL},
        {"e5", "2025-11-07", "s1", NULL, NULL, x, NULL},
        {"e6", "2025-11-07", "s1", NULL, "2025-11-07T09:00:00Z", x, NULL},
    };
    rid_store_set set;
    rid_bucket *buckets;
    size_t n_buckets;
    rid_pairs *p;
    rid_bucket_pairs b;
    fx_store_set(&set, "a.h5", entries, sizeof entries / sizeof entries[0], 2);
    assert_ok(rid_store_set_group(&set, &buckets, &n_buckets, &err));
    assert_int_equal(n_buckets, 3);
    const char *path = fx_write("p.csv", "qid,aid,label\n"
                                         "e6,e5,1\n"  /* bucket 2, rows 0 and 1 */
                                         "e1,e2,1\n"  /* bucket 0, rows 1 and 2 */
                                         "e1,e3,0\n"  /* bucket 0, rows 0 and 2 */
                                         "e1,e4,1\n"  /* across */
                                         "e4,e5,0\n"  /* across */
                                         "e1,e9,1\n"  /* absent */
                                         "e8,e9,1\n");
    assert_ok(rid_pairs_read(&p, &path, 1, &err));
    assert_ok(rid_bucket_pairs_bind(&b, p, &set, buckets, n_buckets, &err));
    static const rid_pair expected[] = {{0, 2, false}, {1, 2, true}, {0, 1, true}};
    static const size_t first[] = {0, 2, 2, 3};
    assert_int_equal(b.n, 3);
    assert_int_equal(b.n_buckets, 3);
    assert_int_equal(b.n_same, 2);
    assert_int_equal(b.n_across, 2);
    assert_int_equal(b.n_across_same, 1);
    assert_int_equal(b.n_absent, 2);
    assert_memory_equal(b.first, first, sizeof first);
    for (size_t i = 0; i < b.n; i++)
        assert_true(b.pairs[i].a == expected[i].a && b.pairs[i].b == expected[i].b &&
                    b.pairs[i].same == expected[i].same);
    rid_bucket_pairs_clear(&b);
    assert_null(b.pairs);
    /* A part of the buckets: what is outside is absent. */
    assert_ok(rid_bucket_pairs_bind(&b, p, &set, buckets + 2, 1, &err));
    assert_int_equal(b.n, 1);
    assert_int_equal(b.n_absent, 6);
    rid_bucket_pairs_clear(&b);
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err;
        rid_mem_fail_after(nth);
        const rid_status st = rid_bucket_pairs_bind(&b, p, &set, buckets, n_buckets, &err);
        rid_mem_fail_after(0);
        rid_bucket_pairs_clear(&b);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
    rid_pairs_free(p);
    rid_mem_free(buckets);
    rid_store_set_close(&set);
}

enum { BUCKETS = 4, ROWS = 30 };

typedef struct world {
    uint32_t person[BUCKETS][ROWS];
    rid_bucket_labels labels[BUCKETS];
} world;

static void make_world(world *w, uint64_t seed)
{
    rid_random r = fx_random(seed);
    for (size_t k = 0; k < BUCKETS; k++) {
        w->labels[k] = (rid_bucket_labels){w->person[k], k == 1 ? 0 : ROWS - k};
        for (size_t i = 0; i < ROWS; i++)
            w->person[k][i] = rid_random_chance(&r, 0.2) ? UINT32_MAX
                                                         : (uint32_t)rid_random_below(&r, 6) * 99;
    }
}

/* All pairs by two loops. */
static void check_all(const world *w, const rid_bucket_pairs *p)
{
    size_t n = 0, n_same = 0;
    for (size_t k = 0; k < BUCKETS; k++) {
        assert_int_equal(p->first[k], n);
        for (uint32_t i = 0; i < w->labels[k].n; i++)
            for (uint32_t j = i + 1; j < w->labels[k].n; j++) {
                const uint32_t a = w->person[k][i], b = w->person[k][j];
                if (a == UINT32_MAX || b == UINT32_MAX)
                    continue;
                assert_true(n < p->n && p->pairs[n].a == i && p->pairs[n].b == j &&
                            p->pairs[n].same == (a == b));
                n_same += a == b;
                n++;
            }
    }
    assert_int_equal(p->n, n);
    assert_int_equal(p->first[BUCKETS], n);
    assert_int_equal(p->n_same, n_same);
}

static void test_all(void **state)
{
    (void)state;
    world w;
    rid_bucket_pairs p;
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_world(&w, seed);
        assert_ok(rid_bucket_pairs_of_labels(&p, w.labels, BUCKETS, NULL, &err));
        check_all(&w, &p);
        rid_bucket_pairs_clear(&p);
        const rid_pair_sampling all = {UINT64_MAX, 100000, seed};
        assert_ok(rid_bucket_pairs_of_labels(&p, w.labels, BUCKETS, &all, &err));
        check_all(&w, &p);
        rid_bucket_pairs_clear(&p);
    }
    assert_ok(rid_bucket_pairs_of_labels(&p, NULL, 0, NULL, &err));
    assert_int_equal(p.n, 0);
    assert_int_equal(p.first[0], 0);
    rid_bucket_pairs_clear(&p);
}

/* Every pair is drawn about as often as any other: chi-square over 4,000 seeds, 6 standard deviations. */
static void test_samples(void **state)
{
    (void)state;
    enum { SEEDS = 4000, SAME = 7, DIFFERENT = 11 };
    static size_t counts[2][BUCKETS][ROWS][ROWS];
    world w;
    rid_bucket_pairs all, p;
    make_world(&w, 77);
    assert_ok(rid_bucket_pairs_of_labels(&all, w.labels, BUCKETS, NULL, &err));
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        const rid_pair_sampling sampling = {SAME, DIFFERENT, seed};
        assert_ok(rid_bucket_pairs_of_labels(&p, w.labels, BUCKETS, &sampling, &err));
        assert_int_equal(p.n, SAME + DIFFERENT);
        assert_int_equal(p.n_same, SAME);
        assert_int_equal(p.first[BUCKETS], p.n);
        size_t same = 0;
        for (size_t k = 0; k < BUCKETS; k++)
            for (size_t i = p.first[k]; i < p.first[k + 1]; i++) {
                const rid_pair q = p.pairs[i];
                same += q.same;
                counts[q.same][k][q.a][q.b]++;
                assert_true(q.a < q.b && q.b < w.labels[k].n);
                assert_int_equal(q.same, w.person[k][q.a] == w.person[k][q.b]);
                assert_true(i == p.first[k] || p.pairs[i - 1].a < q.a ||
                            (p.pairs[i - 1].a == q.a && p.pairs[i - 1].b < q.b));
            }
        assert_int_equal(same, SAME);
        rid_bucket_pairs_clear(&p);
    }
    for (int same = 0; same < 2; same++) {
        const double n = (double)(same ? all.n_same : all.n - all.n_same);
        const double expected = SEEDS * (same ? SAME : DIFFERENT) / n;
        double chi = 0, total = 0;
        for (size_t k = 0; k < BUCKETS; k++)
            for (size_t i = all.first[k]; i < all.first[k + 1]; i++) {
                const rid_pair q = all.pairs[i];
                const double c = (double)counts[q.same][k][q.a][q.b];
                if (q.same != (bool)same)
                    continue;
                chi += (c - expected) * (c - expected) / expected;
                total += c;
            }
        assert_true(total == SEEDS * (same ? SAME : DIFFERENT));
        if (fabs(chi - n) > 6 * sqrt(2 * n))
            fail_msg("chi-square %g with %g pairs", chi, n);
    }
    rid_bucket_pairs_clear(&all);
}

static void test_same_seed(void **state)
{
    (void)state;
    world w;
    rid_bucket_pairs a, b;
    make_world(&w, 1);
    const rid_pair_sampling one = {20, 20, 1}, other = {20, 20, 2};
    assert_ok(rid_bucket_pairs_of_labels(&a, w.labels, BUCKETS, &one, &err));
    assert_ok(rid_bucket_pairs_of_labels(&b, w.labels, BUCKETS, &one, &err));
    for (size_t i = 0; i < a.n; i++)
        assert_true(a.pairs[i].a == b.pairs[i].a && a.pairs[i].b == b.pairs[i].b);
    rid_bucket_pairs_clear(&b);
    assert_ok(rid_bucket_pairs_of_labels(&b, w.labels, BUCKETS, &other, &err));
    size_t n_equal = 0;
    for (size_t i = 0; i < a.n; i++)
        n_equal += a.pairs[i].a == b.pairs[i].a && a.pairs[i].b == b.pairs[i].b;
    assert_true(n_equal < a.n);
    rid_bucket_pairs_clear(&a);
    rid_bucket_pairs_clear(&b);
    /* None at all. */
    const rid_pair_sampling none = {0, 0, 1};
    assert_ok(rid_bucket_pairs_of_labels(&a, w.labels, BUCKETS, &none, &err));
    assert_int_equal(a.n, 0);
    rid_bucket_pairs_clear(&a);
}

static void test_no_memory(void **state)
{
    (void)state;
    world w;
    rid_bucket_pairs p;
    const rid_pair_sampling sampling = {20, 20, 1};
    make_world(&w, 1);
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err;
        rid_mem_fail_after(nth);
        const rid_status st = rid_bucket_pairs_of_labels(&p, w.labels, BUCKETS, &sampling, &err);
        rid_mem_fail_after(0);
        rid_bucket_pairs_clear(&p);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bind),      cmocka_unit_test(test_all),
        cmocka_unit_test(test_samples),   cmocka_unit_test(test_same_seed),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
