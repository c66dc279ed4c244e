/** The report of a sweep: one self-contained page for the people who choose threshold and margin. It
 *  shows entry ids and person ids of the worst confusions, no vectors. */
#ifndef RID_SWEEP_REPORT_H
#define RID_SWEEP_REPORT_H

#include "eval/sweep_result.h"

/** Appends the page. Shortage of memory shows in the buffer's `failed`. */
void rid_sweep_report_render(rid_buf *out, const rid_sweep_result *r);
/** Appends the verdict, a sentence or two of plain text, as the page has it. */
void rid_sweep_report_verdict(rid_buf *out, const rid_sweep_result *r);

#endif
