/** What a sweep looks for: one figure to be best, some with a condition on another. */
#ifndef RID_OBJECTIVE_H
#define RID_OBJECTIVE_H

#include "data/base/buf.h"
#include "eval/sweep.h"

typedef enum rid_objective_kind {
    RID_OBJECTIVE_F1,        /**< "f1": pairwise F1 */
    RID_OBJECTIVE_BCUBED_F1, /**< "bcubed-f1" */
    RID_OBJECTIVE_PAIRS_F1,  /**< "pairs-f1": of listed pairs */
    RID_OBJECTIVE_PRECISION, /**< "precision@recall=R": pairwise, where recall >= R */
    RID_OBJECTIVE_RECALL,    /**< "recall@precision=P": pairwise, where precision >= P */
    RID_OBJECTIVE_FNIR,      /**< "fnir@fpir=X": the lowest, where FPIR <= X */
} rid_objective_kind;

typedef struct rid_objective {
    rid_objective_kind kind;
    double bound; /**< from 0 to 1; of the last three */
} rid_objective;

/** False where the text is none of these. */
bool rid_objective_parse(const char *text, rid_objective *out);

/** How good a cell is. */
typedef struct rid_merit {
    double lack;  /**< how far the condition is missed; 0: it holds */
    double value; /**< the higher the better (FNIR negated); NaN: not defined */
    double fpir;  /**< NaN without non-mated searches */
} rid_merit;

rid_merit rid_objective_merit(const rid_objective *o, const rid_sweep_cell *c);
/** No rule with this margin is better than this, where `loosest` is the one whose threshold everybody
 *  reaches: under `neighbor` a higher threshold only takes links away. */
rid_merit rid_objective_limit(const rid_objective *o, const rid_sweep_cell *loosest);
/** Below, equal to or above 0 as a is worse than b, alike, or better: first by the condition, then by
 *  the value, then by a lower FPIR. An undefined value is worse than any. */
int rid_merit_compare(const rid_merit *a, const rid_merit *b);
/** The figure as it is reported: FNIR is not negated. */
double rid_objective_value(const rid_objective *o, const rid_merit *m);

#endif
