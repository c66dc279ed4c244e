#include "train/scatter.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "train/nn.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 1024 }; /* rows whose products are formed at once */

rid_status rid_scatter_init(rid_scatter *s, size_t dim, rid_err *err)
{
    *s = (rid_scatter){.dim = dim,
                       .sum = rid_mem_zalloc(dim, sizeof(double)),
                       .within = rid_mem_zalloc(dim * sizeof(double), dim),
                       .between = rid_mem_zalloc(dim * sizeof(double), dim)};
    if (s->sum && s->within && s->between)
        return RID_OK;
    rid_scatter_clear(s);
    return RID_FAIL_NOMEM(err);
}

void rid_scatter_clear(rid_scatter *s)
{
    rid_mem_free(s->sum);
    rid_mem_free(s->within);
    rid_mem_free(s->between);
    *s = (rid_scatter){0};
}

void rid_scatter_add(rid_scatter *s, const rid_scatter *part, double sign)
{
    s->n_rows += sign * part->n_rows;
    for (size_t i = 0; i < s->dim; i++)
        s->sum[i] += sign * part->sum[i];
    for (size_t i = 0; i < s->dim * s->dim; i++) {
        s->within[i] += sign * part->within[i];
        s->between[i] += sign * part->between[i];
    }
}

/** Rows that wait for their products to be added to `sum`. */
typedef struct block {
    double *rows;    /* (BLOCK, dim) */
    double *product; /* (dim, dim), shared scratch */
    double *sum;     /* (dim, dim) */
    size_t n, dim;
} block;

static rid_status flush(block *b, rid_err *err)
{
    if (b->n == 0)
        return RID_OK;
    const size_t dim = b->dim;
    rid_status st = rid_nn_gemm(b->product, b->rows, true, b->rows, false, dim, b->n, dim, err);
    for (size_t i = 0; st == RID_OK && i < dim * dim; i++)
        b->sum[i] += b->product[i];
    b->n = 0;
    return st;
}

/* *row: where the next row goes. */
static rid_status add_row(block *b, double **row, rid_err *err)
{
    rid_status st = b->n == BLOCK ? flush(b, err) : RID_OK;
    if (st == RID_OK)
        *row = b->rows + b->n++ * b->dim;
    return st;
}

typedef struct gathering {
    rid_scatter *scatter;
    const rid_train_set *set;
    block rows, centres;
    double *entry_sum, *person_sum; /* (dim) */
    double person_rows;
    float *frames; /* one entry's */
    size_t frames_cap;
} gathering;

static rid_status gather_entry(gathering *g, size_t entry, rid_err *err)
{
    const rid_train_set *set = g->set;
    const size_t vis = set->vis_dim, dim = g->scatter->dim, n = set->entries[entry].n_frames;
    const float *attr = set->attr ? set->attr + entry * set->attr_dim : NULL;
    if (rid_mem_grow(&g->frames, &g->frames_cap, n * vis, sizeof *g->frames) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_train_set_read(set, entry, g->frames, err);
    memset(g->entry_sum, 0, dim * sizeof *g->entry_sum);
    for (size_t f = 0; st == RID_OK && f < n; f++) {
        double *row;
        if ((st = add_row(&g->rows, &row, err)) != RID_OK)
            return st;
        for (size_t d = 0; d < dim; d++) {
            row[d] = (double)(d < vis ? g->frames[f * vis + d] : attr[d - vis]);
            g->entry_sum[d] += row[d];
        }
    }
    for (size_t d = 0; d < dim; d++)
        g->person_sum[d] += g->entry_sum[d];
    g->person_rows += (double)n;
    return st;
}

static rid_status end_person(gathering *g, rid_err *err)
{
    rid_scatter *s = g->scatter;
    double *row;
    rid_status st = add_row(&g->centres, &row, err);
    if (st != RID_OK)
        return st;
    for (size_t d = 0; d < s->dim; d++) {
        row[d] = g->person_sum[d] / sqrt(g->person_rows); /* √n μ */
        s->sum[d] += g->person_sum[d];
        g->person_sum[d] = 0;
    }
    s->n_rows += g->person_rows;
    g->person_rows = 0;
    return RID_OK;
}

static rid_status gather_all(gathering *g, const size_t *entries, size_t n, float *means,
                             size_t n_means, rid_err *err)
{
    const rid_train_entry *all = g->set->entries;
    const size_t dim = g->scatter->dim;
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = gather_entry(g, entries[i], err);
        for (size_t d = 0; st == RID_OK && i < n_means && d < dim; d++)
            means[i * dim + d] = (float)(g->entry_sum[d] / all[entries[i]].n_frames);
        if (st == RID_OK && (i + 1 == n || all[entries[i + 1]].person != all[entries[i]].person))
            st = end_person(g, err);
    }
    if (st == RID_OK)
        st = flush(&g->rows, err);
    return st == RID_OK ? flush(&g->centres, err) : st;
}

rid_status rid_scatter_gather(rid_scatter *s, const rid_train_set *set, const size_t *entries,
                              size_t n, float *means, size_t n_means, rid_err *err)
{
    const size_t dim = s->dim, square = dim * dim, row = dim * sizeof(double);
    rid_status st = RID_ETEMP;
    double *product = rid_mem_alloc(row, dim);
    double *second = rid_mem_zalloc(row, dim); /* Σ z zᵀ */
    double *centres = rid_mem_zalloc(row, dim);
    gathering g = {.scatter = s,
                   .set = set,
                   .rows = {rid_mem_alloc(row, BLOCK), product, second, 0, dim},
                   .centres = {rid_mem_alloc(row, BLOCK), product, centres, 0, dim},
                   .entry_sum = rid_mem_zalloc(dim, sizeof(double)),
                   .person_sum = rid_mem_zalloc(dim, sizeof(double))};
    if (!product || !second || !centres || !g.rows.rows || !g.centres.rows || !g.entry_sum ||
        !g.person_sum)
        st = RID_FAIL_NOMEM(err);
    else
        st = gather_all(&g, entries, n, means, n_means, err);
    /* Unit rows in double: what cancels here is 1e-16 of the rows, far below any scatter. */
    for (size_t i = 0; st == RID_OK && i < square; i++) {
        s->within[i] += second[i] - centres[i];
        s->between[i] += centres[i];
    }
    rid_mem_free(product);
    rid_mem_free(second);
    rid_mem_free(centres);
    rid_mem_free(g.rows.rows);
    rid_mem_free(g.centres.rows);
    rid_mem_free(g.entry_sum);
    rid_mem_free(g.person_sum);
    rid_mem_free(g.frames);
    return st;
}
