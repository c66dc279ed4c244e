#include "train/encoder.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "eval/kernel.h"
#include "train/encoder_fold.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BLOCK = 32 }; /* bursts whose rows go through the matrices together */

/* An output this short has no direction. */
#define OUTPUT_NORM_MIN 1e-12
/* Frames with norms outside are scaled first, so that their products stay inside float32. */
#define PLAIN_NORM_MAX 1e12

struct rid_encoder {
    const char *kind;
    bool mean; /* no network */
    char hash[65];
    size_t vis_dim, attr_dim, emb_dim;
    rid_filter filter;
    rid_network net;
};

/** One thread's memory for a block. */
typedef struct block {
    float *first;   /* (BLOCK, vis_dim): first kept unit frame */
    float *attr;    /* (BLOCK, attr_dim) */
    float *query;   /* (BLOCK, query stride) */
    float *pooled;  /* (BLOCK, vis_dim) */
    float *hidden;  /* (BLOCK, hidden stride) */
    float *fused;   /* (BLOCK, fuse0 stride) */
    float *output;  /* (BLOCK, fuse3 stride) */
    float *mean;    /* (vis_dim) */
    size_t hidden_stride;
    double *inverse; /* 1/norm of every frame of the block */
    double *weights; /* attention weights of one burst; scratch of the filter */
    size_t frames_cap, weights_cap;
    float *scaled[BLOCK]; /* copies of bursts whose norms are extreme */
    const float *frames[BLOCK];
} block;

static rid_status hash_parts(char hash[65], const char *const *parts, size_t n, rid_err *err)
{
    rid_sha256 *h = rid_sha256_new();
    if (!h)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        unsigned char len[8];
        size_t bytes = strlen(parts[i]);
        for (int k = 0; k < 8; k++)
            len[k] = (unsigned char)((uint64_t)bytes >> (8 * k));
        rid_sha256_add(h, len, sizeof len);
        rid_sha256_add(h, parts[i], bytes);
    }
    rid_status st = rid_sha256_end(hash, h, err);
    rid_sha256_free(h);
    return st;
}

static rid_status set_hash(rid_encoder *e, const char *what, const char *schema, rid_err *err)
{
    rid_buf filter = {0};
    rid_filter_write_json(&e->filter, &filter);
    const char *parts[] = {"rid-encoder-1", what, rid_buf_cstr(&filter), schema ? schema : ""};
    rid_status st = parts[2] ? hash_parts(e->hash, parts, 4, err) : RID_FAIL_NOMEM(err);
    rid_buf_free(&filter);
    return st;
}

rid_status rid_encoder_new_mean(rid_encoder **out, size_t vis_dim, const rid_filter *filter,
                                rid_err *err)
{
    char what[64];
    *out = NULL;
    rid_encoder *e = rid_mem_zalloc(1, sizeof *e);
    if (!e)
        return RID_FAIL_NOMEM(err);
    *e = (rid_encoder){.kind = "mean", .mean = true, .vis_dim = vis_dim, .emb_dim = vis_dim,
                       .filter = *filter};
    snprintf(what, sizeof what, "mean %zu", vis_dim);
    rid_status st = set_hash(e, what, NULL, err);
    if (st != RID_OK) {
        rid_encoder_free(e);
        return st;
    }
    *out = e;
    return RID_OK;
}

rid_status rid_encoder_new(rid_encoder **out, const rid_checkpoint *ck, const rid_filter *filter,
                           const char *schema_text, int threads, rid_err *err)
{
    char weights[65];
    *out = NULL;
    rid_encoder *e = rid_mem_zalloc(1, sizeof *e);
    if (!e)
        return RID_FAIL_NOMEM(err);
    *e = (rid_encoder){.kind = strcmp(ck->fusion_mode, "xattn") == 0 ? "xattn" : "baseline",
                       .vis_dim = (size_t)ck->vis_dim,
                       .attr_dim = (size_t)ck->attr_dim,
                       .emb_dim = (size_t)ck->emb_dim,
                       .filter = *filter};
    rid_status st = rid_network_fold(&e->net, ck, threads, err);
    if (st == RID_OK)
        st = rid_checkpoint_digest(ck, weights, err);
    if (st == RID_OK)
        st = set_hash(e, weights, schema_text, err);
    if (st != RID_OK) {
        rid_encoder_free(e);
        return st;
    }
    *out = e;
    return RID_OK;
}

void rid_encoder_free(rid_encoder *e)
{
    if (!e)
        return;
    rid_network_clear(&e->net);
    rid_mem_free(e);
}

const char *rid_encoder_kind(const rid_encoder *e)
{
    return e->kind;
}

const char *rid_encoder_hash(const rid_encoder *e)
{
    return e->hash;
}

size_t rid_encoder_vis_dim(const rid_encoder *e)
{
    return e->vis_dim;
}

size_t rid_encoder_attr_dim(const rid_encoder *e)
{
    return e->attr_dim;
}

size_t rid_encoder_emb_dim(const rid_encoder *e)
{
    return e->emb_dim;
}

/* ---- a thread's memory ---- */

static void free_block(block *b)
{
    float *arrays[] = {b->first, b->attr, b->query, b->pooled, b->hidden, b->fused, b->output, b->mean};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++)
        rid_mem_free(arrays[i]);
    rid_mem_free(b->inverse);
    rid_mem_free(b->weights);
    for (int i = 0; i < BLOCK; i++)
        rid_mem_free(b->scaled[i]);
    *b = (block){0};
}

static bool init_block(block *b, const rid_encoder *e)
{
    *b = (block){0};
    b->mean = rid_mem_alloc_aligned(e->vis_dim, sizeof(float));
    b->pooled = rid_mem_alloc_aligned(BLOCK * e->vis_dim, sizeof(float));
    if (e->mean)
        return b->mean && b->pooled;
    const rid_network *n = &e->net;
    /* Each half writes whole panels: the first half's padding lies where the second then goes. */
    size_t widest = rid_affine_stride(&n->value), end = n->half[0] + n->half[1];
    size_t second = n->half[0] + (n->second.packed ? rid_affine_stride(&n->second) : n->half[1]);
    b->hidden_stride = widest > second ? widest : second;
    b->hidden_stride = b->hidden_stride > end ? b->hidden_stride : end;
    b->first = rid_mem_alloc_aligned(BLOCK * e->vis_dim, sizeof(float));
    b->attr = rid_mem_alloc_aligned(BLOCK * e->attr_dim, sizeof(float));
    b->query = rid_mem_alloc_aligned(BLOCK * rid_affine_stride(&n->query), sizeof(float));
    b->hidden = rid_mem_alloc_aligned(BLOCK * b->hidden_stride, sizeof(float));
    b->fused = rid_mem_alloc_aligned(BLOCK * rid_affine_stride(&n->fuse0), sizeof(float));
    b->output = rid_mem_alloc_aligned(BLOCK * rid_affine_stride(&n->fuse3), sizeof(float));
    return b->mean && b->pooled && b->first && b->attr && b->query && b->hidden && b->fused &&
           b->output;
}

/* ---- frames ---- */

/* Norms of a burst's frames. Where one is extreme, the burst is copied with unit frames. */
static rid_status set_norms(block *b, size_t i, const rid_burst *burst, size_t dim, double *inverse,
                            rid_err *err)
{
    const rid_kernel *k = rid_kernel_get();
    bool extreme = false;
    b->frames[i] = burst->frames;
    for (size_t f = 0; f < burst->n_frames; f++) {
        double norm = sqrt(k->sum_squares(burst->frames + f * dim, dim));
        inverse[f] = norm > RID_FRAME_NORM_MIN ? 1.0 / norm : 0.0;
        extreme |= norm > PLAIN_NORM_MAX;
    }
    if (!extreme)
        return RID_OK;
    rid_mem_free(b->scaled[i]);
    float *copy = b->scaled[i] = rid_mem_alloc(burst->n_frames * sizeof *copy, dim);
    if (!copy)
        return RID_FAIL_NOMEM(err);
    for (size_t f = 0; f < burst->n_frames; f++) {
        for (size_t d = 0; d < dim; d++)
            copy[f * dim + d] = (float)(burst->frames[f * dim + d] * inverse[f]);
        inverse[f] = inverse[f] > 0 ? 1.0 : 0.0;
    }
    b->frames[i] = copy;
    return RID_OK;
}

static void choose_frames(const rid_encoder *e, block *b, size_t i, rid_burst *burst,
                          const double *inverse)
{
    size_t n_kept = rid_filter_run(&e->filter, b->frames[i], inverse, burst->n_frames, e->vis_dim,
                                   burst->kept, b->weights, b->mean);
    burst->status = RID_ENTRY_OK;
    if (n_kept > 0)
        return;
    burst->status = RID_ENTRY_SKIP;
    for (size_t f = 0; e->filter.empty == RID_EMPTY_FALLBACK && f < burst->n_frames; f++) {
        burst->kept[f] = inverse[f] > 0;
        if (burst->kept[f])
            burst->status = RID_ENTRY_FALLBACK;
    }
}

/* weights[f]: softmax of query·frame over the kept frames, or 1/n. Returns the number kept. */
static size_t weigh(const rid_encoder *e, const rid_burst *burst, const float *frames,
                    const double *inverse, const float *query, double *weights)
{
    size_t n_kept = 0;
    double highest = -INFINITY, sum = 0;
    for (size_t f = 0; f < burst->n_frames; f++) {
        weights[f] = 0;
        if (!burst->kept[f])
            continue;
        n_kept++;
        if (query)
            weights[f] = (double)rid_kernel_get()->dot(query, frames + f * e->vis_dim, e->vis_dim) *
                         inverse[f];
        highest = weights[f] > highest ? weights[f] : highest;
    }
    for (size_t f = 0; f < burst->n_frames; f++) {
        if (!burst->kept[f])
            continue;
        weights[f] = exp(weights[f] - highest);
        sum += weights[f];
    }
    for (size_t f = 0; f < burst->n_frames; f++)
        weights[f] = burst->kept[f] ? weights[f] / sum : 0;
    return n_kept;
}

static void pool(float *pooled, const rid_burst *burst, const float *frames, const double *inverse,
                 const double *weights, size_t dim)
{
    memset(pooled, 0, dim * sizeof *pooled);
    for (size_t f = 0; f < burst->n_frames; f++)
        if (burst->kept[f])
            rid_kernel_get()->axpy(pooled, (float)(weights[f] * inverse[f]), frames + f * dim, dim);
}

static void first_unit_frame(float *out, const rid_burst *burst, const float *frames,
                             const double *inverse, size_t dim)
{
    size_t f = 0;
    while (f < burst->n_frames && !burst->kept[f])
        f++;
    memset(out, 0, dim * sizeof *out);
    if (f < burst->n_frames)
        rid_kernel_get()->axpy(out, (float)inverse[f], frames + f * dim, dim);
}

/* ---- the network ---- */

/* x scaled to unit length, or a skip where it has none. False where it is not finite. */
static bool set_embedding(rid_burst *burst, const float *x, size_t dim, double norm_min)
{
    double norm = sqrt(rid_kernel_get()->sum_squares(x, dim));
    if (!isfinite(norm))
        return false;
    bool skip = burst->status == RID_ENTRY_SKIP || norm <= norm_min;
    if (skip)
        burst->status = RID_ENTRY_SKIP;
    for (size_t d = 0; d < dim; d++)
        burst->embedding[d] = skip ? 0.0f : (float)(x[d] / norm);
    return true;
}

static void run_queries(const rid_encoder *e, block *b, const rid_burst *bursts, size_t n,
                        const double *const *inverse)
{
    const rid_network *net = &e->net;
    size_t dim = net->query_from_attr ? e->attr_dim : e->vis_dim;
    for (size_t i = 0; i < n && !net->query_from_attr; i++)
        first_unit_frame(b->first + i * dim, &bursts[i], b->frames[i], inverse[i], dim);
    rid_affine_run(&net->query, b->query, rid_affine_stride(&net->query),
                   net->query_from_attr ? b->attr : b->first, dim, n);
}

static void run_network(const rid_encoder *e, block *b, size_t n)
{
    const rid_network *net = &e->net;
    rid_affine_run(&net->value, b->hidden, b->hidden_stride, b->pooled, e->vis_dim, n);
    if (net->second.packed)
        rid_affine_run(&net->second, b->hidden + net->half[0], b->hidden_stride, b->attr,
                       e->attr_dim, n);
    for (size_t i = 0; i < n && !net->second.packed; i++)
        memset(b->hidden + i * b->hidden_stride + net->half[0], 0, net->half[1] * sizeof(float));
    rid_affine_run(&net->fuse0, b->fused, rid_affine_stride(&net->fuse0), b->hidden,
                   b->hidden_stride, n);
    rid_affine_run(&net->fuse3, b->output, rid_affine_stride(&net->fuse3), b->fused,
                   rid_affine_stride(&net->fuse0), n);
}

static void gather_attributes(const rid_encoder *e, block *b, const rid_burst *bursts, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float *to = b->attr + i * e->attr_dim;
        if (bursts[i].attr)
            memcpy(to, bursts[i].attr, e->attr_dim * sizeof *to);
        else
            memset(to, 0, e->attr_dim * sizeof *to);
    }
}

/* n <= BLOCK bursts. */
static rid_status run_block(const rid_encoder *e, block *b, rid_burst *bursts, size_t n, rid_err *err)
{
    const double *inverse[BLOCK];
    size_t n_frames = 0, most = 0, at = 0;
    for (size_t i = 0; i < n; i++) {
        n_frames += bursts[i].n_frames;
        most = bursts[i].n_frames > most ? bursts[i].n_frames : most;
    }
    if (rid_mem_grow(&b->inverse, &b->frames_cap, n_frames, sizeof *b->inverse) != 0 ||
        rid_mem_grow(&b->weights, &b->weights_cap, most, sizeof *b->weights) != 0)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        rid_status st = set_norms(b, i, &bursts[i], e->vis_dim, b->inverse + at, err);
        if (st != RID_OK)
            return st;
        inverse[i] = b->inverse + at;
        at += bursts[i].n_frames;
        choose_frames(e, b, i, &bursts[i], inverse[i]);
    }
    bool attention = !e->mean && e->net.query.packed;
    if (!e->mean)
        gather_attributes(e, b, bursts, n);
    if (attention)
        run_queries(e, b, bursts, n, inverse);
    for (size_t i = 0; i < n; i++) {
        const float *query = attention ? b->query + i * rid_affine_stride(&e->net.query) : NULL;
        weigh(e, &bursts[i], b->frames[i], inverse[i], query, b->weights);
        pool(b->pooled + i * e->vis_dim, &bursts[i], b->frames[i], inverse[i], b->weights,
             e->vis_dim);
    }
    if (!e->mean)
        run_network(e, b, n);
    for (size_t i = 0; i < n; i++) {
        const float *x = e->mean ? b->pooled + i * e->vis_dim
                                 : b->output + i * rid_affine_stride(&e->net.fuse3);
        if (!set_embedding(&bursts[i], x, e->emb_dim, e->mean ? RID_FRAME_NORM_MIN : OUTPUT_NORM_MIN))
            return RID_FAIL(err, RID_EDATA, "the encoder's output is not finite: its weights are too"
                                            " large for float32");
    }
    return RID_OK;
}

rid_status rid_encoder_run(const rid_encoder *e, rid_burst *bursts, size_t n, int threads,
                           rid_err *err)
{
    rid_status st = RID_OK;
    size_t n_blocks = (n + BLOCK - 1) / BLOCK, failed = n_blocks;
#pragma omp parallel num_threads(threads > 0 ? threads : 1) if (n_blocks > 1)
    {
        block b;
        bool ready = init_block(&b, e);
#pragma omp for schedule(dynamic, 1)
        for (size_t i = 0; i < n_blocks; i++) {
            rid_err mine = {0};
            size_t first = i * BLOCK, count = n - first < BLOCK ? n - first : BLOCK;
            rid_status one = ready ? run_block(e, &b, bursts + first, count, &mine)
                                   : RID_FAIL_NOMEM(&mine);
            if (one == RID_OK)
                continue;
#pragma omp critical(rid_encoder)
            if (i < failed) { /* the first in the order of the bursts is the one to tell of */
                failed = i;
                st = one;
                if (err)
                    *err = mine;
            }
        }
        free_block(&b);
    }
    return st;
}

rid_status rid_encoder_trace(const rid_encoder *e, rid_burst *burst, rid_encoder_stage stage,
                             float *out, size_t cap, size_t *n, rid_err *err)
{
    block b;
    rid_status st = init_block(&b, e) ? run_block(e, &b, burst, 1, err) : RID_FAIL_NOMEM(err);
    const float *from = stage == RID_STAGE_POOLED || e->mean ? b.pooled
                        : stage == RID_STAGE_HIDDEN          ? b.hidden
                                                             : b.output;
    *n = 0;
    if (st == RID_OK && stage == RID_STAGE_WEIGHTS) {
        for (size_t f = 0; f < burst->n_frames; f++)
            if (burst->kept[f] && *n < cap)
                out[(*n)++] = (float)b.weights[f];
    } else if (st == RID_OK) {
        *n = stage == RID_STAGE_POOLED   ? e->vis_dim
             : stage == RID_STAGE_HIDDEN ? e->net.half[0] + e->net.half[1]
                                         : e->emb_dim;
        *n = *n < cap ? *n : cap;
        memcpy(out, from, *n * sizeof *out);
    }
    free_block(&b);
    return st;
}
