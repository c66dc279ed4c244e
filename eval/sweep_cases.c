#include "eval/sweep_cases.h"

#include "data/base/mem.h"

#include <string.h>

/* A bucket at work; all (n). */
typedef struct work {
    uint32_t *label, *joined;
    rid_neighbour *nn1;
    rid_decision *decisions;
    rid_truth *truth;
} work;

static void keep(rid_case_list *list, const rid_sweep_case *c)
{
    size_t at = list->n;
    list->n_all++;
    if (at == RID_CASES_MAX && c->score <= list->at[at - 1].score)
        return;
    while (at > 0 && c->score > list->at[at - 1].score)
        at--;
    list->n += list->n < RID_CASES_MAX;
    memmove(&list->at[at + 1], &list->at[at], (list->n - 1 - at) * sizeof *list->at);
    list->at[at] = *c;
}

static size_t bin_of(float score)
{
    const double place = ((double)score + 1) / 2 * RID_CASE_BINS;
    const double last = RID_CASE_BINS - 1;
    return (size_t)(place < 0 ? 0 : place < last ? place : last);
}

static void sort_case(rid_sweep_cases *out, const work *w, const uint32_t *person, size_t bucket,
                      uint32_t row)
{
    const rid_neighbour *nn1 = &w->nn1[row];
    const bool mated = rid_truth_mated(w->truth)[row];
    const rid_sweep_case c = {bucket, row, nn1->row, nn1->score};
    if (person[row] == RID_UNLABELLED || nn1->row == RID_NO_ENTRY)
        return;
    (mated ? out->mated : out->nonmated)[bin_of(nn1->score)]++;
    if (person[nn1->row] == RID_UNLABELLED)
        return;
    const bool same = person[nn1->row] == person[row], matched = w->joined[row] != RID_NO_ENTRY;
    if (matched && !same)
        keep(&out->wrong, &c);
    if (!matched && same)
        keep(&out->missed, &c);
}

static void count_bucket(rid_sweep_cell *out, const work *w, const rid_sweep_bucket *bucket)
{
    const size_t n = bucket->n;
    for (size_t i = 0; i < n; i++)
        w->decisions[i] = (rid_decision){.nn1 = {0, w->joined[i]},
                                         .matched = w->joined[i] != RID_NO_ENTRY};
    rid_truth_count(w->truth, w->label, 1, &out->clusters);
    rid_truth_count_searches(w->truth, w->decisions, &out->searches);
    for (size_t i = 0; i < bucket->n_pairs; i++) {
        const rid_pair *p = &bucket->pairs[i];
        rid_pair_counts_take(&out->pairs, p->same, w->label[p->a] == w->label[p->b]);
    }
}

static rid_status take_bucket(rid_sweep_cases *out, const rid_sweep_data *d, size_t b,
                              const rid_rule *rule, rid_err *err)
{
    const size_t n = d->buckets[b].n;
    work w = {.label = rid_mem_alloc(n, sizeof *w.label),
              .joined = rid_mem_alloc(n, sizeof *w.joined),
              .nn1 = rid_mem_alloc(n, sizeof *w.nn1),
              .decisions = rid_mem_alloc(n, sizeof *w.decisions)};
    rid_status st = w.label && w.joined && w.nn1 && w.decisions ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_truth_new(&w.truth, d->person[b], n, err);
    if (st == RID_OK)
        st = rid_sweep_replay(d->sweep, b, rule, w.label, w.joined, err);
    if (st == RID_OK) {
        rid_sweep_nearest(d->sweep, b, w.nn1);
        count_bucket(&out->buckets[b], &w, rid_sweep_at(d->sweep, b));
        for (size_t i = 0; i < n; i++)
            sort_case(out, &w, d->person[b], b, (uint32_t)i);
    }
    rid_truth_free(w.truth);
    rid_mem_free(w.label);
    rid_mem_free(w.joined);
    rid_mem_free(w.nn1);
    rid_mem_free(w.decisions);
    return st;
}

rid_status rid_sweep_cases_find(rid_sweep_cases *out, const rid_sweep_data *d, const rid_rule *rule,
                                rid_err *err)
{
    *out = (rid_sweep_cases){.buckets = rid_mem_zalloc(d->n_buckets, sizeof *out->buckets)};
    rid_status st = out->buckets ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < d->n_buckets && st == RID_OK; b++)
        st = take_bucket(out, d, b, rule, err);
    return st;
}

void rid_sweep_cases_clear(rid_sweep_cases *c)
{
    rid_mem_free(c->buckets);
    c->buckets = NULL;
}
