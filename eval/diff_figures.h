/** The figures of two clusterings side by side, and their differences with intervals over people. */
#ifndef RID_DIFF_FIGURES_H
#define RID_DIFF_FIGURES_H

#include "eval/clustering_diff.h"
#include "eval/judged_sums.h"
#include "eval/metric_set.h"

enum {
    RID_DIFF_FIGURES = RID_SURE_FIGURES + 2
}; /**< and v_measure, ari, which are not resampled */

/** One figure: of A, of B, and B − A with its interval; NaN where undefined, or not resampled. */
typedef struct rid_diff_figure {
    const char *name;
    double a, b, delta, low, high;
} rid_diff_figure;

/** a, b: judgements of the same entries by the same labels, each passing over what the other has not.
 *  resamples: of people, 0: none. Deterministic in seed. Memory: resamples bytes a person. RID_ETEMP;
 *  RID_EINTR. */
RID_MUST rid_status rid_diff_figures_of(rid_diff_figure out[RID_DIFF_FIGURES],
                                        const rid_judgement *a, const rid_judgement *b,
                                        size_t n_label_persons, size_t resamples, double confidence,
                                        uint64_t seed, rid_err *err);

/** a_NAME, b_NAME, delta_NAME of all; delta_NAME_low and delta_NAME_high of those that are resampled. */
void rid_metrics_add_diff(rid_metric_set *m, const rid_diff_figure f[RID_DIFF_FIGURES]);

#endif
