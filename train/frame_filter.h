/** Frame filter: near-duplicates and outliers of a burst are left out before encoding. */
#ifndef RID_FRAME_FILTER_H
#define RID_FRAME_FILTER_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdint.h>

typedef enum rid_empty_policy {
    RID_EMPTY_SKIP,     /**< an empty result is a skip: no embedding */
    RID_EMPTY_FALLBACK, /**< an empty result uses all non-zero frames */
} rid_empty_policy;

typedef struct rid_filter {
    bool on;              /**< off: only zero frames are left out */
    double duplicate_cos; /**< a later frame with this cosine or more to a kept one goes (0.999) */
    double outlier_z;     /**< a frame with a z-score below it may go (−1.7) */
    int64_t max_drop;     /**< at most so many outliers go, the worst first (4) */
    int64_t min_keep;     /**< no outlier goes unless more remain, nor if fewer would (4) */
    int64_t max_frames;   /**< cap, keeping the earliest (0: none) */
    rid_empty_policy empty;
} rid_filter;

/** A frame with a norm up to this is zero, on or off. */
#define RID_FRAME_NORM_MIN 1e-6

rid_filter rid_filter_default(void);
/** Appends the settings as canonical JSON: part of the encoder hash. */
void rid_filter_write_json(const rid_filter *f, rid_buf *out);
/** Reads what rid_filter_write_json wrote; missing keys keep the values in *f, unknown ones are
 *  ignored. RID_EDATA: not such a document; RID_ECONFIG as rid_filter_check; RID_ETEMP. *f is not to
 *  be used after an error. */
RID_MUST rid_status rid_filter_read_json(rid_filter *f, rid_str json, rid_err *err);
/** RID_ECONFIG where a setting makes no sense. */
RID_MUST rid_status rid_filter_check(const rid_filter *f, rid_err *err);

/** Chooses frames. x f32 (n, dim): frames whose products do not overflow; inverse_norm (n): 1/‖x‖, 0
 *  for a zero frame; kept u8 (n), out; scratch: n doubles, mean: dim floats. Going left to right,
 *  later duplicates go; then, of more than min_keep, outliers by the z-score of their cosine to the
 *  normalised mean (population standard deviation + 1e-6). Ties go to the earlier frame. Returns how
 *  many are kept; 0 is left to the caller's policy. */
size_t rid_filter_run(const rid_filter *f, const float *x, const double *inverse_norm, size_t n,
                      size_t dim, uint8_t *kept, double *scratch, float *mean);

#endif
