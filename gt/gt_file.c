#include "gt/gt_file.h"

#include "data/json_file.h"
#include "data/jsonw.h"

#include <stdio.h>
#include <string.h>

enum { ID_DIGITS = 24 };
/* Larger than any ground truth made by hand, and bounded. */
static const size_t DOCUMENT_MAX = (size_t)1 << 30;
static const char FRAMES[] = "embeddings";

/* The member that a form is known by. */
static const char *const marks[] = {
    [RID_GT_PERSONS] = "persons", [RID_GT_ENTRY_MAP] = "entry_map", [RID_GT_MANIFEST] = "people"};

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

/* Reading one file. */
typedef struct reading {
    rid_gt_visit *visit;
    void *ctx;
    rid_str day;               /* of a manifest */
    const rid_gt_item *person; /* of the entries that are read */
    rid_buf rest, qualified;   /* scratch */
} reading;

static rid_status visit(const reading *r, rid_json_file *f, const rid_gt_item *item, rid_err *err)
{
    if (item->person.len == 0 || (item->entry.data && item->entry.len == 0)) {
        (void)RID_FAIL(err, RID_EDATA, "entry '%.*s' of person '%.*s': an id must not be empty",
                       RID_STR(item->entry), RID_STR(item->person));
        return rid_json_file_fail_here(f, err);
    }
    const rid_status st = r->visit(r->ctx, item, err);
    return st == RID_EDATA ? rid_json_file_fail_here(f, err) : st;
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
    if (is_key(key, FRAMES))
        return;
    if (rest->len > 0)
        rid_buf_append_char(rest, ',');
    rid_jsonw_quote(rest, key);
    rid_buf_append_char(rest, ':');
    rid_json_append(rest, v);
}

/* What is wanted of an object: an id by the name of id_key (NULL: none), "include"; the member skip_key
 * (NULL: none) is none of the rest. */
typedef struct members {
    const char *id_key, *skip_key;
    rid_str id;
    char digits[ID_DIGITS];
    bool include;
    rid_buf *rest;
} members;

static rid_status read_member(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    members *m = ctx;
    if (is_key(key, m->id_key)) {
        if (!take_id(v, m->digits, &m->id))
            return rid_json_file_fail_type(f, err, "an id: a text or a whole number", v);
    } else if (is_key(key, m->skip_key)) {
        return RID_OK;
    } else if (!is_key(key, "include")) {
        keep_member(m->rest, key, v);
    } else if (rid_json_type_of(v) != RID_JSON_NULL && !rid_json_get_bool(v, &m->include)) {
        return rid_json_file_fail_type(f, err, "true or false for 'include'", v);
    }
    return RID_OK;
}

/* r->rest becomes the members that are not asked for. */
static rid_status read_object(reading *r, rid_json_file *f, rid_json object, members *m,
                              rid_err *err)
{
    rid_buf_clear(&r->rest);
    m->rest = &r->rest;
    m->include = true;
    if (rid_json_type_of(object) != RID_JSON_OBJECT)
        return rid_json_file_fail_type(f, err, "an object", object);
    rid_status st = rid_json_file_each(f, object, read_member, m, err);
    if (st == RID_OK && m->id_key && !m->id.data) {
        char expected[64];
        snprintf(expected, sizeof expected, "an object with '%s'", m->id_key);
        st = rid_json_file_fail_type(f, err, expected, object);
    }
    return st == RID_OK && r->rest.failed ? RID_FAIL_NOMEM(err) : st;
}

/* Goes into the member that holds an array; false, with nothing to leave, where there is none. */
static bool enter_array(rid_json_file *f, rid_json object, const char *name, rid_json *v)
{
    if (!rid_json_file_enter(f, object, name, v))
        return false;
    if (rid_json_type_of(*v) == RID_JSON_ARRAY)
        return true;
    rid_json_file_leave(f);
    return false;
}

/* ---- the forms ---- */

static rid_status read_plain_label(rid_json_file *f, void *ctx, rid_str entry, rid_json v,
                                   rid_err *err)
{
    char digits[ID_DIGITS];
    rid_gt_item item = {.entry = entry, .include = true, .person_include = true};
    return take_id(v, digits, &item.person) ? visit(ctx, f, &item, err)
                                            : rid_json_file_fail_type(f, err, "a person_id", v);
}

static rid_status read_mapped_entry(rid_json_file *f, void *ctx, rid_str entry, rid_json v,
                                    rid_err *err)
{
    reading *r = ctx;
    members m = {.id_key = "person_id"};
    const rid_status st = read_object(r, f, v, &m, err);
    return st == RID_OK
               ? visit(r, f, &(rid_gt_item){entry, m.id, m.include, true, rid_buf_view(&r->rest)},
                       err)
               : st;
}

static rid_status read_entry(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    reading *r = ctx;
    members m = {.id_key = "entry_id"};
    (void)key;
    const rid_status st = read_object(r, f, v, &m, err);
    return st == RID_OK ? visit(r, f,
                                &(rid_gt_item){m.id, r->person->person, m.include,
                                               r->person->include, rid_buf_view(&r->rest)},
                                err)
                        : st;
}

static rid_status read_person(rid_json_file *f, void *ctx, rid_str id, rid_json v, rid_err *err)
{
    reading *r = ctx;
    members m = {.skip_key = "entries"};
    rid_json entries;
    rid_status st = read_object(r, f, v, &m, err);
    if (st != RID_OK)
        return st;
    const rid_gt_item person = {.person = id,
                                .include = m.include,
                                .person_include = m.include,
                                .rest = rid_buf_view(&r->rest)};
    st = visit(r, f, &person, err);
    if (st != RID_OK)
        return st;
    if (!enter_array(f, v, "entries", &entries))
        return rid_json_file_fail_type(f, err, "an object with an array 'entries'", v);
    r->person = &person;
    st = rid_json_file_each(f, entries, read_entry, r, err);
    rid_json_file_leave(f);
    return st;
}

static rid_status read_event(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
{
    const reading *r = ctx;
    rid_gt_item item = {
        .person = rid_buf_view(&r->qualified), .include = true, .person_include = true};
    rid_json id;
    char digits[ID_DIGITS];
    (void)key;
    if (!rid_json_find(v, "entry_id", &id) || !take_id(id, digits, &item.entry))
        return rid_json_file_fail_type(f, err, "an object with 'entry_id'", v);
    return visit(r, f, &item, err);
}

static rid_status read_manifest_person(rid_json_file *f, void *ctx, rid_str key, rid_json v,
                                       rid_err *err)
{
    reading *r = ctx;
    rid_json id, events, first_seen;
    rid_str name;
    char digits[ID_DIGITS];
    (void)key;
    if (!rid_json_find(v, "person_id", &id) || !take_id(id, digits, &name) ||
        !enter_array(f, v, "events", &events))
        return rid_json_file_fail_type(f, err, "an object with 'person_id' and an array 'events'",
                                       v);
    rid_buf_clear(&r->qualified);
    rid_buf_append(&r->qualified, r->day.data, r->day.len);
    rid_buf_append_str(&r->qualified, r->day.len > 0 ? "/" : "");
    rid_buf_append(&r->qualified, name.data, name.len);
    rid_buf_clear(&r->rest);
    if (rid_json_find(v, "first_seen", &first_seen))
        keep_member(&r->rest, (rid_str){"first_seen", 10}, first_seen);
    const rid_gt_item person = {.person = rid_buf_view(&r->qualified),
                                .include = true,
                                .person_include = true,
                                .rest = rid_buf_view(&r->rest)};
    rid_status st =
        r->qualified.failed || r->rest.failed ? RID_FAIL_NOMEM(err) : visit(r, f, &person, err);
    if (st == RID_OK)
        st = rid_json_file_each(f, events, read_event, r, err);
    rid_json_file_leave(f);
    return st;
}

/* Goes into the labels; a document of entries is its labels. */
static rid_gt_form enter_form(rid_json_file *f, rid_json *labels)
{
    for (rid_gt_form form = RID_GT_PERSONS; form <= RID_GT_MANIFEST; form++) {
        const rid_json_type type = form == RID_GT_MANIFEST ? RID_JSON_ARRAY : RID_JSON_OBJECT;
        if (!rid_json_file_enter(f, f->root, marks[form], labels))
            continue;
        if (rid_json_type_of(*labels) == type)
            return form;
        rid_json_file_leave(f);
    }
    *labels = f->root;
    return RID_GT_PLAIN;
}

/* The members beside the labels. */
static rid_status visit_rest(reading *r, const rid_json_file *f, const char *mark, rid_err *err)
{
    rid_json_iter it = rid_json_begin(f->root);
    rid_json v;
    rid_str key = {0};
    rid_buf_clear(&r->rest);
    while (rid_json_next(&it, &key, &v))
        if (!is_key(key, mark) && !is_key(key, "format_version"))
            keep_member(&r->rest, key, v);
    if (r->rest.failed)
        return RID_FAIL_NOMEM(err);
    const rid_gt_item item = {.include = true, .rest = rid_buf_view(&r->rest)};
    return r->rest.len == 0 ? RID_OK : r->visit(r->ctx, &item, err);
}

static rid_status read_root(reading *r, rid_json_file *f, rid_gt_form *form, rid_err *err)
{
    static rid_json_file_child *const read_child[] = {[RID_GT_PLAIN] = read_plain_label,
                                                      [RID_GT_PERSONS] = read_person,
                                                      [RID_GT_ENTRY_MAP] = read_mapped_entry,
                                                      [RID_GT_MANIFEST] = read_manifest_person};
    rid_json labels, day;
    rid_status st = RID_OK;
    if (rid_json_type_of(f->root) != RID_JSON_OBJECT)
        return rid_json_file_fail_type(f, err,
                                       "ground truth: an object entry_id: person_id, or one with"
                                       " 'persons', 'entry_map' or 'people'",
                                       f->root);
    *form = enter_form(f, &labels);
    if (*form == RID_GT_PERSONS || *form == RID_GT_ENTRY_MAP)
        st = visit_rest(r, f, marks[*form], err);
    if (*form == RID_GT_MANIFEST && rid_json_find(f->root, "day_id", &day))
        (void)rid_json_get_str(day, &r->day);
    return st == RID_OK ? rid_json_file_each(f, labels, read_child[*form], r, err) : st;
}

rid_status rid_gt_file_read(const char *path, rid_gt_visit *visitor, void *ctx, rid_gt_form *form,
                            rid_err *err)
{
    rid_err mine = {0};
    reading r = {.visit = visitor, .ctx = ctx};
    rid_json_file f;
    rid_gt_form none;
    err = err ? err : &mine;
    rid_status st = rid_json_file_open(&f, path, DOCUMENT_MAX, FRAMES, err);
    if (st == RID_OK)
        st = read_root(&r, &f, form ? form : &none, err);
    rid_json_file_close(&f);
    rid_buf_free(&r.rest);
    rid_buf_free(&r.qualified);
    return st;
}
