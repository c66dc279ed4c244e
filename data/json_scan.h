/** Looking at JSON text without building it: where a document ends, and where it breaks. */
#ifndef RID_JSON_SCAN_H
#define RID_JSON_SCAN_H

#include "data/summary.h"

/** Follows strings and brackets only. Zero-initialise at the start of a document. */
typedef struct rid_json_skim {
    uint32_t depth;
    bool in_string, escaped;
    bool complete; /**< the outermost bracket has closed */
} rid_json_skim;

/** Advances over text[0..n); returns how many bytes were taken: all of them, or up to and including
 *  the bracket that closes the document (then s->complete). */
size_t rid_json_skim_run(rid_json_skim *s, const char *text, size_t n);

/** The first fault of a text that should be one JSON document (RFC 8259). */
typedef struct rid_json_fault {
    rid_reject reason;
    size_t offset;        /**< byte in the text */
    const char *expected; /**< "a closing quote", a string literal */
} rid_json_fault;

/** True (and *fault) where the text is at fault; false where the grammar holds. Nesting deeper than
 *  max_depth and bytes that are no UTF-8 count as faults. Never reads past len. */
bool rid_json_diagnose(const char *text, size_t len, unsigned max_depth, rid_json_fault *fault);

/** At text[*at], after blanks, a plain string (quotes, no escapes): its contents, and *at behind it.
 *  False where there is something else. */
bool rid_json_scan_plain_string(const char *text, size_t len, size_t *at, rid_str *contents);
size_t rid_json_skip_blank(const char *text, size_t len, size_t at);

/** Where a value begins: steps (n) lead from the document's own value down, each the place (from 0) of a
 *  member in its object or of an element in its array. `text` is a document without faults (see
 *  rid_json_diagnose). False where there is no such value. */
bool rid_json_locate(const char *text, size_t len, const size_t *steps, size_t n, size_t *offset);

#endif
