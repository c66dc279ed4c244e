/** Where training starts: a linear map of a frame and its entry's attributes, fitted on training
 *  people. (train/linear_init.h puts it into the network.)
 *
 *  A row is z = [x; c]: a unit frame and its entry's attributes. S_w and S_b are the scatter of
 *  rows within persons and of the persons' means, both divided by the number of rows (Fisher, "The
 *  Use of Multiple Measurements in Taxonomic Problems", Annals of Eugenics 7, 1936). Both are
 *  shrunk towards a multiple of the identity that has the same trace (Friedman, "Regularized
 *  Discriminant Analysis", JASA 84, 1989; Ledoit and Wolf, "A well-conditioned estimator for
 *  large-dimensional covariance matrices", J. Multivariate Analysis 88, 2004):
 *
 *      S(s) = (1 − s) S + s (tr S / D) I,   D = vis_dim + attr_dim.
 *
 *  The discriminants are the solutions of S_b(s) a = ρ S_w(s) a with aᵀ S_w(s) a = 1, largest ρ
 *  first. Each is then multiplied by √(ρ / (1 + ρ)): in these coordinates a person's mean has
 *  variance ρ and a row scatters around it with variance 1, so that ρ / (1 + ρ) is the share of a
 *  row's variance that tells of the person, and a discriminant counts in a product of two rows by
 *  that share (the model is that of Ioffe, "Probabilistic Linear Discriminant Analysis", ECCV
 *  2006). So one that is nearly noise does no harm, and k matters little. s = 0 is the textbook's
 *  analysis, which has no more discriminants than persons less one; towards s = 1, with all D
 *  dimensions, the map becomes a rotation, which leaves mean pooling of centred frames as it is:
 *  with few people it is right to stay near that.
 *
 *  Attributes are first multiplied by the number that gives them the frames' mean variance per
 *  dimension, because their unit is arbitrary, and the identity above is not indifferent to it.
 *
 *  PCA: the k eigenvectors of S_w + S_b with the largest eigenvalues. */
#ifndef RID_LINEAR_MAP_H
#define RID_LINEAR_MAP_H

#include "train/train_set.h"

typedef enum rid_linear_kind { RID_LINEAR_PCA, RID_LINEAR_LDA } rid_linear_kind;

/** y = A (z − mean). Scaled so that the mean of |y|² over the rows it was fitted on is 1. */
typedef struct rid_linear_map {
    size_t k, vis_dim, attr_dim;
    double *a;        /**< f64 (k, vis_dim + attr_dim), row-major; rid_mem */
    double *mean;     /**< f64 (vis_dim + attr_dim): of the rows */
    double shrinkage; /**< s, in [0, 1]; NaN for PCA */
    double cv_map;    /**< cross-validated mAP of the choice; NaN without cross-validation */
} rid_linear_map;

typedef struct rid_linear_options {
    rid_linear_kind kind;
    size_t max_k;     /**< >= 1: emb_dim / 2 for the baseline, the smaller of H and emb_dim / 2 for
                           xattn */
    size_t k;         /**< 0: chosen by cross-validation; at most max_k and D are used */
    double shrinkage; /**< s in [0, 1]; negative: chosen by cross-validation */
    uint64_t seed;    /**< of the folds */
    int threads;      /**< of the ranking; rid_nn_eigh and rid_nn_gemm have their own */
} rid_linear_options;

/** Fits on the entries `use` (u8 (set->n), 1: training) that have a person. k and shrinkage have
 *  the highest leave-one-out mAP, and among equals the highest AUC, of entries (an entry is the
 *  mean of its mapped frames) of one fold under the map of the others, at most 1,500 entries a
 *  fold, averaged over queries. Without folds (train/folds.h) k is the largest allowed and s = 0.5.
 *  Memory: 15 matrices (D, D) in double, and the mean rows of 4,500 entries. Same bytes for the
 *  same inputs, seed and number of threads. RID_EDATA with fewer than two persons, or no person
 *  with two entries (LDA), or frames that are all the same; errors of rid_train_set_read;
 *  RID_EINTR; RID_ETEMP. *out is zero on failure. */
RID_MUST rid_status rid_linear_fit(rid_linear_map *out, const rid_train_set *set,
                                   const uint8_t *use, const rid_linear_options *options,
                                   rid_err *err);
void rid_linear_map_clear(rid_linear_map *m);

#endif
