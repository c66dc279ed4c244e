/* The libtorch shim: what each operation computes, and that no misuse of it ends in more than an error. */
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

/* ---- contexts ---- */

static rid_nn *open_nn(bool f64)
{
    rid_nn *nn = NULL;
    assert_ok(rid_nn_open(&nn, RID_NN_CPU, 1, f64, &err));
    return nn;
}

static void close_nn(rid_nn *nn)
{
    rid_nn_close(nn);
    assert_int_equal(rid_nn_live(), 0);
}

static void test_open(void **state)
{
    (void)state;
    rid_nn *nn = NULL;
    assert_ok(rid_nn_open(&nn, RID_NN_CPU, 2, false, &err));
    assert_string_equal(rid_nn_device_name(nn), "cpu");
    assert_int_equal(rid_nn_threads(nn), 2);
    assert_int_equal(rid_nn_live(), 1);
    assert_true(strlen(rid_nn_version()) >= 5);
    close_nn(nn);
    assert_fails(rid_nn_open(&nn, RID_NN_CPU, 0, false, &err), RID_EFAIL, "threads");
    assert_null(nn);
    rid_nn_close(NULL);
}

/* Whatever the machine has: AUTO opens, and CUDA does or says why not. */
static void test_devices(void **state)
{
    (void)state;
    rid_nn *nn = NULL;
    rid_err why = {0};
    assert_ok(rid_nn_open(&nn, RID_NN_AUTO, 1, false, &err));
    bool cuda = strncmp(rid_nn_device_name(nn), "cuda: ", 6) == 0;
    assert_true(cuda || strcmp(rid_nn_device_name(nn), "cpu") == 0);
    close_nn(nn);
    rid_status st = rid_nn_open(&nn, RID_NN_CUDA, 1, false, &why);
    assert_int_equal(st, cuda ? RID_OK : RID_ECONFIG);
    if (!cuda) {
        assert_non_null(strstr(why.message, "no CUDA: libtorch "));
        assert_non_null(strstr(why.message, "or choose --device cpu or auto")); /* what to do */
    }
    close_nn(nn);
}

/* ---- what the operations compute ---- */

static rid_nn_value *matrix(rid_nn *nn, const float *data, int64_t rows, int64_t columns)
{
    return rid_nn_constant(nn, data, 2, (int64_t[]){rows, columns});
}

static void assert_value(rid_nn *nn, const rid_nn_value *v, const double *expected, size_t n)
{
    double got[64];
    assert_true(n <= 64);
    assert_ok(rid_nn_read(nn, v, got, n, &err));
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - expected[i]) < 1e-6))
            fail_msg("element %zu is %.9g, expected %.9g", i, got[i], expected[i]);
}

#define assert_values(nn, v, ...)                                                                  \
    assert_value(nn, v, (const double[]){__VA_ARGS__},                                             \
                 sizeof(double[]){__VA_ARGS__} / sizeof(double))

static const float X[] = {1, -2, 3, 4, 5, -6};  /* (2, 3) */
static const float W[] = {1, 0, 2, 0, -1, 1};   /* (2, 3) */
static const float B[] = {10, 20};              /* (2) */

static void test_operations(void **state)
{
    (void)state;
    for (int f64 = 0; f64 < 2; f64++) {
        rid_nn *nn = open_nn(f64);
        rid_nn_value *x = matrix(nn, X, 2, 3), *w = matrix(nn, W, 2, 3);
        rid_nn_value *b = rid_nn_constant(nn, B, 1, (int64_t[]){2});
        assert_values(nn, rid_nn_linear(nn, x, w, b), 17, 25, 2, 9);
        assert_values(nn, rid_nn_linear(nn, x, w, NULL), 7, 5, -8, -11);
        assert_values(nn, rid_nn_matmul(nn, matrix(nn, B, 1, 2), x), 90, 80, -90);
        assert_values(nn, rid_nn_relu(nn, x), 1, 0, 3, 4, 5, 0);
        assert_values(nn, rid_nn_multiply(nn, x, w), 1, 0, 6, 0, -5, -6);
        assert_values(nn, rid_nn_concat(nn, x, matrix(nn, B, 2, 1)), 1, -2, 3, 10, 4, 5, -6, 20);
        assert_values(nn, rid_nn_widen(nn, x, 5), 1, -2, 3, 0, 0, 4, 5, -6, 0, 0);
        assert_values(nn, rid_nn_widen(nn, x, 3), 1, -2, 3, 4, 5, -6);
        close_nn(nn);
    }
}

static void test_unit_rows(void **state)
{
    (void)state;
    const float rows[] = {3, 4, 0, 0, 3e-13f, 4e-13f};
    rid_nn *nn = open_nn(false);
    assert_values(nn, rid_nn_unit_rows(nn, matrix(nn, rows, 3, 2)), 0.6, 0.8, 0, 0, 0.3, 0.4);
    close_nn(nn);
}

/* Two entries with up to three frames in the plane. */
static const float FRAMES[] = {1, 0, 0, 1, 0.6f, 0.8f, 0, 1, 7, 7, 7, 7};
static const float BIAS[] = {0, 0, 0, 0, -INFINITY, -INFINITY};

static void test_attention(void **state)
{
    (void)state;
    const float query[] = {2, 0, 5, 5};
    rid_nn *nn = open_nn(true);
    rid_nn_value *x = rid_nn_constant(nn, FRAMES, 3, (int64_t[]){2, 3, 2});
    rid_nn_value *bias = matrix(nn, BIAS, 2, 3), *q = matrix(nn, query, 2, 2);
    assert_values(nn, rid_nn_first(nn, x), 1, 0, 0, 1);
    assert_values(nn, rid_nn_attend(nn, NULL, 1, x, bias), 1.6 / 3, 1.8 / 3, 0, 1);
    /* logits 0.5·(2, 0, 1.2) */
    const double a = exp(1), b = 1, c = exp((double)0.6f), sum = a + b + c;
    assert_values(nn, rid_nn_attend(nn, q, 0.5, x, bias), (a + (double)0.6f * c) / sum,
                  (b + (double)0.8f * c) / sum, 0, 1);
    close_nn(nn);
}

/* d/dW of Σ g ∘ (x Wᵀ + b) is gᵀ x, of b the column sums of g. */
static void test_gradients(void **state)
{
    (void)state;
    const double g[] = {1, 2, 3, 4};
    float w_grad[6], b_grad[2];
    rid_nn *nn = open_nn(false);
    rid_nn_value *w = rid_nn_parameter(nn, W, 2, (int64_t[]){2, 3});
    rid_nn_value *b = rid_nn_parameter(nn, B, 1, (int64_t[]){2});
    rid_nn_value *unused = rid_nn_parameter(nn, B, 1, (int64_t[]){2});
    rid_nn_backward(nn, rid_nn_linear(nn, matrix(nn, X, 2, 3), w, b), g, 4);
    assert_ok(rid_nn_read_gradient(nn, w, w_grad, 6, &err));
    assert_ok(rid_nn_read_gradient(nn, b, b_grad, 2, &err));
    const float expected[] = {13, 13, -15, 18, 16, -18};
    assert_memory_equal(w_grad, expected, sizeof expected);
    assert_true(b_grad[0] == 4 && b_grad[1] == 6);
    assert_ok(rid_nn_read_gradient(nn, unused, b_grad, 2, &err));
    assert_true(b_grad[0] == 0 && b_grad[1] == 0);
    close_nn(nn);
}

static void test_counts_and_reset(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false);
    rid_nn_value *x = matrix(nn, X, 2, 3);
    rid_nn_relu(nn, x);
    assert_int_equal(rid_nn_live(), 3);
    rid_nn_reset(nn);
    assert_int_equal(rid_nn_live(), 1);
    close_nn(nn);
}

/* ---- misuse ---- */

/* The context has failed so; whatever is done with it then returns nothing and changes nothing. */
static void assert_failed(rid_nn *nn, const rid_nn_value *v, const char *part)
{
    double out[2] = {7, 7};
    float gradient[2] = {7, 7};
    size_t live = rid_nn_live();
    assert_null(v);
    assert_fails(rid_nn_check(nn, &err), RID_EFAIL, part);
    assert_null(rid_nn_constant(nn, X, 2, (int64_t[]){2, 3}));
    assert_null(rid_nn_parameter(nn, X, 2, (int64_t[]){2, 3}));
    assert_null(rid_nn_linear(nn, NULL, NULL, NULL));
    assert_null(rid_nn_matmul(nn, NULL, NULL));
    assert_null(rid_nn_relu(nn, NULL));
    assert_null(rid_nn_multiply(nn, NULL, NULL));
    assert_null(rid_nn_concat(nn, NULL, NULL));
    assert_null(rid_nn_widen(nn, NULL, 5));
    assert_null(rid_nn_unit_rows(nn, NULL));
    assert_null(rid_nn_first(nn, NULL));
    assert_null(rid_nn_attend(nn, NULL, 1, NULL, NULL));
    rid_nn_backward(nn, NULL, NULL, 0);
    assert_fails(rid_nn_read(nn, NULL, out, 2, &err), RID_EFAIL, part);
    assert_fails(rid_nn_read_gradient(nn, NULL, gradient, 2, &err), RID_EFAIL, part);
    assert_true(out[0] == 7 && gradient[0] == 7);
    assert_fails(rid_nn_check(nn, &err), RID_EFAIL, part); /* the first error stays */
    assert_int_equal(rid_nn_live(), live);
    rid_nn_reset(nn);
    assert_ok(rid_nn_check(nn, &err));
    assert_values(nn, rid_nn_relu(nn, matrix(nn, B, 1, 2)), 10, 20);
}

#define assert_misuse(nn, call, part)                                                              \
    do {                                                                                           \
        rid_nn_value *x = matrix(nn, X, 2, 3), *w = matrix(nn, W, 2, 3);                           \
        rid_nn_value *b = rid_nn_constant(nn, B, 1, (int64_t[]){2});                               \
        rid_nn_value *y = matrix(nn, X, 3, 2);                                                     \
        rid_nn_value *f = rid_nn_constant(nn, FRAMES, 3, (int64_t[]){2, 3, 2});                    \
        (void)x, (void)w, (void)b, (void)y, (void)f;                                               \
        assert_ok(rid_nn_check(nn, &err));                                                         \
        assert_failed(nn, call, part);                                                             \
    } while (0)

static void test_shapes_that_do_not_fit(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false);
    assert_misuse(nn, rid_nn_linear(nn, x, y, NULL), "shapes cannot be multiplied (2x3 and 2x3)");
    assert_misuse(nn, rid_nn_linear(nn, x, w, x), "a bias is (2, 3), expected (2)");
    assert_misuse(nn, rid_nn_linear(nn, x, w, rid_nn_constant(nn, B, 1, (int64_t[]){1})),
                  "a bias is (1), expected (2)");
    assert_misuse(nn, rid_nn_linear(nn, x, b, NULL), "libtorch: ");
    assert_misuse(nn, rid_nn_matmul(nn, x, w), "shapes cannot be multiplied (2x3 and 2x3)");
    assert_misuse(nn, rid_nn_matmul(nn, f, w), "libtorch: ");
    assert_misuse(nn, rid_nn_multiply(nn, x, y), "a factor is (3, 2), expected (2, 3)");
    assert_misuse(nn, rid_nn_multiply(nn, x, b), "a factor is (2), expected (2, 3)");
    assert_misuse(nn, rid_nn_concat(nn, x, y), "libtorch: Sizes of tensors must match");
    assert_misuse(nn, rid_nn_concat(nn, b, b), "libtorch: Dimension out of range");
    assert_misuse(nn, rid_nn_widen(nn, x, 2), "(2, 3) is wider than 2");
    assert_misuse(nn, rid_nn_widen(nn, b, 2), "libtorch: Dimension out of range");
    assert_misuse(nn, rid_nn_unit_rows(nn, b), "libtorch: Dimension out of range");
    assert_misuse(nn, rid_nn_first(nn, b), "libtorch: Dimension out of range");
    assert_misuse(nn, rid_nn_attend(nn, x, 1, x, y), "frames are (2, 3), expected three dimensions");
    assert_misuse(nn, rid_nn_attend(nn, x, 1, f, y), "the frames' bias is (3, 2), expected (2, 3)");
    assert_misuse(nn, rid_nn_attend(nn, x, 1, f, w), "queries are (2, 3), expected (2, 2)");
    close_nn(nn);
}

static void test_missing_operands(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false);
    assert_misuse(nn, rid_nn_linear(nn, NULL, w, b), "an operand is missing");
    assert_misuse(nn, rid_nn_linear(nn, x, NULL, b), "an operand is missing");
    assert_misuse(nn, rid_nn_matmul(nn, x, NULL), "an operand is missing");
    assert_misuse(nn, rid_nn_relu(nn, NULL), "an operand is missing");
    assert_misuse(nn, rid_nn_multiply(nn, x, NULL), "an operand is missing");
    assert_misuse(nn, rid_nn_concat(nn, NULL, x), "an operand is missing");
    assert_misuse(nn, rid_nn_widen(nn, NULL, 2), "an operand is missing");
    assert_misuse(nn, rid_nn_unit_rows(nn, NULL), "an operand is missing");
    assert_misuse(nn, rid_nn_first(nn, NULL), "an operand is missing");
    assert_misuse(nn, rid_nn_attend(nn, NULL, 1, f, NULL), "an operand is missing");
    assert_misuse(nn, (rid_nn_backward(nn, NULL, NULL, 0), NULL), "an operand is missing");
    close_nn(nn);
}

static void test_leaves_that_are_none(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false);
    assert_misuse(nn, rid_nn_constant(nn, X, 0, NULL), "a leaf has 1 to 4 dimensions");
    assert_misuse(nn, rid_nn_parameter(nn, X, 5, (int64_t[]){1, 1, 1, 1, 1}), "1 to 4 dimensions");
    assert_misuse(nn, rid_nn_constant(nn, X, 1, (int64_t[]){-3}), "a leaf has no negative sizes");
    close_nn(nn);
}

static void test_results_that_do_not_fit(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false);
    double out[8];
    float gradient[8];
    const double ones[4] = {1, 1, 1, 1};
    rid_nn_value *w = rid_nn_parameter(nn, W, 2, (int64_t[]){2, 3});
    assert_fails(rid_nn_read(nn, w, out, 5, &err), RID_EFAIL, "of 6 elements is read as one of 5");
    rid_nn_reset(nn);
    w = rid_nn_parameter(nn, W, 2, (int64_t[]){2, 3});
    assert_fails(rid_nn_read_gradient(nn, w, gradient, 7, &err), RID_EFAIL,
                 "of 6 elements is read as one of 7");
    rid_nn_reset(nn);
    rid_nn_backward(nn, rid_nn_parameter(nn, B, 1, (int64_t[]){2}), ones, 3);
    assert_failed(nn, NULL, "a gradient of 3 elements for a value (2)");
    rid_nn_backward(nn, rid_nn_constant(nn, B, 1, (int64_t[]){2}), ones, 2);
    assert_failed(nn, NULL, "does not require grad");
    w = rid_nn_parameter(nn, W, 2, (int64_t[]){2, 3});
    rid_nn_value *y = rid_nn_linear(nn, matrix(nn, X, 2, 3), w, NULL);
    rid_nn_backward(nn, y, ones, 4);
    rid_nn_backward(nn, y, ones, 4);
    assert_failed(nn, NULL, "backward through the graph a second time");
    close_nn(nn);
}

/* 4 EiB: the address space has an end, whatever the machine has. */
static void test_memory_that_nobody_has(void **state)
{
    (void)state;
    const int64_t many = (int64_t)1 << 29;
    rid_nn *nn = open_nn(false);
    rid_nn_value *x = matrix(nn, X, 2, 3);
    rid_nn_widen(nn, rid_nn_widen(nn, x, 4), many * many);
    assert_fails(rid_nn_check(nn, &err), RID_ETEMP, "libtorch: ");
    rid_nn_reset(nn);
    assert_values(nn, rid_nn_relu(nn, matrix(nn, B, 1, 2)), 10, 20);
    close_nn(nn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm),
        cmocka_unit_test(test_eigh),
        cmocka_unit_test(test_eigh_refuses_what_is_not_finite),
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_operations),
        cmocka_unit_test(test_unit_rows),
        cmocka_unit_test(test_attention),
        cmocka_unit_test(test_gradients),
        cmocka_unit_test(test_counts_and_reset),
        cmocka_unit_test(test_shapes_that_do_not_fit),
        cmocka_unit_test(test_missing_operands),
        cmocka_unit_test(test_leaves_that_are_none),
        cmocka_unit_test(test_results_that_do_not_fit),
        cmocka_unit_test(test_memory_that_nobody_has),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
