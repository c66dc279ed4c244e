#include "data/base/num.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_MAX = 512 };

bool rid_num_parse_i64(rid_str text, int64_t *out)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t value = 0;
    if (i == text.len)
        return false;
    for (; i < text.len; i++) {
        char c = text.data[i];
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, c - '0', &value)) /* downward: reaches INT64_MIN */
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

bool rid_num_parse_f64(rid_str text, double *out)
{
    char copy[NUMBER_TEXT_MAX];
    bool digits = false;
    if (text.len == 0 || text.len >= sizeof copy)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!strchr("0123456789+-.eE", text.data[i]) || text.data[i] == '\0')
            return false;
        digits |= isdigit((unsigned char)text.data[i]) != 0;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    pthread_once(&c_locale_once, make_c_locale);
    char *end;
    double value = c_locale ? strtod_l(copy, &end, c_locale) : strtod(copy, &end);
    if (!digits || *end != '\0' || !isfinite(value))
        return false;
    *out = value;
    return true;
}

bool rid_num_parse_count_or_percent(rid_str text, double *out, bool *is_percent)
{
    bool percent = text.len > 0 && text.data[text.len - 1] == '%';
    double value;
    int64_t count;
    if (percent) {
        text.len--;
        if (!rid_num_parse_f64(text, &value) || value < 0 || value > 100)
            return false;
    } else {
        if (!rid_num_parse_i64(text, &count) || count < 0)
            return false;
        value = (double)count;
    }
    *out = value;
    *is_percent = percent;
    return true;
}

static bool split_at(rid_str text, char c, rid_str *before, rid_str *after)
{
    const char *at = text.len ? memchr(text.data, c, text.len) : NULL;
    if (!at)
        return false;
    *before = (rid_str){text.data, (size_t)(at - text.data)};
    *after = (rid_str){at + 1, text.len - before->len - 1};
    return true;
}

bool rid_num_parse_shard(rid_str text, uint32_t *i, uint32_t *n)
{
    rid_str a, b;
    int64_t index, count;
    if (!split_at(text, '/', &a, &b) || !rid_num_parse_i64(a, &index) ||
        !rid_num_parse_i64(b, &count) || index < 0 || index >= count || count > UINT32_MAX)
        return false;
    *i = (uint32_t)index;
    *n = (uint32_t)count;
    return true;
}

bool rid_num_parse_range(rid_str text, int64_t *lo, int64_t *hi)
{
    rid_str a, b;
    int64_t first, last;
    if (!split_at(text, ':', &a, &b))
        a = b = text;
    if (!rid_num_parse_i64(a, &first) || !rid_num_parse_i64(b, &last) || first < 0 || first > last)
        return false;
    *lo = first;
    *hi = last;
    return true;
}
