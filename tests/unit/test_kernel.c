/* Every kernel that this processor runs against plain loops. Those that fuse multiply and add must give
 * the reference's bits; the one that does not, the bits of the same order with two roundings, and
 * numbers near the reference's. `test_kernel --cpu` prints what RID_CPU leads to. */
#include "eval/kernel.h"

#include "data/base/mem.h"
#include "data/base/random.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    LENGTH_MAX = 1100,
    ROWS_MAX = 20,
    PANELS_MAX = 9,
    COLUMNS_MAX = PANELS_MAX * RID_PANEL,
    K_MAX = 300,
    KERNELS = 3,
};

static const float SENTINEL = 12345.678f;

/* Numbers of all kinds, but none whose products leave float32: mostly normal deviates, some zeros of
 * both signs, powers of two up to 2^±60 and denormals. */
static void fill(float *x, size_t n, uint64_t seed)
{
    rid_random r = rid_random_of(&seed, 1);
    for (size_t i = 0; i < n; i++) {
        double kind = rid_random_uniform(&r), value = rid_random_normal(&r);
        if (kind < 0.03)
            value = kind < 0.015 ? 0.0 : -0.0;
        else if (kind < 0.06)
            value = ldexp(value, (int)rid_random_between(&r, -60, 60));
        else if (kind < 0.08)
            value *= 1e-41;
        x[i] = (float)value;
    }
}

/* a*b + c in the kernel's arithmetic. */
static float multiply_add(const rid_kernel *k, float a, float b, float c)
{
    return strcmp(k->arithmetic, "fma") == 0 ? fmaf(a, b, c) : c + a * b;
}

static void assert_bits(const void *a, const void *b, size_t n, const rid_kernel *k, const char *what,
                        size_t shape)
{
    if (memcmp(a, b, n) != 0)
        fail_msg("%s: %s (%zu) differs from the plain loop", k->name, what, shape);
}

static void test_kernels(void **state)
{
    (void)state;
    static const char *const names[KERNELS] = {"avx512", "avx2", "x86-64"};
    size_t n = 0, at = 0;
    for (; rid_kernel_at(n); n++) {
        while (at < KERNELS && strcmp(names[at], rid_kernel_at(n)->name) != 0)
            at++;
        assert_true(at < KERNELS); /* known, and the fastest first */
        assert_string_equal(rid_kernel_at(n)->arithmetic,
                            strcmp(names[at], "x86-64") == 0 ? "mul-add" : "fma");
    }
    assert_true(n >= 1 && n <= KERNELS);
    assert_null(rid_kernel_at(n + 1));
    assert_null(rid_kernel_at(1000));
    print_message("%zu kernels, the fastest is %s\n", n, rid_kernel_at(0)->name);
}

/* ---- dot, sum of squares, axpy, find ---- */

static float plain_dot(const rid_kernel *k, const float *a, const float *b, size_t n)
{
    float sums[64] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % 64] = multiply_add(k, a[i], b[i], sums[i % 64]);
    for (size_t half = 32; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            sums[i] += sums[i + half];
    return sums[0];
}

/* Bound on the difference of two sums of the same products in different rounding. */
static double bound(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += fabs((double)a[i] * (double)b[i]);
    return 2 * (double)(n + 1) * (double)FLT_EPSILON * sum + 1e-37;
}

static void check_lengths(const rid_kernel *k, size_t n)
{
    static float a[LENGTH_MAX + 3], b[LENGTH_MAX + 3], y[LENGTH_MAX + 1], plain[LENGTH_MAX + 1];
    size_t shift = n % 3; /* any alignment */
    const float *x = a + shift, *z = b + 2 - shift;
    fill(a, LENGTH_MAX + 3, 2 * n + 1);
    fill(b, LENGTH_MAX + 3, 2 * n + 2);

    float dot = k->dot(x, z, n), expected = plain_dot(k, x, z, n);
    assert_bits(&dot, &expected, sizeof dot, k, "dot", n);
    float reference = rid_kernel_reference_dot(x, z, n);
    if (strcmp(k->arithmetic, "fma") == 0)
        assert_bits(&dot, &reference, sizeof dot, k, "dot", n);
    assert_true(fabs((double)dot - (double)reference) <= bound(x, z, n));

    double squares = k->sum_squares(x, n), plain_squares = rid_kernel_reference_sum_squares(x, n);
    assert_bits(&squares, &plain_squares, sizeof squares, k, "sum_squares", n);

    memcpy(y, z, n * sizeof *y);
    y[n] = SENTINEL;
    k->axpy(y, a[n], x, n);
    for (size_t i = 0; i < n; i++)
        plain[i] = multiply_add(k, a[n], x[i], z[i]);
    plain[n] = SENTINEL;
    assert_bits(y, plain, (n + 1) * sizeof *y, k, "axpy", n);
}

static void test_vectors_of_all_lengths(void **state)
{
    (void)state;
    static const size_t more[] = {255, 256, 257, 511, 767, 1000, 1023, 1024, 1025};
    for (size_t i = 0; rid_kernel_at(i); i++) {
        for (size_t n = 0; n <= 200; n++)
            check_lengths(rid_kernel_at(i), n);
        for (size_t j = 0; j < sizeof more / sizeof more[0]; j++)
            check_lengths(rid_kernel_at(i), more[j]);
    }
}

/* The references themselves, against sums in another order and in double. */
static void test_references(void **state)
{
    (void)state;
    static float a[LENGTH_MAX], b[LENGTH_MAX];
    fill(a, LENGTH_MAX, 5);
    fill(b, LENGTH_MAX, 6);
    for (size_t n = 0; n <= LENGTH_MAX; n += 11) {
        double dot = 0, squares = 0;
        for (size_t i = n; i-- > 0;) {
            dot += (double)a[i] * (double)b[i];
            squares += (double)a[i] * (double)a[i];
        }
        assert_true(fabs((double)rid_kernel_reference_dot(a, b, n) - dot) <= bound(a, b, n));
        assert_true(fabs(rid_kernel_reference_sum_squares(a, n) - squares) <= 1e-12 * squares);
    }
    static const float x[] = {1, 2, 3}, y[] = {4, -5, 6};
    assert_true(rid_kernel_reference_dot(x, y, 3) == 12);
    assert_true(rid_kernel_reference_sum_squares(y, 3) == 77);
}

/* Frames at the ends of float32: their squares leave float32, not double. */
static void test_squares_of_extremes(void **state)
{
    (void)state;
    float x[50];
    for (size_t i = 0; i < 50; i++)
        x[i] = i % 2 ? FLT_MAX : -FLT_MAX;
    double expected = 50 * (double)FLT_MAX * (double)FLT_MAX;
    for (size_t i = 0; rid_kernel_at(i); i++) {
        assert_true(fabs(rid_kernel_at(i)->sum_squares(x, 50) / expected - 1) < 1e-14);
        float tiny[3] = {1e-45f, 0, -1e-45f};
        assert_true(rid_kernel_at(i)->sum_squares(tiny, 3) > 0);
    }
}

static void test_find_above(void **state)
{
    (void)state;
    float x[200];
    for (size_t i = 0; rid_kernel_at(i); i++) {
        const rid_kernel *k = rid_kernel_at(i);
        for (size_t at = 0; at < 200; at++) {
            for (size_t j = 0; j < 200; j++)
                x[j] = j % 5 == 4 ? NAN : 0.5f; /* equal is not above, nor is no number */
            x[at] = nextafterf(0.5f, 1);
            for (size_t from = 0; from <= 200; from += 7)
                assert_int_equal(k->find_above(x, from, 200, 0.5f), from <= at ? at : 200);
            assert_int_equal(k->find_above(x, 0, at, 0.5f), at);
            if (at + 1 < 200)
                x[at + 1] = 1;
            assert_int_equal(k->find_above(x, 0, 200, 0.5f), at); /* the first */
        }
    }
}

static void test_lowest(void **state)
{
    (void)state;
    float x[200];
    for (size_t i = 0; rid_kernel_at(i); i++)
        for (size_t n = 1; n <= 200; n++)
            for (size_t at = 0; at < n; at++) {
                for (size_t j = 0; j < 200; j++)
                    x[j] = j < n ? 0.25f : -9; /* what is behind does not count */
                x[at] = -0.5f;
                assert_true(rid_kernel_at(i)->lowest(x, n) == -0.5f);
            }
}

/* ---- product ---- */

typedef struct matrices {
    float a[(ROWS_MAX + 1) * (K_MAX + 3)], b[COLUMNS_MAX * (K_MAX + 2)];
    float packed[COLUMNS_MAX * K_MAX + 1];
    float out[ROWS_MAX * (COLUMNS_MAX + 5) + 1], plain[ROWS_MAX * (COLUMNS_MAX + 5) + 1];
} matrices;

static void plain_product(const rid_kernel *kernel, float *out, size_t out_stride, const float *a,
                          size_t a_stride, size_t rows, const float *b, size_t b_stride, size_t n_rows,
                          size_t k)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < n_rows; c++) {
            float sum = 0;
            for (size_t i = 0; i < k; i++)
                sum = multiply_add(kernel, a[r * a_stride + i], b[c * b_stride + i], sum);
            out[r * out_stride + c] = sum;
        }
    }
}

/* b has `n_rows` rows; the padding up to whole panels gives zeros, nothing else is touched. */
static void check_product(const rid_kernel *kernel, matrices *m, size_t rows, size_t n_rows, size_t k)
{
    size_t panels = rid_kernel_panels(n_rows), width = panels * RID_PANEL;
    size_t a_stride = k + rows % 4, b_stride = k + n_rows % 3, out_stride = width + k % 6;
    size_t n_out = rows * out_stride + 1;
    m->packed[rid_kernel_packed_floats(n_rows, k)] = SENTINEL;
    rid_kernel_pack(m->packed, m->b, b_stride, n_rows, k);
    assert_true(m->packed[rid_kernel_packed_floats(n_rows, k)] == SENTINEL);
    for (size_t i = 0; i < n_out; i++)
        m->out[i] = m->plain[i] = SENTINEL;
    for (size_t r = 0; r < rows; r++)
        memset(m->plain + r * out_stride, 0, width * sizeof *m->plain);
    kernel->product(m->out, out_stride, m->a, a_stride, rows, m->packed, panels, k);
    plain_product(kernel, m->plain, out_stride, m->a, a_stride, rows, m->b, b_stride, n_rows, k);
    /* Padding is 0·a: a zero of either sign. */
    for (size_t r = 0; r < rows; r++)
        for (size_t c = n_rows; c < width; c++) {
            assert_true(m->out[r * out_stride + c] == 0);
            m->out[r * out_stride + c] = 0;
        }
    assert_bits(m->out, m->plain, n_out * sizeof *m->out, kernel, "product",
                rows * 1000000 + n_rows * 1000 + k);
    if (strcmp(kernel->arithmetic, "fma") == 0) {
        rid_kernel_reference_product(m->plain, out_stride, m->a, a_stride, rows, m->b, b_stride, n_rows,
                                     k);
        assert_bits(m->out, m->plain, n_out * sizeof *m->out, kernel, "product", k);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n_rows; c++) {
            const float *x = m->a + r * a_stride, *y = m->b + c * b_stride;
            assert_true(fabs((double)m->out[r * out_stride + c] -
                             (double)rid_kernel_reference_dot(x, y, k)) <= bound(x, y, k));
        }
}

static matrices *new_matrices(void)
{
    matrices *m = rid_mem_zalloc(1, sizeof *m);
    assert_non_null(m);
    fill(m->a, sizeof m->a / sizeof *m->a, 100);
    fill(m->b, sizeof m->b / sizeof *m->b, 101);
    return m;
}

/* All of rows 1 … 20 × panels 1 … 9, the last panel full or not, over a round of k; and all of k. */
static void test_product(void **state)
{
    (void)state;
    static const size_t ks[] = {1, 2, 3, 7, 16, 33, 64, 127};
    matrices *m = new_matrices();
    for (size_t i = 0; rid_kernel_at(i); i++) {
        size_t turn = 0;
        for (size_t rows = 1; rows <= ROWS_MAX; rows++)
            for (size_t panels = 1; panels <= PANELS_MAX; panels++, turn++)
                check_product(rid_kernel_at(i), m, rows, panels * RID_PANEL - turn * 5 % RID_PANEL,
                              ks[turn % 8]);
        for (size_t k = 1; k <= K_MAX; k++)
            check_product(rid_kernel_at(i), m, 1 + k % 7, 1 + k * 7 % 80, k);
        check_product(rid_kernel_at(i), m, ROWS_MAX, COLUMNS_MAX, K_MAX);
    }
    rid_mem_free(m);
}

/* An output does not depend on how many rows or panels stand beside it. */
static void test_product_alone(void **state)
{
    (void)state;
    matrices *m = new_matrices();
    const size_t n = 5 * RID_PANEL, k = 100;
    rid_kernel_pack(m->packed, m->b, k, n, k);
    for (size_t i = 0; rid_kernel_at(i); i++) {
        const rid_kernel *kernel = rid_kernel_at(i);
        kernel->product(m->out, n, m->a, k, ROWS_MAX, m->packed, n / RID_PANEL, k);
        for (size_t r = 0; r < ROWS_MAX; r++)
            for (size_t p = 0; p < n / RID_PANEL; p++) {
                float one[RID_PANEL];
                kernel->product(one, RID_PANEL, m->a + r * k, k, 1, m->packed + p * RID_PANEL * k, 1, k);
                assert_bits(one, m->out + r * n + p * RID_PANEL, sizeof one, kernel, "a row alone", r);
            }
    }
    rid_mem_free(m);
}

/* In double: one running sum over k in order for each output, so AVX2 and AVX-512 agree. */
static void check_product_f64(const rid_kernel *kernel, size_t rows, size_t panels, size_t k)
{
    enum { F64_ROWS = 19, F64_COLUMNS = 3 * RID_PANEL, F64_K = 70 };
    static double a[F64_ROWS * F64_K], b[F64_COLUMNS * F64_K];
    static double out[F64_ROWS * (F64_COLUMNS + 2) + 1], plain[F64_ROWS * (F64_COLUMNS + 2) + 1];
    size_t width = panels * RID_PANEL, stride = width + k % 3, n_out = rows * stride + 1;
    uint64_t seed = rows * 10000 + panels * 100 + k;
    rid_random r = rid_random_of(&seed, 1);
    assert_true(rows <= F64_ROWS && width <= F64_COLUMNS && k <= F64_K);
    for (size_t i = 0; i < rows * k; i++)
        a[i] = rid_random_normal(&r);
    for (size_t i = 0; i < width * k; i++)
        b[i] = rid_random_normal(&r);
    for (size_t i = 0; i < n_out; i++)
        out[i] = plain[i] = 7;
    kernel->product_f64(out, stride, a, rows, b, panels, k);
    for (size_t row = 0; row < rows; row++)
        for (size_t c = 0; c < width; c++) {
            double sum = 0;
            for (size_t i = 0; i < k; i++) {
                double x = a[row * k + i], y = b[(c / RID_PANEL * k + i) * RID_PANEL + c % RID_PANEL];
                sum = strcmp(kernel->arithmetic, "fma") == 0 ? fma(x, y, sum) : sum + x * y;
            }
            plain[row * stride + c] = sum;
        }
    assert_bits(out, plain, n_out * sizeof *out, kernel, "product_f64", k);
}

static void test_product_f64(void **state)
{
    (void)state;
    for (size_t i = 0; rid_kernel_at(i); i++)
        for (size_t rows = 1; rows <= 19; rows++)
            for (size_t k = 1; k <= 70; k += rows)
                check_product_f64(rid_kernel_at(i), rows, 1 + (rows + k) % 3, k);
}

/* ---- packing ---- */

static void test_packing(void **state)
{
    (void)state;
    static const float b[3][4] = {{1, 2, 3, -1}, {4, 5, 6, -1}, {7, 8, 9, -1}}; /* stride 4, k = 3 */
    float packed[3 * RID_PANEL], again[40 * 5], once[48 * 5];
    assert_int_equal(rid_kernel_panels(0), 0);
    assert_int_equal(rid_kernel_panels(1), 1);
    assert_int_equal(rid_kernel_panels(16), 1);
    assert_int_equal(rid_kernel_panels(17), 2);
    assert_int_equal(rid_kernel_packed_floats(17, 10), 320);
    rid_kernel_pack(packed, b[0], 4, 3, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t r = 0; r < RID_PANEL; r++)
            assert_true(packed[i * RID_PANEL + r] == (r < 3 ? b[r][i] : 0));

    fill(again, 40 * 5, 9);
    rid_kernel_pack(once, again, 5, 40, 5);
    for (size_t r = 0; r < 48; r++)
        for (size_t i = 0; i < 5; i++)
            assert_true(once[r / 16 * 80 + i * 16 + r % 16] == (r < 40 ? again[r * 5 + i] : 0));
    float row[5] = {1, 2, 3, 4, 5}, before[48 * 5];
    memcpy(before, once, sizeof once);
    rid_kernel_pack_row(once, row, 37, 5);
    for (size_t r = 0; r < 48; r++)
        for (size_t i = 0; i < 5; i++) {
            size_t at = r / 16 * 80 + i * 16 + r % 16;
            assert_true(once[at] == (r == 37 ? row[i] : before[at]));
        }
}

/* ---- RID_CPU ---- */

/* What a child says that runs with that value; NULL: without the variable. */
static void run_with(const char *value, char *out, size_t cap)
{
    char self[512] = "", command[700];
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    if (value)
        snprintf(command, sizeof command, "RID_CPU='%s' '%s' --cpu", value, self);
    else
        snprintf(command, sizeof command, "unset RID_CPU; '%s' --cpu", self);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    assert_int_equal(pclose(f), 0);
}

static void test_rid_cpu(void **state)
{
    (void)state;
    static const char *const bad[] = {"avx", "AVX2", "avx2 ", "sse", "none", "0"};
    char out[300], expected[100];
    snprintf(expected, sizeof expected, "%s: ok", rid_kernel_at(0)->name);
    run_with(NULL, out, sizeof out);
    assert_string_equal(out, expected);
    run_with("", out, sizeof out);
    assert_string_equal(out, expected);
    for (size_t i = 0; rid_kernel_at(i); i++) {
        snprintf(expected, sizeof expected, "%s: ok", rid_kernel_at(i)->name);
        run_with(rid_kernel_at(i)->name, out, sizeof out);
        assert_string_equal(out, expected);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        run_with(bad[i], out, sizeof out);
        assert_string_equal(out, "78: RID_CPU: expected x86-64, avx2 or avx512, one that this "
                                 "processor runs");
    }
}

static int print_choice(void)
{
    rid_err err = {0};
    if (rid_kernel_check(&err) == RID_OK)
        printf("%s: ok", rid_kernel_get()->name);
    else
        printf("%d: %s", rid_status_exit_code(err.code), err.message);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--cpu") == 0)
        return print_choice();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernels),     cmocka_unit_test(test_vectors_of_all_lengths),
        cmocka_unit_test(test_references),  cmocka_unit_test(test_squares_of_extremes),
        cmocka_unit_test(test_find_above),  cmocka_unit_test(test_lowest),
        cmocka_unit_test(test_product),     cmocka_unit_test(test_product_alone),
        cmocka_unit_test(test_product_f64), cmocka_unit_test(test_packing),
        cmocka_unit_test(test_rid_cpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
