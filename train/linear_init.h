/** The network in which training starts: one that computes a linear map, or a random one.
 *
 *  How the architecture holds a map y = A (z − m) of rows z = [x; c] exactly. Let A = [V C] and
 *  m = [mx; mc], so that y = u + w with u = V (x − mx) of the frames and w = C (c − mc) of the
 *  attributes. Frames are pooled before any layer, and a linear map of the mean is the mean of the
 *  maps.
 *
 *  Baseline (k <= emb_dim / 2). A query of 0 gives every frame the same weight, whatever the keys
 *  are, and values are the frames: the pooled frame is the mean x̄. (Keys must be random then:
 *  q = k = 0 is a stationary point, each having its gradient through the other.) Since
 *  t = relu(t) − relu(−t),
 *
 *      vis_proj   [V; −V], bias [−V mx; V mx]      →  relu(u), relu(−u)
 *      attr_proj  [C; −C], bias [−C mc; C mc]      →  relu(w), relu(−w)
 *      fuse.0     [I −I | I −I; −I I | −I I]       →  relu(u + w), relu(−u − w)
 *      fuse.3     [I −I]                           →  u + w = A (z̄ − m)
 *
 *  xattn (k also <= H). A query of 0 again; v_vis = I; the projections are linear, so that V and C
 *  need no pairs: vis_proj_in [V], attr_proj_in [C], fuse.0 [I | I; −I | −I], fuse.3 [I −I].
 *
 *  Without attributes w = 0. Each of a pair is alive for about half of the data, because of the
 *  centring.
 *
 *  All other units would have no gradient, and stay alike, if their weights in and out were 0. One
 *  of the two sides is enough: units that the map does not need get weights of full size from the
 *  layer before them, so that they are alive, and whatever leads from them, or to a number that
 *  the map leaves at 0, has a random weight of about 3e-5 / √emb_dim. All of those together move
 *  the output by about 1e-4 of its length; an optimiser that normalises gradients takes them to
 *  any size it likes in a few steps. */
#ifndef RID_LINEAR_INIT_H
#define RID_LINEAR_INIT_H

#include "data/base/random.h"
#include "train/checkpoint.h"
#include "train/linear_map.h"

/** Makes the tensors of a network of ck's sizes, fusion_mode and use_attention, all set by the
 *  caller (ck has no tensors yet).
 *  hidden  H of xattn; the baseline's H is vis_dim
 *  m       of ck's vis_dim and attr_dim, m->k <= emb_dim / 2 (xattn: and <= hidden); NULL:
 *          weights and biases uniform within ±1/√fan_in, as torch.nn.Linear initialises them
 *  Without attributes there is no attr_proj or attr_proj_in. RID_ETEMP; ck then has no tensors. */
RID_MUST rid_status rid_linear_init(rid_checkpoint *ck, size_t hidden, const rid_linear_map *m,
                                    rid_random *random, rid_err *err);

#endif
