/* The libtorch shim. */
#include "train/nn.h"

#include "fixture.h"

enum { N = 40 };

/* ---- linear algebra in double ---- */

static void fill(double *x, size_t n, uint64_t key)
{
    rid_random r = fx_random(key);
    for (size_t i = 0; i < n; i++)
        x[i] = rid_random_normal(&r);
}

/* Element (i, j) of a matrix with that many columns, or of its transpose. */
static double at(const double *a, size_t i, size_t j, size_t columns, bool transposed)
{
    return transposed ? a[j * columns + i] : a[i * columns + j];
}

static void test_gemm(void **state)
{
    (void)state;
    enum { R = 7, K = 11, M = 5 };
    double a[R * K], b[K * M], c[R * M];
    fill(a, R * K, 1);
    fill(b, K * M, 2);
    for (int mode = 0; mode < 4; mode++) {
        bool ta = mode & 1, tb = mode & 2;
        assert_ok(rid_nn_gemm(c, a, ta, b, tb, R, K, M, &err));
        for (size_t i = 0; i < R; i++) {
            for (size_t j = 0; j < M; j++) {
                double sum = 0;
                for (size_t k = 0; k < K; k++)
                    sum += at(a, i, k, ta ? R : K, ta) * at(b, k, j, tb ? K : M, tb);
                assert_true(fabs(sum - c[i * M + j]) < 1e-13);
            }
        }
    }
    c[0] = 7;
    assert_ok(rid_nn_gemm(c, a, false, b, false, 1, 0, 1, &err)); /* an empty sum */
    assert_true(c[0] == 0);
}

static void test_eigh(void **state)
{
    (void)state;
    static double s[N * N], v[N * N], back[N * N], w[N];
    fill(s, N * N, 3);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < i; j++)
            s[i * N + j] = s[j * N + i];
    memcpy(v, s, sizeof s);
    assert_ok(rid_nn_eigh(v, w, N, &err));
    for (size_t i = 1; i < N; i++)
        assert_true(w[i - 1] <= w[i]);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++)
            back[i * N + j] = v[i * N + j] * w[j];
    static double product[N * N];
    assert_ok(rid_nn_gemm(product, back, false, v, true, N, N, N, &err)); /* V diag(w) Vᵀ */
    for (size_t i = 0; i < N * N; i++)
        assert_true(fabs(product[i] - s[i]) < 1e-12);
    assert_ok(rid_nn_gemm(product, v, true, v, false, N, N, N, &err));
    for (size_t i = 0; i < N * N; i++)
        assert_true(fabs(product[i] - (i / N == i % N)) < 1e-13);
}

static void test_eigh_refuses_what_is_not_finite(void **state)
{
    (void)state;
    double a[4] = {1, 0, NAN, 2}, w[2];
    assert_fails(rid_nn_eigh(a, w, 2, &err), RID_EDATA, "element (1, 0) of the matrix is not finite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_eigh),
        cmocka_unit_test(test_eigh_refuses_what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
