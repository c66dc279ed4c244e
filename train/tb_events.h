/** TensorBoard's event files, scalars alone: TFRecords (length, its checksum, data, its checksum)
 *  that hold Event messages of tensorflow/core/util/event.proto in protobuf's wire format. Such a
 *  file's name holds "tfevents". */
#ifndef RID_TB_EVENTS_H
#define RID_TB_EVENTS_H

#include "data/base/buf.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rid_tb_scalar {
    const char *tag;
    double value; /**< stored as float32 */
} rid_tb_scalar;

/** Appends the event that every file begins with. wall_s: seconds since 1970. */
void rid_tb_events_begin(rid_buf *out, double wall_s);
/** Appends an event with n scalars of one step; those that are not finite are left out, and the
 *  event with them where none is left. */
void rid_tb_events_scalars(rid_buf *out, double wall_s, int64_t step, const rid_tb_scalar *scalars,
                           size_t n);

#endif
