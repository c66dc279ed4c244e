/* The unpickler: every opcode it knows, every error with its byte, every bound. */
#include "train/unpickle.h"

#include "data/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define LITERAL(s)                                                                                 \
    (rid_str)                                                                                      \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

enum { BUDGET = 4 << 20 };

static rid_budget budget;
static rid_pickle_arena arena;
static rid_err err;

static const rid_pickle_value *unpickle(rid_str bytes, rid_status expected)
{
    const rid_pickle_value *root;
    budget = (rid_budget){BUDGET, BUDGET};
    arena = (rid_pickle_arena){.budget = &budget};
    rid_status st = rid_unpickle(&root, bytes, &arena, &err);
    if (st != expected)
        fail_msg("status %d: %s", st, st == RID_OK ? "" : err.message);
    return root;
}

static int clear(void **state)
{
    (void)state;
    rid_pickle_arena_free(&arena);
    return rid_mem_live_blocks() == 0 ? 0 : -1;
}

static const rid_pickle_value *item(const rid_pickle_value *tuple, size_t i)
{
    assert_int_equal(tuple->type, RID_PICKLE_TUPLE);
    assert_true(i < tuple->as.tuple.n);
    return tuple->as.tuple.items[i];
}

static void test_integers(void **state)
{
    (void)state;
    static const int64_t expected[] = {255,  65535, -1,        INT32_MAX,          0,
                                       -128, 255,   INT64_MIN, -(INT64_C(1) << 40)};
    const rid_pickle_value *v = unpickle(
        LITERAL("\x80\x02(K\xFFM\xFF\xFFJ\xFF\xFF\xFF\xFFJ\xFF\xFF\xFF\x7F\x8A\0\x8A\x01\x80"
                "\x8A\x02\xFF\0\x8A\x08\0\0\0\0\0\0\0\x80\x8A\x06\0\0\0\0\0\xFFt."),
        RID_OK);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_int_equal(item(v, i)->type, RID_PICKLE_INT);
        assert_true(item(v, i)->as.integer == expected[i]);
    }
}

static void test_scalars(void **state)
{
    (void)state;
    const rid_pickle_value *v = unpickle(
        LITERAL(
            "\x80\x04\x95\x0c\0\0\0\0\0\0\0(G\x3F\xB9\x99\x99\x99\x99\x99\x9A\x88\x89NX\x01\0\0\0a"
            "\x8C\x02\xC3\xA4\x8D\0\0\0\0\0\0\0\0"
            "C\x01\xFF"
            "B\x01\0\0\0bt."),
        RID_OK);
    assert_true(item(v, 0)->as.real == 0.1);
    assert_int_equal(item(v, 0)->at, 12);
    assert_true(item(v, 1)->type == RID_PICKLE_BOOL && item(v, 1)->as.boolean);
    assert_true(item(v, 2)->type == RID_PICKLE_BOOL && !item(v, 2)->as.boolean);
    assert_int_equal(item(v, 3)->type, RID_PICKLE_NONE);
    assert_true(rid_str_equal(item(v, 4)->as.str, rid_str_of("a")));
    assert_true(rid_str_equal(item(v, 5)->as.str, rid_str_of("ä")));
    assert_int_equal(item(v, 6)->as.str.len, 0);
    assert_int_equal(item(v, 7)->type, RID_PICKLE_BYTES);
    assert_true(rid_str_equal(item(v, 8)->as.str, rid_str_of("b")));
}

static void test_containers(void **state)
{
    (void)state;
    const rid_pickle_value *again;
    const rid_pickle_value *v =
        unpickle(LITERAL("\x80\x02}q\0(K\x01K\x02X\x01\0\0\0kK\x01K\x02\x86X\x01\0\0\0l](K\x05K\x06"
                         "eK\x07"
                         "a"
                         "X\x01\0\0\0mh\0X\x01\0\0\0kNuX\x01\0\0\0s)s."),
                 RID_OK);
    assert_int_equal(v->type, RID_PICKLE_DICT);
    assert_int_equal(rid_pickle_find(v, "k", &again)->as.tuple.n, 2);
    assert_non_null(again);
    const rid_pickle_cell *c = rid_pickle_find(v, "l", &again)->as.list.first;
    assert_null(again);
    for (int64_t i = 5; i <= 7; i++, c = c->next)
        assert_int_equal(c->value->as.integer, i);
    assert_null(c);
    assert_ptr_equal(rid_pickle_find(v, "m", NULL), v); /* it holds itself */
    assert_int_equal(rid_pickle_find(v, "s", NULL)->as.tuple.n, 0);
    assert_null(rid_pickle_find(v, "none", NULL));
}

#define DICT "ccollections\nOrderedDict\n)R"
#define STORAGE(type)                                                                              \
    "(X\x07\0\0\0storagec" type "\nX\x01\0\0\0"                                                    \
    "7X\x03\0\0\0cpuK\x06tQ"
#define TENSOR                                                                                     \
    "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(                                                \
        "torch\nHalfStorage") "K\x01K\x02K\x03\x86K\x03K\x01\x86\x89" DICT "tR"

static void test_torch(void **state)
{
    (void)state;
    const rid_pickle_value *v = unpickle(LITERAL("\x80\x02(" TENSOR "q\1"
                                                 "ctorch._utils\n_rebuild_parameter\nh\1\x88" DICT
                                                 "\x87R" DICT "}X\x01\0\0\0aK\x01sb"
                                                 "ctorch\nSize\nK\x02\x85\x85R"
                                                 "\x8C\x0Btorch.utils0"
                                                 "\x8C\x05torch\x8C\x07"
                                                 "float32\x93"
                                                 "h\1j\1\0\0\0t."),
                                         RID_OK);
    const rid_pickle_tensor *t = item(v, 0)->as.tensor;
    assert_int_equal(item(v, 0)->type, RID_PICKLE_TENSOR);
    assert_int_equal(t->storage->dtype, RID_DTYPE_F16);
    assert_int_equal(t->storage->numel, 6);
    assert_true(rid_str_equal(t->storage->key, rid_str_of("7")));
    assert_int_equal(t->offset, 1);
    assert_int_equal(item(t->shape, 1)->as.integer, 3);
    assert_int_equal(item(t->stride, 0)->as.integer, 3);
    assert_ptr_equal(item(v, 1)->as.tensor, t);
    assert_int_equal(item(v, 2)->type, RID_PICKLE_DICT);
    assert_int_equal(item(item(v, 3), 0)->as.integer, 2);
    assert_int_equal(item(v, 4)->type, RID_PICKLE_GLOBAL);
    assert_ptr_equal(item(v, 5), item(v, 0));
}

static void test_errors(void **state)
{
    (void)state;
    static const struct {
        rid_str bytes;
        const char *message;
    } cases[] = {
        {LITERAL(""), "byte 0: expected 1 more bytes, found 0 and the end"},
        {LITERAL("\x80\x02"), "byte 2: expected 1 more bytes"},
        {LITERAL("\x80\x06N."), "byte 0: expected a pickle protocol up to 5, found 6"},
        {LITERAL("\x80\x02NN."), "byte 4: expected one value at the end, found 2"},
        {LITERAL("\x80\x02."), "byte 2: expected one value at the end, found 0"},
        {LITERAL("N(."), "byte 2: expected one value at the end"},
        {LITERAL("N.N"), "byte 2: expected the end of the pickle, found 1 more bytes"},
        {LITERAL("Ni."), "byte 1: expected an opcode that checkpoints are made of, found 0x69"},
        {LITERAL("I1\n."), "byte 0: expected an opcode that checkpoints are made of, found 0x49"},
        {LITERAL("J\1\0\0"), "byte 0: expected 4 more bytes, found 3 and the end"},
        {LITERAL("\x8A\x09"), "byte 0: expected an integer of 64 bits, found one of 9 bytes"},
        {LITERAL("X\xFF\xFF\xFF\xFFz"),
         "byte 0: expected 4294967295 more bytes, found 1 and the end"},
        {LITERAL("\x8D\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"),
         "expected 18446744073709551615 more bytes"},
        {LITERAL("X\x01\0\0\0\xFF."), "byte 0: expected a string in UTF-8"},
        {LITERAL("0."), "byte 0: expected a value on the stack, found none"},
        {LITERAL("N(\x85."), "byte 2: expected a value on the stack, found none"},
        {LITERAL("Nt."), "byte 1: expected a mark on the stack, found none"},
        {LITERAL("NNa."), "byte 2: expected a list to append to, found None"},
        {LITERAL("}(Ne."), "byte 3: expected a list to append to, found a dict"},
        {LITERAL("]NNs."), "byte 3: expected a dict to add items to, found a list"},
        {LITERAL("}(Nu."), "byte 3: expected a value for every key, found 1"},
        {LITERAL("h\0."), "byte 0: expected a remembered value, found nothing at 0"},
        {LITERAL("Nq\5h\4."), "byte 3: expected a remembered value, found nothing at 4"},
        {LITERAL("Nr\xFF\xFF\xFF\xFF."), "byte 1: more than 1048576 values remembered"},
        {LITERAL("}Nb."), "byte 2: expected a dict of attributes, found None"},
        {LITERAL("]}b."), "byte 2: expected an OrderedDict to give attributes to, found a list"},
        {LITERAL("cos\nsystem\n."), "byte 0: expected a global that checkpoints are made of, found "
                                    "'os.system'"},
        {LITERAL("c\x1B[2J\nx\n."), "found '?[2J.x'"},
        {LITERAL("ccollections\nOrderedDict"), "byte 0: expected a line, found the end"},
        {LITERAL("NN\x93."), "byte 2: expected two strings, found None"},
        {LITERAL("\x8C\x08"
                 "builtins\x8C\x04"
                 "eval\x93."),
         "byte 16: expected a global"},
        {LITERAL("N)R."), "byte 2: expected a global to make a value with, found None"},
        {LITERAL("ccollections\nOrderedDict\nNR."), "expected a tuple of arguments, found None"},
        {LITERAL("ccollections\nOrderedDict\nN\x85R."),
         "byte 27: expected no arguments to OrderedDict"},
        {LITERAL("ctorch\nFloatStorage\n)R."),
         "expected something that makes a value, found 'torch Fl"},
        {LITERAL("ctorch\nSize\n)R."), "byte 13: expected an argument to 'torch Size'"},
        {LITERAL("ctorch._utils\n_rebuild_parameter\nN\x85R."),
         "expected a tensor to make a parameter"},
        {LITERAL("ctorch._utils\n_rebuild_tensor_v2\n)R."),
         "byte 34: expected a tensor: (storage, "},
        {LITERAL("NQ."), "byte 1: expected a storage: ('storage', class, key, device, number of"},
        {LITERAL("(" STORAGE("torch\nSize") "."), "expected a storage"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unpickle(cases[i].bytes, RID_EDATA);
        if (!strstr(err.message, cases[i].message))
            fail_msg("expected '%s', found '%s'", cases[i].message, err.message);
        assert_int_equal(clear(NULL), 0);
    }
}

static void refuse_repeated(const char *head, char c, size_t n, const char *message)
{
    rid_buf b = {0};
    rid_buf_append_str(&b, head);
    for (size_t i = 0; i < n; i++)
        rid_buf_append_char(&b, c);
    unpickle(rid_buf_view(&b), RID_EDATA);
    if (!strstr(err.message, message))
        fail_msg("expected '%s', found '%s'", message, err.message);
    rid_buf_free(&b);
    clear(NULL);
}

static void test_bounds(void **state)
{
    (void)state;
    refuse_repeated("", '(', 65, "byte 64: nested deeper than 64");
    refuse_repeated("", 'N', 1 << 20, "takes over 4194304 bytes of memory");
    refuse_repeated("Nq\1", 'h', 2, "byte 3: expected a remembered value"); /* index 'h' */
    unpickle((rid_str){"", RID_UNPICKLE_BYTES_MAX + 1u}, RID_EDATA);
    assert_non_null(strstr(err.message, "expected at most 1073741824"));
}

static void test_no_memory(void **state)
{
    (void)state;
    const rid_pickle_value *root = NULL;
    for (uint64_t nth = 1; !root; nth++) {
        budget = (rid_budget){BUDGET, BUDGET};
        arena = (rid_pickle_arena){.budget = &budget};
        rid_mem_fail_after(nth);
        rid_status st = rid_unpickle(&root, LITERAL("\x80\x02" TENSOR "q\1."), &arena, NULL);
        rid_mem_fail_after(0);
        assert_true(root ? st == RID_OK : st == RID_ETEMP);
        assert_int_equal(clear(NULL), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_integers, clear),
        cmocka_unit_test_teardown(test_scalars, clear),
        cmocka_unit_test_teardown(test_containers, clear),
        cmocka_unit_test_teardown(test_torch, clear),
        cmocka_unit_test_teardown(test_errors, clear),
        cmocka_unit_test_teardown(test_bounds, clear),
        cmocka_unit_test_teardown(test_no_memory, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
