#include "eval/separation.h"

#include "data/base/mem.h"

/* Returns how many positives there are. */
static size_t part(float *positive, float *negative, const float *score, const bool *same, size_t n)
{
    size_t n_positive = 0, n_negative = 0;
    for (size_t i = 0; i < n; i++) {
        if (same[i])
            positive[n_positive++] = score[i];
        else
            negative[n_negative++] = score[i];
    }
    return n_positive;
}

void rid_separation_measure(rid_separation *out, const rid_positives *p, double mean_n,
                            double square_n)
{
    static const double far[RID_TARS] = {1e-1, 1e-2, 1e-3, 1e-4};
    double mean, square;
    rid_positives_moments(p, &mean, &square);
    out->auc = rid_positives_auc(p);
    out->eer = rid_positives_eer(p);
    out->dprime = rid_score_dprime(mean, square, mean_n, square_n);
    for (int i = 0; i < RID_TARS; i++)
        out->tar[i] = rid_positives_tar(p, far[i]);
    out->best_f1 = rid_positives_best_f1(p, &out->best_f1_threshold);
}

static void measure(rid_separation *out, const rid_positives *p, const float *negative, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (double)negative[i];
        squares += (double)negative[i] * (double)negative[i];
    }
    rid_separation_measure(out, p, sum / (double)n, squares / (double)n);
}

rid_status rid_separation_of(rid_separation *out, rid_score_counts *counts, const float *score,
                             const bool *same, size_t n, rid_err *err)
{
    rid_positives *p = NULL;
    rid_negatives *taken = NULL;
    size_t n_positive = 0;
    float *positive = rid_mem_alloc(n, sizeof *positive);
    float *negative = rid_mem_alloc(n, sizeof *negative);
    rid_status st = positive && negative ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        n_positive = part(positive, negative, score, same, n);
        st = rid_positives_new(&p, positive, n_positive, err);
        positive = NULL;
    }
    if (st == RID_OK && !(taken = rid_negatives_new(p)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        rid_negatives_take(taken, negative, n - n_positive);
        rid_negatives_close(taken);
        measure(out, p, negative, n - n_positive);
        if (counts)
            rid_positives_count(p, counts);
    }
    rid_positives_free(p);
    rid_mem_free(positive);
    rid_mem_free(negative);
    return st;
}
