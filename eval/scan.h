/** Similarity scan: for every entry of a bucket, the most similar earlier ones. */
#ifndef RID_SCAN_H
#define RID_SCAN_H

#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

#define RID_NO_ENTRY UINT32_MAX

/** An earlier row and its cosine. */
typedef struct rid_neighbour {
    float score;
    uint32_t row; /**< RID_NO_ENTRY where there is none (score −2) */
} rid_neighbour;

/** Puts a neighbour whose score is above best[k − 1]'s in its place among the k best (k >= 1), best
 *  first; the last falls out, and equal scores stand behind those already there. */
void rid_neighbour_insert(rid_neighbour *best, size_t k, float score, uint32_t row);

/** Scans n unit rows in matching order.
 *  out  (n, k), caller's: the k best earlier rows of each, best first, ties to the earlier row
 *  emb  f32 (n, dim), finite [borrowed]
 *  A score is the product of its two rows in the kernel's order: bits depend on nothing else.
 *  n < 2^32 − 1, k >= 1. RID_EDATA on a number that is not finite; RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_scan(rid_neighbour *out, size_t k, const float *emb, size_t n, size_t dim,
                             int threads, rid_err *err);

/** The same against all n rows, itself included: out (n, k), k <= n. lowest (n), caller's, or NULL: the
 *  least similar row of each, the earlier of equal ones. */
RID_MUST rid_status rid_scan_all(rid_neighbour *out, size_t k, rid_neighbour *lowest,
                                 const float *emb, size_t n, size_t dim, int threads, rid_err *err);

/** The plain loops that rid_scan is tested against: same arguments, kernel of arithmetic "fma". */
void rid_scan_reference(rid_neighbour *out, size_t k, const float *emb, size_t n, size_t dim);

#endif
