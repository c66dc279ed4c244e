/** Options of synthetic data: defaults and checking. */
#ifndef RID_SYNTH_CHECK_H
#define RID_SYNTH_CHECK_H

#include "train/synth.h"

/** What rid_synth_options.output stands for. */
typedef enum rid_synth_output {
    RID_SYNTH_NO_OUTPUT,
    RID_SYNTH_STREAM,    /**< JSON lines to standard output */
    RID_SYNTH_LINES,     /**< JSON lines to a file */
    RID_SYNTH_DOCUMENT,  /**< one object entry_id → payload */
    RID_SYNTH_DIRECTORY, /**< a file of JSON lines per bucket */
} rid_synth_output;

/** Checks every option but whether files exist. *first_day: days since 1970. RID_EUSAGE, naming the
 *  option. */
RID_MUST rid_status rid_synth_check(const rid_synth_options *o, rid_synth_output *kind,
                                    int64_t *first_day, rid_err *err);

#endif
