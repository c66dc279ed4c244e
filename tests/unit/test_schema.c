/* The attribute schema: vectors worked by hand for all five types and the unknown one, what is
 * counted as out of vocabulary, what is no schema. */
#include "tests/unit/fixture.h"

#include "data/schema.h"

static rid_json_parser *parser;

static rid_schema *make(const char *text)
{
    rid_schema *s;
    assert_ok(rid_schema_parse(&s, rid_str_of(text), "test", &err));
    return s;
}

/* The vector of `attrs` (NULL: none), and the out-of-vocabulary values as "field=value*count;". */
static void expect(const rid_schema *s, const char *attrs, const float *expected,
                   const char *oov_expected)
{
    float v[32];
    rid_oov oov = {0};
    rid_buf padded = {0}, counted = {0};
    rid_json root = {0};
    assert_true(rid_schema_dim(s) <= 32);
    for (size_t i = 0; i < 32; i++)
        v[i] = NAN;
    if (attrs) {
        rid_buf_append_str(&padded, attrs);
        assert_non_null(rid_buf_reserve(&padded, RID_JSON_PADDING));
        assert_ok(rid_json_parse(parser, padded.data, padded.len, &root, &err));
    }
    assert_ok(rid_schema_vector(s, attrs ? &root : NULL, v, &oov, &err));
    for (size_t i = 0; i < rid_schema_dim(s); i++)
        if (memcmp(&v[i], &expected[i], sizeof v[i]) != 0)
            fail_msg("%s: [%zu] is %a, expected %a", attrs, i, (double)v[i], (double)expected[i]);
    for (size_t i = 0; i < oov.n; i++)
        rid_buf_printf(&counted, "%s=%s*%d;", oov.items[i].field, oov.items[i].value,
                       (int)oov.items[i].count);
    assert_string_equal(rid_buf_cstr(&counted), oov_expected);
    rid_oov_clear(&oov);
    rid_buf_free(&counted);
    rid_buf_free(&padded);
}

#define V(...) ((const float[]){__VA_ARGS__})

static void test_enum(void **state)
{
    (void)state;
    rid_schema *s = make("{\"fields\":[{\"name\":\"c\",\"type\":\"enum\",\"values\":[\"red\","
                         "\"blue\",3,true,null]}]}");
    assert_int_equal(rid_schema_dim(s), 5);
    expect(s, NULL, V(0, 0, 0, 0, 0), "");
    expect(s, "{}", V(0, 0, 0, 0, 0), "");
    expect(s, "{\"c\":null}", V(0, 0, 0, 0, 0), "");
    expect(s, "{\"c\":\"red\"}", V(1, 0, 0, 0, 0), "");
    expect(s, "{\"c\":\"blue\"}", V(0, 1, 0, 0, 0), "");
    expect(s, "{\"c\":3}", V(0, 0, 1, 0, 0), "");
    expect(s, "{\"c\":3.0}", V(0, 0, 1, 0, 0), "");
    expect(s, "{\"c\":true}", V(0, 0, 0, 1, 0), "");
    expect(s, "{\"c\":\"Red\"}", V(0, 0, 0, 0, 0), "c=Red*1;");
    expect(s, "{\"c\":\"\"}", V(0, 0, 0, 0, 0), "c=*1;");
    expect(s, "{\"c\":[\"red\"]}", V(0, 0, 0, 0, 0), "c=[\"red\"]*1;");
    expect(s, "{\"c\":{\"red\":1}}", V(0, 0, 0, 0, 0), "c={\"red\":1}*1;");
    expect(s, "{\"d\":\"red\",\"C\":\"red\"}", V(0, 0, 0, 0, 0), "");
    rid_schema_free(s);
}

static void test_multilabel(void **state)
{
    (void)state;
    rid_schema *s = make("{\"fields\":[{\"name\":\"m\",\"type\":\"multilabel\",\"values\":[\"hat\","
                         "\"bag\",\"coat\"]}]}");
    expect(s, "{\"m\":[]}", V(0, 0, 0), "");
    expect(s, "{\"m\":[\"coat\",\"hat\"]}", V(1, 0, 1), "");
    expect(s, "{\"m\":[\"bag\",\"bag\"]}", V(0, 1, 0), "");
    expect(s, "{\"m\":\"bag\"}", V(0, 1, 0), "");
    expect(s, "{\"m\":[\"bag\",null,\"tie\",\"tie\",7]}", V(0, 1, 0), "m=tie*2;m=7*1;");
    expect(s, "{\"m\":[[\"hat\"]]}", V(0, 0, 0), "m=[\"hat\"]*1;");
    expect(s, "{\"m\":null}", V(0, 0, 0), "");
    rid_schema_free(s);
}

static void test_prob_dict(void **state)
{
    (void)state;
    rid_schema *s = make(
        "{\"fields\":[{\"name\":\"p\",\"type\":\"prob_dict\",\"values\":[\"a\",\"b\",\"c\"]}]}");
    expect(s, "{\"p\":{\"c\":0.5,\"a\":0.25}}", V((float)(0.25 / 0.75), 0, (float)(0.5 / 0.75)),
           "");
    expect(s, "{\"p\":{\"a\":2,\"b\":2,\"c\":4}}", V(0.25f, 0.25f, 0.5f), "");
    expect(s, "{\"p\":{\"a\":0,\"b\":0}}", V(0, 0, 0), "");
    expect(s, "{\"p\":{}}", V(0, 0, 0), "");
    expect(s, "{\"p\":{\"a\":1,\"d\":1}}", V(1, 0, 0), "p=d*1;"); /* the sum is of known ones */
    expect(s, "{\"p\":{\"a\":1,\"b\":null}}", V(1, 0, 0), "");
    expect(s, "{\"p\":{\"a\":1,\"b\":-1,\"c\":\"x\"}}", V(1, 0, 0), "p=b*1;p=c*1;");
    expect(s, "{\"p\":{\"a\":1e-320,\"b\":1e-320}}", V(0.5f, 0.5f, 0), "");
    expect(s, "{\"p\":{\"a\":1e308,\"b\":1e308}}", V(0, 0, 0), ""); /* no NaN */
    expect(s, "{\"p\":[1,2,3]}", V(0, 0, 0), "p=[1,2,3]*1;");
    expect(s, "{\"p\":\"a\"}", V(0, 0, 0), "p=a*1;");
    rid_schema_free(s);
}

static void test_float(void **state)
{
    (void)state;
    rid_schema *s = make("{\"fields\":[{\"name\":\"f\",\"type\":\"float\"},"
                         "{\"name\":\"g\",\"type\":\"float\",\"range\":[-10,30]},"
                         "{\"name\":\"h\",\"type\":\"float\",\"range\":null}]}");
    expect(s, "{\"f\":0.25,\"g\":0,\"h\":1}", V(0.25f, 0.25f, 1), "");
    expect(s, "{\"f\":-0.1,\"g\":31,\"h\":5}", V(0, 1, 1), "");
    expect(s, "{\"f\":1,\"g\":-10}", V(1, 0, 0), "");
    expect(s, "{\"f\":0.1,\"g\":30}", V(0.1f, 1, 0), "");
    expect(s, "{\"f\":\"0.5\",\"g\":true,\"h\":[]}", V(0, 0, 0), "f=0.5*1;g=true*1;h=[]*1;");
    expect(s, "{\"f\":1e308,\"g\":-1e308,\"h\":null}", V(1, 0, 0), "");
    rid_schema_free(s);
}

static void test_bool_and_unknown(void **state)
{
    (void)state;
    rid_schema *s =
        make("{\"fields\":[{\"name\":\"b\",\"type\":\"bool\"},{\"name\":\"u\",\"type\":\"colour\"},"
             "{\"name\":\"e\",\"type\":\"enum\",\"values\":[\"x\"]}]}");
    assert_int_equal(rid_schema_dim(s), 3);
    expect(s, "{\"b\":true,\"u\":5,\"e\":\"x\"}", V(1, 0, 1), "");
    expect(s, "{\"b\":false,\"u\":\"x\"}", V(0, 0, 0), "");
    expect(s, "{\"b\":1,\"u\":null}", V(0, 0, 0), "b=1*1;");
    expect(s, "{\"b\":\"yes\"}", V(0, 0, 0), "b=yes*1;");
    expect(s, "{\"b\":null}", V(0, 0, 0), "");
    rid_schema_free(s);
}

/* Fields stand in the order of the file. */
static void test_order(void **state)
{
    (void)state;
    rid_schema *s =
        make("{\"schema_id\":\"v7\",\"note\":[1],\"fields\":[{\"name\":\"z\",\"type\":\"bool\"},"
             "{\"name\":\"a\",\"type\":\"enum\",\"values\":[\"q\",\"p\"]},{\"name\":\"m\",\"type\":"
             "\"float\"}]}");
    assert_string_equal(rid_schema_id(s), "v7");
    expect(s, "{\"a\":\"p\",\"m\":0.5,\"z\":true}", V(1, 0, 1, 0.5f), "");
    rid_schema_free(s);
}

static void test_text(void **state)
{
    (void)state;
    rid_schema *a = make(" { \"fields\" : [ { \"name\":\"b\" , \"type\":\"bool\" } ] }\n");
    rid_schema *b = make("{\"fields\":[{\"name\":\"b\",\"type\":\"bool\"}]}");
    assert_string_equal(rid_schema_text(a), "{\"fields\":[{\"name\":\"b\",\"type\":\"bool\"}]}");
    assert_string_equal(rid_schema_text(a), rid_schema_text(b));
    assert_string_equal(rid_schema_id(a), "");
    rid_schema *c = make(rid_schema_text(a));
    assert_string_equal(rid_schema_text(c), rid_schema_text(a));
    rid_schema_free(a);
    rid_schema_free(b);
    rid_schema_free(c);
    rid_schema_free(NULL);
}

static void test_no_schemas(void **state)
{
    (void)state;
#define FIELDS(f) "{\"fields\":[" f "]}"
#define ENUM(values) FIELDS("{\"name\":\"a\",\"type\":\"enum\"" values "}")
#define RANGE(range) FIELDS("{\"name\":\"a\",\"type\":\"float\",\"range\":" range "}")
    static const char *const cases[][2] = {
        {"", "test: attribute schema"},
        {"{", "test: attribute schema"},
        {"{\"fields\":[}", "expected a JSON value"},
        {"[]", "expected an object"},
        {"{}", "expected an array 'fields'"},
        {"{\"fields\":{}}", "expected an array 'fields'"},
        {"{\"fields\":[]}", "'fields' is empty"},
        {"{\"schema_id\":7,\"fields\":[]}", "'schema_id' is not a string"},
        {"{\"fields\":[7]}", "fields[0]: expected an object, found a number"},
        {FIELDS("{}"), "fields[0]: expected a string 'name'"},
        {FIELDS("{\"name\":7,\"type\":\"bool\"}"), "expected a string 'name'"},
        {FIELDS("{\"name\":\"\",\"type\":\"bool\"}"), "expected a string 'name'"},
        {FIELDS("{\"name\":\"a\"}"), "field 'a': expected a string 'type'"},
        {FIELDS("{\"name\":\"a\",\"type\":7}"), "expected a string 'type'"},
        {FIELDS("{\"name\":\"a\",\"type\":\"bool\"},{\"name\":\"a\",\"type\":\"bool\"}"),
         "'a' stands twice"},
        {FIELDS("{\"name\":\"a\",\"name\":\"b\",\"type\":\"bool\"}"), "key 'name' stands twice"},
        {ENUM(""), "expected an array 'values'"},
        {ENUM(",\"values\":\"x\""), "expected an array 'values'"},
        {ENUM(",\"values\":[]"), "'values' is empty"},
        {ENUM(",\"values\":[[1]]"), "a value that is an array"},
        {ENUM(",\"values\":[\"x\",\"x\"]"), "'x' stands twice"},
        {ENUM(",\"values\":[1,\"1\"]"), "'1' stands twice"},
        {RANGE("[1]"), "'range': [lo, hi]"},
        {RANGE("[1,2,3]"), "'range'"},
        {RANGE("[2,1]"), "'range'"},
        {RANGE("[1,1]"), "'range'"},
        {RANGE("[\"0\",1]"), "'range'"},
        {RANGE("5"), "'range'"},
        {RANGE("[-1e308,1e308]"), "'range'"}, /* its width is no number */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_schema *s;
        assert_fails(rid_schema_parse(&s, rid_str_of(cases[i][0]), "test", &err), RID_ECONFIG,
                     cases[i][1]);
        assert_null(s);
        assert_int_equal(rid_schema_parse(&s, rid_str_of(cases[i][0]), "test", NULL), RID_ECONFIG);
    }
}

static void test_dimensions(void **state)
{
    (void)state;
    rid_buf text = {0};
    rid_schema *s;
    rid_buf_append_str(&text, "{\"fields\":[{\"name\":\"a\",\"type\":\"enum\",\"values\":[0");
    for (int i = 1; i < 3000; i++)
        rid_buf_printf(&text, ",%d", i);
    rid_buf_append_str(&text, "]}]}");
    assert_ok(rid_schema_parse(&s, rid_buf_view(&text), "test", &err));
    assert_int_equal(rid_schema_dim(s), 3000);
    rid_schema_free(s);
    rid_buf_free(&text);
}

static void test_files(void **state)
{
    (void)state;
    rid_schema *s;
    assert_ok(rid_schema_read(
        &s, fx_write("s.json", "{\"fields\":[{\"name\":\"b\",\"type\":\"bool\"}]}\n"), &err));
    rid_schema_free(s);
    assert_fails(rid_schema_read(&s, fx_path("none.json"), &err), RID_ENOINPUT, "none.json");
    assert_fails(rid_schema_read(&s, fx_root, &err), RID_ENOINPUT, "");
    assert_fails(rid_schema_read(&s, fx_write("bad.json", "{\n\"fields\": nope}"), &err),
                 RID_ECONFIG, "bad.json: attribute schema: line 2, byte 12: expected a JSON value");
    assert_null(s);
}

static void test_oov_counts(void **state)
{
    (void)state;
    rid_oov a = {0};
    char text[200];
    rid_str f = rid_str_of("f");
    for (int i = 0; i < 3; i++)
        assert_ok(rid_oov_add(&a, f, rid_str_of("x"), 2, &err));
    assert_ok(rid_oov_add(&a, rid_str_of("g"), rid_str_of("x"), 1, &err));
    assert_int_equal(a.n, 2);
    assert_int_equal(a.items[0].count, 6);
    /* Long values are cut, never inside a character. */
    memset(text, 'y', sizeof text);
    memcpy(text + 63, "\xC3\xBC", 2);
    assert_ok(rid_oov_add(&a, f, (rid_str){text, sizeof text}, 1, &err));
    assert_int_equal(strlen(a.items[2].value), 63);
    memcpy(text + 63, "z\xC3", 2);
    assert_ok(rid_oov_add(&a, f, (rid_str){text, sizeof text}, 1, &err));
    assert_int_equal(strlen(a.items[3].value), 64);
    for (int i = 0; i < 5000; i++) {
        snprintf(text, sizeof text, "%d", i);
        assert_ok(rid_oov_add(&a, f, rid_str_of(text), 1, &err));
    }
    assert_int_equal(a.n, RID_OOV_VALUES_MAX + 1);
    assert_string_equal(a.items[RID_OOV_VALUES_MAX].value, "(others)");
    assert_int_equal(a.items[RID_OOV_VALUES_MAX].count, 5000 - (RID_OOV_VALUES_MAX - 4));
    rid_oov_clear(&a);
    assert_int_equal(a.n, 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_str text = rid_str_of(
        "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"a\",\"type\":\"enum\",\"values\":[\"p\",1]},"
        "{\"name\":\"b\",\"type\":\"float\",\"range\":[0,2]},{\"name\":\"c\",\"type\":\"bool\"}]}");
    for (uint64_t n = 1;; n++) {
        int64_t before = rid_mem_live_blocks();
        rid_err e = {0};
        rid_schema *s;
        rid_mem_fail_after(n);
        rid_status st = rid_schema_parse(&s, text, "test", &e);
        rid_mem_fail_after(0);
        rid_schema_free(s);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK) {
            assert_true(n > 8);
            break;
        }
        assert_true(st == RID_ETEMP && e.code == RID_ETEMP && !s);
    }
    rid_schema *s = make(text.data);
    rid_buf padded = {0};
    rid_json root;
    rid_buf_append_str(&padded, "{\"a\":[\"not in it\"],\"b\":\"nor this\",\"c\":7}");
    assert_non_null(rid_buf_reserve(&padded, RID_JSON_PADDING));
    assert_ok(rid_json_parse(parser, padded.data, padded.len, &root, &err));
    for (uint64_t n = 1;; n++) {
        int64_t before = rid_mem_live_blocks();
        rid_err e = {0};
        rid_oov oov = {0};
        float v[4];
        rid_mem_fail_after(n);
        rid_status st = rid_schema_vector(s, &root, v, &oov, &e);
        rid_mem_fail_after(0);
        assert_int_equal(oov.n == 3, st == RID_OK);
        rid_oov_clear(&oov);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
    rid_buf_free(&padded);
    rid_schema_free(s);
}

static int begin(void **state)
{
    parser = rid_json_parser_new();
    return parser ? fx_begin(state) : -1;
}

static int end(void **state)
{
    rid_json_parser_free(parser);
    return rid_mem_live_blocks() != 0 || fx_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_enum),
        cmocka_unit_test(test_multilabel),
        cmocka_unit_test(test_prob_dict),
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_bool_and_unknown),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_no_schemas),
        cmocka_unit_test(test_dimensions),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_oov_counts),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
