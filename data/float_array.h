/** Arrays of arrays of numbers, read straight from their text: the frames of a payload are nearly all
 *  of its bytes, and a general parser builds a tree of them first.
 *
 *  Every number comes out as the float32 nearest to the double nearest to its text, the bits that the
 *  general way gives. What is unusual (an error, a number that is out of range, more digits than fit
 *  64 bits) is left to that way. */
#ifndef RID_FLOAT_ARRAY_H
#define RID_FLOAT_ARRAY_H

#include "data/json.h"

/** text[*at] is the '[' of an array of arrays of numbers. Reads it into m, whose memory is reused, and
 *  moves *at behind its ']'. False (*at unchanged, m empty) where it is not a regular, non-empty one,
 *  within text[0..len), of numbers in float32's range: parse it the general way, which also says what
 *  is wrong. text has RID_JSON_PADDING readable bytes behind it. */
bool rid_float_array_read(const char *text, size_t len, size_t *at, rid_json_matrix *m);

#endif
