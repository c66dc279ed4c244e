#include "train/train_settings.h"

#include "data/base/hash.h"
#include "eval/kernel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set(rid_train_settings *s, const char *name, const char *fmt, ...) RID_PRINTF(3, 4);

static void set(rid_train_settings *s, const char *name, const char *fmt, ...)
{
    va_list args;
    s->at[s->n].name = name;
    va_start(args, fmt);
    vsnprintf(s->at[s->n].value, RID_SETTING_BYTES, fmt, args);
    va_end(args);
    s->n++;
}

/* As few digits as read back to the same number. */
static void set_number(rid_train_settings *s, const char *name, double v)
{
    char text[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    set(s, name, "%s", text);
}

static const char *on_off(bool on)
{
    return on ? "on" : "off";
}

static void set_data(rid_train_settings *s, const rid_train_options *o, const rid_train_data *d)
{
    rid_buf filter = {0};
    rid_filter_write_json(&o->data.filter, &filter);
    const char *text = rid_buf_cstr(&filter);
    set(s, "data", "%s", d->digest);
    set(s, "ground truth and split", "%s", d->labels_digest);
    if (d->schema)
        set(s, "schema", "%016llx",
            (unsigned long long)rid_hash64(rid_schema_text(d->schema),
                                           strlen(rid_schema_text(d->schema))));
    else
        set(s, "schema", "none");
    set(s, "filter", "%s", text ? text : "?");
    set(s, "min entries", "%zu", o->data.min_entries);
    set_number(s, "val fraction", o->data.n_val_gt > 0 ? 0 : o->data.val_fraction);
    rid_buf_free(&filter);
}

static void set_network(rid_train_settings *s, const rid_train_options *o, const char *init)
{
    static const char *const inits[] = {"random", "pca", "lda"};
    set(s, "fusion", "%s", o->network.xattn ? "xattn" : "baseline");
    set(s, "pool", "%s", o->network.mean_pool ? "mean" : "attention");
    set(s, "emb dim", "%zu", o->network.emb_dim);
    set_number(s, "dropout", o->network.dropout);
    set(s, "init", "%s", init ? init : inits[o->init]);
}

static void set_method(rid_train_settings *s, const rid_trainer_options *t)
{
    set(s, "p", "%zu", t->feed.pk.p);
    set(s, "k", "%zu", t->feed.pk.k);
    set(s, "frame subset", "%s", on_off(t->feed.pk.frame_subset));
    set_number(s, "attr dropout", t->feed.attr_dropout);
    set_number(s, "frame noise", t->feed.frame_noise);
    set_number(s, "lr", t->lr);
    set_number(s, "weight decay", t->weight_decay);
    set(s, "warmup", "%llu", (unsigned long long)t->warmup);
    set(s, "schedule", "%s", t->schedule == RID_SCHEDULE_COSINE ? "cosine" : "constant");
    set_number(s, "clip norm", t->clip_norm);
    set(s, "loss", "%s", t->loss.soft ? "soft margin" : "hinge");
    set_number(s, "margin", t->loss.soft ? 0 : t->loss.margin);
    set(s, "distance", "%s", t->loss.distance == RID_DISTANCE_COSINE ? "cosine" : "euclidean");
}

void rid_train_settings_make(rid_train_settings *out, const rid_train_options *o,
                             const rid_train_data *d, const rid_nn *nn, const char *init)
{
    static const char *const selects[] = {"map", "rank1", "f1"};
    *out = (rid_train_settings){0};
    set_data(out, o, d);
    set_network(out, o, init);
    set_method(out, &o->trainer);
    set(out, "val every", "%llu", (unsigned long long)o->trainer.val_every);
    set(out, "select", "%s", selects[o->trainer.select]);
    set(out, "refit", "%s", on_off(o->refit));
    set(out, "ablate", "%s", on_off(o->ablate));
    set(out, "seed", "%llu", (unsigned long long)o->data.seed);
    set(out, "threads", "%d", o->trainer.threads);
    set(out, "device", "%s", rid_nn_device_name(nn));
    set(out, "libtorch", "%s", rid_nn_version());
    set(out, "kernel", "%s", rid_kernel_get()->arithmetic);
    set(out, "rid", "%s", RID_VERSION);
}

void rid_train_settings_text(const rid_train_settings *s, rid_buf *out)
{
    for (size_t i = 0; i < s->n; i++)
        rid_buf_printf(out, "%s: %s\n", s->at[i].name, s->at[i].value);
}
