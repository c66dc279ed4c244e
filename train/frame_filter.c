#include "train/frame_filter.h"

#include "data/base/mem.h"
#include "data/json.h"
#include "data/jsonw.h"
#include "eval/kernel.h"

#include <math.h>
#include <string.h>

/* Added to the standard deviation of the cosines. */
#define DEVIATION_FLOOR 1e-6

rid_filter rid_filter_default(void)
{
    return (rid_filter){.on = true,
                        .duplicate_cos = 0.999,
                        .outlier_z = -1.7,
                        .max_drop = 4,
                        .min_keep = 4,
                        .max_frames = 0,
                        .empty = RID_EMPTY_SKIP};
}

void rid_filter_write_json(const rid_filter *f, rid_buf *out)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "on");
    rid_jsonw_bool(&w, f->on);
    rid_jsonw_key(&w, "duplicate_cos");
    rid_jsonw_f64(&w, f->duplicate_cos);
    rid_jsonw_key(&w, "outlier_z");
    rid_jsonw_f64(&w, f->outlier_z);
    rid_jsonw_key(&w, "max_drop");
    rid_jsonw_i64(&w, f->max_drop);
    rid_jsonw_key(&w, "min_keep");
    rid_jsonw_i64(&w, f->min_keep);
    rid_jsonw_key(&w, "max_frames");
    rid_jsonw_i64(&w, f->max_frames);
    rid_jsonw_key(&w, "empty");
    rid_jsonw_cstr(&w, f->empty == RID_EMPTY_SKIP ? "skip" : "fallback");
    rid_jsonw_end_object(&w);
}

static bool read_member(rid_filter *f, rid_str key, rid_json v)
{
    rid_str text;
    if (rid_str_equal(key, rid_str_of("on")))
        return rid_json_get_bool(v, &f->on);
    if (rid_str_equal(key, rid_str_of("duplicate_cos")))
        return rid_json_get_f64(v, &f->duplicate_cos);
    if (rid_str_equal(key, rid_str_of("outlier_z")))
        return rid_json_get_f64(v, &f->outlier_z);
    if (rid_str_equal(key, rid_str_of("max_drop")))
        return rid_json_get_i64(v, &f->max_drop);
    if (rid_str_equal(key, rid_str_of("min_keep")))
        return rid_json_get_i64(v, &f->min_keep);
    if (rid_str_equal(key, rid_str_of("max_frames")))
        return rid_json_get_i64(v, &f->max_frames);
    if (!rid_str_equal(key, rid_str_of("empty")))
        return true;
    if (!rid_json_get_str(v, &text))
        return false;
    f->empty = rid_str_equal(text, rid_str_of("fallback")) ? RID_EMPTY_FALLBACK : RID_EMPTY_SKIP;
    return f->empty == RID_EMPTY_FALLBACK || rid_str_equal(text, rid_str_of("skip"));
}

rid_status rid_filter_read_json(rid_filter *f, rid_str json, rid_err *err)
{
    rid_buf padded = {0};
    rid_json root, v;
    rid_str key;
    rid_json_parser *parser = rid_json_parser_new();
    rid_buf_append(&padded, json.data, json.len);
    rid_status st = parser && rid_buf_reserve(&padded, RID_JSON_PADDING)
                        ? rid_json_parse(parser, padded.data, json.len, &root, err)
                        : RID_FAIL_NOMEM(err);
    if (st == RID_OK && rid_json_type_of(root) != RID_JSON_OBJECT)
        st = RID_FAIL(err, RID_EDATA, "expected an object, found %s",
                      rid_json_type_name(rid_json_type_of(root)));
    rid_json_iter it = {0};
    if (st == RID_OK)
        it = rid_json_begin(root);
    while (st == RID_OK && rid_json_next(&it, &key, &v))
        if (!read_member(f, key, v))
            st = RID_FAIL(err, RID_EDATA, "the value of '%.*s' (%s) is none it can have",
                          RID_STR(key), rid_json_type_name(rid_json_type_of(v)));
    rid_json_parser_free(parser);
    rid_buf_free(&padded);
    if (st == RID_OK)
        st = rid_filter_check(f, err);
    return st == RID_OK ? st : rid_err_prepend(err, "frame-filter settings");
}

rid_status rid_filter_check(const rid_filter *f, rid_err *err)
{
    if (!(f->duplicate_cos > -1 && f->duplicate_cos <= 2))
        return RID_FAIL(err, RID_ECONFIG, "the duplicate cosine %g is not in (-1, 2]",
                        f->duplicate_cos);
    if (!isfinite(f->outlier_z))
        return RID_FAIL(err, RID_ECONFIG, "the outlier z-score is not finite");
    if (f->max_drop < 0 || f->min_keep < 0 || f->max_frames < 0)
        return RID_FAIL(err, RID_ECONFIG, "max_drop, min_keep and max_frames may not be negative");
    return RID_OK;
}

static void drop_duplicates(const rid_filter *f, const float *x, const double *inverse_norm,
                            size_t n, size_t dim, uint8_t *kept)
{
    const rid_kernel *k = rid_kernel_get();
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i && kept[i]; j++) {
            if (!kept[j])
                continue;
            double cosine = (double)k->dot(x + i * dim, x + j * dim, dim) * inverse_norm[i] *
                            inverse_norm[j];
            if (cosine >= f->duplicate_cos)
                kept[i] = 0;
        }
    }
}

/* z-scores of the kept frames' cosines to their normalised mean; false where the mean is zero. */
static bool outlier_scores(const float *x, const double *inverse_norm, size_t n, size_t dim,
                           const uint8_t *kept, size_t n_kept, double *z, float *mean)
{
    const rid_kernel *k = rid_kernel_get();
    memset(mean, 0, dim * sizeof *mean);
    for (size_t i = 0; i < n; i++)
        if (kept[i])
            k->axpy(mean, (float)(inverse_norm[i] / (double)n_kept), x + i * dim, dim);
    double norm = sqrt(k->sum_squares(mean, dim));
    if (norm <= RID_FRAME_NORM_MIN)
        return false;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++) {
        if (!kept[i])
            continue;
        z[i] = (double)k->dot(x + i * dim, mean, dim) * inverse_norm[i] / norm;
        sum += z[i];
    }
    double average = sum / (double)n_kept;
    for (size_t i = 0; i < n; i++)
        if (kept[i])
            squares += (z[i] - average) * (z[i] - average);
    double deviation = sqrt(squares / (double)n_kept) + DEVIATION_FLOOR;
    for (size_t i = 0; i < n; i++)
        z[i] = kept[i] ? (z[i] - average) / deviation : 0;
    return true;
}

static void drop_outliers(const rid_filter *f, size_t n, size_t n_kept, const double *z,
                          uint8_t *kept)
{
    size_t n_out = 0;
    for (size_t i = 0; i < n; i++)
        n_out += kept[i] && z[i] < f->outlier_z;
    size_t n_drop = n_out < (size_t)f->max_drop ? n_out : (size_t)f->max_drop;
    if (n_kept - n_drop < (size_t)f->min_keep)
        return;
    for (; n_drop > 0; n_drop--) {
        size_t worst = n;
        for (size_t i = 0; i < n; i++)
            if (kept[i] && z[i] < f->outlier_z && (worst == n || z[i] < z[worst]))
                worst = i;
        kept[worst] = 0;
    }
}

static size_t count(const uint8_t *kept, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += kept[i];
    return sum;
}

size_t rid_filter_run(const rid_filter *f, const float *x, const double *inverse_norm, size_t n,
                      size_t dim, uint8_t *kept, double *scratch, float *mean)
{
    for (size_t i = 0; i < n; i++)
        kept[i] = inverse_norm[i] > 0;
    if (!f->on)
        return count(kept, n);
    drop_duplicates(f, x, inverse_norm, n, dim, kept);
    size_t n_kept = count(kept, n);
    if (n_kept > (size_t)f->min_keep &&
        outlier_scores(x, inverse_norm, n, dim, kept, n_kept, scratch, mean))
        drop_outliers(f, n, n_kept, scratch, kept);
    int64_t room = f->max_frames;
    for (size_t i = 0; i < n && f->max_frames > 0; i++)
        if (kept[i] && room-- <= 0)
            kept[i] = 0;
    return count(kept, n);
}
