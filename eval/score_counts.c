#include "eval/score_counts.h"

#include "data/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const float BINS_PER_UNIT = RID_SCORE_BINS / 2;

/* Monotone, since every rounding is: a higher score is in no lower bin. */
static inline int bin_of(float score)
{
    float place = (score + 1) * BINS_PER_UNIT;
    place = place < 0 ? 0 : place;
    place = place > RID_SCORE_BINS - 1 ? RID_SCORE_BINS - 1 : place;
    return (int)place;
}

static double threshold_of(size_t bin)
{
    return (double)bin / BINS_PER_UNIT - 1;
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

struct rid_positives {
    float *score; /* (n), ascending */
    size_t n;
    size_t first[RID_SCORE_BINS + 1]; /* of each bin */
    uint8_t any[RID_SCORE_BINS];      /* 1 where the bin holds one: small enough for fast caches */
    /* Negatives of such bins, (2n + 1): [2k] between score k − 1 and score k; [2k − 1] equal to score
     * k − 1, the last of its equals. */
    uint64_t *place;
};

static int compare_scores(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Counts into bins, then deals the scores out to them. */
static void deal(rid_positives *p, const float *scores)
{
    size_t *first = p->first;
    for (size_t i = 0; i < p->n; i++)
        first[bin_of(scores[i]) + 1]++;
    for (size_t b = 0; b < RID_SCORE_BINS; b++) {
        p->any[b] = first[b + 1] > 0;
        first[b + 1] += first[b];
    }
    for (size_t i = p->n; i-- > 0;) /* first[b + 1] is the end of bin b, going down to its start */
        p->score[--first[bin_of(scores[i]) + 1]] = scores[i];
    memmove(first, first + 1, RID_SCORE_BINS * sizeof *first);
    first[RID_SCORE_BINS] = p->n;
}

rid_status rid_positives_new(rid_positives **out, float *scores, size_t n, rid_err *err)
{
    rid_positives *p = rid_mem_zalloc(1, sizeof *p);
    *out = NULL;
    if (p) {
        p->n = n;
        p->score = rid_mem_alloc(n, sizeof *p->score);
        p->place = rid_mem_zalloc(2 * n + 1, sizeof *p->place);
    }
    if (!p || !p->score || !p->place) {
        rid_positives_free(p);
        rid_mem_free(scores);
        return RID_FAIL_NOMEM(err);
    }
    deal(p, scores);
    rid_mem_free(scores);
    for (size_t b = 0; b < RID_SCORE_BINS; b++)
        if (p->first[b + 1] - p->first[b] > 1)
            qsort(p->score + p->first[b], p->first[b + 1] - p->first[b], sizeof *p->score,
                  compare_scores);
    *out = p;
    return RID_OK;
}

void rid_positives_free(rid_positives *p)
{
    if (p) {
        rid_mem_free(p->score);
        rid_mem_free(p->place);
    }
    rid_mem_free(p);
}

void rid_positives_count(const rid_positives *p, rid_score_counts *c)
{
    for (size_t b = 0; b < RID_SCORE_BINS; b++)
        c->positive[b] = p->first[b + 1] - p->first[b];
}

void rid_positives_moments(const rid_positives *p, double *mean, double *square)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < p->n; i++) {
        sum += (double)p->score[i];
        squares += (double)p->score[i] * (double)p->score[i];
    }
    *mean = sum / (double)p->n;
    *square = squares / (double)p->n;
}

/* ---- negatives ---- */

/* Into the place of a score of a bin that holds positives. */
static void place_negative(rid_positives *p, size_t bin, float score)
{
    size_t from = p->first[bin], to = p->first[bin + 1];
    while (from < to) { /* the first that is higher */
        size_t middle = from + (to - from) / 2;
        if (p->score[middle] <= score)
            from = middle + 1;
        else
            to = middle;
    }
    bool equal = from > p->first[bin] && p->score[from - 1] == score;
    __atomic_fetch_add(&p->place[2 * from - equal], 1, __ATOMIC_RELAXED);
}

void rid_positives_compare(rid_positives *p, uint64_t *count, const float *negatives, size_t n)
{
    enum { CHUNK = 64 };
    for (size_t i = 0; i < n; i += CHUNK) {
        int bin[CHUNK];
        const size_t m = n - i < CHUNK ? n - i : CHUNK;
        for (size_t k = 0; k < m; k++)
            bin[k] = bin_of(negatives[i + k]);
        for (size_t k = 0; k < m; k++) {
            count[bin[k]]++;
            if (p->any[bin[k]])
                place_negative(p, (size_t)bin[k], negatives[i + k]);
        }
    }
}

static uint64_t sum_of(const uint64_t *count)
{
    uint64_t sum = 0;
    for (size_t b = 0; b < RID_SCORE_BINS; b++)
        sum += count[b];
    return sum;
}

/* First of the scores that equal score k. */
static size_t first_equal(const rid_positives *p, size_t k)
{
    while (k > 0 && p->score[k - 1] == p->score[k])
        k--;
    return k;
}

double rid_positives_auc(const rid_positives *p, const uint64_t *count)
{
    __extension__ typedef unsigned __int128 u128;
    u128 lost = 0; /* by positives, doubled: ties are halves */
    const uint64_t n_negatives = sum_of(count);
    if (n_negatives == 0 || p->n == 0)
        return NAN;
    for (size_t b = 0; b < RID_SCORE_BINS; b++)
        if (!p->any[b])
            lost += (u128)2 * count[b] * p->first[b];
    for (size_t k = 0; k <= p->n; k++) {
        lost += (u128)2 * p->place[2 * k] * k;
        if (k > 0 && p->place[2 * k - 1] > 0)
            lost += (u128)p->place[2 * k - 1] * (first_equal(p, k - 1) + k);
    }
    const double pairs = (double)n_negatives * (double)p->n;
    return (pairs - (double)lost / 2) / pairs;
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

static void descend_bin(descent *d, const rid_positives *p, size_t bin)
{
    size_t k = p->first[bin + 1];
    const size_t end = p->first[bin];
    while (k > end) {
        size_t first = first_equal(p, k - 1);
        descend(d, 0, p->place[2 * k]);
        descend(d, k - first, p->place[2 * k - 1]);
        k = first;
    }
    if (end == 0) /* else it belongs to the next bin with positives, too, and is taken there */
        descend(d, 0, p->place[0]);
}

double rid_positives_eer(const rid_positives *p, const uint64_t *count)
{
    descent d = {.all = {(double)p->n, (double)sum_of(count)}, .fnr = 1, .eer = NAN};
    if (d.all.positive == 0 || d.all.negative == 0)
        return NAN;
    for (size_t b = RID_SCORE_BINS; b-- > 0 && isnan(d.eer);) {
        if (p->any[b])
            descend_bin(&d, p, b);
        else
            descend(&d, 0, count[b]);
    }
    return d.eer;
}
