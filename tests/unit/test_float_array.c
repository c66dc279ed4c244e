/* The frames' own parser against the general one: equal bits where it accepts, and it accepts nothing
 * that the general one rejects. */
#include "data/float_array.h"

#include "data/base/buf.h"
#include "data/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct both {
    rid_json_parser *parser;
    rid_json_matrix fast, general;
    rid_buf text;
} both;

/* What the two make of b->text; true where the fast one accepted. */
static bool compare(both *b)
{
    size_t at = 0, row, column, len = b->text.len;
    rid_json root;
    assert_non_null(rid_buf_reserve(&b->text, RID_JSON_PADDING));
    memset(b->text.data + len, 0, RID_JSON_PADDING);
    bool fast = rid_float_array_read(b->text.data, len, &at, &b->fast);
    if (!fast) {
        assert_int_equal(at, 0);
        assert_int_equal(b->fast.rows, 0);
        return false;
    }
    rid_status st = rid_json_parse(b->parser, b->text.data, at, &root, NULL);
    if (st != RID_OK)
        fail_msg("accepted what JSON rejects: %.*s", (int)at, b->text.data);
    assert_int_equal(rid_json_read_matrix(root, &b->general, &row, &column), RID_JSON_MATRIX_OK);
    assert_int_equal(b->fast.rows, b->general.rows);
    assert_int_equal(b->fast.cols, b->general.cols);
    size_t n = b->fast.rows * b->fast.cols;
    for (size_t i = 0; i < n; i++)
        if (memcmp(&b->fast.data[i], &b->general.data[i], sizeof(float)) != 0)
            fail_msg("number %zu of %.*s: %.9g, expected %.9g", i, (int)at, b->text.data,
                     (double)b->fast.data[i], (double)b->general.data[i]);
    return true;
}

static both begin(void)
{
    both b = {.parser = rid_json_parser_new()};
    assert_non_null(b.parser);
    return b;
}

static void end(both *b)
{
    rid_json_parser_free(b->parser);
    rid_mem_free(b->fast.data);
    rid_mem_free(b->general.data);
    rid_buf_free(&b->text);
}

static double random_number(void)
{
    uint32_t bits = (uint32_t)mrand48();
    float f, next;
    memcpy(&f, &bits, sizeof f);
    switch (lrand48() % 5) {
    case 0:
        return isfinite(f) ? (double)f : 0.25;
    case 1:
        return (double)(float)(drand48() - 0.5);
    case 2:
        return (drand48() - 0.5) * pow(10, (double)(lrand48() % 76 - 38));
    case 3: /* the middle between two floats, and beside it */
        f = (float)((drand48() - 0.5) * 100);
        next = nextafterf(f, INFINITY);
        return nextafter(((double)f + (double)next) / 2, drand48() < 0.5 ? INFINITY : -INFINITY);
    default:
        return (double)(lrand48() % 2000 - 1000);
    }
}

static void append_number(rid_buf *out, double x)
{
    char text[RID_JSON_NUMBER_MAX];
    switch (lrand48() % 6) {
    case 0:
        rid_buf_append(out, text, rid_json_write_f32(text, (float)x));
        break;
    case 1:
        rid_buf_append(out, text, rid_json_write_f64(text, x));
        break;
    case 2:
        rid_buf_printf(out, "%.17g", x);
        break;
    case 3:
        rid_buf_printf(out, "%.*e", (int)(lrand48() % 25), x);
        break;
    case 4:
        rid_buf_printf(out, "%.*f", (int)(lrand48() % 26), fabs(x) < 1e12 ? x : 0.125);
        break;
    default:
        rid_buf_printf(out, "%.0f", fabs(x) < 1e15 ? x : -0.0);
        break;
    }
}

static void random_array(rid_buf *out)
{
    static const char *const blanks[] = {"", "", " ", "\n", " \t\r\n "};
    size_t rows = 1 + (size_t)lrand48() % 4, cols = 1 + (size_t)lrand48() % 40;
    rid_buf_clear(out);
    rid_buf_append_char(out, '[');
    for (size_t r = 0; r < rows; r++) {
        rid_buf_printf(out, "%s%s[", r ? "," : "", blanks[lrand48() % 5]);
        for (size_t c = 0; c < cols; c++) {
            rid_buf_printf(out, "%s%s", c ? "," : "", blanks[lrand48() % 5]);
            append_number(out, random_number());
            rid_buf_append_str(out, blanks[lrand48() % 5]);
        }
        rid_buf_printf(out, "]%s", blanks[lrand48() % 5]);
    }
    rid_buf_append_char(out, ']');
    assert_false(out->failed);
}

static void test_random_numbers(void **state)
{
    (void)state;
    both b = begin();
    srand48(20251106);
    size_t accepted = 0;
    for (int i = 0; i < 20000; i++) {
        random_array(&b.text);
        accepted += compare(&b);
    }
    assert_true(accepted > 10000);
    end(&b);
}

static void test_damaged_text(void **state)
{
    (void)state;
    static const char letters[] = "0123456789+-.eE[],{}\"nN \t\n\x01\x80:/";
    both b = begin();
    srand48(7);
    size_t refused = 0;
    for (int i = 0; i < 40000; i++) {
        random_array(&b.text);
        for (long k = lrand48() % 3; k >= 0; k--) {
            size_t at = 1 + (size_t)lrand48() % (b.text.len - 1);
            b.text.data[at] = letters[(size_t)lrand48() % (sizeof letters - 1)];
        }
        if (lrand48() % 4 == 0)
            b.text.len = 1 + (size_t)lrand48() % b.text.len;
        refused += !compare(&b);
    }
    assert_true(refused > 10000);
    end(&b);
}

static bool accepts(both *b, const char *text)
{
    rid_buf_clear(&b->text);
    rid_buf_append_str(&b->text, text);
    return compare(b);
}

static void test_cases(void **state)
{
    (void)state;
    both b = begin();
    static const char *const good[] = {
        "[[0]]", "[[-0]]", "[[-0.0]]", "[[1,2],[3,4]]", "[ [ 1.5 ] ]", "[[1e5]]", "[[1E-5,2e+3]]",
        "[[3.4028234663852886e38]]", "[[1e-46]]", "[[1.17549435e-38]]", "[[0.1234567890123456789]]",
        "[[12345678]]", "[[123456789012345678]]", "[[-123456789012345678]]", "[[1],[2],[3]]  ]"};
    static const char *const bad[] = {
        "[]", "[[]]", "[[1],[]]", "[[1],[1,2]]", "[[1,2],[1]]", "[1]", "[[1],2]", "[[01]]", "[[1.]]",
        "[[.5]]", "[[+1]]", "[[-]]", "[[1e]]", "[[1e+]]", "[[1,]]", "[[,1]]", "[[1 2]]", "[[1]",
        "[[1", "[", "[[NaN]]", "[[Infinity]]", "[[null]]", "[[\"1\"]]", "[[1e39]]",
        "[[-1e39]]", "[[1e400]]", "[[3.4028236e38]]", "[[[1]]]", "[[1]}", "[[0x10]]", "[[1\x01]]", "[[601728800264034189312]]", "[[-9999999999999999999]]"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!accepts(&b, good[i]))
            fail_msg("not accepted: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (accepts(&b, bad[i]))
            fail_msg("accepted: %s", bad[i]);
    assert_true(accepts(&b, "[[-0,-0.0,-0e0]]"));
    assert_false(signbit(b.fast.data[0]));
    assert_true(signbit(b.fast.data[1]) && signbit(b.fast.data[2]));
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_random_numbers),
        cmocka_unit_test(test_damaged_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
