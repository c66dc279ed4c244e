/** Notes of ground truth: members of a JSON object as text, "\"alias\":\"Al\",\"first_seen\":1". */
#ifndef RID_GT_NOTES_H
#define RID_GT_NOTES_H

#include "data/base/buf.h"
#include "data/base/err.h"

/** Appends the members of both; of those with one name the first's count. Adds to *n_differ how many of
 *  them have other values. RID_ETEMP. */
RID_MUST rid_status rid_gt_notes_join(rid_buf *out, rid_str first, rid_str second, size_t *n_differ,
                                      rid_err *err);

#endif
