/** The work of rid-store merge: stores → one store in canonical order. */
#ifndef RID_STORE_MERGE_H
#define RID_STORE_MERGE_H

#include "data/base/log.h"
#include "data/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rid_merge_options {
    const char *const *inputs; /**< stores made with one encoder */
    size_t n_inputs;           /**< 1 or more; one is put in order */
    const char *output;        /**< may be one of the inputs; NULL with dry_run */
    bool force, dry_run;
    uint64_t limit;            /**< only the first so many rows of the inputs; 0: all */
    int threads;
} rid_merge_options;

/** Writes the entries of all inputs ordered by (day, store, timestamp, id); of entries with the same
 *  id the last (later input, later row) stays. The bytes depend on the set of entries alone: shards
 *  and the single run they are shards of merge to the same file. Memory: the entries' metadata.
 *  RID_ECONFIG where encoders differ; RID_EUSAGE for an existing output; errors of stores. */
RID_MUST rid_status rid_store_merge(const rid_merge_options *options, rid_summary *summary,
                                    rid_progress *progress, rid_err *err);

#endif
