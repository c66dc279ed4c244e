#include "train/synth_encoder.h"

#include "data/base/buf.h"
#include "data/base/mem.h"
#include "data/schema.h"
#include "train/checkpoint.h"
#include "train/checkpoint_meta.h"
#include "train/synth_attrs.h"
#include "train/synth_world.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* How the weights keep what comes in: pooling with values near the identity; a random projection A
 * stacked as [A; -A], so that of each pair relu lets one half through; fuse.0 near the identity;
 * and fuse.3 takes the pairs' differences, which are A x again, and a rotation of them. Attributes
 * come in as a small random part. Random noise on top leaves no weight exactly 0 or 1. */

enum {
    XATTN_DIM = 128, /* of the shared space of frames and attributes */
    N_TENSORS_MAX = 16,
};

static const double NOISE = 0.1;     /* length of a noise matrix times a unit vector */
static const double BIAS = 0.01;     /* length of a bias */
static const double ATTR_GAIN = 0.1; /* attribute vectors are about 3 long, pooled frames 1 */

typedef struct builder {
    const rid_synth_options *o;
    rid_random random;
    rid_checkpoint ck; /* room for N_TENSORS_MAX tensors */
    bool failed;       /* no memory */
} builder;

/* A new zero tensor (rows, cols), or (rows) for cols = 0; NULL: no memory. */
static float *add_tensor(builder *b, const char *name, size_t rows, size_t cols)
{
    assert(b->ck.n_tensors < N_TENSORS_MAX);
    rid_tensor *t = &b->ck.tensors[b->ck.n_tensors++];
    t->n_dims = cols ? 2 : 1;
    t->shape[0] = (int64_t)rows;
    t->shape[1] = (int64_t)cols;
    t->numel = rows * (cols ? cols : 1);
    t->name = rid_mem_strdup(name);
    t->data = rid_mem_alloc_aligned(t->numel, sizeof *t->data);
    b->failed = b->failed || !t->name || !t->data;
    for (size_t i = 0; t->data && i < t->numel; i++)
        t->data[i] = 0;
    return t->data;
}

/* w (rows, cols) += a random matrix that takes unit vectors to about length `gain`. */
static void add_random(builder *b, float *w, size_t rows, size_t cols, double gain)
{
    const double scale = gain / sqrt((double)rows);
    for (size_t i = 0; w && i < rows * cols; i++)
        w[i] = (float)(w[i] + scale * rid_random_normal(&b->random));
}

/* w[i, at + i] += gain for i < n; cols is the row length. */
static void add_identity(float *w, size_t cols, size_t at, size_t n, double gain)
{
    for (size_t i = 0; w && i < n; i++)
        w[i * cols + at + i] += (float)gain;
}

static void add_bias(builder *b, const char *name, size_t rows)
{
    add_random(b, add_tensor(b, name, rows, 0), rows, 1, BIAS);
}

/* A noisy multiple of the identity, (n, n). */
static void add_square(builder *b, const char *name, size_t n, double gain)
{
    float *w = add_tensor(b, name, n, n);
    add_random(b, w, n, n, NOISE * gain);
    add_identity(w, n, 0, n, gain);
}

static void add_projection(builder *b, const char *name, size_t rows, size_t cols, double gain)
{
    add_random(b, add_tensor(b, name, rows, cols), rows, cols, gain);
}

/* Columns [0, cols) of w (rows, stride): [A; -A] with A random, (rows / 2, cols). An odd last row
 * is random too. */
static void add_signed_pairs(builder *b, float *w, size_t rows, size_t stride, size_t cols)
{
    const size_t half = rows / 2;
    const double scale = 1 / sqrt((double)(half ? half : 1));
    for (size_t i = 0; w && i < rows - half; i++) {
        for (size_t j = 0; j < cols; j++) {
            float a = (float)(scale * rid_random_normal(&b->random));
            w[(i < half ? i : rows - 1) * stride + j] = a;
            if (i < half)
                w[(half + i) * stride + j] = -a;
        }
    }
}

/* fuse.3: from pairs h to d = h[:half] - h[half:], then [d; R d] with R random. */
static void add_output_layer(builder *b)
{
    const size_t n = b->o->emb_dim, half = n / 2;
    const double scale = 1 / sqrt((double)(half ? half : 1));
    float *w = add_tensor(b, "fuse.3.weight", n, n);
    add_random(b, w, n, n, NOISE);
    add_identity(w, n, 0, half, 1);
    add_identity(w, n, half, half, -1);
    for (size_t i = half; w && i < 2 * half; i++) {
        for (size_t j = 0; j < half; j++) {
            float rotation = (float)(scale * rid_random_normal(&b->random));
            w[i * n + j] += rotation;
            w[i * n + half + j] -= rotation;
        }
    }
    add_bias(b, "fuse.3.bias", n);
}

static void build_baseline(builder *b, size_t attr_dim)
{
    const size_t vis = b->o->vis_dim, emb = b->o->emb_dim;
    if (!b->o->pool_mean) {
        /* Logits of twice the cosine: frames unlike the first count less, none is shut out. */
        const double gain = sqrt(2 * sqrt((double)vis));
        add_square(b, "vis_pool.q.weight", vis, gain);
        add_bias(b, "vis_pool.q.bias", vis);
        add_square(b, "vis_pool.k.weight", vis, gain);
        add_bias(b, "vis_pool.k.bias", vis);
        add_square(b, "vis_pool.v.weight", vis, 1);
        add_bias(b, "vis_pool.v.bias", vis);
    }
    add_signed_pairs(b, add_tensor(b, "vis_proj.weight", emb, vis), emb, vis, vis);
    add_bias(b, "vis_proj.bias", emb);
    if (attr_dim > 0) {
        add_projection(b, "attr_proj.weight", emb, attr_dim, ATTR_GAIN);
        add_bias(b, "attr_proj.bias", emb);
    }
    float *fuse = add_tensor(b, "fuse.0.weight", emb, 2 * emb);
    add_random(b, fuse, emb, 2 * emb, NOISE);
    add_identity(fuse, 2 * emb, 0, emb, 1);
    for (size_t i = 0; fuse && i < emb; i++) /* attributes mix in */
        for (size_t j = emb; j < 2 * emb; j++)
            fuse[i * 2 * emb + j] *= (float)(1 / NOISE);
    add_bias(b, "fuse.0.bias", emb);
    add_output_layer(b);
}

static void build_xattn(builder *b, size_t attr_dim)
{
    const size_t vis = b->o->vis_dim, emb = b->o->emb_dim;
    add_projection(b, "vis_proj_in.weight", XATTN_DIM, vis, 1);
    add_bias(b, "vis_proj_in.bias", XATTN_DIM);
    if (attr_dim > 0) {
        add_projection(b, "attr_proj_in.weight", XATTN_DIM, attr_dim, ATTR_GAIN);
        add_bias(b, "attr_proj_in.bias", XATTN_DIM);
    }
    /* Queries and keys have nothing to say to each other here: logits of about 1, at random. */
    add_projection(b, "q_attr.weight", XATTN_DIM, XATTN_DIM, 30);
    add_projection(b, "k_vis.weight", XATTN_DIM, XATTN_DIM, 10);
    add_square(b, "v_vis.weight", XATTN_DIM, 1);
    float *fuse = add_tensor(b, "fuse.0.weight", emb, 2 * XATTN_DIM);
    add_random(b, fuse, emb, 2 * XATTN_DIM, 1);
    add_signed_pairs(b, fuse, emb, 2 * XATTN_DIM, XATTN_DIM);
    add_bias(b, "fuse.0.bias", emb);
    add_output_layer(b);
}

static rid_status schema_text(rid_buf *text, size_t *attr_dim, rid_err *err)
{
    rid_schema *schema = NULL;
    rid_synth_schema_append(text);
    if (!rid_buf_cstr(text))
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_schema_parse(&schema, rid_buf_view(text), "synth", err);
    if (st == RID_OK)
        *attr_dim = rid_schema_dim(schema);
    rid_schema_free(schema);
    return st;
}

/* Filter settings and operating point stay open: nothing was tuned. */
static rid_status seal(rid_checkpoint *ck, const rid_synth_options *o, rid_buf *schema,
                       rid_err *err)
{
    rid_checkpoint_meta meta = {0};
    rid_buf provenance = {0};
    rid_buf_printf(&provenance, "{\"made_by\":\"rid-synth\",\"seed\":%" PRIu64 "}", o->seed);
    meta.provenance = rid_buf_cstr(&provenance) ? rid_mem_strdup(provenance.data) : NULL;
    meta.schema = schema->len ? rid_mem_strndup(schema->data, schema->len) : NULL;
    rid_status st = meta.provenance && (meta.schema || !schema->len)
                        ? rid_checkpoint_meta_seal(ck, &meta, err)
                        : RID_FAIL_NOMEM(err);
    rid_checkpoint_meta_free(&meta);
    rid_buf_free(&provenance);
    return st;
}

rid_status rid_synth_encoder_write(const rid_synth_options *o, rid_err *err)
{
    builder b = {.o = o, .random = rid_synth_random(o, RID_SYNTH_ENCODER, 0, 0, 0, 0)};
    rid_buf schema = {0};
    size_t attr_dim = 0;
    rid_status st = o->attrs ? schema_text(&schema, &attr_dim, err) : RID_OK;
    if (st != RID_OK)
        goto done;
    b.ck.vis_dim = o->vis_dim;
    b.ck.attr_dim = (int64_t)attr_dim;
    b.ck.emb_dim = o->emb_dim;
    b.ck.use_attention = !o->pool_mean;
    b.ck.dropout = 0.1;
    b.ck.fusion_mode = rid_mem_strdup(o->fusion == RID_SYNTH_XATTN ? "xattn" : "baseline");
    b.ck.tensors = rid_mem_zalloc(N_TENSORS_MAX, sizeof *b.ck.tensors);
    if (b.ck.tensors && o->fusion == RID_SYNTH_XATTN)
        build_xattn(&b, attr_dim);
    else if (b.ck.tensors)
        build_baseline(&b, attr_dim);
    st = b.failed || !b.ck.tensors || !b.ck.fusion_mode ? RID_FAIL_NOMEM(err) : RID_OK;
    if (st == RID_OK)
        st = seal(&b.ck, o, &schema, err);
    if (st == RID_OK)
        st = rid_checkpoint_write(&b.ck, o->ckpt_path, o->force, err);
done:
    rid_checkpoint_free(&b.ck);
    rid_buf_free(&schema);
    return st;
}
