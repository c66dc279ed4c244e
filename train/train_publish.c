#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/jsonw.h"
#include "eval/rule.h"
#include "train/checkpoint_meta.h"
#include "train/train_report.h"
#include "train/train_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- provenance ---- */

static void write_validation(rid_jsonw *w, const rid_validation *v)
{
    static const char *const modes[2] = {"neighbor", "identity"};
    rid_jsonw_begin_object(w);
    const struct {
        const char *name;
        double value;
    } figures[] = {{"map", v->map}, {"rank1", v->rank1}, {"auc", v->auc}, {"eer", v->eer}};
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        rid_jsonw_key(w, figures[i].name);
        rid_jsonw_f64(w, figures[i].value);
    }
    for (size_t i = 0; i < 2; i++) {
        rid_jsonw_key(w, modes[i]);
        rid_jsonw_begin_object(w);
        rid_jsonw_key(w, "pairwise_f1");
        rid_jsonw_f64(w, v->best[i].f1);
        rid_jsonw_key(w, "threshold");
        rid_jsonw_f64(w, v->best[i].threshold);
        rid_jsonw_key(w, "margin");
        rid_jsonw_f64(w, v->best[i].margin);
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_object(w);
}

static void write_people(rid_jsonw *w, const rid_train_data *d)
{
    const struct {
        const char *name;
        size_t n;
    } counts[] = {{"train_people", d->n_train_people},
                  {"train_entries", d->n_train},
                  {"val_people", d->n_query_people},
                  {"val_entries", d->n_query}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        rid_jsonw_key(w, counts[i].name);
        rid_jsonw_u64(w, counts[i].n);
    }
}

/* No clock, host or path: same inputs, same bytes. */
static void write_provenance(rid_buf *out, const rid_train_run *run, rid_row row, uint64_t steps)
{
    const bool measured = row < RID_ROWS ? rid_train_run_has_row(run, row)
                                         : !isnan(run->main.progress.best_value);
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "tool");
    rid_jsonw_cstr(&w, "rid-train " RID_VERSION);
    rid_jsonw_key(&w, "encoder");
    rid_jsonw_cstr(&w, row < RID_ROWS ? run->rows[row].name : "trained");
    rid_jsonw_key(&w, "steps");
    rid_jsonw_u64(&w, steps);
    write_people(&w, &run->d);
    rid_jsonw_key(&w, "settings");
    rid_jsonw_begin_object(&w);
    for (size_t i = 0; i < run->settings.n; i++) {
        rid_jsonw_key(&w, run->settings.at[i].name);
        rid_jsonw_cstr(&w, run->settings.at[i].value);
    }
    rid_jsonw_end_object(&w);
    rid_jsonw_key(&w, "validation");
    if (measured)
        write_validation(&w, row < RID_ROWS ? &run->rows[row].v : &run->main.progress.best_validation);
    else
        rid_jsonw_null(&w);
    rid_jsonw_key(&w, "mean_pooling");
    if (rid_train_run_has_row(run, RID_ROW_MEAN))
        write_validation(&w, &run->rows[RID_ROW_MEAN].v);
    else
        rid_jsonw_null(&w);
    rid_jsonw_end_object(&w);
}

rid_status rid_train_publish(rid_train_run *run, rid_run_file file, const rid_checkpoint *params,
                             rid_row row, uint64_t steps, rid_err *err)
{
    rid_buf filter = {0}, provenance = {0};
    rid_checkpoint ck = *params; /* a view */
    ck.rid = NULL;
    rid_filter_write_json(&run->o.data.filter, &filter);
    write_provenance(&provenance, run, row, steps);
    rid_checkpoint_meta meta = {.filter = (char *)(uintptr_t)rid_buf_cstr(&filter),
                                .provenance = (char *)(uintptr_t)rid_buf_cstr(&provenance)};
    if (run->d.schema)
        meta.schema = (char *)(uintptr_t)rid_schema_text(run->d.schema);
    rid_status st = meta.filter && meta.provenance ? rid_checkpoint_meta_seal(&ck, &meta, err)
                                                   : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_checkpoint_write(&ck, run->folder.path[file], true, err);
    rid_mem_free(ck.rid);
    rid_buf_free(&filter);
    rid_buf_free(&provenance);
    return st;
}

/* ---- deciding ---- */

static bool is_better(const rid_train_run *run, rid_row a, rid_row b)
{
    return rid_train_run_has_row(run, a) &&
           (!rid_train_run_has_row(run, b) || run->rows[a].v.map > run->rows[b].v.map);
}

/* The best row of first … last; of equals the first. */
static rid_row best_of(const rid_train_run *run, rid_row first, rid_row last)
{
    rid_row best = first;
    for (int row = (int)first + 1; row <= (int)last; row++)
        if (is_better(run, (rid_row)row, best))
            best = (rid_row)row;
    return best;
}

static bool was_trained(const rid_train_run *run)
{
    return rid_train_run_validates(run) ? run->main.progress.best_step > 0 : run->main.progress.step > 0;
}

/* Where nothing was measured or nothing was trained: what there is. */
static rid_row start_row(const rid_train_run *run)
{
    if (rid_train_run_validates(run))
        return best_of(run, RID_ROW_PCA, RID_ROW_GIVEN);
    return run->o.init == RID_INIT_FILE  ? RID_ROW_GIVEN
           : run->o.init == RID_INIT_PCA ? RID_ROW_PCA
                                         : RID_ROW_LDA;
}

rid_status rid_train_decide(rid_train_run *run, rid_train_verdict *out, rid_err *err)
{
    rid_candidate *trained = &run->rows[RID_ROW_TRAINED];
    const bool validates = rid_train_run_validates(run), is_trained = was_trained(run);
    const rid_row start = start_row(run);
    *out = (rid_train_verdict){.reference = RID_ROWS, .published = is_trained ? RID_ROW_TRAINED : start};
    trained->name = "trained";
    rid_status st = RID_OK;
    if (is_trained)
        st = rid_network_copy(&trained->params, validates ? &run->main.best : &run->main.params, err);
    if (!validates || st != RID_OK)
        return st;
    out->reference = is_better(run, start, RID_ROW_MEAN) ? start : RID_ROW_MEAN;
    if (!is_trained)
        return RID_OK;
    st = rid_candidate_measure(trained, &run->d, &run->d.set, run->o.trainer.threads, err);
    if (st == RID_OK && rid_train_run_has_row(run, start)) {
        st = rid_candidate_compare(trained, &run->rows[start], &run->d, run->o.data.seed, err);
        if (!(trained->gain.low > 0))
            out->published = start;
    }
    for (int row = 0; row < RID_ROWS && st == RID_OK; row++)
        if (rid_train_run_has_row(run, (rid_row)row) && row != (int)out->reference)
            st = rid_candidate_compare(&run->rows[row], &run->rows[out->reference], &run->d,
                                       run->o.data.seed, err);
    out->improved = st == RID_OK && trained->gain.low > 0;
    return st;
}

/* ---- telling ---- */

typedef struct facts {
    rid_report_fact at[RID_SETTINGS_MAX];
    char text[RID_SETTINGS_MAX][64];
    size_t n;
} facts;

static void add_count(facts *f, const char *name, size_t people, size_t entries)
{
    snprintf(f->text[f->n], sizeof f->text[0], "%zu people, %zu entries", people, entries);
    f->at[f->n] = (rid_report_fact){name, f->text[f->n]};
    f->n++;
}

static void add_number(facts *f, const char *name, size_t n)
{
    snprintf(f->text[f->n], sizeof f->text[0], "%zu", n);
    f->at[f->n] = (rid_report_fact){name, f->text[f->n]};
    f->n++;
}

static void describe_data(facts *f, const rid_train_data *d)
{
    add_count(f, "training", d->n_train_people, d->n_train);
    add_count(f, "validation", d->n_query_people, d->n_query);
    add_number(f, "people with one entry, negatives only", d->n_singles);
    add_number(f, "frames", d->set.n_frames);
    add_number(f, "numbers in a frame", d->set.vis_dim);
    add_number(f, "numbers in the attributes", d->set.attr_dim);
}

static void describe_settings(facts *f, const rid_train_run *run)
{
    for (size_t i = 0; i < run->settings.n; i++)
        f->at[f->n++] = (rid_report_fact){run->settings.at[i].name, run->settings.at[i].value};
}

/* Rows of the report in the order of rid_row; place[row] = n where it has none. */
static size_t make_encoders(rid_report_encoder *out, size_t place[RID_ROWS + 1],
                            const rid_train_run *run, const rid_train_verdict *verdict)
{
    size_t n = 0;
    for (int row = 0; row < RID_ROWS; row++) {
        const rid_candidate *c = &run->rows[row];
        const bool shown = c->name && (rid_train_run_has_row(run, (rid_row)row) ||
                                       row == (int)verdict->published || row >= RID_ROW_NO_ATTRS);
        place[row] = shown ? n : SIZE_MAX;
        if (shown)
            out[n++] = (rid_report_encoder){c->name, c->v, c->gain, c->scores};
    }
    place[RID_ROWS] = SIZE_MAX;
    for (int row = 0; row <= RID_ROWS; row++)
        if (place[row] == SIZE_MAX)
            place[row] = n;
    return n;
}

/* Figures of the summary, by row from RID_ROW_NO_ATTRS on. */
static const char *const ABLATED[RID_ROWS - RID_ROW_NO_ATTRS] = {"map_trained_no_attrs",
                                                                 "map_trained_mean_pool"};

static void summarise(const rid_train_run *run, const rid_train_verdict *verdict)
{
    rid_summary *s = run->summary;
    const rid_candidate *published = &run->rows[verdict->published], *mean = &run->rows[RID_ROW_MEAN];
    const bool measured = rid_train_run_has_row(run, verdict->published);
    rid_summary_add_figure(s, "train_people", (double)run->d.n_train_people);
    rid_summary_add_figure(s, "val_people", (double)run->d.n_query_people);
    rid_summary_add_figure(s, "steps", (double)run->main.progress.step);
    rid_summary_add_figure(s, "best_step", (double)run->main.progress.best_step);
    if (rid_train_run_validates(run))
        rid_summary_say_flag(s, "improved", verdict->improved);
    else
        rid_summary_say(s, "improved", NULL);
    rid_summary_say(s, "published", published->name);
    rid_summary_say(s, "recommend", measured && mean->v.map > published->v.map ? "--encoder mean" : NULL);
    if (!measured)
        return;
    rid_summary_add_figure(s, "map", published->v.map);
    rid_summary_add_figure(s, "map_mean_pooling", mean->v.map);
    rid_summary_add_figure(s, "map_trained", run->rows[RID_ROW_TRAINED].v.map);
    for (int row = RID_ROW_NO_ATTRS; row < RID_ROWS; row++)
        if (run->rows[row].name)
            rid_summary_add_figure(s, ABLATED[row - RID_ROW_NO_ATTRS], run->rows[row].v.map);
    rid_summary_add_figure(s, "f1_neighbor", published->v.best[RID_NN2_NEIGHBOR].f1);
    rid_summary_add_figure(s, "f1_identity", published->v.best[RID_NN2_IDENTITY].f1);
}

static void say_verdict(const rid_train_run *run, const rid_train_report *report)
{
    rid_buf text = {0};
    rid_train_report_verdict(&text, report);
    const char *words = rid_buf_cstr(&text);
    if (!rid_train_run_validates(run))
        rid_log(RID_LOG_WARN, "nobody was left to validate on: whether the encoder improved is not known");
    rid_log(RID_LOG_INFO, "%s", words ? words : "");
    rid_buf_free(&text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

rid_status rid_train_report_run(rid_train_run *run, const rid_train_verdict *verdict, rid_err *err)
{
    rid_report_encoder encoders[RID_ROWS];
    size_t place[RID_ROWS + 1];
    facts data = {0}, settings = {0};
    const rid_trainer_options *t = &run->o.trainer;
    describe_data(&data, &run->d);
    describe_settings(&settings, run);
    const size_t n = make_encoders(encoders, place, run, verdict);
    const size_t per_epoch = rid_trainer_steps_per_epoch(&run->main);
    const rid_train_report report = {
        .run = base_name(run->o.folder),
        .epochs = run->main.history,
        .n_epochs = run->main.n_history,
        .best_epoch = (run->main.progress.best_step + per_epoch - 1) / per_epoch,
        .collapse_loss = t->loss.soft ? M_LN2 : t->loss.margin,
        .encoders = encoders,
        .n_encoders = n,
        .reference = place[verdict->reference],
        .trained = place[RID_ROW_TRAINED],
        .published = place[verdict->published],
        .mean = place[RID_ROW_MEAN],
        .confidence = RID_GAIN_CONFIDENCE,
        .data = data.at,
        .n_data = data.n,
        .settings = settings.at,
        .n_settings = settings.n,
        .made_by = "rid-train " RID_VERSION,
    };
    rid_status st = rid_train_report_write(run->folder.path[RID_RUN_REPORT], &report, err);
    if (st == RID_OK) {
        summarise(run, verdict);
        say_verdict(run, &report);
    }
    return st;
}
