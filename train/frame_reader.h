/** Frames that are not held in memory: read from their stores, as batches need them. */
#ifndef RID_FRAME_READER_H
#define RID_FRAME_READER_H

#include "data/store.h"
#include "train/train_set.h"

typedef struct rid_frame_reader rid_frame_reader;

/** NULL when there is no memory. */
rid_frame_reader *rid_frame_reader_new(void);
void rid_frame_reader_free(rid_frame_reader *r);

/** Notes where the next entry's frames are: row `row` of the store at `path`. Entries are numbered in
 *  the order of these calls. Opens each store once. */
RID_MUST rid_status rid_frame_reader_add(rid_frame_reader *r, const char *path, size_t row,
                                         rid_err *err);
/** Entry `to` becomes what entry `from` was (where entries are left out). to <= from. */
void rid_frame_reader_move(rid_frame_reader *r, size_t to, size_t from);
/** Makes the set read through r (its `read` and `reader`). */
void rid_frame_reader_attach(rid_frame_reader *r, rid_train_set *set);

#endif
