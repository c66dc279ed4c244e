/** The network that is trained: its sizes, and where it starts. */
#ifndef RID_NETWORK_H
#define RID_NETWORK_H

#include "data/schema.h"
#include "train/linear_map.h"
#include "train/checkpoint.h"

typedef enum rid_init { RID_INIT_RANDOM, RID_INIT_PCA, RID_INIT_LDA, RID_INIT_FILE } rid_init;

typedef struct rid_network {
    size_t emb_dim;
    bool xattn;     /**< attributes are the query, instead of fusion after pooling */
    bool mean_pool; /**< of the baseline: no attention */
    double dropout; /**< between the fusion layers; kept in checkpoints */
} rid_network;

/** How a linear start was, or is to be, fitted. */
typedef struct rid_linear_choice {
    size_t k;         /**< 0: to be chosen */
    double shrinkage; /**< negative: to be chosen */
} rid_linear_choice;

/** Initial weights for a set's sizes, fitted on its entries `use` where kind is PCA or LDA; then
 *  *choice is what was chosen. stream: of random numbers. Errors of rid_linear_fit. */
RID_MUST rid_status rid_network_start(rid_checkpoint *out, const rid_network *network,
                                      const rid_train_set *set, const uint8_t *use, rid_init kind,
                                      rid_linear_choice *choice, uint64_t seed, uint64_t stream,
                                      int threads, rid_err *err);
/** Initial weights from a checkpoint. RID_ECONFIG where its sizes or kind are others, or it says that
 *  its attributes are of another schema (NULL: there are none). Errors of rid_checkpoint_read. */
RID_MUST rid_status rid_network_load(rid_checkpoint *out, const rid_network *network,
                                     const rid_train_set *set, const rid_schema *schema,
                                     const char *path, rid_err *err);
/** A deep copy of the network's tensors and sizes. */
RID_MUST rid_status rid_network_copy(rid_checkpoint *out, const rid_checkpoint *from, rid_err *err);
/** Copies the weights; both have the same tensors. */
void rid_network_copy_weights(rid_checkpoint *to, const rid_checkpoint *from);
/** Columns that dropout acts on: rows of fuse.0. */
size_t rid_network_dropout_dim(const rid_checkpoint *params);

#endif
