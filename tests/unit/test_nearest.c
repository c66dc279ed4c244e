/* Nearest rows against plain loops in double: random rows, ties, rows that float32 cannot tell apart, and
 * any number of threads. */
#include "fixture.h"

#include "eval/kernel.h"
#include "eval/nearest.h"
#include "eval/scan.h"

enum { MAX_N = 400, MAX_DIM = 40 };

typedef struct data_set {
    float emb[MAX_N * MAX_DIM];
    size_t n, dim;
} data_set;

static data_set set;

static void normalise(float *row, size_t dim)
{
    double sum = 0;
    for (size_t k = 0; k < dim; k++)
        sum += (double)row[k] * (double)row[k];
    for (size_t k = 0; k < dim; k++)
        row[k] = (float)((double)row[k] / sqrt(sum));
}

static void make_random(uint64_t seed, size_t n, size_t dim)
{
    rid_random rng = fx_random(seed);
    set.n = n;
    set.dim = dim;
    rid_random_normals(&rng, set.emb, n * dim);
    for (size_t i = 0; i < n; i++)
        normalise(set.emb + i * dim, dim);
}

/* Rows of ±1/4: products are exact, and many are equal. */
static void make_ties(uint64_t seed, size_t n)
{
    rid_random rng = fx_random(seed);
    set.n = n;
    set.dim = 16;
    for (size_t i = 0; i < n * 16; i++)
        set.emb[i] = i % 16 < 10 || rid_random_chance(&rng, 0.5) ? 0.25f : -0.25f;
}

/* Rows so close to one another that their float32 products say nothing. */
static void make_crowd(uint64_t seed, size_t n)
{
    rid_random rng = fx_random(seed);
    make_random(seed, n, 24);
    for (size_t i = 1; i < n; i++)
        for (size_t k = 0; k < 24; k++)
            set.emb[i * 24 + k] = set.emb[k] * (float)(1 + 2e-7 * rid_random_normal(&rng));
}

typedef struct other {
    double distance2;
    uint32_t row;
} other;

static int compare_others(const void *a, const void *b)
{
    const other *x = a, *y = b;
    if (x->distance2 != y->distance2)
        return x->distance2 < y->distance2 ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* All others of a row, nearest first. */
static void sort_others(other *out, size_t row)
{
    for (size_t i = 0; i < set.n; i++) {
        const float *a = set.emb + row * set.dim, *b = set.emb + i * set.dim;
        out[i] = (other){rid_distance2(a, b, set.dim), (uint32_t)i};
    }
    qsort(out, set.n, sizeof *out, compare_others);
}

static void check(size_t k)
{
    static uint32_t near[MAX_N * MAX_N];
    static double farthest[MAX_N];
    static other plain[MAX_N];
    for (int threads = 1; threads <= 5; threads += 2) {
        memset(near, 0xff, sizeof near);
        assert_ok(rid_nearest(near, farthest, k, set.emb, set.n, set.dim, threads, &err));
        for (size_t i = 0; i < set.n; i++) {
            sort_others(plain, i);
            for (size_t j = 0; j < k; j++)
                assert_int_equal(near[i * k + j], plain[j].row);
            assert_true(fabs(farthest[i] - plain[set.n - 1].distance2) < 1e-6);
        }
    }
}

static void test_against_plain_loops(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 9, 16, 49, 257, 400};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (size_t k = 1; k <= sizes[s]; k = 3 * k + 1) {
            make_random(s, sizes[s], 1 + s * 6);
            check(k);
            make_ties(s, sizes[s]);
            check(k);
        }
    make_random(9, 60, 5);
    check(60);
}

static void test_closer_than_float_tells(void **state)
{
    (void)state;
    make_crowd(3, 200);
    check(1);
    check(20);
}

static void test_distance(void **state)
{
    (void)state;
    rid_random rng = fx_random(5);
    float a[MAX_DIM], b[MAX_DIM];
    for (size_t n = 0; n <= MAX_DIM; n++) {
        long double sum = 0;
        rid_random_normals(&rng, a, n);
        rid_random_normals(&rng, b, n);
        for (size_t k = 0; k < n; k++)
            sum +=
                ((long double)a[k] - (long double)b[k]) * ((long double)a[k] - (long double)b[k]);
        assert_true(fabs(rid_distance2(a, b, n) - (double)sum) <= 1e-14 * (double)sum);
        assert_true(rid_distance2(a, b, n) == rid_distance2(b, a, n) &&
                    rid_distance2(a, a, n) == 0);
    }
    const float x[] = {1, 2, 3}, y[] = {2, 0, 6};
    assert_true(rid_distance2(x, y, 3) == 14);
}

static void test_scan_all(void **state)
{
    (void)state;
    enum { K = 5 };
    rid_neighbour out[300 * K], lowest[300];
    if (strcmp(rid_kernel_get()->arithmetic, "fma") != 0)
        skip();
    make_random(8, 300, 33);
    assert_ok(rid_scan_all(out, K, lowest, set.emb, 300, 33, 3, &err));
    for (size_t i = 0; i < 300; i++) {
        float score[300], low;
        rid_kernel_reference_product(score, 300, set.emb + i * 33, 33, 1, set.emb, 33, 300, 33);
        low = score[0];
        for (size_t j = 0; j < 300; j++) {
            size_t before = 0;
            low = score[j] < low ? score[j] : low;
            for (size_t m = 0; m < 300; m++)
                before += score[m] > score[j] || (score[m] == score[j] && m < j);
            if (before < K) {
                assert_int_equal(out[i * K + before].row, j);
                assert_true(out[i * K + before].score == score[j]);
            }
        }
        assert_true(lowest[i].score == low && score[lowest[i].row] == low);
    }
}

static void test_far_from_unit(void **state)
{
    (void)state;
    uint32_t near[3];
    double farthest[3];
    float emb[] = {100, 0, -100, 0, 0, 50}; /* products below −2: the slow way, but right */
    assert_ok(rid_nearest(near, farthest, 1, emb, 3, 2, 1, &err));
    assert_true(near[0] == 0 && near[1] == 1 && near[2] == 2);
    emb[1] = NAN;
    assert_fails(rid_nearest(near, farthest, 1, emb, 3, 2, 1, &err), RID_EDATA, "not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_plain_loops),
        cmocka_unit_test(test_closer_than_float_tells),
        cmocka_unit_test(test_distance),
        cmocka_unit_test(test_scan_all),
        cmocka_unit_test(test_far_from_unit),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
