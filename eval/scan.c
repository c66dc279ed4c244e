#include "eval/scan.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>
#include <stdbool.h>

/* Rows of one tile, a multiple of every kernel's row count, and panels: 48 x 256 scores stay in the
 * second-level cache with the 128 KiB of packed rows (dim 128) they come from. */
enum { TILE_ROWS = 48, TILE_PANELS = 16 };

#define NO_SCORE (-2.0f)

void rid_neighbour_insert(rid_neighbour *best, size_t k, float score, uint32_t row)
{
    size_t at = k - 1;
    while (at > 0 && best[at - 1].score < score) {
        best[at] = best[at - 1];
        at--;
    }
    best[at] = (rid_neighbour){score, row};
}

/* Scores of one row against rows [first, first+n), in ascending order. */
static void take_scores(rid_neighbour *best, size_t k, const float *scores, size_t first, size_t n)
{
    const rid_kernel *kernel = rid_kernel_get();
    for (size_t i = 0; (i = kernel->find_above(scores, i, n, best[k - 1].score)) < n; i++)
        rid_neighbour_insert(best, k, scores[i], (uint32_t)(first + i));
}

static void take_lowest(rid_neighbour *lowest, const float *scores, size_t first, size_t n)
{
    const float score = rid_kernel_get()->lowest(scores, n);
    size_t i = 0;
    if (lowest->row != RID_NO_ENTRY && score >= lowest->score)
        return;
    while (i + 1 < n && scores[i] != score)
        i++;
    *lowest = (rid_neighbour){score, (uint32_t)(first + i)};
}

typedef struct scan {
    rid_neighbour *out;
    size_t k;
    rid_neighbour *lowest; /* NULL: not wanted */
    const float *emb, *packed;
    size_t n, dim;
    bool all; /* against all rows; else against earlier ones */
} scan;

/* Rows [row, row+rows) against all earlier ones, or all. */
static void scan_rows(const scan *s, size_t row, size_t rows, float *scores)
{
    const rid_kernel *kernel = rid_kernel_get();
    const size_t stride = TILE_PANELS * RID_PANEL, end = s->all ? s->n : row + rows - 1;
    for (size_t i = row * s->k; i < (row + rows) * s->k; i++)
        s->out[i] = (rid_neighbour){NO_SCORE, RID_NO_ENTRY};
    for (size_t i = row; s->lowest && i < row + rows; i++)
        s->lowest[i] = (rid_neighbour){NO_SCORE, RID_NO_ENTRY};
    for (size_t first = 0; first < end; first += stride) {
        const size_t columns = end - first < stride ? end - first : stride;
        kernel->product(scores, stride, s->emb + row * s->dim, s->dim, rows,
                        s->packed + first * s->dim, rid_kernel_panels(columns), s->dim);
        for (size_t r = 0; r < rows; r++) {
            size_t seen = row + r > first ? row + r - first : 0;
            seen = s->all || seen > columns ? columns : seen;
            take_scores(s->out + (row + r) * s->k, s->k, scores + r * stride, first, seen);
            if (s->lowest)
                take_lowest(&s->lowest[row + r], scores + r * stride, first, seen);
        }
    }
}

static rid_status run(scan *s, int threads, rid_err *err)
{
    rid_status st = RID_OK;
    const size_t n = s->n, dim = s->dim, n_tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
    const float *emb = s->emb;
    float *packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(n, dim), sizeof *packed);
    if (!packed)
        return RID_FAIL_NOMEM(err);
    int finite = 1;
#pragma omp parallel for num_threads(threads > 0 ? threads : 1) reduction(&& : finite)             \
    schedule(static) if (n > TILE_ROWS)
    for (size_t i = 0; i < n * dim; i++)
        finite = finite && isfinite(emb[i]);
    if (!finite) {
        rid_mem_free(packed);
        return RID_FAIL(err, RID_EDATA, "an embedding holds a number that is not finite");
    }
    rid_kernel_pack(packed, emb, dim, n, dim);
    s->packed = packed;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (n_tiles > 1)
    {
        float *scores =
            rid_mem_alloc_aligned(TILE_ROWS * TILE_PANELS * RID_PANEL, sizeof *scores);
        rid_err mine = {0};
        /* The last rows have the most to do: they go first. */
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < n_tiles; i++) {
            size_t row = (n_tiles - 1 - i) * TILE_ROWS;
            rid_status one = scores ? rid_interrupt_check(&mine) : RID_FAIL_NOMEM(&mine);
            if (one == RID_OK) {
                scan_rows(s, row, n - row < TILE_ROWS ? n - row : TILE_ROWS, scores);
                continue;
            }
#pragma omp critical(rid_scan)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_mem_free(scores);
    }
    rid_mem_free(packed);
    return st;
}

rid_status rid_scan(rid_neighbour *out, size_t k, const float *emb, size_t n, size_t dim,
                    int threads, rid_err *err)
{
    scan s = {.out = out, .k = k, .emb = emb, .n = n, .dim = dim};
    return run(&s, threads, err);
}

rid_status rid_scan_all(rid_neighbour *out, size_t k, rid_neighbour *lowest, const float *emb,
                        size_t n, size_t dim, int threads, rid_err *err)
{
    scan s = {.out = out, .k = k, .lowest = lowest, .emb = emb, .n = n, .dim = dim, .all = true};
    return run(&s, threads, err);
}

void rid_scan_reference(rid_neighbour *out, size_t k, const float *emb, size_t n, size_t dim)
{
    for (size_t i = 0; i < n; i++) {
        rid_neighbour *best = out + i * k;
        for (size_t j = 0; j < k; j++)
            best[j] = (rid_neighbour){NO_SCORE, RID_NO_ENTRY};
        for (size_t j = 0; j < i; j++) {
            float score;
            rid_kernel_reference_product(&score, 1, emb + i * dim, dim, 1, emb + j * dim, dim, 1,
                                         dim);
            if (score > best[k - 1].score)
                rid_neighbour_insert(best, k, score, (uint32_t)j);
        }
    }
}
