/* JSON files: parts left out whatever the blocks, places of errors behind them. */
#include "fixture.h"

#include "data/json_file.h"

static const size_t MAX = 1 << 24;

/* ---- leaving out ---- */

/* The document with every array and object under "skip" as null. */
static void append_plain(rid_buf *out, rid_json v)
{
    rid_json_iter it = rid_json_begin(v);
    rid_json child;
    rid_str key;
    bool first = true;
    const rid_json_type type = rid_json_type_of(v);
    if (type != RID_JSON_OBJECT && type != RID_JSON_ARRAY) {
        rid_json_append(out, v);
        return;
    }
    rid_buf_append_char(out, type == RID_JSON_OBJECT ? '{' : '[');
    while (rid_json_next(&it, &key, &child)) {
        const rid_json_type inner = rid_json_type_of(child);
        if (!first)
            rid_buf_append_char(out, ',');
        first = false;
        if (type == RID_JSON_OBJECT) {
            rid_jsonw_quote(out, key);
            rid_buf_append_char(out, ':');
        }
        if (type == RID_JSON_OBJECT && rid_str_equal(key, rid_str_of("skip")) &&
            (inner == RID_JSON_OBJECT || inner == RID_JSON_ARRAY))
            rid_buf_append_str(out, "null");
        else
            append_plain(out, child);
    }
    rid_buf_append_char(out, type == RID_JSON_OBJECT ? '}' : ']');
}

static void check_left_out(const char *path)
{
    rid_json_file whole, part;
    rid_buf expected = {0}, got = {0};
    assert_ok(rid_json_file_open(&whole, path, MAX, NULL, &err));
    assert_ok(rid_json_file_open(&part, path, MAX, "skip", &err));
    append_plain(&expected, whole.root);
    rid_json_append(&got, part.root);
    assert_string_equal(rid_buf_cstr(&got), rid_buf_cstr(&expected));
    rid_json_file_close(&whole);
    rid_json_file_close(&part);
    rid_buf_free(&expected);
    rid_buf_free(&got);
}

static void test_by_hand(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"skip\":[1,[2,\"]\"],{\"a\":\"\\\"]\"}],\"b\":3}",
        "{ \"skip\" \n: [ ] , \"skipped\":[1],\"b\":{\"skip\":{}}}",
        "[\"skip\",[1],{\"a\":\"skip\",\"b\":[2]},{\"skip\":5,\"c\":[\"skip\"]}]",
        "{\"x\\\"skip\":[1],\"\\\\\":[2],\"skip\":\"[\",\"s\":\"skip\",\"t\":[\"\\\\\",\"skip\",[3]"
        "]}",
        "{\"skip\":{\"skip\":[1]},\"y\":[{\"skip\":[[]]},{\"skip\":[{}]}]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        check_left_out(fx_write("a.json", texts[i]));
    rid_json_file f;
    rid_buf got = {0};
    assert_ok(rid_json_file_open(&f, fx_write("a.json", texts[0]), MAX, "skip", &err));
    rid_json_append(&got, f.root);
    assert_string_equal(rid_buf_cstr(&got), "{\"skip\":null,\"b\":3}");
    rid_json_file_close(&f);
    rid_buf_free(&got);
}

static void append_random(rid_buf *b, rid_random *r, int depth)
{
    static const char *const words[] = {"skip", "a", "\\\"",  "skip\\\\", "]",
                                        "{",    ":", " skip", ""};
    const uint64_t kind = rid_random_below(r, depth > 0 ? 5 : 3);
    if (kind < 2) {
        rid_buf_printf(b, "\"%s\"", words[rid_random_below(r, 9)]);
    } else if (kind == 2) {
        rid_buf_printf(b, "%d", (int)rid_random_below(r, 1000) - 500);
    } else {
        const uint64_t n = rid_random_below(r, 4);
        rid_buf_append_char(b, kind == 3 ? '[' : '{');
        for (uint64_t i = 0; i < n; i++) {
            rid_buf_append_str(b, i > 0 ? "," : "");
            if (kind == 4 && i > 0)
                rid_buf_printf(b, "\"%s%d\"%s:%s", words[rid_random_below(r, 9)], (int)i,
                               rid_random_chance(r, 0.2) ? " \n" : "",
                               rid_random_chance(r, 0.2) ? "\t" : "");
            else if (kind == 4)
                rid_buf_append_str(b, "\"skip\":");
            append_random(b, r, depth - 1);
        }
        rid_buf_append_char(b, kind == 3 ? ']' : '}');
    }
}

static void test_random(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 500; seed++) {
        rid_random r = fx_random(seed);
        rid_buf text = {0};
        append_random(&text, &r, 6);
        check_left_out(fx_write_bytes("r.json", text.data, text.len));
        rid_buf_free(&text);
    }
}

/* A name, a colon, a value, a string across the end of a block (1 MiB). */
static void test_blocks(void **state)
{
    (void)state;
    static const char tail[] = "\",\"skip\" : [[1,\"\\\"]\"],\n[2]],\"b\":\"\\\\\",\"skip2\":7}";
    for (size_t before = (1 << 20) - sizeof tail - 8; before < (1 << 20) + 4; before++) {
        rid_json_file f;
        rid_json v;
        rid_buf text = {0};
        rid_buf_append_str(&text, "{\"a\":\"");
        char *fill = rid_buf_reserve(&text, before);
        assert_non_null(fill);
        memset(fill, 'x', before - 6);
        text.len += before - 6;
        rid_buf_append_str(&text, tail);
        assert_ok(rid_json_file_open(&f, fx_write_bytes("b.json", text.data, text.len), MAX, "skip",
                                     &err));
        assert_int_equal(f.n_gaps, 1);
        assert_true(rid_json_find(f.root, "skip", &v) && rid_json_type_of(v) == RID_JSON_NULL);
        assert_true(rid_json_find(f.root, "skip2", &v) && rid_json_type_of(v) == RID_JSON_NUMBER);
        assert_int_equal((int64_t)f.text.len + f.gaps[0].bytes, text.len);
        rid_json_file_close(&f);
        rid_buf_free(&text);
    }
}

/* ---- places ---- */

static rid_status refuse_seven(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    int64_t number;
    (void)key;
    if (rid_json_type_of(v) == RID_JSON_ARRAY || rid_json_type_of(v) == RID_JSON_OBJECT)
        return rid_json_file_each(f, v, refuse_seven, ctx, err);
    return rid_json_get_i64(v, &number) && number == 7
               ? rid_json_file_fail_type(f, err, "anything but 7", v)
               : RID_OK;
}

/* The one 7 that is not left out is the last. */
static void test_places(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "[1,7]",
        "{\"skip\":[1,7,\n\n7],\"b\":7}",
        "{\"a\":{\"skip\":[\n[\n7]]},\n\"b\":[{\"skip\":[\"\\n\"]},{\"skip\":{}, \"c\":[1,[7]]}]}",
        "{\"skip\":[],\"b\":\n7}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rid_json_file f;
        char place[96];
        assert_ok(rid_json_file_open(&f, fx_write("p.json", texts[i]), MAX, "skip", &err));
        const char *seven = strrchr(texts[i], '7');
        int line = 1;
        for (const char *at = texts[i]; at < seven; at++)
            line += *at == '\n';
        snprintf(place, sizeof place,
                 "p.json: line %d, byte %d: expected anything but 7, found a number", line,
                 (int)(seven - texts[i]));
        assert_fails(rid_json_file_each(&f, f.root, refuse_seven, NULL, &err), RID_EDATA, place);
        rid_json_file_close(&f);
    }
}

static void test_enter(void **state)
{
    (void)state;
    rid_json_file f;
    rid_json v;
    assert_ok(rid_json_file_open(&f, fx_write("e.json", "{\"a\":[1],\n\"b\":{\"c\":7}}"), MAX, NULL,
                                 &err));
    assert_false(rid_json_file_enter(&f, f.root, "x", &v));
    assert_true(rid_json_file_enter(&f, f.root, "b", &v));
    assert_fails(rid_json_file_each(&f, v, refuse_seven, NULL, &err), RID_EDATA, "line 2, byte 19");
    rid_json_file_leave(&f);
    assert_int_equal(f.depth, 0);
    rid_json_file_close(&f);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "bad.json: line 1, byte 0: expected"},
        {"{\"skip\":[1,\n2],,}", "bad.json: line 2, byte 15: expected"},
        {"{\"skip\":[1,\n2", "bad.json: line 2, byte 13: expected the end of 'skip'"},
        {"{\"a\":1,\n\"skip\":[2],\"a\":3}", "bad.json: line 2, byte 23: key 'a' stands twice"},
        {"{\"skip\":[2],\"skip\":[\n]}", "bad.json: line 1, byte 19: key 'skip' stands twice"},
        {"{\"a\":[1}", "bad.json: line 1, byte 7: expected"},
        {"{\"a\":1} x", "bad.json: line 1, byte 8: expected"},
    };
    rid_json_file f;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_fails(rid_json_file_open(&f, fx_write("bad.json", bad[i].text), MAX, "skip", &err),
                     RID_EDATA, bad[i].says);
        rid_json_file_close(&f);
    }
    assert_fails(rid_json_file_open(&f, fx_path("nowhere.json"), MAX, NULL, &err), RID_ENOINPUT,
                 "nowhere");
    rid_json_file_close(&f);
    const char *path = fx_write("long.json", "{\"skip\":[1,2,3,4,5,6,7,8,9],\"a\":\"0123456789\"}");
    assert_fails(rid_json_file_open(&f, path, 40, NULL, &err), RID_EDATA,
                 "a document of more than");
    rid_json_file_close(&f);
    assert_ok(rid_json_file_open(&f, path, 40, "skip", &err));
    rid_json_file_close(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = fx_write("m.json", "{\"skip\":[1,2],\"a\":{\"skip\":{}}}");
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_json_file f;
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = rid_json_file_open(&f, path, MAX, "skip", &err);
        rid_mem_fail_after(0);
        rid_json_file_close(&f);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(st == RID_OK || st == RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_random),
        cmocka_unit_test(test_blocks),    cmocka_unit_test(test_places),
        cmocka_unit_test(test_enter),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
