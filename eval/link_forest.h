/** Predicted persons that grow link by link, and their counts against ground truth.
 *
 *  Two persons become one in time proportional to the true persons of the one that has fewer: entries
 *  of one true person in one predicted person are a group, and only groups are handled. */
#ifndef RID_LINK_FOREST_H
#define RID_LINK_FOREST_H

#include "eval/cluster_metrics.h"

/** Entries, over all buckets, and what is true of them. Shared by forests. */
typedef struct rid_forest_truth {
    size_t n;
    uint32_t *person;        /**< (n): number over all buckets; RID_UNLABELLED */
    rid_fixed *share;        /**< (persons): 1 / its entries */
    rid_fixed *x_log_x, *inverse; /**< up to the entries of the largest bucket */
    rid_cluster_counts alone;     /**< where nobody is linked */
} rid_forest_truth;

/** Room for n entries in buckets of at most `largest`; nothing is counted yet. RID_ETEMP. */
RID_MUST rid_status rid_forest_truth_init(rid_forest_truth *t, size_t n, size_t largest,
                                          rid_err *err);
/** Adds a bucket of n entries behind those before. RID_ETEMP. */
RID_MUST rid_status rid_forest_truth_add(rid_forest_truth *t, rid_truth *bucket, size_t n,
                                         rid_err *err);
void rid_forest_truth_clear(rid_forest_truth *t);

typedef struct rid_forest rid_forest;

/** Nobody linked. t is borrowed. NULL where there is no memory. One thread at a time. */
rid_forest *rid_forest_new(const rid_forest_truth *t);
void rid_forest_free(rid_forest *f);
/** Takes all links away. O(n). */
void rid_forest_reset(rid_forest *f);
/** Makes the persons of entries a and b (of one bucket) one. */
void rid_forest_link(rid_forest *f, uint32_t a, uint32_t b);
/** True where the two are one person by now. */
bool rid_forest_same(rid_forest *f, uint32_t a, uint32_t b);
/** Counts as they are: the same bits as rid_truth_count over all buckets. View. */
const rid_cluster_counts *rid_forest_counts(const rid_forest *f);

#endif
