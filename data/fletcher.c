#include "data/fletcher.h"

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CLONES __attribute__((target_clones("arch=x86-64-v4", "avx2", "default"), optimize("O3")))
#else
#define CLONES
#endif

uint32_t rid_fletcher32_reference(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint32_t sum1 = 0, sum2 = 0;
    for (size_t i = 0; i < n; i += 2) {
        uint32_t word = (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
        sum1 += word;
        sum1 = (sum1 & 0xFFFF) + (sum1 >> 16);
        sum2 += sum1;
        sum2 = (sum2 & 0xFFFF) + (sum2 >> 16);
    }
    return sum2 << 16 | sum1;
}

enum { BLOCK = 128 };

/* Over one block: *a = Σ word, *b = Σ (BLOCK − i)·word; both stay below 2^32. */
CLONES static void sum_block(const uint8_t *p, uint32_t *a, uint32_t *b)
{
    uint16_t words[BLOCK];
    uint32_t sum_a = 0, sum_b = 0;
    __builtin_memcpy(words, p, sizeof words);
    for (uint32_t i = 0; i < BLOCK; i++) {
        uint32_t word = (uint16_t)(words[i] << 8 | words[i] >> 8);
        sum_a += word;
        sum_b += (BLOCK - i) * word;
    }
    *a = sum_a;
    *b = sum_b;
}

/* The running sums mod 65535; the folded form has 65535 for a multiple that is not zero itself. */
static uint32_t fold(uint64_t residue, int all_zero)
{
    return residue == 0 && !all_zero ? 0xFFFF : (uint32_t)residue;
}

void rid_fletcher_add(rid_fletcher *f, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t sum1 = f->sum1, sum2 = f->sum2, any = f->any;
    size_t i = 0;
    for (; n - i >= 2 * BLOCK; i += 2 * BLOCK) {
        uint32_t a, b;
        sum_block(p + i, &a, &b);
        sum2 = (sum2 + BLOCK * sum1 + b) % 65535;
        sum1 = (sum1 + a) % 65535;
        any |= a;
    }
    for (; i < n; i += 2) {
        uint32_t word = (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
        sum1 = (sum1 + word) % 65535;
        sum2 = (sum2 + sum1) % 65535;
        any |= word;
    }
    *f = (rid_fletcher){sum1, sum2, any};
}

uint32_t rid_fletcher_end(const rid_fletcher *f)
{
    return fold(f->sum2, f->any == 0) << 16 | fold(f->sum1, f->any == 0);
}

uint32_t rid_fletcher32(const void *bytes, size_t n)
{
    rid_fletcher f = {0};
    rid_fletcher_add(&f, bytes, n);
    return rid_fletcher_end(&f);
}
