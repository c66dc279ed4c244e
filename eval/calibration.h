/** Choosing a threshold with a promise: with the stated confidence the false positive identification
 *  rate (FPIR) of searches to come is at most max_fpir.
 *
 *  Thresholds are tested from strict to loose; the first one that fails ends the sequence, and the one
 *  before it is taken (fixed-sequence testing; Angelopoulos, Bates, Candès, Jordan and Lei, "Learn
 *  then Test", 2021). Only the first threshold that breaks the promise has to be caught, so each test
 *  has the whole error 1 − confidence. The sequence must not depend on the data.
 *
 *  A test is the bound of Clopper and Pearson with effective counts (Korn and Graubard, "Confidence
 *  intervals for proportions with small expected number of positive counts estimated from survey
 *  data", Survey Methodology 1998): trials and hits are divided by the design effect, by which false
 *  matches vary more than those of as many independent people. It has two parts, which add up:
 *
 *  - people: who comes to several buckets is one person. Kish, "Survey Sampling", 1965: Σm² / Σm over
 *    their numbers of searches m, as if those of one person always ended alike.
 *  - buckets: 1 + (Σn²/Σn − 1) ρ with n searches a bucket. ρ, how alike the searches of one bucket are,
 *    comes from Pearson's X² between buckets, which is first raised by (t/z)², the quantiles of
 *    Student's t with (buckets − 1) degrees of freedom and of the normal distribution, for ρ is only
 *    estimated. It is the largest ρ of the threshold at hand and the looser ones up to twice
 *    max_fpir, where there is more to count; and X² is never taken below its mean without any
 *    bucket effect. */
#ifndef RID_CALIBRATION_H
#define RID_CALIBRATION_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Non-mated searches, and how many of them matched at each threshold. Borrowed. */
typedef struct rid_calibration_counts {
    const uint64_t *searches; /**< (n_buckets), each at least 1 */
    const uint64_t *matched;  /**< (n_buckets, n_thresholds), by ascending threshold */
    size_t n_buckets, n_thresholds;
    double person_effect; /**< the design effect of people, at least 1 */
} rid_calibration_counts;

typedef struct rid_promise {
    double max_fpir, confidence; /**< both in (0, 1) */
    bool
        bucket_effect; /**< for buckets to come; false: for the buckets counted, or like the only one */
} rid_promise;

typedef struct rid_calibration {
    bool kept;        /**< some threshold keeps the promise */
    size_t threshold; /**< the loosest that was reached; not kept: the strictest, which failed */
    double bound;     /**< of FPIR there */
    double bucket_effect, design_effect; /**< there */
    uint64_t searches, matched;          /**< there, over all buckets */
    double
        needed; /**< not kept: searches that would do, with these shares and effects; INFINITY: no
                        number would */
} rid_calibration;

/** Tests. n_buckets and n_thresholds at least 1. RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_calibration_choose(rid_calibration *out,
                                           const rid_calibration_counts *counts,
                                           const rid_promise *promise, rid_err *err);

/** Searches without any match that keep the promise at that design effect. */
double rid_calibration_needed(const rid_promise *promise, double design_effect);

#endif
