/* Training steps at full size: P = 32 people, K = 4 entries of 10 frames, 1024-d, attention, 16 attributes.
 *
 *     bench_step STEPS THREADS
 *
 * Prints `seconds WALL cpu CPU` of STEPS steps (loss, gradients and update) after a few to warm up, and
 * `graph MS adamw MS` for their parts of a step. */
#include "data/base/mem.h"
#include "data/base/random.h"
#include "tests/bench/bench.h"
#include "train/adamw.h"
#include "train/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { PEOPLE = 32, ENTRIES = 4, N = PEOPLE * ENTRIES, FRAMES = 10, VIS = 1024, ATTR = 16, EMB = 128 };
enum { WARM_UP = 5 };

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
} bench;

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

static rid_status open_bench(bench *b, int threads, rid_err *err)
{
    const uint64_t key = 1;
    rid_random r = rid_random_of(&key, 1);
    if (!make_params(b, &r) || !make_batch(b, &r))
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
    rid_nn_close(b->nn);
}

static rid_status run(bench *b, int steps, int threads, rid_err *err)
{
    const rid_triplet_options loss = {RID_DISTANCE_EUCLIDEAN, false, 0.3};
    bench_time start = bench_now();
    double graph_s = 0, adamw_s = 0;
    for (int i = -WARM_UP; i < steps; i++) {
        rid_step_figures f;
        if (i == 0) {
            start = bench_now();
            graph_s = adamw_s = 0;
        }
        bench_time t = bench_now();
        rid_status st = rid_graph_step(b->nn, &b->params, &b->batch, &loss, &b->grads, &f, err);
        if (st != RID_OK)
            return st;
        graph_s += bench_since(t).wall_s;
        t = bench_now();
        rid_adamw_update(&b->adamw, &b->params, &b->grads, 3e-4, 1e-4, 1, threads);
        adamw_s += bench_since(t).wall_s;
    }
    bench_time t = bench_since(start);
    printf("seconds %.4f cpu %.4f\n", t.wall_s, t.cpu_s);
    printf("graph %.2f adamw %.2f\n", 1e3 * graph_s / steps, 1e3 * adamw_s / steps);
    return RID_OK;
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
