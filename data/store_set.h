/** Several stores taken together: which rows count, where an id stands in more than one of them. For
 *  jobs that copy rows one by one: 8 bytes an entry beyond the stores' own tables. */
#ifndef RID_STORE_SET_H
#define RID_STORE_SET_H

#include "data/store.h"

/** One entry: a row of one of the stores. */
typedef struct rid_place {
    uint32_t store, row;
} rid_place;

typedef struct rid_store_set {
    rid_store **stores; /**< in order of the paths */
    size_t n_stores;
    rid_place *places;  /**< the live entries; by store and row until rid_store_set_sort */
    size_t n;
    uint64_t n_read;       /**< rows looked at */
    uint64_t n_duplicates; /**< of them those that a later row with the same id replaces */
} rid_store_set;

/** Opens n >= 1 stores; of all their rows in order the first `limit` are looked at (0: all), and of
 *  those with the same id the last counts. RID_ECONFIG where encoders differ, RID_EINTR, errors of
 *  rid_store_open. Raises the soft limit of open files where n needs it. *out is zero on failure. Close
 *  with rid_store_set_close. */
RID_MUST rid_status rid_store_set_open(rid_store_set *out, const char *const *paths, size_t n,
                                       uint64_t limit, rid_err *err);
/** Orders the places by day, store, timestamp (undated first), id. */
void rid_store_set_sort(rid_store_set *s);
/** Metadata and status of a place; views that live as long as the set. */
rid_meta rid_store_set_meta(const rid_store_set *s, rid_place p);
rid_entry_status rid_store_set_status(const rid_store_set *s, rid_place p);
/** What holds for all of the stores. */
const rid_store_info *rid_store_set_info(const rid_store_set *s);

/** The entries of one day and store. */
typedef struct rid_bucket {
    rid_str day, store;      /**< views that live as long as the set */
    const rid_place *places; /**< in matching order: undated first, then time, then id */
    size_t n;
} rid_bucket;

/** Sorts the places and cuts them into buckets, ordered by day and store. *buckets is the caller's
 *  (rid_mem_free). */
RID_MUST rid_status rid_store_set_group(rid_store_set *s, rid_bucket **buckets, size_t *n,
                                        rid_err *err);
/** Embeddings of n places, f32 (n, emb_dim). Thread-safe. */
RID_MUST rid_status rid_store_set_read_embeddings(const rid_store_set *s, const rid_place *places,
                                                  size_t n, float *out, rid_err *err);
void rid_store_set_close(rid_store_set *s);

#endif
