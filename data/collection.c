#include "data/collection.h"

#include "data/base/mem.h"

typedef struct place {
    uint32_t store;
    size_t row;
} place;

struct rid_collection {
    rid_store **stores;
    size_t n_stores;
    rid_entries *entries;
    place *places;
    size_t n, places_cap, n_duplicates, limit;
};

void rid_collection_close(rid_collection *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->stores && i < c->n_stores; i++)
        rid_store_close(c->stores[i]);
    rid_mem_free(c->stores);
    rid_entries_free(c->entries);
    rid_mem_free(c->places);
    rid_mem_free(c);
}

/* Does a later store hold the id, too? */
static bool is_replaced(const rid_collection *c, size_t store, rid_str id)
{
    size_t row;
    for (size_t later = store + 1; later < c->n_stores; later++)
        if (rid_entries_find(rid_store_entries(c->stores[later]), id, &row))
            return true;
    return false;
}

static rid_status add_entries(rid_collection *c, size_t store, rid_err *err)
{
    const rid_entries *from = rid_store_entries(c->stores[store]);
    for (size_t row = 0; row < rid_entries_count(from) && c->n < c->limit; row++) {
        rid_meta m = rid_entries_meta(from, row);
        if (is_replaced(c, store, m.text[RID_TEXT_ID])) {
            c->n_duplicates++;
            continue;
        }
        if (rid_mem_grow(&c->places, &c->places_cap, c->n + 1, sizeof *c->places) != 0)
            return RID_FAIL_NOMEM(err);
        rid_status st = rid_entries_add(c->entries, &m, rid_entries_status(from, row), err);
        if (st != RID_OK)
            return st;
        c->places[c->n++] = (place){(uint32_t)store, row};
    }
    return RID_OK;
}

rid_status rid_collection_open(rid_collection **out, const char *const *paths, size_t n, size_t limit,
                               rid_err *err)
{
    *out = NULL;
    rid_collection *c = rid_mem_zalloc(1, sizeof *c);
    if (!c)
        return RID_FAIL_NOMEM(err);
    c->limit = limit ? limit : SIZE_MAX;
    c->stores = rid_mem_zalloc(n, sizeof(rid_store *));
    c->entries = rid_entries_new();
    rid_status st = c->stores && c->entries ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        st = rid_store_open(&c->stores[i], paths[i], err);
        c->n_stores = i + 1;
        if (st == RID_OK && i > 0)
            st = rid_store_check_compatible(c->stores[0], c->stores[i], err);
    }
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = add_entries(c, i, err);
    if (st != RID_OK) {
        rid_collection_close(c);
        return st;
    }
    *out = c;
    return RID_OK;
}

const rid_store_info *rid_collection_info(const rid_collection *c)
{
    return rid_store_get_info(c->stores[0]);
}

const rid_entries *rid_collection_entries(const rid_collection *c)
{
    return c->entries;
}

size_t rid_collection_duplicates(const rid_collection *c)
{
    return c->n_duplicates;
}

rid_store *rid_collection_locate(const rid_collection *c, size_t row, size_t *store_row)
{
    *store_row = c->places[row].row;
    return c->stores[c->places[row].store];
}

rid_status rid_collection_read_embeddings(const rid_collection *c, const size_t *rows, size_t n,
                                          float *out, rid_err *err)
{
    size_t dim = rid_collection_info(c)->emb_dim;
    for (size_t i = 0; i < n; i++) {
        size_t row;
        rid_store *s = rid_collection_locate(c, rows[i], &row);
        rid_status st = rid_store_read_embeddings(s, &row, 1, out + i * dim, err);
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}
