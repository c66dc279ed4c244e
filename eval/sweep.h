/** Sweep: what the matching rule decides, and how well, for many thresholds and margins at once. */
#ifndef RID_SWEEP_H
#define RID_SWEEP_H

#include "eval/cluster_metrics.h"
#include "eval/rule.h"
#include "gt/bucket_pairs.h"

/** A bucket whose entries are swept, in matching order. */
typedef struct rid_sweep_bucket {
    const float *emb;       /**< f32 (n, dim), unit rows */
    const uint8_t *usable;  /**< u8 (n), as rid_cluster's; NULL: all */
    const uint32_t *person; /**< (n): truth; RID_UNLABELLED: matched, but not counted */
    size_t n;
    const rid_pair *pairs;  /**< (n_pairs): to be counted, too */
    size_t n_pairs;
} rid_sweep_bucket;

/** Thresholds and margins, each ascending without equals. */
typedef struct rid_sweep_grid {
    double *threshold, *margin;
    size_t n_thresholds, n_margins;
} rid_sweep_grid;

void rid_sweep_grid_clear(rid_sweep_grid *g);

/** How a rule fares, over all buckets. */
typedef struct rid_sweep_cell {
    rid_cluster_counts clusters;
    rid_search_counts searches;
    rid_pair_counts pairs;
} rid_sweep_cell;

/** Buckets that have been scanned once, for any number of surfaces. */
typedef struct rid_sweep rid_sweep;

/** None yet, and room for so many. identity: also for surfaces of RID_NN2_IDENTITY, which takes more
 *  memory. RID_ETEMP. */
RID_MUST rid_status rid_sweep_new(rid_sweep **out, size_t max_buckets, size_t dim, bool identity,
                                  rid_err *err);
/** Scans a bucket. Its person and pairs stay borrowed, emb and usable do not. Memory: about 30 bytes an entry;
 *  with identity 150, and 8 dim for those of a bucket whose scores find no room in 128 MiB. Errors
 *  of rid_scan. */
RID_MUST rid_status rid_sweep_add(rid_sweep *s, const rid_sweep_bucket *bucket, int threads,
                                  rid_err *err);
void rid_sweep_free(rid_sweep *s);

/** At most max_side >= 1 thresholds and as many margins (0 among them) by quantile of the scores
 *  nn1 and of their distance to nn2: for identity, to the best entry of another true person.
 *  To be cleared. RID_ETEMP. */
RID_MUST rid_status rid_sweep_quantiles(const rid_sweep *s, rid_nn2_mode nn2, size_t max_side,
                                        rid_sweep_grid *out, rid_err *err);

/** Counts of every cell: out (n_margins, n_thresholds), caller's. Exact: each is what rid_cluster
 *  gives with its values. Same bits for any number of threads. RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_sweep_surface(const rid_sweep *s, rid_nn2_mode nn2,
                                      const rid_sweep_grid *grid, rid_sweep_cell *out, int threads,
                                      rid_err *err);

/** The same of one bucket alone. */
RID_MUST rid_status rid_sweep_surface_of(const rid_sweep *s, size_t bucket, rid_nn2_mode nn2,
                                         const rid_sweep_grid *grid, rid_sweep_cell *out,
                                         int threads, rid_err *err);

/** How many buckets were added, and each. Views. */
size_t rid_sweep_count(const rid_sweep *s);
const rid_sweep_bucket *rid_sweep_at(const rid_sweep *s, size_t bucket);
/** How many of a bucket's entries can be matched: the gallery, when the last has come. */
size_t rid_sweep_matchable(const rid_sweep *s, size_t bucket);
/** The best earlier entry of each (n), row RID_NO_ENTRY where there is none. */
void rid_sweep_nearest(const rid_sweep *s, size_t bucket, rid_neighbour *nn1);
/** What one rule decides in a bucket, as rid_cluster does: label u32 (n) is the row of the first entry
 *  of each entry's person, joined u32 (n) the row that it was matched with, RID_NO_ENTRY where it was
 *  not. Thread-safe. RID_ETEMP. */
RID_MUST rid_status rid_sweep_replay(const rid_sweep *s, size_t bucket, const rid_rule *rule,
                                     uint32_t *label, uint32_t *joined, rid_err *err);

/** The links of `neighbor` over all buckets. To be cleared (rid_linkage_clear). Errors of
 *  rid_linkage_init. */
struct rid_linkage;
RID_MUST rid_status rid_sweep_link(const rid_sweep *s, struct rid_linkage *out, rid_err *err);

#endif
