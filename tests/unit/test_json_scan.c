/* Where a document ends and where it breaks, and that the finder of faults and the parser agree. */
#include "tests/unit/fixture.h"

#include "data/json.h"
#include "data/json_scan.h"

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rid_reject reason;
        size_t offset;
        const char *expected;
    } cases[] = {
        {"", RID_REJECT_SYNTAX, 0, "the text ends here"},
        {"  ", RID_REJECT_SYNTAX, 2, "the text ends here"},
        {"x", RID_REJECT_SYNTAX, 0, "a JSON value"},
        {"nul", RID_REJECT_SYNTAX, 0, "a JSON value"},
        {"[NaN]", RID_REJECT_SYNTAX, 1, "a JSON value"},
        {"[Infinity]", RID_REJECT_SYNTAX, 1, "a JSON value"},
        {"[-Infinity]", RID_REJECT_SYNTAX, 1, "a number"},
        {"[+1]", RID_REJECT_SYNTAX, 1, "a JSON value"},
        {"[.5]", RID_REJECT_SYNTAX, 1, "a JSON value"},
        {"[1,-]", RID_REJECT_SYNTAX, 3, "a number"},
        {"[01]", RID_REJECT_SYNTAX, 1, "leading zeros"},
        {"[1.]", RID_REJECT_SYNTAX, 1, "after the decimal point"},
        {"[1.e5]", RID_REJECT_SYNTAX, 1, "after the decimal point"},
        {"[1e]", RID_REJECT_SYNTAX, 1, "in the exponent"},
        {"[1e+]", RID_REJECT_SYNTAX, 1, "in the exponent"},
        {"[1x]", RID_REJECT_SYNTAX, 2, "',' or ']'"},
        {"[1 2]", RID_REJECT_SYNTAX, 3, "',' or ']'"},
        {"[1", RID_REJECT_SYNTAX, 2, "',' or ']'"},
        {"[1,", RID_REJECT_SYNTAX, 3, "the text ends here"},
        {"[1,]", RID_REJECT_SYNTAX, 3, "a JSON value"},
        {"[1}", RID_REJECT_SYNTAX, 2, "',' or ']'"},
        {"{", RID_REJECT_SYNTAX, 1, "a key"},
        {"{1:2}", RID_REJECT_SYNTAX, 1, "a key"},
        {"{'a':2}", RID_REJECT_SYNTAX, 1, "a key"},
        {"{\"a\"}", RID_REJECT_SYNTAX, 4, "':'"},
        {"{\"a\" 1}", RID_REJECT_SYNTAX, 5, "':'"},
        {"{\"a\":}", RID_REJECT_SYNTAX, 5, "a JSON value"},
        {"{\"a\":1", RID_REJECT_SYNTAX, 6, "',' or '}'"},
        {"{\"a\":1]", RID_REJECT_SYNTAX, 6, "',' or '}'"},
        {"{\"a\":1,}", RID_REJECT_SYNTAX, 7, "a key"},
        {"{\"a\":1,,\"b\":2}", RID_REJECT_SYNTAX, 7, "a key"},
        {"{\"a\":[1,{\"b\":\"c\"}", RID_REJECT_SYNTAX, 17, "',' or ']'"},
        {"{}{}", RID_REJECT_SYNTAX, 2, "nothing after"},
        {"1 2", RID_REJECT_SYNTAX, 2, "nothing after"},
        {"[1]]", RID_REJECT_SYNTAX, 3, "nothing after"},
        {"\"abc", RID_REJECT_SYNTAX, 0, "closing quote"},
        {"[\"a\",\"b]", RID_REJECT_SYNTAX, 5, "closing quote"},
        {"[\"abc\\", RID_REJECT_SYNTAX, 5, "one of"},
        {"\"a\nb\"", RID_REJECT_SYNTAX, 2, "no control character"},
        {"\"a\tb\"", RID_REJECT_SYNTAX, 2, "no control character"},
        {"\"a\\x\"", RID_REJECT_SYNTAX, 2, "one of"},
        {"\"\\u12g4\"", RID_REJECT_SYNTAX, 1, "four hexadecimal"},
        {"\"\\u12", RID_REJECT_SYNTAX, 1, "four hexadecimal"},
        {"\"a\\ud800\"", RID_REJECT_UTF8, 2, "surrogate"},
        {"\"\\ud800x\"", RID_REJECT_UTF8, 1, "surrogate"},
        {"\"\\ud800\\n\"", RID_REJECT_UTF8, 1, "surrogate"},
        {"\"\\udc00\"", RID_REJECT_UTF8, 1, "surrogate"},
        {"\"\\ud800\\ud800\"", RID_REJECT_UTF8, 7, "low surrogate"},
        {"\"\\ud800\\u12xy\"", RID_REJECT_SYNTAX, 7, "four hexadecimal"},
        {"\"ab\xFF\"", RID_REJECT_UTF8, 3, "UTF-8"},
        {"\"ab\\n\xC3\xBC\xC0\x80\"", RID_REJECT_UTF8, 7, "UTF-8"},
        {"\"\xED\xA0\x80\"", RID_REJECT_UTF8, 1, "UTF-8"},
        {"\"\xE2\x82\"", RID_REJECT_UTF8, 1, "UTF-8"},
        {"{\"\xFF\":1}", RID_REJECT_UTF8, 2, "UTF-8"},
        {"\xFF", RID_REJECT_SYNTAX, 0, "a JSON value"},
        {"\xEF\xBB\xBF{}", RID_REJECT_SYNTAX, 0, "a JSON value"},
        {"[[[[1]]]]", RID_REJECT_DEPTH, 3, "less nesting"},
        {"{\"a\":[{\"b\":[]}]}", RID_REJECT_DEPTH, 11, "less nesting"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_json_fault fault = {RID_REJECT_COUNT, 99, ""};
        size_t n = strlen(cases[i].text);
        char *text = rid_mem_strndup(cases[i].text, n); /* nothing readable behind it */
        assert_non_null(text);
        text = rid_mem_resize(text, n, 1);
        bool found = rid_json_diagnose(text, n, 3, &fault);
        if (!found || fault.reason != cases[i].reason || fault.offset != cases[i].offset ||
            !strstr(fault.expected, cases[i].expected))
            fail_msg("%s: %d, %s at %zu, %s", cases[i].text, found, rid_reject_name(fault.reason),
                     fault.offset, fault.expected);
        rid_mem_free(text);
    }
    rid_json_fault fault;
    assert_true(rid_json_diagnose("[\0]", 3, 3, &fault) && fault.offset == 1);
}

static void test_no_fault(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       "7",
                                       "-0",
                                       "0.5e+10",
                                       "1E5",
                                       "\"\"",
                                       "true",
                                       " null ",
                                       "[[[1]]]",
                                       "{\"a\":{\"b\":[]},\"c\":[{}]}",
                                       "\"\\ud83d\\ude00\"",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fF\"",
                                       "[\"\xF4\x8F\xBF\xBF\"]",
                                       "\t[ 1 , 2 ]\r\n",
                                       "{\"a\":1,\"a\":2}",
                                       "1e999"};
    rid_json_fault fault;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (rid_json_diagnose(good[i], strlen(good[i]), 3, &fault))
            fail_msg("%s: %s at %zu", good[i], fault.expected, fault.offset);
}

static void test_plain_strings(void **state)
{
    (void)state;
    rid_str s = {"unchanged", 9};
    size_t at = 1;
    assert_true(rid_json_scan_plain_string("x  \"ab\" ", 8, &at, &s) && at == 7);
    assert_true(rid_str_equal(s, rid_str_of("ab")));
    at = 0;
    assert_true(rid_json_scan_plain_string("\"\"", 2, &at, &s) && at == 2 && s.len == 0 && s.data);
    static const char *const bad[] = {"", " ", "a", "\"ab", "\"", "\"a\\n\"", "\"a\\\"b\"", "1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        at = 0;
        assert_false(rid_json_scan_plain_string(bad[i], strlen(bad[i]), &at, &s));
        assert_int_equal(at, 0);
    }
}

/* Whatever the pieces, a skim stops behind the bracket that closes the document. */
static void test_skim(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t end; /* 0: never complete */
    } cases[] = {
        {"{}", 2},   {"{} {}", 2},  {"[[1],[2]]]", 9}, {"{\"}\":\"\\\"}\"}x", 11}, {"{\"a", 0},
        {"[1,2", 0}, {"{\"a\\", 0}, {"", 0},           {"12 \"a}\" []", 10},       {"]", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t len = strlen(cases[i].text);
        for (size_t piece = 1; piece <= len; piece++) {
            rid_json_skim skim = {0};
            size_t at = 0;
            while (at < len && !skim.complete)
                at += rid_json_skim_run(&skim, cases[i].text + at,
                                        len - at < piece ? len - at : piece);
            assert_int_equal(skim.complete, cases[i].end != 0);
            assert_int_equal(at, cases[i].end ? cases[i].end : len);
            assert_int_equal(rid_json_skim_run(&skim, "{}", 2), cases[i].end ? 0 : 2);
        }
    }
}

/* ---- against the parser ---- */

/* One change to a text: a byte, a run of bytes gone or doubled, something put in, the end cut off.
 */
static void mutate(rid_buf *text, rid_random *r)
{
    static const char *const inserts[] = {
        "{",   "}",       "[",    "]",    "\"",  ",",   ":",     "\\",
        "\\u", "\\ud800", "\xFF", "\xC3", "\n",  " ",   "-",     "0",
        "1e",  "e5",      ".",    "null", "tru", "NaN", "1e400", "99999999999999999999999",
        "[[",  "]]"};
    size_t at = text->len ? rid_random_below(r, text->len) : 0;
    size_t n = text->len ? 1 + rid_random_below(r, text->len - at < 6 ? text->len - at : 6) : 0;
    const char *insert = inserts[rid_random_below(r, sizeof inserts / sizeof inserts[0])];
    rid_buf out = {0};
    switch (rid_random_below(r, 5)) {
    case 0:
        if (text->len)
            text->data[at] = (char)rid_random_below(r, 256);
        return;
    case 1:
        text->len = at;
        return;
    case 2:
        rid_buf_append(&out, text->data, at);
        rid_buf_append_str(&out, insert);
        rid_buf_append(&out, text->data + at, text->len - at);
        break;
    case 3:
        rid_buf_append(&out, text->data, at);
        rid_buf_append(&out, text->data + at + n, text->len - at - n);
        break;
    default:
        rid_buf_append(&out, text->data, at + n);
        rid_buf_append(&out, text->data + at, text->len - at);
        break;
    }
    rid_buf_free(text);
    *text = out;
}

/* Numbers that the grammar allows and the parser cannot hold. */
static bool has_large_number(const rid_buf *text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text->len; i++) {
        char c = text->data[i];
        digits = c >= '0' && c <= '9' ? digits + 1 : 0;
        if (digits > 18 || ((c == 'e' || c == 'E') && i + 3 < text->len))
            return true;
    }
    return false;
}

static void test_agrees_with_the_parser(void **state)
{
    (void)state;
    static const char payload[] =
        "{\"entry_id\":\"s1-\\u00fc\",\"day_id\":\"2025-11-06\",\"images\":[\"a\",\"\xC3\xBC\\n\"],"
        "\"embeddings\":[[0.5,-1,2e-3],[1.25,0,-0.0]],\"attrs\":{\"a\":true,\"b\":null,\"c\":{"
        "\"d\":[]}},"
        "\"x\":{},\"topk\":20}";
    rid_random r = fx_random(9);
    rid_json_parser *parser = rid_json_parser_new();
    unsigned accepted = 0, rejected = 0;
    for (int round = 0; round < 60000; round++) {
        rid_buf text = {0};
        rid_json root;
        rid_json_fault fault;
        rid_err e = {0};
        rid_buf_append(&text, payload, sizeof payload - 1);
        for (uint64_t n = 1 + rid_random_below(&r, 3); n > 0; n--)
            mutate(&text, &r);
        assert_non_null(rid_buf_reserve(&text, RID_JSON_PADDING));
        memset(text.data + text.len, round % 2 ? ' ' : '}', RID_JSON_PADDING);
        bool parses = rid_json_parse(parser, text.data, text.len, &root, &e) == RID_OK;
        bool faulty = rid_json_diagnose(text.data, text.len, RID_JSON_DEPTH_MAX, &fault);
        if (parses == faulty && !(faulty == false && has_large_number(&text)))
            fail_msg("%.*s\nthe parser says %d (%s), the diagnosis %d (%s at %zu)", (int)text.len,
                     text.data, parses, e.message, faulty, faulty ? fault.expected : "",
                     faulty ? fault.offset : 0);
        if (faulty)
            assert_true(fault.offset <= text.len && fault.expected &&
                        fault.reason < RID_REJECT_COUNT);
        accepted += parses;
        rejected += !parses;
        rid_buf_free(&text);
    }
    assert_true(accepted > 2000 && rejected > 20000);
    rid_json_parser_free(parser);
}

static void test_locate(void **state)
{
    (void)state;
    static const char text[] = " {\"a,}\\\"\" : [1, [ ], \"]\\\\\", {\"k\":null ,\"m\":{\"x\":-2e3}}],\n\"b\":@ , \"c\":[]}";
    static const struct {
        size_t steps[4], n;
        const char *at; /* where the value begins; NULL: there is none */
    } cases[] = {
        {{0}, 0, "{\"a"},          {{0}, 1, "[1"},          {{0, 0}, 2, "1, "},
        {{0, 1}, 2, "[ ]"},        {{0, 2}, 2, "\"]"},      {{0, 3}, 2, "{\"k"},
        {{0, 3, 0}, 3, "null"},    {{0, 3, 1}, 3, "{\"x"},  {{0, 3, 1, 0}, 4, "-2e3"},
        {{1}, 1, "@"},             {{2}, 1, "[]}"},         {{3}, 1, NULL},
        {{0, 4}, 2, NULL},         {{0, 1, 0}, 3, NULL},    {{2, 0}, 2, NULL},
        {{0, 0, 0}, 3, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t offset = 0;
        const bool found = rid_json_locate(text, sizeof text - 1, cases[i].steps, cases[i].n, &offset);
        assert_int_equal(found, cases[i].at != NULL);
        if (found)
            assert_int_equal(offset, strstr(text, cases[i].at) - text);
    }
    /* Cut anywhere, it ends. */
    for (size_t len = 0; len < sizeof text; len++) {
        size_t offset;
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
            if (rid_json_locate(text, len, cases[i].steps, cases[i].n, &offset))
                assert_true(offset < len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_no_fault),
        cmocka_unit_test(test_plain_strings),
        cmocka_unit_test(test_skim),
        cmocka_unit_test(test_locate),
        cmocka_unit_test(test_agrees_with_the_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
