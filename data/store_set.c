#include "data/store_set.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <stdlib.h>
#include <sys/resource.h>

void rid_store_set_close(rid_store_set *s)
{
    for (size_t i = 0; s->stores && i < s->n_stores; i++)
        rid_store_close(s->stores[i]);
    rid_mem_free(s->stores);
    rid_mem_free(s->places);
    *s = (rid_store_set){0};
}

rid_meta rid_store_set_meta(const rid_store_set *s, rid_place p)
{
    return rid_entries_meta(rid_store_entries(s->stores[p.store]), p.row);
}

rid_entry_status rid_store_set_status(const rid_store_set *s, rid_place p)
{
    return rid_entries_status(rid_store_entries(s->stores[p.store]), p.row);
}

/* An open store takes two descriptors, and the usual soft limit of 1,024 is meant for programs that
 * use select(2). Where the hard limit is too low as well, opening a store will say so. */
static void allow_files(size_t n_stores)
{
    enum { PER_STORE = 2, OTHERS = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    rlim_t wanted = PER_STORE * (rlim_t)n_stores + OTHERS;
    if (wanted <= limit.rlim_cur)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static rid_status open_stores(rid_store_set *s, const char *const *paths, size_t n, rid_err *err)
{
    s->stores = rid_mem_zalloc(n, sizeof *s->stores);
    if (!s->stores)
        return RID_FAIL_NOMEM(err);
    allow_files(n);
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rid_store_open(&s->stores[i], paths[i], err);
        if (st != RID_OK)
            break;
        s->n_stores = i + 1;
        if (i > 0)
            st = rid_store_check_compatible(s->stores[0], s->stores[i], err);
    }
    return st;
}

/* All rows up to the limit, in order. */
static rid_status take_places(rid_store_set *s, uint64_t limit, rid_err *err)
{
    uint64_t total = 0;
    for (size_t i = 0; i < s->n_stores; i++)
        total += rid_store_count(s->stores[i]);
    s->n_read = limit && limit < total ? limit : total;
    s->places = rid_mem_alloc(s->n_read, sizeof *s->places);
    if (!s->places)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < s->n_stores; i++)
        for (size_t row = 0; row < rid_store_count(s->stores[i]) && s->n < s->n_read; row++)
            s->places[s->n++] = (rid_place){(uint32_t)i, (uint32_t)row}; /* <= RID_ENTRIES_MAX */
    return RID_OK;
}

static int compare_places(rid_place a, rid_place b)
{
    if (a.store != b.store)
        return a.store < b.store ? -1 : 1;
    return (a.row > b.row) - (a.row < b.row);
}

static int by_id(const void *a, const void *b, void *set)
{
    rid_place p = *(const rid_place *)a, q = *(const rid_place *)b;
    rid_meta x = rid_store_set_meta(set, p), y = rid_store_set_meta(set, q);
    int c = rid_str_compare(x.text[RID_TEXT_ID], y.text[RID_TEXT_ID]);
    return c ? c : compare_places(p, q);
}

static int by_place(const void *a, const void *b)
{
    return compare_places(*(const rid_place *)a, *(const rid_place *)b);
}

/* Of equal ids the last place stays. */
static void drop_replaced(rid_store_set *s)
{
    size_t kept = 0;
    if (s->n_stores < 2)
        return; /* ids are unique in a store */
    qsort_r(s->places, s->n, sizeof *s->places, by_id, s);
    for (size_t i = 0; i < s->n; i++) {
        bool replaced = false;
        if (i + 1 < s->n) {
            rid_meta m = rid_store_set_meta(s, s->places[i]);
            rid_meta next = rid_store_set_meta(s, s->places[i + 1]);
            replaced = rid_str_equal(m.text[RID_TEXT_ID], next.text[RID_TEXT_ID]);
        }
        if (!replaced)
            s->places[kept++] = s->places[i];
    }
    s->n_duplicates = s->n - kept;
    s->n = kept;
    qsort(s->places, s->n, sizeof *s->places, by_place);
}

rid_status rid_store_set_open(rid_store_set *out, const char *const *paths, size_t n,
                              uint64_t limit, rid_err *err)
{
    *out = (rid_store_set){0};
    rid_status st = open_stores(out, paths, n, err);
    if (st == RID_OK)
        st = take_places(out, limit, err);
    if (st == RID_OK)
        drop_replaced(out);
    else
        rid_store_set_close(out);
    return st;
}

static int by_meta(const void *a, const void *b, void *set)
{
    rid_place p = *(const rid_place *)a, q = *(const rid_place *)b;
    rid_meta x = rid_store_set_meta(set, p), y = rid_store_set_meta(set, q);
    int c = rid_meta_compare(&x, &y);
    return c ? c : compare_places(p, q);
}

void rid_store_set_sort(rid_store_set *s)
{
    qsort_r(s->places, s->n, sizeof *s->places, by_meta, s);
}

const rid_store_info *rid_store_set_info(const rid_store_set *s)
{
    return rid_store_get_info(s->stores[0]);
}

rid_status rid_store_set_group(rid_store_set *s, rid_bucket **buckets, size_t *n, rid_err *err)
{
    size_t cap = 0;
    *buckets = NULL;
    *n = 0;
    rid_store_set_sort(s);
    for (size_t i = 0; i < s->n; i++) {
        rid_meta m = rid_store_set_meta(s, s->places[i]);
        rid_bucket *last = *n ? &(*buckets)[*n - 1] : NULL;
        if (last && rid_str_equal(last->day, m.text[RID_TEXT_DAY]) &&
            rid_str_equal(last->store, m.text[RID_TEXT_STORE])) {
            last->n++;
            continue;
        }
        if (rid_mem_grow(buckets, &cap, *n + 1, sizeof **buckets) != 0) {
            rid_mem_free(*buckets);
            *buckets = NULL;
            return RID_FAIL_NOMEM(err);
        }
        (*buckets)[(*n)++] =
            (rid_bucket){m.text[RID_TEXT_DAY], m.text[RID_TEXT_STORE], s->places + i, 1};
    }
    return RID_OK;
}

rid_status rid_store_set_read_embeddings(const rid_store_set *s, const rid_place *places, size_t n,
                                         float *out, rid_err *err)
{
    size_t dim = rid_store_set_info(s)->emb_dim;
    for (size_t i = 0; i < n; i++) {
        size_t row = places[i].row;
        rid_status st =
            rid_store_read_embeddings(s->stores[places[i].store], &row, 1, out + i * dim, err);
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}
