#include "eval/judged_sums.h"

#include "data/base/mem.h"

#include <math.h>

/* ---- the table ---- */

/* The people of the entries, in ascending order of their numbers in the labels. Returns how many. */
static size_t number_people(uint32_t *number_of, size_t n_label_persons, const rid_judgement *j)
{
    uint32_t n = 0;
    for (size_t k = 0; k < j->clustering->n_buckets; k++)
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++)
            if (j->buckets[k].entries[i].person != RID_UNLABELLED)
                number_of[j->buckets[k].entries[i].person] = 1;
    for (size_t p = 0; p < n_label_persons; p++)
        if (number_of[p] > 0)
            number_of[p] = n++;
    return n;
}

static rid_status add_bucket(rid_person_table *t, const rid_judged *judged,
                             const rid_clustered_bucket *b, const uint32_t *number_of, rid_err *err)
{
    size_t n = 0;
    rid_person_entry *entries = rid_mem_alloc(b->n, sizeof *entries);
    for (size_t i = 0; entries && i < b->n; i++)
        if (judged[i].person != RID_UNLABELLED)
            entries[n++] = (rid_person_entry){number_of[judged[i].person], b->entries[i].person,
                                              judged[i].end};
    const rid_status st = entries ? rid_person_table_add(t, entries, n, err) : RID_FAIL_NOMEM(err);
    rid_mem_free(entries);
    return st;
}

rid_status rid_judged_table(rid_person_table *t, const rid_judgement *j, size_t n_label_persons,
                            rid_err *err)
{
    *t = (rid_person_table){0};
    uint32_t *number_of = rid_mem_zalloc(n_label_persons, sizeof *number_of);
    if (!number_of)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_person_table_init(t, number_people(number_of, n_label_persons, j), err);
    for (size_t k = 0; st == RID_OK && k < j->clustering->n_buckets; k++)
        st = add_bucket(t, j->buckets[k].entries, &j->clustering->buckets[k], number_of, err);
    rid_mem_free(number_of);
    return st;
}

/* ---- intervals ---- */

static rid_status draw(rid_interval out[RID_SURE_FIGURES], const rid_person_table *t,
                       size_t resamples, double confidence, uint64_t seed, rid_err *err)
{
    double own[RID_SURE_FIGURES];
    rid_person_draws d;
    double *value = rid_mem_alloc(RID_SURE_FIGURES * resamples, sizeof *value);
    rid_status st = rid_person_draws_init(&d, t->n, resamples, seed, err);
    if (st == RID_OK && !value)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_person_draws_figures(&d, t, own, value, err);
    for (size_t f = 0; st == RID_OK && f < RID_SURE_FIGURES; f++)
        out[f] = rid_percentile_interval(own[f], value + f * resamples, resamples, confidence);
    rid_person_draws_clear(&d);
    rid_mem_free(value);
    return st;
}

rid_status rid_judged_intervals(rid_interval out[RID_SURE_FIGURES], const rid_judgement *j,
                                size_t n_label_persons, size_t resamples, double confidence,
                                uint64_t seed, rid_err *err)
{
    rid_person_table t;
    rid_status st = rid_judged_table(&t, j, n_label_persons, err);
    for (size_t f = 0; f < RID_SURE_FIGURES; f++)
        out[f] = (rid_interval){NAN, NAN, NAN};
    if (st == RID_OK && t.n > 0 && resamples > 0)
        st = draw(out, &t, resamples, confidence, seed, err);
    rid_person_table_clear(&t);
    return st;
}
