/** The decision rule of matching (query-then-add), and what it decided. */
#ifndef RID_RULE_H
#define RID_RULE_H

#include "eval/scan.h"

#include <stdbool.h>

typedef enum rid_nn2_mode {
    RID_NN2_NEIGHBOR, /**< nn2 is the second most similar entry, whoever's it is */
    RID_NN2_IDENTITY, /**< nn2 is the most similar entry of another person than nn1's */
} rid_nn2_mode;

/** "neighbor", "identity" */
const char *rid_nn2_name(rid_nn2_mode mode);
bool rid_nn2_parse(const char *name, rid_nn2_mode *mode);

typedef struct rid_rule {
    double threshold, margin;
    rid_nn2_mode nn2;
} rid_rule;

/** Score of nn2 where there is none. */
#define RID_NN2_NONE (-1.0f)

/** One entry's decision. */
typedef struct rid_decision {
    rid_neighbour nn1;  /**< row RID_NO_ENTRY without an earlier matchable entry */
    rid_neighbour nn2;  /**< row RID_NO_ENTRY and score RID_NN2_NONE where there is none */
    bool matched;       /**< nn1 >= threshold and nn1 − nn2 >= margin, compared in double */
    uint32_t person;    /**< running number in the bucket, from 0 in order of first entries */
} rid_decision;

/** The rule alone, on two scores. */
bool rid_rule_matches(const rid_rule *rule, const rid_neighbour *nn1, float nn2_score);

#endif
