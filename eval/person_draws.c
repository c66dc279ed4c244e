#include "eval/person_draws.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/random.h"

#include <math.h>
#include <string.h>

enum { BLOCK = RID_DRAWS_BLOCK };

static const char *const NAMES[] = {
    "pairwise_precision", "pairwise_recall", "pairwise_f1", "bcubed_precision",
    "bcubed_recall",      "bcubed_f1",       "fnir",        "fpir",
};

const char *rid_sure_figure_name(rid_sure_figure f)
{
    return NAMES[f];
}

/* ---- draws ---- */

rid_status rid_person_draws_init(rid_person_draws *d, size_t n_people, size_t n, uint64_t seed,
                                 rid_err *err)
{
    const size_t n_blocks = n / BLOCK + (n % BLOCK > 0);
    *d = (rid_person_draws){n_people, n, rid_mem_zalloc(n_people, n_blocks * BLOCK)};
    rid_status st = d->weight ? rid_interrupt_check(err) : RID_FAIL_NOMEM(err);
    for (size_t r = 0; st == RID_OK && r < n; r++) {
        const uint64_t key[] = {seed, r};
        rid_random rng = rid_random_of(key, 2);
        uint8_t *weight = d->weight + r / BLOCK * BLOCK * n_people + r % BLOCK;
        for (size_t i = 0; i < n_people; i++) {
            uint8_t *w = &weight[rid_random_below(&rng, n_people) * BLOCK];
            *w = (uint8_t)(*w + (*w < UINT8_MAX)); /* 255 times the same one: never */
        }
        st = rid_interrupt_check(err);
    }
    return st;
}

void rid_person_draws_clear(rid_person_draws *d)
{
    rid_mem_free(d->weight);
    *d = (rid_person_draws){0};
}

/* ---- sums of a block of draws ---- */

/* What the figures are made of: the table's sums, weighted, to which the parts add theirs. */
typedef struct block_sums {
    double person[RID_PERSON_SUMS][BLOCK];
    double false_pairs[BLOCK];
} block_sums;

static void weigh_people(block_sums *x, const rid_person_table *t, const uint8_t *weight,
                         size_t stride)
{
    for (size_t p = 0; p < t->n; p++) {
        double w[BLOCK];
        for (size_t r = 0; r < BLOCK; r++)
            w[r] = weight[p * stride + r];
        for (size_t k = 0; k < RID_PERSON_SUMS; k++) {
            const double own = t->sum[k][p];
            for (size_t r = 0; own != 0 && r < BLOCK; r++)
                x->person[k][r] += w[r] * own;
        }
    }
}

/* Parts first … end of one cluster. */
static void weigh_cluster(block_sums *x, const rid_person_part *parts, size_t n,
                          const uint8_t *weight, size_t stride)
{
    double all[BLOCK] = {0}, squares[BLOCK] = {0};
    for (size_t i = 0; i < n; i++) {
        const uint8_t *w = weight + parts[i].person * stride;
        const double entries = parts[i].entries;
        for (size_t r = 0; r < BLOCK; r++) {
            const double weighted = w[r] * entries;
            all[r] += weighted;
            squares[r] += weighted * weighted;
        }
    }
    for (size_t r = 0; r < BLOCK; r++)
        x->false_pairs[r] += (all[r] * all[r] - squares[r]) / 2;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *w = weight + parts[i].person * stride;
        const double entries = parts[i].entries;
        double *sum = x->person[RID_SUM_BCUBED_PRECISION];
        for (size_t r = 0; r < BLOCK; r++) {
            const double weighted = w[r] * entries;
            sum[r] += weighted * entries / (entries + (all[r] - weighted));
        }
    }
}

static void weigh(block_sums *x, const rid_person_table *t, const uint8_t *weight, size_t stride)
{
    memset(x, 0, sizeof *x);
    weigh_people(x, t, weight, stride);
    for (size_t i = 0, end; i < t->n_parts; i = end) {
        for (end = i + 1; !t->parts[end - 1].last;)
            end++;
        weigh_cluster(x, t->parts + i, end - i, weight, stride);
    }
}

/* ---- figures ---- */

static double ratio(double part, double whole, double without)
{
    return whole > 0 ? part / whole : without;
}

/* The figures of draw r of a block: out[figure * stride]. */
static void figures_of(double *out, size_t stride, const block_sums *x, size_t r)
{
    double s[RID_PERSON_SUMS], f[RID_SURE_FIGURES];
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        s[k] = x->person[k][r];
    const double predicted = s[RID_SUM_HIT_PAIRS] + x->false_pairs[r];
    f[RID_SURE_PRECISION] = ratio(s[RID_SUM_HIT_PAIRS], predicted, 1);
    f[RID_SURE_RECALL] = ratio(s[RID_SUM_HIT_PAIRS], s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_F1] = ratio(2 * s[RID_SUM_HIT_PAIRS], predicted + s[RID_SUM_TRUE_PAIRS], 1);
    f[RID_SURE_BCUBED_PRECISION] = ratio(s[RID_SUM_BCUBED_PRECISION], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_RECALL] = ratio(s[RID_SUM_BCUBED_RECALL], s[RID_SUM_ENTRIES], NAN);
    f[RID_SURE_BCUBED_F1] = ratio(2 * f[RID_SURE_BCUBED_PRECISION] * f[RID_SURE_BCUBED_RECALL],
                                  f[RID_SURE_BCUBED_PRECISION] + f[RID_SURE_BCUBED_RECALL], NAN);
    f[RID_SURE_FNIR] = 1 - ratio(s[RID_SUM_HITS], s[RID_SUM_MATED], NAN);
    f[RID_SURE_FPIR] = ratio(s[RID_SUM_FALSE_MATCHES], s[RID_SUM_NONMATED], NAN);
    for (size_t i = 0; i < RID_SURE_FIGURES; i++)
        out[i * stride] = f[i];
}

/* Everybody once: one row of weights for all people. */
static void figures_of_all(double own[RID_SURE_FIGURES], const rid_person_table *t)
{
    uint8_t once[BLOCK];
    block_sums x;
    memset(once, 1, sizeof once);
    weigh(&x, t, once, 0);
    figures_of(own, 1, &x, 0);
}

rid_status rid_person_draws_figures(const rid_person_draws *d, const rid_person_table *t,
                                    double own[RID_SURE_FIGURES], double *value, rid_err *err)
{
    rid_status st = rid_interrupt_check(err);
    figures_of_all(own, t);
    for (size_t first = 0; st == RID_OK && first < d->n; first += BLOCK) {
        block_sums x;
        weigh(&x, t, d->weight + first * d->n_people, BLOCK);
        for (size_t r = 0; r < BLOCK && first + r < d->n; r++)
            figures_of(value + first + r, d->n, &x, r);
        st = rid_interrupt_check(err);
    }
    return st;
}
