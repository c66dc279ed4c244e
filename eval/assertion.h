/** Conditions on figures that a pipeline insists on: "pairwise_f1 >= 0.95". */
#ifndef RID_ASSERTION_H
#define RID_ASSERTION_H

#include "eval/metric_set.h"

typedef enum rid_comparison {
    RID_GE, /**< >= */
    RID_GT,
    RID_LE,
    RID_LT,
    RID_EQ, /**< == */
    RID_NE, /**< != */
} rid_comparison;

/** NAME OPERATOR NUMBER, blanks between them or not. */
typedef struct rid_assertion {
    const char *text; /**< as it was given; borrowed */
    rid_str name;     /**< view into text */
    rid_comparison comparison;
    double bound;
} rid_assertion;

/** RID_EUSAGE where the text is none. */
RID_MUST rid_status rid_assertion_parse(rid_assertion *out, const char *text, rid_err *err);

/** RID_EUSAGE, with all names there are, where a set of figures like this one has no such name. */
RID_MUST rid_status rid_assertion_check_name(const rid_assertion *a, const rid_metric_set *names,
                                             rid_err *err);

/** Whether it holds of the figure of that name, which is there; an undefined one never does. */
bool rid_assertion_holds(const rid_assertion *a, const rid_metric_set *values);

/** Appends in words how it ended: "pairwise_f1 >= 0.95: pairwise_f1 is 0.91". */
void rid_assertion_explain(rid_buf *out, const rid_assertion *a, const rid_metric_set *values);

#endif
