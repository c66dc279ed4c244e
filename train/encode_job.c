#include "train/encode_job.h"

#include "data/base/mem.h"
#include "data/half.h"
#include "data/h5file.h"
#include "data/rejects.h"

#include <stdio.h>
#include <string.h>

/** One batch on its way through the encoder. */
typedef struct batch_work {
    rid_item **items; /* the accepted ones */
    rid_burst *bursts;
    float *embeddings;
    uint8_t *kept;
    size_t n, items_cap, bursts_cap, embeddings_cap, kept_cap;
} batch_work;

typedef struct job {
    const rid_encode_options *o;
    rid_model model;
    rid_source *source;
    rid_publish *publish;     /* until the writer takes it */
    rid_store_writer *writer;
    rid_rejects *rejects;
    rid_buf filter;           /* JSON */
    uint16_t *half;
    size_t half_cap;
    batch_work work;
    rid_summary *summary;
    rid_progress *progress;
} job;

static rid_status open_job(job *j, const char *const *inputs, size_t n_inputs, rid_err *err)
{
    const rid_encode_options *o = j->o;
    rid_source_options source = o->source;
    rid_status st = RID_OK;
    rid_h5_init();
    if (!o->dry_run)
        st = rid_publish_begin(&j->publish, o->output, o->force, err);
    if (st == RID_OK)
        st = rid_rejects_open(&j->rejects, o->dry_run ? NULL : o->output, err);
    if (st == RID_OK)
        st = rid_model_open(&j->model, &o->model, err);
    if (st != RID_OK)
        return st;
    source.schema = j->model.schema;
    source.vis_dim = rid_model_vis_dim(&j->model);
    return rid_source_open(&j->source, &source, inputs, n_inputs, err);
}

static void close_job(job *j)
{
    rid_source_close(j->source);
    rid_store_writer_abort(j->writer);
    rid_publish_abort(j->publish);
    rid_rejects_abort(j->rejects);
    rid_model_close(&j->model);
    rid_buf_free(&j->filter);
    rid_mem_free(j->half);
    rid_mem_free(j->work.items);
    rid_mem_free(j->work.bursts);
    rid_mem_free(j->work.embeddings);
    rid_mem_free(j->work.kept);
}

/* Once the size of the frames is known: the encoder and the store. */
static rid_status start_store(job *j, rid_err *err)
{
    rid_store_info info;
    rid_status st = RID_OK;
    if (!j->model.encoder)
        st = rid_model_set_vis_dim(&j->model, rid_source_vis_dim(j->source), err);
    if (st == RID_OK)
        st = rid_model_store_info(&j->model, j->o->frames, &j->filter, &info, err);
    if (st != RID_OK)
        return st;
    rid_publish *p = j->publish;
    j->publish = NULL;
    return rid_store_writer_open(&j->writer, p, &info, err);
}

/* Rounds the frames to float16 and back; a number beyond its range rejects the payload. */
static rid_status round_frames(job *j, rid_item *item, rid_err *err)
{
    rid_json_matrix *m = &item->payload.frames;
    size_t n = m->rows * m->cols;
    if (rid_mem_grow(&j->half, &j->half_cap, n, sizeof *j->half) != 0)
        return RID_FAIL_NOMEM(err);
    item->rejected = !rid_half_from_f32(j->half, m->data, n);
    if (item->rejected) {
        item->fault.reason = RID_REJECT_RANGE;
        snprintf(item->fault.message, sizeof item->fault.message,
                 "embeddings: a number beyond float16's range (--frames f16)");
    }
    rid_half_to_f32(m->data, j->half, n);
    return RID_OK;
}

/* Takes the accepted items of a batch; rejects are noted. */
static rid_status take_items(job *j, const rid_batch *batch, rid_err *err)
{
    batch_work *w = &j->work;
    w->n = 0;
    if (rid_mem_grow(&w->items, &w->items_cap, batch->n, sizeof(rid_item *)) != 0)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < batch->n; i++) {
        rid_item *item = batch->items[i];
        rid_status st = RID_OK;
        j->summary->read++;
        if (!item->rejected && j->o->frames == RID_FRAMES_F16)
            st = round_frames(j, item, err);
        if (st == RID_OK && item->rejected) {
            st = rid_rejects_add(j->rejects, item, j->summary, err);
        } else if (st == RID_OK) {
            j->summary->accepted++;
            w->items[w->n++] = item;
            for (size_t k = 0; k < item->payload.oov.n && st == RID_OK; k++) {
                const rid_oov_item *o = &item->payload.oov.items[k];
                st = rid_oov_add(&j->summary->oov, rid_str_of(o->field), rid_str_of(o->value),
                                 o->count, err);
            }
        }
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}

static rid_status encode_items(job *j, rid_err *err)
{
    batch_work *w = &j->work;
    size_t emb_dim = rid_encoder_emb_dim(j->model.encoder), n_frames = 0;
    bool attributes = rid_encoder_attr_dim(j->model.encoder) > 0;
    for (size_t i = 0; i < w->n; i++)
        n_frames += w->items[i]->payload.frames.rows;
    if (rid_mem_grow(&w->bursts, &w->bursts_cap, w->n, sizeof *w->bursts) != 0 ||
        rid_mem_grow(&w->embeddings, &w->embeddings_cap, w->n * emb_dim, sizeof *w->embeddings) != 0 ||
        rid_mem_grow(&w->kept, &w->kept_cap, n_frames, 1) != 0)
        return RID_FAIL_NOMEM(err);
    uint8_t *kept = w->kept;
    for (size_t i = 0; i < w->n; i++) {
        const rid_payload *p = &w->items[i]->payload;
        w->bursts[i] = (rid_burst){.frames = p->frames.data,
                                   .n_frames = p->frames.rows,
                                   .attr = attributes ? p->attr : NULL,
                                   .embedding = w->embeddings + i * emb_dim,
                                   .kept = kept};
        kept += p->frames.rows;
    }
    return rid_encoder_run(j->model.encoder, w->bursts, w->n, j->o->model.threads, err);
}

static rid_status write_items(job *j, rid_err *err)
{
    batch_work *w = &j->work;
    for (size_t i = 0; i < w->n; i++) {
        const rid_burst *b = &w->bursts[i];
        bool replaced;
        rid_store_row row = {&w->items[i]->payload, b->embedding, b->kept, b->status};
        rid_status st = rid_store_writer_add(j->writer, &row, &replaced, err);
        if (st != RID_OK)
            return st;
        j->summary->duplicates += replaced;
        j->summary->skipped += b->status == RID_ENTRY_SKIP;
    }
    return RID_OK;
}

static rid_status process_batches(job *j, rid_err *err)
{
    for (;;) {
        rid_batch batch;
        uint64_t done, total;
        double start = rid_clock_s();
        rid_status st = rid_source_next(j->source, &batch, err);
        double parsed = rid_clock_s();
        rid_summary_add_stage(j->summary, "read", parsed - start);
        if (st == RID_OK && batch.n == 0)
            return RID_OK;
        if (st == RID_OK)
            st = take_items(j, &batch, err);
        if (st == RID_OK && j->work.n > 0 && !j->o->dry_run) {
            st = j->writer ? RID_OK : start_store(j, err);
            if (st == RID_OK)
                st = encode_items(j, err);
            double encoded = rid_clock_s();
            rid_summary_add_stage(j->summary, "encode", encoded - parsed);
            if (st == RID_OK)
                st = write_items(j, err);
            rid_summary_add_stage(j->summary, "write", rid_clock_s() - encoded);
        }
        if (st != RID_OK)
            return st;
        rid_source_position(j->source, &done, &total);
        rid_progress_update(j->progress, done, total);
    }
}

/* Nothing accepted: an error, except for a shard that has no bucket of the input. */
static rid_status check_accepted(job *j, rid_err *err)
{
    const rid_summary *s = j->summary;
    if (s->accepted > 0)
        return RID_OK;
    if (rid_source_seen(j->source) == 0)
        return RID_FAIL(err, RID_ENOINPUT, "there is no payload in the input; nothing is published");
    if (rid_summary_rejected(s) >= rid_source_seen(j->source))
        return RID_FAIL(err, RID_EDATA, "all %llu payloads were rejected; nothing is published",
                        (unsigned long long)s->read);
    if (rid_source_vis_dim(j->source) == 0)
        return RID_FAIL(err, RID_EDATA, "no payload of any shard is good; nothing is published");
    rid_log(RID_LOG_INFO, "no bucket of the input belongs to this shard: its store is empty");
    return j->o->dry_run ? RID_OK : start_store(j, err);
}

static rid_status publish_outputs(job *j, rid_err *err)
{
    double start = rid_clock_s();
    rid_publish *p = NULL;
    rid_store_writer *w = j->writer;
    j->writer = NULL;
    rid_status st = rid_store_writer_finish(w, j->o->model.threads, &p, err);
    double verified = rid_clock_s();
    rid_summary_add_stage(j->summary, "verify", verified - start);
    if (st != RID_OK)
        return st;
    rid_rejects *r = j->rejects;
    j->rejects = NULL;
    st = rid_rejects_commit(r, err);
    if (st != RID_OK) {
        rid_publish_abort(p);
        return st;
    }
    st = rid_publish_commit(p, err);
    rid_summary_add_stage(j->summary, "publish", rid_clock_s() - verified);
    return st;
}

rid_status rid_encode_run(const rid_encode_options *options, const char *const *inputs,
                          size_t n_inputs, rid_summary *summary, rid_progress *progress,
                          rid_err *err)
{
    job j = {.o = options, .summary = summary, .progress = progress};
    rid_status st = open_job(&j, inputs, n_inputs, err);
    if (st == RID_OK)
        st = process_batches(&j, err);
    if (st == RID_OK)
        st = check_accepted(&j, err);
    if (st == RID_OK && !options->dry_run)
        st = publish_outputs(&j, err);
    if (st == RID_OK) {
        uint64_t done, total;
        rid_source_position(j.source, &done, &total);
        rid_progress_finish(progress, done, total);
        if (rid_summary_exceeds(summary, options->max_rejects))
            summary->exit_code = 3;
    }
    close_job(&j);
    return st;
}
