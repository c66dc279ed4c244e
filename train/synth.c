#include "train/synth.h"

#include "data/base/buf.h"
#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/synth_attrs.h"
#include "train/synth_check.h"
#include "train/synth_encoder.h"
#include "train/synth_payload.h"
#include "train/synth_world.h"

#include <omp.h>
#include <string.h>

enum {
    BLOCK_BYTES = 64 << 20, /* of payload text kept at once */
    BLOCK_ENTRIES = 256,    /* at most, and then more than enough for every thread */
};

typedef struct run {
    const rid_synth_options *o;
    rid_synth_world world;
    int64_t first_day; /* days since 1970 */
    rid_synth_output kind;
    rid_publish *payloads, *gt; /* open outputs, or NULL */
    uint64_t n_written;         /* entries in the output now open */
    rid_buf line;               /* scratch: ground truth, paths */
    rid_synth_crossing *plan;
    size_t plan_cap;
    /* One block of entries: what thread t makes of entry i. */
    size_t block;
    rid_buf *texts;           /* (block) */
    rid_synth_frames *frames; /* (block) */
    float *memory;            /* f32 (threads, 3, vis_dim) */
    uint64_t total;           /* entries to come, for progress */
    rid_progress *progress;
    rid_synth_result counts;
} run;

/* ---- outputs ---- */

static rid_status check_free(const run *r, const char *path, rid_err *err)
{
    return path ? rid_publish_check(path, r->o->force, err) : RID_OK;
}

/* The file of a bucket in a directory, in r->line; NULL: no memory. */
static const char *bucket_path(run *r, const rid_synth_bucket *b)
{
    size_t n = strlen(r->o->output);
    while (n > 1 && r->o->output[n - 1] == '/')
        n--;
    rid_buf_clear(&r->line);
    rid_buf_append(&r->line, r->o->output, n);
    rid_buf_printf(&r->line, "/%s/%s.jsonl", b->day_id, b->store_id);
    return rid_buf_cstr(&r->line);
}

/* Refuses before the first hour of work, not after it. */
static rid_status check_outputs(run *r, rid_err *err)
{
    const rid_synth_options *o = r->o;
    rid_status st = RID_OK;
    if (r->kind != RID_SYNTH_DIRECTORY)
        st = check_free(r, o->output, err);
    if (st == RID_OK)
        st = check_free(r, o->gt_path, err);
    if (st == RID_OK)
        st = check_free(r, o->schema_path, err);
    if (st == RID_OK)
        st = check_free(r, o->ckpt_path, err);
    if (r->kind != RID_SYNTH_DIRECTORY || o->force)
        return st;
    for (uint32_t day = 0; st == RID_OK && day < o->days; day++) {
        for (uint32_t store = 1; st == RID_OK && store <= o->stores; store++) {
            rid_synth_bucket b = rid_synth_bucket_of(store, r->first_day + day);
            const char *path = bucket_path(r, &b);
            st = path ? check_free(r, path, err) : RID_FAIL_NOMEM(err);
        }
    }
    return st;
}

static rid_status write_payloads(run *r, const void *bytes, size_t n, rid_err *err)
{
    r->counts.bytes += n;
    return rid_publish_write(r->payloads, bytes, n, err);
}

static rid_status open_payloads(run *r, const char *path, rid_err *err)
{
    r->n_written = 0;
    return rid_publish_begin(&r->payloads, path, r->o->force, err);
}

static rid_status commit(rid_publish **p, rid_err *err)
{
    rid_publish *owned = *p;
    *p = NULL;
    return owned ? rid_publish_commit(owned, err) : RID_OK;
}

static rid_status close_payloads(run *r, rid_err *err)
{
    if (r->kind == RID_SYNTH_DOCUMENT) {
        const char *end = r->n_written ? "\n}\n" : "{\n}\n";
        rid_status st = write_payloads(r, end, strlen(end), err);
        if (st != RID_OK)
            return st;
    }
    return commit(&r->payloads, err);
}

/* Each bucket of a directory is a file of its own. */
static rid_status open_bucket(run *r, const rid_synth_bucket *b, rid_err *err)
{
    if (r->kind != RID_SYNTH_DIRECTORY)
        return RID_OK;
    const char *path = bucket_path(r, b);
    char *folder = path ? rid_mem_strndup(path, (size_t)(strrchr(path, '/') - path)) : NULL;
    if (!folder)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_publish_mkdirs(folder, err);
    rid_mem_free(folder);
    return st == RID_OK ? open_payloads(r, path, err) : st;
}

static rid_status write_gt(run *r, const rid_synth_bucket *b, size_t n, rid_err *err)
{
    char entry[RID_SYNTH_ID_MAX], person[RID_SYNTH_ID_MAX];
    rid_buf_clear(&r->line);
    for (size_t i = 0; i < n; i++) {
        rid_synth_entry_id(entry, b, i + 1);
        rid_synth_person_id(person, b, r->plan[i].person);
        bool first = r->counts.entries == 0 && i == 0;
        rid_buf_printf(&r->line, "%s\n\"%s\": \"%s\"", first ? "" : ",", entry, person);
    }
    if (r->line.failed)
        return RID_FAIL_NOMEM(err);
    return rid_publish_write(r->gt, r->line.data, r->line.len, err);
}

static rid_status write_schema(const run *r, rid_err *err)
{
    rid_buf text = {0};
    rid_publish *p = NULL;
    rid_synth_schema_append(&text);
    rid_buf_append_char(&text, '\n');
    rid_status st = text.failed ? RID_FAIL_NOMEM(err) : RID_OK;
    if (st == RID_OK)
        st = rid_publish_begin(&p, r->o->schema_path, r->o->force, err);
    if (st == RID_OK)
        st = rid_publish_write(p, text.data, text.len, err);
    if (st == RID_OK)
        st = commit(&p, err);
    rid_publish_abort(p);
    rid_buf_free(&text);
    return st;
}

/* ---- generating ---- */

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t count_bucket(const rid_synth_options *o, uint32_t store, int64_t day)
{
    size_t n = 0;
    for (uint32_t p = 0; p < o->people; p++)
        n += rid_synth_visits(o, store, day, p);
    return n;
}

static void count_entries(run *r)
{
    for (uint32_t day = 0; day < r->o->days; day++)
        for (uint32_t store = 1; store <= r->o->stores; store++)
            r->total += count_bucket(r->o, store, r->first_day + day);
}

static rid_status begin_run(run *r, rid_err *err)
{
    const rid_synth_options *o = r->o;
    if (r->kind != RID_SYNTH_NO_OUTPUT) {
        size_t block = BLOCK_BYTES / rid_synth_payload_size(o, o->frames_hi);
        size_t threads = (size_t)o->threads;
        r->block = min_size(block < threads ? threads : block, BLOCK_ENTRIES + threads);
        r->texts = rid_mem_zalloc(r->block, sizeof *r->texts);
        r->frames = rid_mem_zalloc(r->block, sizeof *r->frames);
        r->memory = rid_mem_alloc(threads * 3 * o->vis_dim, sizeof *r->memory);
        if (!r->texts || !r->frames || !r->memory)
            return RID_FAIL_NOMEM(err);
        rid_status st = rid_synth_world_init(&r->world, o, err);
        if (st != RID_OK)
            return st;
    }
    if (!o->gt_path)
        return RID_OK;
    rid_status st = rid_publish_begin(&r->gt, o->gt_path, o->force, err);
    return st == RID_OK ? rid_publish_write(r->gt, "{", 1, err) : st;
}

static void make_entry(run *r, const rid_synth_bucket *b, size_t row, size_t slot, float *memory)
{
    rid_buf *text = &r->texts[slot];
    rid_buf_clear(text);
    if (r->kind == RID_SYNTH_DOCUMENT) {
        char id[RID_SYNTH_ID_MAX];
        rid_synth_entry_id(id, b, row + 1);
        rid_buf_printf(text, "\"%s\":", id);
    }
    r->frames[slot] = rid_synth_payload_append(text, &r->world, b, &r->plan[row], row + 1, memory);
    if (r->kind != RID_SYNTH_DOCUMENT)
        rid_buf_append_char(text, '\n');
}

static rid_status write_entry(run *r, size_t slot, rid_err *err)
{
    const rid_buf *text = &r->texts[slot];
    rid_status st = text->failed ? RID_FAIL_NOMEM(err) : RID_OK;
    if (st == RID_OK && r->kind == RID_SYNTH_DOCUMENT)
        st = write_payloads(r, r->n_written ? ",\n" : "{\n", 2, err);
    if (st == RID_OK)
        st = write_payloads(r, text->data, text->len, err);
    r->n_written++;
    r->counts.frames += r->frames[slot].drawn;
    r->counts.duplicates += r->frames[slot].duplicates;
    r->counts.outliers += r->frames[slot].outliers;
    return st;
}

static rid_status write_block(run *r, const rid_synth_bucket *b, size_t row, size_t n, rid_err *err)
{
    const size_t per_thread = (size_t)3 * r->o->vis_dim;
#pragma omp parallel for schedule(dynamic) num_threads(r->o->threads)
    for (size_t i = 0; i < n; i++)
        make_entry(r, b, row + i, i, r->memory + (size_t)omp_get_thread_num() * per_thread);
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = write_entry(r, i, err);
    return st;
}

static rid_status plan_bucket(run *r, const rid_synth_bucket *b, size_t *n, rid_err *err)
{
    *n = count_bucket(r->o, b->store, b->day);
    if (rid_mem_grow(&r->plan, &r->plan_cap, *n, sizeof *r->plan) != 0)
        return RID_FAIL_NOMEM(err);
    rid_synth_plan(r->plan, *n, r->o, b->store, b->day);
    return RID_OK;
}

static rid_status run_bucket(run *r, const rid_synth_bucket *b, rid_err *err)
{
    size_t n;
    rid_status st = plan_bucket(r, b, &n, err);
    if (st == RID_OK && r->gt && n > 0)
        st = write_gt(r, b, n, err);
    if (st == RID_OK)
        st = open_bucket(r, b, err);
    for (size_t row = 0; r->payloads && row < n && st == RID_OK; row += r->block) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = write_block(r, b, row, min_size(r->block, n - row), err);
        rid_progress_update(r->progress, r->counts.entries + min_size(row + r->block, n), r->total);
    }
    r->counts.buckets++;
    r->counts.entries += n;
    if (st == RID_OK && r->kind == RID_SYNTH_DIRECTORY)
        st = close_payloads(r, err);
    return st == RID_OK ? rid_interrupt_check(err) : st;
}

static rid_status run_buckets(run *r, rid_err *err)
{
    const rid_synth_options *o = r->o;
    rid_status st = RID_OK;
    if (r->kind != RID_SYNTH_NO_OUTPUT && r->kind != RID_SYNTH_DIRECTORY)
        st = open_payloads(r, o->output, err);
    for (uint32_t day = 0; st == RID_OK && day < o->days; day++) {
        for (uint32_t store = 1; st == RID_OK && store <= o->stores; store++) {
            rid_synth_bucket b = rid_synth_bucket_of(store, r->first_day + day);
            st = run_bucket(r, &b, err);
        }
    }
    if (st == RID_OK && r->payloads)
        st = close_payloads(r, err);
    if (st == RID_OK && r->gt)
        st = rid_publish_write(r->gt, "\n}\n", 3, err);
    return st == RID_OK ? commit(&r->gt, err) : st;
}

static void end_run(run *r)
{
    rid_publish_abort(r->payloads);
    rid_publish_abort(r->gt);
    rid_synth_world_clear(&r->world);
    for (size_t i = 0; r->texts && i < r->block; i++)
        rid_buf_free(&r->texts[i]);
    rid_mem_free(r->texts);
    rid_mem_free(r->frames);
    rid_mem_free(r->memory);
    rid_mem_free(r->plan);
    rid_buf_free(&r->line);
}

static rid_status write_all(run *r, rid_err *err)
{
    rid_status st = begin_run(r, err);
    if (st == RID_OK)
        st = run_buckets(r, err);
    if (st == RID_OK && r->o->schema_path)
        st = write_schema(r, err);
    if (st == RID_OK && r->o->ckpt_path)
        st = rid_synth_encoder_write(r->o, err);
    if (st == RID_OK)
        rid_progress_finish(r->progress, r->counts.entries, r->total);
    return st;
}

rid_status rid_synth_run(const rid_synth_options *o, rid_synth_result *counts,
                         rid_progress *progress, rid_err *err)
{
    run r = {.o = o, .progress = progress};
    rid_status st = rid_synth_check(o, &r.kind, &r.first_day, err);
    if (st == RID_OK)
        st = check_outputs(&r, err);
    if (st == RID_OK) {
        count_entries(&r);
        r.counts.persons = (uint64_t)o->people * o->stores;
    }
    if (st == RID_OK && o->dry_run) {
        r.counts.buckets = (uint64_t)o->stores * o->days;
        r.counts.entries = r.total;
    } else if (st == RID_OK) {
        st = write_all(&r, err);
    }
    if (counts)
        *counts = r.counts;
    end_run(&r);
    return st;
}
