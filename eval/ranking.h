/** Ranking metrics: how well the gallery is ordered for each query, and how well scores of same and
 *  different persons are told apart. An entry is never in its own gallery: leave-one-out, unless queries
 *  and gallery are apart. */
#ifndef RID_RANKING_H
#define RID_RANKING_H

#include "data/base/log.h"
#include "eval/rerank.h"
#include "eval/separation.h"

#define RID_UNLABELLED UINT32_MAX
#define RID_NO_CAMERA UINT32_MAX

/** Borrowed arrays of n < 2^32 entries. */
typedef struct rid_ranking_input {
    const float *emb; /**< f32 (n, dim), unit rows */
    size_t n, dim;
    const uint32_t *person; /**< (n); RID_UNLABELLED: neither query nor gallery */
    const uint8_t *usable;  /**< u8 (n), 0: no embedding: never retrieved, a query that is a miss;
                                 NULL: all */
    const uint8_t *query;   /**< u8 (n), 1: is a query; NULL: all labelled */
    const uint8_t *gallery; /**< u8 (n), 1: is in the gallery; NULL: all labelled */
    const uint32_t *group;  /**< (n): a query sees the gallery of its group only; NULL: all of it */
    const uint32_t
        *camera; /**< (n): entries of the query's person and camera are left out of its gallery;
                                 RID_NO_CAMERA: none are. NULL: nothing is left out */
    const rid_rerank
        *rerank; /**< scores after re-ranking instead of cosines, where queries and gallery
                                   that are usable take part, by the same groups; NULL: cosines */
} rid_ranking_input;

/** NaN where undefined (no query with a positive, no pair of the kind). */
typedef struct rid_ranking {
    double map, rank1, rank5, rank10, minp; /**< means over queries that have a positive */
    double auc, eer, dprime;   /**< over all (query, gallery) scores, positives against negatives */
    size_t n_queries;          /**< with a positive */
    size_t n_without_positive; /**< queries left out */
} rid_ranking;

/** Ranks the gallery (all labelled entries) for every query by descending score, ties in the order
 *  of the entries.
 *  AP is the mean of the precisions at the positives; one that is never retrieved counts 0. minp is
 *  the mean of the precisions at the last positive (Ye et al., "Deep Learning for Person
 *  Re-identification: A Survey and Outlook", 2021). auc and eer are exact (rid_positives_auc,
 *  rid_positives_eer); dprime is the difference of the means over the root of the mean variance,
 *  NaN without variance.
 *  ap: f64 (n) or NULL, each query's AP, NaN for entries that are none or have no positive.
 *  Memory: O(n) a thread, and for each pair of entries of one person 20 bytes and 4 a thread. Bits
 *  do not depend on `threads`. RID_EDATA on a number that is not finite in a row that is used;
 *  RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_ranking_run(rid_ranking *out, double *ap, const rid_ranking_input *in,
                                    int threads, rid_err *err);

/** The same, with the scores counted in bins for ROC curves and histograms; scores may be NULL. */
RID_MUST rid_status rid_ranking_run_scores(rid_ranking *out, double *ap, rid_score_counts *scores,
                                           const rid_ranking_input *in, int threads, rid_err *err);

/** How one query came out. */
typedef struct rid_ranking_query {
    bool is_query;        /**< otherwise all is zero */
    uint32_t n_positives; /**< in its gallery, retrieved or not */
    uint32_t first;       /**< rank of the first positive, from 1; 0: none is retrieved */
    double ap, inp;       /**< NaN without a positive */
    float best_positive, best_negative; /**< highest scores; −INFINITY where none is retrieved */
} rid_ranking_query;

/** What else may be wanted; NULL: not. */
typedef struct rid_ranking_details {
    rid_ranking_query *queries; /**< (n), caller's */
    rid_score_counts *scores;
    rid_separation *separation; /**< over all (query, gallery) scores */
    rid_progress *progress;     /**< in queries */
} rid_ranking_details;

RID_MUST rid_status rid_ranking_run_details(rid_ranking *out, const rid_ranking_details *details,
                                            const rid_ranking_input *in, int threads, rid_err *err);

#endif
