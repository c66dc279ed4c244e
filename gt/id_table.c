#include "gt/id_table.h"

#include "data/base/hash.h"
#include "data/base/mem.h"

enum { SLOTS_MIN = 64 };

rid_str rid_id_table_at(const rid_id_table *t, uint32_t number)
{
    const size_t first = t->first[number];
    return (rid_str){t->text.data + first, t->first[number + 1] - first};
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t *slot_of(const rid_id_table *t, rid_str id)
{
    size_t at = rid_hash64(id.data, id.len) & (t->n_slots - 1);
    while (t->slots[at] != 0 && !rid_str_equal(rid_id_table_at(t, t->slots[at] - 1), id))
        at = (at + 1) & (t->n_slots - 1);
    return &t->slots[at];
}

/* At most half full. */
static rid_status grow(rid_id_table *t, rid_err *err)
{
    if (t->n_slots > 0 && t->n + 1 <= t->n_slots / 2)
        return RID_OK;
    const size_t n_slots = t->n_slots > 0 ? t->n_slots * 2 : SLOTS_MIN;
    uint32_t *slots = rid_mem_zalloc(n_slots, sizeof *slots);
    if (!slots)
        return RID_FAIL_NOMEM(err);
    rid_mem_free(t->slots);
    t->slots = slots;
    t->n_slots = n_slots;
    for (size_t i = 0; i < t->n; i++)
        *slot_of(t, rid_id_table_at(t, (uint32_t)i)) = (uint32_t)i + 1;
    return RID_OK;
}

rid_status rid_id_table_add(rid_id_table *t, rid_str id, uint32_t *number, bool *added, rid_err *err)
{
    rid_status st = grow(t, err);
    if (st != RID_OK)
        return st;
    uint32_t *slot = slot_of(t, id);
    if (added)
        *added = *slot == 0;
    if (*slot == 0) {
        if (t->n >= UINT32_MAX - 1 ||
            rid_mem_grow(&t->first, &t->first_cap, t->n + 2, sizeof *t->first) != 0)
            return RID_FAIL_NOMEM(err);
        rid_buf_append(&t->text, id.data, id.len);
        if (t->text.failed)
            return RID_FAIL_NOMEM(err);
        t->first[0] = 0;
        t->first[++t->n] = t->text.len;
        *slot = (uint32_t)t->n;
    }
    *number = *slot - 1;
    return RID_OK;
}

bool rid_id_table_find(const rid_id_table *t, rid_str id, uint32_t *number)
{
    if (t->n_slots == 0)
        return false;
    const uint32_t found = *slot_of(t, id);
    if (found > 0 && number)
        *number = found - 1;
    return found > 0;
}

void rid_id_table_clear(rid_id_table *t)
{
    rid_buf_free(&t->text);
    rid_mem_free(t->first);
    rid_mem_free(t->slots);
    *t = (rid_id_table){0};
}
