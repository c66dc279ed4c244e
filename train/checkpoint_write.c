#include "train/checkpoint.h"

#include "data/base/buf.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/zipwrite.h"

#include <stdio.h>
#include <string.h>

/* The archive's folder: PyTorch takes the file's name, which would make the bytes depend on it. */
#define FOLDER "archive/"

static void op(rid_buf *b, int opcode)
{
    rid_buf_append_char(b, (char)opcode);
}

static void put_uint(rid_buf *b, uint64_t v, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++)
        op(b, (int)(v >> (8 * i) & 0xFF));
}

static void put_int(rid_buf *b, int64_t v)
{
    if (v >= 0 && v <= 0xFF) {
        op(b, 'K');
        put_uint(b, (uint64_t)v, 1);
    } else if (v >= INT32_MIN && v <= INT32_MAX) {
        op(b, 'J');
        put_uint(b, (uint64_t)v, 4);
    } else {
        op(b, 0x8A); /* LONG1 */
        op(b, 8);
        put_uint(b, (uint64_t)v, 8);
    }
}

static void put_float(rid_buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    op(b, 'G');
    put_uint(b, __builtin_bswap64(bits), 8);
}

static void put_text(rid_buf *b, const char *s, size_t len)
{
    op(b, 'X');
    put_uint(b, len, 4);
    rid_buf_append(b, s, len);
}

static void put_str(rid_buf *b, const char *s)
{
    put_text(b, s, strlen(s));
}

static void put_bool(rid_buf *b, bool v)
{
    op(b, v ? 0x88 : 0x89);
}

/* What every tensor repeats is written once and remembered (BINPUT, BINGET), as Python does. */
typedef enum shared {
    SHARED_ORDERED_DICT,
    SHARED_REBUILD_TENSOR,
    SHARED_FLOAT_STORAGE,
    SHARED_STORAGE,
    SHARED_CPU,
    N_SHARED,
} shared;

typedef struct writer {
    rid_buf *b;
    bool written[N_SHARED];
} writer;

static void put_shared(writer *w, shared which)
{
    static const char *const text[N_SHARED] = {
        [SHARED_ORDERED_DICT] = "ccollections\nOrderedDict\n",
        [SHARED_REBUILD_TENSOR] = "ctorch._utils\n_rebuild_tensor_v2\n",
        [SHARED_FLOAT_STORAGE] = "ctorch\nFloatStorage\n",
        [SHARED_STORAGE] = "storage",
        [SHARED_CPU] = "cpu",
    };
    if (!w->written[which]) {
        if (which >= SHARED_STORAGE)
            put_str(w->b, text[which]);
        else
            rid_buf_append_str(w->b, text[which]);
    }
    op(w->b, w->written[which] ? 'h' : 'q');
    op(w->b, (int)which);
    w->written[which] = true;
}

static void put_ordered_dict(writer *w)
{
    put_shared(w, SHARED_ORDERED_DICT);
    rid_buf_append_str(w->b, ")R");
}

static void put_tuple(rid_buf *b, const int64_t *v, int n)
{
    op(b, '(');
    for (int i = 0; i < n; i++)
        put_int(b, v[i]);
    op(b, 't');
}

/* torch._utils._rebuild_tensor_v2(storage, offset, shape, stride, requires_grad, hooks) */
static void put_tensor(writer *w, const rid_tensor *t, size_t key)
{
    rid_buf *b = w->b;
    int64_t stride[RID_TENSOR_DIMS_MAX], step = 1;
    char text[24];
    for (int d = t->n_dims; d-- > 0; step *= t->shape[d])
        stride[d] = step;
    snprintf(text, sizeof text, "%zu", key);
    put_shared(w, SHARED_REBUILD_TENSOR);
    op(b, '(');
    op(b, '(');
    put_shared(w, SHARED_STORAGE);
    put_shared(w, SHARED_FLOAT_STORAGE);
    put_str(b, text);
    put_shared(w, SHARED_CPU);
    put_int(b, (int64_t)t->numel);
    op(b, 't');
    op(b, 'Q');
    put_int(b, 0);
    put_tuple(b, t->shape, t->n_dims);
    put_tuple(b, stride, t->n_dims);
    put_bool(b, false);
    put_ordered_dict(w);
    op(b, 't');
    op(b, 'R');
}

static void put_extra(rid_buf *b, const rid_checkpoint_extra *x)
{
    put_text(b, x->key, x->key_len);
    if (x->type == RID_PICKLE_BOOL)
        put_bool(b, x->boolean);
    else if (x->type == RID_PICKLE_INT)
        put_int(b, x->integer);
    else if (x->type == RID_PICKLE_FLOAT)
        put_float(b, x->real);
    else if (x->type == RID_PICKLE_STR)
        put_text(b, x->text, x->text_len);
    else
        op(b, 'N');
}

static void put_checkpoint(rid_buf *b, const rid_checkpoint *ck,
                           const rid_checkpoint_extras *extras)
{
    writer w = {.b = b};
    op(b, 0x80); /* PROTO */
    op(b, 2);
    op(b, '}');
    op(b, '(');
    put_str(b, "state_dict");
    put_ordered_dict(&w);
    op(b, '(');
    for (size_t i = 0; i < ck->n_tensors; i++) {
        put_str(b, ck->tensors[i].name);
        put_tensor(&w, &ck->tensors[i], i);
    }
    op(b, 'u');
    put_str(b, "vis_dim");
    put_int(b, ck->vis_dim);
    put_str(b, "attr_dim");
    put_int(b, ck->attr_dim);
    put_str(b, "emb_dim");
    put_int(b, ck->emb_dim);
    put_str(b, "use_attention");
    put_bool(b, ck->use_attention);
    put_str(b, "dropout");
    put_float(b, ck->dropout);
    put_str(b, "fusion_mode");
    put_str(b, ck->fusion_mode);
    if (ck->rid) {
        put_str(b, "rid");
        put_str(b, ck->rid);
    }
    for (size_t i = 0; i < extras->n; i++)
        put_extra(b, &extras->items[i]);
    op(b, 'u');
    op(b, '.');
}

static rid_status write_archive(rid_publish *out, const rid_checkpoint *ck,
                                const rid_checkpoint_extras *extras, rid_err *err)
{
    rid_buf pickle = {0};
    rid_status st = RID_OK;
    rid_zipwriter *zip = rid_zipwriter_new(out);
    put_checkpoint(&pickle, ck, extras);
    if (!zip || pickle.failed)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_zipwriter_add(zip, FOLDER "data.pkl", pickle.data, pickle.len, err);
    if (st == RID_OK)
        st = rid_zipwriter_add(zip, FOLDER "byteorder", "little", 6, err);
    for (size_t i = 0; i < ck->n_tensors && st == RID_OK; i++) {
        const rid_tensor *t = &ck->tensors[i];
        char name[48];
        snprintf(name, sizeof name, FOLDER "data/%zu", i);
        st = rid_zipwriter_add(zip, name, t->data, t->numel * sizeof *t->data, err);
    }
    if (st == RID_OK)
        st = rid_zipwriter_add(zip, FOLDER "version", "3\n", 2, err);
    if (st == RID_OK)
        st = rid_zipwriter_finish(zip, err);
    rid_zipwriter_free(zip);
    rid_buf_free(&pickle);
    return st;
}

static bool same_tensor(const rid_tensor *a, const rid_tensor *b)
{
    return strcmp(a->name, b->name) == 0 && a->n_dims == b->n_dims && a->numel == b->numel &&
           memcmp(a->shape, b->shape, (size_t)a->n_dims * sizeof *a->shape) == 0 &&
           memcmp(a->data, b->data, a->numel * sizeof *a->data) == 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_checkpoint(const rid_checkpoint *a, const rid_checkpoint *b)
{
    bool same = a->n_tensors == b->n_tensors && a->vis_dim == b->vis_dim &&
                a->attr_dim == b->attr_dim && a->emb_dim == b->emb_dim &&
                a->use_attention == b->use_attention && a->dropout == b->dropout &&
                same_text(a->fusion_mode, b->fusion_mode) && same_text(a->rid, b->rid);
    for (size_t i = 0; same && i < a->n_tensors; i++)
        same = same_tensor(&a->tensors[i], &b->tensors[i]);
    return same;
}

static rid_status verify(const rid_checkpoint *ck, const rid_checkpoint_extras *extras,
                         const char *written, const char *path, rid_err *err)
{
    rid_checkpoint found;
    rid_checkpoint_extras others;
    rid_status st = rid_checkpoint_read_extras(&found, &others, written, err);
    if (st != RID_OK)
        rid_err_prepend(err, "%s: cannot be read back", path);
    else if (!same_checkpoint(ck, &found) || !rid_checkpoint_extras_same(extras, &others))
        st = RID_FAIL(err, RID_EIO, "%s: read back differently than it was written", path);
    rid_checkpoint_free(&found);
    rid_checkpoint_extras_clear(&others);
    return st;
}

rid_status rid_checkpoint_write_to(const rid_checkpoint *ck, const rid_checkpoint_extras *extras,
                                   rid_publish *out, const char *path, rid_err *err)
{
    const rid_status st = write_archive(out, ck, extras, err);
    if (st == RID_OK && rid_publish_temp_path(out))
        return verify(ck, extras, rid_publish_temp_path(out), path, err);
    return st;
}

rid_status rid_checkpoint_write(const rid_checkpoint *ck, const char *path, bool force,
                                rid_err *err)
{
    return rid_checkpoint_write_extras(ck, &(rid_checkpoint_extras){0}, path, force, err);
}

rid_status rid_checkpoint_write_extras(const rid_checkpoint *ck,
                                       const rid_checkpoint_extras *extras, const char *path,
                                       bool force, rid_err *err)
{
    rid_publish *out;
    rid_status st = rid_publish_begin(&out, path, force, err);
    if (st != RID_OK)
        return st;
    st = rid_checkpoint_write_to(ck, extras, out, path, err);
    if (st != RID_OK) {
        rid_publish_abort(out);
        return st;
    }
    return rid_publish_commit(out, err);
}
