#include "eval/manifest_report.h"

#include "data/base/mem.h"

#include <math.h>
#include <stdlib.h>

enum { BUCKETS_SHOWN = 20 };

/* ---- overall ---- */

static void add_pairs(rid_metric_set *m, const rid_bucket_pairs *p, const rid_pair_counts *c)
{
    rid_metrics_add_count(m, "pairs", p->n);
    rid_metrics_add_count(m, "pairs_same", p->n_same);
    rid_metrics_add_count(m, "pairs_across", p->n_across);
    rid_metrics_add_count(m, "pairs_across_same", p->n_across_same);
    rid_metrics_add_count(m, "pairs_without_entry", p->n_absent);
    rid_metrics_add_pairs(m, c);
}

static void add_counts(rid_metric_set *m, const rid_manifest_report *r, const rid_sweep_cell *c)
{
    if (r->errors) {
        rid_metrics_add_clusters(m, &c->clusters);
        rid_metrics_add_cluster_details(m, &c->clusters);
        rid_metrics_add_searches(m, &c->searches);
    }
}

void rid_manifest_report_figures(rid_metric_set *m, const rid_manifest_report *r)
{
    const rid_judgement *j = r->judgement;
    const rid_clustering *c = j->clustering;
    rid_metrics_add_count(m, "buckets", c->n_buckets);
    rid_metrics_add_count(m, "entries", c->n_entries);
    rid_metrics_add_count(m, "skipped", c->n_skipped);
    if (r->errors) {
        rid_metrics_add_count(m, "labelled", j->n_labelled);
        rid_metrics_add_count(m, "unlabelled", c->n_entries - j->n_labelled);
        rid_metrics_add_count(m, "excluded", j->n_excluded);
        rid_metrics_add_count(m, "labels_without_entry", j->n_absent);
    }
    add_counts(m, r, &j->counts);
    if (r->errors) {
        rid_metrics_add_count(m, "false_merges", r->errors->n_merges);
        rid_metrics_add_count(m, "splits", r->errors->n_splits);
        rid_metrics_add_intervals(m, r->intervals);
    }
    if (r->pairs)
        add_pairs(m, r->pairs, &j->counts.pairs);
}

/* ---- rows ---- */

/* Named sets of figures; text behind the names of buckets. */
typedef struct rows {
    rid_str *names, *others;
    rid_metric_set *sets;
    rid_buf *texts;
    size_t n;
} rows;

static rid_status init_rows(rows *r, size_t n, rid_err *err)
{
    *r = (rows){.names = rid_mem_zalloc(n, sizeof *r->names),
                .others = rid_mem_zalloc(n, sizeof *r->others),
                .sets = rid_mem_zalloc(n, sizeof *r->sets),
                .texts = rid_mem_zalloc(n, sizeof *r->texts),
                .n = n};
    return r->names && r->others && r->sets && r->texts ? RID_OK : RID_FAIL_NOMEM(err);
}

static void clear_rows(rows *r)
{
    for (size_t i = 0; r->texts && i < r->n; i++)
        rid_buf_free(&r->texts[i]);
    rid_mem_free(r->names);
    rid_mem_free(r->others);
    rid_mem_free(r->sets);
    rid_mem_free(r->texts);
}

/* How a table is headed, and the members in JSON that have a row's names in them. */
typedef struct heading {
    const char *json, *title;
    const char *name_key, *other_key; /* other_key NULL: one name */
    const char *const *columns;       /* of the table */
    size_t n_columns;
} heading;

static void put_row(rid_jsonw *w, const heading *h, rid_str name, rid_str other,
                    const rid_metric_set *m)
{
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, h->name_key);
    rid_jsonw_str(w, name);
    if (h->other_key) {
        rid_jsonw_key(w, h->other_key);
        rid_jsonw_str(w, other);
    }
    rid_metric_set_put(w, m);
    rid_jsonw_end_object(w);
}

static rid_status write_table(rid_buf *text, const heading *h, rows *r, rid_err *err)
{
    for (size_t i = 0; i < r->n && h->other_key; i++) {
        const rid_str none = {"-", 1}, a = r->names[i], b = r->others[i];
        rid_buf_printf(&r->texts[i], "%.*s, %.*s", RID_STR(a.len > 0 ? a : none),
                       RID_STR(b.len > 0 ? b : none));
        if (r->texts[i].failed)
            return RID_FAIL_NOMEM(err);
        r->names[i] = rid_buf_view(&r->texts[i]);
    }
    rid_buf_append_char(text, '\n');
    rid_metric_sets_write(text, h->title, r->names, r->sets, r->n, h->columns, h->n_columns);
    return RID_OK;
}

/* ---- by bucket ---- */

/* Figures of a bucket, and the one that says how bad it is. */
typedef struct ranked {
    size_t bucket;
    double value;
} ranked;

static int compare_ranked(const void *x, const void *y)
{
    const ranked *a = x, *b = y;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->bucket < b->bucket ? -1 : a->bucket > b->bucket;
}

static double worth(const rid_manifest_report *r, const rid_sweep_cell *c)
{
    const double value = r->errors ? rid_cluster_metrics_of(&c->clusters).pairwise_f1
                                   : rid_pair_metrics_of(&c->pairs).f1;
    return isnan(value) ? 2 : value; /* behind all others */
}

static void list_bucket(rid_metric_set *m, const rid_manifest_report *r, size_t k)
{
    const rid_sweep_cell *c = &r->judgement->buckets[k].counts;
    rid_metrics_add_count(m, "entries", r->judgement->clustering->buckets[k].n);
    if (r->errors)
        rid_metrics_add_count(m, "labelled", c->clusters.entries);
    add_counts(m, r, c);
    if (r->pairs)
        rid_metrics_add_pairs(m, &c->pairs);
}

/* All, by day and store. */
static void put_buckets(rid_jsonw *w, const heading *h, const rid_manifest_report *r)
{
    const rid_clustering *c = r->judgement->clustering;
    rid_jsonw_key(w, h->json);
    rid_jsonw_begin_array(w);
    for (size_t k = 0; k < c->n_buckets; k++) {
        rid_metric_set m = {0};
        list_bucket(&m, r, k);
        put_row(w, h, c->buckets[k].day, c->buckets[k].store, &m);
    }
    rid_jsonw_end_array(w);
}

/* The worst, those first. */
static rid_status write_worst(rid_buf *text, const heading *h, const rid_manifest_report *r,
                              rid_err *err)
{
    const rid_clustering *c = r->judgement->clustering;
    const size_t n = c->n_buckets, n_shown = n < BUCKETS_SHOWN ? n : BUCKETS_SHOWN;
    rows to;
    ranked *order = rid_mem_alloc(n, sizeof *order);
    rid_status st = init_rows(&to, n_shown, err);
    if (st == RID_OK && !order)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        for (size_t k = 0; k < n; k++)
            order[k] = (ranked){k, worth(r, &r->judgement->buckets[k].counts)};
        qsort(order, n, sizeof *order, compare_ranked);
        for (size_t i = 0; i < n_shown; i++) {
            to.names[i] = c->buckets[order[i].bucket].day;
            to.others[i] = c->buckets[order[i].bucket].store;
            list_bucket(&to.sets[i], r, order[i].bucket);
        }
        st = write_table(text, h, &to, err);
    }
    if (st == RID_OK && n_shown < n)
        rid_buf_printf(text, "(the worst %zu of %zu)\n", n_shown, n);
    clear_rows(&to);
    rid_mem_free(order);
    return st;
}

static rid_status write_buckets(rid_eval_output *out, bool json, const rid_manifest_report *r,
                                rid_err *err)
{
    static const char *const with_gt[] = {
        "entries",         "persons",     "true_persons", "pairwise_precision",
        "pairwise_recall", "pairwise_f1", "fnir",         "fpir"};
    static const char *const without[] = {"entries", "pairs_precision", "pairs_recall", "pairs_f1"};
    const heading h = {"by_bucket",
                       "BUCKET",
                       "day_id",
                       "store_id",
                       r->errors ? with_gt : without,
                       r->errors ? sizeof with_gt / sizeof with_gt[0]
                                 : sizeof without / sizeof without[0]};
    if (!json)
        return write_worst(rid_eval_output_text(out), &h, r, err);
    put_buckets(rid_eval_output_json(out), &h, r);
    return RID_OK;
}

/* ---- breakdowns ---- */

typedef rid_status break_down_fn(rid_breakdown *b, const rid_judgement *j, rid_err *err);
typedef void add_fn(rid_metric_set *m, const rid_breakdown_group *g);

static void put_groups(rid_jsonw *w, const heading *h, const rid_breakdown *b, add_fn *add)
{
    rid_jsonw_key(w, h->json);
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < b->n; i++) {
        rid_metric_set m = {0};
        add(&m, &b->groups[i]);
        put_row(w, h, b->groups[i].name, b->groups[i].other, &m);
    }
    rid_jsonw_end_array(w);
}

static rid_status write_groups(rid_buf *text, const heading *h, const rid_breakdown *b, add_fn *add,
                               rid_err *err)
{
    rows to;
    rid_status st = init_rows(&to, b->n, err);
    if (st == RID_OK) {
        for (size_t i = 0; i < b->n; i++) {
            to.names[i] = b->groups[i].name;
            to.others[i] = b->groups[i].other;
            add(&to.sets[i], &b->groups[i]);
        }
        st = write_table(text, h, &to, err);
    }
    clear_rows(&to);
    return st;
}

static rid_status write_breakdown(rid_eval_output *out, bool json, const rid_manifest_report *r,
                                  const heading *h, break_down_fn *break_down, add_fn *add,
                                  rid_err *err)
{
    rid_breakdown b;
    rid_status st = break_down(&b, r->judgement, err);
    if (st == RID_OK && json)
        put_groups(rid_eval_output_json(out), h, &b, add);
    else if (st == RID_OK)
        st = write_groups(rid_eval_output_text(out), h, &b, add, err);
    rid_breakdown_clear(&b);
    return st;
}

rid_status rid_manifest_report_write(rid_eval_output *out, bool json, const rid_manifest_report *r,
                                     rid_err *err)
{
    static const char *const of_cameras[] = {
        "true_pairs", "pairwise_precision", "pairwise_recall", "pairwise_f1", "mated", "fnir"};
    static const char *const of_visits[] = {"people",        "exact",     "bcubed_precision",
                                            "bcubed_recall", "bcubed_f1", "mated",
                                            "fnir",          "fpir"};
    static const char *const of_gap[] = {"mated", "hits", "wrong_matches", "fnir"};
    static const heading cameras = {"by_cameras", "CAMERAS",
                                    "camera_a",   "camera_b",
                                    of_cameras,   sizeof of_cameras / sizeof of_cameras[0]};
    static const heading visits = {"by_visits", "VISITS OF A PERSON",
                                   "visits",    NULL,
                                   of_visits,   sizeof of_visits / sizeof of_visits[0]};
    static const heading gaps = {"by_gap", "SINCE THE LAST VISIT",          "gap", NULL,
                                 of_gap,   sizeof of_gap / sizeof of_gap[0]};
    if (json)
        rid_clustering_put_makers(rid_eval_output_json(out), "made_by", r->judgement->clustering);
    rid_status st = write_buckets(out, json, r, err);
    if (st != RID_OK || !r->errors)
        return st;
    st = write_breakdown(out, json, r, &cameras, rid_breakdown_by_cameras, rid_metrics_add_cameras,
                         err);
    if (st == RID_OK)
        st = write_breakdown(out, json, r, &visits, rid_breakdown_by_visits, rid_metrics_add_visits,
                             err);
    if (st == RID_OK)
        st = write_breakdown(out, json, r, &gaps, rid_breakdown_by_gap, rid_metrics_add_gap, err);
    return st;
}
