#include "gt/unit_split.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "data/base/num.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double SUM_TOLERANCE = 1e-6;

static rid_status fail_shares(const char *text, rid_err *err)
{
    return RID_FAIL(err, RID_EUSAGE,
                    "'%.200s' is not from 2 to %d numbers above 0 with commas between"
                    " them, as in 0.6,0.2,0.2",
                    text, RID_SPLIT_PARTS_MAX);
}

rid_status rid_split_shares_parse(rid_split_shares *s, const char *text, rid_err *err)
{
    double sum = 0;
    *s = (rid_split_shares){0};
    for (const char *at = text;; at++) {
        const size_t len = strcspn(at, ",");
        double *share = &s->share[s->n];
        if (s->n == RID_SPLIT_PARTS_MAX || !rid_num_parse_f64((rid_str){at, len}, share) ||
            *share <= 0)
            return fail_shares(text, err);
        sum += *share;
        s->n++;
        at += len;
        if (*at == '\0')
            break;
    }
    if (s->n < 2)
        return fail_shares(text, err);
    return fabs(sum - 1) <= SUM_TOLERANCE
               ? RID_OK
               : RID_FAIL(err, RID_EUSAGE, "the sum of '%.200s' is %.6g, not 1", text, sum);
}

rid_status rid_unit_place(double *place, uint64_t seed, rid_str unit, rid_err *err)
{
    char hex[65], number[32];
    const int n = snprintf(number, sizeof number, "%llu", (unsigned long long)seed);
    rid_sha256 *h = rid_sha256_new();
    if (!h)
        return RID_FAIL_NOMEM(err);
    rid_sha256_add(h, number, (size_t)n + 1); /* with its NUL */
    rid_sha256_add(h, unit.data, unit.len);
    const rid_status st = rid_sha256_end(hex, h, err);
    rid_sha256_free(h);
    if (st != RID_OK)
        return st;
    hex[16] = '\0';
    *place = ldexp((double)(strtoull(hex, NULL, 16) >> 11), -53);
    return RID_OK;
}

typedef struct placed_unit {
    double place;
    rid_str id;
    size_t number;
} placed_unit;

static int compare_places(const void *x, const void *y)
{
    const placed_unit *a = x, *b = y;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return rid_str_compare(a->id, b->id);
}

static uint32_t part_of(const rid_split_shares *s, double place)
{
    double sum = 0;
    for (uint32_t k = 0; k + 1 < s->n; k++) {
        sum += s->share[k];
        if (place < sum)
            return k;
    }
    return (uint32_t)s->n - 1;
}

static void cut_by_quota(uint32_t *part, const placed_unit *units, size_t n,
                         const rid_split_shares *s)
{
    double sum = 0;
    size_t at = 0;
    for (uint32_t k = 0; k < s->n; k++) {
        sum += s->share[k];
        const size_t least = at + 1, most = n - (s->n - 1 - k);
        size_t end = k + 1 == s->n ? n : (size_t)llround(sum * (double)n);
        end = end < least ? least : end > most ? most : end;
        for (; at < end; at++)
            part[units[at].number] = k;
    }
}

rid_status rid_unit_split(uint32_t *part, const rid_str *units, size_t n,
                          const rid_split_shares *shares, rid_split_rule rule, uint64_t seed,
                          rid_err *err)
{
    if (rule == RID_SPLIT_QUOTA && n < shares->n)
        return RID_FAIL(err, RID_EDATA, "%zu unit%s cannot make %zu parts", n, n == 1 ? "" : "s",
                        shares->n);
    placed_unit *placed = rid_mem_alloc(n, sizeof *placed);
    rid_status st = placed ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        placed[i] = (placed_unit){.id = units[i], .number = i};
        st = rid_unit_place(&placed[i].place, seed, units[i], err);
        if (st == RID_OK)
            part[i] = part_of(shares, placed[i].place);
    }
    if (st == RID_OK && rule == RID_SPLIT_QUOTA) {
        qsort(placed, n, sizeof *placed, compare_places);
        cut_by_quota(part, placed, n, shares);
    }
    rid_mem_free(placed);
    return st;
}
