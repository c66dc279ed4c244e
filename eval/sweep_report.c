#include "eval/sweep_report.h"

#include "data/base/mem.h"
#include "data/plot.h"
#include "data/plot_axis.h"
#include "data/plot_heat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 96, BUCKETS_SHOWN = 50 };

#define DASH "\xE2\x80\x93"
#define MINUS "\xE2\x88\x92"

typedef struct text {
    char s[TEXT_MAX];
} text;

static text plain(double value)
{
    text t = {DASH};
    if (!isnan(value))
        snprintf(t.s, sizeof t.s, "%s%.3f", value < 0 ? MINUS : "", fabs(value));
    return t;
}

static text whole(double value)
{
    text t;
    snprintf(t.s, sizeof t.s, "%s%.0f", value < 0 ? MINUS : "", fabs(value));
    return t;
}

/* As many digits as tell it from its neighbours in the grid: those it was written with. */
static text setting(double value)
{
    text t;
    snprintf(t.s, sizeof t.s, "%.6g", value);
    return t;
}

static text with_interval(double value, const rid_interval *i)
{
    text t = plain(value);
    const size_t n = strlen(t.s);
    if (i && !isnan(i->low))
        snprintf(t.s + n, sizeof t.s - n, " (%.24s to %.24s)", plain(i->low).s, plain(i->high).s);
    return t;
}

static text id_text(rid_str id)
{
    text t;
    if (id.len < sizeof t.s) {
        snprintf(t.s, sizeof t.s, "%.*s", RID_STR(id));
    } else {
        const size_t kept = rid_utf8_prefix(id.data, sizeof t.s - 4);
        snprintf(t.s, sizeof t.s, "%.*s\xE2\x80\xA6", (int)kept, id.data);
    }
    return t;
}

/* ---- verdict ---- */

static const char *figure_name(const rid_objective *o)
{
    switch (o->kind) {
    case RID_OBJECTIVE_F1:
        return "pairwise F1";
    case RID_OBJECTIVE_BCUBED_F1:
        return "B-cubed F1";
    case RID_OBJECTIVE_PRECISION:
        return "pairwise precision";
    case RID_OBJECTIVE_RECALL:
        return "pairwise recall";
    case RID_OBJECTIVE_FNIR:
        break;
    }
    return "FNIR";
}

static rid_sure_figure sure_figure(const rid_objective *o)
{
    static const rid_sure_figure figures[] = {RID_SURE_F1, RID_SURE_BCUBED_F1, RID_SURE_PRECISION,
                                              RID_SURE_RECALL, RID_SURE_FNIR};
    return figures[o->kind];
}

void rid_sweep_report_verdict(rid_buf *out, const rid_sweep_result *r)
{
    const rid_rule best = rid_pick_rule(r->surfaces, &r->top[0]);
    const rid_interval *sure =
        r->resamples > 0 ? &r->sure[0].figure[sure_figure(&r->objective)] : NULL;
    rid_buf_printf(out, "Best %s: %s at threshold %s, margin %s, --nn2 %s.",
                   figure_name(&r->objective),
                   with_interval(rid_objective_value(&r->objective, &r->top[0].merit), sure).s,
                   setting(best.threshold).s, setting(best.margin).s, rid_nn2_name(best.nn2));
    if (!rid_sweep_condition_met(r))
        rid_buf_printf(out, " The condition of %s is met by no cell; this one misses it by %s.",
                       r->objective_text, plain(r->top[0].merit.lack).s);
    if (r->resamples > 0)
        rid_buf_printf(out, " Of the best %zu cells %zu cannot be told from it.", r->n_top,
                       rid_sweep_count_as_good(r));
    if (r->has_optimum)
        rid_buf_append_str(out, r->optimum.exact ? " For neighbor no other threshold and margin "
                                                   "is better."
                                                 : " There are too many margins to try all.");
}

/* ---- best of each mode ---- */

static void write_best(rid_html *h, const rid_sweep_result *r)
{
    static const rid_html_column columns[] = {
        {"nn2", false},      {"threshold", true},      {"margin", true},         {"F1", true},
        {"precision", true}, {"recall", true},         {"B-cubed F1", true},     {"V-measure", true},
        {"ARI", true},       {"FNIR", true},           {"FPIR", true},           {"persons", true},
        {"true", true},
    };
    enum { N = sizeof columns / sizeof columns[0] };
    rid_html_begin_table(h, NULL, columns, N);
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_pick *p = &r->best_of[s];
        const rid_rule rule = rid_pick_rule(r->surfaces, p);
        const rid_sweep_cell *c = rid_pick_cell(r->surfaces, p);
        const rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
        const size_t place = rid_sweep_place_of(r, s, p->margin, p->threshold);
        const rid_interval *sure =
            r->resamples > 0 && place < r->n_top ? r->sure[place].figure : NULL;
        const text cell[N - 1] = {
            setting(rule.threshold),
            setting(rule.margin),
            with_interval(m.pairwise_f1, sure ? &sure[RID_SURE_F1] : NULL),
            with_interval(m.pairwise_precision, sure ? &sure[RID_SURE_PRECISION] : NULL),
            with_interval(m.pairwise_recall, sure ? &sure[RID_SURE_RECALL] : NULL),
            with_interval(m.bcubed_f1, sure ? &sure[RID_SURE_BCUBED_F1] : NULL),
            plain(m.v_measure),
            plain(m.ari),
            with_interval(rid_search_fnir(&c->searches), sure ? &sure[RID_SURE_FNIR] : NULL),
            with_interval(rid_search_fpir(&c->searches), sure ? &sure[RID_SURE_FPIR] : NULL),
            whole((double)c->clusters.persons),
            whole((double)c->clusters.true_persons),
        };
        const char *cells[N] = {rid_nn2_name(rule.nn2)};
        for (size_t k = 1; k < N; k++)
            cells[k] = cell[k - 1].s;
        rid_html_row(h, columns, cells, N, s == r->top[0].surface ? "strong" : NULL);
    }
    rid_html_end_table(h);
}

/* ---- heat maps ---- */

/* value, inside: (cells), scratch. */
static void write_heat_map(rid_html *h, const rid_sweep_result *r, size_t surface, double *value,
                           uint8_t *inside)
{
    const rid_surface *s = &r->surfaces[surface];
    const rid_sweep_grid *g = &s->grid;
    const rid_pick *best = &r->best_of[surface];
    char title[TEXT_MAX];
    memset(inside, 0, g->n_margins * g->n_thresholds);
    for (size_t i = 0; i < g->n_margins * g->n_thresholds; i++) {
        const rid_merit m = rid_objective_merit(&r->objective, &s->cells[i]);
        value[i] = m.lack > 0 ? NAN : rid_objective_value(&r->objective, &m);
    }
    for (size_t i = 0; i < r->n_top && r->resamples > 0; i++)
        if (r->top[i].surface == surface && r->sure[i].as_good)
            inside[r->top[i].margin * g->n_thresholds + r->top[i].threshold] = 1;
    snprintf(title, sizeof title, "%s, --nn2 %s", figure_name(&r->objective), rid_nn2_name(s->nn2));
    rid_plot_heat_map(
        h, &(rid_plot_heat){.title = title,
                            .note = r->objective.kind >= RID_OBJECTIVE_PRECISION
                                        ? "only where the condition holds; the ring is the best cell"
                                        : "the ring is the best cell",
                            .x_label = "threshold",
                            .y_label = "margin",
                            .x = g->threshold,
                            .y = g->margin,
                            .n_x = g->n_thresholds,
                            .n_y = g->n_margins,
                            .value = value,
                            .inside = r->resamples > 0 ? inside : NULL,
                            .mark_x = best->threshold,
                            .mark_y = best->margin});
}

/* ---- curves ---- */

enum { FIGURES = 8 };

typedef enum curve_figure {
    CURVE_PRECISION,
    CURVE_RECALL,
    CURVE_F1,
    CURVE_BCUBED,
    CURVE_FNIR,
    CURVE_FPIR,
    CURVE_PERSONS,
} curve_figure;

static double figure_of(const rid_sweep_cell *c, curve_figure f)
{
    const rid_cluster_shares s = rid_cluster_shares_of(&c->clusters);
    switch (f) {
    case CURVE_PRECISION:
        return s.pairwise_precision;
    case CURVE_RECALL:
        return s.pairwise_recall;
    case CURVE_F1:
        return s.pairwise_f1;
    case CURVE_BCUBED:
        return s.bcubed_f1;
    case CURVE_FNIR:
        return rid_search_fnir(&c->searches);
    case CURVE_FPIR:
        return rid_search_fpir(&c->searches);
    case CURVE_PERSONS:
        break;
    }
    return (double)c->clusters.persons - (double)c->clusters.true_persons;
}

/* Where curves are made: y (FIGURES, side), side the longest of all grids. */
typedef struct curves {
    double *y;
    size_t side;
} curves;

/* A figure along the threshold (at the best margin) or the margin (at the best threshold). */
static double *take_line(const curves *w, size_t line, const rid_sweep_result *r, size_t surface,
                         bool along_margin, curve_figure f)
{
    const rid_surface *s = &r->surfaces[surface];
    const rid_pick *best = &r->best_of[surface];
    const size_t n = along_margin ? s->grid.n_margins : s->grid.n_thresholds;
    double *y = w->y + line * w->side;
    for (size_t i = 0; i < n; i++) {
        const size_t at = along_margin ? i * s->grid.n_thresholds + best->threshold
                                       : best->margin * s->grid.n_thresholds + i;
        y[i] = figure_of(&s->cells[at], f);
    }
    return y;
}

static void write_slice(rid_html *h, const rid_sweep_result *r, size_t surface, bool along_margin,
                        const curves *w)
{
    static const struct {
        const char *name;
        curve_figure figure;
        rid_plot_color color;
        bool dashed;
    } lines[] = {{"precision", CURVE_PRECISION, RID_PLOT_GREEN, true},
                 {"recall", CURVE_RECALL, RID_PLOT_VIOLET, true},
                 {"F1", CURVE_F1, RID_PLOT_BLUE, false},
                 {"B-cubed F1", CURVE_BCUBED, RID_PLOT_ORANGE, false}};
    enum { N = sizeof lines / sizeof lines[0] };
    const rid_surface *s = &r->surfaces[surface];
    const rid_rule best = rid_pick_rule(r->surfaces, &r->best_of[surface]);
    const double *x = along_margin ? s->grid.margin : s->grid.threshold;
    const size_t n = along_margin ? s->grid.n_margins : s->grid.n_thresholds;
    rid_plot_series series[N];
    char title[TEXT_MAX], note[2 * TEXT_MAX];
    if (n < 2)
        return;
    for (size_t k = 0; k < N; k++)
        series[k] = (rid_plot_series){
            .name = lines[k].name,
            .x = x,
            .y = take_line(w, k, r, surface, along_margin, lines[k].figure),
            .n = n,
            .color = lines[k].color,
            .dashed = lines[k].dashed};
    snprintf(title, sizeof title, "Through the optimum: %s, --nn2 %s",
             along_margin ? "margin" : "threshold", rid_nn2_name(s->nn2));
    snprintf(note, sizeof note, "at %s %s", along_margin ? "threshold" : "margin",
             setting(along_margin ? best.threshold : best.margin).s);
    rid_plot_lines(h, &(rid_plot){.title = title,
                                  .note = note,
                                  .x = {.label = along_margin ? "margin" : "threshold"},
                                  .y = {.zero = true},
                                  .series = series,
                                  .n_series = N,
                                  .mark_label = "best",
                                  .mark_x = along_margin ? best.margin : best.threshold});
}

/* One line a mode; the DET curve has FPIR along its x axis. */
static void write_modes(rid_html *h, const rid_sweep_result *r, bool det, const curves *w)
{
    static const rid_plot_color colors[] = {RID_PLOT_BLUE, RID_PLOT_ORANGE};
    rid_plot_series series[2];
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_surface *one = &r->surfaces[s];
        const double *y = take_line(w, 2 * s, r, s, false, det ? CURVE_FNIR : CURVE_PERSONS);
        series[s] = (rid_plot_series){
            .name = rid_nn2_name(one->nn2),
            .x = det ? take_line(w, 2 * s + 1, r, s, false, CURVE_FPIR) : one->grid.threshold,
            .y = y,
            .n = one->grid.n_thresholds,
            .color = colors[one->nn2],
            .dots = det};
    }
    rid_plot_lines(
        h, det ? &(rid_plot){.title = "DET",
                             .note = "over thresholds, at each rule's best margin",
                             .x = {.label = "FPIR", .log = true},
                             .y = {.label = "FNIR", .log = true},
                             .series = series,
                             .n_series = r->n_surfaces}
               : &(rid_plot){.title = "Person-count error",
                             .note = "persons found less those there are, at each rule's best margin",
                             .x = {.label = "threshold"},
                             .y = {.zero = true},
                             .series = series,
                             .n_series = r->n_surfaces,
                             .mark_label = "best",
                             .mark_x = rid_pick_rule(r->surfaces, &r->top[0]).threshold});
}

static void write_histogram(rid_html *h, const rid_sweep_result *r)
{
    double edge[RID_CASE_BINS + 1], share[2][RID_CASE_BINS];
    const uint64_t *const counts[2] = {r->cases.nonmated, r->cases.mated};
    size_t first = RID_CASE_BINS, end = 0;
    for (size_t i = 0; i <= RID_CASE_BINS; i++)
        edge[i] = -1 + 2.0 * (double)i / RID_CASE_BINS;
    for (size_t k = 0; k < 2; k++) {
        double sum = 0;
        for (size_t i = 0; i < RID_CASE_BINS; i++)
            sum += (double)counts[k][i];
        for (size_t i = 0; i < RID_CASE_BINS; i++) {
            share[k][i] = sum > 0 ? 100 * (double)counts[k][i] / sum : 0;
            if (counts[k][i] > 0) {
                first = i < first ? i : first;
                end = i + 1 > end ? i + 1 : end;
            }
        }
    }
    const rid_plot_series series[] = {
        {.name = "non-mated", .x = edge, .y = share[0], .n = RID_CASE_BINS, .color = RID_PLOT_ORANGE},
        {.name = "mated", .x = edge, .y = share[1], .n = RID_CASE_BINS, .color = RID_PLOT_BLUE},
    };
    rid_plot_histogram(
        h, &(rid_plot){.title = "Scores of mated and non-mated searches",
                       .note = "nn1: the nearest earlier entry",
                       .x = {.label = "cosine",
                             .min = first < end ? edge[first] : 0,
                             .max = first < end ? edge[end] : 1},
                       .y = {.label = "% of searches", .zero = true},
                       .series = series,
                       .n_series = 2,
                       .mark_label = "threshold",
                       .mark_x = rid_pick_rule(r->surfaces, &r->top[0]).threshold});
}

static void write_charts(rid_html *h, const rid_sweep_result *r)
{
    size_t cells = 1;
    curves w = {.side = 1};
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_sweep_grid *g = &r->surfaces[s].grid;
        cells = g->n_thresholds * g->n_margins > cells ? g->n_thresholds * g->n_margins : cells;
        w.side = g->n_thresholds > w.side ? g->n_thresholds : w.side;
        w.side = g->n_margins > w.side ? g->n_margins : w.side;
    }
    double *value = rid_mem_alloc(cells, sizeof *value);
    uint8_t *inside = rid_mem_alloc(cells, 1);
    w.y = rid_mem_alloc(w.side, FIGURES * sizeof *w.y);
    if (value && inside && w.y) {
        rid_html_open(h, "div", "charts");
        for (size_t s = 0; s < r->n_surfaces; s++)
            write_heat_map(h, r, s, value, inside);
        for (size_t s = 0; s < r->n_surfaces; s++)
            write_slice(h, r, s, false, &w);
        for (size_t s = 0; s < r->n_surfaces; s++)
            write_slice(h, r, s, true, &w);
        write_modes(h, r, true, &w);
        write_modes(h, r, false, &w);
        write_histogram(h, r);
        rid_html_close(h, "div");
    } else {
        h->out->failed = true;
    }
    rid_mem_free(value);
    rid_mem_free(inside);
    rid_mem_free(w.y);
}

/* ---- what went wrong ---- */

static void write_cases(rid_html *h, const rid_sweep_result *r, const rid_case_list *list,
                        const char *what, const char *other)
{
    const rid_sweep_data *d = r->data;
    const rid_html_column columns[] = {{"entry", false}, {"person", false}, {other, false},
                                       {"its person", false}, {"score", true}, {"bucket", false}};
    enum { N = sizeof columns / sizeof columns[0] };
    rid_html_element(h, "h2", NULL, "%s", what);
    if (list->n_all == 0) {
        rid_html_element(h, "p", "soft", "None.");
        return;
    }
    rid_html_element(h, "p", "soft", "%zu of %llu, the highest scores first.", list->n,
                     (unsigned long long)list->n_all);
    rid_html_begin_table(h, NULL, columns, N);
    for (size_t i = 0; i < list->n; i++) {
        const rid_sweep_case *c = &list->at[i];
        const rid_bucket *b = &d->buckets[c->bucket];
        const text cell[N] = {id_text(rid_sweep_data_id(d, c->bucket, c->row)),
                              id_text(rid_sweep_data_person(d, c->bucket, c->row)),
                              id_text(rid_sweep_data_id(d, c->bucket, c->other)),
                              id_text(rid_sweep_data_person(d, c->bucket, c->other)),
                              plain((double)c->score),
                              id_text(b->store)};
        char bucket[2 * TEXT_MAX];
        snprintf(bucket, sizeof bucket, "%s/%s", id_text(b->day).s, cell[5].s);
        const char *cells[N] = {cell[0].s, cell[1].s, cell[2].s, cell[3].s, cell[4].s, bucket};
        rid_html_row(h, columns, cells, N, NULL);
    }
    rid_html_end_table(h);
}

/* ---- buckets ---- */

static void write_bucket(rid_html *h, const rid_sweep_result *r, size_t b,
                         const rid_html_column *columns, size_t n)
{
    const rid_sweep_cell *c = &r->cases.buckets[b];
    const rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
    const rid_bucket *bucket = &r->data->buckets[b];
    char name[3 * TEXT_MAX];
    snprintf(name, sizeof name, "%s/%s%s", id_text(bucket->day).s, id_text(bucket->store).s,
             b == r->worst ? " (worst)" : "");
    const text cell[] = {whole((double)bucket->n),
                         whole((double)c->clusters.entries),
                         whole((double)c->clusters.persons),
                         whole((double)c->clusters.true_persons),
                         plain(m.pairwise_precision),
                         plain(m.pairwise_recall),
                         plain(m.pairwise_f1),
                         plain(m.bcubed_f1),
                         plain(rid_search_fnir(&c->searches)),
                         plain(rid_search_fpir(&c->searches))};
    const char *cells[1 + sizeof cell / sizeof cell[0]] = {name};
    for (size_t k = 1; k < n; k++)
        cells[k] = cell[k - 1].s;
    rid_html_row(h, columns, cells, n, b == r->worst ? "strong" : NULL);
}

static void write_buckets(rid_html *h, const rid_sweep_result *r)
{
    static const rid_html_column columns[] = {
        {"bucket", false},  {"entries", true}, {"labelled", true}, {"persons", true},
        {"true", true},     {"precision", true}, {"recall", true}, {"F1", true},
        {"B-cubed F1", true}, {"FNIR", true},  {"FPIR", true},
    };
    enum { N = sizeof columns / sizeof columns[0] };
    const size_t n = r->data->n_buckets;
    rid_html_element(h, "h2", NULL, "Buckets at the best point");
    if (n > BUCKETS_SHOWN)
        rid_html_element(h, "p", "soft", "The first %d of %zu and the worst; all are in best.json.",
                         BUCKETS_SHOWN, n);
    rid_html_begin_table(h, NULL, columns, N);
    for (size_t b = 0; b < n; b++)
        if (b < BUCKETS_SHOWN || b == r->worst)
            write_bucket(h, r, b, columns, N);
    rid_html_end_table(h);
}

static void write_facts(rid_html *h, const rid_sweep_result *r)
{
    const rid_sweep_data *d = r->data;
    rid_html_open(h, "p", "soft small");
    rid_html_text(h, "%zu entries in %zu buckets; %zu without a label, which are matched but not"
                     " counted (%zu of them left out by ground truth); %zu labels without an entry;"
                     " %zu entries without an embedding. ",
                  d->n_entries, d->n_buckets, d->n_entries - d->n_labelled, d->n_excluded,
                  d->n_absent, d->n_skipped);
    if (r->resamples > 0)
        rid_html_text(h, "Intervals: %g%%, %zu resamples of people, for the best %zu cells. ",
                      100 * r->confidence, r->resamples, r->n_top);
    rid_html_text(h, "Plateau: %zu cells, threshold %s to %s, margin %s to %s.", r->plateau.n_cells,
                  setting(r->plateau.threshold_min).s, setting(r->plateau.threshold_max).s,
                  setting(r->plateau.margin_min).s, setting(r->plateau.margin_max).s);
    rid_html_close(h, "p");
}

void rid_sweep_report_render(rid_buf *out, const rid_sweep_result *r)
{
    rid_html h = {.out = out};
    rid_buf verdict = {0};
    rid_sweep_report_verdict(&verdict, r);
    rid_html_begin(&h, "Threshold and margin");
    rid_html_element(&h, "p", rid_sweep_condition_met(r) ? "verdict good" : "verdict warn", "%s",
                     rid_buf_cstr(&verdict) ? verdict.data : "");
    out->failed |= verdict.failed;
    rid_buf_free(&verdict);
    write_best(&h, r);
    write_facts(&h, r);
    write_charts(&h, r);
    write_cases(&h, r, &r->cases.wrong, "Taken for another person", "matched with");
    write_cases(&h, r, &r->cases.missed, "Not recognised, though the nearest was right",
                "nearest entry");
    write_buckets(&h, r);
    rid_html_element(&h, "footer", NULL, "rid-sweep %s", RID_VERSION);
    rid_html_end(&h);
}
