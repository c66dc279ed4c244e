/** Replaying the decision rule on a bucket with one margin and many thresholds at once: one lane a
 *  threshold. The persons that entries have been given so far differ from lane to lane, so under
 *  `identity` nn2 does; what there is to compare is the same. */
#ifndef RID_REPLAY_H
#define RID_REPLAY_H

#include "eval/rule.h"

enum {
    RID_LANE_BLOCK = 16, /**< lanes come in multiples of it */
    RID_LANES = 128      /**< at most */
};

/** A bucket's matchable entries and their best earlier ones. */
typedef struct rid_replay {
    size_t n, n_matchable, dim, k;
    uint32_t *row_of;     /**< (n_matchable): row of the bucket, ascending */
    rid_neighbour *best;  /**< (n_matchable, k), best first; rows of the bucket */
    float *emb;           /**< (n_matchable, dim); NULL where scores need not be computed again */
    float *packed;        /**< the same for the kernel; NULL as emb */
    float *scores;        /**< all scores where they are kept, else NULL */
    size_t *tile_at;      /**< places in it */
} rid_replay;

/** Scans a bucket; identity: also for that mode. Arguments and errors of rid_cluster. Cleared on
 *  failure.
 *  *spare: bytes of memory that may go to keeping all scores, which makes identity fast; what is used is
 *  taken off. Nothing else depends on it. */
RID_MUST rid_status rid_replay_init(rid_replay *r, const float *emb, const uint8_t *usable,
                                    size_t n, size_t dim, bool identity, size_t *spare, int threads,
                                    rid_err *err);
void rid_replay_clear(rid_replay *r);

/** Floats of scratch that rid_replay_run needs. */
size_t rid_replay_scratch(const rid_replay *r);

/** Replays `identity`: label u32 (n, lanes) becomes the row of the first entry of each entry's
 *  person, its own where it is a new one. threshold f64 (lanes), ascending. */
void rid_replay_run(const rid_replay *r, double margin, const double *threshold, size_t lanes,
                    uint32_t *label, float *scratch);

#endif
