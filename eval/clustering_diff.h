/** Two clusterings of the same entries: who was split, who was merged, which decisions are others. Entries
 *  that only one of them has are passed over. */
#ifndef RID_CLUSTERING_DIFF_H
#define RID_CLUSTERING_DIFF_H

#include "eval/judgement.h"

/** Entries that are in person a of A and person b of B; both in the bucket of that number. */
typedef struct rid_diff_cell {
    uint32_t bucket_a, bucket_b;
    uint32_t a, b;
    uint32_t first; /**< row in A of the first of them */
    uint32_t n;
} rid_diff_cell;

/** A person whose entries are in n >= 2 persons on the other side. */
typedef struct rid_diff_change {
    const rid_diff_cell *cells; /**< (n) */
    size_t n;
} rid_diff_change;

typedef enum rid_flip_kind {
    RID_FLIP_LOST,   /**< A matched it, B did not */
    RID_FLIP_GAINED, /**< B matched it, A did not */
    RID_FLIP_MOVED, /**< both matched it, with two entries that are not both of its person on both sides */
} rid_flip_kind;

/** "lost", "gained", "moved" */
const char *rid_flip_name(rid_flip_kind k);

/** A decision that is another one. */
typedef struct rid_diff_flip {
    rid_clustered_place a, b;
    rid_flip_kind kind;
} rid_diff_flip;

typedef struct rid_clustering_diff {
    const rid_clustering *a, *b; /**< borrowed */
    size_t n_common;             /**< entries that both have */
    size_t persons_a, persons_b; /**< with such an entry */
    size_t n_same;               /**< persons with the same entries on both sides */
    rid_diff_change
        *splits; /**< (n_splits): persons of A that are several of B, by bucket and person */
    rid_diff_change *merges; /**< (n_merges): persons of B that were several of A */
    size_t n_splits, n_merges;
    rid_diff_flip *flips; /**< (n_flips) in the order of A's entries */
    size_t n_flips, n_lost, n_gained, n_moved;
    rid_cluster_counts agreement; /**< of B, with A as the truth */
    rid_diff_cell *by_a, *by_b;   /**< (n_cells) behind the changes */
    size_t n_cells;
} rid_clustering_diff;

/** RID_EDATA where an entry is in two different buckets; RID_ETEMP. To be cleared in any case. */
RID_MUST rid_status rid_clustering_diff_find(rid_clustering_diff *d, const rid_clustering *a,
                                             const rid_clustering *b, rid_err *err);
void rid_clustering_diff_clear(rid_clustering_diff *d);

#endif
