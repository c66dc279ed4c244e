#include "eval/linkage.h"

#include "data/base/mem.h"

#include <stdlib.h>
#include <string.h>

static rid_link_outcome outcome_of(const uint32_t *person, const uint8_t *mated, uint32_t entry,
                                   uint32_t joined)
{
    if (person[entry] == RID_UNLABELLED)
        return RID_LINK_UNCOUNTED;
    if (person[joined] == RID_UNLABELLED)
        return mated[entry] ? RID_LINK_TO_UNLABELLED : RID_LINK_NONMATED_TO_UNLABELLED;
    if (person[joined] == person[entry])
        return RID_LINK_HIT;
    return mated[entry] ? RID_LINK_WRONG : RID_LINK_FALSE;
}

static void add_links(rid_linkage *l, const rid_linkage_part *part, const uint8_t *mated)
{
    const rid_replay *scan = part->scan;
    const uint32_t before = (uint32_t)l->truth.n;
    for (size_t i = 0; i < scan->n_matchable; i++) {
        const rid_neighbour *best = scan->best + i * scan->k;
        const uint32_t entry = scan->row_of[i], joined = best[0].row;
        if (joined == RID_NO_ENTRY)
            continue;
        const float second = best[1].row == RID_NO_ENTRY ? RID_NN2_NONE : best[1].score;
        l->links[l->n++] = (rid_link){.score = (double)best[0].score,
                                      .gap = (double)best[0].score - (double)second,
                                      .entry = before + entry,
                                      .joined = before + joined,
                                      .outcome = outcome_of(part->person, mated, entry, joined)};
    }
}

static void add_pairs(rid_linkage *l, const rid_linkage_part *part)
{
    const uint32_t before = (uint32_t)l->truth.n;
    for (size_t i = 0; i < part->n_pairs; i++) {
        const rid_pair *p = &part->pairs[i];
        l->pairs[l->n_pairs++] = (rid_pair){before + p->a, before + p->b, p->same};
    }
}

static rid_status add_part(rid_linkage *l, const rid_linkage_part *part, rid_err *err)
{
    const size_t n = part->scan->n;
    rid_truth *truth = NULL;
    rid_status st = rid_truth_new(&truth, part->person, n, err);
    if (st != RID_OK)
        return st;
    const uint8_t *mated = rid_truth_mated(truth);
    for (size_t i = 0; i < n; i++) {
        l->searches.mated += part->person[i] != RID_UNLABELLED && mated[i];
        l->searches.nonmated += part->person[i] != RID_UNLABELLED && !mated[i];
    }
    add_links(l, part, mated);
    add_pairs(l, part);
    st = rid_forest_truth_add(&l->truth, truth, n, err);
    rid_truth_free(truth);
    return st;
}

static int compare_links(const void *a, const void *b)
{
    const rid_link *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

rid_status rid_linkage_init(rid_linkage *l, const rid_linkage_part *parts, size_t n_parts,
                            rid_err *err)
{
    size_t n = 0, largest = 0, n_pairs = 0;
    *l = (rid_linkage){0};
    for (size_t i = 0; i < n_parts; i++) {
        n += parts[i].scan->n;
        n_pairs += parts[i].n_pairs;
        if (parts[i].scan->n > largest)
            largest = parts[i].scan->n;
    }
    rid_status st = rid_forest_truth_init(&l->truth, n, largest, err);
    if (st == RID_OK) {
        l->links = rid_mem_alloc(n, sizeof *l->links);
        l->pairs = rid_mem_alloc(n_pairs, sizeof *l->pairs);
        st = l->links && l->pairs ? RID_OK : RID_FAIL_NOMEM(err);
    }
    for (size_t i = 0; i < n_parts && st == RID_OK; i++)
        st = add_part(l, &parts[i], err);
    if (st == RID_OK)
        qsort(l->links, l->n, sizeof *l->links, compare_links);
    else
        rid_linkage_clear(l);
    return st;
}

void rid_linkage_clear(rid_linkage *l)
{
    rid_forest_truth_clear(&l->truth);
    rid_mem_free(l->links);
    rid_mem_free(l->pairs);
    *l = (rid_linkage){0};
}

void rid_descent_begin(rid_descent *d, const rid_linkage *l, rid_forest *f, double margin)
{
    *d = (rid_descent){.linkage = l, .forest = f, .margin = margin};
    rid_forest_reset(f);
}

void rid_descent_to(rid_descent *d, double threshold)
{
    const rid_link *links = d->linkage->links;
    const size_t n = d->linkage->n;
    for (; d->at < n && links[d->at].score >= threshold; d->at++) {
        const rid_link *l = &links[d->at];
        if (!(l->gap >= d->margin))
            continue;
        rid_forest_link(d->forest, l->entry, l->joined);
        d->outcomes[l->outcome]++;
    }
}

rid_search_counts rid_descent_searches(const rid_descent *d)
{
    rid_search_counts c = d->linkage->searches;
    c.hits = d->outcomes[RID_LINK_HIT];
    c.wrong_matches = d->outcomes[RID_LINK_WRONG];
    c.false_matches = d->outcomes[RID_LINK_FALSE];
    c.nonmated_to_unlabelled = d->outcomes[RID_LINK_NONMATED_TO_UNLABELLED];
    c.to_unlabelled = d->outcomes[RID_LINK_TO_UNLABELLED] + c.nonmated_to_unlabelled;
    return c;
}

/* ---- pairs ---- */

rid_status rid_pair_watch_init(rid_pair_watch *w, const rid_linkage *l, rid_err *err)
{
    *w = (rid_pair_watch){.linkage = l, .apart = rid_mem_alloc(l->n_pairs, sizeof *w->apart)};
    return w->apart ? RID_OK : RID_FAIL_NOMEM(err);
}

void rid_pair_watch_clear(rid_pair_watch *w)
{
    rid_mem_free(w->apart);
    w->apart = NULL;
}

void rid_pair_watch_begin(rid_pair_watch *w)
{
    const rid_linkage *l = w->linkage;
    w->counts = (rid_pair_counts){0};
    w->n_apart = l->n_pairs;
    for (size_t i = 0; i < l->n_pairs; i++) {
        w->apart[i] = (uint32_t)i;
        rid_pair_counts_take(&w->counts, l->pairs[i].same, false);
    }
}

void rid_pair_watch_take(rid_pair_watch *w, rid_forest *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < w->n_apart; i++) {
        const rid_pair *p = &w->linkage->pairs[w->apart[i]];
        if (rid_forest_same(f, p->a, p->b)) {
            w->counts.same_together += p->same;
            w->counts.different_together += !p->same;
        } else {
            w->apart[kept++] = w->apart[i];
        }
    }
    w->n_apart = kept;
}
