/** What the parts of a training run share: see train/train_job.h. Internal to the run. */
#ifndef RID_TRAIN_RUN_H
#define RID_TRAIN_RUN_H

#include "train/candidate.h"
#include "train/metrics_log.h"
#include "train/run_folder.h"
#include "train/train_settings.h"
#include "train/train_state.h"
#include "train/train_trace.h"

/** The trainings of a run, in their order; numbers are kept in resume states. */
typedef enum rid_training {
    RID_TRAINING_MAIN,
    RID_TRAINING_NO_ATTRS, /**< ablation: entries without attributes */
    RID_TRAINING_MEAN,     /**< ablation: mean pooling */
    RID_TRAINING_REFIT,    /**< everybody, for the steps that were best */
} rid_training;

/** The stream of random numbers of a training: an ablation has the first training's, so that it
 *  differs in what it leaves out alone, and is the very run that is configured so. */
static inline uint64_t rid_training_stream(rid_training training)
{
    return training == RID_TRAINING_REFIT ? RID_TRAINING_REFIT : RID_TRAINING_MAIN;
}

/** Rows of the comparison; those not measured have no `ap`. */
typedef enum rid_row {
    RID_ROW_MEAN,
    RID_ROW_PCA,
    RID_ROW_LDA,
    RID_ROW_GIVEN, /**< --init FILE */
    RID_ROW_TRAINED,
    RID_ROW_NO_ATTRS,
    RID_ROW_MEAN_POOL,
    RID_ROWS
} rid_row;

typedef struct rid_train_run {
    rid_train_options o;  /**< as resolved: p is at most the number of people */
    rid_train_data d;
    rid_train_set bare;   /**< view of d.set without attributes */
    uint8_t *everyone;    /**< u8 (n): all who may train, validation people too */
    rid_nn *nn;
    rid_train_settings settings;
    rid_buf settings_text;
    rid_run_folder folder;
    rid_train_phases phases;
    rid_trainer main, other; /**< the first training, and the one after it that is under way */
    rid_metrics_log *log;
    rid_train_trace *trace;
    rid_candidate rows[RID_ROWS];
    double saved_at_s;
    uint64_t saved_best;     /**< main.progress.best_step that best.pt has */
    rid_summary *summary;
    rid_progress *progress;
} rid_train_run;

/** True where there are people to validate on. */
static inline bool rid_train_run_validates(const rid_train_run *run)
{
    return run->d.n_query > 0;
}
static inline bool rid_train_run_has_row(const rid_train_run *run, rid_row row)
{
    return run->rows[row].ap != NULL;
}

/* ---- train/train_starts.c ---- */

/** Fits the starts and measures them and mean pooling. A start that cannot be fitted is left out,
 *  unless it is --init. */
RID_MUST rid_status rid_train_starts(rid_train_run *run, rid_err *err);
/** Initial weights of a training. */
RID_MUST rid_status rid_train_initial(rid_train_run *run, rid_training training, rid_checkpoint *out,
                                      rid_err *err);

/* ---- train/train_publish.c ---- */

/** Writes a checkpoint with schema, filter settings and provenance. row: whose figures it shows;
 *  RID_ROWS: those of the best validation so far. steps: it was trained for. */
RID_MUST rid_status rid_train_publish(rid_train_run *run, rid_run_file file,
                                      const rid_checkpoint *params, rid_row row, uint64_t steps,
                                      rid_err *err);
/** What was decided, after the first training. */
typedef struct rid_train_verdict {
    rid_row reference; /**< the best of what needs no training; RID_ROWS: nothing was measured */
    rid_row published;
    bool improved;
} rid_train_verdict;
/** Measures what was trained and compares. */
RID_MUST rid_status rid_train_decide(rid_train_run *run, rid_train_verdict *out, rid_err *err);
/** report.html, summary and closing words. */
RID_MUST rid_status rid_train_report_run(rid_train_run *run, const rid_train_verdict *verdict,
                                         rid_err *err);

#endif
