#include "data/store_report.h"

#include "data/base/interrupt.h"
#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/jsonw.h"
#include "data/plain.h"
#include "data/store_set.h"

enum { FORMAT_VERSION = 1, FLUSH_BYTES = 1 << 20 };

/* Hands what has been gathered to the output. */
static rid_status flush(rid_publish *out, rid_buf *text, rid_err *err)
{
    rid_status st = text->failed ? RID_FAIL_NOMEM(err) : RID_OK;
    if (st == RID_OK && out && text->len > 0)
        st = rid_publish_write(out, text->data, text->len, err);
    rid_buf_clear(text);
    return st;
}

/* ---- verify ---- */

static rid_status verify_one(rid_buf *text, const char *path, int threads, rid_err *err)
{
    rid_store *store;
    uint64_t frames = 0;
    rid_status st = rid_interrupt_check(err);
    if (st == RID_OK)
        st = rid_store_open(&store, path, err);
    if (st != RID_OK)
        return st;
    st = rid_store_verify(store, true, threads, err);
    if (st == RID_OK) {
        for (size_t row = 0; row < rid_store_count(store); row++)
            frames += rid_store_frame_count(store, row);
        rid_plain_append(text, rid_str_of(path));
        rid_buf_printf(text, ": ok (%zu %s, %llu %s)\n", rid_store_count(store),
                       rid_noun(rid_store_count(store), "entry", "entries"),
                       (unsigned long long)frames, rid_noun(frames, "frame", "frames"));
    }
    rid_store_close(store);
    return st;
}

rid_status rid_store_report_verify(rid_publish *out, const char *const *paths, size_t n,
                                   int threads, rid_err *err)
{
    rid_buf text = {0};
    rid_status worst = RID_OK, st = RID_OK;
    size_t bad = 0;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_err mine = {0};
        rid_status one = verify_one(&text, paths[i], threads, &mine);
        if (one == RID_OK) {
            st = flush(out, &text, err);
        } else if (one == RID_EINTR || n == 1) {
            st = one;
            if (err)
                *err = mine;
        } else {
            rid_log(RID_LOG_ERROR, "%s", mine.message);
            bad++;
            worst = worst == RID_OK || one == RID_EDATA ? one : worst;
        }
    }
    rid_buf_free(&text);
    if (st != RID_OK || bad == 0)
        return st;
    return RID_FAIL(err, worst, "%zu of %zu stores did not pass", bad, n);
}

/* ---- list ---- */

static void meta_json(rid_jsonw *w, const rid_meta *m, rid_entry_status status)
{
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        rid_jsonw_key(w, rid_text_field_key((rid_text_field)f));
        rid_jsonw_str(w, m->text[f]);
    }
    rid_jsonw_key(w, "status");
    rid_jsonw_cstr(w, rid_entry_status_name(status));
}

static void list_line(rid_buf *text, const rid_store_set *set, rid_place p, bool json)
{
    rid_meta m = rid_store_set_meta(set, p);
    if (json) {
        rid_jsonw w = {text, false};
        rid_jsonw_begin_object(&w);
        meta_json(&w, &m, rid_store_set_status(set, p));
        rid_jsonw_end_object(&w);
    } else {
        rid_plain_append(text, m.text[RID_TEXT_ID]);
        rid_buf_append_char(text, '\t');
        rid_plain_append(text, m.text[RID_TEXT_DAY]);
        rid_buf_append_char(text, '\t');
        rid_plain_append(text, m.text[RID_TEXT_STORE]);
    }
    rid_buf_append_char(text, '\n');
}

static rid_status list_one(rid_publish *out, rid_buf *text, const char *path, uint64_t limit,
                           bool json, rid_err *err)
{
    rid_store_set set;
    rid_status st = rid_store_set_open(&set, &path, 1, limit, err);
    if (st != RID_OK)
        return st;
    rid_store_set_sort(&set);
    for (size_t i = 0; i < set.n && st == RID_OK; i++) {
        list_line(text, &set, set.places[i], json);
        if (text->len >= FLUSH_BYTES || text->failed)
            st = flush(out, text, err);
        if (st == RID_OK)
            st = rid_interrupt_check(err);
    }
    rid_store_set_close(&set);
    return st == RID_OK ? flush(out, text, err) : st;
}

rid_status rid_store_report_list(rid_publish *out, const char *const *paths, size_t n,
                                 uint64_t limit, bool json, rid_err *err)
{
    rid_buf text = {0};
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = list_one(out, &text, paths[i], limit, json, err);
    rid_buf_free(&text);
    return st;
}

/* ---- show ---- */

typedef struct entry {
    rid_payload payload; /* without frames */
    rid_entry_status status;
    bool has_frames;
    size_t n_frames, n_kept;
    uint8_t *kept;
} entry;

static rid_status read_entry(entry *e, rid_store *store, size_t row, rid_err *err)
{
    e->status = rid_entries_status(rid_store_entries(store), row);
    e->has_frames = rid_store_get_info(store)->frames != RID_FRAMES_NONE;
    e->n_frames = rid_store_frame_count(store, row);
    rid_status st = rid_store_read_payload(store, row, false, &e->payload, err);
    if (st != RID_OK || !e->has_frames)
        return st;
    e->kept = rid_mem_alloc(e->n_frames, 1);
    if (!e->kept)
        return RID_FAIL_NOMEM(err);
    st = rid_store_read_kept(store, row, e->kept, err);
    for (size_t i = 0; i < e->n_frames && st == RID_OK; i++)
        e->n_kept += e->kept[i];
    return st;
}

static void show_json(rid_buf *text, const entry *e)
{
    rid_jsonw w = {text, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_i64(&w, FORMAT_VERSION);
    meta_json(&w, &e->payload.meta, e->status);
    rid_jsonw_key(&w, "attrs");
    if (e->payload.attrs.len)
        rid_jsonw_raw(&w, rid_buf_view(&e->payload.attrs));
    else
        rid_jsonw_null(&w);
    rid_jsonw_key(&w, "images");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < e->payload.n_images; i++)
        rid_jsonw_str(&w, rid_payload_image(&e->payload, i));
    rid_jsonw_end_array(&w);
    rid_jsonw_key(&w, "frames");
    if (e->has_frames) {
        rid_jsonw_begin_object(&w);
        rid_jsonw_key(&w, "count");
        rid_jsonw_u64(&w, e->n_frames);
        rid_jsonw_key(&w, "kept");
        rid_jsonw_begin_array(&w);
        for (size_t i = 0; i < e->n_frames; i++)
            if (e->kept[i])
                rid_jsonw_u64(&w, i);
        rid_jsonw_end_array(&w);
        rid_jsonw_end_object(&w);
    } else {
        rid_jsonw_null(&w);
    }
    rid_jsonw_end_object(&w);
    rid_buf_append_char(text, '\n');
}

/* "11, kept 9: 0-4, 6-9" */
static void show_frames(rid_buf *text, const entry *e)
{
    rid_plain_append_label(text, "frames");
    if (!e->has_frames) {
        rid_buf_append_str(text, "not stored\n");
        return;
    }
    rid_buf_printf(text, "%zu, kept %zu", e->n_frames, e->n_kept);
    const char *join = ": ";
    for (size_t i = 0; i < e->n_frames; i++) {
        size_t last = i;
        if (!e->kept[i])
            continue;
        while (last + 1 < e->n_frames && e->kept[last + 1])
            last++;
        rid_buf_printf(text, "%s%zu", join, i);
        if (last > i)
            rid_buf_printf(text, "-%zu", last);
        join = ", ";
        i = last;
    }
    rid_buf_append_char(text, '\n');
}

static void show_text(rid_buf *text, const entry *e)
{
    const rid_payload *p = &e->payload;
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        if (p->meta.text[f].data)
            rid_plain_append_line(text, rid_text_field_key((rid_text_field)f), p->meta.text[f]);
    rid_plain_append_line(text, "status", rid_str_of(rid_entry_status_name(e->status)));
    if (p->attrs.len) { /* JSON as it is: its backslashes are escapes already */
        rid_plain_append_label(text, "attrs");
        rid_buf_append(text, p->attrs.data, p->attrs.len);
        rid_buf_append_char(text, '\n');
    }
    for (size_t i = 0; i < p->n_images; i++)
        rid_plain_append_line(text, i ? "" : "images", rid_payload_image(p, i));
    show_frames(text, e);
}

static rid_status fail_unknown(const rid_store *store, const char *entry_id, rid_err *err)
{
    rid_buf id = {0};
    rid_plain_append(&id, rid_str_of(entry_id));
    rid_status st = rid_buf_cstr(&id)
                        ? RID_FAIL(err, RID_ENOINPUT, "%s: there is no entry '%.255s' among its %zu",
                                   rid_store_path(store), id.data, rid_store_count(store))
                        : RID_FAIL_NOMEM(err);
    rid_buf_free(&id);
    return st;
}

rid_status rid_store_report_show(rid_publish *out, const char *path, const char *entry_id,
                                 bool json, rid_err *err)
{
    rid_store *store;
    rid_buf text = {0};
    entry e = {0};
    size_t row;
    rid_status st = rid_store_open(&store, path, err);
    if (st != RID_OK)
        return st;
    if (!rid_entries_find(rid_store_entries(store), rid_str_of(entry_id), &row))
        st = fail_unknown(store, entry_id, err);
    if (st == RID_OK)
        st = read_entry(&e, store, row, err);
    if (st == RID_OK && json)
        show_json(&text, &e);
    else if (st == RID_OK)
        show_text(&text, &e);
    if (st == RID_OK)
        st = flush(out, &text, err);
    rid_payload_free(&e.payload);
    rid_mem_free(e.kept);
    rid_buf_free(&text);
    rid_store_close(store);
    return st;
}
