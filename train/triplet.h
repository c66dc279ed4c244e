/** Batch-hard triplet loss of unit embeddings, and its gradient (Hermans, Beyer and Leibe, "In Defense
 *  of the Triplet Loss for Person Re-Identification", 2017). */
#ifndef RID_TRIPLET_H
#define RID_TRIPLET_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rid_distance { RID_DISTANCE_EUCLIDEAN, RID_DISTANCE_COSINE } rid_distance;

typedef struct rid_triplet_options {
    rid_distance distance; /**< √max(Σ(a−b)², 1e-12), or 1 − a·b */
    bool soft;             /**< log(1 + exp(d_ap − d_an)) instead of max(0, d_ap − d_an + margin) */
    double margin;
} rid_triplet_options;

/** Unit rows and whose they are, borrowed. */
typedef struct rid_triplet_rows {
    const double *emb;      /**< f64 (n, dim) */
    const uint32_t *entry;  /**< (n); rows of one entry are not positives of each other */
    const uint32_t *person; /**< (n) */
    size_t n, dim;
} rid_triplet_rows;

/** What one step looked like. */
typedef struct rid_step_figures {
    double loss;          /**< mean over the anchors */
    size_t n_anchors;     /**< rows with a positive and a negative */
    size_t n_active;      /**< of them with a loss above 0 (soft: d_ap > d_an) */
    double positive;      /**< mean distance to the hardest positive, the farthest */
    double negative;      /**< mean distance to the hardest negative, the nearest */
    double spread;        /**< rid_triplet_spread */
    double gradient_norm; /**< over all parameters; by rid_graph_step, like the next */
    bool finite;          /**< loss and gradients are */
} rid_step_figures;

/** Per anchor the farthest row of another entry of its person and the nearest row of another person
 *  (of equal ones the first). Distances are sums of differences in double: exact near 0, where their
 *  gradient is 0 (identical embeddings). gradient: f64 (n, dim), of the loss, overwritten.
 *  Bits do not depend on `threads`. RID_EDATA where there is no anchor. The rows must be finite. */
RID_MUST rid_status rid_triplet_loss(rid_step_figures *figures, double *gradient,
                                     const rid_triplet_rows *rows,
                                     const rid_triplet_options *options, int threads,
                                     rid_err *err);

/** Root of the mean squared distance of the rows f64 (n, dim) to their mean: of unit rows from 0, where
 *  all are the same, to 1. */
double rid_triplet_spread(const double *emb, size_t n, size_t dim);

#endif
