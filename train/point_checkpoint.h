/** A checkpoint with another operating point: the encoder stays what it is. */
#ifndef RID_POINT_CHECKPOINT_H
#define RID_POINT_CHECKPOINT_H

#include "data/store.h"
#include "train/checkpoint_meta.h"

typedef struct rid_point_checkpoint {
    rid_checkpoint checkpoint;
    rid_checkpoint_meta meta;
    rid_checkpoint_extras extras; /**< the keys of somebody's own */
} rid_point_checkpoint;

/** Reads the checkpoint and makes sure that it is the encoder of the stores. What it does not say itself
 *  of schema and frame filter is taken from them, so that their hash is that of the copy, too.
 *  RID_ECONFIG where it is another encoder; errors of rid_checkpoint_read. To be cleared in any case. */
RID_MUST rid_status rid_point_checkpoint_open(rid_point_checkpoint *out, const char *path,
                                              const rid_store_info *stores, int threads,
                                              rid_err *err);
void rid_point_checkpoint_clear(rid_point_checkpoint *p);

/** Writes it with the operating point, a JSON object's text, into an output that was begun for `path`; plain
 *  values of other keys go with it, of others a warning says the names. Errors of
 *  rid_checkpoint_write_to. */
RID_MUST rid_status rid_point_checkpoint_write(rid_point_checkpoint *p, const char *point,
                                               rid_publish *out, const char *path, rid_err *err);

#endif
