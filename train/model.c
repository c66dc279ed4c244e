#include "train/model.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "eval/calibrated_point.h"
#include "eval/kernel.h"
#include "train/checkpoint_meta.h"

#include <string.h>

void rid_model_close(rid_model *m)
{
    rid_encoder_free(m->encoder);
    rid_schema_free(m->schema);
    rid_mem_free(m->operating_point);
    *m = (rid_model){0};
}

size_t rid_model_vis_dim(const rid_model *m)
{
    return m->encoder ? rid_encoder_vis_dim(m->encoder) : 0;
}

/* One setting: what was given wins over the checkpoint's, and says so where they differ. */
static void override(bool given, bool differs, const char *name)
{
    if (given && differs)
        rid_log(RID_LOG_WARN, "%s differs from the checkpoint's filter settings; the one given is used",
                name);
}

static void merge_filter(rid_filter *f, const rid_filter *from_checkpoint, unsigned given)
{
    rid_filter c = *from_checkpoint, mine = *f;
#define SETTING(bit, member, name)                                                                 \
    do {                                                                                           \
        bool same = !(mine.member < c.member) && !(mine.member > c.member);                        \
        override(given & (bit), !same, name);                                                      \
        if (!(given & (bit)))                                                                      \
            f->member = c.member;                                                                  \
    } while (0)
    SETTING(RID_GIVEN_ON, on, "--filter");
    SETTING(RID_GIVEN_DUPLICATE_COS, duplicate_cos, "--filter-duplicate-cos");
    SETTING(RID_GIVEN_OUTLIER_Z, outlier_z, "--filter-outlier-z");
    SETTING(RID_GIVEN_MAX_DROP, max_drop, "--filter-max-drop");
    SETTING(RID_GIVEN_MIN_KEEP, min_keep, "--filter-min-keep");
    SETTING(RID_GIVEN_MAX_FRAMES, max_frames, "--filter-max-frames");
    SETTING(RID_GIVEN_EMPTY, empty, "--empty");
#undef SETTING
}

/* The checkpoint's key `rid`: filter settings, schema, operating point. */
static rid_status apply_meta(rid_model *m, const rid_checkpoint_meta *meta,
                             const rid_model_options *o, rid_err *err)
{
    rid_filter from_checkpoint = rid_filter_default();
    if (meta->filter) {
        rid_status st = rid_filter_read_json(&from_checkpoint, rid_str_of(meta->filter), err);
        if (st != RID_OK)
            return st;
        merge_filter(&m->filter, &from_checkpoint, o->given);
    }
    if (meta->operating_point && !(m->operating_point = rid_mem_strdup(meta->operating_point)))
        return RID_FAIL_NOMEM(err);
    if (!meta->schema)
        return RID_OK;
    rid_schema *own = NULL;
    rid_status st = rid_schema_parse(&own, rid_str_of(meta->schema), o->checkpoint, err);
    if (st != RID_OK)
        return st;
    bool agrees = !m->schema || strcmp(rid_schema_text(own), rid_schema_text(m->schema)) == 0;
    if (!agrees && o->schema_given)
        st = RID_FAIL(err, RID_ECONFIG,
                      "%s (%zu dimensions) is not the schema that %s was trained with (%zu"
                      " dimensions); leave --schema out to use that one",
                      o->schema_path, rid_schema_dim(m->schema), o->checkpoint, rid_schema_dim(own));
    else if (!agrees)
        rid_log(RID_LOG_WARN, "%s is left aside: %s brings its own schema", o->schema_path,
                o->checkpoint);
    if (st != RID_OK) {
        rid_schema_free(own);
        return st;
    }
    rid_schema_free(m->schema);
    m->schema = own;
    return RID_OK;
}

static rid_status check_schema(rid_model *m, const rid_checkpoint *ck, const rid_model_options *o,
                               rid_err *err)
{
    size_t attr_dim = (size_t)ck->attr_dim, dim = m->schema ? rid_schema_dim(m->schema) : 0;
    if (attr_dim == dim)
        return RID_OK;
    if (!m->schema)
        return RID_FAIL(err, RID_ECONFIG,
                        "%s reads %zu attribute dimensions and brings no schema: give --schema",
                        o->checkpoint, attr_dim);
    if (attr_dim == 0 && !o->schema_given) {
        rid_log(RID_LOG_WARN, "%s is left aside: %s reads no attributes", o->schema_path,
                o->checkpoint);
        rid_schema_free(m->schema);
        m->schema = NULL;
        return RID_OK;
    }
    return RID_FAIL(err, RID_ECONFIG, "the schema has %zu attribute dimensions, %s reads %zu", dim,
                    o->checkpoint, attr_dim);
}

/* An operating point is of one encoder: with another filter or schema than it was calibrated with, this
 * is not it. */
static rid_status check_point(rid_model *m, const rid_model_options *o, rid_err *err)
{
    rid_calibrated_point point;
    if (!m->operating_point)
        return RID_OK;
    rid_status st = rid_calibrated_point_parse(&point, m->operating_point, err);
    if (st != RID_OK)
        return rid_err_prepend(err, "%s: operating point", o->checkpoint);
    if (rid_calibrated_point_check(&point, rid_encoder_hash(m->encoder), "", NULL) == RID_OK)
        return RID_OK;
    rid_log(
        RID_LOG_WARN,
        "the operating point of %s is left aside: it was calibrated with another frame filter or"
        " schema",
        o->checkpoint);
    rid_mem_free(m->operating_point);
    m->operating_point = NULL;
    return RID_OK;
}

static rid_status open_checkpoint(rid_model *m, const rid_model_options *o, rid_err *err)
{
    rid_checkpoint ck;
    rid_checkpoint_meta meta = {0};
    rid_status st = rid_checkpoint_read(&ck, o->checkpoint, err);
    if (st != RID_OK)
        return st;
    if (ck.rid) {
        st = rid_checkpoint_meta_read(&meta, ck.rid, err);
        if (st == RID_OK)
            st = apply_meta(m, &meta, o, err);
        if (st != RID_OK && st != RID_ECONFIG)
            rid_err_prepend(err, "%s", o->checkpoint);
    }
    if (st == RID_OK)
        st = check_schema(m, &ck, o, err);
    if (st == RID_OK) {
        st = rid_encoder_new(&m->encoder, &ck, &m->filter,
                             m->schema ? rid_schema_text(m->schema) : NULL, o->threads, err);
        if (st != RID_OK)
            rid_err_prepend(err, "%s", o->checkpoint);
    }
    if (st == RID_OK)
        st = check_point(m, o, err);
    rid_checkpoint_meta_free(&meta);
    rid_checkpoint_free(&ck);
    return st;
}

rid_status rid_model_open(rid_model *out, const rid_model_options *o, rid_err *err)
{
    *out = (rid_model){.filter = o->filter};
    rid_status st = rid_kernel_check(err);
    if (st == RID_OK)
        st = rid_filter_check(&o->filter, err);
    if (st == RID_OK && o->schema_path)
        st = rid_schema_read(&out->schema, o->schema_path, err);
    if (st == RID_OK && o->checkpoint)
        st = open_checkpoint(out, o, err);
    if (st == RID_OK && !o->checkpoint && o->vis_dim)
        st = rid_model_set_vis_dim(out, o->vis_dim, err);
    if (st != RID_OK)
        rid_model_close(out);
    return st;
}

rid_status rid_model_set_vis_dim(rid_model *m, size_t vis_dim, rid_err *err)
{
    return rid_encoder_new_mean(&m->encoder, vis_dim, &m->filter, err);
}

rid_status rid_model_store_info(const rid_model *m, rid_frames_kind frames, rid_buf *filter,
                                rid_store_info *info, rid_err *err)
{
    rid_buf_clear(filter);
    rid_filter_write_json(&m->filter, filter);
    if (!rid_buf_cstr(filter))
        return RID_FAIL_NOMEM(err);
    *info = (rid_store_info){.encoder_hash = rid_encoder_hash(m->encoder),
                             .encoder = rid_encoder_kind(m->encoder),
                             .kernel = rid_kernel_get()->arithmetic,
                             .schema = m->schema ? rid_schema_text(m->schema) : "",
                             .filter = filter->data,
                             .operating_point = m->operating_point,
                             .tool_version = RID_VERSION,
                             .vis_dim = rid_encoder_vis_dim(m->encoder),
                             .attr_dim = m->schema ? rid_schema_dim(m->schema) : 0,
                             .emb_dim = rid_encoder_emb_dim(m->encoder),
                             .frames = frames};
    return RID_OK;
}
