/** A clustering as drawing people needs it (person_draws.h): sums over people of what depends on one person
 *  alone, and, cluster by cluster, who is in it with how many entries, for what depends on two. */
#ifndef RID_PERSON_TABLE_H
#define RID_PERSON_TABLE_H

#include "eval/cluster_metrics.h"

/** What a person contributes, whoever else is there. */
enum {
    RID_SUM_HIT_PAIRS,  /**< pairs of the person's entries in one cluster */
    RID_SUM_TRUE_PAIRS, /**< pairs of the person's entries in one bucket */
    RID_SUM_ENTRIES,
    RID_SUM_BCUBED_PRECISION, /**< Σ over the person's entries in clusters of theirs alone: 1 each */
    RID_SUM_BCUBED_RECALL,    /**< Σ over the person's entries */
    RID_SUM_MATED,            /**< searches by the person's entries */
    RID_SUM_NONMATED,
    RID_SUM_HITS,
    RID_SUM_FALSE_MATCHES,
    RID_PERSON_SUMS,
};

/** A person's entries in a cluster. */
typedef struct rid_person_part {
    uint32_t person, entries;
    bool last; /**< of its cluster */
} rid_person_part;

typedef struct rid_person_table {
    size_t n;                     /**< people */
    double *sum[RID_PERSON_SUMS]; /**< (n) each */
    rid_person_part *parts;       /**< of the clusters of two people or more, one after the other */
    size_t n_parts, parts_cap;
    uint32_t *visits; /**< (n), scratch */
    uint64_t *keys;   /**< scratch */
    size_t keys_cap;
} rid_person_table;

/** A labelled entry. */
typedef struct rid_person_entry {
    uint32_t person;    /**< below the table's n */
    uint32_t cluster;   /**< any number in the bucket */
    rid_search_end end; /**< of its search */
} rid_person_entry;

/** Without an entry. To be cleared in any case. RID_ETEMP. */
RID_MUST rid_status rid_person_table_init(rid_person_table *t, size_t n_people, rid_err *err);
void rid_person_table_clear(rid_person_table *t);
/** Empties it; the room stays. */
void rid_person_table_reset(rid_person_table *t);
/** Adds the labelled entries (n < 2^32) of a bucket, in matching order. A person is the same one in all
 *  buckets. RID_ETEMP. */
RID_MUST rid_status rid_person_table_add(rid_person_table *t, const rid_person_entry *entries,
                                         size_t n, rid_err *err);

#endif
