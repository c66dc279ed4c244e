/** One synthetic entry as payload text. */
#ifndef RID_SYNTH_PAYLOAD_H
#define RID_SYNTH_PAYLOAD_H

#include "data/base/buf.h"
#include "data/base/timestamp.h"
#include "train/synth_world.h"

/** A store-day. */
typedef struct rid_synth_bucket {
    uint32_t store;                      /**< from 1 */
    int64_t day;                         /**< days since 1970 */
    char store_id[RID_SYNTH_ID_MAX];     /**< "nc0001" */
    char day_id[RID_DAY_LENGTH + 1];     /**< "2025-11-06" */
    char day_digits[RID_DAY_LENGTH + 1]; /**< "20251106" */
} rid_synth_bucket;

/** Frames of one entry by kind. */
typedef struct rid_synth_frames {
    uint64_t drawn, duplicates, outliers;
} rid_synth_frames;

rid_synth_bucket rid_synth_bucket_of(uint32_t store, int64_t day);
/** "<store>-<day digits>-<number>", at least 5 digits; number is the row in the bucket, from 1. */
void rid_synth_entry_id(char id[RID_SYNTH_ID_MAX], const rid_synth_bucket *b, size_t number);
/** "<store>-p<4 digits>"; persons are numbered from 0 inside, from 1 in the id. */
void rid_synth_person_id(char id[RID_SYNTH_ID_MAX], const rid_synth_bucket *b, uint32_t person);

/** Appends the payload object of a crossing, no newline. `memory` is f32 (3, vis_dim) scratch.
 *  Shortage of memory shows in out->failed. Thread-safe for distinct out and memory. */
rid_synth_frames rid_synth_payload_append(rid_buf *out, const rid_synth_world *w,
                                          const rid_synth_bucket *b, const rid_synth_crossing *c,
                                          size_t number, float *memory);

/** An upper estimate of the text of one entry of n_frames frames. */
size_t rid_synth_payload_size(const rid_synth_options *o, size_t n_frames);

#endif
