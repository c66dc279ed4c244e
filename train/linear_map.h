/** Where training starts: a linear map of a frame and its entry's attributes, fitted on training
 *  people, and put into the network exactly. */
#ifndef RID_LINEAR_MAP_H
#define RID_LINEAR_MAP_H

#include "data/base/random.h"
#include "train/checkpoint.h"
#include "train/train_set.h"

typedef enum rid_linear_kind { RID_LINEAR_PCA, RID_LINEAR_LDA } rid_linear_kind;

/** y = A [x; c] − offset for a unit frame x and attributes c. */
typedef struct rid_linear_map {
    size_t k, vis_dim, attr_dim;
    double *a;        /**< f64 (k, vis_dim + attr_dim), row-major; rid_mem */
    double *offset;   /**< f64 (k) */
    double shrinkage; /**< chosen, LDA */
    double cv_map;    /**< cross-validated mAP of the choice; NaN without cross-validation */
} rid_linear_map;

typedef struct rid_linear_options {
    rid_linear_kind kind;
    size_t max_k;     /**< at most (emb_dim / 2 for the baseline, the smaller of H and emb_dim/2 for xattn) */
    size_t k;         /**< 0: chosen by cross-validation */
    double shrinkage; /**< negative: chosen by cross-validation */
    uint64_t seed;    /**< of the folds */
    int threads;
} rid_linear_options;

/** Fits on the entries `use` (u8 (set->n), 1: training) that have a person. LDA: single unit frames,
 *  classes are persons; k and shrinkage by cross-validation over folds of persons, by the
 *  leave-one-out mAP of entries (mean of an entry's mapped frames). PCA is the unsupervised twin.
 *  RID_EDATA with fewer than two persons, or no person with two entries (LDA). */
RID_MUST rid_status rid_linear_fit(rid_linear_map *out, const rid_train_set *set, const uint8_t *use,
                                   const rid_linear_options *options, rid_err *err);
void rid_linear_map_clear(rid_linear_map *m);

/** Makes the tensors of a network of ck's sizes, mode and pooling that computes the map of the mean
 *  frame exactly where nothing random is added: small random values elsewhere, so that the rest can
 *  be learned. m = NULL: random weights as torch.nn.Linear initialises them. ck's sizes, fusion_mode
 *  and use_attention are set by the caller; `hidden` is H of xattn. */
RID_MUST rid_status rid_linear_init(rid_checkpoint *ck, size_t hidden, const rid_linear_map *m,
                                    rid_random *random, rid_err *err);

#endif
