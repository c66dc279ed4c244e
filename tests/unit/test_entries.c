/* The table of entries against a plain list. */
#include "tests/unit/fixture.h"

#include "data/entries.h"

static rid_meta meta_of(char *id, unsigned key)
{
    rid_meta m = {.timestamp_us = (int64_t)key - 500};
    snprintf(id, 32, "id-%u", key);
    m.text[RID_TEXT_ID] = rid_str_of(id);
    m.text[RID_TEXT_DAY] = rid_str_of("2025-11-06");
    m.text[RID_TEXT_STORE] = rid_str_of("s");
    return m;
}

static void test_fields(void **state)
{
    (void)state;
    rid_entries *e = rid_entries_new();
    char long_text[256];
    rid_meta m = {.timestamp_us = RID_TIMESTAMP_NONE};
    memset(long_text, 'x', 255);
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        m.text[f] = (rid_str){long_text, 255 - (size_t)f};
    m.text[RID_TEXT_CAMERA] = (rid_str){NULL, 0};
    m.text[RID_TEXT_DIRECTION] = (rid_str){"", 0};
    assert_ok(rid_entries_add(e, &m, RID_ENTRY_FALLBACK, &err));
    rid_meta back = rid_entries_meta(e, 0);
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        assert_true(rid_str_equal(back.text[f], m.text[f]));
    assert_null(back.text[RID_TEXT_CAMERA].data);
    assert_null(back.text[RID_TEXT_DIRECTION].data);
    assert_true(back.timestamp_us == RID_TIMESTAMP_NONE);
    assert_int_equal(rid_entries_status(e, 0), RID_ENTRY_FALLBACK);
    assert_string_equal(rid_entry_status_name(RID_ENTRY_OK), "ok");
    assert_string_equal(rid_entry_status_name(RID_ENTRY_SKIP), "skip");
    assert_string_equal(rid_entry_status_name(RID_ENTRY_FALLBACK), "fallback");
    rid_entries_free(e);
    rid_entries_free(NULL);
}

static void test_empty(void **state)
{
    (void)state;
    rid_entries *e = rid_entries_new();
    size_t row;
    assert_int_equal(rid_entries_count(e), 0);
    assert_false(rid_entries_find(e, rid_str_of("x"), &row));
    rid_entries_forget(e, rid_str_of("x"));
    rid_entries_free(e);
}

/* Adding, finding, forgetting, in any order: the last row of an id, until it is forgotten. */
static void test_against_a_list(void **state)
{
    (void)state;
    enum { KEYS = 300, STEPS = 20000 };
    rid_entries *e = rid_entries_new();
    rid_random r = fx_random(1);
    size_t last[KEYS], n = 0, row;
    unsigned keys[STEPS];
    for (size_t i = 0; i < KEYS; i++)
        last[i] = SIZE_MAX;
    for (int step = 0; step < STEPS; step++) {
        char id[32];
        unsigned key = (unsigned)rid_random_below(&r, KEYS);
        rid_meta m = meta_of(id, key);
        if (rid_random_chance(&r, 0.5)) {
            assert_ok(rid_entries_add(e, &m, (rid_entry_status)(key % 3), &err));
            keys[n] = key;
            last[key] = n++;
        } else if (rid_random_chance(&r, 0.5)) {
            rid_entries_forget(e, m.text[RID_TEXT_ID]);
            last[key] = SIZE_MAX;
        }
        key = (unsigned)rid_random_below(&r, KEYS);
        m = meta_of(id, key);
        bool found = rid_entries_find(e, m.text[RID_TEXT_ID], &row);
        assert_int_equal(found, last[key] != SIZE_MAX);
        assert_true(!found || row == last[key]);
    }
    assert_int_equal(rid_entries_count(e), n);
    for (size_t i = 0; i < n; i++) {
        char id[32];
        rid_meta expected = meta_of(id, keys[i]), m = rid_entries_meta(e, i);
        assert_true(rid_str_equal(m.text[RID_TEXT_ID], expected.text[RID_TEXT_ID]));
        assert_int_equal(m.timestamp_us, expected.timestamp_us);
        assert_int_equal(rid_entries_status(e, i), keys[i] % 3);
    }
    rid_entries_free(e);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1;; n++) {
        int64_t before = rid_mem_live_blocks();
        rid_mem_fail_after(n);
        rid_entries *e = rid_entries_new();
        rid_status st = e ? RID_OK : RID_ETEMP;
        unsigned i = 0;
        for (; i < 200 && st == RID_OK; i++) {
            char id[32];
            rid_meta m = meta_of(id, i);
            rid_err failure = {0};
            st = rid_entries_add(e, &m, RID_ENTRY_OK, &failure);
        }
        rid_mem_fail_after(0);
        size_t row;
        if (st == RID_ETEMP && e) /* what was there before is still there */
            for (unsigned k = 0; k + 1 < i; k++) {
                char id[32];
                rid_meta m = meta_of(id, k);
                assert_true(rid_entries_find(e, m.text[RID_TEXT_ID], &row) && row == k);
            }
        rid_entries_free(e);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK) {
            assert_true(n > 10);
            break;
        }
        assert_int_equal(st, RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
