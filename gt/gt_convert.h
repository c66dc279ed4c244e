/** rid-gt convert and merge: ground truth from one form, or from several files, into one document or
 *  into pairs. */
#ifndef RID_GT_CONVERT_H
#define RID_GT_CONVERT_H

#include "data/summary.h"
#include "gt/gt_doc.h"
#include "gt/labels.h"

typedef struct rid_gt_convert_options {
    rid_label_files truth;
    const char *const *stores;
    size_t n_stores; /**< for pairs */
    uint64_t limit;  /**< rows of the stores to look at; 0: all */
    bool to_pairs;
    bool form_given; /**< otherwise the form is that of the first file; persons for a manifest */
    rid_gt_form form;
    rid_gt_prefer prefer;                   /**< NONE: conflicting labels are RID_EDATA */
    size_t cases;                           /**< of conflicts that are logged */
    uint64_t max_same, max_different, seed; /**< pairs to draw of each kind; UINT64_MAX: all */
    const char *output;                     /**< "-": standard output */
    bool force, dry_run;
} rid_gt_convert_options;

/** Writes the document, and logs what its form cannot say. From pairs, entries that pairs of one person
 *  connect become a person, who is called as the first of them; RID_EDATA where a pair of different
 *  people is among them. To pairs: the labelled entries of each bucket, two and two. RID_EDATA,
 *  RID_EUSAGE where the output exists, errors of reading and publishing. */
RID_MUST rid_status rid_gt_convert_run(const rid_gt_convert_options *o, rid_summary *summary,
                                       rid_err *err);

#endif
