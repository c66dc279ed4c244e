#include "eval/sweep_report.h"

#include "eval/sweep_charts.h"

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

static text setting(double value)
{
    text t;
    rid_sweep_setting(t.s, sizeof t.s, value);
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
    rid_buf_printf(out, "%s %s at threshold %s, margin %s, --nn2 %s.",
                   rid_sweep_objective_name(&r->objective),
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

/* Without labels nothing is known of persons. */
static rid_cluster_metrics metrics_of(const rid_sweep_cell *c)
{
    rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
    if (c->clusters.entries == 0)
        m.pairwise_precision = m.pairwise_recall = m.pairwise_f1 = NAN;
    return m;
}

/* ---- best of each mode ---- */

static void write_best(rid_html *h, const rid_sweep_result *r)
{
    static const rid_html_column columns[] = {
        {"nn2", false},      {"threshold", true},      {"margin", true},         {"F1", true},
        {"precision", true}, {"recall", true},         {"B-cubed F1", true},     {"V-measure", true},
        {"ARI", true},       {"FNIR", true},           {"FPIR", true},           {"persons", true},
        {"true", true},      {"F1 of the pairs", true},
    };
    enum { ALL = sizeof columns / sizeof columns[0] };
    const size_t n = r->data->pairs.n > 0 ? ALL : ALL - 1;
    rid_html_begin_table(h, NULL, columns, n);
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_pick *p = &r->best_of[s];
        const rid_rule rule = rid_pick_rule(r->surfaces, p);
        const rid_sweep_cell *c = rid_pick_cell(r->surfaces, p);
        const rid_cluster_metrics m = metrics_of(c);
        const size_t place = rid_sweep_place_of(r, s, p->margin, p->threshold);
        const rid_interval *sure =
            r->resamples > 0 && place < r->n_top ? r->sure[place].figure : NULL;
        const text cell[ALL - 1] = {
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
            plain(rid_pair_metrics_of(&c->pairs).f1),
        };
        const char *cells[ALL] = {rid_nn2_name(rule.nn2)};
        for (size_t k = 1; k < n; k++)
            cells[k] = cell[k - 1].s;
        rid_html_row(h, columns, cells, n, s == r->top[0].surface ? "strong" : NULL);
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
    const rid_cluster_metrics m = metrics_of(c);
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
