#include "data/yaml.h"

#include "data/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static rid_status parse(rid_yaml *y, const char *text, rid_err *err)
{
    return rid_yaml_parse(y, "t.yaml", rid_str_of(text), err);
}

static void test_kinds_and_places(void **state)
{
    (void)state;
    rid_yaml y = {0};
    rid_err err = {0};
    const char *text = "# a comment\n"
                       "threshold: 0.9\n"
                       "filter: on          # stays text\n"
                       "day: 2025-11-06\n"
                       "camera: [front, \"back door\"]\n"
                       "warm:\n"
                       "  - a.h5\n"
                       "  - b.h5\n"
                       "timezone:\n"
                       "  default: Europe/Berlin\n"
                       "  nc0009: America/Chicago\n";
    assert_int_equal(parse(&y, text, &err), RID_OK);
    assert_int_equal(y.n, 6);
    assert_string_equal(y.entries[0].key, "threshold");
    assert_int_equal(y.entries[0].kind, RID_YAML_SCALAR);
    assert_string_equal(y.entries[0].items[0].text, "0.9");
    assert_int_equal(y.entries[0].line, 2);
    assert_int_equal(y.entries[0].column, 1);
    assert_int_equal(y.entries[0].value_column, 12);
    assert_string_equal(y.entries[1].items[0].text, "on");
    assert_string_equal(y.entries[2].items[0].text, "2025-11-06");
    assert_int_equal(y.entries[3].kind, RID_YAML_LIST);
    assert_int_equal(y.entries[3].n_items, 2);
    assert_string_equal(y.entries[3].items[1].text, "back door");
    assert_int_equal(y.entries[4].items[1].line, 8);
    assert_int_equal(y.entries[4].items[1].column, 5);
    assert_int_equal(y.entries[5].kind, RID_YAML_MAP);
    assert_string_equal(y.entries[5].items[1].key, "nc0009");
    assert_string_equal(y.entries[5].items[1].text, "America/Chicago");
    assert_int_equal(y.entries[5].items[1].line, 11);
    rid_yaml_clear(&y);
    assert_int_equal(y.n, 0);
}

static void test_null(void **state)
{
    (void)state;
    rid_yaml y = {0};
    rid_err err = {0};
    assert_int_equal(parse(&y, "a:\nb: ~\nc: null\nd: Null\ne: ''\nf: 'null'\n", &err), RID_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(y.entries[i].kind, RID_YAML_NULL);
    assert_int_equal(y.entries[4].kind, RID_YAML_SCALAR);
    assert_string_equal(y.entries[4].items[0].text, "");
    assert_string_equal(y.entries[5].items[0].text, "null");
    rid_yaml_clear(&y);
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    "\n\n", "# only a comment\n", "---\n", "---\n...\n",
                                        "~\n", "{}\n", "\xEF\xBB\xBF"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rid_yaml y = {0};
        rid_err err = {0};
        if (parse(&y, texts[i], &err) != RID_OK)
            fail_msg("text %zu: %s", i, err.message);
        assert_int_equal(y.n, 0);
        rid_yaml_clear(&y);
    }
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a: 1\nb: 2\na: 3\n", "t.yaml:3:1: 'a' is here twice (first in line 1)"},
        {"t:\n  x: 1\n  y: 2\n  x: 3\n",
         "t.yaml:4:3: 'x' under 't' is here twice (first in line 2)"},
        {"a: [1, [2]]\n", "t.yaml:1:8: expected a plain value in a list, found a list"},
        {"a: [1, {b: 2}]\n", "t.yaml:1:8: expected a plain value in a list, found a mapping"},
        {"a: [1, null]\n", "t.yaml:1:8: expected a plain value in a list, found nothing"},
        {"a: {b: [1]}\n", "t.yaml:1:8: expected a plain value in a map, found a list"},
        {"a: {b: {c: 1}}\n", "t.yaml:1:8: expected a plain value in a map, found a mapping"},
        {"a:\n  b:\n", "t.yaml:2:5: expected a plain value in a map, found nothing"},
        {"- a\n- b\n", "t.yaml:1:1: expected 'key: value' lines, found a list"},
        {"just words\n", "t.yaml:1:1: expected 'key: value' lines, found a scalar"},
        {"? [a]\n: 1\n", "t.yaml:1:3: expected a key, found a list"},
        {"{~: 1}\n", "t.yaml:1:2: expected a key, found nothing"},
        {"a: &x 1\n", "t.yaml:1:4: anchors are not accepted here"},
        {"a: *x\n", "t.yaml:1:4: aliases are not accepted here"},
        {"&r {a: 1}\n", "t.yaml:1:1: anchors are not accepted here"},
        {"a: !!python/object:os.system x\n", "t.yaml:1:4: tags are not accepted here"},
        {"a: !!int 3\n", "t.yaml:1:4: tags are not accepted here"},
        {"a: \"x\\0y\"\n", "t.yaml:1:4: expected a value, found one with a NUL in it"},
        {"a: 1\n---\nb: 2\n", "t.yaml:2:1: expected the end, found a second document"},
        {"a: 1\nb: caf\xE9\n", "t.yaml:2:7: expected UTF-8"},
        {"\xC3\xA4: 1\nb: \xC3\xA4\xED\xA0\x80\n", "t.yaml:2:5: expected UTF-8"},
        {"a: 1\nb: x\x01\n", "t.yaml:2:5: control characters are not allowed"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_yaml y = {0};
        rid_err err = {0};
        assert_int_equal(parse(&y, cases[i].text, &err), RID_ECONFIG);
        assert_int_equal(err.code, RID_ECONFIG);
        assert_string_equal(err.message, cases[i].message);
        assert_int_equal(y.n, 0);
    }
}

/* libyaml's own words may change; the place may not. */
static void test_syntax_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"a: 1\n  b: 2\n", "t.yaml:2:4: "}, {"a: [1, 2\nb: 3\n", "t.yaml:2:"},
        {"a: \"open\n", "t.yaml:2:1: "},    {"a: 1\n\tb: 2\n", "t.yaml:2:"},
        {"a: 'x' y\n", "t.yaml:1:8: "},     {"%YAML 3.0\n---\na: 1\n", "t.yaml:1:1: "},
        {"a: @x\n", "t.yaml:1:4: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_yaml y = {0};
        rid_err err = {0};
        assert_int_equal(parse(&y, cases[i].text, &err), RID_ECONFIG);
        if (strncmp(err.message, cases[i].place, strlen(cases[i].place)) != 0)
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    rid_yaml y = {0};
    rid_err err = {0};
    rid_buf text = {0};
    for (int i = 0; i <= RID_YAML_ENTRIES_MAX; i++)
        rid_buf_printf(&text, "k%d: %d\n", i, i);
    assert_int_equal(parse(&y, rid_buf_cstr(&text), &err), RID_ECONFIG);
    assert_string_equal(err.message, "t.yaml:1001:1: more than 1000 keys");
    rid_buf_clear(&text);
    rid_buf_append_str(&text, "a:\n");
    for (int i = 0; i <= RID_YAML_ITEMS_MAX; i++)
        rid_buf_append_str(&text, "- x\n");
    assert_int_equal(parse(&y, rid_buf_cstr(&text), &err), RID_ECONFIG);
    assert_string_equal(err.message, "t.yaml:16386:3: more than 16384 items under 'a'");
    rid_buf_clear(&text);
    rid_buf_append_str(&text, "#");
    memset(rid_buf_reserve(&text, RID_YAML_BYTES_MAX), 'x', RID_YAML_BYTES_MAX);
    text.len += RID_YAML_BYTES_MAX;
    assert_int_equal(rid_yaml_parse(&y, "t.yaml", rid_buf_view(&text), &err), RID_ECONFIG);
    assert_non_null(strstr(err.message, "over 1048576 bytes"));
    text.len--;
    assert_int_equal(rid_yaml_parse(&y, "t.yaml", rid_buf_view(&text), &err), RID_OK);
    memset(text.data, '[', text.len); /* a million levels, of which two are looked at */
    assert_int_equal(rid_yaml_parse(&y, "t.yaml", rid_buf_view(&text), &err), RID_ECONFIG);
    rid_buf_free(&text);
}

static void test_alias_bomb(void **state)
{
    (void)state;
    rid_yaml y = {0};
    rid_err err = {0};
    const char *text =
        "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n";
    assert_int_equal(parse(&y, text, &err), RID_ECONFIG);
    assert_string_equal(err.message, "t.yaml:1:4: anchors are not accepted here");
}

static void test_files(void **state)
{
    (void)state;
    rid_yaml y = {0};
    rid_err err = {0};
    char path[] = "/tmp/test_yaml_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: 1\n", 5), 5);
    close(fd);
    assert_int_equal(rid_yaml_read(&y, path, &err), RID_OK);
    assert_int_equal(y.n, 1);
    rid_yaml_clear(&y);
    unlink(path);
    assert_int_equal(rid_yaml_read(&y, path, &err), RID_ENOINPUT);
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(rid_yaml_read(&y, "/tmp", &err), RID_ENOINPUT);
}

static uint32_t next_random(uint32_t *seed)
{
    return *seed = *seed * 1664525u + 1013904223u;
}

/* Text made of YAML's own bytes, and a good document with bytes changed. */
static void test_random_text(void **state)
{
    (void)state;
    static const char alphabet[] = "ab:-?[]{},#&*!|>'\"%@` \n\n  \t~0\\x\xC3\xA4\xFF\x01";
    static const char good[] = "a: [1, 'b', \"c\\n\"]\nt: {x: y}\nz: |\n  text\n  more\nq: 1.5\n";
    uint32_t seed = 7;
    int64_t before = rid_mem_live_blocks();
    int accepted = 0;
    for (int round = 0; round < 20000; round++) {
        char text[128];
        size_t n = next_random(&seed) >> 25;
        if (round % 2) {
            n = sizeof good - 1;
            memcpy(text, good, n);
            for (int k = 0; k < 3; k++)
                text[(next_random(&seed) >> 8) % n] = (char)(next_random(&seed) >> 24);
        } else {
            for (size_t i = 0; i < n; i++)
                text[i] = alphabet[(next_random(&seed) >> 8) % (sizeof alphabet - 1)];
        }
        rid_yaml y = {0};
        rid_err err = {0};
        rid_status st = rid_yaml_parse(&y, "t", (rid_str){text, n}, &err);
        assert_true(st == RID_OK || st == RID_ECONFIG);
        accepted += st == RID_OK;
        rid_yaml_clear(&y);
    }
    assert_true(accepted > 0);
    assert_int_equal(rid_mem_live_blocks(), before);
}

static void test_no_memory(void **state)
{
    (void)state;
    int64_t before = rid_mem_live_blocks();
    const char *text = "a: 1\nb: [x, y]\nc: {d: e, f: g}\nh: ~\n";
    for (uint64_t nth = 1;; nth++) {
        rid_yaml y = {0};
        rid_err err = {0};
        rid_mem_fail_after(nth);
        rid_status st = parse(&y, text, &err);
        rid_mem_fail_after(0);
        rid_yaml_clear(&y);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK) {
            assert_true(nth > 8);
            break;
        }
        assert_int_equal(st, RID_ETEMP);
    }
}

static void check_round_trip(rid_str value, bool plain_number)
{
    rid_buf text = {0};
    rid_yaml y = {0};
    rid_err err = {0};
    rid_buf_append_str(&text, "k: ");
    rid_yaml_append_scalar(&text, value, plain_number);
    rid_buf_append_str(&text, "   # from default\nafter: [");
    rid_yaml_append_scalar(&text, value, plain_number);
    rid_buf_append_str(&text, ", x]\n");
    if (rid_yaml_parse(&y, "t", rid_buf_view(&text), &err) != RID_OK)
        fail_msg("%s in:\n%s", err.message, rid_buf_cstr(&text));
    assert_int_equal(y.n, 2);
    assert_int_equal(y.entries[0].kind, RID_YAML_SCALAR);
    if (!rid_str_equal(rid_str_of(y.entries[0].items[0].text), value) ||
        !rid_str_equal(rid_str_of(y.entries[1].items[0].text), value))
        fail_msg("reads back otherwise: %s", rid_buf_cstr(&text));
    assert_int_equal(y.entries[1].n_items, 2);
    rid_yaml_clear(&y);
    rid_buf_free(&text);
}

static void test_scalars_read_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "~",
                                        "null",
                                        "Null",
                                        "on",
                                        "true",
                                        "0009",
                                        "-1.7",
                                        "-",
                                        "--",
                                        "---",
                                        "a: b",
                                        "a:",
                                        "a #b",
                                        "#x",
                                        "a,b",
                                        "[x]",
                                        "{x}",
                                        "'q'",
                                        "\"q\"",
                                        "back\\slash",
                                        "two\nlines",
                                        "tab\there",
                                        "%5",
                                        "5%",
                                        "@x",
                                        "!x",
                                        "&x",
                                        "*x",
                                        "? x",
                                        "day/one.h5",
                                        "1:30",
                                        "=",
                                        "<<",
                                        "\xC3\xA9t\xC3\xA9",
                                        "\xE2\x80\xA8",
                                        "\xC2\x85",
                                        "\xEF\xBB\xBF",
                                        "\xEF\xBF\xBE",
                                        "\x7F",
                                        "\x01",
                                        "\xF0\x9F\x98\x80"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        check_round_trip(rid_str_of(texts[i]), false);
        check_round_trip(rid_str_of(texts[i]), true);
    }
    uint32_t seed = 11;
    for (int round = 0; round < 5000; round++) {
        char text[16];
        size_t n = next_random(&seed) >> 28;
        for (size_t i = 0; i < n; i++)
            text[i] = (char)(1 + (next_random(&seed) >> 8) % 127);
        check_round_trip((rid_str){text, n}, round % 2);
    }
}

static void test_plain_scalars(void **state)
{
    (void)state;
    rid_buf out = {0};
    rid_yaml_append_scalar(&out, rid_str_of("on"), true);
    rid_buf_append_char(&out, ' ');
    rid_yaml_append_scalar(&out, rid_str_of("on"), false);
    rid_buf_append_char(&out, ' ');
    rid_yaml_append_scalar(&out, rid_str_of("2025-11-06"), false);
    rid_buf_append_char(&out, ' ');
    rid_yaml_append_scalar(&out, rid_str_of("America/New_York"), false);
    rid_buf_append_char(&out, ' ');
    rid_yaml_append_scalar(&out, rid_str_of("a\xFFz"), false);
    assert_string_equal(rid_buf_cstr(&out),
                        "on \"on\" \"2025-11-06\" America/New_York \"a\\xFFz\"");
    rid_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_and_places),  cmocka_unit_test(test_null),
        cmocka_unit_test(test_nothing),           cmocka_unit_test(test_errors),
        cmocka_unit_test(test_syntax_errors),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_alias_bomb),        cmocka_unit_test(test_files),
        cmocka_unit_test(test_random_text),       cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_scalars_read_back), cmocka_unit_test(test_plain_scalars),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
