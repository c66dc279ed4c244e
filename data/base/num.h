/** Strict number parsing: the whole text must be the number, no leading space, no overflow. */
#ifndef RID_NUM_H
#define RID_NUM_H

#include "data/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/** Decimal integer with an optional '-'. False (and *out unchanged) where the text is anything else. */
bool rid_num_parse_i64(rid_str text, int64_t *out);
/** Finite decimal number: what strtod reads in the C locale, without blanks, hexadecimal, inf, nan. */
bool rid_num_parse_f64(rid_str text, double *out);
/** "123" or "1.5%"; *is_percent tells which. Never negative. */
bool rid_num_parse_count_or_percent(rid_str text, double *out, bool *is_percent);
/** "i/n" with 0 <= i < n. */
bool rid_num_parse_shard(rid_str text, uint32_t *i, uint32_t *n);
/** "LO:HI" or "N" (LO = HI = N), integers with 0 <= LO <= HI. */
bool rid_num_parse_range(rid_str text, int64_t *lo, int64_t *hi);

#endif
