/** Options of rid-gt's commands as its jobs take them. What they point to lives as long as the cli. */
#ifndef RID_GT_OPTIONS_H
#define RID_GT_OPTIONS_H

#include "eval/gt_report.h"
#include "gt/gt_convert.h"
#include "gt/gt_split.h"
#include "tools/cli.h"

/** Each returns RID_EUSAGE where something is missing or does not go together. */
RID_MUST rid_status rid_gt_options_check(const rid_cli *cli, rid_gt_check_options *o, rid_err *err);
/** paths: (2), the older first. */
RID_MUST rid_status rid_gt_options_diff(const rid_cli *cli, const char *const **paths,
                                        rid_eval_output_options *o, rid_err *err);
RID_MUST rid_status rid_gt_options_convert(const rid_cli *cli, rid_gt_convert_options *o,
                                           rid_err *err);
RID_MUST rid_status rid_gt_options_merge(const rid_cli *cli, rid_gt_convert_options *o,
                                         rid_err *err);
RID_MUST rid_status rid_gt_options_split(rid_cli *cli, rid_gt_split_options *o, rid_err *err);

#endif
