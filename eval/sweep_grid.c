#include "eval/sweep_grid.h"

#include "data/base/mem.h"
#include "data/base/num.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 12, AUTO_SIDE = 100, AUTO_MAX = 1000 };

/* units / 10^digits */
typedef struct decimal {
    int64_t units;
    int digits;
} decimal;

/* [-]digits[.digits], at most DIGITS_MAX of them behind the point and 6 before it. */
static bool parse_decimal(rid_str text, decimal *out)
{
    bool negative = text.len > 0 && text.data[0] == '-', point = false;
    int64_t units = 0;
    int digits = 0;
    size_t n_read = 0;
    for (size_t i = negative; i < text.len; i++) {
        const char c = text.data[i];
        if (c == '.' && !point) {
            point = true;
            continue;
        }
        if (!isdigit((unsigned char)c) || ++n_read > 6 + DIGITS_MAX || digits >= DIGITS_MAX)
            return false;
        units = 10 * units + (c - '0');
        digits += point;
    }
    *out = (decimal){negative ? -units : units, digits};
    return n_read > 0 && n_read - (size_t)digits <= 6;
}

static int64_t scale_up(decimal d, int digits)
{
    for (; d.digits < digits; d.digits++)
        d.units *= 10;
    return d.units;
}

/* The double of the decimals: what a reader of "0.3" gets. */
static double to_double(int64_t units, int digits)
{
    char text[64];
    const uint64_t all = units < 0 ? (uint64_t)-units : (uint64_t)units;
    uint64_t one = 1;
    double value = 0;
    for (int i = 0; i < digits; i++)
        one *= 10;
    snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, units < 0 ? "-" : "", all / one,
             digits > 0 && digits <= DIGITS_MAX ? digits : 1, all % one);
    return rid_num_parse_f64(rid_str_of(text), &value) ? value + 0.0 : value; /* -0 is 0 */
}

/* A grid's side under construction. */
typedef struct side {
    double *x;
    size_t n, cap;
} side;

static rid_status put(side *s, double value, const char *name, rid_err *err)
{
    if (s->n >= RID_GRID_SIDE_MAX)
        return RID_FAIL(err, RID_EUSAGE, "--%s: more than %d values", name, RID_GRID_SIDE_MAX);
    if (s->n == s->cap) {
        const size_t cap = s->cap > 0 ? 2 * s->cap : 64;
        double *x = rid_mem_resize(s->x, cap, sizeof *x);
        if (!x)
            return RID_FAIL_NOMEM(err);
        s->x = x;
        s->cap = cap;
    }
    s->x[s->n++] = value;
    return RID_OK;
}

static rid_status put_range(side *s, const decimal *part, const char *name, rid_err *err)
{
    int digits = 0;
    for (int i = 0; i < 3; i++)
        digits = part[i].digits > digits ? part[i].digits : digits;
    const int64_t lo = scale_up(part[0], digits), hi = scale_up(part[1], digits),
                  step = scale_up(part[2], digits);
    if (lo > hi || step <= 0)
        return RID_FAIL(err, RID_EUSAGE, "--%s: LO:HI:STEP needs LO <= HI and STEP > 0", name);
    rid_status st = RID_OK;
    int64_t at = lo;
    for (; at < hi && st == RID_OK; at += step)
        st = put(s, to_double(at, digits), name, err);
    return st == RID_OK ? put(s, to_double(hi, digits), name, err) : st;
}

/* One item between commas: X or LO:HI:STEP. */
static rid_status put_item(side *s, rid_str item, const char *name, rid_err *err)
{
    decimal part[3];
    size_t n = 0;
    const char *at = item.data, *end = item.data + item.len;
    for (bool more = true; more; n++) {
        const char *colon = memchr(at, ':', (size_t)(end - at));
        const rid_str text = {at, (size_t)((colon ? colon : end) - at)};
        if (n == 3 || !parse_decimal(text, &part[n]))
            return RID_FAIL(err, RID_EUSAGE, "--%s: '%.*s' is neither a number nor LO:HI:STEP", name,
                            RID_STR(item));
        more = colon != NULL;
        at = colon ? colon + 1 : end;
    }
    if (n == 1)
        return put(s, to_double(part[0].units, part[0].digits), name, err);
    if (n == 3)
        return put_range(s, part, name, err);
    return RID_FAIL(err, RID_EUSAGE, "--%s: '%.*s' is neither a number nor LO:HI:STEP", name,
                    RID_STR(item));
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

rid_status rid_grid_parse(double **out, size_t *n, const char *text, const char *name, rid_err *err)
{
    side s = {0};
    rid_status st = RID_OK;
    *out = NULL;
    *n = 0;
    for (const char *at = text; st == RID_OK;) {
        const size_t len = strcspn(at, ",");
        st = put_item(&s, (rid_str){at, len}, name, err);
        if (at[len] == '\0')
            break;
        at += len + 1;
    }
    if (st != RID_OK) {
        rid_mem_free(s.x);
        return st;
    }
    qsort(s.x, s.n, sizeof *s.x, compare_doubles);
    for (size_t i = 0; i < s.n; i++)
        if (*n == 0 || s.x[i] != s.x[*n - 1])
            s.x[(*n)++] = s.x[i];
    *out = s.x;
    return RID_OK;
}

bool rid_grid_parse_auto(const char *text, size_t *max_side)
{
    int64_t n = AUTO_SIDE;
    if (strncmp(text, "auto", 4) != 0 ||
        (text[4] != '\0' &&
         !(text[4] == ':' && rid_num_parse_i64(rid_str_of(text + 5), &n) && n >= 2 && n <= AUTO_MAX)))
        return false;
    *max_side = (size_t)n;
    return true;
}
