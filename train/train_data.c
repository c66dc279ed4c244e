#include "train/train_data.h"

#include "data/base/interrupt.h"
#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/h5file.h"
#include "data/inputs.h"
#include "data/plain.h"
#include "data/rejects.h"
#include "gt/labels.h"
#include "train/encoder.h"
#include "train/frame_reader.h"
#include "train/train_split.h"

#include <string.h>

/** Loading, while it goes on. Entries are rows of `meta`, of set.entries and of `side`. */
typedef struct loader {
    const rid_train_data_options *o;
    rid_train_data *d;
    rid_train_split split; /* labels, and which side a row is on */
    rid_entries *meta;
    rid_encoder *mean;     /* for its choice of frames */
    rid_source *source;
    rid_rejects *rejects;
    size_t entries_cap, frames_cap, index_cap, attr_cap;
    bool held;             /* frames are kept in memory */
    const char *text_file; /* an input with labelled entries that is no store; NULL: none so far */
    rid_burst *bursts;     /* of one batch */
    rid_item **items;
    uint8_t *kept;
    float *embedding;
    size_t bursts_cap, items_cap, kept_cap, embedding_cap;
    uint64_t n_unlabelled, n_excluded, n_empty;
    rid_summary *summary;
} loader;

/* ---- which schema ---- */

/* The stores' schema, where they have one and agree. */
static rid_status read_stores_schema(loader *l, const rid_inputs *files, rid_err *err)
{
    const char *first = NULL; /* the file it came from */
    rid_status st = RID_OK;
    for (size_t i = 0; i < files->n && st == RID_OK; i++) {
        rid_store *store = NULL;
        if (!files->files[i].store)
            continue;
        st = rid_store_open(&store, files->files[i].path, err);
        const char *text = st == RID_OK ? rid_store_get_info(store)->schema : "";
        if (st == RID_OK && first &&
            strcmp(l->d->schema ? rid_schema_text(l->d->schema) : "", text) != 0)
            st = RID_FAIL(err, RID_ECONFIG,
                          "%s and %s were made with different attribute schemas; give --schema", first,
                          files->files[i].path);
        else if (st == RID_OK && !first && *text)
            st = rid_schema_parse(&l->d->schema, rid_str_of(text), files->files[i].path, err);
        first = first ? first : files->files[i].path;
        rid_store_close(store);
    }
    return st;
}

static rid_status choose_schema(loader *l, const char *const *inputs, size_t n, rid_err *err)
{
    rid_inputs files = {0};
    if (l->o->schema_path)
        return rid_schema_read(&l->d->schema, l->o->schema_path, err);
    rid_status st = rid_inputs_find(&files, inputs, n, err);
    if (st == RID_OK)
        st = read_stores_schema(l, &files, err);
    rid_inputs_free(&files);
    return st;
}

/* ---- one batch ---- */

/* The labelled entries of the batch, counting the others. */
static rid_status take_items(loader *l, const rid_batch *batch, size_t *n, rid_err *err)
{
    *n = 0;
    if (rid_mem_grow(&l->items, &l->items_cap, batch->n, sizeof(rid_item *)) != 0)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < batch->n; i++) {
        rid_item *item = batch->items[i];
        rid_status st = RID_OK;
        l->summary->read++;
        if (item->rejected) {
            st = rid_rejects_add(l->rejects, item, l->summary, err);
        } else {
            l->summary->accepted++;
            rid_str id = item->payload.meta.text[RID_TEXT_ID];
            bool labelled = rid_train_split_find(&l->split, id, NULL, NULL);
            if (labelled)
                l->items[(*n)++] = item;
            else if (rid_train_split_is_excluded(&l->split, id))
                l->n_excluded++;
            else
                l->n_unlabelled++;
            if (labelled && item->origin.line > 0)
                l->text_file = item->origin.file;
            for (size_t k = 0; st == RID_OK && k < item->payload.oov.n; k++) {
                const rid_oov_item *o = &item->payload.oov.items[k];
                st = rid_oov_add(&l->summary->oov, rid_str_of(o->field), rid_str_of(o->value), o->count,
                                 err);
            }
        }
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}

/* Which frames serving would use: the mean encoder's choice. */
static rid_status choose_frames(loader *l, size_t n, rid_err *err)
{
    const size_t dim = l->d->set.vis_dim;
    size_t n_frames = 0;
    for (size_t i = 0; i < n; i++)
        n_frames += l->items[i]->payload.frames.rows;
    if (rid_mem_grow(&l->bursts, &l->bursts_cap, n, sizeof *l->bursts) != 0 ||
        rid_mem_grow(&l->kept, &l->kept_cap, n_frames, 1) != 0 ||
        rid_mem_grow(&l->embedding, &l->embedding_cap, n * dim, sizeof *l->embedding) != 0)
        return RID_FAIL_NOMEM(err);
    uint8_t *kept = l->kept;
    for (size_t i = 0; i < n; i++) {
        const rid_json_matrix *m = &l->items[i]->payload.frames;
        l->bursts[i] = (rid_burst){.frames = m->data, .n_frames = m->rows, .kept = kept,
                                   .embedding = l->embedding + i * dim};
        kept += m->rows;
    }
    return rid_encoder_run(l->mean, l->bursts, n, l->o->threads, err);
}

/* Above the limit: frames stay in their stores. */
static rid_status stop_holding(loader *l, rid_err *err)
{
    if (l->text_file)
        return RID_FAIL(err, RID_EUSAGE,
                        "the frames need more than --memory, and %s is no store to read them from again:"
                        " encode the payloads first (rid-encode --encoder mean -o DATA.h5 …), or raise"
                        " --memory",
                        l->text_file);
    rid_log(
        RID_LOG_INFO,
        "the frames need more than the %llu MB of --memory: batches read theirs from the stores",
        (unsigned long long)(l->o->memory >> 20));
    rid_mem_free(l->d->set.frames);
    l->d->set.frames = NULL;
    l->frames_cap = 0;
    l->held = false;
    return RID_OK;
}

static rid_status hold_frames(loader *l, const rid_burst *b, rid_err *err)
{
    rid_train_set *s = &l->d->set;
    rid_train_entry *e = &s->entries[s->n];
    if (rid_mem_grow(&s->frame_index, &l->index_cap, s->n_frames + e->n_frames, sizeof *s->frame_index))
        return RID_FAIL_NOMEM(err);
    if (l->held && (s->n_frames + e->n_frames) * s->vis_dim * sizeof *s->frames > l->o->memory) {
        rid_status st = stop_holding(l, err);
        if (st != RID_OK)
            return st;
    }
    if (!l->held && l->text_file)
        return stop_holding(l, err);
    if (l->held && rid_mem_grow(&s->frames, &l->frames_cap, (s->n_frames + e->n_frames) * s->vis_dim,
                                sizeof *s->frames) != 0)
        return RID_FAIL_NOMEM(err);
    for (size_t f = 0, k = s->n_frames; f < b->n_frames; f++) {
        if (!b->kept[f])
            continue;
        s->frame_index[k] = (uint32_t)f;
        if (l->held)
            rid_train_set_unit_frame(s->frames + k * s->vis_dim, b->frames + f * s->vis_dim, s->vis_dim);
        k++;
    }
    s->n_frames += e->n_frames;
    return RID_OK;
}

static rid_status add_entry(loader *l, const rid_item *item, const rid_burst *b, rid_err *err)
{
    rid_train_set *s = &l->d->set;
    rid_train_entry e = {.first = s->n_frames, .timestamp_us = item->payload.meta.timestamp_us};
    for (size_t f = 0; f < b->n_frames; f++)
        e.n_frames += b->kept[f];
    if (rid_mem_grow(&s->entries, &l->entries_cap, s->n + 1, sizeof *s->entries) != 0 ||
        (s->attr_dim > 0 &&
         rid_mem_grow(&s->attr, &l->attr_cap, (s->n + 1) * s->attr_dim, sizeof *s->attr) != 0))
        return RID_FAIL_NOMEM(err);
    s->entries[s->n] = e;
    if (s->attr_dim > 0)
        memcpy(s->attr + s->n * s->attr_dim, item->payload.attr, s->attr_dim * sizeof *s->attr);
    rid_status st = rid_entries_add(l->meta, &item->payload.meta, RID_ENTRY_OK, err);
    if (st == RID_OK && !l->text_file)
        st = rid_frame_reader_add(l->d->reader, item->origin.file, item->origin.byte, err);
    if (st == RID_OK)
        st = hold_frames(l, b, err);
    s->n += st == RID_OK;
    return st;
}

static rid_status start_encoder(loader *l, rid_err *err)
{
    if (l->mean)
        return RID_OK;
    l->d->set.vis_dim = rid_source_vis_dim(l->source);
    return rid_encoder_new_mean(&l->mean, l->d->set.vis_dim, &l->o->filter, err);
}

static rid_status read_batches(loader *l, rid_progress *progress, rid_err *err)
{
    for (;;) {
        rid_batch batch;
        uint64_t done, total;
        size_t n;
        rid_status st = rid_source_next(l->source, &batch, err);
        if (st == RID_OK && batch.n == 0)
            return RID_OK;
        if (st == RID_OK)
            st = take_items(l, &batch, &n, err);
        if (st == RID_OK && n > 0)
            st = start_encoder(l, err);
        if (st == RID_OK && n > 0)
            st = choose_frames(l, n, err);
        for (size_t i = 0; st == RID_OK && i < n; i++)
            st = add_entry(l, l->items[i], &l->bursts[i], err);
        if (st == RID_OK)
            st = rid_interrupt_check(err);
        if (st != RID_OK)
            return st;
        rid_source_position(l->source, &done, &total);
        rid_progress_update(progress, done, total);
    }
}

/* ---- what was read becomes the set ---- */

/* Entries that a later one with the same id replaces go, and those without frames; the others move up. */
static rid_status drop_entries(loader *l, rid_entries **kept_meta, rid_err *err)
{
    rid_train_set *s = &l->d->set;
    size_t n = 0, n_frames = 0, latest;
    *kept_meta = rid_entries_new();
    if (!*kept_meta)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < s->n; i++) {
        rid_meta m = rid_entries_meta(l->meta, i);
        rid_train_entry e = s->entries[i];
        if (rid_entries_find(l->meta, m.text[RID_TEXT_ID], &latest) && latest != i) {
            l->summary->duplicates++;
            continue;
        }
        if (e.n_frames == 0) {
            l->n_empty++;
            continue;
        }
        rid_status st = rid_entries_add(*kept_meta, &m, RID_ENTRY_OK, err);
        if (st != RID_OK)
            return st;
        memmove(s->frame_index + n_frames, s->frame_index + e.first, e.n_frames * sizeof *s->frame_index);
        if (s->frames)
            memmove(s->frames + n_frames * s->vis_dim, s->frames + e.first * s->vis_dim,
                    e.n_frames * s->vis_dim * sizeof *s->frames);
        else
            rid_frame_reader_move(l->d->reader, n, i);
        if (s->attr_dim > 0)
            memmove(s->attr + n * s->attr_dim, s->attr + i * s->attr_dim, s->attr_dim * sizeof *s->attr);
        e.first = n_frames;
        n_frames += e.n_frames;
        s->entries[n++] = e;
    }
    s->n = n;
    s->n_frames = n_frames;
    return RID_OK;
}

/* Ids move into the set's own memory, so that the table of metadata can go. */
static rid_status copy_ids(rid_train_set *s, const rid_entries *meta, rid_err *err)
{
    size_t at = 0;
    for (size_t i = 0; i < s->n; i++) {
        rid_str id = rid_entries_meta(meta, i).text[RID_TEXT_ID];
        rid_buf_append(&s->strings, id.data, id.len);
        s->entries[i].id.len = id.len;
    }
    if (s->strings.failed)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < s->n; i++) {
        s->entries[i].id.data = s->strings.data + at;
        at += s->entries[i].id.len;
    }
    return RID_OK;
}

static bool has_attributes(const rid_train_set *s)
{
    for (size_t i = 0; i < s->n * s->attr_dim; i++)
        if (s->attr[i] != 0)
            return true;
    return false;
}

static void say_what_is_left_out(const loader *l)
{
    const rid_train_data *d = l->d;
    if (d->set.n > 0 && d->set.attr_dim > 0 && !has_attributes(&d->set))
        rid_log(RID_LOG_WARN, "no entry has an attribute of the schema: does it belong to these inputs?");
    if (l->n_unlabelled > 0)
        rid_log(RID_LOG_INFO, "%llu %s no ground truth: left out",
                (unsigned long long)l->n_unlabelled,
                rid_noun(l->n_unlabelled, "entry has", "entries have"));
    if (l->n_excluded > 0)
        rid_log(RID_LOG_INFO, "%llu %s excluded by the ground truth (include: false)",
                (unsigned long long)l->n_excluded,
                rid_noun(l->n_excluded, "entry is", "entries are"));
    if (l->n_empty > 0)
        rid_log(RID_LOG_WARN, "%llu labelled %s no frame left after the filter",
                (unsigned long long)l->n_empty, rid_noun(l->n_empty, "entry has", "entries have"));
    rid_summary_add_figure(l->summary, "unlabelled", (double)l->n_unlabelled);
    rid_summary_add_figure(l->summary, "entries", (double)d->set.n);
    rid_summary_add_figure(l->summary, "frames", (double)d->set.n_frames);
    rid_summary_say(l->summary, "frames_from", l->held ? "memory" : "stores");
}

static rid_status finish_set(loader *l, rid_err *err)
{
    rid_entries *meta = NULL;
    rid_status st = drop_entries(l, &meta, err);
    if (st == RID_OK)
        st = copy_ids(&l->d->set, meta, err);
    say_what_is_left_out(l);
    if (st == RID_OK && l->d->set.n == 0)
        st = rid_source_seen(l->source) == 0
                 ? RID_FAIL(err, RID_ENOINPUT, "there is no payload in the input")
                 : RID_FAIL(err, RID_EDATA,
                            "none of %llu entries read has ground truth and a frame: do the entry_ids"
                            " of --gt belong to these inputs?",
                            (unsigned long long)l->summary->accepted);
    if (st == RID_OK && !l->held)
        rid_frame_reader_attach(l->d->reader, &l->d->set);
    if (st == RID_OK)
        st = rid_train_split_apply(&l->split, l->d, meta, l->o, err);
    rid_summary_add_figure(l->summary, "people", (double)l->d->set.n_persons);
    rid_entries_free(meta);
    return st;
}

static rid_status open_inputs(loader *l, rid_err *err)
{
    const rid_train_data_options *o = l->o;
    size_t n = o->n_inputs + o->n_val_inputs;
    const char **paths = rid_mem_alloc(n, sizeof *paths);
    if (!paths)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++)
        paths[i] = i < o->n_inputs ? o->inputs[i] : o->val_inputs[i - o->n_inputs];
    rid_source_options source = o->source;
    rid_status st = choose_schema(l, paths, n, err);
    source.schema = l->d->schema;
    l->d->set.attr_dim = l->d->schema ? rid_schema_dim(l->d->schema) : 0;
    if (st == RID_OK)
        st = rid_source_open(&l->source, &source, paths, n, err);
    rid_mem_free(paths);
    return st;
}

rid_status rid_train_data_load(rid_train_data *out, const rid_train_data_options *options,
                               rid_summary *summary, rid_progress *progress, rid_err *err)
{
    loader l = {.o = options, .d = out, .held = true, .summary = summary};
    *out = (rid_train_data){0};
    rid_h5_init();
    l.meta = rid_entries_new();
    out->reader = rid_frame_reader_new();
    rid_status st = l.meta && out->reader ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_train_split_open(&l.split, options, err);
    if (st == RID_OK)
        st = rid_rejects_open(&l.rejects, options->rejects, err);
    if (st == RID_OK)
        st = open_inputs(&l, err);
    if (st == RID_OK)
        st = read_batches(&l, progress, err);
    if (st == RID_OK)
        st = finish_set(&l, err);
    if (st == RID_OK) {
        st = rid_rejects_commit(l.rejects, err);
        l.rejects = NULL;
    }
    rid_rejects_abort(l.rejects);
    rid_source_close(l.source);
    rid_train_split_close(&l.split);
    rid_entries_free(l.meta);
    rid_encoder_free(l.mean);
    rid_mem_free(l.bursts);
    rid_mem_free(l.items);
    rid_mem_free(l.kept);
    rid_mem_free(l.embedding);
    if (st != RID_OK)
        rid_train_data_clear(out);
    return st;
}

void rid_train_data_clear(rid_train_data *d)
{
    rid_frame_reader_free(d->reader);
    rid_train_set_clear(&d->set);
    rid_schema_free(d->schema);
    rid_mem_free(d->train);
    rid_mem_free(d->query);
    rid_mem_free(d->order);
    *d = (rid_train_data){0};
}
