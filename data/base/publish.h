/** Publishing a file: it appears whole and durable under its name, or not at all.
 *  write temporary → verify → fsync → rename → fsync directory. */
#ifndef RID_PUBLISH_H
#define RID_PUBLISH_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct rid_publish rid_publish;

/** Whether `path` can be an output: a regular file with `force`, or nothing yet, or "-". Pipes, devices
 *  and folders are refused always (RID_EUSAGE). */
RID_MUST rid_status rid_publish_check(const char *path, bool force, rid_err *err);
/** Whether `path` is a folder, or nothing yet; RID_EUSAGE. */
RID_MUST rid_status rid_publish_check_folder(const char *path, rid_err *err);

/** Starts an output. `path` "-" is standard output (nothing to publish). What rid_publish_check
 *  refuses is refused. A link stays: the file that it leads to is replaced or made. Temporary files
 *  of dead runs for the same name are removed. *out is NULL on failure. One thread at a time per
 *  handle. */
RID_MUST rid_status rid_publish_begin(rid_publish **out, const char *path, bool force, rid_err *err);

/** A second, empty temporary file for the same name; either of the two may then be committed. */
RID_MUST rid_status rid_publish_again(rid_publish **out, const rid_publish *p, rid_err *err);

/** Where the bytes go meanwhile (for a library that opens by name); NULL for standard output. */
const char *rid_publish_temp_path(const rid_publish *p);
/** Descriptor of the temporary file, or 1. Owned by the handle. */
int rid_publish_fd(const rid_publish *p);

/** Appends. Bytes written here are digested, and commit reads them back. */
RID_MUST rid_status rid_publish_write(rid_publish *p, const void *bytes, size_t n, rid_err *err);

/** Verifies what rid_publish_write wrote and makes it durable, still under its temporary name: after that
 *  only the renaming is left to commit. For outputs that belong together: all are sealed before the first
 *  is committed. Nothing may be written afterwards. */
RID_MUST rid_status rid_publish_seal(rid_publish *p, rid_err *err);

/** Seals, unless that was done, and renames into place. Frees p,
 *  also on failure, when the previous file is untouched and the temporary one removed. */
RID_MUST rid_status rid_publish_commit(rid_publish *p, rid_err *err);

/** Removes the temporary file and frees p. NULL is fine. */
void rid_publish_abort(rid_publish *p);

/** Creates a directory and its parents; an existing one is fine. */
RID_MUST rid_status rid_publish_mkdirs(const char *path, rid_err *err);
/** Removes a file durably; a missing one is fine. */
RID_MUST rid_status rid_publish_remove(const char *path, rid_err *err);

/** Writes all n bytes to fd. */
RID_MUST rid_status rid_fd_write_all(int fd, const void *bytes, size_t n, const char *name,
                                     rid_err *err);
/** Reads exactly n bytes at `offset`; RID_EDATA where the file ends before. Thread-safe. */
RID_MUST rid_status rid_fd_read_at(int fd, void *bytes, size_t n, long long offset,
                                   const char *name, rid_err *err);

#endif
