/* Reading JSON through the C view, and writing it: exact numbers, escapes, depth, duplicate keys.
 */
#include "tests/unit/fixture.h"

#include "data/json.h"

#include <float.h>

static rid_json_parser *parser;
static rid_buf padded;

static rid_status parse_n(const char *text, size_t n, rid_json *root, rid_err *err)
{
    rid_buf_clear(&padded);
    rid_buf_append(&padded, text, n);
    assert_non_null(rid_buf_reserve(&padded, RID_JSON_PADDING));
    return rid_json_parse(parser, padded.data, n, root, err);
}

static rid_json parse(const char *text)
{
    rid_json root;
    assert_ok(parse_n(text, strlen(text), &root, &err));
    return root;
}

static bool accepts_n(const char *text, size_t n)
{
    rid_json root;
    rid_err e = {0};
    rid_status st = parse_n(text, n, &root, &e);
    assert_true(st == RID_OK || (st == RID_EDATA && e.message[0]));
    return st == RID_OK;
}

static bool accepts(const char *text)
{
    return accepts_n(text, strlen(text));
}

static void test_accepts_and_rejects(void **state)
{
    (void)state;
    static const char *const good[] = {"{}",
                                       "[]",
                                       " \t\r\n{ } ",
                                       "1",
                                       "\"\"",
                                       "null",
                                       "[1,[2,{\"a\":[]}]]",
                                       "\"\\ud83d\\ude00\"",
                                       "\"\xF0\x9F\x98\x80\"",
                                       "-0.0e-0",
                                       "1E400000"};
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "[1 2]",
                                      "nul",
                                      "nullx",
                                      "NaN",
                                      "Infinity",
                                      "-",
                                      "+1",
                                      "01",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x1",
                                      "\"\n\"",
                                      "\"\\x\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\xFF\"",
                                      "\"\xC0\x80\"",
                                      "\"abc",
                                      "{} {}",
                                      "{}x",
                                      "[1]]",
                                      "\xEF\xBB\xBF{}",
                                      "// c\n{}"};
    for (size_t i = 0; i + 1 < sizeof good / sizeof good[0]; i++)
        if (!accepts(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (accepts(bad[i]))
            fail_msg("%s", bad[i]);
    assert_false(accepts_n("{\"a\":\0}", 7));
    assert_false(accepts_n("\"a\0b\"", 5));
}

/* Containers open at once: brackets that hold brackets, and empty innermost ones. */
static void test_depth(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        for (int depth = 60; depth <= 70; depth++) {
            rid_buf text = {0};
            for (int i = 0; i < depth; i++)
                rid_buf_append_str(&text, kind % 2 && i + 1 < depth ? "{\"a\":" : "[");
            if (kind < 2)
                rid_buf_append_str(&text, "1");
            for (int i = depth; i-- > 0;)
                rid_buf_append_str(&text, kind % 2 && i + 1 < depth ? "}" : "]");
            if (accepts_n(text.data, text.len) != (depth <= RID_JSON_DEPTH_MAX))
                fail_msg("kind %d, depth %d", kind, depth);
            rid_buf_free(&text);
        }
    }
    char *deep = rid_mem_alloc(100000, 1);
    assert_non_null(deep);
    memset(deep, '[', 100000);
    assert_false(accepts_n(deep, 100000));
    rid_mem_free(deep);
    assert_true(accepts("[[[1]]]"));
}

static void test_accessors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rid_json_type type;
    } cases[] = {{"null", RID_JSON_NULL},    {"true", RID_JSON_BOOL},
                 {"-7", RID_JSON_NUMBER},    {"1.5", RID_JSON_NUMBER},
                 {"\"x\"", RID_JSON_STRING}, {"[]", RID_JSON_ARRAY},
                 {"{}", RID_JSON_OBJECT},    {"18446744073709551615", RID_JSON_NUMBER}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool b = true;
        int64_t n = 99;
        double x = 99;
        rid_str s = {"unchanged", 9};
        rid_json v = parse(cases[i].text), child;
        assert_int_equal(rid_json_type_of(v), cases[i].type);
        assert_true(rid_json_get_bool(v, &b) == (cases[i].type == RID_JSON_BOOL) && b);
        assert_true(rid_json_get_str(v, &s) == (cases[i].type == RID_JSON_STRING));
        assert_true(s.len == (cases[i].type == RID_JSON_STRING ? 1 : 9));
        assert_true(rid_json_get_f64(v, &x) == (cases[i].type == RID_JSON_NUMBER));
        assert_true(x == (i == 2 ? -7 : i == 3 ? 1.5 : i == 7 ? 0x1p64 : 99));
        assert_true(rid_json_get_i64(v, &n) == (i == 2) && n == (i == 2 ? -7 : 99));
        rid_json_iter it = rid_json_begin(v);
        assert_false(rid_json_next(&it, NULL, &child));
        assert_false(rid_json_find(v, "a", &child));
    }
    assert_string_equal(rid_json_type_name(RID_JSON_NULL), "null");
    assert_string_equal(rid_json_type_name(RID_JSON_OBJECT), "an object");
}

static void test_walking(void **state)
{
    (void)state;
    rid_json v, root = parse("{\"a\":1,\"b\":[true,\"x\\u0000y\",{}],\"\":null,\"a\":2}");
    static const char *const keys[] = {"a", "b", "", "a"};
    size_t n = 0;
    rid_str key;
    for (rid_json_iter it = rid_json_begin(root); rid_json_next(&it, &key, &v); n++)
        assert_true(n < 4 && rid_str_equal(key, rid_str_of(keys[n])));
    assert_int_equal(n, 4);
    int64_t i;
    assert_true(rid_json_find(root, "a", &v) && rid_json_get_i64(v, &i) && i == 1);
    assert_true(rid_json_find(root, "", &v) && rid_json_type_of(v) == RID_JSON_NULL);
    assert_false(rid_json_find(root, "c", &v));
    assert_true(rid_json_find(root, "b", &v));
    rid_json_iter it = rid_json_begin(v);
    rid_str untouched = {"k", 1}, s;
    bool b;
    assert_true(rid_json_next(&it, &untouched, &v) && rid_json_get_bool(v, &b) && b);
    assert_true(rid_json_next(&it, NULL, &v) && rid_json_get_str(v, &s) && s.len == 3);
    assert_memory_equal(s.data, "x\0y", 3);
    assert_true(rid_json_next(&it, NULL, &v) && rid_json_type_of(v) == RID_JSON_OBJECT);
    assert_false(rid_json_next(&it, NULL, &v));
    assert_string_equal(untouched.data, "k");
}

static void test_duplicate_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key;
    } cases[] = {{"{\"a\":1,\"b\":2}", NULL},
                 {"{\"a\":1,\"a\":2}", "a"},
                 {"{\"a\":1,\"\\u0061\":2}", "a"},
                 {"{\"\":1,\"\":2}", ""},
                 {"{\"a\":{\"b\":1},\"c\":{\"b\":1}}", NULL},
                 {"{\"a\":{\"b\":1,\"c\":{\"d\":1,\"d\":1}}}", "d"},
                 {"[[{\"x\":[]},{\"x\":1,\"y\":2,\"x\":3}]]", "x"},
                 {"{\"ab\":1,\"a\":2,\"abc\":3}", NULL},
                 {"7", NULL}};
    rid_str key;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool found = rid_json_find_duplicate_key(parse(cases[i].text), &key);
        assert_int_equal(found, cases[i].key != NULL);
        if (found)
            assert_true(rid_str_equal(key, rid_str_of(cases[i].key)));
    }
    /* Many keys: the last is a duplicate of any of them. */
    for (int n = 20; n < 400; n += 7) {
        for (int twice = -1; twice < n; twice += n / 5 + 1) {
            rid_buf text = {0};
            char expected[16];
            rid_buf_append_char(&text, '{');
            for (int i = 0; i < n; i++)
                rid_buf_printf(&text, "\"k%d\":0,", i);
            rid_buf_printf(&text, "\"k%d\":0}", twice < 0 ? n : twice);
            rid_json root = parse(rid_buf_cstr(&text));
            snprintf(expected, sizeof expected, "k%d", twice);
            for (int memory = 0; memory < 2; memory++) { /* none is needed */
                rid_mem_fail_after(memory ? 0 : 1);
                bool found = rid_json_find_duplicate_key(root, &key);
                rid_mem_fail_after(0);
                assert_int_equal(found, twice >= 0);
                assert_true(!found || rid_str_equal(key, rid_str_of(expected)));
            }
            rid_buf_free(&text);
        }
    }
}

/* ---- matrices ---- */

static void test_matrix_faults(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        rid_json_matrix_fault fault;
        size_t row, column, rows, cols;
    } cases[] = {
        {"[[1,2],[3,4],[5,6]]", RID_JSON_MATRIX_OK, 2, 2, 3, 2},
        {"[[-0.5]]", RID_JSON_MATRIX_OK, 0, 1, 1, 1},
        {"[]", RID_JSON_MATRIX_NO_ROWS, 0, 0, 0, 0},
        {"[[]]", RID_JSON_MATRIX_NO_ROWS, 0, 0, 1, 0},
        {"[[],[]]", RID_JSON_MATRIX_NO_ROWS, 1, 0, 2, 0},
        {"7", RID_JSON_MATRIX_NOT_ARRAY, 0, 0, 0, 0},
        {"{}", RID_JSON_MATRIX_NOT_ARRAY, 0, 0, 0, 0},
        {"[1,2]", RID_JSON_MATRIX_NOT_ARRAY, 0, 0, 0, 0},
        {"[[1],2]", RID_JSON_MATRIX_NOT_ARRAY, 1, 0, 1, 1},
        {"[[1],{}]", RID_JSON_MATRIX_NOT_ARRAY, 1, 0, 1, 1},
        {"[[1,null]]", RID_JSON_MATRIX_NOT_NUMBER, 0, 1, 0, 2},
        {"[[1,2],[1,\"3\"]]", RID_JSON_MATRIX_NOT_NUMBER, 1, 1, 1, 2},
        {"[[1,2],[1,[2]]]", RID_JSON_MATRIX_NOT_NUMBER, 1, 1, 1, 2},
        {"[[true]]", RID_JSON_MATRIX_NOT_NUMBER, 0, 0, 0, 1},
        {"[[1,1e39]]", RID_JSON_MATRIX_RANGE, 0, 1, 0, 2},
        {"[[1],[-3.5e38]]", RID_JSON_MATRIX_RANGE, 1, 0, 1, 1},
        {"[[1,2],[3]]", RID_JSON_MATRIX_RAGGED, 1, 1, 1, 2},
        {"[[1],[2],[3,4,5]]", RID_JSON_MATRIX_RAGGED, 2, 3, 2, 1},
        {"[[1],[]]", RID_JSON_MATRIX_RAGGED, 1, 0, 1, 1},
        {"[[],[1]]", RID_JSON_MATRIX_RAGGED, 1, 1, 1, 0},
    };
    rid_json_matrix m = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t row = 99, column = 99;
        rid_json_matrix_fault fault = rid_json_read_matrix(parse(cases[i].text), &m, &row, &column);
        if (fault != cases[i].fault || m.rows != cases[i].rows || m.cols != cases[i].cols ||
            (fault != RID_JSON_MATRIX_OK && (row != cases[i].row || column != cases[i].column)))
            fail_msg("%s: fault %d at (%zu, %zu), %zu x %zu", cases[i].text, (int)fault, row,
                     column, m.rows, m.cols);
    }
    rid_mem_free(m.data);
}

/* The double nearest to the text, rounded to float32; the limits of float32. */
static void test_matrix_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        float value;
    } cases[] = {{"3.4028234663852886e38", FLT_MAX},
                 {"-3.4028235e38", -FLT_MAX},
                 {"340282346638528859811704183484516925440.0", FLT_MAX},
                 {"1e-45", 0x1p-149f},
                 {"1e-50", 0},
                 {"-1e-400", -0.0f},
                 {"0.1", 0.1f},
                 {"16777217", 16777216},
                 {"9223372036854775807", 0x1p63f},
                 {"18446744073709551615", 0x1p64f},
                 {"1.00000005960464477539062500000000000000001", 1}, /* of a double first */
                 {"-0.0", -0.0f},
                 {"5e-324", 0}};
    rid_json_matrix m = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[128];
        size_t row, column;
        snprintf(text, sizeof text, "[[%s]]", cases[i].text);
        assert_int_equal(rid_json_read_matrix(parse(text), &m, &row, &column), RID_JSON_MATRIX_OK);
        if (memcmp(m.data, &cases[i].value, sizeof(float)) != 0)
            fail_msg("%s: %a", cases[i].text, (double)m.data[0]);
    }
    rid_mem_free(m.data);
}

/* ---- numbers written ---- */

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void check_float(uint32_t bits)
{
    char text[RID_JSON_NUMBER_MAX + 1];
    float x, back;
    memcpy(&x, &bits, sizeof x);
    if (!isfinite(x))
        return;
    size_t n = rid_json_write_f32(text, x);
    assert_true(n <= RID_JSON_NUMBER_MAX);
    text[n] = '\0';
    back = strtof(text, NULL);
    if (bits_of(back) != bits)
        fail_msg("%s is not %a", text, (double)x);
    /* Shortest: no %.*g with a digit less reads back the same. */
    int digits = 0;
    for (const char *p = text; *p && *p != 'e'; p++)
        digits += *p >= '0' && *p <= '9' && (digits > 0 || *p != '0');
    char shorter[64];
    if (digits > 1 && digits <= 9) {
        snprintf(shorter, sizeof shorter, "%.*g", digits - 1, (double)x);
        if (bits_of(strtof(shorter, NULL)) == bits && strlen(shorter) < n)
            fail_msg("%s, but %s is shorter", text, shorter);
    }
}

static void test_floats_read_back(void **state)
{
    (void)state;
    rid_random r = fx_random(5);
    static const uint32_t corners[] = {0,          0x80000000, 1,          0x007FFFFF, 0x00800000,
                                       0x7F7FFFFF, 0x3F800000, 0x3F7FFFFF, 0x4B000000, 0x4B800001};
    for (size_t i = 0; i < sizeof corners / sizeof corners[0]; i++)
        check_float(corners[i]);
    for (int i = 0; i < 300000; i++)
        check_float((uint32_t)rid_random_u64(&r));
}

/* Through the parser, as payloads are: bit for bit, over random patterns. */
static void test_floats_through_the_parser(void **state)
{
    (void)state;
    enum { N = 1000 };
    rid_random r = fx_random(6);
    rid_json_matrix m = {0};
    for (int round = 0; round < 100; round++) {
        rid_buf text = {0};
        rid_jsonw w = {&text, false};
        float x[N];
        size_t row, column;
        for (size_t i = 0; i < N; i++) {
            do {
                uint32_t bits = (uint32_t)rid_random_u64(&r);
                memcpy(&x[i], &bits, sizeof bits);
            } while (!isfinite(x[i]) || bits_of(x[i]) == 0x80000000); /* "-0" is an integer, 0 */
        }
        rid_jsonw_begin_array(&w);
        rid_jsonw_f32_array(&w, x, N);
        rid_jsonw_end_array(&w);
        assert_int_equal(rid_json_read_matrix(parse(rid_buf_cstr(&text)), &m, &row, &column),
                         RID_JSON_MATRIX_OK);
        assert_int_equal(m.cols, N);
        assert_memory_equal(m.data, x, sizeof x);
        rid_buf_free(&text);
    }
    rid_mem_free(m.data);
}

static void test_doubles_read_back(void **state)
{
    (void)state;
    rid_random r = fx_random(7);
    for (int i = 0; i < 100000; i++) {
        char text[RID_JSON_NUMBER_MAX + 1];
        uint64_t bits = rid_random_u64(&r);
        double x, back;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        size_t n = rid_json_write_f64(text, x);
        assert_true(n <= RID_JSON_NUMBER_MAX);
        text[n] = '\0';
        back = strtod(text, NULL);
        assert_memory_equal(&back, &x, sizeof x);
    }
}

/* ---- the writer ---- */

static void test_writer(void **state)
{
    (void)state;
    rid_buf out = {0};
    rid_jsonw w = {&out, false};
    static const float v[] = {1, -0.5f, 1e10f, 0x1p-149f};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "a");
    rid_jsonw_begin_array(&w);
    rid_jsonw_end_array(&w);
    rid_jsonw_key(&w, "b\"");
    rid_jsonw_begin_array(&w);
    rid_jsonw_null(&w);
    rid_jsonw_bool(&w, true);
    rid_jsonw_bool(&w, false);
    rid_jsonw_i64(&w, INT64_MIN);
    rid_jsonw_u64(&w, UINT64_MAX);
    rid_jsonw_f32(&w, 0.1f);
    rid_jsonw_f32(&w, INFINITY);
    rid_jsonw_f64(&w, 0.1);
    rid_jsonw_f64(&w, NAN);
    rid_jsonw_str(&w, (rid_str){NULL, 0});
    rid_jsonw_str(&w, (rid_str){"", 0});
    rid_jsonw_cstr(&w, "x");
    rid_jsonw_raw(&w, rid_str_of("{\"r\":1}"));
    rid_jsonw_begin_object(&w);
    rid_jsonw_end_object(&w);
    rid_jsonw_f32_array(&w, v, 4);
    rid_jsonw_f32_array(&w, v, 0);
    rid_jsonw_end_array(&w);
    rid_jsonw_key_str(&w, rid_str_of("c"));
    rid_jsonw_cstr(&w, NULL);
    rid_jsonw_end_object(&w);
    assert_string_equal(rid_buf_cstr(&out),
                        "{\"a\":[],\"b\\\"\":[null,true,false,-9223372036854775808,"
                        "18446744073709551615,0.1,null,0.1,null,null,\"\",\"x\",{\"r\":1},{},"
                        "[1,-0.5,10000000000,1e-45],[]],\"c\":null}");
    assert_true(accepts(out.data));
    rid_buf_free(&out);
}

static void test_escapes(void **state)
{
    (void)state;
    char all[0x80];
    rid_buf out = {0};
    rid_str s;
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (char)i;
    rid_jsonw_quote(&out, (rid_str){all, sizeof all});
    assert_non_null(strstr(rid_buf_cstr(&out), "\\u0000\\u0001"));
    assert_non_null(strstr(out.data, "\\b\\t\\n\\u000b\\f\\r"));
    assert_non_null(strstr(out.data, " !\\\"#"));
    assert_non_null(strstr(out.data, "[\\\\]"));
    assert_non_null(strstr(out.data, "\\u007f\""));
    assert_true(rid_json_get_str(parse(out.data), &s) && s.len == sizeof all);
    assert_memory_equal(s.data, all, sizeof all);
    rid_buf_clear(&out);
    rid_jsonw_quote(&out, rid_str_of("\xC3\xBC\xF0\x9F\x98\x80/"));
    assert_string_equal(rid_buf_cstr(&out), "\"\xC3\xBC\xF0\x9F\x98\x80/\"");
    rid_buf_free(&out);
}

static void test_append(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {" { \"a\" : [ 1 , 2.50 , -3 ] , \"b\" : { } , \"c\" : [ ] } ",
         "{\"a\":[1,2.5,-3],\"b\":{},\"c\":[]}"},
        {"\"\\u00fc\\n\\/\"", "\"\xC3\xBC\\n/\""},
        {"[true,false,null,18446744073709551615,-9223372036854775808,1e300]",
         "[true,false,null,18446744073709551615,-9223372036854775808,1e+300]"},
    };
    for (size_t i = 0; i < 3; i++) {
        rid_buf out = {0};
        rid_json_append(&out, parse(texts[i][0]));
        assert_string_equal(rid_buf_cstr(&out), texts[i][1]);
        rid_buf_free(&out);
    }
}

/* A huge document, then small ones: the parser gives its memory back and goes on. */
static void test_sizes(void **state)
{
    (void)state;
    rid_buf text = {0};
    rid_json_matrix m = {0};
    size_t row, column;
    rid_buf_append_str(&text, "[[0");
    while (text.len < 20u << 20)
        rid_buf_append_str(&text, ",1.5");
    rid_buf_append_str(&text, "]]");
    for (int round = 0; round < 2; round++) {
        assert_int_equal(rid_json_read_matrix(parse(rid_buf_cstr(&text)), &m, &row, &column),
                         RID_JSON_MATRIX_OK);
        assert_true(m.cols > 5000000 && m.data[m.cols - 1] == 1.5f);
        assert_true(accepts("[1]"));
        assert_false(accepts(""));
    }
    rid_mem_free(m.data);
    rid_buf_free(&text);
}

static int begin(void **state)
{
    parser = rid_json_parser_new();
    return parser ? fx_begin(state) : -1;
}

static int end(void **state)
{
    rid_json_parser_free(parser);
    rid_json_parser_free(NULL);
    rid_buf_free(&padded);
    return rid_mem_live_blocks() != 0 || fx_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts_and_rejects),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_accessors),
        cmocka_unit_test(test_walking),
        cmocka_unit_test(test_duplicate_keys),
        cmocka_unit_test(test_matrix_faults),
        cmocka_unit_test(test_matrix_numbers),
        cmocka_unit_test(test_floats_read_back),
        cmocka_unit_test(test_floats_through_the_parser),
        cmocka_unit_test(test_doubles_read_back),
        cmocka_unit_test(test_writer),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_append),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
