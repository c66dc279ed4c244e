#include "eval/diff_figures.h"

#include "data/base/mem.h"

#include <math.h>

/* ---- resampling ---- */

/* Draws of both sides: their differences f64 (RID_SURE_FIGURES, n); of_a as large, scratch. */
static rid_status draw(double *delta, double *of_a, const rid_person_table *a,
                       const rid_person_table *b, const rid_person_draws *d, rid_err *err)
{
    double own[RID_SURE_FIGURES];
    rid_status st = rid_person_draws_figures(d, a, own, of_a, err);
    if (st == RID_OK)
        st = rid_person_draws_figures(d, b, own, delta, err);
    for (size_t i = 0; st == RID_OK && i < RID_SURE_FIGURES * d->n; i++)
        delta[i] -= of_a[i];
    return st;
}

static rid_status make_intervals(rid_diff_figure *out, const rid_person_table *a,
                                 const rid_person_table *b, const rid_person_draws *d,
                                 double confidence, rid_err *err)
{
    double *of_a = rid_mem_alloc(RID_SURE_FIGURES * d->n, sizeof *of_a);
    double *delta = rid_mem_alloc(RID_SURE_FIGURES * d->n, sizeof *delta);
    const rid_status st = of_a && delta ? draw(delta, of_a, a, b, d, err) : RID_FAIL_NOMEM(err);
    for (size_t f = 0; st == RID_OK && f < RID_SURE_FIGURES; f++) {
        const rid_interval x =
            rid_percentile_interval(out[f].delta, delta + f * d->n, d->n, confidence);
        out[f].low = x.low;
        out[f].high = x.high;
    }
    rid_mem_free(of_a);
    rid_mem_free(delta);
    return st;
}

static rid_status resample(rid_diff_figure *out, const rid_judgement *a, const rid_judgement *b,
                           size_t n_label_persons, size_t resamples, double confidence,
                           uint64_t seed, rid_err *err)
{
    rid_person_table of_a, of_b = {0};
    rid_person_draws draws = {0};
    rid_status st = rid_judged_table(&of_a, a, n_label_persons, err);
    if (st == RID_OK)
        st = rid_judged_table(&of_b, b, n_label_persons, err);
    if (st == RID_OK && of_a.n > 0)
        st = rid_person_draws_init(&draws, of_a.n, resamples, seed, err);
    if (st == RID_OK && of_a.n > 0)
        st = make_intervals(out, &of_a, &of_b, &draws, confidence, err);
    rid_person_table_clear(&of_a);
    rid_person_table_clear(&of_b);
    rid_person_draws_clear(&draws);
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
        out[f] = (rid_diff_figure){f < RID_SURE_FIGURES ? rid_sure_figure_name((rid_sure_figure)f)
                                   : f == RID_SURE_FIGURES ? "v_measure"
                                                           : "ari",
                                   of_a[f],
                                   of_b[f],
                                   of_b[f] - of_a[f],
                                   NAN,
                                   NAN};
    return resamples > 0 ? resample(out, a, b, n_label_persons, resamples, confidence, seed, err)
                         : RID_OK;
}

void rid_metrics_add_diff(rid_metric_set *m, const rid_diff_figure f[RID_DIFF_FIGURES])
{
#define NAMES(x)                                                                                   \
    {                                                                                              \
        "a_" x, "b_" x, "delta_" x, "delta_" x "_low", "delta_" x "_high"                          \
    }
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
    static const char none[] = "no entry or search of the kind",
                      not_drawn[] = "not resampled, or undefined";
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
