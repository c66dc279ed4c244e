/** Reading tests/vectors/: JSON documents and their members. What is missing fails the test. */
#ifndef RID_TEST_VECTORS_H
#define RID_TEST_VECTORS_H

#include "data/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VX_UNUSED __attribute__((unused))

typedef struct document {
    rid_json_parser *parser;
    rid_buf text;
    rid_json root;
} document;

/** tests/vectors/FOLDER NAME ENDING, put together. */
static VX_UNUSED document open_document(const char *folder, const char *name, const char *ending)
{
    char path[256], bytes[4096];
    document d = {.parser = rid_json_parser_new()};
    rid_err err;
    snprintf(path, sizeof path, "tests/vectors/%s%s%s", folder, name, ending);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("%s cannot be opened: run from the root of the repository", path);
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;)
        rid_buf_append(&d.text, bytes, n);
    fclose(f);
    assert_non_null(rid_buf_reserve(&d.text, RID_JSON_PADDING));
    assert_int_equal(rid_json_parse(d.parser, d.text.data, d.text.len, &d.root, &err), RID_OK);
    return d;
}

static VX_UNUSED void close_document(document *d)
{
    rid_json_parser_free(d->parser);
    rid_buf_free(&d->text);
}

static VX_UNUSED rid_json member(rid_json object, const char *key)
{
    rid_json v;
    if (!rid_json_find(object, key, &v))
        fail_msg("the file lacks '%s'", key);
    return v;
}

static VX_UNUSED size_t number(rid_json object, const char *key)
{
    int64_t n = -1;
    assert_true(rid_json_get_i64(member(object, key), &n) && n >= 0);
    return (size_t)n;
}

/** A string member; the next call but three overwrites it. */
static VX_UNUSED const char *string(rid_json object, const char *key)
{
    static char texts[4][256];
    static int turn;
    rid_str s;
    assert_true(rid_json_get_str(member(object, key), &s));
    turn = (turn + 1) % 4;
    snprintf(texts[turn], sizeof texts[turn], "%.*s", RID_STR(s));
    return texts[turn];
}

static VX_UNUSED size_t read_floats(float *out, size_t cap, rid_json array)
{
    size_t n = 0;
    rid_json v;
    assert_int_equal(rid_json_type_of(array), RID_JSON_ARRAY);
    for (rid_json_iter it = rid_json_begin(array); rid_json_next(&it, NULL, &v); n++) {
        double x;
        assert_true(n < cap && rid_json_get_f64(v, &x));
        out[n] = (float)x;
    }
    return n;
}

static VX_UNUSED double real(rid_json object, const char *key)
{
    double x = 0;
    assert_true(rid_json_get_f64(member(object, key), &x));
    return x;
}

static VX_UNUSED bool flag(rid_json object, const char *key)
{
    bool x = false;
    assert_true(rid_json_get_bool(member(object, key), &x));
    return x;
}

#endif
