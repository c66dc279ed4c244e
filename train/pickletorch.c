#include "train/pickletorch.h"

#include <stdio.h>
#include <string.h>

typedef rid_pickle_value value;

/* What a global makes of its arguments. */
typedef enum global_kind {
    GLOBAL_CONSTANT, /* cannot be called */
    GLOBAL_STORAGE,
    GLOBAL_ORDERED_DICT,
    GLOBAL_TENSOR,
    GLOBAL_PARAMETER,
    GLOBAL_WRAPPER, /* stands for its first argument */
} global_kind;

struct rid_pickle_global {
    const char *name; /* "module name" */
    global_kind kind;
    rid_pickle_dtype dtype;
};

static const struct rid_pickle_global globals[] = {
    {"collections OrderedDict", GLOBAL_ORDERED_DICT, 0},
    {"torch._utils _rebuild_tensor_v2", GLOBAL_TENSOR, 0},
    {"torch._utils _rebuild_parameter", GLOBAL_PARAMETER, 0},
    {"torch._utils _rebuild_parameter_with_state", GLOBAL_PARAMETER, 0},
    {"torch FloatStorage", GLOBAL_STORAGE, RID_DTYPE_F32},
    {"torch DoubleStorage", GLOBAL_STORAGE, RID_DTYPE_F64},
    {"torch HalfStorage", GLOBAL_STORAGE, RID_DTYPE_F16},
    {"torch BFloat16Storage", GLOBAL_STORAGE, RID_DTYPE_BF16},
    {"torch LongStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch IntStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch ShortStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch CharStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch ByteStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch BoolStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch ComplexFloatStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch ComplexDoubleStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch.storage UntypedStorage", GLOBAL_STORAGE, RID_DTYPE_OTHER},
    {"torch Size", GLOBAL_WRAPPER, 0},
    {"torch device", GLOBAL_WRAPPER, 0},
    {"torch float32", GLOBAL_CONSTANT, 0},
    {"torch float64", GLOBAL_CONSTANT, 0},
    {"torch float16", GLOBAL_CONSTANT, 0},
    {"torch bfloat16", GLOBAL_CONSTANT, 0},
    {"torch int64", GLOBAL_CONSTANT, 0},
};

const struct rid_pickle_global *rid_pickle_global_find(rid_str module, rid_str name)
{
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        const char *space = strchr(globals[i].name, ' ');
        rid_str first = {globals[i].name, (size_t)(space - globals[i].name)};
        if (rid_str_equal(module, first) && rid_str_equal(name, rid_str_of(space + 1)))
            return &globals[i];
    }
    return NULL;
}

static bool is_size(const value *v)
{
    return v->type == RID_PICKLE_INT && v->as.integer >= 0;
}

static bool is_sizes(const value *v)
{
    bool ok = v->type == RID_PICKLE_TUPLE;
    for (size_t i = 0; ok && i < v->as.tuple.n; i++)
        ok = is_size(v->as.tuple.items[i]);
    return ok;
}

rid_status rid_pickle_storage_of(value *out, const value *id, rid_pickle_arena *arena, rid_err *err)
{
    const value *const *part = id->type == RID_PICKLE_TUPLE ? id->as.tuple.items : NULL;
    if (!part || id->as.tuple.n != 5 || part[0]->type != RID_PICKLE_STR ||
        !rid_str_equal(part[0]->as.str, rid_str_of("storage")) ||
        part[1]->type != RID_PICKLE_GLOBAL || part[1]->as.global->kind != GLOBAL_STORAGE ||
        part[2]->type != RID_PICKLE_STR || part[3]->type != RID_PICKLE_STR || !is_size(part[4]))
        return RID_FAIL(err, RID_EDATA,
                        "expected a storage: ('storage', class, key, device, "
                        "number of elements)");
    rid_pickle_storage *s;
    rid_status st = rid_pickle_alloc(arena, &s, 1, sizeof *s, err);
    if (st != RID_OK)
        return st;
    *s = (rid_pickle_storage){part[2]->as.str, part[4]->as.integer, part[1]->as.global->dtype};
    out->type = RID_PICKLE_STORAGE;
    out->as.storage = s;
    return RID_OK;
}

/* _rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks[, metadata]) */
static rid_status call_tensor(value *out, const value *args, rid_pickle_arena *arena, rid_err *err)
{
    const value *const *arg = args->as.tuple.items;
    if (args->as.tuple.n < 6 || arg[0]->type != RID_PICKLE_STORAGE || !is_size(arg[1]) ||
        !is_sizes(arg[2]) || !is_sizes(arg[3]) || arg[2]->as.tuple.n != arg[3]->as.tuple.n)
        return RID_FAIL(err, RID_EDATA,
                        "expected a tensor: (storage, offset, shape, stride, "
                        "requires_grad, hooks)");
    rid_pickle_tensor *t;
    rid_status st = rid_pickle_alloc(arena, &t, 1, sizeof *t, err);
    if (st != RID_OK)
        return st;
    *t = (rid_pickle_tensor){arg[0]->as.storage, arg[1]->as.integer, arg[2], arg[3]};
    out->type = RID_PICKLE_TENSOR;
    out->as.tensor = t;
    return RID_OK;
}

rid_status rid_pickle_call(value *out, const struct rid_pickle_global *global, const value *args,
                           rid_pickle_arena *arena, rid_err *err)
{
    const value *first = args->as.tuple.n ? args->as.tuple.items[0] : NULL;
    switch (global->kind) {
    case GLOBAL_ORDERED_DICT:
        if (first)
            return RID_FAIL(err, RID_EDATA, "expected no arguments to OrderedDict, found %zu",
                            args->as.tuple.n);
        out->type = RID_PICKLE_DICT;
        out->as.list.first = out->as.list.last = NULL;
        return RID_OK;
    case GLOBAL_TENSOR:
        return call_tensor(out, args, arena, err);
    case GLOBAL_PARAMETER:
        if (!first || first->type != RID_PICKLE_TENSOR)
            return RID_FAIL(err, RID_EDATA, "expected a tensor to make a parameter of");
        break;
    case GLOBAL_WRAPPER:
        if (!first)
            return RID_FAIL(err, RID_EDATA, "expected an argument to '%s'", global->name);
        break;
    case GLOBAL_STORAGE:
    case GLOBAL_CONSTANT:
        return RID_FAIL(err, RID_EDATA, "expected something that makes a value, found '%s'",
                        global->name);
    }
    out->type = first->type;
    out->as = first->as;
    return RID_OK;
}
