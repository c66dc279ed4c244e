/* The kernels' one source, compiled per instruction set (see the Makefile): RID_ISA names it. Written
 * with the compiler's vector types, so that the same text is SSE2, AVX2 or AVX-512 code. Multiply and
 * add are contracted to one operation where the instruction set has it (-ffp-contract=fast holds for
 * this file only). */
#include "eval/kernel.h"

#include <string.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#define ISA_base 1
#define ISA_avx2 2
#define ISA_avx512 3
#define ISA PASTE(ISA_, RID_ISA)

#if ISA == ISA_avx512
enum { LANES = 16, TILE_ROWS = 6, TILE_PANELS = 4 };
#define NAME "avx512"
#elif ISA == ISA_avx2
enum { LANES = 8, TILE_ROWS = 6, TILE_PANELS = 1 };
#define NAME "avx2"
#else
enum { LANES = 4, TILE_ROWS = 2, TILE_PANELS = 1 };
#define NAME "x86-64"
#endif

#ifdef __FMA__
#define ARITHMETIC "fma"
#else
#define ARITHMETIC "mul-add"
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));

enum { PANEL_VECS = RID_PANEL / LANES };

INLINE vec load(const float *p)
{
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vec v)
{
    memcpy(p, &v, sizeof v);
}

/* ---- dot ---- */

enum { DOT_SUMS = 64, DOT_VECS = DOT_SUMS / LANES };

static float dot(const float *a, const float *b, size_t n)
{
    vec sums[DOT_VECS] = {0};
    float flat[LANES];
    size_t i = 0;
    for (; i + DOT_SUMS <= n; i += DOT_SUMS)
#pragma GCC unroll 16
        for (int v = 0; v < DOT_VECS; v++)
            sums[v] = sums[v] + load(a + i + v * LANES) * load(b + i + v * LANES);
    if (i < n) { /* the rest as if zeros followed */
        float rest_a[DOT_SUMS] = {0}, rest_b[DOT_SUMS] = {0};
        memcpy(rest_a, a + i, (n - i) * sizeof *a);
        memcpy(rest_b, b + i, (n - i) * sizeof *b);
        for (int v = 0; v < DOT_VECS; v++)
            sums[v] = sums[v] + load(rest_a + v * LANES) * load(rest_b + v * LANES);
    }
    for (int half = DOT_VECS / 2; half > 0; half /= 2)
        for (int v = 0; v < half; v++)
            sums[v] = sums[v] + sums[v + half];
    store(flat, sums[0]);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            flat[k] += flat[k + half];
    return flat[0];
}

/* ---- sum of squares ---- */

enum { SQUARE_SUMS = 16 };

static double sum_squares(const float *x, size_t n)
{
    double sums[SQUARE_SUMS] = {0};
    size_t i = 0;
    for (; i + SQUARE_SUMS <= n; i += SQUARE_SUMS)
        for (int k = 0; k < SQUARE_SUMS; k++)
            sums[k] += (double)x[i + (size_t)k] * (double)x[i + (size_t)k];
    for (int k = 0; i < n; i++, k++)
        sums[k] += (double)x[i] * (double)x[i];
    for (int half = SQUARE_SUMS / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            sums[k] += sums[k + half];
    return sums[0];
}

static void axpy(float *y, float a, const float *x, size_t n)
{
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        store(y + i, load(y + i) + a * load(x + i));
    for (; i < n; i++)
        y[i] = y[i] + a * x[i];
}

static size_t find_above(const float *x, size_t from, size_t n, float bound)
{
    enum { STEP = 64 };
    size_t i = from;
    for (; i + STEP <= n; i += STEP) {
        int any = 0;
        for (int k = 0; k < STEP; k++)
            any |= x[i + (size_t)k] > bound;
        if (any)
            break;
    }
    while (i < n && !(x[i] > bound))
        i++;
    return i;
}

static float lowest(const float *x, size_t n)
{
    enum { STEP = 64 };
    float low[STEP];
    size_t i = 0;
    for (int k = 0; k < STEP; k++)
        low[k] = x[0];
    for (; i + STEP <= n; i += STEP)
        for (int k = 0; k < STEP; k++)
            low[k] = x[i + (size_t)k] < low[k] ? x[i + (size_t)k] : low[k];
    for (int k = 0; i < n; i++, k++)
        low[k] = x[i] < low[k] ? x[i] : low[k];
    for (int k = 1; k < STEP; k++)
        low[0] = low[k] < low[0] ? low[k] : low[0];
    return low[0];
}

/* ---- product ---- */

/* rows × panels outputs, each its own running sum over k. `rows` and `panels` are constants at every
 * call, so the sums live in registers. */
INLINE void tile(float *restrict out, size_t out_stride, const float *restrict a, size_t a_stride,
                 const float *restrict packed, size_t k, const int rows, const int panels)
{
    vec sums[TILE_ROWS][TILE_PANELS * PANEL_VECS] = {{{0}}};
    const size_t panel_floats = k * RID_PANEL;
    for (size_t i = 0; i < k; i++) {
        vec b[TILE_PANELS * PANEL_VECS];
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++)
#pragma GCC unroll 4
            for (int v = 0; v < PANEL_VECS; v++)
                b[p * PANEL_VECS + v] =
                    load(packed + (size_t)p * panel_floats + i * RID_PANEL + (size_t)(v * LANES));
#pragma GCC unroll 6
        for (int r = 0; r < rows; r++) {
            const float x = a[(size_t)r * a_stride + i];
#pragma GCC unroll 16
            for (int v = 0; v < panels * PANEL_VECS; v++)
                sums[r][v] = sums[r][v] + x * b[v];
        }
    }
#pragma GCC unroll 6
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 16
        for (int v = 0; v < panels * PANEL_VECS; v++)
            store(out + (size_t)r * out_stride + (size_t)(v * LANES), sums[r][v]);
}

#define TILE_CASE(n)                                                                               \
    case n:                                                                                        \
        tile(out, out_stride, a, a_stride, packed, k, n, panels);                                  \
        break

INLINE void row_tile(float *out, size_t out_stride, const float *a, size_t a_stride, size_t rows,
                     const float *packed, size_t k, const int panels)
{
    switch (rows) {
        TILE_CASE(1);
#if ISA != ISA_base
        TILE_CASE(2);
        TILE_CASE(3);
        TILE_CASE(4);
        TILE_CASE(5);
#endif
    default:
        tile(out, out_stride, a, a_stride, packed, k, TILE_ROWS, panels);
        break;
    }
}

static void product(float *out, size_t out_stride, const float *a, size_t a_stride, size_t rows,
                    const float *packed, size_t n_panels, size_t k)
{
    const size_t panel_floats = k * RID_PANEL;
    size_t p = 0;
    for (; p + TILE_PANELS <= n_panels; p += TILE_PANELS)
        for (size_t r = 0; r < rows; r += TILE_ROWS)
            row_tile(out + r * out_stride + p * RID_PANEL, out_stride, a + r * a_stride, a_stride,
                     rows - r < TILE_ROWS ? rows - r : TILE_ROWS, packed + p * panel_floats, k,
                     TILE_PANELS);
    for (; p < n_panels; p++)
        for (size_t r = 0; r < rows; r += TILE_ROWS)
            row_tile(out + r * out_stride + p * RID_PANEL, out_stride, a + r * a_stride, a_stride,
                     rows - r < TILE_ROWS ? rows - r : TILE_ROWS, packed + p * panel_floats, k, 1);
}

/* ---- product in double ---- */

/* As many rows as leave a register for each of a panel's vectors besides their sums. */
enum {
    F64_LANES = LANES / 2,
    F64_VECS = RID_PANEL / F64_LANES,
    F64_ROWS = LANES == 16 ? 8 : LANES == 8 ? 3 : 1,
};

typedef double dvec __attribute__((vector_size(8 * F64_LANES)));

/* rows x RID_PANEL sums in registers. */
INLINE void tile_f64(double *restrict out, size_t out_stride, const double *restrict a,
                     const double *restrict packed, size_t k, const int rows)
{
    dvec sums[F64_ROWS][F64_VECS] = {{{0}}};
    for (size_t i = 0; i < k; i++) {
        dvec b[F64_VECS];
#pragma GCC unroll 8
        for (int v = 0; v < F64_VECS; v++)
            memcpy(&b[v], packed + i * RID_PANEL + v * F64_LANES, sizeof b[v]);
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
            for (int v = 0; v < F64_VECS; v++)
                sums[r][v] = sums[r][v] + a[(size_t)r * k + i] * b[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < F64_VECS; v++)
            memcpy(out + (size_t)r * out_stride + v * F64_LANES, &sums[r][v], sizeof sums[r][v]);
}

static void product_f64(double *out, size_t out_stride, const double *a, size_t rows,
                        const double *packed, size_t n_panels, size_t k)
{
    for (size_t p = 0; p < n_panels; p++) {
        const double *panel = packed + p * RID_PANEL * k;
        double *to = out + p * RID_PANEL;
        size_t r = 0;
        for (; r + F64_ROWS <= rows; r += F64_ROWS)
            tile_f64(to + r * out_stride, out_stride, a + r * k, panel, k, F64_ROWS);
        for (; r < rows; r++)
            tile_f64(to + r * out_stride, out_stride, a + r * k, panel, k, 1);
    }
}

extern const rid_kernel PASTE(rid_kernel_, RID_ISA);
const rid_kernel PASTE(rid_kernel_, RID_ISA) = {
    .name = NAME,
    .arithmetic = ARITHMETIC,
    .dot = dot,
    .sum_squares = sum_squares,
    .axpy = axpy,
    .find_above = find_above,
    .lowest = lowest,
    .product = product,
    .product_f64 = product_f64,
};
