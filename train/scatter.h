/** Scatter of training frames within and between persons: what PCA and discriminant analysis are
 *  made of. Additive over persons, so that a part of the people is the total less the others. */
#ifndef RID_SCATTER_H
#define RID_SCATTER_H

#include "train/train_set.h"

/** A row z is a unit frame with its entry's attributes behind: dim = vis_dim + attr_dim. */
typedef struct rid_scatter {
    size_t dim;
    double n_rows;
    double *sum;     /**< (dim): Σ z */
    double *within;  /**< (dim, dim): Σ (z − μ)(z − μ)ᵀ, μ the mean of the row's person */
    double *between; /**< (dim, dim): Σ n μ μᵀ over persons of n rows each; not centred */
} rid_scatter;

/** All zero. RID_ETEMP. */
RID_MUST rid_status rid_scatter_init(rid_scatter *s, size_t dim, rid_err *err);
void rid_scatter_clear(rid_scatter *s);
/** s += sign · part. */
void rid_scatter_add(rid_scatter *s, const rid_scatter *part, double sign);

/** Adds the frames of n entries of `set` to s. Entries of one person stand together, and no person
 *  is gathered twice.
 *  means  f32 (n_means, dim): the mean rows of the first n_means entries
 *  Each entry is read once. Errors of rid_train_set_read; RID_EINTR; RID_ETEMP. */
RID_MUST rid_status rid_scatter_gather(rid_scatter *s, const rid_train_set *set,
                                       const size_t *entries, size_t n, float *means,
                                       size_t n_means, rid_err *err);

#endif
