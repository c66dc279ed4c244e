/** A ceiling on the memory that a reader of untrusted files may hold at once: whatever a damaged
 * file asks for is charged first, so that its lengths can never cost more than its size allows. */
#ifndef RID_BUDGET_H
#define RID_BUDGET_H

#include "data/base/err.h"

#include <stddef.h>

/** Set both to the ceiling in bytes. One thread at a time. */
typedef struct rid_budget {
    size_t total;
    size_t left;
} rid_budget;

/** Charges an allocation of n*size bytes (and what the heap adds) before it is made. RID_EDATA
 * where less is left: the file needs more memory than a sound one of its size. */
RID_MUST rid_status rid_budget_take(rid_budget *b, size_t n, size_t size, rid_err *err);

/** Returns the charge of an allocation that has been freed. */
void rid_budget_give(rid_budget *b, size_t n, size_t size);

#endif
