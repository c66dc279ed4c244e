#include "eval/metric_set.h"

#include "data/plain.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 24, VALUE_WIDTH = 12 };

static const char NO_ENTRY[] = "no labelled entry";

void rid_metrics_add(rid_metric_set *m, const char *name, double value, const char *lacks)
{
    assert(m->n < RID_METRICS_MAX && !rid_metric_find(m, rid_str_of(name)));
    m->at[m->n++] = (rid_metric){name, value, false, lacks};
}

void rid_metrics_add_count(rid_metric_set *m, const char *name, uint64_t value)
{
    rid_metrics_add(m, name, (double)value, NULL);
    m->at[m->n - 1].is_count = true;
}

const rid_metric *rid_metric_find(const rid_metric_set *m, rid_str name)
{
    for (size_t i = 0; i < m->n; i++)
        if (rid_str_equal(rid_str_of(m->at[i].name), name))
            return &m->at[i];
    return NULL;
}

/* ---- what there is ---- */

void rid_metrics_add_clusters(rid_metric_set *m, const rid_cluster_counts *c)
{
    const rid_cluster_metrics x = rid_cluster_metrics_of(c);
    rid_metrics_add_count(m, "persons", c->persons);
    rid_metrics_add_count(m, "true_persons", c->true_persons);
    rid_metrics_add(m, "pairwise_precision", x.pairwise_precision, NULL);
    rid_metrics_add(m, "pairwise_recall", x.pairwise_recall, NULL);
    rid_metrics_add(m, "pairwise_f1", x.pairwise_f1, NULL);
    rid_metrics_add(m, "bcubed_precision", x.bcubed_precision, NO_ENTRY);
    rid_metrics_add(m, "bcubed_recall", x.bcubed_recall, NO_ENTRY);
    rid_metrics_add(m, "bcubed_f1", x.bcubed_f1, NO_ENTRY);
    rid_metrics_add(m, "v_measure", x.v_measure, NO_ENTRY);
    rid_metrics_add(m, "ari", x.ari, NO_ENTRY);
}

void rid_metrics_add_cluster_details(rid_metric_set *m, const rid_cluster_counts *c)
{
    const rid_cluster_metrics x = rid_cluster_metrics_of(c);
    rid_metrics_add(m, "homogeneity", x.homogeneity, NO_ENTRY);
    rid_metrics_add(m, "completeness", x.completeness, NO_ENTRY);
    rid_metrics_add(m, "persons_error", x.persons_error, NULL);
    m->at[m->n - 1].is_count = true;
}

void rid_metrics_add_searches(rid_metric_set *m, const rid_search_counts *c)
{
    rid_metrics_add_count(m, "mated", c->mated);
    rid_metrics_add_count(m, "nonmated", c->nonmated);
    rid_metrics_add_count(m, "hits", c->hits);
    rid_metrics_add_count(m, "wrong_matches", c->wrong_matches);
    rid_metrics_add_count(m, "false_matches", c->false_matches);
    rid_metrics_add_count(m, "to_unlabelled", c->to_unlabelled);
    rid_metrics_add(m, "fnir", rid_search_fnir(c), "no mated search");
    rid_metrics_add(m, "fpir", rid_search_fpir(c), "no non-mated search");
}

void rid_metrics_add_intervals(rid_metric_set *m, const rid_interval x[RID_SURE_FIGURES])
{
#define NAMES(x)                                                                                   \
    {                                                                                              \
        x "_low", x "_high"                                                                        \
    }
    static const char *const names[RID_SURE_FIGURES][2] = {
        [RID_SURE_PRECISION] = NAMES("pairwise_precision"),
        [RID_SURE_RECALL] = NAMES("pairwise_recall"),
        [RID_SURE_F1] = NAMES("pairwise_f1"),
        [RID_SURE_BCUBED_PRECISION] = NAMES("bcubed_precision"),
        [RID_SURE_BCUBED_RECALL] = NAMES("bcubed_recall"),
        [RID_SURE_BCUBED_F1] = NAMES("bcubed_f1"),
        [RID_SURE_FNIR] = NAMES("fnir"),
        [RID_SURE_FPIR] = NAMES("fpir"),
    };
#undef NAMES
    static const char none[] = "not resampled, or undefined";
    for (int f = 0; f < RID_SURE_FIGURES; f++) {
        rid_metrics_add(m, names[f][0], x[f].low, none);
        rid_metrics_add(m, names[f][1], x[f].high, none);
    }
}

void rid_metrics_add_pairs(rid_metric_set *m, const rid_pair_counts *c)
{
    const rid_pair_metrics x = rid_pair_metrics_of(c);
    rid_metrics_add(m, "pairs_precision", x.precision, "no pair");
    rid_metrics_add(m, "pairs_recall", x.recall, "no pair");
    rid_metrics_add(m, "pairs_f1", x.f1, "no pair");
}

static const char NO_KIND[] = "no score of one person, or none of different persons";

void rid_metrics_add_separation(rid_metric_set *m, const rid_separation *s)
{
    static const char *const names[RID_TARS] = {"tar_far_1e1", "tar_far_1e2", "tar_far_1e3",
                                                "tar_far_1e4"};
    static const char no_positive[] = "no score of one person";
    rid_metrics_add(m, "auc", s->auc, NO_KIND);
    rid_metrics_add(m, "eer", s->eer, NO_KIND);
    rid_metrics_add(m, "dprime", s->dprime, "no scores of both kinds, or all alike");
    for (int i = 0; i < RID_TARS; i++)
        rid_metrics_add(m, names[i], s->tar[i], NO_KIND);
    rid_metrics_add(m, "best_f1", s->best_f1, no_positive);
    rid_metrics_add(m, "best_f1_threshold", s->best_f1_threshold, no_positive);
}

void rid_metrics_add_ranking(rid_metric_set *m, const rid_ranking *r)
{
    static const char no_query[] = "no query with a positive";
    rid_metrics_add(m, "map", r->map, no_query);
    rid_metrics_add(m, "rank1", r->rank1, no_query);
    rid_metrics_add(m, "rank5", r->rank5, no_query);
    rid_metrics_add(m, "rank10", r->rank10, no_query);
    rid_metrics_add(m, "minp", r->minp, no_query);
}

void rid_metrics_add_open_set(rid_metric_set *m, const rid_open_set *o)
{
    static const char *const names[RID_FPIRS] = {"fnir_fpir_1e1", "fnir_fpir_1e2", "fnir_fpir_1e3"};
    for (int i = 0; i < RID_FPIRS; i++)
        rid_metrics_add(m, names[i], o->fnir[i], "no query with a positive");
}

/* ---- showing ---- */

void rid_metric_append(rid_buf *out, const rid_metric *m)
{
    if (m->is_count)
        rid_buf_printf(out, "%.0f", m->value);
    else if (isfinite(m->value))
        rid_jsonw_f64(&(rid_jsonw){.out = out}, m->value);
}

void rid_metric_append_short(rid_buf *out, const rid_metric *m)
{
    if (isnan(m->value))
        rid_buf_append_char(out, '-');
    else
        rid_buf_printf(out, m->is_count ? "%.0f" : "%.6f", m->value);
}

void rid_metric_set_put(rid_jsonw *w, const rid_metric_set *m)
{
    for (size_t i = 0; i < m->n; i++) {
        rid_jsonw_key(w, m->at[i].name);
        if (m->at[i].is_count)
            rid_jsonw_i64(w, (int64_t)m->at[i].value);
        else
            rid_jsonw_f64(w, m->at[i].value);
    }
}

void rid_metric_set_write_table(rid_buf *out, const rid_metric_set *m)
{
    for (size_t i = 0; i < m->n; i++) {
        const rid_metric *x = &m->at[i];
        rid_buf value = {0};
        rid_metric_append_short(&value, x);
        rid_buf_printf(out, "%-*s%*.*s", NAME_WIDTH, x->name, VALUE_WIDTH, RID_STR(value));
        if (isnan(x->value) && x->lacks)
            rid_buf_printf(out, "  (%s)", x->lacks);
        rid_buf_append_char(out, '\n');
        out->failed |= value.failed;
        rid_buf_free(&value);
    }
}

static void append_cell(rid_buf *out, const rid_metric *m, int width)
{
    rid_buf value = {0};
    rid_metric_append_short(&value, m);
    rid_buf_printf(out, "  %*.*s", width, RID_STR(value));
    out->failed |= value.failed;
    rid_buf_free(&value);
}

/* Characters of UTF-8 text. */
static size_t width_of(const rid_buf *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->len; i++)
        n += ((unsigned char)b->data[i] & 0xC0) != 0x80;
    return n;
}

static size_t width_of_name(rid_str name)
{
    rid_buf plain = {0};
    rid_plain_append(&plain, name);
    const size_t width = width_of(&plain);
    rid_buf_free(&plain);
    return width;
}

static void append_name(rid_buf *out, rid_str name, size_t width)
{
    rid_plain_append(out, name);
    for (size_t i = width_of_name(name); i < width; i++)
        rid_buf_append_char(out, ' ');
}

void rid_metric_sets_write(rid_buf *out, const char *title, const rid_str *names,
                           const rid_metric_set *sets, size_t n, const char *const *columns,
                           size_t n_columns)
{
    enum { CELL_MIN = 8 };
    size_t name_width = NAME_WIDTH;
    for (size_t i = 0; i < n; i++) {
        const size_t width = width_of_name(names[i]);
        name_width = width > name_width ? width : name_width;
    }
    append_name(out, rid_str_of(title), name_width);
    for (size_t c = 0; c < n_columns; c++)
        rid_buf_printf(out, "  %*s", CELL_MIN, columns[c]);
    rid_buf_append_char(out, '\n');
    for (size_t i = 0; i < n; i++) {
        append_name(out, names[i], name_width);
        for (size_t c = 0; c < n_columns; c++) {
            const size_t width = strlen(columns[c]);
            append_cell(out, rid_metric_find(&sets[i], rid_str_of(columns[c])),
                        width > CELL_MIN ? (int)width : CELL_MIN);
        }
        rid_buf_append_char(out, '\n');
    }
}
