/** The work of rid-calibrate: stores and ground truth → an operating point that keeps a promise. */
#ifndef RID_CALIBRATE_JOB_H
#define RID_CALIBRATE_JOB_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/calibration.h"
#include "eval/operating_point.h"
#include "gt/labels.h"

typedef struct rid_calibrate_options {
    rid_label_files people;    /**< ground truth or pairs */
    const char *grid;          /**< of thresholds, as rid_grid_parse reads it */
    rid_operating_point point; /**< margin and nn2; their parts give way to the sweep's unless they
                                     come from "flag" */
    const char *sweep;         /**< a best.json of other buckets; NULL: none */
    rid_promise promise;
    bool by_store;               /**< for the bucket effect the buckets of a store are one */
    const char *output;          /**< the point's document; "-": standard output; NULL: none */
    const char *ckpt, *ckpt_out; /**< checkpoint whose copy gets the point; both or neither */
    bool force, dry_run;
    uint64_t limit; /**< only the first entries of the stores; 0: all */
    int threads;
} rid_calibrate_options;

/** Runs. RID_EUSAGE where an output exists without force; RID_EDATA where no threshold keeps the promise
 *  (with the number of searches that would be needed), where nothing is labelled, or where the sweep was
 *  over the same buckets; warns where people come from pairs that leave something open; RID_ECONFIG where sweep or checkpoint are of another encoder than the stores.
 *  Figures in summary: buckets, persons, searches, matched, needed, threshold, fpir_bound, fnir. */
RID_MUST rid_status rid_calibrate_run(const rid_calibrate_options *o, const char *const *stores,
                                      size_t n_stores, rid_summary *summary, rid_progress *progress,
                                      rid_err *err);

#endif
