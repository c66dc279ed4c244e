#include "eval/hard_pairs.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"
#include "eval/scan.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

/* A block of packed rows is shared by the threads, a tile of scores stays in a core's cache. */
enum { BLOCK_PANELS = 64, TILE_PANELS = 16, TILE_ROWS = 48 };
#define BLOCK ((size_t)BLOCK_PANELS * RID_PANEL)
#define TILE ((size_t)TILE_PANELS * RID_PANEL)

const char *rid_risk_name(rid_risk r)
{
    static const char *const names[] = {"alias_candidate", "hard_neg", "hard_pos"};
    return names[r];
}

/* Less than 0 where p is harder than q. */
static int compare_rank(const void *x, const void *y)
{
    const rid_hard_pair *p = x, *q = y;
    if (p->sim != q->sim)
        return (p->sim < q->sim) == (p->risk == RID_RISK_HARD_POS) ? -1 : 1;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return p->b < q->b ? -1 : p->b > q->b;
}

/* ---- the hardest of many pairs ---- */

/* At most `limit` pairs; where it is full, a heap with the least hard one on top. */
typedef struct keeper {
    rid_hard_pair *pairs;
    size_t n, cap, limit;
} keeper;

static void sink(keeper *k, size_t at)
{
    for (size_t child; (child = 2 * at + 1) < k->n; at = child) {
        if (child + 1 < k->n && compare_rank(&k->pairs[child + 1], &k->pairs[child]) > 0)
            child++;
        if (compare_rank(&k->pairs[child], &k->pairs[at]) <= 0)
            return;
        const rid_hard_pair t = k->pairs[at];
        k->pairs[at] = k->pairs[child];
        k->pairs[child] = t;
    }
}

static bool would_keep(const keeper *k, const rid_hard_pair *p)
{
    return k->n < k->limit || compare_rank(p, &k->pairs[0]) < 0;
}

static rid_status keep(keeper *k, const rid_hard_pair *p, rid_err *err)
{
    if (k->n < k->limit) {
        if (rid_mem_grow(&k->pairs, &k->cap, k->n + 1, sizeof *k->pairs) != 0)
            return RID_FAIL_NOMEM(err);
        k->pairs[k->n++] = *p;
        for (size_t i = k->n / 2; k->n == k->limit && i > 0; i--)
            sink(k, i - 1);
    } else if (would_keep(k, p)) {
        k->pairs[0] = *p;
        sink(k, 0);
    }
    return RID_OK;
}

/* ---- the job ---- */

typedef struct job {
    const rid_hard_entries *e;
    const rid_hard_limits *limits;
    const rid_hard_review *review;
    rid_hard_pairs *out;
    int threads;
    rid_neighbour *near; /* (n, nearest): each entry's nearest negatives with sim >= neg_min */
    float *packed;       /* a block of rows; then of each thread a tile of them */
    float *scores;       /* of each thread (TILE_ROWS, TILE) */
    uint32_t *rows;      /* (n) by person, ascending */
    size_t *first_row;   /* (n_persons + 1) of each person, in rows */
    keeper negatives[2]; /* by risk, all of them */
    keeper positives;
} job;

static bool is_known(const job *j, uint32_t a, uint32_t b)
{
    return j->review->is_known && j->review->is_known(j->review->ctx, a, b);
}

/* The first failure is kept. For use in critical sections. */
static void note_failure(rid_status *st, rid_err *err, rid_status one, const rid_err *mine)
{
    if (*st != RID_OK)
        return;
    *st = one;
    if (err)
        *err = *mine;
}

/* ---- negatives ---- */

/* The largest number below limit, as find_above wants it. */
static float just_below(double limit)
{
    const float f = (float)limit;
    return (double)f >= limit ? nextafterf(f, -INFINITY) : f;
}

/* Rows [row, row + rows) against the packed rows [first, first + n). */
static void scan_tile(const job *j, float *scores, size_t row, size_t rows, const float *packed,
                      size_t first, size_t n)
{
    const rid_kernel *kernel = rid_kernel_get();
    const rid_hard_entries *e = j->e;
    const size_t k = j->limits->nearest;
    kernel->product(scores, TILE, e->emb + row * e->dim, e->dim, rows, packed, rid_kernel_panels(n),
                    e->dim);
    for (size_t r = 0; r < rows; r++) {
        rid_neighbour *best = j->near + (row + r) * k;
        const float *s = scores + r * TILE;
        for (size_t i = 0; (i = kernel->find_above(s, i, n, best[k - 1].score)) < n; i++)
            if (e->person[first + i] != e->person[row + r])
                rid_neighbour_insert(best, k, s[i], (uint32_t)(first + i));
    }
}

/* All rows against the block of rows [first, first + n). */
static rid_status scan_block(const job *j, size_t first, size_t n, rid_progress *progress,
                             rid_err *err)
{
    const rid_hard_entries *e = j->e;
    const size_t n_tiles = (e->n + TILE_ROWS - 1) / TILE_ROWS;
    size_t n_done = 0;
    rid_kernel_pack(j->packed, e->emb + first * e->dim, e->dim, n, e->dim);
#pragma omp parallel for num_threads(j->threads) schedule(dynamic, 4)
    for (size_t i = 0; i < n_tiles; i++) {
        float *scores = j->scores + (size_t)omp_get_thread_num() * TILE_ROWS * TILE;
        const size_t row = i * TILE_ROWS, left = e->n - row;
        size_t done;
        if (rid_interrupt_signal() != 0)
            continue;
        for (size_t at = 0; at < n; at += TILE)
            scan_tile(j, scores, row, left < TILE_ROWS ? left : TILE_ROWS, j->packed + at * e->dim,
                      first + at, n - at < TILE ? n - at : TILE);
#pragma omp atomic capture
        done = ++n_done;
        if (omp_get_thread_num() == 0)
            rid_progress_update(progress, first + n * done / n_tiles, e->n);
    }
    return rid_interrupt_check(err);
}

static rid_status scan_negatives(const job *j, rid_progress *progress, rid_err *err)
{
    const rid_hard_entries *e = j->e;
    const rid_neighbour none = {just_below(j->limits->neg_min), RID_NO_ENTRY};
    rid_status st = RID_OK;
    for (size_t i = 0; i < e->n * j->limits->nearest; i++)
        j->near[i] = none;
    for (size_t first = 0; first < e->n && st == RID_OK; first += BLOCK)
        st = scan_block(j, first, e->n - first < BLOCK ? e->n - first : BLOCK, progress, err);
    return st;
}

static bool is_near(const job *j, uint32_t row, uint32_t other)
{
    const size_t k = j->limits->nearest;
    const rid_neighbour *best = j->near + row * k;
    for (size_t i = 0; i < k && best[i].row != RID_NO_ENTRY; i++)
        if (best[i].row == other)
            return true;
    return false;
}

static rid_status add_negative(job *j, uint32_t a, uint32_t b, float sim, rid_err *err)
{
    const rid_hard_entries *e = j->e;
    const bool is_alias =
        e->store[a] == e->store[b] && e->day[a] != e->day[b] && (double)sim >= j->limits->alias_min;
    const rid_hard_pair p = {a, b, sim, is_alias ? RID_RISK_ALIAS_CANDIDATE : RID_RISK_HARD_NEG};
    j->out->n_found[p.risk]++;
    if (!is_known(j, a, b))
        return keep(&j->negatives[p.risk], &p, err);
    j->out->n_known++;
    return RID_OK;
}

/* Every pair once, though each of its entries may be near to the other. */
static rid_status collect_negatives(job *j, rid_err *err)
{
    const size_t k = j->limits->nearest;
    rid_status st = RID_OK;
    for (uint32_t a = 0; a < j->e->n && st == RID_OK; a++) {
        const rid_neighbour *best = j->near + a * k;
        for (size_t i = 0; i < k && best[i].row != RID_NO_ENTRY && st == RID_OK; i++) {
            const uint32_t b = best[i].row;
            if (a < b)
                st = add_negative(j, a, b, best[i].score, err);
            else if (!is_near(j, b, a))
                st = add_negative(j, b, a, best[i].score, err);
        }
        if (st == RID_OK)
            st = rid_interrupt_check(err);
    }
    return st;
}

/* ---- positives ---- */

static void group_rows(const job *j)
{
    const rid_hard_entries *e = j->e;
    for (size_t i = 0; i < e->n; i++)
        j->first_row[e->person[i] + 1]++;
    for (size_t p = 0; p < e->n_persons; p++)
        j->first_row[p + 1] += j->first_row[p];
    for (size_t i = e->n; i > 0; i--) /* from the end: first_row[p + 1] moves down to p's first */
        j->rows[--j->first_row[e->person[i - 1] + 1]] = (uint32_t)i - 1;
    for (size_t p = 0; p < e->n_persons; p++)
        j->first_row[p] = j->first_row[p + 1];
    j->first_row[e->n_persons] = e->n;
}

/* What one thread finds. */
typedef struct finds {
    float *packed, *scores; /* a tile of rows; a row of scores */
    keeper person;          /* pairs of the person at hand */
    uint64_t n_found, n_known;
} finds;

/* A row against the n packed ones that come before it. */
static rid_status take_positives(const job *j, finds *f, uint32_t row, const uint32_t *packed_rows,
                                 size_t n, rid_err *err)
{
    const rid_hard_entries *e = j->e;
    rid_status st = RID_OK;
    rid_kernel_get()->product(f->scores, TILE, e->emb + row * e->dim, e->dim, 1, f->packed,
                              rid_kernel_panels(n), e->dim);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        const rid_hard_pair p = {packed_rows[i], row, f->scores[i], RID_RISK_HARD_POS};
        if ((double)p.sim > j->limits->pos_max)
            continue;
        f->n_found++;
        if (is_known(j, p.a, p.b))
            f->n_known++;
        else
            st = keep(&f->person, &p, err);
    }
    return st;
}

static rid_status find_of_person(const job *j, finds *f, size_t person, rid_err *err)
{
    const rid_hard_entries *e = j->e;
    const uint32_t *rows = j->rows + j->first_row[person];
    const size_t n = j->first_row[person + 1] - j->first_row[person];
    rid_status st = RID_OK;
    f->person.n = 0;
    for (size_t first = 0; first + 1 < n && st == RID_OK; first += TILE) {
        const size_t columns = n - first < TILE ? n - first : TILE;
        for (size_t i = 0; i < columns; i++)
            rid_kernel_pack_row(f->packed, e->emb + rows[first + i] * e->dim, i, e->dim);
        for (size_t r = first + 1; r < n && st == RID_OK; r++)
            st = take_positives(j, f, rows[r], rows + first,
                                r - first < columns ? r - first : columns, err);
        if (st == RID_OK)
            st = rid_interrupt_check(err);
    }
    return st;
}

static rid_status collect_positives(job *j, rid_err *err)
{
    rid_status st = RID_OK;
    uint64_t n_found = 0, n_known = 0;
#pragma omp parallel num_threads(j->threads) reduction(+ : n_found, n_known)
    {
        const size_t thread = (size_t)omp_get_thread_num();
        rid_err mine = {0};
        finds f = {.packed = j->packed + thread * TILE * j->e->dim,
                   .scores = j->scores + thread * TILE_ROWS * TILE,
                   .person = {.limit = j->limits->per_person}};
#pragma omp for schedule(dynamic, 16)
        for (size_t p = 0; p < j->e->n_persons; p++) {
            rid_status one = find_of_person(j, &f, p, &mine);
#pragma omp critical(rid_hard_pairs)
            {
                for (size_t i = 0; i < f.person.n && one == RID_OK; i++)
                    one = keep(&j->positives, &f.person.pairs[i], &mine);
                if (one != RID_OK)
                    note_failure(&st, err, one, &mine);
            }
        }
        n_found += f.n_found;
        n_known += f.n_known;
        rid_mem_free(f.person.pairs);
    }
    j->out->n_found[RID_RISK_HARD_POS] = n_found;
    j->out->n_known += n_known;
    return st;
}

/* ---- ranks and caps ---- */

/* The pairs in order of rank, those of persons that have enough of them left out. count: scratch
 * (n_persons). */
static void rank(const job *j, keeper *k, uint32_t *count)
{
    const uint32_t *person = j->e->person;
    size_t n = 0;
    if (k->n == 0)
        return;
    qsort(k->pairs, k->n, sizeof *k->pairs, compare_rank);
    for (size_t p = 0; p < j->e->n_persons; p++)
        count[p] = 0;
    for (size_t i = 0; i < k->n && n < j->limits->max; i++) {
        uint32_t *a = &count[person[k->pairs[i].a]], *b = &count[person[k->pairs[i].b]];
        if (*a >= j->limits->per_person || *b >= j->limits->per_person)
            continue;
        ++*a;
        *b += a != b;
        k->pairs[n++] = k->pairs[i];
    }
    k->n = n;
}

static rid_status choose(job *j, rid_err *err)
{
    keeper *of[RID_RISK_COUNT] = {&j->negatives[0], &j->negatives[1], &j->positives};
    size_t n = 0, longest = 0;
    uint32_t *count = rid_mem_alloc(j->e->n_persons, sizeof *count);
    if (!count)
        return RID_FAIL_NOMEM(err);
    for (int r = 0; r < RID_RISK_COUNT; r++) {
        rank(j, of[r], count);
        n += of[r]->n;
        longest = of[r]->n > longest ? of[r]->n : longest;
    }
    rid_mem_free(count);
    n = n < j->limits->max ? n : j->limits->max;
    j->out->pairs = rid_mem_alloc(n, sizeof *j->out->pairs);
    if (!j->out->pairs)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < longest; i++)
        for (int r = 0; r < RID_RISK_COUNT; r++)
            if (i < of[r]->n && j->out->n < n)
                j->out->pairs[j->out->n++] = of[r]->pairs[i];
    return RID_OK;
}

static rid_status allocate(job *j, rid_err *err)
{
    const rid_hard_entries *e = j->e;
    const size_t threads = (size_t)j->threads;
    const size_t packed_rows = threads * TILE > BLOCK ? threads * TILE : BLOCK;
    for (int r = 0; r < 2; r++)
        j->negatives[r].limit = SIZE_MAX;
    j->positives.limit = j->limits->max;
    j->near = rid_mem_alloc(e->n * sizeof *j->near, j->limits->nearest);
    j->packed =
        rid_mem_alloc_aligned(rid_kernel_packed_floats(packed_rows, e->dim), sizeof *j->packed);
    j->scores = rid_mem_alloc_aligned(threads * TILE_ROWS * TILE, sizeof *j->scores);
    j->rows = rid_mem_alloc(e->n, sizeof *j->rows);
    j->first_row = rid_mem_zalloc(e->n_persons + 1, sizeof *j->first_row);
    return j->near && j->packed && j->scores && j->rows && j->first_row ? RID_OK
                                                                        : RID_FAIL_NOMEM(err);
}

static rid_status check_finite(const rid_hard_entries *e, rid_err *err)
{
    for (size_t i = 0; i < e->n * e->dim; i++)
        if (!isfinite(e->emb[i]))
            return RID_FAIL(err, RID_EDATA, "an embedding holds a number that is not finite");
    return RID_OK;
}

rid_status rid_hard_pairs_find(rid_hard_pairs *out, const rid_hard_entries *e,
                               const rid_hard_limits *limits, const rid_hard_review *review,
                               int threads, rid_progress *progress, rid_err *err)
{
    job j = {.e = e,
             .limits = limits,
             .review = review,
             .out = out,
             .threads = threads > 0 ? threads : 1};
    *out = (rid_hard_pairs){0};
    rid_status st = check_finite(e, err);
    if (st == RID_OK)
        st = allocate(&j, err);
    if (st == RID_OK)
        st = scan_negatives(&j, progress, err);
    if (st == RID_OK)
        st = collect_negatives(&j, err);
    if (st == RID_OK) {
        group_rows(&j);
        st = collect_positives(&j, err);
    }
    if (st == RID_OK)
        st = choose(&j, err);
    rid_progress_finish(progress, e->n, e->n);
    rid_mem_free(j.near);
    rid_mem_free(j.packed);
    rid_mem_free(j.scores);
    rid_mem_free(j.rows);
    rid_mem_free(j.first_row);
    rid_mem_free(j.negatives[0].pairs);
    rid_mem_free(j.negatives[1].pairs);
    rid_mem_free(j.positives.pairs);
    if (st != RID_OK)
        rid_hard_pairs_clear(out);
    return st;
}

void rid_hard_pairs_clear(rid_hard_pairs *p)
{
    rid_mem_free(p->pairs);
    *p = (rid_hard_pairs){0};
}
