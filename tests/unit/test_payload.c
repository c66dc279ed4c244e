/* One payload: what is accepted, what is rejected and for which reason, and what becomes of it. */
#include "tests/unit/fixture.h"

#include "data/payload.h"
#include "data/payload_skim.h"

#include <float.h>

static rid_timezones *zones;
static rid_json_parser *parser;
static rid_payload payload;
static rid_payload_fault fault;

/* True where accepted; the text ends where nothing but padding is readable. */
static bool parse_with(const char *text, size_t n, rid_str key, const rid_schema *schema)
{
    rid_buf padded = {0};
    rid_payload_rules rules = {schema, zones};
    bool rejected = false;
    rid_buf_append(&padded, text, n);
    assert_non_null(rid_buf_reserve(&padded, RID_JSON_PADDING));
    memset(padded.data + padded.len, 0xFF, RID_JSON_PADDING);
    assert_ok(
        rid_payload_parse(&payload, parser, padded.data, n, key, &rules, &rejected, &fault, &err));
    rid_buf_free(&padded); /* nothing may point into the text afterwards */
    assert_true(!rejected || (fault.message[0] && fault.offset <= n));
    assert_true(rid_utf8_valid(fault.message, strlen(fault.message)));
    return !rejected;
}

static bool parse(const char *text)
{
    return parse_with(text, strlen(text), (rid_str){NULL, 0}, NULL);
}

static void expect_reject(const char *text, rid_reject reason, const char *part)
{
    if (parse(text))
        fail_msg("accepted: %.200s", text);
    if (fault.reason != reason || !strstr(fault.message, part))
        fail_msg("%.200s: %s: %s (expected %s: %s)", text, rid_reject_name(fault.reason),
                 fault.message, rid_reject_name(reason), part);
}

static void expect_accept(const char *text)
{
    if (!parse(text))
        fail_msg("%.200s: %s: %s", text, rid_reject_name(fault.reason), fault.message);
}

static void expect_text(rid_text_field f, const char *expected)
{
    rid_str s = payload.meta.text[f];
    if (!expected ? s.data != NULL : !rid_str_equal(s, rid_str_of(expected)))
        fail_msg("%s: '%.*s', expected %s", rid_text_field_key(f), RID_STR(s), expected);
}

#define DAY "\"day_id\":\"2025-11-06\""
#define BASE "\"entry_id\":\"s1-7\"," DAY ","
#define FRAMES "\"embeddings\":[[1,2],[3,4]]"
#define P(members) "{" BASE FRAMES "," members "}"

static void test_everything_given(void **state)
{
    (void)state;
    expect_accept(
        "{\"day_id\":\"2025-11-06\",\"store_id\":\"nc\\u0030009\",\"entry_id\":\"nc0009-1\","
        "\"alert_id\":\"al\",\"employee_id\":\"em\",\"timestamp\":\"2025-11-06T08:15:00.25+01:00\","
        "\"direction\":\"exit\",\"camera\":\"c\xC3\xBC\",\"images\":[\"s3://a\",\"\",\"b\\n\"],"
        "\"embeddings\":[[1.5,-2],[0,1e-3]],\"attrs\":{ \"a\" : [ 1.0, null ] },\"topk\":20,"
        "\"persist\":false,\"extra\":{\"entry_id\":7}}");
    expect_text(RID_TEXT_ID, "nc0009-1");
    expect_text(RID_TEXT_DAY, "2025-11-06");
    expect_text(RID_TEXT_STORE, "nc0009");
    expect_text(RID_TEXT_CAMERA, "c\xC3\xBC");
    expect_text(RID_TEXT_DIRECTION, "exit");
    expect_text(RID_TEXT_ALERT, "al");
    expect_text(RID_TEXT_EMPLOYEE, "em");
    expect_text(RID_TEXT_TIMESTAMP, "2025-11-06T08:15:00.25+01:00");
    assert_int_equal(payload.meta.timestamp_us, 1762413300250000);
    static const float frames[] = {1.5f, -2, 0, 1e-3f};
    assert_int_equal(payload.frames.rows, 2);
    assert_int_equal(payload.frames.cols, 2);
    assert_memory_equal(payload.frames.data, frames, sizeof frames);
    assert_int_equal(payload.n_images, 3);
    assert_true(rid_str_equal(rid_payload_image(&payload, 0), rid_str_of("s3://a")));
    assert_int_equal(rid_payload_image(&payload, 1).len, 0);
    assert_true(rid_str_equal(rid_payload_image(&payload, 2), rid_str_of("b\n")));
    assert_true(rid_str_equal(rid_buf_view(&payload.attrs), rid_str_of("{\"a\":[1,null]}")));
    assert_false(payload.persist);
}

/* Nothing of the payload before stays. */
static void test_least_given(void **state)
{
    (void)state;
    test_everything_given(state);
    expect_accept("{\"entry_id\":\"s1-7\",\"day_id\":\"2025-11-06\",\"embeddings\":[[7]]}");
    expect_text(RID_TEXT_ID, "s1-7");
    expect_text(RID_TEXT_STORE, "s1");
    expect_text(RID_TEXT_CAMERA, NULL);
    expect_text(RID_TEXT_DIRECTION, NULL);
    expect_text(RID_TEXT_ALERT, NULL);
    expect_text(RID_TEXT_EMPLOYEE, NULL);
    expect_text(RID_TEXT_TIMESTAMP, NULL);
    assert_true(payload.meta.timestamp_us == RID_TIMESTAMP_NONE);
    assert_int_equal(payload.frames.rows, 1);
    assert_int_equal(payload.frames.cols, 1);
    assert_int_equal(payload.n_images, 0);
    assert_int_equal(payload.attrs.len, 0);
    assert_true(payload.persist);
}

static void test_accepted(void **state)
{
    (void)state;
    rid_buf text = {0};
    expect_accept(P("\"direction\":\"\""));
    expect_accept(P("\"attrs\":{}"));
    expect_accept(P("\"images\":[]"));
    expect_accept(P("\"topk\":-1"));
    expect_accept(P("\"x\":{\"a\":1},\"y\":{\"a\":1}"));
    expect_accept(" \t\r\n" P("\"x\":1") "\n");
    expect_accept("{" BASE "\"embeddings\":[[0,0],[0.0,-0]]}");
    expect_accept("{" BASE "\"embeddings\":[[3.4028235e38,-3.4028235e38,1e-320]]}");
    assert_true(payload.frames.data[0] == FLT_MAX);
    rid_buf_printf(&text, "{" BASE "\"embeddings\":[");
    for (int i = 0; i < 10000; i++)
        rid_buf_printf(&text, "%s[%d,0.5]", i ? "," : "", i);
    rid_buf_append_str(&text, "]}");
    expect_accept(rid_buf_cstr(&text));
    assert_int_equal(payload.frames.rows, 10000);
    assert_true(payload.frames.data[2 * 9999] == 9999);
    /* Many unknown keys; ids of 255 bytes. */
    rid_buf_clear(&text);
    rid_buf_append_str(&text, "{");
    for (int i = 0; i < 300; i++)
        rid_buf_printf(&text, "\"k%d\":{\"x\":0},", i);
    rid_buf_printf(&text, "\"entry_id\":\"%0255d\"," DAY "," FRAMES "}", 7);
    expect_accept(rid_buf_cstr(&text));
    assert_int_equal(payload.meta.text[RID_TEXT_ID].len, 255);
    assert_int_equal(payload.meta.text[RID_TEXT_STORE].len, 255);
    rid_buf_free(&text);
}

static void test_broken_json(void **state)
{
    (void)state;
    expect_reject("", RID_REJECT_SYNTAX, "the text ends here");
    expect_reject("{" BASE FRAMES, RID_REJECT_SYNTAX, "',' or '}'");
    assert_int_equal(fault.offset, strlen("{" BASE FRAMES));
    expect_reject("{" BASE "\"embeddings\":[[1,2],[3,", RID_REJECT_SYNTAX, "the text ends here");
    expect_reject("{" BASE "\"embeddings\":[[1,2],[3 4]]}", RID_REJECT_SYNTAX, "',' or ']'");
    expect_reject("{" BASE "\"embeddings\":[[NaN]]}", RID_REJECT_SYNTAX, "a JSON value");
    expect_reject("{" BASE "\"embeddings\":[[Infinity]]}", RID_REJECT_SYNTAX, "a JSON value");
    expect_reject("{" BASE "\"embeddings\":[[-Infinity]]}", RID_REJECT_SYNTAX, "a number");
    expect_reject("{" BASE "\"embeddings\":[[1,]]}", RID_REJECT_SYNTAX, "a JSON value");
    expect_reject("{" BASE "\"embeddings\":[[1],]}", RID_REJECT_SYNTAX, "a JSON value");
    expect_reject("{" BASE "\"embeddings\":[[01]]}", RID_REJECT_SYNTAX, "leading zeros");
    expect_reject("{" BASE FRAMES "}{}", RID_REJECT_SYNTAX, "nothing after");
    expect_reject("{" BASE FRAMES "]", RID_REJECT_SYNTAX, "',' or '}'");
    expect_reject(P("\"x\":tru"), RID_REJECT_SYNTAX, "a JSON value");
    assert_false(parse_with("{" BASE FRAMES "\0}", sizeof "{" BASE FRAMES "\0}" - 1,
                            (rid_str){NULL, 0}, NULL));
    assert_int_equal(fault.reason, RID_REJECT_SYNTAX);
    expect_reject("[1]", RID_REJECT_TYPE, "expected an object, found an array");
    expect_reject("7", RID_REJECT_TYPE, "found a number");
    expect_reject("null", RID_REJECT_TYPE, "found null");
}

static void test_depth(void **state)
{
    (void)state;
    for (int depth = 60; depth < 70; depth++) {
        rid_buf text = {0};
        rid_buf_append_str(&text, "{" BASE FRAMES ",\"x\":");
        for (int i = 1; i < depth; i++)
            rid_buf_append_char(&text, '[');
        rid_buf_append_char(&text, '1');
        for (int i = 1; i < depth; i++)
            rid_buf_append_char(&text, ']');
        rid_buf_append_char(&text, '}');
        if (depth <= 64)
            expect_accept(rid_buf_cstr(&text));
        else
            expect_reject(rid_buf_cstr(&text), RID_REJECT_DEPTH, "less nesting");
        rid_buf_free(&text);
    }
}

static void test_missing(void **state)
{
    (void)state;
    expect_reject("{}", RID_REJECT_MISSING, "entry_id");
    expect_reject("{" DAY "," FRAMES "}", RID_REJECT_MISSING, "entry_id");
    expect_reject("{\"entry_id\":\"a\"," FRAMES "}", RID_REJECT_MISSING, "day_id");
    expect_reject("{\"entry_id\":\"a\"," DAY "}", RID_REJECT_MISSING, "embeddings");
}

static void test_types(void **state)
{
    (void)state;
    static const char *const texts[] = {"entry_id",    "day_id",    "store_id",  "alert_id",
                                        "employee_id", "timestamp", "direction", "camera"};
    static const char *const values[] = {"7", "null", "true", "[]", "{}", "1.5"};
    for (size_t i = 0; i < 8; i++) {
        for (size_t k = 0; k < 6; k++) {
            char text[256], part[64];
            bool required = i < 2;
            snprintf(text, sizeof text, "{%s\"%s\":%s," FRAMES "}",
                     required ? (i == 0 ? DAY "," : "\"entry_id\":\"a\",") : BASE, texts[i],
                     values[k]);
            snprintf(part, sizeof part, "%s: expected a string, found", texts[i]);
            expect_reject(text, RID_REJECT_TYPE, part);
        }
    }
    expect_reject(P("\"images\":\"a\""), RID_REJECT_TYPE, "images: expected an array of strings");
    expect_reject(P("\"images\":null"), RID_REJECT_TYPE, "images");
    expect_reject(P("\"images\":[\"a\",7]"), RID_REJECT_TYPE, "images");
    expect_reject(P("\"attrs\":[]"), RID_REJECT_TYPE, "attrs: expected an object, found an array");
    expect_reject(P("\"attrs\":null"), RID_REJECT_TYPE, "attrs");
    expect_reject(P("\"topk\":\"20\""), RID_REJECT_TYPE, "topk");
    expect_reject(P("\"topk\":2.5"), RID_REJECT_TYPE, "topk");
    expect_reject(P("\"persist\":1"), RID_REJECT_TYPE, "persist");
    expect_reject(P("\"persist\":null"), RID_REJECT_TYPE, "persist");
}

static void test_frames(void **state)
{
    (void)state;
    static const struct {
        const char *frames;
        rid_reject reason;
        const char *part;
    } cases[] = {
        {"[]", RID_REJECT_NO_FRAMES, "no frames"},
        {"[[]]", RID_REJECT_NO_FRAMES, "no frames"},
        {"7", RID_REJECT_TYPE, "array of arrays"},
        {"null", RID_REJECT_TYPE, "array of arrays"},
        {"{}", RID_REJECT_TYPE, "array of arrays"},
        {"\"x\"", RID_REJECT_TYPE, "array of arrays"},
        {"[1,2]", RID_REJECT_TYPE, "frame 0"},
        {"[[1],2]", RID_REJECT_TYPE, "frame 1"},
        {"[[1,2],[3,\"4\"]]", RID_REJECT_TYPE, "embeddings[1][1]"},
        {"[[1,null]]", RID_REJECT_TYPE, "embeddings[0][1]"},
        {"[[1,[2]]]", RID_REJECT_TYPE, "embeddings[0][1]"},
        {"[[1,2],[3]]", RID_REJECT_RAGGED, "embeddings[1] has 1 numbers, embeddings[0] has 2"},
        {"[[1],[2],[3,4]]", RID_REJECT_RAGGED, "embeddings[2] has 2 numbers"},
        {"[[1],[]]", RID_REJECT_RAGGED, "embeddings[1] has 0"},
        {"[[1,1e39]]", RID_REJECT_RANGE, "embeddings[0][1]"},
        {"[[1],[-3.41e38]]", RID_REJECT_RANGE, "embeddings[1][0]"},
        {"[[1e999]]", RID_REJECT_RANGE, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{" BASE "\"embeddings\":%s}", cases[i].frames);
        expect_reject(text, cases[i].reason, cases[i].part);
    }
}

static void test_ids(void **state)
{
    (void)state;
    static const char *const ids[] = {"entry_id", "store_id", "camera", "alert_id", "employee_id"};
    for (size_t i = 0; i < 5; i++) {
        char text[1024], part[64];
        const char *before = i == 0 ? DAY "," : BASE;
        snprintf(text, sizeof text, "{%s\"%s\":\"\"," FRAMES "}", before, ids[i]);
        snprintf(part, sizeof part, "%s is empty", ids[i]);
        expect_reject(text, RID_REJECT_ID, part);
        snprintf(text, sizeof text, "{%s\"%s\":\"%0256d\"," FRAMES "}", before, ids[i], 7);
        expect_reject(text, RID_REJECT_ID, "has 256 bytes");
        snprintf(text, sizeof text, "{%s\"%s\":\"a\\u0000\"," FRAMES "}", before, ids[i]);
        expect_reject(text, RID_REJECT_ID, "NUL");
        snprintf(text, sizeof text, "{%s\"%s\":\"a\xFF\"," FRAMES "}", before, ids[i]);
        expect_reject(text, RID_REJECT_UTF8, "UTF-8");
        snprintf(text, sizeof text, "{%s\"%s\":\"a\\ud800\"," FRAMES "}", before, ids[i]);
        expect_reject(text, RID_REJECT_UTF8, "surrogate");
    }
    expect_reject(P("\"direction\":\"\\u0000\""), RID_REJECT_ID, "NUL");
    expect_reject("{\"entry_id\":\"-1\"," DAY "," FRAMES "}", RID_REJECT_ID, "begins with '-'");
    expect_accept("{\"entry_id\":\"-1\",\"store_id\":\"s\"," DAY "," FRAMES "}");
    expect_accept("{\"entry_id\":\"a/../\\\"\\n\"," DAY "," FRAMES "}");
    expect_text(RID_TEXT_STORE, "a/../\"\n");
    expect_reject(P("\"images\":[\"\xFF\"]"), RID_REJECT_UTF8, "");
    expect_reject(P("\"attrs\":{\"a\":\"\xC0\xAF\"}"), RID_REJECT_UTF8, "");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    expect_reject(P("\"entry_id\":\"s1-7\""), RID_REJECT_DUPLICATE_KEY, "'entry_id'");
    expect_reject(P("\"embeddings\":[[1]]"), RID_REJECT_DUPLICATE_KEY, "'embeddings'");
    expect_reject(P("\"x\":1,\"\\u0078\":2"), RID_REJECT_DUPLICATE_KEY, "'x'");
    expect_reject(P("\"attrs\":{\"a\":{\"b\":1,\"b\":2}}"), RID_REJECT_DUPLICATE_KEY,
                  "attrs: key 'b'");
    expect_reject(P("\"x\":[{\"c\":1,\"c\":2}]"), RID_REJECT_DUPLICATE_KEY, "'c'");
    rid_buf text = {0};
    rid_buf_append_str(&text, "{" BASE FRAMES);
    for (int i = 0; i < 100; i++)
        rid_buf_printf(&text, ",\"k%d\":0", i);
    rid_buf_append_str(&text, ",\"k3\":0}");
    expect_reject(rid_buf_cstr(&text), RID_REJECT_DUPLICATE_KEY, "'k3'");
    rid_buf_free(&text);
    expect_reject(P("\"a\\nb\":1,\"a\\nb\":2"), RID_REJECT_DUPLICATE_KEY, "'a?b'");
}

static void test_times(void **state)
{
    (void)state;
    static const char *const days[] = {"2025-02-29",           "2025-13-01", "2025-11-6",
                                       "06.11.2025",           "",           "0000-01-01",
                                       "2025-11-06T00:00:00Z", "2025-11-31", "20251106"};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"entry_id\":\"a\",\"day_id\":\"%s\"," FRAMES "}", days[i]);
        expect_reject(text, RID_REJECT_DAY, "calendar date");
    }
    static const char *const stamps[] = {
        "yesterday",          "", "2025-11-06", "2025-11-06T25:00:00Z", "2025-02-30T00:00:00Z",
        "2025-11-06T08:15:00"};
    for (size_t i = 0; i < sizeof stamps / sizeof stamps[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "{" BASE "\"timestamp\":\"%s\"," FRAMES "}", stamps[i]);
        expect_reject(text, RID_REJECT_TIMESTAMP, "RFC 3339");
    }
    expect_reject("{\"entry_id\":\"a\",\"timestamp\":\"0001-01-01T00:00:00+01:00\"," FRAMES "}",
                  RID_REJECT_TIMESTAMP, "years 1 to 9999");
    /* A day that is given need not be the timestamp's. */
    expect_accept("{" BASE "\"timestamp\":\"2025-11-09T08:15:00Z\"," FRAMES "}");
    expect_text(RID_TEXT_DAY, "2025-11-06");
}

static void test_day_from_timestamp(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"s1-7", "2025-11-06T23:30:00Z", "2025-11-06"},
        {"s1-7", "2025-11-06T23:30:00-01:00", "2025-11-07"},
        {"berlin-7", "2025-11-06T23:30:00Z", "2025-11-07"},
        {"berlin-7", "2025-11-06T22:59:59.999999999Z", "2025-11-06"},
        {"berlin-7", "2025-07-06T22:00:00Z", "2025-07-07"},
        {"ny-7", "2025-11-06T04:59:59Z", "2025-11-05"},
    };
    for (size_t i = 0; i < 6; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"entry_id\":\"%s\",\"timestamp\":\"%s\"," FRAMES "}",
                 cases[i][0], cases[i][1]);
        expect_accept(text);
        expect_text(RID_TEXT_DAY, cases[i][2]);
    }
    expect_accept(
        "{\"entry_id\":\"x\",\"store_id\":\"berlin\",\"timestamp\":\"2025-11-06T23:30:00Z\"," FRAMES
        "}");
    expect_text(RID_TEXT_DAY, "2025-11-07");
}

/* The key an entry manifest has it under is its id. */
static void test_entry_key(void **state)
{
    (void)state;
    const char *without = "{" DAY "," FRAMES "}", *with = "{" BASE FRAMES "}";
    assert_true(parse_with(without, strlen(without), rid_str_of("k-1"), NULL));
    expect_text(RID_TEXT_ID, "k-1");
    expect_text(RID_TEXT_STORE, "k");
    assert_true(parse_with(with, strlen(with), rid_str_of("s1-7"), NULL));
    assert_false(parse_with(with, strlen(with), rid_str_of("s1-8"), NULL));
    assert_int_equal(fault.reason, RID_REJECT_ID);
    assert_false(parse_with(without, strlen(without), (rid_str){"", 0}, NULL));
    assert_int_equal(fault.reason, RID_REJECT_ID);
    assert_false(parse_with(without, strlen(without), (rid_str){"\xFF", 1}, NULL));
    assert_int_equal(fault.reason, RID_REJECT_UTF8);
}

static void test_attributes(void **state)
{
    (void)state;
    rid_schema *schema;
    assert_ok(
        rid_schema_parse(&schema,
                         rid_str_of("{\"fields\":[{\"name\":\"a\",\"type\":\"enum\",\"values\":"
                                    "[\"x\",\"y\"]},{\"name\":\"b\",\"type\":\"bool\"}]}"),
                         "schema", &err));
    const char *text = P("\"attrs\":{\"a\":\"y\",\"b\":\"maybe\"}"), *none = "{" BASE FRAMES "}";
    assert_true(parse_with(text, strlen(text), (rid_str){NULL, 0}, schema));
    static const float expected[] = {0, 1, 0}, zeros[3];
    assert_memory_equal(payload.attr, expected, sizeof expected);
    assert_int_equal(payload.oov.n, 1);
    assert_string_equal(payload.oov.items[0].field, "b");
    assert_string_equal(payload.oov.items[0].value, "maybe");
    memset(payload.attr, 0x7F, 3 * sizeof(float));
    assert_ok(rid_payload_set_attr(&payload, parser, schema, &err));
    assert_memory_equal(payload.attr, expected, sizeof expected);
    assert_int_equal(payload.oov.n, 1);
    assert_true(parse_with(none, strlen(none), (rid_str){NULL, 0}, schema));
    assert_memory_equal(payload.attr, zeros, sizeof zeros);
    assert_int_equal(payload.oov.n, 0);
    assert_ok(rid_payload_set_attr(&payload, parser, schema, &err));
    assert_memory_equal(payload.attr, zeros, sizeof zeros);
    assert_ok(rid_payload_set_attr(&payload, parser, NULL, &err));
    rid_schema_free(schema);
}

static void test_set_meta_in_place(void **state)
{
    (void)state;
    expect_accept(P("\"camera\":\"c1\""));
    rid_meta swapped = payload.meta;
    swapped.text[RID_TEXT_CAMERA] = payload.meta.text[RID_TEXT_ID];
    swapped.text[RID_TEXT_ID] = payload.meta.text[RID_TEXT_CAMERA];
    swapped.text[RID_TEXT_DIRECTION] = (rid_str){"", 0};
    assert_ok(rid_payload_set_meta(&payload, &swapped, &err));
    expect_text(RID_TEXT_ID, "c1");
    expect_text(RID_TEXT_CAMERA, "s1-7");
    expect_text(RID_TEXT_DIRECTION, "");
    expect_text(RID_TEXT_ALERT, NULL);
    assert_true(payload.meta.text[RID_TEXT_DIRECTION].data != NULL);
}

static void test_orders(void **state)
{
    (void)state;
    static const struct {
        const char *day, *store, *id;
        int64_t t;
    } sorted[] = {{"2025-01-01", "a", "z", RID_TIMESTAMP_NONE},
                  {"2025-01-01", "a", "b", -5},
                  {"2025-01-01", "a", "a", 7},
                  {"2025-01-01", "a", "aa", 7},
                  {"2025-01-01", "a", "b", 7},
                  {"2025-01-01", "a", "a", 8},
                  {"2025-01-01", "ab", "a", 0},
                  {"2025-01-01", "b", "a", 0},
                  {"2025-01-02", "a", "a", -9}};
    enum { N = sizeof sorted / sizeof sorted[0] };
    rid_meta m[N] = {0};
    for (size_t i = 0; i < N; i++) {
        m[i].text[RID_TEXT_DAY] = rid_str_of(sorted[i].day);
        m[i].text[RID_TEXT_STORE] = rid_str_of(sorted[i].store);
        m[i].text[RID_TEXT_ID] = rid_str_of(sorted[i].id);
        m[i].timestamp_us = sorted[i].t;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < N; k++) {
            int c = rid_meta_compare(&m[i], &m[k]);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
    assert_true(rid_meta_compare_time(&m[5], &m[6]) > 0);
}

/* ---- the bucket by skimming ---- */

static void expect_skim(const char *text, const char *key, const char *day, const char *store)
{
    rid_str d, s;
    bool found = rid_payload_skim_bucket(text, strlen(text), rid_str_of(key), &d, &s);
    if (found != (day != NULL))
        fail_msg("%s: %d", text, found);
    assert_true(!found ||
                (rid_str_equal(d, rid_str_of(day)) && rid_str_equal(s, rid_str_of(store))));
}

static void test_skim(void **state)
{
    (void)state;
    expect_skim("{" BASE FRAMES "}", NULL, "2025-11-06", "s1");
    expect_skim("{" FRAMES "," BASE "\"store_id\":\"s2\"}", NULL, "2025-11-06", "s2");
    expect_skim(" {\"x\":[\"}\",{\"y\":\"]\"}],\"z\":1.5,\"w\":null," BASE
                "\"store_id\" : \"s2\" , broken",
                NULL, "2025-11-06", "s2");
    expect_skim("{" DAY "," FRAMES "}", "k-1", "2025-11-06", "k");
    expect_skim("{" BASE FRAMES "}", "s1-7", "2025-11-06", "s1");
    expect_skim("{\"entry_id\":\"a-1\"," FRAMES "}", NULL, NULL, NULL);
    expect_skim("{" DAY "," FRAMES "}", NULL, NULL, NULL);
    expect_skim("{\"entry_id\":\"-1\"," DAY "}", NULL, NULL, NULL);
    expect_skim("{\"entry_id\":\"a\\n-1\"," DAY "}", NULL, NULL, NULL);
    expect_skim("{\"entry_id\":7," DAY "}", NULL, NULL, NULL);
    expect_skim("{\"day_id\":\"2025-11-6\",\"store_id\":\"s\"}", NULL, NULL, NULL);
    expect_skim("{\"store_id\":\"\"," DAY "}", NULL, NULL, NULL);
    expect_skim("", NULL, NULL, NULL);
    expect_skim("[]", NULL, NULL, NULL);
    expect_skim("{" BASE "\"embeddings\":[[1", NULL, NULL, NULL);
}

static void random_string(rid_buf *b, rid_random *r)
{
    static const char *const parts[] = {"a", "7", "-",   "\xC3\xBC", " ",   "{",
                                        "}", ",", "\\n", "\\u00fc",  "\\\""};
    uint64_t kinds = rid_random_chance(r, 0.8) ? 8 : 11; /* without and with escapes */
    rid_buf_append_char(b, '"');
    for (uint64_t n = 1 + rid_random_below(r, 6); n > 0; n--)
        rid_buf_append_str(b, parts[rid_random_below(r, kinds)]);
    rid_buf_append_char(b, '"');
}

/* Random members in random order. */
static void random_payload(rid_buf *b, rid_random *r)
{
    static const char *const keys[] = {"entry_id", "day_id",    "store_id", "camera",
                                       "x",        "timestamp", "attrs",    "embeddings"};
    unsigned order[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    rid_buf_append_char(b, '{');
    bool first = true;
    for (size_t i = 0; i < 8; i++) {
        size_t k = i + rid_random_below(r, 8 - i);
        unsigned t = order[i];
        order[i] = order[k];
        order[k] = t;
        if (rid_random_chance(r, order[i] == 7 ? 0.05 : order[i] == 1 ? 0.2 : 0.3))
            continue;
        rid_buf_printf(b, "%s\"%s\":", first ? "" : ",", keys[order[i]]);
        first = false;
        if (order[i] == 1)
            rid_buf_append_str(b, rid_random_chance(r, 0.9) ? "\"2025-11-06\""
                                                            : "\"2025-11-0\\u0036\"");
        else if (order[i] == 5)
            rid_buf_append_str(b, "\"2025-11-05T23:00:00Z\"");
        else if (order[i] == 6)
            rid_buf_append_str(b, "{\"day_id\":\"no\",\"y\":[\"}\"]}");
        else if (order[i] == 7)
            rid_buf_append_str(b, rid_random_chance(r, 0.5) ? "[[1,2],[-3.5,4e2]]" : "[ [0.1] ]");
        else
            random_string(b, r);
    }
    rid_buf_append_char(b, '}');
}

static void test_skim_agrees_with_the_parse(void **state)
{
    (void)state;
    rid_random r = fx_random(11);
    unsigned agreed = 0, could_not = 0;
    for (int i = 0; i < 20000; i++) {
        rid_buf text = {0};
        rid_str day, store;
        random_payload(&text, &r);
        assert_non_null(rid_buf_cstr(&text));
        bool skimmed =
            rid_payload_skim_bucket(text.data, text.len, (rid_str){NULL, 0}, &day, &store);
        if (parse(text.data)) {
            if (skimmed && (!rid_str_equal(day, payload.meta.text[RID_TEXT_DAY]) ||
                            !rid_str_equal(store, payload.meta.text[RID_TEXT_STORE])))
                fail_msg("%s: %.*s %.*s", text.data, RID_STR(day), RID_STR(store));
            agreed += skimmed;
            could_not += !skimmed;
        }
        rid_buf_free(&text);
    }
    if (agreed < 1000 || could_not < 200)
        fail_msg("only %u and %u", agreed, could_not);
}

/* Frames straight from the text, or with the rest: the same payload, bit for bit. */
static void test_both_ways_of_reading_agree(void **state)
{
    (void)state;
    rid_random r = fx_random(12);
    for (int i = 0; i < 3000; i++) {
        rid_buf fast = {0}, slow = {0};
        char id[16];
        snprintf(id, sizeof id, "s-%d", i);
        fx_payload(&fast, id, "2025-11-06", NULL, 1 + rid_random_below(&r, 6),
                   1 + rid_random_below(&r, 9), (uint64_t)i);
        if (rid_random_chance(&r, 0.5)) /* damage */
            fast.data[40 + rid_random_below(&r, fast.len - 40)] =
                "0,]}e-\"x"[rid_random_below(&r, 8)];
        rid_buf_append_str(&slow, "{\"\\u0078\":0,"); /* an escape in a key: no short cut */
        rid_buf_append(&slow, fast.data + 1, fast.len - 1);
        bool good = parse_with(fast.data, fast.len, (rid_str){NULL, 0}, NULL);
        rid_reject reason = fault.reason;
        size_t rows = payload.frames.rows, cols = payload.frames.cols;
        float *frames = rid_mem_alloc(rows * cols, sizeof *frames);
        assert_non_null(frames);
        if (good)
            memcpy(frames, payload.frames.data, rows * cols * sizeof *frames);
        if (parse_with(slow.data, slow.len, (rid_str){NULL, 0}, NULL) != good ||
            (!good && fault.reason != reason))
            fail_msg("%.*s: %d", (int)fast.len, fast.data, good);
        if (good) {
            assert_true(payload.frames.rows == rows && payload.frames.cols == cols);
            assert_memory_equal(frames, payload.frames.data, rows * cols * sizeof *frames);
        }
        rid_mem_free(frames);
        rid_buf_free(&fast);
        rid_buf_free(&slow);
    }
}

static void test_shards(void **state)
{
    (void)state;
    unsigned seen[5] = {0};
    for (int i = 0; i < 1000; i++) {
        char store[16];
        snprintf(store, sizeof store, "s%d", i);
        uint32_t k = rid_payload_shard(rid_str_of("2025-11-06"), rid_str_of(store), 5);
        assert_true(k < 5);
        seen[k]++;
        assert_int_equal(rid_payload_shard(rid_str_of("2025-11-06"), rid_str_of(store), 1), 0);
    }
    for (int k = 0; k < 5; k++)
        assert_in_range(seen[k], 140, 260);
    /* XXH3-64 of "2025-11-06", NUL, "s1": part of the format. */
    assert_int_equal(rid_payload_shard(rid_str_of("2025-11-06"), rid_str_of("s1"), 1000003),
                     rid_hash64("2025-11-06\0s1", 13) % 1000003);
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_schema *schema;
    assert_ok(
        rid_schema_parse(&schema,
                         rid_str_of("{\"fields\":[{\"name\":\"a\",\"type\":\"enum\",\"values\":"
                                    "[\"x\",\"y\"]}]}"),
                         "schema", &err));
    const char *texts[] = {P("\"attrs\":{\"a\":\"z\"},\"images\":[\"i\",\"j\"],\"camera\":\"c\""),
                           "{\"\\u0078\":0," BASE FRAMES ",\"attrs\":{\"a\":\"x\"}}",
                           "{" BASE "\"embeddings\":[[1,"};
    for (size_t t = 0; t < 3; t++) {
        rid_payload_rules rules = {schema, zones};
        rid_buf padded = {0};
        rid_buf_append_str(&padded, texts[t]);
        assert_non_null(rid_buf_reserve(&padded, RID_JSON_PADDING));
        uint64_t n = 1;
        for (;; n++) {
            int64_t before = rid_mem_live_blocks();
            bool rejected = false;
            rid_err e = {0};
            rid_payload fresh = {0};
            rid_mem_fail_after(n);
            rid_status st = rid_payload_parse(&fresh, parser, padded.data, padded.len,
                                              (rid_str){NULL, 0}, &rules, &rejected, &fault, &e);
            rid_mem_fail_after(0);
            rid_payload_free(&fresh);
            assert_int_equal(rid_mem_live_blocks(), before);
            if (st == RID_OK) {
                assert_int_equal(rejected, t == 2); /* shortage is never a reject */
                break;
            }
            assert_int_equal(st, RID_ETEMP);
            assert_int_equal(e.code, RID_ETEMP);
        }
        assert_true(t == 2 || n > 4);
        rid_buf_free(&padded);
    }
    rid_schema_free(schema);
}

static int begin(void **state)
{
    (void)state;
    parser = rid_json_parser_new();
    zones = rid_timezones_new();
    return !parser || !zones ||
           rid_timezones_set(zones, "berlin", "Europe/Berlin", NULL) != RID_OK ||
           rid_timezones_set(zones, "ny", "America/New_York", NULL) != RID_OK;
}

static int end(void **state)
{
    (void)state;
    rid_payload_free(&payload);
    rid_json_parser_free(parser);
    rid_timezones_free(zones);
    return rid_mem_live_blocks() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_given),
        cmocka_unit_test(test_least_given),
        cmocka_unit_test(test_accepted),
        cmocka_unit_test(test_broken_json),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_types),
        cmocka_unit_test(test_frames),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_day_from_timestamp),
        cmocka_unit_test(test_entry_key),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_set_meta_in_place),
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_skim),
        cmocka_unit_test(test_skim_agrees_with_the_parse),
        cmocka_unit_test(test_both_ways_of_reading_agree),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
