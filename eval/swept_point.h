/** Margin and rule from a sweep's best.json, for calibrating a threshold on other buckets. */
#ifndef RID_SWEPT_POINT_H
#define RID_SWEPT_POINT_H

#include "eval/rule.h"
#include "eval/sweep_data.h"
#include "gt/id_table.h"

typedef struct rid_swept_point {
    rid_rule rule;
    char *encoder_hash;
    rid_id_table buckets; /**< that were swept: day, NUL, store */
} rid_swept_point;

/** Reads. RID_ENOINPUT; RID_EDATA where it is no such document, or an id in it has a NUL. To be cleared in any case. */
RID_MUST rid_status rid_swept_point_read(rid_swept_point *out, const char *path, rid_err *err);
void rid_swept_point_clear(rid_swept_point *p);

/** RID_EDATA where a bucket of the data was swept, too; RID_ECONFIG where the encoder is another;
 *  RID_ETEMP. */
RID_MUST rid_status rid_swept_point_check(const rid_swept_point *p, const char *path,
                                          const rid_sweep_data *data, rid_err *err);

#endif
