#include "data/split.h"

#include "data/base/mem.h"
#include "data/json_scan.h"
#include "data/payload.h"

#include <string.h>

enum { READ_BYTES = 1 << 20, INTERACTIVE_READ_BYTES = 1 << 16, KEEP_BYTES = 64 << 20 };

/** What the bytes from `start` on are. */
typedef enum mode {
    DOCUMENTS,       /* payloads, one after the other */
    MEMBERS,         /* inside an entry manifest */
    SKIPPING,        /* the rest of something given up, up to a '{' in column 0 */
    SKIPPING_MEMBER, /* of a member of an entry manifest, up to its end or a '{' in column 0 */
} mode;

struct rid_splitter {
    rid_reader *reader;
    uint32_t file;
    bool interactive;
    size_t record_bytes_max;
    mode mode;
    bool comma;           /* MEMBERS: none is expected before the next member */
    bool after_newline;   /* the byte before the current record was one */
    rid_json_skim skip;   /* SKIPPING_MEMBER: of its value */
    bool ended;           /* the reader has no more */
    char *tail;           /* read, but not yet in a record */
    size_t tail_len, tail_cap;
    uint64_t line, byte;  /* of the first tail byte */
    rid_err damage;       /* code != RID_OK: the input broke off */
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
    *s = (rid_splitter){.file = file, .interactive = interactive, .line = 1,
                        .record_bytes_max = RID_PAYLOAD_BYTES_MAX};
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

void rid_splitter_limit(rid_splitter *s, size_t record_bytes)
{
    s->record_bytes_max = record_bytes;
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
    if (to > v->start)
        v->s->after_newline = v->c->text[to - 1] == '\n';
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

static rid_status add_too_large(scan *v, size_t offset)
{
    return add_fault(v, offset, RID_REJECT_TOO_LARGE, "a payload of at most 256 MiB");
}

/* The record [start, end), unless it is blank; the next one begins at end. */
static rid_status add_document(scan *v, size_t end)
{
    const char *text = v->c->text;
    size_t first = rid_json_skip_blank(text, end, v->start), last = end;
    rid_status st = RID_OK;
    while (last > first && is_one_of(text[last - 1], " \t\r\n"))
        last--;
    if (end - v->start > v->s->record_bytes_max) {
        st = add_too_large(v, v->start);
        v->s->mode = SKIPPING; /* as it would be had its end not been read yet */
    } else if (first < last) {
        st = add_record(v, (rid_record){.offset = first, .len = last - first});
    }
    advance_start(v, end);
    return st;
}

/* ---- entry manifests ---- */

typedef enum answer { NO, YES, NEED_MORE } answer;

enum {
    LOOK_BYTES = 1 << 20,      /* of a document, to tell whether it is an entry manifest */
    KEY_BYTES_MAX = 64 << 10,  /* of a member's key, up to its value: more is no key */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Behind the closing quote of the string whose quote is text[at]; 0 where bytes are missing. */
static size_t behind_string(const char *text, size_t len, size_t at)
{
    for (size_t i = at + 1; i < len; i++) {
        if (text[i] == '\\')
            i++;
        else if (text[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Behind the value that begins at text[at]; 0 where bytes are missing. */
static size_t behind_value(const char *text, size_t len, size_t at)
{
    rid_json_skim skim = {0};
    if (text[at] == '"')
        return behind_string(text, len, at);
    if (text[at] == '{' || text[at] == '[') {
        at += rid_json_skim_run(&skim, text + at, len - at);
        return skim.complete ? at : 0;
    }
    while (at < len && !is_one_of(text[at], ",}] \t\r\n"))
        at++;
    return at < len ? at : 0;
}

/* A place inside an object, before a member or its comma. */
typedef struct walk {
    const char *text;
    size_t len, at;
} walk;

/* YES: the member's key, and w is at its value. NO: w is at what stands there instead. */
static answer walk_key(walk *w, rid_str *key)
{
    size_t at = rid_json_skip_blank(w->text, w->len, w->at);
    if (at < w->len && w->text[at] == ',')
        at = rid_json_skip_blank(w->text, w->len, at + 1);
    if (at >= w->len)
        return NEED_MORE;
    w->at = at;
    if (w->text[at] != '"')
        return NO;
    size_t behind = behind_string(w->text, w->len, at);
    if (behind == 0)
        return NEED_MORE;
    *key = (rid_str){w->text + at + 1, behind - at - 2};
    at = rid_json_skip_blank(w->text, w->len, behind);
    if (at < w->len && w->text[at] != ':')
        return NO;
    at = rid_json_skip_blank(w->text, w->len, at + 1);
    if (at >= w->len)
        return NEED_MORE;
    w->at = at;
    return YES;
}

/* Does the object at w hold a payload's key, as far as it has been read? */
static bool holds_payload_key(walk w)
{
    rid_str key;
    w.at++;
    while (walk_key(&w, &key) == YES) {
        if (rid_payload_knows_key(key))
            return true;
        w.at = behind_value(w.text, w.len, w.at);
        if (w.at == 0)
            break;
    }
    return false;
}

/* An entry manifest's keys are no payload's, and under them stand objects with a payload's keys. A
 * payload may begin with keys that nobody knows and anything under them: its own keys tell. The answer
 * depends on the first bytes only, not on how many there happen to be; `whole`: no more will come. */
static answer looks_like_manifest(const char *text, size_t len, bool whole, size_t record_bytes_max)
{
    size_t most = least(LOOK_BYTES, record_bytes_max);
    walk w = {text, least(len, most), 0};
    rid_str key;
    bool known = false;
    answer found;
    if (w.len == 0)
        return NEED_MORE;
    if (text[w.at++] != '{')
        return NO;
    while ((found = walk_key(&w, &key)) == YES) {
        if (rid_payload_knows_key(key))
            return NO;
        known |= text[w.at] == '{' && holds_payload_key(w);
        size_t behind = behind_value(text, w.len, w.at);
        if (behind == 0) {
            found = NEED_MORE;
            break;
        }
        w.at = behind;
    }
    if (found == NEED_MORE && len < most && !whole)
        return NEED_MORE;
    return known ? YES : NO;
}

/* What stands at `at` is no member: without knowing where one ends, none can be taken. */
static rid_status lose_manifest(scan *v, size_t at)
{
    rid_status st = add_fault(v, at, RID_REJECT_SYNTAX,
                              "\"entry_id\": {…} in an entry manifest; the rest of it is lost");
    v->s->mode = SKIPPING;
    advance_start(v, at);
    return st;
}

/* Moves start to the next member's key, or to whatever stands there. */
static void find_member(scan *v)
{
    const char *text = v->c->text;
    size_t len = v->c->len, at = rid_json_skip_blank(text, len, v->start);
    if (!v->s->comma && at < len && text[at] == ',') {
        v->s->comma = true;
        at = rid_json_skip_blank(text, len, at + 1);
    }
    if (at > v->start)
        advance_start(v, at);
}

/* The member whose value is [value, …), as far as it has been read. */
static rid_status take_value(scan *v, size_t key_end, size_t value, bool *more)
{
    const char *text = v->c->text;
    size_t key = v->start + 1, len = v->c->len;
    if (v->skimmed < value)
        v->skimmed = value;
    size_t from = v->skimmed > value ? v->skimmed - 1 : value;
    v->skimmed += rid_json_skim_run(&v->skim, text + v->skimmed, len - v->skimmed);
    /* A '{' in column 0 ends a member that is still open. */
    const char *column0 = memmem(text + from, v->skimmed - from, "\n{", 2);
    size_t next = column0 ? (size_t)(column0 - text) + 1 : v->skimmed;
    bool whole = column0 || v->skim.complete, too_large = next - v->start > v->s->record_bytes_max;
    rid_status st = RID_OK;
    if (!whole && !too_large)
        return RID_OK;
    *more = false;
    v->s->comma = false;
    if (too_large)
        st = add_too_large(v, v->start);
    else
        st = add_record(v, (rid_record){.offset = value,
                                        .len = next - (column0 ? 1 : 0) - value,
                                        .key_offset = key,
                                        .key_len = key_end - key,
                                        .has_key = true});
    v->s->skip = v->skim;
    v->s->mode = column0 ? DOCUMENTS : whole ? MEMBERS : SKIPPING_MEMBER;
    advance_start(v, next);
    return st;
}

/* A member that is no object costs only itself. */
static rid_status reject_value(scan *v, size_t value, bool *more)
{
    const char *text = v->c->text;
    size_t len = v->c->len, behind = behind_value(text, len, value);
    if (behind == 0 && len - v->start <= v->s->record_bytes_max)
        return RID_OK; /* its end has not been read */
    *more = false;
    if (behind == 0 || memmem(text + value, behind - value, "\n{", 2))
        return lose_manifest(v, v->start);
    rid_status st = add_fault(v, value, RID_REJECT_TYPE, "an object under the key");
    v->s->comma = false;
    advance_start(v, behind);
    return st;
}

/* Behind the manifest's '{' or a member: takes one member. *more = true: bytes are missing. */
static rid_status take_member(scan *v, bool *more)
{
    find_member(v);
    const char *text = v->c->text;
    size_t len = v->c->len, at = v->start;
    size_t header_max = least(KEY_BYTES_MAX, v->s->record_bytes_max);
    *more = true;
    if (at >= len)
        return RID_OK;
    if (text[at] == '}') {
        *more = false;
        v->s->mode = DOCUMENTS;
        advance_start(v, at + 1);
        return RID_OK;
    }
    size_t behind = text[at] == '"' ? behind_string(text, len, at) : 0;
    size_t colon = behind ? rid_json_skip_blank(text, len, behind) : len;
    size_t value = rid_json_skip_blank(text, len, colon + 1);
    if (text[at] == '"' && value >= len && len - at <= header_max)
        return RID_OK;
    if (text[at] != '"' || value >= len || value - at > header_max || text[colon] != ':' ||
        is_one_of(text[value], ",:]}") || (text[value] == '{' && text[value - 1] == '\n')) {
        *more = false;
        return lose_manifest(v, at);
    }
    if (text[value] != '{')
        return reject_value(v, value, more);
    return take_value(v, behind - 1, value, more);
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
    /* A payload over several lines begins with a bracket alone; more than that, and no end, was cut
     * short: its sender waits for the answer. */
    bool bracket = last == v->start + 1 && is_one_of(text[v->start], "{[");
    return first_line && !bracket;
}

/* Does the line at `next` begin a record? A '{' in column 0 always does; anything but a comma or a
 * closing bracket does after a line that ends in '}', where no document could go on with it. NEED_MORE:
 * that line's beginning has not been read. */
static answer begins_record(const scan *v, size_t next)
{
    enum { BLANKS_MAX = 256 };
    const char *text = v->c->text;
    size_t len = v->c->len, first = next, last = next - 1;
    if (next < len && text[next] == '{')
        return YES;
    while (last > v->start && next - last < BLANKS_MAX && is_one_of(text[last - 1], " \t\r"))
        last--;
    bool closed = last > v->start && text[last - 1] == '}';
    while (closed && first < len && first - next < BLANKS_MAX && is_one_of(text[first], " \t"))
        first++;
    if (first == len)
        return NEED_MORE;
    return closed && !is_one_of(text[first], ",}] \t\r\n") ? YES : NO;
}

/* Over a byte order mark and blanks, to where a document begins. */
static void find_document(scan *v)
{
    const char *text = v->c->text;
    size_t len = v->c->len, at = v->start;
    if (v->byte == 0 && len - at >= 3 && memcmp(text + at, "\xEF\xBB\xBF", 3) == 0)
        at += 3;
    at = rid_json_skip_blank(text, len, at);
    if (at > v->start)
        advance_start(v, at);
}

/* Looks for the end of the current document. *more = true: bytes are missing. */
static rid_status take_document(scan *v, bool *more)
{
    find_document(v);
    const char *text = v->c->text;
    size_t len = v->c->len, most = v->s->record_bytes_max;
    bool manifest = false;
    *more = true;
    while (v->at < len) {
        const char *newline = memchr(text + v->at, '\n', len - v->at);
        if (!newline) {
            v->at = len;
            break;
        }
        size_t next = (size_t)(newline - text) + 1;
        bool ends = v->s->interactive && ends_here(v, next - 1);
        answer begins = ends ? YES : begins_record(v, next);
        v->at = next - 1;
        if (begins == NEED_MORE && !v->s->ended)
            break; /* what follows the newline decides: look at it again then */
        v->newlines++;
        v->at = next;
        if (begins != YES)
            continue;
        manifest = looks_like_manifest(text + v->start, next - v->start, true, most) == YES;
        if (manifest)
            break;
        *more = false;
        return add_document(v, next);
    }
    if (manifest ||
        looks_like_manifest(text + v->start, v->at - v->start, v->s->ended, most) == YES) {
        v->s->mode = MEMBERS;
        v->s->comma = true;
        advance_start(v, v->start + 1);
        *more = false;
    } else if (len - v->start > most) {
        rid_status st = add_too_large(v, v->start);
        v->s->mode = SKIPPING;
        advance_start(v, len);
        *more = false;
        return st;
    }
    return RID_OK;
}

/* Drops bytes up to a '{' in column 0 or, of a member, up to its end. */
static void skip_ahead(scan *v, bool *more)
{
    rid_splitter *s = v->s;
    const char *text = v->c->text, *found = NULL;
    size_t len = v->c->len, end = len;
    if (s->after_newline && v->start < len && text[v->start] == '{')
        end = v->start;
    else if ((found = memmem(text + v->start, len - v->start, "\n{", 2)))
        end = (size_t)(found - text) + 1;
    bool column0 = end < len;
    if (s->mode == SKIPPING_MEMBER) {
        size_t taken = rid_json_skim_run(&s->skip, text + v->start, end - v->start);
        if (s->skip.complete) {
            end = v->start + taken;
            s->mode = MEMBERS;
        } else if (column0) {
            s->mode = DOCUMENTS;
        }
    } else if (column0) {
        s->mode = DOCUMENTS;
    }
    *more = s->mode == SKIPPING || s->mode == SKIPPING_MEMBER;
    advance_start(v, end);
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
    if (v->start == c->len) /* nothing is pending: what was skipped need not stay */
        v->start = v->at = v->skimmed = c->len = end_of_records(c);
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

static bool is_whole(const char *text, size_t len)
{
    rid_json_skim skim = {0};
    size_t at = rid_json_skim_run(&skim, text, len);
    return skim.complete && rid_json_skip_blank(text, len, at) == len;
}

/* The input has ended with text[start..len) not in a record. */
static rid_status take_rest(scan *v)
{
    rid_splitter *s = v->s;
    rid_status st = RID_OK;
    if (s->damage.code != RID_OK) {
        /* A document that ended just before the damage is as good as any. */
        if (s->mode == DOCUMENTS && is_whole(v->c->text + v->start, v->c->len - v->start))
            st = add_document(v, v->c->len);
        if (st == RID_OK)
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
    if (n)
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
        /* Not a document: all of it, up to a line that may begin one. */
        for (size_t next; (next = rid_json_skip_blank(text, len, end)) < len && text[next] != '{';) {
            newline = memchr(text + next, '\n', len - next);
            end = newline ? (size_t)(newline - text) : len;
        }
    }
    *start = i;
    *sub_len = end - i;
    *at = end;
    return true;
}
