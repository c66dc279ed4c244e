#include "data/yaml.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <yaml.h>

/* Events are taken one by one, so that a forbidden construct ends the work where it stands: nothing
 * is composed, and the depth looked at never exceeds two. */
typedef struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool have_event;
    const char *name;
    rid_str text;
    rid_yaml *out;
    rid_err *err;
} reader;

static size_t line_of(yaml_mark_t m)
{
    return m.line + 1;
}

static size_t column_of(yaml_mark_t m)
{
    return m.column + 1;
}

#define FAIL_AT(r, mark, ...) fail_at((r), (mark), RID_WHERE, __VA_ARGS__)

static rid_status fail_at(reader *r, yaml_mark_t mark, const char *where, const char *fmt, ...)
    RID_PRINTF(4, 5);
static rid_status fail_at(reader *r, yaml_mark_t mark, const char *where, const char *fmt, ...)
{
    char message[RID_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    return rid_err_set(r->err, RID_ECONFIG, where, "%s:%zu:%zu: %s", r->name, line_of(mark),
                       column_of(mark), message);
}

/* Line and column (in characters, as libyaml counts) of a byte. */
static yaml_mark_t mark_of_byte(rid_str text, size_t byte)
{
    yaml_mark_t m = {.index = byte};
    for (size_t i = 0; i < byte && i < text.len; i++) {
        if (text.data[i] == '\n') {
            m.line++;
            m.column = 0;
        } else if (((unsigned char)text.data[i] & 0xC0) != 0x80) {
            m.column++;
        }
    }
    return m;
}

static rid_status fail_parser(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "not YAML";
    if (p->error == YAML_MEMORY_ERROR)
        return RID_FAIL_NOMEM(r->err);
    if (p->error == YAML_READER_ERROR)
        return FAIL_AT(r, mark_of_byte(r->text, p->problem_offset), "%s", problem);
    if (p->context)
        return FAIL_AT(r, p->problem_mark, "%s %s", problem, p->context);
    return FAIL_AT(r, p->problem_mark, "%s", problem);
}

static void drop_event(reader *r)
{
    if (r->have_event)
        yaml_event_delete(&r->event);
    r->have_event = false;
}

static rid_status next_event(reader *r)
{
    drop_event(r);
    if (!yaml_parser_parse(&r->parser, &r->event))
        return fail_parser(r);
    r->have_event = true;
    return RID_OK;
}

static const char *event_name(yaml_event_type_t type)
{
    switch (type) {
    case YAML_ALIAS_EVENT:
        return "an alias";
    case YAML_SEQUENCE_START_EVENT:
        return "a list";
    case YAML_MAPPING_START_EVENT:
        return "a mapping";
    case YAML_SCALAR_EVENT:
        return "a scalar";
    default:
        return "the end";
    }
}

/* What the flat subset leaves out of any node: aliases, anchors and tags. */
static rid_status check_node(reader *r)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (r->event.type) {
    case YAML_ALIAS_EVENT:
        return FAIL_AT(r, r->event.start_mark, "aliases are not accepted here");
    case YAML_SCALAR_EVENT:
        anchor = r->event.data.scalar.anchor;
        tag = r->event.data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = r->event.data.sequence_start.anchor;
        tag = r->event.data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = r->event.data.mapping_start.anchor;
        tag = r->event.data.mapping_start.tag;
        break;
    default:
        return RID_OK;
    }
    if (anchor)
        return FAIL_AT(r, r->event.start_mark, "anchors are not accepted here");
    if (tag)
        return FAIL_AT(r, r->event.start_mark, "tags are not accepted here");
    return RID_OK;
}

static bool is_null(const yaml_event_t *e)
{
    const char *text = (const char *)e->data.scalar.value;
    return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (*text == '\0' || strcmp(text, "~") == 0 || strcasecmp(text, "null") == 0);
}

/* The current event as text; `what` names what was expected. */
static rid_status take_text(reader *r, const char *what, bool null_allowed, char **out)
{
    rid_status st = check_node(r);
    if (st != RID_OK)
        return st;
    const yaml_event_t *e = &r->event;
    if (e->type != YAML_SCALAR_EVENT)
        return FAIL_AT(r, e->start_mark, "expected %s, found %s", what, event_name(e->type));
    if (!null_allowed && is_null(e))
        return FAIL_AT(r, e->start_mark, "expected %s, found nothing", what);
    const char *text = (const char *)e->data.scalar.value;
    if (strlen(text) != e->data.scalar.length)
        return FAIL_AT(r, e->start_mark, "expected %s, found one with a NUL in it", what);
    *out = rid_mem_strndup(text, e->data.scalar.length);
    return *out ? RID_OK : RID_FAIL_NOMEM(r->err);
}

static rid_status add_item(reader *r, rid_yaml_entry *entry, rid_yaml_item **out)
{
    if (entry->n_items == RID_YAML_ITEMS_MAX)
        return FAIL_AT(r, r->event.start_mark, "more than %d items under '%s'", RID_YAML_ITEMS_MAX,
                       entry->key);
    if (rid_mem_grow(&entry->items, &entry->cap_items, entry->n_items + 1, sizeof **out) != 0)
        return RID_FAIL_NOMEM(r->err);
    *out = &entry->items[entry->n_items++];
    **out = (rid_yaml_item){.line = line_of(r->event.start_mark),
                            .column = column_of(r->event.start_mark)};
    return RID_OK;
}

static rid_status read_list(reader *r, rid_yaml_entry *entry)
{
    entry->kind = RID_YAML_LIST;
    for (;;) {
        rid_yaml_item *item;
        rid_status st = next_event(r);
        if (st != RID_OK || r->event.type == YAML_SEQUENCE_END_EVENT)
            return st;
        st = add_item(r, entry, &item);
        if (st == RID_OK)
            st = take_text(r, "a plain value in a list", false, &item->text);
        if (st != RID_OK)
            return st;
    }
}

static rid_status check_new_in_map(reader *r, const rid_yaml_entry *entry)
{
    const rid_yaml_item *last = &entry->items[entry->n_items - 1];
    for (const rid_yaml_item *i = entry->items; i < last; i++)
        if (strcmp(i->key, last->key) == 0)
            return FAIL_AT(r, r->event.start_mark,
                           "'%s' under '%s' is here twice (first in line %zu)", last->key,
                           entry->key, i->line);
    return RID_OK;
}

static rid_status read_map(reader *r, rid_yaml_entry *entry)
{
    entry->kind = RID_YAML_MAP;
    for (;;) {
        rid_yaml_item *item;
        rid_status st = next_event(r);
        if (st != RID_OK || r->event.type == YAML_MAPPING_END_EVENT)
            return st;
        st = add_item(r, entry, &item);
        if (st == RID_OK)
            st = take_text(r, "a name", false, &item->key);
        if (st == RID_OK)
            st = check_new_in_map(r, entry);
        if (st == RID_OK)
            st = next_event(r);
        if (st == RID_OK)
            st = take_text(r, "a plain value in a map", false, &item->text);
        if (st != RID_OK)
            return st;
        item->column = column_of(r->event.start_mark);
        item->line = line_of(r->event.start_mark);
    }
}

static rid_status read_value(reader *r, rid_yaml_entry *entry)
{
    rid_yaml_item *item;
    rid_status st = next_event(r);
    if (st == RID_OK)
        st = check_node(r);
    if (st != RID_OK)
        return st;
    entry->value_line = line_of(r->event.start_mark);
    entry->value_column = column_of(r->event.start_mark);
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return read_list(r, entry);
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_map(r, entry);
    if (r->event.type == YAML_SCALAR_EVENT && is_null(&r->event)) {
        entry->kind = RID_YAML_NULL;
        return RID_OK;
    }
    entry->kind = RID_YAML_SCALAR;
    st = add_item(r, entry, &item);
    return st == RID_OK ? take_text(r, "a value", false, &item->text) : st;
}

static rid_status read_entry(reader *r)
{
    rid_yaml *y = r->out;
    if (y->n == RID_YAML_ENTRIES_MAX)
        return FAIL_AT(r, r->event.start_mark, "more than %d keys", RID_YAML_ENTRIES_MAX);
    if (rid_mem_grow(&y->entries, &y->cap, y->n + 1, sizeof *y->entries) != 0)
        return RID_FAIL_NOMEM(r->err);
    rid_yaml_entry *entry = &y->entries[y->n++];
    *entry = (rid_yaml_entry){.line = line_of(r->event.start_mark),
                              .column = column_of(r->event.start_mark)};
    rid_status st = take_text(r, "a key", false, &entry->key);
    if (st != RID_OK)
        return st;
    for (size_t i = 0; i + 1 < y->n; i++)
        if (strcmp(y->entries[i].key, entry->key) == 0)
            return FAIL_AT(r, r->event.start_mark, "'%s' is here twice (first in line %zu)",
                           entry->key, y->entries[i].line);
    return read_value(r, entry);
}

static rid_status read_document(reader *r)
{
    rid_status st = next_event(r); /* the root node */
    if (st == RID_OK)
        st = check_node(r);
    if (st != RID_OK)
        return st;
    if (r->event.type == YAML_SCALAR_EVENT && is_null(&r->event))
        return next_event(r);
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return FAIL_AT(r, r->event.start_mark, "expected 'key: value' lines, found %s",
                       event_name(r->event.type));
    for (;;) {
        st = next_event(r);
        if (st != RID_OK)
            return st;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return next_event(r);
        st = read_entry(r);
        if (st != RID_OK)
            return st;
    }
}

static rid_status read_stream(reader *r)
{
    rid_status st = next_event(r); /* stream start */
    if (st == RID_OK)
        st = next_event(r);
    if (st != RID_OK || r->event.type == YAML_STREAM_END_EVENT)
        return st;
    st = read_document(r);
    if (st == RID_OK)
        st = next_event(r);
    if (st == RID_OK && r->event.type != YAML_STREAM_END_EVENT)
        st = FAIL_AT(r, r->event.start_mark, "expected the end, found a second document");
    return st;
}

/* Bytes of the UTF-8 sequence at s, or 0 where there is none. */
static size_t sequence_length(const char *s, size_t n)
{
    unsigned char c = (unsigned char)*s;
    size_t want = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return want <= n && rid_utf8_valid(s, want) ? want : 0;
}

static size_t first_bad_byte(rid_str text)
{
    size_t at = 0, n;
    while (at < text.len && (n = sequence_length(text.data + at, text.len - at)) > 0)
        at += n;
    return at;
}

rid_status rid_yaml_parse(rid_yaml *out, const char *name, rid_str text, rid_err *err)
{
    reader r = {.name = name, .text = text, .out = out, .err = err};
    rid_yaml_clear(out);
    if (text.len > RID_YAML_BYTES_MAX)
        return RID_FAIL(err, RID_ECONFIG, "%s: over %d bytes, too large for a configuration", name,
                        RID_YAML_BYTES_MAX);
    if (!rid_utf8_valid(text.data, text.len))
        return FAIL_AT(&r, mark_of_byte(text, first_bad_byte(text)), "expected UTF-8");
    if (!yaml_parser_initialize(&r.parser))
        return RID_FAIL_NOMEM(err);
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.len ? text.data : ""),
                                 text.len);
    rid_status st = read_stream(&r);
    drop_event(&r);
    yaml_parser_delete(&r.parser);
    if (st != RID_OK)
        rid_yaml_clear(out);
    return st;
}

static rid_status read_all(int fd, const char *path, rid_buf *text, rid_err *err)
{
    while (text->len <= RID_YAML_BYTES_MAX) {
        char *at = rid_buf_reserve(text, 65536);
        if (!at)
            return RID_FAIL_NOMEM(err);
        ssize_t got = read(fd, at, 65536);
        if (got == 0)
            return RID_OK;
        if (got > 0)
            text->len += (size_t)got;
        else if (errno != EINTR)
            return RID_FAIL_ERRNO(err, "%s: read", path);
        rid_status st = rid_interrupt_check(err);
        if (st != RID_OK)
            return st;
    }
    return RID_OK; /* rid_yaml_parse refuses the size */
}

rid_status rid_yaml_read(rid_yaml *out, const char *path, rid_err *err)
{
    rid_buf text = {0};
    rid_yaml_clear(out);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        rid_status st = errno == EINTR ? rid_interrupt_check(err) : RID_OK;
        return st != RID_OK ? st : RID_FAIL_ERRNO(err, "%s", path);
    }
    rid_status st = read_all(fd, path, &text, err);
    close(fd);
    if (st == RID_OK)
        st = rid_yaml_parse(out, path, rid_buf_view(&text), err);
    rid_buf_free(&text);
    return st;
}

void rid_yaml_clear(rid_yaml *y)
{
    for (size_t i = 0; i < y->n; i++) {
        rid_yaml_entry *e = &y->entries[i];
        for (size_t j = 0; j < e->n_items; j++) {
            rid_mem_free(e->items[j].key);
            rid_mem_free(e->items[j].text);
        }
        rid_mem_free(e->items);
        rid_mem_free(e->key);
    }
    rid_mem_free(y->entries);
    *y = (rid_yaml){0};
}

static bool is_plain(rid_str s, bool plain_number)
{
    static const char *const words[] = {"null", "true", "false", "yes",  "no",  "on",
                                        "off",  "y",    "n",     ".nan", ".inf"};
    const char *first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/";
    if (s.len == 0 || s.len > 4096)
        return false;
    if (plain_number)
        first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_/0123456789-.";
    if (!memchr(first, s.data[0], strlen(first)) || (s.len == 1 && s.data[0] == '-') ||
        (s.len > 1 && s.data[0] == '-' && s.data[1] == '-'))
        return false;
    const char *inner = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.+-:%@=";
    for (size_t i = 0; i < s.len; i++)
        if (!memchr(inner, s.data[i], strlen(inner)))
            return false;
    if (s.data[s.len - 1] == ':')
        return false;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (s.len == strlen(words[i]) && strncasecmp(s.data, words[i], s.len) == 0)
            return plain_number && strcmp(words[i], "null") != 0;
    return true;
}

/* Characters that YAML refuses raw, or takes for the end of a line inside quotes. */
static bool needs_escape(uint32_t c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 || c == 0xFEFF ||
           c == 0xFFFE || c == 0xFFFF;
}

void rid_yaml_append_scalar(rid_buf *out, rid_str text, bool plain_number)
{
    if (is_plain(text, plain_number)) {
        rid_buf_append(out, text.data, text.len);
        return;
    }
    rid_buf_append_char(out, '"');
    for (size_t i = 0, n; i < text.len; i += n) {
        const unsigned char *s = (const unsigned char *)text.data + i;
        n = sequence_length(text.data + i, text.len - i);
        uint32_t c = n == 3   ? (s[0] & 0xFu) << 12 | (s[1] & 0x3Fu) << 6 | (s[2] & 0x3Fu)
                     : n == 2 ? (s[0] & 0x1Fu) << 6 | (s[1] & 0x3Fu)
                              : s[0];
        if (n == 0) {
            n = 1;
            rid_buf_printf(out, "\\x%02X", c);
        } else if (n < 4 && needs_escape(c)) {
            rid_buf_printf(out, "\\u%04X", c);
        } else {
            if (c == '"' || c == '\\')
                rid_buf_append_char(out, '\\');
            rid_buf_append(out, s, n);
        }
    }
    rid_buf_append_char(out, '"');
}
