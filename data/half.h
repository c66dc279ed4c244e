/** IEEE 754 binary16 to and from float32. */
#ifndef RID_HALF_H
#define RID_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Rounds to nearest even. False where a value is beyond the range (it becomes infinite). */
bool rid_half_from_f32(uint16_t *out, const float *x, size_t n);
/** Exact. */
void rid_half_to_f32(float *out, const uint16_t *x, size_t n);

#endif
