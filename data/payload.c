#include "data/payload.h"

#include "data/base/mem.h"
#include "data/float_array.h"
#include "data/json_scan.h"
#include "data/payload_skim.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *key, *column;
} text_fields[RID_TEXT_FIELDS] = {
    [RID_TEXT_ID] = {"entry_id", "id"},
    [RID_TEXT_DAY] = {"day_id", "day_id"},
    [RID_TEXT_STORE] = {"store_id", "store_id"},
    [RID_TEXT_CAMERA] = {"camera", "camera"},
    [RID_TEXT_DIRECTION] = {"direction", "direction"},
    [RID_TEXT_ALERT] = {"alert_id", "alert_id"},
    [RID_TEXT_EMPLOYEE] = {"employee_id", "employee_id"},
    [RID_TEXT_TIMESTAMP] = {"timestamp", "timestamp"},
};

static const char *const other_keys[] = {"embeddings", "images", "attrs", "topk", "persist"};

const char *rid_text_field_key(rid_text_field f)
{
    return text_fields[f].key;
}

const char *rid_text_field_column(rid_text_field f)
{
    return text_fields[f].column;
}

bool rid_payload_knows_key(rid_str key)
{
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        if (rid_str_equal(key, rid_str_of(text_fields[f].key)))
            return true;
    for (size_t i = 0; i < sizeof other_keys / sizeof other_keys[0]; i++)
        if (rid_str_equal(key, rid_str_of(other_keys[i])))
            return true;
    return false;
}

int rid_meta_compare_time(const rid_meta *a, const rid_meta *b)
{
    if (a->timestamp_us != b->timestamp_us)
        return a->timestamp_us < b->timestamp_us ? -1 : 1;
    return rid_str_compare(a->text[RID_TEXT_ID], b->text[RID_TEXT_ID]);
}

int rid_meta_compare(const rid_meta *a, const rid_meta *b)
{
    int c = rid_str_compare(a->text[RID_TEXT_DAY], b->text[RID_TEXT_DAY]);
    if (c == 0)
        c = rid_str_compare(a->text[RID_TEXT_STORE], b->text[RID_TEXT_STORE]);
    return c ? c : rid_meta_compare_time(a, b);
}

void rid_payload_free(rid_payload *p)
{
    rid_mem_free(p->frames.data);
    rid_buf_free(&p->images);
    rid_mem_free(p->image_ends);
    rid_buf_free(&p->attrs);
    rid_mem_free(p->attr);
    rid_oov_clear(&p->oov);
    rid_buf_free(&p->strings);
    rid_buf_free(&p->rest);
    *p = (rid_payload){0};
}

rid_str rid_payload_image(const rid_payload *p, size_t i)
{
    size_t start = i ? p->image_ends[i - 1] : 0;
    return (rid_str){p->images.data + start, p->image_ends[i] - start};
}

void rid_payload_hash(const rid_payload *p, rid_hasher *h)
{
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        rid_hasher_add_field(h, p->meta.text[f].data, p->meta.text[f].len);
    rid_hasher_add_field(h, p->image_ends, p->n_images * sizeof *p->image_ends);
    rid_hasher_add_field(h, p->images.data, p->n_images ? p->images.len : 0);
    rid_hasher_add_field(h, p->attrs.data, p->attrs.len);
}

/* ---- parsing ---- */

typedef struct parse {
    rid_payload *out;
    const rid_payload_rules *rules;
    rid_payload_fault *fault;
    rid_err *err;
    rid_json members[RID_TEXT_FIELDS];
    bool has_member[RID_TEXT_FIELDS];
    rid_json embeddings, images, attrs;
    bool has_embeddings, has_images, has_attrs;
    bool frames_read; /* straight from the text; `embeddings` is a stand-in */
    bool no_memory;
} parse;

/* Messages quote the payload: no control characters, no UTF-8 sequence cut in two at the end. */
static void tidy(char *message)
{
    size_t n = strlen(message);
    while (n > 0 && !rid_utf8_valid(message, n))
        message[--n] = '\0';
    for (char *p = message; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7F)
            *p = '?';
}

/* All of these return false, so that `return reject(…)` ends a check. */
static bool reject(parse *c, rid_reject reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool reject(parse *c, rid_reject reason, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    c->fault->reason = reason;
    vsnprintf(c->fault->message, sizeof c->fault->message, fmt, ap);
    va_end(ap);
    tidy(c->fault->message);
    return false;
}

static bool out_of_memory(parse *c)
{
    c->no_memory = true;
    return false;
}

static bool reject_type(parse *c, const char *key, const char *expected, rid_json found)
{
    return reject(c, RID_REJECT_TYPE, "%s: expected %s, found %s", key, expected,
                  rid_json_type_name(rid_json_type_of(found)));
}

/* Takes note of the members that are known; the rest is ignored. */
static bool collect_members(parse *c, rid_json root)
{
    rid_str key;
    rid_json v;
    int64_t integer;
    for (rid_json_iter it = rid_json_begin(root); rid_json_next(&it, &key, &v);) {
        for (int f = 0; f < RID_TEXT_FIELDS; f++) {
            if (rid_str_equal(key, rid_str_of(text_fields[f].key))) {
                c->members[f] = v;
                c->has_member[f] = true;
            }
        }
        if (rid_str_equal(key, rid_str_of("embeddings"))) {
            c->embeddings = v;
            c->has_embeddings = true;
        } else if (rid_str_equal(key, rid_str_of("images"))) {
            c->images = v;
            c->has_images = true;
        } else if (rid_str_equal(key, rid_str_of("attrs"))) {
            c->attrs = v;
            c->has_attrs = true;
        } else if (rid_str_equal(key, rid_str_of("persist"))) {
            if (!rid_json_get_bool(v, &c->out->persist))
                return reject_type(c, "persist", "true or false", v);
        } else if (rid_str_equal(key, rid_str_of("topk"))) {
            if (!rid_json_get_i64(v, &integer))
                return reject_type(c, "topk", "an integer", v);
        }
    }
    return true;
}

/* Every key of every object, the frames left out: those hold numbers only, or are rejected. */
static bool check_keys(parse *c, rid_json root)
{
    rid_str seen[64], key, inner;
    rid_json v;
    size_t n = 0;
    for (rid_json_iter it = rid_json_begin(root); rid_json_next(&it, &key, &v); n++) {
        if (n == sizeof seen / sizeof seen[0]) { /* many unknown keys: the general way */
            if (rid_json_find_duplicate_key(root, &inner))
                return reject(c, RID_REJECT_DUPLICATE_KEY, "key '%.*s' stands twice",
                              RID_STR(inner));
            return true;
        }
        for (size_t i = 0; i < n; i++)
            if (rid_str_equal(seen[i], key))
                return reject(c, RID_REJECT_DUPLICATE_KEY, "key '%.*s' stands twice", RID_STR(key));
        seen[n] = key;
        if (!rid_str_equal(key, rid_str_of("embeddings")) && rid_json_find_duplicate_key(v, &inner))
            return reject(c, RID_REJECT_DUPLICATE_KEY, "%.*s: key '%.*s' stands twice", RID_STR(key),
                          RID_STR(inner));
    }
    return true;
}

static bool check_text(parse *c, const char *key, rid_str s, bool may_be_empty)
{
    if (s.len == 0 && !may_be_empty)
        return reject(c, RID_REJECT_ID, "%s is empty", key);
    if (s.len > RID_ID_BYTES_MAX)
        return reject(c, RID_REJECT_ID, "%s has %zu bytes, more than %d", key, s.len,
                      RID_ID_BYTES_MAX);
    if (s.len && memchr(s.data, '\0', s.len))
        return reject(c, RID_REJECT_ID, "%s has a NUL character", key);
    if (!rid_utf8_valid(s.data, s.len))
        return reject(c, RID_REJECT_UTF8, "%s is not UTF-8", key);
    return true;
}

static bool read_texts(parse *c, rid_str entry_key)
{
    rid_meta *m = &c->out->meta;
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        m->text[f] = (rid_str){NULL, 0};
        if (c->has_member[f] && !rid_json_get_str(c->members[f], &m->text[f]))
            return reject_type(c, text_fields[f].key, "a string", c->members[f]);
    }
    if (entry_key.data) {
        if (m->text[RID_TEXT_ID].data && !rid_str_equal(m->text[RID_TEXT_ID], entry_key))
            return reject(c, RID_REJECT_ID, "entry_id differs from the key it stands under");
        m->text[RID_TEXT_ID] = entry_key;
    }
    if (!m->text[RID_TEXT_ID].data)
        return reject(c, RID_REJECT_MISSING, "entry_id is missing");
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        bool judged_elsewhere = f == RID_TEXT_DAY || f == RID_TEXT_TIMESTAMP;
        if (m->text[f].data && !judged_elsewhere &&
            !check_text(c, text_fields[f].key, m->text[f], f == RID_TEXT_DIRECTION))
            return false;
    }
    if (!m->text[RID_TEXT_STORE].data) {
        m->text[RID_TEXT_STORE] = rid_payload_store_of_id(m->text[RID_TEXT_ID]);
        if (m->text[RID_TEXT_STORE].len == 0)
            return reject(c, RID_REJECT_ID, "store_id is missing and entry_id begins with '-'");
    }
    return true;
}

/* `day` is memory for a day made from the timestamp. */
static bool read_times(parse *c, char day[RID_DAY_LENGTH + 1])
{
    rid_meta *m = &c->out->meta;
    rid_str stamp = m->text[RID_TEXT_TIMESTAMP], given = m->text[RID_TEXT_DAY];
    m->timestamp_us = RID_TIMESTAMP_NONE;
    if (stamp.data && !rid_timestamp_parse(stamp, &m->timestamp_us))
        return reject(c, RID_REJECT_TIMESTAMP, "timestamp: expected RFC 3339, such as "
                                               "2025-11-06T08:15:00.250+01:00");
    if (given.data) {
        if (!rid_day_valid(given))
            return reject(c, RID_REJECT_DAY, "day_id: expected a calendar date YYYY-MM-DD");
        return true;
    }
    if (!stamp.data)
        return reject(c, RID_REJECT_MISSING, "day_id is missing and there is no timestamp");
    int32_t offset_s =
        rid_timezones_offset_s(c->rules->timezones, m->text[RID_TEXT_STORE], m->timestamp_us);
    if (!rid_day_of(day, m->timestamp_us, offset_s))
        return reject(c, RID_REJECT_TIMESTAMP, "timestamp: its day is outside years 1 to 9999");
    m->text[RID_TEXT_DAY] = rid_str_of(day);
    return true;
}

static bool read_frames(parse *c)
{
    size_t row, column;
    rid_json_matrix *m = &c->out->frames;
    if (!c->has_embeddings)
        return reject(c, RID_REJECT_MISSING, "embeddings is missing");
    if (c->frames_read)
        return true;
    switch (rid_json_read_matrix(c->embeddings, m, &row, &column)) {
    case RID_JSON_MATRIX_OK:
        return true;
    case RID_JSON_MATRIX_NO_ROWS:
        return reject(c, RID_REJECT_NO_FRAMES, "embeddings holds no frames");
    case RID_JSON_MATRIX_NOT_ARRAY:
        return reject(c, RID_REJECT_TYPE,
                      "embeddings: expected an array of arrays of numbers (frame %zu)", row);
    case RID_JSON_MATRIX_NOT_NUMBER:
        return reject(c, RID_REJECT_TYPE, "embeddings[%zu][%zu]: expected a number", row, column);
    case RID_JSON_MATRIX_RANGE:
        return reject(c, RID_REJECT_RANGE, "embeddings[%zu][%zu]: outside the range of float32", row,
                      column);
    case RID_JSON_MATRIX_RAGGED:
        return reject(c, RID_REJECT_RAGGED, "embeddings[%zu] has %zu numbers, embeddings[0] has %zu",
                      row, column, m->cols);
    case RID_JSON_MATRIX_NO_MEMORY:
        break;
    }
    return out_of_memory(c);
}

static bool read_images(parse *c)
{
    rid_payload *p = c->out;
    rid_json v;
    rid_str uri;
    rid_buf_clear(&p->images);
    p->n_images = 0;
    if (!c->has_images)
        return true;
    if (rid_json_type_of(c->images) != RID_JSON_ARRAY)
        return reject_type(c, "images", "an array of strings", c->images);
    for (rid_json_iter it = rid_json_begin(c->images); rid_json_next(&it, NULL, &v);) {
        if (!rid_json_get_str(v, &uri))
            return reject_type(c, "images", "strings only", v);
        if (!rid_utf8_valid(uri.data, uri.len))
            return reject(c, RID_REJECT_UTF8, "images[%zu] is not UTF-8", p->n_images);
        rid_buf_append(&p->images, uri.data, uri.len);
        if (p->images.failed || rid_mem_grow(&p->image_ends, &p->images_cap, p->n_images + 1,
                                             sizeof *p->image_ends) != 0)
            return out_of_memory(c);
        p->image_ends[p->n_images++] = p->images.len;
    }
    return true;
}

static bool set_attr(parse *c, const rid_json *attrs)
{
    rid_payload *p = c->out;
    const rid_schema *schema = c->rules->schema;
    rid_oov_clear(&p->oov);
    if (!schema)
        return true;
    if (rid_mem_grow(&p->attr, &p->attr_cap, rid_schema_dim(schema), sizeof *p->attr) != 0 ||
        rid_schema_vector(schema, attrs, p->attr, &p->oov, c->err) != RID_OK)
        return out_of_memory(c);
    return true;
}

static bool read_attrs(parse *c)
{
    rid_payload *p = c->out;
    rid_buf_clear(&p->attrs);
    if (c->has_attrs) {
        if (rid_json_type_of(c->attrs) != RID_JSON_OBJECT)
            return reject_type(c, "attrs", "an object", c->attrs);
        rid_json_append(&p->attrs, c->attrs);
        if (p->attrs.failed)
            return out_of_memory(c);
        if (!rid_utf8_valid(p->attrs.data, p->attrs.len))
            return reject(c, RID_REJECT_UTF8, "attrs is not UTF-8");
    }
    return set_attr(c, c->has_attrs ? &c->attrs : NULL);
}

rid_status rid_payload_set_meta(rid_payload *p, const rid_meta *meta, rid_err *err)
{
    size_t total = 0, at = 0;
    rid_buf fresh = {0};
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        total += meta->text[f].len;
    /* The views may point into p->strings itself: copy first, then exchange. */
    if (!rid_buf_reserve(&fresh, total + 1))
        return RID_FAIL_NOMEM(err);
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        rid_buf_append(&fresh, meta->text[f].data, meta->text[f].len);
    p->meta.timestamp_us = meta->timestamp_us;
    for (int f = 0; f < RID_TEXT_FIELDS; f++) {
        rid_str s = meta->text[f];
        p->meta.text[f] = (rid_str){s.data ? fresh.data + at : NULL, s.len};
        at += s.len;
    }
    rid_buf_free(&p->strings);
    p->strings = fresh;
    return RID_OK;
}

static bool parse_root(parse *c, rid_json root, rid_str entry_key)
{
    char day[RID_DAY_LENGTH + 1];
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return reject(c, RID_REJECT_TYPE, "expected an object, found %s",
                      rid_json_type_name(rid_json_type_of(root)));
    if (!check_keys(c, root) || !collect_members(c, root) || !read_texts(c, entry_key) ||
        !read_times(c, day) || !read_frames(c) || !read_images(c) || !read_attrs(c))
        return false;
    return rid_payload_set_meta(c->out, &c->out->meta, c->err) == RID_OK || out_of_memory(c);
}

/* Reads the frames from the text, then parses the rest, an empty array in their place. False where
 * either does not go through: the general way then decides. */
static bool parse_apart(parse *c, rid_json_parser *parser, const char *text, size_t len,
                        rid_json *root)
{
    rid_payload *p = c->out;
    size_t begin, end;
    if (!rid_payload_find_frames(text, len, &begin))
        return false;
    end = begin;
    if (!rid_float_array_read(text, len, &end, &p->frames))
        return false;
    rid_buf_clear(&p->rest);
    rid_buf_append(&p->rest, text, begin);
    rid_buf_append_str(&p->rest, "[]");
    rid_buf_append(&p->rest, text + end, len - end);
    c->frames_read = rid_buf_reserve(&p->rest, RID_JSON_PADDING) &&
                     rid_json_parse(parser, p->rest.data, p->rest.len, root, NULL) == RID_OK;
    return c->frames_read;
}

static void diagnose_syntax(parse *c, const char *text, size_t len, const char *parser_says)
{
    rid_json_fault fault = {RID_REJECT_SYNTAX, 0, NULL};
    if (rid_json_diagnose(text, len, RID_JSON_DEPTH_MAX, &fault)) {
        reject(c, fault.reason, "expected %s", fault.expected);
        c->fault->offset = fault.offset;
    } else {
        /* The grammar holds: a number no double can take, for one. */
        reject(c, RID_REJECT_RANGE, "%s", parser_says);
    }
}

rid_status rid_payload_parse(rid_payload *out, rid_json_parser *parser, const char *text,
                             size_t len, rid_str entry_key, const rid_payload_rules *rules,
                             bool *rejected, rid_payload_fault *fault, rid_err *err)
{
    rid_err parser_err = {0};
    rid_json root;
    parse c = {.out = out, .rules = rules, .fault = fault, .err = err};
    *rejected = false;
    *fault = (rid_payload_fault){0};
    out->persist = true;
    rid_status st = parse_apart(&c, parser, text, len, &root)
                        ? RID_OK
                        : rid_json_parse(parser, text, len, &root, &parser_err);
    if (st == RID_EDATA) {
        diagnose_syntax(&c, text, len, parser_err.message);
        *rejected = true;
        return RID_OK;
    }
    if (st != RID_OK)
        return RID_FAIL_NOMEM(err);
    *rejected = !parse_root(&c, root, entry_key);
    return c.no_memory ? RID_FAIL_NOMEM(err) : RID_OK;
}

rid_status rid_payload_set_attr(rid_payload *p, rid_json_parser *parser, const rid_schema *schema,
                                rid_err *err)
{
    rid_json attrs;
    rid_payload_rules rules = {schema, NULL};
    parse c = {.out = p, .rules = &rules, .err = err};
    bool given = p->attrs.len > 0;
    if (given && schema) {
        if (!rid_buf_reserve(&p->attrs, RID_JSON_PADDING))
            return RID_FAIL_NOMEM(err);
        rid_status st = rid_json_parse(parser, p->attrs.data, p->attrs.len, &attrs, err);
        if (st != RID_OK)
            return rid_err_prepend(err, "attributes");
    }
    return set_attr(&c, given ? &attrs : NULL) ? RID_OK : RID_FAIL_NOMEM(err);
}
