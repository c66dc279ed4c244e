/* The sweep of one bucket of made-up persons, four entries each, and one scan of it.
 *
 *     bench_sweep N DIM SIDE THREADS neighbor|identity [VECTORS PERSONS CELLS]
 *
 * SIDE thresholds from 0.5 to 1 and as many margins from 0 to 0.2. Prints `seconds WALL cpu CPU` of the
 * sweep, its scan included, and `scan WALL CPU` of one scan alone (k = 2). Writes, where named, the
 * vectors, f32 (N, DIM), the persons, u32 (N), and the cells, rows of threshold, margin, hit pairs,
 * predicted pairs, persons, hits, false matches, all f64, for sweep_peer.py. */
#include "data/base/mem.h"
#include "eval/sweep.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const float VISIT_NOISE = 0.6f;

enum { FIGURES = 7, REPEAT = 3 };

/* What is measured, and on what. */
typedef struct bench {
    size_t n, dim, side;
    int threads;
    rid_nn2_mode nn2;
    float *emb;
    uint32_t *person;
    rid_sweep_grid grid;
    rid_sweep_cell *cells;
    rid_neighbour *nearest;
} bench;

static rid_status make_bench(bench *b, rid_err *err)
{
    float *scratch = rid_mem_alloc(b->dim, sizeof *scratch);
    b->emb = rid_mem_alloc(b->n * sizeof *b->emb, b->dim);
    b->person = rid_mem_alloc(b->n, sizeof *b->person);
    b->grid = (rid_sweep_grid){rid_mem_alloc(b->side, sizeof(double)),
                               rid_mem_alloc(b->side, sizeof(double)), b->side, b->side};
    b->cells = rid_mem_alloc(b->side * b->side, sizeof *b->cells);
    b->nearest = rid_mem_alloc(2 * b->n, sizeof *b->nearest);
    const bool ok = scratch && b->emb && b->person && b->grid.threshold && b->grid.margin &&
                    b->cells && b->nearest;
    if (ok) {
        bench_make_vectors(b->emb, b->n, b->dim, VISIT_NOISE, scratch);
        for (size_t i = 0; i < b->n; i++)
            b->person[i] = (uint32_t)bench_person(i, b->n);
        for (size_t i = 0; i < b->side; i++) {
            b->grid.threshold[i] = 0.5 + 0.5 * (double)i / (double)b->side;
            b->grid.margin[i] = 0.2 * (double)i / (double)b->side;
        }
    }
    rid_mem_free(scratch);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

static void free_bench(bench *b)
{
    rid_mem_free(b->emb);
    rid_mem_free(b->person);
    rid_sweep_grid_clear(&b->grid);
    rid_mem_free(b->cells);
    rid_mem_free(b->nearest);
}

static rid_status sweep_once(const bench *b, rid_err *err)
{
    const rid_sweep_bucket bucket = {.emb = b->emb, .person = b->person, .n = b->n};
    rid_sweep *s = NULL;
    rid_status st = rid_sweep_new(&s, 1, b->dim, b->nn2 == RID_NN2_IDENTITY, err);
    if (st == RID_OK)
        st = rid_sweep_add(s, &bucket, b->threads, err);
    if (st == RID_OK)
        st = rid_sweep_surface(s, b->nn2, &b->grid, b->cells, b->threads, err);
    rid_sweep_free(s);
    return st;
}

static rid_status scan_once(const bench *b, rid_err *err)
{
    return rid_scan(b->nearest, 2, b->emb, b->n, b->dim, b->threads, err);
}

/* The fastest of a few, after one that warms up. */
static rid_status fastest(const bench *b, rid_status (*work)(const bench *, rid_err *),
                          bench_time *best, rid_err *err)
{
    rid_status st = RID_OK;
    for (int i = 0; i <= REPEAT && st == RID_OK; i++) {
        const bench_time start = bench_now();
        st = work(b, err);
        const bench_time t = bench_since(start);
        if (i <= 1 || t.wall_s < best->wall_s)
            *best = t;
        if (t.wall_s > 2) /* long enough */
            break;
    }
    return st;
}

static int write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0)
        return 0;
    perror(path);
    return -1;
}

static int write_cells(const bench *b, const char *path)
{
    FILE *f = fopen(path, "wb");
    for (size_t m = 0; f && m < b->side; m++) {
        for (size_t t = 0; t < b->side; t++) {
            const rid_sweep_cell *c = &b->cells[m * b->side + t];
            const double row[FIGURES] = {b->grid.threshold[t],
                                         b->grid.margin[m],
                                         (double)c->clusters.hit_pairs,
                                         (double)c->clusters.predicted_pairs,
                                         (double)c->clusters.persons,
                                         (double)c->searches.hits,
                                         (double)c->searches.false_matches};
            if (fwrite(row, sizeof row, 1, f) != 1)
                break;
        }
    }
    if (f && fclose(f) == 0)
        return 0;
    perror(path);
    return -1;
}

static int run(bench *b, char *const *files)
{
    rid_err err = {0};
    bench_time scan = {0}, sweep = {0};
    rid_status st = make_bench(b, &err);
    if (st == RID_OK)
        st = fastest(b, scan_once, &scan, &err);
    if (st == RID_OK)
        st = fastest(b, sweep_once, &sweep, &err);
    int failed = st != RID_OK;
    if (failed)
        fprintf(stderr, "bench_sweep: %s\n", err.message);
    else
        printf("seconds %.5f cpu %.5f\nscan %.5f %.5f\n", sweep.wall_s, sweep.cpu_s, scan.wall_s,
               scan.cpu_s);
    if (!failed && files)
        failed = write_file(files[0], b->emb, b->n * b->dim * sizeof *b->emb) != 0 ||
                 write_file(files[1], b->person, b->n * sizeof *b->person) != 0 ||
                 write_cells(b, files[2]) != 0;
    free_bench(b);
    return failed;
}

int main(int argc, char **argv)
{
    bench b = {0};
    if (argc == 6 || argc == 9) {
        b.n = strtoul(argv[1], NULL, 10);
        b.dim = strtoul(argv[2], NULL, 10);
        b.side = strtoul(argv[3], NULL, 10);
        b.threads = atoi(argv[4]);
    }
    if (b.n == 0 || b.dim == 0 || b.side == 0 || b.threads < 1 || !rid_nn2_parse(argv[5], &b.nn2)) {
        fprintf(stderr, "usage: bench_sweep N DIM SIDE THREADS neighbor|identity "
                        "[VECTORS PERSONS CELLS]\n");
        return 2;
    }
    return run(&b, argc == 9 ? argv + 6 : NULL);
}
