#include "eval/sweep_pick.h"

#include "data/base/mem.h"

#include <math.h>
#include <string.h>

const rid_sweep_cell *rid_pick_cell(const rid_surface *surfaces, const rid_pick *p)
{
    const rid_surface *s = &surfaces[p->surface];
    return &s->cells[p->margin * s->grid.n_thresholds + p->threshold];
}

rid_rule rid_pick_rule(const rid_surface *surfaces, const rid_pick *p)
{
    const rid_surface *s = &surfaces[p->surface];
    return (rid_rule){s->grid.threshold[p->threshold], s->grid.margin[p->margin], s->nn2};
}

int rid_pick_compare(const rid_surface *surfaces, const rid_pick *a, const rid_pick *b)
{
    const rid_rule x = rid_pick_rule(surfaces, a), y = rid_pick_rule(surfaces, b);
    const int by = rid_merit_compare(&a->merit, &b->merit);
    if (by != 0)
        return by;
    if (x.threshold != y.threshold)
        return x.threshold > y.threshold ? 1 : -1;
    if (x.margin != y.margin)
        return x.margin > y.margin ? 1 : -1;
    return (x.nn2 == RID_NN2_NEIGHBOR) - (y.nn2 == RID_NN2_NEIGHBOR);
}

/* Into a list of at most max, best first. Returns how many there are then. */
static size_t insert(rid_pick *list, size_t n, size_t max, const rid_surface *surfaces,
                     const rid_pick *p)
{
    size_t at = n;
    if (n == max && rid_pick_compare(surfaces, p, &list[n - 1]) <= 0)
        return n;
    while (at > 0 && rid_pick_compare(surfaces, p, &list[at - 1]) > 0)
        at--;
    n += n < max;
    memmove(&list[at + 1], &list[at], (n - 1 - at) * sizeof *list);
    list[at] = *p;
    return n;
}

size_t rid_pick_top(rid_pick *out, size_t max, const rid_surface *surfaces, size_t n,
                    const rid_objective *o)
{
    size_t found = 0;
    for (size_t s = 0; s < n && max > 0; s++) {
        const rid_sweep_grid *g = &surfaces[s].grid;
        for (size_t m = 0; m < g->n_margins; m++) {
            for (size_t t = 0; t < g->n_thresholds; t++) {
                rid_pick p = {.surface = s, .margin = m, .threshold = t};
                p.merit = rid_objective_merit(o, rid_pick_cell(surfaces, &p));
                if (!isnan(p.merit.value))
                    found = insert(out, found, max, surfaces, &p);
            }
        }
    }
    return found;
}

/* A flood over the cells of one surface. */
typedef struct flood {
    const rid_surface *s;
    const rid_objective *o;
    rid_merit level;
    uint8_t *seen;   /* (cells) */
    uint32_t *stack; /* (cells) */
    size_t n_stack;
} flood;

static void reach(flood *f, size_t margin, size_t threshold)
{
    const size_t at = margin * f->s->grid.n_thresholds + threshold;
    const rid_merit m = rid_objective_merit(f->o, &f->s->cells[at]);
    if (f->seen[at] || m.lack != f->level.lack || m.value != f->level.value)
        return;
    f->seen[at] = 1;
    f->stack[f->n_stack++] = (uint32_t)at;
}

static void widen(rid_plateau *p, double threshold, double margin)
{
    p->n_cells++;
    p->threshold_min = fmin(p->threshold_min, threshold);
    p->threshold_max = fmax(p->threshold_max, threshold);
    p->margin_min = fmin(p->margin_min, margin);
    p->margin_max = fmax(p->margin_max, margin);
}

static void spread(flood *f, rid_plateau *out)
{
    const rid_sweep_grid *g = &f->s->grid;
    while (f->n_stack > 0) {
        const size_t at = f->stack[--f->n_stack];
        const size_t m = at / g->n_thresholds, t = at % g->n_thresholds;
        widen(out, g->threshold[t], g->margin[m]);
        if (m > 0)
            reach(f, m - 1, t);
        if (t > 0)
            reach(f, m, t - 1);
        if (m + 1 < g->n_margins)
            reach(f, m + 1, t);
        if (t + 1 < g->n_thresholds)
            reach(f, m, t + 1);
    }
}

rid_status rid_pick_plateau(rid_plateau *out, const rid_surface *surfaces, const rid_pick *best,
                            const rid_objective *o, rid_err *err)
{
    const rid_surface *s = &surfaces[best->surface];
    const size_t n = s->grid.n_margins * s->grid.n_thresholds;
    flood f = {.s = s,
               .o = o,
               .level = best->merit,
               .seen = rid_mem_zalloc(n, 1),
               .stack = rid_mem_alloc(n, sizeof *f.stack)};
    const bool ok = f.seen && f.stack;
    *out = (rid_plateau){0, INFINITY, -INFINITY, INFINITY, -INFINITY};
    if (ok) {
        reach(&f, best->margin, best->threshold);
        spread(&f, out);
    }
    rid_mem_free(f.seen);
    rid_mem_free(f.stack);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}
