#include "eval/cluster.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <string.h>

/* Earlier rows kept for each entry under `identity`: enough for most entries to find another person's
 * among them; for the others all scores are computed again. */
enum { CANDIDATES = 16 };

/** The matchable entries of a bucket, close together. */
typedef struct gallery {
    float *emb;       /* (n, dim) */
    uint32_t *row_of; /* of the bucket */
    uint32_t *person; /* assigned so far */
    size_t n, dim;
    float *packed;    /* for recomputing a row's scores; made when first needed */
    float *scores;
} gallery;

static void free_gallery(gallery *g)
{
    rid_mem_free(g->emb);
    rid_mem_free(g->row_of);
    rid_mem_free(g->person);
    rid_mem_free(g->packed);
    rid_mem_free(g->scores);
}

static rid_status fill_gallery(gallery *g, const float *emb, const uint8_t *usable, size_t n,
                               size_t dim, rid_err *err)
{
    *g = (gallery){.dim = dim};
    if (n >= RID_NO_ENTRY)
        return RID_FAIL(err, RID_EDATA, "a bucket of %zu entries is too large", n);
    g->emb = rid_mem_alloc(n * sizeof *g->emb, dim);
    g->row_of = rid_mem_alloc(n, sizeof *g->row_of);
    g->person = rid_mem_alloc(n, sizeof *g->person);
    if (!g->emb || !g->row_of || !g->person)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        if (usable && !usable[i])
            continue;
        memcpy(g->emb + g->n * dim, emb + i * dim, dim * sizeof *emb);
        g->row_of[g->n++] = (uint32_t)i;
    }
    return RID_OK;
}

/* The best earlier entry of another person, from all scores. Ties go to the earlier. */
static rid_status search_other_person(gallery *g, size_t i, uint32_t person, rid_neighbour *best,
                                      rid_err *err)
{
    if (!g->packed) {
        g->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(g->n, g->dim), sizeof *g->packed);
        g->scores = rid_mem_alloc(rid_kernel_panels(g->n) * RID_PANEL, sizeof *g->scores);
        if (!g->packed || !g->scores)
            return RID_FAIL_NOMEM(err);
        rid_kernel_pack(g->packed, g->emb, g->dim, g->n, g->dim);
    }
    rid_kernel_get()->product(g->scores, 0, g->emb + i * g->dim, g->dim, 1, g->packed,
                              rid_kernel_panels(i), g->dim);
    for (size_t j = 0; j < i; j++)
        if (g->person[j] != person && (best->row == RID_NO_ENTRY || g->scores[j] > best->score))
            *best = (rid_neighbour){g->scores[j], (uint32_t)j};
    return RID_OK;
}

/* nn2 under `identity` from the candidates, or where those are all one person's, from everyone. */
static rid_status find_other_person(gallery *g, size_t i, const rid_neighbour *candidates, size_t k,
                                    rid_neighbour *nn2, rid_err *err)
{
    uint32_t person = g->person[candidates[0].row];
    for (size_t c = 1; c < k && candidates[c].row != RID_NO_ENTRY; c++) {
        if (g->person[candidates[c].row] != person) {
            *nn2 = candidates[c];
            return RID_OK;
        }
    }
    return i > k ? search_other_person(g, i, person, nn2, err) : RID_OK;
}

static rid_status decide(gallery *g, size_t i, const rid_neighbour *candidates, size_t k,
                         const rid_rule *rule, rid_decision *d, rid_err *err)
{
    rid_status st = RID_OK;
    d->nn1 = candidates[0];
    d->nn2 = (rid_neighbour){RID_NN2_NONE, RID_NO_ENTRY};
    if (rule->nn2 == RID_NN2_IDENTITY && d->nn1.row != RID_NO_ENTRY)
        st = find_other_person(g, i, candidates, k, &d->nn2, err);
    else if (rule->nn2 == RID_NN2_NEIGHBOR && candidates[1].row != RID_NO_ENTRY)
        d->nn2 = candidates[1];
    d->matched = rid_rule_matches(rule, &d->nn1, d->nn2.score);
    return st;
}

/* From rows of the gallery to rows of the bucket. */
static void to_bucket_row(const gallery *g, rid_neighbour *n)
{
    if (n->row != RID_NO_ENTRY)
        n->row = g->row_of[n->row];
}

rid_status rid_cluster(rid_decision *out, size_t *n_people, const float *emb, const uint8_t *usable,
                       size_t n, size_t dim, const rid_rule *rule, int threads, rid_err *err)
{
    gallery g;
    size_t k = rule->nn2 == RID_NN2_IDENTITY ? CANDIDATES : 2;
    rid_neighbour *candidates = NULL;
    *n_people = 0;
    rid_status st = fill_gallery(&g, emb, usable, n, dim, err);
    if (st == RID_OK && !(candidates = rid_mem_alloc(g.n * k, sizeof *candidates)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_scan(candidates, k, g.emb, g.n, dim, threads, err);
    for (size_t row = 0, i = 0; row < n && st == RID_OK; row++) {
        rid_decision *d = &out[row];
        *d = (rid_decision){.nn1 = {-2.0f, RID_NO_ENTRY}, .nn2 = {RID_NN2_NONE, RID_NO_ENTRY}};
        bool matchable = i < g.n && g.row_of[i] == row;
        if (matchable)
            st = decide(&g, i, candidates + i * k, k, rule, d, err);
        d->person = d->matched ? g.person[d->nn1.row] : (uint32_t)(*n_people)++;
        if (!matchable)
            continue;
        g.person[i++] = d->person;
        to_bucket_row(&g, &d->nn1);
        to_bucket_row(&g, &d->nn2);
    }
    rid_mem_free(candidates);
    free_gallery(&g);
    return st;
}
