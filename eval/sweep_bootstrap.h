/** How sure a swept cell's figures are: people are drawn, see person_draws.h for what weight a person's
 *  pairs and searches, and pairs of two people, have in a draw. A person is the same one in all buckets. */
#ifndef RID_SWEEP_BOOTSTRAP_H
#define RID_SWEEP_BOOTSTRAP_H

#include "eval/bootstrap.h"
#include "eval/objective.h"
#include "eval/person_draws.h"

/** One cell's; NaN where undefined. mean is the cell's own value. */
typedef struct rid_sure_cell {
    rid_interval figure[RID_SURE_FIGURES];
    rid_interval behind; /**< by how much the first cell's objective is better */
    bool as_good;        /**< that may be nothing: 0 is in the interval */
} rid_sure_cell;

/** Replays n >= 1 rules, the best of them first, and resamples them together: out (n), caller's.
 *  resamples >= 1; confidence in (0, 1): percentile intervals. Memory: resamples bytes a person, and for each
 *  thread 76 bytes a person, 72 a resample, and a few hundred an entry of the largest bucket. Deterministic in
 *  seed, for any number of threads. RID_EDATA without a labelled entry; RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_sweep_bootstrap(rid_sure_cell *out, const rid_sweep *s, const rid_rule *rules,
                                        size_t n, const rid_objective *o, size_t resamples,
                                        double confidence, uint64_t seed, int threads, rid_err *err);

#endif
