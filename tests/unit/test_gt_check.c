/* What is found in ground truth, with and without stores, and what changed between two of them. */
#include "tests/unit/fixture.h"
#include "tests/unit/store_fixture.h"

#include "gt/gt_check.h"
#include "gt/gt_diff.h"

static const float E1[2] = {1, 0};

static void read_doc(rid_gt_doc *doc, const char *name, const char *text)
{
    const char *path = fx_write(name, text);
    assert_ok(rid_gt_doc_read(doc, &path, 1, RID_GT_PREFER_NONE, &err));
}

static void assert_finding(const rid_gt_finding *f, const char *name, size_t count,
                           const char *cases)
{
    assert_string_equal(f->name, name);
    assert_int_equal(f->count, count);
    assert_int_equal(f->cases.len, strlen(cases));
    assert_memory_equal(rid_buf_view(&f->cases).data, cases, f->cases.len);
}

static void test_check(void **state)
{
    (void)state;
    /* Two entries of P in bucket (1, s): mated; P in two stores and on two days; b3 without a label. */
    const fx_entry entries[] = {{.id = "a1", .day = "2025-11-06", .store = "s", .embedding = E1},
                                {.id = "a2", .day = "2025-11-06", .store = "s", .embedding = E1},
                                {.id = "a3", .day = "2025-11-06", .store = "s"},
                                {.id = "b1", .day = "2025-11-07", .store = "s", .embedding = E1},
                                {.id = "b2", .day = "2025-11-07", .store = "t", .embedding = E1},
                                {.id = "b3", .day = "2025-11-07", .store = "t", .embedding = E1},
                                {.id = "b4", .day = "2025-11-07", .store = "t", .embedding = E1}};
    rid_store_set set;
    rid_gt_doc doc;
    rid_gt_places places;
    rid_gt_check c;
    const char *store = fx_path("s.h5"), *gt = "gt.json";
    fx_store_set(&set, "s.h5", entries, sizeof entries / sizeof entries[0], 2);
    rid_store_set_close(&set);
    read_doc(&doc, "gt.json",
             "{\"persons\": {\"P\": {\"entries\": [{\"entry_id\": \"a1\"}, {\"entry_id\": \"a3\"},"
             " {\"entry_id\": \"b2\"}, {\"entry_id\": \"x\"}]}, \"Q\": {\"entries\": "
             "[{\"entry_id\": \"a2\"},"
             " {\"entry_id\": \"b4\", \"include\": false}]}, \"R\": {\"entries\": [{\"entry_id\": "
             "\"b1\","
             " \"include\": false}]}, \"S\": {\"include\": false, \"entries\": [{\"entry_id\": "
             "\"y\"}]}}}");
    assert_ok(rid_gt_places_open(&places, &doc, &store, 1, 0, &err));
    assert_int_equal(places.n_buckets, 3);
    assert_int_equal(places.n_unknown, 2);
    assert_ok(rid_gt_check_find(&c, &doc, &gt, &places, 9, &err));
    assert_true(c.has_stores);
    assert_int_equal(c.entries, 5);
    assert_int_equal(c.people, 2);
    assert_int_equal(c.left_out, 3);
    assert_int_equal(c.store_entries, 7);
    assert_int_equal(c.stores, 2);
    assert_int_equal(c.days, 2);
    assert_int_equal(c.buckets, 3);
    assert_int_equal(c.labelled, 4);
    assert_int_equal(c.mated, 1);
    assert_finding(&c.findings[RID_GT_CONFLICTS], "conflicts", 0, "");
    assert_finding(&c.findings[RID_GT_EMPTY], "empty", 1, "{\"person_id\":\"R\",\"left_out\":1}\n");
    assert_finding(&c.findings[RID_GT_SINGLE], "single", 1,
                   "{\"person_id\":\"Q\",\"left_out\":1}\n");
    assert_finding(&c.findings[RID_GT_UNKNOWN], "unknown", 1,
                   "{\"entry_id\":\"x\",\"person_id\":\"P\"}\n");
    assert_finding(&c.findings[RID_GT_UNLABELLED], "unlabelled", 1,
                   "{\"entry_id\":\"b3\",\"day_id\":\"2025-11-07\",\"store_id\":\"t\"}\n");
    assert_finding(&c.findings[RID_GT_ACROSS_STORES], "across_stores", 1,
                   "{\"person_id\":\"P\",\"stores\":[\"s\",\"t\"]}\n");
    assert_finding(&c.findings[RID_GT_ACROSS_DAYS], "across_days", 1,
                   "{\"person_id\":\"P\",\"days\":[\"2025-11-06\",\"2025-11-07\"]}\n");
    rid_gt_check_clear(&c);
    assert_ok(rid_gt_check_find(&c, &doc, &gt, NULL, 0, &err));
    assert_false(c.has_stores);
    assert_finding(&c.findings[RID_GT_EMPTY], "empty", 1, "");
    assert_finding(&c.findings[RID_GT_UNKNOWN], "unknown", 0, "");
    rid_gt_check_clear(&c);

    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st == RID_ETEMP && nth < 500; nth++) {
        const int64_t blocks = rid_mem_live_blocks();
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = rid_gt_check_find(&c, &doc, &gt, &places, 9, &err);
        rid_gt_check_clear(&c);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    assert_int_equal(st, RID_OK);
    rid_gt_places_close(&places);
    rid_gt_doc_clear(&doc);
}

static void compare(rid_gt_diff *d, const char *a, const char *b, size_t max)
{
    rid_gt_doc docs[2];
    read_doc(&docs[0], "a.json", a);
    read_doc(&docs[1], "b.json", b);
    assert_ok(rid_gt_diff_find(d, &docs[0], &docs[1], max, &err));
    rid_gt_doc_clear(&docs[0]);
    rid_gt_doc_clear(&docs[1]);
}

/* Three of P go to Q, who had two; P's other one moves to R, who had three and stays; S is the new T. */
static void test_diff(void **state)
{
    (void)state;
    rid_gt_diff d;
    compare(&d,
            "{\"1\":\"P\",\"2\":\"P\",\"3\":\"P\",\"4\":\"P\",\"5\":\"Q\",\"6\":\"Q\",\"7\":\"R\","
            "\"8\":\"R\",\"9\":\"R\","
            "\"10\":\"S\",\"11\":\"gone\"}",
            "{\"1\":\"Q\",\"2\":\"Q\",\"3\":\"Q\",\"4\":\"R\",\"5\":\"Q\",\"6\":\"Q\",\"7\":\"R\","
            "\"8\":\"R\",\"9\":\"R\","
            "\"10\":\"T\",\"12\":\"R\",\"13\":\"new\"}",
            9);
    assert_int_equal(d.common, 10);
    assert_int_equal(d.changed, 3);
    assert_int_equal(d.people_a, 5);
    assert_int_equal(d.people_b, 4);
    /* The most of Q were P: P goes on as Q, and the old Q was merged in. */
    assert_finding(&d.findings[RID_GT_RENAMED], "renamed", 2,
                   "{\"from\":\"P\",\"to\":\"Q\",\"entries\":3}\n{\"from\":\"S\",\"to\":\"T\","
                   "\"entries\":1}\n");
    assert_finding(&d.findings[RID_GT_MERGED], "merged", 1,
                   "{\"person_id\":\"Q\",\"from\":[{\"person_id\":\"P\",\"entries\":3},"
                   "{\"person_id\":\"Q\",\"entries\":2}]}\n");
    assert_finding(&d.findings[RID_GT_SPLIT], "split", 0, "");
    assert_finding(&d.findings[RID_GT_MOVED], "moved", 1,
                   "{\"entry_id\":\"4\",\"from\":\"P\",\"to\":\"R\"}\n");
    assert_finding(&d.findings[RID_GT_ADDED], "added", 2,
                   "{\"entry_id\":\"12\",\"person_id\":\"R\",\"left_out\":false}\n"
                   "{\"entry_id\":\"13\",\"person_id\":\"new\",\"left_out\":false}\n");
    assert_finding(&d.findings[RID_GT_REMOVED], "removed", 1,
                   "{\"entry_id\":\"11\",\"person_id\":\"gone\",\"left_out\":false}\n");
    assert_finding(&d.findings[RID_GT_PEOPLE_ADDED], "people_added", 1,
                   "{\"person_id\":\"new\",\"entries\":1}\n");
    assert_finding(&d.findings[RID_GT_PEOPLE_REMOVED], "people_removed", 1,
                   "{\"person_id\":\"gone\",\"entries\":1}\n");
    rid_gt_diff_clear(&d);
}

/* Of halves the one with the name is the heir; else the one that is named first. */
static void test_diff_ties(void **state)
{
    (void)state;
    rid_gt_diff d;
    compare(&d, "{\"1\":\"P\",\"2\":\"P\"}", "{\"1\":\"Q\",\"2\":\"P\"}", 9);
    assert_finding(&d.findings[RID_GT_SPLIT], "split", 1,
                   "{\"person_id\":\"P\",\"into\":[{\"person_id\":\"Q\",\"entries\":1},"
                   "{\"person_id\":\"P\",\"entries\":1}]}\n");
    assert_finding(&d.findings[RID_GT_RENAMED], "renamed", 0, "");
    rid_gt_diff_clear(&d);
    compare(&d, "{\"1\":\"P\",\"2\":\"P\"}", "{\"1\":\"X\",\"2\":\"Y\"}", 0);
    assert_finding(&d.findings[RID_GT_SPLIT], "split", 1, "");
    assert_finding(&d.findings[RID_GT_RENAMED], "renamed", 1, "");
    assert_int_equal(d.changed, 1);
    rid_gt_diff_clear(&d);
    compare(&d, "{}", "{}", 9);
    assert_int_equal(d.common + d.changed + d.people_a + d.people_b, 0);
    rid_gt_diff_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check), cmocka_unit_test(test_diff),
                                       cmocka_unit_test(test_diff_ties)};
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
