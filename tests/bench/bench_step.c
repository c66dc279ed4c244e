/* Training steps at full size: P = 32 people, K = 4 entries of 10 frames, 1024-d, attention, 16 attributes.
 *
 *     bench_step STEPS THREADS
 *
 * Prints `seconds WALL cpu CPU` of STEPS steps (loss, gradients and update) of one batch, after a few to
 * warm up. Then, in milliseconds a step, `sampling A data B forward C loss D backward E optimizer F fed G
 * wait H`: the processor time of a step's parts (sampling: who is in the batch; data: gathering their frames
 * from memory), and by the clock how long a step is with batches that are made ahead, and waits for them. */
#include "data/base/mem.h"
#include "data/base/random.h"
#include "tests/bench/bench.h"
#include "train/adamw.h"
#include "train/batch_feed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 32, ENTRIES = 4, N = PEOPLE * ENTRIES, FRAMES = 10, VIS = 1024, ATTR = 16, EMB = 128 };
enum { WARM_UP = 5, CROWD = 256 }; /* people who are drawn from */

typedef struct sizes {
    const char *name;
    int out, in; /* in = 0: a bias */
} sizes;

static const sizes TENSORS[] = {
    {"vis_pool.q.weight", VIS, VIS}, {"vis_pool.q.bias", VIS, 0},
    {"vis_pool.k.weight", VIS, VIS}, {"vis_pool.k.bias", VIS, 0},
    {"vis_pool.v.weight", VIS, VIS}, {"vis_pool.v.bias", VIS, 0},
    {"vis_proj.weight", EMB, VIS},   {"vis_proj.bias", EMB, 0},
    {"attr_proj.weight", EMB, ATTR}, {"attr_proj.bias", EMB, 0},
    {"fuse.0.weight", EMB, 2 * EMB}, {"fuse.0.bias", EMB, 0},
    {"fuse.3.weight", EMB, EMB},     {"fuse.3.bias", EMB, 0},
};
enum { N_TENSORS = sizeof TENSORS / sizeof TENSORS[0] };

typedef struct bench {
    rid_checkpoint params, grads;
    rid_tensor tensors[N_TENSORS];
    rid_adamw adamw;
    rid_train_batch batch;
    float *frames, *attr; /* (N, FRAMES, VIS), (N, ATTR) */
    uint32_t n_frames[N], entry[N], person[N];
    rid_nn *nn;
    rid_train_set set; /* CROWD * ENTRIES entries */
    uint8_t use[CROWD * ENTRIES];
} bench;

/** Seconds, summed over steps: processor time. */
typedef struct parts {
    double sampling, forward, loss, graph, optimizer;
} parts;

static void scale(float *x, size_t n, double factor)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= (float)factor;
}

static bool make_params(bench *b, rid_random *r)
{
    static char baseline[] = "baseline";
    for (size_t i = 0; i < N_TENSORS; i++) {
        const sizes *s = &TENSORS[i];
        rid_tensor *t = &b->tensors[i];
        *t = (rid_tensor){.name = (char *)(uintptr_t)s->name,
                          .n_dims = s->in ? 2 : 1,
                          .shape = {s->out, s->in},
                          .numel = (size_t)s->out * (size_t)(s->in ? s->in : 1)};
        t->data = rid_mem_alloc_aligned(t->numel, sizeof *t->data);
        if (!t->data)
            return false;
        rid_random_normals(r, t->data, t->numel);
        scale(t->data, t->numel, 0.5 / sqrt(s->in ? s->in : s->out));
    }
    b->params = (rid_checkpoint){.tensors = b->tensors,
                                 .n_tensors = N_TENSORS,
                                 .vis_dim = VIS,
                                 .attr_dim = ATTR,
                                 .emb_dim = EMB,
                                 .use_attention = true,
                                 .fusion_mode = baseline};
    return true;
}

static bool make_batch(bench *b, rid_random *r)
{
    b->frames = rid_mem_alloc_aligned((size_t)N * FRAMES * VIS, sizeof *b->frames);
    b->attr = rid_mem_alloc_aligned((size_t)N * ATTR, sizeof *b->attr);
    if (!b->frames || !b->attr)
        return false;
    rid_random_normals(r, b->attr, (size_t)N * ATTR);
    rid_random_normals(r, b->frames, (size_t)N * FRAMES * VIS);
    scale(b->frames, (size_t)N * FRAMES * VIS, 1 / sqrt(VIS));
    for (uint32_t i = 0; i < N; i++) {
        b->n_frames[i] = FRAMES;
        b->entry[i] = i;
        b->person[i] = i / ENTRIES;
    }
    b->batch = (rid_train_batch){.n = N, .max_frames = FRAMES, .vis_dim = VIS, .attr_dim = ATTR,
                                 .frames = b->frames, .n_frames = b->n_frames, .attr = b->attr,
                                 .entry = b->entry, .person = b->person};
    return true;
}

static bool make_set(bench *b, rid_random *r)
{
    const size_t n = CROWD * ENTRIES;
    b->set = (rid_train_set){.n = n,
                             .n_persons = CROWD,
                             .n_buckets = 1,
                             .vis_dim = VIS,
                             .attr_dim = ATTR,
                             .n_frames = n * FRAMES,
                             .entries = rid_mem_zalloc(n, sizeof *b->set.entries),
                             .attr = rid_mem_zalloc(n * ATTR, sizeof *b->set.attr),
                             .frames = rid_mem_alloc(n * FRAMES * VIS, sizeof *b->set.frames)};
    if (!b->set.entries || !b->set.attr || !b->set.frames)
        return false;
    rid_random_normals(r, b->set.frames, n * FRAMES * VIS);
    scale(b->set.frames, n * FRAMES * VIS, 1 / sqrt(VIS));
    for (uint32_t i = 0; i < n; i++) {
        b->set.entries[i] = (rid_train_entry){
            .person = i / ENTRIES, .n_frames = FRAMES, .first = (uint64_t)i * FRAMES};
        b->use[i] = 1;
    }
    return true;
}

static rid_status open_bench(bench *b, int threads, rid_err *err)
{
    const uint64_t key = 1;
    rid_random r = rid_random_of(&key, 1);
    if (!make_params(b, &r) || !make_batch(b, &r) || !make_set(b, &r))
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_graph_new_like(&b->grads, &b->params, err);
    if (st == RID_OK)
        st = rid_adamw_init(&b->adamw, &b->params, err);
    return st == RID_OK ? rid_nn_open(&b->nn, RID_NN_CPU, threads, false, err) : st;
}

static void close_bench(bench *b)
{
    for (size_t i = 0; i < N_TENSORS; i++)
        rid_mem_free(b->tensors[i].data);
    rid_mem_free(b->frames);
    rid_mem_free(b->attr);
    rid_checkpoint_free(&b->grads);
    rid_adamw_clear(&b->adamw);
    rid_train_set_clear(&b->set);
    rid_nn_close(b->nn);
}

static const rid_triplet_options LOSS = {RID_DISTANCE_EUCLIDEAN, false, 0.3};
static const rid_feed_options FEED = {.pk = {.p = PEOPLE, .k = ENTRIES, .seed = 1}};

static rid_status step(bench *b, const rid_train_batch *batch, int threads, parts *p, rid_err *err)
{
    rid_step_figures f;
    bench_time t = bench_now();
    rid_status st = rid_graph_step(b->nn, &b->params, batch, &LOSS, &b->grads, &f, err);
    if (st != RID_OK)
        return st;
    p->graph += bench_since(t).cpu_s;
    t = bench_now();
    rid_adamw_update(&b->adamw, &b->params, &b->grads, 3e-4, 1e-4, 1, threads);
    p->optimizer += bench_since(t).cpu_s;
    return RID_OK;
}

/* One batch, over and over: what the peer does. */
static rid_status run_steps(bench *b, int steps, int threads, parts *p, rid_err *err)
{
    bench_time start = bench_now();
    rid_status st = RID_OK;
    for (int i = -WARM_UP; i < steps && st == RID_OK; i++) {
        if (i == 0) {
            start = bench_now();
            *p = (parts){0};
        }
        st = step(b, &b->batch, threads, p, err);
    }
    bench_time t = bench_since(start);
    if (st == RID_OK)
        printf("seconds %.4f cpu %.4f\n", t.wall_s, t.cpu_s);
    return st;
}

static rid_status time_graph_parts(bench *b, int steps, int threads, parts *p, rid_err *err)
{
    static float emb[N * EMB];
    static double wide[N * EMB], gradient[N * EMB];
    const rid_triplet_rows rows = {wide, b->entry, b->person, N, EMB};
    rid_step_figures f;
    rid_status st = RID_OK;
    for (int i = 0; i < steps && st == RID_OK; i++) {
        bench_time t = bench_now();
        st = rid_graph_embed(b->nn, &b->params, &b->batch, emb, err);
        p->forward += bench_since(t).cpu_s;
        for (size_t k = 0; k < N * EMB; k++)
            wide[k] = emb[k];
        t = bench_now();
        if (st == RID_OK)
            st = rid_triplet_loss(&f, gradient, &rows, &LOSS, threads, err);
        p->loss += bench_since(t).cpu_s;
    }
    return st;
}

static rid_status time_sampling(bench *b, int steps, parts *p, rid_err *err)
{
    rid_pk_sampler *s = NULL;
    uint32_t entries[N], frames[FRAMES];
    rid_status st = rid_pk_sampler_new(&s, &b->set, b->use, &FEED.pk, err);
    bench_time t = bench_now();
    for (uint64_t i = 0; st == RID_OK && i < (uint64_t)steps; i++) {
        rid_pk_sampler_draw(s, i, entries);
        for (size_t k = 0; k < N; k++)
            rid_pk_sampler_frames(s, i, k, FRAMES, frames);
    }
    p->sampling = bench_since(t).cpu_s;
    rid_pk_sampler_free(s);
    return st;
}

/* train: with the work of a step behind each batch; otherwise only batches. *wait: of the wall clock. */
static rid_status run_fed(bench *b, int steps, int threads, bool train, bench_time *took,
                          double *wait, rid_err *err)
{
    rid_batch_feed *f = NULL;
    rid_fed_batch fed;
    parts ignored = {0};
    bench_time start = bench_now();
    rid_status st = rid_batch_feed_open(&f, &b->set, b->use, &FEED, 0, err);
    for (int i = -WARM_UP; i < steps && st == RID_OK; i++) {
        if (i == 0) {
            start = bench_now();
            *wait = 0;
        }
        bench_time t = bench_now();
        st = rid_batch_feed_next(f, &fed, err);
        *wait += bench_since(t).wall_s;
        if (st == RID_OK && train)
            st = step(b, &fed.batch, threads, &ignored, err);
    }
    *took = bench_since(start);
    rid_batch_feed_close(f);
    return st;
}

static rid_status run(bench *b, int steps, int threads, rid_err *err)
{
    parts p = {0};
    bench_time data, fed;
    double idle, wait;
    rid_status st = run_steps(b, steps, threads, &p, err);
    if (st == RID_OK)
        st = time_graph_parts(b, steps, threads, &p, err);
    if (st == RID_OK)
        st = time_sampling(b, steps, &p, err);
    if (st == RID_OK)
        st = run_fed(b, steps, threads, false, &data, &idle, err);
    if (st == RID_OK)
        st = run_fed(b, steps, threads, true, &fed, &wait, err);
    const double ms = 1e3 / steps;
    if (st == RID_OK)
        printf("sampling %.2f data %.2f forward %.2f loss %.2f backward %.2f optimizer %.2f fed "
               "%.2f wait %.2f\n",
               ms * p.sampling, ms * (data.cpu_s - p.sampling), ms * p.forward, ms * p.loss,
               ms * (p.graph - p.forward - p.loss), ms * p.optimizer, ms * fed.wall_s, ms * wait);
    return st;
}

int main(int argc, char **argv)
{
    static bench b;
    rid_err err = {0};
    int steps = argc == 3 ? atoi(argv[1]) : 0, threads = argc == 3 ? atoi(argv[2]) : 0;
    if (steps < 1 || threads < 1) {
        fprintf(stderr, "usage: bench_step STEPS THREADS\n");
        return 2;
    }
    rid_status st = open_bench(&b, threads, &err);
    if (st == RID_OK)
        st = run(&b, steps, threads, &err);
    if (st != RID_OK)
        fprintf(stderr, "bench_step: %s\n", err.message);
    close_bench(&b);
    return rid_status_exit_code(st);
}
