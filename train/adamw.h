/** AdamW: Adam with decoupled weight decay (Loshchilov and Hutter, "Decoupled Weight Decay
 *  Regularization", ICLR 2019), as torch.optim.AdamW computes it: β = (0.9, 0.999), ε = 1e-8. */
#ifndef RID_ADAMW_H
#define RID_ADAMW_H

#include "train/checkpoint.h"

#include <stdint.h>

/** Running moments of every parameter. Open so that it can be saved. */
typedef struct rid_adamw {
    rid_checkpoint first, second; /**< moments; tensors as the parameters' */
    uint64_t steps;               /**< updates so far */
} rid_adamw;

RID_MUST rid_status rid_adamw_init(rid_adamw *a, const rid_checkpoint *params, rid_err *err);
void rid_adamw_clear(rid_adamw *a);

/** One update of params by grads, which are first multiplied by `scale` (for clipping). Weight decay
 *  is for tensors of two or more dimensions: biases have none. Bits do not depend on `threads`. */
void rid_adamw_update(rid_adamw *a, rid_checkpoint *params, const rid_checkpoint *grads, double lr,
                      double weight_decay, double scale, int threads);

typedef enum rid_lr_schedule { RID_SCHEDULE_COSINE, RID_SCHEDULE_CONSTANT } rid_lr_schedule;

/** Learning rate of update `step` (from 0) of `total`: rises linearly over the first `warmup`, then
 *  stays, or falls along half a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017) towards 0. */
double rid_learning_rate(rid_lr_schedule schedule, double lr, uint64_t step, uint64_t warmup,
                         uint64_t total);

#endif
