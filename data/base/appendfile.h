/** A file that grows by whole pieces and goes on after a restart: what a run that was killed had
 *  written behind the last known good length is cut off. */
#ifndef RID_APPENDFILE_H
#define RID_APPENDFILE_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct rid_appendfile rid_appendfile;

/** Opens, or creates, the file and keeps its first `keep` bytes (0: begins anew). RID_EDATA where
 *  it has fewer. One thread at a time per handle. */
RID_MUST rid_status rid_appendfile_open(rid_appendfile **out, const char *path, uint64_t keep,
                                        rid_err *err);
/** Appends n bytes and makes them durable. After a failure the file may hold part of them; the
 *  next piece goes where they began. */
RID_MUST rid_status rid_appendfile_add(rid_appendfile *f, const void *bytes, size_t n,
                                       rid_err *err);
/** NULL is fine. */
void rid_appendfile_close(rid_appendfile *f);

#endif
