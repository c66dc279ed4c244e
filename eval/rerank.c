#include "eval/rerank.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/num.h"
#include "eval/nearest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Weights are whole numbers of this unit: adding them up is exact, in whatever order. Those of an entry
 * are 1 in sum, so that no sum of smaller ones leaves 32 bits. */
#define WEIGHT_ONE 2147483648.0 /* 2^31 */

typedef struct weight {
    uint32_t node, value;
} weight;

typedef struct weights {
    weight *at;
    size_t n;
} weights;

/* Those who take part are nodes, by group and entry. */
typedef struct group {
    size_t first, n;
} group;

struct rid_rerank {
    rid_rerank_options o;
    size_t n_nodes, n_groups, max_group;
    uint32_t *node_of;  /* (n entries): UINT32_MAX: takes no part */
    uint32_t *group_of; /* (n_nodes) */
    group *groups;      /* (n_groups) */
    double *farthest;   /* (n_nodes): squared distance */
    weights *weights;   /* (n_nodes): of nodes of the group, numbered from its first */
    weights *holders;   /* (n_nodes): who has a weight for the node, and which */
};

/* What the weights of one group are made from. */
typedef struct build {
    rid_rerank *r;
    const group *g;
    const float *emb; /* (g.n, dim) */
    size_t dim;
    size_t n_near;
    uint32_t *near; /* (g.n, n_near), nearest first */
    size_t n_half;  /* at most so many in a set of half */
    uint32_t *half; /* (g.n, n_half): R(p, k1/2) */
    uint32_t *n_in_half;
    weights *first; /* (g.n): before the mean */
} build;

/* A thread's. */
typedef struct scratch {
    uint64_t *sum;  /* (g.n), 0 */
    uint32_t *list; /* (g.n) */
    double *value;  /* (g.n) */
} scratch;

bool rid_rerank_parse(const char *text, rid_rerank_options *out)
{
    const char *second = strchr(text, ','), *third = second ? strchr(second + 1, ',') : NULL;
    int64_t k1, k2;
    double lambda;
    if (!third || !rid_num_parse_i64((rid_str){text, (size_t)(second - text)}, &k1) ||
        !rid_num_parse_i64((rid_str){second + 1, (size_t)(third - second - 1)}, &k2) ||
        !rid_num_parse_f64((rid_str){third + 1, strlen(third + 1)}, &lambda))
        return false;
    if (k1 < 1 || k1 > RID_RERANK_K_MAX || k2 < 1 || k2 > RID_RERANK_K_MAX || lambda < 0 ||
        lambda > 1)
        return false;
    *out = (rid_rerank_options){(size_t)k1, (size_t)k2, lambda};
    return true;
}

/* ---- sets of neighbours ---- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_among(const uint32_t *list, size_t n, uint32_t node)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == node)
            return true;
    return false;
}

/* R(node, k − 1): of the k nearest those that have the node among their k nearest. */
static size_t find_reciprocal(const build *b, uint32_t node, size_t k, uint32_t *out)
{
    const uint32_t *near = b->near + node * b->n_near;
    size_t n = 0;
    for (size_t i = 0; i < k; i++)
        if (is_among(b->near + near[i] * b->n_near, k, node))
            out[n++] = near[i];
    return n;
}

static int compare_nodes(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* R*(node, k1) in ascending order. `sum` marks who is in it. */
static size_t find_expanded(const build *b, uint32_t node, scratch *s)
{
    enum { OF_OWN = 1, ADDED = 2 };
    const size_t own = find_reciprocal(b, node, least(b->r->o.k1 + 1, b->g->n), s->list);
    size_t n = own;
    for (size_t i = 0; i < own; i++)
        s->sum[s->list[i]] = OF_OWN;
    for (size_t i = 0; i < own; i++) {
        const uint32_t *half = b->half + s->list[i] * b->n_half;
        const size_t n_half = b->n_in_half[s->list[i]];
        size_t common = 0;
        for (size_t k = 0; k < n_half; k++)
            common += s->sum[half[k]] == OF_OWN;
        for (size_t k = 0; 3 * common > 2 * n_half && k < n_half; k++) {
            if (s->sum[half[k]])
                continue;
            s->sum[half[k]] = ADDED;
            s->list[n++] = half[k];
        }
    }
    for (size_t i = 0; i < n; i++)
        s->sum[s->list[i]] = 0;
    qsort(s->list, n, sizeof *s->list, compare_nodes);
    return n;
}

/* ---- weights ---- */

static rid_status make_half(const build *b, uint32_t node, scratch *s, rid_err *err)
{
    (void)s;
    (void)err;
    b->n_in_half[node] = (uint32_t)find_reciprocal(b, node, b->n_half, b->half + node * b->n_half);
    return RID_OK;
}

static rid_status make_weights(const build *b, uint32_t node, scratch *s, rid_err *err)
{
    weights *w = &b->first[node];
    const float *own = b->emb + node * b->dim;
    const double farthest = b->r->farthest[b->g->first + node];
    double sum = 0;
    w->n = find_expanded(b, node, s);
    w->at = rid_mem_alloc(w->n, sizeof *w->at);
    if (!w->at)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < w->n; i++) {
        const double d = rid_distance2(own, b->emb + s->list[i] * b->dim, b->dim);
        s->value[i] = exp(farthest > 0 ? -d / farthest : 0);
        sum += s->value[i];
    }
    for (size_t i = 0; i < w->n; i++)
        w->at[i] = (weight){s->list[i], (uint32_t)lrint(s->value[i] / sum * (WEIGHT_ONE - 1))};
    return RID_OK;
}

/* The mean of the weights of the k2 nearest. */
static rid_status make_mean(const build *b, uint32_t node, scratch *s, rid_err *err)
{
    const size_t k2 = least(b->r->o.k2, b->g->n);
    weights *w = &b->r->weights[b->g->first + node];
    size_t n = 0;
    for (size_t i = 0; i < k2; i++) {
        const weights *of = &b->first[b->near[node * b->n_near + i]];
        for (size_t k = 0; k < of->n; k++) {
            if (s->sum[of->at[k].node] == 0)
                s->list[n++] = of->at[k].node;
            s->sum[of->at[k].node] += of->at[k].value;
        }
    }
    w->n = n;
    w->at = rid_mem_alloc(n, sizeof *w->at);
    for (size_t i = 0; i < n; i++) {
        if (w->at)
            w->at[i] = (weight){s->list[i], (uint32_t)((s->sum[s->list[i]] + k2 / 2) / k2)};
        s->sum[s->list[i]] = 0;
    }
    return w->at ? RID_OK : RID_FAIL_NOMEM(err);
}

/* One step for every node of the group. */
static rid_status each_node(const build *b, int threads,
                            rid_status (*step)(const build *, uint32_t, scratch *, rid_err *),
                            rid_err *err)
{
    rid_status st = RID_OK;
#pragma omp parallel num_threads(threads) if (b->g->n > 100)
    {
        const size_t n = b->g->n;
        scratch s = {rid_mem_zalloc(n, sizeof *s.sum), rid_mem_alloc(n, sizeof *s.list),
                     rid_mem_alloc(n, sizeof *s.value)};
        rid_err mine = {0};
        rid_status one = s.sum && s.list && s.value ? RID_OK : RID_FAIL_NOMEM(&mine);
#pragma omp for schedule(dynamic, 64)
        for (uint32_t i = 0; i < (uint32_t)n; i++) {
            if (one == RID_OK)
                one = rid_interrupt_check(&mine);
            if (one == RID_OK)
                one = step(b, i, &s, &mine);
        }
        if (one != RID_OK) {
#pragma omp critical(rid_rerank)
            {
                st = one;
                if (err)
                    *err = mine;
            }
        }
        rid_mem_free(s.sum);
        rid_mem_free(s.list);
        rid_mem_free(s.value);
    }
    return st;
}

static void free_weights(weights *w, size_t n)
{
    for (size_t i = 0; w && i < n; i++)
        rid_mem_free(w[i].at);
}

/* Weights of one group from its rows. */
static rid_status build_group(rid_rerank *r, const group *g, const float *emb, size_t dim,
                              int threads, rid_err *err)
{
    const size_t k1 = r->o.k1, half = (size_t)lrint((double)k1 / 2) + 1;
    build b = {.r = r, .g = g, .emb = emb, .dim = dim};
    b.n_near = least(k1 + 1 > r->o.k2 ? k1 + 1 : r->o.k2, g->n);
    b.n_half = least(half, g->n);
    b.near = rid_mem_alloc(g->n * b.n_near, sizeof *b.near);
    b.half = rid_mem_alloc(g->n * b.n_half, sizeof *b.half);
    b.n_in_half = rid_mem_alloc(g->n, sizeof *b.n_in_half);
    b.first = rid_mem_zalloc(g->n, sizeof *b.first);
    rid_status st = b.near && b.half && b.n_in_half && b.first ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_nearest(b.near, r->farthest + g->first, b.n_near, emb, g->n, dim, threads, err);
    if (st == RID_OK)
        st = each_node(&b, threads, make_half, err);
    if (st == RID_OK)
        st = each_node(&b, threads, make_weights, err);
    if (st == RID_OK && r->o.k2 > 1) {
        st = each_node(&b, threads, make_mean, err);
        free_weights(b.first, g->n);
    } else if (b.first) { /* also what there is of them after a failure */
        memcpy(r->weights + g->first, b.first, g->n * sizeof *b.first);
    }
    rid_mem_free(b.near);
    rid_mem_free(b.half);
    rid_mem_free(b.n_in_half);
    rid_mem_free(b.first);
    return st;
}

/* ---- who holds a weight for a node ---- */

static rid_status invert_group(rid_rerank *r, const group *g, rid_err *err)
{
    const weights *w = r->weights + g->first;
    weights *h = r->holders + g->first;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < w[i].n; k++)
            h[w[i].at[k].node].n++;
    for (size_t i = 0; i < g->n; i++) {
        h[i].at = rid_mem_alloc(h[i].n, sizeof *h[i].at);
        if (!h[i].at)
            return RID_FAIL_NOMEM(err);
        h[i].n = 0;
    }
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < w[i].n; k++) {
            weights *of = &h[w[i].at[k].node];
            of->at[of->n++] = (weight){(uint32_t)i, w[i].at[k].value};
        }
    return RID_OK;
}

/* ---- groups ---- */

typedef struct member {
    uint32_t group, entry;
} member;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* Members sorted by group, and what hangs on their number. */
static rid_status list_members(rid_rerank *r, member *m, const rid_rerank_input *in, rid_err *err)
{
    for (size_t i = 0; i < in->n; i++) {
        r->node_of[i] = UINT32_MAX;
        if (!in->part || in->part[i])
            m[r->n_nodes++] = (member){in->group ? in->group[i] : 0, (uint32_t)i};
    }
    qsort(m, r->n_nodes, sizeof *m, compare_members);
    r->group_of = rid_mem_alloc(r->n_nodes, sizeof *r->group_of);
    r->groups = rid_mem_alloc(r->n_nodes, sizeof *r->groups);
    r->farthest = rid_mem_alloc(r->n_nodes, sizeof *r->farthest);
    r->weights = rid_mem_zalloc(r->n_nodes, sizeof *r->weights);
    r->holders = rid_mem_zalloc(r->n_nodes, sizeof *r->holders);
    if (!r->group_of || !r->groups || !r->farthest || !r->weights || !r->holders)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < r->n_nodes; i++) {
        if (i == 0 || m[i].group != m[i - 1].group)
            r->groups[r->n_groups++] = (group){i, 0};
        group *g = &r->groups[r->n_groups - 1];
        g->n++;
        r->max_group = g->n > r->max_group ? g->n : r->max_group;
        r->group_of[i] = (uint32_t)(r->n_groups - 1);
        r->node_of[m[i].entry] = (uint32_t)i;
    }
    return RID_OK;
}

static rid_status build_all(rid_rerank *r, const member *m, const rid_rerank_input *in, int threads,
                            rid_err *err)
{
    float *emb = rid_mem_alloc(r->max_group * sizeof *emb, in->dim);
    rid_status st = emb ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < r->n_groups && st == RID_OK; i++) {
        const group *g = &r->groups[i];
        for (size_t k = 0; k < g->n; k++)
            memcpy(emb + k * in->dim, in->emb + m[g->first + k].entry * in->dim,
                   in->dim * sizeof *emb);
        st = build_group(r, g, emb, in->dim, threads, err);
        if (st == RID_OK)
            st = invert_group(r, g, err);
    }
    rid_mem_free(emb);
    return st;
}

rid_status rid_rerank_new(rid_rerank **out, const rid_rerank_input *in, const rid_rerank_options *o,
                          int threads, rid_err *err)
{
    rid_rerank *r = rid_mem_zalloc(1, sizeof *r);
    member *m = rid_mem_alloc(in->n, sizeof *m);
    *out = NULL;
    if (r) {
        r->o = *o;
        r->node_of = rid_mem_alloc(in->n, sizeof *r->node_of);
    }
    rid_status st = r && m && r->node_of ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = list_members(r, m, in, err);
    if (st == RID_OK)
        st = build_all(r, m, in, threads > 0 ? threads : 1, err);
    rid_mem_free(m);
    if (st == RID_OK)
        *out = r;
    else
        rid_rerank_free(r);
    return st;
}

void rid_rerank_free(rid_rerank *r)
{
    if (r) {
        free_weights(r->weights, r->n_nodes);
        free_weights(r->holders, r->n_nodes);
        rid_mem_free(r->node_of);
        rid_mem_free(r->group_of);
        rid_mem_free(r->groups);
        rid_mem_free(r->farthest);
        rid_mem_free(r->weights);
        rid_mem_free(r->holders);
    }
    rid_mem_free(r);
}

/* ---- scores ---- */

struct rid_rerank_scorer {
    const rid_rerank *r;
    uint32_t *common; /* (max_group): Σ of the smaller weights, of the query and a node */
};

rid_rerank_scorer *rid_rerank_scorer_new(const rid_rerank *r)
{
    rid_rerank_scorer *s = rid_mem_alloc(1, sizeof *s);
    uint32_t *common = rid_mem_alloc(r->max_group, sizeof *common);
    if (!s || !common) {
        rid_mem_free(s);
        rid_mem_free(common);
        return NULL;
    }
    *s = (rid_rerank_scorer){r, common};
    return s;
}

void rid_rerank_scorer_free(rid_rerank_scorer *s)
{
    if (s)
        rid_mem_free(s->common);
    rid_mem_free(s);
}

static void add_common(rid_rerank_scorer *s, const group *g, const weights *of_query)
{
    memset(s->common, 0, g->n * sizeof *s->common);
    for (size_t k = 0; k < of_query->n; k++) {
        const uint32_t value = of_query->at[k].value;
        const weights *holders = &s->r->holders[g->first + of_query->at[k].node];
        for (size_t i = 0; i < holders->n; i++) {
            const weight h = holders->at[i];
            s->common[h.node] += h.value < value ? h.value : value;
        }
    }
}

void rid_rerank_score(rid_rerank_scorer *s, float *score, uint32_t query, const uint32_t *entry,
                      size_t n)
{
    const rid_rerank *r = s->r;
    const uint32_t node = r->node_of[query];
    const group *g = &r->groups[r->group_of[node]];
    const double lambda = r->o.lambda, farthest = r->farthest[node];
    add_common(s, g, &r->weights[node]);
    for (size_t i = 0; i < n; i++) {
        const uint32_t common = s->common[r->node_of[entry[i]] - g->first];
        const double distance = farthest > 0 ? (2 - 2 * (double)score[i]) / farthest : 0;
        double similarity = 0; /* 1 − Jaccard distance */
        if (common > 0) {
            const double sum = common / WEIGHT_ONE;
            similarity = sum / (2 - sum);
        }
        score[i] = (float)((1 - lambda) * similarity + lambda * (1 - distance));
    }
}
