#include "train/calibrate_job.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/plain.h"
#include "eval/calibration_json.h"
#include "eval/sweep_grid.h"
#include "eval/swept_point.h"
#include "gt/pair_gaps.h"
#include "train/point_checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS = 3 };

/* Half of those who came back are not recognised. */
static const double FNIR_LARGE = 0.5;

typedef struct job {
    const rid_calibrate_options *o;
    rid_operating_point point;
    rid_promise promise;
    rid_sweep_data data;
    rid_swept_point swept; /* where there is a sweep */
    rid_calibration_data counts;
    rid_calibration result;
    rid_point_checkpoint checkpoint;
    rid_publish *output, *copy; /* point, checkpoint */
    rid_buf document;
    rid_summary *summary;
    rid_progress *progress;
    size_t n_done;
} job;

static void step_done(job *j, const char *stage, double start)
{
    rid_summary_add_stage(j->summary, stage, rid_clock_s() - start);
    rid_progress_update(j->progress, ++j->n_done, STEPS);
}

/* ---- what goes in ---- */

static rid_status begin_outputs(job *j, rid_err *err)
{
    const rid_calibrate_options *o = j->o;
    rid_status st = RID_OK;
    if (o->dry_run)
        return RID_OK;
    if (o->ckpt_out)
        st = rid_publish_begin(&j->copy, o->ckpt_out, o->force, err);
    if (st == RID_OK && o->output)
        st = rid_publish_begin(&j->output, o->output, o->force, err);
    return st;
}

static rid_status take_sweep(job *j, rid_err *err)
{
    const rid_status st = rid_swept_point_read(&j->swept, j->o->sweep, err);
    if (st == RID_OK && strcmp(j->point.margin_from, "flag") != 0) {
        j->point.rule.margin = j->swept.rule.margin;
        j->point.margin_from = "sweep";
    }
    if (st == RID_OK && strcmp(j->point.nn2_from, "flag") != 0) {
        j->point.rule.nn2 = j->swept.rule.nn2;
        j->point.nn2_from = "sweep";
    }
    return st;
}

static rid_status read_data(job *j, const char *const *stores, size_t n_stores, rid_err *err)
{
    const rid_calibrate_options *o = j->o;
    const rid_sweep_input in = {
        .people = o->people, .stores = stores, .n_stores = n_stores, .limit = o->limit};
    rid_status st = o->sweep ? take_sweep(j, err) : RID_OK;
    if (st == RID_OK)
        st = rid_sweep_data_read(&j->data, &in, j->point.rule.nn2 == RID_NN2_IDENTITY, o->threads,
                                 j->summary, err);
    if (st == RID_OK && o->sweep)
        st = rid_swept_point_check(&j->swept, o->sweep, &j->data, err);
    if (st == RID_OK && o->ckpt_out)
        st = rid_point_checkpoint_open(&j->checkpoint, o->ckpt, rid_store_set_info(&j->data.set),
                                       o->threads, err);
    return st;
}

/* A person who comes to several buckets is one person for the bound only where pairs say so. */
static rid_status say_gaps(const job *j, rid_err *err)
{
    const rid_sweep_data *d = &j->data;
    rid_sightings seen = {0};
    rid_status st = RID_OK;
    if (!rid_labels_are_linked(d->labels))
        return RID_OK;
    for (size_t b = 0; b < d->n_buckets; b++)
        for (size_t i = 0; i < d->buckets[b].n && st == RID_OK; i++)
            st = rid_sightings_add(&seen, (uint32_t)b, d->person[b][i], err);
    if (st == RID_OK)
        st = rid_pair_gaps_say(d->labels, &seen, RID_GAPS_ALL, err);
    rid_sightings_clear(&seen);
    return st;
}

static void say_what_is_there(job *j)
{
    const rid_sweep_data *d = &j->data;
    if (d->n_entries > d->n_labelled)
        rid_log(RID_LOG_WARN,
                "%zu of %zu entries have no label: a first visit that is matched with one of them"
                " counts as false, since nobody knows whose it is",
                d->n_entries - d->n_labelled, d->n_entries);
    if (d->n_absent > 0)
        rid_log(RID_LOG_WARN, "%zu %s not in the stores", d->n_absent,
                rid_noun(d->n_absent, "label is of an entry that is",
                         "labels are of entries that are"));
    const rid_calibration_data *c = &j->counts;
    const char *unit = j->o->by_store ? "store" : "bucket";
    const bool one = (j->o->by_store ? c->n_stores : c->n_buckets) == 1;
    if (one && j->promise.bucket_effect)
        rid_log(RID_LOG_WARN,
                "one %s does not show how much %ss differ: the bound is for buckets like %s", unit,
                unit, c->n_buckets == 1 ? "this one" : "these");
    if (one)
        j->promise.bucket_effect = false;
    if (j->promise.bucket_effect && !j->o->by_store && c->n_stores > 1 &&
        c->n_stores < c->n_buckets)
        rid_log(RID_LOG_WARN,
                "stores have several days: the bound is for days to come of these %zu stores;"
                " --clusters store makes it one for other stores",
                c->n_stores);
}

/* ---- what comes out ---- */

/* The number of searches that would do, why it is so many, and where they should come from: with more of the
 * same buckets the design effect would grow. */
static void say_needed(const job *j, char *out, size_t size)
{
    const rid_calibration *r = &j->result;
    const char *where = !j->promise.bucket_effect ? ""
                        : j->o->by_store          ? ", in more stores like these"
                                                  : ", in more buckets like these";
    const int n = snprintf(out, size, "%.0f would be needed%s", r->needed, where);
    if (r->design_effect > 1)
        snprintf(out + n, size - (size_t)n, " (design effect %.3g)", r->design_effect);
}

static rid_status refuse(const job *j, rid_err *err)
{
    const rid_calibration *r = &j->result;
    const double max = j->promise.max_fpir;
    const double strictest = j->counts.grid.threshold[j->counts.grid.n_thresholds - 1];
    char needed[128];
    if (isinf(r->needed))
        return RID_FAIL(err, RID_EDATA,
                        "even at threshold %.15g, the strictest, %" PRIu64 " of %" PRIu64
                        " first visits match somebody, and a share of %.4g is allowed: no number of"
                        " searches helps, but a larger margin, a stricter grid or a better encoder",
                        strictest, r->matched, r->searches, max);
    say_needed(j, needed, sizeof needed);
    if (r->matched == 0)
        return RID_FAIL(err, RID_EDATA,
                        "too few: %" PRIu64 " first visits, %zu people, buckets: %zu; even without"
                        " any false match FPIR could be %.4g, and %.4g is allowed; %s",
                        r->searches, j->counts.n_persons, j->counts.n_buckets, r->bound, max,
                        needed);
    return RID_FAIL(err, RID_EDATA,
                    "too few: %" PRIu64
                    " first visits, %zu people, buckets: %zu; at threshold %.15g,"
                    " the strictest, %" PRIu64 " match somebody, so that FPIR could be %.4g, and"
                    " %.4g is allowed; with that share %s",
                    r->searches, j->counts.n_persons, j->counts.n_buckets, strictest, r->matched,
                    r->bound, max, needed);
}

static void add_figures(const job *j)
{
    const rid_calibration *r = &j->result;
    rid_summary_add_figure(j->summary, "buckets", (double)j->counts.n_buckets);
    rid_summary_add_figure(j->summary, "persons", (double)j->counts.n_persons);
    rid_summary_add_figure(j->summary, "searches", (double)r->searches);
    rid_summary_add_figure(j->summary, "matched", (double)r->matched);
    rid_summary_add_figure(j->summary, "fpir_bound", r->bound);
    if (r->kept) {
        rid_summary_add_figure(j->summary, "threshold", j->point.rule.threshold);
        if (j->counts.all[r->threshold].mated > 0)
            rid_summary_add_figure(j->summary, "fnir",
                                   rid_search_fnir(&j->counts.all[r->threshold]));
    } else if (isfinite(r->needed)) {
        rid_summary_add_figure(j->summary, "needed", r->needed);
    }
}

static rid_status calibrate(job *j, rid_err *err)
{
    double *threshold;
    size_t n;
    rid_status st = rid_grid_parse(&threshold, &n, j->o->grid, "grid", err);
    if (st == RID_OK)
        st = rid_calibration_data_count(&j->counts, &j->data, j->point.rule.nn2,
                                        j->point.rule.margin, threshold, n, j->o->threads, err);
    if (st != RID_OK)
        return st;
    say_what_is_there(j);
    st = say_gaps(j, err);
    if (st != RID_OK)
        return st;
    const rid_calibration_counts counts = rid_calibration_data_counts(&j->counts, j->o->by_store);
    st = rid_calibration_choose(&j->result, &counts, &j->promise, err);
    if (st != RID_OK)
        return st;
    j->point.rule.threshold = j->counts.grid.threshold[j->result.threshold];
    add_figures(j);
    return j->result.kept ? RID_OK : refuse(j, err);
}

static rid_status write_copy(job *j, rid_err *err)
{
    const rid_status st =
        rid_point_checkpoint_write(&j->checkpoint, j->document.data, j->copy, j->o->ckpt_out, err);
    return st == RID_OK ? rid_publish_seal(j->copy, err) : st;
}

static rid_status write_point(job *j, rid_err *err)
{
    rid_buf_append_char(&j->document, '\n');
    const rid_status st =
        j->document.failed ? RID_FAIL_NOMEM(err)
                           : rid_publish_write(j->output, j->document.data, j->document.len, err);
    return st == RID_OK ? rid_publish_seal(j->output, err) : st;
}

static rid_status commit(rid_publish **p, rid_err *err)
{
    rid_publish *owned = *p;
    *p = NULL;
    return rid_publish_commit(owned, err);
}

/* What can fail comes before the first of them is renamed. */
static rid_status publish(job *j, rid_err *err)
{
    rid_status st = j->copy ? write_copy(j, err) : RID_OK;
    if (st == RID_OK && j->output)
        st = write_point(j, err);
    if (st == RID_OK && j->copy)
        st = commit(&j->copy, err);
    if (st == RID_OK && j->output)
        st = commit(&j->output, err);
    return st;
}

static rid_status write_outputs(job *j, rid_err *err)
{
    const rid_calibration_record record = {.data = &j->data,
                                           .counts = &j->counts,
                                           .promise = &j->promise,
                                           .result = &j->result,
                                           .by_store = j->o->by_store,
                                           .rule = j->point.rule,
                                           .margin_from = j->point.margin_from,
                                           .nn2_from = j->point.nn2_from,
                                           .grid = j->o->grid};
    rid_status st = rid_calibration_write_json(&record, &j->document, err);
    if (st == RID_OK && !rid_buf_cstr(&j->document))
        st = RID_FAIL_NOMEM(err);
    return st == RID_OK ? publish(j, err) : st;
}

/* Nothing was tried beyond the end of the grid. */
static void say_end_of_grid(const job *j)
{
    const rid_search_counts *all = &j->counts.all[j->result.threshold];
    const double fnir = rid_search_fnir(all);
    char misses[96] = "";
    if (j->result.threshold > 0)
        return;
    if (fnir > FNIR_LARGE)
        snprintf(misses, sizeof misses, "; FNIR is %.4g even there: is margin %.5g too large?",
                 fnir, j->point.rule.margin);
    rid_log(RID_LOG_WARN,
            "the grid ends at threshold %.15g, which keeps the promise: a looser one may, too%s",
            j->point.rule.threshold, misses);
}

static void say_verdict(const job *j)
{
    const rid_calibration *r = &j->result;
    const rid_search_counts *all = &j->counts.all[r->threshold];
    char misses[64] = "nobody came twice";
    if (all->mated > 0)
        snprintf(misses, sizeof misses, "FNIR %.4g", rid_search_fnir(all));
    rid_log(
        RID_LOG_INFO,
        "threshold %.15g, margin %.15g, %s: with %.4g%% confidence FPIR is at most %.4g (%" PRIu64
        " of %" PRIu64 " first visits match somebody; %zu people, %zu %s, design effect"
        " %.3g), %s",
        j->point.rule.threshold, j->point.rule.margin, rid_nn2_name(j->point.rule.nn2),
        100 * j->promise.confidence, r->bound, r->matched, r->searches, j->counts.n_persons,
        j->counts.n_buckets, rid_noun(j->counts.n_buckets, "bucket", "buckets"), r->design_effect,
        misses);
}

static rid_status run_job(job *j, const char *const *stores, size_t n_stores, rid_err *err)
{
    rid_status st = begin_outputs(j, err);
    if (st == RID_OK)
        st = read_data(j, stores, n_stores, err);
    if (st != RID_OK)
        return st;
    rid_progress_update(j->progress, ++j->n_done, STEPS);
    double start = rid_clock_s();
    st = calibrate(j, err);
    if (st != RID_OK)
        return st;
    step_done(j, "calibrate", start);
    start = rid_clock_s();
    st = write_outputs(j, err);
    if (st != RID_OK)
        return st;
    step_done(j, "write", start);
    rid_progress_finish(j->progress, j->n_done, STEPS);
    say_verdict(j);
    say_end_of_grid(j);
    return RID_OK;
}

rid_status rid_calibrate_run(const rid_calibrate_options *o, const char *const *stores,
                             size_t n_stores, rid_summary *summary, rid_progress *progress,
                             rid_err *err)
{
    job *j = rid_mem_zalloc(1, sizeof *j);
    if (!j)
        return RID_FAIL_NOMEM(err);
    j->o = o;
    j->point = o->point;
    j->promise = o->promise;
    j->summary = summary;
    j->progress = progress;
    const rid_status st = run_job(j, stores, n_stores, err);
    rid_publish_abort(j->output);
    rid_publish_abort(j->copy);
    rid_point_checkpoint_clear(&j->checkpoint);
    rid_swept_point_clear(&j->swept);
    rid_calibration_data_clear(&j->counts);
    rid_sweep_data_clear(&j->data);
    rid_buf_free(&j->document);
    rid_mem_free(j);
    return st;
}
