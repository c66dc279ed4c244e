/** Sweep: what the matching rule decides, and how well, for many thresholds and margins at once. */
#ifndef RID_SWEEP_H
#define RID_SWEEP_H

#include "eval/rule.h"

/** A bucket whose entries are swept, in matching order. Borrowed. */
typedef struct rid_sweep_bucket {
    const float *emb;       /**< f32 (n, dim), unit rows */
    const uint8_t *usable;  /**< u8 (n), as rid_cluster's; NULL: all */
    const uint32_t *person; /**< (n): truth; RID_UNLABELLED: matched, but not counted */
    size_t n;
} rid_sweep_bucket;

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
