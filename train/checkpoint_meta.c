#include "train/checkpoint_meta.h"

#include "data/base/mem.h"
#include "data/json.h"
#include "data/jsonw.h"

#include <string.h>

enum { DIGEST_DIGITS = 64 };

void rid_checkpoint_meta_free(rid_checkpoint_meta *m)
{
    rid_mem_free(m->schema);
    rid_mem_free(m->filter);
    rid_mem_free(m->provenance);
    rid_mem_free(m->operating_point);
    *m = (rid_checkpoint_meta){0};
}

static bool is_digest(rid_str s)
{
    bool ok = s.len == DIGEST_DIGITS;
    for (size_t i = 0; ok && i < s.len; i++)
        ok = s.data[i] && strchr("0123456789abcdef", s.data[i]);
    return ok;
}

static rid_status take_object(char **out, rid_json root, const char *key, rid_err *err)
{
    rid_json v;
    if (!rid_json_find(root, key, &v) || rid_json_type_of(v) == RID_JSON_NULL)
        return RID_OK;
    if (rid_json_type_of(v) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_EDATA, "'%s': expected an object or null, found %s", key,
                        rid_json_type_name(rid_json_type_of(v)));
    rid_buf text = {0};
    rid_json_append(&text, v);
    *out = rid_buf_cstr(&text) ? rid_mem_strndup(text.data, text.len) : NULL;
    rid_buf_free(&text);
    return *out ? RID_OK : RID_FAIL_NOMEM(err);
}

static rid_status take_schema(char **out, rid_json root, rid_err *err)
{
    rid_json v;
    rid_str text;
    if (!rid_json_find(root, "schema", &v) || rid_json_type_of(v) == RID_JSON_NULL)
        return RID_OK;
    if (!rid_json_get_str(v, &text) || memchr(text.data, '\0', text.len))
        return RID_FAIL(err, RID_EDATA, "'schema': expected the text of a schema or null, found %s",
                        rid_json_type_name(rid_json_type_of(v)));
    *out = rid_mem_strndup(text.data, text.len);
    return *out ? RID_OK : RID_FAIL_NOMEM(err);
}

static rid_status check_version(rid_json root, rid_err *err)
{
    rid_json v;
    int64_t version;
    if (!rid_json_find(root, "format_version", &v) || !rid_json_get_i64(v, &version) || version < 1)
        return RID_FAIL(err, RID_EDATA, "'format_version': expected %d",
                        RID_CHECKPOINT_META_VERSION);
    if (version > RID_CHECKPOINT_META_VERSION)
        return RID_FAIL(err, RID_EDATA,
                        "'format_version' is %lld, of a later program; this one "
                        "reads %d",
                        (long long)version, RID_CHECKPOINT_META_VERSION);
    return RID_OK;
}

static rid_status take_members(rid_checkpoint_meta *out, rid_json root, rid_err *err)
{
    rid_str key, digest;
    rid_json v;
    if (rid_json_type_of(root) != RID_JSON_OBJECT)
        return RID_FAIL(err, RID_EDATA, "expected an object, found %s",
                        rid_json_type_name(rid_json_type_of(root)));
    if (rid_json_find_duplicate_key(root, &key))
        return RID_FAIL(err, RID_EDATA, "key '%.*s' occurs twice", RID_STR(key));
    rid_status st = check_version(root, err);
    if (st != RID_OK)
        return st;
    if (!rid_json_find(root, "weights_digest", &v) || !rid_json_get_str(v, &digest) ||
        !is_digest(digest))
        return RID_FAIL(err, RID_EDATA, "'weights_digest': expected 64 hexadecimal digits");
    memcpy(out->weights_digest, digest.data, DIGEST_DIGITS);
    st = take_schema(&out->schema, root, err);
    if (st == RID_OK)
        st = take_object(&out->filter, root, "filter", err);
    if (st == RID_OK)
        st = take_object(&out->provenance, root, "provenance", err);
    if (st == RID_OK)
        st = take_object(&out->operating_point, root, "operating_point", err);
    return st;
}

rid_status rid_checkpoint_meta_read(rid_checkpoint_meta *out, const char *json, rid_err *err)
{
    *out = (rid_checkpoint_meta){0};
    size_t n = strlen(json);
    rid_status st = RID_OK;
    rid_json root;
    rid_json_parser *parser = rid_json_parser_new();
    char *padded = rid_mem_zalloc(n + RID_JSON_PADDING, 1);
    if (!parser || !padded) {
        st = RID_FAIL_NOMEM(err);
        goto done;
    }
    memcpy(padded, json, n);
    st = rid_json_parse(parser, padded, n, &root, err);
    if (st == RID_OK)
        st = take_members(out, root, err);
    if (st != RID_OK)
        rid_err_prepend(err, "key 'rid'");
done:
    if (st != RID_OK)
        rid_checkpoint_meta_free(out);
    rid_mem_free(padded);
    rid_json_parser_free(parser);
    return st;
}

static void put_object(rid_jsonw *w, const char *key, const char *json)
{
    rid_jsonw_key(w, key);
    rid_jsonw_raw(w, rid_str_of(json ? json : "null"));
}

rid_status rid_checkpoint_meta_write(char **json, const rid_checkpoint_meta *m, rid_err *err)
{
    rid_buf text = {0};
    rid_jsonw w = {&text, false};
    rid_checkpoint_meta check;
    *json = NULL;
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "format_version");
    rid_jsonw_i64(&w, RID_CHECKPOINT_META_VERSION);
    rid_jsonw_key(&w, "schema");
    rid_jsonw_cstr(&w, m->schema);
    put_object(&w, "filter", m->filter);
    put_object(&w, "provenance", m->provenance);
    rid_jsonw_key(&w, "weights_digest");
    rid_jsonw_cstr(&w, m->weights_digest);
    put_object(&w, "operating_point", m->operating_point);
    rid_jsonw_end_object(&w);
    const char *whole = rid_buf_cstr(&text);
    /* The objects are others' text: what cannot be read again must not get into a checkpoint. */
    rid_status st = whole ? rid_checkpoint_meta_read(&check, whole, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        rid_checkpoint_meta_free(&check);
        *json = rid_mem_strndup(text.data, text.len);
        st = *json ? RID_OK : RID_FAIL_NOMEM(err);
    }
    rid_buf_free(&text);
    return st;
}

rid_status rid_checkpoint_meta_seal(rid_checkpoint *ck, rid_checkpoint_meta *m, rid_err *err)
{
    char *json;
    rid_status st = rid_checkpoint_digest(ck, m->weights_digest, err);
    if (st == RID_OK)
        st = rid_checkpoint_meta_write(&json, m, err);
    if (st != RID_OK)
        return st;
    rid_mem_free(ck->rid);
    ck->rid = json;
    return RID_OK;
}

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* From the quote that begins a string to after the one that ends it, or to the text's end. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

/* The value of the outermost object's "weights_digest", by its brackets and strings alone: the JSON
 * parser's workspace (megabytes, and 14 bytes for each of the text) is more than a reader of small
 * files may take, and the rest of the text does not matter here. */
static rid_str find_digest(const char *json)
{
    static const char key[] = "\"weights_digest\"";
    int depth = 0;
    for (const char *p = json; *p;) {
        if (*p != '"') {
            depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
            p++;
            continue;
        }
        const char *end = skip_string(p), *next = skip_space(end);
        bool is_key = depth == 1 && *next == ':' && (size_t)(end - p) == sizeof key - 1 &&
                      memcmp(p, key, sizeof key - 1) == 0;
        p = end;
        if (!is_key)
            continue;
        p = skip_space(next + 1);
        if (*p != '"')
            break;
        rid_str digest = {p + 1, (size_t)(skip_string(p) - p) - 2};
        if (is_digest(digest))
            return digest;
        break;
    }
    return (rid_str){0};
}

rid_status rid_checkpoint_meta_verify(const rid_checkpoint *ck, rid_err *err)
{
    char found[DIGEST_DIGITS + 1];
    rid_str expected = find_digest(ck->rid);
    if (!expected.data)
        return RID_FAIL(err, RID_EDATA,
                        "key 'rid': 'weights_digest': expected 64 hexadecimal "
                        "digits");
    rid_status st = rid_checkpoint_digest(ck, found, err);
    if (st != RID_OK)
        return st;
    if (!rid_str_equal(expected, rid_str_of(found)))
        return RID_FAIL(err, RID_EDATA,
                        "the weights are not the ones that were written: their "
                        "digest is %.12s…, the one in key 'rid' %.12s… (weights or sizes changed "
                        "since, or the file is damaged)",
                        found, expected.data);
    return RID_OK;
}
