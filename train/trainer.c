#include "train/trainer.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "train/network.h"

#include <math.h>
#include <time.h>

/* Unit vectors closer together than this have collapsed onto one point. */
static const double SPREAD_MIN = 0.02;
/* A loss this near (relatively) to what equal distances give says that nothing is told apart. */
static const double STUCK = 0.01;
enum { COLLAPSED_EPOCHS = 3 };
/* Dropout moves equal embeddings apart, by less than this in networks of a useful size. */
static const double SPREAD_OF_DROPOUT = 0.3;

double rid_validation_value(const rid_validation *v, rid_select select)
{
    switch (select) {
    case RID_SELECT_MAP:
        return v->map;
    case RID_SELECT_RANK1:
        return v->rank1;
    case RID_SELECT_F1:
        return fmax(v->best[0].f1, v->best[1].f1);
    }
    return NAN;
}

rid_status rid_trainer_init(rid_trainer *t, const rid_trainer_options *o,
                            const rid_trainer_events *events, rid_checkpoint *params, rid_nn *nn,
                            rid_err *err)
{
    *t = (rid_trainer){.o = *o, .events = *events, .params = *params, .nn = nn};
    *params = (rid_checkpoint){0};
    t->progress.best_value = NAN;
    rid_status st = rid_graph_new_like(&t->grads, &t->params, err);
    if (st == RID_OK)
        st = rid_graph_new_like(&t->best, &t->params, err);
    if (st == RID_OK)
        st = rid_adamw_init(&t->adam, &t->params, err);
    return st;
}

rid_status rid_trainer_start(rid_trainer *t, const rid_train_set *set, const uint8_t *use, rid_err *err)
{
    t->epoch_started_s = rid_clock_s();
    return rid_batch_feed_open(&t->feed, set, use, &t->o.feed, t->progress.step, err);
}

void rid_trainer_clear(rid_trainer *t)
{
    rid_batch_feed_close(t->feed);
    rid_checkpoint_free(&t->params);
    rid_checkpoint_free(&t->grads);
    rid_checkpoint_free(&t->best);
    rid_adamw_clear(&t->adam);
    rid_mem_free(t->history);
    *t = (rid_trainer){0};
}

size_t rid_trainer_steps_per_epoch(const rid_trainer *t)
{
    return rid_batch_feed_batches(t->feed);
}

uint64_t rid_trainer_total_steps(const rid_trainer *t)
{
    uint64_t total = t->o.epochs * rid_trainer_steps_per_epoch(t);
    return t->o.max_steps > 0 && t->o.max_steps < total ? t->o.max_steps : total;
}

/* ---- a step ---- */

static double clip_scale(const rid_trainer *t, double norm)
{
    return t->o.clip_norm > 0 && norm > t->o.clip_norm ? t->o.clip_norm / norm : 1;
}

static void sum_up(rid_trainer_progress *p, const rid_step_figures *f, double lr)
{
    p->n_summed++;
    p->loss += f->loss;
    p->active += f->n_anchors > 0 ? (double)f->n_active / (double)f->n_anchors : 0;
    p->positive += f->positive;
    p->negative += f->negative;
    p->spread += f->spread;
    p->gradient_norm += f->gradient_norm;
    p->lr += lr;
}

static rid_status diverged(const char *what, uint64_t step, rid_err *err)
{
    return RID_FAIL(err, RID_EFAIL,
                    "training diverged: %s of step %llu are not finite; lower --lr, warm up longer"
                    " (--warmup), or limit gradients (--clip-norm 1)",
                    what, (unsigned long long)step);
}

/* A spread that may be dropout's alone is measured again without. */
static rid_status see_through_dropout(rid_trainer *t, const rid_train_batch *batch,
                                      rid_step_figures *f, rid_err *err)
{
    if (!batch->dropout || !f->finite || f->spread >= SPREAD_OF_DROPOUT)
        return RID_OK;
    return rid_graph_spread(t->nn, &t->params, batch, &f->spread, err);
}

static rid_status learn(rid_trainer *t, const rid_fed_batch *fed, rid_err *err)
{
    rid_trainer_progress *p = &t->progress;
    rid_step_figures f;
    double started = rid_clock_s();
    rid_status st = rid_graph_step(t->nn, &t->params, &fed->batch, &t->o.loss, &t->grads, &f, err);
    if (st == RID_OK)
        st = see_through_dropout(t, &fed->batch, &f, err);
    double computed = rid_clock_s();
    t->compute_s += computed - started;
    if (st != RID_OK)
        return st;
    uint64_t schedule = t->o.schedule_steps ? t->o.schedule_steps : rid_trainer_total_steps(t);
    double lr = rid_learning_rate(t->o.schedule, t->o.lr, p->step, t->o.warmup, schedule);
    if (t->events.step)
        st = t->events.step(t->events.ctx, t, fed, &f, lr, err);
    if (st == RID_OK && !f.finite)
        st = diverged("loss or gradients", p->step, err);
    if (st != RID_OK)
        return st;
    rid_adamw_update(&t->adam, &t->params, &t->grads, lr, t->o.weight_decay,
                     clip_scale(t, f.gradient_norm), t->o.threads);
    sum_up(p, &f, lr);
    t->update_s += rid_clock_s() - computed;
    return RID_OK;
}

/* ---- an epoch ---- */

static rid_epoch_record make_record(const rid_trainer *t, uint64_t epoch)
{
    const rid_trainer_progress *p = &t->progress;
    const double n = (double)p->n_summed;
    const double seconds = rid_clock_s() - t->epoch_started_s;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (rid_epoch_record){
        .epoch = epoch,
        .step = p->step,
        .wall_s = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec,
        .loss = p->loss / n,
        .lr = p->lr / n,
        .active = p->active / n,
        .positive = p->positive / n,
        .negative = p->negative / n,
        .spread = p->spread / n,
        .gradient_norm = p->gradient_norm / n,
        .entries_per_s = seconds > 0 ? n * (double)(t->o.feed.pk.p * t->o.feed.pk.k) / seconds : 0,
    };
}

static rid_status validate(rid_trainer *t, rid_epoch_record *r, rid_err *err)
{
    rid_trainer_progress *p = &t->progress;
    double started = rid_clock_s();
    rid_status st = t->events.validate(t->events.ctx, &t->params, &r->validation, err);
    t->validate_s += rid_clock_s() - started;
    if (st == RID_EDATA)
        st = diverged("embeddings by the weights", p->step - 1, err);
    if (st != RID_OK)
        return st;
    r->validated = true;
    double value = rid_validation_value(&r->validation, t->o.select);
    if (value > p->best_value || isnan(p->best_value)) {
        p->best_value = value;
        p->best_step = p->step;
        p->best_validation = r->validation;
        p->n_worse = 0;
        rid_network_copy_weights(&t->best, &t->params);
    } else {
        p->n_worse++;
    }
    return RID_OK;
}

/* ---- what goes wrong with batch-hard triplets in a known way ---- */

enum { WARN_SPREAD = 1, WARN_STUCK = 2, WARN_IDLE = 4 };

static bool first_time(rid_trainer_progress *p, uint64_t warning)
{
    const bool first = !(p->warned & warning);
    p->warned |= warning;
    return first;
}

static void warn(rid_trainer_progress *p, const rid_epoch_record *r, bool stuck, bool idle)
{
    const unsigned long long epoch = r->epoch;
    if (p->n_collapsed > 0 && first_time(p, WARN_SPREAD))
        rid_log(RID_LOG_WARN, "epoch %llu: the spread of the embeddings vanishes (%.2g)", epoch, r->spread);
    if (stuck && p->n_collapsed == 0 && epoch > 1 && first_time(p, WARN_STUCK))
        rid_log(RID_LOG_WARN,
                "epoch %llu: the loss sits at %.3g, where nothing is told apart; a lower --lr or --soft-margin"
                " may help",
                epoch, r->loss);
    if (idle && first_time(p, WARN_IDLE))
        rid_log(RID_LOG_WARN,
                "epoch %llu: no active triplet is left: everybody is told apart by the margin, and there is"
                " nothing to learn; a larger --margin, --soft-margin or a larger --p make it harder",
                epoch);
}

static rid_status check_health(rid_trainer *t, const rid_epoch_record *r, rid_err *err)
{
    rid_trainer_progress *p = &t->progress;
    const double level = t->o.loss.soft ? M_LN2 : t->o.loss.margin;
    const bool stuck = fabs(r->loss - level) < STUCK * level;
    p->n_collapsed = r->spread < SPREAD_MIN ? p->n_collapsed + 1 : 0;
    warn(p, r, stuck, r->active <= 0 && !t->o.loss.soft);
    if (p->n_collapsed < COLLAPSED_EPOCHS)
        return RID_OK;
    return RID_FAIL(err, RID_EFAIL,
                    "training collapsed: embeddings of different people are the same (spread %.2g, loss"
                    " %.4g%s); lower --lr, warm up longer (--warmup), or start from --init lda",
                    r->spread, r->loss, stuck ? ", which is where equal distances leave it" : "");
}

static rid_status add_history(rid_trainer *t, const rid_epoch_record *r, rid_err *err)
{
    if (rid_mem_grow(&t->history, &t->history_cap, t->n_history + 1, sizeof *t->history) != 0)
        return RID_FAIL_NOMEM(err);
    t->history[t->n_history++] = *r;
    return t->events.epoch ? t->events.epoch(t->events.ctx, r, err) : RID_OK;
}

static void start_sums(rid_trainer_progress *p)
{
    p->n_summed = 0;
    p->loss = p->active = p->positive = p->negative = p->spread = p->gradient_norm = p->lr = 0;
}

static rid_status end_epoch(rid_trainer *t, uint64_t epoch, bool last, rid_err *err)
{
    rid_trainer_progress *p = &t->progress;
    rid_epoch_record r = make_record(t, epoch);
    rid_status st = RID_OK;
    if (p->n_summed == 0)
        return RID_FAIL(err, RID_EDATA, "no batch of epoch %llu has a triplet: two entries of one person"
                                        " and one of another; raise --k or --p",
                        (unsigned long long)epoch);
    if (t->o.val_every > 0 && t->events.validate && (last || epoch % t->o.val_every == 0))
        st = validate(t, &r, err);
    if (st == RID_OK)
        st = add_history(t, &r, err);
    if (st == RID_OK)
        st = check_health(t, &r, err);
    if (st == RID_OK) {
        start_sums(p);
        p->closed_step = p->step;
    }
    t->epoch_started_s = rid_clock_s();
    return st;
}

static bool epoch_is_open(const rid_trainer *t)
{
    return t->progress.closed_step != t->progress.step;
}

bool rid_trainer_is_over(const rid_trainer *t)
{
    return !epoch_is_open(t) && (t->progress.step >= rid_trainer_total_steps(t) ||
                                 (t->o.patience > 0 && t->progress.n_worse >= t->o.patience));
}

rid_status rid_trainer_advance(rid_trainer *t, rid_err *err)
{
    rid_trainer_progress *p = &t->progress;
    rid_fed_batch fed;
    const uint64_t per_epoch = rid_trainer_steps_per_epoch(t);
    const bool last = p->step >= rid_trainer_total_steps(t);
    if (epoch_is_open(t) && (p->step % per_epoch == 0 || last))
        return end_epoch(t, (p->step + per_epoch - 1) / per_epoch, last, err);
    double started = rid_clock_s();
    rid_status st = rid_batch_feed_next(t->feed, &fed, err);
    t->data_s += rid_clock_s() - started;
    if (st == RID_OK && fed.has_anchor)
        st = learn(t, &fed, err);
    if (st != RID_OK)
        return st;
    p->n_without_anchor += !fed.has_anchor;
    p->step++;
    return RID_OK;
}
