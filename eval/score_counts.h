/** How well two kinds of score are told apart, positives (same person) and negatives (different
 *  persons): exact AUC and equal error rate, and counts in fine bins for curves and histograms. */
#ifndef RID_SCORE_COUNTS_H
#define RID_SCORE_COUNTS_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Bins of equal width over −1 … 1 (2^-15 each); scores beyond fall into the last ones. */
enum { RID_SCORE_BINS = 65536 };

/** The bin of a score. Monotone, since every rounding is: a higher score is in no lower bin. */
static inline int rid_score_bin(float score)
{
    float place = (score + 1) * (RID_SCORE_BINS / 2);
    place = place > 0 ? place : 0;
    return (int)(place < RID_SCORE_BINS - 1 ? place : RID_SCORE_BINS - 1);
}

typedef struct rid_score_counts {
    uint64_t positive[RID_SCORE_BINS], negative[RID_SCORE_BINS];
} rid_score_counts;

/** Shares of negatives and positives with a score of at least the threshold. */
typedef struct rid_roc_point {
    double threshold, fpr, tpr;
} rid_roc_point;

/** Points of the ROC curve from (0, 0), where threshold is beyond every score, to (1, 1): at most
 *  max >= 2 of them, spread so that the curve is smooth on linear and on logarithmic axes. Returns
 *  their number, 0 without a score of each kind. */
size_t rid_score_roc(rid_roc_point *out, size_t max, const rid_score_counts *c);

/** Shares of the positives and of the negatives in n_bins bins of equal width over −1 … 1; n_bins
 *  divides RID_SCORE_BINS. All zero where there is no score of a kind. */
void rid_score_histogram(double *positive, double *negative, size_t n_bins,
                         const rid_score_counts *c);

/** All positive scores, sorted, and how many negatives lie between them. 20 bytes a positive. */
typedef struct rid_positives rid_positives;

/** Takes over the n < 2^31 finite scores (rid_mem), also on failure. RID_ETEMP; RID_EDATA where
 *  there are more. */
RID_MUST rid_status rid_positives_new(rid_positives **out, float *scores, size_t n, rid_err *err);
void rid_positives_free(rid_positives *p);

/** One thread's view of the negatives; 4 bytes a positive. NULL where there is no memory. */
typedef struct rid_negatives rid_negatives;
rid_negatives *rid_negatives_new(rid_positives *p);
/** Adds n < 2^31 finite scores, faster where near ones come together. Counts are whole numbers: no
 *  order of adding changes a bit. */
void rid_negatives_take(rid_negatives *t, const float *scores, size_t n);
/** Hands over to the positives what was taken, and frees. NULL is fine. Thread-safe. */
void rid_negatives_close(rid_negatives *t);

/* ---- once all negatives are handed over ---- */

/** Area under the ROC curve: the share of pairs of a positive and a negative in which the positive
 *  is higher, equal ones counted half. Exact. NaN without a score of each kind. */
double rid_positives_auc(const rid_positives *p);
/** Equal error rate: where the curve of the false positive rate over the false negative rate, drawn
 *  through the points of all thresholds, meets the diagonal. Exact. NaN without a score of each
 *  kind. */
double rid_positives_eer(const rid_positives *p);
/** The share of the positives that pass the lowest threshold which no more than `far` (0 … 1) of the
 *  negatives pass. Exact. NaN without a score of each kind. */
double rid_positives_tar(const rid_positives *p, double far);
/** The highest F1 that a threshold gives, and the highest such threshold: the score of a positive, which
 *  passes. Exact. Both NaN without a positive. */
double rid_positives_best_f1(const rid_positives *p, double *threshold);
/** Counts of both kinds. */
void rid_positives_count(const rid_positives *p, rid_score_counts *c);
size_t rid_positives_n_negatives(const rid_positives *p);
/** Mean and mean square of the positives, summed in ascending order; NaN where there is none. */
void rid_positives_moments(const rid_positives *p, double *mean, double *square);

/** d': the distance of the means over the root of the mean variance, from means and mean squares of
 *  positives and negatives; NaN without variance. */
double rid_score_dprime(double mean_p, double square_p, double mean_n, double square_n);

#endif
