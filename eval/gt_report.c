#include "eval/gt_report.h"

#include "gt/gt_check.h"
#include "gt/gt_diff.h"

/* ---- findings ---- */

/* The first cases as lines, and how many more there are. */
static void append_text(rid_buf *out, const rid_gt_finding *f)
{
    if (f->n_cases == 0)
        return;
    rid_buf_printf(out, "\n%s: %s\n", f->name, f->what);
    rid_buf_append(out, f->cases.data, f->cases.len);
    if (f->count > f->n_cases)
        rid_buf_printf(out, "… and %zu more\n", f->count - f->n_cases);
}

static void put_cases(rid_jsonw *w, const rid_gt_finding *f)
{
    const char *at = f->cases.data;
    rid_jsonw_key(w, f->name);
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < f->n_cases; i++) {
        size_t len = 0;
        while (at[len] != '\n') /* JSON has none */
            len++;
        rid_jsonw_raw(w, (rid_str){at, len});
        at += len + 1;
    }
    rid_jsonw_end_array(w);
}

static void put_findings(rid_eval_output *out, bool json, const rid_gt_finding *f, size_t n)
{
    if (!json) {
        for (size_t i = 0; i < n; i++)
            append_text(rid_eval_output_text(out), &f[i]);
        return;
    }
    rid_jsonw *w = rid_eval_output_json(out);
    rid_jsonw_key(w, "cases");
    rid_jsonw_begin_object(w);
    for (size_t i = 0; i < n; i++)
        put_cases(w, &f[i]);
    rid_jsonw_end_object(w);
}

static rid_status publish(rid_eval_output *out, const rid_metric_set *m, bool json,
                          const rid_gt_finding *f, size_t n, rid_err *err)
{
    rid_eval_output_begin(out, m);
    put_findings(out, json, f, n);
    return rid_eval_output_finish(out, err);
}

static void add_findings(rid_metric_set *m, const rid_gt_finding *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rid_metrics_add_count(m, f[i].name, f[i].count);
}

/* ---- check ---- */

static size_t n_kinds(const rid_gt_check *c)
{
    return c->has_stores ? RID_GT_CHECK_KINDS : RID_GT_CHECK_ALONE;
}

static void add_check_figures(rid_metric_set *m, const rid_gt_check *c, size_t n_files)
{
    rid_metrics_add_count(m, "files", n_files);
    rid_metrics_add_count(m, "entries", c->entries);
    rid_metrics_add_count(m, "people", c->people);
    rid_metrics_add_count(m, "left_out", c->left_out);
    rid_metrics_add_count(m, "repeated", c->repeated);
    rid_metrics_add_count(m, "notes_differ", c->notes_differ);
    if (c->has_stores) {
        rid_metrics_add_count(m, "store_entries", c->store_entries);
        rid_metrics_add_count(m, "stores", c->stores);
        rid_metrics_add_count(m, "days", c->days);
        rid_metrics_add_count(m, "buckets", c->buckets);
        rid_metrics_add_count(m, "replaced", c->replaced);
        rid_metrics_add_count(m, "labelled", c->labelled);
        rid_metrics_add_count(m, "mated", c->mated);
    }
    add_findings(m, c->findings, n_kinds(c));
}

/* The figures' names, before anything is read. */
static rid_status check_names(rid_metric_set *names, const rid_gt_check_options *o, rid_err *err)
{
    const rid_gt_doc none = {0};
    rid_gt_check c;
    const rid_status st = rid_gt_check_find(&c, &none, o->gt, NULL, 0, err);
    c.has_stores = o->n_stores > 0;
    add_check_figures(names, &c, o->n_gt);
    rid_gt_check_clear(&c);
    return st;
}

static rid_status read_and_check(rid_gt_check *c, rid_gt_doc *doc, rid_gt_places *places,
                                 const rid_gt_check_options *o, rid_summary *summary, rid_err *err)
{
    rid_status st = rid_gt_doc_read(doc, o->gt, o->n_gt, RID_GT_PREFER_NONE, err);
    if (st == RID_OK && o->n_stores > 0)
        st = rid_gt_places_open(places, doc, o->stores, o->n_stores, o->limit, err);
    summary->read = doc->entry_ids.n;
    summary->accepted = doc->n_included;
    summary->skipped = summary->read - summary->accepted;
    return st == RID_OK
               ? rid_gt_check_find(c, doc, o->gt, o->n_stores > 0 ? places : NULL, o->cases, err)
               : st;
}

rid_status rid_gt_check_run(const rid_gt_check_options *o, rid_summary *summary, rid_err *err)
{
    rid_eval_output *out = NULL;
    rid_metric_set names = {0}, values = {0};
    rid_gt_doc doc = {0};
    rid_gt_places places = {0};
    rid_gt_check c = {0};
    rid_status st = check_names(&names, o, err);
    if (st == RID_OK)
        st = rid_eval_output_open(&out, &o->output, "check", &names, err);
    if (st == RID_OK)
        st = read_and_check(&c, &doc, &places, o, summary, err);
    if (st == RID_OK) {
        add_check_figures(&values, &c, o->n_gt);
        st = publish(out, &values, o->output.json, c.findings, n_kinds(&c), err);
    }
    if ((st == RID_OK || st == RID_EASSERT) && doc.n_conflicts > 0)
        st = rid_gt_doc_fail_conflict(&doc, o->gt, err);
    rid_eval_output_free(out);
    rid_gt_check_clear(&c);
    rid_gt_places_close(&places);
    rid_gt_doc_clear(&doc);
    return st;
}

/* ---- diff ---- */

static void add_diff_figures(rid_metric_set *m, const rid_gt_diff *d)
{
    rid_metrics_add_count(m, "entries_a", d->entries_a);
    rid_metrics_add_count(m, "entries_b", d->entries_b);
    rid_metrics_add_count(m, "people_a", d->people_a);
    rid_metrics_add_count(m, "people_b", d->people_b);
    rid_metrics_add_count(m, "common", d->common);
    rid_metrics_add_count(m, "changed", d->changed);
    add_findings(m, d->findings, RID_GT_DIFF_KINDS);
}

static rid_status read_whole(rid_gt_doc *doc, const char *path, rid_err *err)
{
    const rid_status st = rid_gt_doc_read(doc, &path, 1, RID_GT_PREFER_NONE, err);
    return st == RID_OK && doc->n_conflicts > 0 ? rid_gt_doc_fail_conflict(doc, &path, err) : st;
}

rid_status rid_gt_diff_run(const char *a, const char *b, size_t cases,
                           const rid_eval_output_options *output, rid_summary *summary,
                           rid_err *err)
{
    rid_eval_output *out = NULL;
    rid_metric_set names = {0}, values = {0};
    rid_gt_doc docs[2] = {{.n_included = 0}, {.n_included = 0}};
    rid_gt_diff d = {0};
    rid_status st = rid_gt_diff_find(&d, &docs[0], &docs[1], 0, err);
    add_diff_figures(&names, &d);
    if (st == RID_OK)
        st = rid_eval_output_open(&out, output, "diff", &names, err);
    if (st == RID_OK)
        st = read_whole(&docs[0], a, err);
    if (st == RID_OK)
        st = read_whole(&docs[1], b, err);
    summary->read = docs[0].entry_ids.n + docs[1].entry_ids.n;
    summary->accepted = docs[0].n_included + docs[1].n_included;
    summary->skipped = summary->read - summary->accepted;
    rid_gt_diff_clear(&d);
    if (st == RID_OK)
        st = rid_gt_diff_find(&d, &docs[0], &docs[1], cases, err);
    if (st == RID_OK) {
        add_diff_figures(&values, &d);
        st = publish(out, &values, output->json, d.findings, RID_GT_DIFF_KINDS, err);
    }
    rid_eval_output_free(out);
    rid_gt_diff_clear(&d);
    rid_gt_doc_clear(&docs[0]);
    rid_gt_doc_clear(&docs[1]);
    return st;
}
