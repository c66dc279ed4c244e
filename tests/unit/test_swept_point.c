/* The best.json of a sweep over other buckets: which buckets it was over, and ids that no store has. */
#include "fixture.h"

#include "data/base/timestamp.h"
#include "eval/swept_point.h"
#include "store_fixture.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* A document over these buckets. */
static const char *document(const char *buckets)
{
    static char text[4096];
    snprintf(text, sizeof text,
             "{\"threshold\":0.5,\"margin\":0.125,\"nn2\":\"identity\",\"encoder_hash\":\"" HASH
             "\",\"buckets\":[%s]}",
             buckets);
    return fx_write("best.json", text);
}

static rid_status read_document(const char *buckets, rid_err *err)
{
    rid_swept_point p;
    const rid_status st = rid_swept_point_read(&p, document(buckets), err);
    rid_swept_point_clear(&p);
    return st;
}

/* One store: a day with two stores. */
static void open_data(rid_sweep_data *data)
{
    static const float east[] = {1, 0};
    const fx_entry entries[] = {{.id = "a", .day = "2025-11-06", .store = "s1", .embedding = east},
                                {.id = "b", .day = "2025-11-06", .store = "s2", .embedding = east}};
    *data = (rid_sweep_data){0};
    fx_store_set(&data->set, "s.h5", entries, 2, 2);
    assert_ok(rid_store_set_group(&data->set, &data->buckets, &data->n_buckets, &err));
    assert_int_equal(data->n_buckets, 2);
}

static rid_status check(const char *buckets, rid_err *err)
{
    rid_sweep_data data;
    rid_swept_point p;
    open_data(&data);
    rid_status st = rid_swept_point_read(&p, document(buckets), err);
    if (st == RID_OK)
        st = rid_swept_point_check(&p, "best.json", &data, err);
    rid_swept_point_clear(&p);
    rid_sweep_data_clear(&data);
    return st;
}

static void test_reading(void **state)
{
    (void)state;
    rid_swept_point p;
    assert_ok(rid_swept_point_read(&p, document("{\"day_id\":\"d\",\"store_id\":\"s\"}"), &err));
    assert_true(p.rule.threshold == 0.5 && p.rule.margin == 0.125);
    assert_int_equal(p.rule.nn2, RID_NN2_IDENTITY);
    assert_string_equal(p.encoder_hash, HASH);
    rid_swept_point_clear(&p);
    assert_fails(read_document("{\"day_id\":\"d\"}", &err), RID_EDATA, "best.json");
    assert_fails(read_document("{\"store_id\":\"s\",\"day_id\":7}", &err), RID_EDATA, "buckets");
    assert_fails(read_document("7", &err), RID_EDATA, "buckets");
    assert_fails(rid_swept_point_read(&p, fx_path("none.json"), &err), RID_ENOINPUT, "none.json");
    rid_swept_point_clear(&p);
}

static void test_swept_buckets(void **state)
{
    (void)state;
#define OTHERS                                                                                     \
    "{\"day_id\":\"2025-11-05\",\"store_id\":\"s1\"},{\"day_id\":\"2025-11-06\",\"store_id\":"     \
    "\"s\"}"
    assert_ok(check("", &err));
    assert_ok(check(OTHERS, &err));
    /* The same characters, divided in another place. */
    assert_ok(check("{\"day_id\":\"2025-11-0\",\"store_id\":\"6s1\"},{\"day_id\":\"2025-11-06s\","
                    "\"store_id\":\"1\"}",
                    &err));
    assert_fails(check(OTHERS ",{\"day_id\":\"2025-11-06\",\"store_id\":\"s2\"}," OTHERS, &err),
                 RID_EDATA, "bucket 2025-11-06/s2, too");
    assert_fails(check("{\"store_id\":\"s1\",\"day_id\":\"2025-11-06\"}", &err), RID_EDATA,
                 "2025-11-06/s1");
}

/* Ids with a NUL: as payloads may not have them. Nothing is read behind a name, and none hides another. */
static void test_nul(void **state)
{
    (void)state;
    static const char *const buckets[] = {"{\"day_id\":\"d\",\"store_id\":\"a\\u0000\"}",
                                          "{\"day_id\":\"d\\u0000\",\"store_id\":\"a\"}",
                                          "{\"day_id\":\"\\u0000\",\"store_id\":\"\\u0000\"}",
                                          "{\"day_id\":\"d\",\"store_id\":\"a\\u0000\"},{\"day_"
                                          "id\":\"2025-11-06\",\"store_id\":\"s1\"}"};
    for (size_t i = 0; i < sizeof buckets / sizeof buckets[0]; i++)
        assert_fails(check(buckets[i], &err), RID_EDATA, "NUL");
}

static void test_memory(void **state)
{
    (void)state;
    rid_sweep_data data;
    const char *path = document("{\"day_id\":\"d\",\"store_id\":\"s\"}");
    open_data(&data);
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_swept_point p;
        rid_mem_fail_after(nth);
        rid_status st = rid_swept_point_read(&p, path, NULL);
        if (st == RID_OK)
            st = rid_swept_point_check(&p, path, &data, NULL);
        rid_mem_fail_after(0);
        rid_swept_point_clear(&p);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
    rid_sweep_data_clear(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_swept_buckets),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
