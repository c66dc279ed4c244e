#include "eval/ranking_layout.h"

#include "data/base/mem.h"

#include <stdlib.h>

/* A labelled entry; sorted by group, person, entry. */
typedef struct key {
    uint32_t group, person, entry;
} key;

static int compare_keys(const void *a, const void *b)
{
    const key *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

static bool is_usable(const rid_ranking_input *in, uint32_t entry)
{
    return !in->usable || in->usable[entry];
}

static bool is_in_gallery(const rid_ranking_input *in, uint32_t entry)
{
    return !in->gallery || in->gallery[entry];
}

bool rid_ranking_leaves_out(const rid_ranking_input *in, uint32_t query, uint32_t entry)
{
    if (query == entry)
        return true;
    return in->camera && in->camera[query] != RID_NO_CAMERA &&
           in->camera[query] == in->camera[entry] && in->person[query] == in->person[entry];
}

static key *sort_labelled(const rid_ranking_input *in, size_t *n_labelled)
{
    key *keys = rid_mem_alloc(in->n, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return NULL;
    for (size_t i = 0; i < in->n; i++)
        if (in->person[i] != RID_UNLABELLED)
            keys[n++] = (key){in->group ? in->group[i] : 0, in->person[i], (uint32_t)i};
    qsort(keys, n, sizeof *keys, compare_keys);
    *n_labelled = n;
    return keys;
}

/* What a query finds among its person's entries. */
static void count_positives(rid_ranking_place *q, const rid_ranking_input *in, const key *keys,
                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!is_in_gallery(in, keys[i].entry) ||
            rid_ranking_leaves_out(in, q->entry, keys[i].entry))
            continue;
        q->n_positives++;
        q->n_retrieved += q->usable && is_usable(in, keys[i].entry);
    }
}

/* One person's n entries into the places and the queries. */
static void add_person(rid_ranking_layout *l, const rid_ranking_input *in, const key *keys,
                       size_t n)
{
    const size_t begin = l->n_places, first_query = l->n_queries;
    for (size_t i = 0; i < n; i++) {
        const uint32_t entry = keys[i].entry;
        if (is_in_gallery(in, entry) && is_usable(in, entry))
            l->entry[l->n_places++] = entry;
        if (!in->query || in->query[entry])
            l->query[l->n_queries++] =
                (rid_ranking_place){.entry = entry, .usable = is_usable(in, entry)};
    }
    for (size_t q = first_query; q < l->n_queries; q++) {
        l->query[q].begin = (uint32_t)begin;
        l->query[q].end = (uint32_t)l->n_places;
        count_positives(&l->query[q], in, keys, n);
    }
    if (l->n_places - begin > l->max_range)
        l->max_range = l->n_places - begin;
}

static int compare_queries(const void *a, const void *b)
{
    const rid_ranking_place *x = a, *y = b;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* One group's n entries. Queries in the order of the entries, so that sums over them do not depend on
 * persons' numbers. */
static void add_group(rid_ranking_layout *l, const rid_ranking_input *in, const key *keys, size_t n,
                      size_t tile_rows)
{
    const size_t from = l->n_places, first_query = l->n_queries;
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && keys[next].person == keys[i].person;)
            next++;
        add_person(l, in, keys + i, next - i);
    }
    qsort(l->query + first_query, l->n_queries - first_query, sizeof *l->query, compare_queries);
    for (size_t q = first_query; q < l->n_queries; q++) {
        l->query[q].from = (uint32_t)from;
        l->query[q].to = (uint32_t)l->n_places;
        l->query[q].first_score = l->n_pairs;
        l->n_pairs += l->query[q].n_retrieved;
        if ((q - first_query) % tile_rows == 0)
            l->tile[l->n_tiles++] = q;
    }
    if (l->n_places - from > l->max_seen)
        l->max_seen = l->n_places - from;
}

rid_status rid_ranking_arrange(rid_ranking_layout *l, const rid_ranking_input *in, size_t tile_rows,
                               rid_err *err)
{
    size_t n = 0;
    key *keys = sort_labelled(in, &n);
    *l = (rid_ranking_layout){.entry = rid_mem_alloc(n, sizeof *l->entry),
                              .query = rid_mem_alloc(n, sizeof *l->query),
                              .tile = rid_mem_alloc(n + 1, sizeof *l->tile)};
    if (!keys || !l->entry || !l->query || !l->tile) {
        rid_mem_free(keys);
        return RID_FAIL_NOMEM(err);
    }
    for (size_t i = 0, next; i < n; i = next) {
        for (next = i + 1; next < n && keys[next].group == keys[i].group;)
            next++;
        add_group(l, in, keys + i, next - i, tile_rows);
    }
    l->tile[l->n_tiles] = l->n_queries;
    rid_mem_free(keys);
    return RID_OK;
}

void rid_ranking_layout_clear(rid_ranking_layout *l)
{
    rid_mem_free(l->entry);
    rid_mem_free(l->query);
    rid_mem_free(l->tile);
    *l = (rid_ranking_layout){0};
}
