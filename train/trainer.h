/** One training: batch after batch from initial weights, with validation after epochs. What it does
 *  at a step depends on its options, data and the step alone, so that it can stop and go on anywhere
 *  between two steps. */
#ifndef RID_TRAINER_H
#define RID_TRAINER_H

#include "train/adamw.h"
#include "train/batch_feed.h"
#include "train/train_data.h"
#include "train/train_record.h"

typedef struct rid_trainer_options {
    rid_feed_options feed;
    rid_triplet_options loss;
    rid_lr_schedule schedule;
    double lr, weight_decay;
    double clip_norm;         /**< gradients are scaled down to this norm; 0: never */
    uint64_t warmup;          /**< steps */
    uint64_t epochs;
    uint64_t max_steps;       /**< 0: no other end than epochs */
    uint64_t schedule_steps;  /**< length of the schedule; 0: the steps of `epochs` and max_steps */
    uint64_t val_every;       /**< epochs between validations; 0: none */
    uint64_t patience;        /**< validations without a better one before the end; 0: never */
    rid_select select;
    int threads;
} rid_trainer_options;

/** Where a training stands, beside its tensors. No pointers: it is saved as it is. */
typedef struct rid_trainer_progress {
    uint64_t step;                 /**< steps done */
    uint64_t n_summed;             /**< of them in the sums of the current epoch */
    double loss, active, positive, negative, spread, gradient_norm, lr; /**< these sums */
    uint64_t n_without_anchor;     /**< batches without a triplet: no update */
    uint64_t best_step;            /**< 0: the initial weights */
    double best_value;             /**< the selected figure; NaN before the first validation */
    uint64_t n_worse;              /**< validations since the best */
    uint64_t closed_step;          /**< step up to which epochs are recorded and validated */
    uint64_t n_collapsed;          /**< epochs in a row that look collapsed */
    uint64_t warned;               /**< which warnings were given: each is given once */
    rid_validation best_validation;
} rid_trainer_progress;

typedef struct rid_trainer rid_trainer;

/** What a training reports to. Any may be NULL. */
typedef struct rid_trainer_events {
    void *ctx;
    /** Figures of the weights; sets *out. RID_EDATA where they give no finite embeddings. */
    rid_status (*validate)(void *ctx, const rid_checkpoint *params, rid_validation *out, rid_err *err);
    rid_status (*epoch)(void *ctx, const rid_epoch_record *record, rid_err *err);
    /** Before the weights are updated: batch, gradients and figures of `progress.step`. */
    rid_status (*step)(void *ctx, const rid_trainer *t, const rid_fed_batch *batch,
                       const rid_step_figures *figures, double lr, rid_err *err);
} rid_trainer_events;

/** Open for those who save and report it. */
struct rid_trainer {
    rid_trainer_options o;
    rid_trainer_events events;
    rid_checkpoint params, grads, best; /**< best: of the best validation so far */
    rid_adamw adam;
    rid_trainer_progress progress;
    rid_epoch_record *history;
    size_t n_history, history_cap;
    rid_nn *nn;           /**< borrowed */
    rid_batch_feed *feed;
    double epoch_started_s;
    double data_s, compute_s, update_s, validate_s; /**< time spent */
};

/** Takes over *params (also on failure). set, use and nn are borrowed. */
RID_MUST rid_status rid_trainer_init(rid_trainer *t, const rid_trainer_options *o,
                                     const rid_trainer_events *events, rid_checkpoint *params,
                                     rid_nn *nn, rid_err *err);
/** Starts reading batches from progress.step on. */
RID_MUST rid_status rid_trainer_start(rid_trainer *t, const rid_train_set *set, const uint8_t *use,
                                      rid_err *err);
void rid_trainer_clear(rid_trainer *t);

size_t rid_trainer_steps_per_epoch(const rid_trainer *t);
/** Steps it will do at most. */
uint64_t rid_trainer_total_steps(const rid_trainer *t);

/** True where nothing is left to do: all steps are done, or patience is at its end. */
bool rid_trainer_is_over(const rid_trainer *t);
/** One step, or, where an epoch's steps are done, its record and validation. After RID_EINTR it stands
 *  where it stood before. RID_EFAIL with advice where it diverged or collapsed. */
RID_MUST rid_status rid_trainer_advance(rid_trainer *t, rid_err *err);

/** The figure that selects; NaN where undefined. */
double rid_validation_value(const rid_validation *v, rid_select select);

#endif
