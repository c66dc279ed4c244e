/** The mistakes of a clustering, as few as explain it, with the entries at which they happened. */
#ifndef RID_CLUSTER_ERRORS_H
#define RID_CLUSTER_ERRORS_H

#include "eval/judgement.h"

typedef enum rid_cluster_error_kind {
    /** Another person's entries came into a predicted person: a is the first of them, b the entry that it
     *  joined, or else the latest one there before it. k true persons in one predicted person: k − 1. */
    RID_FALSE_MERGE,
    /** A person's entries went into another predicted person: a is the first of them there, b the person's
     *  latest entry before it. A true person in k predicted persons: k − 1. */
    RID_SPLIT,
} rid_cluster_error_kind;

/** "false_merge", "split" */
const char *rid_cluster_error_name(rid_cluster_error_kind k);

typedef struct rid_cluster_error {
    rid_cluster_error_kind kind;
    uint32_t bucket, a, b; /**< rows of the clustering's bucket */
    uint32_t entries;      /**< how many entries of a's true person are with it */
} rid_cluster_error;

typedef struct rid_cluster_errors {
    rid_cluster_error *at; /**< by bucket, then a, merges before splits */
    size_t n, n_merges, n_splits;
} rid_cluster_errors;

/** Only labelled entries are looked at. To be cleared. RID_ETEMP. */
RID_MUST rid_status rid_cluster_errors_find(rid_cluster_errors *out, const rid_judgement *j,
                                            rid_err *err);
void rid_cluster_errors_clear(rid_cluster_errors *e);

/** Appends a CSV table. Its columns entry_id_a, entry_id_b, same_pid make it a file of pairs, too. */
void rid_cluster_errors_write(rid_buf *out, const rid_cluster_errors *e, const rid_judgement *j,
                              const rid_labels *labels);

#endif
