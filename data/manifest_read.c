#include "data/manifest_read.h"

#include "data/base/timestamp.h"

#include <math.h>
#include <string.h>

static const size_t DOCUMENT_MAX = (size_t)1 << 30;

/* A value of null counts as one that is not there. */
static bool find(rid_json object, const char *key, rid_json *v)
{
    return rid_json_find(object, key, v) && rid_json_type_of(*v) != RID_JSON_NULL;
}

/* RID_EDATA at the member that is at fault. */
static rid_status fail_member(rid_json_file *f, rid_json object, const char *key,
                              const char *expected, rid_err *err)
{
    rid_json v;
    if (!rid_json_file_enter(f, object, key, &v))
        return rid_json_file_fail_type(f, err, expected, object);
    const rid_status st = rid_json_file_fail_type(f, err, expected, v);
    rid_json_file_leave(f);
    return st;
}

static rid_status take_text(rid_json_file *f, rid_json object, const char *key, rid_str *out,
                            rid_err *err)
{
    rid_json v;
    *out = (rid_str){NULL, 0};
    return !find(object, key, &v) || rid_json_get_str(v, out)
               ? RID_OK
               : fail_member(f, object, key, "a string or null", err);
}

static rid_status take_id(rid_json_file *f, rid_json object, const char *key, rid_str *out,
                          rid_err *err)
{
    rid_json v;
    return rid_json_find(object, key, &v) && rid_json_get_str(v, out) && out->len > 0
               ? RID_OK
               : fail_member(f, object, key,
                             strcmp(key, "entry_id") == 0 ? "an entry_id" : "a person_id", err);
}

static rid_status take_score(rid_json_file *f, rid_json object, const char *key, double *out,
                             rid_err *err)
{
    rid_json v;
    *out = NAN;
    return !find(object, key, &v) || rid_json_get_f64(v, out)
               ? RID_OK
               : fail_member(f, object, key, "a number or null", err);
}

static rid_status take_time(rid_json_file *f, rid_json object, rid_manifest_event *e, rid_err *err)
{
    rid_status st = take_text(f, object, "timestamp", &e->timestamp, err);
    e->timestamp_us = RID_TIMESTAMP_NONE;
    if (st == RID_OK && e->timestamp.data && !rid_timestamp_parse(e->timestamp, &e->timestamp_us))
        st = fail_member(f, object, "timestamp", "an RFC 3339 timestamp or null", err);
    return st;
}

static rid_status take_status(rid_json_file *f, rid_json object, rid_manifest_event *e,
                              rid_err *err)
{
    rid_str text;
    rid_status st = take_text(f, object, "status", &text, err);
    e->has_status = st == RID_OK && text.data;
    for (e->status = RID_EVENT_MATCH; e->has_status; e->status++) {
        if (e->status > RID_EVENT_SKIP)
            return fail_member(f, object, "status", "match, new or skip", err);
        if (rid_str_equal(text, rid_str_of(rid_event_status_name(e->status))))
            break;
    }
    return st;
}

/* What is at work. */
typedef struct reading {
    const rid_manifest_reader *reader;
    rid_str person;
} reading;

static rid_status give(rid_json_file *f, const reading *r, const rid_manifest_event *e,
                       rid_err *err)
{
    const rid_status st = r->reader->event(r->reader->ctx, e, err);
    return st == RID_EDATA ? rid_json_file_fail_here(f, err) : st;
}

static rid_status read_event(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    const reading *r = ctx;
    rid_manifest_event e = {.person_id = r->person};
    (void)key;
    if (rid_json_type_of(v) != RID_JSON_OBJECT)
        return rid_json_file_fail_type(f, err, "an event: an object with 'entry_id'", v);
    rid_status st = take_id(f, v, "entry_id", &e.entry_id, err);
    if (st == RID_OK)
        st = take_text(f, v, "camera", &e.camera, err);
    if (st == RID_OK)
        st = take_text(f, v, "match_id", &e.match_id, err);
    if (st == RID_OK)
        st = take_time(f, v, &e, err);
    if (st == RID_OK)
        st = take_status(f, v, &e, err);
    if (st == RID_OK)
        st = take_score(f, v, "score", &e.score, err);
    if (st == RID_OK)
        st = take_score(f, v, "score2", &e.score2, err);
    return st == RID_OK ? give(f, r, &e, err) : st;
}

static rid_status read_person(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    reading *r = ctx;
    rid_json events;
    (void)key;
    if (rid_json_type_of(v) != RID_JSON_OBJECT)
        return rid_json_file_fail_type(f, err, "a person: an object with 'person_id' and 'events'",
                                       v);
    rid_status st = take_id(f, v, "person_id", &r->person, err);
    if (st == RID_OK)
        st = give(f, r, &(rid_manifest_event){.person_id = r->person}, err);
    if (st != RID_OK)
        return st;
    if (!rid_json_file_enter(f, v, "events", &events))
        return rid_json_file_fail_type(f, err, "a person with an array 'events'", v);
    st = rid_json_type_of(events) == RID_JSON_ARRAY
             ? rid_json_file_each(f, events, read_event, r, err)
             : rid_json_file_fail_type(f, err, "an array of events", events);
    rid_json_file_leave(f);
    return st;
}

void rid_manifest_append_made_by(rid_buf *out, rid_str encoder_hash, double threshold,
                                 double margin, rid_str nn2)
{
    rid_jsonw w = {.out = out};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "encoder_hash");
    rid_jsonw_str(&w, encoder_hash);
    rid_jsonw_key(&w, "threshold");
    rid_jsonw_f64(&w, threshold);
    rid_jsonw_key(&w, "margin");
    rid_jsonw_f64(&w, margin);
    rid_jsonw_key(&w, "nn2");
    rid_jsonw_str(&w, nn2);
    rid_jsonw_end_object(&w);
}

/* What the provenance says, as far as it does. */
static void read_made_by(rid_buf *out, rid_json provenance)
{
    rid_json point, v;
    rid_str hash = {NULL, 0}, nn2 = {NULL, 0};
    double threshold = NAN, margin = NAN;
    if (find(provenance, "encoder_hash", &v))
        (void)rid_json_get_str(v, &hash);
    if (find(provenance, "operating_point", &point)) {
        if (find(point, "threshold", &v))
            (void)rid_json_get_f64(v, &threshold);
        if (find(point, "margin", &v))
            (void)rid_json_get_f64(v, &margin);
        if (find(point, "nn2", &v))
            (void)rid_json_get_str(v, &nn2);
    }
    rid_manifest_append_made_by(out, hash, threshold, margin, nn2);
}

static rid_status begin_document(rid_json_file *f, const reading *r, rid_err *err)
{
    rid_manifest_head head = {.day = {NULL, 0}};
    rid_json provenance;
    rid_buf made_by = {0};
    rid_status st = take_text(f, f->root, "day_id", &head.day, err);
    if (st == RID_OK)
        st = take_text(f, f->root, "store_id", &head.store, err);
    if (st == RID_OK && find(f->root, "provenance", &provenance)) {
        read_made_by(&made_by, provenance);
        head.made_by = rid_buf_view(&made_by);
        if (made_by.failed)
            st = RID_FAIL_NOMEM(err);
    }
    if (st == RID_OK && (st = r->reader->begin(r->reader->ctx, &head, err)) == RID_EDATA)
        st = rid_json_file_fail_here(f, err);
    rid_buf_free(&made_by);
    return st;
}

static rid_status read_document(rid_json_file *f, reading *r, rid_err *err)
{
    rid_json people;
    if (!rid_json_find(f->root, "people", &people) || rid_json_type_of(people) != RID_JSON_ARRAY)
        return rid_json_file_fail_type(f, err, "a manifest: an object with an array 'people'",
                                       f->root);
    rid_status st = begin_document(f, r, err);
    if (st != RID_OK || !rid_json_file_enter(f, f->root, "people", &people))
        return st;
    st = rid_json_file_each(f, people, read_person, r, err);
    rid_json_file_leave(f);
    return st;
}

rid_status rid_manifest_read(const char *path, const rid_manifest_reader *reader, rid_err *err)
{
    rid_err mine = {0};
    rid_json_file f;
    reading r = {.reader = reader};
    err = err ? err : &mine;
    rid_status st = rid_json_file_open(&f, path, DOCUMENT_MAX, "embeddings", err);
    if (st == RID_OK)
        st = read_document(&f, &r, err);
    rid_json_file_close(&f);
    return st;
}
