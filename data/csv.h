/** Comma-separated values (RFC 4180): rows of a file one after the other, and writing a field. */
#ifndef RID_CSV_H
#define RID_CSV_H

#include "data/base/buf.h"
#include "data/base/err.h"

typedef struct rid_csv rid_csv;

/** Opens a file (also .gz, .zst, "-"). A byte-order mark at its beginning is passed over. Lines end with
 *  LF or CR LF; empty ones are no rows. RID_ENOINPUT, RID_ETEMP. One thread at a time. */
RID_MUST rid_status rid_csv_open(rid_csv **out, const char *path, rid_err *err);
void rid_csv_close(rid_csv *c);

/** The next row: its fields without quotes, views until the next call; *n = 0 at the end. RID_EDATA (with
 *  file, line, byte) where a quoted field does not end, text follows its closing quote, a quote stands
 *  inside an unquoted one, or a row has more than 1 MiB; RID_EIO; RID_EINTR; RID_ETEMP. */
RID_MUST rid_status rid_csv_next(rid_csv *c, const rid_str **fields, size_t *n, rid_err *err);

/** Where the row of the last rid_csv_next began: line from 1, byte from 0 (decompressed). */
size_t rid_csv_line(const rid_csv *c);
/** RID_EDATA with "file: line, byte: …" of that row. */
rid_status rid_csv_fail(const rid_csv *c, rid_err *err, const char *fmt, ...) RID_PRINTF(3, 4);

/** Appends s, quoted where it has to be. */
void rid_csv_append_field(rid_buf *out, rid_str s);

#endif
