#include "data/entries.h"

#include "data/base/hash.h"
#include "data/base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A row's texts stand one after the other in `bytes`; their lengths (at most 255) come first. */
struct rid_entries {
    uint8_t *bytes;
    size_t n_bytes, bytes_cap;
    size_t *at; /* where each row begins in bytes */
    int64_t *timestamp_us;
    uint8_t *status;
    size_t n, at_cap, timestamp_cap, status_cap;
    uint32_t *slots; /* hash of ids: row + 1, 0 = free, FORGOTTEN */
    size_t n_slots, n_used;
};

#define FORGOTTEN UINT32_MAX

const char *rid_entry_status_name(rid_entry_status s)
{
    static const char *const names[] = {"ok", "skip", "fallback"};
    return names[s];
}

rid_entries *rid_entries_new(void)
{
    return rid_mem_zalloc(1, sizeof(rid_entries));
}

void rid_entries_free(rid_entries *e)
{
    if (!e)
        return;
    rid_mem_free(e->bytes);
    rid_mem_free(e->at);
    rid_mem_free(e->timestamp_us);
    rid_mem_free(e->status);
    rid_mem_free(e->slots);
    rid_mem_free(e);
}

size_t rid_entries_count(const rid_entries *e)
{
    return e->n;
}

rid_meta rid_entries_meta(const rid_entries *e, size_t row)
{
    rid_meta m = {.timestamp_us = e->timestamp_us[row]};
    const uint8_t *lengths = e->bytes + e->at[row];
    const char *text = (const char *)lengths + RID_TEXT_FIELDS;
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        m.text[f] = (rid_str){lengths[f] ? text : NULL, lengths[f]};
        text += lengths[f];
    }
    return m;
}

rid_entry_status rid_entries_status(const rid_entries *e, size_t row)
{
    return (rid_entry_status)e->status[row];
}

static rid_str id_of(const rid_entries *e, size_t row)
{
    const uint8_t *lengths = e->bytes + e->at[row]; /* the id is the first text */
    return (rid_str){(const char *)lengths + RID_TEXT_FIELDS, lengths[RID_TEXT_ID]};
}

/* The slot that holds id, or else the free one where it would go. */
static uint32_t *slot_of(const rid_entries *e, rid_str id)
{
    size_t i = (size_t)rid_hash64(id.data, id.len) & (e->n_slots - 1);
    while (e->slots[i] != 0 &&
           (e->slots[i] == FORGOTTEN || !rid_str_equal(id_of(e, e->slots[i] - 1), id)))
        i = (i + 1) & (e->n_slots - 1);
    return &e->slots[i];
}

static rid_status grow_slots(rid_entries *e, rid_err *err)
{
    size_t n_slots = e->n_slots ? 2 * e->n_slots : 64;
    uint32_t *old = e->slots;
    size_t n_old = e->n_slots;
    uint32_t *fresh = rid_mem_zalloc(n_slots, sizeof *fresh);
    if (!fresh)
        return RID_FAIL_NOMEM(err);
    e->slots = fresh;
    e->n_slots = n_slots;
    e->n_used = 0;
    for (size_t i = 0; i < n_old; i++) {
        if (old[i] == 0 || old[i] == FORGOTTEN)
            continue;
        *slot_of(e, id_of(e, old[i] - 1)) = old[i];
        e->n_used++;
    }
    rid_mem_free(old);
    return RID_OK;
}

rid_status rid_entries_add(rid_entries *e, const rid_meta *meta, rid_entry_status status,
                           rid_err *err)
{
    size_t total = RID_TEXT_FIELDS;
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        total += meta->text[f].len;
    if (e->n >= RID_ENTRIES_MAX)
        return RID_FAIL(err, RID_EFAIL, "more than %u entries", RID_ENTRIES_MAX);
    if (rid_mem_grow(&e->bytes, &e->bytes_cap, e->n_bytes + total, 1) != 0 ||
        rid_mem_grow(&e->at, &e->at_cap, e->n + 1, sizeof *e->at) != 0 ||
        rid_mem_grow(&e->timestamp_us, &e->timestamp_cap, e->n + 1, sizeof *e->timestamp_us) != 0 ||
        rid_mem_grow(&e->status, &e->status_cap, e->n + 1, sizeof *e->status) != 0)
        return RID_FAIL_NOMEM(err);
    if (2 * (e->n_used + 1) > e->n_slots && grow_slots(e, err) != RID_OK)
        return RID_ETEMP;
    uint8_t *p = e->bytes + e->n_bytes;
    e->at[e->n] = e->n_bytes;
    e->timestamp_us[e->n] = meta->timestamp_us;
    e->status[e->n] = (uint8_t)status;
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        *p++ = (uint8_t)meta->text[f].len;
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        if (meta->text[f].len)
            memcpy(p, meta->text[f].data, meta->text[f].len);
        p += meta->text[f].len;
    }
    e->n_bytes += total;
    uint32_t *slot = slot_of(e, id_of(e, e->n));
    e->n_used += *slot == 0;
    *slot = (uint32_t)++e->n;
    return RID_OK;
}

bool rid_entries_find(const rid_entries *e, rid_str id, size_t *row)
{
    if (e->n_slots == 0)
        return false;
    size_t found = *slot_of(e, id);
    if (found == 0)
        return false;
    *row = found - 1;
    return true;
}

void rid_entries_forget(rid_entries *e, rid_str id)
{
    uint32_t *slot = e->n_slots ? slot_of(e, id) : NULL;
    if (slot && *slot)
        *slot = FORGOTTEN;
}
