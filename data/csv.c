#include "data/csv.h"

#include "data/base/mem.h"
#include "data/inflate.h"

#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 1 << 16, ROW_BYTES_MAX = 1 << 20, END = -1 };

struct rid_csv {
    char *path;
    rid_reader *reader;
    char *in; /* (READ_BYTES) */
    size_t at, n_in;
    uint64_t byte; /* of in[at] */
    size_t line;   /* of in[at] */
    uint64_t row_byte;
    size_t row_line;
    rid_buf text;  /* the row's fields, one behind the other */
    size_t *ends;  /* (n): where each ends in text */
    rid_str *fields;
    size_t n, ends_cap, fields_cap;
};

rid_status rid_csv_open(rid_csv **out, const char *path, rid_err *err)
{
    rid_csv *c = *out = rid_mem_zalloc(1, sizeof *c);
    if (!c)
        return RID_FAIL_NOMEM(err);
    c->path = rid_mem_strdup(path);
    c->in = rid_mem_alloc(READ_BYTES, 1);
    c->line = 1;
    rid_status st = c->path && c->in ? rid_reader_open(&c->reader, path, NULL, err)
                                     : RID_FAIL_NOMEM(err);
    if (st != RID_OK) {
        rid_csv_close(c);
        *out = NULL;
    }
    return st;
}

void rid_csv_close(rid_csv *c)
{
    if (!c)
        return;
    rid_reader_close(c->reader);
    rid_mem_free(c->path);
    rid_mem_free(c->in);
    rid_buf_free(&c->text);
    rid_mem_free(c->ends);
    rid_mem_free(c->fields);
    rid_mem_free(c);
}

size_t rid_csv_line(const rid_csv *c)
{
    return c->row_line;
}

rid_status rid_csv_fail(const rid_csv *c, rid_err *err, const char *fmt, ...)
{
    char message[RID_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return RID_FAIL(err, RID_EDATA, "%s: line %zu, byte %llu: %s", c->path, c->row_line,
                    (unsigned long long)c->row_byte, message);
}

/* The next byte without taking it; END at the end. */
static rid_status peek(rid_csv *c, int *byte, rid_err *err)
{
    if (c->at == c->n_in) {
        c->at = 0;
        rid_status st = rid_reader_read(c->reader, c->in, READ_BYTES, &c->n_in, err);
        if (st != RID_OK)
            return st;
    }
    *byte = c->n_in > 0 ? (unsigned char)c->in[c->at] : END;
    return RID_OK;
}

static void take(rid_csv *c)
{
    c->line += c->in[c->at++] == '\n';
    c->byte++;
}

static rid_status skip_mark(rid_csv *c, rid_err *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    int byte;
    size_t got = 1;
    rid_status st = peek(c, &byte, err);
    while (st == RID_OK && c->n_in < 3 && got > 0) {
        st = rid_reader_read(c->reader, c->in + c->n_in, READ_BYTES - c->n_in, &got, err);
        c->n_in += st == RID_OK ? got : 0;
    }
    if (st == RID_OK && c->n_in >= 3 && memcmp(c->in, mark, 3) == 0)
        for (int i = 0; i < 3; i++)
            take(c);
    return st;
}

static rid_status end_field(rid_csv *c, rid_err *err)
{
    if (rid_mem_grow(&c->ends, &c->ends_cap, c->n + 1, sizeof *c->ends) != 0)
        return RID_FAIL_NOMEM(err);
    c->ends[c->n++] = c->text.len;
    return RID_OK;
}

static rid_status keep(rid_csv *c, int byte, rid_err *err)
{
    rid_buf_append_char(&c->text, (char)byte);
    take(c);
    if (c->text.failed)
        return RID_FAIL_NOMEM(err);
    return c->text.len <= ROW_BYTES_MAX ? RID_OK : rid_csv_fail(c, err, "a row of more than 1 MiB");
}

/* Behind the opening quote, up to and with the closing one. */
static rid_status read_quoted(rid_csv *c, rid_err *err)
{
    int byte;
    for (;;) {
        rid_status st = peek(c, &byte, err);
        if (st != RID_OK)
            return st;
        if (byte == END)
            return rid_csv_fail(c, err, "expected a closing quote for field %zu", c->n + 1);
        if (byte == '"') {
            take(c);
            st = peek(c, &byte, err);
            if (st != RID_OK || byte != '"')
                return st;
        }
        st = keep(c, byte, err);
        if (st != RID_OK)
            return st;
    }
}

static rid_status read_plain(rid_csv *c, rid_err *err)
{
    int byte;
    for (;;) {
        rid_status st = peek(c, &byte, err);
        if (st != RID_OK || byte == END || byte == ',' || byte == '\n')
            return st;
        if (byte == '"')
            return rid_csv_fail(c, err, "expected no quote inside field %zu, which begins without one",
                                c->n + 1);
        st = keep(c, byte, err);
        if (st != RID_OK)
            return st;
    }
}

/* Takes what stands behind a field: *more where another follows. */
static rid_status read_separator(rid_csv *c, bool quoted, bool *more, rid_err *err)
{
    int byte;
    rid_status st = peek(c, &byte, err);
    if (st == RID_OK && quoted && byte == '\r') {
        take(c);
        st = peek(c, &byte, err);
        if (st == RID_OK && byte != '\n' && byte != END)
            return rid_csv_fail(c, err, "expected a line feed behind a carriage return");
    }
    if (st != RID_OK)
        return st;
    if (byte != ',' && byte != '\n' && byte != END)
        return rid_csv_fail(c, err, "expected ',' or the line's end behind quoted field %zu", c->n);
    *more = byte == ',';
    if (byte != END)
        take(c);
    /* An unquoted last field ends before CR LF. */
    if (!quoted && !*more && c->text.len > (c->n > 1 ? c->ends[c->n - 2] : 0) &&
        c->text.data[c->text.len - 1] == '\r')
        c->ends[c->n - 1] = --c->text.len;
    return RID_OK;
}

/* *empty: the line has nothing on it, or the file has ended. */
static rid_status read_row(rid_csv *c, bool *ended, bool *empty, rid_err *err)
{
    int byte;
    bool more = true, any_quote = false;
    c->n = 0;
    rid_buf_clear(&c->text);
    c->row_line = c->line;
    c->row_byte = c->byte;
    rid_status st = peek(c, &byte, err);
    *ended = byte == END;
    while (st == RID_OK && more && !*ended) {
        st = peek(c, &byte, err);
        const bool quoted = st == RID_OK && byte == '"';
        any_quote |= quoted;
        if (quoted)
            take(c);
        if (st == RID_OK)
            st = quoted ? read_quoted(c, err) : read_plain(c, err);
        if (st == RID_OK)
            st = end_field(c, err);
        if (st == RID_OK)
            st = read_separator(c, quoted, &more, err);
    }
    *empty = c->n == 1 && c->text.len == 0 && !any_quote;
    return st;
}

rid_status rid_csv_next(rid_csv *c, const rid_str **fields, size_t *n, rid_err *err)
{
    bool ended = false, empty = true;
    rid_status st = c->byte == 0 ? skip_mark(c, err) : RID_OK;
    *n = 0;
    while (st == RID_OK && empty && !ended)
        st = read_row(c, &ended, &empty, err);
    if (st != RID_OK || ended)
        return st;
    if (rid_mem_grow(&c->fields, &c->fields_cap, c->n, sizeof *c->fields) != 0 ||
        !rid_buf_cstr(&c->text))
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < c->n; i++) {
        const size_t first = i > 0 ? c->ends[i - 1] : 0;
        c->fields[i] = (rid_str){c->text.data + first, c->ends[i] - first};
    }
    *fields = c->fields;
    *n = c->n;
    return RID_OK;
}

void rid_csv_append_field(rid_buf *out, rid_str s)
{
    bool quoted = false;
    for (size_t i = 0; i < s.len; i++)
        quoted |= s.data[i] == '"' || s.data[i] == ',' || s.data[i] == '\n' || s.data[i] == '\r';
    if (!quoted) {
        rid_buf_append(out, s.data, s.len);
        return;
    }
    rid_buf_append_char(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"')
            rid_buf_append_char(out, '"');
        rid_buf_append_char(out, s.data[i]);
    }
    rid_buf_append_char(out, '"');
}
