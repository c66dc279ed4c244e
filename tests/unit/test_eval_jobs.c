/* The commands of rid-eval as jobs: shortage of memory at every call, damaged documents, many buckets. */
#include "fixture.h"

#include "eval/eval_diff.h"
#include "eval/eval_manifest.h"
#include "eval/clustering.h"

static const char A[] = "{\"provenance\":{\"encoder_hash\":\"h\",\"operating_point\":{"
                        "\"threshold\":0.5,\"margin\":0,\"nn2\":\"identity\"}},"
                        "\"day_id\":\"2025-11-06\",\"store_id\":\"s1\",\"people\":[{\"person_id\":"
                        "\"s1-0001\",\"events\":["
                        "{\"entry_id\":\"e1\",\"timestamp\":\"2025-11-06T08:00:00Z\",\"camera\":"
                        "\"c1\",\"status\":\"new\",\"score\":null,"
                        "\"embeddings\":[[1,2],[3,4]]},"
                        "{\"entry_id\":\"e2\",\"timestamp\":\"2025-11-06T09:00:00Z\",\"camera\":"
                        "\"c2\",\"status\":\"match\",\"match_id\":\"e1\","
                        "\"score\":0.9,\"score2\":-1}]},{\"person_id\":\"s1-0002\",\"events\":[{"
                        "\"entry_id\":\"e3\",\"status\":\"new\"},"
                        "{\"entry_id\":\"e4\",\"timestamp\":\"2025-11-06T10:00:00Z\",\"status\":"
                        "\"match\",\"match_id\":\"e3\",\"score\":0.8}]}]}";
static const char B[] =
    "{\"day_id\":\"2025-11-06\",\"store_id\":\"s1\",\"people\":[{\"person_id\":\"x\",\"events\":["
    "{\"entry_id\":\"e1\",\"timestamp\":\"2025-11-06T08:00:00Z\"},{\"entry_id\":\"e3\"}]},"
    "{\"person_id\":\"y\",\"events\":[{\"entry_id\":\"e2\",\"timestamp\":\"2025-11-06T09:00:00Z\"},"
    "{\"entry_id\":\"e4\",\"timestamp\":\"2025-11-06T10:00:00Z\"}]}]}";

/* Inputs and outputs; fx_path would forget them. */
static char gt_path[512], pairs_path[512], a_path[512], b_path[512], out_path[512],
    errors_path[512];
static const char *const gt = gt_path, *const pairs = pairs_path, *const side_a = a_path;

static rid_status run_manifest(rid_err *err)
{
    rid_summary summary = {0};
    const rid_eval_manifest_options o = {.gt = &gt,
                                         .n_gt = 1,
                                         .pairs = &pairs,
                                         .n_pairs = 1,
                                         .errors = errors_path,
                                         .bootstrap = 20,
                                         .output = {.path = out_path, .json = true, .force = true}};
    const rid_status st = rid_eval_manifest(&o, &side_a, 1, &summary, NULL, err);
    rid_summary_clear(&summary);
    return st;
}

static rid_status run_diff(rid_err *err)
{
    rid_summary summary = {0};
    const rid_eval_diff_options o = {
        .people = {.gt = &gt, .n_gt = 1},
        .bootstrap = 20,
        .threads = 1,
        .point = {.threshold_from = "default", .margin_from = "default", .nn2_from = "default"},
        .output = {.path = out_path, .force = true}};
    const rid_status st = rid_eval_diff(&o, a_path, b_path, &summary, NULL, err);
    rid_summary_clear(&summary);
    return st;
}

static void fail_everywhere(rid_status (*run)(rid_err *))
{
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = run(&err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st != RID_OK && (st != RID_ETEMP || !strstr(err.message, "out of memory")))
            fail_msg("allocation %d: %d, %s", (int)nth, (int)st, err.message);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    strcpy(gt_path, fx_write("gt.json", "{\"e1\":\"P\",\"e2\":\"P\",\"e3\":\"Q\",\"e4\":\"P\"}"));
    strcpy(pairs_path, fx_write("pairs.csv", "qid,aid,label\ne1,e2,1\ne4,e3,0\n"));
    strcpy(a_path, fx_write("a.json", A));
    strcpy(b_path, fx_write("b.json", B));
    strcpy(out_path, fx_path("out.json"));
    strcpy(errors_path, fx_path("errors.csv"));
    fail_everywhere(run_manifest);
    fail_everywhere(run_diff);
}

static rid_status read_clustering(rid_clustering *c, const char *path, rid_err *err)
{
    rid_summary summary = {0};
    const rid_status st = rid_clustering_read(c, &path, 1, NULL, NULL, 0, 1, &summary, NULL, err);
    rid_summary_clear(&summary);
    return st;
}

/* The order of matching, persons in order of first entries, whom they joined. */
static void test_clustering(void **state)
{
    (void)state;
    rid_clustering c;
    assert_ok(read_clustering(&c, fx_write("a.json", A), &err));
    assert_int_equal(c.n_buckets, 1);
    assert_int_equal(c.n_entries, 4);
    const rid_clustered_bucket *b = &c.buckets[0];
    static const char *const ids[] = {"e3", "e1", "e2", "e4"}; /* undated first */
    static const uint32_t persons[] = {0, 1, 1, 0}, joined[] = {RID_NO_ENTRY, RID_NO_ENTRY, 1, 0};
    for (size_t i = 0; i < 4; i++) {
        assert_true(rid_str_equal(b->entries[i].id, rid_str_of(ids[i])));
        assert_int_equal(b->entries[i].person, persons[i]);
        assert_int_equal(b->entries[i].joined, joined[i]);
        rid_clustered_place at;
        assert_true(rid_clustering_find(&c, rid_str_of(ids[i]), &at));
        assert_int_equal(at.row, i);
    }
    assert_true(rid_str_equal(b->persons[0], rid_str_of("s1-0002")));
    assert_true(isnan(b->entries[0].score) && b->entries[2].score == 0.9 &&
                b->entries[2].score2 == -1);
    assert_int_equal(c.n_inferred, 0);
    assert_int_equal(c.made_by.n, 1);
    assert_true(rid_str_equal(
        rid_id_table_at(&c.made_by, 0),
        rid_str_of(
            "{\"encoder_hash\":\"h\",\"threshold\":0.5,\"margin\":0,\"nn2\":\"identity\"}")));
    rid_clustering_clear(&c);
    assert_ok(read_clustering(&c, fx_write("b.json", B), &err));
    assert_int_equal(c.n_inferred, 2);
    assert_int_equal(c.made_by.n, 0);
    assert_int_equal(c.buckets[0].entries[1].joined, 0);
    assert_true(rid_str_equal(c.buckets[0].entries[3].match_id, rid_str_of("e2")));
    rid_clustering_clear(&c);
}

/* Buckets in order of day and store, whatever the order of the files; persons of one name in two. */
static void test_buckets(void **state)
{
    (void)state;
    enum { N = 40 };
    const char *paths[N];
    char names[N][512];
    rid_clustering c;
    rid_summary summary = {0};
    for (int i = 0; i < N; i++) {
        char text[512], name[32];
        const int day = 1 + i * 7 % N / 4, store = i * 7 % N % 4;
        snprintf(name, sizeof name, "m%02d.json", i);
        snprintf(text, sizeof text,
                 "{\"day_id\":\"2025-11-%02d\",\"store_id\":\"s%d\",\"people\":[{\"person_id\":"
                 "\"p\",\"events\":"
                 "[{\"entry_id\":\"e%d-%d\"},{\"entry_id\":\"d%d-%d\"}]}]}",
                 day, store, day, store, day, store);
        snprintf(names[i], sizeof names[i], "%s", fx_write(name, text));
        paths[i] = names[i];
    }
    assert_ok(rid_clustering_read(&c, paths, N, NULL, NULL, 0, 1, &summary, NULL, &err));
    assert_int_equal(c.n_buckets, N);
    for (size_t k = 0; k < N; k++) {
        char day[16], store[8], id[32];
        snprintf(day, sizeof day, "2025-11-%02d", 1 + (int)k / 4);
        snprintf(store, sizeof store, "s%d", (int)k % 4);
        snprintf(id, sizeof id, "d%d-%d", 1 + (int)k / 4, (int)k % 4);
        assert_true(rid_str_equal(c.buckets[k].day, rid_str_of(day)));
        assert_true(rid_str_equal(c.buckets[k].store, rid_str_of(store)));
        assert_true(rid_str_equal(c.buckets[k].entries[0].id, rid_str_of(id)));
        assert_int_equal(c.buckets[k].n_persons, 1);
    }
    rid_clustering_clear(&c);
    assert_ok(rid_clustering_read(&c, paths, N, NULL, NULL, 5, 1, &summary, NULL, &err));
    assert_int_equal(c.n_entries, 5);
    rid_clustering_clear(&c);
    rid_summary_clear(&summary);
}

/* No damage to a document crashes the reader. */
static void test_damaged(void **state)
{
    (void)state;
    rid_random r = fx_random(6);
    for (int i = 0; i < 3000; i++) {
        char text[sizeof A];
        memcpy(text, A, sizeof A);
        const size_t len =
            rid_random_chance(&r, 0.3) ? rid_random_below(&r, sizeof A - 1) : sizeof A - 1;
        for (uint64_t k = rid_random_below(&r, 4); k > 0; k--)
            text[rid_random_below(&r, sizeof A - 1)] =
                "{}[]\",:\\0 \nx\xFF"[rid_random_below(&r, 13)];
        rid_clustering c;
        rid_err err;
        const rid_status st = read_clustering(&c, fx_write_bytes("d.json", text, len), &err);
        rid_clustering_clear(&c);
        if (st != RID_OK && (st != RID_EDATA || (!strstr(err.message, "d.json: line ") &&
                                                 !strstr(err.message, "d.json: entry '"))))
            fail_msg("'%.*s': %d, %s", (int)len, text, (int)st, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_clustering),
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
