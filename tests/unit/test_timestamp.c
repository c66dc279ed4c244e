/* RFC 3339 and the calendar: cases worked by hand, and every day of ten thousand years. */
#include "tests/unit/fixture.h"

#include "data/base/timestamp.h"

#define S INT64_C(1000000)

static void test_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t t_us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01 00:00:00Z", 0},
        {"1970-01-02T00:00:00Z", 86400 * S},
        {"1969-12-31T23:59:59Z", -S},
        {"1969-12-31T23:59:59.5Z", -S / 2},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"2000-03-01T00:00:00Z", 951868800 * S},
        {"2025-11-06T08:15:00.250+01:00", 1762413300 * S + 250000},
        {"2025-11-06T08:15:00+05:30", 1762397100 * S},
        {"2025-11-06T08:15:00-00:00", 1762416900 * S},
        {"2025-11-06T08:15:00-23:59", 1762416900 * S + 86340 * S},
        {"2025-11-06T08:15:00+23:59", 1762416900 * S - 86340 * S},
        {"2025-11-06T08:15:00.1Z", 1762416900 * S + 100000},
        {"2025-11-06T08:15:00.123456Z", 1762416900 * S + 123456},
        {"2025-11-06T08:15:00.1234567Z", 1762416900 * S + 123456}, /* truncated */
        {"2025-11-06T08:15:00.000000999Z", 1762416900 * S},
        {"0001-01-01T00:00:00Z", -62135596800 * S},
        {"9999-12-31T23:59:59.999999Z", 253402300799 * S + 999999},
        {"0001-01-01T00:00:00+23:59", -62135596800 * S - 86340 * S},
        {"2024-02-29T00:00:00Z", 1709164800 * S},
        {"2000-02-29T00:00:00Z", 951782400 * S},
        /* A leap second is the second after it, in whatever offset it is written. */
        {"2016-12-31T23:59:60Z", 1483228800 * S},
        {"2016-12-31T23:59:60.5Z", 1483228800 * S + 500000},
        {"2017-01-01T00:59:60+01:00", 1483228800 * S},
        {"2016-12-31T18:59:60-05:00", 1483228800 * S},
        {"1969-12-31T23:59:60Z", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t t = 42;
        if (!rid_timestamp_parse(rid_str_of(cases[i].text), &t) || t != cases[i].t_us)
            fail_msg("%s: %lld", cases[i].text, (long long)t);
    }
}

/* 0 to 9 digits of a second. */
static void test_fractions(void **state)
{
    (void)state;
    static const int expected[] = {0,      900000, 980000, 987000, 987600,
                                   987650, 987654, 987654, 987654, 987654};
    for (int n = 0; n <= 10; n++) {
        char text[64];
        int64_t t = 42;
        snprintf(text, sizeof text, "1970-01-01T00:00:00%s%.*sZ", n ? "." : "", n, "9876543210");
        assert_int_equal(rid_timestamp_parse(rid_str_of(text), &t), n <= 9);
        assert_int_equal(t, n <= 9 ? expected[n] : 42);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "now",
                                      "2025-11-06",
                                      "2025-11-06T08:15:00",
                                      "2025-11-06T08:15Z",
                                      "2025-11-06T08:15:00.Z",
                                      "2025-11-06T08:15:00.5",
                                      "2025-11-06T08:15:00,5Z",
                                      "2025-11-06X08:15:00Z",
                                      "2025-11-06T24:00:00Z",
                                      "2025-11-06T08:60:00Z",
                                      "2025-11-06T08:15:61Z",
                                      "2025-11-06T08:15:60Z",
                                      "2016-12-31T23:59:60+01:00",
                                      "2025-11-06T23:58:60Z",
                                      "2025-11-31T00:00:00Z",
                                      "2025-02-29T00:00:00Z",
                                      "1900-02-29T00:00:00Z",
                                      "2025-00-01T00:00:00Z",
                                      "2025-13-01T00:00:00Z",
                                      "2025-01-00T00:00:00Z",
                                      "0000-01-01T00:00:00Z",
                                      "2025-11-06T08:15:00+1:00",
                                      "2025-11-06T08:15:00+0100",
                                      "2025-11-06T08:15:00+24:00",
                                      "2025-11-06T08:15:00+01:60",
                                      "2025-11-06T08:15:00+01",
                                      "2025-11-06T08:15:00 Z",
                                      " 2025-11-06T08:15:00Z",
                                      "2025-11-06T08:15:00Z ",
                                      "2025-11-06T08:15:00ZZ",
                                      "+2025-11-06T08:15:00Z",
                                      "25-11-06T08:15:00Z",
                                      "2025-1-06T08:15:00Z",
                                      "2025-11-06T8:15:00Z",
                                      "2025-11-06T08:15:00UTC",
                                      "20251106T081500Z",
                                      "2025-11-06T08:15:00\xE2\x88\x92"
                                      "01:00",
                                      "2025/11/06T08:15:00Z",
                                      "-001-01-01T00:00:00Z",
                                      "1762416900",
                                      "2025-11-06T-8:15:00Z",
                                      "2025-11-06T08:15:00.-5Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t t = 42;
        if (rid_timestamp_parse(rid_str_of(bad[i]), &t) || t != 42)
            fail_msg("'%s'", bad[i]);
    }
    int64_t t;
    assert_false(rid_timestamp_parse((rid_str){"2025-11-06\0"
                                               "08:15:00Z",
                                               20},
                                     &t));
    assert_false(rid_timestamp_parse((rid_str){NULL, 0}, &t));
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Counting day by day from 0001-01-01, which is 719162 days before 1970. */
static void test_every_day(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = -719162;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            int last = lengths[month - 1] + (month == 2 && is_leap(year));
            for (int day = 1; day <= last; day++, days++) {
                if (rid_days_from_civil(year, month, day) != days)
                    fail_msg("%d-%d-%d", year, month, day);
                if (day > 2 && day < 28 && (days & 15))
                    continue; /* a sample of the middles of months */
                char expected[48], found[RID_DAY_LENGTH + 1];
                snprintf(expected, sizeof expected, "%04d-%02d-%02d", year, month, day);
                assert_true(rid_day_of(found, days * 86400 * S, 0));
                assert_string_equal(found, expected);
                assert_true(rid_day_of(found, (days + 1) * 86400 * S - 1, 0));
                assert_string_equal(found, expected);
                assert_true(rid_day_valid(rid_str_of(expected)));
            }
            char beyond[48];
            snprintf(beyond, sizeof beyond, "%04d-%02d-%02d", year, month, last + 1);
            assert_false(rid_day_valid(rid_str_of(beyond)));
        }
    }
    assert_int_equal(days, 2932897); /* 10000-01-01 */
}

static void test_day_validity(void **state)
{
    (void)state;
    static const char *const bad[] = {"",           "2025-11-6",  "2025-11-061", "2025-11-06 ",
                                      "2025/11/06", "0000-01-01", "2025-1a-06",  "20251106",
                                      "abcd-ef-gh", "2025-11-6 "};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(rid_day_valid(rid_str_of(bad[i])));
    assert_true(rid_day_valid((rid_str){"2025-11-06T", 10}));
}

static void test_day_seen_from_an_offset(void **state)
{
    (void)state;
    char day[RID_DAY_LENGTH + 1];
    assert_true(rid_day_of(day, 0, -1));
    assert_string_equal(day, "1969-12-31");
    assert_true(rid_day_of(day, -1, 1));
    assert_string_equal(day, "1970-01-01");
    assert_true(rid_day_of(day, -1, 0));
    assert_string_equal(day, "1969-12-31");
    assert_false(rid_day_of(day, -62135596800 * S, -1));
    assert_true(rid_day_of(day, -62135596800 * S - 1, 1));
    assert_string_equal(day, "0001-01-01");
    assert_false(rid_day_of(day, 253402300799 * S, 1));
    assert_false(rid_day_of(day, INT64_MAX, 86399));
    assert_false(rid_day_of(day, INT64_MIN, -86399));
}

static void test_format(void **state)
{
    (void)state;
    static const char *const texts[] = {"1970-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z",
                                        "2025-11-06T08:15:00.250Z", "9999-12-31T23:59:59.999Z",
                                        "0001-01-01T00:00:00.001Z"};
    for (size_t i = 0; i < 5; i++) {
        int64_t t;
        char back[32];
        assert_true(rid_timestamp_parse(rid_str_of(texts[i]), &t));
        rid_timestamp_format_ms(back, t);
        assert_string_equal(back, texts[i]);
        rid_timestamp_format_ms(back, t + 999); /* rounds down, also before 1970 */
        assert_string_equal(back, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parsed),       cmocka_unit_test(test_fractions),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_day_validity), cmocka_unit_test(test_day_seen_from_an_offset),
        cmocka_unit_test(test_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
