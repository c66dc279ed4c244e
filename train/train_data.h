/** From inputs and ground truth to a training set: entries are read, filtered as in serving, labelled,
 *  and split by person into training and validation. */
#ifndef RID_TRAIN_DATA_H
#define RID_TRAIN_DATA_H

#include "data/source.h"
#include "train/frame_filter.h"
#include "train/train_set.h"

typedef struct rid_train_data_options {
    const char *const *gt;     /**< ground truth files, n_gt >= 1 */
    size_t n_gt;
    const char *const *inputs; /**< stores with frames, payload files, directories, "-" */
    size_t n_inputs;
    const char *const *val_gt; /**< ground truth of the validation people; none: split off */
    size_t n_val_gt;
    const char *const *val_inputs; /**< more inputs, where validation people's entries are */
    size_t n_val_inputs;
    rid_source_options source; /**< its schema is filled in */
    const char *schema_path;   /**< NULL: the stores', or none */
    rid_filter filter;
    double val_fraction;       /**< of the people with two entries or more, without val_gt */
    size_t min_entries;        /**< people with fewer do not train */
    uint64_t seed;             /**< of the split */
    uint64_t memory;           /**< bytes of frames to hold; more are read from the stores as needed */
    const char *rejects;       /**< output beside which rejected payloads are listed */
    int threads;
} rid_train_data_options;

typedef struct rid_train_data {
    rid_train_set set;      /**< all labelled entries with frames */
    rid_schema *schema;     /**< NULL: none */
    uint8_t *train;         /**< u8 (set.n), 1: trains */
    uint8_t *query;         /**< u8 (set.n), 1: of a validation person */
    uint32_t *order;        /**< (set.n): entries by bucket, in matching order */
    size_t n_train, n_train_people, n_query, n_query_people;
    size_t n_singles;       /**< training people with one entry: negatives only */
    char digest[33];        /**< of entries, frames and attributes */
    char labels_digest[33]; /**< of labels and split */
    struct rid_frame_reader *reader; /**< where frames are not held */
} rid_train_data;

/** Loads. Entries without ground truth, ground truth without entries, entries left out by the filter
 *  and people with too few entries are counted and said. RID_EDATA: nothing to train with (fewer than
 *  two people, no person with two entries), a person on both sides, duplicate ids in conflict;
 *  RID_ECONFIG: a schema that does not fit; RID_EUSAGE: more frames than `memory` in inputs that are
 *  no stores; errors of sources and labels. Figures go to summary. *out is zero on failure, and stays
 *  where it is otherwise: frames are read through it. */
RID_MUST rid_status rid_train_data_load(rid_train_data *out, const rid_train_data_options *options,
                                        rid_summary *summary, rid_progress *progress, rid_err *err);
void rid_train_data_clear(rid_train_data *d);

#endif
