/** What each person of the ground truth contributes to the figures of a rule: sums over people that
 *  add up to those of rid_sweep_cell, a pair of two people shared by the two. */
#ifndef RID_PERSON_SUMS_H
#define RID_PERSON_SUMS_H

#include "eval/person_draws.h"
#include "eval/sweep.h"

/** The labelled entries of one bucket, person by person. */
typedef struct rid_persons_bucket {
    uint32_t *of_entry; /**< (entries): number of the person, RID_UNLABELLED */
    uint32_t *row;      /**< (labelled), by person, then in matching order */
    uint32_t *first;    /**< (n + 1): where each person's begin in row */
    size_t n;           /**< persons */
} rid_persons_bucket;

/** The people of all buckets, numbered in ascending order of their numbers there. */
typedef struct rid_persons {
    size_t n, n_buckets;
    rid_persons_bucket *buckets;
} rid_persons;

/** RID_ETEMP. */
RID_MUST rid_status rid_persons_init(rid_persons *p, const rid_sweep *s, rid_err *err);
void rid_persons_clear(rid_persons *p);

typedef struct rid_person_sums {
    double *sum[RID_PERSON_SUMS]; /**< (persons) each */
    uint32_t *label, *joined, *size, *together; /**< scratch */
} rid_person_sums;

/** Room for any rule. RID_ETEMP; cleared by the caller in any case. One thread at a time. */
RID_MUST rid_status rid_person_sums_init(rid_person_sums *x, const rid_sweep *s,
                                         const rid_persons *p, rid_err *err);
void rid_person_sums_clear(rid_person_sums *x);
/** Fills the sums of a rule. RID_ETEMP. */
RID_MUST rid_status rid_person_sums_take(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                         const rid_rule *rule, rid_err *err);

#endif
