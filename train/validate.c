#include "train/validate.h"

#include "data/base/mem.h"
#include "eval/best_f1.h"
#include "train/encoder.h"

#include <string.h>

enum { BLOCK = 512 }; /* entries encoded together */

/** Memory for the frames of a block. */
typedef struct block {
    rid_burst bursts[BLOCK];
    float *frames; /* where the set does not hold them */
    uint8_t *kept;
    size_t frames_cap, kept_cap;
} block;

static rid_status fill_block(block *b, const rid_train_set *set, size_t first, size_t n, float *emb,
                             size_t dim, rid_err *err)
{
    const size_t n_frames =
        set->entries[first + n - 1].first + set->entries[first + n - 1].n_frames - set->entries[first].first;
    float *frames = set->frames ? set->frames + set->entries[first].first * set->vis_dim : NULL;
    if (rid_mem_grow(&b->kept, &b->kept_cap, n_frames, 1) != 0 ||
        (!frames &&
         rid_mem_grow(&b->frames, &b->frames_cap, n_frames * set->vis_dim, sizeof *b->frames) != 0))
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        const rid_train_entry *e = &set->entries[first + i];
        const size_t at = e->first - set->entries[first].first;
        if (!frames) {
            rid_status st = rid_train_set_read(set, first + i, b->frames + at * set->vis_dim, err);
            if (st != RID_OK)
                return st;
        }
        b->bursts[i] = (rid_burst){.frames = (frames ? frames : b->frames) + at * set->vis_dim,
                                   .n_frames = e->n_frames,
                                   .attr = set->attr_dim > 0 ? set->attr + (first + i) * set->attr_dim : NULL,
                                   .embedding = emb + (first + i) * dim,
                                   .kept = b->kept + at};
    }
    return RID_OK;
}

static rid_status encode_blocks(const rid_encoder *e, block *b, const rid_train_set *set, float *emb,
                                uint8_t *usable, int threads, rid_err *err)
{
    for (size_t first = 0; first < set->n; first += BLOCK) {
        const size_t n = set->n - first < BLOCK ? set->n - first : BLOCK;
        rid_status st = fill_block(b, set, first, n, emb, rid_encoder_emb_dim(e), err);
        if (st == RID_OK)
            st = rid_encoder_run(e, b->bursts, n, threads, err);
        if (st != RID_OK)
            return st;
        for (size_t i = 0; i < n; i++)
            usable[first + i] = b->bursts[i].status != RID_ENTRY_SKIP;
    }
    return RID_OK;
}

rid_status rid_validate_encode(const rid_train_set *set, const rid_checkpoint *params, float *emb,
                               uint8_t *usable, int threads, rid_err *err)
{
    rid_filter filter = rid_filter_default();
    rid_encoder *e = NULL;
    filter.on = false; /* the set's frames have been through it */
    block *b = rid_mem_zalloc(1, sizeof *b);
    rid_status st = b ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = params ? rid_encoder_new(&e, params, &filter, NULL, threads, err)
                    : rid_encoder_new_mean(&e, set->vis_dim, &filter, err);
    if (st == RID_OK)
        st = encode_blocks(e, b, set, emb, usable, threads, err);
    rid_encoder_free(e);
    if (b) {
        rid_mem_free(b->frames);
        rid_mem_free(b->kept);
    }
    rid_mem_free(b);
    return st;
}

/* ---- measures ---- */

enum { F1_SIDE = 24 }; /* thresholds and margins that are tried */

/** The entries by bucket, each bucket in matching order. */
typedef struct replay {
    float *emb; /* f32 (n, dim) */
    uint8_t *usable;
    uint32_t *person; /* of validation people; RID_UNLABELLED: the others */
    rid_sweep_bucket *buckets;
} replay;

static void free_replay(replay *r)
{
    rid_mem_free(r->emb);
    rid_mem_free(r->usable);
    rid_mem_free(r->person);
    rid_mem_free(r->buckets);
}

static rid_status make_replay(replay *r, const rid_train_data *d, const float *emb,
                              const uint8_t *usable, size_t dim, rid_err *err)
{
    const size_t n = d->set.n;
    *r = (replay){.emb = rid_mem_alloc_aligned(n * dim, sizeof *r->emb),
                  .usable = rid_mem_alloc(n, 1),
                  .person = rid_mem_alloc(n, sizeof *r->person),
                  .buckets = rid_mem_zalloc(d->set.n_buckets, sizeof *r->buckets)};
    if (!r->emb || !r->usable || !r->person || !r->buckets)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        const size_t entry = d->order[i];
        rid_sweep_bucket *b = &r->buckets[d->set.entries[entry].bucket];
        memcpy(r->emb + i * dim, emb + entry * dim, dim * sizeof *emb);
        r->usable[i] = usable[entry];
        r->person[i] = d->query[entry] ? d->set.entries[entry].person : RID_UNLABELLED;
        if (b->n++ == 0)
            *b = (rid_sweep_bucket){
                .emb = r->emb + i * dim, .usable = r->usable + i, .person = r->person + i, .n = 1};
    }
    return RID_OK;
}

static rid_status find_best_f1(rid_validation *out, const rid_train_data *d, const float *emb,
                               const uint8_t *usable, size_t dim, int threads, rid_err *err)
{
    replay r;
    rid_status st = make_replay(&r, d, emb, usable, dim, err);
    for (int mode = 0; mode < 2 && st == RID_OK; mode++) {
        rid_sweep_best best;
        st = rid_sweep_best_f1(&best, r.buckets, d->set.n_buckets, dim, (rid_nn2_mode)mode, F1_SIDE,
                               threads, err);
        if (st == RID_OK) {
            out->best[mode].f1 = best.f1;
            out->best[mode].threshold = best.threshold;
            out->best[mode].margin = best.margin;
        }
    }
    free_replay(&r);
    return st;
}

rid_status rid_validate(rid_validation *out, double *ap, rid_score_counts *scores,
                        const rid_train_data *d, const float *emb, const uint8_t *usable, size_t dim,
                        int threads, rid_err *err)
{
    rid_ranking ranking;
    uint32_t *person = rid_mem_alloc(d->set.n, sizeof *person);
    rid_status st = person ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < d->set.n; i++)
        person[i] = d->set.entries[i].person;
    if (st == RID_OK) {
        const rid_ranking_input in = {.emb = emb, .n = d->set.n, .dim = dim, .person = person,
                                      .usable = usable, .query = d->query};
        st = rid_ranking_run_scores(&ranking, ap, scores, &in, threads, err);
    }
    rid_mem_free(person);
    if (st != RID_OK)
        return st;
    *out = (rid_validation){.map = ranking.map, .rank1 = ranking.rank1, .auc = ranking.auc,
                            .eer = ranking.eer};
    return find_best_f1(out, d, emb, usable, dim, threads, err);
}
