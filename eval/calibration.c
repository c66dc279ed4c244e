#include "eval/calibration.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/binomial.h"

#include <math.h>

/* Up to so many times max_fpir a looser threshold tells of the bucket effect. */
static const double LOOSE = 2;

/* The sizes of the buckets, and what follows from them. */
typedef struct design {
    const rid_calibration_counts *counts;
    double *matched; /* (n_thresholds), over all buckets */
    double *effects; /* (n_thresholds), of buckets */
    double n;        /* searches */
    double larger;   /* Σn²/Σn: the bucket of a search, on average */
    double usual;    /* the size that Pearson's X² speaks of, in the analysis of variance n0 */
    double raise;    /* (t/z)² */
} design;

static design design_of(const rid_calibration_counts *c, const rid_promise *promise)
{
    design d = {.counts = c, .raise = 1};
    double squares = 0;
    for (size_t b = 0; b < c->n_buckets; b++) {
        const double n = (double)c->searches[b];
        d.n += n;
        squares += n * n;
    }
    d.larger = squares / d.n;
    if (c->n_buckets > 1) {
        const double df = (double)(c->n_buckets - 1), tail = fmin(1 - promise->confidence, 0.5);
        const double ratio = rid_student_quantile(tail, df) / rid_student_quantile(tail, INFINITY);
        d.usual = (d.n - d.larger) / df;
        d.raise = tail < 0.5 ? ratio * ratio : 1;
    }
    return d;
}

/* The bucket effect that one threshold shows. */
static double effect_at(const design *d, size_t threshold)
{
    const rid_calibration_counts *c = d->counts;
    const double df = (double)(c->n_buckets - 1), rate = d->matched[threshold] / d->n;
    double x2 = 0;
    for (size_t b = 0; rate > 0 && rate < 1 && b < c->n_buckets; b++) {
        const double n = (double)c->searches[b];
        const double off = (double)c->matched[b * c->n_thresholds + threshold] - n * rate;
        x2 += off * off / (n * rate * (1 - rate));
    }
    const double alike = (fmax(x2, df) / df * d->raise - 1) / (d->usual - 1);
    return d->usual > 1 ? 1 + (d->larger - 1) * fmin(alike, 1) : 1;
}

double rid_calibration_needed(const rid_promise *promise, double design_effect)
{
    return ceil(design_effect * log1p(-promise->confidence) / log1p(-promise->max_fpir));
}

static double bound_of(double matched, double n, double effect, const rid_promise *promise)
{
    return rid_binomial_upper(matched / effect, n / effect, promise->confidence);
}

/* The least number of searches that keeps the promise with the same share of matches. */
static double needed_for(double matched, double n, double effect, const rid_promise *promise)
{
    double low = 1, high = 2;
    if (matched <= 0)
        return rid_calibration_needed(promise, effect);
    if (matched / n >= promise->max_fpir)
        return INFINITY;
    while (bound_of(high * matched, high * n, effect, promise) > promise->max_fpir && high < 1e6)
        high *= 2;
    while (high - low > 1e-3 * high) {
        const double middle = (low + high) / 2;
        if (bound_of(middle * matched, middle * n, effect, promise) > promise->max_fpir)
            low = middle;
        else
            high = middle;
    }
    return high < 1e6 ? ceil(high * n) : INFINITY;
}

/* That the bound is at most max_fpir, without working it out. */
static bool passes(double matched, double n, double effect, const rid_promise *promise)
{
    return matched < n && rid_beta_cdf(promise->max_fpir, matched / effect + 1,
                                       (n - matched) / effect) >= promise->confidence;
}

static void test(rid_calibration *out, const design *d, const rid_promise *promise)
{
    const rid_calibration_counts *c = d->counts;
    size_t t = c->n_thresholds;
    while (t > 0 &&
           passes(d->matched[t - 1], d->n, c->person_effect + d->effects[t - 1] - 1, promise))
        t--;
    out->kept = t < c->n_thresholds;
    out->threshold = out->kept ? t : t - 1;
    const double matched = d->matched[out->threshold];
    out->searches = (uint64_t)d->n;
    out->matched = (uint64_t)matched;
    out->bucket_effect = d->effects[out->threshold];
    out->design_effect = c->person_effect + out->bucket_effect - 1;
    out->bound = bound_of(matched, d->n, out->design_effect, promise);
    if (!out->kept)
        out->needed = needed_for(matched, d->n, out->design_effect, promise);
}

static rid_status sum_buckets(design *d, rid_err *err)
{
    const rid_calibration_counts *c = d->counts;
    rid_status st = RID_OK;
    for (size_t b = 0; b < c->n_buckets && st == RID_OK; b++) {
        for (size_t t = 0; t < c->n_thresholds; t++)
            d->matched[t] += (double)c->matched[b * c->n_thresholds + t];
        st = rid_interrupt_check(err);
    }
    return st;
}

/* Each threshold's effect: the largest of its own and the looser ones', down to the first with enough
 * matches. */
static rid_status find_effects(design *d, const rid_promise *promise, rid_err *err)
{
    const double enough = d->n * fmin(LOOSE * promise->max_fpir, 0.5);
    const bool several = promise->bucket_effect && d->counts->n_buckets > 1;
    rid_status st = RID_OK;
    for (size_t t = 0; t < d->counts->n_thresholds && st == RID_OK; t++) {
        d->effects[t] = several ? effect_at(d, t) : 1;
        if (t > 0 && d->matched[t] < enough)
            d->effects[t] = fmax(d->effects[t], d->effects[t - 1]);
        st = rid_interrupt_check(err);
    }
    return st;
}

rid_status rid_calibration_choose(rid_calibration *out, const rid_calibration_counts *counts,
                                  const rid_promise *promise, rid_err *err)
{
    design d = design_of(counts, promise);
    d.matched = rid_mem_zalloc(counts->n_thresholds, sizeof *d.matched);
    d.effects = rid_mem_alloc(counts->n_thresholds, sizeof *d.effects);
    *out = (rid_calibration){0};
    rid_status st = d.matched && d.effects ? sum_buckets(&d, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = find_effects(&d, promise, err);
    if (st == RID_OK)
        test(out, &d, promise);
    rid_mem_free(d.matched);
    rid_mem_free(d.effects);
    return st;
}
