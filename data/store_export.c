#include "data/store_export.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/csv.h"
#include "data/jsonw.h"
#include "data/store_set.h"

#include <omp.h>
#include <string.h>

enum {
    BATCH_ROWS = 256,
    BATCH_FLOATS = 1 << 21, /* about 25 MB of JSON; a row with more is a batch of its own */
    KEEP_BYTES = 1 << 20,   /* memory that a slot keeps for its next row */
    FLUSH_BYTES = 1 << 20,
};

/* One row of a batch: filled by one thread. */
typedef struct slot {
    rid_payload payload;
    rid_buf text; /* what the row is in the output */
} slot;

typedef struct job {
    const rid_export_options *o;
    rid_store_set set;
    const rid_store_info *info;
    rid_publish *publish;
    rid_buf out;
    slot slots[BATCH_ROWS];
    float *embeddings; /* f32 (threads, emb_dim) */
} job;

/* ---- one row in each format ---- */

static void append_payload(rid_buf *out, const rid_payload *p)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        if (!p->meta.text[f].data)
            continue;
        rid_jsonw_key(&w, rid_text_field_key((rid_text_field)f));
        rid_jsonw_str(&w, p->meta.text[f]);
    }
    if (p->n_images > 0) {
        rid_jsonw_key(&w, "images");
        rid_jsonw_begin_array(&w);
        for (size_t i = 0; i < p->n_images; i++)
            rid_jsonw_str(&w, rid_payload_image(p, i));
        rid_jsonw_end_array(&w);
    }
    if (p->attrs.len > 0) {
        rid_jsonw_key(&w, "attrs");
        rid_jsonw_raw(&w, rid_buf_view(&p->attrs));
    }
    rid_jsonw_key(&w, "embeddings");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < p->frames.rows; i++)
        rid_jsonw_f32_array(&w, p->frames.data + i * p->frames.cols, p->frames.cols);
    rid_jsonw_end_array(&w);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}

static void append_csv_header(rid_buf *out, size_t emb_dim)
{
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        rid_buf_printf(out, "%s,", rid_text_field_key((rid_text_field)f));
    rid_buf_append_str(out, "status");
    for (size_t i = 0; i < emb_dim; i++)
        rid_buf_printf(out, ",emb_%zu", i);
    rid_buf_append_char(out, '\n');
}

static void append_csv_row(rid_buf *out, const rid_meta *meta, rid_entry_status status,
                           const float *embedding, size_t emb_dim)
{
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        rid_csv_append_field(out, meta->text[f]);
        rid_buf_append_char(out, ',');
    }
    rid_buf_append_str(out, rid_entry_status_name(status));
    char *at = rid_buf_reserve(out, emb_dim * (RID_JSON_NUMBER_MAX + 1) + 1);
    if (!at)
        return;
    char *start = at;
    for (size_t i = 0; i < emb_dim; i++) {
        *at++ = ',';
        at += rid_json_write_f32(at, embedding[i]);
    }
    *at++ = '\n';
    out->len += (size_t)(at - start);
}

/* numpy.lib.format, version 1.0: magic, version, length of the dictionary, dictionary, padded with
 * blanks to a multiple of 64 bytes. */
static void append_npy_header(rid_buf *out, size_t n, size_t emb_dim)
{
    enum { PREFIX = 10, ALIGNMENT = 64 };
    rid_buf_append(out, "\x93NUMPY\x01\x00\x00\x00", PREFIX);
    rid_buf_printf(out, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", n,
                   emb_dim);
    while (!out->failed && (out->len + 1) % ALIGNMENT != 0)
        rid_buf_append_char(out, ' ');
    rid_buf_append_char(out, '\n');
    if (out->failed)
        return;
    out->data[PREFIX - 2] = (char)((out->len - PREFIX) & 0xFF);
    out->data[PREFIX - 1] = (char)((out->len - PREFIX) >> 8);
}

/* ---- batches ---- */

static rid_status format_row(job *j, rid_place p, slot *s, float *embedding, rid_err *err)
{
    rid_store *store = j->set.stores[p.store];
    size_t row = p.row;
    rid_buf_clear(&s->text);
    rid_status st = RID_OK;
    if (j->o->format == RID_EXPORT_JSONL) {
        st = rid_store_read_payload(store, row, true, &s->payload, err);
        if (st == RID_OK)
            append_payload(&s->text, &s->payload);
    } else {
        st = rid_store_read_embeddings(store, &row, 1, embedding, err);
        rid_meta meta = rid_store_set_meta(&j->set, p);
        if (st == RID_OK && j->o->format == RID_EXPORT_CSV)
            append_csv_row(&s->text, &meta, rid_store_set_status(&j->set, p), embedding,
                           j->info->emb_dim);
        else if (st == RID_OK)
            rid_buf_append(&s->text, embedding, j->info->emb_dim * sizeof *embedding);
    }
    return st == RID_OK && s->text.failed ? RID_FAIL_NOMEM(err) : st;
}

static rid_status format_batch(job *j, size_t first, size_t n, rid_err *err)
{
    rid_status st = RID_OK;
    size_t failed_at = n;
#pragma omp parallel for num_threads(j->o->threads) schedule(dynamic, 1) if (n > 1)
    for (size_t i = 0; i < n; i++) {
        rid_err mine = {0};
        float *embedding = j->embeddings + (size_t)omp_get_thread_num() * j->info->emb_dim;
        rid_status one = format_row(j, j->set.places[first + i], &j->slots[i], embedding, &mine);
        if (one == RID_OK)
            continue;
#pragma omp critical(rid_export)
        if (i < failed_at) { /* the first fault, whichever thread found it */
            failed_at = i;
            st = one;
            if (err)
                *err = mine;
        }
    }
    return st;
}

static rid_status flush(job *j, size_t more_than, rid_err *err)
{
    if (j->out.failed)
        return RID_FAIL_NOMEM(err);
    if (j->out.len <= more_than)
        return RID_OK;
    rid_status st = RID_OK;
    if (j->publish)
        st = rid_publish_write(j->publish, j->out.data, j->out.len, err);
    rid_buf_clear(&j->out);
    return st;
}

static rid_status write_batch(job *j, size_t n, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        slot *s = &j->slots[i];
        rid_buf_append(&j->out, s->text.data, s->text.len);
        st = flush(j, FLUSH_BYTES, err);
        if (s->text.cap > KEEP_BYTES)
            rid_buf_free(&s->text);
        if (s->payload.frames.cap > KEEP_BYTES / sizeof(float))
            rid_payload_free(&s->payload);
    }
    return st;
}

/* How many rows from `first` on make a batch. */
static size_t batch_rows(const job *j, size_t first)
{
    size_t n = 0, floats = 0;
    while (n < BATCH_ROWS && first + n < j->set.n && floats < BATCH_FLOATS) {
        rid_place p = j->set.places[first + n];
        floats += j->o->format == RID_EXPORT_JSONL
                      ? rid_store_frame_count(j->set.stores[p.store], p.row) * j->info->vis_dim
                      : j->info->emb_dim;
        n++;
    }
    return n;
}

static rid_status write_rows(job *j, rid_progress *progress, rid_err *err)
{
    rid_status st = RID_OK;
    if (j->o->format == RID_EXPORT_CSV)
        append_csv_header(&j->out, j->info->emb_dim);
    if (j->o->format == RID_EXPORT_NPY)
        append_npy_header(&j->out, j->set.n, j->info->emb_dim);
    for (size_t first = 0, n; first < j->set.n && st == RID_OK; first += n) {
        n = batch_rows(j, first);
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = format_batch(j, first, n, err);
        if (st == RID_OK)
            st = write_batch(j, n, err);
        rid_progress_update(progress, first + n, j->set.n);
    }
    return st == RID_OK ? flush(j, 0, err) : st;
}

static rid_status open_job(job *j, rid_err *err)
{
    const rid_export_options *o = j->o;
    rid_status st = RID_OK;
    if (!o->dry_run)
        st = rid_publish_begin(&j->publish, o->output, o->force, err);
    if (st == RID_OK)
        st = rid_store_set_open(&j->set, o->inputs, o->n_inputs, o->limit, err);
    if (st != RID_OK)
        return st;
    j->info = rid_store_get_info(j->set.stores[0]);
    if (o->format == RID_EXPORT_JSONL && j->info->frames == RID_FRAMES_NONE)
        return RID_FAIL(err, RID_EDATA,
                        "%s: holds no frames (made with --frames none), which payloads need; its"
                        " embeddings can be had with --format csv or npy",
                        rid_store_path(j->set.stores[0]));
    j->embeddings = rid_mem_alloc((size_t)o->threads * sizeof(float), j->info->emb_dim);
    return j->embeddings ? RID_OK : RID_FAIL_NOMEM(err);
}

static void close_job(job *j)
{
    rid_publish_abort(j->publish);
    rid_store_set_close(&j->set);
    rid_buf_free(&j->out);
    for (size_t i = 0; i < BATCH_ROWS; i++) {
        rid_payload_free(&j->slots[i].payload);
        rid_buf_free(&j->slots[i].text);
    }
    rid_mem_free(j->embeddings);
    rid_mem_free(j);
}

rid_status rid_store_export(const rid_export_options *options, rid_summary *summary,
                            rid_progress *progress, rid_err *err)
{
    job *j = rid_mem_zalloc(1, sizeof *j);
    if (!j)
        return RID_FAIL_NOMEM(err);
    j->o = options;
    double start_s = rid_clock_s();
    rid_status st = open_job(j, err);
    double opened_s = rid_clock_s();
    rid_summary_add_stage(summary, "open", opened_s - start_s);
    summary->read = summary->accepted = j->set.n_read;
    summary->duplicates = j->set.n_duplicates;
    for (size_t i = 0; i < j->set.n; i++)
        summary->skipped += rid_store_set_status(&j->set, j->set.places[i]) == RID_ENTRY_SKIP;
    if (st == RID_OK)
        st = write_rows(j, progress, err);
    if (st == RID_OK && j->publish) {
        st = rid_publish_commit(j->publish, err);
        j->publish = NULL;
    }
    rid_summary_add_stage(summary, "write", rid_clock_s() - opened_s);
    if (st == RID_OK)
        rid_progress_finish(progress, j->set.n, j->set.n);
    close_job(j);
    return st;
}
