#include "train/budget.h"

enum { HEAP_OVERHEAD = 32 }; /* a block's header and rounding */

rid_status rid_budget_take(rid_budget *b, size_t n, size_t size, rid_err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) ||
        __builtin_add_overflow(bytes, (size_t)HEAP_OVERHEAD, &bytes) || bytes > b->left)
        return RID_FAIL(err, RID_EDATA,
                        "reading it takes over %zu bytes of memory, more than a "
                        "sound file of its size needs",
                        b->total);
    b->left -= bytes;
    return RID_OK;
}

void rid_budget_give(rid_budget *b, size_t n, size_t size)
{
    b->left += n * size + HEAP_OVERHEAD;
}
