#include "eval/operating_point.h"

#include "data/base/buf.h"
#include "data/base/log.h"
#include "data/json.h"

#include <string.h>

/* True where the calibrated value is to be taken. */
static bool gives_way(const char *name, const char **from, const char *calibrated_from)
{
    if (strcmp(*from, "default") == 0) {
        *from = calibrated_from;
        return true;
    }
    rid_log(RID_LOG_WARN, "%s (from %s) overrides the calibrated operating point of the %s", name,
            *from, calibrated_from);
    return false;
}

static rid_status apply(rid_operating_point *p, rid_json root, const char *from, rid_err *err)
{
    rid_json v;
    double number;
    rid_str name;
    if (rid_json_find(root, "threshold", &v)) {
        if (!rid_json_get_f64(v, &number))
            return RID_FAIL(err, RID_EDATA, "threshold is no number");
        if (gives_way("threshold", &p->threshold_from, from))
            p->rule.threshold = number;
    }
    if (rid_json_find(root, "margin", &v)) {
        if (!rid_json_get_f64(v, &number))
            return RID_FAIL(err, RID_EDATA, "margin is no number");
        if (gives_way("margin", &p->margin_from, from))
            p->rule.margin = number;
    }
    if (rid_json_find(root, "nn2", &v)) {
        bool identity = rid_json_get_str(v, &name) && rid_str_equal(name, rid_str_of("identity"));
        if (!identity && !(rid_json_get_str(v, &name) && rid_str_equal(name, rid_str_of("neighbor"))))
            return RID_FAIL(err, RID_EDATA, "nn2 is neither neighbor nor identity");
        if (gives_way("nn2", &p->nn2_from, from))
            p->rule.nn2 = identity ? RID_NN2_IDENTITY : RID_NN2_NEIGHBOR;
    }
    return RID_OK;
}

rid_status rid_operating_point_apply(rid_operating_point *p, const char *json, const char *from,
                                     rid_err *err)
{
    rid_buf text = {0};
    rid_json root;
    rid_json_parser *parser = rid_json_parser_new();
    rid_buf_append_str(&text, json);
    rid_status st = parser && rid_buf_reserve(&text, RID_JSON_PADDING)
                        ? rid_json_parse(parser, text.data, text.len, &root, err)
                        : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = apply(p, root, from, err);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
    return st == RID_OK ? st : rid_err_prepend(err, "operating point of the %s", from);
}
