#include "eval/sweep_charts.h"

#include "data/base/mem.h"
#include "data/plot.h"
#include "data/plot_heat.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 96, SETTING_MAX = 32 };

void rid_sweep_setting(char *out, size_t size, double value)
{
    snprintf(out, size, "%.5g", value);
}

const char *rid_sweep_objective_name(const rid_objective *o)
{
    switch (o->kind) {
    case RID_OBJECTIVE_F1:
        return "Pairwise F1";
    case RID_OBJECTIVE_BCUBED_F1:
        return "B-cubed F1";
    case RID_OBJECTIVE_PAIRS_F1:
        return "F1 of the pairs";
    case RID_OBJECTIVE_PRECISION:
        return "Pairwise precision";
    case RID_OBJECTIVE_RECALL:
        return "Pairwise recall";
    case RID_OBJECTIVE_FNIR:
        break;
    }
    return "FNIR";
}

/* ---- heat maps ---- */

/* What the map shows: the figure where the condition holds; where it holds nowhere, by how much it is missed.
 * Returns whether it holds somewhere. */
static bool take_values(double *value, const rid_sweep_result *r, const rid_surface *s)
{
    const size_t n = s->grid.n_margins * s->grid.n_thresholds;
    bool met = false;
    for (size_t i = 0; i < n; i++) {
        const rid_merit m = rid_objective_merit(&r->objective, &s->cells[i]);
        met |= m.lack <= 0 && !isnan(m.value);
        value[i] = m.lack > 0 ? NAN : rid_objective_value(&r->objective, &m);
    }
    for (size_t i = 0; i < n && !met; i++) {
        const rid_merit m = rid_objective_merit(&r->objective, &s->cells[i]);
        value[i] = isnan(m.value) ? NAN : m.lack;
    }
    return met;
}

/* value, inside: (cells), scratch. */
static void write_heat_map(rid_html *h, const rid_sweep_result *r, size_t surface, double *value,
                           uint8_t *inside)
{
    const rid_surface *s = &r->surfaces[surface];
    const rid_sweep_grid *g = &s->grid;
    const rid_pick *best = &r->best_of[surface];
    char title[TEXT_MAX];
    memset(inside, 0, g->n_margins * g->n_thresholds);
    const bool met = take_values(value, r, s);
    for (size_t i = 0; i < r->n_top && r->resamples > 0; i++)
        if (r->top[i].surface == surface && r->sure[i].as_good)
            inside[r->top[i].margin * g->n_thresholds + r->top[i].threshold] = 1;
    snprintf(title, sizeof title, "%s (%s)",
             met ? rid_sweep_objective_name(&r->objective) : "By how much the condition is missed",
             rid_nn2_name(s->nn2));
    rid_plot_heat_map(
        h,
        &(rid_plot_heat){.title = title,
                         .note = !met ? "no cell meets it; the ring is the nearest to it"
                                 : r->objective.kind >= RID_OBJECTIVE_PRECISION
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
    CURVE_PAIRS_PRECISION,
    CURVE_PAIRS_RECALL,
    CURVE_PAIRS_F1,
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
    case CURVE_PAIRS_PRECISION:
        return rid_pair_metrics_of(&c->pairs).precision;
    case CURVE_PAIRS_RECALL:
        return rid_pair_metrics_of(&c->pairs).recall;
    case CURVE_PAIRS_F1:
        return rid_pair_metrics_of(&c->pairs).f1;
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
    enum { N = 4 };
    typedef struct line {
        const char *name;
        curve_figure figure;
        rid_plot_color color;
        bool dashed;
    } line;
    static const line of_persons[N] = {{"precision", CURVE_PRECISION, RID_PLOT_GREEN, true},
                                       {"recall", CURVE_RECALL, RID_PLOT_VIOLET, true},
                                       {"F1", CURVE_F1, RID_PLOT_BLUE, false},
                                       {"B-cubed F1", CURVE_BCUBED, RID_PLOT_ORANGE, false}};
    static const line of_pairs[N - 1] = {
        {"precision of the pairs", CURVE_PAIRS_PRECISION, RID_PLOT_GREEN, true},
        {"recall of the pairs", CURVE_PAIRS_RECALL, RID_PLOT_VIOLET, true},
        {"F1 of the pairs", CURVE_PAIRS_F1, RID_PLOT_BLUE, false}};
    const bool pairs = r->objective.kind == RID_OBJECTIVE_PAIRS_F1;
    const line *lines = pairs ? of_pairs : of_persons;
    const size_t n_lines = pairs ? N - 1 : N;
    const rid_surface *s = &r->surfaces[surface];
    const rid_rule best = rid_pick_rule(r->surfaces, &r->best_of[surface]);
    const double *x = along_margin ? s->grid.margin : s->grid.threshold;
    const size_t n = along_margin ? s->grid.n_margins : s->grid.n_thresholds;
    rid_plot_series series[N];
    char title[TEXT_MAX], at[SETTING_MAX], note[TEXT_MAX];
    if (n < 2)
        return;
    for (size_t k = 0; k < n_lines; k++)
        series[k] = (rid_plot_series){
            .name = lines[k].name,
            .x = x,
            .y = take_line(w, k, r, surface, along_margin, lines[k].figure),
            .n = n,
            .color = lines[k].color,
            .dashed = lines[k].dashed};
    snprintf(title, sizeof title, "Through the optimum: %s (%s)",
             along_margin ? "margin" : "threshold", rid_nn2_name(s->nn2));
    rid_sweep_setting(at, sizeof at, along_margin ? best.threshold : best.margin);
    snprintf(note, sizeof note, "at %s %s", along_margin ? "threshold" : "margin",
             at);
    rid_plot_lines(h, &(rid_plot){.title = title,
                                  .note = note,
                                  .x = {.label = along_margin ? "margin" : "threshold"},
                                  .y = {.zero = true},
                                  .series = series,
                                  .n_series = n_lines,
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

void rid_sweep_charts_write(rid_html *h, const rid_sweep_result *r)
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
        if (r->data->labels) {
            write_modes(h, r, true, &w);
            write_modes(h, r, false, &w);
            write_histogram(h, r);
        }
        rid_html_close(h, "div");
    } else {
        h->out->failed = true;
    }
    rid_mem_free(value);
    rid_mem_free(inside);
    rid_mem_free(w.y);
}
