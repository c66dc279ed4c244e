/** One kind of thing that was found in ground truth: how many there are, and the first of them. */
#ifndef RID_GT_FINDING_H
#define RID_GT_FINDING_H

#include "data/jsonw.h"

typedef struct rid_gt_finding {
    const char *name; /**< "across_stores"; string literal */
    const char *what; /**< in words: "people in more than one store"; string literal */
    size_t count;
    size_t n_cases;
    rid_buf cases; /**< JSON objects, each a line; to be freed; `failed` tells shortage of memory */
} rid_gt_finding;

/** Counts one. True where it is among the first `max`: then *w stands in its open object, to which the
 *  caller puts members before rid_gt_finding_end. */
bool rid_gt_finding_begin(rid_gt_finding *f, size_t max, rid_jsonw *w);
void rid_gt_finding_end(rid_gt_finding *f, rid_jsonw *w);
/** Puts a member that is a text. */
void rid_gt_finding_put(rid_jsonw *w, const char *key, rid_str value);

#endif
