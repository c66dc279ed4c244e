/** Small whole files: schemas, configurations, JSON settings. */
#ifndef RID_TEXTFILE_H
#define RID_TEXTFILE_H

#include "data/base/buf.h"
#include "data/base/err.h"

#define RID_TEXTFILE_MAX ((size_t)64 << 20)

/** Appends the file's bytes to out, decompressed (.gz, .zst); "-": those of standard input. RID_EDATA where
 *  there are more than max; errors of rid_reader_open and rid_reader_read. */
RID_MUST rid_status rid_textfile_read(rid_buf *out, const char *path, size_t max, rid_err *err);

#endif
