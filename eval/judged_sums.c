#include "eval/judged_sums.h"

#include "data/base/mem.h"

#include <math.h>

/* ---- sums ---- */

static void take_entry(const rid_judged_sums *s, size_t person, const rid_judged *e)
{
    double *const *sum = s->sum;
    sum[RID_SUM_HIT_PAIRS][person] += ((double)e->together - 1) / 2;
    sum[RID_SUM_PREDICTED_PAIRS][person] += ((double)e->size - 1) / 2;
    sum[RID_SUM_TRUE_PAIRS][person] += ((double)e->visits - 1) / 2;
    sum[RID_SUM_ENTRIES][person] += 1;
    sum[RID_SUM_BCUBED_PRECISION][person] += (double)e->together / (double)e->size;
    sum[RID_SUM_BCUBED_RECALL][person] += (double)e->together / (double)e->visits;
    sum[RID_SUM_MATED][person] += e->mated;
    sum[RID_SUM_NONMATED][person] += !e->mated;
    sum[RID_SUM_HITS][person] += e->end == RID_SEARCH_SAME;
    sum[RID_SUM_FALSE_MATCHES][person] += e->end == RID_SEARCH_OTHER && !e->mated;
}

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

rid_status rid_judged_sums_init(rid_judged_sums *s, const rid_judgement *j, size_t n_label_persons,
                                rid_err *err)
{
    uint32_t *number_of = rid_mem_zalloc(n_label_persons, sizeof *number_of);
    bool ok = number_of;
    *s = (rid_judged_sums){.n = number_of ? number_people(number_of, n_label_persons, j) : 0};
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        ok = (s->sum[k] = rid_mem_zalloc(s->n, sizeof *s->sum[k])) && ok;
    for (size_t k = 0; ok && k < j->clustering->n_buckets; k++)
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++) {
            const rid_judged *e = &j->buckets[k].entries[i];
            if (e->person != RID_UNLABELLED)
                take_entry(s, number_of[e->person], e);
        }
    rid_mem_free(number_of);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

void rid_judged_sums_clear(rid_judged_sums *s)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        rid_mem_free(s->sum[k]);
    *s = (rid_judged_sums){0};
}

/* ---- intervals ---- */

static rid_status draw(rid_interval out[RID_SURE_FIGURES], const rid_judged_sums *s, size_t resamples,
                       double confidence, uint64_t seed, rid_err *err)
{
    double own[RID_SURE_FIGURES];
    rid_person_draws d;
    double *value = rid_mem_alloc(RID_SURE_FIGURES * resamples, sizeof *value);
    double *total = rid_mem_alloc(RID_PERSON_SUMS * resamples, sizeof *total);
    rid_status st = rid_person_draws_init(&d, s->n, resamples, seed, err);
    if (st == RID_OK && (!value || !total))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        rid_person_draws_figures(&d, s->sum, own, value, total);
        for (size_t f = 0; f < RID_SURE_FIGURES; f++)
            out[f] = rid_percentile_interval(own[f], value + f * resamples, resamples, confidence);
    }
    rid_person_draws_clear(&d);
    rid_mem_free(value);
    rid_mem_free(total);
    return st;
}

rid_status rid_judged_intervals(rid_interval out[RID_SURE_FIGURES], const rid_judgement *j,
                                size_t n_label_persons, size_t resamples, double confidence, uint64_t seed,
                                rid_err *err)
{
    rid_judged_sums s;
    rid_status st = rid_judged_sums_init(&s, j, n_label_persons, err);
    for (size_t f = 0; f < RID_SURE_FIGURES; f++)
        out[f] = (rid_interval){NAN, NAN, NAN};
    if (st == RID_OK && s.n > 0 && resamples > 0)
        st = draw(out, &s, resamples, confidence, seed, err);
    rid_judged_sums_clear(&s);
    return st;
}
