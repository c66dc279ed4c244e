#include "train/point_checkpoint.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/schema.h"
#include "train/encoder.h"

#include <stdio.h>
#include <string.h>

/* Members that are not there become the stores'. */
static rid_status complete(rid_checkpoint_meta *m, const rid_store_info *stores, rid_err *err)
{
    if (!m->filter && !(m->filter = rid_mem_strdup(stores->filter)))
        return RID_FAIL_NOMEM(err);
    if (!m->schema && stores->schema[0] && !(m->schema = rid_mem_strdup(stores->schema)))
        return RID_FAIL_NOMEM(err);
    return RID_OK;
}

static rid_status check_hash(const rid_point_checkpoint *p, const char *path,
                             const rid_store_info *stores, int threads, rid_err *err)
{
    rid_filter filter = rid_filter_default();
    rid_schema *schema = NULL;
    rid_encoder *encoder = NULL;
    rid_status st = rid_filter_read_json(&filter, rid_str_of(p->meta.filter), err);
    if (st == RID_OK && p->meta.schema)
        st = rid_schema_parse(&schema, rid_str_of(p->meta.schema), path, err);
    if (st == RID_OK)
        st = rid_encoder_new(&encoder, &p->checkpoint, &filter,
                             schema ? rid_schema_text(schema) : NULL, threads, err);
    if (st == RID_OK && strcmp(rid_encoder_hash(encoder), stores->encoder_hash) != 0)
        st = RID_FAIL(err, RID_ECONFIG,
                      "it is another encoder (%.16s…) than that of the stores (%.16s…): weights,"
                      " schema or frame filter differ",
                      rid_encoder_hash(encoder), stores->encoder_hash);
    rid_encoder_free(encoder);
    rid_schema_free(schema);
    return st;
}

rid_status rid_point_checkpoint_open(rid_point_checkpoint *out, const char *path,
                                     const rid_store_info *stores, int threads, rid_err *err)
{
    *out = (rid_point_checkpoint){0};
    rid_status st = rid_checkpoint_read_extras(&out->checkpoint, &out->extras, path, err);
    if (st != RID_OK)
        return st;
    if (out->checkpoint.rid)
        st = rid_checkpoint_meta_read(&out->meta, out->checkpoint.rid, err);
    if (st == RID_OK)
        st = complete(&out->meta, stores, err);
    if (st == RID_OK)
        st = check_hash(out, path, stores, threads, err);
    return st == RID_OK ? st : rid_err_prepend(err, "%s", path);
}

void rid_point_checkpoint_clear(rid_point_checkpoint *p)
{
    rid_checkpoint_meta_free(&p->meta);
    rid_checkpoint_free(&p->checkpoint);
    rid_checkpoint_extras_clear(&p->extras);
}

static void say_dropped(const rid_checkpoint_extras *e, const char *path)
{
    char more[32] = "";
    if (e->n_dropped > RID_CHECKPOINT_DROPPED_NAMED)
        snprintf(more, sizeof more, ", and %zu more", e->n_dropped - RID_CHECKPOINT_DROPPED_NAMED);
    rid_log(RID_LOG_WARN, "%s leaves out what a copy of the checkpoint cannot keep: %.*s%s", path,
            RID_STR(rid_buf_view(&e->dropped)), more);
}

rid_status rid_point_checkpoint_write(rid_point_checkpoint *p, const char *point, rid_publish *out,
                                      const char *path, rid_err *err)
{
    char *copy = rid_mem_strdup(point);
    if (!copy)
        return RID_FAIL_NOMEM(err);
    rid_mem_free(p->meta.operating_point);
    p->meta.operating_point = copy;
    const rid_status st = rid_checkpoint_meta_seal(&p->checkpoint, &p->meta, err);
    if (st == RID_OK && p->extras.n_dropped > 0)
        say_dropped(&p->extras, path);
    return st == RID_OK ? rid_checkpoint_write_to(&p->checkpoint, &p->extras, out, path, err) : st;
}
