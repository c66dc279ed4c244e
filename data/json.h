/** JSON reading (simdjson's DOM behind C) and exact number writing. Strict: RFC 8259, UTF-8, whole
 *  document, numbers that are finite doubles; nesting up to RID_JSON_DEPTH_MAX. Duplicate keys pass
 *  the parser and are found by rid_json_check_keys. */
#ifndef RID_JSON_H
#define RID_JSON_H

#ifdef __cplusplus
extern "C" {
#endif

#include "data/base/buf.h"
#include "data/base/err.h"

enum {
    RID_JSON_DEPTH_MAX = 64, /**< containers open at once, the document's own included */
    RID_JSON_PADDING = 64,   /**< readable bytes that must follow a text to be parsed */
    RID_JSON_NUMBER_MAX = 32 /**< bytes one written number can take */
};

/** One parser per thread. A parse ends the life of all values of the one before. */
typedef struct rid_json_parser rid_json_parser;

/** A value in a parsed document: copy freely; valid until its parser parses again or is freed. */
typedef struct rid_json {
    const void *document;
    size_t at;
} rid_json;

typedef enum rid_json_type {
    RID_JSON_NULL,
    RID_JSON_BOOL,
    RID_JSON_NUMBER,
    RID_JSON_STRING,
    RID_JSON_ARRAY,
    RID_JSON_OBJECT,
} rid_json_type;

/** NULL when there is no memory. */
rid_json_parser *rid_json_parser_new(void);
void rid_json_parser_free(rid_json_parser *p);

/** Parses text[0..len), which has RID_JSON_PADDING readable bytes after it. RID_EDATA with the
 *  parser's own short reason (no position: rid_json_scan_diagnose finds it), RID_ETEMP. */
RID_MUST rid_status rid_json_parse(rid_json_parser *p, const char *text, size_t len, rid_json *root,
                                   rid_err *err);

rid_json_type rid_json_type_of(rid_json v);
const char *rid_json_type_name(rid_json_type t);
/** Each returns false, *out unchanged, where v is of another type (or out of range). */
bool rid_json_get_bool(rid_json v, bool *out);
bool rid_json_get_i64(rid_json v, int64_t *out);
bool rid_json_get_f64(rid_json v, double *out);
bool rid_json_get_str(rid_json v, rid_str *out);

/** Walks an array or an object in document order. */
typedef struct rid_json_iter {
    rid_json at, end;
    bool object;
} rid_json_iter;
/** An iterator without elements where v is neither array nor object. */
rid_json_iter rid_json_begin(rid_json v);
/** False at the end; key may be NULL and is left alone in arrays. */
bool rid_json_next(rid_json_iter *it, rid_str *key, rid_json *value);
/** First member of that name; false where v is no object or has none. */
bool rid_json_find(rid_json v, const char *key, rid_json *value);

/** The first duplicate key in v or anything inside it. */
bool rid_json_find_duplicate_key(rid_json v, rid_str *key);

/** What is wrong with an array of arrays of numbers. */
typedef enum rid_json_matrix_fault {
    RID_JSON_MATRIX_OK,
    RID_JSON_MATRIX_NO_ROWS,
    RID_JSON_MATRIX_NOT_ARRAY,  /**< the value, or row `row`, is not an array */
    RID_JSON_MATRIX_NOT_NUMBER, /**< element (row, column) */
    RID_JSON_MATRIX_RANGE,      /**< element (row, column) does not fit a float32 */
    RID_JSON_MATRIX_RAGGED,     /**< row `row` has `column` elements, the first has another number */
    RID_JSON_MATRIX_NO_MEMORY,
} rid_json_matrix_fault;

typedef struct rid_json_matrix {
    float *data; /**< f32 (rows, cols), grown with rid_mem; the caller frees with rid_mem_free */
    size_t cap;  /**< floats allocated */
    size_t rows, cols;
} rid_json_matrix;

/** Reads v as (rows, cols) float32, each the double nearest to the text rounded to float32, into m,
 *  whose memory is reused. On a fault *row and *column say where. Thread-safe for distinct m. */
rid_json_matrix_fault rid_json_read_matrix(rid_json v, rid_json_matrix *m, size_t *row,
                                           size_t *column);

/** The double nearest to the number that is the whole of text[0..len). False where that is none or
 *  does not fit a double. */
bool rid_json_read_number(const char *text, size_t len, double *out);

/** The shortest decimal that reads back to the same float (double); finite numbers only. Writes at
 *  most RID_JSON_NUMBER_MAX bytes, no NUL; returns how many. */
size_t rid_json_write_f32(char *out, float x);
size_t rid_json_write_f64(char *out, double x);

/** Appends v as compact JSON; strings escaped as rid_jsonw does. */
void rid_json_append(rid_buf *b, rid_json v);

#ifdef __cplusplus
}
#endif
#endif
