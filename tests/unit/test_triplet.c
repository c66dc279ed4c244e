/* The batch-hard triplet loss: a case worked by hand, a plain reference, finite differences. */
#include "train/triplet.h"

#include "fixture.h"

enum { N = 24, DIM = 5, PERSONS = 6 };

typedef struct batch {
    double emb[N * DIM], gradient[N * DIM];
    uint32_t entry[N], person[N];
    rid_triplet_rows rows;
} batch;

static const rid_triplet_options OPTIONS[] = {
    {RID_DISTANCE_EUCLIDEAN, false, 0.3},
    {RID_DISTANCE_COSINE, false, 0.1},
    {RID_DISTANCE_EUCLIDEAN, true, 0},
    {RID_DISTANCE_COSINE, true, 0},
};
enum { N_OPTIONS = sizeof OPTIONS / sizeof OPTIONS[0] };

static void init_batch(batch *b, size_t n)
{
    memset(b, 0, sizeof *b);
    b->rows = (rid_triplet_rows){b->emb, b->entry, b->person, n, DIM};
}

/* Unit rows; each person has three entries, one of them twice. */
static void make_batch(batch *b, uint64_t seed)
{
    rid_random r = fx_random(seed);
    init_batch(b, N);
    for (size_t i = 0; i < N; i++) {
        double squares = 0, *row = b->emb + i * DIM;
        for (size_t k = 0; k < DIM; k++) {
            row[k] = rid_random_normal(&r);
            squares += row[k] * row[k];
        }
        for (size_t k = 0; k < DIM; k++)
            row[k] /= sqrt(squares);
        b->person[i] = (uint32_t)(i % PERSONS);
        b->entry[i] = (uint32_t)(i % (3 * PERSONS));
    }
}

static rid_step_figures loss_of(batch *b, const rid_triplet_options *o, int threads)
{
    rid_step_figures f = {0};
    assert_ok(rid_triplet_loss(&f, b->gradient, &b->rows, o, threads, &err));
    return f;
}

/* ---- by hand ---- */

/* Points on a line through three persons: A at 0 and 1, B at 3 and 7, C, who has one entry, at 8. */
static void make_line(batch *b)
{
    const double at[] = {0, 1, 3, 7, 8};
    const uint32_t person[] = {0, 0, 1, 1, 2};
    init_batch(b, 5);
    for (size_t i = 0; i < 5; i++) {
        b->emb[i * DIM] = at[i];
        b->person[i] = person[i];
        b->entry[i] = (uint32_t)i;
    }
}

static void test_by_hand(void **state)
{
    (void)state;
    batch b;
    make_line(&b);
    /* anchor: d_ap, d_an: A0 1, 3 (B3); A1 1, 2 (B3); B3 4, 2 (A1); B7 4, 1 (C8); C is no anchor */
    rid_triplet_options o = {RID_DISTANCE_EUCLIDEAN, false, 0.5};
    rid_step_figures f = loss_of(&b, &o, 1);
    assert_int_equal(f.n_anchors, 4);
    assert_int_equal(f.n_active, 2);
    assert_true(fabs(f.loss - (4 - 2 + 0.5 + 4 - 1 + 0.5) / 4) < 1e-15);
    assert_true(fabs(f.positive - 10.0 / 4) < 1e-15 && fabs(f.negative - 8.0 / 4) < 1e-15);
    /* B3: away from A1, towards B7; B7: towards B3, away from C8 */
    const double expected[] = {0, 1.0 / 4, (-1 - 1 - 1) / 4.0, (1 + 1 + 1) / 4.0, -1.0 / 4};
    for (size_t i = 0; i < 5; i++)
        assert_true(fabs(b.gradient[i * DIM] - expected[i]) < 1e-15);
    /* mean 3.8: squares 14.44 + 7.84 + 0.64 + 10.24 + 17.64 */
    assert_true(fabs(f.spread - sqrt(50.8 / 5)) < 1e-14);
    o.soft = true;
    f = loss_of(&b, &o, 1);
    assert_int_equal(f.n_active, 2);
    assert_true(fabs(f.loss - (log1p(exp(-2)) + log1p(exp(-1)) + log1p(exp(2)) + log1p(exp(3))) / 4) <
                1e-15);
}

static void test_soft_margin_far_out(void **state)
{
    (void)state;
    batch b;
    make_line(&b);
    for (size_t i = 0; i < 5; i++)
        b.emb[i * DIM] *= 1000;
    const rid_triplet_options o = {RID_DISTANCE_EUCLIDEAN, true, 0};
    assert_true(fabs(loss_of(&b, &o, 1).loss - (2000 + 3000) / 4.0) < 1e-9);
}

/* ---- a plain reference ---- */

static double distance(const batch *b, size_t i, size_t j, rid_distance kind)
{
    double squares = 0, dot = 0;
    for (size_t k = 0; k < DIM; k++) {
        double x = b->emb[i * DIM + k], y = b->emb[j * DIM + k];
        squares += (x - y) * (x - y);
        dot += x * y;
    }
    return kind == RID_DISTANCE_COSINE ? 1 - dot : sqrt(fmax(squares, 1e-12));
}

static double plain_loss(const batch *b, const rid_triplet_options *o)
{
    double sum = 0;
    size_t n_anchors = 0;
    for (size_t i = 0; i < b->rows.n; i++) {
        double positive = -INFINITY, negative = INFINITY;
        for (size_t j = 0; j < b->rows.n; j++) {
            double d = distance(b, i, j, o->distance);
            if (b->person[i] != b->person[j])
                negative = fmin(negative, d);
            else if (b->entry[i] != b->entry[j])
                positive = fmax(positive, d);
        }
        if (!isfinite(positive) || !isfinite(negative))
            continue;
        double x = positive - negative;
        sum += o->soft ? log(1 + exp(x)) : fmax(0, x + o->margin);
        n_anchors++;
    }
    return sum / (double)n_anchors;
}

static void test_against_plain_loops(void **state)
{
    (void)state;
    batch b;
    for (uint64_t seed = 0; seed < 20; seed++) {
        make_batch(&b, seed);
        for (size_t k = 0; k < N_OPTIONS; k++)
            assert_true(fabs(loss_of(&b, &OPTIONS[k], 1).loss - plain_loss(&b, &OPTIONS[k])) < 1e-14);
    }
}

static void test_finite_differences(void **state)
{
    (void)state;
    const double h = 1e-6;
    batch b;
    make_batch(&b, 3);
    for (size_t k = 0; k < N_OPTIONS; k++) {
        loss_of(&b, &OPTIONS[k], 1);
        for (size_t i = 0; i < N * DIM; i++) {
            double kept = b.emb[i];
            b.emb[i] = kept + h;
            double high = plain_loss(&b, &OPTIONS[k]);
            b.emb[i] = kept - h;
            double low = plain_loss(&b, &OPTIONS[k]);
            b.emb[i] = kept;
            assert_true(fabs((high - low) / (2 * h) - b.gradient[i]) < 1e-8);
        }
    }
}

static void test_threads_do_not_matter(void **state)
{
    (void)state;
    batch one, many;
    for (size_t k = 0; k < N_OPTIONS; k++) {
        make_batch(&one, 5);
        make_batch(&many, 5);
        assert_true(loss_of(&one, &OPTIONS[k], 1).loss == loss_of(&many, &OPTIONS[k], 3).loss);
        assert_memory_equal(one.gradient, many.gradient, sizeof one.gradient);
    }
}

/* ---- identical embeddings ---- */

static void test_identical_embeddings(void **state)
{
    (void)state;
    batch b;
    make_batch(&b, 1);
    for (size_t i = 1; i < N; i++)
        memcpy(b.emb + i * DIM, b.emb, DIM * sizeof *b.emb);
    rid_step_figures f = loss_of(&b, &OPTIONS[0], 1);
    assert_true(fabs(f.positive - 1e-6) < 1e-18 && fabs(f.negative - 1e-6) < 1e-18);
    assert_true(f.spread < 1e-15);
    assert_true(fabs(f.loss - OPTIONS[0].margin) < 1e-15);
    for (size_t i = 0; i < N * DIM; i++)
        assert_true(b.gradient[i] == 0);
    /* a little off, but not farther than the least distance */
    b.emb[0] += 1e-7;
    loss_of(&b, &OPTIONS[0], 1);
    for (size_t i = 0; i < N * DIM; i++)
        assert_true(b.gradient[i] == 0);
}

/* ---- errors ---- */

static void test_no_anchor(void **state)
{
    (void)state;
    batch b;
    rid_step_figures f;
    make_batch(&b, 1);
    for (uint32_t i = 0; i < N; i++)
        b.entry[i] = b.person[i]; /* one entry each */
    assert_fails(rid_triplet_loss(&f, b.gradient, &b.rows, &OPTIONS[0], 1, &err), RID_EDATA,
                 "no triplet in 24 rows: no person has two entries beside another person");
}

static void test_short_of_memory(void **state)
{
    (void)state;
    batch b;
    rid_step_figures f;
    make_batch(&b, 1);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        rid_mem_fail_after(nth);
        assert_fails(rid_triplet_loss(&f, b.gradient, &b.rows, &OPTIONS[0], 1, &err), RID_ETEMP,
                     "out of memory");
        rid_mem_fail_after(0);
    }
    assert_int_equal(rid_mem_live_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_soft_margin_far_out),
        cmocka_unit_test(test_against_plain_loops),
        cmocka_unit_test(test_finite_differences),
        cmocka_unit_test(test_threads_do_not_matter),
        cmocka_unit_test(test_identical_embeddings),
        cmocka_unit_test(test_no_anchor),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
