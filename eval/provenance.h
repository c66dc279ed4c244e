/** What a manifest document says of its making: a digest of the contents it was made from, encoder,
 *  operating point and selection. No clock, host or path: same inputs, same bytes. */
#ifndef RID_PROVENANCE_H
#define RID_PROVENANCE_H

#include "data/manifest.h"
#include "eval/operating_point.h"

/** What was asked for, beside the operating point. Borrowed. */
typedef struct rid_selection {
    const char *entry_id; /**< only the person who has that entry; NULL: all */
    const char *const *cameras;
    size_t n_cameras;     /**< 0: all */
    bool camera_match;    /**< cluster only those cameras (match), else hide the others (view) */
    rid_embeddings_kind embeddings;
} rid_selection;

/** Digests everything a document is made from: n places in matching order with their embeddings emb,
 *  f32 (n, emb_dim); the frames too where the document shows them. hex: 32 digits and NUL. */
RID_MUST rid_status rid_provenance_digest(char hex[33], const rid_store_set *set,
                                          const rid_place *places, const float *emb, size_t n,
                                          bool frames, rid_err *err);
/** Appends the JSON object. gallery: matchable entries of the bucket. */
RID_MUST rid_status rid_provenance_write(rid_buf *out, const rid_store_info *info,
                                         const rid_operating_point *point, size_t gallery,
                                         const rid_selection *selection, const char *digest,
                                         rid_err *err);

#endif
