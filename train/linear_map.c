#include "train/linear_map.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "eval/ranking.h"
#include "train/discriminant.h"
#include "train/folds.h"
#include "train/nn.h"
#include "train/scatter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FOLD_ENTRIES_MAX = 1500, /* ranked in a fold: more would not change the choice */
    SHRINKAGES_MAX = 7,
    KS_MAX = 6,
};

/* Tried from the cautious end: of equals the first is taken. */
static const double SHRINKAGES[SHRINKAGES_MAX] = {0.9, 0.6, 0.3, 0.1, 0.03, 0.01, 0.003};
static const size_t K_EIGHTHS[KS_MAX] = {8, 6, 4, 3, 2, 1};

/* Without people to choose it by. */
static const double SHRINKAGE_DEFAULT = 0.5;
/* Measures that differ by less are equal. */
static const double MEASURE_STEP = 1e-9;

/* ---- entries in the order of their folds and persons ---- */

typedef struct member {
    size_t entry;
    uint32_t person;
    uint8_t fold;
} member;

/** What the folds share. */
typedef struct fitting {
    const rid_train_set *set;
    const rid_linear_options *o;
    size_t dim, max_k, n_folds; /* n_folds = 0: one part, no choosing */
    size_t *entries;            /* (n), by fold, then person, then place in the set */
    uint32_t *person;           /* (n), of entries */
    size_t first[RID_FOLDS_MAX + 1];
    rid_scatter part[RID_FOLDS_MAX], total;
    float *means[RID_FOLDS_MAX]; /* (n_ranked, dim) */
    rid_discriminant solver;
} fitting;

static int compare_members(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->fold != y->fold)
        return x->fold < y->fold ? -1 : 1;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Enough persons to fit on? */
static rid_status check_persons(const fitting *f, size_t n, rid_err *err)
{
    size_t n_persons = n > 0, n_findable = 0;
    for (size_t i = 1; i < n; i++) {
        bool same = f->person[i] == f->person[i - 1];
        n_persons += !same;
        n_findable += same;
    }
    if (n_persons < 2)
        return RID_FAIL(err, RID_EDATA, "%zu training entries with a person, of %zu persons: two"
                                        " persons are the least", n, n_persons);
    if (n_findable == 0 && f->o->kind == RID_LINEAR_LDA)
        return RID_FAIL(err, RID_EDATA, "each of the %zu training persons has a single entry: there"
                                        " is nothing to tell persons apart by", n_persons);
    return RID_OK;
}

static rid_status sort_entries(fitting *f, const uint8_t *use, const uint8_t *fold, rid_err *err)
{
    const rid_train_set *set = f->set;
    size_t n = 0, n_parts = f->n_folds ? f->n_folds : 1;
    member *members = rid_mem_alloc(set->n, sizeof *members);
    f->entries = rid_mem_alloc(set->n, sizeof *f->entries);
    f->person = rid_mem_alloc(set->n, sizeof *f->person);
    rid_status st = members && f->entries && f->person ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < set->n; i++) {
        uint32_t person = set->entries[i].person;
        if (use[i] && person != RID_NO_PERSON)
            members[n++] = (member){i, person, fold[person]};
    }
    if (st == RID_OK)
        qsort(members, n, sizeof *members, compare_members);
    for (size_t i = 0; st == RID_OK && i < n; i++) {
        f->entries[i] = members[i].entry;
        f->person[i] = members[i].person;
        f->first[members[i].fold + 1]++;
    }
    for (size_t p = 0; p < n_parts; p++)
        f->first[p + 1] += f->first[p];
    rid_mem_free(members);
    return st == RID_OK ? check_persons(f, n, err) : st;
}

static size_t n_ranked(const fitting *f, size_t fold)
{
    size_t n = f->n_folds ? f->first[fold + 1] - f->first[fold] : 0;
    return n < FOLD_ENTRIES_MAX ? n : FOLD_ENTRIES_MAX;
}

/* Reads every entry once: the scatter of each part, and the mean rows that will be ranked. */
static rid_status gather_parts(fitting *f, rid_err *err)
{
    rid_status st = rid_scatter_init(&f->total, f->dim, err);
    for (size_t p = 0; p < (f->n_folds ? f->n_folds : 1) && st == RID_OK; p++) {
        size_t n = n_ranked(f, p);
        f->means[p] = rid_mem_alloc(n * sizeof **f->means, f->dim);
        st = f->means[p] ? rid_scatter_init(&f->part[p], f->dim, err) : RID_FAIL_NOMEM(err);
        if (st == RID_OK)
            st = rid_scatter_gather(&f->part[p], f->set, f->entries + f->first[p],
                                    f->first[p + 1] - f->first[p], f->means[p], n, err);
        if (st == RID_OK)
            rid_scatter_add(&f->total, &f->part[p], 1);
    }
    return st;
}

static void free_fitting(fitting *f)
{
    rid_mem_free(f->entries);
    rid_mem_free(f->person);
    rid_scatter_clear(&f->total);
    for (size_t p = 0; p < RID_FOLDS_MAX; p++) {
        rid_scatter_clear(&f->part[p]);
        rid_mem_free(f->means[p]);
    }
    rid_discriminant_clear(&f->solver);
}

/* ---- choosing ---- */

/** Every setting's measures, summed over queries (AUC: weighted by them). */
typedef struct grid {
    size_t n_shrinkages, n_ks;
    double shrinkage[SHRINKAGES_MAX];
    size_t k[KS_MAX];
    double map[SHRINKAGES_MAX][KS_MAX], auc[SHRINKAGES_MAX][KS_MAX];
    double n_queries;
} grid;

static grid make_grid(const fitting *f)
{
    grid g = {.n_shrinkages = 1, .n_ks = 1, .shrinkage = {NAN}, .k = {f->max_k}};
    if (f->o->k > 0)
        g.k[0] = f->o->k < f->max_k ? f->o->k : f->max_k;
    for (size_t i = 1; f->n_folds > 0 && f->o->k == 0 && i < KS_MAX; i++) {
        size_t k = f->max_k * K_EIGHTHS[i] / 8;
        if (k > 0 && k < g.k[g.n_ks - 1])
            g.k[g.n_ks++] = k;
    }
    if (f->o->kind == RID_LINEAR_PCA)
        return g;
    g.shrinkage[0] = f->o->shrinkage < 0 ? SHRINKAGE_DEFAULT : fmin(f->o->shrinkage, 1);
    if (f->n_folds > 0 && f->o->shrinkage < 0) {
        memcpy(g.shrinkage, SHRINKAGES, sizeof SHRINKAGES);
        g.n_shrinkages = SHRINKAGES_MAX;
    }
    return g;
}

/* emb f32 (n, k): the first k of y's columns (n, stride), unit rows; usable (n). */
static void set_embeddings(float *emb, uint8_t *usable, const double *y, size_t n, size_t stride,
                           size_t k)
{
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j < k; j++)
            sum += y[i * stride + j] * y[i * stride + j];
        usable[i] = sum > 0;
        for (size_t j = 0; j < k; j++)
            emb[i * k + j] = usable[i] ? (float)(y[i * stride + j] / sqrt(sum)) : 0.0f;
    }
}

/** One fold's entries. */
typedef struct fold_rows {
    const uint32_t *person;
    size_t n;
    double *z;       /* (n, dim): mean rows less the mean of the others */
    double *a;       /* (max k, dim) */
    double *y;       /* (n, max k) */
    float *emb;      /* (n, max k) */
    uint8_t *usable; /* (n) */
} fold_rows;

/* Adds the measures of all ks under one shrinkage. *n_queries: the fold's. */
static rid_status rank(grid *g, size_t s, fitting *f, const fold_rows *r, size_t *n_queries,
                       rid_err *err)
{
    const size_t most = g->k[0];
    rid_status st = rid_discriminant_map(&f->solver, g->shrinkage[s], most, r->a, err);
    if (st == RID_OK)
        st = rid_nn_gemm(r->y, r->z, false, r->a, true, r->n, f->dim, most, err);
    for (size_t k = 0; st == RID_OK && k < g->n_ks; k++) {
        rid_ranking ranking;
        set_embeddings(r->emb, r->usable, r->y, r->n, most, g->k[k]);
        rid_ranking_input in = {
            .emb = r->emb, .n = r->n, .dim = g->k[k], .person = r->person, .usable = r->usable};
        st = rid_ranking_run(&ranking, NULL, &in, f->o->threads, err);
        if (st != RID_OK || ranking.n_queries == 0)
            continue;
        *n_queries = ranking.n_queries;
        g->map[s][k] += ranking.map * (double)ranking.n_queries;
        g->auc[s][k] += isnan(ranking.auc) ? 0 : ranking.auc * (double)ranking.n_queries;
    }
    return st;
}

/* Adds the measures of a fold's entries under the maps of the other folds. */
static rid_status validate(grid *g, fitting *f, size_t fold, rid_err *err)
{
    const size_t n = n_ranked(f, fold), dim = f->dim, most = g->k[0];
    size_t n_queries = 0;
    fold_rows r = {.person = f->person + f->first[fold],
                   .n = n,
                   .z = rid_mem_alloc(n * sizeof *r.z, dim),
                   .a = rid_mem_alloc(most * sizeof *r.a, dim),
                   .y = rid_mem_alloc(n * sizeof *r.y, most),
                   .emb = rid_mem_alloc_aligned(n * sizeof *r.emb, most),
                   .usable = rid_mem_alloc(n, 1)};
    rid_status st = r.z && r.a && r.y && r.emb && r.usable ? RID_OK : RID_FAIL_NOMEM(err);
    rid_scatter_add(&f->total, &f->part[fold], -1);
    if (st == RID_OK)
        st = rid_discriminant_prepare(&f->solver, &f->total, err);
    for (size_t i = 0; st == RID_OK && i < n * dim; i++)
        r.z[i] = (double)f->means[fold][i] - f->solver.mean[i % dim];
    for (size_t s = 0; st == RID_OK && s < g->n_shrinkages; s++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rank(g, s, f, &r, &n_queries, err);
    }
    g->n_queries += (double)n_queries;
    rid_scatter_add(&f->total, &f->part[fold], 1);
    rid_mem_free(r.z);
    rid_mem_free(r.a);
    rid_mem_free(r.y);
    rid_mem_free(r.emb);
    rid_mem_free(r.usable);
    return st;
}

static rid_status choose(rid_linear_map *out, fitting *f, rid_err *err)
{
    grid g = make_grid(f);
    size_t best_s = 0, best_k = 0;
    rid_status st = RID_OK;
    bool choosing = f->n_folds > 0 && (g.n_shrinkages > 1 || g.n_ks > 1);
    for (size_t fold = 0; choosing && fold < f->n_folds && st == RID_OK; fold++)
        st = validate(&g, f, fold, err);
    if (st != RID_OK)
        return st;
    for (size_t s = 0; s < g.n_shrinkages; s++) {
        for (size_t k = 0; k < g.n_ks; k++) {
            double gain = (g.map[s][k] - g.map[best_s][best_k]) / g.n_queries;
            double auc_gain = (g.auc[s][k] - g.auc[best_s][best_k]) / g.n_queries;
            if (gain > MEASURE_STEP || (gain > -MEASURE_STEP && auc_gain > MEASURE_STEP)) {
                best_s = s;
                best_k = k;
            }
        }
    }
    out->shrinkage = g.shrinkage[best_s];
    out->k = g.k[best_k];
    out->cv_map = choosing ? g.map[best_s][best_k] / g.n_queries : NAN;
    return RID_OK;
}

/* ---- the map of all ---- */

/* Σ over rows of |a (z − mean)|² / n: the trace of A S Aᵀ, S = S_w + S_b. */
static rid_status mean_square(double *out, const fitting *f, const double *a, size_t k,
                              rid_err *err)
{
    const size_t dim = f->dim;
    const rid_scatter *t = &f->total;
    double *s = rid_mem_alloc(dim * sizeof *s, dim), *as = rid_mem_alloc(k * sizeof *as, dim);
    rid_status st = s && as ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < dim * dim; i++)
        s[i] = (t->within[i] + t->between[i]) / t->n_rows -
               f->solver.mean[i / dim] * f->solver.mean[i % dim];
    if (st == RID_OK)
        st = rid_nn_gemm(as, a, false, s, false, k, dim, dim, err);
    *out = 0;
    for (size_t i = 0; st == RID_OK && i < k * dim; i++)
        *out += as[i] * a[i];
    rid_mem_free(s);
    rid_mem_free(as);
    return st;
}

static rid_status fit_all(rid_linear_map *out, fitting *f, rid_err *err)
{
    double square = 0;
    out->a = rid_mem_alloc(out->k * sizeof *out->a, f->dim);
    out->mean = rid_mem_alloc(f->dim, sizeof *out->mean);
    rid_status st = out->a && out->mean ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_discriminant_prepare(&f->solver, &f->total, err);
    if (st == RID_OK)
        st = rid_discriminant_map(&f->solver, out->shrinkage, out->k, out->a, err);
    if (st == RID_OK)
        st = mean_square(&square, f, out->a, out->k, err);
    if (st == RID_OK && !(square > 0))
        st = RID_FAIL(err, RID_EDATA, "the training persons' mean frames do not differ");
    for (size_t i = 0; st == RID_OK && i < out->k * f->dim; i++)
        out->a[i] /= sqrt(square);
    for (size_t i = 0; st == RID_OK && i < f->dim; i++)
        out->mean[i] = f->solver.mean[i];
    return st;
}

rid_status rid_linear_fit(rid_linear_map *out, const rid_train_set *set, const uint8_t *use,
                          const rid_linear_options *options, rid_err *err)
{
    *out = (rid_linear_map){.vis_dim = set->vis_dim, .attr_dim = set->attr_dim};
    fitting f = {.set = set, .o = options, .dim = set->vis_dim + set->attr_dim};
    f.max_k = options->max_k < f.dim ? options->max_k : f.dim;
    uint8_t *fold = rid_mem_alloc(set->n_persons, 1);
    rid_status st = fold ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_folds_deal(fold, &f.n_folds, set, use, options->seed, err);
    if (st == RID_OK)
        st = sort_entries(&f, use, fold, err);
    if (st == RID_OK)
        st = gather_parts(&f, err);
    if (st == RID_OK)
        st = rid_discriminant_init(&f.solver, options->kind, set->vis_dim, set->attr_dim, err);
    if (st == RID_OK)
        st = choose(out, &f, err);
    if (st == RID_OK)
        st = fit_all(out, &f, err);
    if (st != RID_OK)
        rid_linear_map_clear(out);
    rid_mem_free(fold);
    free_fitting(&f);
    return st;
}

void rid_linear_map_clear(rid_linear_map *m)
{
    rid_mem_free(m->a);
    rid_mem_free(m->mean);
    *m = (rid_linear_map){0};
}
