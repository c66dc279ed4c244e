/** Who was put together with whom, bucket by bucket, whatever said so: manifest documents, or stores and a
 *  rule. */
#ifndef RID_CLUSTERING_H
#define RID_CLUSTERING_H

#include "data/base/log.h"
#include "data/manifest_read.h"
#include "data/summary.h"
#include "eval/operating_point.h"
#include "gt/id_table.h"

/** An entry and what was decided; views. */
typedef struct rid_clustered_entry {
    rid_str id;
    rid_str camera, timestamp; /**< data NULL: none */
    int64_t t_us;              /**< RID_TIMESTAMP_NONE without one */
    uint32_t person;           /**< number in the bucket, from 0 in order of first entries */
    rid_event_status status;
    rid_str match_id; /**< the entry that it joined; data NULL: none */
    uint32_t
        joined; /**< its row, an earlier one; RID_NO_ENTRY: none, or it is not in the documents (a view) */
    double score, score2; /**< NaN: none */
} rid_clustered_entry;

typedef struct rid_clustered_bucket {
    rid_str day, store;           /**< empty where the document says null */
    rid_clustered_entry *entries; /**< (n) in matching order: undated first, then time, then id */
    rid_str *persons;             /**< (n_persons): their ids */
    size_t n, n_persons;
} rid_clustered_bucket;

/** Where an entry is. */
typedef struct rid_clustered_place {
    uint32_t bucket, row;
} rid_clustered_place;

typedef struct rid_clustering {
    rid_clustered_bucket *buckets; /**< by day and store */
    size_t n_buckets, n_entries, n_skipped;
    /** Entries whose document does not say which entry they joined: the latest one of their person before
     *  them is taken for it. */
    size_t n_inferred;
    rid_id_table made_by;    /**< the different makers of the documents, see manifest_read.h */
    rid_id_table ids, texts; /**< behind the views */
    rid_clustered_entry *entries;
    rid_str *persons;
    rid_clustered_place *place; /**< (ids.n) */
} rid_clustering;

/** Reads files and directories of manifest documents; the first `limit` events count (0: all). With a point,
 *  stores (all of them, or none) are clustered by it, and by the operating point that they have, or by that of
 *  point_file (NULL: none), as rid_operating_point_settle has it. RID_EDATA where an entry or a bucket stands
 *  twice, an entry joined one that does not come before it in its bucket, or a document is none (see
 *  rid_manifest_read), RID_EUSAGE for a store without a point; errors of rid_operating_point_settle,
 *  rid_inputs_find, rid_store_set_open, rid_cluster. Adds to read, accepted, skipped of the summary.
 *  progress: documents, or buckets of stores. To be
 *  cleared in any case. */
RID_MUST rid_status rid_clustering_read(rid_clustering *c, const char *const *paths, size_t n,
                                        const rid_operating_point *point, const char *point_file,
                                        uint64_t limit, int threads, rid_summary *summary,
                                        rid_progress *progress, rid_err *err);
void rid_clustering_clear(rid_clustering *c);

/** Puts the member `key` to an open object: an array of the makers. */
void rid_clustering_put_makers(rid_jsonw *w, const char *key, const rid_clustering *c);
/** Where an entry is; false where there is none of that id. */
bool rid_clustering_find(const rid_clustering *c, rid_str id, rid_clustered_place *place);

#endif
