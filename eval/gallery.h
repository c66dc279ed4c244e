/** A bucket's gallery that grows entry by entry: query, decide, add. Scores are bit for bit those of
 *  rid_scan, decisions those of rid_cluster. */
#ifndef RID_GALLERY_H
#define RID_GALLERY_H

#include "eval/rule.h"

typedef struct rid_gallery rid_gallery;

/** Empty, for embeddings of `dim`. NULL when there is no memory. One thread at a time. */
rid_gallery *rid_gallery_new(size_t dim);
void rid_gallery_free(rid_gallery *g);

/** Decides for an embedding f32 (dim) against all rows in the gallery; NULL: not matchable, a person
 *  of its own. d->person is the person joined, or a new one. Rows in d are those that
 *  rid_gallery_add gave. Does not add. */
RID_MUST rid_status rid_gallery_decide(rid_gallery *g, const float *embedding, const rid_rule *rule,
                                       rid_decision *d, rid_err *err);
/** Adds an entry of `person`; *row is its place. Later persons are numbered behind the highest. */
RID_MUST rid_status rid_gallery_add(rid_gallery *g, const float *embedding, uint32_t person,
                                    uint32_t *row, rid_err *err);
/** Counts a person without a matchable entry, so that their number is not given again. */
void rid_gallery_count_person(rid_gallery *g, uint32_t person);
/** Takes a row out: it is not matched any more. */
void rid_gallery_remove(rid_gallery *g, uint32_t row);

#endif
