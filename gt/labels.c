#include "gt/labels.h"

#include "data/base/mem.h"
#include "data/inflate.h"
#include "data/json.h"
#include "data/json_scan.h"
#include "gt/id_table.h"

#include <stdio.h>

enum { READ_BYTES = 1 << 20, ID_DIGITS = 24 };
/* Larger than any ground truth made by hand, and bounded. */
static const size_t DOCUMENT_MAX = (size_t)1 << 30;

static const uint32_t EXCLUDED = UINT32_MAX; /* as an entry's person */

/** An entry: its person, and the file that said so first. */
typedef struct label {
    uint32_t person;
    uint32_t file;
} label;

struct rid_labels {
    rid_id_table entries, persons;
    label *at; /* (entries.n) */
    size_t cap, n_excluded;
    uint32_t *order; /* labelled entries in order of first appearance */
    size_t order_cap, n_labelled;
};

/** Reading one file. */
typedef struct reading {
    rid_labels *l;
    const char *const *paths;
    uint32_t file;
    rid_err *err;
} reading;

static const char *path_of(const reading *r)
{
    return r->paths[r->file];
}

/* ---- labels ---- */

static rid_status fail_conflict(const reading *r, rid_str entry, const label *was, uint32_t now)
{
    static const rid_str excluded = {"(include: false)", 16};
    rid_str a = was->person == EXCLUDED ? excluded : rid_id_table_at(&r->l->persons, was->person);
    rid_str b = now == EXCLUDED ? excluded : rid_id_table_at(&r->l->persons, now);
    return RID_FAIL(r->err, RID_EDATA,
                    "%s: entry '%.*s' is person '%.*s', but person '%.*s' in %s: an entry is one person",
                    path_of(r), RID_STR(entry), RID_STR(b), RID_STR(a), r->paths[was->file]);
}

static rid_status add_label(const reading *r, rid_str entry, rid_str person, bool include)
{
    rid_labels *l = r->l;
    uint32_t number, who = EXCLUDED;
    bool added;
    if (entry.len == 0 || person.len == 0)
        return RID_FAIL(r->err, RID_EDATA, "%s: entry '%.*s' of person '%.*s': an id must not be empty",
                        path_of(r), RID_STR(entry), RID_STR(person));
    rid_status st = rid_id_table_add(&l->entries, entry, &number, &added, r->err);
    if (st == RID_OK && include)
        st = rid_id_table_add(&l->persons, person, &who, NULL, r->err);
    if (st != RID_OK)
        return st;
    if (!added)
        return l->at[number].person == who ? RID_OK : fail_conflict(r, entry, &l->at[number], who);
    if (rid_mem_grow(&l->at, &l->cap, l->entries.n, sizeof *l->at) != 0 ||
        rid_mem_grow(&l->order, &l->order_cap, l->n_labelled + 1, sizeof *l->order) != 0)
        return RID_FAIL_NOMEM(r->err);
    l->at[number] = (label){who, r->file};
    l->n_excluded += !include;
    if (include)
        l->order[l->n_labelled++] = number;
    return RID_OK;
}

/* ---- the three forms ---- */

static rid_status fail_type(const reading *r, rid_str key, const char *expected, rid_json v)
{
    return RID_FAIL(r->err, RID_EDATA, "%s: at '%.*s': expected %s, found %s", path_of(r), RID_STR(key),
                    expected, rid_json_type_name(rid_json_type_of(v)));
}

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

static rid_status read_include(const reading *r, rid_str key, rid_json object, bool *include)
{
    rid_json v;
    *include = true;
    if (!rid_json_find(object, "include", &v) || rid_json_type_of(v) == RID_JSON_NULL ||
        rid_json_get_bool(v, include))
        return RID_OK;
    return fail_type(r, key, "true or false for 'include'", v);
}

static rid_status read_plain(const reading *r, rid_json root)
{
    rid_json_iter it = rid_json_begin(root);
    rid_str entry, person;
    rid_json v;
    rid_status st = RID_OK;
    while (st == RID_OK && rid_json_next(&it, &entry, &v)) {
        char digits[ID_DIGITS];
        st = take_id(v, digits, &person) ? add_label(r, entry, person, true)
                                         : fail_type(r, entry, "a person_id", v);
    }
    return st;
}

static rid_status read_entry_map(const reading *r, rid_json map)
{
    rid_json_iter it = rid_json_begin(map);
    rid_str entry, person;
    rid_json object, v;
    rid_status st = RID_OK;
    while (st == RID_OK && rid_json_next(&it, &entry, &object)) {
        char digits[ID_DIGITS];
        bool include;
        if (!rid_json_find(object, "person_id", &v))
            return fail_type(r, entry, "an object with 'person_id'", object);
        if (!take_id(v, digits, &person))
            return fail_type(r, entry, "a person_id", v);
        st = read_include(r, entry, object, &include);
        if (st == RID_OK)
            st = add_label(r, entry, person, include);
    }
    return st;
}

static rid_status read_person(const reading *r, rid_str person, rid_json object)
{
    rid_json entries, e, v;
    bool included, include;
    rid_str entry;
    if (!rid_json_find(object, "entries", &entries) || rid_json_type_of(entries) != RID_JSON_ARRAY)
        return fail_type(r, person, "an object with an array 'entries'", object);
    rid_status st = read_include(r, person, object, &included);
    rid_json_iter it = rid_json_begin(entries);
    while (st == RID_OK && rid_json_next(&it, NULL, &e)) {
        char digits[ID_DIGITS];
        if (!rid_json_find(e, "entry_id", &v))
            return fail_type(r, person, "entries that are objects with 'entry_id'", e);
        if (!take_id(v, digits, &entry))
            return fail_type(r, person, "an entry_id", v);
        st = read_include(r, person, e, &include);
        if (st == RID_OK)
            st = add_label(r, entry, person, included && include);
    }
    return st;
}

static rid_status read_persons(const reading *r, rid_json persons)
{
    rid_json_iter it = rid_json_begin(persons);
    rid_str person;
    rid_json object;
    rid_status st = RID_OK;
    while (st == RID_OK && rid_json_next(&it, &person, &object))
        st = read_person(r, person, object);
    return st;
}

static rid_status read_root(const reading *r, rid_json root)
{
    rid_json v;
    rid_str key;
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return RID_FAIL(r->err, RID_EDATA,
                        "%s: ground truth: expected an object entry_id: person_id, or one with 'persons' or"
                        " 'entry_map'; found %s",
                        path_of(r), rid_json_type_name(rid_json_type_of(root)));
    if (rid_json_find_duplicate_key(root, &key))
        return RID_FAIL(r->err, RID_EDATA, "%s: key '%.*s' stands twice in one object", path_of(r),
                        RID_STR(key));
    if (rid_json_find(root, "persons", &v) && rid_json_type_of(v) == RID_JSON_OBJECT)
        return read_persons(r, v);
    if (rid_json_find(root, "entry_map", &v) && rid_json_type_of(v) == RID_JSON_OBJECT)
        return read_entry_map(r, v);
    return read_plain(r, root);
}

/* ---- files ---- */

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
static rid_status fail_syntax(const reading *r, rid_str text, const char *parser_says)
{
    rid_json_fault fault;
    if (!rid_json_diagnose(text.data, text.len, RID_JSON_DEPTH_MAX, &fault))
        return RID_FAIL(r->err, RID_EDATA, "%s: ground truth: %s", path_of(r), parser_says);
    size_t line = 1;
    for (size_t i = 0; i < fault.offset; i++)
        line += text.data[i] == '\n';
    return RID_FAIL(r->err, RID_EDATA, "%s: ground truth: line %zu, byte %zu: expected %s", path_of(r), line,
                    fault.offset, fault.expected);
}

static rid_status read_file(const reading *r)
{
    rid_buf text = {0};
    rid_json root;
    rid_err detail = {0};
    rid_json_parser *parser = rid_json_parser_new();
    rid_status st = parser ? read_text(&text, path_of(r), r->err) : RID_FAIL_NOMEM(r->err);
    if (st == RID_OK) {
        st = rid_json_parse(parser, text.data, text.len, &root, &detail);
        if (st == RID_EDATA)
            st = fail_syntax(r, rid_buf_view(&text), detail.message);
        else if (st != RID_OK)
            st = RID_FAIL_NOMEM(r->err);
    }
    if (st == RID_OK)
        st = read_root(r, root);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
    return st;
}

rid_status rid_labels_read(rid_labels **out, const char *const *paths, size_t n, rid_err *err)
{
    rid_labels *l = *out = rid_mem_zalloc(1, sizeof *l);
    rid_status st = l ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = read_file(&(reading){l, paths, (uint32_t)i, err});
    if (st != RID_OK) {
        rid_labels_free(l);
        *out = NULL;
    }
    return st;
}

void rid_labels_free(rid_labels *l)
{
    if (!l)
        return;
    rid_id_table_clear(&l->entries);
    rid_id_table_clear(&l->persons);
    rid_mem_free(l->at);
    rid_mem_free(l->order);
    rid_mem_free(l);
}

/* ---- asking ---- */

size_t rid_labels_count(const rid_labels *l)
{
    return l->n_labelled;
}

size_t rid_labels_person_count(const rid_labels *l)
{
    return l->persons.n;
}

size_t rid_labels_excluded_count(const rid_labels *l)
{
    return l->n_excluded;
}

void rid_labels_at(const rid_labels *l, size_t i, rid_str *entry_id, uint32_t *person)
{
    *entry_id = rid_id_table_at(&l->entries, l->order[i]);
    *person = l->at[l->order[i]].person;
}

rid_str rid_labels_person(const rid_labels *l, uint32_t person)
{
    return rid_id_table_at(&l->persons, person);
}

bool rid_labels_find(const rid_labels *l, rid_str entry_id, uint32_t *person)
{
    uint32_t number;
    if (!rid_id_table_find(&l->entries, entry_id, &number) || l->at[number].person == EXCLUDED)
        return false;
    if (person)
        *person = l->at[number].person;
    return true;
}

bool rid_labels_is_excluded(const rid_labels *l, rid_str entry_id)
{
    uint32_t number;
    return rid_id_table_find(&l->entries, entry_id, &number) && l->at[number].person == EXCLUDED;
}

bool rid_labels_find_person(const rid_labels *l, rid_str person_id, uint32_t *person)
{
    return rid_id_table_find(&l->persons, person_id, person);
}
