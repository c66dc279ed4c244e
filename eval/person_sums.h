/** A swept rule's clustering as the table that drawing people needs, over all buckets. */
#ifndef RID_PERSON_SUMS_H
#define RID_PERSON_SUMS_H

#include "eval/person_table.h"
#include "eval/sweep.h"

/** The people of all buckets, numbered in ascending order of their numbers there. */
typedef struct rid_persons {
    size_t n, n_buckets;
    uint32_t **of_entry; /**< (n_buckets), (entries): number of the person, RID_UNLABELLED */
} rid_persons;

/** To be cleared in any case. RID_ETEMP. */
RID_MUST rid_status rid_persons_init(rid_persons *p, const rid_sweep *s, rid_err *err);
void rid_persons_clear(rid_persons *p);

typedef struct rid_person_sums {
    rid_person_table table;
    uint32_t *label, *joined;  /**< scratch */
    rid_person_entry *entries; /**< scratch */
} rid_person_sums;

/** Room for any rule. RID_ETEMP; cleared by the caller in any case. One thread at a time. */
RID_MUST rid_status rid_person_sums_init(rid_person_sums *x, const rid_sweep *s,
                                         const rid_persons *p, rid_err *err);
void rid_person_sums_clear(rid_person_sums *x);
/** Fills the table with what a rule makes of the buckets. RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_person_sums_take(rid_person_sums *x, const rid_sweep *s, const rid_persons *p,
                                         const rid_rule *rule, rid_err *err);

#endif
