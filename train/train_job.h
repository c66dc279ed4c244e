/** The work of rid-train: ground truth and entries → a run's folder with model.pt.
 *
 *  A run is a sequence of trainings. The first is validated and chooses the step; then, where asked
 *  for, one on everybody for as many steps (refit), one without attributes and one with mean pooling
 *  (ablations, for the report). It can be killed at any moment and goes on from its last save. */
#ifndef RID_TRAIN_JOB_H
#define RID_TRAIN_JOB_H

#include "train/network.h"
#include "train/trainer.h"

typedef struct rid_train_options {
    rid_train_data_options data;
    rid_trainer_options trainer; /**< of the first training; streams, sizes and steps of others follow */
    rid_network network;
    rid_init init;
    const char *init_file;    /**< of RID_INIT_FILE */
    rid_nn_device device;
    bool refit, ablate;
    bool require_improvement; /**< without one: RID_EASSERT, once all is published */
    bool resume, force;
    bool dry_run;             /**< loads and measures the starts, writes nothing */
    double save_every_s;      /**< 0: after every epoch */
    rid_reject_limit max_rejects; /**< more rejected payloads: exit 3, though the run goes through */
    const char *folder;       /**< RUN_DIR; NULL with dry_run */
    const char *config;       /**< text of config.yaml */
    const char *trace;        /**< folder of the trace; NULL: none */
    uint64_t trace_params;    /**< steps whose weights and gradients are traced */
} rid_train_options;

/** Runs. RID_EUSAGE: a run is in the folder already, or one to resume has other settings; RID_EFAIL:
 *  diverged or collapsed, the best checkpoint so far is in best.pt; RID_EINTR: stopped by a signal,
 *  all saved; errors of data, starts and files. */
RID_MUST rid_status rid_train_job_run(const rid_train_options *options, rid_summary *summary,
                                      rid_progress *progress, rid_err *err);

#endif
