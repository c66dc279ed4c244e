#include "eval/scan.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>

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

/* Rows [row, row+rows) against all earlier ones. */
static void scan_rows(rid_neighbour *out, size_t k, const float *emb, const float *packed, size_t row,
                      size_t rows, size_t dim, float *scores)
{
    const rid_kernel *kernel = rid_kernel_get();
    const size_t stride = TILE_PANELS * RID_PANEL;
    for (size_t i = row * k; i < (row + rows) * k; i++)
        out[i] = (rid_neighbour){NO_SCORE, RID_NO_ENTRY};
    for (size_t first = 0; first + 1 < row + rows; first += stride) {
        size_t columns = row + rows - 1 - first < stride ? row + rows - 1 - first : stride;
        kernel->product(scores, stride, emb + row * dim, dim, rows, packed + first * dim,
                        rid_kernel_panels(columns), dim);
        for (size_t r = 0; r < rows; r++) {
            size_t earlier = row + r > first ? row + r - first : 0;
            take_scores(out + (row + r) * k, k, scores + r * stride, first,
                        earlier < columns ? earlier : columns);
        }
    }
}

rid_status rid_scan(rid_neighbour *out, size_t k, const float *emb, size_t n, size_t dim, int threads,
                    rid_err *err)
{
    rid_status st = RID_OK;
    size_t n_tiles = (n + TILE_ROWS - 1) / TILE_ROWS;
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
                scan_rows(out, k, emb, packed, row, n - row < TILE_ROWS ? n - row : TILE_ROWS, dim,
                          scores);
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
