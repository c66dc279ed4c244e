#include "train/unpickle.h"

#include "train/picklestack.h"
#include "train/pickletorch.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef rid_picklestack machine;
typedef rid_pickle_value value;

#define fail rid_picklestack_fail
#define expected rid_picklestack_expected
#define push_new rid_picklestack_push_new
#define pop rid_picklestack_pop
#define top rid_picklestack_top
#define take_uint rid_picklestack_take_uint

static void op_none(machine *m)
{
    push_new(m, RID_PICKLE_NONE);
}

static void op_bool(machine *m, size_t b)
{
    push_new(m, RID_PICKLE_BOOL)->as.boolean = b != 0;
}

static void op_uint(machine *m, size_t n_bytes)
{
    uint64_t v = take_uint(m, n_bytes);
    push_new(m, RID_PICKLE_INT)->as.integer = (int64_t)v;
}

static void op_int(machine *m, size_t n_bytes)
{
    uint64_t v = take_uint(m, n_bytes);
    if (n_bytes > 0 && n_bytes < 8 && v >> (8 * n_bytes - 1) & 1)
        v |= ~UINT64_C(0) << (8 * n_bytes);
    push_new(m, RID_PICKLE_INT)->as.integer = (int64_t)v;
}

static void op_long(machine *m)
{
    size_t n_bytes = (size_t)take_uint(m, 1);
    if (n_bytes > 8)
        fail(m, "expected an integer of 64 bits, found one of %zu bytes", n_bytes);
    else
        op_int(m, n_bytes);
}

static void op_float(machine *m)
{
    uint64_t bits = __builtin_bswap64(take_uint(m, 8)); /* big-endian in the pickle */
    memcpy(&push_new(m, RID_PICKLE_FLOAT)->as.real, &bits, sizeof bits);
}

static void op_str(machine *m, size_t length_bytes)
{
    uint64_t n = take_uint(m, length_bytes);
    const char *p = (const char *)rid_picklestack_take(m, n);
    if (p && !rid_utf8_valid(p, (size_t)n))
        fail(m, "expected a string in UTF-8");
    push_new(m, RID_PICKLE_STR)->as.str = (rid_str){p, p ? (size_t)n : 0};
}

static void op_bytes(machine *m, size_t length_bytes)
{
    uint64_t n = take_uint(m, length_bytes);
    const char *p = (const char *)rid_picklestack_take(m, n);
    push_new(m, RID_PICKLE_BYTES)->as.str = (rid_str){p, p ? (size_t)n : 0};
}

static void push_tuple(machine *m, value **items, size_t n)
{
    const value **copy = n ? rid_picklestack_alloc(m, n, sizeof *copy) : NULL;
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = items[i];
    value *v = push_new(m, RID_PICKLE_TUPLE);
    v->as.tuple.items = copy;
    v->as.tuple.n = copy ? n : 0;
}

static void op_tuple_of(machine *m, size_t n)
{
    value *items[3] = {NULL};
    for (size_t i = n; i-- > 0;)
        items[i] = pop(m);
    push_tuple(m, items, n);
}

static void op_tuple(machine *m)
{
    size_t n;
    value **items = rid_picklestack_pop_mark(m, &n);
    push_tuple(m, items, n);
}

static void op_empty_list(machine *m)
{
    push_new(m, RID_PICKLE_LIST);
}

static void op_empty_dict(machine *m)
{
    push_new(m, RID_PICKLE_DICT);
}

static void add_cell(machine *m, value *to, const value *key, const value *v)
{
    rid_pickle_cell *c = rid_picklestack_alloc(m, 1, sizeof *c);
    if (!c)
        return;
    *c = (rid_pickle_cell){.key = key, .value = v};
    if (to->as.list.last)
        to->as.list.last->next = c;
    else
        to->as.list.first = c;
    to->as.list.last = c;
}

static void append(machine *m, value **items, size_t n)
{
    value *list = top(m);
    if (list->type != RID_PICKLE_LIST)
        expected(m, "a list to append to", list);
    for (size_t i = 0; i < n && m->st == RID_OK; i++)
        add_cell(m, list, NULL, items[i]);
}

static void op_append(machine *m)
{
    value *v = pop(m);
    append(m, &v, 1);
}

static void op_appends(machine *m)
{
    size_t n;
    value **items = rid_picklestack_pop_mark(m, &n);
    append(m, items, n);
}

static void set_items(machine *m, value **items, size_t n)
{
    value *dict = top(m);
    if (dict->type != RID_PICKLE_DICT)
        expected(m, "a dict to add items to", dict);
    if (n % 2)
        fail(m, "expected a value for every key, found %zu in all", n);
    for (size_t i = 0; i < n && m->st == RID_OK; i += 2)
        add_cell(m, dict, items[i], items[i + 1]);
}

static void op_set_item(machine *m)
{
    value *pair[2];
    pair[1] = pop(m);
    pair[0] = pop(m);
    set_items(m, pair, 2);
}

static void op_set_items(machine *m)
{
    size_t n;
    value **items = rid_picklestack_pop_mark(m, &n);
    set_items(m, items, n);
}

/* An OrderedDict with attributes (nn.Module's `_metadata`): they do not matter here. */
static void op_build(machine *m)
{
    const value *state = pop(m), *object = top(m);
    if (state->type != RID_PICKLE_DICT)
        expected(m, "a dict of attributes", state);
    if (object->type != RID_PICKLE_DICT)
        expected(m, "an OrderedDict to give attributes to", object);
}

static void op_pop(machine *m)
{
    if (m->n_marks && m->n_stack == rid_picklestack_floor(m))
        m->n_marks--;
    else
        pop(m);
}

static void op_memoize(machine *m)
{
    rid_picklestack_put(m, m->n_memo);
}

static void op_put(machine *m, size_t index_bytes)
{
    rid_picklestack_put(m, (size_t)take_uint(m, index_bytes));
}

static void op_get(machine *m, size_t index_bytes)
{
    rid_picklestack_get(m, (size_t)take_uint(m, index_bytes));
}

static void push_global(machine *m, rid_str module, rid_str name)
{
    const struct rid_pickle_global *global = rid_pickle_global_find(module, name);
    if (global) {
        push_new(m, RID_PICKLE_GLOBAL)->as.global = global;
        return;
    }
    char text[128];
    snprintf(text, sizeof text, "%.*s.%.*s", RID_STR(module), RID_STR(name));
    for (char *p = text; *p; p++)
        if (!isprint((unsigned char)*p))
            *p = '?';
    fail(m,
         "expected a global that checkpoints are made of, found '%s'; save only dicts, lists, "
         "strings, numbers and tensors",
         text);
}

static void op_global(machine *m)
{
    rid_str module = rid_picklestack_take_line(m);
    rid_str name = rid_picklestack_take_line(m);
    push_global(m, module, name);
}

static void op_stack_global(machine *m)
{
    const value *name = pop(m), *module = pop(m);
    if (name->type != RID_PICKLE_STR || module->type != RID_PICKLE_STR)
        expected(m, "two strings", name->type == RID_PICKLE_STR ? module : name);
    else
        push_global(m, module->as.str, name->as.str);
}

static void push_result(machine *m, const value *result)
{
    push_new(m, (rid_pickle_type)result->type)->as = result->as;
}

static void op_persistent_id(machine *m)
{
    const value *id = pop(m);
    value result = {0};
    if (m->st == RID_OK)
        rid_picklestack_refer(m, rid_pickle_storage_of(&result, id, m->arena, m->err));
    push_result(m, &result);
}

static void op_reduce(machine *m)
{
    const value *args = pop(m), *callee = pop(m);
    value result = {0};
    if (callee->type != RID_PICKLE_GLOBAL)
        expected(m, "a global to make a value with", callee);
    if (args->type != RID_PICKLE_TUPLE)
        expected(m, "a tuple of arguments", args);
    if (m->st == RID_OK)
        rid_picklestack_refer(m,
                              rid_pickle_call(&result, callee->as.global, args, m->arena, m->err));
    push_result(m, &result);
}

static void op_protocol(machine *m)
{
    unsigned protocol = (unsigned)take_uint(m, 1);
    if (protocol > 5)
        fail(m, "expected a pickle protocol up to 5, found %u", protocol);
}

/* A hint for readers of pipes: how many bytes follow. */
static void op_frame(machine *m)
{
    take_uint(m, 8);
}

static void op_stop(machine *m)
{
    if (m->n_stack != 1 || m->n_marks != 0)
        fail(m, "expected one value at the end, found %zu", m->n_stack);
    m->op_at = m->at;
    if (m->at != m->n)
        fail(m, "expected the end of the pickle, found %zu more bytes", m->n - m->at);
    m->stopped = true;
}

/* Opcodes of Python's pickle protocol (Lib/pickletools.py); each is one or the other. */
typedef struct action {
    void (*plain)(machine *m);
    void (*sized)(machine *m, size_t arg);
    size_t arg;
} action;

static const action actions[256] = {
    [0x80] = {op_protocol, NULL, 0}, /* PROTO */
    [0x95] = {op_frame, NULL, 0},    /* FRAME */
    ['.'] = {op_stop, NULL, 0},      /* STOP */
    ['('] = {rid_picklestack_push_mark, NULL, 0},
    ['0'] = {op_pop, NULL, 0},           /* POP */
    ['N'] = {op_none, NULL, 0},          /* NONE */
    [0x88] = {NULL, op_bool, 1},         /* NEWTRUE */
    [0x89] = {NULL, op_bool, 0},         /* NEWFALSE */
    ['J'] = {NULL, op_int, 4},           /* BININT */
    ['K'] = {NULL, op_uint, 1},          /* BININT1 */
    ['M'] = {NULL, op_uint, 2},          /* BININT2 */
    [0x8A] = {op_long, NULL, 0},         /* LONG1 */
    ['G'] = {op_float, NULL, 0},         /* BINFLOAT */
    ['X'] = {NULL, op_str, 4},           /* BINUNICODE */
    [0x8C] = {NULL, op_str, 1},          /* SHORT_BINUNICODE */
    [0x8D] = {NULL, op_str, 8},          /* BINUNICODE8 */
    ['B'] = {NULL, op_bytes, 4},         /* BINBYTES */
    ['C'] = {NULL, op_bytes, 1},         /* SHORT_BINBYTES */
    [')'] = {NULL, op_tuple_of, 0},      /* EMPTY_TUPLE */
    [0x85] = {NULL, op_tuple_of, 1},     /* TUPLE1 */
    [0x86] = {NULL, op_tuple_of, 2},     /* TUPLE2 */
    [0x87] = {NULL, op_tuple_of, 3},     /* TUPLE3 */
    ['t'] = {op_tuple, NULL, 0},         /* TUPLE */
    [']'] = {op_empty_list, NULL, 0},    /* EMPTY_LIST */
    ['a'] = {op_append, NULL, 0},        /* APPEND */
    ['e'] = {op_appends, NULL, 0},       /* APPENDS */
    ['}'] = {op_empty_dict, NULL, 0},    /* EMPTY_DICT */
    ['s'] = {op_set_item, NULL, 0},      /* SETITEM */
    ['u'] = {op_set_items, NULL, 0},     /* SETITEMS */
    ['b'] = {op_build, NULL, 0},         /* BUILD */
    ['q'] = {NULL, op_put, 1},           /* BINPUT */
    ['r'] = {NULL, op_put, 4},           /* LONG_BINPUT */
    [0x94] = {op_memoize, NULL, 0},      /* MEMOIZE */
    ['h'] = {NULL, op_get, 1},           /* BINGET */
    ['j'] = {NULL, op_get, 4},           /* LONG_BINGET */
    ['c'] = {op_global, NULL, 0},        /* GLOBAL */
    [0x93] = {op_stack_global, NULL, 0}, /* STACK_GLOBAL */
    ['R'] = {op_reduce, NULL, 0},        /* REDUCE */
    ['Q'] = {op_persistent_id, NULL, 0}, /* BINPERSID */
};

static void step(machine *m)
{
    m->op_at = m->at;
    const unsigned char *op = rid_picklestack_take(m, 1);
    if (!op)
        return;
    const action *a = &actions[*op];
    if (a->plain)
        a->plain(m);
    else if (a->sized)
        a->sized(m, a->arg);
    else
        fail(m, "expected an opcode that checkpoints are made of, found 0x%02x", *op);
}

rid_status rid_unpickle(const rid_pickle_value **root, rid_str bytes, rid_pickle_arena *arena,
                        rid_err *err)
{
    machine m = {
        .bytes = (const unsigned char *)bytes.data, .n = bytes.len, .arena = arena, .err = err};
    *root = NULL;
    if (bytes.len > RID_UNPICKLE_BYTES_MAX)
        return RID_FAIL(err, RID_EDATA, "has %zu bytes; expected at most %d", bytes.len,
                        RID_UNPICKLE_BYTES_MAX);
    while (m.st == RID_OK && !m.stopped)
        step(&m);
    if (m.st == RID_OK)
        *root = m.stack[0];
    rid_picklestack_free(&m);
    return m.st;
}
