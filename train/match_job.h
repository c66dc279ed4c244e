/** The work of rid-match: payloads in, one decision line each out. */
#ifndef RID_MATCH_JOB_H
#define RID_MATCH_JOB_H

#include "data/manifest.h"
#include "data/source.h"
#include "eval/operating_point.h"
#include "train/model.h"

typedef struct rid_match_options {
    rid_model_options model;
    rid_operating_point point;  /**< parts give way to the warm stores' or else the checkpoint's
                                     calibrated point, and to point_file */
    const char *point_file;     /**< a calibrated operating point; NULL: none */
    rid_source_options source;  /**< its schema, vis_dim and interactive are filled in by the job */
    const char *const *warm;    /**< stores whose entries are there already */
    size_t n_warm;
    const char *persist;        /**< store of the entries seen; NULL: none */
    bool echo_frames;           /**< answers repeat the frames */
    const char *output;         /**< NULL: standard output */
    bool force, dry_run;
    rid_reject_limit max_rejects; /**< more rejects: exit 3 */
} rid_match_options;

/** Runs. Each payload is answered on a line of its own, in input order, before the next is read; a
 *  bad one with {"ok":false,"error":…,"line":…}. summary->exit_code is 3 where there were too many.
 *  A warning where a bucket outgrows the galleries of a calibrated point. */
RID_MUST rid_status rid_match_run(const rid_match_options *options, const char *const *inputs,
                                  size_t n_inputs, rid_summary *summary, rid_err *err);

#endif
