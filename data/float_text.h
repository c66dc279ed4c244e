/** Writing float32 numbers, fast: manifests with frames are nearly all numbers. */
#ifndef RID_FLOAT_TEXT_H
#define RID_FLOAT_TEXT_H

#include "data/base/isa.h"
#include "data/json.h"

/** The shortest decimal that reads back to the same float32, as a JSON number; x is finite. Writes at
 *  most RID_JSON_NUMBER_MAX bytes, no NUL; returns how many. The digits are rid_json_write_f32's, the
 *  library's, which it is tested against; an exponent appears below 1e-5 and from 1e15 on. */
size_t rid_float_text_write(char *out, float x);

/** n of them, a comma between two. Writes at most n * (RID_JSON_NUMBER_MAX + 1) bytes, no NUL;
 *  returns how many belong to the text, which is rid_float_text_write's on every processor. Five
 *  times as fast where numbers are between 1e-4 and 1024, as those of frames are. Thread-safe. */
size_t rid_float_text_write_array(char *out, const float *x, size_t n);

typedef size_t rid_float_text_array_fn(char *out, const float *x, size_t n);
/** The one for an instruction set that this processor runs. For tests. */
rid_float_text_array_fn *rid_float_text_array_of(rid_isa isa);

#endif
