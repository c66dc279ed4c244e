#include "eval/objective.h"

#include "data/base/num.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    bool bounded;
} KINDS[] = {
    [RID_OBJECTIVE_F1] = {"f1", false},
    [RID_OBJECTIVE_BCUBED_F1] = {"bcubed-f1", false},
    [RID_OBJECTIVE_PAIRS_F1] = {"pairs-f1", false},
    [RID_OBJECTIVE_PRECISION] = {"precision@recall=", true},
    [RID_OBJECTIVE_RECALL] = {"recall@precision=", true},
    [RID_OBJECTIVE_FNIR] = {"fnir@fpir=", true},
};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

bool rid_objective_parse(const char *text, rid_objective *out)
{
    for (size_t k = 0; k < N_KINDS; k++) {
        const size_t n = strlen(KINDS[k].name);
        double bound = 0;
        if (strncmp(text, KINDS[k].name, n) != 0)
            continue;
        if (KINDS[k].bounded
                ? !rid_num_parse_f64(rid_str_of(text + n), &bound) || bound < 0 || bound > 1
                : text[n] != '\0')
            return false;
        *out = (rid_objective){(rid_objective_kind)k, bound};
        return true;
    }
    return false;
}

/* How far x is below the bound. */
static double lack_of(double x, double bound)
{
    return x < bound ? bound - x : 0;
}

rid_merit rid_objective_merit(const rid_objective *o, const rid_sweep_cell *c)
{
    const rid_cluster_shares s = rid_cluster_shares_of(&c->clusters);
    rid_merit m = {.value = NAN, .fpir = rid_search_fpir(&c->searches)};
    switch (o->kind) {
    case RID_OBJECTIVE_F1:
        m.value = c->clusters.true_pairs > 0 ? s.pairwise_f1 : NAN;
        break;
    case RID_OBJECTIVE_BCUBED_F1:
        m.value = s.bcubed_f1;
        break;
    case RID_OBJECTIVE_PAIRS_F1:
        m.value = rid_pair_metrics_of(&c->pairs).f1;
        break;
    case RID_OBJECTIVE_PRECISION:
        m.lack = lack_of(s.pairwise_recall, o->bound);
        m.value = c->clusters.entries > 0 ? s.pairwise_precision : NAN;
        break;
    case RID_OBJECTIVE_RECALL:
        m.lack = lack_of(s.pairwise_precision, o->bound);
        m.value = c->clusters.true_pairs > 0 ? s.pairwise_recall : NAN;
        break;
    case RID_OBJECTIVE_FNIR:
        m.lack = m.fpir > o->bound ? m.fpir - o->bound : 0;
        m.value = -rid_search_fnir(&c->searches);
        break;
    }
    return m;
}

rid_merit rid_objective_limit(const rid_objective *o, const rid_sweep_cell *loosest)
{
    const rid_cluster_counts *c = &loosest->clusters;
    const rid_cluster_shares s = rid_cluster_shares_of(c);
    rid_merit m = {.value = NAN, .fpir = 0};
    switch (o->kind) {
    case RID_OBJECTIVE_F1: /* what is found of the true pairs, and nothing false */
        m.value = c->true_pairs > 0
                      ? 2 * (double)c->hit_pairs / (double)(c->hit_pairs + c->true_pairs)
                      : NAN;
        break;
    case RID_OBJECTIVE_BCUBED_F1: /* rounded in another order than the merit's */
        m.value = 2 * s.bcubed_recall / (1 + s.bcubed_recall) * (1 + 1e-12);
        break;
    case RID_OBJECTIVE_PAIRS_F1: /* the listed pairs are not looked at here */
        m.value = 1;
        break;
    case RID_OBJECTIVE_PRECISION:
        m.lack = lack_of(s.pairwise_recall, o->bound);
        m.value = c->entries > 0 ? 1 : NAN;
        break;
    case RID_OBJECTIVE_RECALL:
        m.value = c->true_pairs > 0 ? s.pairwise_recall : NAN;
        break;
    case RID_OBJECTIVE_FNIR:
        m.value = -rid_search_fnir(&loosest->searches);
        break;
    }
    return m;
}

/* An undefined number is the lowest. */
static int compare(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(b) - isnan(a);
    return (a > b) - (a < b);
}

int rid_merit_compare(const rid_merit *a, const rid_merit *b)
{
    if (isnan(a->value) || isnan(b->value))
        return compare(a->value, b->value);
    const int lack = compare(b->lack, a->lack);
    const int value = lack != 0 ? lack : compare(a->value, b->value);
    return value != 0 ? value : compare(-a->fpir, -b->fpir);
}

double rid_objective_value(const rid_objective *o, const rid_merit *m)
{
    return o->kind == RID_OBJECTIVE_FNIR ? 0 - m->value : m->value;
}
