/** rid-gt split: one document of ground truth becomes several, by person, store or day. */
#ifndef RID_GT_SPLIT_H
#define RID_GT_SPLIT_H

#include "data/summary.h"
#include "gt/gt_file.h"
#include "gt/unit_split.h"

typedef enum rid_gt_unit {
    RID_GT_BY_PERSON,
    RID_GT_BY_STORE,
    RID_GT_BY_DAY,
} rid_gt_unit;

typedef struct rid_gt_split_options {
    const char *const *gt, *const *stores;
    size_t n_gt, n_stores; /**< stores are needed by store and by day */
    uint64_t limit;        /**< rows of the stores to look at; 0: all */
    rid_gt_unit by;
    const char *fractions; /**< "0.6,0.2,0.2" */
    const char *names;     /**< "a,b,c"; NULL: train,test or train,val,test or 1,2,3,4… */
    rid_split_rule rule;
    uint64_t seed;
    bool form_given; /**< otherwise the form is that of the first file; persons for a manifest */
    rid_gt_form form;
    const char *output;        /**< DIR for DIR/NAME.json, X.json for X-NAME.json */
    bool force, dry_run, json; /**< json: what is in the parts, on standard output */
    /** Asked for each part's file, before anything is read; its error ends the run. NULL: not asked. */
    rid_status (*may_write)(void *ctx, const char *path, rid_err *err);
    void *ctx;
} rid_gt_split_options;

/** Writes a document for each part. Entries go with their unit, those left out, too; by store and by day
 *  entries that are in no store are in no part. RID_EUSAGE (also where an output exists), RID_EDATA:
 *  conflicting labels, a part without an entry; errors of reading and publishing. */
RID_MUST rid_status rid_gt_split_run(const rid_gt_split_options *o, rid_summary *summary,
                                     rid_err *err);

#endif
