/** What the tests of training share: small training sets with known numbers. Include fixture.h first. */
#ifndef RID_TEST_TRAIN_FIXTURE_H
#define RID_TEST_TRAIN_FIXTURE_H

#include "train/train_set.h"

/** Entries person by person: person p has counts[p] of them, named "p-i", each with 1 … most unit
 *  frames that lie around the person's own direction. One bucket. */
typedef struct tx_shape {
    const size_t *counts;
    size_t n_persons, vis_dim, attr_dim;
    uint32_t most;
    double noise;
    uint64_t seed;
} tx_shape;

static FX_UNUSED void tx_make_unit(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / sqrt(sum));
}

static FX_UNUSED void tx_count(rid_train_set *set, const tx_shape *shape, rid_random *r)
{
    size_t n = 0;
    for (size_t p = 0; p < shape->n_persons; p++)
        n += shape->counts[p];
    *set = (rid_train_set){.n = n,
                           .n_persons = shape->n_persons,
                           .n_buckets = 1,
                           .vis_dim = shape->vis_dim,
                           .attr_dim = shape->attr_dim,
                           .entries = rid_mem_zalloc(n, sizeof *set->entries)};
    assert_non_null(set->entries);
    for (size_t i = 0; i < n; i++) {
        set->entries[i].first = set->n_frames;
        set->entries[i].timestamp_us = (int64_t)i;
        set->entries[i].n_frames = (uint32_t)rid_random_between(r, 1, shape->most);
        set->n_frames += set->entries[i].n_frames;
    }
    set->frames = rid_mem_zalloc(set->n_frames * shape->vis_dim, sizeof *set->frames);
    set->frame_index = rid_mem_zalloc(set->n_frames, sizeof *set->frame_index);
    set->attr = shape->attr_dim ? rid_mem_zalloc(n * shape->attr_dim, sizeof *set->attr) : NULL;
    assert_true(set->frames && set->frame_index && (set->attr || !shape->attr_dim));
}

static FX_UNUSED void tx_fill_entry(rid_train_set *set, const tx_shape *shape, size_t entry, uint32_t p,
                                    rid_random *r)
{
    rid_train_entry *e = &set->entries[entry];
    e->person = p;
    for (size_t f = 0; f < e->n_frames; f++) {
        rid_random taste = fx_random(shape->seed * 1000 + p);
        float *x = set->frames + (e->first + f) * set->vis_dim;
        set->frame_index[e->first + f] = (uint32_t)(2 * f + 1);
        for (size_t d = 0; d < set->vis_dim; d++)
            x[d] = (float)(rid_random_normal(&taste) + shape->noise * rid_random_normal(r));
        tx_make_unit(x, set->vis_dim);
    }
    for (size_t d = 0; d < set->attr_dim; d++)
        set->attr[entry * set->attr_dim + d] = (float)(0.25 + rid_random_uniform(r));
}

/** To be freed with rid_train_set_clear. */
static FX_UNUSED rid_train_set tx_new_set(const tx_shape *shape)
{
    rid_random r = fx_random(shape->seed);
    rid_train_set set;
    size_t entry = 0;
    tx_count(&set, shape, &r);
    for (uint32_t p = 0; p < shape->n_persons; p++)
        for (size_t i = 0; i < shape->counts[p]; i++) {
            tx_fill_entry(&set, shape, entry, p, &r);
            set.entries[entry].id.len = set.strings.len;
            rid_buf_printf(&set.strings, "%u-%zu", p, i);
            set.entries[entry].id.len = set.strings.len - set.entries[entry].id.len;
            entry++;
        }
    for (size_t i = 0, at = 0; i < set.n; i++) {
        set.entries[i].id.data = set.strings.data + at;
        at += set.entries[i].id.len;
    }
    return set;
}

/** u8 (set->n), all 1; to be freed with rid_mem_free. */
static FX_UNUSED uint8_t *tx_use_all(const rid_train_set *set)
{
    uint8_t *use = rid_mem_alloc(set->n, 1);
    assert_non_null(use);
    memset(use, 1, set->n);
    return use;
}

#endif
