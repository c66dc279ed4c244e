#include "eval/score_counts.h"

#include "data/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What rounding leaves of a variance of 0. */
static const double VARIANCE_MIN = 1e-14;

static double threshold_of(size_t bin)
{
    return (double)bin / (RID_SCORE_BINS / 2) - 1;
}

/* ---- of counts ---- */

typedef struct totals {
    double positive, negative;
} totals;

static totals total_of(const rid_score_counts *c)
{
    uint64_t positive = 0, negative = 0;
    for (size_t b = 0; b < RID_SCORE_BINS; b++) {
        positive += c->positive[b];
        negative += c->negative[b];
    }
    return (totals){(double)positive, (double)negative};
}

/* How far along the curve a point is, in units that neither axis nor its logarithm (six decades)
 * makes small. Never goes down as thresholds do. */
static double progress(double fpr, double tpr)
{
    static const double DECADES = 6;
    double log_fpr = fpr > 0 ? log10(fpr) / DECADES + 1 : 0;
    return fpr + tpr + (log_fpr > 0 ? log_fpr : 0);
}

size_t rid_score_roc(rid_roc_point *out, size_t max, const rid_score_counts *c)
{
    const totals all = total_of(c);
    uint64_t positive = 0, negative = 0;
    size_t n = 1;
    assert(max >= 2);
    if (all.positive == 0 || all.negative == 0)
        return 0;
    const double step = progress(1, 1) / (double)(max - 1);
    out[0] = (rid_roc_point){INFINITY, 0, 0};
    for (size_t b = RID_SCORE_BINS; b-- > 0;) {
        if (c->positive[b] == 0 && c->negative[b] == 0)
            continue;
        positive += c->positive[b];
        negative += c->negative[b];
        double fpr = (double)negative / all.negative, tpr = (double)positive / all.positive;
        bool last = fpr >= 1 && tpr >= 1;
        if (last || (n < max - 1 && progress(fpr, tpr) >= step * (double)n))
            out[n++] = (rid_roc_point){threshold_of(b), fpr, tpr};
        if (last)
            break;
    }
    return n;
}

void rid_score_histogram(double *positive, double *negative, size_t n_bins,
                         const rid_score_counts *c)
{
    const totals all = total_of(c);
    const size_t width = RID_SCORE_BINS / n_bins;
    assert(RID_SCORE_BINS % n_bins == 0);
    for (size_t i = 0; i < n_bins; i++) {
        uint64_t p = 0, q = 0;
        for (size_t b = i * width; b < (i + 1) * width; b++) {
            p += c->positive[b];
            q += c->negative[b];
        }
        positive[i] = all.positive > 0 ? (double)p / all.positive : 0;
        negative[i] = all.negative > 0 ? (double)q / all.negative : 0;
    }
}

/* ---- positives ---- */

/* Bin after bin its positives, ascending, and behind them INFINITY: so every bin has one slot more
 * than it has positives, and a negative belongs to the slot of the first key that is higher. Keys
 * of later bins are higher than a score of this one: counting those that are not, one may read past
 * its end. */
struct rid_positives {
    size_t n, n_bins, n_slots;
    float bins_per_unit;
    float *key;      /* (n_slots + AHEAD) */
    uint32_t *first; /* (n_bins + 1): slot of each bin */
    uint64_t *below; /* (n_slots): negatives lower than the key, not lower than the one before */
    uint64_t *equal; /* (n_slots): of them, as high as the one before */
};

/* Keys looked at together. Bins are so many that few hold more, and no fewer than those of
 * rid_score_counts, which they refine. */
enum { AHEAD = 8, BINS_MAX = 8 * RID_SCORE_BINS };

/* As rid_score_bin. */
static inline int bin_of(const rid_positives *p, float score)
{
    float place = (score + 1) * p->bins_per_unit, last = (float)(p->n_bins - 1);
    place = place > 0 ? place : 0;
    return (int)(place < last ? place : last);
}

static int compare_scores(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Counts into bins, then deals the scores out to them. */
static void deal(rid_positives *p, const float *scores)
{
    uint32_t *end = p->first + 1;
    for (size_t i = 0; i < p->n; i++)
        end[bin_of(p, scores[i])]++;
    for (size_t b = 0; b < p->n_bins; b++)
        end[b] += 1 + p->first[b];
    for (size_t i = 0; i < p->n_slots + AHEAD; i++)
        p->key[i] = INFINITY;
    for (size_t b = p->n_bins; b-- > 0;) /* where to put the next, from the end */
        end[b]--;
    for (size_t i = 0; i < p->n; i++)
        p->key[--end[bin_of(p, scores[i])]] = scores[i];
    memmove(p->first, end, p->n_bins * sizeof *end);
    p->first[p->n_bins] = (uint32_t)p->n_slots;
}

static size_t bin_size(const rid_positives *p, size_t bin)
{
    return p->first[bin + 1] - p->first[bin] - 1;
}

static bool allocate(rid_positives *p, size_t n)
{
    p->n = n;
    for (p->n_bins = RID_SCORE_BINS; p->n_bins < 4 * n && p->n_bins < BINS_MAX;)
        p->n_bins *= 2;
    p->bins_per_unit = (float)(p->n_bins / 2);
    p->n_slots = n + p->n_bins;
    p->key = rid_mem_alloc(p->n_slots + AHEAD, sizeof *p->key);
    p->first = rid_mem_zalloc(p->n_bins + 1, sizeof *p->first);
    p->below = rid_mem_zalloc(p->n_slots, sizeof *p->below);
    p->equal = rid_mem_zalloc(p->n_slots, sizeof *p->equal);
    return p->key && p->first && p->below && p->equal;
}

rid_status rid_positives_new(rid_positives **out, float *scores, size_t n, rid_err *err)
{
    rid_status st = RID_OK;
    rid_positives *p = NULL;
    *out = NULL;
    if (n > INT32_MAX)
        st = RID_FAIL(err, RID_EDATA, "%zu pairs of entries of one person are too many", n);
    else if (!(p = rid_mem_zalloc(1, sizeof *p)) || !allocate(p, n))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        deal(p, scores);
        for (size_t b = 0; b < p->n_bins; b++)
            if (bin_size(p, b) > 1)
                qsort(p->key + p->first[b], bin_size(p, b), sizeof *p->key, compare_scores);
        *out = p;
    } else {
        rid_positives_free(p);
    }
    rid_mem_free(scores);
    return st;
}

void rid_positives_free(rid_positives *p)
{
    if (p) {
        rid_mem_free(p->key);
        rid_mem_free(p->first);
        rid_mem_free(p->below);
        rid_mem_free(p->equal);
    }
    rid_mem_free(p);
}

void rid_positives_count(const rid_positives *p, rid_score_counts *c)
{
    const size_t finer = p->n_bins / RID_SCORE_BINS;
    memset(c, 0, sizeof *c);
    for (size_t b = 0; b < p->n_bins; b++) {
        c->positive[b / finer] += bin_size(p, b);
        for (size_t i = p->first[b]; i < p->first[b + 1]; i++)
            c->negative[b / finer] += p->below[i];
    }
}

size_t rid_positives_n_negatives(const rid_positives *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n_slots; i++)
        n += p->below[i];
    return n;
}

void rid_positives_moments(const rid_positives *p, double *mean, double *square)
{
    double sum = 0, squares = 0;
    for (size_t b = 0; b < p->n_bins; b++)
        for (size_t i = p->first[b]; i + 1 < p->first[b + 1]; i++) {
            sum += (double)p->key[i];
            squares += (double)p->key[i] * (double)p->key[i];
        }
    *mean = sum / (double)p->n;
    *square = squares / (double)p->n;
}

/* ---- negatives ---- */

struct rid_negatives {
    rid_positives *p;
    uint32_t *below; /* as there */
    size_t n;        /* in `below` */
};

rid_negatives *rid_negatives_new(rid_positives *p)
{
    rid_negatives *t = rid_mem_alloc(1, sizeof *t);
    uint32_t *below = rid_mem_zalloc(p->n_slots, sizeof *below);
    if (!t || !below) {
        rid_mem_free(t);
        rid_mem_free(below);
        return NULL;
    }
    *t = (rid_negatives){p, below, 0};
    return t;
}

static void hand_over(rid_negatives *t)
{
#pragma omp critical(rid_negatives)
    for (size_t i = 0; i < t->p->n_slots; i++)
        t->p->below[i] += t->below[i];
    memset(t->below, 0, t->p->n_slots * sizeof *t->below);
    t->n = 0;
}

void rid_negatives_close(rid_negatives *t)
{
    if (t) {
        hand_over(t);
        rid_mem_free(t->below);
    }
    rid_mem_free(t);
}

/* Of n sorted keys those that are not higher, by halving. */
static size_t count_in_many(const float *key, size_t n, float score)
{
    const float *at = key;
    while (n > 1) {
        size_t half = n / 2;
        at += at[half - 1] <= score ? half : 0;
        n -= half;
    }
    return (size_t)(at - key) + (*at <= score);
}

/* Keys of a bin that are not higher. */
static inline size_t count_keys(const float *key, size_t n, float score)
{
    uint32_t count = 0;
    if (n > AHEAD) /* seldom */
        return count_in_many(key, n, score);
    for (size_t k = 0; k < AHEAD; k++)
        count += key[k] <= score;
    return count;
}

static inline void take(rid_negatives *t, int bin, float score)
{
    const rid_positives *p = t->p;
    size_t slot = p->first[bin];
    const size_t n_keys = p->first[bin + 1] - slot;
    if (n_keys > 1) {
        const size_t passed = count_keys(p->key + slot, n_keys, score);
        slot += passed < n_keys ? passed : n_keys - 1; /* an infinite score passes all */
        if (slot > 0 && p->key[slot - 1] == score)
            __atomic_fetch_add(&p->equal[slot], 1, __ATOMIC_RELAXED);
    }
    t->below[slot]++;
}

void rid_negatives_take(rid_negatives *t, const float *scores, size_t n)
{
    enum { CHUNK = 8 }; /* bins of many at once: vector arithmetic */
    int bin[CHUNK];
    size_t i = 0;
    if (t->n + n > UINT32_MAX)
        hand_over(t);
    t->n += n;
    for (; i + CHUNK <= n; i += CHUNK) {
        for (size_t k = 0; k < CHUNK; k++)
            bin[k] = bin_of(t->p, scores[i + k]);
        for (size_t k = 0; k < CHUNK; k++)
            take(t, bin[k], scores[i + k]);
    }
    for (; i < n; i++)
        take(t, bin_of(t->p, scores[i]), scores[i]);
}

/* ---- what comes out ---- */

double rid_positives_auc(const rid_positives *p)
{
    __extension__ typedef unsigned __int128 u128;
    u128 lost = 0;       /* by positives, doubled: ties are halves */
    uint64_t lower = 0;  /* positives below the slot */
    uint64_t equals = 0; /* of them, as high as the last */
    for (size_t i = 0; i < p->n_slots; i++) {
        lost += (u128)2 * p->below[i] * lower - (u128)p->equal[i] * equals;
        if (isinf(p->key[i]))
            continue;
        equals = i > 0 && p->key[i] == p->key[i - 1] ? equals + 1 : 1;
        lower++;
    }
    const size_t n_negatives = rid_positives_n_negatives(p);
    const double pairs = (double)n_negatives * (double)p->n;
    return pairs > 0 ? (pairs - (double)lost / 2) / pairs : NAN;
}

/* Where a threshold stands that goes down. */
typedef struct descent {
    totals all;
    uint64_t positive, negative; /* above it */
    double fpr, fnr;
    double eer; /* NaN before the two are equal */
} descent;

/* Scores that pass the threshold together. */
static void descend(descent *d, uint64_t positive, uint64_t negative)
{
    if (!isnan(d->eer) || positive + negative == 0)
        return;
    d->positive += positive;
    d->negative += negative;
    double fpr = (double)d->negative / d->all.negative;
    double fnr = (d->all.positive - (double)d->positive) / d->all.positive;
    if (fpr >= fnr) /* between the two points, as far as the difference has gone down to 0 */
        d->eer = d->fpr + (fpr - d->fpr) * (d->fnr - d->fpr) / (d->fnr - d->fpr + fpr - fnr);
    d->fpr = fpr;
    d->fnr = fnr;
}

double rid_positives_eer(const rid_positives *p)
{
    descent d = {.all = {(double)p->n, (double)rid_positives_n_negatives(p)}, .fnr = 1, .eer = NAN};
    uint64_t equals = 0, negatives = 0; /* as high as the key, above the lowest of its equals */
    if (d.all.positive == 0 || d.all.negative == 0)
        return NAN;
    for (size_t i = p->n_slots; i-- > 0 && isnan(d.eer);) {
        descend(&d, 0, p->below[i] - p->equal[i]);
        if (i == 0 || isinf(p->key[i - 1])) /* a bin begins */
            continue;
        equals++;
        negatives += p->equal[i];
        if (i > 1 && p->key[i - 2] == p->key[i - 1])
            continue;
        descend(&d, equals, negatives);
        equals = negatives = 0;
    }
    return d.eer;
}

/* Thresholds at the scores of positives, descending: how many of each kind pass. False from visit ends. */
typedef bool visit_fn(void *ctx, float threshold, uint64_t positive, uint64_t negative);

static void each_threshold(const rid_positives *p, visit_fn *visit, void *ctx)
{
    uint64_t positive = 0, negative = 0;
    bool more = true;
    for (size_t i = p->n_slots; i-- > 0 && more;) {
        negative += p->below[i] - p->equal[i];
        if (i == 0 || isinf(p->key[i - 1])) /* a bin begins */
            continue;
        positive++;
        negative += p->equal[i];
        if (i == 1 || p->key[i - 2] != p->key[i - 1])
            more = visit(ctx, p->key[i - 1], positive, negative);
    }
}

typedef struct search {
    double all_positive, all_negative, far;
    double best, threshold;
} search;

static bool take_tar(void *ctx, float threshold, uint64_t positive, uint64_t negative)
{
    search *s = ctx;
    (void)threshold;
    if ((double)negative / s->all_negative > s->far)
        return false;
    s->best = (double)positive / s->all_positive;
    return true;
}

double rid_positives_tar(const rid_positives *p, double far)
{
    search s = {.all_positive = (double)p->n,
                .all_negative = (double)rid_positives_n_negatives(p),
                .far = far};
    if (s.all_positive == 0 || s.all_negative == 0)
        return NAN;
    each_threshold(p, take_tar, &s);
    return s.best;
}

static bool take_f1(void *ctx, float threshold, uint64_t positive, uint64_t negative)
{
    search *s = ctx;
    const double f1 =
        2 * (double)positive / ((double)positive + (double)negative + s->all_positive);
    if (f1 > s->best) {
        s->best = f1;
        s->threshold = (double)threshold;
    }
    return true;
}

double rid_positives_best_f1(const rid_positives *p, double *threshold)
{
    search s = {.all_positive = (double)p->n, .best = p->n > 0 ? 0 : NAN, .threshold = NAN};
    each_threshold(p, take_f1, &s);
    *threshold = s.threshold;
    return s.best;
}

double rid_score_dprime(double mean_p, double square_p, double mean_n, double square_n)
{
    const double variance = (square_p - mean_p * mean_p + square_n - mean_n * mean_n) / 2;
    return variance > VARIANCE_MIN ? (mean_p - mean_n) / sqrt(variance) : NAN;
}
