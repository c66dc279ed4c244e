/* The table of ids against a plain list. */
#include "tests/unit/fixture.h"

#include "gt/id_table.h"

static void test_empty(void **state)
{
    (void)state;
    rid_id_table t = {0};
    assert_false(rid_id_table_find(&t, rid_str_of("x"), NULL));
    rid_id_table_clear(&t);
    rid_id_table_clear(&t);
}

static void test_numbers(void **state)
{
    (void)state;
    rid_id_table t = {0};
    uint32_t number = 9;
    bool added = false;
    assert_ok(rid_id_table_add(&t, rid_str_of("b"), &number, &added, &err));
    assert_true(added && number == 0);
    assert_ok(rid_id_table_add(&t, rid_str_of("a"), &number, NULL, &err));
    assert_int_equal(number, 1);
    assert_ok(rid_id_table_add(&t, rid_str_of("b"), &number, &added, &err));
    assert_true(!added && number == 0);
    /* Bytes, of any kind, and where one id begins another. */
    assert_ok(rid_id_table_add(&t, (rid_str){"a\0b", 3}, &number, &added, &err));
    assert_true(added && number == 2);
    assert_ok(rid_id_table_add(&t, (rid_str){"", 0}, &number, &added, &err));
    assert_true(added && number == 3);
    assert_true(rid_id_table_find(&t, (rid_str){"", 0}, &number));
    assert_int_equal(number, 3);
    assert_true(rid_str_equal(rid_id_table_at(&t, 2), (rid_str){"a\0b", 3}));
    assert_int_equal(rid_id_table_at(&t, 3).len, 0);
    assert_false(rid_id_table_find(&t, rid_str_of("ab"), NULL));
    assert_int_equal(t.n, 4);
    rid_id_table_clear(&t);
}

static void test_against_a_list(void **state)
{
    (void)state;
    enum { KEYS = 3000, STEPS = 20000 };
    static uint32_t number_of[KEYS];
    static unsigned key_of[KEYS];
    rid_id_table t = {0};
    rid_random r = fx_random(1);
    char id[16];
    memset(number_of, 0xFF, sizeof number_of);
    for (int step = 0; step < STEPS; step++) {
        const unsigned key = (unsigned)rid_random_below(&r, KEYS);
        snprintf(id, sizeof id, "%u", key);
        uint32_t number = 0;
        bool added;
        assert_int_equal(rid_id_table_find(&t, rid_str_of(id), NULL), number_of[key] != UINT32_MAX);
        assert_ok(rid_id_table_add(&t, rid_str_of(id), &number, &added, &err));
        assert_int_equal(added, number_of[key] == UINT32_MAX);
        if (added) {
            key_of[number] = key;
            number_of[key] = number;
        }
        assert_int_equal(number, number_of[key]);
    }
    for (uint32_t i = 0; i < t.n; i++) {
        snprintf(id, sizeof id, "%u", key_of[i]);
        assert_true(rid_str_equal(rid_id_table_at(&t, i), rid_str_of(id)));
    }
    rid_id_table_clear(&t);
}

/* A failed add leaves the table as it was. */
static void test_no_memory(void **state)
{
    (void)state;
    const int64_t before = rid_mem_live_blocks();
    size_t n_failed = 0;
    rid_id_table t = {0};
    for (unsigned i = 0; i < 400; i++) {
        char id[16];
        uint32_t number = 0;
        snprintf(id, sizeof id, "entry-%u", i);
        for (uint64_t nth = 1;; nth++) {
            rid_mem_fail_after(nth);
            rid_err err;
            const rid_status st = rid_id_table_add(&t, rid_str_of(id), &number, NULL, &err);
            rid_mem_fail_after(0);
            if (st == RID_OK)
                break;
            n_failed++;
            t.text.failed = false;
            assert_int_equal(st, RID_ETEMP);
            assert_int_equal(t.n, i);
            assert_false(rid_id_table_find(&t, rid_str_of(id), NULL));
        }
        assert_int_equal(number, i);
    }
    assert_true(n_failed > 10);
    rid_id_table_clear(&t);
    assert_int_equal(rid_mem_live_blocks(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_against_a_list),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
