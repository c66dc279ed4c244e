/** Margin and rule from a sweep's best.json, for calibrating a threshold on other buckets. */
#ifndef RID_SWEPT_POINT_H
#define RID_SWEPT_POINT_H

#include "eval/rule.h"
#include "eval/sweep_data.h"

typedef struct rid_swept_point {
    rid_rule rule;
    char *encoder_hash;
    rid_buf buckets; /**< "day\0store\0" of each that was swept */
} rid_swept_point;

/** Reads. RID_ENOINPUT; RID_EDATA where it is no such document. To be cleared in any case. */
RID_MUST rid_status rid_swept_point_read(rid_swept_point *out, const char *path, rid_err *err);
void rid_swept_point_clear(rid_swept_point *p);

/** RID_EDATA where a bucket of the data was swept, too; RID_ECONFIG where the encoder is another. */
RID_MUST rid_status rid_swept_point_check(const rid_swept_point *p, const char *path,
                                          const rid_sweep_data *data, rid_err *err);

#endif
