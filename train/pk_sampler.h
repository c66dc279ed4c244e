/** PK sampling (Hermans, Beyer and Leibe, 2017): each batch is P people with K entries each.
 *
 *  An epoch is a shuffled order of the people, cut into ⌈people / P⌉ batches; the last one is filled
 *  up from the order's beginning. A person's K entries are drawn without replacement where there are
 *  enough, and otherwise every entry comes once before any comes again. Draws are a function of seed
 *  and step alone: there is no state to save, and steps can be drawn in any order. */
#ifndef RID_PK_SAMPLER_H
#define RID_PK_SAMPLER_H

#include "data/base/random.h"
#include "train/train_set.h"

typedef struct rid_pk_sampler rid_pk_sampler;

typedef struct rid_pk_options {
    size_t p, k;      /**< people a batch, entries a person; p <= number of people */
    bool frame_subset; /**< of each drawn entry a random non-empty subset of its frames */
    uint64_t seed, stream; /**< different streams of a seed are unrelated */
} rid_pk_options;

/** Draws from the entries with use[i] = 1, which have a person. RID_EDATA where they are of fewer
 *  than two people, p is above their number, or p or k is 0; RID_ETEMP. The set is borrowed. */
RID_MUST rid_status rid_pk_sampler_new(rid_pk_sampler **out, const rid_train_set *set,
                                       const uint8_t *use, const rid_pk_options *options,
                                       rid_err *err);
void rid_pk_sampler_free(rid_pk_sampler *s);

size_t rid_pk_sampler_batches(const rid_pk_sampler *s); /**< an epoch */

/** The entries of batch `step` (from 0, epochs run on): entries (p*k), people one after the other.
 *  One thread at a time. */
void rid_pk_sampler_draw(rid_pk_sampler *s, uint64_t step, uint32_t *entries);
/** Which frames of the entry in a slot of that batch are used: places 0 … n_frames-1 in order, to
 *  `frames` (n_frames). Returns how many: 1 … n_frames, each number as likely as any other, and of that
 *  number each subset (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S); all without
 *  frame_subset. n_frames >= 1. */
size_t rid_pk_sampler_frames(const rid_pk_sampler *s, uint64_t step, size_t slot, size_t n_frames,
                             uint32_t *frames);

/** The streams of random numbers of a training run: rid_train_random(seed, stream, purpose, a, b). */
typedef enum rid_train_purpose {
    RID_DRAW_ORDER,
    RID_DRAW_ENTRIES,
    RID_DRAW_FRAMES,
    RID_DRAW_DROPOUT,
    RID_DRAW_ATTRIBUTES,
    RID_DRAW_NOISE,
    RID_DRAW_WEIGHTS,
    RID_DRAW_SPLIT,
} rid_train_purpose;
rid_random rid_train_random(uint64_t seed, uint64_t stream, rid_train_purpose purpose, uint64_t a,
                            uint64_t b);

#endif
