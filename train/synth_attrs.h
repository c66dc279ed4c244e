/** Clothing attributes of synthetic persons, and the schema that describes them: all five types. */
#ifndef RID_SYNTH_ATTRS_H
#define RID_SYNTH_ATTRS_H

#include "data/base/random.h"
#include "data/jsonw.h"

/** Appends the schema as compact JSON. Shortage of memory shows in out->failed. */
void rid_synth_schema_append(rid_buf *out);

/** Writes what a vision-language model says about a person, an object name → value. `look` decides
 *  the true values (employees wear a uniform). With probability `noise` an attribute is missing,
 *  null, wrong or out of vocabulary; measured values scatter in proportion to it. Shortage of
 *  memory shows in w->out->failed. */
void rid_synth_attrs_write(rid_jsonw *w, uint64_t look, bool employee, double noise,
                           rid_random *r);

#endif
