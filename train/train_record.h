/** What a training run writes down: figures of each epoch, and of the encoders it compares. */
#ifndef RID_TRAIN_RECORD_H
#define RID_TRAIN_RECORD_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Validation figures of one encoder, over validation people; NaN where undefined. */
typedef struct rid_validation {
    double map, rank1, auc, eer;
    struct {
        double f1, threshold, margin; /**< pairwise F1 at its best operating point */
    } best[2];                        /**< by rid_nn2_mode */
} rid_validation;

/** Of an encoder that has none. */
#define RID_VALIDATION_NONE                                                                        \
    ((rid_validation){NAN, NAN, NAN, NAN, {{NAN, NAN, NAN}, {NAN, NAN, NAN}}})

/** Which of the figures chooses the best weights. */
typedef enum rid_select { RID_SELECT_MAP, RID_SELECT_RANK1, RID_SELECT_F1 } rid_select;

/** One epoch: means over its steps. */
typedef struct rid_epoch_record {
    uint64_t epoch, step;      /**< epoch from 1; steps done so far */
    double wall_s;             /**< time of day at its end, seconds since 1970, for TensorBoard */
    double loss, lr;
    double active;             /**< share of anchors with a loss */
    double positive, negative; /**< mean distance to the hardest */
    double spread; /**< of the embeddings; a small one is told without dropout's share */
    double gradient_norm;
    double entries_per_s;
    bool validated;
    rid_validation validation; /**< where validated */
} rid_epoch_record;

#endif
