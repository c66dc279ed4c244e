/** Linear discriminant analysis, regularised, and principal components: from scatters to maps. The
 *  formulas are in train/linear_map.h. */
#ifndef RID_DISCRIMINANT_H
#define RID_DISCRIMINANT_H

#include "train/linear_map.h"
#include "train/scatter.h"

/** What does not depend on the shrinkage: the within scatter is decomposed once for all of them. */
typedef struct rid_discriminant {
    rid_linear_kind kind;
    size_t vis_dim, dim;
    double attr_gain;    /**< attributes are multiplied by it */
    double *mean;        /**< (dim): of the rows, without attr_gain; so are the maps */
    double *basis;       /**< (dim, dim): eigenvectors of S_w (PCA: of S_w + S_b) in columns */
    double *values;      /**< (dim): their eigenvalues, ascending */
    double *between;     /**< (dim, dim): S_b in that basis */
    double *scratch[2];  /**< (dim, dim) */
    double within_trace, between_trace; /**< of S_w, of S_b */
    double least;                       /**< no variance is less */
} rid_discriminant;

/** Room for rows of vis_dim + attr_dim. RID_ETEMP. */
RID_MUST rid_status rid_discriminant_init(rid_discriminant *d, rid_linear_kind kind, size_t vis_dim,
                                          size_t attr_dim, rid_err *err);
void rid_discriminant_clear(rid_discriminant *d);
/** Takes the scatter of the people to fit on. RID_EDATA where all frames are the same. */
RID_MUST rid_status rid_discriminant_prepare(rid_discriminant *d, const rid_scatter *s,
                                             rid_err *err);
/** The first k <= dim rows of the map, f64 (k, dim), for one shrinkage; PCA has none. */
RID_MUST rid_status rid_discriminant_map(rid_discriminant *d, double shrinkage, size_t k, double *a,
                                         rid_err *err);

#endif
