/** Writing float32 numbers, fast: manifests with frames are nearly all numbers. */
#ifndef RID_FLOAT_TEXT_H
#define RID_FLOAT_TEXT_H

#include "data/json.h"

/** The shortest decimal that reads back to the same float32, as a JSON number; x is finite. Writes at
 *  most RID_JSON_NUMBER_MAX bytes, no NUL; returns how many. The digits are rid_json_write_f32's, the
 *  library's, which it is tested against; an exponent appears below 1e-5 and from 1e15 on. */
size_t rid_float_text_write(char *out, float x);

#endif
