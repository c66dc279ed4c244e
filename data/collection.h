/** Several stores read as one: entries of all of them, a later duplicate id wins. */
#ifndef RID_COLLECTION_H
#define RID_COLLECTION_H

#include "data/store.h"

typedef struct rid_collection rid_collection;

/** Opens n >= 1 stores; at most `limit` of their entries are there (0: all). RID_ECONFIG where their encoders differ; errors of rid_store_open. */
RID_MUST rid_status rid_collection_open(rid_collection **out, const char *const *paths, size_t n,
                                        size_t limit, rid_err *err);
void rid_collection_close(rid_collection *c);

const rid_store_info *rid_collection_info(const rid_collection *c);
/** The live entries; rows below are rows of this table. */
const rid_entries *rid_collection_entries(const rid_collection *c);
/** Entries that a later one with the same id replaced. */
size_t rid_collection_duplicates(const rid_collection *c);

/** The store that holds a row, and the row in it. */
rid_store *rid_collection_locate(const rid_collection *c, size_t row, size_t *store_row);
/** Embeddings of n rows, f32 (n, emb_dim). Thread-safe. */
RID_MUST rid_status rid_collection_read_embeddings(const rid_collection *c, const size_t *rows,
                                                   size_t n, float *out, rid_err *err);

#endif
