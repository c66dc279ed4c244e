#include "eval/person_draws.h"

#include "data/base/mem.h"
#include "data/base/random.h"

#include <math.h>
#include <string.h>

static const char *const NAMES[] = {
    "pairwise_precision", "pairwise_recall", "pairwise_f1", "bcubed_precision",
    "bcubed_recall",      "bcubed_f1",       "fnir",        "fpir",
};

const char *rid_sure_figure_name(rid_sure_figure f)
{
    return NAMES[f];
}

rid_status rid_person_draws_init(rid_person_draws *d, size_t n_persons, size_t n, uint64_t seed,
                                 rid_err *err)
{
    *d = (rid_person_draws){n_persons, n, rid_mem_zalloc(n_persons, n)};
    if (!d->weight)
        return RID_FAIL_NOMEM(err);
    for (size_t r = 0; r < n; r++) {
        const uint64_t key[] = {seed, r};
        rid_random rng = rid_random_of(key, 2);
        for (size_t i = 0; i < n_persons; i++) {
            uint8_t *w = &d->weight[rid_random_below(&rng, n_persons) * n + r];
            *w = (uint8_t)(*w + (*w < UINT8_MAX)); /* 255 times the same one: never */
        }
    }
    return RID_OK;
}

void rid_person_draws_clear(rid_person_draws *d)
{
    rid_mem_free(d->weight);
    *d = (rid_person_draws){0};
}

/* Σ weight · sum over people, in their order, for each draw. */
static void add_up(const rid_person_draws *d, double *const sum[RID_PERSON_SUMS], double *out)
{
    const size_t n = d->n;
    memset(out, 0, RID_PERSON_SUMS * n * sizeof *out);
    for (size_t p = 0; p < d->n_persons; p++) {
        const uint8_t *weight = d->weight + p * n;
        for (size_t k = 0; k < RID_PERSON_SUMS; k++) {
            const double own = sum[k][p];
            double *total = out + k * n;
            for (size_t r = 0; own != 0 && r < n; r++)
                total[r] += (double)weight[r] * own;
        }
    }
}

static double ratio(double part, double whole, double without)
{
    return whole > 0 ? part / whole : without;
}

/* The figures of one draw, from its sums: x[k * stride]. */
static void figures_of(double *out, size_t out_stride, const double *x, size_t stride)
{
    double s[RID_PERSON_SUMS], f[RID_SURE_FIGURES];
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        s[k] = x[k * stride];
    f[RID_SURE_PRECISION] = ratio(s[RID_SUM_HIT_PAIRS], s[RID_SUM_PREDICTED_PAIRS], 1);
    f[RID_SURE_RECALL] = ratio(s[RID_SUM_HIT_PAIRS], s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_F1] = ratio(2 * s[RID_SUM_HIT_PAIRS],
                           s[RID_SUM_PREDICTED_PAIRS] + s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_BCUBED_PRECISION] = ratio(s[RID_SUM_BCUBED_PRECISION], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_RECALL] = ratio(s[RID_SUM_BCUBED_RECALL], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_F1] =
        ratio(2 * f[RID_SURE_BCUBED_PRECISION] * f[RID_SURE_BCUBED_RECALL],
              f[RID_SURE_BCUBED_PRECISION] + f[RID_SURE_BCUBED_RECALL], NAN);
    f[RID_SURE_FNIR] = 1 - ratio(s[RID_SUM_HITS], s[RID_SUM_MATED], NAN);
    f[RID_SURE_FPIR] = ratio(s[RID_SUM_FALSE_MATCHES], s[RID_SUM_NONMATED], NAN);
    for (size_t i = 0; i < RID_SURE_FIGURES; i++)
        out[i * out_stride] = f[i];
}

void rid_person_draws_figures(const rid_person_draws *d, double *const sum[RID_PERSON_SUMS],
                              double own[RID_SURE_FIGURES], double *value, double *total)
{
    double all[RID_PERSON_SUMS] = {0};
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        for (size_t p = 0; p < d->n_persons; p++)
            all[k] += sum[k][p];
    figures_of(own, 1, all, 1);
    add_up(d, sum, total);
    for (size_t r = 0; r < d->n; r++)
        figures_of(value + r, d->n, total + r, d->n);
}
