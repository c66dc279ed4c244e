#include "eval/calibrated_point.h"

#include "data/base/log.h"
#include "data/json_file.h"

#include <string.h>

enum { VERSION = 1, HASH_DIGITS = 64 };
static const size_t DOCUMENT_MAX = (size_t)64 << 20;

/* As rid-manifest takes it from the command line. */
static rid_status take_number(double *out, rid_json root, const char *key, double min, double max,
                              rid_err *err)
{
    rid_json v;
    if (!rid_json_find(root, key, &v) || !rid_json_get_f64(v, out) || !(*out >= min && *out <= max))
        return RID_FAIL(err, RID_EDATA, "%s is missing, or no number from %g to %g", key, min, max);
    return RID_OK;
}

static rid_status take_nn2(rid_nn2_mode *out, rid_json root, rid_err *err)
{
    rid_json v;
    rid_str name;
    if (rid_json_find(root, "nn2", &v) && rid_json_get_str(v, &name))
        for (int mode = RID_NN2_NEIGHBOR; mode <= RID_NN2_IDENTITY; mode++)
            if (rid_str_equal(name, rid_str_of(rid_nn2_name((rid_nn2_mode)mode)))) {
                *out = (rid_nn2_mode)mode;
                return RID_OK;
            }
    return RID_FAIL(err, RID_EDATA, "nn2 is neither neighbor nor identity");
}

static bool find_number(rid_json root, const char *key, double *out)
{
    rid_json v;
    return rid_json_find(root, key, &v) && rid_json_get_f64(v, out);
}

static bool find_count(rid_json root, const char *key, uint64_t *out)
{
    rid_json v;
    int64_t value;
    const bool found = rid_json_find(root, key, &v) && rid_json_get_i64(v, &value) && value >= 0;
    *out = found ? (uint64_t)value : 0;
    return found;
}

static bool is_false(rid_json root, const char *key)
{
    rid_json v;
    bool value;
    return rid_json_find(root, key, &v) && rid_json_get_bool(v, &value) && !value;
}

static rid_status check_version(rid_json root, rid_err *err)
{
    rid_json v;
    int64_t version;
    if (!rid_json_find(root, "format_version", &v))
        return RID_OK;
    if (!rid_json_get_i64(v, &version) || version != VERSION)
        return RID_FAIL(err, RID_EDATA, "format_version is not %d, which this program reads",
                        VERSION);
    return RID_OK;
}

/* The encoder's hash; "" where the document has none. */
static rid_status take_hash(char out[HASH_DIGITS + 1], rid_json root, rid_err *err)
{
    rid_json v;
    rid_str text;
    if (!rid_json_find(root, "encoder_hash", &v))
        return RID_OK;
    if (!rid_json_get_str(v, &text) || text.len > HASH_DIGITS)
        return RID_FAIL(err, RID_EDATA, "encoder_hash is no text of %d digits", HASH_DIGITS);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return RID_OK;
}

rid_status rid_calibrated_point_take(rid_calibrated_point *p, rid_json root, rid_err *err)
{
    *p = (rid_calibrated_point){0};
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_EDATA, "expected an object, found %s",
                        rid_json_type_name(rid_json_type_of(root)));
    rid_status st = check_version(root, err);
    if (st == RID_OK)
        st = take_number(&p->rule.threshold, root, "threshold", -1, 2, err);
    if (st == RID_OK)
        st = take_number(&p->rule.margin, root, "margin", 0, 3, err);
    if (st == RID_OK)
        st = take_nn2(&p->rule.nn2, root, err);
    if (st == RID_OK)
        st = take_hash(p->encoder_hash, root, err);
    p->has_promise = find_number(root, "max_fpir", &p->max_fpir) &&
                     find_number(root, "confidence", &p->confidence) &&
                     find_number(root, "fpir_bound", &p->fpir_bound);
    p->misses_condition = is_false(root, "condition_met");
    p->has_gallery = find_count(root, "gallery_min", &p->gallery_min) &&
                     find_count(root, "gallery_max", &p->gallery_max);
    return st;
}

rid_status rid_calibrated_point_parse(rid_calibrated_point *out, const char *json, rid_err *err)
{
    rid_buf text = {0};
    rid_json root;
    rid_str key;
    rid_json_parser *parser = rid_json_parser_new();
    rid_buf_append_str(&text, json);
    rid_status st = parser && rid_buf_reserve(&text, RID_JSON_PADDING)
                        ? rid_json_parse(parser, text.data, text.len, &root, err)
                        : RID_FAIL_NOMEM(err);
    if (st == RID_OK && rid_json_find_duplicate_key(root, &key))
        st = RID_FAIL(err, RID_EDATA, "key '%.*s' stands twice in one object", RID_STR(key));
    if (st == RID_OK)
        st = rid_calibrated_point_take(out, root, err);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
    return st;
}

rid_status rid_calibrated_point_read(rid_calibrated_point *out, const char *path, rid_err *err)
{
    rid_json_file f;
    rid_status st = rid_json_file_open(&f, path, DOCUMENT_MAX, NULL, err);
    if (st == RID_OK) {
        st = rid_calibrated_point_take(out, f.root, err);
        if (st == RID_OK && !out->encoder_hash[0])
            st =
                RID_FAIL(err, RID_EDATA, "encoder_hash is missing: of which encoder is the point?");
        if (st != RID_OK)
            rid_err_prepend(err, "%s", path);
    }
    rid_json_file_close(&f);
    if (st == RID_OK)
        rid_calibrated_point_warn(out, path);
    return st;
}

void rid_calibrated_point_warn(const rid_calibrated_point *p, const char *path)
{
    if (p->misses_condition)
        rid_log(RID_LOG_WARN,
                "%s: no cell of that sweep met the condition of its objective; this is only"
                " the nearest to it",
                path);
}

rid_status rid_calibrated_point_check(const rid_calibrated_point *p, const char *encoder_hash,
                                      const char *whose, rid_err *err)
{
    if (!p->encoder_hash[0] || strcmp(p->encoder_hash, encoder_hash) == 0)
        return RID_OK;
    return RID_FAIL(err, RID_ECONFIG,
                    "the operating point is of another encoder (%.16s…) than %s (%.16s…)",
                    p->encoder_hash, whose, encoder_hash);
}
