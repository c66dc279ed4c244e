/** Ids as numbers: each distinct text once, numbered in order of first appearance. */
#ifndef RID_ID_TABLE_H
#define RID_ID_TABLE_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>
#include <stdint.h>

/** Zero-initialise; rid_id_table_clear frees. */
typedef struct rid_id_table {
    rid_buf text;      /* behind the ids */
    size_t *first;     /* (n + 1): where each begins in text */
    uint32_t *slots;   /* (n_slots): number + 1; 0: free */
    size_t n, n_slots, first_cap;
} rid_id_table;

/** The number of an id, added where it is new (*added, may be NULL). RID_ETEMP. */
RID_MUST rid_status rid_id_table_add(rid_id_table *t, rid_str id, uint32_t *number, bool *added,
                                     rid_err *err);
/** False where there is no such id. Thread-safe among lookups. number may be NULL. */
bool rid_id_table_find(const rid_id_table *t, rid_str id, uint32_t *number);
/** View, valid until the next add. */
rid_str rid_id_table_at(const rid_id_table *t, uint32_t number);
void rid_id_table_clear(rid_id_table *t);

#endif
