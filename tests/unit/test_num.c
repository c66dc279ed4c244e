/* Strict numbers: the whole text or nothing. */
#include "tests/unit/fixture.h"

#include "data/base/num.h"

#include <locale.h>

static void test_i64(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"7", 7},
                {"-7", -7},
                {"007", 7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x10",
                                      "--1",
                                      "1_000",
                                      "a",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999",
                                      "\xD9\xA1"};
    int64_t x = 42;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(rid_num_parse_i64(rid_str_of(good[i].text), &x) && x == good[i].value);
    x = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_num_parse_i64(rid_str_of(bad[i]), &x) || x != 42)
            fail_msg("'%s'", bad[i]);
    assert_false(rid_num_parse_i64((rid_str){"1\0", 2}, &x));
    assert_false(rid_num_parse_i64((rid_str){NULL, 0}, &x));
    assert_true(rid_num_parse_i64((rid_str){"123456", 3}, &x) &&
                x == 123); /* a view, not a C string */
}

static void check_f64(void)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},
                {"1.5", 1.5},
                {"-1.5e3", -1500},
                {"+2", 2},
                {".5", .5},
                {"-.5", -.5},
                {"1.", 1},
                {"01", 1},
                {"1E-2", .01},
                {"1.7976931348623157e308", 0x1.fffffffffffffp1023},
                {"5e-324", 0x1p-1074},
                {"1e-400", 0}};
    static const char *const bad[] = {"",      "+",     "-",      ".",   "e5",  "1e",  "1e+",
                                      "1.5.2", " 1",    "1 ",     "1,5", "nan", "inf", "-inf",
                                      "0x1p3", "1e309", "-1e309", "1f",  "1-2", "--1"};
    double x = 42;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (!rid_num_parse_f64(rid_str_of(good[i].text), &x) || x != good[i].value)
            fail_msg("'%s': %g", good[i].text, x);
    x = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_num_parse_f64(rid_str_of(bad[i]), &x) || x != 42)
            fail_msg("'%s'", bad[i]);
}

static void test_f64(void **state)
{
    (void)state;
    double x = 42;
    char long_text[600];
    check_f64();
    memset(long_text, '1', sizeof long_text);
    assert_false(rid_num_parse_f64((rid_str){long_text, sizeof long_text}, &x));
    assert_false(rid_num_parse_f64((rid_str){"1\0", 2}, &x));
    assert_true(x == 42);
    if (setlocale(LC_ALL, "de_DE.UTF-8"))
        check_f64(); /* where it is installed */
    setlocale(LC_ALL, "C");
}

static void test_count_or_percent(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        bool percent;
    } good[] = {{"0", 0, false},
                {"12", 12, false},
                {"0%", 0, true},
                {"1.5%", 1.5, true},
                {"100%", 100, true}};
    static const char *const bad[] = {"",       "%",   "-1",  "-1%", "1.5", "101%",
                                      "100.1%", "1%%", "1 %", "x%",  "nan%"};
    double x = 42;
    bool percent = false;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(rid_num_parse_count_or_percent(rid_str_of(good[i].text), &x, &percent) &&
                    x == good[i].value && percent == good[i].percent);
    x = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_num_parse_count_or_percent(rid_str_of(bad[i]), &x, &percent) || x != 42)
            fail_msg("'%s'", bad[i]);
}

static void test_shard(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "/",   "0",    "0/",    "/2",  "2/2",          "3/2",
                                      "-1/2", "0/0", "0/-1", "0/2/3", "a/2", "0/4294967296", " 0/2",
                                      "0.0/2"};
    uint32_t i = 42, n = 42;
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
        if (rid_num_parse_shard(rid_str_of(bad[k]), &i, &n) || i != 42 || n != 42)
            fail_msg("'%s'", bad[k]);
    assert_true(rid_num_parse_shard(rid_str_of("0/1"), &i, &n) && i == 0 && n == 1);
    assert_true(rid_num_parse_shard(rid_str_of("6/7"), &i, &n) && i == 6 && n == 7);
    assert_true(rid_num_parse_shard(rid_str_of("4294967294/4294967295"), &i, &n) &&
                i == UINT32_MAX - 1);
}

static void test_range(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      ":",  "1:", ":2",  "2:1", "-1:2",
                                      "1:2:3", "-1", "a",  "1-2", "1.5"};
    int64_t lo = 42, hi = 42;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_num_parse_range(rid_str_of(bad[i]), &lo, &hi) || lo != 42 || hi != 42)
            fail_msg("'%s'", bad[i]);
    assert_true(rid_num_parse_range(rid_str_of("7"), &lo, &hi) && lo == 7 && hi == 7);
    assert_true(rid_num_parse_range(rid_str_of("0:0"), &lo, &hi) && lo == 0 && hi == 0);
    assert_true(rid_num_parse_range(rid_str_of("2:5"), &lo, &hi) && lo == 2 && hi == 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_i64),
        cmocka_unit_test(test_f64),
        cmocka_unit_test(test_count_or_percent),
        cmocka_unit_test(test_shard),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
