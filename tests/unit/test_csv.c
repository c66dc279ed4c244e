/* Rows of comma-separated values: what they are, where they break, and back again. */
#include "tests/unit/fixture.h"

#include "data/csv.h"

/* "line:byte a|b|c" of every row, then the error, each on a line. */
static rid_buf read_all(const char *path)
{
    rid_buf out = {0};
    rid_csv *c;
    rid_err err = {0};
    const rid_str *fields;
    size_t n = 1;
    if (rid_csv_open(&c, path, &err) != RID_OK)
        fail_msg("%s", err.message);
    rid_status st = RID_OK;
    while (st == RID_OK && n > 0) {
        st = rid_csv_next(c, &fields, &n, &err);
        for (size_t i = 0; st == RID_OK && i < n; i++)
            rid_buf_printf(&out, "%s%.*s", i ? "|" : "", RID_STR(fields[i]));
        if (st == RID_OK && n > 0)
            rid_buf_printf(&out, "@%zu\n", rid_csv_line(c));
    }
    if (st != RID_OK)
        rid_buf_printf(&out, "%d %s", (int)st, strstr(err.message, "line"));
    rid_csv_close(c);
    return out;
}

static void test_rows(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a", "a@1\n"},
        {"a,b\nc,d\n", "a|b@1\nc|d@2\n"},
        {"a,b\r\nc,d\r\n", "a|b@1\nc|d@2\n"},
        {"\xEF\xBB\xBF" "a,b\n", "a|b@1\n"},
        {"\xEF\xBB", "\xEF\xBB@1\n"},
        {"\xEF\xBB\xBF", ""},
        {",\n", "|@1\n"},
        {",,x", "||x@1\n"},
        {"\"\"\n", "@1\n"},
        {"\n\na\n\n\nb\n", "a@3\nb@6\n"},
        {"\"a,\"\"b\"\"\",\"c\nd\"\ne\n", "a,\"b\"|c\nd@1\ne@3\n"},
        {"\"a\"\r\n\"b\"", "a@1\nb@2\n"},
        {"\"a\"\r", "a@1\n"},
        {"a\r", "a@1\n"},
        {"a\rb,c", "a\rb|c@1\n"},
        {" a , b \n", " a | b @1\n"},
        {"a\n\"b", "a@1\n4 line 2, byte 2: expected a closing quote for field 1"},
        {"a,\"b\"x\n", "4 line 1, byte 0: expected ',' or the line's end behind quoted field 2"},
        {"\na,b\"c\n", "4 line 2, byte 1: expected no quote inside field 2, which begins without one"},
        {"\"a\"\rb", "4 line 1, byte 0: expected a line feed behind a carriage return"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_buf found = read_all(fx_write("x.csv", cases[i].text));
        if (strcmp(found.len ? rid_buf_cstr(&found) : "", cases[i].expected) != 0)
            fail_msg("%zu: '%s', expected '%s'", i, found.data, cases[i].expected);
        rid_buf_free(&found);
    }
    rid_csv *c;
    assert_fails(rid_csv_open(&c, fx_path("gone.csv"), &err), RID_ENOINPUT, "gone.csv");
    assert_null(c);
    rid_csv_close(NULL);
}

static void test_long_rows(void **state)
{
    (void)state;
    rid_buf text = {0};
    const rid_str *fields;
    size_t n;
    rid_csv *c;
    for (int i = 0; i < (1 << 20); i++)
        rid_buf_append_char(&text, 'x');
    rid_buf_append_str(&text, "\n");
    const char *path = fx_write_bytes("long.csv", text.data, text.len);
    assert_ok(rid_csv_open(&c, path, &err));
    assert_ok(rid_csv_next(c, &fields, &n, &err));
    assert_int_equal(fields[0].len, 1 << 20);
    rid_csv_close(c);
    text.data[text.len - 1] = 'x';
    path = fx_write_bytes("long.csv", text.data, text.len);
    assert_ok(rid_csv_open(&c, path, &err));
    assert_fails(rid_csv_next(c, &fields, &n, &err), RID_EDATA, "line 1, byte 0: a row of more than 1 MiB");
    rid_csv_close(c);
    rid_buf_free(&text);
}

/* Random fields come back as they were written. */
static void test_round_trip(void **state)
{
    (void)state;
    enum { ROWS = 4000, COLUMNS = 4 };
    static const char alphabet[] = "ab,\"\n\r\xC3\xA9 ";
    rid_random r = fx_random(3);
    rid_buf file = {0}, plain = {0}, back = {0};
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < COLUMNS; k++) {
            char field[8];
            const size_t n = rid_random_below(&r, sizeof field);
            for (size_t j = 0; j < n; j++)
                field[j] = alphabet[rid_random_below(&r, sizeof alphabet - 1)];
            rid_csv_append_field(&file, (rid_str){field, n});
            rid_buf_append_str(&file, k + 1 < COLUMNS ? "," : i % 2 ? "\r\n" : "\n");
            rid_buf_append(&plain, field, n);
            rid_buf_append_char(&plain, '\1');
        }
    const rid_str *fields;
    size_t n = 1;
    rid_csv *c;
    assert_ok(rid_csv_open(&c, fx_write_bytes("r.csv", file.data, file.len), &err));
    while (n > 0) {
        assert_ok(rid_csv_next(c, &fields, &n, &err));
        assert_true(n == 0 || n == COLUMNS);
        for (size_t i = 0; i < n; i++) {
            rid_buf_append(&back, fields[i].data, fields[i].len);
            rid_buf_append_char(&back, '\1');
        }
    }
    assert_int_equal(back.len, plain.len);
    assert_memory_equal(back.data, plain.data, plain.len);
    rid_csv_close(c);
    rid_buf_free(&file);
    rid_buf_free(&plain);
    rid_buf_free(&back);
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = fx_write("m.csv", "a,b\n\"c\",d\n");
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_csv *c;
        rid_err err;
        const rid_str *fields;
        size_t n = 1;
        rid_mem_fail_after(nth);
        rid_status st = rid_csv_open(&c, path, &err);
        while (st == RID_OK && n > 0)
            st = rid_csv_next(c, &fields, &n, &err);
        rid_mem_fail_after(0);
        rid_csv_close(c);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_long_rows),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
