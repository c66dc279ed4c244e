#include "eval/sweep_report.h"

#include "data/plain.h"
#include "eval/sweep_charts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 256, ID_MAX = 96, BUCKETS_SHOWN = 50 };

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

static text setting(double value)
{
    text t;
    rid_sweep_setting(t.s, sizeof t.s, value);
    return t;
}

/* The interval in brackets behind the value, or below it. */
static text with_interval(double value, const rid_interval *i, bool below)
{
    text t = plain(value);
    const size_t n = strlen(t.s);
    if (i && !isnan(i->low))
        snprintf(t.s + n, sizeof t.s - n, below ? "\n%.24s to %.24s" : " (%.24s to %.24s)",
                 plain(i->low).s, plain(i->high).s);
    return t;
}

static text id_text(rid_str id)
{
    text t;
    if (id.len < ID_MAX) {
        snprintf(t.s, sizeof t.s, "%.*s", RID_STR(id));
    } else {
        const size_t kept = rid_utf8_prefix(id.data, ID_MAX - 4);
        snprintf(t.s, sizeof t.s, "%.*s\xE2\x80\xA6", (int)kept, id.data);
    }
    return t;
}

/* ---- verdict ---- */

static rid_sure_figure sure_figure(const rid_objective *o)
{
    static const rid_sure_figure figures[] = {RID_SURE_F1, RID_SURE_BCUBED_F1, RID_SURE_F1,
                                              RID_SURE_PRECISION,
                                              RID_SURE_RECALL, RID_SURE_FNIR};
    return figures[o->kind];
}

void rid_sweep_report_verdict(rid_buf *out, const rid_sweep_result *r)
{
    const rid_rule best = rid_pick_rule(r->surfaces, &r->top[0]);
    const rid_interval *sure =
        r->resamples > 0 ? &r->sure[0].figure[sure_figure(&r->objective)] : NULL;
    rid_buf_printf(
        out, "%s %s at threshold %s, margin %s, --nn2 %s.", rid_sweep_objective_name(&r->objective),
        with_interval(rid_objective_value(&r->objective, &r->top[0].merit), sure, false).s,
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

/* ---- tables of figures ---- */

enum { COLUMNS_MAX = 16 };

/* A row under construction: its columns and what stands in them. */
typedef struct row {
    rid_html_column column[COLUMNS_MAX];
    text cell[COLUMNS_MAX];
    size_t n;
} row;

static void add(row *w, const char *name, text cell)
{
    w->column[w->n] = (rid_html_column){name, w->n > 0};
    w->cell[w->n++] = cell;
}

static void write_row(rid_html *h, const row *w, bool strong)
{
    const char *cells[COLUMNS_MAX];
    for (size_t k = 0; k < w->n; k++)
        cells[k] = w->cell[k].s;
    rid_html_row(h, w->column, cells, w->n, strong ? "strong" : NULL);
}

static text words(const char *s)
{
    text t;
    snprintf(t.s, sizeof t.s, "%s", s);
    return t;
}

static void add_pairs(row *w, const rid_pair_counts *c)
{
    const rid_pair_metrics m = rid_pair_metrics_of(c);
    add(w, "precision of the pairs", plain(m.precision));
    add(w, "recall of the pairs", plain(m.recall));
    add(w, "F1 of the pairs", plain(m.f1));
}

/* ---- best of each mode ---- */

static void add_persons(row *w, const rid_sweep_cell *c, const rid_interval *sure)
{
    const rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
    add(w, "F1", with_interval(m.pairwise_f1, sure ? &sure[RID_SURE_F1] : NULL, true));
    add(w, "precision",
        with_interval(m.pairwise_precision, sure ? &sure[RID_SURE_PRECISION] : NULL, true));
    add(w, "recall", with_interval(m.pairwise_recall, sure ? &sure[RID_SURE_RECALL] : NULL, true));
    add(w, "B-cubed F1", with_interval(m.bcubed_f1, sure ? &sure[RID_SURE_BCUBED_F1] : NULL, true));
    add(w, "V-measure", plain(m.v_measure));
    add(w, "ARI", plain(m.ari));
    add(w, "FNIR",
        with_interval(rid_search_fnir(&c->searches), sure ? &sure[RID_SURE_FNIR] : NULL, true));
    add(w, "FPIR",
        with_interval(rid_search_fpir(&c->searches), sure ? &sure[RID_SURE_FPIR] : NULL, true));
    add(w, "persons", whole((double)c->clusters.persons));
    add(w, "true", whole((double)c->clusters.true_persons));
}

static row best_row(const rid_sweep_result *r, size_t surface)
{
    const rid_pick *p = &r->best_of[surface];
    const rid_rule rule = rid_pick_rule(r->surfaces, p);
    const rid_sweep_cell *c = rid_pick_cell(r->surfaces, p);
    const size_t place = rid_sweep_place_of(r, surface, p->margin, p->threshold);
    row w = {.n = 0};
    add(&w, "nn2", words(rid_nn2_name(rule.nn2)));
    add(&w, "threshold", setting(rule.threshold));
    add(&w, "margin", setting(rule.margin));
    if (r->data->labels)
        add_persons(&w, c, r->resamples > 0 && place < r->n_top ? r->sure[place].figure : NULL);
    if (r->data->labels && r->data->pairs.n > 0)
        add(&w, "F1 of the pairs", plain(rid_pair_metrics_of(&c->pairs).f1));
    else if (r->data->pairs.n > 0)
        add_pairs(&w, &c->pairs);
    return w;
}

static void write_best(rid_html *h, const rid_sweep_result *r)
{
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const row w = best_row(r, s);
        if (s == 0)
            rid_html_begin_cards(h, w.column, w.n);
        write_row(h, &w, s == r->top[0].surface);
    }
    rid_html_end_table(h);
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
    rid_html_begin_cards(h, columns, N);
    for (size_t i = 0; i < list->n; i++) {
        const rid_sweep_case *c = &list->at[i];
        const rid_bucket *b = &d->buckets[c->bucket];
        const text cell[N] = {id_text(rid_sweep_data_id(d, c->bucket, c->row)),
                              id_text(rid_sweep_data_person(d, c->bucket, c->row)),
                              id_text(rid_sweep_data_id(d, c->bucket, c->other)),
                              id_text(rid_sweep_data_person(d, c->bucket, c->other)),
                              plain((double)c->score),
                              id_text(b->store)};
        char bucket[TEXT_MAX];
        snprintf(bucket, sizeof bucket, "%.*s/%.*s", ID_MAX, id_text(b->day).s, ID_MAX, cell[5].s);
        const char *cells[N] = {cell[0].s, cell[1].s, cell[2].s, cell[3].s, cell[4].s, bucket};
        rid_html_row(h, columns, cells, N, NULL);
    }
    rid_html_end_table(h);
}

/* ---- buckets ---- */

/* What is known of persons there: nothing without a labelled entry. */
static void add_bucket_persons(row *w, const rid_sweep_cell *c)
{
    const rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
    const bool known = c->clusters.entries > 0;
    add(w, "labelled", whole((double)c->clusters.entries));
    add(w, "persons", whole((double)c->clusters.persons));
    add(w, "true", whole((double)c->clusters.true_persons));
    add(w, "precision", plain(known ? m.pairwise_precision : NAN));
    add(w, "recall", plain(known ? m.pairwise_recall : NAN));
    add(w, "F1", plain(known ? m.pairwise_f1 : NAN));
    add(w, "B-cubed F1", plain(m.bcubed_f1));
    add(w, "FNIR", plain(rid_search_fnir(&c->searches)));
    add(w, "FPIR", plain(rid_search_fpir(&c->searches)));
}

static row bucket_row(const rid_sweep_result *r, size_t b)
{
    const rid_sweep_cell *c = &r->cases.buckets[b];
    const rid_bucket *bucket = &r->data->buckets[b];
    row w = {.n = 0};
    text name;
    snprintf(name.s, sizeof name.s, "%.*s/%.*s%s", ID_MAX, id_text(bucket->day).s, ID_MAX,
             id_text(bucket->store).s, b == r->worst ? " (worst)" : "");
    add(&w, "bucket", name);
    add(&w, "entries", whole((double)bucket->n));
    if (r->data->labels)
        add_bucket_persons(&w, c);
    if (r->data->pairs.n > 0) {
        add(&w, "pairs", whole((double)(c->pairs.same + c->pairs.different)));
        add_pairs(&w, &c->pairs);
    }
    return w;
}

static void write_buckets(rid_html *h, const rid_sweep_result *r)
{
    const size_t n = r->data->n_buckets;
    rid_html_element(h, "h2", NULL, "Buckets at the best point");
    if (n > BUCKETS_SHOWN)
        rid_html_element(h, "p", "soft", "The first %d of %zu and the worst; all are in best.json.",
                         BUCKETS_SHOWN, n);
    if (r->worst < n)
        rid_html_element(h, "p", "soft small", "Worst by %s.",
                         rid_sweep_objective_name(&r->objective));
    for (size_t b = 0; b < n; b++) {
        if (b >= BUCKETS_SHOWN && b != r->worst)
            continue;
        const row w = bucket_row(r, b);
        if (b == 0)
            rid_html_begin_table(h, NULL, w.column, w.n);
        write_row(h, &w, b == r->worst);
    }
    rid_html_end_table(h);
}

static void write_facts(rid_html *h, const rid_sweep_result *r)
{
    const rid_sweep_data *d = r->data;
    rid_html_open(h, "p", "soft small");
    rid_html_text(h, "%zu %s in %zu %s; ", d->n_entries, rid_noun(d->n_entries, "entry", "entries"),
                  d->n_buckets, rid_noun(d->n_buckets, "bucket", "buckets"));
    if (d->labels)
        rid_html_text(
            h,
            "%zu without a label, which are matched but not counted (%zu of them left out by"
            " ground truth); %zu labels without an entry; ",
            d->n_entries - d->n_labelled, d->n_excluded, d->n_absent);
    rid_html_text(h, "%zu entries without an embedding. ", d->n_skipped);
    if (r->resamples > 0)
        rid_html_text(h, "Intervals: %g%%, %zu resamples of people, for the best %zu cells. ",
                      100 * r->confidence, r->resamples, r->n_top);
    if (d->pairs.n > 0)
        rid_html_text(h, "%zu pairs within buckets; %zu across buckets and %zu with an entry that is in no"
                         " store are not counted. ",
                      d->pairs.n, d->pairs.n_across, d->pairs.n_absent);
    rid_html_text(h, "Cells beside the best with the same value, itself among them: %zu, threshold"
                      " %s to %s, margin %s to %s.", r->plateau.n_cells,
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
    rid_sweep_charts_write(&h, r);
    if (r->data->labels) {
        write_cases(&h, r, &r->cases.wrong, "Taken for another person", "matched with");
        write_cases(&h, r, &r->cases.missed, "Not recognised, though the nearest was right",
                    "nearest entry");
    }
    write_buckets(&h, r);
    rid_html_element(&h, "footer", NULL, "rid-sweep %s", RID_VERSION);
    rid_html_end(&h);
}
