#include "train/synth_world.h"

#include "data/base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Chosen so that at the default noise the mean encoder, threshold 0.88, margin 0.02 and nn2
 * `identity` give a pairwise F1 a little above 0.9 in buckets of 10 to 150 persons. */
static const double EMPLOYEES = 0.2;       /* of the persons of a store */
static const double UNIFORM_SHARE = 0.5;   /* of the variance of an employee */
static const double VISIT_IN_PERSON = 0.4; /* of the visit noise's variance */

enum { OPENS_MS = 8 * 3600 * 1000, OPEN_MS = 12 * 3600 * 1000 };

rid_random rid_synth_random(const rid_synth_options *o, rid_synth_stream purpose, uint32_t store,
                            int64_t day, uint32_t person, uint32_t crossing)
{
    const uint64_t key[] = {o->seed, purpose, store, (uint64_t)day, person, crossing};
    return rid_random_of(key, sizeof key / sizeof *key);
}

/* A latent point whose expected squared length is 1. */
static void draw_latent(rid_random *r, float out[RID_SYNTH_LATENT])
{
    const double scale = 1 / sqrt(RID_SYNTH_LATENT);
    for (int i = 0; i < RID_SYNTH_LATENT; i++)
        out[i] = (float)(scale * rid_random_normal(r));
}

static void add_latent(float *sum, const float *x, double scale)
{
    for (int i = 0; i < RID_SYNTH_LATENT; i++)
        sum[i] = (float)(sum[i] + scale * x[i]);
}

static void draw_direction(rid_random *r, float *out, size_t n)
{
    double square = 0;
    rid_random_normals(r, out, n);
    for (size_t i = 0; i < n; i++)
        square += (double)out[i] * out[i];
    double scale = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t i = 0; i < n; i++)
        out[i] = (float)(out[i] * scale);
}

/* out += latent @ space: (LATENT) by (LATENT, n). */
static void add_projected(float *out, const float *latent, const float *space, size_t n)
{
    for (size_t l = 0; l < RID_SYNTH_LATENT; l++) {
        const float *row = space + l * n;
        const float weight = latent[l];
        for (size_t i = 0; i < n; i++)
            out[i] += weight * row[i];
    }
}

rid_status rid_synth_world_init(rid_synth_world *w, const rid_synth_options *o, rid_err *err)
{
    const size_t n = o->vis_dim;
    rid_random r = rid_synth_random(o, RID_SYNTH_WORLD, 0, 0, 0, 0);
    *w = (rid_synth_world){.options = o};
    w->common = rid_mem_alloc(n, sizeof(float));
    w->person_space = rid_mem_alloc(n, RID_SYNTH_LATENT * sizeof(float));
    w->nuisance_space = rid_mem_alloc(n, RID_SYNTH_LATENT * sizeof(float));
    if (!w->common || !w->person_space || !w->nuisance_space)
        return RID_FAIL_NOMEM(err);
    draw_direction(&r, w->common, n);
    for (size_t l = 0; l < RID_SYNTH_LATENT; l++) {
        draw_direction(&r, w->person_space + l * n, n);
        draw_direction(&r, w->nuisance_space + l * n, n);
    }
    draw_latent(&r, w->uniform);
    return RID_OK;
}

void rid_synth_world_clear(rid_synth_world *w)
{
    rid_mem_free(w->common);
    rid_mem_free(w->person_space);
    rid_mem_free(w->nuisance_space);
    *w = (rid_synth_world){0};
}

rid_synth_person rid_synth_person_of(const rid_synth_world *w, uint32_t store, uint32_t person)
{
    rid_synth_person p = {0};
    float own[RID_SYNTH_LATENT];
    rid_random r = rid_synth_random(w->options, RID_SYNTH_PERSON, store, 0, person, 0);
    draw_latent(&r, own);
    p.employee = rid_random_chance(&r, EMPLOYEES);
    p.look = rid_random_u64(&r);
    add_latent(p.latent, own, p.employee ? sqrt(1 - UNIFORM_SHARE) : 1);
    if (p.employee)
        add_latent(p.latent, w->uniform, sqrt(UNIFORM_SHARE));
    return p;
}

/* The crossings of one person-day: their number, then their times. */
static uint32_t draw_visits(rid_random *r, const rid_synth_options *o, uint32_t store, int64_t day,
                            uint32_t person)
{
    *r = rid_synth_random(o, RID_SYNTH_VISITS, store, day, person, 0);
    return (uint32_t)rid_random_between(r, o->visits_lo, o->visits_hi);
}

uint32_t rid_synth_visits(const rid_synth_options *o, uint32_t store, int64_t day, uint32_t person)
{
    rid_random r;
    return draw_visits(&r, o, store, day, person);
}

static int compare_crossings(const void *a, const void *b)
{
    const rid_synth_crossing *x = a, *y = b;
    if (x->t_us != y->t_us)
        return x->t_us < y->t_us ? -1 : 1;
    if (x->person != y->person)
        return x->person < y->person ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

void rid_synth_plan(rid_synth_crossing *out, size_t n, const rid_synth_options *o, uint32_t store,
                    int64_t day)
{
    size_t at = 0;
    for (uint32_t person = 0; at < n; person++) {
        rid_random r;
        uint32_t visits = draw_visits(&r, o, store, day, person);
        for (uint32_t k = 0; k < visits; k++) {
            uint64_t ms = OPENS_MS + rid_random_below(&r, OPEN_MS);
            int64_t t_us = day * 86400 * 1000000 + (int64_t)ms * 1000;
            out[at + k] = (rid_synth_crossing){t_us, person, 0};
        }
        qsort(out + at, visits, sizeof *out, compare_crossings);
        for (uint32_t k = 0; k < visits; k++)
            out[at + k].index = k;
        at += visits;
    }
    if (n > 0)
        qsort(out, n, sizeof *out, compare_crossings);
}

/* The vector of a latent pair before frame noise. */
static void project(float *out, const rid_synth_world *w, const float *person,
                    const float *nuisance)
{
    const size_t n = w->options->vis_dim;
    memcpy(out, w->common, n * sizeof *out);
    add_projected(out, person, w->person_space, n);
    add_projected(out, nuisance, w->nuisance_space, n);
}

rid_synth_burst rid_synth_burst_begin(const rid_synth_world *w, uint32_t store, uint32_t camera,
                                      const rid_synth_person *p, rid_random random, float *memory)
{
    const rid_synth_options *o = w->options;
    const size_t n = o->vis_dim;
    rid_synth_burst b = {w, random, memory, memory + n, memory + 2 * n, 0};
    float person[RID_SYNTH_LATENT], nuisance[RID_SYNTH_LATENT] = {0}, draw[RID_SYNTH_LATENT];

    rid_random of_camera = rid_synth_random(o, RID_SYNTH_CAMERA, store, 0, camera, 0);
    draw_latent(&of_camera, draw);
    add_latent(nuisance, draw, o->noise * o->camera_noise);

    /* Some visits are worse than others. */
    double visit = o->noise * o->visit_noise * (0.5 + rid_random_uniform(&b.random));
    memcpy(person, p->latent, sizeof person);
    draw_latent(&b.random, draw);
    add_latent(person, draw, visit * sqrt(VISIT_IN_PERSON));
    draw_latent(&b.random, draw);
    add_latent(nuisance, draw, visit * sqrt(1 - VISIT_IN_PERSON));
    project(b.base, w, person, nuisance);
    return b;
}

/* frame = gain * (base + noise); components of size about 1, as a re-ID network gives them. */
static void draw_frame(rid_synth_burst *b, const float *base)
{
    const rid_synth_options *o = b->world->options;
    const size_t n = o->vis_dim;
    double gain = sqrt((double)n) * (0.5 + 0.2 * rid_random_uniform(&b->random));
    double spread = 0.7 + 0.6 * rid_random_uniform(&b->random);
    double noise = spread * o->noise * o->frame_noise / sqrt((double)n);
    for (size_t i = 0; i < n; i++)
        b->frame[i] = (float)(gain * (base[i] + noise * rid_random_normal(&b->random)));
}

/* Every other duplicate is exact; the others have a cosine of about 0.99995 to the frame before. */
static void repeat_frame(rid_synth_burst *b)
{
    if (rid_random_chance(&b->random, 0.5))
        return;
    for (size_t i = 0; i < b->world->options->vis_dim; i++)
        b->frame[i] = (float)(b->frame[i] * (1 + 0.01 * rid_random_normal(&b->random)));
}

static void draw_outlier(rid_synth_burst *b)
{
    float person[RID_SYNTH_LATENT], nuisance[RID_SYNTH_LATENT];
    draw_latent(&b->random, person);
    draw_latent(&b->random, nuisance);
    project(b->scratch, b->world, person, nuisance);
    draw_frame(b, b->scratch);
}

rid_synth_frame_kind rid_synth_burst_next(rid_synth_burst *b)
{
    const rid_synth_options *o = b->world->options;
    double u = rid_random_uniform(&b->random);
    if (b->drawn++ > 0 && u < o->duplicates) {
        repeat_frame(b);
        return RID_SYNTH_FRAME_DUPLICATE;
    }
    if (u > 1 - o->outliers) {
        draw_outlier(b);
        return RID_SYNTH_FRAME_OUTLIER;
    }
    draw_frame(b, b->base);
    return RID_SYNTH_FRAME_PLAIN;
}
