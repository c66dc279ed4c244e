#include "train/network.h"

#include "data/base/mem.h"
#include "train/checkpoint_meta.h"
#include "train/encoder.h"
#include "train/graph.h"
#include "train/linear_init.h"
#include "train/pk_sampler.h"

#include <math.h>
#include <string.h>

enum { XATTN_HIDDEN = 128 };

/* What the architecture can hold: a pair of units for each dimension. */
static size_t most_dimensions(const rid_network *network)
{
    size_t k = network->emb_dim / 2;
    return network->xattn && k > XATTN_HIDDEN ? XATTN_HIDDEN : k;
}

static rid_status set_sizes(rid_checkpoint *ck, const rid_network *network, const rid_train_set *set,
                            rid_err *err)
{
    *ck = (rid_checkpoint){.vis_dim = (int64_t)set->vis_dim,
                           .attr_dim = (int64_t)set->attr_dim,
                           .emb_dim = (int64_t)network->emb_dim,
                           .use_attention = !network->mean_pool,
                           .dropout = network->dropout,
                           .fusion_mode = rid_mem_strdup(network->xattn ? "xattn" : "baseline")};
    return ck->fusion_mode ? RID_OK : RID_FAIL_NOMEM(err);
}

rid_status rid_network_start(rid_checkpoint *out, const rid_network *network,
                             const rid_train_set *set, const uint8_t *use, rid_init kind,
                             rid_linear_choice *choice, uint64_t seed, uint64_t stream, int threads,
                             rid_err *err)
{
    const bool linear = kind != RID_INIT_RANDOM;
    rid_random random = rid_train_random(seed, stream, RID_DRAW_WEIGHTS, kind, 0);
    rid_linear_map map = {0};
    const rid_linear_options o = {.kind = kind == RID_INIT_PCA ? RID_LINEAR_PCA : RID_LINEAR_LDA,
                                  .max_k = most_dimensions(network),
                                  .k = choice->k,
                                  .shrinkage = choice->shrinkage,
                                  .seed = seed,
                                  .threads = threads};
    rid_status st = set_sizes(out, network, set, err);
    if (st == RID_OK && linear)
        st = rid_linear_fit(&map, set, use, &o, err);
    if (st == RID_OK)
        st = rid_linear_init(out, XATTN_HIDDEN, linear ? &map : NULL, &random, err);
    if (st == RID_OK && linear)
        *choice = (rid_linear_choice){map.k, isnan(map.shrinkage) ? -1 : map.shrinkage};
    rid_linear_map_clear(&map);
    if (st != RID_OK)
        rid_checkpoint_free(out);
    return st;
}

static rid_status check_sizes(const rid_checkpoint *ck, const rid_network *network,
                              const rid_train_set *set, const char *path, rid_err *err)
{
    const char *fusion = network->xattn ? "xattn" : "baseline";
    const bool attention = network->xattn || !network->mean_pool;
    if (strcmp(ck->fusion_mode, fusion) != 0 || (!network->xattn && ck->use_attention != attention) ||
        ck->emb_dim != (int64_t)network->emb_dim || ck->vis_dim != (int64_t)set->vis_dim ||
        ck->attr_dim != (int64_t)set->attr_dim)
        return RID_FAIL(err, RID_ECONFIG,
                        "%s: a %s network with%s attention of vis_dim %lld, attr_dim %lld, emb_dim %lld; this"
                        " run needs %s with%s attention of %zu, %zu, %zu",
                        path, ck->fusion_mode, ck->use_attention ? "" : "out", (long long)ck->vis_dim,
                        (long long)ck->attr_dim, (long long)ck->emb_dim, fusion, attention ? "" : "out",
                        set->vis_dim, set->attr_dim, network->emb_dim);
    return RID_OK;
}

/* Loading it for serving tells whether all tensors are there and fit. */
static rid_status check_tensors(const rid_checkpoint *ck, const char *path, rid_err *err)
{
    rid_encoder *e = NULL;
    const rid_filter filter = rid_filter_default();
    rid_status st = rid_encoder_new(&e, ck, &filter, NULL, 1, err);
    rid_encoder_free(e);
    return st == RID_EDATA ? rid_err_prepend(err, "%s", path) : st;
}

/* Attributes of another schema would come in the places of those that the weights are for. */
static rid_status check_schema(const rid_checkpoint *ck, const rid_schema *schema, const char *path,
                               rid_err *err)
{
    rid_checkpoint_meta meta = {0};
    rid_schema *own = NULL;
    if (!ck->rid || !schema)
        return RID_OK;
    rid_status st = rid_checkpoint_meta_read(&meta, ck->rid, err);
    if (st == RID_OK && meta.schema)
        st = rid_schema_parse(&own, rid_str_of(meta.schema), path, err);
    if (own && strcmp(rid_schema_text(own), rid_schema_text(schema)) != 0)
        st = RID_FAIL(
            err, RID_ECONFIG,
            "%s: trained with another attribute schema than this run's, though both have %zu"
            " dimensions",
            path, rid_schema_dim(schema));
    rid_schema_free(own);
    rid_checkpoint_meta_free(&meta);
    return st;
}

rid_status rid_network_load(rid_checkpoint *out, const rid_network *network,
                            const rid_train_set *set, const rid_schema *schema, const char *path,
                            rid_err *err)
{
    rid_status st = rid_checkpoint_read(out, path, err);
    if (st == RID_OK)
        st = check_sizes(out, network, set, path, err);
    if (st == RID_OK)
        st = check_schema(out, schema, path, err);
    if (st == RID_OK)
        st = check_tensors(out, path, err);
    if (st != RID_OK) {
        rid_checkpoint_free(out);
        return st;
    }
    rid_mem_free(out->rid);
    out->rid = NULL;
    out->dropout = network->dropout;
    return RID_OK;
}

void rid_network_copy_weights(rid_checkpoint *to, const rid_checkpoint *from)
{
    for (size_t i = 0; i < from->n_tensors; i++)
        memcpy(to->tensors[i].data, from->tensors[i].data,
               from->tensors[i].numel * sizeof *from->tensors[i].data);
}

rid_status rid_network_copy(rid_checkpoint *out, const rid_checkpoint *from, rid_err *err)
{
    rid_status st = rid_graph_new_like(out, from, err);
    if (st == RID_OK)
        rid_network_copy_weights(out, from);
    return st;
}

size_t rid_network_dropout_dim(const rid_checkpoint *params)
{
    const rid_tensor *w = rid_checkpoint_find(params, "fuse.0.weight");
    return w ? (size_t)w->shape[0] : 0;
}
