/** Nearest neighbours among unit rows by squared Euclidean distance, as exact as double is. */
#ifndef RID_NEAREST_H
#define RID_NEAREST_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

/** Σ (a[i] − b[i])² in double over n numbers, in one order on every machine: equal rows are at 0, and both
 *  directions are equal. */
double rid_distance2(const float *a, const float *b, size_t n);

/** For each of n unit rows the k <= n nearest of all rows, itself included, nearest first, ties to the
 *  earlier row.
 *  near      u32 (n, k), caller's
 *  farthest  f64 (n), caller's: the largest squared distance of a row, to within 1e-6
 *  emb       f32 (n, dim), unit rows, finite [borrowed]
 *  n < 2^32 − 1. Memory: 8 (k + 10) bytes a row, the rows once more, and 64 n bytes a thread. Bits depend on neither threads
 *  nor kernel. RID_EDATA on a number that is not finite; RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_nearest(uint32_t *near, double *farthest, size_t k, const float *emb,
                                size_t n, size_t dim, int threads, rid_err *err);

#endif
