#include "data/float_text.h"

#include <stdbool.h>
#include <string.h>

/* The search of R. Giulietti, "The Schubfach way to render doubles", 2020, for float32: among the
 * decimals of the right length around the float there is one that is shortest and nearest, and three
 * products with a power of ten tell which. The test compares with the C++ library's. */

enum { POWER_MIN = -31 };

/* floor(10^k 2^(63 - floor(log2 10^k))) + 1 for k = POWER_MIN, …: exact integer arithmetic. */
static const uint64_t powers_of_ten[] = {
    0x81CEB32C4B43FCF5, 0xA2425FF75E14FC32, 0xCAD2F7F5359A3B3F, 0xFD87B5F28300CA0E,
    0x9E74D1B791E07E49, 0xC612062576589DDB, 0xF79687AED3EEC552, 0x9ABE14CD44753B53,
    0xC16D9A0095928A28, 0xF1C90080BAF72CB2, 0x971DA05074DA7BEF, 0xBCE5086492111AEB,
    0xEC1E4A7DB69561A6, 0x9392EE8E921D5D08, 0xB877AA3236A4B44A, 0xE69594BEC44DE15C,
    0x901D7CF73AB0ACDA, 0xB424DC35095CD810, 0xE12E13424BB40E14, 0x8CBCCC096F5088CC,
    0xAFEBFF0BCB24AAFF, 0xDBE6FECEBDEDD5BF, 0x89705F4136B4A598, 0xABCC77118461CEFD,
    0xD6BF94D5E57A42BD, 0x8637BD05AF6C69B6, 0xA7C5AC471B478424, 0xD1B71758E219652C,
    0x83126E978D4FDF3C, 0xA3D70A3D70A3D70B, 0xCCCCCCCCCCCCCCCD, 0x8000000000000001,
    0xA000000000000001, 0xC800000000000001, 0xFA00000000000001, 0x9C40000000000001,
    0xC350000000000001, 0xF424000000000001, 0x9896800000000001, 0xBEBC200000000001,
    0xEE6B280000000001, 0x9502F90000000001, 0xBA43B74000000001, 0xE8D4A51000000001,
    0x9184E72A00000001, 0xB5E620F480000001, 0xE35FA931A0000001, 0x8E1BC9BF04000001,
    0xB1A2BC2EC5000001, 0xDE0B6B3A76400001, 0x8AC7230489E80001, 0xAD78EBC5AC620001,
    0xD8D726B7177A8001, 0x878678326EAC9001, 0xA968163F0A57B401, 0xD3C21BCECCEDA101,
    0x84595161401484A1, 0xA56FA5B99019A5C9, 0xCECB8F27F4200F3B, 0x813F3978F8940985,
    0xA18F07D736B90BE6, 0xC9F2C9CD04674EDF, 0xFC6F7C4045812297, 0x9DC5ADA82B70B59E,
    0xC5371912364CE306, 0xF684DF56C3E01BC7, 0x9A130B963A6C115D, 0xC097CE7BC90715B4,
    0xF0BDC21ABB48DB21, 0x96769950B50D88F5, 0xBC143FA4E250EB32, 0xEB194F8E1AE525FE,
    0x92EFD1B8D0CF37BF, 0xB7ABC627050305AE, 0xE596B7B0C643C71A, 0x8F7E32CE7BEA5C70,
    0xB35DBF821AE4F38C, 0xE0352F62A19E306F};

/** digits * 10^exponent */
typedef struct decimal {
    uint32_t digits;
    int32_t exponent;
} decimal;

/* floor(log2(10^e)), |e| < 1000 */
static inline int32_t floor_log2_pow10(int32_t e)
{
    return (e * 1741647) >> 19;
}

/* floor(g * c / 2^64) with its last bit set where anything was cut off ("round to odd"). */
static inline uint32_t round_to_odd(uint64_t g, uint32_t c)
{
    unsigned __int128 product = (unsigned __int128)g * c;
    uint32_t high = (uint32_t)(product >> 64), low = (uint32_t)(product >> 32);
    return high | (low > 1);
}

/* The shortest decimal that rounds to c * 2^q, of those the nearest. `first`: the float below is half
 * as far away (c is a power of two). */
static inline decimal shortest(uint32_t c, int32_t q, bool first)
{
    /* k = floor(log10(2^q)), or of three quarters of that where the gap below is narrower */
    int32_t k = (q * 1262611 - (first ? 524031 : 0)) >> 22;
    int32_t h = q + floor_log2_pow10(-k) + 1;
    uint64_t g = powers_of_ten[-k - POWER_MIN];
    uint32_t odd = c & 1;
    /* Four times the value and the ends of the interval that rounds to it, scaled by 10^-k; the ends
     * belong to it where c is even. */
    uint32_t lower = round_to_odd(g, (4 * c - 2 + first) << h) + odd;
    uint32_t value = round_to_odd(g, (4 * c) << h);
    uint32_t upper = round_to_odd(g, (4 * c + 2) << h) - odd;
    uint32_t s = value / 4;
    /* All cases are computed and one is chosen: a branch could not be predicted. */
    uint32_t tens = s / 10, middle = 4 * s + 2;
    bool tens_below = lower <= 40 * tens, tens_above = 40 * tens + 40 <= upper;
    bool below = lower <= 4 * s, above = 4 * s + 4 <= upper;
    bool nearer_above = (value > middle) | ((value == middle) & (s & 1)); /* even in the middle */
    bool one_digit_less = (s >= 10) & (tens_below != tens_above);
    uint32_t full = s + (below != above ? above : nearer_above);
    return (decimal){one_digit_less ? tens + tens_above : full, k + one_digit_less};
}

/* 8 decimal digits as text in a word, the first in the lowest byte: halves, quarters, digits, all parts
 * of a step with one multiplication. */
static inline uint64_t text_of_8_digits(uint32_t x)
{
    uint64_t v = x / 10000 | (uint64_t)(x % 10000) << 32, t;
    t = (v * 10486 >> 20) & 0x0000007F0000007FU; /* each / 100 */
    v = t | (v - 100 * t) << 16;
    t = (v * 103 >> 10) & 0x000F000F000F000FU; /* each / 10 */
    v = t | (v - 10 * t) << 8;
    return v | 0x3030303030303030U;
}

/** The digits of a number as text, n of them in the lowest bytes. */
typedef unsigned __int128 text16;

enum { DIGITS_MAX = 9, COPY = sizeof(text16) };

static inline text16 text_of_digits(uint32_t x, int n)
{
    text16 all = (text16)text_of_8_digits(x % 100000000) << 8 | ('0' + x / 100000000);
    return all >> (8 * (DIGITS_MAX - n));
}

/* Digits of x > 0: from its bits, right or one too few. */
static inline int count_digits(uint32_t x)
{
    static const uint32_t powers[] = {1,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    int n = (32 - __builtin_clz(x)) * 1233 >> 12;
    return n + (x >= powers[n]);
}

static char *put_exponent(char *out, int32_t exponent)
{
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    exponent = exponent < 0 ? -exponent : exponent;
    out[0] = (char)('0' + exponent / 10);
    out[1] = (char)('0' + exponent % 10);
    return out + 2;
}

/* Every branch here is on the size of the number, not on how many digits it took. */
static inline char *put_decimal(char *out, decimal d)
{
    enum { ZEROS_MAX = 4, INTEGER_DIGITS_MAX = 15 };
    int n = count_digits(d.digits), point = n + d.exponent; /* digits before the point */
    text16 digits = text_of_digits(d.digits, n);
    if (point <= 0 && point > -ZEROS_MAX) { /* 0.00ddd */
        memcpy(out, "0.000000", 8);
        memcpy(out + 2 - point, &digits, COPY);
        return out + 2 - point + n;
    }
    if (point > 0 && d.exponent < 0) { /* dd.ddd */
        text16 fraction = digits >> (8 * point);
        memcpy(out, &digits, COPY);
        memcpy(out + point + 1, &fraction, COPY);
        out[point] = '.';
        return out + n + 1;
    }
    if (d.exponent >= 0 && point <= INTEGER_DIGITS_MAX) { /* ddd000 */
        memcpy(out, &digits, COPY);
        memset(out + n, '0', (size_t)d.exponent);
        return out + point;
    }
    out[0] = (char)digits; /* d.ddde±xx */
    out[1] = '.';
    digits >>= 8;
    memcpy(out + 2, &digits, COPY);
    return put_exponent(out + (n == 1 ? 1 : n + 1), point - 1);
}

size_t rid_float_text_write(char *out, float x)
{
    enum { MANTISSA_BITS = 23, EXPONENT_BIAS = 150 };
    char *at = out;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    *at = '-';
    at += bits >> 31;
    uint32_t mantissa = bits & ((1U << MANTISSA_BITS) - 1);
    uint32_t exponent = bits >> MANTISSA_BITS & 0xFF;
    if (mantissa == 0 && exponent == 0) {
        size_t n = at == out ? 1 : 3; /* "-0" would read as an integer, without its sign */
        memcpy(at, "0.0", 3);
        return (size_t)(at - out) + n;
    }
    uint32_t c = exponent ? mantissa | 1U << MANTISSA_BITS : mantissa;
    int32_t q = (exponent ? (int32_t)exponent : 1) - EXPONENT_BIAS;
    decimal d;
    if (q <= 0 && q > -MANTISSA_BITS - 1 && (c & ((1U << -q) - 1)) == 0)
        d = (decimal){c >> -q, 0}; /* a small integer */
    else
        d = shortest(c, q, mantissa == 0 && exponent > 1);
    while (d.digits % 10 == 0) { /* short decimals come with the zeros of their precision */
        d.digits /= 10;
        d.exponent++;
    }
    return (size_t)(put_decimal(at, d) - out);
}

rid_float_text_array_fn rid_float_text_array_base;
#ifdef __x86_64__
rid_float_text_array_fn rid_float_text_array_avx2, rid_float_text_array_avx512;
#endif

rid_float_text_array_fn *rid_float_text_array_of(rid_isa isa)
{
    static rid_float_text_array_fn *const functions[RID_ISA_COUNT] = {
        [RID_ISA_BASE] = rid_float_text_array_base,
#ifdef __x86_64__
        [RID_ISA_AVX2] = rid_float_text_array_avx2,
        [RID_ISA_AVX512] = rid_float_text_array_avx512,
#endif
    };
    return functions[isa];
}

size_t rid_float_text_write_array(char *out, const float *x, size_t n)
{
    return rid_float_text_array_of(rid_isa_get())(out, x, n);
}
