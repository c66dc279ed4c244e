/** The work of rid-encode: payloads or a store → a new store. */
#ifndef RID_ENCODE_JOB_H
#define RID_ENCODE_JOB_H

#include "data/source.h"
#include "train/model.h"

typedef struct rid_encode_options {
    rid_model_options model;
    rid_source_options source;  /**< its schema and vis_dim are filled in by the job */
    rid_frames_kind frames;     /**< float16 frames are rounded before they are encoded, so that
                                     encoding the store again gives the same embeddings */
    const char *output;
    bool force, dry_run;
    rid_reject_limit max_rejects; /**< more rejects: exit 3 */
} rid_encode_options;

/** Runs. The store is published with RID_OK; summary->exit_code is 3 where rejects exceeded their
 *  limit. With nothing accepted nothing is published: RID_EDATA, or RID_ENOINPUT without input. */
RID_MUST rid_status rid_encode_run(const rid_encode_options *options, const char *const *inputs,
                                   size_t n_inputs, rid_summary *summary, rid_progress *progress,
                                   rid_err *err);

#endif
