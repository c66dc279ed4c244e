#include "eval/judgement.h"

#include "data/base/mem.h"

#include <stdlib.h>

/* ---- one bucket ---- */

static void label_bucket(rid_judgement *j, const rid_clustered_bucket *b, rid_judged *out,
                         const rid_labels *labels, const rid_clustering *other)
{
    for (size_t i = 0; i < b->n; i++) {
        rid_clustered_place place;
        out[i] = (rid_judged){.person = RID_UNLABELLED, .previous = RID_NO_ENTRY};
        if (!labels || (other && !rid_clustering_find(other, b->entries[i].id, &place)))
            continue;
        if (rid_labels_find(labels, b->entries[i].id, &out[i].person))
            j->n_labelled++;
        else
            j->n_excluded += rid_labels_is_excluded(labels, b->entries[i].id);
    }
}

/* A labelled row by person and place. */
typedef struct keyed_row {
    uint64_t key;
    uint32_t row;
} keyed_row;

static int compare_rows(const void *x, const void *y)
{
    const keyed_row *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->row < b->row ? -1 : a->row > b->row;
}

typedef enum grouping { BY_TRUTH, BY_PREDICTION, BY_BOTH } grouping;

static void count_groups(const rid_clustered_bucket *b, rid_judged *e, keyed_row *rows, grouping by)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const uint64_t truth = e[i].person, predicted = b->entries[i].person;
        if (e[i].person != RID_UNLABELLED)
            rows[n++] = (keyed_row){by == BY_TRUTH        ? truth
                                    : by == BY_PREDICTION ? predicted
                                                          : truth << 32 | predicted,
                                    (uint32_t)i};
    }
    qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && rows[end].key == rows[first].key;)
            end++;
        for (size_t i = first; i < end; i++) {
            rid_judged *at = &e[rows[i].row];
            const uint32_t size = (uint32_t)(end - first);
            if (by == BY_PREDICTION)
                at->size = size;
            else if (by == BY_BOTH)
                at->together = size;
            else
                at->visits = size;
            if (by == BY_TRUTH && i > first) {
                at->mated = true;
                at->previous = rows[i - 1].row;
            }
        }
    }
}

/* Whether a search is mated is told by the entries that are there, and so is how it ended: with the label of an
 * entry that is not (a view), hits would be counted without the misses beside them. */
static rid_search_end end_of_search(const rid_clustered_bucket *b, const rid_judged *e, size_t i)
{
    const uint32_t joined = b->entries[i].joined;
    if (b->entries[i].status != RID_EVENT_MATCH)
        return RID_SEARCH_NO_MATCH;
    if (joined == RID_NO_ENTRY || e[joined].person == RID_UNLABELLED)
        return RID_SEARCH_TO_UNLABELLED;
    return e[joined].person == e[i].person ? RID_SEARCH_SAME : RID_SEARCH_OTHER;
}

static bool joined_outside(const rid_clustered_bucket *b, size_t i, const rid_clustering *other)
{
    const uint32_t joined = b->entries[i].joined;
    rid_clustered_place place;
    if (b->entries[i].status != RID_EVENT_MATCH)
        return false;
    return joined == RID_NO_ENTRY ||
           (other && !rid_clustering_find(other, b->entries[joined].id, &place));
}

static rid_status count_clusters(const rid_clustered_bucket *b, const rid_judged *e,
                                 rid_cluster_counts *out, rid_err *err)
{
    uint32_t *person = rid_mem_alloc(b->n, sizeof *person);
    uint32_t *predicted = rid_mem_alloc(b->n, sizeof *predicted);
    rid_status st = person && predicted ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < b->n && st == RID_OK; i++) {
        person[i] = e[i].person;
        predicted[i] = b->entries[i].person;
    }
    if (st == RID_OK)
        st = rid_cluster_count(out, person, predicted, b->n, err);
    rid_mem_free(person);
    rid_mem_free(predicted);
    return st;
}

static rid_status judge_bucket(rid_judgement *j, size_t k, const rid_labels *labels,
                               const rid_clustering *other, const rid_bucket_pairs *pairs,
                               rid_err *err)
{
    const rid_clustered_bucket *b = &j->clustering->buckets[k];
    rid_judged_bucket *out = &j->buckets[k];
    rid_judged *e = out->entries = rid_mem_alloc(b->n, sizeof *e);
    keyed_row *rows = rid_mem_alloc(b->n, sizeof *rows);
    rid_status st = e && rows ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        label_bucket(j, b, e, labels, other);
        for (grouping by = BY_TRUTH; by <= BY_BOTH; by++)
            count_groups(b, e, rows, by);
        st = count_clusters(b, e, &out->counts.clusters, err);
    }
    for (size_t i = 0; st == RID_OK && i < b->n; i++)
        if (e[i].person != RID_UNLABELLED) {
            e[i].end = end_of_search(b, e, i);
            j->n_joined_outside += joined_outside(b, i, other);
            rid_search_counts_take(&out->counts.searches, e[i].mated, e[i].end);
        }
    for (size_t i = pairs ? pairs->first[k] : 0; st == RID_OK && pairs && i < pairs->first[k + 1];
         i++) {
        const rid_pair *p = &pairs->pairs[i];
        rid_pair_counts_take(&out->counts.pairs, p->same,
                             b->entries[p->a].person == b->entries[p->b].person);
    }
    rid_mem_free(rows);
    return st;
}

/* ---- all ---- */

rid_status rid_judge(rid_judgement *j, const rid_clustering *c, const rid_labels *labels,
                     const rid_clustering *other, const rid_bucket_pairs *pairs, rid_err *err)
{
    *j = (rid_judgement){.clustering = c,
                         .buckets = rid_mem_zalloc(c->n_buckets, sizeof *j->buckets)};
    rid_status st = j->buckets ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t k = 0; k < c->n_buckets && st == RID_OK; k++) {
        st = judge_bucket(j, k, labels, other, pairs, err);
        rid_cluster_counts_add(&j->counts.clusters, &j->buckets[k].counts.clusters);
        rid_search_counts_add(&j->counts.searches, &j->buckets[k].counts.searches);
        rid_pair_counts_add(&j->counts.pairs, &j->buckets[k].counts.pairs);
    }
    if (labels)
        j->n_absent = rid_labels_count(labels) - j->n_labelled;
    return st;
}

void rid_judgement_clear(rid_judgement *j)
{
    for (size_t k = 0; j->buckets && k < j->clustering->n_buckets; k++)
        rid_mem_free(j->buckets[k].entries);
    rid_mem_free(j->buckets);
    *j = (rid_judgement){0};
}
