/** The best threshold and margin of `neighbor` over all that make a difference. */
#ifndef RID_OPTIMUM_H
#define RID_OPTIMUM_H

#include "eval/objective.h"

typedef struct rid_optimum {
    double threshold, margin; /**< a score and a gap that occur, or margin 0 */
    rid_merit merit;          /**< value NaN: there is nothing to find; 1 and 0 then */
    bool exact; /**< over all; otherwise, as there are too many, over all thresholds and the gaps' quantiles */
} rid_optimum;

/** Looks for it, under the ties of rid_merit_compare, then the higher threshold, then the higher
 *  margin. Time: the entries times the margins that can be best, of which no more are looked at than
 *  2 · 10^9 links allow. Same bits for any number of threads. RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_optimum_find(rid_optimum *out, const rid_sweep *s, const rid_objective *o,
                                     int threads, rid_err *err);

#endif
