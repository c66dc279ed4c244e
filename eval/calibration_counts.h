/** What a calibration counts: how the non-mated searches of labelled buckets end, threshold by
 *  threshold, under the rule with one margin. */
#ifndef RID_CALIBRATION_COUNTS_H
#define RID_CALIBRATION_COUNTS_H

#include "eval/calibration.h"
#include "eval/sweep_data.h"

/** Buckets without a non-mated search are left out. */
typedef struct rid_calibration_data {
    rid_sweep_grid grid; /**< one margin */
    size_t n_buckets;
    size_t *bucket;     /**< (n_buckets): which of the sweep's data */
    uint64_t *searches; /**< (n_buckets) */
    uint64_t *matched; /**< (n_buckets, thresholds): matched somebody, unlabelled ones included, for
                                 nobody knows who those are */
    size_t n_stores;
    uint64_t *store_searches,
        *store_matched;     /**< (n_stores), (n_stores, thresholds): over their buckets */
    rid_search_counts *all; /**< (thresholds): over the buckets */
    double person_effect;   /**< Σm² / Σm over the searches m of each person */
    size_t n_persons;
    size_t gallery_min, gallery_max; /**< matchable entries of a bucket */
} rid_calibration_data;

/** Takes `threshold` (n; ascending, without equals; rid_mem), also on failure. RID_EDATA where there
 *  is no non-mated search; RID_ETEMP; RID_EINTR. To be cleared in any case. */
RID_MUST rid_status rid_calibration_data_count(rid_calibration_data *out,
                                               const rid_sweep_data *data, rid_nn2_mode nn2,
                                               double margin, double *threshold, size_t n,
                                               int threads, rid_err *err);
void rid_calibration_data_clear(rid_calibration_data *d);

/** The counts as rid_calibration_choose takes them, by bucket, or with all buckets of a store as one.
 *  A view. */
rid_calibration_counts rid_calibration_data_counts(const rid_calibration_data *d, bool by_store);

#endif
