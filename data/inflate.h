/** Bytes of an input, decompressed where it is gzip or zstd (told by its first bytes, not its name). */
#ifndef RID_INFLATE_H
#define RID_INFLATE_H

#include "data/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rid_reader rid_reader;

/** Opens `path`; "-" is standard input. RID_ENOINPUT where it cannot be opened. A wait for more of a
 *  pipe ends (RID_EINTR) once *stop is true; NULL: only a signal ends it. One thread per reader. */
RID_MUST rid_status rid_reader_open(rid_reader **out, const char *path, const atomic_bool *stop,
                                    rid_err *err);

/** Reads up to n bytes; *got = 0 only at the end. RID_EDATA where the compressed data is damaged or
 *  cut short (what came before has been delivered); RID_EIO; RID_EINTR. */
RID_MUST rid_status rid_reader_read(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err);

/** Bytes taken from the file so far (compressed ones, for progress). */
uint64_t rid_reader_raw_bytes(const rid_reader *r);
void rid_reader_close(rid_reader *r);

#endif
