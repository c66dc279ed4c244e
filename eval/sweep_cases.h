/** The searches of one rule that went wrong, the worst first, and how the best scores of mated and
 *  non-mated searches lie. */
#ifndef RID_SWEEP_CASES_H
#define RID_SWEEP_CASES_H

#include "eval/sweep_data.h"

enum { RID_CASES_MAX = 20, RID_CASE_BINS = 100 };

/** A search: an entry and the one it was matched with, or should have been. */
typedef struct rid_sweep_case {
    size_t bucket;
    uint32_t row, other; /**< rows of the bucket */
    float score;         /**< nn1 */
} rid_sweep_case;

/** A list that keeps the highest scores, ties in the order of the entries. */
typedef struct rid_case_list {
    rid_sweep_case at[RID_CASES_MAX]; /**< by descending score */
    size_t n;
    uint64_t n_all;
} rid_case_list;

typedef struct rid_sweep_cases {
    rid_case_list wrong;  /**< joined another person: false and wrong matches */
    rid_case_list missed; /**< the nearest entry is of the same person, but no match */
    /** Searches with an nn1 score in bins of equal width over −1 … 1. */
    uint64_t mated[RID_CASE_BINS], nonmated[RID_CASE_BINS];
    rid_sweep_cell *buckets; /**< (n_buckets): how the rule fares in each */
} rid_sweep_cases;

/** Replays the rule. RID_ETEMP. To be cleared in any case. */
RID_MUST rid_status rid_sweep_cases_find(rid_sweep_cases *out, const rid_sweep_data *d,
                                         const rid_rule *rule, rid_err *err);
void rid_sweep_cases_clear(rid_sweep_cases *c);

#endif
