#include "eval/kernel.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

extern const rid_kernel rid_kernel_base;
#ifdef __x86_64__
extern const rid_kernel rid_kernel_avx2, rid_kernel_avx512;
#endif

enum { KERNELS_MAX = 3 };

static const rid_kernel *runnable[KERNELS_MAX + 1]; /* fastest first, NULL behind the last */
static const rid_kernel *chosen;
static bool unknown_name;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void choose(void)
{
    size_t n = 0;
#ifdef __x86_64__
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                __builtin_cpu_supports("f16c");
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        runnable[n++] = &rid_kernel_avx512;
    if (avx2)
        runnable[n++] = &rid_kernel_avx2;
#endif
    runnable[n++] = &rid_kernel_base;
    const char *wanted = getenv("RID_CPU");
    chosen = runnable[0];
    if (!wanted || *wanted == '\0')
        return;
    unknown_name = true;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(runnable[i]->name, wanted) == 0) {
            chosen = runnable[i];
            unknown_name = false;
        }
    }
}

const rid_kernel *rid_kernel_get(void)
{
    pthread_once(&once, choose);
    return chosen;
}

rid_status rid_kernel_check(rid_err *err)
{
    pthread_once(&once, choose);
    if (unknown_name)
        return RID_FAIL(err, RID_ECONFIG,
                        "RID_CPU: expected x86-64, avx2 or avx512, one that this processor runs");
    return RID_OK;
}

const rid_kernel *rid_kernel_at(size_t i)
{
    pthread_once(&once, choose);
    return i < KERNELS_MAX ? runnable[i] : NULL;
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
