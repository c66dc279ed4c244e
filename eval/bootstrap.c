#include "eval/bootstrap.h"

#include "data/base/mem.h"
#include "data/base/random.h"

#include <math.h>
#include <stdlib.h>

/* All that a resample needs of a group. */
typedef struct group_sum {
    double sum;
    size_t n;
} group_sum;

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_means(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sums of the groups in order of their numbers, each over its items in order; keys (n) is scratch.
 * Returns how many groups have a value. */
static size_t sum_groups(group_sum *sums, uint64_t *keys, const double *value,
                         const uint32_t *group, size_t n)
{
    size_t n_keys = 0, n_groups = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(value[i]))
            keys[n_keys++] = (uint64_t)group[i] << 32 | i;
    qsort(keys, n_keys, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n_keys; i++) {
        if (i == 0 || keys[i] >> 32 != keys[i - 1] >> 32)
            sums[n_groups++] = (group_sum){0, 0};
        sums[n_groups - 1].sum += value[(uint32_t)keys[i]];
        sums[n_groups - 1].n++;
    }
    return n_groups;
}

/* One stream a resample. */
static double resampled_mean(const group_sum *sums, size_t n_groups, uint64_t seed, uint64_t number)
{
    const uint64_t key[] = {seed, number};
    rid_random rng = rid_random_of(key, 2);
    group_sum all = {0, 0};
    for (size_t i = 0; i < n_groups; i++) {
        const group_sum *g = &sums[rid_random_below(&rng, n_groups)];
        all.sum += g->sum;
        all.n += g->n;
    }
    return all.sum / (double)all.n;
}

double rid_quantile_of_sorted(const double *sorted, size_t n, double q)
{
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n)
        return sorted[n - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

rid_interval rid_percentile_interval(double mean, double *x, size_t n, double confidence)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(x[i]))
            x[kept++] = x[i];
    if (kept == 0 || isnan(mean))
        return (rid_interval){mean, NAN, NAN};
    qsort(x, kept, sizeof *x, compare_means);
    return (rid_interval){mean, rid_quantile_of_sorted(x, kept, (1 - confidence) / 2),
                          rid_quantile_of_sorted(x, kept, (1 + confidence) / 2)};
}

rid_status rid_bootstrap_mean(rid_interval *out, const double *value, const uint32_t *group,
                              size_t n, size_t resamples, double confidence, uint64_t seed,
                              rid_err *err)
{
    group_sum *sums = rid_mem_alloc(n, sizeof *sums), all = {0, 0};
    uint64_t *keys = rid_mem_alloc(n, sizeof *keys);
    double *means = rid_mem_alloc(resamples, sizeof *means);
    rid_status st = sums && keys && means ? RID_OK : RID_FAIL_NOMEM(err);
    size_t n_groups = st == RID_OK ? sum_groups(sums, keys, value, group, n) : 0;
    if (st == RID_OK && n_groups == 0)
        st = RID_FAIL(err, RID_EDATA, "no value to take the mean of");
    if (st == RID_OK) {
        for (size_t g = 0; g < n_groups; g++) {
            all.sum += sums[g].sum;
            all.n += sums[g].n;
        }
        for (size_t r = 0; r < resamples; r++)
            means[r] = resampled_mean(sums, n_groups, seed, r);
        qsort(means, resamples, sizeof *means, compare_means);
        out->mean = all.sum / (double)all.n;
        out->low = rid_quantile_of_sorted(means, resamples, (1 - confidence) / 2);
        out->high = rid_quantile_of_sorted(means, resamples, (1 + confidence) / 2);
    }
    rid_mem_free(sums);
    rid_mem_free(keys);
    rid_mem_free(means);
    return st;
}
