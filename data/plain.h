/** Text for people's eyes: names from data made safe to print, counts, aligned lines. */
#ifndef RID_PLAIN_H
#define RID_PLAIN_H

#include "data/base/buf.h"

/** Appends s with its control characters and backslashes as \n, \t, \r, \\, \xHH: one line stays one
 *  line, columns stay columns, and a terminal obeys nothing in it. */
void rid_plain_append(rid_buf *out, rid_str s);
/** The noun that goes with n: `one` where n is 1, else `many`. */
const char *rid_noun(uint64_t n, const char *one, const char *many);
/** "1,234,567" */
void rid_plain_append_count(rid_buf *out, uint64_t n);
/** "3.6 MB (3,612,480 bytes)" */
void rid_plain_append_bytes(rid_buf *out, uint64_t n);
/** The beginning of a line "label   value", values aligned with one another. */
void rid_plain_append_label(rid_buf *out, const char *label);
/** The whole line. */
void rid_plain_append_line(rid_buf *out, const char *label, rid_str value);

#endif
