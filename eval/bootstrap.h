/** Bootstrap over people: resample whole persons, since the entries of one are not independent
 *  (Efron and Tibshirani, An Introduction to the Bootstrap, 1993). */
#ifndef RID_BOOTSTRAP_H
#define RID_BOOTSTRAP_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rid_interval {
    double mean, low, high; /**< estimate, and percentile interval */
} rid_interval;

/** The q-quantile of n >= 1 ascending values, between the two nearest in proportion. q in [0, 1]. */
double rid_quantile_of_sorted(const double *sorted, size_t n, double q);

/** Percentile interval of n values, which are sorted; NaN ones are left out. mean is passed on; where it is
 *  NaN, or nothing is left, low and high are, too. */
rid_interval rid_percentile_interval(double mean, double *value, size_t n, double confidence);

/** Interval of the mean of value over items, resampled by group.
 *  value f64 (n < 2^32), NaN: left out; group u32 (n): the item's person; resamples >= 1;
 *  confidence in (0, 1). As many groups are drawn as have a value, and their items are pooled.
 *  Groups are taken in the order of their numbers. Deterministic in seed. RID_EDATA without a
 *  value; RID_ETEMP. */
RID_MUST rid_status rid_bootstrap_mean(rid_interval *out, const double *value,
                                       const uint32_t *group, size_t n, size_t resamples,
                                       double confidence, uint64_t seed, rid_err *err);

#endif
