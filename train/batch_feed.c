#include "train/batch_feed.h"

#include "data/base/mem.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

/** Memory for one batch. */
typedef struct slot {
    rid_fed_batch fed;
    uint32_t *entry, *person, *n_frames; /* (n) */
    uint32_t *chosen;                    /* (n, max_frames) */
    float *frames, *attr, *dropout;
    size_t frames_cap, chosen_cap;
    rid_status status; /* of making it */
    rid_err err;
} slot;

struct rid_batch_feed {
    rid_feed_options o;
    const rid_train_set *set;
    rid_pk_sampler *sampler;
    size_t n;            /* rows */
    float *entry_frames; /* one entry's */
    float *noise;        /* (vis_dim) */
    slot slots[2];       /* one is used while the other is made */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t next;  /* step that the user asks for next */
    uint64_t ready; /* steps below are made */
    bool stop;
};

static void free_slot(slot *s)
{
    rid_mem_free(s->entry);
    rid_mem_free(s->person);
    rid_mem_free(s->n_frames);
    rid_mem_free(s->chosen);
    rid_mem_free(s->frames);
    rid_mem_free(s->attr);
    rid_mem_free(s->dropout);
}

static rid_status init_slot(const rid_batch_feed *f, slot *s, rid_err *err)
{
    s->entry = rid_mem_alloc(f->n, sizeof *s->entry);
    s->person = rid_mem_alloc(f->n, sizeof *s->person);
    s->n_frames = rid_mem_alloc(f->n, sizeof *s->n_frames);
    if (!s->entry || !s->person || !s->n_frames)
        return RID_FAIL_NOMEM(err);
    if (f->set->attr_dim > 0 && !(s->attr = rid_mem_alloc(f->n * sizeof *s->attr, f->set->attr_dim)))
        return RID_FAIL_NOMEM(err);
    if (f->o.dropout > 0 && !(s->dropout = rid_mem_alloc(f->n * sizeof *s->dropout, f->o.dropout_dim)))
        return RID_FAIL_NOMEM(err);
    return RID_OK;
}

/* ---- making a batch ---- */

static rid_random stream(const rid_batch_feed *f, rid_train_purpose purpose, uint64_t step, uint64_t i)
{
    return rid_train_random(f->o.pk.seed, f->o.pk.stream, purpose, step, i);
}

/* Which entries, and how many frames the longest has. */
static rid_status choose_frames(rid_batch_feed *f, slot *s, uint64_t step, rid_err *err)
{
    size_t most = 0;
    rid_pk_sampler_draw(f->sampler, step, s->entry);
    for (size_t i = 0; i < f->n; i++)
        if (f->set->entries[s->entry[i]].n_frames > most)
            most = f->set->entries[s->entry[i]].n_frames;
    if (rid_mem_grow(&s->chosen, &s->chosen_cap, f->n * most, sizeof *s->chosen) != 0)
        return RID_FAIL_NOMEM(err);
    s->fed.batch.max_frames = 0;
    for (size_t i = 0; i < f->n; i++) {
        size_t n = rid_pk_sampler_frames(f->sampler, step, i, f->set->entries[s->entry[i]].n_frames,
                                         s->chosen + i * most);
        s->n_frames[i] = (uint32_t)n;
        if (n > s->fed.batch.max_frames)
            s->fed.batch.max_frames = n;
    }
    for (size_t i = 1; i < f->n; i++) /* rows closer together: the longest may not be at its longest */
        memmove(s->chosen + i * s->fed.batch.max_frames, s->chosen + i * most,
                s->n_frames[i] * sizeof *s->chosen);
    return RID_OK;
}

/* x becomes the unit vector along x + noise of the wanted length. */
static void add_noise(rid_batch_feed *f, float *x, rid_random *r)
{
    const size_t dim = f->set->vis_dim;
    const double scale = f->o.frame_noise / sqrt((double)dim);
    double sum = 0;
    rid_random_normals(r, f->noise, dim);
    for (size_t d = 0; d < dim; d++) {
        x[d] += (float)(scale * f->noise[d]);
        sum += (double)x[d] * x[d];
    }
    for (size_t d = 0; sum > 0 && d < dim; d++)
        x[d] = (float)(x[d] / sqrt(sum));
}

static rid_status gather_frames(rid_batch_feed *f, slot *s, uint64_t step, rid_err *err)
{
    const size_t dim = f->set->vis_dim, most = s->fed.batch.max_frames;
    if (rid_mem_grow(&s->frames, &s->frames_cap, f->n * most * dim, sizeof *s->frames) != 0)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < f->n; i++) {
        float *row = s->frames + i * most * dim;
        rid_random r = stream(f, RID_DRAW_NOISE, step, i);
        rid_status st = rid_train_set_read(f->set, s->entry[i], f->entry_frames, err);
        if (st != RID_OK)
            return st;
        for (size_t k = 0; k < s->n_frames[i]; k++) {
            memcpy(row + k * dim, f->entry_frames + s->chosen[i * most + k] * dim, dim * sizeof *row);
            if (f->o.frame_noise > 0)
                add_noise(f, row + k * dim, &r);
        }
        memset(row + s->n_frames[i] * dim, 0, (most - s->n_frames[i]) * dim * sizeof *row);
    }
    return RID_OK;
}

static void gather_attributes(const rid_batch_feed *f, slot *s, uint64_t step)
{
    const size_t dim = f->set->attr_dim;
    rid_random r = stream(f, RID_DRAW_ATTRIBUTES, step, 0);
    for (size_t i = 0; s->attr && i < f->n; i++) {
        bool drop = rid_random_chance(&r, f->o.attr_dropout);
        float *row = s->attr + i * dim;
        if (drop)
            memset(row, 0, dim * sizeof *row);
        else
            memcpy(row, f->set->attr + s->entry[i] * dim, dim * sizeof *row);
    }
}

static void draw_dropout(const rid_batch_feed *f, slot *s, uint64_t step)
{
    rid_random r = stream(f, RID_DRAW_DROPOUT, step, 0);
    const float factor = (float)(1 / (1 - f->o.dropout));
    for (size_t i = 0; s->dropout && i < f->n * f->o.dropout_dim; i++)
        s->dropout[i] = rid_random_chance(&r, f->o.dropout) ? 0 : factor;
}

static bool has_anchor(const slot *s, size_t n)
{
    bool positive = false, negative = false;
    for (size_t i = 1; i < n; i++) {
        positive |= s->person[i] == s->person[i - 1] && s->entry[i] != s->entry[i - 1];
        negative |= s->person[i] != s->person[i - 1];
    }
    return positive && negative;
}

static rid_status make_batch(rid_batch_feed *f, slot *s, uint64_t step, rid_err *err)
{
    rid_status st = choose_frames(f, s, step, err);
    if (st == RID_OK)
        st = gather_frames(f, s, step, err);
    if (st != RID_OK)
        return st;
    gather_attributes(f, s, step);
    draw_dropout(f, s, step);
    for (size_t i = 0; i < f->n; i++)
        s->person[i] = f->set->entries[s->entry[i]].person;
    s->fed = (rid_fed_batch){.step = step,
                             .batch = {.n = f->n,
                                       .max_frames = s->fed.batch.max_frames,
                                       .vis_dim = f->set->vis_dim,
                                       .attr_dim = f->set->attr_dim,
                                       .frames = s->frames,
                                       .n_frames = s->n_frames,
                                       .attr = s->attr,
                                       .entry = s->entry,
                                       .person = s->person,
                                       .dropout = s->dropout},
                             .frames = s->chosen,
                             .has_anchor = has_anchor(s, f->n)};
    return RID_OK;
}

/* ---- the thread ---- */

/* Makes step after step, as long as there is a free slot: the user holds one, one is ready. */
static void *run(void *arg)
{
    rid_batch_feed *f = arg;
    pthread_mutex_lock(&f->lock);
    for (;;) {
        while (!f->stop && f->ready > f->next)
            pthread_cond_wait(&f->changed, &f->lock);
        if (f->stop)
            break;
        uint64_t step = f->ready;
        slot *s = &f->slots[step % 2];
        pthread_mutex_unlock(&f->lock);
        s->status = make_batch(f, s, step, &s->err);
        pthread_mutex_lock(&f->lock);
        f->ready = step + 1;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

rid_status rid_batch_feed_next(rid_batch_feed *f, rid_fed_batch *out, rid_err *err)
{
    pthread_mutex_lock(&f->lock);
    while (f->ready <= f->next)
        pthread_cond_wait(&f->changed, &f->lock);
    slot *s = &f->slots[f->next % 2];
    f->next++;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    if (s->status != RID_OK && err)
        *err = s->err;
    *out = s->fed;
    return s->status;
}

size_t rid_batch_feed_batches(const rid_batch_feed *f)
{
    return rid_pk_sampler_batches(f->sampler);
}

void rid_batch_feed_close(rid_batch_feed *f)
{
    if (!f)
        return;
    if (f->started) {
        pthread_mutex_lock(&f->lock);
        f->stop = true;
        pthread_cond_broadcast(&f->changed);
        pthread_mutex_unlock(&f->lock);
        pthread_join(f->thread, NULL);
    }
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    for (int i = 0; i < 2; i++)
        free_slot(&f->slots[i]);
    rid_pk_sampler_free(f->sampler);
    rid_mem_free(f->entry_frames);
    rid_mem_free(f->noise);
    rid_mem_free(f);
}

static rid_status init_memory(rid_batch_feed *f, const uint8_t *use, rid_err *err)
{
    size_t longest = 1;
    for (size_t i = 0; i < f->set->n; i++)
        if (use[i] && f->set->entries[i].n_frames > longest)
            longest = f->set->entries[i].n_frames;
    f->entry_frames = rid_mem_alloc(longest * sizeof *f->entry_frames, f->set->vis_dim);
    f->noise = rid_mem_alloc(f->set->vis_dim, sizeof *f->noise);
    rid_status st = f->entry_frames && f->noise ? RID_OK : RID_FAIL_NOMEM(err);
    for (int i = 0; i < 2 && st == RID_OK; i++)
        st = init_slot(f, &f->slots[i], err);
    return st;
}

rid_status rid_batch_feed_open(rid_batch_feed **out, const rid_train_set *set, const uint8_t *use,
                               const rid_feed_options *options, uint64_t step, rid_err *err)
{
    *out = NULL;
    rid_batch_feed *f = rid_mem_zalloc(1, sizeof *f);
    if (!f)
        return RID_FAIL_NOMEM(err);
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    f->o = *options;
    f->set = set;
    f->n = options->pk.p * options->pk.k;
    f->next = f->ready = step;
    rid_status st = rid_pk_sampler_new(&f->sampler, set, use, &options->pk, err);
    if (st == RID_OK)
        st = init_memory(f, use, err);
    if (st == RID_OK && pthread_create(&f->thread, NULL, run, f) != 0)
        st = RID_FAIL(err, RID_ETEMP, "no thread can be started");
    f->started = st == RID_OK;
    if (st != RID_OK) {
        rid_batch_feed_close(f);
        return st;
    }
    *out = f;
    return RID_OK;
}
