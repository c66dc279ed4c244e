/* Arrays of float32 as text, compiled per instruction set (see the Makefile): RID_ISA names it.
 *
 * The search of data/float_text.c, in doubles and without rounding. A float is c 2^q with a step
 * of 2^q to its neighbours, and 10^k <= 2^q < 10^(k+1). From 1e-4 to 1024 k is between -12 and -5,
 * so c 10^-k has at most 24 + 28 bits and the float in units of 10^k is exact. Of the multiples of
 * ten the nearest is the only one that can be within half a step; where it is, it is the shortest
 * decimal, and where it is not, the nearest integer is (of two the even one). The ends of that
 * interval have more than 8 binary places: they are no integers. Below a power of two the step is
 * narrower; for those in this range that changes nothing, and the test has them all.
 *
 * Then the digits, of all numbers at once: 4 before the point and 12 behind it, halved until each
 * has a byte. Numbers out of the range go to rid_float_text_write. */
#include "data/float_text.h"

#include <stdint.h>
#include <string.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#ifdef __AVX512F__
enum { LANES = 8 };
#elif defined __AVX2__
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float vfloat __attribute__((vector_size(4 * LANES)));
typedef double vdouble __attribute__((vector_size(8 * LANES)));
typedef int64_t vlong __attribute__((vector_size(8 * LANES)));
typedef uint32_t vhalves __attribute__((vector_size(8 * LANES)));

#define FROM 0x38D1B717 /* 1e-4f: below it texts have an exponent */
#define TO 0x44800000   /* 1024.0f */

enum { BLOCK = 128, K_MIN = -12, K_MAX = -5, INTEGER = 4, DIGITS = INTEGER + 12 };

/** 10^-k, and 10^k in units of the last digit, for k = K_MIN, … */
static const double to_units[8] = {1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5};
static const double unit[8] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7};
_Static_assert(K_MAX - K_MIN + 1 == 8, "one entry for each k");

/** Numbers on their way to text. */
typedef struct block {
    float x[BLOCK];
    int32_t other[BLOCK]; /* not 0: left to rid_float_text_write */
    union {
        uint32_t eights[2 * BLOCK]; /* 8 digits each */
        uint16_t fours[4 * BLOCK];
    };
    union {
        uint32_t two_pairs[4 * BLOCK];
        uint16_t pairs[8 * BLOCK + 8]; /* the copy of the last number's digits ends behind them */
    };
} block;

INLINE vdouble lookup(const double table[8], vlong i)
{
    vdouble v;
#ifdef __AVX512F__
    memcpy(&v, table, sizeof v);
    return __builtin_shuffle(v, i);
#else
    for (int lane = 0; lane < LANES; lane++)
        v[lane] = table[i[lane]];
    return v;
#endif
}

INLINE void find_others(block *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &b->x[i], sizeof bits);
        b->other[i] = ((bits & INT32_MAX) - FROM >= TO - FROM) & (bits != 0);
    }
}

/* Added to a double below 2^51, this rounds it to the nearest integer, which then stands in the
 * lower bits. */
#define ROUND 0x1.8p52

/* The digits of numbers i, …, i + LANES - 1. */
INLINE void find_digits(block *b, size_t i)
{
    const int64_t exponent_bits = 0x7FF0000000000000, lower = 0xFFFFFFFF;
    enum { MANTISSA_BITS = 52, BIAS = 1023 + 23 };
    vfloat x;
    memcpy(&x, b->x + i, sizeof x);
    vlong bits = (vlong) __builtin_convertvector(x, vdouble) & INT64_MAX;
    vlong q = (bits >> MANTISSA_BITS) - BIAS;
    /* floor(log10(2^q)) - K_MIN, any in the table where the number is out of the range */
    vlong k = (vlong)((vhalves)(q + 39) * 1233U + 1000U) >> 12 & 7;
    vdouble scale = lookup(to_units, k);
    vdouble value = (vdouble)bits * scale;
    vdouble half_step = (vdouble)(bits & exponent_bits) * (scale * 0x1p-24);
    vdouble integer = value + ROUND - ROUND, tens = (value * 0.1 + ROUND - ROUND) * 10;
    vlong within = (vlong)((vdouble)((vlong)(value - tens) & INT64_MAX) < half_step);
    vdouble decimal = integer + (vdouble)((vlong)(tens - integer) & within);

    decimal *= lookup(unit, k); /* in units of the last digit, below 2^50 */
    vdouble first = decimal * 1e-8 - 0.499999995 + ROUND; /* rounded down */
    vdouble last = decimal - (first - ROUND) * 1e8 + ROUND;
    vlong both = ((vlong)first & lower) | (vlong)last << 32;
    memcpy(b->eights + 2 * i, &both, sizeof both);
}

/* Loops that the compiler makes vectors of. Quotients by multiplication, right for numbers of so
 * many digits. */
INLINE void split_digits(block *b, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        uint32_t v = b->eights[i], high = v / 10000;
        b->eights[i] = high | (v - 10000 * high) << 16;
    }
    for (size_t i = 0; i < 4 * n; i++) {
        uint32_t v = b->fours[i], high = v * 5243 >> 19;
        b->two_pairs[i] = high | (v - 100 * high) << 16;
    }
    for (size_t i = 0; i < 8 * n; i++) {
        uint16_t v = b->pairs[i], high = (uint16_t)(v * 6554U >> 16);
        b->pairs[i] = (uint16_t)((high | (v - 10 * high) << 8) + 0x3030);
    }
}

/* Which of the digits are not 0: bit i for digit i. */
INLINE unsigned digits_set(const char digits[DIGITS])
{
#ifdef __SSE2__
    typedef char text __attribute__((vector_size(DIGITS)));
    text d;
    memcpy(&d, digits, sizeof d);
    return (unsigned)__builtin_ia32_pmovmskb128(d != '0');
#else
    unsigned set = 0;
    for (int i = 0; i < DIGITS; i++)
        set |= (unsigned)(digits[i] != '0') << i;
    return set;
#endif
}

/* One number and a comma. Without a branch on how many digits there are, and what is copied has
 * always the same size: the next number overwrites what was too much. */
INLINE char *put(char *out, float x, const char digits[DIGITS])
{
    enum { BYTE = 8, ONES = INTEGER - 1 };
    unsigned set = digits_set(digits);
    unsigned leading = (unsigned)__builtin_ctz(set | 1U << ONES); /* zeros, not that of "0." */
    unsigned fraction = 31 - (unsigned)__builtin_clz(set >> ONES | 1U); /* up to the last not 0 */
    uint32_t bits, integer;
    memcpy(&bits, &x, sizeof bits);
    memcpy(&integer, digits, sizeof integer);
    uint64_t start = (integer | (uint64_t)'.' << 32) >> BYTE * leading;
    *out = '-';
    out += bits >> 31;
    memcpy(out, &start, sizeof start);
    out += INTEGER - leading;
    memcpy(out + 1, digits + INTEGER, DIGITS);
    out += fraction + (fraction > 0);
    *out = ',';
    return out + 1;
}

#define WRITE_ARRAY PASTE(rid_float_text_array_, RID_ISA)
rid_float_text_array_fn WRITE_ARRAY;

size_t WRITE_ARRAY(char *out, const float *x, size_t n)
{
    char *at = out;
    block b;
    for (size_t done = 0; done < n; done += BLOCK) {
        size_t m = n - done < BLOCK ? n - done : BLOCK, padded = (m + LANES - 1) / LANES * LANES;
        memset(b.x + (padded - LANES), 0, LANES * sizeof *b.x);
        memcpy(b.x, x + done, m * sizeof *b.x);
        find_others(&b, padded);
        for (size_t i = 0; i < padded; i += LANES)
            find_digits(&b, i);
        split_digits(&b, padded);
        for (size_t i = 0; i < m; i++) {
            if (b.other[i]) {
                at += rid_float_text_write(at, b.x[i]);
                *at++ = ',';
            } else {
                at = put(at, b.x[i], (const char *)b.pairs + DIGITS * i);
            }
        }
    }
    return n ? (size_t)(at - out) - 1 : 0; /* no comma behind the last */
}
