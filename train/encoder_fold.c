#include "train/encoder_fold.h"

#include "data/base/mem.h"

#include <math.h>
#include <string.h>

/** A weight and its bias in double. */
typedef struct layer {
    double *w, *b; /* (out, in), (out) */
    size_t out, in;
} layer;

static void free_layer(layer *l)
{
    rid_mem_free(l->w);
    rid_mem_free(l->b);
    *l = (layer){0};
}

static rid_status copy_tensor(double **out, const rid_tensor *t, rid_err *err)
{
    *out = rid_mem_alloc(t->numel, sizeof **out);
    if (!*out)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < t->numel; i++)
        (*out)[i] = t->data[i];
    return RID_OK;
}

static rid_status find_tensor(const rid_tensor **t, const rid_checkpoint *ck, const char *layer_name,
                              const char *part, int n_dims, rid_err *err)
{
    char name[128];
    size_t n = strlen(layer_name);
    memcpy(name, layer_name, n);
    memcpy(name + n, part, strlen(part) + 1);
    *t = rid_checkpoint_find(ck, name);
    if (!*t)
        return RID_FAIL(err, RID_EDATA, "tensor '%s' is missing (fusion mode %s)", name,
                        ck->fusion_mode);
    if ((*t)->n_dims != n_dims)
        return RID_FAIL(err, RID_EDATA, "tensor '%s' has %d dimensions, expected %d", name,
                        (*t)->n_dims, n_dims);
    return RID_OK;
}

/* Reads NAME.weight (and NAME.bias). in = 0: any number of inputs. */
static rid_status read_layer(layer *l, const rid_checkpoint *ck, const char *name, size_t in,
                             bool bias, rid_err *err)
{
    const rid_tensor *w, *b;
    *l = (layer){0};
    rid_status st = find_tensor(&w, ck, name, ".weight", 2, err);
    if (st != RID_OK)
        return st;
    l->out = (size_t)w->shape[0];
    l->in = (size_t)w->shape[1];
    if (l->out == 0 || (in != 0 && l->in != in))
        return RID_FAIL(err, RID_EDATA, "tensor '%s.weight' is (%zu, %zu), expected (…, %zu)", name,
                        l->out, l->in, in);
    st = copy_tensor(&l->w, w, err);
    if (st != RID_OK || !bias)
        return st;
    st = find_tensor(&b, ck, name, ".bias", 1, err);
    if (st == RID_OK && (size_t)b->shape[0] != l->out)
        st = RID_FAIL(err, RID_EDATA, "tensor '%s.bias' is (%lld), expected (%zu)", name,
                      (long long)b->shape[0], l->out);
    return st == RID_OK ? copy_tensor(&l->b, b, err) : st;
}

/* The layer as a map for inference, scaled. */
static rid_status set_affine(rid_affine *m, const layer *l, double scale, bool relu, rid_err *err)
{
    size_t n = l->out * l->in;
    float *w = rid_mem_alloc(n, sizeof *w), *b = rid_mem_zalloc(l->out, sizeof *b);
    rid_status st = w && b ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < n; i++)
        w[i] = (float)(l->w[i] * scale);
    for (size_t i = 0; st == RID_OK && l->b && i < l->out; i++)
        b[i] = (float)(l->b[i] * scale);
    if (st == RID_OK)
        st = rid_affine_set(m, w, b, l->out, l->in, relu, err);
    rid_mem_free(w);
    rid_mem_free(b);
    return st;
}

/* c = second ∘ first: W = W₂W₁, b = W₂b₁ + b₂. */
static rid_status compose(layer *c, const layer *second, const layer *first, int threads,
                          rid_err *err)
{
    *c = (layer){.out = second->out, .in = first->in};
    c->w = rid_mem_alloc(c->out * c->in, sizeof *c->w);
    c->b = rid_mem_zalloc(c->out, sizeof *c->b);
    if (!c->w || !c->b)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_matrix_multiply(c->w, second->w, first->w, second->out, second->in, first->in,
                                        threads, err);
    if (st == RID_OK && first->b)
        st = rid_matrix_multiply(c->b, second->w, first->b, second->out, second->in, 1, 1, err);
    for (size_t i = 0; second->b && i < c->out; i++)
        c->b[i] += second->b[i];
    return st;
}

/* (out, in) → (in, out), without a bias. */
static rid_status transpose(layer *t, const layer *l, rid_err *err)
{
    *t = (layer){.out = l->in, .in = l->out};
    t->w = rid_mem_alloc(l->out * l->in, sizeof *t->w);
    if (!t->w)
        return RID_FAIL_NOMEM(err);
    for (size_t r = 0; r < l->out; r++)
        for (size_t c = 0; c < l->in; c++)
            t->w[c * l->out + r] = l->w[r * l->in + c];
    return RID_OK;
}

/* The query map u = Kᵀ Q / √H: its product with a frame is q·k up to a constant. The names are for
 * the message. */
static rid_status fold_query(rid_affine *query, const layer *q, const char *q_name, const layer *k,
                             const char *k_name, int threads, rid_err *err)
{
    layer kt = {0}, u = {0};
    if (q->out != k->out)
        return RID_FAIL(err, RID_EDATA, "tensor '%s.weight' gives %zu numbers, '%s.weight' %zu",
                        q_name, q->out, k_name, k->out);
    rid_status st = transpose(&kt, k, err);
    if (st == RID_OK)
        st = compose(&u, &kt, q, threads, err);
    if (st == RID_OK)
        st = set_affine(query, &u, 1.0 / sqrt((double)q->out), false, err);
    free_layer(&kt);
    free_layer(&u);
    return st;
}

static rid_status fold_baseline(rid_network *net, const rid_checkpoint *ck, int threads,
                                rid_err *err)
{
    size_t vis_dim = (size_t)ck->vis_dim, attr_dim = (size_t)ck->attr_dim;
    layer q = {0}, k = {0}, v = {0}, vis = {0}, attr = {0}, value = {0};
    rid_status st = RID_OK;
    if (ck->use_attention) {
        if ((st = read_layer(&q, ck, "vis_pool.q", vis_dim, true, err)) != RID_OK ||
            (st = read_layer(&k, ck, "vis_pool.k", vis_dim, true, err)) != RID_OK ||
            (st = read_layer(&v, ck, "vis_pool.v", vis_dim, true, err)) != RID_OK ||
            (st = read_layer(&vis, ck, "vis_proj", v.out, true, err)) != RID_OK ||
            (st = fold_query(&net->query, &q, "vis_pool.q", &k, "vis_pool.k", threads, err)) !=
                RID_OK ||
            (st = compose(&value, &vis, &v, threads, err)) != RID_OK)
            goto done;
        st = set_affine(&net->value, &value, 1, true, err);
    } else {
        if ((st = read_layer(&vis, ck, "vis_proj", vis_dim, true, err)) != RID_OK)
            goto done;
        st = set_affine(&net->value, &vis, 1, true, err);
    }
    if (st == RID_OK && attr_dim > 0) {
        st = read_layer(&attr, ck, "attr_proj", attr_dim, true, err);
        if (st == RID_OK)
            st = set_affine(&net->second, &attr, 1, true, err);
    }
done:
    free_layer(&q);
    free_layer(&k);
    free_layer(&v);
    free_layer(&vis);
    free_layer(&attr);
    free_layer(&value);
    return st;
}

static rid_status fold_xattn(rid_network *net, const rid_checkpoint *ck, int threads, rid_err *err)
{
    size_t vis_dim = (size_t)ck->vis_dim, attr_dim = (size_t)ck->attr_dim;
    layer vis = {0}, attr = {0}, q = {0}, k = {0}, v = {0}, qa = {0}, kv = {0}, vv = {0};
    rid_status st = read_layer(&vis, ck, "vis_proj_in", vis_dim, true, err);
    if (st == RID_OK && attr_dim == 0) { /* nothing to ask with: the mean of the projected frames */
        st = set_affine(&net->value, &vis, 1, false, err);
        goto done;
    }
    if (st != RID_OK || (st = read_layer(&attr, ck, "attr_proj_in", attr_dim, true, err)) != RID_OK ||
        (st = read_layer(&q, ck, "q_attr", attr.out, false, err)) != RID_OK ||
        (st = read_layer(&k, ck, "k_vis", vis.out, false, err)) != RID_OK ||
        (st = read_layer(&v, ck, "v_vis", vis.out, false, err)) != RID_OK ||
        (st = compose(&qa, &q, &attr, threads, err)) != RID_OK ||
        (st = compose(&kv, &k, &vis, threads, err)) != RID_OK ||
        (st = compose(&vv, &v, &vis, threads, err)) != RID_OK ||
        (st = fold_query(&net->query, &qa, "q_attr", &kv, "k_vis", threads, err)) != RID_OK)
        goto done;
    net->query_from_attr = true;
    st = set_affine(&net->value, &vv, 1, false, err);
    if (st == RID_OK)
        st = set_affine(&net->second, &attr, 1, false, err);
done:
    free_layer(&vis);
    free_layer(&attr);
    free_layer(&q);
    free_layer(&k);
    free_layer(&v);
    free_layer(&qa);
    free_layer(&kv);
    free_layer(&vv);
    return st;
}

static rid_status fold_fusion(rid_network *net, const rid_checkpoint *ck, rid_err *err)
{
    layer f0 = {0}, f3 = {0};
    size_t first = net->value.out, second = net->second.out;
    rid_status st = read_layer(&f0, ck, "fuse.0", 0, true, err);
    if (st == RID_OK && (f0.in < first || (net->second.packed && f0.in != first + second)))
        st = RID_FAIL(err, RID_EDATA,
                      "tensor 'fuse.0.weight' is (%zu, %zu), expected (…, %zu + %zu)", f0.out, f0.in,
                      first, second);
    if (st == RID_OK)
        st = read_layer(&f3, ck, "fuse.3", f0.out, true, err);
    if (st == RID_OK && f3.out != (size_t)ck->emb_dim)
        st = RID_FAIL(err, RID_EDATA, "tensor 'fuse.3.weight' is (%zu, %zu), expected (%lld, …)",
                      f3.out, f3.in, (long long)ck->emb_dim);
    if (st == RID_OK)
        st = set_affine(&net->fuse0, &f0, 1, true, err);
    if (st == RID_OK)
        st = set_affine(&net->fuse3, &f3, 1, false, err);
    net->half[0] = first;
    net->half[1] = f0.in - first;
    free_layer(&f0);
    free_layer(&f3);
    return st;
}

rid_status rid_network_fold(rid_network *net, const rid_checkpoint *ck, int threads, rid_err *err)
{
    *net = (rid_network){0};
    bool xattn = strcmp(ck->fusion_mode, "xattn") == 0;
    if (ck->vis_dim < 1 || ck->emb_dim < 1 || ck->attr_dim < 0)
        return RID_FAIL(err, RID_EDATA, "vis_dim %lld, attr_dim %lld, emb_dim %lld make no encoder",
                        (long long)ck->vis_dim, (long long)ck->attr_dim, (long long)ck->emb_dim);
    if (!xattn && strcmp(ck->fusion_mode, "baseline") != 0)
        return RID_FAIL(err, RID_EDATA, "fusion_mode is '%.40s', expected baseline or xattn",
                        ck->fusion_mode);
    rid_status st = xattn ? fold_xattn(net, ck, threads, err) : fold_baseline(net, ck, threads, err);
    if (st == RID_OK)
        st = fold_fusion(net, ck, err);
    if (st != RID_OK)
        rid_network_clear(net);
    return st;
}

void rid_network_clear(rid_network *net)
{
    rid_affine_clear(&net->query);
    rid_affine_clear(&net->value);
    rid_affine_clear(&net->second);
    rid_affine_clear(&net->fuse0);
    rid_affine_clear(&net->fuse3);
    *net = (rid_network){0};
}
