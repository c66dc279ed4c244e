#include "eval/sweep_bootstrap.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/random.h"
#include "eval/person_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
    "pairwise_precision", "pairwise_recall", "pairwise_f1", "bcubed_precision",
    "bcubed_recall",      "bcubed_f1",       "fnir",        "fpir",
};

const char *rid_sure_figure_name(rid_sure_figure f)
{
    return NAMES[f];
}

/* What is the same for all cells. */
typedef struct resampling {
    const rid_sweep *s;
    const rid_objective *o;
    rid_persons persons;
    size_t n;        /* resamples */
    uint8_t *weight; /* (persons, n): how often each is drawn */
    double confidence;
    double *first; /* (n), objective of the first cell */
} resampling;

/* What one thread works with. */
typedef struct worker {
    const resampling *x;
    rid_person_sums sums;
    double *total; /* (RID_PERSON_SUMS, n) */
    double *value; /* (RID_SURE_FIGURES, n) */
} worker;

static rid_status draw_people(resampling *x, uint64_t seed, rid_err *err)
{
    const size_t n_persons = x->persons.n;
    x->weight = rid_mem_zalloc(n_persons, x->n);
    x->first = rid_mem_alloc(x->n, sizeof *x->first);
    if (!x->weight || !x->first)
        return RID_FAIL_NOMEM(err);
    for (size_t r = 0; r < x->n; r++) {
        const uint64_t key[] = {seed, r};
        rid_random rng = rid_random_of(key, 2);
        for (size_t i = 0; i < n_persons; i++) {
            uint8_t *w = &x->weight[rid_random_below(&rng, n_persons) * x->n + r];
            *w = (uint8_t)(*w + (*w < UINT8_MAX)); /* 255 times the same one: never */
        }
    }
    return RID_OK;
}

/* Σ weight · sum over people, in their order, for each resample. */
static void add_up(worker *w)
{
    const size_t n = w->x->n;
    memset(w->total, 0, RID_PERSON_SUMS * n * sizeof *w->total);
    for (size_t p = 0; p < w->x->persons.n; p++) {
        const uint8_t *weight = w->x->weight + p * n;
        for (size_t k = 0; k < RID_PERSON_SUMS; k++) {
            const double sum = w->sums.sum[k][p];
            double *total = w->total + k * n;
            for (size_t r = 0; sum != 0 && r < n; r++)
                total[r] += (double)weight[r] * sum;
        }
    }
}

static double ratio(double part, double whole, double without)
{
    return whole > 0 ? part / whole : without;
}

/* The figures of one draw, from its sums: x[k * stride]. */
static void figures_of(double *out, size_t out_stride, const double *x, size_t stride)
{
    double s[RID_PERSON_SUMS], f[RID_SURE_FIGURES];
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        s[k] = x[k * stride];
    f[RID_SURE_PRECISION] = ratio(s[RID_SUM_HIT_PAIRS], s[RID_SUM_PREDICTED_PAIRS], 1);
    f[RID_SURE_RECALL] = ratio(s[RID_SUM_HIT_PAIRS], s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_F1] = ratio(2 * s[RID_SUM_HIT_PAIRS],
                           s[RID_SUM_PREDICTED_PAIRS] + s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_BCUBED_PRECISION] = ratio(s[RID_SUM_BCUBED_PRECISION], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_RECALL] = ratio(s[RID_SUM_BCUBED_RECALL], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_F1] =
        ratio(2 * f[RID_SURE_BCUBED_PRECISION] * f[RID_SURE_BCUBED_RECALL],
              f[RID_SURE_BCUBED_PRECISION] + f[RID_SURE_BCUBED_RECALL], NAN);
    f[RID_SURE_FNIR] = 1 - ratio(s[RID_SUM_HITS], s[RID_SUM_MATED], NAN);
    f[RID_SURE_FPIR] = ratio(s[RID_SUM_FALSE_MATCHES], s[RID_SUM_NONMATED], NAN);
    for (size_t i = 0; i < RID_SURE_FIGURES; i++)
        out[i * out_stride] = f[i];
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Percentile interval of n values, which are sorted; draws in which there is none are left out. */
static rid_interval interval_of(double mean, double *x, size_t n, double confidence)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            x[kept++] = x[i];
    if (kept == 0 || isnan(mean))
        return (rid_interval){mean, NAN, NAN};
    qsort(x, kept, sizeof *x, compare_doubles);
    return (rid_interval){mean, rid_quantile_of_sorted(x, kept, (1 - confidence) / 2),
                          rid_quantile_of_sorted(x, kept, (1 + confidence) / 2)};
}

static rid_sure_figure figure_of(const rid_objective *o)
{
    switch (o->kind) {
    case RID_OBJECTIVE_F1:
    case RID_OBJECTIVE_PAIRS_F1: /* not resampled */
        return RID_SURE_F1;
    case RID_OBJECTIVE_BCUBED_F1:
        return RID_SURE_BCUBED_F1;
    case RID_OBJECTIVE_PRECISION:
        return RID_SURE_PRECISION;
    case RID_OBJECTIVE_RECALL:
        return RID_SURE_RECALL;
    case RID_OBJECTIVE_FNIR:
        break;
    }
    return RID_SURE_FNIR;
}

/* The figures of a rule, as they are (own) and in every draw (w->value). */
static rid_status resample_rule(worker *w, const rid_rule *rule, double own[RID_SURE_FIGURES],
                                rid_err *err)
{
    const resampling *x = w->x;
    double total[RID_PERSON_SUMS] = {0};
    rid_status st = rid_interrupt_check(err);
    if (st == RID_OK)
        st = rid_person_sums_take(&w->sums, x->s, &x->persons, rule, err);
    if (st != RID_OK)
        return st;
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        for (size_t p = 0; p < x->persons.n; p++)
            total[k] += w->sums.sum[k][p];
    figures_of(own, 1, total, 1);
    add_up(w);
    for (size_t r = 0; r < x->n; r++)
        figures_of(w->value + r, x->n, w->total + r, x->n);
    return RID_OK;
}

static void make_intervals(worker *w, rid_sure_cell *out, const double *own, double first_own)
{
    const resampling *x = w->x;
    const rid_sure_figure f = figure_of(x->o);
    const double sign = f == RID_SURE_FNIR ? -1 : 1;
    double *behind = w->total; /* not needed any more */
    for (size_t r = 0; r < x->n; r++)
        behind[r] = sign * (x->first[r] - w->value[f * x->n + r]);
    out->behind = interval_of(sign * (first_own - own[f]), behind, x->n, x->confidence);
    out->as_good = !(out->behind.low > 0);
    for (size_t i = 0; i < RID_SURE_FIGURES; i++)
        out->figure[i] = interval_of(own[i], w->value + i * x->n, x->n, x->confidence);
}

static rid_status start_worker(worker *w, const resampling *x, rid_err *err)
{
    *w = (worker){.x = x};
    w->total = rid_mem_alloc(RID_PERSON_SUMS * x->n, sizeof *w->total);
    w->value = rid_mem_alloc(RID_SURE_FIGURES * x->n, sizeof *w->value);
    if (!w->total || !w->value)
        return RID_FAIL_NOMEM(err);
    return rid_person_sums_init(&w->sums, x->s, &x->persons, err);
}

static void end_worker(worker *w)
{
    rid_person_sums_clear(&w->sums);
    rid_mem_free(w->total);
    rid_mem_free(w->value);
}

/* The first rule, with which the others are compared. */
static rid_status resample_first(resampling *x, rid_sure_cell *out, const rid_rule *rule,
                                 double *first_own, rid_err *err)
{
    worker w;
    double own[RID_SURE_FIGURES];
    rid_status st = start_worker(&w, x, err);
    if (st == RID_OK)
        st = resample_rule(&w, rule, own, err);
    if (st == RID_OK) {
        memcpy(x->first, w.value + figure_of(x->o) * x->n, x->n * sizeof *x->first);
        *first_own = own[figure_of(x->o)];
        make_intervals(&w, out, own, *first_own);
    }
    end_worker(&w);
    return st;
}

static rid_status resample_others(const resampling *x, rid_sure_cell *out, const rid_rule *rules,
                                  size_t n, double first_own, int threads, rid_err *err)
{
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (n > 2)
    {
        worker w;
        double own[RID_SURE_FIGURES];
        rid_err mine = {0};
        rid_status one = start_worker(&w, x, &mine);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 1; i < n; i++) {
            if (one == RID_OK)
                one = resample_rule(&w, &rules[i], own, &mine);
            if (one == RID_OK)
                make_intervals(&w, &out[i], own, first_own);
        }
        if (one != RID_OK) {
#pragma omp critical(rid_sweep_bootstrap)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        end_worker(&w);
    }
    return st;
}

rid_status rid_sweep_bootstrap(rid_sure_cell *out, const rid_sweep *s, const rid_rule *rules,
                               size_t n, const rid_objective *o, size_t resamples,
                               double confidence, uint64_t seed, int threads, rid_err *err)
{
    resampling x = {.s = s, .o = o, .n = resamples, .confidence = confidence};
    double first_own = NAN;
    rid_status st = rid_persons_init(&x.persons, s, err);
    if (st == RID_OK && x.persons.n == 0)
        st = RID_FAIL(err, RID_EDATA, "no labelled entry to resample");
    if (st == RID_OK)
        st = draw_people(&x, seed, err);
    if (st == RID_OK)
        st = resample_first(&x, out, &rules[0], &first_own, err);
    if (st == RID_OK)
        st = resample_others(&x, out, rules, n, first_own, threads, err);
    rid_persons_clear(&x.persons);
    rid_mem_free(x.weight);
    rid_mem_free(x.first);
    return st;
}
