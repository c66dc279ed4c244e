/** The trace of a training: what was in each step's batch, and for the first steps the weights and
 *  gradients, so that anyone can check a step in PyTorch. Ids, no vectors of people. */
#ifndef RID_TRAIN_TRACE_H
#define RID_TRAIN_TRACE_H

#include "train/trainer.h"

typedef struct rid_train_trace rid_train_trace;

/** Opens FOLDER/steps.jsonl, made with its folder, and keeps the lines of the steps before `step`, as far
 *  as there are some.
 *  n_params: for so many steps also params-%06d.pt (before the step) and grads-%06d.pt. */
RID_MUST rid_status rid_train_trace_open(rid_train_trace **out, const char *folder,
                                         uint64_t n_params, uint64_t step, rid_err *err);
/** Appends a step: step, epoch (from 1), lr, loss, entry_ids in the order of the batch, frames: for
 *  each entry the places of its frames in its payload. */
RID_MUST rid_status rid_train_trace_add(rid_train_trace *trace, const rid_trainer *t,
                                        const rid_train_set *set, const rid_fed_batch *fed,
                                        const rid_step_figures *figures, double lr, rid_err *err);
/** NULL is fine. */
void rid_train_trace_close(rid_train_trace *trace);

#endif
