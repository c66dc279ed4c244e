#include "train/pickletree.h"

#include "data/base/mem.h"

#include <stdalign.h>
#include <string.h>

enum { CHUNK_BYTES = 16384, ALIGNMENT = 8 /* of the largest member of any value */ };

struct rid_pickle_chunk {
    struct rid_pickle_chunk *next;
    size_t size;
    alignas(ALIGNMENT) unsigned char bytes[];
};

_Static_assert(alignof(rid_pickle_value) <= ALIGNMENT && alignof(rid_pickle_tensor) <= ALIGNMENT &&
                   alignof(rid_pickle_storage) <= ALIGNMENT &&
                   alignof(rid_pickle_cell) <= ALIGNMENT,
               "values must be aligned");

const char *rid_pickle_type_name(int type)
{
    static const char *const names[] = {
        "None",    "a bool", "an integer", "a float",  "a string",  "bytes",
        "a tuple", "a list", "a dict",     "a global", "a storage", "a tensor",
    };
    return names[type];
}

const rid_pickle_value *rid_pickle_find(const rid_pickle_value *dict, const char *key,
                                        const rid_pickle_value **again)
{
    const rid_pickle_value *found = NULL;
    if (again)
        *again = NULL;
    for (const rid_pickle_cell *c = dict->as.list.first; c; c = c->next) {
        if (c->key->type != RID_PICKLE_STR || !rid_str_equal(c->key->as.str, rid_str_of(key)))
            continue;
        if (!found) {
            found = c->value;
        } else {
            if (again)
                *again = c->key;
            break;
        }
    }
    return found;
}

static rid_status add_chunk(rid_pickle_arena *a, size_t bytes, rid_err *err)
{
    size_t size = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
    rid_status st = rid_budget_take(a->budget, 1, sizeof(struct rid_pickle_chunk) + size, err);
    if (st != RID_OK)
        return st;
    struct rid_pickle_chunk *c = rid_mem_alloc(1, sizeof *c + size);
    if (!c)
        return RID_FAIL_NOMEM(err);
    *c = (struct rid_pickle_chunk){.next = a->chunks, .size = size};
    a->chunks = c;
    a->room = size;
    return RID_OK;
}

rid_status rid_pickle_alloc(rid_pickle_arena *a, void *out, size_t n, size_t size, rid_err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2)
        return RID_FAIL(err, RID_EDATA, "too large");
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > a->room) {
        rid_status st = add_chunk(a, bytes, err);
        if (st != RID_OK)
            return st;
    }
    void *p = a->chunks->bytes + (a->chunks->size - a->room);
    a->room -= bytes;
    memcpy(out, &p, sizeof p);
    return RID_OK;
}

void rid_pickle_arena_free(rid_pickle_arena *a)
{
    for (struct rid_pickle_chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        rid_mem_free(c);
    }
    a->chunks = NULL;
    a->room = 0;
}
