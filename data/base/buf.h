/** Growable byte buffer, and views of text. */
#ifndef RID_BUF_H
#define RID_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A view of bytes, not owned, not NUL-terminated. data == NULL means "not given". */
typedef struct rid_str {
    const char *data;
    size_t len;
} rid_str;

rid_str rid_str_of(const char *s);
bool rid_str_equal(rid_str a, rid_str b);
/** Order of the bytes, shorter first where one begins the other. */
int rid_str_compare(rid_str a, rid_str b);
/** For printf's "%.*s". */
#define RID_STR(s) (int)(s).len, (s).data ? (s).data : ""

/** Bytes that grow. Zero-initialise; shortage of memory sets `failed`, after which appends do
 *  nothing: check it once, at the end of a chain. Not thread-safe. */
typedef struct rid_buf {
    char *data;
    size_t len, cap;
    bool failed;
} rid_buf;

void rid_buf_free(rid_buf *b);
/** Forgets the contents (and a failure), keeps the memory. */
void rid_buf_clear(rid_buf *b);
/** Room for n more bytes at the end; returns where, or NULL (failed is set). Does not change len. */
char *rid_buf_reserve(rid_buf *b, size_t n);
void rid_buf_append(rid_buf *b, const void *bytes, size_t n);
void rid_buf_append_str(rid_buf *b, const char *s);
void rid_buf_append_char(rid_buf *b, char c);
void rid_buf_printf(rid_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The contents as a C string (NUL after the end, not counted), or NULL on failure. */
const char *rid_buf_cstr(rid_buf *b);
rid_str rid_buf_view(const rid_buf *b);

/** True where the n bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool rid_utf8_valid(const char *s, size_t n);
/** How many of the n bytes, from the first, are well-formed UTF-8 up to a character's end. */
size_t rid_utf8_prefix(const char *s, size_t n);

/** Appends `id` as a safe file name: bytes outside [A-Za-z0-9._-] and a leading dot become %XX; a
 *  result over 200 bytes is cut there and gets "-" and 16 hex digits of the whole id's XXH3-64. */
void rid_filename_append(rid_buf *b, rid_str id);

#endif
