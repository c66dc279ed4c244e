/* Keys of a checkpoint that are somebody's own: what a copy keeps, and what it names as left out. */
#include "tests/unit/fixture.h"

#include "train/checkpoint.h"

#include <math.h>

static const rid_checkpoint_extra *find(const rid_checkpoint_extras *e, const char *key, int type)
{
    for (size_t i = 0; i < e->n; i++)
        if (rid_str_equal((rid_str){e->items[i].key, e->items[i].key_len}, rid_str_of(key))) {
            assert_int_equal(e->items[i].type, type);
            return &e->items[i];
        }
    fail_msg("no key '%s'", key);
    return NULL;
}

/* What checkpoint_roundtrip.py's mixed() holds, and a copy of it. */
static void check_mixed(const char *path)
{
    rid_checkpoint ck, again;
    rid_checkpoint_extras e, copied;
    assert_ok(rid_checkpoint_read_extras(&ck, &e, path, &err));
    assert_int_equal(e.n, 3);
    assert_int_equal(find(&e, "epoch", RID_PICKLE_INT)->integer, 12);
    assert_int_equal(find(&e, "seed", RID_PICKLE_INT)->integer, -5);
    const rid_checkpoint_extra *name = find(&e, "name", RID_PICKLE_STR);
    assert_true(rid_str_equal((rid_str){name->text, name->text_len}, rid_str_of("läden")));
    assert_int_equal(e.n_dropped, 2);
    assert_string_equal(rid_buf_cstr(&e.dropped),
                        "state_dict: counter (a tensor, not of floating point), history (a list)");
    const char *copy = fx_path("copy.pt");
    assert_ok(rid_checkpoint_write_extras(&ck, &e, copy, true, &err));
    assert_ok(rid_checkpoint_read_extras(&again, &copied, copy, &err));
    assert_true(rid_checkpoint_extras_same(&e, &copied));
    assert_int_equal(copied.n_dropped, 0);
    assert_int_equal(again.n_tensors, ck.n_tensors);
    rid_checkpoint_extras_clear(&e);
    rid_checkpoint_extras_clear(&copied);
    rid_checkpoint_free(&ck);
    rid_checkpoint_free(&again);
}

static void test_files_of_pytorch(void **state)
{
    (void)state;
    check_mixed("tests/vectors/ckpt/torch113_mixed.pt");
    check_mixed("tests/vectors/ckpt/torch2_mixed.pt");
}

/* ---- values ---- */

static void read_mixed(rid_checkpoint *ck)
{
    assert_ok(rid_checkpoint_read(ck, "tests/vectors/ckpt/torch2_mixed.pt", &err));
}

static rid_checkpoint_extra extra(const char *key, int type)
{
    return (rid_checkpoint_extra){
        .key = (char *)(uintptr_t)key, .key_len = strlen(key), .type = type};
}

static void test_values(void **state)
{
    (void)state;
    static const int64_t whole[] = {0, 255, 256, -1, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN};
    static const double real[] = {0.1, -0.0, 5e-324, INFINITY, -INFINITY, NAN};
    static const char *const texts[] = {"", "a\"\\\n", "läden €"};
    enum { WHOLE = 8, REAL = 6, TEXTS = 3, ALL = WHOLE + REAL + TEXTS + 4 };
    rid_checkpoint_extra items[ALL];
    char keys[ALL][8];
    size_t n = 0;
    for (size_t i = 0; i < ALL; i++)
        snprintf(keys[i], sizeof keys[i], "k%zu", i);
    for (size_t i = 0; i < WHOLE; i++, n++)
        items[n] = extra(keys[n], RID_PICKLE_INT), items[n].integer = whole[i];
    for (size_t i = 0; i < REAL; i++, n++)
        items[n] = extra(keys[n], RID_PICKLE_FLOAT), items[n].real = real[i];
    for (size_t i = 0; i < TEXTS; i++, n++) {
        items[n] = extra(keys[n], RID_PICKLE_STR);
        items[n].text = (char *)(uintptr_t)texts[i];
        items[n].text_len = strlen(texts[i]);
    }
    items[n] = extra(keys[n], RID_PICKLE_STR); /* with a NUL */
    items[n].text = (char *)(uintptr_t) "a\0b";
    items[n++].text_len = 3;
    items[n++] = extra("", RID_PICKLE_NONE);
    items[n] = extra("yes", RID_PICKLE_BOOL);
    items[n++].boolean = true;
    items[n++] = extra("no", RID_PICKLE_BOOL);
    assert_int_equal(n, ALL);
    const rid_checkpoint_extras e = {.items = items, .n = n};
    rid_checkpoint ck;
    rid_checkpoint_extras found;
    read_mixed(&ck);
    const char *path = fx_path("values.pt");
    assert_ok(rid_checkpoint_write_extras(&ck, &e, path, true, &err)); /* which compares, too */
    rid_checkpoint_free(&ck);
    assert_ok(rid_checkpoint_read_extras(&ck, &found, path, &err));
    assert_int_equal(found.n, ALL);
    assert_true(rid_checkpoint_extras_same(&e, &found));
    found.items[1].integer++;
    assert_false(rid_checkpoint_extras_same(&e, &found));
    rid_checkpoint_extras_clear(&found);
    items[1] = items[0];
    assert_fails(rid_checkpoint_write_extras(&ck, &e, path, true, &err), RID_EDATA,
                 "key 'k0' occurs twice");
    rid_checkpoint_free(&ck);
}

/* Other keys leave the bytes of a checkpoint without any as they are. */
static void test_none(void **state)
{
    (void)state;
    rid_checkpoint ck;
    read_mixed(&ck);
    const char *with = fx_path("with.pt"), *without = fx_path("without.pt");
    assert_ok(rid_checkpoint_write(&ck, without, true, &err));
    assert_ok(rid_checkpoint_write_extras(&ck, &(rid_checkpoint_extras){0}, with, true, &err));
    rid_checkpoint_free(&ck);
    rid_buf a = fx_read(without), b = fx_read(with);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    rid_buf_free(&a);
    rid_buf_free(&b);
}

/* ---- bounds ---- */

enum { MANY = RID_CHECKPOINT_EXTRAS_MAX + 3 };

static void test_bounds(void **state)
{
    (void)state;
    static rid_pickle_value key[MANY + 13], number = {.type = RID_PICKLE_INT},
                                            list = {.type = RID_PICKLE_LIST};
    static rid_pickle_cell cells[MANY + 13];
    static char names[MANY][8];
    char longest[80];
    memset(longest, 'x', sizeof longest);
    memcpy(longest + 59, "€", 3); /* does not fit in the 60 bytes that are shown */
    for (size_t i = 0; i < MANY + 13; i++) {
        key[i] = (rid_pickle_value){.type = RID_PICKLE_STR};
        if (i < MANY) {
            snprintf(names[i], sizeof names[i], "n%zu", i);
            key[i].as.str = rid_str_of(names[i]);
        } else {
            key[i].as.str = (rid_str){longest, i == MANY ? sizeof longest : i - MANY};
        }
        cells[i] = (rid_pickle_cell){&key[i], i < MANY ? &number : &list,
                                     i + 1 < MANY + 13 ? &cells[i + 1] : NULL};
    }
    key[MANY + 1].type = RID_PICKLE_INT;
    const rid_pickle_value root = {.type = RID_PICKLE_DICT, .as.list = {.first = cells}};
    rid_budget budget = {1 << 20, 1 << 20};
    rid_checkpoint_extras e = {0};
    assert_ok(rid_checkpoint_extras_take(&e, &root, &budget, &err));
    assert_int_equal(e.n, RID_CHECKPOINT_EXTRAS_MAX);
    assert_int_equal(e.n_dropped, 3 + 13);
    const char *text = rid_buf_cstr(&e.dropped);
    const char *shown = "n1000 (an integer), n1001 (an integer), n1002 (an integer), xxxx";
    assert_memory_equal(text, shown, strlen(shown));
    assert_non_null(strstr(text, "xxx… (a list), a key that is no text (a list), xx (a list)"));
    assert_true(strstr(text, "… (a list)") - strstr(text, "xxxx") ==
                59); /* no half of a character */
    rid_checkpoint_extras_clear(&e);
    budget = (rid_budget){1000, 1000};
    assert_fails(rid_checkpoint_extras_take(&e, &root, &budget, &err), RID_EDATA, "memory");
    rid_checkpoint_extras_clear(&e);
}

static void test_no_memory(void **state)
{
    (void)state;
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_checkpoint ck;
        rid_checkpoint_extras e;
        rid_err failure;
        rid_mem_fail_after(nth);
        rid_status st =
            rid_checkpoint_read_extras(&ck, &e, "tests/vectors/ckpt/torch2_mixed.pt", &failure);
        if (st == RID_OK)
            st = rid_checkpoint_write_extras(&ck, &e, fx_path("m.pt"), true, &failure);
        rid_mem_fail_after(0);
        rid_checkpoint_free(&ck);
        rid_checkpoint_extras_clear(&e);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_files_of_pytorch),
                                       cmocka_unit_test(test_values), cmocka_unit_test(test_none),
                                       cmocka_unit_test(test_bounds),
                                       cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
