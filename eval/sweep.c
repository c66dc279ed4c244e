#include "eval/sweep.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/linkage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* For keeping scores: all those of one bucket of 8,000 entries. */
#define SPARE_BYTES ((size_t)128 << 20)

struct rid_sweep {
    rid_sweep_bucket *buckets; /* (n) */
    rid_replay *replays;       /* (n) */
    size_t n, largest;         /* entries of the largest bucket */
    size_t dim, spare;
    bool identity;
};

rid_status rid_sweep_new(rid_sweep **out, size_t max_buckets, size_t dim, bool identity,
                         rid_err *err)
{
    rid_sweep *s = rid_mem_zalloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return RID_FAIL_NOMEM(err);
    s->identity = identity;
    s->dim = dim;
    s->spare = SPARE_BYTES;
    s->buckets = rid_mem_alloc(max_buckets, sizeof *s->buckets);
    s->replays = rid_mem_alloc(max_buckets, sizeof *s->replays);
    if (!s->buckets || !s->replays) {
        rid_sweep_free(s);
        return RID_FAIL_NOMEM(err);
    }
    *out = s;
    return RID_OK;
}

rid_status rid_sweep_add(rid_sweep *s, const rid_sweep_bucket *b, int threads, rid_err *err)
{
    const rid_status st = rid_replay_init(&s->replays[s->n], b->emb, b->usable, b->n, s->dim,
                                          s->identity, &s->spare, threads, err);
    if (st != RID_OK)
        return st;
    s->buckets[s->n++] = *b;
    if (b->n > s->largest)
        s->largest = b->n;
    return RID_OK;
}

void rid_sweep_free(rid_sweep *s)
{
    if (!s)
        return;
    for (size_t b = 0; b < s->n; b++)
        rid_replay_clear(&s->replays[b]);
    rid_mem_free(s->buckets);
    rid_mem_free(s->replays);
    rid_mem_free(s);
}

/* ---- quantiles ---- */

void rid_sweep_grid_clear(rid_sweep_grid *g)
{
    rid_mem_free(g->threshold);
    rid_mem_free(g->margin);
    *g = (rid_sweep_grid){0};
}

static int compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts, and keeps at most `most` values, the first and the last among them. */
static size_t keep_quantiles(double *x, size_t n, size_t most)
{
    size_t kept = 0;
    qsort(x, n, sizeof *x, compare_doubles);
    if (most > n)
        most = n;
    for (size_t i = 0; i < most; i++) {
        const double value = most > 1 ? x[i * (n - 1) / (most - 1)] : x[n - 1];
        if (kept == 0 || value != x[kept - 1])
            x[kept++] = value;
    }
    return kept;
}

/* How far the best other entry is from nn1: the second best, or the best of another true person. */
static double distance_to_nn2(const rid_sweep_bucket *b, const rid_replay *r,
                              const rid_neighbour *best, rid_nn2_mode nn2)
{
    float other = RID_NN2_NONE;
    for (size_t c = 1; c < r->k && best[c].row != RID_NO_ENTRY; c++) {
        other = best[c].score;
        if (nn2 == RID_NN2_NEIGHBOR || b->person[best[c].row] != b->person[best[0].row])
            break;
    }
    return (double)best[0].score - (double)other;
}

static size_t collect_scores(const rid_sweep *s, rid_nn2_mode nn2, double *threshold,
                             double *margin)
{
    size_t n = 0;
    for (size_t b = 0; b < s->n; b++) {
        const rid_replay *r = &s->replays[b];
        for (size_t i = 0; i < r->n_matchable; i++) {
            const rid_neighbour *best = r->best + i * r->k;
            if (best[0].row == RID_NO_ENTRY)
                continue;
            threshold[n] = (double)best[0].score;
            margin[n++] = distance_to_nn2(&s->buckets[b], r, best, nn2);
        }
    }
    return n;
}

rid_status rid_sweep_quantiles(const rid_sweep *s, rid_nn2_mode nn2, size_t max_side,
                               rid_sweep_grid *out, rid_err *err)
{
    size_t n = 1;
    for (size_t b = 0; b < s->n; b++)
        n += s->replays[b].n_matchable;
    *out = (rid_sweep_grid){.threshold = rid_mem_alloc(n, sizeof(double)),
                            .margin = rid_mem_alloc(n + 1, sizeof(double))};
    if (!out->threshold || !out->margin) {
        rid_sweep_grid_clear(out);
        return RID_FAIL_NOMEM(err);
    }
    n = collect_scores(s, nn2, out->threshold, out->margin + 1);
    if (n == 0)
        out->threshold[n++] = out->margin[1] = 1; /* nothing to match: any will do */
    out->n_thresholds = keep_quantiles(out->threshold, n, max_side);
    n = max_side > 1 ? keep_quantiles(out->margin + 1, n, max_side - 1) : 0;
    out->margin[0] = 0;
    out->n_margins = n > 0 && out->margin[1] == 0 ? n : n + 1;
    if (out->n_margins == n)
        memmove(out->margin, out->margin + 1, n * sizeof *out->margin);
    return RID_OK;
}

/* ---- surface of `identity`: lanes ---- */

/* What one thread works with. */
typedef struct worker {
    const rid_sweep *s;
    const rid_sweep_grid *grid;
    rid_sweep_cell *out;
    size_t bucket;  /* whose truth is at hand */
    rid_truth *truth;
    uint32_t *label; /* (largest, lanes) */
    float *scores;
    rid_sweep_cell *cells; /* (RID_LANES) */
} worker;

static size_t lanes_for(size_t n)
{
    return (n + RID_LANE_BLOCK - 1) / RID_LANE_BLOCK * RID_LANE_BLOCK;
}

static rid_status start_worker(worker *w, rid_err *err)
{
    size_t n_scores = 0, lanes = lanes_for(w->grid->n_thresholds);
    for (size_t b = 0; b < w->s->n; b++)
        if (rid_replay_scratch(&w->s->replays[b]) > n_scores)
            n_scores = rid_replay_scratch(&w->s->replays[b]);
    w->bucket = SIZE_MAX;
    w->label = rid_mem_alloc_aligned(w->s->largest * sizeof *w->label,
                                     lanes < RID_LANES ? lanes : RID_LANES);
    w->scores = rid_mem_alloc_aligned(n_scores, sizeof *w->scores);
    w->cells = rid_mem_alloc(RID_LANES, sizeof *w->cells);
    return w->label && w->scores && w->cells ? RID_OK : RID_FAIL_NOMEM(err);
}

static void end_worker(worker *w)
{
    rid_truth_free(w->truth);
    rid_mem_free(w->label);
    rid_mem_free(w->scores);
    rid_mem_free(w->cells);
}

static rid_status take_bucket(worker *w, size_t bucket, rid_err *err)
{
    const rid_sweep_bucket *b = &w->s->buckets[bucket];
    if (w->bucket == bucket)
        return RID_OK;
    rid_truth_free(w->truth);
    w->bucket = bucket;
    return rid_truth_new(&w->truth, b->person, b->n, err);
}

/* Where a search of row i counts when it matches; NULL: nowhere. */
static uint64_t *outcome(rid_search_counts *c, const rid_sweep_bucket *b, const uint8_t *mated,
                         size_t row, uint32_t joined)
{
    const uint32_t person = b->person[row];
    if (person == RID_UNLABELLED)
        return NULL;
    if (b->person[joined] == RID_UNLABELLED)
        return &c->to_unlabelled;
    if (b->person[joined] == person)
        return &c->hits;
    return mated[row] ? &c->wrong_matches : &c->false_matches;
}

static void count_searches(worker *w, size_t n, size_t lanes)
{
    const rid_sweep_bucket *b = &w->s->buckets[w->bucket];
    const rid_replay *r = &w->s->replays[w->bucket];
    const uint8_t *mated = rid_truth_mated(w->truth);
    rid_search_counts all = {0};
    for (size_t i = 0; i < b->n; i++) {
        all.mated += b->person[i] != RID_UNLABELLED && mated[i];
        all.nonmated += b->person[i] != RID_UNLABELLED && !mated[i];
    }
    for (size_t l = 0; l < n; l++)
        w->cells[l].searches = all;
    for (size_t i = 0; i < r->n_matchable; i++) {
        const uint32_t row = r->row_of[i], joined = r->best[i * r->k].row;
        const uint32_t *label = w->label + row * lanes;
        /* Lanes ascend: behind the last threshold that is reached none matches. */
        for (size_t l = 0; l < n && joined != RID_NO_ENTRY; l++) {
            uint64_t *count = outcome(&w->cells[l].searches, b, mated, row, joined);
            if (!count)
                break;
            *count += label[l] != row;
            if (count == &w->cells[l].searches.to_unlabelled && !mated[row])
                w->cells[l].searches.nonmated_to_unlabelled += label[l] != row;
        }
    }
}

static void count_pairs(worker *w, size_t n, size_t lanes)
{
    const rid_sweep_bucket *b = &w->s->buckets[w->bucket];
    for (size_t l = 0; l < n; l++)
        w->cells[l].pairs = (rid_pair_counts){0};
    for (size_t i = 0; i < b->n_pairs; i++) {
        const rid_pair *p = &b->pairs[i];
        for (size_t l = 0; l < n; l++)
            rid_pair_counts_take(&w->cells[l].pairs, p->same,
                                 w->label[p->a * lanes + l] == w->label[p->b * lanes + l]);
    }
}

/* One margin of a bucket, thresholds [first, first+n). */
static void sweep_lanes(worker *w, size_t margin, size_t first, size_t n)
{
    const size_t lanes = lanes_for(n), side = w->grid->n_thresholds;
    double threshold[RID_LANES];
    for (size_t l = 0; l < lanes; l++)
        threshold[l] = l < n ? w->grid->threshold[first + l] : INFINITY;
    rid_replay_run(&w->s->replays[w->bucket], w->grid->margin[margin], threshold, lanes,
                   w->label, w->scores);
    count_searches(w, n, lanes);
    count_pairs(w, n, lanes);
    for (size_t l = 0; l < n; l++)
        rid_truth_count(w->truth, w->label + l, lanes, &w->cells[l].clusters);
#pragma omp critical(rid_sweep_cells)
    for (size_t l = 0; l < n; l++) {
        rid_sweep_cell *cell = &w->out[margin * side + first + l];
        rid_cluster_counts_add(&cell->clusters, &w->cells[l].clusters);
        rid_search_counts_add(&cell->searches, &w->cells[l].searches);
        rid_pair_counts_add(&cell->pairs, &w->cells[l].pairs);
    }
}

static rid_status sweep_margin(worker *w, size_t bucket, size_t margin, rid_err *err)
{
    rid_status st = rid_interrupt_check(err);
    if (st == RID_OK)
        st = take_bucket(w, bucket, err);
    for (size_t first = 0; st == RID_OK && first < w->grid->n_thresholds; first += RID_LANES) {
        const size_t left = w->grid->n_thresholds - first;
        sweep_lanes(w, margin, first, left < RID_LANES ? left : RID_LANES);
    }
    return st;
}

static rid_status sweep_lanes_of_all(const rid_sweep *s, const rid_sweep_grid *grid,
                                     rid_sweep_cell *out, int threads, rid_err *err)
{
    const size_t n_tasks = s->n * grid->n_margins;
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (n_tasks > 1)
    {
        worker w = {.s = s, .grid = grid, .out = out};
        rid_err mine = {0};
        rid_status one = start_worker(&w, &mine);
#pragma omp for schedule(dynamic, 1)
        for (size_t task = 0; task < n_tasks; task++)
            if (one == RID_OK)
                one = sweep_margin(&w, task / grid->n_margins, task % grid->n_margins, &mine);
        if (one != RID_OK) {
#pragma omp critical(rid_sweep_error)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        end_worker(&w);
    }
    return st;
}

/* ---- surface of `neighbor`: links ---- */

/* Margin m of a bucket. */
static rid_status sweep_links(const rid_linkage *l, rid_forest *f, rid_pair_watch *w,
                              const rid_sweep_grid *grid, size_t m, rid_sweep_cell *out,
                              rid_err *err)
{
    rid_descent d;
    const rid_status st = rid_interrupt_check(err);
    if (st != RID_OK)
        return st;
    rid_descent_begin(&d, l, f, grid->margin[m]);
    rid_pair_watch_begin(w);
    for (size_t t = grid->n_thresholds; t-- > 0;) {
        rid_sweep_cell *cell = &out[m * grid->n_thresholds + t];
        rid_descent_to(&d, grid->threshold[t]);
        rid_pair_watch_take(w, f);
        const rid_search_counts searches = rid_descent_searches(&d);
        rid_cluster_counts_add(&cell->clusters, rid_forest_counts(f));
        rid_search_counts_add(&cell->searches, &searches);
        rid_pair_counts_add(&cell->pairs, &w->counts);
    }
    return RID_OK;
}

static rid_status sweep_margins(const rid_linkage *l, const rid_sweep_grid *grid,
                                rid_sweep_cell *out, int threads, rid_err *err)
{
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (l->n > 0)
    {
        rid_err mine = {0};
        rid_forest *f = rid_forest_new(&l->truth);
        rid_pair_watch w;
        rid_status one = rid_pair_watch_init(&w, l, &mine);
        if (one == RID_OK && !f)
            one = RID_FAIL_NOMEM(&mine);
#pragma omp for schedule(dynamic, 1)
        for (size_t m = 0; m < grid->n_margins; m++)
            if (one == RID_OK)
                one = sweep_links(l, f, &w, grid, m, out, &mine);
        if (one != RID_OK) {
#pragma omp critical(rid_sweep_error)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_pair_watch_clear(&w);
        rid_forest_free(f);
    }
    return st;
}

static rid_linkage_part part_of(const rid_sweep *s, size_t b)
{
    const rid_sweep_bucket *bucket = &s->buckets[b];
    return (rid_linkage_part){&s->replays[b], bucket->person, bucket->pairs, bucket->n_pairs};
}

static rid_status sweep_links_of_all(const rid_sweep *s, const rid_sweep_grid *grid,
                                     rid_sweep_cell *out, int threads, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t b = 0; b < s->n && st == RID_OK; b++) {
        const rid_linkage_part part = part_of(s, b);
        rid_linkage l;
        st = rid_linkage_init(&l, &part, 1, err);
        if (st == RID_OK)
            st = sweep_margins(&l, grid, out, threads, err);
        rid_linkage_clear(&l);
    }
    return st;
}

rid_status rid_sweep_link(const rid_sweep *s, rid_linkage *out, rid_err *err)
{
    rid_linkage_part *parts = rid_mem_alloc(s->n, sizeof *parts);
    *out = (rid_linkage){0};
    if (!parts)
        return RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < s->n; b++)
        parts[b] = part_of(s, b);
    const rid_status st = rid_linkage_init(out, parts, s->n, err);
    rid_mem_free(parts);
    return st;
}

rid_status rid_sweep_surface(const rid_sweep *s, rid_nn2_mode nn2, const rid_sweep_grid *grid,
                             rid_sweep_cell *out, int threads, rid_err *err)
{
    memset(out, 0, grid->n_margins * grid->n_thresholds * sizeof *out);
    return nn2 == RID_NN2_NEIGHBOR ? sweep_links_of_all(s, grid, out, threads, err)
                                   : sweep_lanes_of_all(s, grid, out, threads, err);
}

rid_status rid_sweep_surface_of(const rid_sweep *s, size_t bucket, rid_nn2_mode nn2,
                                const rid_sweep_grid *grid, rid_sweep_cell *out, int threads,
                                rid_err *err)
{
    const rid_sweep one = {.buckets = s->buckets + bucket,
                           .replays = s->replays + bucket,
                           .n = 1,
                           .largest = s->buckets[bucket].n,
                           .dim = s->dim,
                           .identity = s->identity};
    return rid_sweep_surface(&one, nn2, grid, out, threads, err);
}

/* ---- one rule ---- */

size_t rid_sweep_count(const rid_sweep *s)
{
    return s->n;
}

const rid_sweep_bucket *rid_sweep_at(const rid_sweep *s, size_t bucket)
{
    return &s->buckets[bucket];
}

size_t rid_sweep_matchable(const rid_sweep *s, size_t bucket)
{
    return s->replays[bucket].n_matchable;
}

void rid_sweep_nearest(const rid_sweep *s, size_t bucket, rid_neighbour *nn1)
{
    const rid_replay *r = &s->replays[bucket];
    for (size_t row = 0; row < r->n; row++)
        nn1[row] = (rid_neighbour){RID_NN2_NONE, RID_NO_ENTRY};
    for (size_t i = 0; i < r->n_matchable; i++)
        nn1[r->row_of[i]] = r->best[i * r->k];
}

static void replay_links(const rid_replay *r, const rid_rule *rule, uint32_t *label)
{
    for (size_t row = 0; row < r->n; row++)
        label[row] = (uint32_t)row;
    for (size_t i = 0; i < r->n_matchable; i++) {
        const rid_neighbour *best = r->best + i * r->k;
        const float nn2 = best[1].row == RID_NO_ENTRY ? RID_NN2_NONE : best[1].score;
        if (rid_rule_matches(rule, &best[0], nn2))
            label[r->row_of[i]] = label[best[0].row];
    }
}

static rid_status replay_lane(const rid_replay *r, const rid_rule *rule, uint32_t *label, rid_err *err)
{
    double threshold[RID_LANE_BLOCK];
    uint32_t *lanes = rid_mem_alloc_aligned(r->n * sizeof *lanes, RID_LANE_BLOCK);
    float *scratch = rid_mem_alloc_aligned(rid_replay_scratch(r), sizeof *scratch);
    const bool ok = lanes && scratch;
    for (size_t l = 0; l < RID_LANE_BLOCK; l++)
        threshold[l] = l == 0 ? rule->threshold : INFINITY;
    if (ok)
        rid_replay_run(r, rule->margin, threshold, RID_LANE_BLOCK, lanes, scratch);
    for (size_t row = 0; ok && row < r->n; row++)
        label[row] = lanes[row * RID_LANE_BLOCK];
    rid_mem_free(lanes);
    rid_mem_free(scratch);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

rid_status rid_sweep_replay(const rid_sweep *s, size_t bucket, const rid_rule *rule, uint32_t *label,
                            uint32_t *joined, rid_err *err)
{
    const rid_replay *r = &s->replays[bucket];
    rid_status st = RID_OK;
    if (rule->nn2 == RID_NN2_NEIGHBOR)
        replay_links(r, rule, label);
    else
        st = replay_lane(r, rule, label, err);
    for (size_t row = 0; row < r->n; row++)
        joined[row] = RID_NO_ENTRY;
    for (size_t i = 0; i < r->n_matchable && st == RID_OK; i++)
        if (label[r->row_of[i]] != r->row_of[i])
            joined[r->row_of[i]] = r->best[i * r->k].row;
    return st;
}
