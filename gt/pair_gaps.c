#include "gt/pair_gaps.h"

#include "data/base/log.h"
#include "data/base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

rid_status rid_sightings_add(rid_sightings *s, uint32_t bucket, uint32_t person, rid_err *err)
{
    if (person == UINT32_MAX)
        return RID_OK;
    if (rid_mem_grow(&s->at, &s->cap, s->n + 1, sizeof *s->at) != 0)
        return RID_FAIL_NOMEM(err);
    s->at[s->n++] = (uint64_t)bucket << 32 | person;
    return RID_OK;
}

void rid_sightings_clear(rid_sightings *s)
{
    rid_mem_free(s->at);
    *s = (rid_sightings){0};
}

static int compare(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/* Each person of a bucket once, by bucket. */
static void put_in_order(rid_sightings *s)
{
    size_t n = 0;
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, compare);
    for (size_t i = 0; i < s->n; i++)
        if (i == 0 || s->at[i] != s->at[i - 1])
            s->at[n++] = s->at[i];
    s->n = n;
}

/* Where the people begin whom a pair tells apart from those before p. */
static size_t first_of(const uint64_t *apart, size_t n, uint64_t p)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (apart[middle] >> 32 < p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t two_of(size_t n)
{
    return n > 1 ? (uint64_t)n * (n - 1) / 2 : 0;
}

/* How many two of these people are told apart; in (people of the labels): which round they were in last. */
static uint64_t count_apart(const rid_labels *labels, const uint64_t *people, size_t n, size_t *in,
                            size_t round)
{
    size_t n_apart;
    uint64_t count = 0;
    const uint64_t *apart = rid_labels_apart(labels, &n_apart);
    for (size_t i = 0; i < n; i++)
        in[(uint32_t)people[i]] = round;
    for (size_t i = 0; i < n; i++) {
        const uint64_t p = (uint32_t)people[i];
        for (size_t k = first_of(apart, n_apart, p); k < n_apart && apart[k] >> 32 == p; k++)
            count += in[(uint32_t)apart[k]] == round;
    }
    return count;
}

static void count_buckets(rid_pair_gaps *out, const rid_labels *labels, const rid_sightings *s,
                          size_t *in)
{
    for (size_t first = 0, end; first < s->n; first = end) {
        for (end = first + 1; end < s->n && s->at[end] >> 32 == s->at[first] >> 32;)
            end++;
        const uint64_t all = two_of(end - first);
        out->n_buckets++;
        out->within += all;
        out->within_open +=
            all - count_apart(labels, s->at + first, end - first, in, out->n_buckets);
    }
}

/* Each person once, whatever the bucket; s->at holds them afterwards. */
static void count_people(rid_pair_gaps *out, const rid_labels *labels, rid_sightings *s, size_t *in)
{
    for (size_t i = 0; i < s->n; i++)
        s->at[i] = (uint32_t)s->at[i];
    if (s->n > 0)
        qsort(s->at, s->n, sizeof *s->at, compare);
    for (size_t first = 0, end; first < s->n; first = end) {
        for (end = first + 1; end < s->n && s->at[end] == s->at[first];)
            end++;
        out->n_across += end - first > 1;
        s->at[out->n_people++] = s->at[first];
    }
    s->n = out->n_people;
    out->all = two_of(s->n);
    out->all_open = out->all - count_apart(labels, s->at, s->n, in, out->n_buckets + 1);
}

rid_status rid_pair_gaps_find(rid_pair_gaps *out, const rid_labels *labels, rid_sightings *s,
                              rid_err *err)
{
    size_t *in = rid_mem_zalloc(rid_labels_person_count(labels), sizeof *in);
    *out = (rid_pair_gaps){0};
    if (!in)
        return RID_FAIL_NOMEM(err);
    put_in_order(s);
    count_buckets(out, labels, s, in);
    count_people(out, labels, s, in);
    rid_mem_free(in);
    return RID_OK;
}

static void warn(const rid_pair_gaps *g, rid_gaps_scope scope)
{
    const char *across =
        g->n_across == 0
            ? "; nobody is in two buckets: who comes to several counts as several people"
            : "";
    if (g->n_buckets < 2 && g->all_open > 0)
        rid_log(RID_LOG_WARN,
                "people come from pairs: %" PRIu64 " of %" PRIu64
                " pairs of people are told apart by no"
                " pair, and count as different people",
                g->all_open, g->all);
    else if (g->n_buckets > 1 && scope == RID_GAPS_WITHIN && g->within_open > 0)
        rid_log(RID_LOG_WARN,
                "people come from pairs: %" PRIu64 " of %" PRIu64
                " pairs of people within buckets are told"
                " apart by no pair, and count as different people",
                g->within_open, g->within);
    else if (g->n_buckets > 1 && scope == RID_GAPS_ALL && g->all_open > 0)
        rid_log(RID_LOG_WARN,
                "people come from pairs: %" PRIu64 " of %" PRIu64
                " pairs of people (within buckets %" PRIu64 " of %" PRIu64
                ") are told apart by no pair, and count as different people%s",
                g->all_open, g->all, g->within_open, g->within, across);
}

rid_status rid_pair_gaps_say(const rid_labels *labels, rid_sightings *s, rid_gaps_scope scope,
                             rid_err *err)
{
    rid_pair_gaps gaps;
    const rid_status st = rid_pair_gaps_find(&gaps, labels, s, err);
    if (st == RID_OK)
        warn(&gaps, scope);
    return st;
}
