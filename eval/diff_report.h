/** How rid-eval diff comes out. */
#ifndef RID_DIFF_REPORT_H
#define RID_DIFF_REPORT_H

#include "eval/diff_figures.h"
#include "eval/eval_output.h"

typedef struct rid_diff_report {
    const rid_clustering_diff *diff;
    const rid_judgement *a, *b;     /**< NULL without ground truth */
    const rid_diff_figure *figures; /**< (RID_DIFF_FIGURES) with ground truth */
    double confidence;
} rid_diff_report;

/** All figures; of empty ones for the names alone. */
void rid_diff_report_figures(rid_metric_set *m, const rid_diff_report *r);
/** The figures and the changes, as text for people or as members of the document. */
void rid_diff_report_write(rid_eval_output *out, bool json, const rid_diff_report *r);

#endif
