#include "eval/sweep_result.h"

#include "eval/metric_set.h"

#include <math.h>

/* In the order of surface.csv. Without a label nothing is known of persons: not even that there is no mistake. */
static void list_figures(rid_metric_set *out, const rid_sweep_cell *c)
{
    *out = (rid_metric_set){0};
    rid_metrics_add_clusters(out, &c->clusters);
    for (size_t i = 0; i < out->n && c->clusters.entries == 0; i++)
        if (!out->at[i].is_count)
            out->at[i].value = NAN;
    rid_metrics_add_searches(out, &c->searches);
    rid_metrics_add_pairs(out, &c->pairs);
}

bool rid_sweep_condition_met(const rid_sweep_result *r)
{
    return r->top[0].merit.lack == 0;
}

size_t rid_sweep_count_as_good(const rid_sweep_result *r)
{
    size_t n = 0;
    for (size_t i = 0; r->resamples > 0 && i < r->n_top; i++)
        n += r->sure[i].as_good;
    return n;
}

size_t rid_sweep_place_of(const rid_sweep_result *r, size_t surface, size_t margin, size_t threshold)
{
    size_t i = 0;
    while (i < r->n_top && (r->top[i].surface != surface || r->top[i].margin != margin ||
                            r->top[i].threshold != threshold))
        i++;
    return i;
}

/* ---- surface.csv ---- */

static void append_number(rid_buf *out, double value)
{
    if (isfinite(value))
        rid_jsonw_f64(&(rid_jsonw){.out = out}, value);
}

static void write_row(const rid_sweep_result *r, const rid_pick *p, const char *as_good, rid_buf *out)
{
    rid_metric_set figures;
    const rid_rule rule = rid_pick_rule(r->surfaces, p);
    list_figures(&figures, rid_pick_cell(r->surfaces, p));
    rid_buf_printf(out, "%s,", rid_nn2_name(rule.nn2));
    append_number(out, rule.threshold);
    rid_buf_append_char(out, ',');
    append_number(out, rule.margin);
    for (size_t i = 0; i < figures.n; i++) {
        rid_buf_append_char(out, ',');
        rid_metric_append(out, &figures.at[i]);
    }
    rid_buf_printf(out, ",%s\n", as_good);
}

void rid_sweep_write_csv(const rid_sweep_result *r, rid_buf *out)
{
    rid_metric_set figures;
    list_figures(&figures, r->surfaces[0].cells);
    rid_buf_append_str(out, "nn2,threshold,margin");
    for (size_t i = 0; i < figures.n; i++)
        rid_buf_printf(out, ",%s", figures.at[i].name);
    rid_buf_append_str(out, ",as_good\n");
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_sweep_grid *g = &r->surfaces[s].grid;
        for (size_t m = 0; m < g->n_margins; m++) {
            for (size_t t = 0; t < g->n_thresholds; t++) {
                const rid_pick p = {.surface = s, .margin = m, .threshold = t};
                const size_t place =
                    r->resamples > 0 ? rid_sweep_place_of(r, s, m, t) : r->n_top;
                write_row(r, &p, place == r->n_top ? "" : r->sure[place].as_good ? "1" : "0", out);
            }
        }
    }
}

/* ---- best.json ---- */

static void put_figures(rid_jsonw *w, const rid_sweep_cell *c)
{
    rid_metric_set figures;
    list_figures(&figures, c);
    rid_metric_set_put(w, &figures);
}

static void put_rule(rid_jsonw *w, const rid_rule *rule)
{
    rid_jsonw_put_f64(w, "threshold", rule->threshold);
    rid_jsonw_put_f64(w, "margin", rule->margin);
    rid_jsonw_key(w, "nn2");
    rid_jsonw_cstr(w, rid_nn2_name(rule->nn2));
}

static void put_range(rid_jsonw *w, const char *key, double low, double high)
{
    rid_jsonw_key(w, key);
    rid_jsonw_begin_array(w);
    rid_jsonw_f64(w, low);
    rid_jsonw_f64(w, high);
    rid_jsonw_end_array(w);
}

static void put_objective(rid_jsonw *w, const rid_sweep_result *r)
{
    rid_jsonw_key(w, "objective");
    rid_jsonw_cstr(w, r->objective_text);
    rid_jsonw_put_f64(w, "value", rid_objective_value(&r->objective, &r->top[0].merit));
    rid_jsonw_key(w, "condition_met");
    rid_jsonw_bool(w, rid_sweep_condition_met(r));
}

static void put_plateau(rid_jsonw *w, const rid_plateau *p)
{
    rid_jsonw_key(w, "plateau");
    rid_jsonw_begin_object(w);
    rid_jsonw_put_u64(w, "cells", p->n_cells);
    put_range(w, "threshold", p->threshold_min, p->threshold_max);
    put_range(w, "margin", p->margin_min, p->margin_max);
    rid_jsonw_end_object(w);
}

static void put_intervals(rid_jsonw *w, const rid_sure_cell *c)
{
    rid_jsonw_key(w, "intervals");
    rid_jsonw_begin_object(w);
    for (size_t f = 0; f < RID_SURE_FIGURES; f++)
        put_range(w, rid_sure_figure_name((rid_sure_figure)f), c->figure[f].low, c->figure[f].high);
    rid_jsonw_end_object(w);
}

static void put_bootstrap(rid_jsonw *w, const rid_sweep_result *r)
{
    rid_jsonw_key(w, "bootstrap");
    rid_jsonw_begin_object(w);
    rid_jsonw_put_u64(w, "resamples", r->resamples);
    rid_jsonw_put_f64(w, "confidence", r->confidence);
    rid_jsonw_put_u64(w, "cells", r->n_top);
    rid_jsonw_put_u64(w, "as_good", rid_sweep_count_as_good(r));
    put_intervals(w, &r->sure[0]);
    rid_jsonw_end_object(w);
}

static void put_modes(rid_jsonw *w, const rid_sweep_result *r)
{
    rid_jsonw_key(w, "best_of_each");
    rid_jsonw_begin_array(w);
    for (size_t s = 0; s < r->n_surfaces; s++) {
        const rid_rule rule = rid_pick_rule(r->surfaces, &r->best_of[s]);
        rid_jsonw_begin_object(w);
        put_rule(w, &rule);
        put_figures(w, rid_pick_cell(r->surfaces, &r->best_of[s]));
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

static void put_bucket_name(rid_jsonw *w, const rid_bucket *b)
{
    rid_jsonw_key(w, "day_id");
    rid_jsonw_str(w, b->day);
    rid_jsonw_key(w, "store_id");
    rid_jsonw_str(w, b->store);
}

static void put_buckets(rid_jsonw *w, const rid_sweep_result *r)
{
    const rid_sweep_data *d = r->data;
    rid_jsonw_key(w, "worst_bucket");
    if (r->worst < d->n_buckets) {
        rid_jsonw_begin_object(w);
        put_bucket_name(w, &d->buckets[r->worst]);
        rid_jsonw_end_object(w);
    } else {
        rid_jsonw_null(w);
    }
    rid_jsonw_key(w, "buckets");
    rid_jsonw_begin_array(w);
    for (size_t b = 0; b < d->n_buckets; b++) {
        rid_jsonw_begin_object(w);
        put_bucket_name(w, &d->buckets[b]);
        rid_jsonw_put_u64(w, "entries", d->buckets[b].n);
        put_figures(w, &r->cases.buckets[b]);
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

static void put_data(rid_jsonw *w, const rid_sweep_data *d)
{
    rid_jsonw_key(w, "encoder_hash");
    rid_jsonw_cstr(w, rid_store_set_info(&d->set)->encoder_hash);
    rid_jsonw_key(w, "stores");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < d->set.n_stores; i++)
        rid_jsonw_cstr(w, rid_store_digest(d->set.stores[i]));
    rid_jsonw_end_array(w);
    rid_jsonw_put_u64(w, "entries", d->n_entries);
    rid_jsonw_put_u64(w, "unlabelled", d->n_entries - d->n_labelled);
    rid_jsonw_put_u64(w, "excluded", d->n_excluded);
    rid_jsonw_put_u64(w, "labels_without_entry", d->n_absent);
    rid_jsonw_put_u64(w, "pairs", d->pairs.n);
    rid_jsonw_put_u64(w, "pairs_across_buckets", d->pairs.n_across);
    rid_jsonw_put_u64(w, "pairs_across_buckets_same", d->pairs.n_across_same);
    rid_jsonw_put_u64(w, "pairs_without_entry", d->pairs.n_absent);
}

void rid_sweep_write_json(const rid_sweep_result *r, rid_buf *out)
{
    rid_jsonw w = {.out = out};
    const rid_rule best = rid_pick_rule(r->surfaces, &r->top[0]);
    rid_jsonw_begin_object(&w);
    rid_jsonw_put_u64(&w, "format_version", 1);
    rid_jsonw_key(&w, "tool_version");
    rid_jsonw_cstr(&w, RID_VERSION);
    put_objective(&w, r);
    put_rule(&w, &best);
    put_figures(&w, rid_pick_cell(r->surfaces, &r->top[0]));
    put_plateau(&w, &r->plateau);
    if (r->has_optimum) {
        rid_jsonw_key(&w, "over_all_breakpoints");
        rid_jsonw_bool(&w, r->optimum.exact);
    }
    if (r->resamples > 0)
        put_bootstrap(&w, r);
    put_modes(&w, r);
    put_data(&w, r->data);
    put_buckets(&w, r);
    rid_jsonw_end_object(&w);
    rid_buf_append_char(out, '\n');
}
