#include "eval/best_f1.h"

#include "data/base/mem.h"

#include <math.h>

static void choose(rid_sweep_best *best, const rid_sweep_grid *grid, const rid_sweep_cell *cells)
{
    *best = (rid_sweep_best){NAN, NAN, NAN};
    for (size_t t = grid->n_thresholds; t-- > 0;) {
        for (size_t m = grid->n_margins; m-- > 0;) {
            const rid_cluster_counts *c = &cells[m * grid->n_thresholds + t].clusters;
            const double f1 = rid_cluster_metrics_of(c).pairwise_f1;
            if (c->true_pairs > 0 && !(f1 <= best->f1))
                *best = (rid_sweep_best){f1, grid->threshold[t], grid->margin[m]};
        }
    }
}

rid_status rid_sweep_best_f1(rid_sweep_best *out, const rid_sweep_bucket *buckets,
                             size_t n_buckets, size_t dim, rid_nn2_mode nn2, size_t max_side,
                             int threads, rid_err *err)
{
    rid_sweep *s = NULL;
    rid_sweep_grid grid = {0};
    rid_sweep_cell *cells = NULL;
    rid_status st = rid_sweep_new(&s, n_buckets, dim, nn2 == RID_NN2_IDENTITY, err);
    for (size_t b = 0; b < n_buckets && st == RID_OK; b++)
        st = rid_sweep_add(s, &buckets[b], threads, err);
    if (st == RID_OK)
        st = rid_sweep_quantiles(s, nn2, max_side, &grid, err);
    if (st == RID_OK &&
        !(cells = rid_mem_alloc(grid.n_thresholds * grid.n_margins, sizeof *cells)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_sweep_surface(s, nn2, &grid, cells, threads, err);
    if (st == RID_OK)
        choose(out, &grid, cells);
    rid_mem_free(cells);
    rid_sweep_grid_clear(&grid);
    rid_sweep_free(s);
    return st;
}
