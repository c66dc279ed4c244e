#include "eval/calibration.h"

#include "data/base/mem.h"
#include "eval/binomial.h"

#include <math.h>

/* Up to so many times max_fpir a looser threshold tells of the bucket effect. */
static const double LOOSE = 2;

/* The sizes of the buckets, and what follows from them. */
typedef struct design {
    const rid_calibration_counts *counts;
    double n;      /* searches */
    double larger; /* Σn²/Σn: the bucket of a search, on average */
    double usual;  /* the size that Pearson's X² speaks of, in the analysis of variance n0 */
    double raise;  /* (t/z)² */
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

static double matched_at(const rid_calibration_counts *c, size_t threshold)
{
    uint64_t sum = 0;
    for (size_t b = 0; b < c->n_buckets; b++)
        sum += c->matched[b * c->n_thresholds + threshold];
    return (double)sum;
}

/* The bucket effect that one threshold shows. */
static double effect_at(const design *d, size_t threshold)
{
    const rid_calibration_counts *c = d->counts;
    const double df = (double)(c->n_buckets - 1), rate = matched_at(c, threshold) / d->n;
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

static void test(rid_calibration *out, const design *d, const double *effects,
                 const rid_promise *promise)
{
    const rid_calibration_counts *c = d->counts;
    size_t t = c->n_thresholds;
    while (t > 0 && passes(matched_at(c, t - 1), d->n, c->person_effect + effects[t - 1] - 1, promise))
        t--;
    out->kept = t < c->n_thresholds;
    out->threshold = out->kept ? t : t - 1;
    const double matched = matched_at(c, out->threshold);
    out->searches = (uint64_t)d->n;
    out->matched = (uint64_t)matched;
    out->bucket_effect = effects[out->threshold];
    out->design_effect = c->person_effect + out->bucket_effect - 1;
    out->bound = bound_of(matched, d->n, out->design_effect, promise);
    if (!out->kept)
        out->needed = needed_for(matched, d->n, out->design_effect, promise);
}

/* Each effect becomes the largest of its own and the looser ones', down to the first threshold with `enough`
 * matches. Strict thresholds come first, so that the looser ones' are still their own. */
static void raise_by_looser(double *effects, const rid_calibration_counts *c, double enough)
{
    for (size_t t = c->n_thresholds; t-- > 0;)
        for (size_t looser = t; looser > 0 && matched_at(c, looser) < enough;)
            effects[t] = fmax(effects[t], effects[--looser]);
}

rid_status rid_calibration_choose(rid_calibration *out, const rid_calibration_counts *counts,
                                  const rid_promise *promise, rid_err *err)
{
    const design d = design_of(counts, promise);
    const double enough = d.n * fmin(LOOSE * promise->max_fpir, 0.5);
    const bool several = promise->bucket_effect && counts->n_buckets > 1;
    double *effects = rid_mem_alloc(counts->n_thresholds, sizeof *effects);
    *out = (rid_calibration){0};
    if (!effects)
        return RID_FAIL_NOMEM(err);
    for (size_t t = 0; t < counts->n_thresholds; t++)
        effects[t] = several ? effect_at(&d, t) : 1;
    raise_by_looser(effects, counts, enough);
    test(out, &d, effects, promise);
    rid_mem_free(effects);
    return RID_OK;
}
