#include "train/tensorload.h"

#include "data/base/mem.h"
#include "data/half.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "storages hold little-endian numbers");

struct rid_tensorload {
    rid_zip *zip;
    rid_str prefix;
    rid_budget *budget;
    bool *checked;         /* per record: its CRC-32 has been compared */
    unsigned char *window; /* RID_ZIP_BLOCK_BYTES of the present storage */
};

/* A view's dimensions, largest stride first, so that the storage is read from front to back. */
typedef struct walk {
    const rid_zip_record *record;
    rid_pickle_dtype dtype;
    size_t element_bytes;
    int n_dims;
    struct {
        uint64_t n, src, dst; /* elements, and steps in the storage and in the result */
    } dim[RID_TENSOR_DIMS_MAX];
    uint64_t extent;              /* elements from the first to the last, both included */
    uint64_t window_at, window_n; /* the elements in the window */
} walk;

rid_status rid_tensorload_new(rid_tensorload **out, rid_zip *zip, rid_str prefix,
                              rid_budget *budget, rid_err *err)
{
    *out = NULL;
    size_t n = rid_zip_n_records(zip);
    rid_status st = rid_budget_take(budget, n + RID_ZIP_BLOCK_BYTES, 1, err);
    if (st != RID_OK)
        return st;
    rid_tensorload *l = rid_mem_zalloc(1, sizeof *l);
    if (!l)
        return RID_FAIL_NOMEM(err);
    *l = (rid_tensorload){.zip = zip, .prefix = prefix, .budget = budget};
    l->checked = rid_mem_zalloc(n, sizeof *l->checked);
    l->window = rid_mem_alloc(RID_ZIP_BLOCK_BYTES, 1);
    if (!l->checked || !l->window) {
        rid_tensorload_free(l);
        return RID_FAIL_NOMEM(err);
    }
    *out = l;
    return RID_OK;
}

void rid_tensorload_free(rid_tensorload *l)
{
    if (!l)
        return;
    rid_mem_free(l->checked);
    rid_mem_free(l->window);
    rid_mem_free(l);
}

static float element(const unsigned char *p, rid_pickle_dtype dtype)
{
    uint16_t half;
    uint32_t bits;
    float f;
    double d;
    switch (dtype) {
    case RID_DTYPE_F64:
        memcpy(&d, p, sizeof d);
        return (float)d;
    case RID_DTYPE_F16:
        memcpy(&half, p, sizeof half);
        rid_half_to_f32(&f, &half, 1);
        return f;
    case RID_DTYPE_BF16: /* the upper half of a float32 */
        memcpy(&half, p, sizeof half);
        bits = (uint32_t)half << 16;
        memcpy(&f, &bits, sizeof f);
        return f;
    default:
        memcpy(&f, p, sizeof f);
        return f;
    }
}

/* Shape, number of elements and the walk's dimensions (in the view's order, without those of 1). */
static rid_status read_shape(rid_tensor *out, walk *w, const rid_pickle_tensor *view, rid_err *err)
{
    size_t n_dims = view->shape->as.tuple.n;
    if (n_dims > RID_TENSOR_DIMS_MAX)
        return RID_FAIL(err, RID_EDATA, "has %zu dimensions; expected at most %d", n_dims,
                        RID_TENSOR_DIMS_MAX);
    out->n_dims = (int)n_dims;
    out->numel = 1;
    for (size_t i = n_dims; i-- > 0;) {
        uint64_t n = (uint64_t)view->shape->as.tuple.items[i]->as.integer;
        uint64_t stride = (uint64_t)view->stride->as.tuple.items[i]->as.integer;
        if (n > 1) {
            w->dim[w->n_dims].n = n;
            w->dim[w->n_dims].src = stride;
            w->dim[w->n_dims++].dst = out->numel;
        }
        out->shape[i] = (int64_t)n;
        if (__builtin_mul_overflow(out->numel, n, &out->numel) ||
            out->numel > SIZE_MAX / sizeof(double))
            return RID_FAIL(err, RID_EDATA, "has too many elements");
    }
    return RID_OK;
}

/* Sorts the dimensions and refuses a view that counts an element twice: an expanded one could make
 * a few bytes into any amount of memory. (Each step must leave behind all that the smaller ones
 * reach; views made by slicing, transposing and reshaping do.) */
static rid_status check_strides(walk *w, rid_err *err)
{
    for (int i = 1; i < w->n_dims; i++)
        for (int j = i; j > 0 && w->dim[j].src > w->dim[j - 1].src; j--) {
            walk copy = *w;
            w->dim[j] = copy.dim[j - 1];
            w->dim[j - 1] = copy.dim[j];
        }
    w->extent = 1;
    for (int i = w->n_dims; i-- > 0;) {
        uint64_t reach;
        if (w->dim[i].src < w->extent)
            return RID_FAIL(err, RID_EDATA,
                            "is expanded or overlaps itself; save a contiguous copy "
                            "(.clone())");
        if (__builtin_mul_overflow(w->dim[i].src, w->dim[i].n - 1, &reach) ||
            __builtin_add_overflow(w->extent, reach, &w->extent))
            return RID_FAIL(err, RID_EDATA, "leaves its storage");
    }
    return RID_OK;
}

static rid_status find_record(rid_tensorload *l, walk *w, const rid_pickle_storage *s, rid_err *err)
{
    static const size_t bytes_of[] = {
        [RID_DTYPE_F32] = 4, [RID_DTYPE_F64] = 8, [RID_DTYPE_F16] = 2, [RID_DTYPE_BF16] = 2};
    char name[RID_ZIP_NAME_MAX + 1];
    int n = snprintf(name, sizeof name, "%.*sdata/%.*s", RID_STR(l->prefix), RID_STR(s->key));
    w->record = n < (int)sizeof name ? rid_zip_find(l->zip, rid_str_of(name)) : NULL;
    if (!w->record)
        return RID_FAIL(err, RID_EDATA, "expected a record %.64s in the archive, found none", name);
    w->dtype = s->dtype;
    w->element_bytes = bytes_of[s->dtype];
    uint64_t numel = (uint64_t)s->numel;
    if (w->record->size % w->element_bytes || w->record->size / w->element_bytes != numel)
        return RID_FAIL(err, RID_EDATA, "%s: expected %llu numbers of %zu bytes, found %llu bytes",
                        name, (unsigned long long)numel, w->element_bytes,
                        (unsigned long long)w->record->size);
    return RID_OK;
}

/* CRC-32 of the record, once: tensors may share it. */
static rid_status check_record(rid_tensorload *l, const rid_zip_record *r, rid_err *err)
{
    size_t i = (size_t)(r - rid_zip_record_at(l->zip, 0));
    if (l->checked[i])
        return RID_OK;
    rid_status st = rid_zip_check(l->zip, r, err);
    l->checked[i] = st == RID_OK;
    return st;
}

/* Moves the window to begin at element `at`, the first not yet read. */
static rid_status move_window(rid_tensorload *l, walk *w, uint64_t at, uint64_t end, rid_err *err)
{
    uint64_t room = RID_ZIP_BLOCK_BYTES / w->element_bytes;
    w->window_at = at;
    w->window_n = end - at < room ? end - at : room;
    return rid_zip_read(l->zip, w->record, at * w->element_bytes, l->window,
                        (size_t)w->window_n * w->element_bytes, err);
}

/* Copies the innermost dimension, n elements from `at` on in steps of `src`, to out in steps of
 * `dst`. `end` is one past the view's last element. */
static rid_status copy_run(rid_tensorload *l, walk *w, float *out, uint64_t at, uint64_t end,
                           rid_err *err)
{
    int last = w->n_dims - 1;
    uint64_t n = last < 0 ? 1 : w->dim[last].n, src = last < 0 ? 1 : w->dim[last].src;
    uint64_t dst = last < 0 ? 1 : w->dim[last].dst;
    for (uint64_t i = 0; i < n;) {
        if (at - w->window_at >= w->window_n) {
            rid_status st = move_window(l, w, at, end, err);
            if (st != RID_OK)
                return st;
        }
        uint64_t inside = (w->window_n - (at - w->window_at) - 1) / src + 1;
        uint64_t stop = inside < n - i ? i + inside : n;
        for (; i < stop; i++, at += src)
            out[i * dst] = element(l->window + (at - w->window_at) * w->element_bytes, w->dtype);
    }
    return RID_OK;
}

static rid_status copy_all(rid_tensorload *l, walk *w, float *out, uint64_t first, rid_err *err)
{
    uint64_t index[RID_TENSOR_DIMS_MAX] = {0}, at = first, to = 0;
    for (;;) {
        rid_status st = copy_run(l, w, out + to, at, first + w->extent, err);
        if (st != RID_OK)
            return st;
        int d = w->n_dims - 2; /* the next run: an odometer over the outer dimensions */
        for (; d >= 0; d--) {
            at += w->dim[d].src;
            to += w->dim[d].dst;
            if (++index[d] < w->dim[d].n)
                break;
            at -= w->dim[d].src * w->dim[d].n;
            to -= w->dim[d].dst * w->dim[d].n;
            index[d] = 0;
        }
        if (d < 0)
            return RID_OK;
    }
}

static rid_status check_finite(const rid_tensor *t, rid_err *err)
{
    for (size_t i = 0; i < t->numel; i++) {
        if (isfinite(t->data[i]))
            continue;
        char where[128] = "";
        size_t rest = t->numel, left = i, used = 0;
        for (int d = 0; d < t->n_dims; d++) {
            rest /= (size_t)t->shape[d];
            used += (size_t)snprintf(where + used, sizeof where - used, "%s%zu", d ? "," : "",
                                     left / rest);
            left %= rest;
        }
        return RID_FAIL(err, RID_EDATA, "element [%s] is no finite float32", where);
    }
    return RID_OK;
}

static rid_status read_view(rid_tensorload *l, rid_tensor *out, const rid_pickle_tensor *view,
                            rid_err *err)
{
    walk w = {0};
    uint64_t first = (uint64_t)view->offset, numel = (uint64_t)view->storage->numel;
    rid_status st = read_shape(out, &w, view, err);
    if (st == RID_OK)
        st = find_record(l, &w, view->storage, err);
    if (st == RID_OK && out->numel)
        st = check_strides(&w, err);
    if (st == RID_OK && out->numel && (first >= numel || numel - first < w.extent))
        st = RID_FAIL(err, RID_EDATA,
                      "leaves its storage: expected at most %llu elements from "
                      "element %llu on, found %llu",
                      (unsigned long long)numel, (unsigned long long)first,
                      (unsigned long long)w.extent);
    if (st == RID_OK)
        st = check_record(l, w.record, err);
    if (st == RID_OK)
        st = rid_budget_take(l->budget, (out->numel + 15) / 16, 64, err);
    if (st != RID_OK)
        return st;
    out->data = rid_mem_alloc_aligned(out->numel, sizeof *out->data);
    if (!out->data)
        return RID_FAIL_NOMEM(err);
    st = out->numel ? copy_all(l, &w, out->data, first, err) : RID_OK;
    return st == RID_OK ? check_finite(out, err) : st;
}

rid_status rid_tensorload_read(rid_tensorload *l, rid_tensor *out, const rid_pickle_tensor *view,
                               rid_err *err)
{
    rid_status st = read_view(l, out, view, err);
    if (st != RID_OK) {
        rid_mem_free(out->data);
        out->data = NULL;
    }
    return st;
}
