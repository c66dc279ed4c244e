#include "eval/nearest.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"
#include "eval/scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Rows kept beyond the k best by float32 score: the k nearest are among them unless scores lie closer
 * together than they are exact. */
enum { SPARE = 8 };

/* Rows that this leaves open are looked at again, so many together against so many panels. */
enum { TILE_ROWS = 12, TILE_PANELS = 16 };

/* What a float32 product of two unit rows, and their length, may be off, for each number in a row. */
static const double ERROR_PER_NUMBER = 1.2e-7;

typedef struct near_row {
    double distance2;
    uint32_t row;
} near_row;

typedef struct job {
    uint32_t *near;
    double *farthest;
    const float *emb;
    size_t n, dim, k, n_kept;
    rid_neighbour *kept;   /* (n, n_kept), by score */
    rid_neighbour *lowest; /* (n) */
    float *bound;          /* (n): what take_kept returned */
    uint32_t *open;        /* (n): rows that it did not settle */
    size_t n_open;
    float *packed; /* all rows; where some are open */
} job;

double rid_distance2(const float *a, const float *b, size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            const double d = (double)a[i + k] - (double)b[i + k];
            sum[k] += d * d;
        }
    for (size_t k = 0; i < n; i++, k++)
        sum[k] += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    for (size_t half = LANES / 2; half > 0; half /= 2)
        for (size_t k = 0; k < half; k++)
            sum[k] += sum[k + half];
    return sum[0];
}

static int compare_near(const void *a, const void *b)
{
    const near_row *x = a, *y = b;
    if (x->distance2 != y->distance2)
        return x->distance2 < y->distance2 ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static near_row look_at(const job *j, size_t row, size_t other)
{
    const double d = rid_distance2(j->emb + row * j->dim, j->emb + other * j->dim, j->dim);
    return (near_row){d, (uint32_t)other};
}

static void write_nearest(const job *j, size_t row, const near_row *sorted)
{
    for (size_t i = 0; i < j->k; i++)
        j->near[row * j->k + i] = sorted[i].row;
}

/* The lowest float32 score that a row at this distance can have. */
static double least_score(const job *j, double distance2)
{
    return 1 - (distance2 + ERROR_PER_NUMBER * (double)(j->dim + 4)) / 2;
}

/* Writes the nearest of the kept rows. Returns the score that another row must have to be among the k nearest,
 * too; INFINITY: none can. scratch (n). */
static float take_kept(const job *j, size_t row, near_row *scratch)
{
    const rid_neighbour *kept = j->kept + row * j->n_kept, *last = kept + j->n_kept - 1;
    j->farthest[row] = look_at(j, row, j->lowest[row].row).distance2;
    if (last->row == RID_NO_ENTRY) /* rows that are far from unit length: any may be */
        return -INFINITY;
    for (size_t i = 0; i < j->n_kept; i++)
        scratch[i] = look_at(j, row, kept[i].row);
    qsort(scratch, j->n_kept, sizeof *scratch, compare_near);
    write_nearest(j, row, scratch);
    const double least = least_score(j, scratch[j->k - 1].distance2);
    if (j->n_kept == j->n || (double)last->score < least)
        return INFINITY;
    return nextafterf((float)least, -INFINITY);
}

/* Of all rows, or of the n_found that scores left over where they are enough. */
static void take_found(const job *j, size_t row, const uint32_t *found, size_t n_found,
                       near_row *scratch)
{
    const bool all = n_found < j->k;
    const size_t n = all ? j->n : n_found;
    for (size_t i = 0; i < n; i++)
        scratch[i] = look_at(j, row, all ? i : found[i]);
    qsort(scratch, n, sizeof *scratch, compare_near);
    write_nearest(j, row, scratch);
}

/* ---- threads ---- */

typedef struct scratch {
    near_row *near;  /* (n) */
    float *rows;     /* (TILE_ROWS, dim) */
    float *scores;   /* (TILE_ROWS, TILE_PANELS * RID_PANEL) */
    uint32_t *found; /* (TILE_ROWS, n) */
    size_t n_found[TILE_ROWS];
} scratch;

static void take_tile(const job *j, size_t at, scratch *s)
{
    const size_t end = (at + 1) * TILE_ROWS < j->n ? (at + 1) * TILE_ROWS : j->n;
    for (size_t i = at * TILE_ROWS; i < end; i++)
        j->bound[i] = take_kept(j, i, s->near);
}

/* The open rows of a tile again, with every row whose score reaches the bound. */
static void take_open_tile(const job *j, size_t at, scratch *s)
{
    const rid_kernel *kernel = rid_kernel_get();
    const size_t from = at * TILE_ROWS, stride = TILE_PANELS * RID_PANEL;
    const size_t n = j->n_open - from < TILE_ROWS ? j->n_open - from : TILE_ROWS;
    for (size_t i = 0; i < n; i++)
        memcpy(s->rows + i * j->dim, j->emb + j->open[from + i] * j->dim, j->dim * sizeof *s->rows);
    memset(s->n_found, 0, sizeof s->n_found);
    for (size_t first = 0; first < j->n; first += stride) {
        const size_t columns = j->n - first < stride ? j->n - first : stride;
        kernel->product(s->scores, stride, s->rows, j->dim, n, j->packed + first * j->dim,
                        rid_kernel_panels(columns), j->dim);
        for (size_t i = 0; i < n; i++) {
            const float *scores = s->scores + i * stride, bound = j->bound[j->open[from + i]];
            for (size_t c = 0; (c = kernel->find_above(scores, c, columns, bound)) < columns; c++)
                s->found[i * j->n + s->n_found[i]++] = (uint32_t)(first + c);
        }
    }
    for (size_t i = 0; i < n; i++)
        take_found(j, j->open[from + i], s->found + i * j->n, s->n_found[i], s->near);
}

static rid_status scratch_init(scratch *s, const job *j, rid_err *err)
{
    const size_t n_found = j->n_open > 0 ? j->n : 0;
    *s = (scratch){
        .near = rid_mem_alloc(j->n, sizeof *s->near),
        .rows = rid_mem_alloc_aligned(TILE_ROWS * j->dim, sizeof *s->rows),
        .scores = rid_mem_alloc_aligned(TILE_ROWS * TILE_PANELS * RID_PANEL, sizeof *s->scores),
        .found = rid_mem_alloc(TILE_ROWS * n_found, sizeof *s->found),
    };
    return s->near && s->rows && s->scores && s->found ? RID_OK : RID_FAIL_NOMEM(err);
}

static void scratch_free(scratch *s)
{
    rid_mem_free(s->near);
    rid_mem_free(s->rows);
    rid_mem_free(s->scores);
    rid_mem_free(s->found);
}

static rid_status each_tile(const job *j, size_t n_rows, int threads,
                            void (*work)(const job *, size_t, scratch *), rid_err *err)
{
    const size_t n_tiles = (n_rows + TILE_ROWS - 1) / TILE_ROWS;
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads) if (n_tiles > 1)
    {
        scratch s;
        rid_err mine = {0};
        rid_status one = scratch_init(&s, j, &mine);
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < n_tiles; i++) {
            if (one == RID_OK)
                one = rid_interrupt_check(&mine);
            if (one == RID_OK)
                work(j, i, &s);
        }
        if (one != RID_OK) {
#pragma omp critical(rid_nearest)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        scratch_free(&s);
    }
    return st;
}

/* ---- all rows ---- */

static rid_status settle_open(job *j, int threads, rid_err *err)
{
    for (size_t i = 0; i < j->n; i++)
        if (j->bound[i] < INFINITY)
            j->open[j->n_open++] = (uint32_t)i;
    if (j->n_open == 0)
        return RID_OK;
    j->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(j->n, j->dim), sizeof *j->packed);
    if (!j->packed)
        return RID_FAIL_NOMEM(err);
    rid_kernel_pack(j->packed, j->emb, j->dim, j->n, j->dim);
    return each_tile(j, j->n_open, threads, take_open_tile, err);
}

rid_status rid_nearest(uint32_t *near, double *farthest, size_t k, const float *emb, size_t n,
                       size_t dim, int threads, rid_err *err)
{
    job j = {.near = near, .farthest = farthest, .emb = emb, .n = n, .dim = dim, .k = k};
    j.n_kept = n - k < SPARE ? n : k + SPARE;
    j.kept = rid_mem_alloc(n * j.n_kept, sizeof *j.kept);
    j.lowest = rid_mem_alloc(n, sizeof *j.lowest);
    j.bound = rid_mem_alloc(n, sizeof *j.bound);
    j.open = rid_mem_alloc(n, sizeof *j.open);
    rid_status st = j.kept && j.lowest && j.bound && j.open ? RID_OK : RID_FAIL_NOMEM(err);
    threads = threads > 0 ? threads : 1;
    if (st == RID_OK)
        st = rid_scan_all(j.kept, j.n_kept, j.lowest, emb, n, dim, threads, err);
    if (st == RID_OK)
        st = each_tile(&j, n, threads, take_tile, err);
    if (st == RID_OK)
        st = settle_open(&j, threads, err);
    rid_mem_free(j.kept);
    rid_mem_free(j.lowest);
    rid_mem_free(j.bound);
    rid_mem_free(j.open);
    rid_mem_free(j.packed);
    return st;
}
