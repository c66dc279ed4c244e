/** How good an encoder is on people that training never saw. */
#ifndef RID_VALIDATE_H
#define RID_VALIDATE_H

#include "eval/ranking.h"
#include "train/train_data.h"
#include "train/checkpoint.h"
#include "train/train_record.h"

/** Unit embeddings of all entries of a set by the encoder that serving uses: emb f32 (n, emb_dim);
 *  usable u8 (n), 0: no embedding. params NULL: the mean of the frames, emb_dim = vis_dim. */
RID_MUST rid_status rid_validate_encode(const rid_train_set *set, const rid_checkpoint *params,
                                        float *emb, uint8_t *usable, int threads, rid_err *err);

/** Validation people's entries are the queries, all labelled entries the gallery, over all buckets.
 *  Pairwise F1: every bucket's entries are matched in order; pairs of validation people count.
 *  ap: f64 (set.n), each query's average precision, NaN for the others; scores: their similarities;
 *  both may be NULL. */
RID_MUST rid_status rid_validate(rid_validation *out, double *ap, rid_score_counts *scores,
                                 const rid_train_data *d, const float *emb, const uint8_t *usable,
                                 size_t dim, int threads, rid_err *err);

#endif
