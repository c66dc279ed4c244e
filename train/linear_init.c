#include "train/linear_init.h"

#include "data/base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { N_TENSORS_MAX = 16 };

/* Of weights that only break ties, times √emb_dim. */
static const double SMALL = 3e-5;

typedef struct builder {
    rid_checkpoint *ck; /* room for N_TENSORS_MAX tensors */
    const rid_linear_map *m;
    rid_random *random;
    size_t vis, attr, emb, hidden;
    bool failed; /* no memory */
} builder;

/** One tensor as a matrix; data NULL: no memory. */
typedef struct matrix {
    float *w; /* (rows, cols) */
    size_t rows, cols;
} matrix;

/* A new zero tensor NAME.weight (rows, cols), or NAME.bias (rows) for cols = 0. */
static matrix add_tensor(builder *b, const char *name, size_t rows, size_t cols)
{
    assert(b->ck->n_tensors < N_TENSORS_MAX);
    rid_tensor *t = &b->ck->tensors[b->ck->n_tensors++];
    *t = (rid_tensor){.name = rid_mem_strdup(name),
                      .n_dims = cols ? 2 : 1,
                      .shape = {(int64_t)rows, (int64_t)cols},
                      .numel = rows * (cols ? cols : 1)};
    t->data = rid_mem_alloc_aligned(t->numel, sizeof *t->data);
    b->failed = b->failed || !t->name || !t->data;
    if (t->data)
        memset(t->data, 0, t->numel * sizeof *t->data);
    return (matrix){t->data, rows, cols ? cols : 1};
}

/* Uniform within ±bound. */
static void fill_uniform(builder *b, matrix m, double bound)
{
    for (size_t i = 0; m.w && i < m.rows * m.cols; i++)
        m.w[i] = (float)(bound * (2 * rid_random_uniform(b->random) - 1));
}

/* Rows from `row` on: normal deviates of that size. */
static void fill_normal(builder *b, matrix m, size_t row, double size)
{
    for (size_t i = row * m.cols; m.w && i < m.rows * m.cols; i++)
        m.w[i] = (float)(size * rid_random_normal(b->random));
}

/* m[row + i, column + i] = value for i < n. */
static void set_diagonal(matrix m, size_t row, size_t column, size_t n, float value)
{
    for (size_t i = 0; m.w && i < n; i++)
        m.w[(row + i) * m.cols + column + i] = value;
}

/* ---- random ---- */

typedef struct layer {
    const char *weight, *bias; /* bias NULL: none */
    size_t rows, cols;
} layer;

static void add_random_layers(builder *b, const layer *layers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const layer *l = &layers[i];
        if (l->cols == 0) /* no attributes */
            continue;
        double bound = 1 / sqrt((double)l->cols);
        fill_uniform(b, add_tensor(b, l->weight, l->rows, l->cols), bound);
        if (l->bias)
            fill_uniform(b, add_tensor(b, l->bias, l->rows, 0), bound);
    }
}

static void add_random_baseline(builder *b)
{
    const layer layers[] = {
        {"vis_pool.q.weight", "vis_pool.q.bias", b->vis, b->vis},
        {"vis_pool.k.weight", "vis_pool.k.bias", b->vis, b->vis},
        {"vis_pool.v.weight", "vis_pool.v.bias", b->vis, b->vis},
        {"vis_proj.weight", "vis_proj.bias", b->emb, b->vis},
        {"attr_proj.weight", "attr_proj.bias", b->emb, b->attr},
        {"fuse.0.weight", "fuse.0.bias", b->emb, 2 * b->emb},
        {"fuse.3.weight", "fuse.3.bias", b->emb, b->emb},
    };
    const size_t pooling = b->ck->use_attention ? 0 : 3;
    add_random_layers(b, layers + pooling, sizeof layers / sizeof layers[0] - pooling);
}

static void add_random_xattn(builder *b)
{
    const layer layers[] = {
        {"vis_proj_in.weight", "vis_proj_in.bias", b->hidden, b->vis},
        {"attr_proj_in.weight", "attr_proj_in.bias", b->hidden, b->attr},
        {"q_attr.weight", NULL, b->hidden, b->hidden},
        {"k_vis.weight", NULL, b->hidden, b->hidden},
        {"v_vis.weight", NULL, b->hidden, b->hidden},
        {"fuse.0.weight", "fuse.0.bias", b->emb, 2 * b->hidden},
        {"fuse.3.weight", "fuse.3.bias", b->emb, b->emb},
    };
    add_random_layers(b, layers, sizeof layers / sizeof layers[0]);
}

/* ---- linear ---- */

/* Root mean square of the map's weights in columns [from, to). */
static double size_of_map(const rid_linear_map *m, size_t from, size_t to)
{
    const size_t dim = m->vis_dim + m->attr_dim;
    double sum = 0;
    for (size_t i = 0; i < m->k; i++)
        for (size_t j = from; j < to; j++)
            sum += m->a[i * dim + j] * m->a[i * dim + j];
    return sqrt(sum / (double)(m->k * (to - from)));
}

/* Row `row` of w = sign · row `from` of the map, its columns [at, at + w.cols). */
static void copy_map_row(matrix w, size_t row, const rid_linear_map *m, size_t from, size_t at,
                         float sign)
{
    const double *a = m->a + from * (m->vis_dim + m->attr_dim) + at;
    for (size_t j = 0; w.w && j < w.cols; j++)
        w.w[row * w.cols + j] = sign * (float)a[j];
}

/* bias = −w mean */
static void set_centring(matrix bias, matrix w, const double *mean)
{
    for (size_t i = 0; bias.w && w.w && i < w.rows; i++) {
        double sum = 0;
        for (size_t j = 0; j < w.cols; j++)
            sum += (double)w.w[i * w.cols + j] * mean[j];
        bias.w[i] = (float)-sum;
    }
}

/* A projection of `cols` numbers that begin at `at` in a row: the map's rows, as pairs with their
 * negatives or alone, and below them random ones of the same size, all centred. */
static void add_projection(builder *b, const char *weight, const char *bias, size_t rows, size_t at,
                           size_t cols, bool pairs)
{
    const size_t k = b->m->k;
    matrix w = add_tensor(b, weight, rows, cols);
    for (size_t i = 0; i < k; i++) {
        copy_map_row(w, i, b->m, i, at, 1);
        if (pairs)
            copy_map_row(w, k + i, b->m, i, at, -1);
    }
    fill_normal(b, w, pairs ? 2 * k : k, size_of_map(b->m, at, at + cols));
    set_centring(add_tensor(b, bias, rows, 0), w, b->m->mean + at);
}

/* fuse.0 and fuse.3. `width`: of each half of fuse.0's input; pairs: it comes as pairs. */
static void add_fusion(builder *b, size_t width, bool pairs)
{
    const size_t k = b->m->k, emb = b->emb, halves[] = {0, width};
    const double small = SMALL / sqrt((double)emb);
    matrix fuse0 = add_tensor(b, "fuse.0.weight", emb, 2 * width);
    fill_normal(b, fuse0, 0, small);
    fill_normal(b, fuse0, 2 * k, 1 / sqrt((double)(2 * width)));
    for (size_t h = 0; h < 2; h++) {
        set_diagonal(fuse0, 0, halves[h], k, 1);
        set_diagonal(fuse0, k, halves[h], k, -1);
        set_diagonal(fuse0, 0, halves[h] + k, pairs ? k : 0, -1);
        set_diagonal(fuse0, k, halves[h] + k, pairs ? k : 0, 1);
    }
    add_tensor(b, "fuse.0.bias", emb, 0);
    matrix fuse3 = add_tensor(b, "fuse.3.weight", emb, emb);
    fill_normal(b, fuse3, 0, small);
    set_diagonal(fuse3, 0, 0, k, 1);
    set_diagonal(fuse3, 0, k, k, -1);
    add_tensor(b, "fuse.3.bias", emb, 0);
}

static void add_linear_baseline(builder *b)
{
    if (b->ck->use_attention) {
        add_tensor(b, "vis_pool.q.weight", b->vis, b->vis);
        add_tensor(b, "vis_pool.q.bias", b->vis, 0);
        fill_uniform(b, add_tensor(b, "vis_pool.k.weight", b->vis, b->vis),
                     1 / sqrt((double)b->vis));
        add_tensor(b, "vis_pool.k.bias", b->vis, 0);
        set_diagonal(add_tensor(b, "vis_pool.v.weight", b->vis, b->vis), 0, 0, b->vis, 1);
        add_tensor(b, "vis_pool.v.bias", b->vis, 0);
    }
    add_projection(b, "vis_proj.weight", "vis_proj.bias", b->emb, 0, b->vis, true);
    if (b->attr > 0)
        add_projection(b, "attr_proj.weight", "attr_proj.bias", b->emb, b->vis, b->attr, true);
    add_fusion(b, b->emb, true);
}

static void add_linear_xattn(builder *b)
{
    const size_t h = b->hidden;
    add_projection(b, "vis_proj_in.weight", "vis_proj_in.bias", h, 0, b->vis, false);
    if (b->attr > 0)
        add_projection(b, "attr_proj_in.weight", "attr_proj_in.bias", h, b->vis, b->attr, false);
    add_tensor(b, "q_attr.weight", h, h);
    fill_uniform(b, add_tensor(b, "k_vis.weight", h, h), 1 / sqrt((double)h));
    set_diagonal(add_tensor(b, "v_vis.weight", h, h), 0, 0, h, 1);
    add_fusion(b, h, false);
}

static void check_sizes(const builder *b, bool xattn)
{
    assert(b->m->vis_dim == b->vis && b->m->attr_dim == b->attr && b->m->k > 0);
    assert(2 * b->m->k <= b->emb && (!xattn || b->m->k <= b->hidden));
    (void)b;
    (void)xattn;
}

static void clear_tensors(rid_checkpoint *ck)
{
    for (size_t i = 0; i < ck->n_tensors; i++) {
        rid_mem_free(ck->tensors[i].name);
        rid_mem_free(ck->tensors[i].data);
    }
    rid_mem_free(ck->tensors);
    ck->tensors = NULL;
    ck->n_tensors = 0;
}

rid_status rid_linear_init(rid_checkpoint *ck, size_t hidden, const rid_linear_map *m,
                           rid_random *random, rid_err *err)
{
    const bool xattn = strcmp(ck->fusion_mode, "xattn") == 0;
    builder b = {.ck = ck,
                 .m = m,
                 .random = random,
                 .vis = (size_t)ck->vis_dim,
                 .attr = (size_t)ck->attr_dim,
                 .emb = (size_t)ck->emb_dim,
                 .hidden = hidden};
    if (m)
        check_sizes(&b, xattn);
    ck->n_tensors = 0;
    ck->tensors = rid_mem_zalloc(N_TENSORS_MAX, sizeof *ck->tensors);
    if (!ck->tensors)
        return RID_FAIL_NOMEM(err);
    if (m && xattn)
        add_linear_xattn(&b);
    else if (m)
        add_linear_baseline(&b);
    else if (xattn)
        add_random_xattn(&b);
    else
        add_random_baseline(&b);
    if (!b.failed)
        return RID_OK;
    clear_tensors(ck);
    return RID_FAIL_NOMEM(err);
}
