#include "eval/gallery.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <string.h>

enum { REMOVED = UINT32_MAX };

struct rid_gallery {
    size_t dim, n;
    float *packed;    /* panels of RID_PANEL rows */
    size_t packed_cap;
    uint32_t *person; /* REMOVED: not matched any more */
    size_t person_cap;
    float *scores;    /* of one query, whole panels */
    size_t scores_cap;
    uint32_t next_person;
};

rid_gallery *rid_gallery_new(size_t dim)
{
    rid_gallery *g = rid_mem_zalloc(1, sizeof *g);
    if (g)
        g->dim = dim;
    return g;
}

void rid_gallery_free(rid_gallery *g)
{
    if (!g)
        return;
    rid_mem_free(g->packed);
    rid_mem_free(g->person);
    rid_mem_free(g->scores);
    rid_mem_free(g);
}

/* The best row that is in the gallery and whose person is not `other_than`, leaving out `but`. Ties go
 * to the earlier row. */
static rid_neighbour best_row(const rid_gallery *g, uint32_t other_than, uint32_t but)
{
    rid_neighbour best = {-2.0f, RID_NO_ENTRY};
    for (size_t i = 0; i < g->n; i++)
        if (g->person[i] != REMOVED && g->person[i] != other_than && i != but &&
            g->scores[i] > best.score)
            best = (rid_neighbour){g->scores[i], (uint32_t)i};
    return best;
}

rid_status rid_gallery_decide(rid_gallery *g, const float *embedding, const rid_rule *rule,
                              rid_decision *d, rid_err *err)
{
    *d = (rid_decision){.nn1 = {-2.0f, RID_NO_ENTRY},
                        .nn2 = {RID_NN2_NONE, RID_NO_ENTRY},
                        .person = g->next_person};
    size_t panels = rid_kernel_panels(g->n);
    if (!embedding || g->n == 0)
        return RID_OK;
    if (rid_mem_grow(&g->scores, &g->scores_cap, panels * RID_PANEL, sizeof *g->scores) != 0)
        return RID_FAIL_NOMEM(err);
    rid_kernel_get()->product(g->scores, 0, embedding, g->dim, 1, g->packed, panels, g->dim);
    d->nn1 = best_row(g, REMOVED, RID_NO_ENTRY);
    if (d->nn1.row == RID_NO_ENTRY)
        return RID_OK;
    rid_neighbour second = rule->nn2 == RID_NN2_IDENTITY
                               ? best_row(g, g->person[d->nn1.row], RID_NO_ENTRY)
                               : best_row(g, REMOVED, d->nn1.row);
    if (second.row != RID_NO_ENTRY)
        d->nn2 = second;
    d->matched = rid_rule_matches(rule, &d->nn1, d->nn2.score);
    if (d->matched)
        d->person = g->person[d->nn1.row];
    return RID_OK;
}

void rid_gallery_count_person(rid_gallery *g, uint32_t person)
{
    if (person >= g->next_person)
        g->next_person = person + 1;
}

rid_status rid_gallery_add(rid_gallery *g, const float *embedding, uint32_t person, uint32_t *row,
                           rid_err *err)
{
    size_t need = rid_kernel_packed_floats(g->n + 1, g->dim), before = g->packed_cap;
    if (g->n + 1 >= RID_NO_ENTRY ||
        rid_mem_grow(&g->packed, &g->packed_cap, need, sizeof *g->packed) != 0 ||
        rid_mem_grow(&g->person, &g->person_cap, g->n + 1, sizeof *g->person) != 0)
        return RID_FAIL_NOMEM(err);
    memset(g->packed + before, 0, (g->packed_cap - before) * sizeof *g->packed);
    rid_kernel_pack_row(g->packed, embedding, g->n, g->dim);
    g->person[g->n] = person;
    rid_gallery_count_person(g, person);
    *row = (uint32_t)g->n++;
    return RID_OK;
}

void rid_gallery_remove(rid_gallery *g, uint32_t row)
{
    g->person[row] = REMOVED;
}
