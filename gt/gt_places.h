/** Where the entries of ground truth are: the buckets of stores. */
#ifndef RID_GT_PLACES_H
#define RID_GT_PLACES_H

#include "data/store_set.h"
#include "gt/gt_doc.h"

#define RID_GT_NOWHERE UINT32_MAX

/** Zero-initialise. */
typedef struct rid_gt_places {
    rid_store_set set;
    rid_bucket *buckets; /**< (n_buckets), ordered by day and store */
    size_t n_buckets;
    rid_id_table store_ids, day_ids; /**< in order of the buckets */
    uint32_t *store, *day;           /**< of each bucket, their numbers (n_buckets) */
    uint32_t
        *bucket; /**< of each entry of the document (entry_ids.n); RID_GT_NOWHERE: in no store */
    size_t n_unknown; /**< entries of the document that are in no store, those left out, too */
} rid_gt_places;

/** Opens n >= 1 stores (of their rows the first `limit`; 0: all). Errors of rid_store_set_open. To be
 *  closed in every case. */
RID_MUST rid_status rid_gt_places_open(rid_gt_places *p, const rid_gt_doc *doc,
                                       const char *const *stores, size_t n, uint64_t limit,
                                       rid_err *err);
void rid_gt_places_close(rid_gt_places *p);
/** The entry's id, row i of bucket b in matching order. View. */
rid_str rid_gt_places_id(const rid_gt_places *p, size_t b, size_t i);

#endif
