#include "train/train_job.h"

#include "data/base/interrupt.h"
#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/train_run.h"

#include <math.h>
#include <time.h>

/* ---- events of a training ---- */

/** Whose events they are. */
typedef struct training {
    rid_train_run *run;
    const rid_train_set *set; /* the run's, or its view without attributes */
} training;

static rid_status validate(void *ctx, const rid_checkpoint *params, rid_validation *out, rid_err *err)
{
    const training *t = ctx;
    const rid_train_run *run = t->run;
    const size_t dim = (size_t)params->emb_dim;
    float *emb = rid_mem_alloc_aligned(t->set->n * dim, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(t->set->n, 1);
    rid_status st = emb && usable ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_validate_encode(t->set, params, emb, usable, run->o.trainer.threads, err);
    if (st == RID_OK)
        st = rid_validate(out, NULL, NULL, &run->d, emb, usable, dim, run->o.trainer.threads, err);
    rid_mem_free(emb);
    rid_mem_free(usable);
    return st;
}

static rid_status note_epoch(void *ctx, const rid_epoch_record *r, rid_err *err)
{
    const training *t = ctx;
    rid_log(RID_LOG_DEBUG, "epoch %llu: loss %.4f, active %.2f, spread %.3f, mAP %.4f",
            (unsigned long long)r->epoch, r->loss, r->active, r->spread,
            r->validated ? r->validation.map : NAN);
    return rid_metrics_log_add(t->run->log, r, err);
}

static rid_status trace_step(void *ctx, const rid_trainer *trainer, const rid_fed_batch *fed,
                             const rid_step_figures *figures, double lr, rid_err *err)
{
    const training *t = ctx;
    return rid_train_trace_add(t->run->trace, trainer, t->set, fed, figures, lr, err);
}

/* ---- a training ---- */

static rid_trainer_options options_of(const rid_train_run *run, rid_training which,
                                      const rid_checkpoint *params)
{
    rid_trainer_options o = run->o.trainer;
    o.feed.pk.seed = run->o.data.seed;
    o.feed.pk.stream = rid_training_stream(which);
    o.feed.dropout = run->o.network.dropout;
    o.feed.dropout_dim = rid_network_dropout_dim(params);
    if (!rid_train_run_validates(run))
        o.val_every = o.patience = 0;
    if (which == RID_TRAINING_REFIT) {
        o.val_every = o.patience = 0;
        o.max_steps = run->main.progress.best_step;
        o.schedule_steps = rid_trainer_total_steps(&run->main);
    }
    return o;
}

/* Everybody is more people than the training ones, so that batches and epochs differ from the main
 * training's: its end is told in steps. */
static rid_status begin_training(rid_train_run *run, rid_trainer *t, rid_training which,
                                 training *ctx, rid_err *err)
{
    rid_checkpoint params;
    *ctx = (training){run, which == RID_TRAINING_NO_ATTRS ? &run->bare : &run->d.set};
    const rid_trainer_events events = {
        .ctx = ctx,
        .validate = validate,
        .epoch = which == RID_TRAINING_MAIN ? note_epoch : NULL,
        .step = which == RID_TRAINING_MAIN && run->trace ? trace_step : NULL,
    };
    rid_status st = rid_train_initial(run, which, &params, err);
    if (st != RID_OK)
        return st;
    const rid_trainer_options o = options_of(run, which, &params);
    return rid_trainer_init(t, &o, &events, &params, run->nn, err);
}

static rid_status start_training(rid_train_run *run, rid_trainer *t, rid_training which, rid_err *err)
{
    return rid_trainer_start(t, which == RID_TRAINING_NO_ATTRS ? &run->bare : &run->d.set,
                             which == RID_TRAINING_REFIT ? run->everyone : run->d.train, err);
}

/* ---- saving ---- */

static rid_trainer *current_trainer(rid_train_run *run)
{
    return run->phases.current == RID_TRAINING_MAIN ? &run->main : &run->other;
}

static rid_status publish_best(rid_train_run *run, rid_err *err)
{
    const rid_trainer_progress *p = &run->main.progress;
    if (p->best_step == 0 || p->best_step == run->saved_best)
        return RID_OK;
    run->saved_best = p->best_step;
    return rid_train_publish(run, RID_RUN_BEST, &run->main.best, RID_ROWS, p->best_step, err);
}

/* The state comes last: what it does not know of yet is done again. */
static rid_status save(rid_train_run *run, rid_err *err)
{
    rid_status st = RID_OK;
    if (run->phases.current == RID_TRAINING_MAIN) {
        st = publish_best(run, err);
        if (st == RID_OK)
            st = rid_train_publish(run, RID_RUN_LAST, &run->main.params, RID_ROWS,
                                   run->main.progress.step, err);
    }
    const char *settings = rid_buf_cstr(&run->settings_text);
    if (st == RID_OK && !settings)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_train_state_write(run->folder.path[RID_RUN_STATE], settings, &run->phases, &run->main,
                                   current_trainer(run), err);
    run->saved_at_s = rid_clock_s();
    return st;
}

static bool save_is_due(const rid_train_run *run, const rid_trainer *t)
{
    if (run->o.save_every_s > 0)
        return rid_clock_s() - run->saved_at_s >= run->o.save_every_s;
    return t->progress.closed_step == t->progress.step;
}

/* What a run that went wrong leaves: the best of its validations, or a start that is no worse. */
static rid_status keep_best(rid_train_run *run, rid_err *err)
{
    const rid_trainer_progress *p = &run->main.progress;
    const rid_select select = run->o.trainer.select;
    rid_row best = RID_ROWS;
    double value = p->best_value;
    for (rid_row row = RID_ROW_PCA; row <= RID_ROW_GIVEN; row++) {
        const double of_start = rid_validation_value(&run->rows[row].v, select);
        if (rid_train_run_has_row(run, row) && (of_start >= value || isnan(value)))
            best = row, value = of_start;
    }
    if (best == RID_ROWS && p->best_step == 0)
        return RID_OK;
    rid_status st = best == RID_ROWS ? publish_best(run, err)
                                     : rid_train_publish(run, RID_RUN_BEST, &run->rows[best].params,
                                                         best, 0, err);
    if (st == RID_OK && best == RID_ROWS)
        rid_log(RID_LOG_INFO, "best.pt holds the best so far: step %llu, mAP %.3f",
                (unsigned long long)p->best_step, p->best_validation.map);
    else if (st == RID_OK)
        rid_log(RID_LOG_INFO, "best.pt holds the best so far: the %s, mAP %.3f",
                run->rows[best].name, run->rows[best].v.map);
    return st;
}

/* A run that is told to stop, or that went wrong, keeps what it has. */
static rid_status keep_what_there_is(rid_train_run *run, rid_status why, rid_err *err)
{
    rid_err other = {0};
    rid_status st = why == RID_EINTR ? save(run, &other) : RID_OK;
    if (why == RID_EFAIL && run->phases.current == RID_TRAINING_MAIN)
        st = keep_best(run, &other);
    if (st == RID_OK && why == RID_EINTR)
        rid_log(RID_LOG_INFO, "saved at step %llu; --resume goes on from there",
                (unsigned long long)current_trainer(run)->progress.step);
    if (st == RID_OK)
        return why;
    rid_log(RID_LOG_ERROR, "%s", err->message);
    *err = other;
    return st;
}

static rid_status train_to_the_end(rid_train_run *run, rid_err *err)
{
    rid_trainer *t = current_trainer(run);
    rid_status st = RID_OK;
    while (st == RID_OK && !rid_trainer_is_over(t)) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rid_trainer_advance(t, err);
        rid_progress_update(run->progress, t->progress.step, rid_trainer_total_steps(t));
        if (st == RID_OK && save_is_due(run, t))
            st = save(run, err);
        else if (st == RID_EINTR || st == RID_EFAIL)
            return keep_what_there_is(run, st, err);
    }
    return st == RID_OK ? save(run, err) : st;
}

/* ---- the trainings after the first ---- */

static rid_status run_other(rid_train_run *run, rid_training which, rid_train_state *state, rid_err *err)
{
    training ctx;
    const bool resumed = state && rid_train_state_phases(state)->current == which;
    rid_trainer_clear(&run->other);
    rid_status st = begin_training(run, &run->other, which, &ctx, err);
    if (st == RID_OK && resumed)
        st = rid_train_state_restore_current(state, &run->other, err);
    run->phases.current = which;
    if (st == RID_OK)
        st = start_training(run, &run->other, which, err);
    return st == RID_OK ? train_to_the_end(run, err) : st;
}

/* What an ablation has shown stays with the run, its weights do not. One that goes wrong has shown that. */
static rid_status ablate(rid_train_run *run, rid_training which, rid_row row, const char *name,
                         rid_train_state *state, rid_err *err)
{
    rid_candidate *c = &run->rows[row];
    c->name = name;
    c->gain = (rid_interval){NAN, NAN, NAN};
    if (run->phases.current > which) {
        c->v = run->phases.validation[which];
        return RID_OK;
    }
    rid_log(RID_LOG_INFO, "ablation: %s", name);
    rid_status st = run_other(run, which, state, err);
    if (st == RID_OK || st == RID_EFAIL)
        c->v = run->phases.validation[which] =
            st == RID_OK ? run->other.progress.best_validation : RID_VALIDATION_NONE;
    if (st != RID_EFAIL)
        return st;
    rid_log(RID_LOG_WARN, "%s: %s", name, err->message);
    *err = (rid_err){0};
    return RID_OK;
}

static rid_status run_ablations(rid_train_run *run, rid_train_state *state, rid_err *err)
{
    rid_status st = RID_OK;
    if (!run->o.ablate || !rid_train_run_validates(run))
        return RID_OK;
    if (run->d.set.attr_dim > 0)
        st = ablate(run, RID_TRAINING_NO_ATTRS, RID_ROW_NO_ATTRS, "trained, without attributes", state,
                    err);
    if (st == RID_OK && !run->o.network.xattn && !run->o.network.mean_pool)
        st = ablate(run, RID_TRAINING_MEAN, RID_ROW_MEAN_POOL, "trained, with mean pooling", state, err);
    return st;
}

/* ---- model.pt ---- */

static rid_status refit_start(rid_train_run *run, rid_row row, rid_checkpoint *out, rid_err *err)
{
    const rid_init kind = row == RID_ROW_PCA ? RID_INIT_PCA : RID_INIT_LDA;
    rid_linear_choice choice = run->rows[row].choice;
    return rid_network_start(out, &run->o.network, &run->d.set, run->everyone, kind, &choice,
                             run->o.data.seed, RID_TRAINING_REFIT, run->o.trainer.threads, err);
}

static rid_status publish_model(rid_train_run *run, const rid_train_verdict *v, rid_train_state *state,
                                rid_err *err)
{
    rid_checkpoint refitted = {0};
    const rid_checkpoint *params = &run->rows[v->published].params;
    const bool trained = v->published == RID_ROW_TRAINED;
    const bool linear = v->published == RID_ROW_PCA || v->published == RID_ROW_LDA;
    uint64_t steps = !trained                       ? 0
                     : rid_train_run_validates(run) ? run->main.progress.best_step
                                                    : run->main.progress.step;
    rid_status st = RID_OK;
    if (run->o.refit && rid_train_run_validates(run) && trained) {
        st = run_other(run, RID_TRAINING_REFIT, state, err);
        params = &run->other.params;
    } else if (run->o.refit && rid_train_run_validates(run) && linear) {
        st = refit_start(run, v->published, &refitted, err);
        params = &refitted;
    }
    if (st == RID_OK && params->n_tensors == 0)
        st = RID_FAIL(err, RID_EDATA, "there is no encoder to publish: neither a step was trained nor could"
                                      " a start be fitted");
    if (st == RID_OK)
        st = rid_train_publish(run, RID_RUN_MODEL, params, v->published, steps, err);
    if (st == RID_OK)
        st = rid_publish_remove(run->folder.path[RID_RUN_BEST], err);
    rid_checkpoint_free(&refitted);
    return st;
}

/* ---- the run ---- */

static rid_status load_data(rid_train_run *run, rid_err *err)
{
    rid_train_data *d = &run->d;
    double started = rid_clock_s();
    run->o.data.rejects = run->o.dry_run ? NULL : run->folder.path[RID_RUN_MODEL];
    rid_status st = rid_train_data_load(d, &run->o.data, run->summary, NULL, err);
    rid_summary_add_stage(run->summary, "load", rid_clock_s() - started);
    if (st != RID_OK)
        return st;
    run->bare = d->set;
    run->bare.attr_dim = 0;
    run->bare.attr = NULL;
    if (!(run->everyone = rid_mem_alloc(d->set.n, 1)))
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < d->set.n; i++)
        run->everyone[i] = d->train[i] || d->query[i];
    rid_log(RID_LOG_INFO,
            "%zu people train (%zu entries), %zu validate (%zu entries); frames of %zu numbers, %zu of"
            " attributes",
            d->n_train_people, d->n_train, d->n_query_people, d->n_query, d->set.vis_dim, d->set.attr_dim);
    size_t *p = &run->o.trainer.feed.pk.p;
    if (*p > d->n_train_people) {
        rid_log(RID_LOG_WARN, "--p %zu is more than the %zu people there are: a batch has all of them", *p,
                d->n_train_people);
        *p = d->n_train_people;
    }
    return RID_OK;
}

static rid_status describe(rid_train_run *run, rid_err *err)
{
    char digest[65];
    const bool given = run->o.init == RID_INIT_FILE;
    rid_status st = given ? rid_checkpoint_digest(&run->rows[RID_ROW_GIVEN].params, digest, err) : RID_OK;
    if (st != RID_OK)
        return st;
    rid_train_settings_make(&run->settings, &run->o, &run->d, run->nn, given ? digest : NULL);
    rid_train_settings_text(&run->settings, &run->settings_text);
    return run->settings_text.failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

/* metrics.jsonl and the events are written anew from the history: whatever a killed run left there. */
static rid_status open_logs(rid_train_run *run, rid_err *err)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const rid_epoch_record *h = run->main.history;
    const double wall_s = run->main.n_history > 0 ? h[0].wall_s : (double)now.tv_sec;
    rid_status st = rid_metrics_log_open(&run->log, run->o.folder, wall_s, err);
    for (size_t i = 0; i < run->main.n_history && st == RID_OK; i++)
        st = rid_metrics_log_add(run->log, &h[i], err);
    if (st == RID_OK && run->o.trace)
        st = rid_train_trace_open(&run->trace, run->o.trace, run->o.trace_params,
                                  run->main.progress.step, err);
    return st;
}

static rid_status run_main(rid_train_run *run, rid_train_state **state, training *ctx, rid_err *err)
{
    const char *settings = rid_buf_cstr(&run->settings_text);
    rid_status st = RID_OK;
    if (run->folder.goes_on)
        st = rid_train_state_open(state, run->folder.path[RID_RUN_STATE], settings, err);
    if (st == RID_OK && !*state)
        st = rid_run_folder_begin(&run->folder, err);
    if (st == RID_OK && !*state)
        st = rid_run_folder_write(&run->folder, RID_RUN_CONFIG, rid_str_of(run->o.config), err);
    if (st == RID_OK)
        st = begin_training(run, &run->main, RID_TRAINING_MAIN, ctx, err);
    if (st == RID_OK && *state) {
        st = rid_train_state_restore_main(*state, &run->main, err);
        run->saved_best = run->main.progress.best_step;
    }
    if (st == RID_OK)
        st = open_logs(run, err);
    if (st != RID_OK)
        return st;
    run->main.events.step = run->trace ? trace_step : NULL;
    st = start_training(run, &run->main, RID_TRAINING_MAIN, err);
    if (st != RID_OK)
        return st;
    if (*state && rid_trainer_is_over(&run->main))
        run->phases = *rid_train_state_phases(*state);
    if (run->phases.current != RID_TRAINING_MAIN)
        return RID_OK;
    if (run->main.progress.step > 0)
        rid_log(RID_LOG_INFO, "goes on behind step %llu", (unsigned long long)run->main.progress.step);
    return train_to_the_end(run, err);
}

static void add_times(rid_train_run *run)
{
    const rid_trainer *t = &run->main;
    rid_summary_add_stage(run->summary, "data", t->data_s);
    rid_summary_add_stage(run->summary, "compute", t->compute_s);
    rid_summary_add_stage(run->summary, "update", t->update_s);
    rid_summary_add_stage(run->summary, "validate", t->validate_s);
}

static rid_status finish(rid_train_run *run, rid_train_state *state, rid_err *err)
{
    rid_train_verdict verdict;
    rid_status st = run_ablations(run, state, err);
    if (st == RID_OK)
        st = rid_train_decide(run, &verdict, err);
    if (st == RID_OK)
        st = publish_model(run, &verdict, state, err);
    if (st == RID_OK)
        st = rid_train_report_run(run, &verdict, err);
    if (st == RID_OK && run->o.require_improvement && !verdict.improved)
        st = RID_FAIL(err, RID_EASSERT, "training did not improve on what needs none, and"
                                        " --require-improvement asks for it");
    return st;
}

static rid_status run_all(rid_train_run *run, rid_err *err)
{
    training ctx;
    rid_train_state *state = NULL;
    rid_status st = run_main(run, &state, &ctx, err);
    if (st == RID_OK)
        st = finish(run, state, err);
    add_times(run);
    rid_train_state_close(state);
    return st;
}

static void clear_run(rid_train_run *run)
{
    rid_trainer_clear(&run->main);
    rid_trainer_clear(&run->other);
    rid_metrics_log_close(run->log);
    rid_train_trace_close(run->trace);
    for (size_t i = 0; i < RID_ROWS; i++)
        rid_candidate_clear(&run->rows[i]);
    rid_run_folder_close(&run->folder);
    rid_buf_free(&run->settings_text);
    rid_mem_free(run->everyone);
    rid_train_data_clear(&run->d);
    rid_nn_close(run->nn);
}

rid_status rid_train_job_run(const rid_train_options *options, rid_summary *summary,
                             rid_progress *progress, rid_err *err)
{
    rid_train_run run = {.o = *options, .summary = summary, .progress = progress,
                         .saved_at_s = rid_clock_s()};
    rid_status st = rid_nn_open(&run.nn, options->device, options->trainer.threads, false, err);
    if (st == RID_OK && !options->dry_run)
        st = rid_run_folder_open(&run.folder, options->folder, options->resume, options->force, err);
    if (st == RID_OK)
        st = load_data(&run, err);
    if (st == RID_OK)
        st = rid_train_starts(&run, err);
    if (st == RID_OK)
        st = describe(&run, err);
    if (st == RID_OK && !options->dry_run)
        st = run_all(&run, err);
    if (st == RID_OK && rid_summary_exceeds(summary, options->max_rejects))
        summary->exit_code = 3;
    clear_run(&run);
    return st;
}
