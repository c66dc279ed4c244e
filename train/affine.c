#include "train/affine.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <string.h>

rid_status rid_affine_set(rid_affine *m, const float *w, const float *b, size_t out, size_t in,
                          bool relu, rid_err *err)
{
    *m = (rid_affine){.in = in, .out = out, .relu = relu};
    m->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(out, in), sizeof *m->packed);
    m->bias = rid_mem_zalloc(rid_affine_stride(m), sizeof *m->bias);
    if (!m->packed || !m->bias) {
        rid_affine_clear(m);
        return RID_FAIL_NOMEM(err);
    }
    rid_kernel_pack(m->packed, w, in, out, in);
    if (b)
        memcpy(m->bias, b, out * sizeof *b);
    return RID_OK;
}

void rid_affine_clear(rid_affine *m)
{
    rid_mem_free(m->packed);
    rid_mem_free(m->bias);
    *m = (rid_affine){0};
}

size_t rid_affine_stride(const rid_affine *m)
{
    return rid_kernel_panels(m->out) * RID_PANEL;
}

void rid_affine_run(const rid_affine *m, float *y, size_t y_stride, const float *x, size_t x_stride,
                    size_t n)
{
    size_t width = rid_affine_stride(m);
    rid_kernel_get()->product(y, y_stride, x, x_stride, n, m->packed, rid_kernel_panels(m->out),
                              m->in);
    for (size_t r = 0; r < n; r++) {
        float *row = y + r * y_stride;
        for (size_t c = 0; c < width; c++) {
            float v = row[c] + m->bias[c];
            row[c] = m->relu && v < 0 ? 0.0f : v;
        }
    }
}

void rid_matrix_multiply(double *c, const double *a, const double *b, size_t n, size_t k, size_t m,
                         int threads)
{
    enum { ROWS = 8, COLUMNS = 512 }; /* 8 x 512 sums stay in the first-level cache */
#pragma omp parallel for num_threads(threads > 0 ? threads : 1) schedule(static)
    for (size_t r0 = 0; r0 < n; r0 += ROWS) {
        size_t rows = n - r0 < ROWS ? n - r0 : ROWS;
        for (size_t c0 = 0; c0 < m; c0 += COLUMNS) {
            size_t columns = m - c0 < COLUMNS ? m - c0 : COLUMNS;
            for (size_t r = 0; r < rows; r++)
                memset(c + (r0 + r) * m + c0, 0, columns * sizeof *c);
            for (size_t i = 0; i < k; i++) {
                const double *restrict from = b + i * m + c0;
                for (size_t r = 0; r < rows; r++) {
                    double *restrict to = c + (r0 + r) * m + c0;
                    double x = a[(r0 + r) * k + i];
#pragma omp simd
                    for (size_t j = 0; j < columns; j++)
                        to[j] += x * from[j];
                }
            }
        }
    }
}
