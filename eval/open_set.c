#include "eval/open_set.h"

#include "data/base/mem.h"

#include <math.h>
#include <stdlib.h>

static int compare_descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The highest score that no threshold may let pass: more than `fpir` of the n scores, in descending order, are
 * as high. −INFINITY where all may pass. */
static float bar_of(const float *sorted, size_t n, double fpir)
{
    size_t allowed = 0;
    while (allowed < n && (double)(allowed + 1) / (double)n <= fpir)
        allowed++;
    return allowed < n ? sorted[allowed] : -INFINITY;
}

static size_t count_hits(const rid_ranking_query *queries, size_t n, float bar)
{
    size_t hits = 0;
    for (size_t i = 0; i < n; i++)
        hits += queries[i].is_query && queries[i].first == 1 && queries[i].best_positive > bar;
    return hits;
}

rid_status rid_open_set_measure(rid_open_set *out, const rid_ranking_query *queries, size_t n,
                                rid_err *err)
{
    static const double fpir[RID_FPIRS] = {1e-1, 1e-2, 1e-3};
    float *best = rid_mem_alloc(n, sizeof *best);
    if (!best)
        return RID_FAIL_NOMEM(err);
    *out = (rid_open_set){0};
    for (size_t i = 0; i < n; i++) {
        if (!queries[i].is_query)
            continue;
        best[out->n_nonmated++] = queries[i].best_negative;
        out->n_mated += queries[i].n_positives > 0;
    }
    qsort(best, out->n_nonmated, sizeof *best, compare_descending);
    for (size_t k = 0; k < RID_FPIRS; k++) {
        const float bar = bar_of(best, out->n_nonmated, fpir[k]);
        out->fnir[k] =
            out->n_mated > 0 ? 1 - (double)count_hits(queries, n, bar) / (double)out->n_mated : NAN;
    }
    rid_mem_free(best);
    return RID_OK;
}
