/** The manifest document: a bucket's people and their events, as JSON. */
#ifndef RID_MANIFEST_H
#define RID_MANIFEST_H

#include "data/store_set.h"
#include "data/jsonw.h"

typedef enum rid_embeddings_kind {
    RID_EMBEDDINGS_FRAMES, /**< every frame, as received */
    RID_EMBEDDINGS_FUSED,  /**< the entry's embedding, as [[…]] */
    RID_EMBEDDINGS_NONE,   /**< no such key */
} rid_embeddings_kind;

const char *rid_embeddings_name(rid_embeddings_kind k);
bool rid_embeddings_parse(const char *name, rid_embeddings_kind *kind);

/** "match", "new" or "skip" of an event. */
typedef enum rid_event_status {
    RID_EVENT_MATCH,
    RID_EVENT_NEW,
    RID_EVENT_SKIP,
} rid_event_status;
const char *rid_event_status_name(rid_event_status s);

/** What matching said of an entry. */
typedef struct rid_event {
    rid_place place;
    rid_event_status status;
    bool has_score;        /**< an earlier matchable entry exists */
    float score, score2;   /**< score2 −1 where only it is missing */
    rid_str match_id;      /**< the entry joined; data NULL: none */
    rid_str second_id;     /**< nn2's entry; data NULL: none */
} rid_event;

/** A person and their events, in matching order. */
typedef struct rid_person {
    uint32_t number; /**< running number in the bucket, from 1 */
    const rid_event *events;
    size_t n_events;
} rid_person;

/** "<store_id>-<number, at least four digits>" */
void rid_person_id_append(rid_buf *out, rid_str store_id, uint32_t number);

typedef struct rid_manifest {
    rid_str day, store;     /**< data NULL: null in the document */
    const char *provenance; /**< JSON object */
    const rid_person *people;
    size_t n_people;
    rid_embeddings_kind embeddings;
} rid_manifest;

/** Appends the document's beginning, up to and with the provenance: equal for documents made from the
 *  same inputs with the same settings. */
void rid_manifest_write_head(const rid_manifest *m, rid_buf *out);

/** Writes the whole document through `write`, which is called by one thread at a time. Events are
 *  formatted by `threads` threads while others are written; the bytes do not depend on that.
 *  Memory: a megabyte or an event for each thread, 24 bytes for each event. */
typedef rid_status rid_manifest_sink(void *ctx, const void *bytes, size_t n, rid_err *err);
RID_MUST rid_status rid_manifest_write(const rid_manifest *m, const rid_store_set *set, int threads,
                                       rid_manifest_sink *write, void *ctx, rid_err *err);

#endif
