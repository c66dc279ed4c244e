/** Named figures of an evaluation, in order, and how they are shown: to people, as JSON, as CSV. The names
 *  are those of surface.csv, and map, rank1, rank5, minp, auc, eer, dprime:
 *
 *      rid_metric_set m = {0};
 *      rid_metrics_add_clusters(&m, &counts);
 *      rid_metrics_add_count(&m, "unlabelled", n, NULL);
 *      rid_metric_set_write_table(&m, out); */
#ifndef RID_METRIC_SET_H
#define RID_METRIC_SET_H

#include "data/jsonw.h"
#include "eval/cluster_metrics.h"
#include "eval/person_draws.h"
#include "eval/open_set.h"
#include "eval/separation.h"

enum { RID_METRICS_MAX = 96 };

typedef struct rid_metric {
    const char *name; /**< string literal */
    double value;     /**< NaN: undefined */
    bool is_count;    /**< a whole number; below 0 where it is a difference */
    const char *
        lacks; /**< what is missing where the value is undefined: "no mated search"; string literal */
} rid_metric;

/** Zero is the empty one. At most RID_METRICS_MAX, each name once (assert). */
typedef struct rid_metric_set {
    rid_metric at[RID_METRICS_MAX];
    size_t n;
} rid_metric_set;

/** Adds one figure at the end. lacks: what is missing where value is NaN. */
void rid_metrics_add(rid_metric_set *m, const char *name, double value, const char *lacks);
void rid_metrics_add_count(rid_metric_set *m, const char *name, uint64_t value);
/** NULL where there is no such figure. View. */
const rid_metric *rid_metric_find(const rid_metric_set *m, rid_str name);

/** persons … ari, as surface.csv has them. */
void rid_metrics_add_clusters(rid_metric_set *m, const rid_cluster_counts *c);
/** homogeneity, completeness, persons_error. */
void rid_metrics_add_cluster_details(rid_metric_set *m, const rid_cluster_counts *c);
/** mated … fpir. */
void rid_metrics_add_searches(rid_metric_set *m, const rid_search_counts *c);
/** NAME_low, NAME_high of what is resampled. */
void rid_metrics_add_intervals(rid_metric_set *m, const rid_interval x[RID_SURE_FIGURES]);
/** pairs_precision, pairs_recall, pairs_f1. */
void rid_metrics_add_pairs(rid_metric_set *m, const rid_pair_counts *c);
/** auc, eer, dprime; tar_far_1e1 … tar_far_1e4, the true accept rates at false accept rates of at most 0.1,
 *  0.01, 0.001, 0.0001; best_f1 and its best_f1_threshold. */
void rid_metrics_add_separation(rid_metric_set *m, const rid_separation *s);
/** map, rank1, rank5, rank10, minp. */
void rid_metrics_add_ranking(rid_metric_set *m, const rid_ranking *r);
/** fnir_fpir_1e1 … fnir_fpir_1e3, the false negative rates at false positive rates of at most 0.1, 0.01, 0.001. */
void rid_metrics_add_open_set(rid_metric_set *m, const rid_open_set *o);

/** Appends the value: a count in full, else the shortest exact decimal; nothing where it is undefined. */
void rid_metric_append(rid_buf *out, const rid_metric *m);
/** The same for people: at most six decimals; "-" where it is undefined. */
void rid_metric_append_short(rid_buf *out, const rid_metric *m);
/** Members of an open object, null where undefined. */
void rid_metric_set_put(rid_jsonw *w, const rid_metric_set *m);
/** A line a figure for people: name, value, and what is missing where it is undefined. */
void rid_metric_set_write_table(rid_buf *out, const rid_metric_set *m);
/** A table for people: a row a set, its name in front (control characters escaped), then the figures named in
 *  columns, which every set has. `title` is the heading of the names. */
void rid_metric_sets_write(rid_buf *out, const char *title, const rid_str *names,
                           const rid_metric_set *sets, size_t n, const char *const *columns,
                           size_t n_columns);

#endif
