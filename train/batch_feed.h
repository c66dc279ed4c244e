/** Batches for training, made ahead: while a step computes, a thread reads and shapes the next. */
#ifndef RID_BATCH_FEED_H
#define RID_BATCH_FEED_H

#include "train/graph.h"
#include "train/pk_sampler.h"

typedef struct rid_feed_options {
    rid_pk_options pk;
    double dropout;      /**< probability of a zero in the factors; 0: no factors */
    size_t dropout_dim;  /**< columns of the factors: rows of fuse.0 */
    double attr_dropout; /**< probability that a slot's attributes are all zero */
    double frame_noise;  /**< length of the normal noise added to each unit frame, then scaled back to
                              unit length; 0: none */
} rid_feed_options;

/** One step's batch. Belongs to the feed, until the next rid_batch_feed_next. */
typedef struct rid_fed_batch {
    uint64_t step;
    rid_train_batch batch;
    const uint32_t *frames; /**< (n, max_frames): which of an entry's kept frames each row is */
    bool has_anchor;        /**< some person has two different entries, and there is another person */
} rid_fed_batch;

typedef struct rid_batch_feed rid_batch_feed;

/** Starts with batch `step`. The set is borrowed. Errors of rid_pk_sampler_new; RID_ETEMP. */
RID_MUST rid_status rid_batch_feed_open(rid_batch_feed **out, const rid_train_set *set,
                                        const uint8_t *use, const rid_feed_options *options,
                                        uint64_t step, rid_err *err);
void rid_batch_feed_close(rid_batch_feed *f);
size_t rid_batch_feed_batches(const rid_batch_feed *f); /**< an epoch */

/** The next step's batch; waits where it is not ready. What it holds depends on the step alone. */
RID_MUST rid_status rid_batch_feed_next(rid_batch_feed *f, rid_fed_batch *out, rid_err *err);

#endif
