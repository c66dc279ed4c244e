/** From rid-train's command line to a training run. */
#ifndef RID_TRAIN_OPTIONS_H
#define RID_TRAIN_OPTIONS_H

#include "tools/cli.h"
#include "train/train_job.h"

/** Fills *o; strings are the cli's. RID_EUSAGE where something needed is missing. */
RID_MUST rid_status rid_train_options_read(rid_train_options *o, const rid_cli *cli, rid_err *err);

#endif
