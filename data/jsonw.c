#include "data/jsonw.h"

#include "data/float_text.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void before_value(rid_jsonw *w)
{
    if (w->need_comma)
        rid_buf_append_char(w->out, ',');
    w->need_comma = true;
}

static void begin(rid_jsonw *w, char bracket)
{
    before_value(w);
    rid_buf_append_char(w->out, bracket);
    w->need_comma = false;
}

static void end(rid_jsonw *w, char bracket)
{
    rid_buf_append_char(w->out, bracket);
    w->need_comma = true;
}

void rid_jsonw_begin_object(rid_jsonw *w)
{
    begin(w, '{');
}

void rid_jsonw_end_object(rid_jsonw *w)
{
    end(w, '}');
}

void rid_jsonw_begin_array(rid_jsonw *w)
{
    begin(w, '[');
}

void rid_jsonw_end_array(rid_jsonw *w)
{
    end(w, ']');
}

void rid_jsonw_key_str(rid_jsonw *w, rid_str key)
{
    before_value(w);
    rid_jsonw_quote(w->out, key);
    rid_buf_append_char(w->out, ':');
    w->need_comma = false;
}

void rid_jsonw_key(rid_jsonw *w, const char *key)
{
    rid_jsonw_key_str(w, rid_str_of(key));
}

void rid_jsonw_null(rid_jsonw *w)
{
    rid_jsonw_raw(w, rid_str_of("null"));
}

void rid_jsonw_bool(rid_jsonw *w, bool v)
{
    rid_jsonw_raw(w, rid_str_of(v ? "true" : "false"));
}

void rid_jsonw_i64(rid_jsonw *w, int64_t v)
{
    before_value(w);
    rid_buf_printf(w->out, "%" PRId64, v);
}

void rid_jsonw_u64(rid_jsonw *w, uint64_t v)
{
    before_value(w);
    rid_buf_printf(w->out, "%" PRIu64, v);
}

void rid_jsonw_f32(rid_jsonw *w, float v)
{
    if (!isfinite(v)) {
        rid_jsonw_null(w);
        return;
    }
    before_value(w);
    char *at = rid_buf_reserve(w->out, RID_JSON_NUMBER_MAX);
    if (at)
        w->out->len += rid_float_text_write(at, v);
}

void rid_jsonw_f64(rid_jsonw *w, double v)
{
    if (!isfinite(v)) {
        rid_jsonw_null(w);
        return;
    }
    before_value(w);
    char *at = rid_buf_reserve(w->out, RID_JSON_NUMBER_MAX);
    if (at)
        w->out->len += rid_json_write_f64(at, v);
}

void rid_jsonw_put_u64(rid_jsonw *w, const char *key, uint64_t v)
{
    rid_jsonw_key(w, key);
    rid_jsonw_u64(w, v);
}

void rid_jsonw_put_f64(rid_jsonw *w, const char *key, double v)
{
    rid_jsonw_key(w, key);
    rid_jsonw_f64(w, v);
}

void rid_jsonw_put_str(rid_jsonw *w, const char *key, rid_str v)
{
    rid_jsonw_key(w, key);
    rid_jsonw_str(w, v);
}

void rid_jsonw_put_cstr(rid_jsonw *w, const char *key, const char *v)
{
    rid_jsonw_key(w, key);
    rid_jsonw_cstr(w, v);
}

void rid_jsonw_f32_array(rid_jsonw *w, const float *v, size_t n)
{
    rid_jsonw_begin_array(w);
    char *at = n < SIZE_MAX / 64 ? rid_buf_reserve(w->out, n * (RID_JSON_NUMBER_MAX + 1)) : NULL;
    if (!at) {
        w->out->failed = true;
        return;
    }
    w->out->len += rid_float_text_write_array(at, v, n);
    rid_jsonw_end_array(w);
}

void rid_jsonw_raw(rid_jsonw *w, rid_str json)
{
    before_value(w);
    rid_buf_append(w->out, json.data, json.len);
}

void rid_jsonw_quote(rid_buf *out, rid_str v)
{
    size_t plain = 0; /* start of the run not yet copied */
    rid_buf_append_char(out, '"');
    for (size_t i = 0; i < v.len; i++) {
        unsigned char c = (unsigned char)v.data[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7F)
            continue;
        rid_buf_append(out, v.data + plain, i - plain);
        plain = i + 1;
        static const char short_form[] = "\"\"\\\\\bb\ff\nn\rr\tt";
        const char *pair = NULL;
        for (const char *p = short_form; *p; p += 2)
            if (*p == (char)c)
                pair = p;
        if (pair)
            rid_buf_printf(out, "\\%c", pair[1]);
        else
            rid_buf_printf(out, "\\u%04x", c);
    }
    rid_buf_append(out, v.data + plain, v.len - plain);
    rid_buf_append_char(out, '"');
}

void rid_jsonw_str(rid_jsonw *w, rid_str v)
{
    if (!v.data) {
        rid_jsonw_null(w);
        return;
    }
    before_value(w);
    rid_jsonw_quote(w->out, v);
}

void rid_jsonw_cstr(rid_jsonw *w, const char *v)
{
    rid_jsonw_str(w, rid_str_of(v));
}
