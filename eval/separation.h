/** How well scores of the same person and of different persons are told apart, from a list of them. */
#ifndef RID_SEPARATION_H
#define RID_SEPARATION_H

#include "eval/score_counts.h"

#include <stdbool.h>

enum { RID_TARS = 4 }; /**< at false accept rates 10^-1 … 10^-4 */

/** NaN where undefined: without scores of both kinds (best_f1: of one person). Exact, ties included. */
typedef struct rid_separation {
    double auc, eer, dprime;
    double tar[RID_TARS];
    double best_f1,
        best_f1_threshold; /**< the highest threshold with that F1, which passes itself */
} rid_separation;

/** Of positives to which all negatives were handed over; mean_n, square_n: mean and mean square of the
 *  negatives. */
void rid_separation_measure(rid_separation *out, const rid_positives *p, double mean_n,
                            double square_n);

/** Of n < 2^31 finite scores; same: of one person. counts: in bins, for curves, or NULL. RID_ETEMP. */
RID_MUST rid_status rid_separation_of(rid_separation *out, rid_score_counts *counts,
                                      const float *score, const bool *same, size_t n, rid_err *err);

#endif
