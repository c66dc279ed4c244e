#include "train/train_trace.h"

#include "data/base/appendfile.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/jsonw.h"
#include "data/textfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_KEY "{\"step\":"

struct rid_train_trace {
    rid_appendfile *lines;
    char *folder;
    uint64_t n_params;
    rid_buf line, path;
};

static const char *path_of(rid_train_trace *trace, const char *name)
{
    rid_buf_clear(&trace->path);
    rid_buf_printf(&trace->path, "%s/%s", trace->folder, name);
    return rid_buf_cstr(&trace->path);
}

/* Bytes of the whole lines of earlier steps. */
static uint64_t earlier_bytes(const rid_buf *text, uint64_t step)
{
    size_t at = 0;
    while (at < text->len) {
        const char *line = text->data + at;
        const char *end = memchr(line, '\n', text->len - at);
        if (!end || (size_t)(end - line) < sizeof FIRST_KEY ||
            memcmp(line, FIRST_KEY, sizeof FIRST_KEY - 1) != 0 ||
            strtoull(line + sizeof FIRST_KEY - 1, NULL, 10) >= step)
            break;
        at += (size_t)(end - line) + 1;
    }
    return at;
}

rid_status rid_train_trace_open(rid_train_trace **out, const char *folder, uint64_t n_params,
                                uint64_t step, rid_err *err)
{
    rid_buf text = {0};
    uint64_t keep = 0;
    rid_train_trace *trace = *out = rid_mem_zalloc(1, sizeof *trace);
    rid_status st = trace ? rid_publish_mkdirs(folder, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK && !(trace->folder = rid_mem_strdup(folder)))
        st = RID_FAIL_NOMEM(err);
    const char *path = st == RID_OK ? path_of(trace, "steps.jsonl") : NULL;
    if (st == RID_OK && !path)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && step > 0 && access(path, F_OK) == 0) {
        st = rid_textfile_read(&text, path, SIZE_MAX, err);
        keep = st == RID_OK ? earlier_bytes(&text, step) : 0;
    }
    if (st == RID_OK)
        st = rid_appendfile_open(&trace->lines, path, keep, err);
    if (st == RID_OK)
        trace->n_params = n_params;
    rid_buf_free(&text);
    if (st != RID_OK) {
        rid_train_trace_close(trace);
        *out = NULL;
    }
    return st;
}

void rid_train_trace_close(rid_train_trace *trace)
{
    if (!trace)
        return;
    rid_appendfile_close(trace->lines);
    rid_mem_free(trace->folder);
    rid_buf_free(&trace->line);
    rid_buf_free(&trace->path);
    rid_mem_free(trace);
}

static void write_line(rid_buf *out, const rid_trainer *t, const rid_train_set *set,
                       const rid_fed_batch *fed, const rid_step_figures *figures, double lr)
{
    const rid_train_batch *b = &fed->batch;
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "step");
    rid_jsonw_u64(&w, fed->step);
    rid_jsonw_key(&w, "epoch");
    rid_jsonw_u64(&w, 1 + fed->step / rid_trainer_steps_per_epoch(t));
    rid_jsonw_key(&w, "lr");
    rid_jsonw_f64(&w, lr);
    rid_jsonw_key(&w, "loss");
    rid_jsonw_f64(&w, figures->loss);
    rid_jsonw_key(&w, "entry_ids");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < b->n; i++)
        rid_jsonw_str(&w, set->entries[b->entry[i]].id);
    rid_jsonw_end_array(&w);
    rid_jsonw_key(&w, "frames");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < b->n; i++) {
        rid_jsonw_begin_array(&w);
        for (size_t f = 0; f < b->n_frames[i]; f++)
            rid_jsonw_u64(&w, set->frame_index[set->entries[b->entry[i]].first +
                                               fed->frames[i * b->max_frames + f]]);
        rid_jsonw_end_array(&w);
    }
    rid_jsonw_end_array(&w);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}

static rid_status write_tensors(rid_train_trace *trace, const char *kind, const rid_checkpoint *like,
                                const rid_checkpoint *tensors, uint64_t step, rid_err *err)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%06llu.pt", kind, (unsigned long long)step);
    rid_checkpoint ck = *like; /* a view: sizes of the one, weights of the other */
    ck.tensors = tensors->tensors;
    ck.n_tensors = tensors->n_tensors;
    ck.rid = NULL;
    const char *path = path_of(trace, name);
    return path ? rid_checkpoint_write(&ck, path, true, err) : RID_FAIL_NOMEM(err);
}

rid_status rid_train_trace_add(rid_train_trace *trace, const rid_trainer *t, const rid_train_set *set,
                               const rid_fed_batch *fed, const rid_step_figures *figures, double lr,
                               rid_err *err)
{
    rid_status st = RID_OK;
    if (fed->step < trace->n_params) {
        st = write_tensors(trace, "params", &t->params, &t->params, fed->step, err);
        if (st == RID_OK)
            st = write_tensors(trace, "grads", &t->params, &t->grads, fed->step, err);
    }
    if (st != RID_OK)
        return st;
    rid_buf_clear(&trace->line);
    write_line(&trace->line, t, set, fed, figures, lr);
    if (trace->line.failed)
        return RID_FAIL_NOMEM(err);
    return rid_appendfile_add(trace->lines, trace->line.data, trace->line.len, err);
}
