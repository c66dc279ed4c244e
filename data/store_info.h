/** What rid-store info prints. */
#ifndef RID_STORE_INFO_H
#define RID_STORE_INFO_H

#include "data/base/publish.h"

#include <stdbool.h>
#include <stddef.h>

/** Writes what the stores hold to `out` (begun and committed by the caller; NULL: nowhere): aligned
 *  text, or (json) one document {"format_version", "stores": [{...}]}. Nothing is written when one
 *  of them cannot be read: errors of rid_store_open; RID_EDATA for a broken schema; RID_EINTR. */
RID_MUST rid_status rid_store_info_report(rid_publish *out, const char *const *paths, size_t n,
                                          bool json, rid_err *err);

#endif
