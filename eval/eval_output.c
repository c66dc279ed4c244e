#include "eval/eval_output.h"

#include "data/base/log.h"
#include "data/base/mem.h"

enum { ROC_POINTS = 200 };

struct rid_eval_output {
    rid_eval_output_options o;
    const char *command;
    const rid_metric_set *values;
    rid_publish *publish; /* NULL in a dry run */
    rid_buf text;
    rid_jsonw json;
    rid_assertion *assertions; /* (o.n_assertions) */
};

static rid_status read_assertions(rid_eval_output *e, const rid_metric_set *names, rid_err *err)
{
    rid_status st = RID_OK;
    e->assertions = rid_mem_alloc(e->o.n_assertions, sizeof *e->assertions);
    if (!e->assertions)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < e->o.n_assertions && st == RID_OK; i++) {
        st = rid_assertion_parse(&e->assertions[i], e->o.assertions[i], err);
        if (st == RID_OK)
            st = rid_assertion_check_name(&e->assertions[i], names, err);
    }
    return st;
}

rid_status rid_eval_output_check_needs(const rid_eval_output_options *o,
                                       const rid_metric_set *names, const rid_metric_set *all,
                                       const char *needs, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < o->n_assertions && st == RID_OK; i++) {
        rid_assertion a;
        st = rid_assertion_parse(&a, o->assertions[i], err);
        if (st == RID_OK && !rid_metric_find(names, a.name) && rid_metric_find(all, a.name))
            st = RID_FAIL(err, RID_EUSAGE, "--assert: there is no figure '%.*s' without %s",
                          RID_STR(a.name), needs);
    }
    return st;
}

rid_status rid_eval_output_open(rid_eval_output **out, const rid_eval_output_options *o,
                                const char *command, const rid_metric_set *names, rid_err *err)
{
    rid_eval_output *e = *out = rid_mem_zalloc(1, sizeof *e);
    if (!e)
        return RID_FAIL_NOMEM(err);
    e->o = *o;
    e->command = command;
    e->json.out = &e->text;
    rid_status st = read_assertions(e, names, err);
    if (st == RID_OK && !o->dry_run)
        st = rid_publish_begin(&e->publish, o->path ? o->path : "-", o->force, err);
    if (st != RID_OK) {
        rid_eval_output_free(e);
        *out = NULL;
    }
    return st;
}

static void put_assertions(rid_eval_output *e)
{
    rid_jsonw_key(&e->json, "assertions");
    rid_jsonw_begin_array(&e->json);
    for (size_t i = 0; i < e->o.n_assertions; i++) {
        rid_jsonw_begin_object(&e->json);
        rid_jsonw_key(&e->json, "assertion");
        rid_jsonw_cstr(&e->json, e->assertions[i].text);
        rid_jsonw_key(&e->json, "value");
        rid_jsonw_f64(&e->json, rid_metric_find(e->values, e->assertions[i].name)->value);
        rid_jsonw_key(&e->json, "holds");
        rid_jsonw_bool(&e->json, rid_assertion_holds(&e->assertions[i], e->values));
        rid_jsonw_end_object(&e->json);
    }
    rid_jsonw_end_array(&e->json);
}

void rid_eval_output_begin(rid_eval_output *e, const rid_metric_set *values)
{
    rid_eval_output_begin_plain(e, values);
    if (!e->o.json)
        rid_metric_set_write_table(&e->text, values);
}

void rid_eval_output_begin_plain(rid_eval_output *e, const rid_metric_set *values)
{
    e->values = values;
    if (!e->o.json)
        return;
    rid_jsonw_begin_object(&e->json);
    rid_jsonw_key(&e->json, "format_version");
    rid_jsonw_i64(&e->json, 1);
    rid_jsonw_key(&e->json, "tool_version");
    rid_jsonw_cstr(&e->json, RID_VERSION);
    rid_jsonw_key(&e->json, "command");
    rid_jsonw_cstr(&e->json, e->command);
    put_assertions(e);
    rid_metric_set_put(&e->json, values);
}

rid_jsonw *rid_eval_output_json(rid_eval_output *e)
{
    return &e->json;
}

rid_buf *rid_eval_output_text(rid_eval_output *e)
{
    return &e->text;
}

void rid_eval_output_put_roc(rid_eval_output *e, const rid_score_counts *counts)
{
    rid_jsonw *w = &e->json;
    rid_roc_point points[ROC_POINTS];
    const size_t n = rid_score_roc(points, ROC_POINTS, counts);
    rid_jsonw_key(w, "roc");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < n; i++) {
        rid_jsonw_begin_object(w);
        rid_jsonw_key(w, "threshold");
        rid_jsonw_f64(w, points[i].threshold);
        rid_jsonw_key(w, "fpr");
        rid_jsonw_f64(w, points[i].fpr);
        rid_jsonw_key(w, "tpr");
        rid_jsonw_f64(w, points[i].tpr);
        rid_jsonw_end_object(w);
    }
    rid_jsonw_end_array(w);
}

static rid_status publish(rid_eval_output *e, rid_err *err)
{
    if (e->o.json) {
        rid_jsonw_end_object(&e->json);
        rid_buf_append_char(&e->text, '\n');
    }
    if (e->text.failed)
        return RID_FAIL_NOMEM(err);
    if (!e->publish)
        return RID_OK;
    rid_status st = rid_publish_write(e->publish, e->text.data, e->text.len, err);
    if (st == RID_OK) {
        st = rid_publish_commit(e->publish, err);
        e->publish = NULL;
    }
    return st;
}

static rid_status check_assertions(const rid_eval_output *e, rid_err *err)
{
    size_t n_failed = 0;
    for (size_t i = 0; i < e->o.n_assertions; i++) {
        rid_buf why = {0};
        if (rid_assertion_holds(&e->assertions[i], e->values))
            continue;
        n_failed++;
        rid_assertion_explain(&why, &e->assertions[i], e->values);
        if (rid_buf_cstr(&why))
            rid_log(RID_LOG_ERROR, "assertion failed: %s", why.data);
        rid_buf_free(&why);
    }
    return n_failed == 0 ? RID_OK
                         : RID_FAIL(err, RID_EASSERT, "%zu of %zu assertions failed", n_failed,
                                    e->o.n_assertions);
}

rid_status rid_eval_output_finish(rid_eval_output *e, rid_err *err)
{
    const rid_status st = publish(e, err);
    return st == RID_OK ? check_assertions(e, err) : st;
}

rid_status rid_eval_output_publish_text(rid_publish **publish, rid_buf *text, rid_err *err)
{
    rid_status st = text->failed ? RID_FAIL_NOMEM(err)
                                 : rid_publish_write(*publish, text->data, text->len, err);
    rid_buf_free(text);
    if (st == RID_OK) {
        st = rid_publish_commit(*publish, err);
        *publish = NULL;
    }
    return st;
}

void rid_eval_output_free(rid_eval_output *e)
{
    if (!e)
        return;
    rid_publish_abort(e->publish);
    rid_buf_free(&e->text);
    rid_mem_free(e->assertions);
    rid_mem_free(e);
}
