/** A calibrated operating point as a document: point.json, a checkpoint's and a store's operating
 *  point. */
#ifndef RID_CALIBRATED_POINT_H
#define RID_CALIBRATED_POINT_H

#include "eval/rule.h"

#include "data/json.h"

/** What a document says, as far as deciding goes. */
typedef struct rid_calibrated_point {
    rid_rule rule;
    bool has_promise; /**< false: a document without one, such as a sweep's best.json */
    double max_fpir, confidence, fpir_bound;
    bool misses_condition; /**< a sweep's, whose objective has a condition that no cell met */
    bool has_gallery;
    uint64_t gallery_min, gallery_max; /**< matchable entries of the buckets that it covers */
    char encoder_hash[65];             /**< "": the document does not say */
} rid_calibrated_point;

/** Reads a document; unknown members are ignored. RID_EDATA: no object, threshold, margin or nn2 missing or
 *  not what they should be. */
RID_MUST rid_status rid_calibrated_point_take(rid_calibrated_point *out, rid_json root,
                                              rid_err *err);
/** The same of a text, whose keys may not stand twice; RID_EDATA also where it is not JSON; RID_ETEMP. */
RID_MUST rid_status rid_calibrated_point_parse(rid_calibrated_point *out, const char *json,
                                               rid_err *err);
/** Reads a file, and warns (rid_calibrated_point_warn): RID_ENOINPUT, and RID_EDATA also where it does not say which encoder it is of. */
RID_MUST rid_status rid_calibrated_point_read(rid_calibrated_point *out, const char *path,
                                              rid_err *err);
/** Warns where the point is only the nearest to what was asked for. */
void rid_calibrated_point_warn(const rid_calibrated_point *p, const char *path);
/** RID_ECONFIG where the point is of another encoder. `whose` is for the message: "the stores". */
RID_MUST rid_status rid_calibrated_point_check(const rid_calibrated_point *p,
                                               const char *encoder_hash, const char *whose,
                                               rid_err *err);

#endif
