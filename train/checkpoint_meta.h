/** The key `rid` of a checkpoint: what keeps training and serving together. JSON:
 *  {"format_version":1, "schema": text or null, "filter": {…} or null, "provenance": {…} or null,
 *   "weights_digest": 64 hex digits, "operating_point": {…} or null} */
#ifndef RID_CHECKPOINT_META_H
#define RID_CHECKPOINT_META_H

#include "train/checkpoint.h"

enum { RID_CHECKPOINT_META_VERSION = 1 };

/** Members are owned (rid_mem), NULL where null or absent. */
typedef struct rid_checkpoint_meta {
    char *schema;          /**< the attribute schema file's text */
    char *filter;          /**< frame-filter settings, a JSON object's text */
    char *provenance;      /**< JSON object's text */
    char *operating_point; /**< JSON object's text */
    char weights_digest[65];
} rid_checkpoint_meta;

/** Reads the JSON text. Unknown keys are ignored. RID_EDATA: not such a document, or one of a later
 *  version; RID_ETEMP. *out is all zero on failure. */
RID_MUST rid_status rid_checkpoint_meta_read(rid_checkpoint_meta *out, const char *json,
                                             rid_err *err);

/** The JSON text of *m to *json, owned by the caller (rid_mem_free). RID_EDATA where a member is
 * not the JSON it should be. */
RID_MUST rid_status rid_checkpoint_meta_write(char **json, const rid_checkpoint_meta *m,
                                              rid_err *err);
void rid_checkpoint_meta_free(rid_checkpoint_meta *m);

/** Sets m->weights_digest to the digest of ck's weights, and ck->rid to m's JSON. */
RID_MUST rid_status rid_checkpoint_meta_seal(rid_checkpoint *ck, rid_checkpoint_meta *m,
                                             rid_err *err);

/** Compares the digest of ck's weights with the one in ck->rid (present), which is found without
 *  parsing the whole: in memory of fixed size. RID_EDATA where it is missing or differs. */
RID_MUST rid_status rid_checkpoint_meta_verify(const rid_checkpoint *ck, rid_err *err);

#endif
