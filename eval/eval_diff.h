/** The work of rid-eval diff: what is different between two clusterings of the same entries. */
#ifndef RID_EVAL_DIFF_H
#define RID_EVAL_DIFF_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/eval_output.h"
#include "eval/operating_point.h"
#include "gt/labels.h"

typedef struct rid_eval_diff_options {
    rid_label_files people; /**< none: without ground truth */
    rid_eval_output_options output;
    rid_operating_point
        point; /**< for stores; what comes from "default" gives way to the store's own */
    const char *point_file; /**< a calibrated operating point, for stores; NULL: none */
    size_t bootstrap;       /**< resamples of people; 0: none */
    uint64_t seed, limit;
    int threads;
} rid_eval_diff_options;

/** a and b: manifest documents (a file, a directory), or stores. Figures: how many entries and persons, how
 *  many persons are the same, split, merged, decisions lost, gained, moved, the agreement of the two; with
 *  ground truth decisions_improved and decisions_worsened and those of rid_metrics_add_diff, over the entries
 *  that both have. Then the changes one by one. RID_EDATA where the two have no entry in common (and either
 *  has one), an entry is in two buckets, or no common entry has a label; errors of rid_clustering_read;
 *  RID_EASSERT; RID_EINTR. */
RID_MUST rid_status rid_eval_diff(const rid_eval_diff_options *o, const char *a, const char *b,
                                  rid_summary *summary, rid_progress *progress, rid_err *err);

#endif
