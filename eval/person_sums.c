#include "eval/person_sums.h"

#include "data/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- people ---- */

static int compare_numbers(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The distinct persons of all buckets, ascending; room for all entries. */
static size_t find_people(uint32_t *people, const rid_sweep *s)
{
    size_t n = 0, kept = 0;
    for (size_t b = 0; b < rid_sweep_count(s); b++) {
        const rid_sweep_bucket *bucket = rid_sweep_at(s, b);
        for (size_t i = 0; i < bucket->n; i++)
            if (bucket->person[i] != RID_UNLABELLED)
                people[n++] = bucket->person[i];
    }
    qsort(people, n, sizeof *people, compare_numbers);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || people[i] != people[kept - 1])
            people[kept++] = people[i];
    return kept;
}

static uint32_t number_of(const uint32_t *people, size_t n, uint32_t person)
{
    const uint32_t *at = person == RID_UNLABELLED
                             ? NULL
                             : bsearch(&person, people, n, sizeof *people, compare_numbers);
    return at ? (uint32_t)(at - people) : RID_UNLABELLED;
}

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* keys: scratch (bucket->n). */
static rid_status group_rows(rid_persons_bucket *out, const rid_sweep_bucket *bucket,
                             const uint32_t *people, size_t n_people, uint64_t *keys, rid_err *err)
{
    size_t n = 0;
    out->of_entry = rid_mem_alloc(bucket->n, sizeof *out->of_entry);
    out->row = rid_mem_alloc(bucket->n, sizeof *out->row);
    out->first = rid_mem_alloc(bucket->n + 1, sizeof *out->first);
    if (!out->of_entry || !out->row || !out->first)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < bucket->n; i++) {
        const uint32_t person = number_of(people, n_people, bucket->person[i]);
        out->of_entry[i] = person;
        if (person != RID_UNLABELLED)
            keys[n++] = (uint64_t)person << 32 | i;
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n; i++) {
        out->row[i] = (uint32_t)keys[i];
        if (i == 0 || keys[i] >> 32 != keys[i - 1] >> 32)
            out->first[out->n++] = (uint32_t)i;
    }
    out->first[out->n] = (uint32_t)n;
    return RID_OK;
}

rid_status rid_persons_init(rid_persons *p, const rid_sweep *s, rid_err *err)
{
    size_t n = 0;
    *p = (rid_persons){.n_buckets = rid_sweep_count(s)};
    for (size_t b = 0; b < p->n_buckets; b++)
        n += rid_sweep_at(s, b)->n;
    uint32_t *people = rid_mem_alloc(n, sizeof *people);
    uint64_t *keys = rid_mem_alloc(n, sizeof *keys);
    p->buckets = rid_mem_zalloc(p->n_buckets, sizeof *p->buckets);
    rid_status st = people && keys && p->buckets ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        p->n = find_people(people, s);
    for (size_t b = 0; st == RID_OK && b < p->n_buckets; b++)
        st = group_rows(&p->buckets[b], rid_sweep_at(s, b), people, p->n, keys, err);
    rid_mem_free(people);
    rid_mem_free(keys);
    if (st != RID_OK)
        rid_persons_clear(p);
    return st;
}

void rid_persons_clear(rid_persons *p)
{
    for (size_t b = 0; p->buckets && b < p->n_buckets; b++) {
        rid_mem_free(p->buckets[b].of_entry);
        rid_mem_free(p->buckets[b].row);
        rid_mem_free(p->buckets[b].first);
    }
    rid_mem_free(p->buckets);
    *p = (rid_persons){0};
}

/* ---- sums ---- */

rid_status rid_person_sums_init(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                rid_err *err)
{
    size_t largest = 0;
    bool ok = true;
    *x = (rid_person_sums){0};
    for (size_t b = 0; b < rid_sweep_count(s); b++)
        if (rid_sweep_at(s, b)->n > largest)
            largest = rid_sweep_at(s, b)->n;
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        ok = (x->sum[k] = rid_mem_alloc(p->n, sizeof *x->sum[k])) && ok;
    x->label = rid_mem_alloc(largest, sizeof *x->label);
    x->joined = rid_mem_alloc(largest, sizeof *x->joined);
    x->size = rid_mem_alloc(largest, sizeof *x->size);
    x->together = rid_mem_zalloc(largest, sizeof *x->together);
    return ok && x->label && x->joined && x->size && x->together ? RID_OK : RID_FAIL_NOMEM(err);
}

void rid_person_sums_clear(rid_person_sums *x)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        rid_mem_free(x->sum[k]);
    rid_mem_free(x->label);
    rid_mem_free(x->joined);
    rid_mem_free(x->size);
    rid_mem_free(x->together);
    *x = (rid_person_sums){0};
}

/* A person's pairs and B-cubed shares in one bucket; rows (n) are theirs. */
static void add_pairs(rid_person_sums *x, size_t person, const uint32_t *rows, size_t n)
{
    double hits = 0, others = 0, precision = 0, recall = 0;
    for (size_t i = 0; i < n; i++)
        x->together[x->label[rows[i]]]++;
    for (size_t i = 0; i < n; i++) {
        const uint32_t label = x->label[rows[i]];
        const double together = x->together[label], size = x->size[label];
        hits += (together - 1) / 2;
        others += (size - together) / 2;
        precision += together / size;
        recall += together / (double)n;
    }
    for (size_t i = 0; i < n; i++)
        x->together[x->label[rows[i]]] = 0;
    x->sum[RID_SUM_HIT_PAIRS][person] += hits;
    x->sum[RID_SUM_PREDICTED_PAIRS][person] += hits + others;
    x->sum[RID_SUM_TRUE_PAIRS][person] += (double)n * ((double)n - 1) / 2;
    x->sum[RID_SUM_ENTRIES][person] += (double)n;
    x->sum[RID_SUM_BCUBED_PRECISION][person] += precision;
    x->sum[RID_SUM_BCUBED_RECALL][person] += recall;
}

/* Searches: the first of n >= 1 entries is the one without a mate. */
static void add_searches(rid_person_sums *x, size_t person, const uint32_t *rows, size_t n,
                         const uint32_t *of)
{
    x->sum[RID_SUM_NONMATED][person] += 1;
    x->sum[RID_SUM_MATED][person] += (double)(n - 1);
    for (size_t i = 0; i < n; i++) {
        const uint32_t joined = x->joined[rows[i]];
        if (joined == RID_NO_ENTRY || of[joined] == RID_UNLABELLED)
            continue;
        x->sum[RID_SUM_HITS][person] += of[joined] == person;
        x->sum[RID_SUM_FALSE_MATCHES][person] += i == 0 && of[joined] != person;
    }
}

rid_status rid_person_sums_take(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                const rid_rule *rule, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        memset(x->sum[k], 0, p->n * sizeof *x->sum[k]);
    for (size_t b = 0; b < rid_sweep_count(s) && st == RID_OK; b++) {
        const size_t n = rid_sweep_at(s, b)->n;
        const rid_persons_bucket *bucket = &p->buckets[b];
        const uint32_t *of = bucket->of_entry;
        st = rid_sweep_replay(s, b, rule, x->label, x->joined, err);
        if (st != RID_OK)
            break;
        memset(x->size, 0, n * sizeof *x->size);
        for (size_t i = 0; i < n; i++)
            x->size[x->label[i]] += of[i] != RID_UNLABELLED;
        for (size_t j = 0; j < bucket->n; j++) {
            const uint32_t *rows = bucket->row + bucket->first[j];
            const size_t count = bucket->first[j + 1] - bucket->first[j];
            add_pairs(x, of[rows[0]], rows, count);
            add_searches(x, of[rows[0]], rows, count, of);
        }
    }
    return st;
}
