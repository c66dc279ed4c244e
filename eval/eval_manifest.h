/** The work of rid-eval manifest: manifest documents against ground truth, or listed pairs. */
#ifndef RID_EVAL_MANIFEST_H
#define RID_EVAL_MANIFEST_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/eval_output.h"

typedef struct rid_eval_manifest_options {
    const char *const *gt, *const *pairs;
    size_t n_gt, n_pairs; /**< not both 0 */
    rid_eval_output_options output;
    const char *errors; /**< a CSV file for the mistakes (needs ground truth), or NULL */
    size_t bootstrap;   /**< resamples of people for the intervals; 0: none */
    uint64_t seed;
    uint64_t limit; /**< only the first events; 0: all */
} rid_eval_manifest_options;

/** Reads files and directories of manifests. Figures: entries, labelled, unlabelled, excluded, skipped,
 *  labels_without_entry; with ground truth those of clusters and searches, their 95% intervals
 *  (NAME_low, NAME_high), false_merges and splits; with
 *  pairs those of pairs, and how many there are. Then the same by bucket, by cameras, by number of visits,
 *  by time between visits. The errors file is published first. RID_EDATA where no entry has a label, or no
 *  pair is in a bucket; errors of rid_clustering_read; RID_EASSERT; RID_EINTR. */
RID_MUST rid_status rid_eval_manifest(const rid_eval_manifest_options *o, const char *const *paths,
                                      size_t n_paths, rid_summary *summary, rid_progress *progress,
                                      rid_err *err);

#endif
