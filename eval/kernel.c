#include "eval/kernel.h"

#include "data/base/isa.h"

#include <math.h>
#include <string.h>

extern const rid_kernel rid_kernel_base;
#ifdef __x86_64__
extern const rid_kernel rid_kernel_avx2, rid_kernel_avx512;
#endif

static const rid_kernel *const kernels[RID_ISA_COUNT] = {
    [RID_ISA_BASE] = &rid_kernel_base,
#ifdef __x86_64__
    [RID_ISA_AVX2] = &rid_kernel_avx2,
    [RID_ISA_AVX512] = &rid_kernel_avx512,
#endif
};

const rid_kernel *rid_kernel_get(void)
{
    return kernels[rid_isa_get()];
}

rid_status rid_kernel_check(rid_err *err)
{
    return rid_isa_check(err);
}

const rid_kernel *rid_kernel_at(size_t i)
{
    for (int isa = RID_ISA_COUNT - 1; isa >= 0; isa--) /* fastest first */
        if (rid_isa_runs((rid_isa)isa) && i-- == 0)
            return kernels[isa];
    return NULL;
}

size_t rid_kernel_panels(size_t n_rows)
{
    return (n_rows + RID_PANEL - 1) / RID_PANEL;
}

size_t rid_kernel_packed_floats(size_t n_rows, size_t k)
{
    return rid_kernel_panels(n_rows) * RID_PANEL * k;
}

void rid_kernel_pack_row(float *packed, const float *b_row, size_t row, size_t k)
{
    float *to = packed + row / RID_PANEL * RID_PANEL * k + row % RID_PANEL;
    for (size_t i = 0; i < k; i++)
        to[i * RID_PANEL] = b_row[i];
}

void rid_kernel_pack(float *packed, const float *b, size_t stride, size_t n_rows, size_t k)
{
    memset(packed, 0, rid_kernel_packed_floats(n_rows, k) * sizeof *packed);
    for (size_t r = 0; r < n_rows; r++)
        rid_kernel_pack_row(packed, b + r * stride, r, k);
}

float rid_kernel_reference_dot(const float *a, const float *b, size_t n)
{
    enum { SUMS = 64 };
    float sums[SUMS] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % SUMS] = fmaf(a[i], b[i], sums[i % SUMS]);
    for (size_t half = SUMS / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++)
            sums[k] += sums[k + half];
    return sums[0];
}

double rid_kernel_reference_sum_squares(const float *x, size_t n)
{
    enum { SUMS = 16 };
    double sums[SUMS] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % SUMS] += (double)x[i] * (double)x[i];
    for (size_t half = SUMS / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++)
            sums[k] += sums[k + half];
    return sums[0];
}

void rid_kernel_reference_product(float *out, size_t out_stride, const float *a, size_t a_stride,
                                  size_t rows, const float *b, size_t b_stride, size_t n_rows,
                                  size_t k)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t c = 0; c < n_rows; c++) {
            float sum = 0;
            for (size_t i = 0; i < k; i++)
                sum = fmaf(a[r * a_stride + i], b[c * b_stride + i], sum);
            out[r * out_stride + c] = sum;
        }
    }
}
