/** One line crossing as received: metadata, frames, attributes. */
#ifndef RID_PAYLOAD_H
#define RID_PAYLOAD_H

#include "data/base/hash.h"
#include "data/base/timestamp.h"
#include "data/base/timezone.h"
#include "data/json.h"
#include "data/schema.h"
#include "data/summary.h"

enum {
    RID_ID_BYTES_MAX = 255, /**< of ids, store, camera, direction and timestamp text */
};
#define RID_PAYLOAD_BYTES_MAX ((size_t)256 << 20)

/** The text fields, in the order in which stores keep them. */
typedef enum rid_text_field {
    RID_TEXT_ID,
    RID_TEXT_DAY,
    RID_TEXT_STORE,
    RID_TEXT_CAMERA,
    RID_TEXT_DIRECTION,
    RID_TEXT_ALERT,
    RID_TEXT_EMPLOYEE,
    RID_TEXT_TIMESTAMP,
    RID_TEXT_FIELDS
} rid_text_field;

/** The payload's key ("entry_id", …) and the store's column ("id", …) of a text field. */
const char *rid_text_field_key(rid_text_field f);
const char *rid_text_field_column(rid_text_field f);

/** What identifies an entry and what is known about it. Views into the owner's memory; a field that
 *  was not given has data = NULL (never so for id, day and store). */
typedef struct rid_meta {
    rid_str text[RID_TEXT_FIELDS];
    int64_t timestamp_us; /**< UTC; RID_TIMESTAMP_NONE without a timestamp */
} rid_meta;

/** Order within a bucket: undated first, then time, then id bytes. */
int rid_meta_compare_time(const rid_meta *a, const rid_meta *b);
/** Order across buckets: day, store, then as rid_meta_compare_time. */
int rid_meta_compare(const rid_meta *a, const rid_meta *b);

/** Zero-initialise; reuse for many payloads; rid_payload_free at the end. */
typedef struct rid_payload {
    rid_meta meta;           /**< views into `strings` */
    rid_json_matrix frames;  /**< f32 (frames.rows, frames.cols), as received */
    rid_buf images;          /**< URIs, one after the other */
    uint64_t *image_ends;    /**< where each ends in `images` */
    size_t n_images, images_cap;
    rid_buf attrs;           /**< the attributes object as compact JSON; empty when not given */
    float *attr;             /**< f32 (rid_schema_dim): attribute vector; NULL without a schema */
    size_t attr_cap;
    rid_oov oov;
    bool persist;            /**< default true */
    rid_buf strings;
    rid_buf rest;            /**< scratch of parsing: the text without its frames */
} rid_payload;

void rid_payload_free(rid_payload *p);
/** View of image URI i. */
rid_str rid_payload_image(const rid_payload *p, size_t i);

/** Why a payload was rejected; `offset` is a byte of its text. */
typedef struct rid_payload_fault {
    rid_reject reason;
    size_t offset;
    char message[256];
} rid_payload_fault;

typedef struct rid_payload_rules {
    const rid_schema *schema;       /**< NULL: no attribute vectors */
    const rid_timezones *timezones; /**< for payloads without a day */
} rid_payload_rules;

/** Parses and checks one payload: the one place where its text becomes numbers. Frames are read
 *  straight from the text where they are regular, otherwise with the rest (same bits, and then with a
 *  position for what is wrong). `entry_key` is the id given by an entry manifest, data = NULL otherwise.
 *  text has RID_JSON_PADDING readable bytes behind it. Returns RID_OK with *rejected = false; RID_OK
 *  with *rejected = true and *fault filled; or RID_ETEMP. Thread-safe for distinct parser and out. */
RID_MUST rid_status rid_payload_parse(rid_payload *out, rid_json_parser *parser, const char *text,
                                      size_t len, rid_str entry_key,
                                      const rid_payload_rules *rules, bool *rejected,
                                      rid_payload_fault *fault, rid_err *err);

/** Fills the attribute vector from p->attrs (as rid_payload_parse does), for entries that come from
 *  a store. */
RID_MUST rid_status rid_payload_set_attr(rid_payload *p, rid_json_parser *parser,
                                         const rid_schema *schema, rid_err *err);
/** Adds metadata, images and attributes to a digest; not the frames. */
void rid_payload_hash(const rid_payload *p, rid_hasher *h);
/** Fills the text fields: copies them into p->strings. */
RID_MUST rid_status rid_payload_set_meta(rid_payload *p, const rid_meta *meta, rid_err *err);

/** True where `key` is a payload's field. */
bool rid_payload_knows_key(rid_str key);

#endif
