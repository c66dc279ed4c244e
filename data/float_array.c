#include "data/float_array.h"

#include "data/base/mem.h"

#include <math.h>
#include <string.h>

/* 10 to the minus i, rounded to double. */
static const double inverse_powers[] = {1e0,   1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,
                                        1e-7,  1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13,
                                        1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19};
static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000};

enum { DIGITS_MAX = 19 }; /* any number of so many digits fits 64 bits */

static inline uint64_t load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* How many of the 8 bytes, from the first on, are decimal digits. (Little-endian: the first byte is
 * the lowest.) */
static inline unsigned count_digits(uint64_t x)
{
    /* A byte is a digit where its high half is 3 and adding 6 does not change that. */
    uint64_t high = (x & 0xF0F0F0F0F0F0F0F0U) ^ 0x3030303030303030U;
    uint64_t carry = ((x + 0x0606060606060606U) & 0xF0F0F0F0F0F0F0F0U) ^ 0x3030303030303030U;
    uint64_t other = high | carry;
    return other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
}

/* The number that 8 digits make: pairs, then fours, then all, each with one multiplication. */
static inline uint64_t value8(uint64_t x)
{
    x -= 0x3030303030303030U;
    x = x * 10 + (x >> 8);
    return ((x & 0x000000FF000000FFU) * 0x000F424000000064U +
            ((x >> 16) & 0x000000FF000000FFU) * 0x0000271000000001U) >>
           32;
}

/* Takes digits from *p into *mantissa; returns how many. */
static inline unsigned take_digits(const char **p, uint64_t *mantissa)
{
    unsigned taken = 0;
    for (;;) {
        uint64_t x = load8(*p);
        unsigned n = count_digits(x);
        if (n == 8) {
            *mantissa = *mantissa * 100000000 + value8(x);
            *p += 8;
            taken += 8;
            if (taken > DIGITS_MAX)
                return taken;
            continue;
        }
        /* The last digits, moved to the end of the 8 behind zeros: without a branch on how many there
         * are, which could not be predicted. */
        uint64_t last = (x << 8 << (56 - 8 * n)) | (0x3030303030303030U >> (8 * n));
        *mantissa = *mantissa * powers[n] + value8(last);
        *p += n;
        return taken + n;
    }
}

/* The float of a double that is within a few units in the last place of the true value; false where
 * that is too near to the middle between two floats, or outside the normal range. */
static inline bool round_to_float(double x, bool negative, float *out)
{
    enum { DROPPED = 29, SLACK = 8 };
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t low = bits & ((1U << DROPPED) - 1), middle = 1U << (DROPPED - 1);
    if (low - (middle - SLACK) <= 2 * SLACK || !(x >= 0x1p-126 && x < 0x1p127))
        return false;
    float f = (float)x;
    uint32_t float_bits;
    memcpy(&float_bits, &f, sizeof float_bits);
    float_bits |= (uint32_t)negative << 31;
    memcpy(out, &float_bits, sizeof float_bits);
    return true;
}

/* What is left of a number's text after the fast way gave up, the general way. */
static bool read_slowly(const char *start, const char *end, float *out)
{
    double x;
    if (!rid_json_read_number(start, (size_t)(end - start), &x))
        return false;
    *out = (float)x;
    return fabsf(*out) <= 3.4028234663852886e38f;
}

/* One number by JSON's grammar at *p. */
static inline bool read_number(const char **p, float *out)
{
    const char *start = *p, *s = start;
    bool negative = *s == '-';
    uint64_t mantissa = 0;
    unsigned fraction = 0;
    s += negative;
    unsigned digits = 1;
    if (s[1] == '.' && *s >= '0' && *s <= '9') { /* nearly always */
        mantissa = (uint64_t)(*s++ - '0');
    } else {
        const char *integer = s;
        digits = take_digits(&s, &mantissa);
        if (digits == 0 || (digits > 1 && *integer == '0'))
            return false;
    }
    if (*s == '.') {
        s++;
        fraction = take_digits(&s, &mantissa);
        if (fraction == 0)
            return false;
        digits += fraction;
    }
    bool plain = (*s | 0x20) != 'e';
    if (!plain) {
        s++;
        s += *s == '+' || *s == '-';
        uint64_t exponent = 0;
        if (take_digits(&s, &exponent) == 0)
            return false;
    }
    /* Integers that do not fit 64 bits are the general way's to refuse. */
    if (plain && fraction == 0 && digits >= DIGITS_MAX)
        return false;
    *p = s;
    if (plain && digits <= DIGITS_MAX) {
        if (mantissa == 0) { /* "-0" is an integer and has no sign; "-0.0" has */
            *out = negative && fraction ? -0.0f : 0.0f;
            return true;
        }
        /* Three roundings: within two units in the last place. */
        double x = (double)mantissa * inverse_powers[fraction];
        if (round_to_float(x, negative, out))
            return true;
    }
    return read_slowly(start, s, out);
}

static inline const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* A row, from behind its '[' to behind its ']'; at most `room` numbers. NULL where it is irregular. */
static const char *read_row(const char *p, const char *end, float *out, size_t room, size_t *n)
{
    for (*n = 0;; (*n)++) {
        if (p < end && (unsigned char)*p <= ' ')
            p = skip_blanks(p, end);
        if (*n == room || p >= end || !read_number(&p, out + *n))
            return NULL;
        if (p < end && *p != ',' && *p != ']')
            p = skip_blanks(p, end);
        if (p >= end)
            return NULL;
        if (*p == ']') {
            (*n)++;
            return p + 1;
        }
        if (*p++ != ',')
            return NULL;
    }
}

/* Room for a first row of which only the text is known: a number and its comma take 2 bytes. */
static size_t first_row_room(const char *p, const char *end)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    return close ? (size_t)(close - p) / 2 + 1 : 0;
}

bool rid_float_array_read(const char *text, size_t len, size_t *at, rid_json_matrix *m)
{
    const char *end = text + len, *p = text + *at + 1;
    m->rows = m->cols = 0;
    for (;;) {
        size_t n;
        p = skip_blanks(p, end);
        if (p >= end || *p++ != '[')
            break;
        size_t room = m->rows ? m->cols : first_row_room(p, end);
        if (rid_mem_grow(&m->data, &m->cap, m->rows * m->cols + room, sizeof *m->data) != 0)
            break;
        p = read_row(p, end, m->data + m->rows * m->cols, room, &n);
        if (!p || (m->rows && n != m->cols))
            break;
        m->cols = n;
        m->rows++;
        p = skip_blanks(p, end);
        if (p < end && *p == ']') {
            *at = (size_t)(p + 1 - text);
            return true;
        }
        if (p >= end || *p++ != ',')
            break;
    }
    m->rows = m->cols = 0;
    return false;
}
