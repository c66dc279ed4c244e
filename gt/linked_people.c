#include "gt/linked_people.h"

#include "data/base/mem.h"

/* The first entry of i's person. Paths are halved (Tarjan and van Leeuwen, "Worst-case Analysis of Set
 * Union Algorithms", JACM 31(2), 1984). */
static uint32_t first_of(uint32_t *parent, uint32_t i)
{
    while (parent[i] != i)
        i = parent[i] = parent[parent[i]];
    return i;
}

static rid_status link_pairs(uint32_t *parent, const rid_pairs *pairs, rid_err *err)
{
    size_t n_wrong = 0, wrong = 0;
    uint32_t a, b;
    bool same;
    for (uint32_t i = 0; i < rid_pairs_id_count(pairs); i++)
        parent[i] = i;
    for (size_t i = 0; i < rid_pairs_count(pairs); i++) {
        rid_pairs_at(pairs, i, &a, &b, &same);
        a = first_of(parent, a);
        b = first_of(parent, b);
        if (same)
            parent[a > b ? a : b] = a < b ? a : b;
    }
    for (size_t i = rid_pairs_count(pairs); i-- > 0;) {
        rid_pairs_at(pairs, i, &a, &b, &same);
        if (same || first_of(parent, a) != first_of(parent, b))
            continue;
        n_wrong++;
        wrong = i;
    }
    if (n_wrong == 0)
        return RID_OK;
    rid_pairs_at(pairs, wrong, &a, &b, &same);
    return RID_FAIL(
        err, RID_EDATA,
        "entries '%.*s' and '%.*s' are said to be different people, but pairs of one person"
        " connect them (%zu such pairs)",
        RID_STR(rid_pairs_id(pairs, a)), RID_STR(rid_pairs_id(pairs, b)), n_wrong);
}

rid_status rid_linked_people(const rid_pairs *pairs, rid_gt_visit *visit, void *ctx, rid_err *err)
{
    const size_t n = rid_pairs_id_count(pairs);
    uint32_t *parent = rid_mem_alloc(n, sizeof *parent);
    rid_status st = parent ? link_pairs(parent, pairs, err) : RID_FAIL_NOMEM(err);
    for (uint32_t i = 0; i < n && st == RID_OK; i++) {
        const rid_gt_item label = {.entry = rid_pairs_id(pairs, i),
                                   .person = rid_pairs_id(pairs, first_of(parent, i)),
                                   .include = true,
                                   .person_include = true};
        st = visit(ctx, &label, err);
    }
    rid_mem_free(parent);
    return st;
}
