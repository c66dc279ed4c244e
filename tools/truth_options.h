/** Who is who, as the tools are told: --gt, or --pairs. */
#ifndef RID_TRUTH_OPTIONS_H
#define RID_TRUTH_OPTIONS_H

#include "gt/labels.h"
#include "tools/cli.h"

/** --gt or --pairs as labels; both numbers 0 where neither is given. RID_EUSAGE where both stand on the command
 *  line. Otherwise the command line wins, then --gt, with a warning. */
RID_MUST rid_status rid_truth_options_read(const rid_cli *cli, rid_label_files *files,
                                           rid_err *err);
/** The same; RID_EUSAGE where neither is given. */
RID_MUST rid_status rid_truth_options_require(const rid_cli *cli, rid_label_files *files,
                                              rid_err *err);

#endif
