/** An encoder with what belongs to it: schema, filter settings, operating point. What rid-encode and
 *  rid-match set up from the same options. */
#ifndef RID_MODEL_H
#define RID_MODEL_H

#include "data/store.h"
#include "train/encoder.h"

/** Which filter settings were given explicitly: they win over the checkpoint's. */
enum {
    RID_GIVEN_ON = 1 << 0,
    RID_GIVEN_DUPLICATE_COS = 1 << 1,
    RID_GIVEN_OUTLIER_Z = 1 << 2,
    RID_GIVEN_MAX_DROP = 1 << 3,
    RID_GIVEN_MIN_KEEP = 1 << 4,
    RID_GIVEN_MAX_FRAMES = 1 << 5,
    RID_GIVEN_EMPTY = 1 << 6,
};

typedef struct rid_model_options {
    const char *checkpoint;  /**< path; NULL: the mean encoder */
    size_t vis_dim;          /**< for the mean; 0: the data's */
    const char *schema_path; /**< NULL: the checkpoint's, or none */
    bool schema_given;       /**< named by the user: then it must fit; a default that does not fit is
                                  left aside with a message */
    rid_filter filter;       /**< settings; those in `given` are explicit */
    unsigned given;
    int threads;
} rid_model_options;

typedef struct rid_model {
    rid_encoder *encoder;  /**< NULL for a mean whose size is not known yet */
    rid_schema *schema;    /**< NULL: none */
    rid_filter filter;
    char *operating_point; /**< JSON of the checkpoint, or NULL */
} rid_model;

/** Loads. RID_ENOINPUT, RID_EDATA (checkpoint), RID_ECONFIG (a schema that is needed or does not fit,
 *  with both sizes; bad settings). *out is zero on failure. */
RID_MUST rid_status rid_model_open(rid_model *out, const rid_model_options *options, rid_err *err);
/** Makes the mean encoder of a model that waits for its size. */
RID_MUST rid_status rid_model_set_vis_dim(rid_model *m, size_t vis_dim, rid_err *err);
/** Size of frames; 0 when not known yet. */
size_t rid_model_vis_dim(const rid_model *m);
/** What a store made with the model says of itself. Views into m. `filter` holds the settings' JSON
 *  and must outlive the result. */
RID_MUST rid_status rid_model_store_info(const rid_model *m, rid_frames_kind frames, rid_buf *filter,
                                         rid_store_info *info, rid_err *err);
void rid_model_close(rid_model *m);

#endif
