/** The arithmetic of encoding and matching, compiled once per instruction set and chosen at run time.
 *
 *  Summation orders, the same for every instruction set and every way of cutting up the work:
 *  - product: out[r][c] = a[r][0]*b[c][0], then fused-multiply-added over k = 1, 2, … in order;
 *  - dot: 64 running sums (element i goes to sum i mod 64, fused multiply-add), then halves are
 *    added: 64 → 32 → 16 → … → 1;
 *  - sum_squares: 16 running sums in double, then halves are added.
 *  So AVX2 and AVX-512 give equal bits, and a score depends on its two rows alone. The baseline
 *  kernel for processors without FMA multiplies and adds in the same order with two roundings: its
 *  `arithmetic` differs, and provenance says so. */
#ifndef RID_KERNEL_H
#define RID_KERNEL_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { RID_PANEL = 16 }; /**< rows of b that stand side by side when packed */

typedef struct rid_kernel {
    const char *name;       /**< "x86-64", "avx2", "avx512" */
    const char *arithmetic; /**< "fma", or "mul-add" */

    /** Σ a[i] b[i] */
    float (*dot)(const float *a, const float *b, size_t n);
    /** Σ x[i]² in double */
    double (*sum_squares)(const float *x, size_t n);
    /** y[i] = y[i] + a x[i] (fused) */
    void (*axpy)(float *y, float a, const float *x, size_t n);
    /** First i in [from, n) with x[i] > bound; n where there is none. */
    size_t (*find_above)(const float *x, size_t from, size_t n, float bound);
    /** The lowest of n >= 1 numbers, none a NaN. */
    float (*lowest)(const float *x, size_t n);
    /** out[r*out_stride + c] = Σk a[r*a_stride + k] b[c][k] for r < rows, c < RID_PANEL*n_panels,
     *  where `packed` holds b as rid_kernel_pack lays it out. a, out: not aliased. */
    void (*product)(float *out, size_t out_stride, const float *a, size_t a_stride, size_t rows,
                    const float *packed, size_t n_panels, size_t k);
    /** The same in double, for folding networks (bits are rounded to float32 afterwards):
     *  out[r*out_stride + c] = Σi a[r*k + i] packed[c / RID_PANEL][i][c % RID_PANEL]. */
    void (*product_f64)(double *out, size_t out_stride, const double *a, size_t rows,
                        const double *packed, size_t n_panels, size_t k);
} rid_kernel;

/** The fastest kernel this processor runs, or the one that the environment's RID_CPU names; chosen
 *  once. Thread-safe. */
const rid_kernel *rid_kernel_get(void);
/** RID_ECONFIG where RID_CPU names a kernel that is not known or that this processor cannot run. */
RID_MUST rid_status rid_kernel_check(rid_err *err);
/** Kernel i of those this processor runs; NULL behind the last. For tests. */
const rid_kernel *rid_kernel_at(size_t i);

size_t rid_kernel_panels(size_t n_rows);
/** Floats that rid_kernel_pack writes: panels * RID_PANEL * k. */
size_t rid_kernel_packed_floats(size_t n_rows, size_t k);
/** Packs b, f32 (n_rows, k) with rows `stride` apart, into panels [panel][k][RID_PANEL], missing rows
 *  zero. */
void rid_kernel_pack(float *packed, const float *b, size_t stride, size_t n_rows, size_t k);
/** Puts one row at place `row` of packed panels. */
void rid_kernel_pack_row(float *packed, const float *b_row, size_t row, size_t k);

/** The plain loops that the kernels are tested against, bit for bit (arithmetic "fma"). */
float rid_kernel_reference_dot(const float *a, const float *b, size_t n);
double rid_kernel_reference_sum_squares(const float *x, size_t n);
void rid_kernel_reference_product(float *out, size_t out_stride, const float *a, size_t a_stride,
                                  size_t rows, const float *b, size_t b_stride, size_t n_rows,
                                  size_t k);

#endif
