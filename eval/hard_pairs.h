/** Hard pairs: entries of one person that look different, entries of different people that look
 *  alike, over all buckets. */
#ifndef RID_HARD_PAIRS_H
#define RID_HARD_PAIRS_H

#include "data/base/err.h"
#include "data/base/log.h"

#include <stddef.h>
#include <stdint.h>

typedef enum rid_risk {
    RID_RISK_ALIAS_CANDIDATE, /**< what would be a hard negative, in one store on different days: perhaps
                                   one person under two names */
    RID_RISK_HARD_NEG,        /**< different people, sim >= neg_min */
    RID_RISK_HARD_POS,        /**< one person, sim <= pos_max */
    RID_RISK_COUNT
} rid_risk;

/** "alias_candidate", "hard_neg", "hard_pos" */
const char *rid_risk_name(rid_risk r);

typedef struct rid_hard_limits {
    double pos_max, neg_min, alias_min;
    size_t nearest; /**< a negative is among so many nearest ones of one of its two entries; >= 1 */
    size_t per_person; /**< pairs of one risk that name a person, at most; >= 1 */
    size_t max;        /**< pairs in all, at most; >= 1 */
} rid_hard_limits;

/** n entries, all labelled and matchable. Borrowed. */
typedef struct rid_hard_entries {
    const float *emb;            /**< f32 (n, dim), unit rows */
    const uint32_t *person;      /**< (n) below n_persons */
    const uint32_t *store, *day; /**< (n) any numbers */
    size_t n, dim, n_persons;
} rid_hard_entries;

/** Pairs to be left out; is_known NULL: none. Called by several threads, with a < b. */
typedef struct rid_hard_review {
    bool (*is_known)(const void *ctx, uint32_t a, uint32_t b);
    const void *ctx;
} rid_hard_review;

typedef struct rid_hard_pair {
    uint32_t a, b; /**< rows, a < b */
    float sim;     /**< product of the two rows, as in a scan */
    rid_risk risk;
} rid_hard_pair;

/** Zero on failure; rid_hard_pairs_clear frees. */
typedef struct rid_hard_pairs {
    rid_hard_pair *pairs;
    size_t n;
    uint64_t n_found[RID_RISK_COUNT]; /**< before review and caps */
    uint64_t n_known;                 /**< of them left out as known */
} rid_hard_pairs;

/** Finds, ranks and cuts. Of each risk the hardest come first (sim descending, of positives ascending;
 *  then a, then b); one after which a person would have more than per_person is passed over. The risks
 *  take turns in the order of rid_risk, until there are max pairs. Equal scores at the end of the nearest
 *  ones: the earlier row is nearer. Known pairs have their places among the nearest, but no rank.
 *  Memory: 8 * nearest bytes an entry and 16 a negative found, of which there are at most nearest an
 *  entry; positives by per_person and max. The result does not depend on threads. RID_EDATA on a number that
 *  is not finite; RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_hard_pairs_find(rid_hard_pairs *out, const rid_hard_entries *e,
                                        const rid_hard_limits *limits,
                                        const rid_hard_review *review, int threads,
                                        rid_progress *progress, rid_err *err);
void rid_hard_pairs_clear(rid_hard_pairs *p);

#endif
