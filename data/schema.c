#include "data/schema.h"

#include "data/base/mem.h"
#include "data/json_scan.h"
#include "data/textfile.h"

#include <math.h>
#include <string.h>

typedef enum field_type { ENUM, MULTILABEL, PROB_DICT, FLOAT, BOOL, OTHER } field_type;

typedef struct field {
    char *name;
    field_type type;
    char **values; /* vocabulary; NULL unless ENUM, MULTILABEL, PROB_DICT */
    size_t n_values;
    double lo, hi;
    size_t offset, dim; /* where in the vector */
} field;

struct rid_schema {
    char *id, *text;
    field *fields;
    size_t n_fields, dim;
};

enum { DIM_MAX = 1 << 20 };

void rid_schema_free(rid_schema *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_fields; i++) {
        for (size_t k = 0; k < s->fields[i].n_values; k++)
            rid_mem_free(s->fields[i].values[k]);
        rid_mem_free(s->fields[i].values);
        rid_mem_free(s->fields[i].name);
    }
    rid_mem_free(s->fields);
    rid_mem_free(s->id);
    rid_mem_free(s->text);
    rid_mem_free(s);
}

/* A scalar as the text it is matched by: a string's contents, otherwise its JSON. */
static rid_status scalar_text(rid_json v, rid_buf *out, rid_err *err)
{
    rid_str s;
    rid_buf_clear(out);
    if (rid_json_get_str(v, &s))
        rid_buf_append(out, s.data, s.len);
    else
        rid_json_append(out, v);
    return out->failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

static bool find_value(const field *f, rid_str text, size_t *index)
{
    for (size_t k = 0; k < f->n_values; k++) {
        if (rid_str_equal(rid_str_of(f->values[k]), text)) {
            *index = k;
            return true;
        }
    }
    return false;
}

static rid_status read_values(field *f, rid_json values, rid_err *err)
{
    rid_buf text = {0};
    rid_status st = RID_OK;
    rid_json v;
    size_t cap = 0, unused;
    if (rid_json_type_of(values) != RID_JSON_ARRAY)
        return RID_FAIL(err, RID_ECONFIG, "field '%s': expected an array 'values'", f->name);
    for (rid_json_iter it = rid_json_begin(values); rid_json_next(&it, NULL, &v);) {
        if (rid_json_type_of(v) == RID_JSON_ARRAY || rid_json_type_of(v) == RID_JSON_OBJECT) {
            st = RID_FAIL(err, RID_ECONFIG, "field '%s': a value that is %s", f->name,
                          rid_json_type_name(rid_json_type_of(v)));
            goto done;
        }
        if ((st = scalar_text(v, &text, err)) != RID_OK)
            goto done;
        if (find_value(f, rid_buf_view(&text), &unused)) {
            st = RID_FAIL(err, RID_ECONFIG, "field '%s': value '%.*s' stands twice", f->name,
                          RID_STR(rid_buf_view(&text)));
            goto done;
        }
        char *copy = rid_mem_strndup(rid_buf_view(&text).data, text.len);
        if (!copy || rid_mem_grow(&f->values, &cap, f->n_values + 1, sizeof *f->values) != 0) {
            rid_mem_free(copy);
            st = RID_FAIL_NOMEM(err);
            goto done;
        }
        f->values[f->n_values++] = copy;
    }
    if (f->n_values == 0)
        st = RID_FAIL(err, RID_ECONFIG, "field '%s': 'values' is empty", f->name);
done:
    rid_buf_free(&text);
    return st;
}

static rid_status read_range(field *f, rid_json definition, rid_err *err)
{
    rid_json range, v;
    double bounds[2] = {0, 0};
    size_t n = 0;
    f->lo = 0;
    f->hi = 1;
    if (!rid_json_find(definition, "range", &range) || rid_json_type_of(range) == RID_JSON_NULL)
        return RID_OK;
    bool good = rid_json_type_of(range) == RID_JSON_ARRAY;
    for (rid_json_iter it = rid_json_begin(range); good && rid_json_next(&it, NULL, &v); n++)
        good = n < 2 && rid_json_get_f64(v, &bounds[n]);
    if (!good || n != 2 || !(bounds[0] < bounds[1]) || !isfinite(bounds[1] - bounds[0]))
        return RID_FAIL(err, RID_ECONFIG, "field '%s': expected 'range': [lo, hi] with lo < hi",
                        f->name);
    f->lo = bounds[0];
    f->hi = bounds[1];
    return RID_OK;
}

static field_type type_of_name(rid_str name)
{
    static const char *const names[] = {"enum", "multilabel", "prob_dict", "float", "bool"};
    for (int i = 0; i < OTHER; i++)
        if (rid_str_equal(name, rid_str_of(names[i])))
            return (field_type)i;
    return OTHER;
}

static rid_status read_field(field *f, rid_json definition, rid_err *err)
{
    rid_json name, type, values;
    rid_str text, type_name;
    if (rid_json_type_of(definition) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_ECONFIG, "expected an object, found %s",
                        rid_json_type_name(rid_json_type_of(definition)));
    if (!rid_json_find(definition, "name", &name) || !rid_json_get_str(name, &text) || !text.len)
        return RID_FAIL(err, RID_ECONFIG, "expected a string 'name'");
    f->name = rid_mem_strndup(text.data, text.len);
    if (!f->name)
        return RID_FAIL_NOMEM(err);
    if (!rid_json_find(definition, "type", &type) || !rid_json_get_str(type, &type_name))
        return RID_FAIL(err, RID_ECONFIG, "field '%s': expected a string 'type'", f->name);
    f->type = type_of_name(type_name);
    f->dim = 1;
    if (f->type == FLOAT)
        return read_range(f, definition, err);
    if (f->type == BOOL || f->type == OTHER)
        return RID_OK;
    if (!rid_json_find(definition, "values", &values))
        return RID_FAIL(err, RID_ECONFIG, "field '%s': expected an array 'values'", f->name);
    rid_status st = read_values(f, values, err);
    f->dim = f->n_values;
    return st;
}

static rid_status read_fields(rid_schema *s, rid_json root, rid_err *err)
{
    rid_json fields, definition;
    size_t cap = 0;
    if (!rid_json_find(root, "fields", &fields) || rid_json_type_of(fields) != RID_JSON_ARRAY)
        return RID_FAIL(err, RID_ECONFIG, "expected an array 'fields'");
    for (rid_json_iter it = rid_json_begin(fields); rid_json_next(&it, NULL, &definition);) {
        if (rid_mem_grow(&s->fields, &cap, s->n_fields + 1, sizeof *s->fields) != 0)
            return RID_FAIL_NOMEM(err);
        field *f = &s->fields[s->n_fields++];
        *f = (field){0};
        rid_status st = read_field(f, definition, err);
        if (st != RID_OK) {
            rid_err_prepend(err, "fields[%zu]", s->n_fields - 1);
            return st;
        }
        for (size_t i = 0; i + 1 < s->n_fields; i++)
            if (strcmp(s->fields[i].name, f->name) == 0)
                return RID_FAIL(err, RID_ECONFIG, "field '%s' stands twice", f->name);
        f->offset = s->dim;
        s->dim += f->dim;
        if (s->dim > DIM_MAX)
            return RID_FAIL(err, RID_ECONFIG, "more than %d attribute dimensions", DIM_MAX);
    }
    if (s->n_fields == 0)
        return RID_FAIL(err, RID_ECONFIG, "'fields' is empty");
    return RID_OK;
}

static rid_status read_root(rid_schema *s, rid_json root, rid_err *err)
{
    rid_json id;
    rid_str text = {"", 0}, key;
    rid_buf compact = {0};
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_ECONFIG, "expected an object with 'schema_id' and 'fields'");
    if (rid_json_find_duplicate_key(root, &key))
        return RID_FAIL(err, RID_ECONFIG, "key '%.*s' stands twice in one object", RID_STR(key));
    if (rid_json_find(root, "schema_id", &id) && !rid_json_get_str(id, &text))
        return RID_FAIL(err, RID_ECONFIG, "'schema_id' is not a string");
    s->id = rid_mem_strndup(text.data, text.len);
    rid_json_append(&compact, root);
    s->text = rid_buf_cstr(&compact) ? rid_mem_strdup(compact.data) : NULL;
    rid_buf_free(&compact);
    if (!s->id || !s->text)
        return RID_FAIL_NOMEM(err);
    return read_fields(s, root, err);
}

/* Where the text breaks; the parser's own words where the grammar holds (a number out of range). */
static rid_status fail_syntax(rid_str text, const char *parser_says, rid_err *err)
{
    rid_json_fault fault;
    if (!rid_json_diagnose(text.data, text.len, RID_JSON_DEPTH_MAX, &fault))
        return RID_FAIL(err, RID_ECONFIG, "%s", parser_says);
    size_t line = 1;
    for (size_t i = 0; i < fault.offset; i++)
        line += text.data[i] == '\n';
    return RID_FAIL(err, RID_ECONFIG, "line %zu, byte %zu: expected %s", line, fault.offset,
                    fault.expected);
}

rid_status rid_schema_parse(rid_schema **out, rid_str text, const char *name, rid_err *err)
{
    rid_buf padded = {0};
    rid_json root;
    rid_err detail = {0};
    *out = NULL;
    rid_json_parser *parser = rid_json_parser_new();
    rid_schema *s = rid_mem_zalloc(1, sizeof *s);
    rid_buf_append(&padded, text.data, text.len);
    rid_status st = parser && s && rid_buf_reserve(&padded, RID_JSON_PADDING)
                        ? rid_json_parse(parser, padded.data, text.len, &root, &detail)
                        : RID_FAIL_NOMEM(&detail);
    if (st == RID_EDATA)
        st = fail_syntax(rid_buf_view(&padded), detail.message, err);
    else if (st != RID_OK)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = read_root(s, root, err);
    rid_json_parser_free(parser);
    rid_buf_free(&padded);
    if (st != RID_OK) {
        rid_schema_free(s);
        rid_err_prepend(err, "%s: attribute schema", name);
        return st;
    }
    *out = s;
    return RID_OK;
}

rid_status rid_schema_read(rid_schema **out, const char *path, rid_err *err)
{
    rid_buf text = {0};
    *out = NULL;
    rid_status st = rid_textfile_read(&text, path, RID_TEXTFILE_MAX, err);
    if (st == RID_OK)
        st = rid_schema_parse(out, rid_buf_view(&text), path, err);
    rid_buf_free(&text);
    return st;
}

size_t rid_schema_dim(const rid_schema *s)
{
    return s->dim;
}

const char *rid_schema_id(const rid_schema *s)
{
    return s->id;
}

const char *rid_schema_text(const rid_schema *s)
{
    return s->text;
}

/* ---- vectors ---- */

typedef struct vectoriser {
    rid_oov *oov;
    rid_buf text; /* scratch */
    rid_err *err;
} vectoriser;

static rid_status count_oov(vectoriser *z, const field *f, rid_str value)
{
    return rid_oov_add(z->oov, rid_str_of(f->name), value, 1, z->err);
}

static rid_status count_oov_json(vectoriser *z, const field *f, rid_json v)
{
    rid_status st = scalar_text(v, &z->text, z->err);
    return st == RID_OK ? count_oov(z, f, rid_buf_view(&z->text)) : st;
}

static rid_status set_label(vectoriser *z, const field *f, rid_json v, float *out)
{
    size_t index;
    rid_json_type t = rid_json_type_of(v);
    if (t == RID_JSON_NULL)
        return RID_OK;
    rid_status st = scalar_text(v, &z->text, z->err);
    if (st != RID_OK)
        return st;
    if (t == RID_JSON_ARRAY || t == RID_JSON_OBJECT || !find_value(f, rid_buf_view(&z->text), &index))
        return count_oov(z, f, rid_buf_view(&z->text));
    out[index] = 1.0f;
    return RID_OK;
}

static rid_status set_labels(vectoriser *z, const field *f, rid_json v, float *out)
{
    rid_json label;
    rid_status st = RID_OK;
    if (rid_json_type_of(v) != RID_JSON_ARRAY)
        return set_label(z, f, v, out);
    for (rid_json_iter it = rid_json_begin(v); st == RID_OK && rid_json_next(&it, NULL, &label);)
        st = set_label(z, f, label, out);
    return st;
}

static rid_status set_probabilities(vectoriser *z, const field *f, rid_json v, float *out)
{
    rid_str key;
    rid_json p;
    size_t index;
    double sum = 0, value;
    rid_status st = RID_OK;
    if (rid_json_type_of(v) != RID_JSON_OBJECT)
        return count_oov_json(z, f, v);
    for (rid_json_iter it = rid_json_begin(v); st == RID_OK && rid_json_next(&it, &key, &p);) {
        if (rid_json_type_of(p) == RID_JSON_NULL)
            continue;
        if (!find_value(f, key, &index) || !rid_json_get_f64(p, &value) || value < 0)
            st = count_oov(z, f, key);
        else
            sum += value;
    }
    for (rid_json_iter it = rid_json_begin(v); sum > 0 && rid_json_next(&it, &key, &p);)
        if (find_value(f, key, &index) && rid_json_get_f64(p, &value) && value >= 0)
            out[index] = isinf(sum) ? 0.0f : (float)(value / sum);
    return st;
}

static rid_status set_field(vectoriser *z, const field *f, rid_json v, float *out)
{
    double x;
    bool b;
    if (rid_json_type_of(v) == RID_JSON_NULL)
        return RID_OK;
    switch (f->type) {
    case ENUM:
        return set_label(z, f, v, out);
    case MULTILABEL:
        return set_labels(z, f, v, out);
    case PROB_DICT:
        return set_probabilities(z, f, v, out);
    case FLOAT:
        if (!rid_json_get_f64(v, &x))
            return count_oov_json(z, f, v);
        x = (x - f->lo) / (f->hi - f->lo);
        *out = (float)(x < 0 ? 0 : x > 1 ? 1 : x);
        return RID_OK;
    case BOOL:
        if (!rid_json_get_bool(v, &b))
            return count_oov_json(z, f, v);
        *out = b ? 1.0f : 0.0f;
        return RID_OK;
    case OTHER:
        return RID_OK;
    }
    return RID_OK;
}

rid_status rid_schema_vector(const rid_schema *s, const rid_json *attrs, float *out, rid_oov *oov,
                             rid_err *err)
{
    vectoriser z = {oov, {0}, err};
    rid_status st = RID_OK;
    rid_json v;
    for (size_t i = 0; i < s->dim; i++)
        out[i] = 0.0f;
    for (size_t i = 0; attrs && st == RID_OK && i < s->n_fields; i++) {
        const field *f = &s->fields[i];
        if (rid_json_find(*attrs, f->name, &v))
            st = set_field(&z, f, v, out + f->offset);
    }
    rid_buf_free(&z.text);
    return st;
}
