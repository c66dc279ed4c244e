/** Dividing units (people, stores, days) into parts by hash: no unit is in two.
 *
 *  A unit's place is a number in [0, 1): the first 16 hex digits of the SHA-256 of the seed in decimal, a
 *  NUL byte and the unit's id, over 2^64 (its highest 53 bits count). */
#ifndef RID_UNIT_SPLIT_H
#define RID_UNIT_SPLIT_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { RID_SPLIT_PARTS_MAX = 16 };

/** The parts' shares of the units: from 2 to RID_SPLIT_PARTS_MAX, each above 0, their sum 1. */
typedef struct rid_split_shares {
    double share[RID_SPLIT_PARTS_MAX];
    size_t n;
} rid_split_shares;

/** Reads "0.6,0.2,0.2". RID_EUSAGE where it is anything else, or the sum is off by more than 1e-6. */
RID_MUST rid_status rid_split_shares_parse(rid_split_shares *s, const char *text, rid_err *err);

RID_MUST rid_status rid_unit_place(double *place, uint64_t seed, rid_str unit, rid_err *err);

/** How a place becomes a part.
 *  HASH: the first part whose share and those before it sum to more than the place. What part a unit is
 *  in depends on nothing but its id, the seed and the shares: it stays there when others come. Sizes
 *  are right on average.
 *  QUOTA: units in order of their places (then ids) are cut at the shares, rounded to whole units, at
 *  least one for each part: right sizes for few units. RID_EDATA where units are fewer than parts. */
typedef enum rid_split_rule {
    RID_SPLIT_HASH,
    RID_SPLIT_QUOTA,
} rid_split_rule;

/** part[i] becomes the part of units[i], n distinct ids. RID_ETEMP. */
RID_MUST rid_status rid_unit_split(uint32_t *part, const rid_str *units, size_t n,
                                   const rid_split_shares *shares, rid_split_rule rule,
                                   uint64_t seed, rid_err *err);

#endif
