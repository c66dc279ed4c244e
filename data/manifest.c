#include "data/manifest.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <string.h>

enum { FORMAT_VERSION = 1 };

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

/** An event and whose it is. */
typedef struct appearance {
    const rid_event *event;
    size_t person; /* index */
} appearance;

/** All events of all people in order, cut into pieces: piece i is starts[i], …,
 *  starts[i + 1] - 1. */
typedef struct plan {
    appearance *events;
    size_t n, n_pieces;
    size_t *starts; /* (n_pieces + 1) */
} plan;

/* About how many bytes it takes. */
static size_t guess_bytes(const rid_manifest *m, const rid_store_set *set, const rid_event *e)
{
    enum { METADATA_BYTES = 600, NUMBER_BYTES = 11 };
    const rid_store *s = set->stores[e->place.store];
    const rid_store_info *info = rid_store_get_info(s);
    size_t numbers = m->embeddings == RID_EMBEDDINGS_FRAMES
                         ? rid_store_frame_count(s, e->place.row) * info->vis_dim
                     : m->embeddings == RID_EMBEDDINGS_FUSED ? info->emb_dim
                                                             : 0;
    return METADATA_BYTES + NUMBER_BYTES * numbers;
}

/* Pieces are large enough for the file system to keep what is written in large pages. */
static rid_status make_plan(plan *p, const rid_manifest *m, const rid_store_set *set, rid_err *err)
{
    enum { PIECE_BYTES = 768 << 10 };
    size_t n = count_events(m), bytes = PIECE_BYTES;
    p->events = rid_mem_alloc(n, sizeof *p->events);
    p->starts = rid_mem_alloc(n + 1, sizeof *p->starts);
    if (!p->events || !p->starts)
        return RID_FAIL_NOMEM(err);
    for (size_t person = 0; person < m->n_people; person++) {
        for (size_t i = 0; i < m->people[person].n_events; i++) {
            const rid_event *e = &m->people[person].events[i];
            if (bytes >= PIECE_BYTES) {
                p->starts[p->n_pieces++] = p->n;
                bytes = 0;
            }
            bytes += guess_bytes(m, set, e);
            p->events[p->n++] = (appearance){e, person};
        }
    }
    p->starts[p->n_pieces] = n;
    return RID_OK;
}

static rid_status format_piece(rid_buf *piece, const rid_manifest *m, const rid_store_set *set,
                               const appearance *events, size_t n, reading *r, rid_err *err)
{
    rid_status st = RID_OK;
    rid_buf_clear(piece);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        if (events[i].event == m->people[events[i].person].events)
            begin_person(piece, m, events[i].person, set);
        else
            rid_buf_append_str(piece, ",\n ");
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = write_event(piece, m, set, events[i].event, r, err);
    }
    return st;
}

/* A thread writes its piece while others format theirs, each in its turn. */
static rid_status write_pieces(const plan *p, const rid_manifest *m, const rid_store_set *set,
                               int threads, rid_manifest_sink *write, void *ctx, rid_err *err)
{
    rid_status st = RID_OK;
    bool failed = false;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (threads > 1 && p->n_pieces > 1)
    {
        reading r = {0};
        rid_buf piece = {0};
#pragma omp for ordered schedule(dynamic, 1)
        for (size_t i = 0; i < p->n_pieces; i++) {
            rid_err mine = {0};
            rid_status one = RID_OK;
            bool stop;
#pragma omp atomic read
            stop = failed;
            if (!stop)
                one = format_piece(&piece, m, set, p->events + p->starts[i],
                                   p->starts[i + 1] - p->starts[i], &r, &mine);
#pragma omp ordered
            if (st == RID_OK) { /* otherwise an earlier piece has failed */
                if (one == RID_OK)
                    one = write(ctx, piece.data, piece.len, &mine);
                if (one != RID_OK) {
                    st = one;
                    if (err)
                        *err = mine;
#pragma omp atomic write
                    failed = true;
                }
            }
        }
        rid_payload_free(&r.payload);
        rid_mem_free(r.embedding);
        rid_mem_free(r.kept);
        rid_buf_free(&piece);
    }
    return st;
}

static rid_status write_people(const rid_manifest *m, const rid_store_set *set, int threads,
                               rid_manifest_sink *write, void *ctx, rid_err *err)
{
    plan p = {0};
    rid_status st = make_plan(&p, m, set, err);
    if (st == RID_OK)
        st = write_pieces(&p, m, set, threads, write, ctx, err);
    rid_mem_free(p.events);
    rid_mem_free(p.starts);
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
