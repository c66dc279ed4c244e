/** Attribute schema: from clothing attributes as JSON to a fixed-length vector (DESIGN of the data:
 *  fields in file order; enum one-hot, multilabel multi-hot, prob_dict values over their sum, float
 *  scaled to [0,1], bool 0/1, any other type a single 0). */
#ifndef RID_SCHEMA_H
#define RID_SCHEMA_H

#include "data/json.h"
#include "data/summary.h"

typedef struct rid_schema rid_schema;

/** Reads a schema file; RID_ECONFIG with the file and what was expected. Free with rid_schema_free. */
RID_MUST rid_status rid_schema_read(rid_schema **out, const char *path, rid_err *err);
/** As rid_schema_read, from text; `name` is for messages. */
RID_MUST rid_status rid_schema_parse(rid_schema **out, rid_str text, const char *name, rid_err *err);
void rid_schema_free(rid_schema *s);

/** Length of the attribute vector. */
size_t rid_schema_dim(const rid_schema *s);
const char *rid_schema_id(const rid_schema *s);
/** The schema as compact JSON, equal for schemas that differ in white space only. */
const char *rid_schema_text(const rid_schema *s);

/** Writes the vector of `attrs` (an object; NULL: no attributes, all zero) to out, f32
 *  (rid_schema_dim). Missing and null values give zeros; values outside the vocabulary too, and are
 *  counted in oov. Thread-safe for distinct out and oov. */
RID_MUST rid_status rid_schema_vector(const rid_schema *s, const rid_json *attrs, float *out,
                                      rid_oov *oov, rid_err *err);

#endif
