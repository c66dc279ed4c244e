/** What `neighbor` links: which entry would join which does not depend on decisions, so every
 *  threshold and margin takes its part of one list of links. Thresholds descend, links come in, and
 *  persons grow together in a forest. */
#ifndef RID_LINKAGE_H
#define RID_LINKAGE_H

#include "eval/link_forest.h"
#include "eval/replay.h"
#include "gt/bucket_pairs.h"

/** How the search of an entry ends where it matches. */
typedef enum rid_link_outcome {
    RID_LINK_UNCOUNTED,     /**< the entry is unlabelled */
    RID_LINK_TO_UNLABELLED, /**< mated */
    RID_LINK_NONMATED_TO_UNLABELLED,
    RID_LINK_HIT,
    RID_LINK_WRONG,
    RID_LINK_FALSE,
    RID_LINK_OUTCOMES,
} rid_link_outcome;

/** An entry and its nearest earlier one: linked where threshold <= score and margin <= gap. */
typedef struct rid_link {
    double score, gap;
    uint32_t entry, joined; /**< entries of all buckets, one bucket behind the other */
    rid_link_outcome outcome;
} rid_link;

/** Buckets, as far as counting needs them. */
typedef struct rid_linkage {
    rid_forest_truth truth;
    rid_link *links; /**< (n), by descending score */
    size_t n;
    rid_search_counts searches; /**< where nobody matches */
    rid_pair *pairs;            /**< (n_pairs), of entries of all buckets */
    size_t n_pairs;
} rid_linkage;

/** A bucket: its scan and its truth, u32 (scan->n). Borrowed. */
typedef struct rid_linkage_part {
    const rid_replay *scan;
    const uint32_t *person;
    const rid_pair *pairs; /**< (n_pairs), rows of the bucket */
    size_t n_pairs;
} rid_linkage_part;

/** Joins n_parts buckets. RID_ETEMP; RID_EDATA where there are more than 2^30 entries. */
RID_MUST rid_status rid_linkage_init(rid_linkage *l, const rid_linkage_part *parts, size_t n_parts,
                                     rid_err *err);
void rid_linkage_clear(rid_linkage *l);

/** A threshold going down at one margin. */
typedef struct rid_descent {
    const rid_linkage *linkage;
    rid_forest *forest; /**< over linkage->truth; one thread's */
    double margin;
    size_t at; /**< links looked at */
    uint64_t outcomes[RID_LINK_OUTCOMES];
} rid_descent;

/** Above every score: nobody is linked. */
void rid_descent_begin(rid_descent *d, const rid_linkage *l, rid_forest *f, double margin);
/** Takes all links down to the threshold. */
void rid_descent_to(rid_descent *d, double threshold);
/** The searches as they are. Those of the clusters: rid_forest_counts. */
rid_search_counts rid_descent_searches(const rid_descent *d);

/** Listed pairs, while a threshold goes down: once together, they stay so. One thread's. */
typedef struct rid_pair_watch {
    const rid_linkage *linkage;
    uint32_t *apart; /**< (n_apart) of the pairs */
    size_t n_apart;
    rid_pair_counts counts;
} rid_pair_watch;

/** RID_ETEMP. To be cleared. */
RID_MUST rid_status rid_pair_watch_init(rid_pair_watch *w, const rid_linkage *l, rid_err *err);
void rid_pair_watch_clear(rid_pair_watch *w);
/** All are apart. */
void rid_pair_watch_begin(rid_pair_watch *w);
/** Counts those that have come together in the forest. */
void rid_pair_watch_take(rid_pair_watch *w, rid_forest *f);

#endif
