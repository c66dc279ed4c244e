/** The best operating point of a rule by pairwise F1, in one call. */
#ifndef RID_BEST_F1_H
#define RID_BEST_F1_H

#include "eval/sweep.h"

/** The best operating point of a rule, by pairwise F1 over the pairs of all buckets. */
typedef struct rid_sweep_best {
    double f1, threshold, margin; /**< NaN where undefined: no pair of one person */
} rid_sweep_best;

/** Looks for it over at most max_side thresholds and as many margins (0 among them), by quantile of the
 *  scores; what it finds is exact: the rule replayed at that point gives that F1. Ties go to the higher
 *  threshold, then to the higher margin. Same bits for any number of threads. */
RID_MUST rid_status rid_sweep_best_f1(rid_sweep_best *out, const rid_sweep_bucket *buckets,
                                      size_t n_buckets, size_t dim, rid_nn2_mode nn2,
                                      size_t max_side, int threads, rid_err *err);

#endif
