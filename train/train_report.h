/** The report of a training run: one self-contained page for the people who decide whether its
 *  model goes into service. Figures only: no ids, no vectors. */
#ifndef RID_TRAIN_REPORT_H
#define RID_TRAIN_REPORT_H

#include "data/base/buf.h"
#include "eval/bootstrap.h"
#include "eval/score_counts.h"
#include "train/train_record.h"

/** An encoder that was measured on the validation people. */
typedef struct rid_report_encoder {
    const char *name; /**< "mean pooling", "PCA start", "trained, without attributes" */
    rid_validation v;
    rid_interval gain;              /**< of its mAP over the reference's; mean NaN: not known */
    const rid_score_counts *scores; /**< similarities on validation; NULL: not kept */
} rid_report_encoder;

typedef struct rid_report_fact {
    const char *name, *value;
} rid_report_fact;

/** Borrowed; nothing needs to be there but encoders with one row. */
typedef struct rid_train_report {
    const char *run;                /**< the run's name; NULL: none */
    const rid_epoch_record *epochs; /**< (n_epochs) */
    size_t n_epochs;
    uint64_t best_epoch;  /**< whose weights are published; 0: none of them */
    double collapse_loss; /**< the loss of a network that tells nobody apart; NaN: none */
    const rid_report_encoder *encoders; /**< (n_encoders), in the order of the table */
    size_t n_encoders;
    size_t reference;            /**< row of the better start, which training has to beat */
    size_t trained;              /**< row of the trained encoder; n_encoders: there is none */
    size_t published;            /**< row of the encoder in model.pt */
    size_t mean;                 /**< row of plain mean pooling; n_encoders: not measured */
    double confidence;           /**< of the intervals, as 0.95 */
    const rid_report_fact *data; /**< (n_data): how many entries and people, and the like */
    size_t n_data;
    const rid_report_fact *settings; /**< (n_settings) */
    size_t n_settings;
    const char *made_by; /**< tool and version, for the last line */
} rid_train_report;

/** True where the interval of the trained encoder's gain lies above 0. */
bool rid_train_report_improved(const rid_train_report *r);
/** Appends the verdict, a sentence or two of plain text, as the page has it: what was published, by
 *  how much training improved, what to do. */
void rid_train_report_verdict(rid_buf *out, const rid_train_report *r);

/** Appends the page. */
void rid_train_report_render(rid_buf *out, const rid_train_report *r);
/** Publishes it as `path`, replacing one that is there. RID_ETEMP, errors of rid_publish. */
RID_MUST rid_status rid_train_report_write(const char *path, const rid_train_report *r,
                                           rid_err *err);

#endif
