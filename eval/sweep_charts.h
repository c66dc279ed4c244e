/** The charts of a sweep's report: heat maps, curves through the optimum, DET, scores. */
#ifndef RID_SWEEP_CHARTS_H
#define RID_SWEEP_CHARTS_H

#include "data/html.h"
#include "eval/sweep_result.h"

/** The figure that the objective is about, in words: "Pairwise F1". */
const char *rid_sweep_objective_name(const rid_objective *o);
/** A threshold or margin for people: five digits at most, at most 13 bytes. */
void rid_sweep_setting(char *out, size_t size, double value);
/** Writes all of them. Shortage of memory shows in the buffer's `failed`. */
void rid_sweep_charts_write(rid_html *h, const rid_sweep_result *r);

#endif
