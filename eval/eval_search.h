/** The work of rid-eval search: how well a search by embedding finds a person's other entries. */
#ifndef RID_EVAL_SEARCH_H
#define RID_EVAL_SEARCH_H

#include "data/base/log.h"
#include "data/summary.h"
#include "eval/eval_output.h"
#include "eval/search_data.h"

typedef struct rid_eval_search_options {
    rid_search_input input;
    rid_eval_output_options output;
    const char *rerank;    /**< as rid_rerank_parse reads it, or NULL */
    const char *per_query; /**< a CSV file with a row for each query, or NULL */
    int threads;
} rid_eval_search_options;

/** Figures: entries, labelled, unlabelled, excluded, skipped, labels_without_entry; queries (with a positive),
 *  queries_without_positive; those of rid_metrics_add_ranking, _separation and _open_set. As JSON also the CMC
 *  curve, the ROC curve, and how it was done. The file of queries is published first. RID_EUSAGE for two ways to name queries, for a text of re-ranking that is none; errors of rid_search_data_read,
 *  rid_rerank_new, rid_ranking_run; RID_EASSERT. */
RID_MUST rid_status rid_eval_search(const rid_eval_search_options *o, rid_summary *summary,
                                    rid_progress *progress, rid_err *err);

#endif
