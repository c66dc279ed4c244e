/* Clustering metrics and search counts against hand-worked cases, all pairs one by one, and what
 * scikit-learn says of the same partitions (tests/vectors/cluster_metrics.json). */
#include "fixture.h"
#include "vectors.h"

#include "eval/cluster_metrics.h"

#define NONE RID_UNLABELLED

static void assert_near(const char *what, double got, double wanted, double tolerance)
{
    if (isnan(wanted) ? !isnan(got) : !(fabs(got - wanted) <= tolerance))
        fail_msg("%s is %.17g, expected %.17g", what, got, wanted);
}

static rid_cluster_counts count(const uint32_t *person, const uint32_t *predicted, size_t n)
{
    rid_cluster_counts c;
    assert_ok(rid_cluster_count(&c, person, predicted, n, &err));
    return c;
}

static rid_cluster_metrics measure(const uint32_t *person, const uint32_t *predicted, size_t n)
{
    const rid_cluster_counts c = count(person, predicted, n);
    return rid_cluster_metrics_of(&c);
}

/* ---- hand-worked ---- */

static void test_by_hand(void **state)
{
    (void)state;
    /* True {a b c} {d e}, predicted {a b} {c d} {e}, and x unlabelled in {a b x}. Pairs: predicted ab
     * cd, true ab ac bc de, both ab; of ten, ac bc de are split, cd is merged, five are apart. */
    const uint32_t person[] = {7, 7, 7, 9, 9, NONE}, predicted[] = {4, 4, 0, 0, 800, 4};
    const rid_cluster_counts c = count(person, predicted, 6);
    const rid_cluster_metrics m = rid_cluster_metrics_of(&c);
    assert_int_equal(c.entries, 5);
    assert_int_equal(c.persons, 3);
    assert_int_equal(c.true_persons, 2);
    assert_int_equal(c.pairs, 10);
    assert_int_equal(c.predicted_pairs, 2);
    assert_int_equal(c.true_pairs, 4);
    assert_int_equal(c.hit_pairs, 1);
    assert_near("precision", m.pairwise_precision, 1.0 / 2, 0);
    assert_near("recall", m.pairwise_recall, 1.0 / 4, 0);
    assert_near("F1", m.pairwise_f1, 1.0 / 3, 1e-16);
    /* a b: 2/2, c d: 1/2, e: 1; a b: 2/3, c: 1/3, d e: 1/2 */
    assert_near("B-cubed precision", m.bcubed_precision, 4.0 / 5, 1e-16);
    assert_near("B-cubed recall", m.bcubed_recall, (5.0 / 3 + 1) / 5, 1e-15);
    assert_near("B-cubed F1", m.bcubed_f1, 2 * 0.8 * (8.0 / 15) / (0.8 + 8.0 / 15), 1e-15);
    /* H(C) = ln 5 − (3 ln 3 + 2 ln 2)/5, H(K) = ln 5 − (4 ln 2)/5, H(C|K) = (2 ln 2)/5,
     * H(K|C) = (3 ln 3 + 2 ln 2 − 2 ln 2)/5 */
    const double h_c = log(5) - (3 * log(3) + 2 * log(2)) / 5, h_k = log(5) - 4 * log(2) / 5;
    assert_near("homogeneity", m.homogeneity, 1 - 2 * log(2) / 5 / h_c, 1e-14);
    assert_near("completeness", m.completeness, 1 - 3 * log(3) / 5 / h_k, 1e-14);
    assert_near("ARI", m.ari, 2.0 * (1 * 5 - 3 * 1) / ((1 + 3) * (3 + 5) + (1 + 1) * (1 + 5)), 1e-16);
    assert_near("persons", m.persons_error, 1, 0);
}

static void test_edges(void **state)
{
    (void)state;
    const uint32_t nobody[] = {NONE, NONE}, one[] = {5, 5}, two[] = {5, 6};
    for (int empty = 0; empty < 2; empty++) {
        const rid_cluster_metrics m = measure(nobody, one, empty ? 0 : 2);
        assert_true(m.pairwise_precision == 1 && m.pairwise_recall == 1 && m.pairwise_f1 == 1);
        assert_true(isnan(m.bcubed_precision) && isnan(m.bcubed_recall) && isnan(m.bcubed_f1));
        assert_true(isnan(m.homogeneity) && isnan(m.completeness) && isnan(m.v_measure));
        assert_true(isnan(m.ari) && m.persons_error == 0);
    }
    rid_cluster_metrics m = measure(one, one, 2); /* one person, found */
    assert_true(m.pairwise_f1 == 1 && m.bcubed_f1 == 1 && m.v_measure == 1 && m.ari == 1);
    m = measure(two, two, 2); /* no positives, none predicted */
    assert_true(m.pairwise_f1 == 1 && m.bcubed_f1 == 1 && m.v_measure == 1 && m.ari == 1);
    m = measure(one, two, 2); /* nothing predicted */
    assert_true(m.pairwise_precision == 1 && m.pairwise_recall == 0 && m.pairwise_f1 == 0);
    assert_true(m.homogeneity == 1 && m.completeness == 0 && m.v_measure == 0 && m.ari == 0);
    m = measure(two, one, 2); /* no positives, one predicted */
    assert_true(m.pairwise_precision == 0 && m.pairwise_recall == 1 && m.pairwise_f1 == 0);
    assert_true(m.homogeneity == 0 && m.completeness == 1 && m.v_measure == 0 && m.ari == 0);
    assert_true(m.persons_error == -1);
}

/* A perfect clustering is exactly perfect, whatever its sizes. */
static void test_perfect(void **state)
{
    (void)state;
    enum { N = 5000 };
    static uint32_t person[N], predicted[N];
    for (uint32_t people = 1; people < 3000; people = people * 3 + 1) {
        for (uint32_t i = 0; i < N; i++) {
            person[i] = i * i % people;
            predicted[i] = person[i] + 17;
        }
        const rid_cluster_metrics m = measure(person, predicted, N);
        assert_true(m.pairwise_f1 == 1 && m.bcubed_precision == 1 && m.bcubed_recall == 1);
        assert_true(m.homogeneity == 1 && m.completeness == 1 && m.v_measure == 1 && m.ari == 1);
    }
}

/* ---- against all pairs ---- */

/* Buckets one after the other, their counts pooled; pairs and B-cubed over all entries of them. */
static void test_pooled_against_pairs(void **state)
{
    (void)state;
    enum { N = 60, BUCKETS = 3 };
    for (uint64_t seed = 0; seed < 60; seed++) {
        rid_random r = fx_random(seed);
        rid_cluster_counts all = {0}, other_way = {0}, part[BUCKETS];
        double both = 0, merged = 0, split = 0, apart = 0, precision = 0, recall = 0, entries = 0;
        const uint32_t n_people = 1 + (uint32_t)rid_random_below(&r, 20);
        for (size_t b = 0; b < BUCKETS; b++) {
            uint32_t person[N], predicted[N];
            for (size_t i = 0; i < N; i++) {
                person[i] = rid_random_chance(&r, 0.2) ? NONE : (uint32_t)rid_random_below(&r, n_people);
                predicted[i] = rid_random_chance(&r, 0.5) ? person[i] % 11
                                                          : (uint32_t)rid_random_below(&r, n_people);
            }
            for (size_t i = 0; i < N; i++) {
                double same = 0, predicted_same = 0, hit = 0;
                for (size_t j = 0; j < N && person[i] != NONE; j++) {
                    if (person[j] == NONE)
                        continue;
                    const bool is = person[i] == person[j], said = predicted[i] == predicted[j];
                    same += is;
                    predicted_same += said;
                    hit += is && said;
                    if (j < i)
                        *(is ? said ? &both : &split : said ? &merged : &apart) += 1;
                }
                if (person[i] == NONE)
                    continue;
                entries++;
                precision += hit / predicted_same;
                recall += hit / same;
            }
            part[b] = count(person, predicted, N);
            rid_cluster_counts_add(&all, &part[b]);
        }
        for (size_t b = BUCKETS; b-- > 0;)
            rid_cluster_counts_add(&other_way, &part[b]);
        const rid_cluster_metrics m = rid_cluster_metrics_of(&all), o = rid_cluster_metrics_of(&other_way);
        assert_memory_equal(&m, &o, sizeof m);
        assert_near("precision", m.pairwise_precision, both + merged > 0 ? both / (both + merged) : 1, 1e-15);
        assert_near("recall", m.pairwise_recall, both + split > 0 ? both / (both + split) : 1, 1e-15);
        assert_near("B-cubed precision", m.bcubed_precision, precision / entries, 1e-13);
        assert_near("B-cubed recall", m.bcubed_recall, recall / entries, 1e-13);
        if (merged + split > 0)
            assert_near("ARI", m.ari,
                        2 * (both * apart - split * merged) /
                            ((both + split) * (split + apart) + (both + merged) * (merged + apart)),
                        1e-13);
    }
}

/* ---- against scikit-learn ---- */

static size_t read_numbers(uint32_t *out, size_t cap, rid_json array)
{
    size_t n = 0;
    rid_json v;
    for (rid_json_iter it = rid_json_begin(array); rid_json_next(&it, NULL, &v); n++) {
        int64_t x;
        assert_true(n < cap && rid_json_get_i64(v, &x));
        out[n] = (uint32_t)x;
    }
    return n;
}

static void test_scikit_learn(void **state)
{
    (void)state;
    document d = open_document("", "cluster_metrics", ".json");
    rid_json v;
    for (rid_json_iter it = rid_json_begin(d.root); rid_json_next(&it, NULL, &v);) {
        uint32_t person[512], predicted[512];
        const size_t n = read_numbers(person, 512, member(v, "true"));
        assert_int_equal(read_numbers(predicted, 512, member(v, "predicted")), n);
        const rid_cluster_metrics m = measure(person, predicted, n);
        const struct {
            const char *name;
            double got;
        } all[] = {{"pairwise_precision", m.pairwise_precision}, {"pairwise_recall", m.pairwise_recall},
                   {"pairwise_f1", m.pairwise_f1},               {"bcubed_precision", m.bcubed_precision},
                   {"bcubed_recall", m.bcubed_recall},           {"bcubed_f1", m.bcubed_f1},
                   {"homogeneity", m.homogeneity},               {"completeness", m.completeness},
                   {"v_measure", m.v_measure},                   {"ari", m.ari},
                   {"persons_error", m.persons_error}};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
            char what[300];
            snprintf(what, sizeof what, "%s of '%s'", all[i].name, string(v, "name"));
            assert_near(what, all[i].got, real(member(v, "expect"), all[i].name), 1e-12);
        }
    }
    close_document(&d);
}

/* ---- searches ---- */

static void test_searches_by_hand(void **state)
{
    (void)state;
    /* a0 first; x1 unlabelled, joins a0; b2 joins a0: false; a3 joins b2: wrong; b4 joins b2: hit;
     * a5 joins x1: to unlabelled; b6 alone: a miss; c7 alone; d8 joins x1; e9 joins a0: false */
    const uint32_t person[] = {1, NONE, 2, 1, 2, 1, 2, 3, 4, 5};
    const uint32_t joins[] = {RID_NO_ENTRY, 0, 0, 2, 2, 1, RID_NO_ENTRY, RID_NO_ENTRY, 1, 0};
    rid_decision d[10] = {0};
    rid_truth *t;
    rid_search_counts c, twice = {0};
    for (size_t i = 0; i < 10; i++) {
        d[i].nn1.row = joins[i] == RID_NO_ENTRY && i > 0 ? 0 : joins[i];
        d[i].matched = joins[i] != RID_NO_ENTRY;
    }
    assert_ok(rid_truth_new(&t, person, 10, &err));
    rid_truth_count_searches(t, d, &c);
    rid_truth_free(t);
    assert_int_equal(c.mated, 4);
    assert_int_equal(c.nonmated, 5);
    assert_int_equal(c.hits, 1);
    assert_int_equal(c.wrong_matches, 1);
    assert_int_equal(c.false_matches, 2);
    assert_int_equal(c.to_unlabelled, 2);
    assert_int_equal(c.nonmated_to_unlabelled, 1);
    rid_search_counts_add(&twice, &c);
    rid_search_counts_add(&twice, &c);
    assert_near("FNIR", rid_search_fnir(&twice), 3.0 / 4, 0);
    assert_near("FPIR", rid_search_fpir(&twice), 2.0 / 5, 1e-16);
    const rid_search_counts none = {0};
    assert_true(isnan(rid_search_fnir(&none)) && isnan(rid_search_fpir(&none)));
}

static void test_memory(void **state)
{
    (void)state;
    const uint32_t person[] = {1, NONE, 2, 1}, predicted[] = {9, 8, 9, 9};
    rid_cluster_counts c;
    const int64_t blocks = rid_mem_live_blocks();
    const uint64_t before = rid_mem_allocations();
    count(person, predicted, 4);
    const uint64_t n = rid_mem_allocations() - before;
    for (uint64_t nth = 1; nth <= n; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        const rid_status st = rid_cluster_count(&c, person, predicted, 4, &err);
        rid_mem_fail_after(0);
        assert_int_equal(st, RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    assert_int_equal(rid_mem_live_blocks(), blocks);
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
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_perfect),
        cmocka_unit_test(test_pooled_against_pairs),
        cmocka_unit_test(test_scikit_learn),
        cmocka_unit_test(test_searches_by_hand),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
