#include "eval/replay.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>
#include <string.h>

/* Earlier entries kept for each: enough for most to settle every lane; the others look at all. Rows
 * whose scores are kept side by side. Scores looked at between two looks at the lanes left. */
enum { CANDIDATES = 16, TILE_ROWS = 48, PATIENCE = 32 };

static rid_status take_matchable(rid_replay *r, const float *emb, const uint8_t *usable,
                                 rid_err *err)
{
    r->row_of = rid_mem_alloc(r->n, sizeof *r->row_of);
    r->emb = rid_mem_alloc(r->n * sizeof *r->emb, r->dim);
    if (!r->row_of || !r->emb)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < r->n; i++) {
        if (usable && !usable[i])
            continue;
        memcpy(r->emb + r->n_matchable * r->dim, emb + i * r->dim, r->dim * sizeof *emb);
        r->row_of[r->n_matchable++] = (uint32_t)i;
    }
    return RID_OK;
}

static rid_status pack(rid_replay *r, rid_err *err)
{
    r->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(r->n_matchable, r->dim),
                                      sizeof *r->packed);
    if (!r->packed)
        return RID_FAIL_NOMEM(err);
    rid_kernel_pack(r->packed, r->emb, r->dim, r->n_matchable, r->dim);
    return RID_OK;
}

/* Floats from one row of a tile to the next. */
static size_t tile_stride(const rid_replay *r, size_t tile)
{
    const size_t end = (tile + 1) * TILE_ROWS;
    return rid_kernel_panels(end < r->n_matchable ? end : r->n_matchable) * RID_PANEL;
}

/* Computes all scores, if there is room for them. */
static rid_status keep_scores(rid_replay *r, size_t *spare, int threads, rid_err *err)
{
    const size_t n_tiles = (r->n_matchable + TILE_ROWS - 1) / TILE_ROWS;
    size_t floats = 0;
    for (size_t t = 0; t < n_tiles; t++)
        floats += TILE_ROWS * tile_stride(r, t);
    if (floats > *spare / sizeof *r->scores)
        return RID_OK;
    r->tile_at = rid_mem_alloc(n_tiles, sizeof *r->tile_at);
    r->scores = rid_mem_alloc_aligned(floats, sizeof *r->scores);
    if (!r->tile_at || !r->scores)
        return RID_FAIL_NOMEM(err);
    *spare -= floats * sizeof *r->scores;
    floats = 0;
    for (size_t t = 0; t < n_tiles; t++) {
        r->tile_at[t] = floats;
        floats += TILE_ROWS * tile_stride(r, t);
    }
#pragma omp parallel for num_threads(threads > 0 ? threads : 1) schedule(dynamic, 1) if (n_tiles > 1)
    for (size_t t = 0; t < n_tiles; t++) {
        const size_t row = t * TILE_ROWS, stride = tile_stride(r, t);
        const size_t rows = r->n_matchable - row < TILE_ROWS ? r->n_matchable - row : TILE_ROWS;
        rid_kernel_get()->product(r->scores + r->tile_at[t], stride, r->emb + row * r->dim, r->dim, rows,
                                  r->packed, stride / RID_PANEL, r->dim);
    }
    return RID_OK;
}

static void drop_embeddings(rid_replay *r)
{
    rid_mem_free(r->emb);
    rid_mem_free(r->packed);
    r->emb = r->packed = NULL;
}

rid_status rid_replay_init(rid_replay *r, const float *emb, const uint8_t *usable, size_t n,
                           size_t dim, bool identity, size_t *spare, int threads, rid_err *err)
{
    *r = (rid_replay){.n = n, .dim = dim, .k = identity ? CANDIDATES : 2};
    if (n >= RID_NO_ENTRY)
        return RID_FAIL(err, RID_EDATA, "a bucket of %zu entries is too large", n);
    rid_status st = take_matchable(r, emb, usable, err);
    if (st == RID_OK && !(r->best = rid_mem_alloc(r->n_matchable * r->k, sizeof *r->best)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_scan(r->best, r->k, r->emb, r->n_matchable, dim, threads, err);
    if (st == RID_OK && identity)
        st = pack(r, err);
    if (st == RID_OK && identity)
        st = keep_scores(r, spare, threads, err);
    if (st != RID_OK) {
        rid_replay_clear(r);
        return st;
    }
    if (!identity || r->scores)
        drop_embeddings(r);
    for (size_t i = 0; i < r->n_matchable * r->k; i++)
        if (r->best[i].row != RID_NO_ENTRY)
            r->best[i].row = r->row_of[r->best[i].row];
    return RID_OK;
}

void rid_replay_clear(rid_replay *r)
{
    drop_embeddings(r);
    rid_mem_free(r->row_of);
    rid_mem_free(r->best);
    rid_mem_free(r->scores);
    rid_mem_free(r->tile_at);
    *r = (rid_replay){0};
}

size_t rid_replay_scratch(const rid_replay *r)
{
    return r->packed && !r->scores ? rid_kernel_panels(r->n_matchable) * RID_PANEL : 0;
}

/* ---- lanes ---- */

/* Lanes in which two entries are not of one person get a bit set. Whole blocks of lanes. */
static void mark_others(uint32_t *mark, const uint32_t *label, const uint32_t *person, size_t first,
                        size_t end)
{
    for (size_t at = first; at < end; at += RID_LANE_BLOCK)
        for (size_t l = at; l < at + RID_LANE_BLOCK; l++)
            mark[l] |= label[l] ^ person[l];
}

/* Narrows [*first, *end) to the blocks with a lane below `active` that has no mark; false: none. */
static bool find_unmarked(const uint32_t *mark, size_t active, size_t *first, size_t *end)
{
    size_t l = *first, last = *end < active ? *end : active;
    while (l < last && mark[l] != 0)
        l++;
    while (last > l && mark[last - 1] != 0)
        last--;
    *first = l / RID_LANE_BLOCK * RID_LANE_BLOCK;
    *end = (last + RID_LANE_BLOCK - 1) / RID_LANE_BLOCK * RID_LANE_BLOCK;
    return l < last;
}

static void fill(uint32_t *x, uint32_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = value;
}

/* One replay: what does not change from entry to entry. */
typedef struct run {
    const rid_replay *r;
    double margin;
    const double *threshold;
    size_t lanes;
    uint32_t *label;
    float *scores;
} run;

static uint32_t *label_of(const run *x, uint32_t row)
{
    return x->label + row * x->lanes;
}

static bool too_close(const run *x, float nn1, float other)
{
    return !((double)nn1 - (double)other >= x->margin);
}

/* Scores of all earlier entries. */
static const float *scores_of(const run *x, size_t i)
{
    const rid_replay *r = x->r;
    if (r->scores)
        return r->scores + r->tile_at[i / TILE_ROWS] + i % TILE_ROWS * tile_stride(r, i / TILE_ROWS);
    rid_kernel_get()->product(x->scores, 0, r->emb + i * r->dim, r->dim, 1, r->packed,
                              rid_kernel_panels(i), r->dim);
    return x->scores;
}

/* Of all earlier entries, those that are too close mark their lanes, until all active ones are. */
static void mark_close_of_all(const run *x, size_t i, const rid_neighbour *nn1, size_t active,
                              uint32_t *close)
{
    const rid_kernel *kernel = rid_kernel_get();
    const float *scores = scores_of(x, i);
    const float bound = nextafterf((float)((double)nn1->score - x->margin), -INFINITY);
    const uint32_t *person = label_of(x, nn1->row);
    size_t first = 0, end = x->lanes, seen = 0;
    for (size_t j = 0; (j = kernel->find_above(scores, j, i, bound)) < i; j++) {
        if (seen++ % PATIENCE == 0 && !find_unmarked(close, active, &first, &end))
            return;
        if (too_close(x, nn1->score, scores[j]))
            mark_others(close, label_of(x, x->r->row_of[j]), person, first, end);
    }
}

/* The margin is so wide that to have no other person at all is not enough: lanes without one are
 * marked, too. */
static void mark_lonely(const run *x, size_t i, const rid_neighbour *nn1, uint32_t *close)
{
    uint32_t other[RID_LANES] = {0};
    for (size_t j = 0; j < i; j++)
        mark_others(other, label_of(x, x->r->row_of[j]), label_of(x, nn1->row), 0, x->lanes);
    for (size_t l = 0; l < x->lanes; l++)
        close[l] |= other[l] == 0;
}

/* Marks the lanes in which nn2 is too close to the first of `best`. */
static void mark_close(const run *x, size_t i, const rid_neighbour *best, size_t active,
                       uint32_t *close)
{
    const size_t k = x->r->k;
    const uint32_t *person = label_of(x, best[0].row);
    if (too_close(x, best[0].score, RID_NN2_NONE))
        mark_lonely(x, i, &best[0], close);
    for (size_t c = 1; c < k; c++) {
        if (best[c].row == RID_NO_ENTRY || !too_close(x, best[0].score, best[c].score))
            return;
        mark_others(close, label_of(x, best[c].row), person, 0, x->lanes);
    }
    if (i > k)
        mark_close_of_all(x, i, &best[0], active, close);
}

static size_t count_reached(const run *x, double score)
{
    size_t n = 0;
    while (n < x->lanes && score >= x->threshold[n])
        n++;
    return n;
}

static void decide(const run *x, size_t i)
{
    const rid_neighbour *best = x->r->best + i * x->r->k;
    const uint32_t row = x->r->row_of[i];
    uint32_t close[RID_LANES] = {0}, *label = label_of(x, row);
    const size_t active = best[0].row == RID_NO_ENTRY ? 0 : count_reached(x, best[0].score);
    fill(label, row, x->lanes);
    if (active == 0)
        return;
    mark_close(x, i, best, active, close);
    for (size_t l = 0; l < active; l++)
        if (close[l] == 0)
            label[l] = label_of(x, best[0].row)[l];
}

void rid_replay_run(const rid_replay *r, double margin, const double *threshold, size_t lanes,
                    uint32_t *label, float *scratch)
{
    const run x = {r, margin, threshold, lanes, label, scratch};
    size_t i = 0;
    for (size_t row = 0; row < r->n; row++) {
        if (i < r->n_matchable && r->row_of[i] == row)
            decide(&x, i++);
        else
            fill(label_of(&x, (uint32_t)row), (uint32_t)row, lanes);
    }
}
