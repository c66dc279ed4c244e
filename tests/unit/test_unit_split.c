/* Dividing units by hash: places, both rules, what is refused. */
#include "tests/unit/fixture.h"

#include "gt/unit_split.h"

enum { N = 2000 };

/* hashlib.sha256(b"0\0p1").hexdigest()[:16] and so on, in Python, over 2^64. */
static void test_places(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        const char *unit;
        double place;
    } cases[] = {{0, "p1", 0x841aa6fdffe4f.0p-53},
                 {0, "p2", 0x729d7edf60abb.0p-53},
                 {7, "nc0009", 0x213e6ce9e1d02.0p-53},
                 {9000000000000000, "2025-11-06", 0x1adc386fe6320a.0p-53},
                 {1, "", 0x1cf3c831c90c46.0p-53}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double place;
        assert_ok(rid_unit_place(&place, cases[i].seed, rid_str_of(cases[i].unit), &err));
        assert_true(place == cases[i].place);
    }
}

static void make_units(rid_str *units, rid_buf *text, size_t n)
{
    size_t at[N + 1] = {0};
    for (size_t i = 0; i < n; i++) {
        rid_buf_printf(text, "unit-%zu", i);
        at[i + 1] = text->len;
    }
    for (size_t i = 0; i < n; i++)
        units[i] = (rid_str){text->data + at[i], at[i + 1] - at[i]};
}

static void test_hash(void **state)
{
    (void)state;
    static uint32_t part[N], fewer[N];
    static rid_str units[N];
    rid_buf text = {0};
    rid_split_shares s;
    size_t sizes[3] = {0};
    make_units(units, &text, N);
    assert_ok(rid_split_shares_parse(&s, "0.6,0.3,0.1", &err));
    assert_ok(rid_unit_split(part, units, N, &s, RID_SPLIT_HASH, 1, &err));
    for (size_t i = 0; i < N; i++) {
        double place;
        assert_ok(rid_unit_place(&place, 1, units[i], &err));
        assert_int_equal(part[i], place < 0.6 ? 0 : place < 0.6 + 0.3 ? 1 : 2);
        sizes[part[i]]++;
    }
    /* Five standard deviations of a binomial, and more. */
    assert_in_range(sizes[0], 1090, 1310);
    assert_in_range(sizes[1], 495, 705);
    /* Others come and go: a part stays, whatever the order. */
    assert_ok(rid_unit_split(fewer, units + 700, 50, &s, RID_SPLIT_HASH, 1, &err));
    assert_memory_equal(fewer, part + 700, 50 * sizeof *part);
    assert_ok(rid_unit_split(fewer, units, N, &s, RID_SPLIT_HASH, 2, &err));
    assert_memory_not_equal(fewer, part, sizeof part);
    assert_ok(rid_unit_split(fewer, units, 0, &s, RID_SPLIT_HASH, 1, &err));
    rid_buf_free(&text);
}

/* Sizes are the rounded shares, none is empty, and units are in order of their places. */
static void test_quota(void **state)
{
    (void)state;
    static const struct {
        const char *shares;
        size_t n, sizes[3];
    } cases[] = {{"0.6,0.2,0.2", 10, {6, 2, 2}},   {"0.6,0.2,0.2", 5, {3, 1, 1}},
                 {"0.6,0.2,0.2", 4, {2, 1, 1}},    {"0.6,0.2,0.2", 3, {1, 1, 1}},
                 {"0.98,0.01,0.01", 5, {3, 1, 1}}, {"0.01,0.01,0.98", 4, {1, 1, 2}},
                 {"0.01,0.98,0.01", 7, {1, 5, 1}}, {"0.5,0.25,0.25", 2000, {1000, 500, 500}}};
    static uint32_t part[N];
    static rid_str units[N];
    rid_buf text = {0};
    make_units(units, &text, N);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_split_shares s;
        size_t sizes[3] = {0};
        double least[3] = {1, 1, 1}, most[3] = {0, 0, 0};
        assert_ok(rid_split_shares_parse(&s, cases[i].shares, &err));
        assert_ok(rid_unit_split(part, units, cases[i].n, &s, RID_SPLIT_QUOTA, 7, &err));
        for (size_t u = 0; u < cases[i].n; u++) {
            double place;
            assert_ok(rid_unit_place(&place, 7, units[u], &err));
            sizes[part[u]]++;
            least[part[u]] = fmin(least[part[u]], place);
            most[part[u]] = fmax(most[part[u]], place);
        }
        for (int k = 0; k < 3; k++)
            assert_int_equal(sizes[k], cases[i].sizes[k]);
        assert_true(most[0] < least[1] && most[1] < least[2]);
    }
    rid_split_shares s;
    assert_ok(rid_split_shares_parse(&s, "0.6,0.2,0.2", &err));
    assert_fails(rid_unit_split(part, units, 2, &s, RID_SPLIT_QUOTA, 0, &err), RID_EDATA,
                 "2 units cannot make 3 parts");
    rid_buf_free(&text);
}

static void test_shares(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1",
        "0.5",
        "0.5,",
        ",1",
        "0.5,,0.5",
        "1,0",
        "-0.5,1.5",
        "a,b",
        "0.5;0.5",
        "0.5, 0.5",
        "nan,1",
        "0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,0.05,"
        "0.05,0.05,0.05,0.2"};
    rid_split_shares s;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_fails(rid_split_shares_parse(&s, bad[i], &err), RID_EUSAGE, "numbers above 0");
    assert_fails(rid_split_shares_parse(&s, "0.5,0.6", &err), RID_EUSAGE,
                 "the sum of '0.5,0.6' is 1.1");
    assert_ok(rid_split_shares_parse(&s, "0.333333,0.333333,0.333334", &err));
    assert_int_equal(s.n, 3);
    assert_ok(rid_split_shares_parse(&s, "5e-1,0.5", &err));
    assert_true(s.n == 2 && s.share[0] == 0.5 && s.share[1] == 0.5);
}

static void test_no_memory(void **state)
{
    (void)state;
    static rid_str units[3];
    uint32_t part[3];
    rid_buf text = {0};
    rid_split_shares s;
    make_units(units, &text, 3);
    assert_ok(rid_split_shares_parse(&s, "0.6,0.4", &err));
    rid_status st = RID_ETEMP;
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1; st == RID_ETEMP && nth < 100; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = rid_unit_split(part, units, 3, &s, RID_SPLIT_QUOTA, 0, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    assert_int_equal(st, RID_OK);
    rid_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),    cmocka_unit_test(test_hash),
        cmocka_unit_test(test_quota),     cmocka_unit_test(test_shares),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
