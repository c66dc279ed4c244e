/* The run's counts and the document they are written as. */
#include "tests/unit/fixture.h"

#include "data/base/log.h"
#include "data/json.h"
#include "data/summary.h"

static double number_of(rid_json root, const char *key)
{
    rid_json v;
    double x = -1;
    if (!rid_json_find(root, key, &v) || !rid_json_get_f64(v, &x))
        fail_msg("no number '%s'", key);
    return x;
}

static rid_json object_of(rid_json root, const char *key)
{
    rid_json v;
    if (!rid_json_find(root, key, &v) || rid_json_type_of(v) != RID_JSON_OBJECT)
        fail_msg("no object '%s'", key);
    return v;
}

static size_t size_of(rid_json v)
{
    size_t n = 0;
    rid_json child;
    for (rid_json_iter it = rid_json_begin(v); rid_json_next(&it, NULL, &child);)
        n++;
    return n;
}

static void fill(rid_summary *s, uint64_t k)
{
    s->read = 100 * k;
    s->accepted = 90 * k;
    s->duplicates = 2 * k;
    s->skipped = 3 * k;
    s->rejects[RID_REJECT_SYNTAX] = 4 * k;
    s->rejects[RID_REJECT_INPUT] = 6 * k;
    assert_ok(rid_oov_add(&s->oov, rid_str_of("hat \"x\""), rid_str_of("tall"), k, &err));
    assert_ok(rid_oov_add(&s->oov, rid_str_of("bag"), rid_str_of(""), k, &err));
    assert_ok(rid_oov_add(&s->oov, rid_str_of("hat \"x\""), rid_str_of("low"), 2 * k, &err));
    rid_summary_add_stage(s, "read", 0.5 * (double)k);
    rid_summary_add_stage(s, "encode", 0.25 * (double)k);
    rid_summary_add_stage(s, "read", 0.5 * (double)k);
    rid_summary_add_figure(s, "buckets", 7 * (double)k);
}

static void test_document(void **state)
{
    (void)state;
    rid_summary s = {0};
    rid_buf out = {0};
    rid_json root, v;
    rid_str text;
    rid_json_parser *parser = rid_json_parser_new();
    fill(&s, 1);
    assert_int_equal(rid_summary_rejected(&s), 10);
    rid_summary_write_json(&s, "rid-encode", 3, 2.0, &out);
    assert_int_equal(out.data[out.len - 1], '\n');
    assert_non_null(rid_buf_reserve(&out, RID_JSON_PADDING));
    assert_ok(rid_json_parse(parser, out.data, out.len, &root, &err));
    assert_false(rid_json_find_duplicate_key(root, &text));
    assert_true(number_of(root, "format_version") == 1 && number_of(root, "exit") == 3);
    assert_true(number_of(root, "read") == 100 && number_of(root, "accepted") == 90);
    assert_true(number_of(root, "rejected") == 10 && number_of(root, "duplicates") == 2);
    assert_true(number_of(root, "skipped") == 3 && number_of(root, "buckets") == 7);
    assert_true(number_of(root, "entries_per_second") == 45);
    assert_true(number_of(root, "peak_rss_bytes") > 1000);
    assert_true(rid_json_find(root, "tool", &v) && rid_json_get_str(v, &text) &&
                rid_str_equal(text, rid_str_of("rid-encode")));
    rid_json rejects = object_of(root, "rejects"), oov = object_of(root, "oov");
    assert_int_equal(size_of(rejects), 2); /* only what happened */
    assert_true(number_of(rejects, "syntax") == 4 && number_of(rejects, "unreadable_input") == 6);
    assert_int_equal(size_of(oov), 2);
    assert_true(number_of(object_of(oov, "hat \"x\""), "low") == 2);
    assert_true(number_of(object_of(oov, "hat \"x\""), "tall") == 1);
    assert_true(number_of(object_of(oov, "bag"), "") == 1);
    rid_json seconds = object_of(root, "seconds");
    assert_true(number_of(seconds, "wall") == 2 && number_of(seconds, "read") == 1 &&
                number_of(seconds, "encode") == 0.25);
    rid_json_parser_free(parser);
    rid_buf_free(&out);
    rid_summary_clear(&s);
}

static void test_empty_document(void **state)
{
    (void)state;
    rid_summary s = {0};
    rid_buf out = {0};
    rid_json root;
    rid_json_parser *parser = rid_json_parser_new();
    rid_summary_write_json(&s, "x", 0, 0, &out);
    assert_non_null(rid_buf_reserve(&out, RID_JSON_PADDING));
    assert_ok(rid_json_parse(parser, out.data, out.len, &root, &err));
    assert_true(number_of(root, "entries_per_second") == 0 && number_of(root, "rejected") == 0);
    assert_int_equal(size_of(object_of(root, "rejects")), 0);
    assert_int_equal(size_of(object_of(root, "oov")), 0);
    rid_json_parser_free(parser);
    rid_buf_free(&out);
}

/* The document's text from the key `from` on, as long as `expected`. */
static void assert_says(const rid_summary *s, const char *from, const char *expected)
{
    rid_buf out = {0};
    rid_summary_write_json(s, "x", 0, 0, &out);
    const char *found = strstr(rid_buf_cstr(&out), from);
    assert_non_null(found);
    if (strncmp(found, expected, strlen(expected)) != 0)
        fail_msg("'%.80s', expected '%s'", found, expected);
    rid_buf_free(&out);
}

static void test_flags_and_words(void **state)
{
    (void)state;
    rid_summary s = {0};
    rid_summary_add_figure(&s, "map", NAN);
    rid_summary_say_flag(&s, "improved", true);
    rid_summary_say(&s, "recommend", "--encoder \"mean\"");
    rid_summary_say(&s, "note", NULL);
    assert_says(&s, "\"map\"",
                "\"map\":null,\"improved\":true,"
                "\"recommend\":\"--encoder \\\"mean\\\"\",\"note\":null,\"seconds\"");
    /* what is said last counts, a flag or a word */
    rid_summary_say(&s, "recommend", NULL);
    rid_summary_say(&s, "improved", "no");
    rid_summary_say_flag(&s, "note", false);
    assert_says(&s, "\"improved\"",
                "\"improved\":\"no\",\"recommend\":null,\"note\":false,\"seconds\"");
    rid_summary_clear(&s);
}

/* More names than there is room for are not an overflow. */
static void test_many_names(void **state)
{
    (void)state;
    static const char *const names[] = {"0",  "1",  "2",  "3",  "4",  "5",  "6",  "7",  "8",  "9",
                                        "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"};
    rid_summary s = {0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < 20; i++) {
            rid_summary_add_stage(&s, names[i], 1);
            rid_summary_add_figure(&s, names[i], 1);
            rid_summary_say(&s, names[i], names[i]);
            rid_summary_say_flag(&s, names[i], true);
        }
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX; i++) {
        assert_true(s.stages[i].seconds == 2 && s.figures[i].value == 2);
        assert_true(s.said[i].name == names[i] && s.said[i].is_flag);
    }
    assert_int_equal(s.exit_code, 0);
    rid_summary_clear(&s);
}

static void test_reject_limits(void **state)
{
    (void)state;
    rid_summary s = {.read = 200};
    s.rejects[RID_REJECT_ID] = 3;
    assert_true(rid_summary_exceeds(&s, (rid_reject_limit){2, false}));
    assert_false(rid_summary_exceeds(&s, (rid_reject_limit){3, false}));
    assert_true(rid_summary_exceeds(&s, (rid_reject_limit){1.49, true}));
    assert_false(rid_summary_exceeds(&s, (rid_reject_limit){1.5, true}));
    s.rejects[RID_REJECT_ID] = 0;
    assert_false(rid_summary_exceeds(&s, (rid_reject_limit){0, true}));
    s.rejects[RID_REJECT_INPUT] = 1; /* nobody knows how many payloads that was */
    assert_true(rid_summary_exceeds(&s, (rid_reject_limit){100, false}));
    assert_true(rid_summary_exceeds(&s, (rid_reject_limit){100, true}));
}

static void test_reject_names(void **state)
{
    (void)state;
    for (int i = 0; i < RID_REJECT_COUNT; i++) {
        assert_non_null(rid_reject_name((rid_reject)i));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(rid_reject_name((rid_reject)i), rid_reject_name((rid_reject)k));
    }
}

/* ---- messages and progress ---- */

static char last_line[64];
static int lines, shown, finished;

static void sink(void *ctx, rid_log_level level, const char *line)
{
    assert_ptr_equal(ctx, &lines);
    assert_int_equal(level, RID_LOG_WARN);
    snprintf(last_line, sizeof last_line, "%s", line);
    lines++;
}

static void show(rid_progress *p, uint64_t done, uint64_t total, bool last)
{
    assert_true(p && done <= total);
    shown += !last;
    finished += last;
}

static void test_log_and_progress(void **state)
{
    (void)state;
    rid_log(RID_LOG_ERROR, "to nobody");
    rid_log_set_sink(sink, &lines);
    rid_log(RID_LOG_WARN, "%d of %s", 7, "these");
    rid_log_set_sink(NULL, NULL);
    rid_log(RID_LOG_WARN, "to nobody");
    assert_int_equal(lines, 1);
    assert_string_equal(last_line, "7 of these");
    rid_progress p = {
        .show = show, .unit = "payloads", .interval_ms = 1000000, .shown_ms = rid_clock_ms()};
    for (uint64_t i = 0; i < 1000; i++)
        rid_progress_update(&p, i, 1000);
    assert_int_equal(shown, 0);
    p.interval_ms = 0;
    rid_progress_update(&p, 1, 1000);
    assert_int_equal(shown, 1);
    rid_progress_finish(&p, 1000, 1000);
    assert_int_equal(finished, 1);
    rid_progress_update(NULL, 1, 1);
    rid_progress_finish(NULL, 1, 1);
    double a = rid_clock_s(), b = rid_clock_s();
    assert_true(b >= a);
}

static int end(void **state)
{
    (void)state;
    return rid_mem_live_blocks() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),         cmocka_unit_test(test_empty_document),
        cmocka_unit_test(test_flags_and_words),  cmocka_unit_test(test_many_names),
        cmocka_unit_test(test_reject_limits),    cmocka_unit_test(test_reject_names),
        cmocka_unit_test(test_log_and_progress),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
