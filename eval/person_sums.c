#include "eval/person_sums.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <stdlib.h>

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

static rid_status number_entries(rid_persons *p, const rid_sweep *s, const uint32_t *people,
                                 rid_err *err)
{
    for (size_t b = 0; b < p->n_buckets; b++) {
        const rid_sweep_bucket *bucket = rid_sweep_at(s, b);
        uint32_t *of = p->of_entry[b] = rid_mem_alloc(bucket->n, sizeof *of);
        if (!of)
            return RID_FAIL_NOMEM(err);
        for (size_t i = 0; i < bucket->n; i++)
            of[i] = number_of(people, p->n, bucket->person[i]);
    }
    return RID_OK;
}

rid_status rid_persons_init(rid_persons *p, const rid_sweep *s, rid_err *err)
{
    size_t n = 0;
    *p = (rid_persons){.n_buckets = rid_sweep_count(s)};
    for (size_t b = 0; b < p->n_buckets; b++)
        n += rid_sweep_at(s, b)->n;
    uint32_t *people = rid_mem_alloc(n, sizeof *people);
    p->of_entry = rid_mem_zalloc(p->n_buckets, sizeof *p->of_entry);
    rid_status st = people && p->of_entry ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        p->n = find_people(people, s);
        st = number_entries(p, s, people, err);
    }
    rid_mem_free(people);
    return st;
}

void rid_persons_clear(rid_persons *p)
{
    for (size_t b = 0; p->of_entry && b < p->n_buckets; b++)
        rid_mem_free(p->of_entry[b]);
    rid_mem_free(p->of_entry);
    *p = (rid_persons){0};
}

/* ---- the table ---- */

rid_status rid_person_sums_init(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                rid_err *err)
{
    size_t largest = 0;
    *x = (rid_person_sums){0};
    for (size_t b = 0; b < rid_sweep_count(s); b++)
        if (rid_sweep_at(s, b)->n > largest)
            largest = rid_sweep_at(s, b)->n;
    x->label = rid_mem_alloc(largest, sizeof *x->label);
    x->joined = rid_mem_alloc(largest, sizeof *x->joined);
    x->entries = rid_mem_alloc(largest, sizeof *x->entries);
    if (!x->label || !x->joined || !x->entries)
        return RID_FAIL_NOMEM(err);
    return rid_person_table_init(&x->table, p->n, err);
}

void rid_person_sums_clear(rid_person_sums *x)
{
    rid_person_table_clear(&x->table);
    rid_mem_free(x->label);
    rid_mem_free(x->joined);
    rid_mem_free(x->entries);
    *x = (rid_person_sums){0};
}

static rid_search_end end_of_search(uint32_t joined, uint32_t person, const uint32_t *of)
{
    if (joined == RID_NO_ENTRY)
        return RID_SEARCH_NO_MATCH;
    if (of[joined] == RID_UNLABELLED)
        return RID_SEARCH_TO_UNLABELLED;
    return of[joined] == person ? RID_SEARCH_SAME : RID_SEARCH_OTHER;
}

static rid_status take_bucket(rid_person_sums *x, const uint32_t *of, size_t n, rid_err *err)
{
    size_t n_labelled = 0;
    for (size_t i = 0; i < n; i++)
        if (of[i] != RID_UNLABELLED)
            x->entries[n_labelled++] =
                (rid_person_entry){of[i], x->label[i], end_of_search(x->joined[i], of[i], of)};
    return rid_person_table_add(&x->table, x->entries, n_labelled, err);
}

rid_status rid_person_sums_take(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                const rid_rule *rule, rid_err *err)
{
    rid_status st = RID_OK;
    rid_person_table_reset(&x->table);
    for (size_t b = 0; b < rid_sweep_count(s) && st == RID_OK; b++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rid_sweep_replay(s, b, rule, x->label, x->joined, err);
        if (st == RID_OK)
            st = take_bucket(x, p->of_entry[b], rid_sweep_at(s, b)->n, err);
    }
    return st;
}
