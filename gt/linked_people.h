/** People from pairs: entries that pairs of one person connect, directly or over others. */
#ifndef RID_LINKED_PEOPLE_H
#define RID_LINKED_PEOPLE_H

#include "gt/gt_doc.h"
#include "gt/pairs.h"

/** Makes doc of the pairs: every entry that they name, in order of first appearance; a person is called as
 *  the first of the entries. Entries that no chain of pairs of one person connects are different people,
 *  also where no pair says so. RID_EDATA where a pair of different people is within one person. To be
 *  cleared in every case. */
RID_MUST rid_status rid_linked_people(rid_gt_doc *doc, const rid_pairs *pairs, rid_err *err);

#endif
