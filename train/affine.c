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

rid_status rid_matrix_multiply(double *c, const double *a, const double *b, size_t n, size_t k,
                               size_t m, int threads, rid_err *err)
{
    enum { ROWS = 64 }; /* of one task: each reads all of b */
    size_t panels = rid_kernel_panels(m), width = panels * RID_PANEL;
    double *packed = rid_mem_zalloc(width * sizeof *packed, k);
    double *padded = rid_mem_alloc(width * sizeof *padded, n);
    if (packed && padded) {
        for (size_t i = 0; i < k; i++)
            for (size_t j = 0; j < m; j++)
                packed[(j / RID_PANEL * k + i) * RID_PANEL + j % RID_PANEL] = b[i * m + j];
#pragma omp parallel for num_threads(threads > 0 ? threads : 1) schedule(dynamic, 1) if (n > ROWS)
        for (size_t r = 0; r < n; r += ROWS)
            rid_kernel_get()->product_f64(padded + r * width, width, a + r * k,
                                          n - r < ROWS ? n - r : ROWS, packed, panels, k);
        for (size_t r = 0; r < n; r++)
            memcpy(c + r * m, padded + r * width, m * sizeof *c);
    }
    rid_status st = packed && padded ? RID_OK : RID_FAIL_NOMEM(err);
    rid_mem_free(packed);
    rid_mem_free(padded);
    return st;
}
