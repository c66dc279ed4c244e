/** Stores and ground truth as rankings want them: who is who, who is asked for, and among whom. */
#ifndef RID_SEARCH_DATA_H
#define RID_SEARCH_DATA_H

#include "data/store_set.h"
#include "eval/ranking.h"
#include "gt/labels.h"

/** What to read. Borrowed. */
typedef struct rid_search_input {
    rid_label_files people;
    const char *const *stores;
    const char *const
        *queries; /**< stores whose entries are queries; those of `stores` are the gallery then */
    const char *
        query_ids; /**< a file of entry ids, one a line: queries, and all others the gallery; NULL */
    size_t n_stores, n_queries; /**< not both n_queries and query_ids */
    uint64_t limit;
    bool within_buckets; /**< a group for each bucket */
    bool cameras; /**< cameras by store and name; entries that name none have RID_NO_CAMERA */
} rid_search_input;

/** Entries in the order of the stores, those with queries last. To be cleared in any case. */
typedef struct rid_search_data {
    rid_store_set set;
    rid_labels *labels;
    size_t n, n_groups;                /**< n_groups: 1, or the buckets */
    float *emb;                        /**< f32 (n, dim) */
    uint32_t *person, *group, *camera; /**< (n); group, camera: NULL where not wanted */
    uint8_t *usable;
    uint8_t *query, *gallery; /**< (n), NULL: leave-one-out */
    size_t n_labelled, n_excluded, n_absent,
        n_skipped;           /**< n_absent: labels of entries that are in no store */
    size_t n_unknown_ids;    /**< of query_ids: in no store */
    size_t n_without_camera; /**< labelled */
} rid_search_data;

/** An entry that stands in both kinds of stores is a query. RID_EDATA where no entry has a label, or query_ids
 *  names none that is there; errors of rid_labels_read_files, rid_store_set_open. Warns where people come from
 *  pairs that leave something open. */
RID_MUST rid_status rid_search_data_read(rid_search_data *d, const rid_search_input *in,
                                         rid_err *err);
void rid_search_data_clear(rid_search_data *d);

/** As input of a ranking. */
rid_ranking_input rid_search_data_ranking(const rid_search_data *d);
/** Entry i's id. View. */
rid_str rid_search_data_id(const rid_search_data *d, size_t i);

#endif
