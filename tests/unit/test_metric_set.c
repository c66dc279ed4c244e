/* Named figures, conditions on them, and how both come out. */
#include "fixture.h"

#include "data/base/log.h"
#include "eval/eval_output.h"

static rid_metric_set some(void)
{
    rid_metric_set m = {0};
    rid_metrics_add(&m, "recall", 0.1, NULL);
    rid_metrics_add_count(&m, "persons", 12345678901);
    rid_metrics_add(&m, "fnir", NAN, "no mated search");
    return m;
}

static void test_shown(void **state)
{
    (void)state;
    const rid_metric_set m = some();
    rid_buf out = {0};
    rid_jsonw w = {.out = &out};
    rid_metric_set_write_table(&out, &m);
    assert_string_equal(rid_buf_cstr(&out),
                        "recall                      0.100000\n"
                        "persons                  12345678901\n"
                        "fnir                               -  (no mated search)\n");
    rid_buf_clear(&out);
    rid_jsonw_begin_object(&w);
    rid_metric_set_put(&w, &m);
    rid_jsonw_end_object(&w);
    assert_string_equal(rid_buf_cstr(&out),
                        "{\"recall\":0.1,\"persons\":12345678901,\"fnir\":null}");
    rid_buf_clear(&out);
    for (size_t i = 0; i < m.n; i++) {
        rid_metric_append(&out, &m.at[i]);
        rid_buf_append_char(&out, ',');
    }
    assert_string_equal(rid_buf_cstr(&out), "0.1,12345678901,,");
    rid_buf_free(&out);
    assert_ptr_equal(rid_metric_find(&m, rid_str_of("persons")), &m.at[1]);
    assert_null(rid_metric_find(&m, rid_str_of("person")));
}

static void test_table_of_sets(void **state)
{
    (void)state;
    const rid_metric_set sets[] = {some(), some()};
    const rid_str names[] = {rid_str_of("caf\xC3\xA9\n"),
                             rid_str_of("a name that is longer than most of them")};
    const char *const columns[] = {"persons", "fnir", "recall"};
    rid_buf out = {0};
    rid_metric_sets_write(&out, "NAME", names, sets, 2, columns, 3);
    assert_string_equal(
        rid_buf_cstr(&out),
        "NAME                                      persons      fnir    recall\n"
        "caf\xC3\xA9\\n                                   12345678901         -  0.100000\n"
        "a name that is longer than most of them  12345678901         -  0.100000\n");
    rid_buf_free(&out);
}

/* Names that pipelines rely on, in the order of surface.csv. */
static void test_names(void **state)
{
    (void)state;
    const rid_cluster_counts clusters = {0};
    const rid_search_counts searches = {0};
    const rid_pair_counts pairs = {0};
    const rid_ranking ranking = {0};
    const rid_separation separation = {0};
    const rid_open_set open = {0};
    rid_metric_set m = {0};
    rid_buf out = {0};
    rid_metrics_add_clusters(&m, &clusters);
    rid_metrics_add_searches(&m, &searches);
    rid_metrics_add_pairs(&m, &pairs);
    rid_metrics_add_ranking(&m, &ranking);
    rid_metrics_add_open_set(&m, &open);
    for (size_t i = 0; i < m.n; i++)
        rid_buf_printf(&out, "%s ", m.at[i].name);
    assert_string_equal(
        rid_buf_cstr(&out),
        "persons true_persons pairwise_precision pairwise_recall pairwise_f1 bcubed_precision "
        "bcubed_recall bcubed_f1 v_measure ari mated nonmated hits wrong_matches "
        "false_matches to_unlabelled fnir fpir pairs_precision pairs_recall pairs_f1 map "
        "rank1 rank5 rank10 minp fnir_fpir_1e1 fnir_fpir_1e2 fnir_fpir_1e3 ");
    m.n = 0;
    rid_metrics_add_separation(&m, &separation);
    rid_buf_clear(&out);
    for (size_t i = 0; i < m.n; i++)
        rid_buf_printf(&out, "%s ", m.at[i].name);
    assert_string_equal(rid_buf_cstr(&out),
                        "auc eer dprime tar_far_1e1 tar_far_1e2 tar_far_1e3 tar_far_1e4 "
                        "best_f1 best_f1_threshold ");
    rid_buf_free(&out);
}

static bool holds(const char *text)
{
    const rid_metric_set m = some();
    rid_assertion a;
    assert_ok(rid_assertion_parse(&a, text, &err));
    assert_ok(rid_assertion_check_name(&a, &m, &err));
    return rid_assertion_holds(&a, &m);
}

static void test_conditions(void **state)
{
    (void)state;
    static const struct {
        const char *operator;
        bool below, at, above; /* of a bound below the figure, at it, above it */
    } all[] = {{">=", true, true, false}, {">", true, false, false},  {"<=", false, true, true},
               {"<", false, false, true}, {"==", false, true, false}, {"!=", true, false, true}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "recall%s0.09", all[i].operator);
        assert_int_equal(holds(text), all[i].below);
        snprintf(text, sizeof text, " recall \t%s 1e-1 ", all[i].operator);
        assert_int_equal(holds(text), all[i].at);
        snprintf(text, sizeof text, "recall %s0.11", all[i].operator);
        assert_int_equal(holds(text), all[i].above);
        snprintf(text, sizeof text, "fnir %s 0", all[i].operator); /* undefined: never */
        assert_false(holds(text));
    }
    assert_true(holds("persons == 12345678901"));
    assert_true(holds("recall > -1"));
}

static void test_no_conditions(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "recall",
                                      ">= 1",
                                      "recall >= ",
                                      "recall => 1",
                                      "recall = 1",
                                      "recall >= one",
                                      "recall >= 1x",
                                      "recall >= 0x1",
                                      "recall ! 1",
                                      "recall >== 1",
                                      "recall >= nan",
                                      "recall >= 1 2"};
    const rid_metric_set m = some();
    rid_assertion a;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(rid_assertion_parse(&a, bad[i], &err), RID_EUSAGE,
                     "is not like 'pairwise_f1 >= 0.95'");
    assert_ok(rid_assertion_parse(&a, "recal >= 1", &err));
    assert_fails(rid_assertion_check_name(&a, &m, &err), RID_EUSAGE,
                 "no figure 'recal' here, but recall, persons, fnir");
}

static rid_buf logged;

static void take_log(void *ctx, rid_log_level level, const char *line)
{
    (void)ctx;
    rid_buf_printf(&logged, "%d %s\n", (int)level, line);
}

static rid_status write_out(const rid_eval_output_options *o, const char *more, rid_err *err)
{
    const rid_metric_set m = some();
    rid_eval_output *e;
    rid_status st = rid_eval_output_open(&e, o, "test", &m, err);
    if (st != RID_OK)
        return st;
    rid_eval_output_begin(e, &m);
    if (o->json) {
        rid_jsonw_key(rid_eval_output_json(e), "more");
        rid_jsonw_cstr(rid_eval_output_json(e), more);
    } else {
        rid_buf_append_str(rid_eval_output_text(e), more);
    }
    st = rid_eval_output_finish(e, err);
    rid_eval_output_free(e);
    return st;
}

/* Published, and then refused: every condition that does not hold by name. */
static void test_output(void **state)
{
    (void)state;
    const char *conditions[] = {"recall >= 0.1", "persons < 3", "fnir <= 1"};
    rid_eval_output_options o = {
        .path = fx_path("out.json"), .json = true, .assertions = conditions, .n_assertions = 3};
    rid_log_set_sink(take_log, NULL);
    assert_fails(write_out(&o, "x", &err), RID_EASSERT, "2 of 3 assertions failed");
    rid_log_set_sink(NULL, NULL);
    assert_string_equal(rid_buf_cstr(&logged),
                        "0 assertion failed: persons < 3: persons is 12345678901\n"
                        "0 assertion failed: fnir <= 1: fnir is not defined (no mated search)\n");
    rid_buf text = fx_read(o.path);
    assert_non_null(strstr(rid_buf_cstr(&text),
                           "\"command\":\"test\",\"assertions\":[{\"assertion\":\"recall >= 0.1\","
                           "\"value\":0.1,\"holds\":true},{\"assertion\":\"persons < 3\""));
    assert_non_null(strstr(
        text.data, "{\"assertion\":\"fnir <= 1\",\"value\":null,\"holds\":false}],\"recall\":0.1,"
                   "\"persons\":12345678901,\"fnir\":null,\"more\":\"x\"}\n"));
    rid_buf_free(&text);
    rid_buf_free(&logged);

    assert_fails(write_out(&o, "x", &err), RID_EUSAGE, "--force");
    o.force = true;
    o.json = false;
    o.n_assertions = 1;
    assert_ok(write_out(&o, "more\n", &err));
    text = fx_read(o.path);
    assert_non_null(strstr(rid_buf_cstr(&text), "(no mated search)\nmore\n"));
    rid_buf_free(&text);
    o.dry_run = true;
    o.force = false;
    o.path = fx_path("dry.json");
    assert_ok(write_out(&o, "more\n", &err));
    assert_false(fx_exists(o.path));
    conditions[0] = "recal > 1";
    assert_fails(write_out(&o, "x", &err), RID_EUSAGE, "no figure 'recal'");
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *conditions[] = {"recall >= 0.1"};
    const rid_eval_output_options o = {.path = fx_path("memory.json"),
                                       .json = true,
                                       .force = true,
                                       .assertions = conditions,
                                       .n_assertions = 1};
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = write_out(&o, "x", &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(st == RID_OK || st == RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shown),         cmocka_unit_test(test_table_of_sets),
        cmocka_unit_test(test_names),         cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_no_conditions), cmocka_unit_test(test_output),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
