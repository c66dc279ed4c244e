#include "data/manifest.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <string.h>

enum { EVENTS_AT_ONCE = 32, FORMAT_VERSION = 1 };

static const char *const embeddings_names[] = {"frames", "fused", "none"};

const char *rid_embeddings_name(rid_embeddings_kind k)
{
    return embeddings_names[k];
}

bool rid_embeddings_parse(const char *name, rid_embeddings_kind *kind)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(name, embeddings_names[i]) == 0) {
            *kind = (rid_embeddings_kind)i;
            return true;
        }
    }
    return false;
}

const char *rid_event_status_name(rid_event_status s)
{
    static const char *const names[] = {"match", "new", "skip"};
    return names[s];
}

void rid_person_id_append(rid_buf *out, rid_str store_id, uint32_t number)
{
    rid_buf_append(out, store_id.data, store_id.len);
    rid_buf_printf(out, "-%04u", number);
}

static size_t count_events(const rid_manifest *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_people; i++)
        n += m->people[i].n_events;
    return n;
}

void rid_manifest_write_head(const rid_manifest *m, rid_buf *out)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_i64(&w, FORMAT_VERSION);
    rid_jsonw_key(&w, "ok");
    rid_jsonw_bool(&w, true);
    rid_jsonw_key(&w, "day_id");
    rid_jsonw_str(&w, m->day);
    rid_jsonw_key(&w, "store_id");
    rid_jsonw_str(&w, m->store);
    rid_jsonw_key(&w, "provenance");
    rid_jsonw_raw(&w, rid_str_of(m->provenance));
    rid_buf_append_str(out, ",\n");
}

/** One thread's memory for reading an entry. */
typedef struct reading {
    rid_payload payload;
    float *embedding;
    uint8_t *kept;
    size_t embedding_cap, kept_cap;
} reading;

static rid_status write_frames_used(rid_jsonw *w, rid_store *s, size_t row, reading *r, rid_err *err)
{
    size_t n = rid_store_frame_count(s, row), used = 0;
    rid_jsonw_key(w, "frames_used");
    if (rid_store_get_info(s)->frames == RID_FRAMES_NONE) {
        rid_jsonw_null(w);
        return RID_OK;
    }
    if (rid_mem_grow(&r->kept, &r->kept_cap, n, 1) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_store_read_kept(s, row, r->kept, err);
    for (size_t i = 0; i < n; i++)
        used += r->kept[i];
    rid_jsonw_u64(w, used);
    return st;
}

static rid_status write_embeddings(rid_jsonw *w, rid_embeddings_kind kind, rid_store *s, size_t row,
                                   reading *r, rid_err *err)
{
    size_t emb_dim = rid_store_get_info(s)->emb_dim;
    const rid_json_matrix *m = &r->payload.frames;
    rid_status st = RID_OK;
    if (kind == RID_EMBEDDINGS_NONE)
        return RID_OK;
    rid_jsonw_key(w, "embeddings");
    rid_jsonw_begin_array(w);
    if (kind == RID_EMBEDDINGS_FUSED) {
        if (rid_mem_grow(&r->embedding, &r->embedding_cap, emb_dim, sizeof *r->embedding) != 0)
            return RID_FAIL_NOMEM(err);
        st = rid_store_read_embeddings(s, &row, 1, r->embedding, err);
        rid_jsonw_f32_array(w, r->embedding, emb_dim);
    }
    for (size_t i = 0; kind == RID_EMBEDDINGS_FRAMES && i < m->rows; i++)
        rid_jsonw_f32_array(w, m->data + i * m->cols, m->cols);
    rid_jsonw_end_array(w);
    return st;
}

static void write_metadata(rid_jsonw *w, const rid_payload *p)
{
    static const rid_text_field shown[] = {RID_TEXT_TIMESTAMP, RID_TEXT_DIRECTION, RID_TEXT_CAMERA,
                                           RID_TEXT_ALERT, RID_TEXT_EMPLOYEE};
    rid_jsonw_key(w, "entry_id");
    rid_jsonw_str(w, p->meta.text[RID_TEXT_ID]);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        rid_jsonw_key(w, rid_text_field_key(shown[i]));
        rid_jsonw_str(w, p->meta.text[shown[i]]);
    }
    rid_jsonw_key(w, "images");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < p->n_images; i++)
        rid_jsonw_str(w, rid_payload_image(p, i));
    rid_jsonw_end_array(w);
}

static void write_scores(rid_jsonw *w, const rid_event *e)
{
    rid_jsonw_key(w, "status");
    rid_jsonw_cstr(w, rid_event_status_name(e->status));
    rid_jsonw_key(w, "match_id");
    rid_jsonw_str(w, e->match_id);
    rid_jsonw_key(w, "second_id");
    rid_jsonw_str(w, e->second_id);
    rid_jsonw_key(w, "score");
    if (e->has_score)
        rid_jsonw_f32(w, e->score);
    else
        rid_jsonw_null(w);
    rid_jsonw_key(w, "score2");
    if (e->has_score)
        rid_jsonw_f32(w, e->score2);
    else
        rid_jsonw_null(w);
}

static rid_status write_event(rid_buf *out, const rid_manifest *m, const rid_store_set *set,
                              const rid_event *e, reading *r, rid_err *err)
{
    size_t row = e->place.row;
    rid_jsonw w = {out, false};
    rid_store *s = set->stores[e->place.store];
    rid_status st =
        rid_store_read_payload(s, row, m->embeddings == RID_EMBEDDINGS_FRAMES, &r->payload, err);
    if (st != RID_OK)
        return st;
    rid_jsonw_begin_object(&w);
    write_metadata(&w, &r->payload);
    write_scores(&w, e);
    st = write_frames_used(&w, s, row, r, err);
    rid_jsonw_key(&w, "attrs");
    rid_jsonw_raw(&w, r->payload.attrs.len ? rid_buf_view(&r->payload.attrs) : rid_str_of("{}"));
    if (st == RID_OK)
        st = write_embeddings(&w, m->embeddings, s, row, r, err);
    rid_jsonw_end_object(&w);
    return st == RID_OK && out->failed ? RID_FAIL_NOMEM(err) : st;
}

/* The earliest timestamp among a person's events, as it was given. */
static rid_str first_seen(const rid_person *p, const rid_store_set *set)
{
    for (size_t i = 0; i < p->n_events; i++) { /* in time order, undated ones first */
        rid_str t = rid_store_set_meta(set, p->events[i].place).text[RID_TEXT_TIMESTAMP];
        if (t.data)
            return t;
    }
    return (rid_str){NULL, 0};
}

static void begin_person(rid_buf *out, const rid_manifest *m, size_t index, const rid_store_set *set)
{
    rid_buf id = {0};
    rid_jsonw w = {out, false};
    const rid_person *p = &m->people[index];
    rid_person_id_append(&id, m->store, p->number);
    rid_buf_append_str(out, index ? "]},\n" : "\n");
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "person_id");
    rid_jsonw_str(&w, rid_buf_view(&id));
    rid_jsonw_key(&w, "first_seen");
    rid_jsonw_str(&w, first_seen(p, set));
    rid_jsonw_key(&w, "events");
    rid_buf_append_char(out, '[');
    out->failed |= id.failed;
    rid_buf_free(&id);
}

/** Walks all events of all people in order. */
typedef struct cursor {
    size_t person, event;
} cursor;

static bool next_event(const rid_manifest *m, cursor *at)
{
    if (++at->event < m->people[at->person].n_events)
        return true;
    at->event = 0;
    at->person++;
    return at->person < m->n_people;
}

/* Formats the next events, in parallel, into pieces[0..n); returns n. */
static rid_status format_events(const rid_manifest *m, const rid_store_set *set, int threads,
                                cursor *at, rid_buf *pieces, size_t *n, rid_err *err)
{
    const rid_event *events[EVENTS_AT_ONCE];
    rid_status st = RID_OK;
    bool more = true;
    for (*n = 0; *n < EVENTS_AT_ONCE && more; (*n)++) {
        rid_buf *piece = &pieces[*n];
        rid_buf_clear(piece);
        events[*n] = &m->people[at->person].events[at->event];
        if (at->event == 0)
            begin_person(piece, m, at->person, set);
        else
            rid_buf_append_str(piece, ",\n ");
        more = next_event(m, at);
    }
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (threads > 1 && *n > 1)
    {
        reading r = {0};
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < *n; i++) {
            rid_err mine = {0};
            rid_status one = write_event(&pieces[i], m, set, events[i], &r, &mine);
            if (one == RID_OK)
                continue;
#pragma omp critical(rid_manifest)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_payload_free(&r.payload);
        rid_mem_free(r.embedding);
        rid_mem_free(r.kept);
    }
    return st;
}

static rid_status write_people(const rid_manifest *m, const rid_store_set *set, int threads,
                               rid_manifest_sink *write, void *ctx, rid_err *err)
{
    rid_buf pieces[EVENTS_AT_ONCE] = {{0}};
    cursor at = {0, 0};
    rid_status st = RID_OK;
    while (st == RID_OK && at.person < m->n_people) {
        size_t n;
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = format_events(m, set, threads, &at, pieces, &n, err);
        for (size_t i = 0; st == RID_OK && i < n; i++)
            st = write(ctx, pieces[i].data, pieces[i].len, err);
    }
    for (int i = 0; i < EVENTS_AT_ONCE; i++)
        rid_buf_free(&pieces[i]);
    return st;
}

rid_status rid_manifest_write(const rid_manifest *m, const rid_store_set *set, int threads,
                              rid_manifest_sink *write, void *ctx, rid_err *err)
{
    rid_buf head = {0};
    rid_manifest_write_head(m, &head);
    rid_buf_printf(&head, "\"person_count\":%zu,\"event_count\":%zu,\"people\":[", m->n_people,
                   count_events(m));
    rid_status st = head.failed ? RID_FAIL_NOMEM(err) : write(ctx, head.data, head.len, err);
    rid_buf_free(&head);
    if (st == RID_OK)
        st = write_people(m, set, threads, write, ctx, err);
    const char *end = m->n_people ? "]}\n]}\n" : "]}\n";
    return st == RID_OK ? write(ctx, end, strlen(end), err) : st;
}
