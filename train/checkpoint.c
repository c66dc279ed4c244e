#include "train/checkpoint.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "train/checkpoint_meta.h"
#include "train/ptfile.h"
#include "train/tensorload.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef rid_pickle_value value;

typedef struct reader {
    rid_ptfile *file;
    const value *root;
    rid_budget *budget;
    rid_err *err;
} reader;

const rid_tensor *rid_checkpoint_find(const rid_checkpoint *ck, const char *name)
{
    for (size_t i = 0; i < ck->n_tensors; i++)
        if (strcmp(ck->tensors[i].name, name) == 0)
            return &ck->tensors[i];
    return NULL;
}

void rid_checkpoint_free(rid_checkpoint *ck)
{
    for (size_t i = 0; i < ck->n_tensors; i++) {
        rid_mem_free(ck->tensors[i].name);
        rid_mem_free(ck->tensors[i].data);
    }
    rid_mem_free(ck->tensors);
    rid_mem_free(ck->fusion_mode);
    rid_mem_free(ck->rid);
    *ck = (rid_checkpoint){0};
}

static void digest_int(rid_sha256 *h, uint64_t v)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(v >> (8 * i));
    rid_sha256_add(h, bytes, sizeof bytes);
}

static void digest_str(rid_sha256 *h, const char *s)
{
    digest_int(h, strlen(s));
    rid_sha256_add(h, s, strlen(s));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp((*(const rid_tensor *const *)a)->name, (*(const rid_tensor *const *)b)->name);
}

/* The tensors by name, to be freed; NULL when there is no memory. */
static const rid_tensor **sort_tensors(const rid_checkpoint *ck)
{
    const rid_tensor **sorted = rid_mem_alloc(ck->n_tensors, sizeof *sorted);
    if (!sorted)
        return NULL;
    for (size_t i = 0; i < ck->n_tensors; i++)
        sorted[i] = &ck->tensors[i];
    qsort(sorted, ck->n_tensors, sizeof *sorted, compare_names);
    return sorted;
}

rid_status rid_checkpoint_digest(const rid_checkpoint *ck, char hex[65], rid_err *err)
{
    rid_status st = RID_OK;
    const rid_tensor **sorted = sort_tensors(ck);
    rid_sha256 *h = rid_sha256_new();
    if (!sorted || !h) {
        st = RID_FAIL_NOMEM(err);
        goto done;
    }
    digest_str(h, "rid-weights-1");
    digest_str(h, ck->fusion_mode);
    digest_int(h, (uint64_t)ck->vis_dim);
    digest_int(h, (uint64_t)ck->attr_dim);
    digest_int(h, (uint64_t)ck->emb_dim);
    digest_int(h, ck->use_attention);
    digest_int(h, ck->n_tensors);
    for (size_t i = 0; i < ck->n_tensors; i++) {
        const rid_tensor *t = sorted[i];
        digest_str(h, t->name);
        digest_int(h, (uint64_t)t->n_dims);
        for (int d = 0; d < t->n_dims; d++)
            digest_int(h, (uint64_t)t->shape[d]);
        rid_sha256_add(h, t->data, t->numel * sizeof *t->data);
    }
    st = rid_sha256_end(hex, h, err);
done:
    rid_sha256_free(h);
    rid_mem_free(sorted);
    return st;
}

static rid_status fail_at(const reader *r, const value *at, const char *fmt, ...) RID_PRINTF(3, 4);

static rid_status fail_at(const reader *r, const value *at, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return RID_FAIL(r->err, RID_EDATA, "%.*sdata.pkl: byte %u: %s",
                    RID_STR(rid_ptfile_prefix(r->file)), at->at, text);
}

/* The value of a key of the outermost dict, of that type; NULL where it may be and is absent. */
static rid_status get(const reader *r, const char *key, rid_pickle_type type, bool required,
                      const value **out)
{
    const value *again;
    *out = rid_pickle_find(r->root, key, &again);
    if (again)
        return fail_at(r, again, "key '%s' occurs twice", key);
    if (!*out && required)
        return fail_at(r, r->root, "expected a key '%s', found none", key);
    if (*out && (*out)->type != type)
        return fail_at(r, *out, "key '%s': expected %s, found %s", key, rid_pickle_type_name(type),
                       rid_pickle_type_name((*out)->type));
    return RID_OK;
}

static rid_status get_dim(const reader *r, const char *key, int64_t least, int64_t *out)
{
    const value *v;
    rid_status st = get(r, key, RID_PICKLE_INT, true, &v);
    if (st != RID_OK)
        return st;
    if (v->as.integer < least || v->as.integer > RID_CHECKPOINT_DIM_MAX)
        return fail_at(r, v, "key '%s': expected %lld to %d, found %lld", key, (long long)least,
                       RID_CHECKPOINT_DIM_MAX, (long long)v->as.integer);
    *out = v->as.integer;
    return RID_OK;
}

static rid_status get_dropout(const reader *r, double *out)
{
    const value *v = rid_pickle_find(r->root, "dropout", NULL);
    if (v && v->type == RID_PICKLE_INT) { /* 0 where 0.0 was meant */
        *out = (double)v->as.integer;
    } else {
        rid_status st = get(r, "dropout", RID_PICKLE_FLOAT, false, &v);
        if (st != RID_OK)
            return st;
        *out = v ? v->as.real : 0;
    }
    if (!(*out >= 0 && *out <= 1))
        return fail_at(r, v, "key 'dropout': expected 0 to 1, found %g", *out);
    return RID_OK;
}

/* A copy of a string from the pickle, charged. */
static rid_status copy_text(reader *r, char **out, const value *v, const char *key)
{
    rid_str s = v->as.str;
    if (s.len && memchr(s.data, '\0', s.len))
        return fail_at(r, v, "%s: expected text, found a NUL in it", key);
    rid_status st = rid_budget_take(r->budget, s.len + 1, 1, r->err);
    if (st != RID_OK)
        return st;
    *out = rid_mem_strndup(s.data, s.len);
    return *out ? RID_OK : RID_FAIL_NOMEM(r->err);
}

static rid_status get_fusion_mode(reader *r, rid_checkpoint *ck)
{
    static const value baseline = {.type = RID_PICKLE_STR, .as.str = {"baseline", 8}};
    const value *v;
    rid_status st = get(r, "fusion_mode", RID_PICKLE_STR, false, &v);
    if (st != RID_OK)
        return st;
    if (v && !rid_str_equal(v->as.str, rid_str_of("baseline")) &&
        !rid_str_equal(v->as.str, rid_str_of("xattn")))
        return fail_at(r, v, "key 'fusion_mode': expected 'baseline' or 'xattn'");
    return copy_text(r, &ck->fusion_mode, v ? v : &baseline, "key 'fusion_mode'");
}

static rid_status read_settings(reader *r, rid_checkpoint *ck)
{
    const value *v;
    if (r->root->type != RID_PICKLE_DICT)
        return fail_at(r, r->root, "expected a dict, found %s",
                       rid_pickle_type_name(r->root->type));
    rid_status st = get_dim(r, "vis_dim", 1, &ck->vis_dim);
    if (st == RID_OK)
        st = get_dim(r, "attr_dim", 0, &ck->attr_dim);
    if (st == RID_OK)
        st = get_dim(r, "emb_dim", 1, &ck->emb_dim);
    if (st == RID_OK)
        st = get(r, "use_attention", RID_PICKLE_BOOL, true, &v);
    if (st != RID_OK)
        return st;
    ck->use_attention = v->as.boolean;
    st = get_dropout(r, &ck->dropout);
    if (st == RID_OK)
        st = get_fusion_mode(r, ck);
    if (st == RID_OK)
        st = get(r, "rid", RID_PICKLE_STR, false, &v);
    if (st == RID_OK && v)
        st = copy_text(r, &ck->rid, v, "key 'rid'");
    return st;
}

/* A tensor's context for messages: which one, and the record and byte that made it. */
static rid_status name_tensor(const reader *r, const char *name, const value *at)
{
    return rid_err_prepend(r->err, "%.*sdata.pkl: byte %u: tensor '%s'",
                           RID_STR(rid_ptfile_prefix(r->file)), at->at, name);
}

/* The number of tensors to read, after a look at every name and type. */
static rid_status count_tensors(const reader *r, const value *state, size_t *n)
{
    *n = 0;
    for (const rid_pickle_cell *c = state->as.list.first; c; c = c->next) {
        if (c->key->type != RID_PICKLE_STR)
            return fail_at(r, c->key, "key 'state_dict': expected the name of a tensor, found %s",
                           rid_pickle_type_name(c->key->type));
        if (c->value->type != RID_PICKLE_TENSOR)
            return fail_at(r, c->value, "key 'state_dict': expected a tensor '%.*s', found %s",
                           RID_STR(c->key->as.str), rid_pickle_type_name(c->value->type));
        if (c->value->as.tensor->storage->dtype == RID_DTYPE_OTHER)
            continue;
        if (++*n > RID_CHECKPOINT_TENSORS_MAX)
            return fail_at(r, c->key, "key 'state_dict': more than %d tensors",
                           RID_CHECKPOINT_TENSORS_MAX);
    }
    return RID_OK;
}

static rid_status check_names(const reader *r, const rid_checkpoint *ck, const value *state)
{
    const rid_tensor **sorted = sort_tensors(ck);
    if (!sorted)
        return RID_FAIL_NOMEM(r->err);
    rid_status st = RID_OK;
    for (size_t i = 1; i < ck->n_tensors && st == RID_OK; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            st = fail_at(r, state, "key 'state_dict': two tensors '%s'", sorted[i]->name);
    rid_mem_free(sorted);
    return st;
}

static rid_status read_tensors(reader *r, rid_checkpoint *ck)
{
    const value *state;
    size_t n;
    rid_tensorload *load = NULL;
    rid_status st = get(r, "state_dict", RID_PICKLE_DICT, true, &state);
    if (st == RID_OK)
        st = count_tensors(r, state, &n);
    if (st == RID_OK) /* and pointers to sort them by name, twice, with what qsort takes */
        st = rid_budget_take(r->budget, n, sizeof *ck->tensors + 2 * sizeof(void *), r->err);
    if (st == RID_OK)
        st = rid_ptfile_loader(r->file, &load, r->err);
    if (st != RID_OK)
        return st;
    ck->tensors = rid_mem_zalloc(n, sizeof *ck->tensors);
    if (!ck->tensors)
        st = RID_FAIL_NOMEM(r->err);
    for (const rid_pickle_cell *c = state->as.list.first; c && st == RID_OK; c = c->next) {
        if (c->value->as.tensor->storage->dtype == RID_DTYPE_OTHER)
            continue;
        rid_tensor *t = &ck->tensors[ck->n_tensors++];
        st = copy_text(r, &t->name, c->key, "key 'state_dict'");
        if (st != RID_OK)
            break;
        st = rid_tensorload_read(load, t, c->value->as.tensor, r->err);
        if (st != RID_OK)
            name_tensor(r, t->name, c->value);
    }
    rid_tensorload_free(load);
    return st == RID_OK ? check_names(r, ck, state) : st;
}

/* extras: NULL where they are ignored. */
static rid_status read_file(rid_checkpoint *out, rid_checkpoint_extras *extras, const char *path,
                            rid_err *err)
{
    *out = (rid_checkpoint){0};
    reader r = {.err = err};
    rid_status st = rid_ptfile_open(&r.file, path, err);
    if (st == RID_OK) {
        r.root = rid_ptfile_root(r.file);
        r.budget = rid_ptfile_budget(r.file);
        st = read_settings(&r, out);
    }
    if (st == RID_OK)
        st = read_tensors(&r, out);
    if (st == RID_OK && out->rid)
        st = rid_checkpoint_meta_verify(out, err);
    if (st == RID_OK && extras)
        st = rid_checkpoint_extras_take(extras, r.root, r.budget, err);
    rid_ptfile_close(r.file);
    if (st != RID_OK) {
        rid_err_prepend(err, "%s", path);
        rid_checkpoint_free(out);
    }
    return st;
}

rid_status rid_checkpoint_read(rid_checkpoint *out, const char *path, rid_err *err)
{
    return read_file(out, NULL, path, err);
}

rid_status rid_checkpoint_read_extras(rid_checkpoint *out, rid_checkpoint_extras *extras,
                                      const char *path, rid_err *err)
{
    *extras = (rid_checkpoint_extras){0};
    return read_file(out, extras, path, err);
}
