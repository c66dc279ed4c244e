/** The encoder as a training graph, and one step's loss and gradients.
 *
 *  Factored like inference: raw unit frames are pooled before any map is applied, keys and values are
 *  never formed (Σ a = 1 gives pooled = Wv Σ a x + bv; q·k = (Wkᵀ q)·x + a constant that the softmax
 *  cancels, so that vis_pool.k.bias has gradient 0 exactly). */
#ifndef RID_GRAPH_H
#define RID_GRAPH_H

#include "train/checkpoint.h"
#include "train/nn.h"
#include "train/triplet.h"

/** A batch, borrowed. */
typedef struct rid_train_batch {
    size_t n, max_frames, vis_dim, attr_dim;
    const float *frames;      /**< f32 (n, max_frames, vis_dim): unit frames, zero rows behind n_frames */
    const uint32_t *n_frames; /**< (n), 1 … max_frames; the first frame is the attention's query */
    const float *attr;        /**< f32 (n, attr_dim); NULL where attr_dim = 0 */
    const uint32_t *entry;    /**< (n) */
    const uint32_t *person;   /**< (n) */
    const float *dropout;     /**< f32 (n, rows of fuse.0): factors, 0 or 1/(1 − p); NULL: none */
} rid_train_batch;

/** Loss and gradients of one batch. params: tensors by their names in checkpoints, any fusion mode.
 *  grads: the same tensors (rid_graph_new_like), overwritten. RID_EDATA where there is no anchor. */
RID_MUST rid_status rid_graph_step(rid_nn *nn, const rid_checkpoint *params,
                                   const rid_train_batch *batch, const rid_triplet_options *loss,
                                   rid_checkpoint *grads, rid_step_figures *figures, rid_err *err);

/** Spread of a batch's embeddings (rid_triplet_spread) as they are without dropout. */
RID_MUST rid_status rid_graph_spread(rid_nn *nn, const rid_checkpoint *params,
                                     const rid_train_batch *batch, double *spread, rid_err *err);

/** Unit embeddings f32 (n, emb_dim) of a batch, by the same graph. For tests. */
RID_MUST rid_status rid_graph_embed(rid_nn *nn, const rid_checkpoint *params,
                                    const rid_train_batch *batch, float *out, rid_err *err);

/** A checkpoint with the same tensors as `like`, all zero, to be freed with rid_checkpoint_free. */
RID_MUST rid_status rid_graph_new_like(rid_checkpoint *out, const rid_checkpoint *like, rid_err *err);

#endif
