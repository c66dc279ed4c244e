#include "train/frame_reader.h"

#include "data/base/mem.h"

#include <string.h>

typedef struct place {
    uint32_t store;
    uint32_t row;
} place;

struct rid_frame_reader {
    rid_store **stores;
    size_t n_stores, stores_cap;
    place *places;
    size_t n, places_cap;
    const rid_train_set *set;
};

rid_frame_reader *rid_frame_reader_new(void)
{
    return rid_mem_zalloc(1, sizeof(rid_frame_reader));
}

void rid_frame_reader_free(rid_frame_reader *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_stores; i++)
        rid_store_close(r->stores[i]);
    rid_mem_free(r->stores);
    rid_mem_free(r->places);
    rid_mem_free(r);
}

/* The store at `path`, which is mostly the one opened last. */
static rid_status find_store(rid_frame_reader *r, const char *path, uint32_t *store, rid_err *err)
{
    for (size_t i = r->n_stores; i > 0; i--) {
        *store = (uint32_t)(i - 1);
        if (strcmp(rid_store_path(r->stores[i - 1]), path) == 0)
            return RID_OK;
    }
    if (rid_mem_grow(&r->stores, &r->stores_cap, r->n_stores + 1, sizeof(rid_store *)) != 0)
        return RID_FAIL_NOMEM(err);
    *store = (uint32_t)r->n_stores;
    rid_status st = rid_store_open(&r->stores[r->n_stores], path, err);
    r->n_stores += st == RID_OK;
    return st;
}

rid_status rid_frame_reader_add(rid_frame_reader *r, const char *path, size_t row, rid_err *err)
{
    place p = {.row = (uint32_t)row};
    rid_status st = find_store(r, path, &p.store, err);
    if (st != RID_OK)
        return st;
    if (rid_mem_grow(&r->places, &r->places_cap, r->n + 1, sizeof *r->places) != 0)
        return RID_FAIL_NOMEM(err);
    r->places[r->n++] = p;
    return RID_OK;
}

void rid_frame_reader_move(rid_frame_reader *r, size_t to, size_t from)
{
    r->places[to] = r->places[from];
}

/* Reads all frames of the row, and keeps the entry's own as unit vectors. */
static rid_status read_entry(void *reader, size_t entry, float *out, rid_err *err)
{
    rid_frame_reader *r = reader;
    const rid_train_entry *e = &r->set->entries[entry];
    const size_t dim = r->set->vis_dim;
    rid_store *store = r->stores[r->places[entry].store];
    const size_t row = r->places[entry].row, n = rid_store_frame_count(store, row);
    float *frames = rid_mem_alloc(n * sizeof *frames, dim);
    rid_status st = frames ? rid_store_read_frames(store, row, frames, err) : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < e->n_frames; i++)
        rid_train_set_unit_frame(out + i * dim, frames + r->set->frame_index[e->first + i] * dim, dim);
    rid_mem_free(frames);
    return st;
}

void rid_frame_reader_attach(rid_frame_reader *r, rid_train_set *set)
{
    r->set = set;
    set->read = read_entry;
    set->reader = r;
}
