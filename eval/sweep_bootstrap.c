#include "eval/sweep_bootstrap.h"

#include "data/base/mem.h"
#include "eval/person_sums.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is the same for all cells. */
typedef struct resampling {
    const rid_sweep *s;
    const rid_objective *o;
    rid_persons persons;
    rid_person_draws draws;
    double confidence;
    double *first; /* (n), objective of the first cell */
} resampling;

/* What one thread works with. */
typedef struct worker {
    const resampling *x;
    rid_person_sums sums;
    double *value;  /* (RID_SURE_FIGURES, n) */
    double *behind; /* (n) */
} worker;

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
    const rid_status st = rid_person_sums_take(&w->sums, x->s, &x->persons, rule, err);
    return st == RID_OK ? rid_person_draws_figures(&x->draws, &w->sums.table, own, w->value, err)
                        : st;
}

static void make_intervals(worker *w, rid_sure_cell *out, const double *own, double first_own)
{
    const resampling *x = w->x;
    const rid_sure_figure f = figure_of(x->o);
    const double sign = f == RID_SURE_FNIR ? -1 : 1;
    for (size_t r = 0; r < x->draws.n; r++)
        w->behind[r] = sign * (x->first[r] - w->value[f * x->draws.n + r]);
    out->behind =
        rid_percentile_interval(sign * (first_own - own[f]), w->behind, x->draws.n, x->confidence);
    out->as_good = !(out->behind.low > 0);
    for (size_t i = 0; i < RID_SURE_FIGURES; i++)
        out->figure[i] =
            rid_percentile_interval(own[i], w->value + i * x->draws.n, x->draws.n, x->confidence);
}

static rid_status start_worker(worker *w, const resampling *x, rid_err *err)
{
    *w = (worker){.x = x};
    w->value = rid_mem_alloc(RID_SURE_FIGURES * x->draws.n, sizeof *w->value);
    w->behind = rid_mem_alloc(x->draws.n, sizeof *w->behind);
    if (!w->value || !w->behind)
        return RID_FAIL_NOMEM(err);
    return rid_person_sums_init(&w->sums, x->s, &x->persons, err);
}

static void end_worker(worker *w)
{
    rid_person_sums_clear(&w->sums);
    rid_mem_free(w->value);
    rid_mem_free(w->behind);
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
        memcpy(x->first, w.value + figure_of(x->o) * x->draws.n, x->draws.n * sizeof *x->first);
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
    resampling x = {.s = s, .o = o, .confidence = confidence};
    double first_own = NAN;
    rid_status st = rid_persons_init(&x.persons, s, err);
    if (st == RID_OK && x.persons.n == 0)
        st = RID_FAIL(err, RID_EDATA, "no labelled entry to resample");
    if (st == RID_OK)
        st = rid_person_draws_init(&x.draws, x.persons.n, resamples, seed, err);
    if (st == RID_OK && !(x.first = rid_mem_alloc(resamples, sizeof *x.first)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = resample_first(&x, out, &rules[0], &first_own, err);
    if (st == RID_OK)
        st = resample_others(&x, out, rules, n, first_own, threads, err);
    rid_persons_clear(&x.persons);
    rid_person_draws_clear(&x.draws);
    rid_mem_free(x.first);
    return st;
}
