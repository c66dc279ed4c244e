/* Ground truth as documents: labels that agree and differ, notes, the forms it is written in, parts, people
 * from pairs; no memory. */
#include "tests/unit/fixture.h"

#include "gt/gt_diff.h"
#include "gt/gt_notes.h"
#include "gt/gt_write.h"
#include "gt/linked_people.h"

static const char PERSONS[] =
    "{\"by\": \"me\", \"persons\": {\"p\": {\"alias\": \"P\", \"entries\": [{\"entry_id\": \"a\", "
    "\"n\": 1},"
    " {\"entry_id\": \"b\", \"include\": false}]}, \"q\": {\"include\": false, \"entries\":"
    " [{\"entry_id\": \"c\"}, {\"entry_id\": \"d\", \"include\": false}]}, \"r\": {\"entries\": "
    "[]}}}";

static void read_texts(rid_gt_doc *doc, rid_gt_prefer prefer, const char *x, const char *y,
                       const char *z)
{
    const char *const texts[] = {x, y, z};
    static const char *const names[] = {"x.json", "y.json", "z.json"};
    const char *paths[3];
    size_t n = 0;
    for (; n < 3 && texts[n]; n++)
        paths[n] = fx_write(names[n], texts[n]);
    assert_ok(rid_gt_doc_read(doc, paths, n, prefer, &err));
}

/* "a=p b=(p) …": in brackets where it is left out. */
static void assert_doc(const rid_gt_doc *doc, const char *expected)
{
    rid_buf found = {0};
    for (uint32_t i = 0; i < doc->entry_ids.n; i++) {
        const rid_gt_entry *e = &doc->entries[i];
        const rid_str person = rid_id_table_at(&doc->person_ids, e->person);
        rid_buf_printf(&found, e->include ? "%s%.*s=%.*s" : "%s%.*s=(%.*s)", i ? " " : "",
                       RID_STR(rid_id_table_at(&doc->entry_ids, i)), RID_STR(person));
    }
    assert_string_equal(rid_buf_cstr(&found), expected);
    rid_buf_free(&found);
}

static void assert_notes(const rid_gt_doc *doc, rid_gt_span span, const char *expected)
{
    const rid_str found = rid_gt_doc_text(doc, span);
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.data, expected, found.len);
}

static void test_read(void **state)
{
    (void)state;
    rid_gt_doc doc;
    read_texts(&doc, RID_GT_PREFER_NONE, PERSONS, NULL, NULL);
    assert_doc(&doc, "a=p b=(p) c=(q) d=(q)");
    assert_int_equal(doc.form, RID_GT_PERSONS);
    assert_int_equal(doc.n_included, 1);
    assert_int_equal(rid_gt_doc_people(&doc), 1);
    assert_int_equal(doc.n_conflicts + doc.n_repeated + doc.n_notes_differ, 0);
    assert_notes(&doc, doc.notes, "\"by\":\"me\"");
    assert_notes(&doc, doc.persons[0].notes, "\"alias\":\"P\"");
    assert_notes(&doc, doc.persons[1].notes, "");
    assert_notes(&doc, doc.entries[0].notes, "\"n\":1");
    assert_true(doc.persons[0].include && !doc.persons[1].include && doc.persons[2].include);
    assert_int_equal(doc.persons[0].n_entries, 2);
    assert_int_equal(doc.persons[0].n_included, 1);
    assert_int_equal(doc.persons[1].n_entries, 2);
    assert_int_equal(doc.persons[1].n_included, 0);
    assert_true(doc.entries[2].own_include && !doc.entries[3].own_include);
    rid_gt_doc_clear(&doc);
    read_texts(&doc, RID_GT_PREFER_NONE, "{}", NULL, NULL);
    assert_doc(&doc, "");
    rid_gt_doc_clear(&doc);
}

/* The first label, or the last, with its counts; left out under two names is no contradiction. */
static void test_prefer(void **state)
{
    (void)state;
    static const char X[] = "{\"a\": \"p\", \"b\": \"p\", \"c\": \"q\"}";
    static const char Y[] =
        "{\"entry_map\": {\"b\": {\"person_id\": \"q\", \"n\": 2}, \"c\": {\"person_id\":"
        " \"q\", \"include\": false}, \"d\": {\"person_id\": \"r\", \"include\": false}}}";
    static const char Z[] =
        "{\"entry_map\": {\"b\": {\"person_id\": \"p\"}, \"a\": {\"person_id\": \"p\"},"
        " \"d\": {\"person_id\": \"s\", \"include\": false}}}";
    rid_gt_doc doc;
    rid_buf text = {0};
    const char *const paths[] = {"x.json", "y.json", "z.json"};
    rid_err err = {0};
    read_texts(&doc, RID_GT_PREFER_NONE, X, Y, Z);
    assert_doc(&doc, "a=p b=p c=q d=(r)");
    assert_int_equal(doc.n_conflicts, 2);
    assert_int_equal(doc.n_repeated, 3);
    rid_gt_doc_append_conflict(&text, &doc, paths, 0);
    assert_string_equal(rid_buf_cstr(&text),
                        "entry 'b': person 'p' in x.json, person 'q' in y.json");
    rid_buf_clear(&text);
    rid_gt_doc_append_conflict(&text, &doc, paths, 1);
    assert_string_equal(rid_buf_cstr(&text),
                        "entry 'c': person 'q' in x.json, left out of person 'q' in y.json");
    rid_buf_free(&text);
    assert_int_equal(rid_gt_doc_fail_conflict(&doc, paths, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "entry 'b': person 'p' in x.json"));
    rid_gt_doc_clear(&doc);

    read_texts(&doc, RID_GT_PREFER_LAST, X, Y, Z);
    assert_doc(&doc, "a=p b=p c=(q) d=(r)");
    assert_int_equal(doc.n_conflicts, 2);
    assert_int_equal(doc.n_included, 2);
    rid_gt_doc_clear(&doc);
    read_texts(&doc, RID_GT_PREFER_LAST, X, Y, NULL);
    assert_doc(&doc, "a=p b=q c=(q) d=(r)");
    assert_notes(&doc, doc.entries[1].notes, "\"n\":2");
    assert_int_equal(doc.persons[0].n_entries, 1);
    assert_int_equal(doc.persons[1].n_entries, 2);
    assert_int_equal(doc.persons[1].n_included, 1);
    rid_gt_doc_clear(&doc);
}

static void assert_joined(const char *first, const char *second, const char *expected,
                          size_t n_differ)
{
    rid_buf out = {0};
    size_t n = 0;
    assert_ok(rid_gt_notes_join(&out, rid_str_of(first), rid_str_of(second), &n, &err));
    assert_string_equal(rid_buf_cstr(&out), expected);
    assert_int_equal(n, n_differ);
    rid_buf_free(&out);
}

static void test_notes(void **state)
{
    (void)state;
    assert_joined("", "", "", 0);
    assert_joined("\"a\":1", "", "\"a\":1", 0);
    assert_joined("", "\"a\":1", "\"a\":1", 0);
    assert_joined("\"a\":1", "\"a\":1", "\"a\":1", 0);
    assert_joined("\"a\":1,\"b\":[2]", "\"c\":\"\\\"\",\"b\":[2]",
                  "\"a\":1,\"b\":[2],\"c\":\"\\\"\"", 0);
    assert_joined("\"a\":1,\"b\":[2]", "\"b\":[3],\"a\":1.5,\"c\":null",
                  "\"a\":1,\"b\":[2],\"c\":null", 2);
}

static void assert_written(const rid_gt_doc *doc, const rid_gt_part *part, rid_gt_form form,
                           const char *expected, const char *lost)
{
    rid_buf out = {0}, loss_text = {0};
    rid_gt_loss loss;
    assert_ok(rid_gt_write(&out, doc, part, form, &loss, &err));
    assert_string_equal(rid_buf_cstr(&out), expected);
    rid_gt_loss_append(&loss_text, &loss);
    assert_string_equal(rid_buf_cstr(&loss_text), lost);
    rid_buf_free(&out);
    rid_buf_free(&loss_text);
}

static void test_write(void **state)
{
    (void)state;
    rid_gt_doc doc;
    read_texts(&doc, RID_GT_PREFER_NONE, PERSONS, NULL, NULL);
    assert_written(&doc, NULL, RID_GT_PLAIN, "{\n \"a\": \"p\"\n}\n",
                   "3 entries that are left out, 1 person without entries, 3 objects' notes");
    assert_written(&doc, NULL, RID_GT_ENTRY_MAP,
                   "{\"format_version\": 1, \"by\":\"me\",\n \"entry_map\": {\n"
                   "  \"a\": {\"person_id\": \"p\", \"n\":1},\n"
                   "  \"b\": {\"person_id\": \"p\", \"include\": false},\n"
                   "  \"c\": {\"person_id\": \"q\", \"include\": false},\n"
                   "  \"d\": {\"person_id\": \"q\", \"include\": false}\n }}\n",
                   "1 person without entries, 1 object's notes");
    assert_written(&doc, NULL, RID_GT_PERSONS,
                   "{\"format_version\": 1, \"by\":\"me\",\n \"persons\": {\n"
                   "  \"p\": {\"include\": true, \"alias\":\"P\", \"entries\": [\n"
                   "   {\"entry_id\": \"a\", \"n\":1},\n"
                   "   {\"entry_id\": \"b\", \"include\": false}]},\n"
                   "  \"q\": {\"include\": false, \"entries\": [\n"
                   "   {\"entry_id\": \"c\"},\n"
                   "   {\"entry_id\": \"d\", \"include\": false}]},\n"
                   "  \"r\": {\"include\": true, \"entries\": []}\n }}\n",
                   "");

    const uint32_t entry_part[] = {0, 1, 1, 0}, person_part[] = {0, 0, 1};
    rid_gt_part part = {entry_part, NULL, 1};
    assert_written(
        &doc, &part, RID_GT_PERSONS,
        "{\"format_version\": 1, \"by\":\"me\",\n \"persons\": {\n"
        "  \"p\": {\"include\": true, \"alias\":\"P\", \"entries\": [\n"
        "   {\"entry_id\": \"b\", \"include\": false}]},\n"
        "  \"q\": {\"include\": false, \"entries\": [\n   {\"entry_id\": \"c\"}]}\n }}\n",
        "");
    part.person = person_part;
    assert_written(&doc, &part, RID_GT_PLAIN, "{}\n",
                   "2 entries that are left out, 1 person without entries, 2 objects' notes");
    rid_gt_doc_clear(&doc);
}

/* A person whom one file leaves out and another does not: each entry says so itself. */
static void test_write_half_left_out(void **state)
{
    (void)state;
    rid_gt_doc doc;
    read_texts(&doc, RID_GT_PREFER_NONE,
               "{\"persons\": {\"p\": {\"include\": false, \"entries\": [{\"entry_id\": \"a\"}]}}}",
               "{\"b\": \"p\"}", NULL);
    assert_doc(&doc, "a=(p) b=p");
    assert_written(
        &doc, NULL, RID_GT_PERSONS,
        "{\"format_version\": 1,\n \"persons\": {\n  \"p\": {\"include\": true, \"entries\": [\n"
        "   {\"entry_id\": \"a\", \"include\": false},\n   {\"entry_id\": \"b\"}]}\n }}\n",
        "");
    rid_gt_doc_clear(&doc);
}

static rid_status add_label(void *doc, const rid_gt_item *label, rid_err *e)
{
    return rid_gt_doc_add(doc, label, 0, RID_GT_PREFER_NONE, e);
}

static void test_linked(void **state)
{
    (void)state;
    rid_gt_doc doc = {0};
    rid_pairs *pairs;
    const char *path =
        fx_write("p.csv", "qid,aid,label\nd,e,1\nb,c,1\nx,y,0\na,b,1\ne,a,1\nx,a,0\n");
    assert_ok(rid_pairs_read(&pairs, &path, 1, &err));
    assert_ok(rid_linked_people(pairs, add_label, &doc, &err));
    assert_doc(&doc, "d=d e=d b=d c=d x=x y=y a=d");
    rid_gt_doc_clear(&doc);
    rid_pairs_free(pairs);
    path = fx_write("p.csv", "qid,aid,label\na,b,1\nc,d,0\nc,a,0\nb,c,1\n");
    assert_ok(rid_pairs_read(&pairs, &path, 1, &err));
    assert_fails(rid_linked_people(pairs, add_label, &doc, &err), RID_EDATA,
                 "entries 'c' and 'a' are said to be different people");
    rid_gt_doc_clear(&doc);
    rid_pairs_free(pairs);
}

/* Everything there is, with the nth allocation failing. */
static rid_status do_all(const char *const *paths, rid_err *err)
{
    rid_gt_doc a, b = {0};
    rid_gt_diff d = {0};
    rid_buf out = {0};
    rid_status st = rid_gt_doc_read(&a, paths, 2, RID_GT_PREFER_LAST, err);
    if (st == RID_OK)
        st = rid_gt_doc_read(&b, paths + 1, 1, RID_GT_PREFER_NONE, err);
    if (st == RID_OK)
        st = rid_gt_write(&out, &a, NULL, RID_GT_PERSONS, NULL, err);
    if (st == RID_OK)
        st = rid_gt_write(&out, &a, NULL, RID_GT_PLAIN, NULL, err);
    if (st == RID_OK)
        st = rid_gt_diff_find(&d, &a, &b, 9, err);
    rid_buf_free(&out);
    rid_gt_diff_clear(&d);
    rid_gt_doc_clear(&a);
    rid_gt_doc_clear(&b);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *const paths[] = {
        fx_write("a.json", PERSONS),
        fx_write("b.json",
                 "{\"persons\": {\"p\": {\"alias\": \"Q\", \"entries\": [{\"entry_id\": \"a\", "
                 "\"m\": 1}]},"
                 " \"s\": {\"entries\": [{\"entry_id\": \"b\"}, {\"entry_id\": \"e\"}]}}}")};
    rid_status st = RID_ETEMP;
    uint64_t nth = 1;
    for (; st == RID_ETEMP && nth < 2000; nth++) {
        const int64_t blocks = rid_mem_live_blocks();
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = do_all(paths, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    assert_int_equal(st, RID_OK);
    assert_true(nth > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_prefer),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_write_half_left_out),
        cmocka_unit_test(test_linked),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
