/** What a sweep found, and the two files for programs: surface.csv and best.json. */
#ifndef RID_SWEEP_RESULT_H
#define RID_SWEEP_RESULT_H

#include "eval/optimum.h"
#include "eval/sweep_bootstrap.h"
#include "eval/sweep_cases.h"
#include "eval/sweep_pick.h"

enum { RID_SWEEP_TOP = 200 }; /**< cells that are resampled */

typedef struct rid_sweep_result {
    const rid_sweep_data *data;
    const char *objective_text;
    rid_objective objective;
    rid_surface surfaces[2];
    size_t n_surfaces;
    rid_pick top[RID_SWEEP_TOP]; /**< best first */
    size_t n_top;                /**< at least 1 */
    rid_pick best_of[2];         /**< of each surface */
    rid_sure_cell sure[RID_SWEEP_TOP]; /**< of top */
    size_t resamples;                  /**< 0: not resampled */
    double confidence;
    rid_plateau plateau;
    bool has_optimum; /**< an automatic grid with `neighbor` */
    rid_optimum optimum;
    rid_sweep_cases cases; /**< of the best cell */
    size_t worst;          /**< the bucket where the objective is worst; n_buckets: defined in none */
} rid_sweep_result;

/** True where the condition of the objective holds at the best cell. */
bool rid_sweep_condition_met(const rid_sweep_result *r);
/** How many of the resampled cells cannot be told from the best, itself among them. */
size_t rid_sweep_count_as_good(const rid_sweep_result *r);
/** The place in top of a cell; n_top: it is not there. */
size_t rid_sweep_place_of(const rid_sweep_result *r, size_t surface, size_t margin, size_t threshold);

/** Appends the table of all cells. Undefined figures are empty; as_good is 1 where a resampled cell
 *  cannot be told from the best, 0 where it can, empty where it was not resampled. */
void rid_sweep_write_csv(const rid_sweep_result *r, rid_buf *out);
/** Appends the best point. */
void rid_sweep_write_json(const rid_sweep_result *r, rid_buf *out);

#endif
