/** Encoders that a run measures on its validation people: mean pooling, the starts, what was trained. */
#ifndef RID_CANDIDATE_H
#define RID_CANDIDATE_H

#include "eval/bootstrap.h"
#include "train/network.h"
#include "train/validate.h"

/** Zero-initialise. Owns its members; rid_candidate_clear frees them. */
typedef struct rid_candidate {
    const char *name;         /**< "LDA start"; a string literal */
    rid_checkpoint params;    /**< no tensors: mean pooling */
    rid_linear_choice choice; /**< of a linear start */
    rid_validation v;
    double *ap;               /**< f64 (n): of the queries */
    rid_score_counts *scores;
    rid_interval gain;        /**< of its mAP over the reference's; NaN: not known */
} rid_candidate;

/** The share of the bootstrap's gains that lies in their interval: all but 5% are above its low end. */
#define RID_GAIN_CONFIDENCE 0.9

/** Measures params on the validation people of d. set: d's, or a view of it without attributes. */
RID_MUST rid_status rid_candidate_measure(rid_candidate *c, const rid_train_data *d,
                                          const rid_train_set *set, int threads, rid_err *err);
/** Sets the gain over a reference, both measured: the mean of the differences of their queries'
 *  average precisions, with its interval over people. */
RID_MUST rid_status rid_candidate_compare(rid_candidate *c, const rid_candidate *reference,
                                          const rid_train_data *d, uint64_t seed, rid_err *err);
void rid_candidate_clear(rid_candidate *c);

#endif
