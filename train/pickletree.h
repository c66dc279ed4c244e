/** The value tree that train/unpickle.h reads out of a pickle: plain values and views of tensors.
 *  Strings are views of the pickle's bytes. Trees may share branches and even hold themselves, so a
 *  reader goes down by name to where it expects something, never through everything. */
#ifndef RID_PICKLETREE_H
#define RID_PICKLETREE_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "train/budget.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum rid_pickle_type {
    RID_PICKLE_NONE,
    RID_PICKLE_BOOL,
    RID_PICKLE_INT,
    RID_PICKLE_FLOAT,
    RID_PICKLE_STR,
    RID_PICKLE_BYTES,
    RID_PICKLE_TUPLE,
    RID_PICKLE_LIST,
    RID_PICKLE_DICT, /**< dict and OrderedDict */
    RID_PICKLE_GLOBAL,
    RID_PICKLE_STORAGE,
    RID_PICKLE_TENSOR, /**< tensor and Parameter */
} rid_pickle_type;

typedef enum rid_pickle_dtype {
    RID_DTYPE_F32,
    RID_DTYPE_F64,
    RID_DTYPE_F16,
    RID_DTYPE_BF16,
    RID_DTYPE_OTHER, /**< integers, booleans, complex and quantised numbers */
} rid_pickle_dtype;

typedef struct rid_pickle_value rid_pickle_value;

/** One element of a list (key NULL) or one item of a dict, in file order. */
typedef struct rid_pickle_cell {
    const rid_pickle_value *key, *value;
    struct rid_pickle_cell *next;
} rid_pickle_cell;

/** The numbers of one or several tensors: the archive's record data/<key>. */
typedef struct rid_pickle_storage {
    rid_str key;
    int64_t numel; /**< elements, >= 0 */
    rid_pickle_dtype dtype;
} rid_pickle_storage;

/** A view of a storage. Not checked against the storage's size. */
typedef struct rid_pickle_tensor {
    const rid_pickle_storage *storage;
    int64_t offset;                         /**< first element, >= 0 */
    const rid_pickle_value *shape, *stride; /**< tuples of as many integers >= 0 */
} rid_pickle_tensor;

struct rid_pickle_value {
    uint8_t type; /**< a rid_pickle_type */
    uint32_t at;  /**< the byte in the pickle that made it */
    union {
        bool boolean;
        int64_t integer;
        double real;
        rid_str str; /**< STR, BYTES */
        struct {
            const rid_pickle_value **items;
            size_t n;
        } tuple;
        struct {
            rid_pickle_cell *first, *last;
        } list; /**< LIST, DICT */
        const struct rid_pickle_global *global;
        const rid_pickle_storage *storage;
        const rid_pickle_tensor *tensor;
    } as;
};

/** "a dict", "an integer", …; of a rid_pickle_type. */
const char *rid_pickle_type_name(int type);

/** The value of a string key; NULL where the dict has none. *again, where not NULL, is set to the
 *  key's second occurrence, or to NULL. */
const rid_pickle_value *rid_pickle_find(const rid_pickle_value *dict, const char *key,
                                        const rid_pickle_value **again);

/** Where the values live: all are freed together. Zero-initialise, set budget (borrowed). */
typedef struct rid_pickle_arena {
    struct rid_pickle_chunk *chunks;
    size_t room; /**< bytes left in the first chunk */
    rid_budget *budget;
} rid_pickle_arena;

/** n*size bytes, aligned for any value, not initialised, charged to the budget. The memory is
 *  written to *out (a pointer of any type). RID_EDATA over the budget, RID_ETEMP. */
RID_MUST rid_status rid_pickle_alloc(rid_pickle_arena *a, void *out, size_t n, size_t size,
                                     rid_err *err);
void rid_pickle_arena_free(rid_pickle_arena *a);

#endif
