/** The folded network, and how it is made. Shared by encoder.c and encoder_fold.c only. */
#ifndef RID_ENCODER_FOLD_H
#define RID_ENCODER_FOLD_H

#include "train/affine.h"
#include "train/checkpoint.h"

typedef struct rid_network {
    rid_affine query;     /**< what the frames are weighed with: (V) from the first frame or from the
                               attributes; packed NULL: all frames weigh the same */
    bool query_from_attr;
    rid_affine value;     /**< pooled frame → first half of the hidden layer */
    rid_affine second;    /**< attributes → second half; packed NULL: zeros */
    size_t half[2];
    rid_affine fuse0, fuse3;
} rid_network;

/** Zeroes and fills *net. RID_EDATA where tensors are missing or do not fit together. */
RID_MUST rid_status rid_network_fold(rid_network *net, const rid_checkpoint *ck, int threads,
                                     rid_err *err);
void rid_network_clear(rid_network *net);

#endif
