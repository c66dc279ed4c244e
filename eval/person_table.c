#include "eval/person_table.h"

#include "data/base/mem.h"

#include <stdlib.h>
#include <string.h>

rid_status rid_person_table_init(rid_person_table *t, size_t n_people, rid_err *err)
{
    bool ok = true;
    *t = (rid_person_table){.n = n_people};
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        ok = (t->sum[k] = rid_mem_zalloc(n_people, sizeof *t->sum[k])) && ok;
    t->visits = rid_mem_zalloc(n_people, sizeof *t->visits);
    return ok && t->visits ? RID_OK : RID_FAIL_NOMEM(err);
}

void rid_person_table_clear(rid_person_table *t)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        rid_mem_free(t->sum[k]);
    rid_mem_free(t->parts);
    rid_mem_free(t->visits);
    rid_mem_free(t->keys);
    *t = (rid_person_table){0};
}

void rid_person_table_reset(rid_person_table *t)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        memset(t->sum[k], 0, t->n * sizeof *t->sum[k]);
    t->n_parts = 0;
}

/* Searches, and visits: how many entries each person has in the bucket. */
static void add_searches(rid_person_table *t, const rid_person_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint32_t person = entries[i].person;
        const bool mated = t->visits[person]++ > 0;
        t->sum[mated ? RID_SUM_MATED : RID_SUM_NONMATED][person] += 1;
        t->sum[RID_SUM_HITS][person] += entries[i].end == RID_SEARCH_SAME;
        t->sum[RID_SUM_FALSE_MATCHES][person] += !mated && entries[i].end == RID_SEARCH_OTHER;
    }
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The entries by cluster, then by person: those of a person in a cluster stand together. */
static void sort_entries(uint64_t *keys, const rid_person_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        keys[i] = (uint64_t)entries[i].cluster << 32 | entries[i].person;
    qsort(keys, n, sizeof *keys, compare_keys);
}

static void add_part(rid_person_table *t, const rid_person_part *part)
{
    const double n = part->entries, visits = t->visits[part->person];
    t->sum[RID_SUM_HIT_PAIRS][part->person] += n * (n - 1) / 2;
    t->sum[RID_SUM_ENTRIES][part->person] += n;
    t->sum[RID_SUM_TRUE_PAIRS][part->person] += n * (visits - 1) / 2;
    t->sum[RID_SUM_BCUBED_RECALL][part->person] += n * n / visits;
}

/* A cluster's parts, which begin at `first`, are complete. Those of a person alone are not kept. */
static void end_cluster(rid_person_table *t, size_t first)
{
    rid_person_part *part = &t->parts[first];
    if (t->n_parts > first + 1) {
        t->parts[t->n_parts - 1].last = true;
        return;
    }
    t->sum[RID_SUM_BCUBED_PRECISION][part->person] += part->entries;
    t->n_parts = first;
}

static void add_clusters(rid_person_table *t, size_t n)
{
    const uint64_t *keys = t->keys;
    size_t first = t->n_parts;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && keys[end] == keys[i];)
            end++;
        rid_person_part *part = &t->parts[t->n_parts++];
        *part = (rid_person_part){(uint32_t)keys[i], (uint32_t)(end - i), false};
        add_part(t, part);
        if (end < n && keys[end] >> 32 == keys[i] >> 32)
            continue;
        end_cluster(t, first);
        first = t->n_parts;
    }
}

rid_status rid_person_table_add(rid_person_table *t, const rid_person_entry *entries, size_t n,
                                rid_err *err)
{
    if (n == 0)
        return RID_OK;
    if (rid_mem_grow(&t->parts, &t->parts_cap, t->n_parts + n, sizeof *t->parts) != 0 ||
        rid_mem_grow(&t->keys, &t->keys_cap, n, sizeof *t->keys) != 0)
        return RID_FAIL_NOMEM(err);
    add_searches(t, entries, n);
    sort_entries(t->keys, entries, n);
    add_clusters(t, n);
    for (size_t i = 0; i < n; i++)
        t->visits[entries[i].person] = 0;
    return RID_OK;
}
