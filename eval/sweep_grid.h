/** Grids as they are written on a command line. */
#ifndef RID_SWEEP_GRID_H
#define RID_SWEEP_GRID_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>

enum { RID_GRID_SIDE_MAX = 10000 };

/** Reads one side of a grid: values and ranges LO:HI:STEP (HI included, also where the last step is a
 *  shorter one) with commas between them. Every value is the double of its decimals: 0.1:0.3:0.1 is
 *  0.1, 0.2, 0.3. *out (n), ascending without equals, is the caller's (rid_mem_free). `name` is for
 *  messages. RID_EUSAGE with what is wrong, also beyond RID_GRID_SIDE_MAX values; RID_ETEMP. */
RID_MUST rid_status rid_grid_parse(double **out, size_t *n, const char *text, const char *name,
                                   rid_err *err);
/** "auto" or "auto:N", N from 2 to 1000 (100 where it is left out); false where it is neither. */
bool rid_grid_parse_auto(const char *text, size_t *max_side);

#endif
