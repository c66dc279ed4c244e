#include "data/split.h"

#include "data/base/mem.h"
#include "data/json_scan.h"
#include "data/payload.h"

#include <string.h>

enum { READ_BYTES = 1 << 20, INTERACTIVE_READ_BYTES = 1 << 16, KEEP_BYTES = 64 << 20 };

/** What the bytes from `start` on are. */
typedef enum mode {
    DOCUMENTS, /* payloads, one after the other */
    MEMBERS,   /* inside an entry manifest */
    SKIPPING,  /* the rest of something given up, up to a '{' in column 0 */
} mode;

struct rid_splitter {
    rid_reader *reader;
    uint32_t file;
    bool interactive;
    mode mode;
    bool ended;          /* the reader has no more */
    char *tail;          /* read, but not yet in a record */
    size_t tail_len, tail_cap;
    uint64_t line, byte; /* of the first tail byte */
    rid_err damage;      /* code != RID_OK: the input broke off */
};

/* One fill in progress: offsets into the chunk's text. */
typedef struct scan {
    rid_splitter *s;
    rid_chunk *c;
    size_t start;    /* where the current record begins */
    size_t at;       /* bytes before it have been looked at */
    uint64_t line, byte; /* of `start` */
    uint64_t newlines;   /* between start and at (DOCUMENTS) */
    rid_json_skim skim;  /* of the record from start (interactive) or of the member's value */
    size_t skimmed;      /* bytes before it went through skim */
    rid_err *err;
} scan;

void rid_chunk_free(rid_chunk *c)
{
    rid_mem_free(c->text);
    rid_mem_free(c->records);
    *c = (rid_chunk){0};
}

void rid_chunk_clear(rid_chunk *c)
{
    if (c->cap > KEEP_BYTES) {
        rid_mem_free(c->text);
        c->text = NULL;
        c->cap = 0;
    }
    c->len = c->n = 0;
    c->raw_bytes = 0;
}

uint64_t rid_count_lines(const char *text, size_t n)
{
    uint64_t lines = 0;
    const char *end = text + n;
    for (const char *p = text; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

rid_status rid_splitter_open(rid_splitter **out, const char *path, uint32_t file, bool interactive,
                             const atomic_bool *stop, rid_err *err)
{
    *out = NULL;
    rid_splitter *s = rid_mem_zalloc(1, sizeof *s);
    if (!s)
        return RID_FAIL_NOMEM(err);
    *s = (rid_splitter){.file = file, .interactive = interactive, .line = 1};
    rid_status st = rid_reader_open(&s->reader, path, stop, err);
    if (st != RID_OK) {
        rid_splitter_close(s);
        return st;
    }
    *out = s;
    return RID_OK;
}

void rid_splitter_close(rid_splitter *s)
{
    if (!s)
        return;
    rid_reader_close(s->reader);
    rid_mem_free(s->tail);
    rid_mem_free(s);
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c);
}

static rid_status reserve_text(rid_chunk *c, size_t more, rid_err *err)
{
    if (rid_mem_grow(&c->text, &c->cap, c->len + more + RID_JSON_PADDING, 1) != 0)
        return RID_FAIL_NOMEM(err);
    return RID_OK;
}

/* Moves the start of the current record forward, keeping count of lines and bytes. */
static void advance_start(scan *v, size_t to)
{
    v->line += rid_count_lines(v->c->text + v->start, to - v->start);
    v->byte += to - v->start;
    v->start = v->at = to;
    v->newlines = 0;
    v->skim = (rid_json_skim){0};
    v->skimmed = to;
}

static rid_status add_record(scan *v, rid_record record)
{
    rid_chunk *c = v->c;
    if (rid_mem_grow(&c->records, &c->records_cap, c->n + 1, sizeof *c->records) != 0)
        return RID_FAIL_NOMEM(v->err);
    record.file = v->s->file;
    record.line = v->line + rid_count_lines(c->text + v->start, record.offset - v->start);
    record.byte = v->byte + (record.offset - v->start);
    c->records[c->n++] = record;
    return RID_OK;
}

static rid_status add_fault(scan *v, size_t offset, rid_reject reason, const char *expected)
{
    return add_record(v, (rid_record){.offset = offset, .fault = expected, .reason = reason});
}

/* The record [start, end), unless it is blank; the next one begins at end. */
static rid_status add_document(scan *v, size_t end)
{
    const char *text = v->c->text;
    size_t first = rid_json_skip_blank(text, end, v->start), last = end;
    rid_status st = RID_OK;
    while (last > first && is_one_of(text[last - 1], " \t\r\n"))
        last--;
    if (first < last)
        st = add_record(v, (rid_record){.offset = first, .len = last - first});
    advance_start(v, end);
    return st;
}

/* ---- entry manifests ---- */

typedef enum answer { NO, YES, NEED_MORE } answer;

/* An entry manifest's first member is an object under a key that is no payload field, and that object
 * begins with a payload field. */
static answer looks_like_manifest(const char *text, size_t len)
{
    rid_str key;
    size_t at = rid_json_skip_blank(text, len, 0);
    if (at >= len)
        return NEED_MORE;
    if (text[at++] != '{')
        return NO;
    for (int level = 0; level < 2; level++) {
        at = rid_json_skip_blank(text, len, at);
        if (at >= len)
            return NEED_MORE;
        if (text[at] != '"')
            return NO;
        if (level == 0) {
            rid_json_skim string = {.in_string = true, .depth = 1};
            const char *behind = text + at + 1;
            size_t i = at + 1;
            while (i < len && string.in_string) /* one byte at a time: keys are short */
                i += rid_json_skim_run(&string, text + i, 1);
            if (string.in_string)
                return NEED_MORE;
            key = (rid_str){behind, i - at - 2};
            at = rid_json_skip_blank(text, len, i);
            if (rid_payload_knows_key(key))
                return NO;
            if (at < len && text[at] != ':')
                return NO;
            at = rid_json_skip_blank(text, len, at + 1);
            if (at >= len)
                return NEED_MORE;
            if (text[at++] != '{')
                return NO;
        } else if (!rid_json_scan_plain_string(text, len, &at, &key)) {
            return memchr(text + at, '\\', len - at) ? NO : NEED_MORE;
        }
    }
    return rid_payload_knows_key(key) ? YES : NO;
}

/* Behind the manifest's '{' or a member: takes one member. *more = true: bytes are missing. */
static rid_status take_member(scan *v, bool *more)
{
    const char *text = v->c->text;
    size_t len = v->c->len, at = rid_json_skip_blank(text, len, v->start);
    *more = true;
    if (at < len && text[at] == ',')
        at = rid_json_skip_blank(text, len, at + 1);
    if (at >= len)
        return RID_OK;
    if (text[at] == '}') {
        *more = false;
        v->s->mode = DOCUMENTS;
        advance_start(v, at + 1);
        return RID_OK;
    }
    rid_json_skim string = {.depth = 1, .in_string = true};
    size_t key = at + 1, i = key;
    while (text[at] == '"' && i < len && string.in_string)
        i += rid_json_skim_run(&string, text + i, 1);
    size_t key_end = i - 1;
    if (text[at] == '"' && string.in_string)
        return RID_OK;
    size_t colon = rid_json_skip_blank(text, len, i);
    size_t value = rid_json_skip_blank(text, len, colon + 1);
    if (text[at] == '"' && value >= len)
        return RID_OK;
    if (text[at] != '"' || text[colon] != ':' || text[value] != '{') {
        *more = false;
        v->s->mode = SKIPPING;
        rid_status st = add_fault(v, at, RID_REJECT_SYNTAX,
                                  "\"entry_id\": {…} in an entry manifest; the rest of it is lost");
        advance_start(v, at);
        return st;
    }
    if (v->skimmed < value)
        v->skimmed = value;
    size_t from = v->skimmed > value ? v->skimmed - 1 : value;
    v->skimmed += rid_json_skim_run(&v->skim, text + v->skimmed, len - v->skimmed);
    /* A '{' in column 0 ends a member that is still open. */
    const char *column0 = memmem(text + from, v->skimmed - from, "\n{", 2);
    if (!v->skim.complete && !column0)
        return RID_OK;
    *more = false;
    size_t end = column0 ? (size_t)(column0 - text) : v->skimmed;
    rid_status st = add_record(v, (rid_record){.offset = value,
                                               .len = end - value,
                                               .key_offset = key,
                                               .key_len = key_end - key,
                                               .has_key = true});
    if (column0) {
        v->s->mode = DOCUMENTS;
        end++;
    }
    advance_start(v, end);
    return st;
}

/* ---- documents ---- */

/* In an interactive input: does the record that begins at start end with the newline at `newline`? */
static bool ends_here(scan *v, size_t newline)
{
    const char *text = v->c->text;
    bool first_line = v->newlines == 0;
    v->skimmed += rid_json_skim_run(&v->skim, text + v->skimmed, newline - v->skimmed);
    if (v->skim.complete)
        return true;
    size_t last = newline;
    while (last > v->start && is_one_of(text[last - 1], " \t\r"))
        last--;
    if (last == v->start)
        return true; /* a blank line */
    /* A pretty-printed payload goes on after a bracket or a comma; a line cut short does not. */
    return first_line && !is_one_of(text[last - 1], "{[,:");
}

/* Looks for the end of the current document. *more = true: bytes are missing. */
static rid_status take_document(scan *v, bool *more)
{
    const char *text = v->c->text;
    size_t len = v->c->len;
    *more = true;
    if (v->byte == 0 && len - v->start >= 3 && memcmp(text + v->start, "\xEF\xBB\xBF", 3) == 0)
        advance_start(v, v->start + 3); /* a byte order mark */
    while (v->at < len) {
        const char *newline = memchr(text + v->at, '\n', len - v->at);
        if (!newline) {
            v->at = len;
            break;
        }
        size_t next = (size_t)(newline - text) + 1;
        bool ends = v->s->interactive && ends_here(v, next - 1);
        if (!ends && next == len && !v->s->ended)
            break; /* what follows the newline decides: look at it again then */
        v->newlines++;
        v->at = next;
        if (!ends && !(next < len && text[next] == '{'))
            continue;
        answer manifest = looks_like_manifest(text + v->start, next - v->start);
        if (manifest == YES)
            break;
        *more = false;
        return add_document(v, next);
    }
    if (looks_like_manifest(text + v->start, v->at - v->start) == YES) {
        v->s->mode = MEMBERS;
        advance_start(v, (size_t)((const char *)memchr(text + v->start, '{', len) - text) + 1);
        *more = false;
    }
    return RID_OK;
}

/* Drops bytes up to a '{' in column 0. */
static void skip_ahead(scan *v, bool *more)
{
    const char *text = v->c->text;
    size_t len = v->c->len;
    const char *found = memmem(text + v->start, len - v->start, "\n{", 2);
    *more = !found;
    if (found) {
        advance_start(v, (size_t)(found - text) + 1);
        v->s->mode = DOCUMENTS;
    } else if (len > v->start + 1) {
        advance_start(v, len - 1); /* that byte may be the newline */
    }
}

/* Throws away the bytes before `start` that belong to no record. */
static void drop_given_up(scan *v, size_t floor)
{
    size_t n = v->c->len - v->start;
    memmove(v->c->text + floor, v->c->text + v->start, n);
    v->c->len = floor + n;
    v->start = v->at = v->skimmed = floor;
}

static size_t end_of_records(const rid_chunk *c)
{
    if (c->n == 0)
        return 0;
    const rid_record *r = &c->records[c->n - 1];
    return r->offset + r->len;
}

static rid_status read_more(scan *v)
{
    rid_splitter *s = v->s;
    rid_chunk *c = v->c;
    size_t want = s->interactive ? INTERACTIVE_READ_BYTES : READ_BYTES, got = 0;
    rid_err read_err = {0};
    if (c->len - v->start > RID_PAYLOAD_BYTES_MAX && s->mode != SKIPPING) {
        rid_status st = add_fault(v, v->start, RID_REJECT_TOO_LARGE, "a payload of at most 256 MiB");
        if (st != RID_OK)
            return st;
        s->mode = SKIPPING;
        return RID_OK;
    }
    if (s->mode == SKIPPING)
        drop_given_up(v, end_of_records(c));
    rid_status st = reserve_text(c, want, v->err);
    if (st != RID_OK)
        return st;
    uint64_t before = rid_reader_raw_bytes(s->reader);
    st = rid_reader_read(s->reader, c->text + c->len, want, &got, &read_err);
    c->raw_bytes += rid_reader_raw_bytes(s->reader) - before;
    c->len += got;
    if (st == RID_EDATA) {
        s->damage = read_err;
        s->ended = true;
        return RID_OK;
    }
    if (st != RID_OK) {
        if (v->err)
            *v->err = read_err;
        return st;
    }
    s->ended = got == 0;
    return RID_OK;
}

/* What was being read when the input broke off is part of the damage: the record's text becomes the
 * reader's message. */
static rid_status add_damage(scan *v)
{
    const char *message = v->s->damage.message;
    size_t n = strlen(message);
    rid_status st = reserve_text(v->c, n, v->err);
    if (st != RID_OK)
        return st;
    size_t at = v->c->len;
    memcpy(v->c->text + at, message, n);
    st = add_record(v, (rid_record){.offset = at, .len = n, .fault = "readable data",
                                    .reason = RID_REJECT_INPUT});
    v->c->len += n;
    return st;
}

/* The input has ended with text[start..len) not in a record. */
static rid_status take_rest(scan *v)
{
    rid_splitter *s = v->s;
    rid_status st = RID_OK;
    if (s->damage.code != RID_OK) {
        st = add_damage(v);
    } else if (s->mode == MEMBERS) {
        st = add_fault(v, v->start, RID_REJECT_SYNTAX,
                       "the entry manifest's end, the input ends inside it");
    } else if (s->mode == DOCUMENTS) {
        st = add_document(v, v->c->len);
    }
    advance_start(v, v->c->len);
    return st;
}

static rid_status keep_tail(scan *v)
{
    rid_splitter *s = v->s;
    size_t n = v->c->len - v->start;
    if (rid_mem_grow(&s->tail, &s->tail_cap, n, 1) != 0)
        return RID_FAIL_NOMEM(v->err);
    memcpy(s->tail, v->c->text + v->start, n);
    s->tail_len = n;
    s->line = v->line;
    s->byte = v->byte;
    v->c->len = v->start;
    return RID_OK;
}

rid_status rid_splitter_fill(rid_splitter *s, rid_chunk *c, size_t max_records, size_t max_bytes,
                             bool *end, rid_err *err)
{
    *end = false;
    rid_status st = reserve_text(c, s->tail_len, err);
    if (st != RID_OK)
        return st;
    scan v = {.s = s, .c = c, .start = c->len, .at = c->len, .line = s->line, .byte = s->byte,
              .skimmed = c->len, .err = err};
    if (s->tail_len)
        memcpy(c->text + c->len, s->tail, s->tail_len);
    c->len += s->tail_len;
    s->tail_len = 0;
    while (c->n < max_records && (c->n == 0 || v.start < max_bytes)) {
        bool more = true;
        if (s->mode == MEMBERS)
            st = take_member(&v, &more);
        else if (s->mode == DOCUMENTS)
            st = take_document(&v, &more);
        else
            skip_ahead(&v, &more);
        if (st == RID_OK && more && s->ended) {
            st = take_rest(&v);
            *end = true;
        } else if (st == RID_OK && more) {
            st = read_more(&v);
        }
        if (st != RID_OK || *end)
            return st;
    }
    return keep_tail(&v);
}

bool rid_split_again(const char *text, size_t len, size_t *at, size_t *start, size_t *sub_len)
{
    size_t i = rid_json_skip_blank(text, len, *at), end;
    if (i >= len)
        return false;
    const char *newline = memchr(text + i, '\n', len - i);
    end = newline ? (size_t)(newline - text) : len;
    if (text[i] == '{') {
        rid_json_skim skim = {0};
        size_t close = i + rid_json_skim_run(&skim, text + i, len - i);
        newline = memchr(text + close, '\n', len - close);
        end = newline ? (size_t)(newline - text) : len;
        if (skim.complete && rid_json_skip_blank(text, end, close) == end)
            end = close; /* one document; otherwise something is glued to it on its line */
    } else {
        /* Not a document: with it go the lines that are its continuation. */
        while (end + 1 < len && is_one_of(text[end + 1], " \t\r\n}]")) {
            size_t next = rid_json_skip_blank(text, len, end + 1);
            if (next < len && text[next] == '{')
                break;
            newline = memchr(text + end + 1, '\n', len - end - 1);
            end = newline ? (size_t)(newline - text) : len;
        }
    }
    *start = i;
    *sub_len = end - i;
    *at = end;
    return true;
}
