#include "train/match_job.h"

#include "data/base/mem.h"
#include "data/h5file.h"
#include "data/jsonw.h"
#include "eval/gallery_cover.h"
#include "train/match_state.h"

#include <inttypes.h>
#include <string.h>

typedef struct job {
    const rid_match_options *o;
    rid_model model;
    rid_operating_point point;
    rid_store_set warm; /* until it is loaded */
    rid_source *source;
    rid_publish *answers;
    rid_publish *persist; /* until the writer takes it */
    rid_store_writer *writer;
    rid_match_state *state;
    rid_buf filter, line, person;
    float *embedding;
    uint8_t *kept;
    size_t kept_cap;
    bool said_beyond; /* that a bucket outgrew the galleries of the calibrated point */
    rid_summary *summary;
} job;

static void close_job(job *j)
{
    rid_store_set_close(&j->warm);
    rid_source_close(j->source);
    rid_publish_abort(j->answers);
    rid_publish_abort(j->persist);
    rid_store_writer_abort(j->writer);
    rid_match_state_free(j->state);
    rid_model_close(&j->model);
    rid_buf_free(&j->filter);
    rid_buf_free(&j->line);
    rid_buf_free(&j->person);
    rid_mem_free(j->embedding);
    rid_mem_free(j->kept);
}

/* The warm stores' calibrated point, or else the checkpoint's, and --point. */
static rid_status settle_point(job *j, const rid_store_info *warm, rid_err *err)
{
    const bool is_warm = warm && warm->operating_point;
    return rid_operating_point_settle(&j->point,
                                      is_warm ? warm->operating_point : j->model.operating_point,
                                      is_warm ? "store" : "checkpoint", j->o->point_file,
                                      rid_encoder_hash(j->model.encoder), err);
}

/* Once the size of the frames is known: the encoder, the store to persist to, the galleries. */
static rid_status start(job *j, size_t vis_dim, rid_err *err)
{
    rid_store_info info;
    const rid_store_info *warm_info = j->warm.n_stores ? rid_store_set_info(&j->warm) : NULL;
    rid_status st = j->model.encoder ? RID_OK : rid_model_set_vis_dim(&j->model, vis_dim, err);
    if (st == RID_OK && warm_info &&
        strcmp(warm_info->encoder_hash, rid_encoder_hash(j->model.encoder)) != 0)
        st = RID_FAIL(err, RID_ECONFIG,
                      "the warm stores were made by another encoder (%.16s…) than this one (%.16s…)",
                      warm_info->encoder_hash, rid_encoder_hash(j->model.encoder));
    if (st == RID_OK)
        st = settle_point(j, warm_info, err);
    if (st == RID_OK)
        st = rid_model_store_info(&j->model, RID_FRAMES_F32, &j->filter, &info, err);
    if (st == RID_OK && j->persist) {
        rid_publish *p = j->persist;
        j->persist = NULL;
        st = rid_store_writer_open(&j->writer, p, &info, err);
    }
    if (st != RID_OK)
        return st;
    size_t emb_dim = rid_encoder_emb_dim(j->model.encoder);
    j->embedding = rid_mem_alloc(emb_dim, sizeof *j->embedding);
    j->state = rid_match_state_new(emb_dim, &j->point.rule);
    if (!j->embedding || !j->state)
        return RID_FAIL_NOMEM(err);
    if (warm_info)
        st = rid_match_state_warm(j->state, &j->warm, err);
    rid_store_set_close(&j->warm);
    return st;
}

static rid_status open_job(job *j, const char *const *inputs, size_t n_inputs, rid_err *err)
{
    const rid_match_options *o = j->o;
    rid_source_options source = o->source;
    rid_status st = RID_OK;
    rid_h5_init();
    if (o->persist && !o->dry_run)
        st = rid_publish_begin(&j->persist, o->persist, o->force, err);
    if (st == RID_OK)
        st = rid_publish_begin(&j->answers, o->output ? o->output : "-", o->force, err);
    if (st == RID_OK)
        st = rid_model_open(&j->model, &o->model, err);
    if (st == RID_OK && o->n_warm > 0)
        st = rid_store_set_open(&j->warm, o->warm, o->n_warm, 0, err);
    const rid_store_info *warm = j->warm.n_stores ? rid_store_set_info(&j->warm) : NULL;
    size_t vis_dim = warm ? warm->vis_dim : rid_model_vis_dim(&j->model);
    if (st == RID_OK && vis_dim > 0)
        st = start(j, vis_dim, err);
    if (st != RID_OK)
        return st;
    source.schema = j->model.schema;
    source.vis_dim = rid_model_vis_dim(&j->model);
    source.interactive = true;
    return rid_source_open(&j->source, &source, inputs, n_inputs, err);
}

/* ---- answers ---- */

static rid_status send_line(job *j, rid_err *err)
{
    rid_buf_append_char(&j->line, '\n');
    if (j->line.failed)
        return RID_FAIL_NOMEM(err);
    return rid_publish_write(j->answers, j->line.data, j->line.len, err);
}

static rid_status answer_reject(job *j, const rid_item *item, rid_err *err)
{
    rid_jsonw w = {&j->line, false};
    rid_buf_clear(&j->line);
    j->summary->rejects[item->fault.reason]++;
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "ok");
    rid_jsonw_bool(&w, false);
    rid_jsonw_key(&w, "error");
    rid_jsonw_cstr(&w, item->fault.message);
    rid_jsonw_key(&w, "reason");
    rid_jsonw_cstr(&w, rid_reject_name(item->fault.reason));
    rid_jsonw_key(&w, "line");
    rid_jsonw_u64(&w, item->origin.line);
    rid_jsonw_key(&w, "byte");
    rid_jsonw_u64(&w, item->origin.byte);
    rid_jsonw_end_object(&w);
    return send_line(j, err);
}

static void write_scores(rid_jsonw *w, const rid_answer *a)
{
    rid_jsonw_key(w, "score");
    if (a->has_score)
        rid_jsonw_f32(w, a->score);
    else
        rid_jsonw_null(w);
    rid_jsonw_key(w, "score2");
    if (a->has_score)
        rid_jsonw_f32(w, a->score2);
    else
        rid_jsonw_null(w);
}

static void write_frames(rid_jsonw *w, const rid_json_matrix *m)
{
    rid_jsonw_key(w, "embeddings");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < m->rows; i++)
        rid_jsonw_f32_array(w, m->data + i * m->cols, m->cols);
    rid_jsonw_end_array(w);
}

static rid_status send_answer(job *j, const rid_payload *p, const rid_answer *a, rid_err *err)
{
    static const rid_text_field shown[] = {RID_TEXT_ID,        RID_TEXT_DAY,       RID_TEXT_STORE,
                                           RID_TEXT_TIMESTAMP, RID_TEXT_DIRECTION, RID_TEXT_CAMERA};
    rid_jsonw w = {&j->line, false};
    rid_buf_clear(&j->line);
    rid_buf_clear(&j->person);
    rid_person_id_append(&j->person, p->meta.text[RID_TEXT_STORE], a->person);
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "ok");
    rid_jsonw_bool(&w, true);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        rid_jsonw_key(&w, rid_text_field_key(shown[i]));
        rid_jsonw_str(&w, p->meta.text[shown[i]]);
    }
    rid_jsonw_key(&w, "images");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < p->n_images; i++)
        rid_jsonw_str(&w, rid_payload_image(p, i));
    rid_jsonw_end_array(&w);
    rid_jsonw_key(&w, "status");
    rid_jsonw_cstr(&w, rid_event_status_name(a->skip      ? RID_EVENT_SKIP
                                             : a->matched ? RID_EVENT_MATCH
                                                          : RID_EVENT_NEW));
    rid_jsonw_key(&w, "match_id");
    rid_jsonw_str(&w, a->match_id);
    rid_jsonw_key(&w, "person_id");
    rid_jsonw_str(&w, rid_buf_view(&j->person));
    write_scores(&w, a);
    if (a->replaced) {
        rid_jsonw_key(&w, "replaced");
        rid_jsonw_bool(&w, true);
    }
    if (j->o->echo_frames)
        write_frames(&w, &p->frames);
    rid_jsonw_end_object(&w);
    j->line.failed |= j->person.failed;
    return send_line(j, err);
}

/* The store of entries seen follows the stream: a later payload replaces the earlier, and one that
 * must not persist takes the earlier out. */
static rid_status persist(job *j, const rid_payload *p, const rid_burst *b, rid_err *err)
{
    rid_store_row row = {p, b->embedding, b->kept, b->status};
    if (!j->writer)
        return RID_OK;
    if (!p->persist)
        return rid_store_writer_remove(j->writer, p->meta.text[RID_TEXT_ID], err);
    return rid_store_writer_add(j->writer, &row, NULL, err);
}

/* When it happens, for a stream may go on for long. */
static void say_beyond(job *j, const rid_meta *m, size_t n_matchable)
{
    const rid_calibrated_point *c = &j->point.calibrated;
    if (j->said_beyond || !rid_gallery_cover_applies(&j->point) || n_matchable <= c->gallery_max)
        return;
    j->said_beyond = true;
    rid_log(RID_LOG_WARN,
            "bucket %.*s/%.*s has more than the %" PRIu64
            " matchable entries that the operating point"
            " covers: from here on FPIR may be above %.4g",
            RID_STR(m->text[RID_TEXT_DAY]), RID_STR(m->text[RID_TEXT_STORE]), c->gallery_max,
            c->max_fpir);
}

static void say_galleries(const job *j)
{
    rid_gallery_cover cover = {0};
    for (size_t b = 0; b < rid_match_state_buckets(j->state); b++)
        rid_gallery_cover_take(&cover, &j->point, rid_match_state_matchable(j->state, b));
    rid_gallery_cover_say(&cover, &j->point);
}

static rid_status answer_payload(job *j, const rid_payload *p, rid_err *err)
{
    rid_digest128 digest;
    rid_answer answer;
    bool repeated = false;
    rid_status st = j->state ? RID_OK : start(j, p->frames.cols, err);
    if (st == RID_OK && rid_mem_grow(&j->kept, &j->kept_cap, p->frames.rows, 1) != 0)
        st = RID_FAIL_NOMEM(err);
    if (st != RID_OK)
        return st;
    rid_burst b = {.frames = p->frames.data,
                   .n_frames = p->frames.rows,
                   .attr = rid_encoder_attr_dim(j->model.encoder) ? p->attr : NULL,
                   .embedding = j->embedding,
                   .kept = j->kept};
    st = rid_encoder_run(j->model.encoder, &b, 1, 1, err);
    bool skip = b.status == RID_ENTRY_SKIP;
    if (st == RID_OK)
        st = rid_match_digest(&digest, p, skip ? NULL : j->embedding,
                              rid_encoder_emb_dim(j->model.encoder), err);
    if (st == RID_OK)
        st = rid_match_state_ask(j->state, &p->meta, skip ? NULL : j->embedding, &digest, &answer,
                                 &repeated, err);
    if (st == RID_OK)
        st = persist(j, p, &b, err);
    if (st != RID_OK)
        return st;
    say_beyond(j, &p->meta, answer.n_matchable);
    j->summary->accepted++;
    j->summary->skipped += skip;
    j->summary->duplicates += repeated || answer.replaced;
    for (size_t i = 0; i < p->oov.n && st == RID_OK; i++)
        st = rid_oov_add(&j->summary->oov, rid_str_of(p->oov.items[i].field),
                         rid_str_of(p->oov.items[i].value), p->oov.items[i].count, err);
    return st == RID_OK ? send_answer(j, p, &answer, err) : st;
}

static rid_status answer_all(job *j, rid_err *err)
{
    for (;;) {
        rid_batch batch;
        rid_status st = rid_source_next(j->source, &batch, err);
        if (st != RID_OK || batch.n == 0)
            return st;
        for (size_t i = 0; i < batch.n && st == RID_OK; i++) {
            const rid_item *item = batch.items[i];
            j->summary->read++;
            st = item->rejected ? answer_reject(j, item, err)
                                : answer_payload(j, &item->payload, err);
        }
        if (st != RID_OK)
            return st;
    }
}

static rid_status finish(job *j, rid_err *err)
{
    const rid_summary *s = j->summary;
    rid_status st = RID_OK;
    if (j->writer && s->accepted > 0) {
        rid_publish *p = NULL;
        rid_store_writer *w = j->writer;
        j->writer = NULL;
        st = rid_store_writer_finish(w, j->o->model.threads, &p, err);
        if (st == RID_OK)
            st = rid_publish_commit(p, err);
    }
    rid_publish *answers = j->answers;
    j->answers = NULL;
    if (st == RID_OK)
        st = rid_publish_commit(answers, err);
    else
        rid_publish_abort(answers);
    if (st == RID_OK && s->accepted == 0)
        st = s->read == 0 ? RID_FAIL(err, RID_ENOINPUT, "there was no payload in the input")
                          : RID_FAIL(err, RID_EDATA, "all %llu payloads were rejected",
                                     (unsigned long long)s->read);
    return st;
}

rid_status rid_match_run(const rid_match_options *options, const char *const *inputs,
                         size_t n_inputs, rid_summary *summary, rid_err *err)
{
    job j = {.o = options, .point = options->point, .summary = summary};
    rid_status st = open_job(&j, inputs, n_inputs, err);
    if (st == RID_OK)
        st = answer_all(&j, err);
    if (st == RID_OK)
        st = finish(&j, err);
    if (st == RID_OK)
        say_galleries(&j);
    if (st == RID_OK && rid_summary_exceeds(summary, options->max_rejects))
        summary->exit_code = 3;
    close_job(&j);
    return st;
}
