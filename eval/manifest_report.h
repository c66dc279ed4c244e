/** How the figures of rid-eval manifest come out. */
#ifndef RID_MANIFEST_REPORT_H
#define RID_MANIFEST_REPORT_H

#include "eval/breakdown.h"
#include "eval/cluster_errors.h"
#include "eval/eval_output.h"

typedef struct rid_manifest_report {
    const rid_judgement *judgement;
    const rid_bucket_pairs *pairs;    /**< NULL without listed pairs */
    const rid_cluster_errors *errors; /**< NULL without ground truth */
    const rid_interval *intervals;    /**< (RID_SURE_FIGURES) with ground truth */
} rid_manifest_report;

/** Overall; with no judgement for the names alone. */
void rid_manifest_report_figures(rid_metric_set *m, const rid_manifest_report *r);
/** Buckets and breakdowns, behind the figures. RID_ETEMP. */
RID_MUST rid_status rid_manifest_report_write(rid_eval_output *out, bool json,
                                              const rid_manifest_report *r, rid_err *err);

#endif
