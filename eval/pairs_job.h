/** The work of rid-pairs: stores and ground truth → hard pairs, as CSV. */
#ifndef RID_PAIRS_JOB_H
#define RID_PAIRS_JOB_H

#include "data/summary.h"
#include "eval/hard_pairs.h"
#include "gt/labels.h"

typedef struct rid_pairs_options {
    rid_label_files people;
    const char *const *not_in;
    size_t n_not_in; /**< files of pairs that are left out */
    rid_hard_limits limits;
    const char *output; /**< "-": standard output */
    bool force, dry_run;
    uint64_t limit; /**< only the first entries of the stores; 0: all */
    int threads;
} rid_pairs_options;

/** Runs. Entry a of a pair comes before b by day, store, time and id; addresses of images are written as
 *  rid_uri_append_public leaves them. RID_EDATA where no entry has a label; errors of rid_labels_read_files,
 *  rid_pairs_read, rid_store_set_open, rid_hard_pairs_find. Warns where people come from pairs that leave
 *  something open. Figures in summary: buckets, labelled,
 *  unlabelled, persons (with an entry that counts), found, reviewed, written, and of written
 *  alias_candidate, hard_neg, hard_pos. */
RID_MUST rid_status rid_pairs_run(const rid_pairs_options *o, const char *const *stores,
                                  size_t n_stores, rid_summary *summary, rid_progress *progress,
                                  rid_err *err);

#endif
