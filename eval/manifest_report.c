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

/* How a table is headed, and the members of a row in JSON that have its name in them. */
typedef struct heading {
    const char *json, *title;
    const char *name_key, *other_key; /* other_key NULL: one name */
    const char *const *columns;       /* of the table */
    size_t n_columns;
} heading;

static void put_rows(rid_jsonw *w, const heading *h, const rows *r)
{
    rid_jsonw_key(w, h->json);
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < r->n; i++) {
        rid_jsonw_begin_object(w);
        rid_jsonw_key(w, h->name_key);
        rid_jsonw_str(w, r->names[i]);
        if (h->other_key) {
            rid_jsonw_key(w, h->other_key);
            rid_jsonw_str(w, r->others[i]);
        }
        rid_metric_set_put(w, &r->sets[i]);
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

static rid_status write_rows(rid_eval_output *out, bool json, const heading *h, rows *r, size_t n_shown,
                             rid_err *err)
{
    rid_buf *text = rid_eval_output_text(out);
    if (json) {
        put_rows(rid_eval_output_json(out), h, r);
        return RID_OK;
    }
    for (size_t i = 0; i < r->n && h->other_key; i++) {
        const rid_str none = {"-", 1}, a = r->names[i], b = r->others[i];
        rid_buf_printf(&r->texts[i], "%.*s, %.*s", RID_STR(a.len > 0 ? a : none),
                       RID_STR(b.len > 0 ? b : none));
        if (r->texts[i].failed)
            return RID_FAIL_NOMEM(err);
        r->names[i] = rid_buf_view(&r->texts[i]);
    }
    rid_buf_append_char(text, '\n');
    rid_metric_sets_write(text, h->title, r->names, r->sets, n_shown, h->columns, h->n_columns);
    if (n_shown < r->n)
        rid_buf_printf(text, "(the worst %zu of %zu)\n", n_shown, r->n);
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
    const double value =
        r->errors ? rid_cluster_metrics_of(&c->clusters).pairwise_f1 : rid_pair_metrics_of(&c->pairs).f1;
    return isnan(value) ? 2 : value; /* behind all others */
}

/* In JSON in order of day and store, for people the worst first. */
static void order_buckets(ranked *order, const rid_manifest_report *r, bool json)
{
    const size_t n = r->judgement->clustering->n_buckets;
    for (size_t k = 0; k < n; k++)
        order[k] = (ranked){k, json ? 0 : worth(r, &r->judgement->buckets[k].counts)};
    qsort(order, n, sizeof *order, compare_ranked);
}

static void fill_bucket(rows *to, size_t i, const rid_manifest_report *r, size_t k)
{
    const rid_clustered_bucket *b = &r->judgement->clustering->buckets[k];
    const rid_sweep_cell *c = &r->judgement->buckets[k].counts;
    to->names[i] = b->day;
    to->others[i] = b->store;
    rid_metrics_add_count(&to->sets[i], "entries", b->n);
    if (r->errors)
        rid_metrics_add_count(&to->sets[i], "labelled", c->clusters.entries);
    add_counts(&to->sets[i], r, c);
    if (r->pairs)
        rid_metrics_add_pairs(&to->sets[i], &c->pairs);
}

static rid_status write_buckets(rid_eval_output *out, bool json, const rid_manifest_report *r, rid_err *err)
{
    static const char *const with_gt[] = {"entries",       "persons", "true_persons", "pairwise_precision",
                                          "pairwise_recall", "pairwise_f1", "fnir",     "fpir"};
    static const char *const without[] = {"entries", "pairs_precision", "pairs_recall", "pairs_f1"};
    const heading h = {"by_bucket", "BUCKET", "day_id", "store_id", r->errors ? with_gt : without,
                       r->errors ? sizeof with_gt / sizeof with_gt[0] : sizeof without / sizeof without[0]};
    const size_t n = r->judgement->clustering->n_buckets;
    rows to;
    ranked *order = rid_mem_alloc(n, sizeof *order);
    rid_status st = init_rows(&to, n, err);
    if (st == RID_OK && !order)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        order_buckets(order, r, json);
        for (size_t i = 0; i < n; i++)
            fill_bucket(&to, i, r, order[i].bucket);
        st = write_rows(out, json, &h, &to, n < BUCKETS_SHOWN ? n : BUCKETS_SHOWN, err);
    }
    clear_rows(&to);
    rid_mem_free(order);
    return st;
}

/* ---- breakdowns ---- */

typedef rid_status break_down_fn(rid_breakdown *b, const rid_judgement *j, rid_err *err);
typedef void add_fn(rid_metric_set *m, const rid_breakdown_group *g);

static rid_status write_breakdown(rid_eval_output *out, bool json, const rid_manifest_report *r,
                                  const heading *h, break_down_fn *break_down, add_fn *add, rid_err *err)
{
    rid_breakdown b;
    rows to = {0};
    rid_status st = break_down(&b, r->judgement, err);
    if (st == RID_OK)
        st = init_rows(&to, b.n, err);
    if (st == RID_OK) {
        for (size_t i = 0; i < b.n; i++) {
            to.names[i] = b.groups[i].name;
            to.others[i] = b.groups[i].other;
            add(&to.sets[i], &b.groups[i]);
        }
        st = write_rows(out, json, h, &to, b.n, err);
    }
    clear_rows(&to);
    rid_breakdown_clear(&b);
    return st;
}

rid_status rid_manifest_report_write(rid_eval_output *out, bool json, const rid_manifest_report *r,
                                     rid_err *err)
{
    static const char *const of_cameras[] = {"true_pairs",      "pairwise_precision", "pairwise_recall",
                                             "pairwise_f1",     "mated",              "fnir"};
    static const char *const of_visits[] = {"people",    "exact", "bcubed_precision", "bcubed_recall",
                                            "bcubed_f1", "mated", "fnir",             "fpir"};
    static const char *const of_gap[] = {"mated", "hits", "wrong_matches", "fnir"};
    static const heading cameras = {"by_cameras", "CAMERAS", "camera_a", "camera_b", of_cameras,
                                    sizeof of_cameras / sizeof of_cameras[0]};
    static const heading visits = {"by_visits", "VISITS OF A PERSON", "visits", NULL, of_visits,
                                   sizeof of_visits / sizeof of_visits[0]};
    static const heading gaps = {"by_gap", "SINCE THE LAST VISIT", "gap", NULL, of_gap,
                                 sizeof of_gap / sizeof of_gap[0]};
    rid_status st = write_buckets(out, json, r, err);
    if (st != RID_OK || !r->errors)
        return st;
    st = write_breakdown(out, json, r, &cameras, rid_breakdown_by_cameras, rid_metrics_add_cameras, err);
    if (st == RID_OK)
        st = write_breakdown(out, json, r, &visits, rid_breakdown_by_visits, rid_metrics_add_visits, err);
    if (st == RID_OK)
        st = write_breakdown(out, json, r, &gaps, rid_breakdown_by_gap, rid_metrics_add_gap, err);
    return st;
}
