/* Ranking metrics against hand-worked cases, plain loops over all scores, and what numpy and
 * scikit-learn say of the same numbers (tests/vectors/ranking.json). */
#include "omniglot_fixture.h"

#include "eval/kernel.h"
#include "eval/open_set.h"

#define NONE RID_UNLABELLED

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void assert_near(const char *what, double got, double wanted, double tolerance)
{
    if (isnan(wanted) ? !isnan(got) : !(fabs(got - wanted) <= tolerance))
        fail_msg("%s is %.17g, expected %.17g", what, got, wanted);
}

static rid_ranking run(const rid_ranking_input *in, double *ap, int threads)
{
    rid_ranking r;
    assert_ok(rid_ranking_run(&r, ap, in, threads, &err));
    return r;
}

/* ---- hand-worked ---- */

static void test_by_hand(void **state)
{
    (void)state;
    /* Cosines by angle. a, b: person 7; c, d, e: person 3. From the nearest to the farthest:
     *   a (0°):  b 10, c 30, d 60, e 80          AP 1
     *   b (10°): a 10, c 20, d 50, e 70          AP 1
     *   c (30°): b 20, a 30 | d 30 (tie: a first), e 50   positives d, e at 3, 4: (1/3 + 2/4)/2
     *   d (60°): e 20, c 30, b 50, a 60          AP 1
     *   e (80°): d 20, c 50, b 70, a 80          AP 1 */
    static const double degrees[] = {0, 10, 30, 60, 80};
    const uint32_t person[] = {7, 7, 3, 3, 3};
    float emb[10];
    double ap[5];
    for (size_t i = 0; i < 5; i++) {
        emb[2 * i] = (float)cos(degrees[i] * 3.14159265358979 / 180);
        emb[2 * i + 1] = (float)sin(degrees[i] * 3.14159265358979 / 180);
    }
    /* c, d as a and c to the bit: 30° apart */
    emb[4] = emb[7] = 0.866025388f;
    emb[5] = emb[6] = 0.5f;
    rid_ranking_input in = {.emb = emb, .n = 5, .dim = 2, .person = person};
    rid_ranking r = run(&in, ap, 1);
    assert_near("AP of c", ap[2], (1.0 / 3 + 2.0 / 4) / 2, 1e-15);
    assert_near("mAP", r.map, (4 + 5.0 / 12) / 5, 1e-15);
    assert_near("rank1", r.rank1, 0.8, 1e-15);
    assert_near("rank5", r.rank5, 1, 0);
    assert_near("mINP", r.minp, (4 + 0.5) / 5, 1e-15);
    assert_int_equal(r.n_queries, 5);
    assert_int_equal(r.n_without_positive, 0);
}

/* Rows of one number each against a query of 1: scores as one likes. The query is entry 0. */
static rid_ranking of_scores(const float *score, const uint32_t *person, size_t n, double *ap)
{
    float emb[32] = {1};
    uint8_t query[32] = {1};
    uint32_t who[32] = {1};
    assert_true(n < 32);
    memcpy(emb + 1, score, n * sizeof *score);
    memcpy(who + 1, person, n * sizeof *person);
    return run(
        &(rid_ranking_input){.emb = emb, .n = n + 1, .dim = 1, .person = who, .query = query}, ap,
        2);
}

static void test_separation_by_hand(void **state)
{
    (void)state;
    /* Positives 0.75, 0.5; negatives 0.5, 0.25, 0.25, −0.5. Pairs won: 4, and 3 and a half of one.
     * False positives against false negatives as the threshold goes down: (0, 1) (0, 1/2) (1/4, 0):
     * the line from (0, 1/2) to (1/4, 0) meets the diagonal at 1/6. */
    const float score[] = {0.5f, 0.25f, 0.75f, 0.25f, -0.5f, 0.5f};
    const uint32_t person[] = {1, 2, 1, 3, 4, 5};
    rid_ranking r = of_scores(score, person, 6, NULL);
    assert_near("AUC", r.auc, 7.5 / 8, 1e-15);
    assert_near("EER", r.eer, 1.0 / 6, 1e-15);
    /* means 0.625 and 0.125; variances 1/64 and 0.140625 */
    assert_near("d'", r.dprime, 0.5 / sqrt((1.0 / 64 + 0.140625) / 2), 1e-12);
    /* The positive of 0.5 stands before the negative of 0.5: it is the earlier entry. */
    assert_near("AP", r.map, 1, 0);
    const uint32_t other[] = {5, 2, 1, 3, 4, 1};
    r = of_scores(score, other, 6, NULL);
    assert_near("AP of the later entry", r.map, (1 + 2.0 / 3) / 2, 1e-15);
    assert_near("AUC", r.auc, 7.5 / 8, 1e-15);
}

static void test_rank5(void **state)
{
    (void)state;
    const float score[] = {0.9f, 0.8f, 0.7f, 0.6f, 0.5f, 0.4f};
    const uint32_t fifth[] = {2, 3, 4, 5, 1, 6}, sixth[] = {2, 3, 4, 5, 6, 1};
    rid_ranking r = of_scores(score, fifth, 6, NULL);
    assert_true(r.rank1 == 0 && r.rank5 == 1);
    assert_near("AP", r.map, 0.2, 1e-15);
    assert_near("EER", r.eer, 0.8, 1e-15);
    r = of_scores(score, sixth, 6, NULL);
    assert_true(r.rank1 == 0 && r.rank5 == 0 && r.auc == 0 && r.eer == 1);
}

static void test_equal_everywhere(void **state)
{
    (void)state;
    const float score[] = {0.5f, 0.5f, 0.5f, 0.5f};
    const uint32_t person[] = {2, 1, 3, 1};
    double ap[5];
    rid_ranking r = of_scores(score, person, 4, ap);
    assert_near("AUC", r.auc, 0.5, 0);
    assert_near("EER", r.eer, 0.5, 1e-15);
    assert_near("AP", ap[0], (1.0 / 2 + 2.0 / 4) / 2, 1e-15);
    assert_true(isnan(r.dprime) && isnan(ap[1]));
}

/* ---- what is not there ---- */

static void assert_all_nan(const rid_ranking *r)
{
    assert_true(isnan(r->map) && isnan(r->rank1) && isnan(r->rank5) && isnan(r->minp));
    assert_true(isnan(r->auc) && isnan(r->eer) && isnan(r->dprime));
}

static void test_empty(void **state)
{
    (void)state;
    const float emb[] = {1, 0, 1, 0};
    const uint32_t nobody[] = {NONE, NONE}, two[] = {0, 1};
    const uint8_t no_query[] = {0, 0};
    rid_ranking_input in = {.emb = emb, .n = 0, .dim = 2, .person = two};
    rid_ranking r = run(&in, NULL, 3);
    assert_all_nan(&r);
    in.n = 2;
    in.person = nobody;
    r = run(&in, NULL, 1);
    assert_all_nan(&r);
    assert_int_equal(r.n_queries + r.n_without_positive, 0);
    in.person = two;
    in.query = no_query;
    r = run(&in, NULL, 1);
    assert_all_nan(&r);
    in.query = NULL;
    r = run(&in, NULL, 1); /* two persons of one entry: negatives alone */
    assert_all_nan(&r);
    assert_int_equal(r.n_queries, 0);
    assert_int_equal(r.n_without_positive, 2);
}

static void test_one_class(void **state)
{
    (void)state;
    const float emb[] = {1, 0, 0, 1, 0.6f, 0.8f};
    const uint32_t person[] = {5, 5, 5};
    rid_ranking_input in = {.emb = emb, .n = 3, .dim = 2, .person = person};
    rid_ranking r = run(&in, NULL, 2);
    assert_true(r.map == 1 && r.rank1 == 1 && r.minp == 1);
    assert_true(isnan(r.auc) && isnan(r.eer) && isnan(r.dprime));
}

static void test_unusable(void **state)
{
    (void)state;
    /* Entry 1 has no embedding: a miss as a query, and a positive that is never found. */
    const float emb[] = {1, 0, 0, 0, 0.8f, 0.6f, 1, 0};
    const uint32_t person[] = {4, 4, 4, 9};
    const uint8_t usable[] = {1, 0, 1, 1};
    double ap[4];
    rid_ranking_input in = {.emb = emb, .n = 4, .dim = 2, .person = person, .usable = usable};
    rid_ranking r = run(&in, ap, 1);
    assert_near("AP of 0", ap[0], 0.5 / 2, 1e-15); /* 3 stands before 2 */
    assert_near("AP of 1", ap[1], 0, 0);
    assert_near("AP of 2", ap[2], 1.0 / 2, 1e-15); /* 0 is the earlier of two equal ones */
    assert_true(isnan(ap[3]));
    assert_int_equal(r.n_queries, 3);
    assert_int_equal(r.n_without_positive, 1);
    assert_near("rank1", r.rank1, 1.0 / 3, 1e-15);
    assert_near("mINP", r.minp, 0, 0);
    /* Positives 0.8 twice; negatives 1, 0.8, 1, 0.8: of eight pairs four are ties. */
    assert_near("AUC", r.auc, 0.25, 1e-15);
}

static void test_not_finite(void **state)
{
    (void)state;
    float emb[] = {1, 0, 0, INFINITY, NAN, 0, 0, 1};
    const uint32_t person[] = {4, 4, NONE, 4};
    const uint8_t usable[] = {1, 0, 1, 1};
    rid_ranking_input in = {.emb = emb, .n = 4, .dim = 2, .person = person};
    rid_ranking r;
    assert_fails(rid_ranking_run(&r, NULL, &in, 2, &err), RID_EDATA, "not finite");
    emb[2] = 1e38f; /* whose products are not: nonsense, but no crash */
    emb[3] = emb[4] = -1e38f;
    assert_ok(rid_ranking_run(&r, NULL, &in, 2, &err));
    emb[3] = INFINITY;
    emb[4] = NAN;
    in.usable = usable; /* rows that are not used are not looked at */
    r = run(&in, NULL, 1);
    assert_true(r.rank1 > 0.6);
}

/* ---- against plain loops ---- */

typedef struct scored {
    float score;
    size_t entry;
} scored;

static int compare_scored(const void *a, const void *b)
{
    const scored *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

typedef struct plain {
    rid_ranking r;
    double ap[400];
    double *positive, *negative; /* scores */
    size_t n_positive, n_negative;
} plain;

static void plain_query(plain *p, const rid_ranking_input *in, size_t q)
{
    scored list[400];
    size_t n = 0, n_positives = 0, found = 0, first = 0;
    double sum = 0, last = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (i == q || in->person[i] == NONE)
            continue;
        n_positives += in->person[i] == in->person[q];
        if (!in->usable[i] || !in->usable[q])
            continue;
        float score =
            rid_kernel_reference_dot(in->emb + i * in->dim, in->emb + q * in->dim, in->dim);
        list[n++] = (scored){score, i};
        if (in->person[i] == in->person[q])
            p->positive[p->n_positive++] = (double)score;
        else
            p->negative[p->n_negative++] = (double)score;
    }
    p->ap[q] = NAN;
    if (n_positives == 0) {
        p->r.n_without_positive++;
        return;
    }
    qsort(list, n, sizeof *list, compare_scored);
    for (size_t i = 0; i < n; i++) {
        if (in->person[list[i].entry] != in->person[q])
            continue;
        last = (double)++found / (double)(i + 1);
        sum += last;
        first = first ? first : i + 1;
    }
    p->ap[q] = sum / (double)n_positives;
    p->r.n_queries++;
    p->r.map += p->ap[q];
    p->r.minp += found == n_positives ? last : 0;
    p->r.rank1 += first == 1;
    p->r.rank5 += first >= 1 && first <= 5;
}

static void plain_run(plain *p, const rid_ranking_input *in)
{
    double won = 0;
    p->r = (rid_ranking){0};
    p->n_positive = p->n_negative = 0;
    for (size_t q = 0; q < in->n; q++) {
        p->ap[q] = NAN;
        if (in->person[q] != NONE && in->query[q])
            plain_query(p, in, q);
    }
    for (size_t i = 0; i < p->n_positive; i++)
        for (size_t k = 0; k < p->n_negative; k++)
            won += p->positive[i] > p->negative[k] ? 1 : p->positive[i] == p->negative[k] ? 0.5 : 0;
    const double n = (double)p->r.n_queries;
    p->r.map /= n;
    p->r.minp /= n;
    p->r.rank1 /= n;
    p->r.rank5 /= n;
    p->r.auc = won / ((double)p->n_positive * (double)p->n_negative);
}

/* Multiples of 1/8, or of 1/2: products are exact in any order, and often equal. */
static void make_input(rid_ranking_input *in, float *emb, uint32_t *person, uint8_t *usable,
                       uint8_t *query, rid_random *rng)
{
    const int64_t steps = rid_random_chance(rng, 0.5) ? 4 : 1;
    const uint64_t n_people = 1 + rid_random_below(rng, 30);
    in->n = rid_random_below(rng, 200);
    in->dim = 1 + rid_random_below(rng, 9);
    for (size_t i = 0; i < in->n * in->dim; i++)
        emb[i] = (float)rid_random_between(rng, -steps, steps) / (float)(8 * steps);
    for (size_t i = 0; i < in->n; i++) {
        person[i] =
            rid_random_chance(rng, 0.1) ? NONE : (uint32_t)rid_random_below(rng, n_people) * 977;
        usable[i] = rid_random_chance(rng, 0.9);
        query[i] = rid_random_chance(rng, 0.7);
    }
}

static void test_equals_plain_loops(void **state)
{
    (void)state;
    static float emb[400 * 9];
    static uint32_t person[400];
    static uint8_t usable[400], query[400];
    static plain p;
    rid_random rng = fx_random(1);
    p.positive = rid_mem_alloc(300 * 300, sizeof(double));
    p.negative = rid_mem_alloc(300 * 300, sizeof(double));
    for (int round = 0; round < 40; round++) {
        rid_ranking_input in = {.emb = emb, .person = person, .usable = usable, .query = query};
        double ap[400];
        make_input(&in, emb, person, usable, query, &rng);
        plain_run(&p, &in);
        rid_ranking first = run(&in, ap, 1);
        for (size_t i = 0; i < in.n; i++)
            assert_near("AP", ap[i], p.ap[i], 1e-14);
        assert_near("mAP", first.map, p.r.map, 1e-14);
        assert_near("mINP", first.minp, p.r.minp, 1e-14);
        assert_near("rank1", first.rank1, p.r.rank1, 1e-15);
        assert_near("rank5", first.rank5, p.r.rank5, 1e-15);
        assert_near("AUC", first.auc, p.r.auc, 1e-14);
        assert_int_equal(first.n_queries, p.r.n_queries);
        assert_int_equal(first.n_without_positive, p.r.n_without_positive);
        for (int threads = 2; threads <= 7; threads += 5) {
            double other_ap[400];
            rid_ranking other = run(&in, other_ap, threads);
            assert_memory_equal(&other, &first, sizeof first);
            for (size_t i = 0; i < in.n; i++)
                assert_true(same_bits(other_ap[i], ap[i]));
        }
    }
    rid_mem_free(p.positive);
    rid_mem_free(p.negative);
}

/* ---- against numpy and scikit-learn ---- */

static rid_json read_json(rid_json_parser *parser, rid_buf *text)
{
    rid_json root;
    assert_non_null(rid_buf_reserve(text, RID_JSON_PADDING));
    assert_ok(rid_json_parse(parser, text->data, text->len, &root, &err));
    return root;
}

static double number_at(rid_json object, const char *key)
{
    rid_json v;
    double x = NAN;
    assert_true(rid_json_find(object, key, &v));
    rid_json_get_f64(v, &x);
    return x;
}

static size_t read_numbers(rid_json object, const char *key, double *out, size_t max)
{
    rid_json list, v;
    size_t n = 0;
    assert_true(rid_json_find(object, key, &list));
    for (rid_json_iter it = rid_json_begin(list); rid_json_next(&it, NULL, &v);) {
        assert_true(n < max);
        out[n] = NAN;
        rid_json_get_f64(v, &out[n++]);
    }
    return n;
}

static void read_flags(rid_json one, const char *key, uint8_t *out, size_t n)
{
    double number[100];
    assert_int_equal(read_numbers(one, key, number, 100), n);
    for (size_t i = 0; i < n; i++)
        out[i] = number[i] > 0;
}

static void read_whole(rid_json one, const char *key, uint32_t *out, size_t n)
{
    double number[100];
    assert_int_equal(read_numbers(one, key, number, 100), n);
    for (size_t i = 0; i < n; i++)
        out[i] = (uint32_t)number[i];
}

static void check_figures(rid_json expect, const rid_ranking *r, const rid_separation *s,
                          const rid_open_set *open)
{
    double tar[RID_TARS], fnir[RID_FPIRS];
    assert_near("map", r->map, number_at(expect, "map"), 1e-14);
    assert_near("minp", r->minp, number_at(expect, "minp"), 1e-14);
    assert_near("rank1", r->rank1, number_at(expect, "rank1"), 1e-14);
    assert_near("rank5", r->rank5, number_at(expect, "rank5"), 1e-14);
    assert_near("auc", r->auc, number_at(expect, "auc"), 1e-14);
    assert_near("eer", r->eer, number_at(expect, "eer"), 1e-14);
    assert_near("dprime", r->dprime, number_at(expect, "dprime"), 1e-6);
    assert_true(s->auc == r->auc && s->eer == r->eer && s->dprime == r->dprime);
    assert_int_equal(r->n_queries, (size_t)number_at(expect, "n_queries"));
    assert_int_equal(open->n_mated, r->n_queries);
    assert_int_equal(open->n_nonmated, r->n_queries + r->n_without_positive);
    assert_int_equal(read_numbers(expect, "tar", tar, RID_TARS), RID_TARS);
    assert_int_equal(read_numbers(expect, "fnir", fnir, RID_FPIRS), RID_FPIRS);
    for (size_t k = 0; k < RID_TARS; k++)
        assert_near("tar", s->tar[k], tar[k], 1e-14);
    for (size_t k = 0; k < RID_FPIRS; k++)
        assert_near("fnir", open->fnir[k], fnir[k], 1e-14);
}

static void check_vector(rid_json one)
{
    double number[1000];
    float emb[1000];
    uint32_t person[100], group[100], camera[100];
    uint8_t usable[100], query[100], gallery[100];
    rid_ranking_query queries[100];
    rid_ranking r;
    rid_separation separation;
    rid_open_set open;
    rid_json expect;
    rid_ranking_input in = {.emb = emb,
                            .person = person,
                            .usable = usable,
                            .query = query,
                            .gallery = gallery,
                            .group = group,
                            .camera = camera};
    in.dim = (size_t)number_at(one, "dim");
    size_t n_floats = read_numbers(one, "emb", number, 1000);
    for (size_t i = 0; i < n_floats; i++)
        emb[i] = (float)number[i];
    in.n = n_floats / in.dim;
    read_whole(one, "person", person, in.n);
    read_whole(one, "group", group, in.n);
    read_whole(one, "camera", camera, in.n);
    read_flags(one, "usable", usable, in.n);
    read_flags(one, "query", query, in.n);
    read_flags(one, "gallery", gallery, in.n);
    const rid_ranking_details details = {.queries = queries, .separation = &separation};
    assert_ok(rid_ranking_run_details(&r, &details, &in, 2, &err));
    assert_ok(rid_open_set_measure(&open, queries, in.n, &err));
    assert_true(rid_json_find(one, "expect", &expect));
    assert_int_equal(read_numbers(expect, "ap", number, 100), in.n);
    for (size_t i = 0; i < in.n; i++)
        assert_near("AP", queries[i].is_query ? queries[i].ap : NAN, number[i], 1e-14);
    check_figures(expect, &r, &separation, &open);
}

static void test_vectors(void **state)
{
    (void)state;
    rid_buf text = fx_read("tests/vectors/ranking.json");
    rid_json_parser *parser = rid_json_parser_new();
    rid_json one, root = read_json(parser, &text);
    for (rid_json_iter it = rid_json_begin(root); rid_json_next(&it, NULL, &one);)
        check_vector(one);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
}

/* ---- counts of scores ---- */

static rid_score_counts counts;

static void test_roc(void **state)
{
    (void)state;
    rid_roc_point point[400];
    memset(&counts, 0, sizeof counts);
    assert_int_equal(rid_score_roc(point, 400, &counts), 0);
    counts.positive[RID_SCORE_BINS * 3 / 4] = 3;
    counts.positive[RID_SCORE_BINS / 4] = 1;
    counts.negative[RID_SCORE_BINS / 2] = 2;
    assert_int_equal(rid_score_roc(point, 400, &counts), 4);
    assert_true(isinf(point[0].threshold) && point[0].fpr == 0 && point[0].tpr == 0);
    assert_true(point[1].threshold == 0.5 && point[1].fpr == 0 && point[1].tpr == 0.75);
    assert_true(point[2].threshold == 0 && point[2].fpr == 1 && point[2].tpr == 0.75);
    assert_true(point[3].threshold == -0.5 && point[3].fpr == 1 && point[3].tpr == 1);
    rid_random rng = fx_random(2);
    for (size_t b = 0; b < RID_SCORE_BINS; b++) {
        counts.positive[b] = rid_random_below(&rng, 1 + b / 1000);
        counts.negative[b] = rid_random_below(&rng, 1 + (RID_SCORE_BINS - b) / 50);
    }
    for (size_t max = 2; max <= 400; max = max * 2 + 1) {
        size_t n = rid_score_roc(point, max, &counts);
        assert_true(n >= 2 && n <= max && n + 3 >= max);
        assert_true(point[n - 1].fpr == 1 && point[n - 1].tpr == 1);
        for (size_t i = 1; i < n; i++)
            assert_true(point[i].fpr >= point[i - 1].fpr && point[i].tpr >= point[i - 1].tpr &&
                        point[i].threshold < point[i - 1].threshold);
    }
}

static void test_histogram(void **state)
{
    (void)state;
    double positive[4], negative[4];
    memset(&counts, 0, sizeof counts);
    rid_score_histogram(positive, negative, 4, &counts);
    assert_true(positive[0] == 0 && negative[3] == 0);
    counts.positive[0] = 1;
    counts.positive[RID_SCORE_BINS - 1] = 3;
    counts.negative[RID_SCORE_BINS / 2] = 5;
    rid_score_histogram(positive, negative, 4, &counts);
    assert_true(positive[0] == 0.25 && positive[1] == 0 && positive[3] == 0.75);
    assert_true(negative[1] == 0 && negative[2] == 1);
}

/* Threshold after threshold, from the highest. */
static double plain_eer(const float *positive, const float *negative, size_t n)
{
    double fpr = 0, fnr = 1;
    for (float threshold = INFINITY, next; fpr < fnr; threshold = next) {
        size_t accepted = 0, missed = 0;
        next = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            if (positive[i] < threshold && positive[i] > next)
                next = positive[i];
            if (negative[i] < threshold && negative[i] > next)
                next = negative[i];
        }
        for (size_t i = 0; i < n; i++) {
            accepted += negative[i] >= next;
            missed += positive[i] < next;
        }
        double f = (double)accepted / (double)n, m = (double)missed / (double)n;
        if (f >= m)
            return fpr + (f - fpr) * (fnr - fpr) / (fnr - fpr + f - m);
        fpr = f;
        fnr = m;
    }
    return fpr;
}

/* Scores beyond −1 … 1, and many in one bin, are still compared one by one. */
static void test_comparisons_inside_bins(void **state)
{
    (void)state;
    enum { N = 500 };
    rid_random rng = fx_random(3);
    float *given = rid_mem_alloc(N, sizeof *given), positive[N], negative[N];
    double won = 0;
    rid_positives *p;
    for (size_t i = 0; i < N; i++) {
        positive[i] = 0.5f + (float)rid_random_below(&rng, 300) * 0x1p-22f;
        negative[i] = 0.5f + (float)rid_random_below(&rng, 200) * 0x1p-22f;
        if (i % 10 == 0)
            positive[i] = negative[i] = 3 * (float)rid_random_normal(&rng);
    }
    memcpy(given, positive, sizeof positive);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++)
            won += positive[i] > negative[k] ? 1 : positive[i] == negative[k] ? 0.5 : 0;
    assert_ok(rid_positives_new(&p, given, N, &err));
    for (size_t i = 0; i < 2; i++) {
        rid_negatives *t = rid_negatives_new(p);
        assert_non_null(t);
        rid_negatives_take(t, negative + i * (N / 2 - 3), i ? N / 2 + 3 : N / 2 - 3);
        rid_negatives_close(t);
    }
    assert_int_equal(rid_positives_n_negatives(p), N);
    assert_near("AUC", rid_positives_auc(p), won / N / N, 1e-15);
    assert_near("EER", rid_positives_eer(p), plain_eer(positive, negative, N), 1e-15);
    rid_positives_free(p);
}

/* So many positives that the bins are finer. */
static void test_many_positives(void **state)
{
    (void)state;
    enum { N = 40000, M = 200 };
    rid_random rng = fx_random(5);
    float *positive = rid_mem_alloc(N, sizeof *positive), negative[M];
    double won = 0;
    rid_positives *p;
    for (size_t i = 0; i < N; i++)
        positive[i] = 0.5f + 0.2f * (float)rid_random_normal(&rng);
    for (size_t k = 0; k < M; k++)
        negative[k] = k % 2 ? positive[k] : 0.1f + 0.3f * (float)rid_random_normal(&rng);
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < M; k++)
            won += positive[i] > negative[k] ? 1 : positive[i] == negative[k] ? 0.5 : 0;
    assert_ok(rid_positives_new(&p, positive, N, &err));
    rid_negatives *t = rid_negatives_new(p);
    rid_negatives_take(t, negative, M);
    rid_negatives_close(t);
    assert_near("AUC", rid_positives_auc(p), won / N / M, 1e-14);
    rid_positives_count(p, &counts);
    size_t n[2] = {0};
    for (size_t b = 0; b < RID_SCORE_BINS; b++) {
        n[0] += counts.positive[b];
        n[1] += counts.negative[b];
    }
    assert_true(n[0] == N && n[1] == M);
    for (size_t k = 0; k < M; k++)
        assert_true(counts.negative[rid_score_bin(negative[k])] > 0);
    rid_positives_free(p);
}

/* ---- real data ---- */

/* Figures computed independently, to three decimals. */
static void test_omniglot(void **state)
{
    (void)state;
    static burst_set set;
    for (int filter = 0; filter < 2; filter++) {
        if (!read_omniglot(&set, filter))
            skip();
        rid_ranking r = run(
            &(rid_ranking_input){
                .emb = set.emb, .n = set.n, .dim = OMNIGLOT_DIM, .person = set.person},
            NULL, 2);
        assert_int_equal(r.n_queries, OMNIGLOT_ENTRIES);
        assert_near("mAP", r.map, filter ? 0.903 : 0.917, 0.0005);
    }
}

/* ---- no memory ---- */

static void test_no_memory(void **state)
{
    (void)state;
    float emb[40 * 3];
    uint32_t person[40];
    rid_random rng = fx_random(4);
    rid_random_normals(&rng, emb, 120);
    for (size_t i = 0; i < 40; i++)
        person[i] = (uint32_t)i / 4;
    rid_ranking_input in = {.emb = emb, .n = 40, .dim = 3, .person = person};
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_ranking r;
        rid_mem_fail_after(nth);
        st = rid_ranking_run(&r, NULL, &in, 1 + (int)(nth % 2), NULL);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(nth < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_separation_by_hand),
        cmocka_unit_test(test_rank5),
        cmocka_unit_test(test_equal_everywhere),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_one_class),
        cmocka_unit_test(test_unusable),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_equals_plain_loops),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_roc),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_comparisons_inside_bins),
        cmocka_unit_test(test_many_positives),
        cmocka_unit_test(test_omniglot),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
