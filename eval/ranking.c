#include "eval/ranking.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Queries at a time against the whole gallery: enough for each packed row to be used often, few
 * enough for their scores to stay near. A multiple of every kernel's row count. */
enum { TILE_ROWS = 12 };

/* A query's scores are put into buckets, each of so many bins: a positive's rank is then a matter
 * of one bucket, and comparing all positives with the scores of one bucket stays in fast caches. */
enum { BUCKET_BINS = 64, N_BUCKETS = RID_SCORE_BINS / BUCKET_BINS };

#define NOT_IN_GALLERY UINT32_MAX

/* A query's persons stand side by side in the gallery: [begin, end). */
typedef struct query {
    uint32_t entry;
    uint32_t begin, end;
    uint32_t self;        /* its own place there, or NOT_IN_GALLERY */
    uint32_t n_positives; /* labelled entries of its person but for itself, retrievable or not */
    size_t first_score;   /* of its positives, among all */
} query;

typedef struct query_result {
    double ap, inp;
    size_t best_rank;    /* of the first positive, from 1; 0: none is retrieved */
    double sum, squares; /* of the scores of negatives */
} query_result;

typedef struct job {
    const rid_ranking_input *in;
    uint32_t *entry; /* of each place of the gallery: by person, then in order */
    size_t n_gallery, n_panels, max_range;
    float *packed;
    query *query;
    query_result *result;
    size_t n_queries, n_pairs; /* pairs: positives that are retrieved */
    rid_positives *positives;
} job;

typedef struct ranked {
    float score;
    uint32_t entry;
} ranked;

/* What a thread works with. */
typedef struct scratch {
    float *rows;                      /* (TILE_ROWS, dim) */
    float *scores;                    /* (TILE_ROWS, columns of all panels) */
    ranked *ranked;                   /* (max_range) */
    size_t *before;                   /* (max_range): negatives before each */
    float *sorted;                    /* (n_gallery): one query's negatives */
    int *bucket;                      /* (n_gallery) */
    uint32_t (*first)[N_BUCKETS + 1]; /* (TILE_ROWS) */
    rid_negatives *negatives;
} scratch;

static bool is_usable(const rid_ranking_input *in, size_t entry)
{
    return !in->usable || in->usable[entry];
}

/* ---- gallery and queries ---- */

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Labelled entries as keys (person, entry), sorted. */
static uint64_t *sort_by_person(const rid_ranking_input *in, size_t *n_labelled)
{
    uint64_t *keys = rid_mem_alloc(in->n, sizeof *keys);
    size_t n = 0;
    if (!keys)
        return NULL;
    for (size_t i = 0; i < in->n; i++)
        if (in->person[i] != RID_UNLABELLED)
            keys[n++] = (uint64_t)in->person[i] << 32 | i;
    qsort(keys, n, sizeof *keys, compare_keys);
    *n_labelled = n;
    return keys;
}

static int compare_queries(const void *a, const void *b)
{
    const query *x = a, *y = b;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* One person's entries, keys [from, to), into the gallery and the queries. */
static void add_person(job *j, const uint64_t *keys, size_t from, size_t to)
{
    const rid_ranking_input *in = j->in;
    const size_t begin = j->n_gallery, first_query = j->n_queries;
    for (size_t i = from; i < to; i++) {
        uint32_t entry = (uint32_t)keys[i], self = NOT_IN_GALLERY;
        if (is_usable(in, entry)) {
            self = (uint32_t)j->n_gallery;
            j->entry[j->n_gallery++] = entry;
        }
        if (!in->query || in->query[entry])
            j->query[j->n_queries++] = (query){.entry = entry, .self = self};
    }
    for (size_t q = first_query; q < j->n_queries; q++) {
        j->query[q].begin = (uint32_t)begin;
        j->query[q].end = (uint32_t)j->n_gallery;
        j->query[q].n_positives = (uint32_t)(to - from - 1);
    }
    if (j->n_gallery - begin > j->max_range)
        j->max_range = j->n_gallery - begin;
}

/* Queries in the order of the entries, so that sums over them do not depend on persons' numbers. */
static rid_status arrange(job *j, rid_err *err)
{
    size_t n = 0;
    uint64_t *keys = sort_by_person(j->in, &n);
    j->entry = rid_mem_alloc(n, sizeof *j->entry);
    j->query = rid_mem_alloc(n, sizeof *j->query);
    if (!keys || !j->entry || !j->query) {
        rid_mem_free(keys);
        return RID_FAIL_NOMEM(err);
    }
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && keys[to] >> 32 == keys[from] >> 32;)
            to++;
        add_person(j, keys, from, to);
    }
    rid_mem_free(keys);
    qsort(j->query, j->n_queries, sizeof *j->query, compare_queries);
    for (size_t q = 0; q < j->n_queries; q++) {
        j->query[q].first_score = j->n_pairs;
        if (j->query[q].self != NOT_IN_GALLERY)
            j->n_pairs += j->query[q].end - j->query[q].begin - 1;
    }
    return RID_OK;
}

static rid_status pack_gallery(job *j, int threads, rid_err *err)
{
    const size_t dim = j->in->dim;
    int finite = 1;
    j->n_panels = rid_kernel_panels(j->n_gallery);
    j->packed = rid_mem_alloc_aligned(rid_kernel_packed_floats(j->n_gallery, dim), sizeof(float));
    j->result = rid_mem_zalloc(j->n_queries, sizeof *j->result);
    if (!j->packed || !j->result)
        return RID_FAIL_NOMEM(err);
#pragma omp parallel for num_threads(threads) reduction(&& : finite) schedule(static)              \
    if (j->n_gallery > 1000)
    for (size_t p = 0; p < j->n_panels; p++) {
        memset(j->packed + p * RID_PANEL * dim, 0, RID_PANEL * dim * sizeof(float));
        for (size_t i = p * RID_PANEL; i < (p + 1) * RID_PANEL && i < j->n_gallery; i++) {
            const float *row = j->in->emb + j->entry[i] * dim;
            rid_kernel_pack_row(j->packed, row, i, dim);
            for (size_t k = 0; k < dim; k++)
                finite = finite && isfinite(row[k]);
        }
    }
    if (!finite)
        return RID_FAIL(err, RID_EDATA, "an embedding holds a number that is not finite");
    return RID_OK;
}

/* ---- positives' scores ---- */

/* A query against the panels that hold its person. */
static void score_positives(const job *j, const query *q, float *scores, float *out)
{
    const size_t first = q->begin / RID_PANEL, end = rid_kernel_panels(q->end), dim = j->in->dim;
    rid_kernel_get()->product(scores, (end - first) * RID_PANEL, j->in->emb + q->entry * dim, dim,
                              1, j->packed + first * RID_PANEL * dim, end - first, dim);
    for (uint32_t i = q->begin; i < q->end; i++)
        if (i != q->self)
            *out++ = scores[i - first * RID_PANEL];
}

static rid_status collect_positives(job *j, int threads, rid_err *err)
{
    int failed = 0;
    float *all = rid_mem_alloc(j->n_pairs, sizeof *all);
    if (!all)
        return RID_FAIL_NOMEM(err);
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        float *scores = rid_mem_alloc_aligned(j->max_range + 2 * RID_PANEL, sizeof *scores);
        failed = !scores;
#pragma omp for schedule(dynamic, 64)
        for (size_t q = 0; q < j->n_queries; q++)
            if (!failed && j->query[q].self != NOT_IN_GALLERY)
                score_positives(j, &j->query[q], scores, all + j->query[q].first_score);
        rid_mem_free(scores);
    }
    if (failed) {
        rid_mem_free(all);
        return RID_FAIL_NOMEM(err);
    }
    return rid_positives_new(&j->positives, all, j->n_pairs, err);
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
static size_t sort_positives(const job *j, const query *q, const float *scores, scratch *s)
{
    size_t n = 0;
    for (uint32_t i = q->begin; i < q->end; i++)
        if (i != q->self)
            s->ranked[n++] = (ranked){scores[i], j->entry[i]};
    qsort(s->ranked, n, sizeof *s->ranked, compare_ranked);
    return n;
}

/* Places [from, to) of a query's scores that are negatives': all but its person's. */
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
static void rank_ties(const job *j, const float *scores, const span part[2], scratch *s,
                      size_t from, size_t to)
{
    for (size_t p = 0; p < 2; p++)
        for (size_t i = part[p].from; i < part[p].to; i++) {
            if (scores[i] != s->ranked[from].score)
                continue;
            size_t k = from;
            while (k < to && s->ranked[k].entry < j->entry[i])
                k++;
            for (; k < to; k++)
                s->before[k]++;
        }
}

/* For each of the n positives, how many negatives stand before it. */
static void rank_positives(const job *j, const float *scores, const span part[2], size_t n,
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
            rank_ties(j, scores, part, s, i, next);
    }
}

static void set_ranks(query_result *r, const query *q, size_t n, const scratch *s)
{
    double precisions = 0, last = 0;
    for (size_t i = 0; i < n; i++) {
        last = (double)(i + 1) / (double)(s->before[i] + i + 1);
        precisions += last;
    }
    r->best_rank = n > 0 ? s->before[0] + 1 : 0;
    r->ap = precisions / q->n_positives;
    r->inp = n == q->n_positives ? last : 0;
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
    const query *q = &j->query[at];
    query_result *r = &j->result[at];
    const span part[2] = {{0, q->begin}, {q->end, j->n_gallery}};
    const size_t n = sort_positives(j, q, scores, s);
    for (size_t p = 0; p < 2; p++)
        add_moments(r, scores + part[p].from, part[p].to - part[p].from);
    sort_into_buckets(s->sorted, first, s->bucket, scores, part);
    rank_positives(j, scores, part, n, s->sorted, first, s);
    if (q->n_positives > 0)
        set_ranks(r, q, n, s);
    memcpy(scores, s->sorted, first[N_BUCKETS] * sizeof *scores);
}

/* ---- all queries ---- */

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
}

static rid_status scratch_init(scratch *s, const job *j, rid_err *err)
{
    *s = (scratch){
        .rows = rid_mem_alloc_aligned(TILE_ROWS * j->in->dim, sizeof *s->rows),
        .scores = rid_mem_alloc_aligned(TILE_ROWS * RID_PANEL * j->n_panels, sizeof *s->scores),
        .ranked = rid_mem_alloc(j->max_range, sizeof *s->ranked),
        .before = rid_mem_alloc(j->max_range, sizeof *s->before),
        .sorted = rid_mem_alloc(j->n_gallery, sizeof *s->sorted),
        .bucket = rid_mem_alloc(j->n_gallery, sizeof *s->bucket),
        .first = rid_mem_alloc(TILE_ROWS, sizeof *s->first),
        .negatives = rid_negatives_new(j->positives),
    };
    if (s->rows && s->scores && s->ranked && s->before && s->sorted && s->bucket && s->first &&
        s->negatives)
        return RID_OK;
    return RID_FAIL_NOMEM(err);
}

/* Queries [from, to) whose embeddings can be used. */
static void take_tile(const job *j, size_t from, size_t to, scratch *s)
{
    const size_t dim = j->in->dim, stride = j->n_panels * RID_PANEL;
    size_t at[TILE_ROWS], n = 0;
    for (size_t q = from; q < to; q++) {
        if (j->query[q].self == NOT_IN_GALLERY)
            continue;
        memcpy(s->rows + n * dim, j->in->emb + j->query[q].entry * dim, dim * sizeof(float));
        at[n++] = q;
    }
    if (n > 0)
        rid_kernel_get()->product(s->scores, stride, s->rows, dim, n, j->packed, j->n_panels, dim);
    for (size_t i = 0; i < n; i++)
        take_query(j, at[i], s->scores + i * stride, s->first[i], s);
    for (size_t b = 0; b < N_BUCKETS; b++)
        for (size_t i = 0; i < n; i++)
            rid_negatives_take(s->negatives, s->scores + i * stride + s->first[i][b],
                               s->first[i][b + 1] - s->first[i][b]);
}

static rid_status take_all(job *j, int threads, rid_err *err)
{
    const size_t n_tiles = (j->n_queries + TILE_ROWS - 1) / TILE_ROWS;
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
                take_tile(j, i * TILE_ROWS,
                          j->n_queries - i * TILE_ROWS < TILE_ROWS ? j->n_queries
                                                                   : (i + 1) * TILE_ROWS,
                          &s);
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

/* ---- results ---- */

static void sum_up(rid_ranking *out, double *ap, const job *j)
{
    double map = 0, minp = 0;
    size_t rank1 = 0, rank5 = 0;
    for (size_t q = 0; q < j->n_queries; q++) {
        const query_result *r = &j->result[q];
        if (j->query[q].n_positives == 0) {
            out->n_without_positive++;
            continue;
        }
        out->n_queries++;
        map += r->ap;
        minp += r->inp;
        rank1 += r->best_rank == 1;
        rank5 += r->best_rank >= 1 && r->best_rank <= 5;
        if (ap)
            ap[j->query[q].entry] = r->ap;
    }
    const double n = (double)out->n_queries;
    out->map = n > 0 ? map / n : NAN;
    out->minp = n > 0 ? minp / n : NAN;
    out->rank1 = n > 0 ? (double)rank1 / n : NAN;
    out->rank5 = n > 0 ? (double)rank5 / n : NAN;
}

static double dprime_of(const job *j)
{
    double mean_p, square_p, sum = 0, squares = 0;
    rid_positives_moments(j->positives, &mean_p, &square_p);
    for (size_t q = 0; q < j->n_queries; q++) {
        sum += j->result[q].sum;
        squares += j->result[q].squares;
    }
    const double n = (double)rid_positives_n_negatives(j->positives);
    return rid_score_dprime(mean_p, square_p, sum / n, squares / n);
}

static void job_free(job *j)
{
    if (j) {
        rid_mem_free(j->entry);
        rid_mem_free(j->packed);
        rid_mem_free(j->query);
        rid_mem_free(j->result);
        rid_positives_free(j->positives);
    }
    rid_mem_free(j);
}

rid_status rid_ranking_run_scores(rid_ranking *out, double *ap, rid_score_counts *scores,
                                  const rid_ranking_input *in, int threads, rid_err *err)
{
    job *j = rid_mem_zalloc(1, sizeof *j);
    rid_status st = j ? RID_OK : RID_FAIL_NOMEM(err);
    *out = (rid_ranking){0};
    for (size_t i = 0; ap && i < in->n; i++)
        ap[i] = NAN;
    threads = threads > 0 ? threads : 1;
    if (st == RID_OK) {
        j->in = in;
        st = arrange(j, err);
    }
    if (st == RID_OK)
        st = pack_gallery(j, threads, err);
    if (st == RID_OK)
        st = collect_positives(j, threads, err);
    if (st == RID_OK)
        st = take_all(j, threads, err);
    if (st == RID_OK) {
        sum_up(out, ap, j);
        out->auc = rid_positives_auc(j->positives);
        out->eer = rid_positives_eer(j->positives);
        out->dprime = dprime_of(j);
        if (scores)
            rid_positives_count(j->positives, scores);
    }
    job_free(j);
    return st;
}

rid_status rid_ranking_run(rid_ranking *out, double *ap, const rid_ranking_input *in, int threads,
                           rid_err *err)
{
    return rid_ranking_run_scores(out, ap, NULL, in, threads, err);
}
