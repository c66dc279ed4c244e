/* The frame filter on bursts small enough to work out by hand. */
#include "train/frame_filter.h"

#include "data/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { DIM = 4, MAX = 32 };

typedef struct burst {
    float x[MAX][DIM];
    size_t n;
} burst;

/* Runs the filter on unit or zero frames, whose flags must read as `expected`: "1011…". */
static void expect(const rid_filter *f, const burst *b, const char *expected)
{
    double inverse[MAX], scratch[MAX];
    float mean[DIM];
    uint8_t kept[MAX];
    char flags[MAX + 1] = "";
    size_t n_expected = 0;
    for (size_t i = 0; i < b->n; i++) {
        double squares = 0;
        for (size_t d = 0; d < DIM; d++)
            squares += (double)b->x[i][d] * (double)b->x[i][d];
        inverse[i] = squares > 0 ? 1 / sqrt(squares) : 0;
    }
    memset(kept, 0xff, sizeof kept);
    size_t n_kept = rid_filter_run(f, b->x[0], inverse, b->n, DIM, kept, scratch, mean);
    for (size_t i = 0; i < b->n; i++) {
        assert_true(kept[i] <= 1);
        flags[i] = kept[i] ? '1' : '0';
        n_expected += expected[i] == '1';
    }
    assert_string_equal(flags, expected);
    assert_int_equal(n_kept, n_expected);
    if (b->n < MAX)
        assert_int_equal(kept[b->n], 0xff);
}

static void add(burst *b, float x, float y, float z, float w)
{
    assert_true(b->n < MAX);
    memcpy(b->x[b->n++], (float[DIM]){x, y, z, w}, sizeof b->x[0]);
}

/* n frames that are alike in their cosine to the first axis, and distinct: (3, ±1 in some place). */
static void add_good(burst *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float side = (i / 3) % 2 ? -1 : 1;
        size_t at = i % 3;
        add(b, 3, at == 0 ? side : 0, at == 1 ? side : 0, at == 2 ? side : 0);
    }
}

/* ---- duplicates ---- */

static void test_duplicates(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add(&b, 1, 0, 0, 0);
    add(&b, 2, 0, 0, 0);    /* the first, longer */
    add(&b, 0, 1, 0, 0);
    add(&b, -1, 0, 0, 0);   /* the opposite is no duplicate */
    add(&b, 0, 0.5f, 0, 0); /* the third, shorter */
    expect(&f, &b, "10110");
}

/* "≥": (1,0,0,0)·(1,1,1,1)/2 is 0.5 exactly. */
static void test_duplicate_limit(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add(&b, 1, 0, 0, 0);
    add(&b, 1, 1, 1, 1);
    f.duplicate_cos = 0.5;
    expect(&f, &b, "10");
    f.duplicate_cos = nextafter(0.5, 1);
    expect(&f, &b, "11");
    f.duplicate_cos = 2; /* never */
    b.n = 1;
    add(&b, 1, 0, 0, 0);
    expect(&f, &b, "11");
}

/* Compared with kept frames only: b duplicates a, c duplicates b but not a, so c stays. */
static void test_duplicates_of_dropped(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    f.duplicate_cos = 0.9;
    add(&b, 1, 0, 0, 0);
    add(&b, 12, 5, 0, 0);   /* 12/13 = 0.92 to the first */
    add(&b, 119, 120, 0, 0); /* twice the angle: 119/169 = 0.70 to the first, 0.92 to the second */
    expect(&f, &b, "101");
}

/* ---- outliers ---- */

static void test_one_outlier(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add_good(&b, 3);
    add(&b, -1, 1, 1, 1);
    add_good(&b, 5); /* the first three again are duplicates: 5 of 6 are distinct */
    expect(&f, &b, "111000011");
    /* With the duplicates out there are six: one outlier has z = -√5 = -2.2, five remain. */
}

/* With n frames of which k have one low cosine and the others one high, z = -√((n-k)/k). */
static void test_too_few_remain(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    f.duplicate_cos = 2;
    f.outlier_z = -0.99; /* three of six: z = -1 */
    add_good(&b, 3);
    add(&b, 0, 1, 0, 0);
    add(&b, 0, 0, 1, 0);
    add(&b, 0, 0, 0, 1);
    expect(&f, &b, "111111"); /* three would remain: none goes */
    f.min_keep = 3;
    expect(&f, &b, "111000");
    f.min_keep = 4;
    f.max_drop = 2; /* four remain; of equal ones the earlier go */
    expect(&f, &b, "111001");
}

static void test_few_are_not_judged(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add_good(&b, 3);
    add(&b, -1, 1, 1, 1); /* z = -√3 = -1.73 */
    expect(&f, &b, "1111");
    f.min_keep = 3;
    expect(&f, &b, "1110");
    f.outlier_z = -1.74;
    expect(&f, &b, "1111");
    b.n = 3;
    add(&b, 0, 0, 0, 0); /* a zero frame is no frame */
    add(&b, -1, 1, 1, 1);
    f = rid_filter_default();
    expect(&f, &b, "11101");
}

/* Six of thirty go below the limit (z about -2); four may go, the worst, here the last four. */
static void test_worst_first(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    f.duplicate_cos = 2;
    for (int i = 0; i < 6; i++)
        add(&b, -1, 0.1f * (float)i, 0, 0); /* cosine to the axis falls … */
    for (int i = 0; i < 3; i++)             /* … as they turn to -1: the first is the worst */
        add_good(&b, 8);
    expect(&f, &b, "000011111111111111111111111111");
    f.max_drop = 1;
    expect(&f, &b, "011111111111111111111111111111");
    f.max_drop = 6;
    expect(&f, &b, "000000111111111111111111111111");
    f.max_drop = 0;
    expect(&f, &b, "111111111111111111111111111111");
}

static void test_alike_frames_have_no_outlier(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add_good(&b, 6); /* equal cosines but for the last bits: the deviation's floor keeps z near 0 */
    f.outlier_z = -0.7;
    expect(&f, &b, "111111");
}

static void test_zero_mean(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    for (float sign = 1; sign >= -1; sign -= 2) {
        add(&b, sign, 0, 0, 0);
        add(&b, 0, sign, 0, 0);
        add(&b, 0, 0, sign, 0);
    }
    f.outlier_z = 100; /* every frame would be one */
    expect(&f, &b, "111111");
    f.min_keep = 0;
    f.max_drop = 100;
    expect(&f, &b, "111111");
    add(&b, 0, 0, 0, 1); /* now there is a mean */
    expect(&f, &b, "0000000");
    b.n = 0; /* a mean of 1e-7 is none either: its direction is chance */
    add(&b, 1, 0, 0, 0);
    add(&b, -1, 2e-7f, 0, 0);
    f.duplicate_cos = 2;
    expect(&f, &b, "11");
    b.n = 1;
    add(&b, -1, 2e-5f, 0, 0);
    expect(&f, &b, "00");
}

/* ---- cap, zero frames, off ---- */

static void test_cap(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    add(&b, 0, 0, 0, 0);
    add_good(&b, 3);
    add_good(&b, 6);
    add(&b, -1, 1, 1, 1);
    f.max_frames = 2;
    expect(&f, &b, "01100000000");
    f.max_frames = 4; /* duplicates do not count */
    expect(&f, &b, "01110001000");
    f.max_frames = 6;
    expect(&f, &b, "01110001110");
    f.max_frames = 7; /* the last went as an outlier */
    expect(&f, &b, "01110001110");
    f.max_frames = 0;
    expect(&f, &b, "01110001110");
}

static void test_off(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    f.on = false;
    f.max_frames = 1;
    add_good(&b, 6);
    add_good(&b, 3);
    add(&b, 0, 0, 0, 0);
    add(&b, -1, 1, 1, 1);
    expect(&f, &b, "11111111101");
}

static void test_nothing(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    burst b = {0};
    expect(&f, &b, "");
    add(&b, 0, 0, 0, 0);
    expect(&f, &b, "0");
    add(&b, 0, 0, 0, 0);
    expect(&f, &b, "00");
    f.on = false;
    expect(&f, &b, "00");
}

/* ---- settings ---- */

static void test_json_round_trip(void **state)
{
    (void)state;
    rid_filter in = {.on = false,
                     .duplicate_cos = 0.987654321012345,
                     .outlier_z = -2.5,
                     .max_drop = 7,
                     .min_keep = 3,
                     .max_frames = 1000,
                     .empty = RID_EMPTY_FALLBACK};
    rid_filter out = rid_filter_default();
    rid_buf text = {0}, again = {0};
    rid_err err;
    rid_filter_write_json(&in, &text);
    assert_string_equal(rid_buf_cstr(&text),
                        "{\"on\":false,\"duplicate_cos\":0.987654321012345,\"outlier_z\":-2.5,"
                        "\"max_drop\":7,\"min_keep\":3,\"max_frames\":1000,\"empty\":\"fallback\"}");
    assert_int_equal(rid_filter_read_json(&out, rid_buf_view(&text), &err), RID_OK);
    rid_filter_write_json(&out, &again);
    assert_string_equal(rid_buf_cstr(&again), rid_buf_cstr(&text));
    assert_true(out.duplicate_cos == in.duplicate_cos && out.outlier_z == in.outlier_z);
    assert_true(!out.on && out.max_drop == 7 && out.min_keep == 3 && out.max_frames == 1000);
    assert_int_equal(out.empty, RID_EMPTY_FALLBACK);
    rid_buf_free(&text);
    rid_buf_free(&again);
}

static void test_json_defaults(void **state)
{
    (void)state;
    rid_filter f = rid_filter_default();
    rid_buf text = {0};
    rid_err err;
    rid_filter_write_json(&f, &text);
    assert_string_equal(rid_buf_cstr(&text),
                        "{\"on\":true,\"duplicate_cos\":0.999,\"outlier_z\":-1.7,\"max_drop\":4,"
                        "\"min_keep\":4,\"max_frames\":0,\"empty\":\"skip\"}");
    rid_buf_free(&text);
    f.max_drop = 9;
    assert_int_equal(rid_filter_read_json(&f, rid_str_of(" {\"min_keep\": 5, \"later\": [1]} "), &err),
                     RID_OK);
    assert_int_equal(f.max_drop, 9); /* what is not said stays */
    assert_int_equal(f.min_keep, 5);
    assert_true(f.on);
}

static void refuse(const char *json, rid_status status, const char *message)
{
    rid_filter f = rid_filter_default();
    rid_err err = {0};
    assert_int_equal(rid_filter_read_json(&f, rid_str_of(json), &err), status);
    assert_int_equal(err.code, status);
    assert_string_equal(err.message, message);
}

static void test_bad_json(void **state)
{
    (void)state;
#define VALUE(key, type)                                                                           \
    "frame-filter settings: the value of '" key "' (" type ") is none it can have"
    refuse("{\"on\": 1}", RID_EDATA, VALUE("on", "a number"));
    refuse("{\"duplicate_cos\": \"0.9\"}", RID_EDATA, VALUE("duplicate_cos", "a string"));
    refuse("{\"outlier_z\": null}", RID_EDATA, VALUE("outlier_z", "null"));
    refuse("{\"max_drop\": 1.5}", RID_EDATA, VALUE("max_drop", "a number"));
    refuse("{\"min_keep\": 1e30}", RID_EDATA, VALUE("min_keep", "a number"));
    refuse("{\"max_frames\": []}", RID_EDATA, VALUE("max_frames", "an array"));
    refuse("{\"empty\": \"none\"}", RID_EDATA, VALUE("empty", "a string"));
    refuse("{\"empty\": false, \"on\": true}", RID_EDATA, VALUE("empty", "a boolean"));
    refuse("[1, 2]", RID_EDATA, "frame-filter settings: expected an object, found an array");
    refuse("7", RID_EDATA, "frame-filter settings: expected an object, found a number");
}

static void test_broken_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "{", "{\"on\": true", "{\"on\": NaN}", "{\"on\"}", "x"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rid_filter f = rid_filter_default();
        rid_err err = {0};
        assert_int_equal(rid_filter_read_json(&f, rid_str_of(texts[i]), &err), RID_EDATA);
        assert_memory_equal(err.message, "frame-filter settings: ", 23);
    }
}

static void test_bad_settings(void **state)
{
    (void)state;
    static const char negative[] =
        "frame-filter settings: max_drop, min_keep and max_frames may not be negative";
    refuse("{\"duplicate_cos\": -1}", RID_ECONFIG,
           "frame-filter settings: the duplicate cosine -1 is not in (-1, 2]");
    refuse("{\"duplicate_cos\": 2.5}", RID_ECONFIG,
           "frame-filter settings: the duplicate cosine 2.5 is not in (-1, 2]");
    refuse("{\"max_drop\": -1}", RID_ECONFIG, negative);
    refuse("{\"min_keep\": -1}", RID_ECONFIG, negative);
    refuse("{\"max_frames\": -1}", RID_ECONFIG, negative);

    rid_err err;
    rid_filter f = rid_filter_default();
    assert_int_equal(rid_filter_check(&f, &err), RID_OK);
    f.outlier_z = NAN;
    assert_int_equal(rid_filter_check(&f, &err), RID_ECONFIG);
    assert_string_equal(err.message, "the outlier z-score is not finite");
    f.outlier_z = -INFINITY;
    assert_int_equal(rid_filter_check(&f, &err), RID_ECONFIG);
    f = rid_filter_default();
    f.duplicate_cos = NAN;
    assert_int_equal(rid_filter_check(&f, &err), RID_ECONFIG);
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_status st = RID_ETEMP;
    int64_t live = rid_mem_live_blocks();
    uint64_t nth = 1;
    for (; st == RID_ETEMP && nth < 100; nth++) {
        rid_filter f = rid_filter_default();
        rid_err err = {0};
        rid_mem_fail_after(nth);
        st = rid_filter_read_json(&f, rid_str_of("{\"on\":true}"), &err);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), live);
    }
    assert_int_equal(st, RID_OK);
    assert_true(nth > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_duplicate_limit),
        cmocka_unit_test(test_duplicates_of_dropped),
        cmocka_unit_test(test_one_outlier),
        cmocka_unit_test(test_too_few_remain),
        cmocka_unit_test(test_few_are_not_judged),
        cmocka_unit_test(test_worst_first),
        cmocka_unit_test(test_alike_frames_have_no_outlier),
        cmocka_unit_test(test_zero_mean),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_json_round_trip),
        cmocka_unit_test(test_json_defaults),
        cmocka_unit_test(test_bad_json),
        cmocka_unit_test(test_broken_json),
        cmocka_unit_test(test_bad_settings),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
