/** Writing a zip archive as PyTorch's writer does: records stored, their data aligned to 64 bytes,
 * no dates: the same records give the same bytes. */
#ifndef RID_ZIPWRITE_H
#define RID_ZIPWRITE_H

#include "data/base/err.h"
#include "data/base/publish.h"

#include <stdint.h>

typedef struct rid_zipwriter rid_zipwriter;

/** Starts an archive at the present (first) byte of `out`, borrowed. NULL when there is no memory.
 */
rid_zipwriter *rid_zipwriter_new(rid_publish *out);
void rid_zipwriter_free(rid_zipwriter *w);

/** Appends one record. RID_EFAIL where the archive would pass 4 GiB (zip64 is not written),
 * RID_EIO, RID_ETEMP. Names are the caller's to keep distinct. */
RID_MUST rid_status rid_zipwriter_add(rid_zipwriter *w, const char *name, const void *bytes,
                                      uint64_t n, rid_err *err);
/** Writes the directory. Nothing may be added afterwards. */
RID_MUST rid_status rid_zipwriter_finish(rid_zipwriter *w, rid_err *err);

#endif
