#include "train/validate.h"

#include "data/base/mem.h"
#include "eval/ranking.h"
#include "train/encoder.h"

#include <math.h>
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
