/** The work of rid-eval pairs: how well the scores of listed pairs, or of the pairs of ground truth, tell
 *  persons apart. */
#ifndef RID_EVAL_PAIRS_H
#define RID_EVAL_PAIRS_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/eval_output.h"

typedef struct rid_eval_pairs_options {
    const char *const *gt, *const *pairs;
    size_t n_gt, n_pairs; /**< with pairs, ground truth is not looked at; not both 0 */
    rid_eval_output_options output;
    uint64_t limit; /**< only the first entries of the stores; 0: all */
    uint64_t seed;  /**< of the draw where ground truth has very many pairs */
    int threads;
} rid_eval_pairs_options;

/** Scores the pairs within buckets by the cosine of their embeddings; pairs across buckets are counted
 *  apart, pairs with a skipped entry have no score. Of the pairs of ground truth at most 10 million of each
 *  kind are drawn. Figures: those of rid_metrics_add_separation, pairs, pairs_same, pairs_across,
 *  pairs_across_same, pairs_without_entry, pairs_without_score. Errors of reading; RID_EASSERT. */
RID_MUST rid_status rid_eval_pairs(const rid_eval_pairs_options *o, const char *const *stores,
                                   size_t n_stores, rid_summary *summary, rid_progress *progress,
                                   rid_err *err);

#endif
