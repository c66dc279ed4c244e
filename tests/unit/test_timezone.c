/* Days in the store's time zone, around the hours when clocks change. */
#include "tests/unit/fixture.h"

#include "data/base/timestamp.h"
#include "data/base/timezone.h"

static rid_timezones *zones;

static void check(const char *store, const char *stamp, int32_t offset_s, const char *day)
{
    int64_t t;
    char found[RID_DAY_LENGTH + 1];
    assert_true(rid_timestamp_parse(rid_str_of(stamp), &t));
    int32_t offset = rid_timezones_offset_s(zones, rid_str_of(store), t);
    if (offset != offset_s)
        fail_msg("%s %s: %d, expected %d", store, stamp, offset, offset_s);
    assert_true(rid_day_of(found, t, offset));
    assert_string_equal(found, day);
}

static void test_new_york(void **state)
{
    (void)state;
    /* Winter to summer on 2025-03-09 at 07:00 UTC, back on 2025-11-02 at 06:00 UTC. */
    check("ny", "2025-03-09T06:59:59.999999Z", -18000, "2025-03-09");
    check("ny", "2025-03-09T07:00:00Z", -14400, "2025-03-09");
    check("ny", "2025-03-09T04:59:59Z", -18000, "2025-03-08");
    check("ny", "2025-03-10T03:59:59Z", -14400, "2025-03-09");
    check("ny", "2025-03-10T04:00:00Z", -14400, "2025-03-10");
    check("ny", "2025-11-02T05:59:59Z", -14400, "2025-11-02");
    check("ny", "2025-11-02T06:00:00Z", -18000, "2025-11-02");
    check("ny", "2025-11-03T04:59:59Z", -18000, "2025-11-02");
    check("ny", "2025-11-03T05:00:00Z", -18000, "2025-11-03");
    check("ny", "2025-11-02T03:59:59Z", -14400, "2025-11-01");
}

static void test_berlin(void **state)
{
    (void)state;
    check("berlin", "2025-03-30T00:59:59Z", 3600, "2025-03-30");
    check("berlin", "2025-03-30T01:00:00Z", 7200, "2025-03-30");
    check("berlin", "2025-03-29T22:59:59Z", 3600, "2025-03-29");
    check("berlin", "2025-03-29T23:00:00Z", 3600, "2025-03-30");
    check("berlin", "2025-03-30T21:59:59Z", 7200, "2025-03-30");
    check("berlin", "2025-03-30T22:00:00Z", 7200, "2025-03-31");
    check("berlin", "2025-10-26T00:59:59Z", 7200, "2025-10-26");
    check("berlin", "2025-10-26T01:00:00Z", 3600, "2025-10-26");
    check("berlin", "2025-10-26T22:59:59Z", 3600, "2025-10-26");
    check("berlin", "2025-10-26T23:00:00Z", 3600, "2025-10-27");
}

/* Half an hour of daylight saving. */
static void test_lord_howe(void **state)
{
    (void)state;
    check("howe", "2025-04-05T14:59:59Z", 39600, "2025-04-06");
    check("howe", "2025-04-05T15:00:00Z", 37800, "2025-04-06");
    check("howe", "2025-04-05T12:59:59Z", 39600, "2025-04-05");
    check("howe", "2025-04-06T13:29:59Z", 37800, "2025-04-06");
    check("howe", "2025-04-06T13:30:00Z", 37800, "2025-04-07");
    check("howe", "2025-10-04T15:29:59Z", 37800, "2025-10-05");
    check("howe", "2025-10-04T15:30:00Z", 39600, "2025-10-05");
}

static void test_others(void **state)
{
    (void)state;
    check("tokyo", "2025-07-01T15:00:00Z", 32400, "2025-07-02");
    check("nepal", "2025-07-01T18:15:00Z", 20700, "2025-07-02");
    check("kiritimati", "2025-07-01T10:00:00Z", 50400, "2025-07-02");
    check("samoa", "2011-12-30T09:59:59Z", -36000, "2011-12-29"); /* and the 30th never came */
    check("samoa", "2011-12-30T10:00:00Z", 50400, "2011-12-31");
    check("gmt", "2025-07-01T00:00:00Z", -18000, "2025-06-30"); /* Etc/GMT+5 is west */
    check("elsewhere", "2025-07-01T00:00:00Z", 0, "2025-07-01");
    check("ny", "1960-07-01T00:00:00Z", -14400, "1960-06-30");
    check("ny", "2036-07-01T00:00:00Z", -14400, "2036-06-30");
}

/* Rules go on after the last change that tzdata lists. */
static void test_far_future(void **state)
{
    (void)state;
    check("ny", "2045-07-01T03:59:59Z", -14400, "2045-06-30");
    check("ny", "2045-01-01T04:59:59Z", -18000, "2044-12-31");
    check("berlin", "2060-07-01T22:00:00Z", 7200, "2060-07-02");
    check("berlin", "2060-12-01T22:59:59Z", 3600, "2060-12-01");
}

static void test_default_and_later_settings(void **state)
{
    (void)state;
    rid_timezones *own = rid_timezones_new(), *saved = zones;
    zones = own;
    check("x", "2025-07-01T00:00:00Z", 0, "2025-07-01");
    assert_ok(rid_timezones_set(own, NULL, "Asia/Tokyo", &err));
    assert_ok(rid_timezones_set(own, "x", "America/New_York", &err));
    check("x", "2025-07-01T00:00:00Z", -14400, "2025-06-30");
    check("y", "2025-07-01T00:00:00Z", 32400, "2025-07-01");
    assert_ok(rid_timezones_set(own, "x", "UTC", &err));
    assert_ok(rid_timezones_set(own, NULL, "Europe/Berlin", &err));
    check("x", "2025-07-01T00:00:00Z", 0, "2025-07-01");
    check("", "2025-07-01T00:00:00Z", 7200, "2025-07-01");
    /* A name that is not known changes nothing. */
    assert_fails(rid_timezones_set(own, "x", "Nowhere/City", &err), RID_ECONFIG, "Nowhere/City");
    check("x", "2025-07-01T00:00:00Z", 0, "2025-07-01");
    zones = saved;
    rid_timezones_free(own);
    rid_timezones_free(NULL);
}

static void test_unknown_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "Nowhere/City",
                                      "Europe/Berlinn",
                                      "europe/berlin",
                                      "Europe",
                                      "Europe/",
                                      "+01:00",
                                      "-05",
                                      "/etc/passwd",
                                      "../UTC",
                                      "America/../UTC",
                                      "Europe/Berlin ",
                                      "EST5EDT4",
                                      "ABC5",
                                      "ABC5XYZ",
                                      "CET-1CEST",
                                      "EST5EDT,M3.2.0,M11.1.0",
                                      "Z",
                                      "Zone.tab",
                                      "tzdata.zi",
                                      "Local",
                                      ":Europe/Berlin",
                                      "UTC+1",
                                      "GMT-3",
                                      "A"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rid_err e = {0};
        if (rid_timezones_set(zones, "other", bad[i], &e) != RID_ECONFIG)
            fail_msg("'%s' was taken", bad[i]);
    }
    static const char *const good[] = {"UTC",        "Etc/UTC",       "EST5EDT",
                                       "CET",        "Europe/Berlin", "America/Argentina/Ushuaia",
                                       "Etc/GMT-14", "Asia/Kolkata"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_ok(rid_timezones_set(zones, "other", good[i], &err));
}

static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        int64_t before = rid_mem_live_blocks();
        rid_err e = {0};
        rid_mem_fail_after(n);
        rid_timezones *own = rid_timezones_new();
        rid_status st = own ? RID_OK : RID_ETEMP;
        for (int i = 0; i < 40 && st == RID_OK; i++) {
            char store[16];
            snprintf(store, sizeof store, "s%d", i);
            st = rid_timezones_set(own, store, "Europe/Berlin", &e);
        }
        rid_mem_fail_after(0);
        rid_timezones_free(own);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

static int begin(void **state)
{
    static const char *const stores[][2] = {
        {"ny", "America/New_York"},      {"berlin", "Europe/Berlin"},
        {"howe", "Australia/Lord_Howe"}, {"tokyo", "Asia/Tokyo"},
        {"nepal", "Asia/Kathmandu"},     {"kiritimati", "Pacific/Kiritimati"},
        {"samoa", "Pacific/Apia"},       {"gmt", "Etc/GMT+5"}};
    (void)state;
    zones = rid_timezones_new();
    for (size_t i = 0; i < 8; i++)
        if (rid_timezones_set(zones, stores[i][0], stores[i][1], NULL) != RID_OK)
            return -1;
    return 0;
}

static int end(void **state)
{
    (void)state;
    rid_timezones_free(zones);
    return rid_mem_live_blocks() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_york),      cmocka_unit_test(test_berlin),
        cmocka_unit_test(test_lord_howe),     cmocka_unit_test(test_others),
        cmocka_unit_test(test_far_future),    cmocka_unit_test(test_default_and_later_settings),
        cmocka_unit_test(test_unknown_names), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
