#include "eval/sweep_job.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/plain.h"
#include "eval/sweep_grid.h"
#include "eval/sweep_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* 200 bytes each. */
#define CELLS_MAX ((size_t)4000000)

static const double CONFIDENCE = 0.95;
static const char *const FILES[] = {"surface.csv", "report.html", "best.json"};
enum { N_FILES = sizeof FILES / sizeof FILES[0], STEPS = 5 };

typedef struct job {
    const rid_sweep_options *o;
    rid_sweep_data data;
    rid_sweep_result result;
    rid_summary *summary;
    rid_progress *progress;
    size_t n_done;
} job;

static void step_done(job *j, const char *stage, double start)
{
    rid_summary_add_stage(j->summary, stage, rid_clock_s() - start);
    rid_progress_update(j->progress, ++j->n_done, STEPS);
}

/* ---- outputs ---- */

static char *path_of(const rid_sweep_options *o, const char *file)
{
    rid_buf path = {0};
    rid_buf_printf(&path, "%s/%s", o->output, file);
    char *copy = rid_buf_cstr(&path) ? rid_mem_strdup(path.data) : NULL;
    rid_buf_free(&path);
    return copy;
}

static rid_status check_outputs(const rid_sweep_options *o, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < N_FILES && st == RID_OK && !o->dry_run; i++) {
        char *path = path_of(o, FILES[i]);
        st = path ? rid_publish_check(path, o->force, err) : RID_FAIL_NOMEM(err);
        rid_mem_free(path);
    }
    return st;
}

static rid_status publish(const job *j, const char *file, const rid_buf *text, rid_err *err)
{
    rid_publish *p = NULL;
    char *path = path_of(j->o, file);
    rid_status st = path && !text->failed ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_publish_begin(&p, path, j->o->force, err);
    if (st == RID_OK && (st = rid_publish_write(p, text->data, text->len, err)) != RID_OK)
        rid_publish_abort(p);
    else if (st == RID_OK)
        st = rid_publish_commit(p, err);
    rid_mem_free(path);
    return st;
}

static rid_status write_outputs(const job *j, rid_err *err)
{
    static void (*const writers[N_FILES])(const rid_sweep_result *, rid_buf *) = {
        rid_sweep_write_csv, NULL, rid_sweep_write_json};
    rid_status st = j->o->dry_run ? RID_OK : rid_publish_mkdirs(j->o->output, err);
    for (size_t i = 0; i < N_FILES && st == RID_OK; i++) {
        rid_buf text = {0};
        if (writers[i])
            writers[i](&j->result, &text);
        else
            rid_sweep_report_render(&text, &j->result);
        if (text.failed)
            st = RID_FAIL_NOMEM(err);
        else if (!j->o->dry_run)
            st = publish(j, FILES[i], &text, err);
        rid_buf_free(&text);
    }
    return st;
}

/* ---- grids ---- */

static rid_status parse_grid(const rid_sweep_options *o, rid_sweep_grid *g, rid_err *err)
{
    rid_status st = rid_grid_parse(&g->threshold, &g->n_thresholds, o->threshold, "threshold", err);
    if (st == RID_OK)
        st = rid_grid_parse(&g->margin, &g->n_margins, o->margin, "margin", err);
    if (st == RID_OK && g->n_thresholds * g->n_margins > CELLS_MAX)
        st = RID_FAIL(err, RID_EUSAGE, "%zu thresholds and %zu margins are more than %zu cells",
                      g->n_thresholds, g->n_margins, CELLS_MAX);
    return st;
}

/* A value takes the place of the one nearest to it. */
static void put_nearest(double *x, size_t n, double value)
{
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        if (fabs(x[i] - value) < fabs(x[at] - value))
            at = i;
    x[at] = value;
}

static rid_status make_grid(job *j, rid_surface *s, rid_err *err)
{
    rid_sweep_result *r = &j->result;
    if (j->o->auto_side == 0)
        return parse_grid(j->o, &s->grid, err);
    rid_status st =
        rid_sweep_quantiles(j->data.sweep, s->nn2, j->o->auto_side, &s->grid, err);
    if (st != RID_OK || s->nn2 != RID_NN2_NEIGHBOR || r->objective.kind == RID_OBJECTIVE_PAIRS_F1)
        return st;
    st = rid_optimum_find(&r->optimum, j->data.sweep, &r->objective, j->o->threads, err);
    if (st == RID_OK && !isnan(r->optimum.merit.value)) {
        r->has_optimum = true;
        put_nearest(s->grid.threshold, s->grid.n_thresholds, r->optimum.threshold);
        put_nearest(s->grid.margin, s->grid.n_margins, r->optimum.margin);
    }
    return st;
}

/* ---- the work ---- */

static rid_status sweep_mode(job *j, rid_nn2_mode nn2, rid_err *err)
{
    rid_sweep_result *r = &j->result;
    rid_surface *s = &r->surfaces[r->n_surfaces++];
    *s = (rid_surface){.nn2 = nn2};
    rid_status st = make_grid(j, s, err);
    if (st != RID_OK)
        return st;
    s->cells = rid_mem_alloc(s->grid.n_thresholds * s->grid.n_margins, sizeof *s->cells);
    if (!s->cells)
        return RID_FAIL_NOMEM(err);
    rid_summary_add_figure(j->summary, "cells",
                           (double)(s->grid.n_thresholds * s->grid.n_margins));
    return rid_sweep_surface(j->data.sweep, nn2, &s->grid, s->cells, j->o->threads, err);
}

static rid_status sweep_all(job *j, rid_err *err)
{
    static const char *const stages[] = {"neighbor", "identity"};
    rid_status st = RID_OK;
    for (int nn2 = 0; nn2 < 2 && st == RID_OK; nn2++) {
        const double start = rid_clock_s();
        if (j->o->mode[nn2])
            st = sweep_mode(j, (rid_nn2_mode)nn2, err);
        step_done(j, stages[nn2], start);
    }
    return st;
}

static rid_status choose(job *j, rid_err *err)
{
    rid_sweep_result *r = &j->result;
    r->n_top = rid_pick_top(r->top, RID_SWEEP_TOP, r->surfaces, r->n_surfaces, &r->objective);
    if (r->n_top == 0)
        return RID_FAIL(err, RID_EDATA, "%s is not defined on these data: %s", j->o->objective,
                        r->objective.kind == RID_OBJECTIVE_FNIR
                            ? "nobody with a label comes twice to one bucket"
                            : "no two entries of one bucket have the same label");
    for (size_t s = 0; s < r->n_surfaces; s++) {
        rid_pick_top(&r->best_of[s], 1, &r->surfaces[s], 1, &r->objective);
        r->best_of[s].surface = s;
    }
    if (!rid_sweep_condition_met(r))
        rid_log(RID_LOG_WARN, "no cell meets the condition of %s; the nearest to it is taken",
                j->o->objective);
    return rid_pick_plateau(&r->plateau, r->surfaces, &r->top[0], &r->objective, err);
}

/* Listed pairs do not say who the people are. */
static bool can_resample(const job *j)
{
    return j->o->bootstrap > 0 && j->data.labels &&
           j->result.objective.kind != RID_OBJECTIVE_PAIRS_F1;
}

static rid_status resample(job *j, rid_err *err)
{
    rid_sweep_result *r = &j->result;
    rid_rule rules[RID_SWEEP_TOP];
    const double start = rid_clock_s();
    rid_status st = RID_OK;
    for (size_t i = 0; i < r->n_top; i++)
        rules[i] = rid_pick_rule(r->surfaces, &r->top[i]);
    if (can_resample(j))
        st = rid_sweep_bootstrap(r->sure, j->data.sweep, rules, r->n_top, &r->objective,
                                 j->o->bootstrap, r->confidence, j->o->seed, j->o->threads, err);
    r->resamples = st == RID_OK && can_resample(j) ? j->o->bootstrap : 0;
    step_done(j, "bootstrap", start);
    return st;
}

static rid_status look_into_buckets(job *j, rid_err *err)
{
    rid_sweep_result *r = &j->result;
    const rid_rule best = rid_pick_rule(r->surfaces, &r->top[0]);
    const rid_status st = rid_sweep_cases_find(&r->cases, &j->data, &best, err);
    rid_merit worst = {.value = NAN};
    r->worst = j->data.n_buckets;
    for (size_t b = 0; b < j->data.n_buckets && st == RID_OK; b++) {
        const rid_merit m = rid_objective_merit(&r->objective, &r->cases.buckets[b]);
        if (isnan(m.value) || (!isnan(worst.value) && rid_merit_compare(&m, &worst) >= 0))
            continue;
        worst = m;
        r->worst = b;
    }
    return st;
}

static void say_what_is_there(job *j)
{
    const rid_sweep_data *d = &j->data;
    const size_t unlabelled = d->n_entries - d->n_labelled;
    rid_summary_add_figure(j->summary, "buckets", (double)d->n_buckets);
    rid_summary_add_figure(j->summary, "labelled", (double)d->n_labelled);
    rid_summary_add_figure(j->summary, "unlabelled", (double)unlabelled);
    if (d->pairs.n_across + d->pairs.n_absent > 0)
        rid_log(RID_LOG_WARN,
                "of the pairs %zu are across buckets, which matching never joins (%zu of them of one"
                " person), and %zu have an entry that is in no store: they are not counted",
                d->pairs.n_across, d->pairs.n_across_same, d->pairs.n_absent);
    if (d->n_idle > 0)
        rid_log(RID_LOG_INFO, "%zu %s (%zu %s) without a label: left out", d->n_idle,
                rid_noun(d->n_idle, "bucket", "buckets"), d->n_idle_entries,
                rid_noun(d->n_idle_entries, "entry", "entries"));
    if (d->labels && unlabelled > 0)
        rid_log(RID_LOG_WARN,
                "%zu of %zu entries have no label (%zu of them left out by ground truth): they are "
                "matched, but not counted",
                unlabelled, d->n_entries, d->n_excluded);
    if (d->n_absent > 0)
        rid_log(RID_LOG_WARN, "%zu %s not in the stores", d->n_absent,
                rid_noun(d->n_absent, "label is of an entry that is",
                         "labels are of entries that are"));
}

static void say_verdict(const job *j)
{
    rid_buf text = {0};
    rid_sweep_report_verdict(&text, &j->result);
    if (rid_buf_cstr(&text))
        rid_log(RID_LOG_INFO, "%s", text.data);
    rid_buf_free(&text);
}

static rid_status run_job(job *j, const char *const *stores, size_t n_stores, rid_err *err)
{
    const rid_sweep_options *o = j->o;
    const rid_sweep_input in = {.people = {.gt = o->gt, .n_gt = o->n_gt},
                                .pairs = o->pairs,
                                .stores = stores,
                                .n_pairs = o->n_pairs,
                                .n_stores = n_stores,
                                .limit = o->limit};
    rid_status st = rid_sweep_data_read(&j->data, &in, o->mode[RID_NN2_IDENTITY], o->threads,
                                        j->summary, err);
    if (st != RID_OK)
        return st;
    rid_progress_update(j->progress, ++j->n_done, STEPS);
    say_what_is_there(j);
    st = sweep_all(j, err);
    if (st == RID_OK)
        st = choose(j, err);
    if (st == RID_OK)
        st = resample(j, err);
    if (st == RID_OK)
        st = look_into_buckets(j, err);
    const double start = rid_clock_s();
    if (st == RID_OK)
        st = write_outputs(j, err);
    if (st != RID_OK)
        return st;
    step_done(j, "write", start);
    rid_summary_add_figure(j->summary, "value",
                           rid_objective_value(&j->result.objective, &j->result.top[0].merit));
    rid_progress_finish(j->progress, j->n_done, STEPS);
    say_verdict(j);
    return RID_OK;
}

/* Everything that can be said before the first file is read. */
static rid_status check_options(const rid_sweep_options *o, rid_objective *objective, rid_err *err)
{
    rid_sweep_grid grid = {0};
    if (!rid_objective_parse(o->objective, objective))
        return RID_FAIL(err, RID_EUSAGE,
                        "--objective: '%s' is none of f1, bcubed-f1, pairs-f1, precision@recall=R,"
                        " recall@precision=P, fnir@fpir=X (numbers from 0 to 1)",
                        o->objective);
    if (objective->kind == RID_OBJECTIVE_PAIRS_F1 && o->n_pairs == 0)
        return RID_FAIL(err, RID_EUSAGE, "--objective pairs-f1 needs --pairs FILE");
    if (objective->kind != RID_OBJECTIVE_PAIRS_F1 && o->n_gt == 0)
        return RID_FAIL(err, RID_EUSAGE, "--objective %s needs --gt FILE; with --pairs alone there is"
                        " pairs-f1", o->objective);
    rid_status st = o->auto_side == 0 ? parse_grid(o, &grid, err) : RID_OK;
    rid_sweep_grid_clear(&grid);
    return st == RID_OK ? check_outputs(o, err) : st;
}

rid_status rid_sweep_run(const rid_sweep_options *o, const char *const *stores, size_t n_stores,
                         rid_summary *summary, rid_progress *progress, rid_err *err)
{
    job *j = rid_mem_zalloc(1, sizeof *j);
    if (!j)
        return RID_FAIL_NOMEM(err);
    j->o = o;
    j->summary = summary;
    j->progress = progress;
    j->result.data = &j->data;
    j->result.objective_text = o->objective;
    j->result.confidence = CONFIDENCE;
    rid_status st = check_options(o, &j->result.objective, err);
    if (st == RID_OK)
        st = run_job(j, stores, n_stores, err);
    for (size_t s = 0; s < j->result.n_surfaces; s++) {
        rid_sweep_grid_clear(&j->result.surfaces[s].grid);
        rid_mem_free(j->result.surfaces[s].cells);
    }
    rid_sweep_cases_clear(&j->result.cases);
    rid_sweep_data_clear(&j->data);
    rid_mem_free(j);
    return st;
}
