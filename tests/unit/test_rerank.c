/* Re-ranking against a plain implementation with dense matrices in double: numpy's (tests/vectors/rerank.json)
 * and loops here, on random rows, on rows with many ties, and on real ones. New distances differ by less than
 * 1e-6: so ranks can only where two of them lie closer together than that. */
#include "omniglot_fixture.h"
#include "vectors.h"

#include "eval/kernel.h"
#include "eval/nearest.h"
#include "eval/ranking.h"

static const double TOLERANCE = 4e-7;

/* ---- the plain implementation ---- */

typedef struct plain {
    size_t n, dim, k1, k2;
    double lambda;
    const float *emb;
    double *distance, *weight, *mean; /* (n, n) */
    uint32_t *rank;                   /* (n, n) */
} plain;

static const double *sorted_by;

static int compare_by_distance(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (sorted_by[x] != sorted_by[y])
        return sorted_by[x] < sorted_by[y] ? -1 : 1;
    return (x > y) - (x < y);
}

static void plain_distances(plain *p)
{
    for (size_t i = 0; i < p->n; i++) {
        double *row = p->distance + i * p->n, farthest = 0;
        for (size_t j = 0; j < p->n; j++) {
            row[j] = rid_distance2(p->emb + i * p->dim, p->emb + j * p->dim, p->dim);
            farthest = row[j] > farthest ? row[j] : farthest;
        }
        for (size_t j = 0; j < p->n; j++) {
            row[j] = farthest > 0 ? row[j] / farthest : 0;
            p->rank[i * p->n + j] = (uint32_t)j;
        }
        sorted_by = row;
        qsort(p->rank + i * p->n, p->n, sizeof *p->rank, compare_by_distance);
    }
}

static bool is_near(const plain *p, size_t of, size_t k, size_t who)
{
    for (size_t i = 0; i <= k && i < p->n; i++)
        if (p->rank[of * p->n + i] == who)
            return true;
    return false;
}

/* member (n): R(i, k) */
static void plain_reciprocal(const plain *p, size_t i, size_t k, bool *member)
{
    for (size_t j = 0; j < p->n; j++)
        member[j] = is_near(p, i, k, j) && is_near(p, j, k, i);
}

static void plain_weights(plain *p, size_t i, bool *own, bool *all, bool *other)
{
    const size_t half = (size_t)nearbyint((double)p->k1 / 2);
    double sum = 0;
    plain_reciprocal(p, i, p->k1, own);
    memcpy(all, own, p->n);
    for (size_t j = 0; j < p->n; j++) {
        size_t size = 0, common = 0;
        if (!own[j])
            continue;
        plain_reciprocal(p, j, half, other);
        for (size_t k = 0; k < p->n; k++) {
            size += other[k];
            common += other[k] && own[k];
        }
        for (size_t k = 0; k < p->n && 3 * common > 2 * size; k++)
            all[k] = all[k] || other[k];
    }
    for (size_t j = 0; j < p->n; j++)
        sum += all[j] ? exp(-p->distance[i * p->n + j]) : 0;
    for (size_t j = 0; j < p->n; j++)
        p->weight[i * p->n + j] = all[j] ? exp(-p->distance[i * p->n + j]) / sum : 0;
}

static void plain_mean(plain *p, size_t i)
{
    const size_t k2 = p->k2 < p->n ? p->k2 : p->n;
    if (p->k2 == 1) /* its nearest may be another one, equal to it */
        memcpy(p->mean + i * p->n, p->weight + i * p->n, p->n * sizeof *p->mean);
    for (size_t j = 0; p->k2 > 1 && j < p->n; j++) {
        p->mean[i * p->n + j] = 0;
        for (size_t k = 0; k < k2; k++)
            p->mean[i * p->n + j] += p->weight[p->rank[i * p->n + k] * p->n + j] / (double)k2;
    }
}

/* out (n): new distances of entry i. */
static void plain_row(const plain *p, size_t i, double *out)
{
    const double *own = p->mean + i * p->n;
    for (size_t j = 0; j < p->n; j++) {
        double common = 0;
        for (size_t k = 0; k < p->n; k++) {
            if (own[k] > 0) {
                const double other = p->mean[j * p->n + k];
                common += own[k] < other ? own[k] : other;
            }
        }
        out[j] =
            (1 - p->lambda) * (1 - common / (2 - common)) + p->lambda * p->distance[i * p->n + j];
    }
}

static plain plain_new(const float *emb, size_t n, size_t dim, const rid_rerank_options *o)
{
    plain p = {.n = n, .dim = dim, .k1 = o->k1, .k2 = o->k2, .lambda = o->lambda, .emb = emb};
    bool *member = rid_mem_alloc(3, n);
    p.distance = rid_mem_alloc(n * n, sizeof *p.distance);
    p.weight = rid_mem_alloc(n * n, sizeof *p.weight);
    p.mean = rid_mem_alloc(n * n, sizeof *p.mean);
    p.rank = rid_mem_alloc(n * n, sizeof *p.rank);
    plain_distances(&p);
    for (size_t i = 0; i < n; i++)
        plain_weights(&p, i, member, member + n, member + 2 * n);
    for (size_t i = 0; i < n; i++)
        plain_mean(&p, i);
    rid_mem_free(member);
    return p;
}

static void plain_free(plain *p)
{
    rid_mem_free(p->distance);
    rid_mem_free(p->weight);
    rid_mem_free(p->mean);
    rid_mem_free(p->rank);
}

/* ---- ours ---- */

/* score (n): of all entries for the query. */
static void our_row(rid_rerank_scorer *s, float *score, const float *emb, size_t n, size_t dim,
                    uint32_t query)
{
    uint32_t *entry = rid_mem_alloc(n, sizeof *entry);
    for (size_t i = 0; i < n; i++) {
        entry[i] = (uint32_t)i;
        rid_kernel_reference_product(&score[i], 1, emb + query * dim, dim, 1, emb + i * dim, dim, 1,
                                     dim);
    }
    rid_rerank_score(s, score, query, entry, n);
    rid_mem_free(entry);
}

static void check_row(const float *score, const double *distance, size_t n, const char *what)
{
    for (size_t j = 0; j < n; j++)
        if (!(fabs(1 - (double)score[j] - distance[j]) <= TOLERANCE))
            fail_msg("%s, entry %zu: %.9f, expected %.9f", what, j, 1 - (double)score[j],
                     distance[j]);
}

static void check_all(const float *emb, size_t n, size_t dim, const rid_rerank_options *o,
                      size_t step, const char *what)
{
    float *score = rid_mem_alloc(n, sizeof *score);
    double *distance = rid_mem_alloc(n, sizeof *distance);
    plain p = plain_new(emb, n, dim, o);
    rid_rerank *r;
    assert_ok(rid_rerank_new(&r, &(rid_rerank_input){.emb = emb, .n = n, .dim = dim}, o, 3, &err));
    rid_rerank_scorer *s = rid_rerank_scorer_new(r);
    for (size_t i = 0; i < n; i += step) {
        our_row(s, score, emb, n, dim, (uint32_t)i);
        plain_row(&p, i, distance);
        check_row(score, distance, n, what);
    }
    rid_rerank_scorer_free(s);
    rid_rerank_free(r);
    plain_free(&p);
    rid_mem_free(score);
    rid_mem_free(distance);
}

enum { MAX_N = 300, MAX_DIM = 32 };

static float rows[MAX_N * MAX_DIM];

/* Unit rows about a few centres; steps: of ±1/4 instead, so that many distances are equal. */
static void make_rows(uint64_t seed, size_t n, size_t dim, size_t n_people, double noise,
                      bool steps)
{
    rid_random rng = fx_random(seed);
    float centre[MAX_N * MAX_DIM];
    rid_random_normals(&rng, centre, n_people * dim);
    for (size_t i = 0; i < n; i++) {
        float *x = rows + i * dim;
        const size_t who = rid_random_below(&rng, n_people);
        double sum = 0;
        for (size_t k = 0; k < dim; k++) {
            const double v = (double)centre[who * dim + k] + noise * rid_random_normal(&rng);
            x[k] = steps ? v > -0.7 ? 0.25f : -0.25f : (float)v;
            sum += (double)x[k] * (double)x[k];
        }
        for (size_t k = 0; k < dim; k++)
            x[k] = (float)((double)x[k] / sqrt(sum));
    }
}

static void test_random_and_ties(void **state)
{
    (void)state;
    static const rid_rerank_options options[] = {{20, 6, 0.3}, {1, 1, 0},    {4, 2, 0.1},
                                                 {7, 30, 0.5}, {25, 1, 0.3}, {400, 6, 0.9}};
    for (uint64_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        make_rows(i, 120 + 30 * i, 6 + i, 12, 0.4, false);
        check_all(rows, 120 + 30 * i, 6 + i, &options[i], 7, "random");
        make_rows(i, 150, 16, 20, 0.5, true);
        check_all(rows, 150, 16, &options[i], 7, "ties");
    }
}

static void test_real(void **state)
{
    (void)state;
    enum { N = 1000, STEP = 37 };
    static burst_set set;
    if (!read_omniglot(&set, true))
        skip();
    check_all(set.emb, N, OMNIGLOT_DIM, &(rid_rerank_options){20, 6, 0.3}, STEP, "Omniglot");
}

/* ---- numpy ---- */

static size_t read_doubles(rid_json one, const char *key, double *out, size_t max)
{
    size_t n = 0;
    rid_json v;
    for (rid_json_iter it = rid_json_begin(member(one, key)); rid_json_next(&it, NULL, &v);) {
        assert_true(n < max && rid_json_get_f64(v, &out[n]));
        n++;
    }
    return n;
}

static void test_vectors(void **state)
{
    (void)state;
    static double distance[60 * 60], x[60 * 32];
    document d = open_document("", "rerank", ".json");
    rid_json one;
    size_t n_cases = 0;
    for (rid_json_iter it = rid_json_begin(d.root); rid_json_next(&it, NULL, &one); n_cases++) {
        const size_t dim = number(one, "dim"), n = read_doubles(one, "emb", x, 60 * 32) / dim;
        rid_rerank_options o = {number(one, "k1"), number(one, "k2"), 0};
        float score[60];
        rid_rerank *r;
        assert_true(rid_json_get_f64(member(one, "lambda"), &o.lambda));
        assert_int_equal(read_doubles(one, "distance", distance, 60 * 60), n * n);
        for (size_t i = 0; i < n * dim; i++)
            rows[i] = (float)x[i];
        assert_ok(
            rid_rerank_new(&r, &(rid_rerank_input){.emb = rows, .n = n, .dim = dim}, &o, 1, &err));
        rid_rerank_scorer *s = rid_rerank_scorer_new(r);
        for (size_t i = 0; i < n; i++) {
            our_row(s, score, rows, n, dim, (uint32_t)i);
            check_row(score, distance + i * n, n, "numpy");
        }
        rid_rerank_scorer_free(s);
        rid_rerank_free(r);
    }
    assert_true(n_cases >= 6);
    close_document(&d);
}

/* ---- by hand ---- */

static void test_by_hand(void **state)
{
    (void)state;
    /* At 0°, 90°, 180°: a, b, c. k1 = 1: nearest two of a: a, b; of b: b, a (tie: the earlier); of c: c, b.
     * R(a) = {a, b}, R(b) = {a, b}, R(c) = {c}; sets of half (k = 0) are each entry alone, in R already.
     * Distances a–b 2 of at most 4; b–a 2 of at most 2. Weights of a: e^0 : e^−1/2, of b: e^−1 : e^0. */
    const float emb[] = {1, 0, 0, 1, -1, 0};
    const uint32_t entry[] = {0, 1, 2};
    const double a[2] = {1 / (1 + exp(-0.5)), exp(-0.5) / (1 + exp(-0.5))},
                 b[2] = {exp(-1) / (1 + exp(-1)), 1 / (1 + exp(-1))};
    const double common = b[0] + a[1];
    float score[] = {1, 0, -1};
    rid_rerank *r;
    assert_ok(rid_rerank_new(&r, &(rid_rerank_input){.emb = emb, .n = 3, .dim = 2},
                             &(rid_rerank_options){1, 1, 0.25}, 1, &err));
    rid_rerank_scorer *s = rid_rerank_scorer_new(r);
    rid_rerank_score(s, score, 0, entry, 3);
    check_row(score, (double[]){0, 0.75 * (1 - common / (2 - common)) + 0.25 * 0.5, 0.75 + 0.25}, 3,
              "by hand");
    /* fewer asked for, the same score */
    float one = 0;
    rid_rerank_score(s, &one, 0, entry + 1, 1);
    assert_true(one == score[1]);
    rid_rerank_scorer_free(s);
    rid_rerank_free(r);
}

static void test_parse(void **state)
{
    (void)state;
    rid_rerank_options o;
    static const char *const bad[] = {"",          "20",         "20,6",        "20,6,",
                                      "0,6,0.3",   "20,0,0.3",   "20,6,1.5",    "20,6,-0.1",
                                      "20,6,0.3,", "1001,6,0.3", "20,1001,0.3", "20.5,6,0.3",
                                      "20,6,nan",  " 20,6,0.3"};
    assert_true(rid_rerank_parse("20,6,0.3", &o) && o.k1 == 20 && o.k2 == 6 && o.lambda == 0.3);
    assert_true(rid_rerank_parse("1,1000,0", &o) && rid_rerank_parse("1000,1,1", &o));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_rerank_parse(bad[i], &o))
            fail_msg("'%s' is accepted", bad[i]);
}

/* ---- groups, threads, memory ---- */

enum { N = 200, DIM = 8 };

static rid_ranking evaluate(const rid_ranking_input *in, const uint8_t *part, int threads,
                            rid_ranking_query *queries)
{
    rid_ranking_input with = *in;
    rid_ranking out;
    rid_rerank *r;
    const rid_rerank_input ri = {
        .emb = in->emb, .n = in->n, .dim = in->dim, .part = part, .group = in->group};
    assert_ok(rid_rerank_new(&r, &ri, &(rid_rerank_options){10, 4, 0.3}, threads, &err));
    with.rerank = r;
    assert_ok(rid_ranking_run_details(&out, &(rid_ranking_details){.queries = queries}, &with,
                                      threads, &err));
    rid_rerank_free(r);
    return out;
}

static void test_threads_and_groups(void **state)
{
    (void)state;
    static rid_ranking_query all[N], again[N], apart[N];
    uint32_t person[N], group[N];
    uint8_t part[N];
    make_rows(4, N, DIM, 20, 0.5, false);
    for (size_t i = 0; i < N; i++) {
        person[i] = (uint32_t)(i % 23);
        group[i] = i % 5 < 3 ? 9 : 4;
        part[i] = i % 7 > 0;
    }
    rid_ranking_input in = {
        .emb = rows, .n = N, .dim = DIM, .person = person, .usable = part, .group = group};
    evaluate(&in, part, 1, all);
    for (int threads = 2; threads < 5; threads++) {
        evaluate(&in, part, threads, again);
        assert_memory_equal(all, again, sizeof all);
    }
    /* each group by itself */
    for (size_t i = 0; i < N; i++)
        part[i] = part[i] && group[i] == 4;
    for (size_t i = 0; i < N; i++)
        if (group[i] != 4)
            person[i] = RID_UNLABELLED;
    in.group = NULL;
    evaluate(&in, part, 2, apart);
    for (size_t i = 0; i < N; i++)
        if (group[i] == 4)
            assert_memory_equal(&all[i], &apart[i], sizeof all[i]);
}

static void test_nobody(void **state)
{
    (void)state;
    const uint8_t nobody[2] = {0, 0}, one[2] = {0, 1};
    const float emb[4] = {1, 0, 0, 1};
    const uint32_t entry[] = {1}, person[] = {3, 3};
    float score = 1;
    rid_ranking out;
    rid_rerank *r;
    rid_rerank_input in = {.emb = emb, .n = 2, .dim = 2, .part = nobody};
    assert_ok(rid_rerank_new(&r, &in, &(rid_rerank_options){20, 6, 0.3}, 2, &err));
    assert_ok(rid_ranking_run(
        &out, NULL,
        &(rid_ranking_input){
            .emb = emb, .n = 2, .dim = 2, .person = person, .usable = nobody, .rerank = r},
        2, &err));
    assert_true(out.n_queries == 2 && out.map == 0);
    rid_rerank_free(r);
    in.part = one;
    assert_ok(rid_rerank_new(&r, &in, &(rid_rerank_options){20, 6, 0.3}, 2, &err));
    rid_rerank_scorer *s = rid_rerank_scorer_new(r);
    rid_rerank_score(s, &score, 1, entry, 1);
    assert_true(score == 1); /* itself, at distance 0 */
    rid_rerank_scorer_free(s);
    rid_rerank_free(r);
    /* all alike: no distance to divide by */
    const float same[6] = {0.6f, 0.8f, 0.6f, 0.8f, 0.6f, 0.8f};
    in = (rid_rerank_input){.emb = same, .n = 3, .dim = 2};
    assert_ok(rid_rerank_new(&r, &in, &(rid_rerank_options){1, 2, 0.3}, 1, &err));
    rid_rerank_free(r);
    const float bad[4] = {1, 0, NAN, 1};
    in = (rid_rerank_input){.emb = bad, .n = 2, .dim = 2};
    assert_fails(rid_rerank_new(&r, &in, &(rid_rerank_options){1, 2, 0.3}, 1, &err), RID_EDATA,
                 "not finite");
    assert_null(r);
}

static void test_no_memory(void **state)
{
    (void)state;
    uint32_t person[40];
    make_rows(1, 40, 4, 10, 0.3, false);
    for (uint32_t i = 0; i < 40; i++)
        person[i] = i % 10;
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_rerank *r = NULL;
        rid_ranking out;
        rid_mem_fail_after(nth);
        st = rid_rerank_new(&r, &(rid_rerank_input){.emb = rows, .n = 40, .dim = 4},
                            &(rid_rerank_options){4, 2, 0.3}, 1 + (int)(nth % 2), NULL);
        if (st == RID_OK)
            st = rid_ranking_run(
                &out, NULL,
                &(rid_ranking_input){.emb = rows, .n = 40, .dim = 4, .person = person, .rerank = r},
                1, NULL);
        rid_mem_fail_after(0);
        rid_rerank_free(r);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(nth < 400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),         cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_random_and_ties), cmocka_unit_test(test_real),
        cmocka_unit_test(test_parse),           cmocka_unit_test(test_threads_and_groups),
        cmocka_unit_test(test_nobody),          cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
