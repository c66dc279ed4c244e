#include "eval/operating_point.h"

#include "data/base/log.h"

#include <string.h>

static const char FROM_FILE[] = "--point";

static bool same(double a, double b)
{
    return !(a < b) && !(a > b);
}

/* True where the calibrated value is to be taken. */
static bool gives_way(const char **from, const char *calibrated_from)
{
    const bool below = strcmp(*from, "default") == 0 ||
                       (calibrated_from == FROM_FILE && strcmp(*from, "flag") != 0);
    if (below)
        *from = calibrated_from;
    return below;
}

static void warn(const rid_operating_point *p, const char *name, const char *from)
{
    const bool file = p->calibrated_from == FROM_FILE;
    rid_log(RID_LOG_WARN, "%s (from %s) overrides the calibrated operating point of %s%s%s", name,
            from, file ? "" : "the ", p->calibrated_from,
            p->calibrated.has_promise ? ", whose promise does not hold any more" : "");
}

static void apply(rid_operating_point *p)
{
    const rid_rule *c = &p->calibrated.rule;
    if (gives_way(&p->threshold_from, p->calibrated_from))
        p->rule.threshold = c->threshold;
    else if (!same(p->rule.threshold, c->threshold))
        warn(p, "threshold", p->threshold_from);
    if (gives_way(&p->margin_from, p->calibrated_from))
        p->rule.margin = c->margin;
    else if (!same(p->rule.margin, c->margin))
        warn(p, "margin", p->margin_from);
    if (gives_way(&p->nn2_from, p->calibrated_from))
        p->rule.nn2 = c->nn2;
    else if (p->rule.nn2 != c->nn2)
        warn(p, "nn2", p->nn2_from);
}

static bool same_rule(const rid_rule *a, const rid_rule *b)
{
    return same(a->threshold, b->threshold) && same(a->margin, b->margin) && a->nn2 == b->nn2;
}

/* What the store (or the checkpoint) says gives way to a file, as a whole. */
static void say_replaced(const rid_operating_point *p, const rid_calibrated_point *stored,
                         const char *from)
{
    if (!same_rule(&stored->rule, &p->calibrated.rule))
        rid_log(
            RID_LOG_WARN,
            "--point overrides the calibrated operating point of the %s (threshold %.15g, margin"
            " %.15g, %s)",
            from, stored->rule.threshold, stored->rule.margin, rid_nn2_name(stored->rule.nn2));
}

rid_status rid_operating_point_settle(rid_operating_point *p, const char *json, const char *from,
                                      const char *path, const char *encoder_hash, rid_err *err)
{
    rid_calibrated_point stored;
    rid_status st = RID_OK;
    if (json) {
        st = rid_calibrated_point_parse(&stored, json, err);
        if (st == RID_OK)
            st = rid_calibrated_point_check(&stored, encoder_hash, "the entries", err);
        if (st != RID_OK)
            return rid_err_prepend(err, "operating point of the %s", from);
        p->calibrated = stored;
        p->calibrated_from = from;
    }
    if (path) {
        st = rid_calibrated_point_read(&p->calibrated, path, err);
        if (st == RID_OK && (st = rid_calibrated_point_check(&p->calibrated, encoder_hash,
                                                             "the entries", err)) != RID_OK)
            rid_err_prepend(err, "%s", path);
        p->calibrated_from = FROM_FILE;
        if (st == RID_OK && json)
            say_replaced(p, &stored, from);
    }
    if (st == RID_OK && p->calibrated_from)
        apply(p);
    return st;
}

bool rid_operating_point_keeps_promise(const rid_operating_point *p)
{
    return p->calibrated_from && p->calibrated.has_promise &&
           same_rule(&p->rule, &p->calibrated.rule);
}

/* ---- provenance ---- */

static void put_rule(rid_jsonw *w, const rid_rule *rule)
{
    rid_jsonw_put_f64(w, "threshold", rule->threshold);
    rid_jsonw_put_f64(w, "margin", rule->margin);
    rid_jsonw_put_cstr(w, "nn2", rid_nn2_name(rule->nn2));
}

static void put_overridden(rid_jsonw *w, const rid_operating_point *p)
{
    const rid_rule *c = &p->calibrated.rule;
    rid_jsonw_key(w, "overridden");
    rid_jsonw_begin_array(w);
    if (!same(p->rule.threshold, c->threshold))
        rid_jsonw_cstr(w, "threshold");
    if (!same(p->rule.margin, c->margin))
        rid_jsonw_cstr(w, "margin");
    if (p->rule.nn2 != c->nn2)
        rid_jsonw_cstr(w, "nn2");
    rid_jsonw_end_array(w);
}

static void put_calibrated(rid_jsonw *w, const rid_operating_point *p, size_t gallery)
{
    const rid_calibrated_point *c = &p->calibrated;
    rid_jsonw_key(w, "calibrated");
    rid_jsonw_begin_object(w);
    rid_jsonw_put_cstr(w, "from", p->calibrated_from);
    put_rule(w, &c->rule);
    if (c->has_promise) {
        rid_jsonw_put_f64(w, "max_fpir", c->max_fpir);
        rid_jsonw_put_f64(w, "confidence", c->confidence);
        rid_jsonw_put_f64(w, "fpir_bound", c->fpir_bound);
    }
    put_overridden(w, p);
    if (c->has_gallery) {
        rid_jsonw_key(w, "gallery_covered");
        rid_jsonw_bool(w, gallery <= c->gallery_max);
    }
    rid_jsonw_end_object(w);
}

void rid_operating_point_put(rid_jsonw *w, const rid_operating_point *p, size_t gallery)
{
    rid_jsonw_key(w, "operating_point");
    rid_jsonw_begin_object(w);
    put_rule(w, &p->rule);
    rid_jsonw_key(w, "from");
    rid_jsonw_begin_object(w);
    rid_jsonw_put_cstr(w, "threshold", p->threshold_from);
    rid_jsonw_put_cstr(w, "margin", p->margin_from);
    rid_jsonw_put_cstr(w, "nn2", p->nn2_from);
    rid_jsonw_end_object(w);
    if (p->calibrated_from)
        put_calibrated(w, p, gallery);
    rid_jsonw_end_object(w);
}
