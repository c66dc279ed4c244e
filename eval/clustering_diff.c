#include "eval/clustering_diff.h"

#include "data/base/mem.h"

#include <stdlib.h>

const char *rid_flip_name(rid_flip_kind k)
{
    static const char *const names[] = {"lost", "gained", "moved"};
    return names[k];
}

static int compare_u32(uint32_t x, uint32_t y)
{
    return x < y ? -1 : x > y;
}

static int compare_by_a(const void *x, const void *y)
{
    const rid_diff_cell *p = x, *q = y;
    int order = compare_u32(p->bucket_a, q->bucket_a);
    order = order != 0 ? order : compare_u32(p->a, q->a);
    return order != 0 ? order : compare_u32(p->b, q->b);
}

static int compare_by_b(const void *x, const void *y)
{
    const rid_diff_cell *p = x, *q = y;
    int order = compare_u32(p->bucket_a, q->bucket_a);
    order = order != 0 ? order : compare_u32(p->b, q->b);
    return order != 0 ? order : compare_u32(p->a, q->a);
}

/* ---- entries ---- */

static const rid_clustered_entry *entry_at(const rid_clustering *c, rid_clustered_place p)
{
    return &c->buckets[p.bucket].entries[p.row];
}

static rid_status check_bucket(const rid_clustering_diff *d, rid_clustered_place a,
                               rid_clustered_place b, rid_err *err)
{
    const rid_clustered_bucket *x = &d->a->buckets[a.bucket], *y = &d->b->buckets[b.bucket];
    if (rid_str_equal(x->day, y->day) && rid_str_equal(x->store, y->store))
        return RID_OK;
    return RID_FAIL(err, RID_EDATA,
                    "entry '%.*s' is in bucket %.*s/%.*s, and in %.*s/%.*s on the other side",
                    RID_STR(entry_at(d->a, a)->id), RID_STR(x->day), RID_STR(x->store),
                    RID_STR(y->day), RID_STR(y->store));
}

/* Whether the two sides joined the entry with different persons: the entry that one joined is not with it on
 * the other side. */
static bool is_moved(const rid_clustering_diff *d, const rid_clustered_entry *a,
                     const rid_clustered_entry *b)
{
    rid_clustered_place in_a, in_b;
    if (rid_str_equal(a->match_id, b->match_id))
        return false;
    return !rid_clustering_find(d->b, a->match_id, &in_b) ||
           entry_at(d->b, in_b)->person != b->person ||
           !rid_clustering_find(d->a, b->match_id, &in_a) ||
           entry_at(d->a, in_a)->person != a->person;
}

static void take_decision(rid_clustering_diff *d, rid_clustered_place a, rid_clustered_place b)
{
    const rid_clustered_entry *x = entry_at(d->a, a), *y = entry_at(d->b, b);
    const bool in_a = x->status == RID_EVENT_MATCH, in_b = y->status == RID_EVENT_MATCH;
    rid_flip_kind kind = in_a ? RID_FLIP_LOST : RID_FLIP_GAINED;
    if (in_a == in_b && (!in_a || !is_moved(d, x, y)))
        return;
    if (in_a == in_b)
        kind = RID_FLIP_MOVED;
    d->n_lost += kind == RID_FLIP_LOST;
    d->n_gained += kind == RID_FLIP_GAINED;
    d->n_moved += kind == RID_FLIP_MOVED;
    d->flips[d->n_flips++] = (rid_diff_flip){a, b, kind};
}

/* The common entries as cells of one, and their decisions. */
static rid_status take_entries(rid_clustering_diff *d, rid_err *err)
{
    rid_status st = RID_OK;
    for (uint32_t k = 0; k < d->a->n_buckets; k++)
        for (uint32_t i = 0; i < d->a->buckets[k].n && st == RID_OK; i++) {
            const rid_clustered_place a = {k, i};
            rid_clustered_place b;
            if (!rid_clustering_find(d->b, entry_at(d->a, a)->id, &b))
                continue;
            st = check_bucket(d, a, b, err);
            d->by_a[d->n_common++] = (rid_diff_cell){
                k, b.bucket, entry_at(d->a, a)->person, entry_at(d->b, b)->person, i, 1};
            take_decision(d, a, b);
        }
    return st;
}

/* A with B's persons, bucket by bucket. */
static rid_status count_agreement(rid_clustering_diff *d, rid_err *err)
{
    uint32_t *truth = rid_mem_alloc(d->n_common, sizeof *truth);
    uint32_t *predicted = rid_mem_alloc(d->n_common, sizeof *predicted);
    rid_status st = truth && predicted ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < d->n_common && st == RID_OK; i++) {
        truth[i] = d->by_a[i].a;
        predicted[i] = d->by_a[i].b;
    }
    for (size_t i = 0, end; i < d->n_common && st == RID_OK; i = end) {
        rid_cluster_counts c;
        for (end = i + 1; end < d->n_common && d->by_a[end].bucket_a == d->by_a[i].bucket_a;)
            end++;
        st = rid_cluster_count(&c, truth + i, predicted + i, end - i, err);
        if (st == RID_OK)
            rid_cluster_counts_add(&d->agreement, &c);
    }
    rid_mem_free(truth);
    rid_mem_free(predicted);
    return st;
}

/* ---- persons ---- */

/* Puts equal cells together. */
static void add_up_cells(rid_clustering_diff *d)
{
    qsort(d->by_a, d->n_common, sizeof *d->by_a, compare_by_a);
    for (size_t i = 0; i < d->n_common; i++) {
        rid_diff_cell *last = d->n_cells > 0 ? &d->by_a[d->n_cells - 1] : NULL;
        if (!last || compare_by_a(last, &d->by_a[i]) != 0) {
            d->by_a[d->n_cells++] = d->by_a[i];
            continue;
        }
        last->n++;
        last->first = d->by_a[i].first < last->first ? d->by_a[i].first : last->first;
    }
    for (size_t i = 0; i < d->n_cells; i++)
        d->by_b[i] = d->by_a[i];
    qsort(d->by_b, d->n_cells, sizeof *d->by_b, compare_by_b);
}

static bool same_owner(const rid_diff_cell *x, const rid_diff_cell *y, bool by_a)
{
    return x->bucket_a == y->bucket_a && (by_a ? x->a == y->a : x->b == y->b);
}

/* The persons of one side with several cells; returns how many persons there are. */
static size_t find_changes(rid_diff_change *out, size_t *n_out, const rid_diff_cell *cells,
                           size_t n, bool by_a)
{
    size_t n_persons = 0;
    for (size_t i = 0, end; i < n; i = end, n_persons++) {
        for (end = i + 1; end < n && same_owner(&cells[i], &cells[end], by_a);)
            end++;
        if (end - i > 1)
            out[(*n_out)++] = (rid_diff_change){cells + i, end - i};
    }
    return n_persons;
}

/* Persons of A that are one of B, which has nobody else's entries: cells that are alone on both sides. */
static size_t count_same(const rid_clustering_diff *d)
{
    size_t n = 0;
    for (size_t i = 0; i < d->n_cells; i++) {
        const rid_diff_cell *c = &d->by_a[i];
        if ((i > 0 && same_owner(c, c - 1, true)) ||
            (i + 1 < d->n_cells && same_owner(c, c + 1, true)))
            continue;
        const rid_diff_cell *o = bsearch(c, d->by_b, d->n_cells, sizeof *o, compare_by_b);
        const size_t k = (size_t)(o - d->by_b);
        n += !(k > 0 && same_owner(o, o - 1, false)) &&
             !(k + 1 < d->n_cells && same_owner(o, o + 1, false));
    }
    return n;
}

rid_status rid_clustering_diff_find(rid_clustering_diff *d, const rid_clustering *a,
                                    const rid_clustering *b, rid_err *err)
{
    const size_t n = a->n_entries;
    *d = (rid_clustering_diff){.a = a,
                               .b = b,
                               .splits = rid_mem_alloc(n, sizeof *d->splits),
                               .merges = rid_mem_alloc(n, sizeof *d->merges),
                               .flips = rid_mem_alloc(n, sizeof *d->flips),
                               .by_a = rid_mem_alloc(n, sizeof *d->by_a),
                               .by_b = rid_mem_alloc(n, sizeof *d->by_b)};
    if (!d->splits || !d->merges || !d->flips || !d->by_a || !d->by_b)
        return RID_FAIL_NOMEM(err);
    rid_status st = take_entries(d, err);
    if (st == RID_OK)
        st = count_agreement(d, err);
    if (st != RID_OK)
        return st;
    add_up_cells(d);
    d->persons_a = find_changes(d->splits, &d->n_splits, d->by_a, d->n_cells, true);
    d->persons_b = find_changes(d->merges, &d->n_merges, d->by_b, d->n_cells, false);
    d->n_same = count_same(d);
    return RID_OK;
}

void rid_clustering_diff_clear(rid_clustering_diff *d)
{
    rid_mem_free(d->splits);
    rid_mem_free(d->merges);
    rid_mem_free(d->flips);
    rid_mem_free(d->by_a);
    rid_mem_free(d->by_b);
    *d = (rid_clustering_diff){0};
}
