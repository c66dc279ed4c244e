#include "eval/ranking.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"
#include "eval/ranking_layout.h"

#include <math.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Queries at a time against the whole gallery: enough for each packed row to be used often, few
 * enough for their scores to stay near. A multiple of every kernel's row count. */
enum { TILE_ROWS = 12 };

/* A query's scores are put into buckets, each of so many bins: a positive's rank is then a matter
 * of one bucket, and comparing all positives with the scores of one bucket stays in fast caches. */
enum { BUCKET_BINS = 64, N_BUCKETS = RID_SCORE_BINS / BUCKET_BINS };

typedef struct query_result {
    rid_ranking_query q;
    double sum, squares; /* of the scores of negatives */
} query_result;

typedef struct job {
    const rid_ranking_input *in;
    rid_ranking_layout layout;
    float *packed;        /* rows of all places */
    query_result *result; /* (layout.n_queries) */
    float *positive;      /* (layout.n_pairs): scores; `positives` takes them over */
    rid_positives *positives;
} job;

typedef struct ranked {
    float score;
    uint32_t entry;
} ranked;

/* What a thread works with. */
typedef struct scratch {
    float *rows;                      /* (TILE_ROWS, dim) */
    float *scores;                    /* (TILE_ROWS, stride): of the panels that hold a group */
    size_t stride;
    ranked *ranked;                   /* (max_range) */
    size_t *before;                   /* (max_range): negatives before each */
    float *sorted;                    /* (max_seen): one query's negatives */
    int *bucket;                      /* (max_seen) */
    uint32_t (*first)[N_BUCKETS + 1]; /* (TILE_ROWS) */
    rid_negatives *negatives;
    rid_rerank_scorer *rerank; /* NULL without */
} scratch;

static rid_status pack_gallery(job *j, int threads, rid_err *err)
{
    const rid_ranking_layout *l = &j->layout;
    const size_t dim = j->in->dim, n_panels = rid_kernel_panels(l->n_places);
    int finite = 1;
    j->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(l->n_places, dim), sizeof(float));
    j->result = rid_mem_zalloc(l->n_queries, sizeof *j->result);
    if (!j->packed || !j->result)
        return RID_FAIL_NOMEM(err);
#pragma omp parallel for num_threads(threads) reduction(&& : finite) schedule(static)              \
    if (l->n_places > 1000)
    for (size_t p = 0; p < n_panels; p++) {
        memset(j->packed + p * RID_PANEL * dim, 0, RID_PANEL * dim * sizeof(float));
        for (size_t i = p * RID_PANEL; i < (p + 1) * RID_PANEL && i < l->n_places; i++) {
            const float *row = j->in->emb + l->entry[i] * dim;
            rid_kernel_pack_row(j->packed, row, i, dim);
            for (size_t k = 0; k < dim; k++)
                finite = finite && isfinite(row[k]);
        }
    }
    for (size_t q = 0; q < l->n_queries && j->in->gallery; q++) /* queries may stand nowhere else */
        for (size_t k = 0; k < dim && l->query[q].usable; k++)
            finite = finite && isfinite(j->in->emb[l->query[q].entry * dim + k]);
    if (!finite)
        return RID_FAIL(err, RID_EDATA, "an embedding holds a number that is not finite");
    return RID_OK;
}

/* Scores of n rows against the panels that hold the places [from, to), `stride` apart. Returns where that
 * of the first row and `from` is. */
static float *score_rows(const job *j, scratch *s, const float *rows, size_t n, size_t from,
                         size_t to)
{
    const size_t first = from / RID_PANEL, dim = j->in->dim;
    rid_kernel_get()->product(s->scores, s->stride, rows, dim, n,
                              j->packed + first * RID_PANEL * dim, rid_kernel_panels(to) - first,
                              dim);
    return s->scores + (from - first * RID_PANEL);
}

/* ---- threads ---- */

static void scratch_free(scratch *s)
{
    rid_mem_free(s->rows);
    rid_mem_free(s->scores);
    rid_mem_free(s->ranked);
    rid_mem_free(s->before);
    rid_mem_free(s->sorted);
    rid_mem_free(s->bucket);
    rid_mem_free(s->first);
    rid_negatives_close(s->negatives);
    rid_rerank_scorer_free(s->rerank);
}

/* Negatives can be taken once the positives are known. */
static rid_status scratch_init(scratch *s, const job *j, rid_err *err)
{
    const rid_ranking_layout *l = &j->layout;
    const rid_rerank *rerank = j->in->rerank;
    const size_t stride = (rid_kernel_panels(l->max_seen) + 1) * RID_PANEL;
    *s = (scratch){
        .rows = rid_mem_alloc_aligned(TILE_ROWS * j->in->dim, sizeof *s->rows),
        .scores = rid_mem_alloc_aligned(TILE_ROWS * stride, sizeof *s->scores),
        .stride = stride,
        .ranked = rid_mem_alloc(l->max_range, sizeof *s->ranked),
        .before = rid_mem_alloc(l->max_range, sizeof *s->before),
        .sorted = rid_mem_alloc(l->max_seen, sizeof *s->sorted),
        .bucket = rid_mem_alloc(l->max_seen, sizeof *s->bucket),
        .first = rid_mem_alloc(TILE_ROWS, sizeof *s->first),
        .negatives = j->positives ? rid_negatives_new(j->positives) : NULL,
        .rerank = rerank ? rid_rerank_scorer_new(rerank) : NULL,
    };
    if (s->rows && s->scores && s->ranked && s->before && s->sorted && s->bucket && s->first &&
        (s->negatives || !j->positives) && (s->rerank || !rerank))
        return RID_OK;
    return RID_FAIL_NOMEM(err);
}

/* Work on each tile of queries, each thread with a scratch of its own. */
static rid_status each_tile(const job *j, int threads,
                            void (*work)(const job *j, size_t from, size_t to, scratch *s),
                            rid_progress *progress, rid_err *err)
{
    const rid_ranking_layout *l = &j->layout;
    atomic_size_t n_done = 0;
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads) if (l->n_tiles > 1)
    {
        scratch s;
        rid_err mine = {0};
        rid_status one = scratch_init(&s, j, &mine);
#pragma omp for schedule(dynamic, 4)
        for (size_t i = 0; i < l->n_tiles; i++) {
            if (one == RID_OK)
                one = rid_interrupt_check(&mine);
            if (one == RID_OK)
                work(j, l->tile[i], l->tile[i + 1], &s);
            atomic_fetch_add(&n_done, l->tile[i + 1] - l->tile[i]);
            if (omp_get_thread_num() == 0)
                rid_progress_update(progress, n_done, l->n_queries);
        }
        if (one != RID_OK) {
#pragma omp critical(rid_ranking)
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

/* ---- positives' scores ---- */

static void score_positives(const job *j, const rid_ranking_place *q, scratch *s, float *out)
{
    const uint32_t *entry = j->layout.entry + q->begin;
    if (q->n_retrieved == 0)
        return;
    float *scores = score_rows(j, s, j->in->emb + q->entry * j->in->dim, 1, q->begin, q->end);
    if (s->rerank)
        rid_rerank_score(s->rerank, scores, q->entry, entry, q->end - q->begin);
    for (uint32_t i = 0; i < q->end - q->begin; i++)
        if (!rid_ranking_leaves_out(j->in, q->entry, entry[i]))
            *out++ = scores[i];
}

static void score_tile(const job *j, size_t from, size_t to, scratch *s)
{
    for (size_t q = from; q < to; q++)
        score_positives(j, &j->layout.query[q], s, j->positive + j->layout.query[q].first_score);
}

static rid_status collect_positives(job *j, int threads, rid_err *err)
{
    j->positive = rid_mem_alloc(j->layout.n_pairs, sizeof *j->positive);
    rid_status st =
        j->positive ? each_tile(j, threads, score_tile, NULL, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        st = rid_positives_new(&j->positives, j->positive, j->layout.n_pairs, err);
        j->positive = NULL;
    }
    return st;
}

/* ---- one query ---- */

static int compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* The query's positives, best first; returns their number. */
static size_t sort_positives(const job *j, const rid_ranking_place *q, const float *scores,
                             scratch *s)
{
    size_t n = 0;
    for (uint32_t i = q->begin; i < q->end; i++)
        if (!rid_ranking_leaves_out(j->in, q->entry, j->layout.entry[i]))
            s->ranked[n++] = (ranked){scores[i - q->from], j->layout.entry[i]};
    qsort(s->ranked, n, sizeof *s->ranked, compare_ranked);
    return n;
}

/* [from, to) of a query's scores that are negatives': all but its person's. */
typedef struct span {
    size_t from, to;
} span;

/* Puts scores into the order of their buckets; first (N_BUCKETS + 1): where each begins. */
static void sort_into_buckets(float *sorted, uint32_t *first, int *bucket, const float *scores,
                              const span part[2])
{
    memset(first, 0, (N_BUCKETS + 1) * sizeof *first);
    for (size_t p = 0; p < 2; p++)
        for (size_t i = part[p].from; i < part[p].to; i++) {
            bucket[i] = rid_score_bin(scores[i]) / BUCKET_BINS;
            first[bucket[i] + 1]++;
        }
    for (size_t b = 0; b < N_BUCKETS; b++)
        first[b + 1] += first[b];
    for (size_t p = 0; p < 2; p++)
        for (size_t i = part[p].from; i < part[p].to; i++)
            sorted[first[bucket[i]]++] = scores[i];
    memmove(first + 1, first, N_BUCKETS * sizeof *first);
    first[0] = 0;
}

/* Negatives as high as the positives [from, to), which are equal, stand before those of later
 * entries. */
static void rank_ties(const uint32_t *entry, const float *scores, const span part[2], scratch *s,
                      size_t from, size_t to)
{
    for (size_t p = 0; p < 2; p++)
        for (size_t i = part[p].from; i < part[p].to; i++) {
            if (scores[i] != s->ranked[from].score)
                continue;
            size_t k = from;
            while (k < to && s->ranked[k].entry < entry[i])
                k++;
            for (; k < to; k++)
                s->before[k]++;
        }
}

/* For each of the n positives, how many negatives stand before it; entry: that of each score. */
static void rank_positives(const uint32_t *entry, const float *scores, const span part[2], size_t n,
                           const float *sorted, const uint32_t *first, scratch *s)
{
    for (size_t i = 0, next; i < n; i = next) {
        const float score = s->ranked[i].score;
        const size_t bucket = (size_t)(rid_score_bin(score) / BUCKET_BINS);
        size_t higher = first[N_BUCKETS] - first[bucket + 1], equal = 0;
        for (size_t k = first[bucket]; k < first[bucket + 1]; k++) {
            higher += sorted[k] > score;
            equal += sorted[k] == score;
        }
        for (next = i; next < n && s->ranked[next].score == score; next++)
            s->before[next] = higher;
        if (equal > 0)
            rank_ties(entry, scores, part, s, i, next);
    }
}

static void set_ranks(rid_ranking_query *r, size_t n, const scratch *s)
{
    double precisions = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        last = (double)(i + 1) / (double)(s->before[i] + i + 1);
        precisions += last;
    }
    r->first = n > 0 ? (uint32_t)s->before[0] + 1 : 0;
    r->ap = precisions / r->n_positives;
    r->inp = n == r->n_positives ? last : 0;
}

/* Of scores in buckets. */
static float highest(const float *sorted, const uint32_t *first)
{
    float best = -INFINITY;
    size_t b = N_BUCKETS;
    while (b > 0 && first[b - 1] == first[N_BUCKETS])
        b--;
    for (size_t i = b > 0 ? first[b - 1] : 0; i < first[N_BUCKETS]; i++)
        best = sorted[i] > best ? sorted[i] : best;
    return best;
}

/* Sums in eight lanes, added up in order: the same bits on every machine. */
static void add_moments(query_result *r, const float *x, size_t n)
{
    enum { LANES = 8 };
    double sum[LANES] = {0}, squares[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            sum[k] += (double)x[i + k];
            squares[k] += (double)x[i + k] * (double)x[i + k];
        }
    for (; i < n; i++) {
        sum[0] += (double)x[i];
        squares[0] += (double)x[i] * (double)x[i];
    }
    for (size_t k = 0; k < LANES; k++) {
        r->sum += sum[k];
        r->squares += squares[k];
    }
}

/* Leaves in the place of the scores the negatives, in the order of their buckets. */
static void take_query(const job *j, size_t at, float *scores, uint32_t *first, scratch *s)
{
    const rid_ranking_place *q = &j->layout.query[at];
    const uint32_t *entry = j->layout.entry + q->from;
    query_result *r = &j->result[at];
    const span part[2] = {{0, q->begin - q->from}, {q->end - q->from, q->to - q->from}};
    if (s->rerank)
        rid_rerank_score(s->rerank, scores, q->entry, entry, q->to - q->from);
    const size_t n = sort_positives(j, q, scores, s);
    for (size_t p = 0; p < 2; p++)
        add_moments(r, scores + part[p].from, part[p].to - part[p].from);
    sort_into_buckets(s->sorted, first, s->bucket, scores, part);
    rank_positives(entry, scores, part, n, s->sorted, first, s);
    if (q->n_positives > 0)
        set_ranks(&r->q, n, s);
    if (n > 0)
        r->q.best_positive = s->ranked[0].score;
    r->q.best_negative = highest(s->sorted, first);
    memcpy(scores, s->sorted, first[N_BUCKETS] * sizeof *scores);
}

/* ---- all queries ---- */

/* Queries [from, to), of one group; the embeddings of some cannot be used. */
static void take_tile(const job *j, size_t from, size_t to, scratch *s)
{
    const size_t dim = j->in->dim;
    const rid_ranking_place *query = j->layout.query;
    size_t at[TILE_ROWS], n = 0;
    for (size_t q = from; q < to; q++) {
        if (!query[q].usable)
            continue;
        memcpy(s->rows + n * dim, j->in->emb + query[q].entry * dim, dim * sizeof(float));
        at[n++] = q;
    }
    if (n == 0)
        return;
    float *scores = score_rows(j, s, s->rows, n, query[from].from, query[from].to);
    for (size_t i = 0; i < n; i++)
        take_query(j, at[i], scores + i * s->stride, s->first[i], s);
    for (size_t b = 0; b < N_BUCKETS; b++)
        for (size_t i = 0; i < n; i++)
            rid_negatives_take(s->negatives, scores + i * s->stride + s->first[i][b],
                               s->first[i][b + 1] - s->first[i][b]);
}

/* What holds of a query before its gallery is ranked: a miss. */
static void begin_results(job *j)
{
    for (size_t i = 0; i < j->layout.n_queries; i++) {
        const size_t n = j->layout.query[i].n_positives;
        j->result[i].q = (rid_ranking_query){.is_query = true,
                                             .n_positives = (uint32_t)n,
                                             .ap = n > 0 ? 0 : NAN,
                                             .inp = n > 0 ? 0 : NAN,
                                             .best_positive = -INFINITY,
                                             .best_negative = -INFINITY};
    }
}

/* ---- results ---- */

static void sum_up(rid_ranking *out, const job *j)
{
    double map = 0, minp = 0;
    size_t within[3] = {0}; /* queries with a positive among the first 1, 5, 10 */
    for (size_t i = 0; i < j->layout.n_queries; i++) {
        const rid_ranking_query *q = &j->result[i].q;
        if (q->n_positives == 0) {
            out->n_without_positive++;
            continue;
        }
        out->n_queries++;
        map += q->ap;
        minp += q->inp;
        within[0] += q->first == 1;
        within[1] += q->first >= 1 && q->first <= 5;
        within[2] += q->first >= 1 && q->first <= 10;
    }
    const double n = (double)out->n_queries;
    out->map = n > 0 ? map / n : NAN;
    out->minp = n > 0 ? minp / n : NAN;
    out->rank1 = n > 0 ? (double)within[0] / n : NAN;
    out->rank5 = n > 0 ? (double)within[1] / n : NAN;
    out->rank10 = n > 0 ? (double)within[2] / n : NAN;
}

static void separate(rid_ranking *out, rid_separation *separation, const job *j)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < j->layout.n_queries; i++) {
        sum += j->result[i].sum;
        squares += j->result[i].squares;
    }
    const double n = (double)rid_positives_n_negatives(j->positives);
    rid_separation_measure(separation, j->positives, sum / n, squares / n);
    out->auc = separation->auc;
    out->eer = separation->eer;
    out->dprime = separation->dprime;
}

static void hand_out(rid_ranking *out, const rid_ranking_details *details, const job *j)
{
    rid_separation separation;
    sum_up(out, j);
    separate(out, &separation, j);
    if (details->separation)
        *details->separation = separation;
    if (details->scores)
        rid_positives_count(j->positives, details->scores);
    if (!details->queries)
        return;
    memset(details->queries, 0, j->in->n * sizeof *details->queries);
    for (size_t i = 0; i < j->layout.n_queries; i++)
        details->queries[j->layout.query[i].entry] = j->result[i].q;
}

static void job_clear(job *j)
{
    rid_ranking_layout_clear(&j->layout);
    rid_mem_free(j->packed);
    rid_mem_free(j->result);
    rid_mem_free(j->positive);
    rid_positives_free(j->positives);
}

rid_status rid_ranking_run_details(rid_ranking *out, const rid_ranking_details *details,
                                   const rid_ranking_input *in, int threads, rid_err *err)
{
    job j = {.in = in};
    *out = (rid_ranking){0};
    threads = threads > 0 ? threads : 1;
    rid_status st = rid_ranking_arrange(&j.layout, in, TILE_ROWS, err);
    if (st == RID_OK)
        st = pack_gallery(&j, threads, err);
    if (st == RID_OK)
        st = collect_positives(&j, threads, err);
    if (st == RID_OK) {
        begin_results(&j);
        st = each_tile(&j, threads, take_tile, details->progress, err);
    }
    if (st == RID_OK)
        hand_out(out, details, &j);
    job_clear(&j);
    return st;
}

rid_status rid_ranking_run_scores(rid_ranking *out, double *ap, rid_score_counts *scores,
                                  const rid_ranking_input *in, int threads, rid_err *err)
{
    rid_ranking_details details = {.scores = scores};
    if (ap && !(details.queries = rid_mem_alloc(in->n, sizeof *details.queries)))
        return RID_FAIL_NOMEM(err);
    const rid_status st = rid_ranking_run_details(out, &details, in, threads, err);
    for (size_t i = 0; ap && i < in->n; i++)
        ap[i] = st == RID_OK && details.queries[i].is_query ? details.queries[i].ap : NAN;
    rid_mem_free(details.queries);
    return st;
}

rid_status rid_ranking_run(rid_ranking *out, double *ap, const rid_ranking_input *in, int threads,
                           rid_err *err)
{
    return rid_ranking_run_scores(out, ap, NULL, in, threads, err);
}
