#include "data/store_info.h"

#include "data/base/mem.h"
#include "data/jsonw.h"
#include "data/plain.h"
#include "data/schema.h"
#include "data/store_set.h"

#include <stdlib.h>

enum { FORMAT_VERSION = 1 };

typedef struct facts {
    const rid_store *store;
    const rid_store_info *info;
    uint64_t status[RID_ENTRY_FALLBACK + 1];
    uint64_t frames;
    size_t buckets, days, stores;
    rid_str first_day, last_day;
    rid_buf schema_id; /* empty without a schema */
    rid_json_parser *parser;
} facts;

static int by_text(const void *a, const void *b)
{
    return rid_str_compare(*(const rid_str *)a, *(const rid_str *)b);
}

static rid_status count_buckets(facts *f, rid_store_set *set, rid_err *err)
{
    rid_bucket *buckets;
    rid_status st = rid_store_set_group(set, &buckets, &f->buckets, err);
    if (st != RID_OK)
        return st;
    size_t n = f->buckets;
    rid_str *stores = rid_mem_alloc(n, sizeof *stores);
    if (!stores)
        st = RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && stores; i++) {
        stores[i] = buckets[i].store;
        f->days += i == 0 || !rid_str_equal(buckets[i - 1].day, buckets[i].day);
    }
    if (stores && n > 0) {
        qsort(stores, n, sizeof *stores, by_text);
        for (size_t i = 0; i < n; i++)
            f->stores += i == 0 || !rid_str_equal(stores[i - 1], stores[i]);
        f->first_day = buckets[0].day;
        f->last_day = buckets[n - 1].day;
    }
    rid_mem_free(stores);
    rid_mem_free(buckets);
    return st;
}

static rid_status read_schema_id(facts *f, rid_err *err)
{
    rid_schema *schema;
    if (f->info->schema[0] == '\0')
        return RID_OK;
    rid_status st = rid_schema_parse(&schema, rid_str_of(f->info->schema), "its schema", err);
    if (st == RID_ETEMP)
        return st;
    if (st != RID_OK) { /* in the store it is data, not configuration */
        rid_err_prepend(err, "%s", rid_store_path(f->store));
        if (err)
            err->code = RID_EDATA;
        return RID_EDATA;
    }
    rid_buf_append_str(&f->schema_id, rid_schema_id(schema));
    rid_schema_free(schema);
    return f->schema_id.failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

static rid_status gather_facts(facts *f, rid_store_set *set, rid_err *err)
{
    const rid_store *store = set->stores[0];
    size_t n = rid_store_count(store);
    f->store = store;
    f->info = rid_store_get_info(store);
    for (size_t row = 0; row < n; row++) {
        f->status[rid_entries_status(rid_store_entries(store), row)]++;
        f->frames += rid_store_frame_count(store, row);
    }
    rid_status st = count_buckets(f, set, err);
    return st == RID_OK ? read_schema_id(f, err) : st;
}

static void info_entries(rid_buf *out, const facts *f)
{
    const char *join = " (";
    rid_plain_append_label(out, "entries");
    rid_plain_append_count(out, rid_store_count(f->store));
    for (int i = 0; i <= RID_ENTRY_FALLBACK; i++) {
        if (f->status[i] == 0)
            continue;
        rid_buf_append_str(out, join);
        rid_plain_append_count(out, f->status[i]);
        rid_buf_printf(out, " %s", rid_entry_status_name((rid_entry_status)i));
        join = ", ";
    }
    rid_buf_append_str(out, join[0] == ',' ? ")\n" : "\n");
}

static void info_buckets(rid_buf *out, const facts *f)
{
    rid_plain_append_label(out, "buckets");
    rid_plain_append_count(out, f->buckets);
    rid_buf_append_char(out, '\n');
    rid_plain_append_label(out, "days");
    rid_plain_append_count(out, f->days);
    if (f->days == 1)
        rid_buf_printf(out, " (%.*s)", RID_STR(f->first_day));
    else if (f->days > 1)
        rid_buf_printf(out, " (%.*s to %.*s)", RID_STR(f->first_day), RID_STR(f->last_day));
    rid_buf_append_char(out, '\n');
    rid_plain_append_label(out, "stores");
    rid_plain_append_count(out, f->stores);
    rid_buf_append_char(out, '\n');
}

static void info_text(rid_buf *out, const facts *f)
{
    const rid_store_info *i = f->info;
    rid_plain_append_line(out, "path", rid_str_of(rid_store_path(f->store)));
    info_entries(out, f);
    info_buckets(out, f);
    rid_plain_append_line(out, "encoder", rid_str_of(i->encoder));
    rid_plain_append_line(out, "encoder hash", rid_str_of(i->encoder_hash));
    rid_plain_append_line(out, "kernel", rid_str_of(i->kernel));
    rid_plain_append_line(out, "filter", rid_str_of(i->filter));
    rid_plain_append_line(out, "schema", f->schema_id.len ? rid_buf_view(&f->schema_id) : rid_str_of("none"));
    rid_plain_append_label(out, "dimensions");
    rid_buf_printf(out, "frame %zu, attributes %zu, embedding %zu\n", i->vis_dim, i->attr_dim,
                   i->emb_dim);
    rid_plain_append_label(out, "frames");
    if (i->frames == RID_FRAMES_NONE) {
        rid_buf_append_str(out, "none\n");
    } else {
        rid_plain_append_count(out, f->frames);
        rid_buf_printf(out, " (%s)\n", rid_frames_kind_name(i->frames));
    }
    rid_plain_append_line(out, "operating point",
                rid_str_of(i->operating_point ? i->operating_point : "none"));
    rid_plain_append_label(out, "written by");
    rid_buf_append_str(out, "rid ");
    rid_plain_append(out, rid_str_of(i->tool_version));
    rid_buf_append_char(out, '\n');
    rid_plain_append_label(out, "size");
    rid_plain_append_bytes(out, rid_store_bytes(f->store));
    rid_buf_append_char(out, '\n');
    rid_plain_append_line(out, "digest", rid_str_of(rid_store_digest(f->store)));
}

/* A member that is JSON text in the store: as JSON, or, if it should be none, as a string. */
static void json_member(rid_jsonw *w, rid_json_parser *parser, const char *key, const char *text)
{
    rid_json root;
    rid_buf padded = {0};
    rid_jsonw_key(w, key);
    if (!text || !*text) {
        rid_jsonw_null(w);
        return;
    }
    rid_buf_append_str(&padded, text);
    if (!rid_buf_reserve(&padded, RID_JSON_PADDING))
        w->out->failed = true;
    else if (rid_json_parse(parser, padded.data, padded.len, &root, NULL) == RID_OK)
        rid_jsonw_raw(w, rid_str_of(text));
    else
        rid_jsonw_cstr(w, text);
    rid_buf_free(&padded);
}

static void text_member(rid_jsonw *w, const char *key, const char *value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_cstr(w, value);
}

static void count_member(rid_jsonw *w, const char *key, uint64_t value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_u64(w, value);
}

static void info_counts_json(rid_jsonw *w, const facts *f)
{
    rid_jsonw_key(w, "entries");
    rid_jsonw_begin_object(w);
    count_member(w, "total", rid_store_count(f->store));
    for (int i = 0; i <= RID_ENTRY_FALLBACK; i++)
        count_member(w, rid_entry_status_name((rid_entry_status)i), f->status[i]);
    rid_jsonw_end_object(w);
    count_member(w, "buckets", f->buckets);
    count_member(w, "days", f->days);
    count_member(w, "stores", f->stores);
    rid_jsonw_key(w, "first_day");
    rid_jsonw_str(w, f->first_day);
    rid_jsonw_key(w, "last_day");
    rid_jsonw_str(w, f->last_day);
    rid_jsonw_key(w, "frames");
    rid_jsonw_begin_object(w);
    text_member(w, "kind", rid_frames_kind_name(f->info->frames));
    count_member(w, "count", f->frames);
    rid_jsonw_end_object(w);
}

static void info_json(rid_jsonw *w, const facts *f)
{
    const rid_store_info *i = f->info;
    rid_jsonw_begin_object(w);
    text_member(w, "path", rid_store_path(f->store));
    count_member(w, "bytes", rid_store_bytes(f->store));
    text_member(w, "digest", rid_store_digest(f->store));
    text_member(w, "tool_version", i->tool_version);
    info_counts_json(w, f);
    text_member(w, "encoder", i->encoder);
    text_member(w, "encoder_hash", i->encoder_hash);
    text_member(w, "kernel", i->kernel);
    json_member(w, f->parser, "filter", i->filter);
    rid_jsonw_key(w, "schema_id");
    rid_jsonw_str(w, f->schema_id.len ? rid_buf_view(&f->schema_id) : (rid_str){NULL, 0});
    count_member(w, "vis_dim", i->vis_dim);
    count_member(w, "attr_dim", i->attr_dim);
    count_member(w, "emb_dim", i->emb_dim);
    json_member(w, f->parser, "operating_point", i->operating_point);
    rid_jsonw_end_object(w);
}

static rid_status add_info(rid_buf *text, rid_jsonw *w, rid_json_parser *parser, const char *path,
                           rid_err *err)
{
    facts f = {.parser = parser};
    rid_store_set set;
    rid_status st = rid_store_set_open(&set, &path, 1, 0, err);
    if (st != RID_OK)
        return st;
    st = gather_facts(&f, &set, err);
    if (st == RID_OK && w)
        info_json(w, &f);
    else if (st == RID_OK)
        info_text(text, &f);
    rid_buf_free(&f.schema_id);
    rid_store_set_close(&set);
    return st;
}

rid_status rid_store_info_report(rid_publish *out, const char *const *paths, size_t n, bool json,
                                 rid_err *err)
{
    rid_buf text = {0};
    rid_jsonw w = {&text, false};
    rid_json_parser *parser = rid_json_parser_new();
    rid_status st = parser ? RID_OK : RID_FAIL_NOMEM(err);
    if (json) {
        rid_jsonw_begin_object(&w);
        count_member(&w, "format_version", FORMAT_VERSION);
        rid_jsonw_key(&w, "stores");
        rid_jsonw_begin_array(&w);
    }
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        if (i > 0 && !json)
            rid_buf_append_char(&text, '\n');
        st = add_info(&text, json ? &w : NULL, parser, paths[i], err);
    }
    if (json) {
        rid_jsonw_end_array(&w);
        rid_jsonw_end_object(&w);
        rid_buf_append_char(&text, '\n');
    }
    if (st == RID_OK && text.failed)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && out)
        st = rid_publish_write(out, text.data, text.len, err);
    rid_json_parser_free(parser);
    rid_buf_free(&text);
    return st;
}
