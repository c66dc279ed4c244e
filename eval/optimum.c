#include "eval/optimum.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/linkage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Links looked at, at most: half a minute. */
#define LINKS_MAX 2e9

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The margins that make a difference, ascending, 0 first; x holds n gaps. Returns how many. */
static size_t keep_distinct(double *x, size_t n)
{
    size_t kept = 0;
    qsort(x, n, sizeof *x, compare_doubles);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || x[i] != x[kept - 1])
            x[kept++] = x[i];
    return kept;
}

/* Of n values `most`, evenly, with the first and the last. */
static size_t thin_out(double *x, size_t n, size_t most)
{
    for (size_t i = 0; i < most; i++)
        x[i] = x[most > 1 ? i * (n - 1) / (most - 1) : 0];
    return most;
}

static rid_sweep_cell cell_of(const rid_descent *d)
{
    return (rid_sweep_cell){.clusters = *rid_forest_counts(d->forest),
                            .searches = rid_descent_searches(d)};
}

/* b replaces a. */
static bool is_better(const rid_optimum *b, const rid_optimum *a)
{
    const int by = rid_merit_compare(&b->merit, &a->merit);
    if (by != 0 || isnan(b->merit.value))
        return by > 0;
    return b->threshold > a->threshold || (b->threshold == a->threshold && b->margin > a->margin);
}

/* One margin over all thresholds. */
static rid_optimum search_margin(const rid_linkage *l, rid_forest *f, const rid_objective *o,
                                 double margin)
{
    rid_optimum best = {.merit.value = NAN};
    rid_descent d;
    rid_descent_begin(&d, l, f, margin);
    while (d.at < l->n) {
        rid_optimum here = {.threshold = l->links[d.at].score, .margin = margin};
        rid_descent_to(&d, here.threshold);
        const rid_sweep_cell cell = cell_of(&d);
        here.merit = rid_objective_merit(o, &cell);
        if (is_better(&here, &best))
            best = here;
    }
    return best;
}

static int compare_gaps(const void *a, const void *b)
{
    const rid_link *x = a, *y = b;
    return (x->gap < y->gap) - (x->gap > y->gap);
}

/* What each margin (n, ascending) can reach at most. */
static rid_status find_limits(rid_merit *limit, const double *margin, size_t n, const rid_linkage *l,
                              const rid_objective *o, rid_err *err)
{
    rid_linkage by_gap = *l;
    rid_descent d;
    rid_forest *f = rid_forest_new(&l->truth);
    by_gap.links = rid_mem_alloc(l->n, sizeof *by_gap.links);
    const bool ok = f && by_gap.links;
    if (ok && l->n > 0) {
        memcpy(by_gap.links, l->links, l->n * sizeof *l->links);
        qsort(by_gap.links, l->n, sizeof *l->links, compare_gaps);
        for (size_t i = 0; i < l->n; i++)
            by_gap.links[i].score = by_gap.links[i].gap;
        rid_descent_begin(&d, &by_gap, f, -INFINITY);
        for (size_t m = n; m-- > 0;) {
            rid_descent_to(&d, margin[m]);
            const rid_sweep_cell loosest = cell_of(&d);
            limit[m] = rid_objective_limit(o, &loosest);
        }
    }
    rid_mem_free(by_gap.links);
    rid_forest_free(f);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

/* Margins that could not beat what is found already are left out: no order of the threads changes
 * what is best. */
static rid_status search(rid_optimum *best, const double *margin, const rid_merit *limit, size_t n,
                         const rid_linkage *l, const rid_objective *o, int threads, rid_err *err)
{
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads > 0 ? threads : 1)
    {
        rid_err mine = {0};
        rid_forest *f = rid_forest_new(&l->truth);
        rid_status one = f ? RID_OK : RID_FAIL_NOMEM(&mine);
#pragma omp for schedule(dynamic, 1)
        for (size_t m = 0; m < n; m++) {
            bool hopeless;
            if (one == RID_OK)
                one = rid_interrupt_check(&mine);
#pragma omp critical(rid_optimum)
            hopeless = rid_merit_compare(&limit[m], &best->merit) < 0;
            if (one != RID_OK || hopeless)
                continue;
            const rid_optimum here = search_margin(l, f, o, margin[m]);
#pragma omp critical(rid_optimum)
            if (is_better(&here, best)) {
                const bool exact = best->exact;
                *best = here;
                best->exact = exact;
            }
        }
        if (one != RID_OK) {
#pragma omp critical(rid_optimum)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_forest_free(f);
    }
    return st;
}

rid_status rid_optimum_find(rid_optimum *out, const rid_sweep *s, const rid_objective *o, int threads,
                            rid_err *err)
{
    rid_linkage l;
    double *margin = NULL;
    rid_merit *limit = NULL;
    *out = (rid_optimum){.threshold = 1, .merit = {.value = NAN, .fpir = NAN}, .exact = true};
    rid_status st = rid_sweep_link(s, &l, err);
    if (st != RID_OK)
        return st;
    margin = rid_mem_alloc(l.n + 1, sizeof *margin);
    limit = rid_mem_alloc(l.n + 1, sizeof *limit);
    if (margin && limit) {
        size_t n = 1;
        margin[0] = 0;
        for (size_t i = 0; i < l.n; i++)
            margin[n++] = l.links[i].gap;
        n = keep_distinct(margin, n);
        out->exact = (double)n * (double)l.n <= LINKS_MAX;
        if (!out->exact)
            n = thin_out(margin, n, (size_t)(LINKS_MAX / (double)l.n) + 1);
        st = find_limits(limit, margin, n, &l, o, err);
        if (st == RID_OK && l.n > 0)
            st = search(out, margin, limit, n, &l, o, threads, err);
    } else {
        st = RID_FAIL_NOMEM(err);
    }
    rid_mem_free(margin);
    rid_mem_free(limit);
    rid_linkage_clear(&l);
    return st;
}
