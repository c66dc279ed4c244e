/** People from pairs: entries that pairs of one person connect, directly or over others. */
#ifndef RID_LINKED_PEOPLE_H
#define RID_LINKED_PEOPLE_H

#include "gt/gt_file.h"
#include "gt/pairs.h"

/** Calls `visit` with the label of every entry that the pairs name, in order of first appearance; a person
 *  is called as the first of the entries. Entries that no chain of pairs of one person connects are
 *  different people, also where no pair says so. RID_EDATA where a pair of different people is within one
 *  person, before any visit; RID_ETEMP; what `visit` returns. */
RID_MUST rid_status rid_linked_people(const rid_pairs *pairs, rid_gt_visit *visit, void *ctx,
                                      rid_err *err);

#endif
