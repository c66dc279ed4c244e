/** HDF5 files as stores need them: named columns of fixed-size rows in checksummed chunks, attributes
 *  of text and integers, a user block. The only module that includes the library's header.
 *
 *  Chunks are written and read past the library's type conversion and filter pipeline (the bytes are
 *  what the library itself would write: h5py reads them): so reading is parallel and every chunk is
 *  checked once against its fletcher32. Library calls are made from one thread at a time; any error
 *  leaves the handle good for closing only. */
#ifndef RID_H5FILE_H
#define RID_H5FILE_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RID_H5_USER_BLOCK = 512 };

typedef enum rid_h5_type {
    RID_H5_F32,
    RID_H5_F16,
    RID_H5_I64,
    RID_H5_U8,
    RID_H5_TEXT, /**< fixed-length UTF-8, padded with NUL */
} rid_h5_type;

typedef struct rid_h5 rid_h5;
typedef struct rid_h5_column rid_h5_column;

/** Before anything else, once: no atexit handler, no messages of its own. */
void rid_h5_init(void);

/** Creates (truncates) a file with an empty user block. `text_bytes` is the longest text that will be
 *  written as an attribute: above 64 KiB that needs the file format of HDF5 1.8. */
RID_MUST rid_status rid_h5_create(rid_h5 **out, const char *path, size_t text_bytes, rid_err *err);
RID_MUST rid_status rid_h5_open(rid_h5 **out, const char *path, rid_err *err);
/** Closes; what could not be written shows here. Frees h also on failure; NULL is fine. */
RID_MUST rid_status rid_h5_close(rid_h5 *h, rid_err *err);
/** Closes without caring. */
void rid_h5_abandon(rid_h5 *h);

RID_MUST rid_status rid_h5_make_group(rid_h5 *h, const char *name, rid_err *err);
RID_MUST rid_status rid_h5_write_text(rid_h5 *h, const char *name, const char *text, rid_err *err);
RID_MUST rid_status rid_h5_write_i64(rid_h5 *h, const char *name, int64_t value, rid_err *err);
/** *text is allocated with rid_mem; NULL where there is no such attribute and `needed` is false. */
RID_MUST rid_status rid_h5_read_text(rid_h5 *h, const char *name, bool needed, char **text,
                                     rid_err *err);
RID_MUST rid_status rid_h5_read_i64(rid_h5 *h, const char *name, int64_t *value, rid_err *err);

/** What a column's rows are. */
typedef struct rid_h5_shape {
    rid_h5_type type;
    size_t width; /**< of RID_H5_TEXT, bytes; else ignored */
    bool matrix;  /**< rows of `cols` elements: shape (n, cols); otherwise (n) */
    size_t cols;
} rid_h5_shape;

/** A new column to append to. The data set itself is made when the first chunk is full, or at the
 *  end, with chunks no larger than the column. */
RID_MUST rid_status rid_h5_column_create(rid_h5_column **out, rid_h5 *h, const char *name,
                                         rid_h5_shape shape, rid_err *err);
RID_MUST rid_status rid_h5_column_append(rid_h5_column *c, const void *rows, size_t n, rid_err *err);
/** Writes what is left. Frees nothing. */
RID_MUST rid_status rid_h5_column_finish(rid_h5_column *c, rid_err *err);

/** Opens a column for reading. shape.type must match (width, cols are found: rid_h5_column_shape). */
RID_MUST rid_status rid_h5_column_open(rid_h5_column **out, rid_h5 *h, const char *name,
                                       rid_h5_shape shape, rid_err *err);
rid_h5_shape rid_h5_column_shape(const rid_h5_column *c);
size_t rid_h5_column_rows(const rid_h5_column *c);
/** Bytes of one row. */
size_t rid_h5_column_row_bytes(const rid_h5_column *c);
/** Reads rows [first, first+n) to out. RID_EDATA where a chunk's checksum does not fit. Thread-safe. */
RID_MUST rid_status rid_h5_column_read(rid_h5_column *c, size_t first, size_t n, void *out,
                                       rid_err *err);
/** Checks every chunk (in parallel). */
RID_MUST rid_status rid_h5_column_verify(rid_h5_column *c, int threads, rid_err *err);
/** Where the column's chunks lie in the file: offsets[i], each `*chunk_bytes` long (checksum
 *  included). Borrowed from c. */
void rid_h5_column_chunks(const rid_h5_column *c, const uint64_t **offsets, size_t *n,
                          size_t *chunk_bytes);
void rid_h5_column_close(rid_h5_column *c);

#endif
