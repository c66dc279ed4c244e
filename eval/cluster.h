/** Clustering a bucket: who was seen before, entry after entry. */
#ifndef RID_CLUSTER_H
#define RID_CLUSTER_H

#include "eval/rule.h"

/** Decides for n entries in matching order; every matchable entry is matched against all earlier
 *  matchable ones, then added, whatever was decided.
 *  out      (n), caller's; rows in it are rows of this bucket
 *  emb      f32 (n, dim), unit rows                                    [borrowed]
 *  usable   u8 (n): 0 = neither matches nor is matched, a person of its own; NULL: all  [borrowed]
 *  *n_people: how many persons. Bits do not depend on `threads`. Errors of rid_scan. */
RID_MUST rid_status rid_cluster(rid_decision *out, size_t *n_people, const float *emb,
                                const uint8_t *usable, size_t n, size_t dim, const rid_rule *rule,
                                int threads, rid_err *err);

#endif
