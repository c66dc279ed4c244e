/** Cells of swept surfaces by merit: the best one, those next to it, and how far its plateau goes. */
#ifndef RID_SWEEP_PICK_H
#define RID_SWEEP_PICK_H

#include "eval/objective.h"

/** All cells of one mode. */
typedef struct rid_surface {
    rid_nn2_mode nn2;
    rid_sweep_grid grid;
    rid_sweep_cell *cells; /**< (n_margins, n_thresholds) */
} rid_surface;

/** A cell. */
typedef struct rid_pick {
    size_t surface, margin, threshold; /**< places */
    rid_merit merit;
} rid_pick;

const rid_sweep_cell *rid_pick_cell(const rid_surface *surfaces, const rid_pick *p);
rid_rule rid_pick_rule(const rid_surface *surfaces, const rid_pick *p);

/** Above 0 where a is to be preferred: by merit, then the higher threshold, the higher margin,
 *  `neighbor`. */
int rid_pick_compare(const rid_surface *surfaces, const rid_pick *a, const rid_pick *b);

/** The best `max` cells of n surfaces, best first, cells of undefined merit left out: out (max).
 *  Returns how many. */
size_t rid_pick_top(rid_pick *out, size_t max, const rid_surface *surfaces, size_t n,
                    const rid_objective *o);

/** Cells beside one another, from the best one on, whose value is the same. */
typedef struct rid_plateau {
    size_t n_cells;
    double threshold_min, threshold_max, margin_min, margin_max;
} rid_plateau;

RID_MUST rid_status rid_pick_plateau(rid_plateau *out, const rid_surface *surfaces,
                                     const rid_pick *best, const rid_objective *o, rid_err *err);

#endif
