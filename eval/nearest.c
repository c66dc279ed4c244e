#include "eval/nearest.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* Rows kept beyond the k best by float32 score: the k nearest are among them unless scores lie closer
 * together than they are exact. */
enum { SPARE = 8 };

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

/* The kept rows, nearest first. False where one that was not kept may be among the k nearest. */
static bool sort_kept(const job *j, size_t row, near_row *sorted)
{
    const double error = ERROR_PER_NUMBER * (double)(j->dim + 4);
    const rid_neighbour *kept = j->kept + row * j->n_kept, *last = kept + j->n_kept - 1;
    if (last->row == RID_NO_ENTRY) /* rows that are far from unit length */
        return false;
    for (size_t i = 0; i < j->n_kept; i++)
        sorted[i] = look_at(j, row, kept[i].row);
    qsort(sorted, j->n_kept, sizeof *sorted, compare_near);
    return j->n_kept == j->n || sorted[j->k - 1].distance2 < 2 - 2 * (double)last->score - error;
}

/* scratch (n) */
static void find_nearest(const job *j, size_t row, near_row *scratch)
{
    if (!sort_kept(j, row, scratch)) {
        for (size_t i = 0; i < j->n; i++)
            scratch[i] = look_at(j, row, i);
        qsort(scratch, j->n, sizeof *scratch, compare_near);
    }
    for (size_t i = 0; i < j->k; i++)
        j->near[row * j->k + i] = scratch[i].row;
    j->farthest[row] = look_at(j, row, j->lowest[row].row).distance2;
}

static rid_status find_all(job *j, int threads, rid_err *err)
{
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads) if (j->n > 100)
    {
        near_row *scratch = rid_mem_alloc(j->n, sizeof *scratch);
        rid_err mine = {0};
        rid_status one = scratch ? RID_OK : RID_FAIL_NOMEM(&mine);
#pragma omp for schedule(dynamic, 32)
        for (size_t i = 0; i < j->n; i++) {
            if (one == RID_OK)
                one = rid_interrupt_check(&mine);
            if (one == RID_OK)
                find_nearest(j, i, scratch);
        }
        if (one != RID_OK) {
#pragma omp critical(rid_nearest)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_mem_free(scratch);
    }
    return st;
}

rid_status rid_nearest(uint32_t *near, double *farthest, size_t k, const float *emb, size_t n, size_t dim,
                       int threads, rid_err *err)
{
    job j = {.near = near, .farthest = farthest, .emb = emb, .n = n, .dim = dim, .k = k};
    j.n_kept = n - k < SPARE ? n : k + SPARE;
    j.kept = rid_mem_alloc(n * j.n_kept, sizeof *j.kept);
    j.lowest = rid_mem_alloc(n, sizeof *j.lowest);
    rid_status st = j.kept && j.lowest ? RID_OK : RID_FAIL_NOMEM(err);
    threads = threads > 0 ? threads : 1;
    if (st == RID_OK)
        st = rid_scan_all(j.kept, j.n_kept, j.lowest, emb, n, dim, threads, err);
    if (st == RID_OK)
        st = find_all(&j, threads, err);
    rid_mem_free(j.kept);
    rid_mem_free(j.lowest);
    return st;
}
