/** What training reads: labelled entries with their unit frames, attribute vectors and places. */
#ifndef RID_TRAIN_SET_H
#define RID_TRAIN_SET_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RID_NO_PERSON UINT32_MAX

/** One entry. Only entries with at least one frame after the filter are in a set. */
typedef struct rid_train_entry {
    rid_str id;          /**< view into the set */
    uint32_t person;     /**< number of its person; RID_NO_PERSON: unlabelled */
    uint32_t bucket;     /**< number of its (day, store), from 0 */
    int64_t timestamp_us; /**< RID_TIMESTAMP_NONE without one */
    uint32_t n_frames;   /**< kept frames, >= 1 */
    uint64_t first;      /**< where its kept frames begin in the set's frames and frame_index */
} rid_train_entry;

/** Zero-initialise; filled by rid_train_data_load (or by a test); free with rid_train_set_clear.
 *  Read-only and thread-safe afterwards. */
typedef struct rid_train_set {
    rid_train_entry *entries; /**< in input order */
    size_t n;
    size_t n_persons; /**< numbered in order of first appearance among the entries */
    size_t n_buckets;
    size_t vis_dim, attr_dim;
    size_t n_frames;        /**< of all entries */
    float *attr;            /**< f32 (n, attr_dim); NULL where attr_dim = 0 */
    uint32_t *frame_index;  /**< (n_frames): place of each kept frame in its payload, from 0 */
    float *frames;          /**< f32 (n_frames, vis_dim), unit rows; NULL: read through `reader` */
    /** Reads the kept unit frames of an entry, f32 (n_frames, vis_dim); thread-safe. */
    rid_status (*read)(void *reader, size_t entry, float *out, rid_err *err);
    void *reader;
    rid_buf strings; /**< behind ids */
} rid_train_set;

/** The kept unit frames of an entry, f32 (entries[entry].n_frames, vis_dim), in `out`. */
RID_MUST rid_status rid_train_set_read(const rid_train_set *s, size_t entry, float *out,
                                       rid_err *err);
/** out = x / ‖x‖, both f32 (dim), in the arithmetic of all readers; a zero vector stays one. */
void rid_train_set_unit_frame(float *out, const float *x, size_t dim);

/** Frees all but `reader`, which is its maker's. */
void rid_train_set_clear(rid_train_set *s);

#endif
