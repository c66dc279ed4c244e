#include "gt/gt_places.h"

#include "data/base/mem.h"
#include "data/h5file.h"

rid_str rid_gt_places_id(const rid_gt_places *p, size_t b, size_t i)
{
    return rid_store_set_meta(&p->set, p->buckets[b].places[i]).text[RID_TEXT_ID];
}

static rid_status find_entries(rid_gt_places *p, const rid_gt_doc *doc, rid_err *err)
{
    const size_t n = doc->entry_ids.n;
    p->bucket = rid_mem_alloc(n, sizeof *p->bucket);
    if (!p->bucket)
        return RID_FAIL_NOMEM(err);
    p->n_unknown = n;
    for (size_t i = 0; i < n; i++)
        p->bucket[i] = RID_GT_NOWHERE;
    for (size_t b = 0; b < p->n_buckets; b++)
        for (size_t i = 0; i < p->buckets[b].n; i++) {
            uint32_t entry;
            if (!rid_id_table_find(&doc->entry_ids, rid_gt_places_id(p, b, i), &entry))
                continue;
            p->bucket[entry] = (uint32_t)b;
            p->n_unknown--;
        }
    return RID_OK;
}

static rid_status number_buckets(rid_gt_places *p, rid_err *err)
{
    rid_status st = RID_OK;
    p->store = rid_mem_alloc(p->n_buckets, sizeof *p->store);
    p->day = rid_mem_alloc(p->n_buckets, sizeof *p->day);
    if (!p->store || !p->day)
        return RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < p->n_buckets && st == RID_OK; b++) {
        st = rid_id_table_add(&p->store_ids, p->buckets[b].store, &p->store[b], NULL, err);
        if (st == RID_OK)
            st = rid_id_table_add(&p->day_ids, p->buckets[b].day, &p->day[b], NULL, err);
    }
    return st;
}

rid_status rid_gt_places_open(rid_gt_places *p, const rid_gt_doc *doc, const char *const *stores,
                              size_t n, uint64_t limit, rid_err *err)
{
    *p = (rid_gt_places){0};
    rid_h5_init();
    rid_status st = rid_store_set_open(&p->set, stores, n, limit, err);
    if (st == RID_OK)
        st = rid_store_set_group(&p->set, &p->buckets, &p->n_buckets, err);
    if (st == RID_OK)
        st = number_buckets(p, err);
    return st == RID_OK ? find_entries(p, doc, err) : st;
}

void rid_gt_places_close(rid_gt_places *p)
{
    rid_id_table_clear(&p->store_ids);
    rid_id_table_clear(&p->day_ids);
    rid_mem_free(p->store);
    rid_mem_free(p->day);
    rid_mem_free(p->bucket);
    rid_mem_free(p->buckets);
    rid_store_set_close(&p->set);
    *p = (rid_gt_places){0};
}
