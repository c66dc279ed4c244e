/** An affine map y = relu?(W x + b) over many rows, with W packed for the kernels. */
#ifndef RID_AFFINE_H
#define RID_AFFINE_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct rid_affine {
    float *packed; /**< W as rid_kernel_pack lays it out; NULL: no map */
    float *bias;   /**< f32 (panels * RID_PANEL), zero behind `out` */
    size_t in, out;
    bool relu;
} rid_affine;

/** From W f32 (out, in) and b f32 (out), b may be NULL. Zero-initialise before; free with clear. */
RID_MUST rid_status rid_affine_set(rid_affine *m, const float *w, const float *b, size_t out,
                                   size_t in, bool relu, rid_err *err);
void rid_affine_clear(rid_affine *m);
/** Row length of the output: `out` rounded up to whole panels. */
size_t rid_affine_stride(const rid_affine *m);
/** y (n, y_stride >= rid_affine_stride) = map of x (n, x_stride); padding columns are written too. */
void rid_affine_run(const rid_affine *m, float *y, size_t y_stride, const float *x, size_t x_stride,
                    size_t n);

/** c (n, m) = a (n, k) · b (k, m), all double, row-major. For folding. */
RID_MUST rid_status rid_matrix_multiply(double *c, const double *a, const double *b, size_t n,
                                        size_t k, size_t m, int threads, rid_err *err);

#endif
