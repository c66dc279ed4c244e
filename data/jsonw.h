/** JSON writing into a growable buffer. Commas are put where they belong; the caller nests begin and
 *  end properly. Shortage of memory shows in the buffer's `failed`. */
#ifndef RID_JSONW_H
#define RID_JSONW_H

#include "data/base/buf.h"

typedef struct rid_jsonw {
    rid_buf *out;    /**< borrowed */
    bool need_comma; /**< a value stands before the next one */
} rid_jsonw;

void rid_jsonw_begin_object(rid_jsonw *w);
void rid_jsonw_end_object(rid_jsonw *w);
void rid_jsonw_begin_array(rid_jsonw *w);
void rid_jsonw_end_array(rid_jsonw *w);
void rid_jsonw_key(rid_jsonw *w, const char *key);
void rid_jsonw_key_str(rid_jsonw *w, rid_str key);
void rid_jsonw_null(rid_jsonw *w);
void rid_jsonw_bool(rid_jsonw *w, bool v);
void rid_jsonw_i64(rid_jsonw *w, int64_t v);
void rid_jsonw_u64(rid_jsonw *w, uint64_t v);
/** Shortest exact decimal; null where it is not finite. */
void rid_jsonw_f32(rid_jsonw *w, float v);
void rid_jsonw_f64(rid_jsonw *w, double v);
/** A string; null where v.data is NULL. Control characters are escaped, other bytes pass. */
void rid_jsonw_str(rid_jsonw *w, rid_str v);
void rid_jsonw_cstr(rid_jsonw *w, const char *v);
/** A member of an open object: its key and its value, as above. */
void rid_jsonw_put_u64(rid_jsonw *w, const char *key, uint64_t v);
void rid_jsonw_put_f64(rid_jsonw *w, const char *key, double v);
void rid_jsonw_put_str(rid_jsonw *w, const char *key, rid_str v);
void rid_jsonw_put_cstr(rid_jsonw *w, const char *key, const char *v);
/** n floats as an array. */
void rid_jsonw_f32_array(rid_jsonw *w, const float *v, size_t n);
/** A value that is JSON text already. */
void rid_jsonw_raw(rid_jsonw *w, rid_str json);
/** The quoted, escaped string alone, outside any structure. */
void rid_jsonw_quote(rid_buf *out, rid_str v);

#endif
