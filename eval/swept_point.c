#include "eval/swept_point.h"

#include "data/base/mem.h"
#include "data/json_file.h"
#include "eval/calibrated_point.h"

#include <string.h>

/* That of thousands of buckets. */
static const size_t DOCUMENT_MAX = (size_t)256 << 20;

/* A bucket's name. A day has no NUL, so that two names are never one. */
static bool append_name(rid_buf *out, rid_json bucket)
{
    rid_json day, store;
    rid_str day_id, store_id;
    if (!rid_json_find(bucket, "day_id", &day) || !rid_json_get_str(day, &day_id) ||
        !rid_json_find(bucket, "store_id", &store) || !rid_json_get_str(store, &store_id))
        return false;
    rid_buf_append(out, day_id.data, day_id.len);
    rid_buf_append_char(out, '\0');
    rid_buf_append(out, store_id.data, store_id.len);
    rid_buf_append_char(out, '\0');
    return true;
}

static rid_status take_buckets(rid_swept_point *p, rid_json root, rid_err *err)
{
    rid_json buckets, bucket;
    bool ok = rid_json_find(root, "buckets", &buckets) &&
              rid_json_type_of(buckets) == RID_JSON_ARRAY;
    rid_json_iter it = ok ? rid_json_begin(buckets) : (rid_json_iter){0};
    while (ok && rid_json_next(&it, NULL, &bucket))
        ok = append_name(&p->buckets, bucket);
    if (!ok)
        return RID_FAIL(err, RID_EDATA, "buckets, a list of objects with day_id and store_id, is missing:"
                        " expected the best.json of rid-sweep");
    return p->buckets.failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

static rid_status take_members(rid_swept_point *p, rid_json root, rid_err *err)
{
    rid_calibrated_point point;
    rid_status st = rid_calibrated_point_take(&point, root, err);
    if (st == RID_OK)
        st = take_buckets(p, root, err);
    if (st == RID_OK && !point.encoder_hash[0])
        st = RID_FAIL(err, RID_EDATA, "encoder_hash is missing: expected the best.json of rid-sweep");
    if (st != RID_OK)
        return st;
    p->rule = point.rule;
    p->encoder_hash = rid_mem_strdup(point.encoder_hash);
    return p->encoder_hash ? RID_OK : RID_FAIL_NOMEM(err);
}

rid_status rid_swept_point_read(rid_swept_point *out, const char *path, rid_err *err)
{
    rid_json_file f;
    *out = (rid_swept_point){0};
    rid_status st = rid_json_file_open(&f, path, DOCUMENT_MAX, NULL, err);
    if (st == RID_OK && (st = take_members(out, f.root, err)) != RID_OK)
        rid_err_prepend(err, "%s", path);
    rid_json_file_close(&f);
    return st;
}

void rid_swept_point_clear(rid_swept_point *p)
{
    rid_mem_free(p->encoder_hash);
    rid_buf_free(&p->buckets);
    *p = (rid_swept_point){0};
}

static bool was_swept(const rid_swept_point *p, const rid_bucket *b)
{
    for (size_t at = 0; at < p->buckets.len;) {
        const rid_str day = rid_str_of(p->buckets.data + at);
        const rid_str store = rid_str_of(day.data + day.len + 1);
        if (rid_str_equal(day, b->day) && rid_str_equal(store, b->store))
            return true;
        at += day.len + store.len + 2;
    }
    return false;
}

rid_status rid_swept_point_check(const rid_swept_point *p, const char *path,
                                 const rid_sweep_data *data, rid_err *err)
{
    const char *hash = rid_store_set_info(&data->set)->encoder_hash;
    if (strcmp(p->encoder_hash, hash) != 0)
        return RID_FAIL(err, RID_ECONFIG,
                        "%s is of another encoder (%.16s…) than the stores (%.16s…)", path,
                        p->encoder_hash, hash);
    for (size_t b = 0; b < data->n_buckets; b++)
        if (was_swept(p, &data->buckets[b]))
            return RID_FAIL(err, RID_EDATA,
                            "%s comes from bucket %.*s/%.*s, too: a margin that was chosen on the"
                            " data of the bound breaks its promise; calibrate on other buckets",
                            path, RID_STR(data->buckets[b].day), RID_STR(data->buckets[b].store));
    return RID_OK;
}
