/** The work of rid-manifest: stores → one manifest document per bucket. */
#ifndef RID_MANIFEST_JOB_H
#define RID_MANIFEST_JOB_H

#include "data/base/log.h"
#include "eval/provenance.h"

typedef struct rid_manifest_options {
    rid_operating_point point;   /**< parts give way to the stores' and to point_file */
    const char *point_file;      /**< a calibrated operating point; NULL: none */
    const char *day, *store;     /**< only that; NULL: all */
    const char *const *labelled_in; /**< ground truth: only buckets in which it names somebody */
    size_t n_labelled_in;           /**< 0: all */
    rid_selection selection;
    const char *output;          /**< "-", a name that ends in .json, or a directory */
    bool force, skip_existing, dry_run;
    size_t limit;                /**< only the first entries of the stores; 0: all */
    int threads;
} rid_manifest_options;

/** Runs. Documents are published one by one, each whole. RID_EUSAGE where one document is asked for
 *  and several buckets are left, or a document exists; RID_EDATA where frames are asked of stores
 *  without; errors of rid_labels_read. Figures in summary: buckets, written, unchanged, people, events. */
RID_MUST rid_status rid_manifest_run(const rid_manifest_options *options,
                                     const char *const *stores, size_t n_stores,
                                     rid_summary *summary, rid_progress *progress, rid_err *err);

#endif
