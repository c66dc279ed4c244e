/** What a run writes down epoch by epoch: metrics.jsonl, and the same figures for TensorBoard. */
#ifndef RID_METRICS_LOG_H
#define RID_METRICS_LOG_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "train/train_record.h"

/** The names of the two files in a run's folder. */
#define RID_METRICS_FILE "metrics.jsonl"
#define RID_EVENTS_FILE "events.out.tfevents.rid"

/** Appends an epoch as a line of JSON: epoch, step, loss, lr, active, hardest_positive,
 *  hardest_negative, spread, gradient_norm, entries_per_s, and where it was validated val_map,
 *  val_rank1, val_auc, val_eer and for each rule val_f1_neighbor, val_threshold_neighbor,
 *  val_margin_neighbor, …_identity. What is not finite is null. */
void rid_metrics_log_line(rid_buf *out, const rid_epoch_record *r);
/** Appends an epoch as TensorBoard events by step: train/loss, …, val/map, … */
void rid_metrics_log_events(rid_buf *out, const rid_epoch_record *r);

typedef struct rid_metrics_log rid_metrics_log;

/** Begins both files in `folder` anew: what an earlier run left in them is gone. wall_s: the time of
 *  day, for the events. Errors of rid_appendfile. */
RID_MUST rid_status rid_metrics_log_open(rid_metrics_log **out, const char *folder, double wall_s,
                                         rid_err *err);
/** Appends an epoch to both, durably. */
RID_MUST rid_status rid_metrics_log_add(rid_metrics_log *log, const rid_epoch_record *r,
                                        rid_err *err);
/** NULL is fine. */
void rid_metrics_log_close(rid_metrics_log *log);

#endif
