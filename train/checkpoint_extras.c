#include "train/checkpoint_extras.h"

#include "data/base/mem.h"

#include <string.h>

enum { NAME_BYTES = 60 };

static bool is_known(rid_str key)
{
    static const char *const known[] = {"state_dict",    "vis_dim", "attr_dim",    "emb_dim",
                                        "use_attention", "dropout", "fusion_mode", "rid"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (rid_str_equal(key, rid_str_of(known[i])))
            return true;
    return false;
}

/* One more that is not kept: where it is, and what it is. */
static void drop(rid_checkpoint_extras *e, const char *where, const rid_pickle_value *key,
                 const char *what)
{
    const rid_str name =
        key->type == RID_PICKLE_STR ? key->as.str : rid_str_of("a key that is no text");
    size_t n = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    if (e->n_dropped++ >= RID_CHECKPOINT_DROPPED_NAMED)
        return;
    while (n > 0 && n < name.len && (name.data[n] & 0xC0) == 0x80) /* whole characters */
        n--;
    rid_buf_printf(&e->dropped, "%s%s%.*s%s (%s)", e->n_dropped > 1 ? ", " : "", where, (int)n,
                   n > 0 ? name.data : "", n < name.len ? "…" : "", what);
}

static bool is_plain(int type)
{
    return type == RID_PICKLE_NONE || type == RID_PICKLE_BOOL || type == RID_PICKLE_INT ||
           type == RID_PICKLE_FLOAT || type == RID_PICKLE_STR;
}

static rid_status copy(char **out, size_t *len, rid_str s, rid_budget *budget, rid_err *err)
{
    rid_status st = rid_budget_take(budget, s.len + 1, 1, err);
    if (st != RID_OK)
        return st;
    *out = rid_mem_alloc(s.len + 1, 1);
    if (!*out)
        return RID_FAIL_NOMEM(err);
    if (s.len > 0)
        memcpy(*out, s.data, s.len);
    *len = s.len;
    return RID_OK;
}

static rid_status keep(rid_checkpoint_extras *e, rid_str key, const rid_pickle_value *v,
                       rid_budget *budget, rid_err *err)
{
    rid_checkpoint_extra *x = &e->items[e->n];
    for (size_t i = 0; i < e->n; i++)
        if (rid_str_equal((rid_str){e->items[i].key, e->items[i].key_len}, key))
            return RID_FAIL(err, RID_EDATA, "data.pkl: byte %u: key '%.*s' occurs twice", v->at,
                            RID_STR(key));
    *x = (rid_checkpoint_extra){.type = v->type};
    e->n++; /* freed with the others, complete or not */
    if (v->type == RID_PICKLE_BOOL)
        x->boolean = v->as.boolean;
    else if (v->type == RID_PICKLE_INT)
        x->integer = v->as.integer;
    else if (v->type == RID_PICKLE_FLOAT)
        x->real = v->as.real;
    rid_status st = copy(&x->key, &x->key_len, key, budget, err);
    if (st == RID_OK && v->type == RID_PICKLE_STR)
        st = copy(&x->text, &x->text_len, v->as.str, budget, err);
    return st;
}

static void drop_tensors(rid_checkpoint_extras *e, const rid_pickle_value *state)
{
    if (state->type != RID_PICKLE_DICT)
        return;
    for (const rid_pickle_cell *c = state->as.list.first; c; c = c->next)
        if (c->value->type == RID_PICKLE_TENSOR &&
            c->value->as.tensor->storage->dtype == RID_DTYPE_OTHER)
            drop(e, "state_dict: ", c->key, "a tensor, not of floating point");
}

rid_status rid_checkpoint_extras_take(rid_checkpoint_extras *out, const rid_pickle_value *root,
                                      rid_budget *budget, rid_err *err)
{
    rid_status st = rid_budget_take(budget, RID_CHECKPOINT_EXTRAS_MAX, sizeof *out->items, err);
    if (st == RID_OK &&
        !(out->items = rid_mem_alloc(RID_CHECKPOINT_EXTRAS_MAX, sizeof *out->items)))
        st = RID_FAIL_NOMEM(err);
    for (const rid_pickle_cell *c = root->as.list.first; c && st == RID_OK; c = c->next) {
        const bool named = c->key->type == RID_PICKLE_STR;
        if (named && rid_str_equal(c->key->as.str, rid_str_of("state_dict")))
            drop_tensors(out, c->value);
        if (named && is_known(c->key->as.str))
            continue;
        if (named && is_plain(c->value->type) && out->n < RID_CHECKPOINT_EXTRAS_MAX)
            st = keep(out, c->key->as.str, c->value, budget, err);
        else
            drop(out, "", c->key, rid_pickle_type_name(c->value->type));
    }
    if (st == RID_OK && out->dropped.failed)
        st = RID_FAIL_NOMEM(err);
    return st;
}

void rid_checkpoint_extras_clear(rid_checkpoint_extras *e)
{
    for (size_t i = 0; i < e->n; i++) {
        rid_mem_free(e->items[i].key);
        rid_mem_free(e->items[i].text);
    }
    rid_mem_free(e->items);
    rid_buf_free(&e->dropped);
    *e = (rid_checkpoint_extras){0};
}

static bool same(const rid_checkpoint_extra *a, const rid_checkpoint_extra *b)
{
    return a->type == b->type && a->boolean == b->boolean && a->integer == b->integer &&
           memcmp(&a->real, &b->real, sizeof a->real) == 0 &&
           rid_str_equal((rid_str){a->key, a->key_len}, (rid_str){b->key, b->key_len}) &&
           rid_str_equal((rid_str){a->text, a->text_len}, (rid_str){b->text, b->text_len});
}

bool rid_checkpoint_extras_same(const rid_checkpoint_extras *a, const rid_checkpoint_extras *b)
{
    bool equal = a->n == b->n;
    for (size_t i = 0; equal && i < a->n; i++)
        equal = same(&a->items[i], &b->items[i]);
    return equal;
}
