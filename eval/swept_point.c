#include "eval/swept_point.h"

#include "data/base/mem.h"
#include "data/json_file.h"
#include "eval/calibrated_point.h"

#include <string.h>

/* That of thousands of buckets. */
static const size_t DOCUMENT_MAX = (size_t)256 << 20;

static const char NO_BUCKETS[] = "buckets, a list of objects with day_id and store_id, is missing:"
                                 " expected the best.json of rid-sweep";

/* A bucket as one text; ids have no NUL, so that no two buckets have the same. */
static rid_str key_of(rid_buf *out, rid_str day, rid_str store)
{
    rid_buf_clear(out);
    rid_buf_append(out, day.data, day.len);
    rid_buf_append_char(out, '\0');
    rid_buf_append(out, store.data, store.len);
    return rid_buf_view(out);
}

static bool find_id(rid_json bucket, const char *name, rid_str *out)
{
    rid_json v;
    return rid_json_find(bucket, name, &v) && rid_json_get_str(v, out);
}

static bool has_nul(rid_str s)
{
    return s.len > 0 && memchr(s.data, '\0', s.len);
}

static rid_status take_bucket(rid_swept_point *p, rid_json bucket, rid_buf *key, rid_err *err)
{
    rid_str day, store;
    uint32_t number;
    if (!find_id(bucket, "day_id", &day) || !find_id(bucket, "store_id", &store))
        return RID_FAIL(err, RID_EDATA, "%s", NO_BUCKETS);
    if (has_nul(day) || has_nul(store))
        return RID_FAIL(err, RID_EDATA,
                        "buckets: an id has a NUL character, which no id of a store has");
    const rid_str name = key_of(key, day, store);
    return key->failed ? RID_FAIL_NOMEM(err)
                       : rid_id_table_add(&p->buckets, name, &number, NULL, err);
}

static rid_status take_buckets(rid_swept_point *p, rid_json root, rid_err *err)
{
    rid_json buckets, bucket;
    rid_buf key = {0};
    rid_status st = RID_OK;
    if (!rid_json_find(root, "buckets", &buckets) || rid_json_type_of(buckets) != RID_JSON_ARRAY)
        return RID_FAIL(err, RID_EDATA, "%s", NO_BUCKETS);
    rid_json_iter it = rid_json_begin(buckets);
    while (st == RID_OK && rid_json_next(&it, NULL, &bucket))
        st = take_bucket(p, bucket, &key, err);
    rid_buf_free(&key);
    return st;
}

static rid_status take_members(rid_swept_point *p, rid_json root, const char *path, rid_err *err)
{
    rid_calibrated_point point;
    rid_status st = rid_calibrated_point_take(&point, root, err);
    if (st == RID_OK)
        st = take_buckets(p, root, err);
    if (st == RID_OK && !point.encoder_hash[0])
        st = RID_FAIL(err, RID_EDATA,
                      "encoder_hash is missing: expected the best.json of rid-sweep");
    if (st != RID_OK)
        return st;
    rid_calibrated_point_warn(&point, path);
    p->rule = point.rule;
    p->encoder_hash = rid_mem_strdup(point.encoder_hash);
    return p->encoder_hash ? RID_OK : RID_FAIL_NOMEM(err);
}

rid_status rid_swept_point_read(rid_swept_point *out, const char *path, rid_err *err)
{
    rid_json_file f;
    *out = (rid_swept_point){0};
    rid_status st = rid_json_file_open(&f, path, DOCUMENT_MAX, NULL, err);
    if (st == RID_OK && (st = take_members(out, f.root, path, err)) != RID_OK)
        rid_err_prepend(err, "%s", path);
    rid_json_file_close(&f);
    return st;
}

void rid_swept_point_clear(rid_swept_point *p)
{
    rid_mem_free(p->encoder_hash);
    rid_id_table_clear(&p->buckets);
    *p = (rid_swept_point){0};
}

static rid_status check_buckets(const rid_swept_point *p, const char *path,
                                const rid_sweep_data *data, rid_buf *key, rid_err *err)
{
    for (size_t b = 0; b < data->n_buckets; b++) {
        const rid_bucket *bucket = &data->buckets[b];
        const rid_str name = key_of(key, bucket->day, bucket->store);
        if (key->failed)
            return RID_FAIL_NOMEM(err);
        if (rid_id_table_find(&p->buckets, name, NULL))
            return RID_FAIL(err, RID_EDATA,
                            "%s comes from bucket %.*s/%.*s, too: a margin that was chosen on the"
                            " data of the bound breaks its promise; calibrate on other buckets",
                            path, RID_STR(bucket->day), RID_STR(bucket->store));
    }
    return RID_OK;
}

rid_status rid_swept_point_check(const rid_swept_point *p, const char *path,
                                 const rid_sweep_data *data, rid_err *err)
{
    const char *hash = rid_store_set_info(&data->set)->encoder_hash;
    rid_buf key = {0};
    if (strcmp(p->encoder_hash, hash) != 0)
        return RID_FAIL(err, RID_ECONFIG,
                        "%s is of another encoder (%.16s…) than the stores (%.16s…)", path,
                        p->encoder_hash, hash);
    const rid_status st = check_buckets(p, path, data, &key, err);
    rid_buf_free(&key);
    return st;
}
