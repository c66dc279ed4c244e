/** Looking for what is wrong, or worth knowing, in ground truth. */
#ifndef RID_GT_CHECK_H
#define RID_GT_CHECK_H

#include "gt/gt_finding.h"
#include "gt/gt_places.h"

typedef enum rid_gt_check_kind {
    RID_GT_CONFLICTS,     /**< entries with two labels that differ */
    RID_GT_EMPTY,         /**< people without entries, or with all of them left out one by one */
    RID_GT_SINGLE,        /**< people with one entry: no pair of theirs is to be found */
    RID_GT_UNKNOWN,       /**< labelled entries that are in no store */
    RID_GT_UNLABELLED,    /**< entries of the stores that ground truth does not name */
    RID_GT_ACROSS_STORES, /**< people with entries in more than one store */
    RID_GT_ACROSS_DAYS,
    RID_GT_CHECK_KINDS,
    RID_GT_CHECK_ALONE = RID_GT_UNKNOWN, /**< kinds that need no stores come before */
} rid_gt_check_kind;

/** Entries and people that count: not left out. To be cleared. */
typedef struct rid_gt_check {
    rid_gt_finding findings[RID_GT_CHECK_KINDS];
    size_t entries, people;
    size_t left_out;     /**< entries */
    size_t repeated;     /**< labels that say again what another one says */
    size_t notes_differ; /**< notes that differ between documents */
    bool has_stores;     /**< the rest is there */
    size_t store_entries, stores, days, buckets;
    size_t labelled; /**< of store_entries */
    size_t mated;    /**< of labelled: with an earlier entry of the person in the bucket */
    size_t replaced; /**< rows of the stores that a later one with the same id replaces */
} rid_gt_check;

/** places NULL: without stores. Of each kind the first max_cases are kept. paths: what the document was
 *  read from. RID_ETEMP. */
RID_MUST rid_status rid_gt_check_find(rid_gt_check *c, const rid_gt_doc *doc,
                                      const char *const *paths, const rid_gt_places *places,
                                      size_t max_cases, rid_err *err);
void rid_gt_check_clear(rid_gt_check *c);

#endif
