/** What changed from one ground truth to another, person by person.
 *
 *  Of the entries that both label, each is a link from its person in a to its person in b. A person's heir
 *  is the person of b who has most of its entries; a person of b has an origin likewise (ties: the same
 *  name, then the first name in the order of bytes). A link whose two people are each other's heir and origin stays. One
 *  from its person's origin to another than the heir was split off; one to the heir of its person that has
 *  another origin was merged in; every other one moved. */
#ifndef RID_GT_DIFF_H
#define RID_GT_DIFF_H

#include "gt/gt_doc.h"
#include "gt/gt_finding.h"

typedef enum rid_gt_diff_kind {
    RID_GT_SPLIT,          /**< people of a from whom entries were split off */
    RID_GT_MERGED,         /**< people of b into whom others were merged */
    RID_GT_MOVED,          /**< entries */
    RID_GT_RENAMED,        /**< people who go on under another name */
    RID_GT_ADDED,          /**< entries that only b labels */
    RID_GT_REMOVED,        /**< entries that only a labels */
    RID_GT_PEOPLE_ADDED,   /**< people of b without an entry that a labels */
    RID_GT_PEOPLE_REMOVED, /**< people of a without an entry that b labels */
    RID_GT_DIFF_KINDS,
} rid_gt_diff_kind;

/** Entries that are left out count as not labelled. To be cleared. */
typedef struct rid_gt_diff {
    rid_gt_finding findings[RID_GT_DIFF_KINDS];
    size_t entries_a, entries_b, people_a, people_b;
    size_t common;  /**< entries that both label */
    size_t changed; /**< of common: split off, merged in or moved */
} rid_gt_diff;

/** Of each kind the first max_cases are kept. RID_ETEMP. */
RID_MUST rid_status rid_gt_diff_find(rid_gt_diff *d, const rid_gt_doc *a, const rid_gt_doc *b,
                                     size_t max_cases, rid_err *err);
void rid_gt_diff_clear(rid_gt_diff *d);

#endif
