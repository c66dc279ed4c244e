/** What ground truth says of every entry of a clustering. */
#ifndef RID_JUDGEMENT_H
#define RID_JUDGEMENT_H

#include "eval/clustering.h"
#include "eval/sweep.h"
#include "gt/labels.h"

/** An entry. Without a label only `person` is set. */
typedef struct rid_judged {
    uint32_t person;    /**< number in the labels, or RID_UNLABELLED */
    bool mated;         /**< an earlier entry of the bucket is its person's */
    rid_search_end end; /**< of its search */
    uint32_t previous;  /**< row of its person's latest earlier entry, RID_NO_ENTRY: none */
    uint32_t visits;    /**< labelled entries of its true person in the bucket */
    uint32_t size;      /**< labelled entries of its predicted person */
    uint32_t together;  /**< of them those of its true person */
} rid_judged;

typedef struct rid_judged_bucket {
    rid_judged *entries; /**< (n) of the clustered bucket */
    rid_sweep_cell counts;
} rid_judged_bucket;

typedef struct rid_judgement {
    const rid_clustering *clustering; /**< borrowed */
    rid_judged_bucket *buckets;       /**< (n_buckets) */
    rid_sweep_cell counts;            /**< of all buckets */
    size_t n_labelled,
        n_excluded;  /**< entries; n_excluded: left out by ground truth, unlabelled, too */
    size_t n_absent; /**< labels whose entry is nowhere */
    size_t
        n_joined_outside; /**< labelled entries that joined one that is not there: to the unlabelled */
} rid_judgement;

/** labels: NULL, nothing is labelled. With another clustering, entries that it does not have count as
 *  unlabelled; so do those that are joined but in no document (a view). Pairs are counted where they are given
 *  (else NULL), by bucket and row of the clustering. To be cleared in any case. RID_ETEMP; RID_EDATA where a bucket is too large. */
RID_MUST rid_status rid_judge(rid_judgement *j, const rid_clustering *c, const rid_labels *labels,
                              const rid_clustering *other, const rid_bucket_pairs *pairs,
                              rid_err *err);
void rid_judgement_clear(rid_judgement *j);

#endif
