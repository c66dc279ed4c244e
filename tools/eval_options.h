/** Options that the commands of rid-eval share. */
#ifndef RID_EVAL_OPTIONS_H
#define RID_EVAL_OPTIONS_H

#include "eval/eval_output.h"
#include "eval/operating_point.h"
#include "tools/cli.h"

/** How a command's figures come out. */
void rid_eval_read_output(const rid_cli *cli, rid_eval_output_options *o);
/** The arguments; RID_EUSAGE without any: "no store given" for what = "store". */
RID_MUST rid_status rid_eval_read_inputs(const rid_cli *cli, const char *const **paths, size_t *n,
                                         const char *what, rid_err *err);
/** Threshold, margin, nn2, and where they come from. */
RID_MUST rid_status rid_eval_read_point(const rid_cli *cli, rid_operating_point *p, rid_err *err);

#endif
