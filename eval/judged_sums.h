/** A judged clustering as the table that drawing people needs (person_table.h), and the intervals that come of
 *  it. */
#ifndef RID_JUDGED_SUMS_H
#define RID_JUDGED_SUMS_H

#include "eval/judgement.h"
#include "eval/person_draws.h"

/** The people with a labelled entry, in ascending order of their numbers. n_label_persons: of the labels that
 *  were judged by. To be cleared (rid_person_table_clear) in any case. RID_ETEMP. */
RID_MUST rid_status rid_judged_table(rid_person_table *t, const rid_judgement *j,
                                     size_t n_label_persons, rid_err *err);

/** Intervals of the figures of one judgement over so many draws (0: none, low and high are NaN); mean is the
 *  figure itself. Deterministic in seed. Memory: `resamples` bytes a person. RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_judged_intervals(rid_interval out[RID_SURE_FIGURES], const rid_judgement *j,
                                         size_t n_label_persons, size_t resamples,
                                         double confidence, uint64_t seed, rid_err *err);

#endif
