/** The document of a calibrated operating point: point.json, and what goes into checkpoints and
 *  stores. */
#ifndef RID_CALIBRATION_JSON_H
#define RID_CALIBRATION_JSON_H

#include "eval/calibration_counts.h"

/** What there is to say. Borrowed. */
typedef struct rid_calibration_record {
    const rid_sweep_data *data;
    const rid_calibration_data *counts;
    const rid_promise *promise;
    const rid_calibration *result;
    bool by_store; /**< the buckets of a store counted as one */
    rid_rule rule;
    const char *margin_from, *nn2_from;
    const char *grid; /**< as it was given */
} rid_calibration_record;

/** Appends it. No clock, host or path: same inputs, same bytes. RID_ETEMP. */
RID_MUST rid_status rid_calibration_write_json(const rid_calibration_record *r, rid_buf *out,
                                               rid_err *err);

#endif
