#include "train/discriminant.h"

#include "data/base/mem.h"
#include "train/nn.h"

#include <math.h>
#include <string.h>

/* No variance counts as less than this part of the mean one: where no frame of a person differs
 * from another, S_w says nothing. */
static const double VARIANCE_LEAST = 1e-9;
/* Rows that vary by less than this part of their length do so by rounding. */
static const double SPREAD_LEAST = 1e-12;

rid_status rid_discriminant_init(rid_discriminant *d, rid_linear_kind kind, size_t vis_dim,
                                 size_t attr_dim, rid_err *err)
{
    const size_t dim = vis_dim + attr_dim, row = dim * sizeof(double);
    *d = (rid_discriminant){.kind = kind,
                            .vis_dim = vis_dim,
                            .dim = dim,
                            .mean = rid_mem_alloc(dim, sizeof(double)),
                            .basis = rid_mem_alloc(row, dim),
                            .values = rid_mem_alloc(dim, sizeof(double)),
                            .between = rid_mem_alloc(row, dim),
                            .scratch = {rid_mem_alloc(row, dim), rid_mem_alloc(row, dim)}};
    if (d->mean && d->basis && d->values && d->between && d->scratch[0] && d->scratch[1])
        return RID_OK;
    rid_discriminant_clear(d);
    return RID_FAIL_NOMEM(err);
}

void rid_discriminant_clear(rid_discriminant *d)
{
    rid_mem_free(d->mean);
    rid_mem_free(d->basis);
    rid_mem_free(d->values);
    rid_mem_free(d->between);
    rid_mem_free(d->scratch[0]);
    rid_mem_free(d->scratch[1]);
    *d = (rid_discriminant){0};
}

/* Trace of rows and columns [from, to). */
static double trace(const double *m, size_t dim, size_t from, size_t to)
{
    double sum = 0;
    for (size_t i = from; i < to; i++)
        sum += m[i * dim + i];
    return sum;
}

/* The number that gives attributes the frames' mean variance per dimension. */
static double gain_of_attributes(const rid_discriminant *d)
{
    const size_t vis = d->vis_dim, dim = d->dim;
    double frames = trace(d->basis, dim, 0, vis) + trace(d->between, dim, 0, vis);
    double attributes = trace(d->basis, dim, vis, dim) + trace(d->between, dim, vis, dim);
    if (!(attributes > 0))
        return 0;
    return sqrt(fmax(frames, 0) / (double)vis / (attributes / (double)(dim - vis)));
}

/* m = diag(1, attr_gain) m diag(1, attr_gain). */
static void scale_attributes(const rid_discriminant *d, double *m)
{
    for (size_t i = 0; i < d->dim; i++)
        for (size_t j = 0; j < d->dim; j++)
            m[i * d->dim + j] *= (i < d->vis_dim ? 1 : d->attr_gain) *
                                 (j < d->vis_dim ? 1 : d->attr_gain);
}

/* basis = S_w, between = S_b, per row and in the scaled coordinates. */
static void set_scatters(rid_discriminant *d, const rid_scatter *s)
{
    for (size_t i = 0; i < d->dim; i++)
        d->mean[i] = s->sum[i] / s->n_rows;
    for (size_t i = 0; i < d->dim; i++) {
        for (size_t j = 0; j < d->dim; j++) {
            size_t at = i * d->dim + j;
            d->basis[at] = s->within[at] / s->n_rows;
            d->between[at] = s->between[at] / s->n_rows - d->mean[i] * d->mean[j];
        }
    }
    d->attr_gain = gain_of_attributes(d);
    scale_attributes(d, d->basis);
    scale_attributes(d, d->between);
    d->within_trace = fmax(trace(d->basis, d->dim, 0, d->dim), 0);
    d->between_trace = fmax(trace(d->between, d->dim, 0, d->dim), 0);
}

/* between = basisᵀ between basis */
static rid_status turn_between(rid_discriminant *d, rid_err *err)
{
    const size_t n = d->dim;
    rid_status st = rid_nn_gemm(d->scratch[0], d->between, false, d->basis, false, n, n, n, err);
    if (st == RID_OK)
        st = rid_nn_gemm(d->between, d->basis, true, d->scratch[0], false, n, n, n, err);
    return st;
}

rid_status rid_discriminant_prepare(rid_discriminant *d, const rid_scatter *s, rid_err *err)
{
    double squares = trace(s->within, d->dim, 0, d->vis_dim) +
                     trace(s->between, d->dim, 0, d->vis_dim); /* Σ |x|² */
    set_scatters(d, s);
    double spread = d->within_trace + d->between_trace;
    if (!(spread > SPREAD_LEAST * squares / s->n_rows))
        return RID_FAIL(err, RID_EDATA, "all frames of the training people are the same");
    d->least = VARIANCE_LEAST * spread / (double)d->dim;
    if (d->kind == RID_LINEAR_PCA)
        for (size_t i = 0; i < d->dim * d->dim; i++)
            d->basis[i] += d->between[i];
    rid_status st = rid_nn_eigh(d->basis, d->values, d->dim, err);
    return st == RID_OK && d->kind == RID_LINEAR_LDA ? turn_between(d, err) : st;
}

/* c (k, dim): rows of the map in the basis, from the eigenvectors of the whitened S_b. */
static rid_status solve(rid_discriminant *d, double s, size_t k, double *c, rid_err *err)
{
    const size_t n = d->dim;
    const double within = s * d->within_trace / (double)n;
    const double between = s * d->between_trace / (double)n;
    double *m = d->scratch[1];
    double *whiten = rid_mem_alloc(n, sizeof *whiten), *rho = rid_mem_alloc(n, sizeof *rho);
    rid_status st = whiten && rho ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < n; i++)
        whiten[i] = 1 / sqrt(fmax((1 - s) * d->values[i] + within, d->least));
    for (size_t i = 0; st == RID_OK && i < n; i++)
        for (size_t j = 0; j < n; j++)
            m[i * n + j] = whiten[i] * whiten[j] *
                           ((1 - s) * d->between[i * n + j] + (i == j ? between : 0));
    if (st == RID_OK)
        st = rid_nn_eigh(m, rho, n, err);
    for (size_t r = 0; st == RID_OK && r < k; r++) {
        double ratio = fmax(rho[n - 1 - r], 0), weight = sqrt(ratio / (1 + ratio));
        for (size_t i = 0; i < n; i++)
            c[r * n + i] = weight * m[i * n + n - 1 - r] * whiten[i];
    }
    rid_mem_free(whiten);
    rid_mem_free(rho);
    return st;
}

rid_status rid_discriminant_map(rid_discriminant *d, double shrinkage, size_t k, double *a,
                                rid_err *err)
{
    const size_t n = d->dim;
    rid_status st = RID_OK;
    if (d->kind == RID_LINEAR_LDA) {
        st = solve(d, shrinkage, k, d->scratch[0], err);
        if (st == RID_OK)
            st = rid_nn_gemm(a, d->scratch[0], false, d->basis, true, k, n, n, err);
    } else {
        for (size_t r = 0; r < k; r++)
            for (size_t i = 0; i < n; i++)
                a[r * n + i] = d->basis[i * n + n - 1 - r];
    }
    for (size_t r = 0; st == RID_OK && r < k; r++)
        for (size_t i = d->vis_dim; i < n; i++)
            a[r * n + i] *= d->attr_gain;
    return st;
}
