/** Reading manifest documents (see manifest.h), ours or another tool's: what identifies the events and how
 *  they were matched. Frames are passed over and take no memory. */
#ifndef RID_MANIFEST_READ_H
#define RID_MANIFEST_READ_H

#include "data/json_file.h"
#include "data/manifest.h"

/** An event of a person; views that live during the call, data NULL where a text is null or not there. */
typedef struct rid_manifest_event {
    rid_str entry_id; /**< data NULL: a person begins, before the events */
    rid_str person_id;
    rid_str camera, match_id;
    rid_str timestamp;
    int64_t timestamp_us; /**< RID_TIMESTAMP_NONE without one */
    bool has_status;      /**< the document says status */
    rid_event_status status;
    double score, score2; /**< NaN: null or not there */
} rid_manifest_event;

/** A document; views as above. */
typedef struct rid_manifest_head {
    rid_str day, store;
    rid_str
        made_by; /**< as rid_manifest_append_made_by writes it; data NULL without a provenance */
} rid_manifest_head;

typedef struct rid_manifest_reader {
    /** A document begins. */
    rid_status (*begin)(void *ctx, const rid_manifest_head *head, rid_err *err);
    rid_status (*event)(void *ctx, const rid_manifest_event *e, rid_err *err);
    void *ctx;
} rid_manifest_reader;

/** Reads one document (also .gz, .zst, "-"), people and events in its order. RID_EDATA from a callback gets
 *  file, line and byte in front. RID_ENOINPUT; RID_EDATA with file, line, byte and what was expected (no
 *  manifest, wrong types, an empty id, an unreadable timestamp, more than 1 GiB without the frames);
 *  RID_ETEMP; RID_EINTR; what the callbacks return. */
RID_MUST rid_status rid_manifest_read(const char *path, const rid_manifest_reader *reader,
                                      rid_err *err);

/** Appends what decides a clustering, as a JSON object: encoder_hash, threshold, margin, nn2; null for data
 *  NULL and NaN. Equal texts, equal makers. */
void rid_manifest_append_made_by(rid_buf *out, rid_str encoder_hash, double threshold,
                                 double margin, rid_str nn2);

#endif
