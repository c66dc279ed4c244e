/** The world behind synthetic data: who exists, when they cross a line, what a frame of them looks
 *  like. Vectors live in a low-dimensional latent space mapped by random directions:
 *
 *    frame = gain * (common + P (person + visit_p) + Q (camera + visit_q) + frame noise)
 *
 *  P spans what tells persons apart, Q a nuisance subspace (pose, light, camera), so that an
 *  encoder can learn to look past Q. Persons have spread 1; |common| = 1, so two persons' vectors
 *  have a cosine around 0.5. Everything is drawn from streams keyed by (seed, purpose, store, day,
 *  person, crossing): neither threads nor the number of other stores, days or persons change it. */
#ifndef RID_SYNTH_WORLD_H
#define RID_SYNTH_WORLD_H

#include "data/base/err.h"
#include "data/base/random.h"
#include "train/synth.h"

enum {
    RID_SYNTH_LATENT = 16, /**< dimensions of the person space and of the nuisance space */
    RID_SYNTH_ID_MAX = 64, /**< bytes of a generated id with its NUL */
};

/** Which thing a random stream is for: the second word of its key. */
typedef enum rid_synth_stream {
    RID_SYNTH_WORLD = 1,
    RID_SYNTH_CAMERA,
    RID_SYNTH_PERSON,
    RID_SYNTH_VISITS,
    RID_SYNTH_ENTRY,
    RID_SYNTH_ENTRY_ATTRS,
    RID_SYNTH_ENCODER,
} rid_synth_stream;

/** The directions shared by all stores. Read-only once made: any number of threads may use it. */
typedef struct rid_synth_world {
    const rid_synth_options *options; /**< borrowed */
    float *common;                    /**< f32 (vis_dim) */
    float *person_space;              /**< f32 (LATENT, vis_dim), rows of length 1 */
    float *nuisance_space;            /**< f32 (LATENT, vis_dim), rows of length 1 */
    float uniform[RID_SYNTH_LATENT];  /**< what employees have in common */
} rid_synth_world;

/** One person of a store. */
typedef struct rid_synth_person {
    float latent[RID_SYNTH_LATENT];
    bool employee;
    uint64_t look; /**< seed of the person's clothes (rid_synth_attrs_append) */
} rid_synth_person;

/** One line crossing. */
typedef struct rid_synth_crossing {
    int64_t t_us;
    uint32_t person;
    uint32_t index; /**< of the person's crossings of the day, in time; odd ones are exits */
} rid_synth_crossing;

/** RID_ETEMP. Clear with rid_synth_world_clear, also after a failure. */
RID_MUST rid_status rid_synth_world_init(rid_synth_world *w, const rid_synth_options *o,
                                         rid_err *err);
void rid_synth_world_clear(rid_synth_world *w);

/** The stream (seed, purpose, store, day, person, crossing); numbers that do not apply are 0. */
rid_random rid_synth_random(const rid_synth_options *o, rid_synth_stream purpose, uint32_t store,
                            int64_t day, uint32_t person, uint32_t crossing);

/** Person `person` of store number `store` (from 1). */
rid_synth_person rid_synth_person_of(const rid_synth_world *w, uint32_t store, uint32_t person);

/** How often a person crosses a line on a day (days since 1970): visits_lo … visits_hi. */
uint32_t rid_synth_visits(const rid_synth_options *o, uint32_t store, int64_t day, uint32_t person);

/** Fills out with all crossings of a store-day in order of time; `n` is the sum of rid_synth_visits
 *  over its persons. */
void rid_synth_plan(rid_synth_crossing *out, size_t n, const rid_synth_options *o, uint32_t store,
                    int64_t day);

typedef enum rid_synth_frame_kind {
    RID_SYNTH_FRAME_PLAIN,
    RID_SYNTH_FRAME_DUPLICATE, /**< the frame before again, or hardly changed */
    RID_SYNTH_FRAME_OUTLIER,   /**< shows somebody else */
} rid_synth_frame_kind;

/** Draws one burst, frame after frame. */
typedef struct rid_synth_burst {
    const rid_synth_world *world; /* borrowed */
    rid_random random;
    float *base, *frame, *scratch; /* f32 (vis_dim) each, borrowed */
    size_t drawn;
} rid_synth_burst;

/** Starts the burst of a crossing seen by camera number `camera` (from 0). `memory` is f32
 *  (3, vis_dim), used until the burst is over; `random` is taken over. */
rid_synth_burst rid_synth_burst_begin(const rid_synth_world *w, uint32_t store, uint32_t camera,
                                      const rid_synth_person *p, rid_random random, float *memory);
/** The next frame, in b->frame. */
rid_synth_frame_kind rid_synth_burst_next(rid_synth_burst *b);

#endif
