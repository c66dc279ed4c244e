#include "eval/rule.h"

#include <string.h>

const char *rid_nn2_name(rid_nn2_mode mode)
{
    return mode == RID_NN2_IDENTITY ? "identity" : "neighbor";
}

bool rid_nn2_parse(const char *name, rid_nn2_mode *mode)
{
    if (strcmp(name, "neighbor") != 0 && strcmp(name, "identity") != 0)
        return false;
    *mode = *name == 'i' ? RID_NN2_IDENTITY : RID_NN2_NEIGHBOR;
    return true;
}

bool rid_rule_matches(const rid_rule *rule, const rid_neighbour *nn1, float nn2_score)
{
    return nn1->row != RID_NO_ENTRY && (double)nn1->score >= rule->threshold &&
           (double)nn1->score - (double)nn2_score >= rule->margin;
}
