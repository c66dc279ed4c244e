#include "train/metrics_log.h"

#include "data/base/appendfile.h"
#include "data/base/mem.h"
#include "data/jsonw.h"
#include "eval/rule.h"
#include "train/tb_events.h"

#include <stdio.h>

typedef struct figure {
    const char *name;
    double value;
} figure;

enum { TRAIN_FIGURES = 8, VAL_FIGURES = 10, NAME_MAX_BYTES = 64 };

static void train_figures(figure out[TRAIN_FIGURES], const rid_epoch_record *r)
{
    const figure all[TRAIN_FIGURES] = {
        {"loss", r->loss},
        {"lr", r->lr},
        {"active", r->active},
        {"hardest_positive", r->positive},
        {"hardest_negative", r->negative},
        {"spread", r->spread},
        {"gradient_norm", r->gradient_norm},
        {"entries_per_s", r->entries_per_s},
    };
    for (size_t i = 0; i < TRAIN_FIGURES; i++)
        out[i] = all[i];
}

static void val_figures(figure out[VAL_FIGURES], const rid_validation *v)
{
    const figure all[VAL_FIGURES] = {
        {"map", v->map},
        {"rank1", v->rank1},
        {"auc", v->auc},
        {"eer", v->eer},
        {"f1_neighbor", v->best[RID_NN2_NEIGHBOR].f1},
        {"threshold_neighbor", v->best[RID_NN2_NEIGHBOR].threshold},
        {"margin_neighbor", v->best[RID_NN2_NEIGHBOR].margin},
        {"f1_identity", v->best[RID_NN2_IDENTITY].f1},
        {"threshold_identity", v->best[RID_NN2_IDENTITY].threshold},
        {"margin_identity", v->best[RID_NN2_IDENTITY].margin},
    };
    for (size_t i = 0; i < VAL_FIGURES; i++)
        out[i] = all[i];
}

static void write_figures(rid_jsonw *w, const char *prefix, const figure *figures, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char key[NAME_MAX_BYTES];
        snprintf(key, sizeof key, "%s%s", prefix, figures[i].name);
        rid_jsonw_key(w, key);
        rid_jsonw_f64(w, figures[i].value);
    }
}

void rid_metrics_log_line(rid_buf *out, const rid_epoch_record *r)
{
    figure train[TRAIN_FIGURES], val[VAL_FIGURES];
    rid_jsonw w = {.out = out};
    train_figures(train, r);
    val_figures(val, &r->validation);
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "epoch");
    rid_jsonw_u64(&w, r->epoch);
    rid_jsonw_key(&w, "step");
    rid_jsonw_u64(&w, r->step);
    write_figures(&w, "", train, TRAIN_FIGURES);
    if (r->validated)
        write_figures(&w, "val_", val, VAL_FIGURES);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}

void rid_metrics_log_events(rid_buf *out, const rid_epoch_record *r)
{
    figure all[TRAIN_FIGURES + VAL_FIGURES];
    char tag[TRAIN_FIGURES + VAL_FIGURES][NAME_MAX_BYTES];
    rid_tb_scalar scalars[TRAIN_FIGURES + VAL_FIGURES];
    const size_t n = TRAIN_FIGURES + (r->validated ? VAL_FIGURES : 0);
    train_figures(all, r);
    val_figures(all + TRAIN_FIGURES, &r->validation);
    for (size_t i = 0; i < n; i++) {
        snprintf(tag[i], sizeof tag[i], "%s/%s", i < TRAIN_FIGURES ? "train" : "val", all[i].name);
        scalars[i] = (rid_tb_scalar){tag[i], all[i].value};
    }
    rid_tb_events_scalars(out, r->wall_s, (int64_t)r->step, scalars, n);
}

/* ---- files ---- */

struct rid_metrics_log {
    rid_appendfile *metrics, *events;
    rid_buf piece;
};

static rid_status open_in(rid_appendfile **out, const char *folder, const char *name, rid_err *err)
{
    rid_buf path = {0};
    rid_buf_printf(&path, "%s/%s", folder, name);
    const char *p = rid_buf_cstr(&path);
    rid_status st = p ? rid_appendfile_open(out, p, 0, err) : RID_FAIL_NOMEM(err);
    rid_buf_free(&path);
    return st;
}

static rid_status add_piece(rid_metrics_log *log, rid_appendfile *to, rid_err *err)
{
    rid_status st = log->piece.failed
                        ? RID_FAIL_NOMEM(err)
                        : rid_appendfile_add(to, log->piece.data, log->piece.len, err);
    rid_buf_clear(&log->piece);
    return st;
}

rid_status rid_metrics_log_open(rid_metrics_log **out, const char *folder, double wall_s,
                                rid_err *err)
{
    rid_metrics_log *log = rid_mem_zalloc(1, sizeof *log);
    *out = NULL;
    if (!log)
        return RID_FAIL_NOMEM(err);
    rid_status st = open_in(&log->metrics, folder, RID_METRICS_FILE, err);
    if (st == RID_OK)
        st = open_in(&log->events, folder, RID_EVENTS_FILE, err);
    if (st == RID_OK) {
        rid_tb_events_begin(&log->piece, wall_s);
        st = add_piece(log, log->events, err);
    }
    if (st != RID_OK) {
        rid_metrics_log_close(log);
        return st;
    }
    *out = log;
    return RID_OK;
}

rid_status rid_metrics_log_add(rid_metrics_log *log, const rid_epoch_record *r, rid_err *err)
{
    rid_metrics_log_line(&log->piece, r);
    rid_status st = add_piece(log, log->metrics, err);
    if (st == RID_OK) {
        rid_metrics_log_events(&log->piece, r);
        st = add_piece(log, log->events, err);
    }
    return st;
}

void rid_metrics_log_close(rid_metrics_log *log)
{
    if (!log)
        return;
    rid_appendfile_close(log->metrics);
    rid_appendfile_close(log->events);
    rid_buf_free(&log->piece);
    rid_mem_free(log);
}
