#include "data/base/buf.h"

#include "data/base/hash.h"
#include "data/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rid_str rid_str_of(const char *s)
{
    return (rid_str){s, s ? strlen(s) : 0};
}

bool rid_str_equal(rid_str a, rid_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int rid_str_compare(rid_str a, rid_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

void rid_buf_free(rid_buf *b)
{
    rid_mem_free(b->data);
    *b = (rid_buf){0};
}

void rid_buf_clear(rid_buf *b)
{
    b->len = 0;
    b->failed = false;
}

char *rid_buf_reserve(rid_buf *b, size_t n)
{
    if (b->failed)
        return NULL;
    if (n > SIZE_MAX - b->len - 1 || rid_mem_grow(&b->data, &b->cap, b->len + n + 1, 1) != 0) {
        b->failed = true;
        return NULL;
    }
    return b->data + b->len;
}

void rid_buf_append(rid_buf *b, const void *bytes, size_t n)
{
    char *at = rid_buf_reserve(b, n);
    if (!at || n == 0)
        return;
    memcpy(at, bytes, n);
    b->len += n;
}

void rid_buf_append_str(rid_buf *b, const char *s)
{
    rid_buf_append(b, s, strlen(s));
}

void rid_buf_append_char(rid_buf *b, char c)
{
    rid_buf_append(b, &c, 1);
}

void rid_buf_printf(rid_buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *at = n < 0 ? NULL : rid_buf_reserve(b, (size_t)n + 1);
    if (!at) {
        b->failed = true;
        return;
    }
    va_start(ap, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, ap);
    va_end(ap);
    b->len += (size_t)n;
}

const char *rid_buf_cstr(rid_buf *b)
{
    char *end = rid_buf_reserve(b, 1);
    if (!end)
        return NULL;
    *end = '\0';
    return b->data;
}

rid_str rid_buf_view(const rid_buf *b)
{
    return (rid_str){b->data ? b->data : "", b->len};
}

/* The table of well-formed byte sequences, Unicode 15, table 3-7. */
size_t rid_utf8_prefix(const char *s, size_t n)
{
    const unsigned char *start = (const unsigned char *)s, *p = start, *end = start + n;
    while (p < end) {
        unsigned char c = *p;
        if (c < 0x80) {
            p++;
            continue;
        }
        int more = c >= 0xC2 && c <= 0xDF   ? 1
                   : (c & 0xF0) == 0xE0     ? 2
                   : c >= 0xF0 && c <= 0xF4 ? 3
                                            : 0;
        if (more == 0 || end - p <= more)
            break;
        unsigned char lo = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
        unsigned char hi = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
        bool good = p[1] >= lo && p[1] <= hi;
        for (int i = 2; i <= more; i++)
            good &= (p[i] & 0xC0) == 0x80;
        if (!good)
            break;
        p += more + 1;
    }
    return (size_t)(p - start);
}

bool rid_utf8_valid(const char *s, size_t n)
{
    return rid_utf8_prefix(s, n) == n;
}

void rid_filename_append(rid_buf *b, rid_str id)
{
    enum { NAME_MAX_BYTES = 200 };
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t start = b->len;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.data[i];
        if (c != '\0' && strchr(plain, c) && !(c == '.' && i == 0))
            rid_buf_append_char(b, c);
        else
            rid_buf_printf(b, "%%%02X", (unsigned char)c);
    }
    if (b->len - start > NAME_MAX_BYTES) {
        b->len = start + NAME_MAX_BYTES;
        rid_buf_printf(b, "-%016llx", (unsigned long long)rid_hash64(id.data, id.len));
    }
}
