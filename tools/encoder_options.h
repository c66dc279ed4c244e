/** From the command line to a model and a payload source: the options rid-encode and rid-match share. */
#ifndef RID_ENCODER_OPTIONS_H
#define RID_ENCODER_OPTIONS_H

#include "data/source.h"
#include "tools/cli.h"
#include "train/model.h"

/** The filter's settings. */
rid_filter rid_encoder_options_filter(const rid_cli *cli);
/** Fills *model from the options ckpt, encoder, schema, vis-dim, filter-…; strings are the cli's.
 *  RID_EUSAGE without a checkpoint and without --encoder mean. Says so where payloads are going to
 *  be read from a terminal. */
RID_MUST rid_status rid_encoder_options_model(rid_model_options *model, const rid_cli *cli,
                                              rid_err *err);

#endif
