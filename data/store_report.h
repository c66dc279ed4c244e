/** What rid-store verify, list and show print. Each writes to an output that the caller began
 *  and commits; NULL prints nothing. None shows a vector. In texts for people control characters
 *  and backslashes stand as \n, \t, \\, \xHH, so that one entry is one line; JSON has them exactly. */
#ifndef RID_STORE_REPORT_H
#define RID_STORE_REPORT_H

#include "data/base/publish.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Checks everything about each store (rid_store_verify, deep) and writes "path: ok (n entries, m
 *  frames)" for each good one as it is done. The first violation of a bad one goes to the log, and
 *  the others are checked all the same. RID_EDATA if any is damaged; otherwise, where one could not
 *  be read, that error; RID_EINTR. With a single store the error is its violation. */
RID_MUST rid_status rid_store_report_verify(rid_publish *out, const char *const *paths, size_t n,
                                            int threads, rid_err *err);

/** "entry_id TAB day_id TAB store_id" of the first `limit` entries (0: all) of each store, ordered by
 *  day, store, timestamp, id; or (json) one object a line with all metadata and the status. */
RID_MUST rid_status rid_store_report_list(rid_publish *out, const char *const *paths, size_t n,
                                          uint64_t limit, bool json, rid_err *err);

/** One entry: metadata, status, attributes, images, frames and which of them were kept. RID_ENOINPUT
 *  where the store has no such entry. */
RID_MUST rid_status rid_store_report_show(rid_publish *out, const char *path, const char *entry_id,
                                          bool json, rid_err *err);

#endif
