#include "eval/diff_figures.h"

#include "data/base/mem.h"

#include <math.h>

/* ---- sums over people ---- */

typedef struct sums {
    double *sum[RID_PERSON_SUMS]; /* (people) */
} sums;

static void take_entry(const sums *s, size_t person, const rid_judged *e)
{
    double *const *sum = s->sum;
    sum[RID_SUM_HIT_PAIRS][person] += ((double)e->together - 1) / 2;
    sum[RID_SUM_PREDICTED_PAIRS][person] += ((double)e->size - 1) / 2;
    sum[RID_SUM_TRUE_PAIRS][person] += ((double)e->visits - 1) / 2;
    sum[RID_SUM_ENTRIES][person] += 1;
    sum[RID_SUM_BCUBED_PRECISION][person] += (double)e->together / (double)e->size;
    sum[RID_SUM_BCUBED_RECALL][person] += (double)e->together / (double)e->visits;
    sum[RID_SUM_MATED][person] += e->mated;
    sum[RID_SUM_NONMATED][person] += !e->mated;
    sum[RID_SUM_HITS][person] += e->end == RID_SEARCH_SAME;
    sum[RID_SUM_FALSE_MATCHES][person] += e->end == RID_SEARCH_OTHER && !e->mated;
}

/* number_of: number of each person of the labels. */
static rid_status take_sums(sums *s, const rid_judgement *j, const uint32_t *number_of, size_t n, rid_err *err)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        if (!(s->sum[k] = rid_mem_zalloc(n, sizeof *s->sum[k])))
            return RID_FAIL_NOMEM(err);
    for (size_t k = 0; k < j->clustering->n_buckets; k++)
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++) {
            const rid_judged *e = &j->buckets[k].entries[i];
            if (e->person != RID_UNLABELLED)
                take_entry(s, number_of[e->person], e);
        }
    return RID_OK;
}

static void clear_sums(sums *s)
{
    for (size_t k = 0; k < RID_PERSON_SUMS; k++)
        rid_mem_free(s->sum[k]);
}

/* The people of the entries, in ascending order of their numbers in the labels. Returns how many. */
static size_t number_people(uint32_t *number_of, size_t n_label_persons, const rid_judgement *j)
{
    uint32_t n = 0;
    for (size_t k = 0; k < j->clustering->n_buckets; k++)
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++)
            if (j->buckets[k].entries[i].person != RID_UNLABELLED)
                number_of[j->buckets[k].entries[i].person] = 1;
    for (size_t p = 0; p < n_label_persons; p++)
        if (number_of[p] > 0)
            number_of[p] = n++;
    return n;
}

/* ---- resampling ---- */

/* Draws of both sides: value f64 (RID_SURE_FIGURES, n) each. */
static rid_status draw(rid_diff_figure *out, const sums *a, const sums *b, const rid_person_draws *d,
                       double confidence, rid_err *err)
{
    double own[RID_SURE_FIGURES];
    double *of_a = rid_mem_alloc(RID_SURE_FIGURES * d->n, sizeof *of_a);
    double *of_b = rid_mem_alloc(RID_SURE_FIGURES * d->n, sizeof *of_b);
    double *total = rid_mem_alloc(RID_PERSON_SUMS * d->n, sizeof *total);
    const bool ok = of_a && of_b && total;
    if (ok) {
        rid_person_draws_figures(d, a->sum, own, of_a, total);
        rid_person_draws_figures(d, b->sum, own, of_b, total);
        for (size_t i = 0; i < RID_SURE_FIGURES * d->n; i++)
            of_b[i] -= of_a[i];
        for (size_t f = 0; f < RID_SURE_FIGURES; f++) {
            const rid_interval x = rid_percentile_interval(out[f].delta, of_b + f * d->n, d->n, confidence);
            out[f].low = x.low;
            out[f].high = x.high;
        }
    }
    rid_mem_free(of_a);
    rid_mem_free(of_b);
    rid_mem_free(total);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

static rid_status resample(rid_diff_figure *out, const rid_judgement *a, const rid_judgement *b,
                           size_t n_label_persons, size_t resamples, double confidence, uint64_t seed,
                           rid_err *err)
{
    sums of_a = {{0}}, of_b = {{0}};
    rid_person_draws draws = {0};
    uint32_t *number_of = rid_mem_zalloc(n_label_persons, sizeof *number_of);
    const size_t n = number_of ? number_people(number_of, n_label_persons, a) : 0;
    rid_status st = number_of ? take_sums(&of_a, a, number_of, n, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = take_sums(&of_b, b, number_of, n, err);
    if (st == RID_OK && n > 0)
        st = rid_person_draws_init(&draws, n, resamples, seed, err);
    if (st == RID_OK && n > 0)
        st = draw(out, &of_a, &of_b, &draws, confidence, err);
    clear_sums(&of_a);
    clear_sums(&of_b);
    rid_person_draws_clear(&draws);
    rid_mem_free(number_of);
    return st;
}

/* ---- figures ---- */

static void list_values(double out[RID_DIFF_FIGURES], const rid_sweep_cell *c)
{
    const rid_cluster_metrics m = rid_cluster_metrics_of(&c->clusters);
    const double all[RID_DIFF_FIGURES] = {[RID_SURE_PRECISION] = m.pairwise_precision,
                                          [RID_SURE_RECALL] = m.pairwise_recall,
                                          [RID_SURE_F1] = m.pairwise_f1,
                                          [RID_SURE_BCUBED_PRECISION] = m.bcubed_precision,
                                          [RID_SURE_BCUBED_RECALL] = m.bcubed_recall,
                                          [RID_SURE_BCUBED_F1] = m.bcubed_f1,
                                          [RID_SURE_FNIR] = rid_search_fnir(&c->searches),
                                          [RID_SURE_FPIR] = rid_search_fpir(&c->searches),
                                          [RID_SURE_FIGURES] = m.v_measure,
                                          [RID_SURE_FIGURES + 1] = m.ari};
    for (int f = 0; f < RID_DIFF_FIGURES; f++)
        out[f] = all[f];
}

rid_status rid_diff_figures_of(rid_diff_figure out[RID_DIFF_FIGURES], const rid_judgement *a,
                               const rid_judgement *b, size_t n_label_persons, size_t resamples,
                               double confidence, uint64_t seed, rid_err *err)
{
    double of_a[RID_DIFF_FIGURES], of_b[RID_DIFF_FIGURES];
    list_values(of_a, &a->counts);
    list_values(of_b, &b->counts);
    for (int f = 0; f < RID_DIFF_FIGURES; f++)
        out[f] = (rid_diff_figure){f < RID_SURE_FIGURES    ? rid_sure_figure_name((rid_sure_figure)f)
                                   : f == RID_SURE_FIGURES ? "v_measure"
                                                           : "ari",
                                   of_a[f], of_b[f], of_b[f] - of_a[f], NAN, NAN};
    return resamples > 0 ? resample(out, a, b, n_label_persons, resamples, confidence, seed, err) : RID_OK;
}

void rid_metrics_add_diff(rid_metric_set *m, const rid_diff_figure f[RID_DIFF_FIGURES])
{
#define NAMES(x) {"a_" x, "b_" x, "delta_" x, "delta_" x "_low", "delta_" x "_high"}
    static const char *const names[RID_DIFF_FIGURES][5] = {
        [RID_SURE_PRECISION] = NAMES("pairwise_precision"),
        [RID_SURE_RECALL] = NAMES("pairwise_recall"),
        [RID_SURE_F1] = NAMES("pairwise_f1"),
        [RID_SURE_BCUBED_PRECISION] = NAMES("bcubed_precision"),
        [RID_SURE_BCUBED_RECALL] = NAMES("bcubed_recall"),
        [RID_SURE_BCUBED_F1] = NAMES("bcubed_f1"),
        [RID_SURE_FNIR] = NAMES("fnir"),
        [RID_SURE_FPIR] = NAMES("fpir"),
        [RID_SURE_FIGURES] = NAMES("v_measure"),
        [RID_SURE_FIGURES + 1] = NAMES("ari"),
    };
#undef NAMES
    static const char none[] = "no entry or search of the kind", not_drawn[] = "not resampled, or undefined";
    for (int i = 0; i < RID_DIFF_FIGURES; i++) {
        rid_metrics_add(m, names[i][0], f[i].a, none);
        rid_metrics_add(m, names[i][1], f[i].b, none);
        rid_metrics_add(m, names[i][2], f[i].delta, none);
        if (i >= RID_SURE_FIGURES)
            continue;
        rid_metrics_add(m, names[i][3], f[i].low, not_drawn);
        rid_metrics_add(m, names[i][4], f[i].high, not_drawn);
    }
}
