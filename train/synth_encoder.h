/** A random encoder that keeps the geometry of its input: frames that point the same way get
 *  embeddings that do. */
#ifndef RID_SYNTH_ENCODER_H
#define RID_SYNTH_ENCODER_H

#include "data/base/err.h"
#include "train/synth.h"

/** Writes o->ckpt_path: fusion mode, sizes and pooling of o, the schema's text inside when
 *  o->attrs. The weights depend on the seed and these alone. RID_EUSAGE: the file exists and not
 *  o->force. RID_EIO, RID_ETEMP. */
RID_MUST rid_status rid_synth_encoder_write(const rid_synth_options *o, rid_err *err);

#endif
