#include "data/half.h"

#include <string.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* Portable conversions; rounding by adding half a unit and the last bit kept. */
static uint16_t half_of(float x)
{
    uint32_t bits, sign, magnitude;
    memcpy(&bits, &x, sizeof bits);
    sign = bits >> 16 & 0x8000;
    magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return (uint16_t)(sign | 0x7E00);
    if (magnitude >= 0x477FF000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x38800000) { /* below 2^-14: subnormal, a multiple of 2^-24 */
        float scaled;
        memcpy(&scaled, &magnitude, sizeof scaled);
        float shifted = scaled + 0.5f; /* 0.5 has an ulp of 2^-24: the addition rounds for us */
        memcpy(&bits, &shifted, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3F000000));
    }
    uint32_t rounded = magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1);
    return (uint16_t)(sign | rounded >> 13);
}

static float float_of(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = h & 0x7FFF, bits;
    float x;
    if (rest >= 0x7C00) {
        bits = sign | 0x7F800000 | (rest & 0x3FF) << 13;
    } else if (rest >= 0x400) {
        bits = sign | ((rest << 13) + 0x38000000);
    } else {
        x = (float)rest * 0x1p-24f;
        memcpy(&bits, &x, sizeof bits);
        bits |= sign;
    }
    memcpy(&x, &bits, sizeof x);
    return x;
}

#ifdef __x86_64__
__attribute__((target("avx,f16c"))) static size_t from_f32_f16c(uint16_t *out, const float *x,
                                                                size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

__attribute__((target("avx,f16c"))) static size_t to_f32_f16c(float *out, const uint16_t *x,
                                                              size_t n)
{
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(out + i,
                         _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + i))));
    return i;
}

static bool has_f16c(void)
{
    return __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c");
}
#endif

bool rid_half_from_f32(uint16_t *out, const float *x, size_t n)
{
    size_t i = 0;
    bool in_range = true;
#ifdef __x86_64__
    if (has_f16c())
        i = from_f32_f16c(out, x, n);
#endif
    for (; i < n; i++)
        out[i] = half_of(x[i]);
    for (i = 0; i < n; i++)
        in_range &= (out[i] & 0x7C00) != 0x7C00;
    return in_range;
}

void rid_half_to_f32(float *out, const uint16_t *x, size_t n)
{
    size_t i = 0;
#ifdef __x86_64__
    if (has_f16c())
        i = to_f32_f16c(out, x, n);
#endif
    for (; i < n; i++)
        out[i] = float_of(x[i]);
}
