#include "train/graph.h"

#include "data/base/mem.h"
#include "eval/kernel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/** A model in the making. The first error stays, and what follows it is not looked at. */
typedef struct graph {
    rid_nn *nn;
    const rid_checkpoint *ck;
    const rid_train_batch *batch;
    rid_nn_value **params; /* (ck->n_tensors), NULL: not in the graph */
    float *bias;           /* f32 (n, max_frames) of the softmax: −∞ where there is no frame */
    rid_status st;
    rid_err *err;
} graph;

/** A value (n, width). */
typedef struct rows {
    rid_nn_value *v;
    size_t width;
} rows;

/* ---- parameters ---- */

static const rid_tensor *find_tensor(graph *g, const char *layer, const char *part, int n_dims)
{
    char name[64];
    if (g->st != RID_OK)
        return NULL;
    snprintf(name, sizeof name, "%s.%s", layer, part);
    const rid_tensor *t = rid_checkpoint_find(g->ck, name);
    if (t && t->n_dims == n_dims)
        return t;
    g->st = t ? RID_FAIL(g->err, RID_EDATA, "tensor '%s' has %d dimensions, expected %d", name,
                         t->n_dims, n_dims)
              : RID_FAIL(g->err, RID_EDATA, "tensor '%s' is missing (fusion mode %s)", name,
                         g->ck->fusion_mode);
    return NULL;
}

/** A size for a message. */
typedef struct size_text {
    char text[24];
} size_text;

static size_text show(size_t n)
{
    size_text s = {"…"};
    if (n)
        snprintf(s.text, sizeof s.text, "%zu", n);
    return s;
}

/* LAYER.weight, whose sizes are known or, 0, anything. */
static const rid_tensor *find_weight(graph *g, const char *layer, size_t out, size_t in)
{
    const rid_tensor *w = find_tensor(g, layer, "weight", 2);
    if (!w || ((!out || (size_t)w->shape[0] == out) && (!in || (size_t)w->shape[1] == in)))
        return w;
    g->st = RID_FAIL(g->err, RID_EDATA, "tensor '%s' is (%lld, %lld), expected (%s, %s)", w->name,
                     (long long)w->shape[0], (long long)w->shape[1], show(out).text, show(in).text);
    return NULL;
}

/* The leaf of a tensor, one however often it is used. */
static rid_nn_value *parameter(graph *g, const rid_tensor *t)
{
    rid_nn_value **leaf = &g->params[t - g->ck->tensors];
    if (!*leaf)
        *leaf = rid_nn_parameter(g->nn, t->data, t->n_dims, t->shape);
    return *leaf;
}

/* ---- layers ---- */

/* x Wᵀ + b, or without b; out = 0: as wide as the tensor says. */
static rows linear(graph *g, rows x, const char *layer, size_t out, bool with_bias)
{
    const rid_tensor *w = find_weight(g, layer, out, x.width);
    const rid_tensor *b = w && with_bias ? find_tensor(g, layer, "bias", 1) : NULL;
    if (b && b->shape[0] != w->shape[0])
        g->st = RID_FAIL(g->err, RID_EDATA, "tensor '%s' is (%lld), expected (%lld)", b->name,
                         (long long)b->shape[0], (long long)w->shape[0]);
    if (g->st != RID_OK)
        return (rows){0};
    rid_nn_value *bias = b ? parameter(g, b) : NULL;
    return (rows){rid_nn_linear(g->nn, x.v, parameter(g, w), bias), (size_t)w->shape[0]};
}

/* x W: what asks for the layer's output is made to ask for its input. */
static rows back_through(graph *g, rows x, const char *layer, size_t in)
{
    const rid_tensor *w = find_weight(g, layer, x.width, in);
    if (!w)
        return (rows){0};
    return (rows){rid_nn_matmul(g->nn, x.v, parameter(g, w)), (size_t)w->shape[1]};
}

static rows relu(graph *g, rows x)
{
    return (rows){rid_nn_relu(g->nn, x.v), x.width};
}

static rid_nn_value *matrix(graph *g, const float *data, size_t width)
{
    return rid_nn_constant(g->nn, data, 2, (int64_t[]){(int64_t)g->batch->n, (int64_t)width});
}

/* Pools the raw frames. keys: width of the keys that the query stands for; without a query, the mean. */
static rows attend(graph *g, rid_nn_value *frames, rows query, size_t keys)
{
    const size_t vis_dim = g->batch->vis_dim;
    double scale = keys ? 1 / sqrt((double)keys) : 1;
    rid_nn_value *bias = matrix(g, g->bias, g->batch->max_frames);
    if (g->st != RID_OK)
        return (rows){0};
    return (rows){rid_nn_attend(g->nn, query.v, scale, frames, bias), vis_dim};
}

/* ---- models: the two halves of the fusion's input ---- */

static rows attributes(graph *g, const char *layer)
{
    const size_t attr_dim = g->batch->attr_dim;
    return linear(g, (rows){matrix(g, g->batch->attr, attr_dim), attr_dim}, layer, 0, true);
}

static void make_baseline(graph *g, rid_nn_value *frames, rows *vis, rows *attr)
{
    const size_t vis_dim = g->batch->vis_dim;
    rows pooled;
    if (g->ck->use_attention) {
        rows first = {rid_nn_first(g->nn, frames), vis_dim};
        rows q = linear(g, first, "vis_pool.q", 0, true);
        rows query = back_through(g, q, "vis_pool.k", vis_dim);
        pooled = linear(g, attend(g, frames, query, q.width), "vis_pool.v", 0, true);
    } else {
        pooled = attend(g, frames, (rows){0}, 0);
    }
    *vis = relu(g, linear(g, pooled, "vis_proj", 0, true));
    if (g->batch->attr_dim > 0)
        *attr = relu(g, attributes(g, "attr_proj"));
}

static void make_xattn(graph *g, rid_nn_value *frames, rows *vis, rows *attr)
{
    if (g->batch->attr_dim == 0) { /* nothing to ask with: the mean of the projected frames */
        *vis = linear(g, attend(g, frames, (rows){0}, 0), "vis_proj_in", 0, true);
        return;
    }
    *attr = attributes(g, "attr_proj_in");
    rows q = linear(g, *attr, "q_attr", 0, false);
    rows query = back_through(g, back_through(g, q, "k_vis", 0), "vis_proj_in", g->batch->vis_dim);
    rows pooled = linear(g, attend(g, frames, query, q.width), "vis_proj_in", 0, true);
    *vis = linear(g, pooled, "v_vis", 0, false);
}

/* The two halves side by side; without attributes zeros as wide as fuse.0 asks for. */
static rows join(graph *g, rows vis, rows attr)
{
    if (g->batch->attr_dim > 0)
        return (rows){rid_nn_concat(g->nn, vis.v, attr.v), vis.width + attr.width};
    const rid_tensor *w = find_weight(g, "fuse.0", 0, 0);
    if (w && (size_t)w->shape[1] < vis.width)
        w = find_weight(g, "fuse.0", 0, vis.width);
    if (!w)
        return (rows){0};
    return (rows){rid_nn_widen(g->nn, vis.v, w->shape[1]), (size_t)w->shape[1]};
}

static rid_nn_value *make_model(graph *g)
{
    const rid_train_batch *b = g->batch;
    rows vis = {0}, attr = {0};
    rid_nn_value *frames = rid_nn_constant(
        g->nn, b->frames, 3, (int64_t[]){(int64_t)b->n, (int64_t)b->max_frames, (int64_t)b->vis_dim});
    if (strcmp(g->ck->fusion_mode, "xattn") == 0)
        make_xattn(g, frames, &vis, &attr);
    else
        make_baseline(g, frames, &vis, &attr);
    rows hidden = relu(g, linear(g, join(g, vis, attr), "fuse.0", 0, true));
    if (b->dropout)
        hidden.v = rid_nn_multiply(g->nn, hidden.v, matrix(g, b->dropout, hidden.width));
    rows out = linear(g, hidden, "fuse.3", (size_t)g->ck->emb_dim, true);
    return rid_nn_unit_rows(g->nn, out.v);
}

/* ---- a batch ---- */

static rid_status check_batch(const rid_checkpoint *ck, const rid_train_batch *b, rid_err *err)
{
    if ((int64_t)b->vis_dim != ck->vis_dim || (int64_t)b->attr_dim != ck->attr_dim)
        return RID_FAIL(err, RID_EDATA,
                        "the batch has vis_dim %zu, attr_dim %zu, the model %lld and %lld", b->vis_dim,
                        b->attr_dim, (long long)ck->vis_dim, (long long)ck->attr_dim);
    if (b->n == 0)
        return RID_FAIL(err, RID_EDATA, "the batch is empty");
    for (size_t i = 0; i < b->n; i++)
        if (b->n_frames[i] < 1 || b->n_frames[i] > b->max_frames)
            return RID_FAIL(err, RID_EDATA, "row %zu of the batch has %u frames, expected 1 to %zu", i,
                            b->n_frames[i], b->max_frames);
    return RID_OK;
}

static void close_graph(graph *g)
{
    rid_nn_reset(g->nn);
    rid_mem_free(g->params);
    rid_mem_free(g->bias);
}

/* The model of a batch and its embeddings, f64 (n, emb_dim), to be freed; close_graph in any case. */
static rid_status open_graph(graph *g, rid_nn *nn, const rid_checkpoint *ck,
                             const rid_train_batch *batch, rid_nn_value **embedding, double **values,
                             rid_err *err)
{
    *g = (graph){.nn = nn, .ck = ck, .batch = batch, .err = err};
    *values = NULL;
    rid_nn_reset(nn);
    g->st = check_batch(ck, batch, err);
    if (g->st != RID_OK)
        return g->st;
    const size_t numel = batch->n * (size_t)ck->emb_dim;
    g->params = rid_mem_zalloc(ck->n_tensors, sizeof *g->params);
    g->bias = rid_mem_zalloc(batch->n * batch->max_frames, sizeof *g->bias);
    *values = rid_mem_alloc(numel, sizeof **values);
    if (!g->params || !g->bias || !*values)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < batch->n; i++)
        for (size_t f = batch->n_frames[i]; f < batch->max_frames; f++)
            g->bias[i * batch->max_frames + f] = -INFINITY;
    *embedding = make_model(g);
    return g->st == RID_OK ? rid_nn_read(nn, *embedding, *values, numel, err) : g->st;
}

static bool all_finite(const double *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i] * 0;
    return sum == 0;
}

static rid_status read_gradients(graph *g, rid_checkpoint *grads, double *norm)
{
    double squares = 0;
    for (size_t i = 0; i < grads->n_tensors; i++) {
        rid_tensor *t = &grads->tensors[i];
        if (!g->params[i]) {
            memset(t->data, 0, t->numel * sizeof *t->data);
            continue;
        }
        rid_status st = rid_nn_read_gradient(g->nn, g->params[i], t->data, t->numel, g->err);
        if (st != RID_OK)
            return st;
        squares += rid_kernel_get()->sum_squares(t->data, t->numel);
    }
    *norm = sqrt(squares);
    return RID_OK;
}

rid_status rid_graph_step(rid_nn *nn, const rid_checkpoint *params, const rid_train_batch *batch,
                          const rid_triplet_options *loss, rid_checkpoint *grads,
                          rid_step_figures *figures, rid_err *err)
{
    graph g;
    rid_nn_value *embedding = NULL;
    double *emb, *gradient = NULL;
    const size_t dim = (size_t)params->emb_dim, numel = batch->n * dim;
    rid_step_figures f = {.loss = NAN, .gradient_norm = NAN};
    rid_status st = open_graph(&g, nn, params, batch, &embedding, &emb, err);
    if (st != RID_OK || !all_finite(emb, numel))
        goto done;
    gradient = rid_mem_alloc(numel, sizeof *gradient);
    if (!gradient) {
        st = RID_FAIL_NOMEM(err);
        goto done;
    }
    const rid_triplet_rows r = {emb, batch->entry, batch->person, batch->n, dim};
    st = rid_triplet_loss(&f, gradient, &r, loss, rid_nn_threads(nn), err);
    if (st != RID_OK)
        goto done;
    rid_nn_backward(nn, embedding, gradient, numel);
    st = read_gradients(&g, grads, &f.gradient_norm);
    f.finite = isfinite(f.loss) && isfinite(f.gradient_norm);
done:
    if (st == RID_OK)
        *figures = f;
    close_graph(&g);
    rid_mem_free(emb);
    rid_mem_free(gradient);
    return st;
}

rid_status rid_graph_spread(rid_nn *nn, const rid_checkpoint *params, const rid_train_batch *batch,
                            double *spread, rid_err *err)
{
    graph g;
    rid_train_batch still = *batch;
    rid_nn_value *embedding = NULL;
    double *emb;
    still.dropout = NULL;
    rid_status st = open_graph(&g, nn, params, &still, &embedding, &emb, err);
    if (st == RID_OK)
        *spread = rid_triplet_spread(emb, batch->n, (size_t)params->emb_dim);
    close_graph(&g);
    rid_mem_free(emb);
    return st;
}

rid_status rid_graph_embed(rid_nn *nn, const rid_checkpoint *params, const rid_train_batch *batch,
                           float *out, rid_err *err)
{
    graph g;
    rid_nn_value *embedding = NULL;
    double *emb;
    rid_status st = open_graph(&g, nn, params, batch, &embedding, &emb, err);
    for (size_t i = 0; st == RID_OK && i < batch->n * (size_t)params->emb_dim; i++)
        out[i] = (float)emb[i];
    close_graph(&g);
    rid_mem_free(emb);
    return st;
}

static bool copy_shape(rid_tensor *to, const rid_tensor *from)
{
    *to = *from;
    to->name = rid_mem_strdup(from->name);
    to->data = rid_mem_alloc_aligned(from->numel, sizeof *to->data);
    if (to->data)
        memset(to->data, 0, from->numel * sizeof *to->data);
    return to->name && to->data;
}

rid_status rid_graph_new_like(rid_checkpoint *out, const rid_checkpoint *like, rid_err *err)
{
    *out = *like;
    out->n_tensors = 0;
    out->rid = NULL;
    out->fusion_mode = rid_mem_strdup(like->fusion_mode);
    out->tensors = rid_mem_zalloc(like->n_tensors, sizeof *out->tensors);
    bool made = out->fusion_mode && out->tensors;
    while (made && out->n_tensors < like->n_tensors) {
        size_t i = out->n_tensors++;
        made = copy_shape(&out->tensors[i], &like->tensors[i]);
    }
    if (made)
        return RID_OK;
    rid_checkpoint_free(out);
    return RID_FAIL_NOMEM(err);
}
