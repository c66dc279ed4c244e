#include "gt/gt_notes.h"

#include "data/json.h"
#include "data/jsonw.h"

/* The members as an object. They were written by rid_json_append: only memory can be short. */
static rid_status parse(rid_json_parser **parser, rid_buf *text, rid_str members, rid_json *root,
                        rid_err *err)
{
    *parser = rid_json_parser_new();
    rid_buf_append_char(text, '{');
    rid_buf_append(text, members.data, members.len);
    rid_buf_append_char(text, '}');
    if (!*parser || !rid_buf_reserve(text, RID_JSON_PADDING))
        return RID_FAIL_NOMEM(err);
    return rid_json_parse(*parser, text->data, text->len, root, err);
}

static bool find(rid_json object, rid_str name, rid_json *value)
{
    rid_json_iter it = rid_json_begin(object);
    rid_str key = {0};
    while (rid_json_next(&it, &key, value))
        if (rid_str_equal(key, name))
            return true;
    return false;
}

static bool same_value(rid_json a, rid_json b, rid_buf *x, rid_buf *y)
{
    rid_buf_clear(x);
    rid_buf_clear(y);
    rid_json_append(x, a);
    rid_json_append(y, b);
    return rid_str_equal(rid_buf_view(x), rid_buf_view(y));
}

static void append_second(rid_buf *out, rid_json first, rid_json second, size_t *n_differ)
{
    rid_json_iter it = rid_json_begin(second);
    rid_json value, known;
    rid_str key = {0};
    rid_buf x = {0}, y = {0};
    while (rid_json_next(&it, &key, &value)) {
        if (find(first, key, &known)) {
            *n_differ += !same_value(known, value, &x, &y);
            continue;
        }
        rid_buf_append_char(out, ',');
        rid_jsonw_quote(out, key);
        rid_buf_append_char(out, ':');
        rid_json_append(out, value);
    }
    out->failed |= x.failed || y.failed;
    rid_buf_free(&x);
    rid_buf_free(&y);
}

rid_status rid_gt_notes_join(rid_buf *out, rid_str first, rid_str second, size_t *n_differ,
                             rid_err *err)
{
    rid_json_parser *parsers[2] = {NULL, NULL};
    rid_buf texts[2] = {{0}, {0}};
    rid_json a, b;
    rid_status st = RID_OK;
    rid_buf_append(out, first.data, first.len);
    if (first.len == 0) {
        rid_buf_append(out, second.data, second.len);
    } else if (second.len > 0 && !rid_str_equal(first, second)) {
        st = parse(&parsers[0], &texts[0], first, &a, err);
        if (st == RID_OK)
            st = parse(&parsers[1], &texts[1], second, &b, err);
        if (st == RID_OK)
            append_second(out, a, b, n_differ);
    }
    for (int i = 0; i < 2; i++) {
        rid_json_parser_free(parsers[i]);
        rid_buf_free(&texts[i]);
    }
    return st == RID_OK && out->failed ? RID_FAIL_NOMEM(err) : st;
}
