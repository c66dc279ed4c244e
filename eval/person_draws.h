/** People drawn with replacement, whole, as many as there are (Efron and Tibshirani, An Introduction to the
 *  Bootstrap, 1993), and what their sums make of the figures. Every draw is the same for all that is
 *  compared, so that differences are paired. */
#ifndef RID_PERSON_DRAWS_H
#define RID_PERSON_DRAWS_H

#include "eval/bootstrap.h"

/** What each person contributes; a pair of two persons is shared by the two. */
enum {
    RID_SUM_HIT_PAIRS,
    RID_SUM_PREDICTED_PAIRS, /**< hits, and half of the false pairs that the person is in */
    RID_SUM_TRUE_PAIRS,
    RID_SUM_ENTRIES,
    RID_SUM_BCUBED_PRECISION, /**< Σ over the person's entries */
    RID_SUM_BCUBED_RECALL,
    RID_SUM_MATED, /**< searches by the person's entries */
    RID_SUM_NONMATED,
    RID_SUM_HITS,
    RID_SUM_FALSE_MATCHES,
    RID_PERSON_SUMS,
};

/** Figures that are resampled, as surface.csv names them. */
typedef enum rid_sure_figure {
    RID_SURE_PRECISION,
    RID_SURE_RECALL,
    RID_SURE_F1,
    RID_SURE_BCUBED_PRECISION,
    RID_SURE_BCUBED_RECALL,
    RID_SURE_BCUBED_F1,
    RID_SURE_FNIR,
    RID_SURE_FPIR,
    RID_SURE_FIGURES,
} rid_sure_figure;

const char *rid_sure_figure_name(rid_sure_figure f);

typedef struct rid_person_draws {
    size_t n_persons, n; /**< people; draws */
    uint8_t *weight;     /**< (n_persons, n): how often each is drawn */
} rid_person_draws;

/** Draws. Deterministic in seed. To be cleared in any case. RID_ETEMP. */
RID_MUST rid_status rid_person_draws_init(rid_person_draws *d, size_t n_persons, size_t n, uint64_t seed,
                                          rid_err *err);
void rid_person_draws_clear(rid_person_draws *d);

/** The figures of all people (own) and of every draw, value f64 (RID_SURE_FIGURES, n), NaN where undefined;
 *  sum[k] f64 (n_persons); total f64 (RID_PERSON_SUMS, n): scratch. */
void rid_person_draws_figures(const rid_person_draws *d, double *const sum[RID_PERSON_SUMS],
                              double own[RID_SURE_FIGURES], double *value, double *total);

#endif
