/** The operating point: threshold, margin and nn2 mode, where each came from, and the calibrated point
 *  behind them. Precedence: defaults < the store's < configuration < environment < --point < flags. */
#ifndef RID_OPERATING_POINT_H
#define RID_OPERATING_POINT_H

#include "data/jsonw.h"
#include "eval/calibrated_point.h"

/** Origins are string literals: "default", "store", "configuration", "environment", "--point", "flag", … */
typedef struct rid_operating_point {
    rid_rule rule;
    const char *threshold_from, *margin_from, *nn2_from;
    const char *calibrated_from; /**< NULL: nothing is calibrated */
    rid_calibrated_point calibrated;
} rid_operating_point;

/** Takes over what the calibrated point says, a document's text (NULL: there is none) or, above that, the
 *  file `path` (NULL: none), for the parts that come from below: from "default", or, for the file, from
 *  anything but "flag". Others stay, with a warning where their value is another. `from` is the
 *  text's origin. RID_EDATA where a document is none; RID_ENOINPUT; RID_ECONFIG where it is of another
 *  encoder. */
RID_MUST rid_status rid_operating_point_settle(rid_operating_point *p, const char *json,
                                               const char *from, const char *path,
                                               const char *encoder_hash, rid_err *err);

/** True where the rule is, to the bit, the calibrated one. */
bool rid_operating_point_keeps_promise(const rid_operating_point *p);

/** Writes the member operating_point of an open object: the rule, the origins, and, where something is
 *  calibrated, what is promised and what overrides it. gallery: matchable entries of the bucket. */
void rid_operating_point_put(rid_jsonw *w, const rid_operating_point *p, size_t gallery);

#endif
