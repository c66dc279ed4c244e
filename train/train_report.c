#include "train/train_report.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/html.h"
#include "data/plot.h"
#include "data/plot_axis.h"
#include "eval/rule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 96, ROC_POINTS = 300, HISTOGRAM_BINS = 128, LINES_MAX = 4 };
/* With fewer, the axis would have ticks between two epochs. */
enum { EPOCHS_SHOWN_MIN = 4 };

#define MINUS "\xE2\x88\x92"
#define DASH "\xE2\x80\x93"

/* ---- numbers ---- */

typedef struct number {
    char text[NUMBER_MAX];
} number;

static number plain(double value)
{
    number n;
    if (isnan(value))
        snprintf(n.text, sizeof n.text, DASH);
    else
        snprintf(n.text, sizeof n.text, "%s%.3f", value < 0 ? MINUS : "", fabs(value));
    return n;
}

/* A difference: one more decimal, and a sign. */
static number change(double value)
{
    number n = {DASH};
    if (!isnan(value))
        snprintf(n.text, sizeof n.text, "%s%.4f", value < 0 ? MINUS : "+", fabs(value));
    return n;
}

static number interval(const rid_interval *i)
{
    number n = {DASH};
    if (!isnan(i->mean))
        snprintf(n.text, sizeof n.text, "%.28s (%.28s to %.28s)", change(i->mean).text,
                 change(i->low).text, change(i->high).text);
    return n;
}

/* ---- verdict ---- */

static const rid_report_encoder *encoder_at(const rid_train_report *r, size_t row)
{
    return row < r->n_encoders ? &r->encoders[row] : NULL;
}

bool rid_train_report_improved(const rid_train_report *r)
{
    const rid_report_encoder *trained = encoder_at(r, r->trained);
    return trained && trained->gain.low > 0;
}

static void say_change(rid_buf *out, const rid_train_report *r, const rid_report_encoder *trained,
                       const rid_report_encoder *start)
{
    rid_buf_printf(out, "Training %s %s%s: mAP %s against %s",
                   rid_train_report_improved(r) ? "improved on" : "did not improve on",
                   r->reference == r->mean ? "" : "the ", start->name,
                   plain(trained->v.map).text, plain(start->v.map).text);
    if (!isnan(trained->gain.mean))
        rid_buf_printf(out, ", a change of %s (%g%% interval over people: %s to %s)",
                       change(trained->gain.mean).text, 100 * r->confidence,
                       change(trained->gain.low).text, change(trained->gain.high).text);
    rid_buf_append_str(out, ". ");
}

void rid_train_report_verdict(rid_buf *out, const rid_train_report *r)
{
    const rid_report_encoder *trained = encoder_at(r, r->trained), *mean = encoder_at(r, r->mean),
                             *published = encoder_at(r, r->published),
                             *start = encoder_at(r, r->reference);
    if (trained && start)
        say_change(out, r, trained, start);
    if (published)
        rid_buf_printf(out, "model.pt holds the %s encoder.", published->name);
    if (mean && published && mean != published && mean->v.map > published->v.map)
        rid_buf_printf(out, " Plain mean pooling is better (mAP %s): use --encoder mean.",
                       plain(mean->v.map).text);
}

/* ---- encoders ---- */

static void write_encoders(rid_html *h, const rid_train_report *r)
{
    const rid_report_encoder *start = encoder_at(r, r->reference);
    char gain[160];
    snprintf(gain, sizeof gain, "mAP over %s (%g%% interval)", start ? start->name : "the start",
             100 * r->confidence);
    const rid_html_column columns[] = {
        {"encoder", false}, {"mAP", true},          {gain, true},           {"rank-1", true},
        {"AUC", true},      {"EER", true},          {"F1, neighbor", true}, {"threshold", true},
        {"margin", true},   {"F1, identity", true}, {"threshold", true},    {"margin", true},
    };
    enum { N = sizeof columns / sizeof columns[0] };
    rid_html_begin_table(h, NULL, columns, N);
    for (size_t i = 0; i < r->n_encoders; i++) {
        const rid_report_encoder *e = &r->encoders[i];
        const rid_validation *v = &e->v;
        char name[160];
        snprintf(name, sizeof name, "%s%s", e->name, i == r->published ? " (model.pt)" : "");
        const number cell[] = {
            plain(v->map),
            interval(&e->gain),
            plain(v->rank1),
            plain(v->auc),
            plain(v->eer),
            plain(v->best[RID_NN2_NEIGHBOR].f1),
            plain(v->best[RID_NN2_NEIGHBOR].threshold),
            plain(v->best[RID_NN2_NEIGHBOR].margin),
            plain(v->best[RID_NN2_IDENTITY].f1),
            plain(v->best[RID_NN2_IDENTITY].threshold),
            plain(v->best[RID_NN2_IDENTITY].margin),
        };
        const char *cells[N] = {name};
        for (size_t k = 1; k < N; k++)
            cells[k] = cell[k - 1].text;
        rid_html_row(h, columns, cells, N, i == r->published ? "strong" : NULL);
    }
    rid_html_end_table(h);
}

/* ---- similarities ---- */

static double count_all(const uint64_t *bins)
{
    double sum = 0;
    for (size_t b = 0; b < RID_SCORE_BINS; b++)
        sum += (double)bins[b];
    return sum;
}

/* A curve as far as one false positive can be told: points further left say nothing. */
static size_t make_roc(double *x, double *y, const rid_score_counts *c, double fpr_min)
{
    rid_roc_point point[ROC_POINTS];
    const size_t n = rid_score_roc(point, ROC_POINTS, c);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n && point[i + 1].fpr <= fpr_min)
            continue;
        x[kept] = fmax(point[i].fpr, fpr_min);
        y[kept++] = point[i].tpr;
    }
    return kept;
}

static void write_roc(rid_html *h, const rid_report_encoder *const *pair, size_t n)
{
    double x[2][ROC_POINTS], y[2][ROC_POINTS];
    rid_plot_series series[2];
    const double decades = floor(log10(fmax(count_all(pair[0]->scores->negative), 10)));
    const double fpr_min = pow(10, -fmin(decades, 5));
    for (size_t i = 0; i < n; i++)
        series[i] = (rid_plot_series){.name = pair[i]->name,
                                      .x = x[i],
                                      .y = y[i],
                                      .n = make_roc(x[i], y[i], pair[i]->scores, fpr_min),
                                      .color = i == 0 ? RID_PLOT_ORANGE : RID_PLOT_BLUE,
                                      .dashed = i == 0 && n > 1};
    rid_plot_lines(
        h, &(rid_plot){.title = "ROC",
                       .note = "pairs of a validation entry and any labelled entry",
                       .x = {.label = "false positive rate", .min = fpr_min, .max = 1, .log = true},
                       .y = {.label = "true positive rate"},
                       .series = series,
                       .n_series = n});
}

typedef struct histogram {
    double edge[HISTOGRAM_BINS + 1], positive[HISTOGRAM_BINS], negative[HISTOGRAM_BINS]; /* % */
} histogram;

static void make_histogram(histogram *g, const rid_score_counts *c)
{
    rid_score_histogram(g->positive, g->negative, HISTOGRAM_BINS, c);
    for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
        g->edge[i] = -1 + 2.0 * (double)i / HISTOGRAM_BINS;
        g->positive[i] *= 100;
        g->negative[i] *= 100;
    }
    g->edge[HISTOGRAM_BINS] = 1;
}

/* What of the axes all histograms need, so that they can be compared by eye. */
static void fit_axes(rid_plot_axis *x, rid_plot_axis *y, const histogram *g, size_t n)
{
    double lo = 1, hi = -1, top = 1;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
            const double share = fmax(g[k].positive[i], g[k].negative[i]);
            top = fmax(top, share);
            if (share > 0) {
                lo = fmin(lo, g[k].edge[i]);
                hi = fmax(hi, g[k].edge[i + 1]);
            }
        }
    x->min = lo;
    x->max = hi;
    y->min = 0;
    y->max = rid_plot_scale_linear(0, top, true, 5).hi;
}

static void write_histograms(rid_html *h, const rid_report_encoder *const *pair, size_t n)
{
    static const char *const when[] = {"before", "after"};
    histogram g[2];
    rid_plot_axis x = {.label = "cosine similarity"}, y = {.label = "% of pairs"};
    for (size_t k = 0; k < n; k++)
        make_histogram(&g[k], pair[k]->scores);
    fit_axes(&x, &y, g, n);
    for (size_t k = 0; k < n; k++) {
        char title[200];
        const rid_plot_series series[] = {
            {.name = "different persons",
             .x = g[k].edge,
             .y = g[k].negative,
             .n = HISTOGRAM_BINS,
             .color = RID_PLOT_ORANGE},
            {.name = "same person",
             .x = g[k].edge,
             .y = g[k].positive,
             .n = HISTOGRAM_BINS,
             .color = RID_PLOT_BLUE},
        };
        snprintf(title, sizeof title, "Similarity %s training: %s", when[k], pair[k]->name);
        rid_plot_histogram(
            h, &(rid_plot){.title = title, .x = x, .y = y, .series = series, .n_series = 2});
    }
}

static void write_similarities(rid_html *h, const rid_train_report *r)
{
    const rid_report_encoder *both[] = {encoder_at(r, r->reference), encoder_at(r, r->trained)};
    const rid_report_encoder *pair[2];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++)
        if (both[i] && both[i]->scores)
            pair[n++] = both[i];
    if (n == 0)
        return;
    rid_html_element(h, "h2", NULL, "Before and after");
    rid_html_open(h, "div", "charts");
    write_roc(h, pair, n);
    write_histograms(h, pair, n);
    rid_html_close(h, "div");
}

/* ---- curves ---- */

/* Figures of rid_epoch_record, by their places in it. */
typedef struct curve {
    const char *title, *note;
    struct {
        const char *name;
        size_t offset;
        rid_plot_color color;
    } line[2];
    bool zero, log;
} curve;

#define EPOCH(member) offsetof(rid_epoch_record, member)

static const curve TRAINING[] = {
    {"Loss", "mean over anchors", {{"loss", EPOCH(loss), RID_PLOT_BLUE}}, true, false},
    {"Active triplets",
     "share of anchors with a loss",
     {{"active", EPOCH(active), RID_PLOT_BLUE}},
     true,
     false},
    {"Hardest distances",
     "mean over anchors",
     {{"to the farthest of the same person", EPOCH(positive), RID_PLOT_BLUE},
      {"to the nearest of another", EPOCH(negative), RID_PLOT_ORANGE}},
     true,
     false},
    {"Spread",
     "of a batch's embeddings about their mean; 0 is collapse",
     {{"spread", EPOCH(spread), RID_PLOT_BLUE}},
     true,
     false},
    {"Gradient norm", NULL, {{"gradient norm", EPOCH(gradient_norm), RID_PLOT_BLUE}}, true, false},
    {"Learning rate", NULL, {{"learning rate", EPOCH(lr), RID_PLOT_BLUE}}, true, false},
};

static const curve VALIDATION[] = {
    {"mAP", NULL, {{"trained", EPOCH(validation.map), RID_PLOT_BLUE}}, false, false},
    {"Rank-1", NULL, {{"trained", EPOCH(validation.rank1), RID_PLOT_BLUE}}, false, false},
    {"AUC", NULL, {{"trained", EPOCH(validation.auc), RID_PLOT_BLUE}}, false, false},
    {"Equal error rate", NULL, {{"trained", EPOCH(validation.eer), RID_PLOT_BLUE}}, false, false},
    {"Pairwise F1",
     "at the best threshold and margin of each rule",
     {{"neighbor", EPOCH(validation.best[RID_NN2_NEIGHBOR].f1), RID_PLOT_BLUE},
      {"identity", EPOCH(validation.best[RID_NN2_IDENTITY].f1), RID_PLOT_ORANGE}},
     false,
     false},
};

static double figure_at(const rid_epoch_record *e, size_t offset)
{
    double value;
    memcpy(&value, (const char *)e + offset, sizeof value);
    return value;
}

/* What curves are drawn from; x, y0, y1 (n_epochs). */
typedef struct workspace {
    double *x, *y[2];
    double ends[2]; /* first and last epoch, for level lines */
    double level[LINES_MAX][2];
    rid_plot_series series[LINES_MAX];
    size_t n_series;
} workspace;

static void add_line(workspace *w, const rid_train_report *r, const curve *c, size_t line,
                     bool validated)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n_epochs; i++) {
        if (validated && !r->epochs[i].validated)
            continue;
        w->x[n] = (double)r->epochs[i].epoch;
        w->y[line][n++] = figure_at(&r->epochs[i], c->line[line].offset);
    }
    w->series[w->n_series++] = (rid_plot_series){.name = c->line[line].name,
                                                 .x = w->x,
                                                 .y = w->y[line],
                                                 .n = n,
                                                 .color = c->line[line].color,
                                                 .dots = validated};
}

/* A dashed line from the first to the last epoch. */
static void add_level(workspace *w, const char *name, double value, rid_plot_color color)
{
    const size_t k = w->n_series;
    if (isnan(value))
        return;
    w->level[k][0] = w->level[k][1] = value;
    w->series[w->n_series++] = (rid_plot_series){
        .name = name, .x = w->ends, .y = w->level[k], .n = 2, .color = color, .dashed = true};
}

static void write_curve(rid_html *h, const rid_train_report *r, const curve *c, bool validated,
                        workspace *w)
{
    const rid_report_encoder *start = encoder_at(r, r->reference), *mean = encoder_at(r, r->mean);
    w->n_series = 0;
    for (size_t line = 0; line < 2 && c->line[line].name; line++)
        add_line(w, r, c, line, validated);
    if (validated && w->n_series == 1) {
        const size_t in_figures = c->line[0].offset - EPOCH(validation);
        const rid_epoch_record of_start = {.validation = start ? start->v : (rid_validation){0}};
        const rid_epoch_record of_mean = {.validation = mean ? mean->v : (rid_validation){0}};
        if (start)
            add_level(w, start->name, figure_at(&of_start, EPOCH(validation) + in_figures),
                      RID_PLOT_ORANGE);
        if (mean && mean != start)
            add_level(w, mean->name, figure_at(&of_mean, EPOCH(validation) + in_figures),
                      RID_PLOT_GREY);
    }
    if (c->line[0].offset == EPOCH(loss))
        add_level(w, "where nobody is told apart", r->collapse_loss, RID_PLOT_GREY);
    rid_plot_lines(h, &(rid_plot){.title = c->title,
                                  .note = c->note,
                                  .x = {.label = "epoch",
                                        .min = w->ends[0],
                                        .max = fmax(w->ends[1], w->ends[0] + EPOCHS_SHOWN_MIN)},
                                  .y = {.zero = c->zero, .log = c->log},
                                  .series = w->series,
                                  .n_series = w->n_series,
                                  .mark_label = validated && r->best_epoch > 0 ? "best" : NULL,
                                  .mark_x = (double)r->best_epoch});
}

static void write_curves(rid_html *h, const rid_train_report *r, const char *heading,
                         const curve *curves, size_t n, bool validated, workspace *w)
{
    rid_html_element(h, "h2", NULL, "%s", heading);
    rid_html_open(h, "div", "charts");
    for (size_t i = 0; i < n; i++)
        write_curve(h, r, &curves[i], validated, w);
    rid_html_close(h, "div");
}

static void write_all_curves(rid_html *h, const rid_train_report *r)
{
    workspace w = {
        .x = rid_mem_alloc(r->n_epochs, sizeof *w.x),
        .y = {rid_mem_alloc(r->n_epochs, sizeof *w.x), rid_mem_alloc(r->n_epochs, sizeof *w.x)}};
    bool validated = false;
    for (size_t i = 0; i < r->n_epochs; i++)
        validated = validated || r->epochs[i].validated;
    if (!w.x || !w.y[0] || !w.y[1]) {
        h->out->failed = true;
    } else if (r->n_epochs > 0) {
        w.ends[0] = (double)r->epochs[0].epoch;
        w.ends[1] = (double)r->epochs[r->n_epochs - 1].epoch;
        if (validated)
            write_curves(h, r, "Validation", VALIDATION, sizeof VALIDATION / sizeof VALIDATION[0],
                         true, &w);
        write_curves(h, r, "Training", TRAINING, sizeof TRAINING / sizeof TRAINING[0], false, &w);
    }
    rid_mem_free(w.x);
    rid_mem_free(w.y[0]);
    rid_mem_free(w.y[1]);
}

/* ---- page ---- */

static void write_facts(rid_html *h, const char *caption, const rid_report_fact *facts, size_t n,
                        bool numbers)
{
    const rid_html_column columns[] = {{NULL, false}, {NULL, numbers}};
    if (n == 0)
        return;
    rid_html_begin_table(h, caption, columns, 2);
    for (size_t i = 0; i < n; i++)
        rid_html_row(h, columns, (const char *const[]){facts[i].name, facts[i].value}, 2, NULL);
    rid_html_end_table(h);
}

static void write_verdict(rid_html *h, const rid_train_report *r)
{
    rid_buf text = {0};
    rid_train_report_verdict(&text, r);
    const char *verdict = rid_buf_cstr(&text);
    if (verdict)
        rid_html_element(h, "p", rid_train_report_improved(r) ? "verdict good" : "verdict warn",
                         "%s", verdict);
    else
        h->out->failed = true;
    rid_buf_free(&text);
}

void rid_train_report_render(rid_buf *out, const rid_train_report *r)
{
    rid_html h = {.out = out};
    char title[300];
    snprintf(title, sizeof title, "Training report%s%s", r->run ? ": " : "", r->run ? r->run : "");
    rid_html_begin(&h, title);
    write_verdict(&h, r);
    rid_html_element(&h, "h2", NULL, "Encoders on the validation people");
    rid_html_element(&h, "p", "soft small",
                     "Their entries are the queries, all labelled entries the gallery. Pairwise F1 "
                     "is that of each matching rule at its best threshold and margin.");
    write_encoders(&h, r);
    write_similarities(&h, r);
    write_all_curves(&h, r);
    rid_html_element(&h, "h2", NULL, "Data and settings");
    rid_html_open(&h, "div", "tables");
    write_facts(&h, "Data", r->data, r->n_data, true);
    write_facts(&h, "Settings", r->settings, r->n_settings, false);
    rid_html_close(&h, "div");
    if (r->made_by)
        rid_html_element(&h, "footer", NULL, "%s", r->made_by);
    rid_html_end(&h);
}

rid_status rid_train_report_write(const char *path, const rid_train_report *r, rid_err *err)
{
    rid_buf page = {0};
    rid_publish *p = NULL;
    rid_train_report_render(&page, r);
    rid_status st = page.failed ? RID_FAIL_NOMEM(err) : rid_publish_begin(&p, path, true, err);
    if (st == RID_OK)
        st = rid_publish_write(p, page.data, page.len, err);
    if (st == RID_OK) {
        st = rid_publish_commit(p, err);
        p = NULL;
    }
    rid_publish_abort(p);
    rid_buf_free(&page);
    return st;
}
