#include "gt/gt_file.h"

#include "data/base/mem.h"
#include "data/inflate.h"
#include "data/json.h"
#include "data/json_scan.h"
#include "data/jsonw.h"

#include <stdio.h>
#include <string.h>

enum { READ_BYTES = 1 << 20, ID_DIGITS = 24 };
/* Larger than any ground truth made by hand, and bounded. */
static const size_t DOCUMENT_MAX = (size_t)1 << 30;

/* The member that a form is known by. */
static const char *const marks[] = {[RID_GT_PERSONS] = "persons",
                                    [RID_GT_ENTRY_MAP] = "entry_map",
                                    [RID_GT_MANIFEST] = "people"};

static const char *const form_names[] = {"entries", "persons", "map", "manifest"};

const char *rid_gt_form_name(rid_gt_form f)
{
    return form_names[f];
}

bool rid_gt_form_parse(const char *name, rid_gt_form *form)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(name, form_names[i]) == 0) {
            *form = (rid_gt_form)i;
            return true;
        }
    return false;
}

/* Reading one file, and where in it: the places of the members and elements down to here. */
typedef struct reading {
    const char *path;
    rid_str text;
    rid_gt_visit *visit;
    void *ctx;
    size_t steps[RID_JSON_DEPTH_MAX + 1], depth;
    rid_buf rest, qualified; /* scratch */
    rid_err *err;
} reading;

/* ---- errors ---- */

/* Puts "file: line, byte" in front of what r->err says. */
static rid_status fail_at(const reading *r, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < r->text.len; i++)
        line += r->text.data[i] == '\n';
    return rid_err_prepend(r->err, "%s: line %zu, byte %zu", r->path, line, offset);
}

static rid_status fail_here(const reading *r)
{
    size_t offset = 0;
    rid_json_locate(r->text.data, r->text.len, r->steps, r->depth, &offset);
    return fail_at(r, offset);
}

static rid_status fail_type(const reading *r, const char *expected, rid_json v)
{
    (void)RID_FAIL(r->err, RID_EDATA, "expected %s, found %s", expected,
                   rid_json_type_name(rid_json_type_of(v)));
    return fail_here(r);
}

static rid_status visit(const reading *r, const rid_gt_item *item)
{
    if (item->person.len == 0 || (item->entry.data && item->entry.len == 0)) {
        (void)RID_FAIL(r->err, RID_EDATA, "entry '%.*s' of person '%.*s': an id must not be empty",
                       RID_STR(item->entry), RID_STR(item->person));
        return fail_here(r);
    }
    const rid_status st = r->visit(r->ctx, item, r->err);
    return st == RID_EDATA ? fail_here(r) : st;
}

/* ---- one object: an id, include, and the rest ---- */

/* An id: a text, or a whole number (as payloads may have them). digits: memory for that. */
static bool take_id(rid_json v, char digits[ID_DIGITS], rid_str *out)
{
    int64_t number;
    if (rid_json_get_str(v, out))
        return true;
    if (!rid_json_get_i64(v, &number))
        return false;
    int n = snprintf(digits, ID_DIGITS, "%lld", (long long)number);
    *out = (rid_str){digits, (size_t)n};
    return true;
}

static bool is_key(rid_str key, const char *name)
{
    return name && rid_str_equal(key, rid_str_of(name));
}

static void keep_member(rid_buf *rest, rid_str key, rid_json v)
{
    if (rest->len > 0)
        rid_buf_append_char(rest, ',');
    rid_jsonw_quote(rest, key);
    rid_buf_append_char(rest, ':');
    rid_json_append(rest, v);
}

/* Calls `child` for each member or element of v (none where it is a scalar), with r->steps leading there. */
typedef rid_status child_fn(reading *r, void *ctx, rid_str key, rid_json v);

static rid_status each_child(reading *r, rid_json v, child_fn *child, void *ctx)
{
    rid_json_iter it = rid_json_begin(v);
    rid_str key = {0};
    rid_json at;
    rid_status st = RID_OK;
    for (r->steps[r->depth++] = 0; st == RID_OK && rid_json_next(&it, &key, &at); r->steps[r->depth - 1]++)
        st = child(r, ctx, key, at);
    r->depth--;
    return st;
}

/* What is wanted of an object: an id by the name of id_key (NULL: none), "include", the value of skip_key
 * (NULL: none) and its place. */
typedef struct members {
    const char *id_key, *skip_key;
    rid_str id;
    char digits[ID_DIGITS];
    bool include, skipped;
    rid_json skip_value;
    size_t skip_place;
} members;

static rid_status read_member(reading *r, void *ctx, rid_str key, rid_json v)
{
    members *m = ctx;
    if (is_key(key, m->id_key)) {
        if (!take_id(v, m->digits, &m->id))
            return fail_type(r, "an id: a text or a whole number", v);
    } else if (is_key(key, m->skip_key)) {
        m->skipped = true;
        m->skip_value = v;
        m->skip_place = r->steps[r->depth - 1];
    } else if (!is_key(key, "include")) {
        keep_member(&r->rest, key, v);
    } else if (rid_json_type_of(v) != RID_JSON_NULL && !rid_json_get_bool(v, &m->include)) {
        return fail_type(r, "true or false for 'include'", v);
    }
    return RID_OK;
}

/* r->rest becomes the members that are not asked for. */
static rid_status read_object(reading *r, rid_json object, members *m)
{
    rid_buf_clear(&r->rest);
    m->include = true;
    if (rid_json_type_of(object) != RID_JSON_OBJECT)
        return fail_type(r, "an object", object);
    rid_status st = each_child(r, object, read_member, m);
    if (st == RID_OK && m->id_key && !m->id.data) {
        char expected[64];
        snprintf(expected, sizeof expected, "an object with '%s'", m->id_key);
        st = fail_type(r, expected, object);
    }
    return st == RID_OK && r->rest.failed ? RID_FAIL_NOMEM(r->err) : st;
}

/* ---- the forms ---- */

static rid_status read_plain_label(reading *r, void *ctx, rid_str entry, rid_json v)
{
    char digits[ID_DIGITS];
    rid_gt_item item = {.entry = entry, .include = true, .person_include = true};
    (void)ctx;
    return take_id(v, digits, &item.person) ? visit(r, &item) : fail_type(r, "a person_id", v);
}

static rid_status read_mapped_entry(reading *r, void *ctx, rid_str entry, rid_json v)
{
    members m = {.id_key = "person_id"};
    (void)ctx;
    rid_status st = read_object(r, v, &m);
    return st == RID_OK
               ? visit(r, &(rid_gt_item){entry, m.id, m.include, true, rid_buf_view(&r->rest)})
               : st;
}

/* Of the person in ctx. */
static rid_status read_entry(reading *r, void *ctx, rid_str key, rid_json v)
{
    const rid_gt_item *person = ctx;
    members m = {.id_key = "entry_id"};
    (void)key;
    rid_status st = read_object(r, v, &m);
    return st == RID_OK ? visit(r, &(rid_gt_item){m.id, person->person, m.include, person->include,
                                                  rid_buf_view(&r->rest)})
                        : st;
}

static rid_status read_person(reading *r, void *ctx, rid_str id, rid_json v)
{
    members m = {.skip_key = "entries"};
    (void)ctx;
    rid_status st = read_object(r, v, &m);
    if (st == RID_OK && (!m.skipped || rid_json_type_of(m.skip_value) != RID_JSON_ARRAY))
        st = fail_type(r, "an object with an array 'entries'", v);
    rid_gt_item person = {.person = id, .include = m.include, .person_include = m.include,
                          .rest = rid_buf_view(&r->rest)};
    if (st == RID_OK)
        st = visit(r, &person);
    r->steps[r->depth++] = m.skip_place;
    if (st == RID_OK)
        st = each_child(r, m.skip_value, read_entry, &person);
    r->depth--;
    return st;
}

/* A member and its place. */
static bool find_member(rid_json object, const char *name, rid_json_type type, rid_json *v, size_t *place)
{
    rid_json_iter it = rid_json_begin(object);
    rid_str key;
    for (*place = 0; it.object && rid_json_next(&it, &key, v); ++*place)
        if (is_key(key, name))
            return rid_json_type_of(*v) == type;
    return false;
}

/* An event holds frames: no more than its id is looked at. */
static rid_status read_event(reading *r, void *ctx, rid_str key, rid_json v)
{
    rid_gt_item item = {.person = *(rid_str *)ctx, .include = true, .person_include = true};
    rid_json id;
    char digits[ID_DIGITS];
    (void)key;
    if (!rid_json_find(v, "entry_id", &id) || !take_id(id, digits, &item.entry))
        return fail_type(r, "an object with 'entry_id'", v);
    return visit(r, &item);
}

static rid_status read_manifest_person(reading *r, void *ctx, rid_str key, rid_json v)
{
    const rid_str *day = ctx;
    rid_json id, events;
    rid_str person;
    char digits[ID_DIGITS];
    size_t place;
    (void)key;
    if (!rid_json_find(v, "person_id", &id) || !take_id(id, digits, &person) ||
        !find_member(v, "events", RID_JSON_ARRAY, &events, &place))
        return fail_type(r, "an object with 'person_id' and an array 'events'", v);
    rid_buf_clear(&r->qualified);
    rid_buf_append(&r->qualified, day->data, day->len);
    rid_buf_append_str(&r->qualified, day->len > 0 ? "/" : "");
    rid_buf_append(&r->qualified, person.data, person.len);
    if (r->qualified.failed)
        return RID_FAIL_NOMEM(r->err);
    person = rid_buf_view(&r->qualified);
    r->steps[r->depth++] = place;
    const rid_status st = each_child(r, events, read_event, &person);
    r->depth--;
    return st;
}

/* Makes r->steps lead to the second value of the key in one object. */
static bool find_second(reading *r, rid_json v, rid_str twice)
{
    rid_json_iter it = rid_json_begin(v);
    rid_json child;
    rid_str key = {0};
    size_t seen = 0;
    for (r->steps[r->depth++] = 0; rid_json_next(&it, &key, &child); r->steps[r->depth - 1]++) {
        seen += it.object && rid_str_equal(key, twice);
        if (seen == 2 || find_second(r, child, twice))
            return true;
    }
    r->depth--;
    return false;
}

static rid_gt_form form_of(rid_json root, rid_json *inside, size_t *place)
{
    static const rid_gt_form forms[] = {RID_GT_PERSONS, RID_GT_ENTRY_MAP, RID_GT_MANIFEST};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const rid_gt_form f = forms[i];
        if (find_member(root, marks[f], f == RID_GT_MANIFEST ? RID_JSON_ARRAY : RID_JSON_OBJECT, inside,
                        place))
            return f;
    }
    return RID_GT_PLAIN;
}

/* The members beside the labels. */
static rid_status visit_rest(reading *r, rid_json root, const char *mark)
{
    rid_json_iter it = rid_json_begin(root);
    rid_json v;
    rid_str key = {0};
    rid_buf_clear(&r->rest);
    while (rid_json_next(&it, &key, &v))
        if (!is_key(key, mark) && !is_key(key, "format_version"))
            keep_member(&r->rest, key, v);
    if (r->rest.failed)
        return RID_FAIL_NOMEM(r->err);
    return r->rest.len == 0
               ? RID_OK
               : r->visit(r->ctx, &(rid_gt_item){.include = true, .rest = rid_buf_view(&r->rest)}, r->err);
}

static rid_status read_root(reading *r, rid_json root, rid_gt_form *form)
{
    rid_json inside = root;
    rid_str key;
    size_t place = 0;
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return fail_type(r, "ground truth: an object entry_id: person_id, or one with 'persons',"
                            " 'entry_map' or 'people'", root);
    if (rid_json_find_duplicate_key(root, &key)) {
        (void)RID_FAIL(r->err, RID_EDATA, "key '%.*s' stands twice in one object", RID_STR(key));
        (void)find_second(r, root, key);
        return fail_here(r);
    }
    *form = form_of(root, &inside, &place);
    if (*form == RID_GT_PLAIN)
        return each_child(r, root, read_plain_label, NULL);
    static child_fn *const read_child[] = {[RID_GT_PERSONS] = read_person,
                                           [RID_GT_ENTRY_MAP] = read_mapped_entry,
                                           [RID_GT_MANIFEST] = read_manifest_person};
    rid_json v;
    rid_str day = {0};
    rid_status st = RID_OK;
    if (*form != RID_GT_MANIFEST)
        st = visit_rest(r, root, marks[*form]);
    else if (rid_json_find(root, "day_id", &v))
        (void)rid_json_get_str(v, &day);
    if (st != RID_OK)
        return st;
    r->steps[r->depth++] = place;
    return each_child(r, inside, read_child[*form], &day);
}

/* ---- the file ---- */

static rid_status read_text(rid_buf *out, const char *path, rid_err *err)
{
    rid_reader *reader = NULL;
    size_t got = 1;
    rid_status st = rid_reader_open(&reader, path, NULL, err);
    while (st == RID_OK && got > 0) {
        char *to = rid_buf_reserve(out, READ_BYTES);
        st = to ? rid_reader_read(reader, to, READ_BYTES, &got, err) : RID_FAIL_NOMEM(err);
        out->len += st == RID_OK ? got : 0;
        if (st == RID_OK && out->len > DOCUMENT_MAX)
            st = RID_FAIL(err, RID_EDATA, "%s: more than %zu MB of ground truth", path,
                          DOCUMENT_MAX >> 20);
    }
    rid_reader_close(reader);
    if (st == RID_OK && !rid_buf_reserve(out, RID_JSON_PADDING))
        st = RID_FAIL_NOMEM(err);
    return st;
}

/* Where the text breaks; the parser's own words where the grammar holds. */
static rid_status fail_syntax(const reading *r, const char *parser_says)
{
    rid_json_fault fault = {0};
    if (rid_json_diagnose(r->text.data, r->text.len, RID_JSON_DEPTH_MAX, &fault))
        (void)RID_FAIL(r->err, RID_EDATA, "expected %s", fault.expected);
    else
        (void)RID_FAIL(r->err, RID_EDATA, "%s", parser_says);
    return fail_at(r, fault.offset);
}

rid_status rid_gt_file_read(const char *path, rid_gt_visit *visitor, void *ctx, rid_gt_form *form,
                            rid_err *err)
{
    rid_err mine = {0}, detail = {0};
    reading r = {.path = path, .visit = visitor, .ctx = ctx, .err = err ? err : &mine};
    rid_buf text = {0};
    rid_json root;
    rid_gt_form none;
    rid_json_parser *parser = rid_json_parser_new();
    rid_status st = parser ? read_text(&text, path, r.err) : RID_FAIL_NOMEM(r.err);
    if (st == RID_OK) {
        r.text = rid_buf_view(&text);
        st = rid_json_parse(parser, text.data, text.len, &root, &detail);
        if (st == RID_EDATA)
            st = fail_syntax(&r, detail.message);
        else if (st != RID_OK)
            st = RID_FAIL_NOMEM(r.err);
    }
    if (st == RID_OK)
        st = read_root(&r, root, form ? form : &none);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
    rid_buf_free(&r.rest);
    rid_buf_free(&r.qualified);
    return st;
}
