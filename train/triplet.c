#include "train/triplet.h"

#include "data/base/mem.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* No distance is less: at it two embeddings count as identical, and have no gradient. */
static const double DISTANCE_MIN = 1e-6;

enum { NONE = -1 };

/** An anchor's hardest rows. */
typedef struct hardest {
    ptrdiff_t positive, negative; /* rows, or NONE */
    double d_positive, d_negative;
} hardest;

/* (n, dim) → (dim, n): one row's distances to all others are then sums down the columns, which the
 * compiler vectorises as they stand. */
static void transpose(double *restrict to, const rid_triplet_rows *r)
{
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < r->dim; k++)
            to[k * r->n + i] = r->emb[i * r->dim + k];
}

static void euclidean_from(double *restrict d, const double *restrict columns, size_t i, size_t n,
                           size_t dim)
{
    memset(d, 0, n * sizeof *d);
    for (size_t k = 0; k < dim; k++) {
        const double *restrict column = columns + k * n;
        const double mine = column[i];
        for (size_t j = 0; j < n; j++)
            d[j] += (mine - column[j]) * (mine - column[j]);
    }
    for (size_t j = 0; j < n; j++)
        d[j] = fmax(sqrt(d[j]), DISTANCE_MIN);
}

static void cosine_from(double *restrict d, const double *restrict columns, size_t i, size_t n,
                        size_t dim)
{
    for (size_t j = 0; j < n; j++)
        d[j] = 1;
    for (size_t k = 0; k < dim; k++) {
        const double *restrict column = columns + k * n;
        const double mine = column[i];
        for (size_t j = 0; j < n; j++)
            d[j] -= mine * column[j];
    }
}

static hardest find_hardest(const double *d, const rid_triplet_rows *r, size_t i)
{
    hardest h = {NONE, NONE, -INFINITY, INFINITY};
    for (size_t j = 0; j < r->n; j++) {
        if (r->person[j] != r->person[i]) {
            if (d[j] < h.d_negative)
                h.negative = (ptrdiff_t)j, h.d_negative = d[j];
        } else if (r->entry[j] != r->entry[i] && d[j] > h.d_positive) {
            h.positive = (ptrdiff_t)j, h.d_positive = d[j];
        }
    }
    return h;
}

/* Adds `factor` times the gradient of the distance d of rows i and j. */
static void add_gradient(double *gradient, const rid_triplet_rows *r, size_t i, size_t j, double d,
                         double factor, rid_distance distance)
{
    const double *a = r->emb + i * r->dim, *b = r->emb + j * r->dim;
    double *ga = gradient + i * r->dim, *gb = gradient + j * r->dim;
    if (distance == RID_DISTANCE_COSINE) {
        for (size_t k = 0; k < r->dim; k++) {
            ga[k] -= factor * b[k];
            gb[k] -= factor * a[k];
        }
    } else if (d > DISTANCE_MIN) {
        for (size_t k = 0; k < r->dim; k++) {
            double g = factor / d * (a[k] - b[k]);
            ga[k] += g;
            gb[k] -= g;
        }
    }
}

/* Of one anchor with x = d_ap − d_an; *slope its derivative. */
static double loss_of(double x, const rid_triplet_options *o, double *slope)
{
    if (o->soft) {
        *slope = 1 / (1 + exp(-x));
        return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
    }
    *slope = x + o->margin > 0;
    return *slope * (x + o->margin);
}

/* Sums until the number of anchors is known. */
static void add_anchor(rid_step_figures *f, double *gradient, const rid_triplet_rows *r, size_t i,
                       const hardest *h, const rid_triplet_options *o)
{
    const double x = h->d_positive - h->d_negative;
    double slope;
    f->loss += loss_of(x, o, &slope);
    f->n_anchors++;
    f->n_active += o->soft ? x > 0 : slope > 0;
    f->positive += h->d_positive;
    f->negative += h->d_negative;
    if (slope > 0) {
        add_gradient(gradient, r, i, (size_t)h->positive, h->d_positive, slope, o->distance);
        add_gradient(gradient, r, i, (size_t)h->negative, h->d_negative, -slope, o->distance);
    }
}

double rid_triplet_spread(const double *emb, size_t n, size_t dim)
{
    double squares = 0;
    for (size_t k = 0; k < dim; k++) {
        double mean = 0;
        for (size_t i = 0; i < n; i++)
            mean += emb[i * dim + k] / (double)n;
        for (size_t i = 0; i < n; i++)
            squares += (emb[i * dim + k] - mean) * (emb[i * dim + k] - mean);
    }
    return sqrt(squares / (double)n);
}

/* Every row's hardest rows; d is f64 (threads, n) for the distances. */
static void find_all(hardest *out, double *d, const double *columns, const rid_triplet_rows *r,
                     rid_distance distance, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(static)
    for (size_t i = 0; i < r->n; i++) {
        double *mine = d + (size_t)omp_get_thread_num() * r->n;
        if (distance == RID_DISTANCE_COSINE)
            cosine_from(mine, columns, i, r->n, r->dim);
        else
            euclidean_from(mine, columns, i, r->n, r->dim);
        out[i] = find_hardest(mine, r, i);
    }
}

static void divide_by_anchors(rid_step_figures *f, double *gradient, size_t n)
{
    const double anchors = (double)f->n_anchors;
    f->loss /= anchors;
    f->positive /= anchors;
    f->negative /= anchors;
    for (size_t i = 0; i < n; i++)
        gradient[i] /= anchors;
}

rid_status rid_triplet_loss(rid_step_figures *figures, double *gradient,
                            const rid_triplet_rows *rows, const rid_triplet_options *options,
                            int threads, rid_err *err)
{
    const size_t n = rows->n, dim = rows->dim;
    rid_step_figures f = {0};
    double *columns = rid_mem_alloc(n * sizeof *columns, dim);
    double *d = rid_mem_alloc(n * sizeof *d, (size_t)threads);
    hardest *found = rid_mem_alloc(n, sizeof *found);
    rid_status st = columns && d && found ? RID_OK : RID_FAIL_NOMEM(err);
    if (st != RID_OK)
        goto done;
    memset(gradient, 0, n * dim * sizeof *gradient);
    transpose(columns, rows);
    find_all(found, d, columns, rows, options->distance, threads);
    for (size_t i = 0; i < n; i++)
        if (found[i].positive != NONE && found[i].negative != NONE)
            add_anchor(&f, gradient, rows, i, &found[i], options);
    if (f.n_anchors == 0) {
        st = RID_FAIL(err, RID_EDATA,
                      "no triplet in %zu rows: no person has two entries beside another person", n);
        goto done;
    }
    divide_by_anchors(&f, gradient, n * dim);
    f.spread = rid_triplet_spread(rows->emb, n, dim);
    *figures = f;
done:
    rid_mem_free(columns);
    rid_mem_free(d);
    rid_mem_free(found);
    return st;
}
