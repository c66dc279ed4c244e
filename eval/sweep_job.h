/** The work of rid-sweep: stores and ground truth → surface.csv, best.json, report.html. */
#ifndef RID_SWEEP_JOB_H
#define RID_SWEEP_JOB_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/objective.h"

typedef struct rid_sweep_options {
    const char *const *gt, *const *pairs;
    size_t n_gt, n_pairs; /**< not both 0 */
    const char *threshold, *margin; /**< grids, as rid_grid_parse reads them */
    size_t auto_side;               /**< breakpoints a side instead of them; 0: not */
    bool mode[2];                   /**< by rid_nn2_mode: swept */
    const char *objective;          /**< as rid_objective_parse reads it */
    size_t bootstrap;               /**< resamples; 0: none */
    uint64_t seed;
    const char *output; /**< directory */
    bool force, dry_run;
    uint64_t limit;     /**< only the first entries of the stores; 0: all */
    int threads;
} rid_sweep_options;

/** Runs. The three files appear one by one, best.json last. RID_EUSAGE for a grid or an objective that
 *  is none, or where a file exists without force; RID_EDATA where nothing is labelled, or the
 *  objective is defined nowhere. Figures in summary: buckets, labelled, unlabelled, cells, value. */
RID_MUST rid_status rid_sweep_run(const rid_sweep_options *o, const char *const *stores,
                                  size_t n_stores, rid_summary *summary, rid_progress *progress,
                                  rid_err *err);

#endif
