/** Open-set identification: is the person of a query in the gallery at all? A search returns its best entry,
 *  where that reaches a threshold. */
#ifndef RID_OPEN_SET_H
#define RID_OPEN_SET_H

#include "eval/ranking.h"

enum { RID_FPIRS = 3 }; /**< at false positive identification rates 10^-1 … 10^-3 */

/** Mated searches are the queries with a positive. Each query, its person's entries taken out of the gallery,
 *  is a non-mated search as well. fnir is NaN without a mated search. */
typedef struct rid_open_set {
    size_t n_mated, n_nonmated;
    double fnir[RID_FPIRS]; /**< the lowest with an FPIR of no more than that */
} rid_open_set;

/** Of n queries as rid_ranking_run_details leaves them. A mated search is missed unless a positive comes first,
 *  ties in the order of the entries, and reaches the threshold; a non-mated search is a false positive where
 *  its best entry does (NIST IR 8271, FRTE 1:N, with one candidate). Exact, ties included. RID_ETEMP. */
RID_MUST rid_status rid_open_set_measure(rid_open_set *out, const rid_ranking_query *queries,
                                         size_t n, rid_err *err);

#endif
