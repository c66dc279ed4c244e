/** rid-gt check and diff: what was found in ground truth, as figures with the first cases of each, and
 *  assertions on the figures. */
#ifndef RID_GT_REPORT_H
#define RID_GT_REPORT_H

#include "data/summary.h"
#include "eval/eval_output.h"

typedef struct rid_gt_check_options {
    const char *const *gt, *const *stores;
    size_t n_gt, n_stores; /**< n_stores 0: without stores */
    uint64_t limit;        /**< rows of the stores to look at; 0: all */
    size_t cases;          /**< shown of each kind */
    rid_eval_output_options output;
} rid_gt_check_options;

/** The report is published whatever it says. Then RID_EDATA where labels conflict, RID_EASSERT where an
 *  assertion fails; errors of reading and publishing. */
RID_MUST rid_status rid_gt_check_run(const rid_gt_check_options *o, rid_summary *summary,
                                     rid_err *err);

/** What changed from file a to file b. RID_EDATA where labels of one of them conflict (nothing is published
 *  then), RID_EASSERT; errors of reading and publishing. */
RID_MUST rid_status rid_gt_diff_run(const char *a, const char *b, size_t cases,
                                    const rid_eval_output_options *output, rid_summary *summary,
                                    rid_err *err);

#endif
