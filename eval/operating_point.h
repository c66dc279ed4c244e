/** The operating point: threshold, margin and nn2 mode, and where each came from. */
#ifndef RID_OPERATING_POINT_H
#define RID_OPERATING_POINT_H

#include "eval/rule.h"

/** Origins are string literals: "default", "store", "configuration", "environment", "flag", … */
typedef struct rid_operating_point {
    rid_rule rule;
    const char *threshold_from, *margin_from, *nn2_from;
} rid_operating_point;

/** Takes over what a calibrated point (a JSON object with threshold, margin, nn2) says, for the parts
 *  that come from "default"; the others stay, with a warning that they override it. `from` becomes
 *  the origin. RID_EDATA where json is none. */
RID_MUST rid_status rid_operating_point_apply(rid_operating_point *p, const char *json,
                                              const char *from, rid_err *err);

#endif
