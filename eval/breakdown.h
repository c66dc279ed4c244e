/** Where a clustering is good and where it is not: by cameras, by number of visits, by time between
 *  visits. */
#ifndef RID_BREAKDOWN_H
#define RID_BREAKDOWN_H

#include "eval/judgement.h"
#include "eval/metric_set.h"

/** Groups of figures under one heading. */
typedef struct rid_breakdown_group {
    rid_str name, other; /**< views; other: the second camera, else data NULL */
    rid_search_counts searches;
    uint64_t true_pairs, predicted_pairs, hit_pairs;
    uint64_t people, exact; /**< exact: clustered without any mistake */
    uint64_t entries;
    double precision_sum, recall_sum; /**< B-cubed, over entries */
} rid_breakdown_group;

typedef struct rid_breakdown {
    rid_breakdown_group *groups;
    size_t n;
    rid_id_table cameras; /**< behind the views */
} rid_breakdown;

/** Pairs of entries of a bucket by their two cameras ("" for none), in the order of their names, whichever
 *  came first; searches of mated entries by their camera and that of their person's latest entry before.
 *  Memory: that of the pairs of cameras that occur. RID_ETEMP; RID_EDATA for more than a million of them. To be
 *  cleared in any case. */
RID_MUST rid_status rid_breakdown_by_cameras(rid_breakdown *b, const rid_judgement *j,
                                             rid_err *err);
/** People, entries, searches by how many entries the person has in the bucket. */
RID_MUST rid_status rid_breakdown_by_visits(rid_breakdown *b, const rid_judgement *j, rid_err *err);
/** Mated searches by the time since the person's latest entry before. */
RID_MUST rid_status rid_breakdown_by_gap(rid_breakdown *b, const rid_judgement *j, rid_err *err);
void rid_breakdown_clear(rid_breakdown *b);

/** What each of the three has. */
void rid_metrics_add_cameras(rid_metric_set *m, const rid_breakdown_group *g);
void rid_metrics_add_visits(rid_metric_set *m, const rid_breakdown_group *g);
void rid_metrics_add_gap(rid_metric_set *m, const rid_breakdown_group *g);

#endif
