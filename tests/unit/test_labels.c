/* Ground truth: every form of document, what is refused and where, files that disagree. */
#include "tests/unit/fixture.h"

#include "gt/gt_file.h"
#include "gt/labels.h"

static rid_labels *read_one(const char *text)
{
    rid_labels *l = NULL;
    const char *path = fx_write("gt.json", text);
    assert_ok(rid_labels_read(&l, &path, 1, &err));
    return l;
}

/* "e1=p1 e2=p2 …" in order of first appearance. */
static void assert_labels(const char *text, const char *expected)
{
    rid_labels *l = read_one(text);
    rid_buf found = {0};
    for (size_t i = 0; i < rid_labels_count(l); i++) {
        rid_str entry, person;
        uint32_t p, again;
        rid_labels_at(l, i, &entry, &p);
        person = rid_labels_person(l, p);
        rid_buf_printf(&found, "%s%.*s=%.*s", i ? " " : "", RID_STR(entry), RID_STR(person));
        assert_true(rid_labels_find(l, entry, &again));
        assert_int_equal(again, p);
        assert_true(rid_labels_find_person(l, person, &again));
        assert_int_equal(again, p);
        assert_false(rid_labels_is_excluded(l, entry));
    }
    assert_string_equal(rid_buf_cstr(&found), expected);
    rid_buf_free(&found);
    rid_labels_free(l);
}

static void test_forms(void **state)
{
    (void)state;
    assert_labels("{}", "");
    assert_labels("{\"e1\": \"p1\", \"e2\": \"p2\", \"e3\": \"p1\"}", "e1=p1 e2=p2 e3=p1");
    assert_labels("{\"persons\": {\"p1\": {\"alias\": \"Al\", \"first_seen\": \"2025-11-06\", \"entries\":"
                  " [{\"entry_id\": \"e1\", \"more\": [1, {}]}, {\"entry_id\": \"e3\"}]},"
                  " \"p0\": {\"entries\": []}, \"p2\": {\"include\": true, \"entries\":"
                  " [{\"entry_id\": \"e2\", \"include\": null}]}}, \"format_version\": 1}",
                  "e1=p1 e3=p1 e2=p2");
    assert_labels("{\"version\": 2, \"entry_map\": {\"e1\": {\"person_id\": \"p1\"},"
                  " \"e2\": {\"note\": \"x\", \"person_id\": \"p2\", \"include\": true}}}",
                  "e1=p1 e2=p2");
    /* Numbers as ids; keys of other forms as the ids of entries. */
    assert_labels("{\"1\": 7, \"2\": -8}", "1=7 2=-8");
    assert_labels("{\"entry_map\": {\"1\": {\"person_id\": 7}}}", "1=7");
    assert_labels("{\"persons\": {\"7\": {\"entries\": [{\"entry_id\": 1}]}}}", "1=7");
    assert_labels("{\"persons\": \"p\", \"entry_map\": \"q\", \"people\": \"r\"}",
                  "persons=p entry_map=q people=r");
    assert_labels("{\"caf\\u00e9\\n\": \"\\\"\"}", "caf\xC3\xA9\n=\"");
}

/* Numbers begin again every day, so the day is part of the name. */
static void test_manifest(void **state)
{
    (void)state;
    assert_labels("{\"ok\": true, \"day_id\": \"2025-11-06\", \"people\": [{\"person_id\": \"s-0001\","
                  " \"events\": [{\"entry_id\": \"e1\", \"embeddings\": [[1, 2]]}, {\"entry_id\": \"e2\"}]},"
                  " {\"person_id\": \"s-0002\", \"events\": [{\"entry_id\": \"e3\"}]}]}",
                  "e1=2025-11-06/s-0001 e2=2025-11-06/s-0001 e3=2025-11-06/s-0002");
    assert_labels("{\"day_id\": null, \"people\": []}", "");
    /* Behind frames that are passed over, a place is still that of the file. */
    rid_labels *l;
    const char *path =
        fx_write("m.json", "{\"people\": [{\"person_id\": \"a\", \"events\": [{\"embeddings\":"
                           " [[1,\n2], [3, \"]\"]],\n \"entry_id\": \"e\"}, {}]}]}");
    assert_fails(rid_labels_read(&l, &path, 1, &err), RID_EDATA,
                 "line 3, byte 96: expected an object with 'entry_id', found an object");
}

static void test_included(void **state)
{
    (void)state;
    rid_labels *l = read_one("{\"persons\": {\"p1\": {\"include\": false, \"entries\":"
                             " [{\"entry_id\": \"e1\"}]}, \"p2\": {\"entries\": [{\"entry_id\": \"e2\"},"
                             " {\"entry_id\": \"e3\", \"include\": false}]}}}");
    uint32_t person = 7;
    assert_int_equal(rid_labels_count(l), 1);
    assert_int_equal(rid_labels_person_count(l), 1);
    assert_true(rid_labels_find(l, rid_str_of("e2"), NULL));
    assert_false(rid_labels_find(l, rid_str_of("e1"), &person));
    assert_int_equal(person, 7);
    assert_true(rid_labels_is_excluded(l, rid_str_of("e1")));
    assert_true(rid_labels_is_excluded(l, rid_str_of("e3")));
    assert_false(rid_labels_is_excluded(l, rid_str_of("e4")));
    assert_false(rid_labels_find(l, rid_str_of("e4"), NULL));
    assert_false(rid_labels_find_person(l, rid_str_of("p1"), NULL));
    rid_labels_free(l);
    rid_labels_free(NULL);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "gt.json: line 1, byte 0: expected a JSON value, the text ends here"},
        {"{\"e\": \"p\",\n}", "gt.json: line 2, byte 11: expected a key in double quotes"},
        {"{\"e\": \"p\"", "gt.json: line 1, byte 9: expected ',' or '}'"},
        {"{\"e\": \"p\xFF\"}", "gt.json: line 1, byte 8: expected UTF-8"},
        {"{\"e\": 1e999}", "gt.json: line 1"},
        {"[1]", "line 1, byte 0: expected ground truth: an object entry_id: person_id, or one with"
                " 'persons', 'entry_map' or 'people', found an array"},
        {"\n \"p\"", "line 2, byte 2: expected ground truth"},
        {"{\"e1\": \"p\",\n \"e2\": [\"p\"]}", "line 2, byte 19: expected a person_id, found an array"},
        {"{\"e1\": 1.5}", "line 1, byte 7: expected a person_id, found a number"},
        {"{\"e1\": null}", "line 1, byte 7: expected a person_id, found null"},
        {"{\"\": \"p\"}", "line 1, byte 5: entry '' of person 'p': an id must not be empty"},
        {"{\"e\": \"\"}", "line 1, byte 6: entry 'e' of person '': an id must not be empty"},
        {"{\"e\": \"p\",\n \"f\": \"p\",\n \"e\": \"q\"}",
         "line 3, byte 28: key 'e' stands twice in one object"},
        {"{\"persons\": {\"p\": {\"entries\": [{\"entry_id\": \"e\", \"x\": {\"a\": 1, \"a\": 2}}]}}}",
         "line 1, byte 68: key 'a' stands twice in one object"},
        {"{\"persons\": {\"p\": 5}}", "line 1, byte 18: expected an object, found a number"},
        {"{\"persons\": {\"p\": []}}", "line 1, byte 18: expected an object, found an array"},
        {"{\"persons\": {\"p\": {}}}", "line 1, byte 18: expected an object with an array 'entries'"},
        {"{\"persons\": {\"p\": {\"entries\": {}}}}", "expected an object with an array 'entries'"},
        {"{\"persons\": {\"p\":\n{\"entries\": [{\"entry_id\": \"e\"},\n {}]}}}",
         "line 3, byte 51: expected an object with 'entry_id', found an object"},
        {"{\"persons\": {\"p\": {\"entries\": [\"e\"]}}}", "byte 31: expected an object, found a string"},
        {"{\"persons\": {\"p\": {\"entries\": [{\"entry_id\": {}}]}}}",
         "byte 44: expected an id: a text or a whole number, found an object"},
        {"{\"persons\": {\"p\": {\"entries\": [{\"entry_id\": \"\"}]}}}", "must not be empty"},
        {"{\"persons\": {\"\": {\"entries\": []}}}", "must not be empty"},
        {"{\"persons\": {\"p\": {\"include\": \"no\", \"entries\": []}}}",
         "byte 30: expected true or false for 'include', found a string"},
        {"{\"x\": [1, \"]\\\"\", {}], \"entry_map\": {\"e\": {\"person_id\": \"p\"},\n \"f\": {}}}",
         "line 2, byte 67: expected an object with 'person_id', found an object"},
        {"{\"entry_map\": {\"e\": \"p\"}}", "byte 20: expected an object, found a string"},
        {"{\"entry_map\": {\"e\": {\"person_id\": true}}}", "byte 34: expected an id"},
        {"{\"entry_map\": {\"e\": {\"person_id\": \"p\", \"include\": 0}}}",
         "byte 50: expected true or false for 'include', found a number"},
        {"{\"people\": [{\"person_id\": \"p\"}]}",
         "byte 12: expected an object with 'person_id' and an array 'events', found an object"},
        {"{\"people\": [7]}", "byte 12: expected an object with 'person_id'"},
        {"{\"people\": [{\"person_id\": \"p\", \"events\": [{}]}]}",
         "byte 42: expected an object with 'entry_id', found an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_labels *l = (rid_labels *)state;
        const char *path = fx_write("gt.json", cases[i].text);
        assert_fails(rid_labels_read(&l, &path, 1, &err), RID_EDATA, cases[i].message);
        assert_null(l);
    }
    const char *gone = fx_path("gone.json");
    rid_labels *l;
    assert_fails(rid_labels_read(&l, &gone, 1, &err), RID_ENOINPUT, "gone.json");
}

static void test_nested(void **state)
{
    (void)state;
    rid_buf text = {0};
    rid_labels *l;
    rid_buf_append_str(&text, "{\"persons\": {\"p\": {\"entries\": [{\"entry_id\": \"e\", \"deep\": ");
    const size_t before = text.len;
    for (int n = 59; n <= 60; n++) {
        text.len = before;
        for (int i = 0; i < n; i++)
            rid_buf_append_str(&text, "[");
        for (int i = 0; i < n; i++)
            rid_buf_append_str(&text, "]");
        rid_buf_append_str(&text, "}]}}}");
        const char *path = fx_write_bytes("deep.json", text.data, text.len);
        if (n == 59)
            assert_ok(rid_labels_read(&l, &path, 1, &err));
        else
            assert_fails(rid_labels_read(&l, &path, 1, &err), RID_EDATA, "less nesting");
        rid_labels_free(l);
    }
    /* The deepest key that stands twice. */
    text.len = 0;
    for (int i = 0; i < 63; i++)
        rid_buf_append_str(&text, "[");
    rid_buf_append_str(&text, "{\"a\":1,\"a\":2}");
    for (int i = 0; i < 63; i++)
        rid_buf_append_str(&text, "]");
    rid_buf whole = {0};
    rid_buf_printf(&whole, "{\"x\":%s}", rid_buf_cstr(&text) + 1);
    whole.len--;
    whole.data[whole.len - 1] = '}';
    const char *path = fx_write_bytes("deep.json", whole.data, whole.len);
    assert_fails(rid_labels_read(&l, &path, 1, &err), RID_EDATA, "byte 78: key 'a' stands twice");
    rid_buf_free(&whole);
    rid_buf_free(&text);
}

static void test_several_files(void **state)
{
    (void)state;
    rid_labels *l;
    const char *paths[] = {fx_write("a.json", "{\"e1\": \"p1\", \"e2\": \"p2\"}"),
                           fx_write("b.json", "{\"entry_map\": {\"e3\": {\"person_id\": \"p1\"},"
                                              " \"e2\": {\"person_id\": \"p2\"}}}"),
                           fx_write("c.json", "{\"persons\": {\"p3\": {\"include\": false, \"entries\":"
                                              " [{\"entry_id\": \"e4\"}]}}}")};
    assert_ok(rid_labels_read(&l, paths, 3, &err));
    assert_int_equal(rid_labels_count(l), 3);
    assert_int_equal(rid_labels_person_count(l), 2);
    assert_true(rid_labels_is_excluded(l, rid_str_of("e4")));
    assert_false(rid_labels_is_excluded(l, rid_str_of("e3")));
    rid_labels_free(l);

    paths[2] = fx_write("c.json", "{\"e4\": \"p1\",\n\"e2\": \"p3\"}");
    assert_fails(rid_labels_read(&l, paths, 3, &err), RID_EDATA,
                 "c.json: line 2, byte 19: entry 'e2' is person 'p3', but person 'p2' in ");
    assert_fails(rid_labels_read(&l, paths, 3, &err), RID_EDATA, "a.json: an entry is one person");
    paths[2] = fx_write("c.json", "{\"entry_map\": {\"e3\": {\"person_id\": \"p1\", \"include\": false}}}");
    assert_fails(rid_labels_read(&l, paths, 3, &err), RID_EDATA,
                 "entry 'e3' is person '(include: false)', but person 'p1' in");
    paths[2] = fx_write("c.json", "{\"persons\": {\"p1\": {\"entries\": [{\"entry_id\": \"e9\"}]},"
                                  " \"p2\": {\"entries\": [{\"entry_id\": \"e9\"}]}}}");
    assert_fails(rid_labels_read(&l, paths, 3, &err), RID_EDATA, "entry 'e9' is person 'p2', but");
}

/* What a document holds besides labels reaches the reader. */
static rid_status note_item(void *ctx, const rid_gt_item *item, rid_err *err)
{
    (void)err;
    rid_buf_printf(ctx, "%.*s/%.*s/%d%d/%.*s;", RID_STR(item->entry), RID_STR(item->person), item->include,
                   item->person_include, RID_STR(item->rest));
    return RID_OK;
}

static void test_items(void **state)
{
    (void)state;
    rid_buf found = {0};
    rid_gt_form form = RID_GT_PLAIN;
    const char *path = fx_write(
        "gt.json", "{\"version\": [2],"
                   " \"persons\": {\"p\": {\"alias\": \"A\\\"\", \"include\": false, \"entries\":"
                   " [{\"x\": 1, \"entry_id\": \"e\", \"embeddings\": [[1]], \"y\": [2, null]}], "
                   "\"first_seen\": null},"
                   " \"q\": {\"entries\": [{\"entry_id\": \"f\", \"include\": false}]}},"
                   " \"format_version\": 1, \"by\": \"me\"}");
    assert_ok(rid_gt_file_read(path, note_item, &found, &form, &err));
    assert_int_equal(form, RID_GT_PERSONS);
    assert_string_equal(
        rid_buf_cstr(&found),
        "//10/\"version\":[2],\"by\":\"me\";"
        "/p/00/\"alias\":\"A\\\"\",\"first_seen\":null;e/p/10/\"x\":1,\"y\":[2,null];"
        "/q/11/;f/q/01/;");
    rid_buf_free(&found);
    assert_true(rid_gt_form_parse("map", &form));
    assert_int_equal(form, RID_GT_ENTRY_MAP);
    assert_false(rid_gt_form_parse("Plain", &form));
    assert_string_equal(rid_gt_form_name(RID_GT_MANIFEST), "manifest");
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *paths[] = {
        fx_write("a.json", "{\"e1\": \"p1\", \"e2\": \"p2\"}"),
        fx_write("b.json", "{\"persons\": {\"p1\": {\"alias\": \"x\", \"entries\": [{\"entry_id\": \"e3\"}]}}}"),
        fx_write("c.json", "{\"day_id\": \"2025-11-06\", \"people\": [{\"person_id\": \"p\", \"events\":"
                           " [{\"entry_id\": \"e5\"}]}]}")};
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_labels *l;
        rid_err err;
        rid_mem_fail_after(nth);
        const rid_status st = rid_labels_read(&l, paths, 3, &err);
        rid_mem_fail_after(0);
        rid_labels_free(l);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        if (st != RID_ETEMP || !strstr(err.message, "out of memory"))
            fail_msg("allocation %d: %d, %s", (int)nth, (int)st, err.message);
    }
}

/* No damage to a document crashes the reader. */
static void test_damaged(void **state)
{
    (void)state;
    static const char good[] = "{\"persons\": {\"p1\": {\"alias\": \"x\", \"include\": true, \"entries\": "
                               "[{\"entry_id\": \"e3\", \"include\": false}, {\"entry_id\": 12}]}}}";
    rid_random r = fx_random(5);
    const size_t n = sizeof good - 1;
    for (int i = 0; i < 3000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        const size_t len = rid_random_chance(&r, 0.3) ? rid_random_below(&r, n) : n;
        for (uint64_t k = rid_random_below(&r, 4); k > 0; k--)
            text[rid_random_below(&r, n)] = "{}[]\",:\\0 \nx\xFF"[rid_random_below(&r, 13)];
        rid_labels *l;
        rid_err err;
        const char *path = fx_write_bytes("d.json", text, len);
        const rid_status st = rid_labels_read(&l, &path, 1, &err);
        assert_true(st == RID_OK || st == RID_EDATA);
        if (st == RID_EDATA && !strstr(err.message, "d.json: line "))
            fail_msg("'%.*s': %s", (int)len, text, err.message);
        rid_labels_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),         cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_included),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nested),        cmocka_unit_test(test_several_files),
        cmocka_unit_test(test_items),         cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
