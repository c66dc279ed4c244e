/* The kernels of every instruction set that this processor runs, and the plain loops beside them;
 * the checksums. For information: prints `WHAT NAME RATE UNIT` lines, each the best of several
 * rounds in which all take their turn. */
#include "data/base/hash.h"
#include "data/base/mem.h"
#include "data/base/random.h"
#include "data/fletcher.h"
#include "data/float_text.h"
#include "eval/kernel.h"
#include "tests/bench/bench.h"

#include <stdio.h>

enum { ROUNDS = 5, KERNELS_MAX = 8, CHUNK_BYTES = 2 << 20, NUMBERS = 1024 };

/* A product as the encoder makes them (32 bursts through a 1024 x 1024 map), and one as the scan
 * does (48 rows against 256 earlier ones). */
typedef struct shape {
    const char *name;
    size_t rows, columns, k;
} shape;
static const shape shapes[] = {{"product-encode", 32, 1024, 1024}, {"product-scan", 48, 256, 128}};

enum { N_SHAPES = sizeof shapes / sizeof shapes[0], ROWS_MAX = 48, MATRIX = 1024 * 1024 };

/** Memory of all measurements. */
typedef struct arena {
    float *a, *b, *packed, *out;
    unsigned char *bytes; /* CHUNK_BYTES */
    volatile double sink; /* so that nothing is optimised away */
} arena;

/* One measured thing: repeats its work `times` times; `units` of work each. */
typedef struct task {
    const char *what, *name, *unit;
    double units; /* GMAC or GB of one repetition */
    void (*run)(arena *m, const struct task *t, unsigned times);
    const rid_kernel *kernel; /* NULL: the plain loop */
    rid_float_text_array_fn *text;
    const shape *shape;
    double best_s; /* of one repetition */
} task;

static void run_product(arena *m, const task *t, unsigned times)
{
    const shape *s = t->shape;
    for (unsigned i = 0; i < times; i++) {
        if (t->kernel)
            t->kernel->product(m->out, s->columns, m->a, s->k, s->rows, m->packed,
                               rid_kernel_panels(s->columns), s->k);
        else
            rid_kernel_reference_product(m->out, s->columns, m->a, s->k, s->rows, m->b, s->k,
                                         s->columns, s->k);
        m->sink += (double)m->out[0];
    }
}

static void run_dot(arena *m, const task *t, unsigned times)
{
    size_t n = t->shape->k;
    for (unsigned i = 0; i < times; i++)
        m->sink += (double)(t->kernel ? t->kernel->dot(m->a, m->b, n)
                                      : rid_kernel_reference_dot(m->a, m->b, n));
}

static void run_xxh3(arena *m, const task *t, unsigned times)
{
    (void)t;
    for (unsigned i = 0; i < times; i++)
        m->sink += (double)rid_hash64(m->bytes, CHUNK_BYTES);
}

static void run_fletcher(arena *m, const task *t, unsigned times)
{
    (void)t;
    for (unsigned i = 0; i < times; i++)
        m->sink += (double)rid_fletcher32(m->bytes, CHUNK_BYTES);
}

static void run_fletcher_reference(arena *m, const task *t, unsigned times)
{
    (void)t;
    for (unsigned i = 0; i < times; i++)
        m->sink += (double)rid_fletcher32_reference(m->bytes, CHUNK_BYTES);
}

/* Numbers as text, into the chunk. */
static void run_text(arena *m, const task *t, unsigned times)
{
    char *out = (char *)m->bytes;
    for (unsigned i = 0; i < times; i++)
        m->sink += (double)t->text(out, m->a, NUMBERS);
}

static size_t plain_text(char *out, const float *x, size_t n)
{
    char *at = out;
    for (size_t i = 0; i < n; i++) {
        at += rid_float_text_write(at, x[i]);
        *at++ = ',';
    }
    return (size_t)(at - out);
}

/* Seconds of one repetition: as many as take 20 ms. */
static void measure(arena *m, task *t)
{
    for (unsigned times = 1;; times *= 4) {
        bench_time start = bench_now();
        t->run(m, t, times);
        double s = bench_since(start).wall_s;
        if (s < 0.02 && times < 1u << 20)
            continue;
        s /= times;
        t->best_s = t->best_s > 0 && t->best_s < s ? t->best_s : s;
        return;
    }
}

/* All of a row take turns; prints what each reached. */
static void compare(arena *m, task *tasks, size_t n)
{
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < n; i++)
            measure(m, &tasks[i]);
    for (size_t i = 0; i < n; i++)
        printf("%s %s %.2f %s\n", tasks[i].what, tasks[i].name, tasks[i].units / tasks[i].best_s,
               tasks[i].unit);
}

/* The row of one kernel function: all kernels and the plain loop. */
static void compare_kernels(arena *m, task row)
{
    task tasks[KERNELS_MAX + 1];
    size_t n = 0;
    for (const rid_kernel *k; n < KERNELS_MAX && (k = rid_kernel_at(n)); n++) {
        tasks[n] = row;
        tasks[n].kernel = k;
        tasks[n].name = k->name;
    }
    tasks[n++] = row;
    compare(m, tasks, n);
}

static void compare_texts(arena *m)
{
    task tasks[RID_ISA_COUNT + 1];
    const task row = {
        .what = "float-text", .unit = "M/s", .units = 1e-6 * NUMBERS, .run = run_text};
    size_t n = 0;
    for (int isa = RID_ISA_COUNT - 1; isa >= 0; isa--) {
        if (!rid_isa_runs((rid_isa)isa))
            continue;
        tasks[n] = row;
        tasks[n].name = rid_isa_name((rid_isa)isa);
        tasks[n++].text = rid_float_text_array_of((rid_isa)isa);
    }
    tasks[n] = row;
    tasks[n].name = "plain";
    tasks[n++].text = plain_text;
    compare(m, tasks, n);
}

static void compare_all(arena *m)
{
    static const shape vector = {"dot-1024", 1, 1, 1024};
    for (size_t i = 0; i < N_SHAPES; i++) {
        const shape *s = &shapes[i];
        rid_kernel_pack(m->packed, m->b, s->k, s->columns, s->k);
        compare_kernels(m, (task){.what = s->name, .name = "plain", .unit = "GMAC/s", .shape = s,
                                  .units = 1e-9 * (double)(s->rows * s->columns * s->k),
                                  .run = run_product});
    }
    compare_kernels(m, (task){.what = vector.name, .name = "plain", .unit = "GMAC/s",
                              .shape = &vector, .units = 1e-9 * (double)vector.k, .run = run_dot});
    task sums[] = {{.what = "xxh3-64", .name = "xxhash", .run = run_xxh3},
                   {.what = "fletcher32", .name = "fast", .run = run_fletcher},
                   {.what = "fletcher32", .name = "plain", .run = run_fletcher_reference}};
    for (size_t i = 0; i < 3; i++) {
        sums[i].unit = "GB/s";
        sums[i].units = 1e-9 * CHUNK_BYTES;
    }
    compare(m, sums, 3);
    compare_texts(m);
}

int main(void)
{
    arena m = {.a = rid_mem_alloc_aligned(ROWS_MAX * 1024, sizeof(float)),
               .b = rid_mem_alloc_aligned(MATRIX, sizeof(float)),
               .packed = rid_mem_alloc_aligned(MATRIX, sizeof(float)),
               .out = rid_mem_alloc_aligned(ROWS_MAX * 1024, sizeof(float)),
               .bytes = rid_mem_alloc_aligned(CHUNK_BYTES, 1)};
    int failed = !m.a || !m.b || !m.packed || !m.out || !m.bytes;
    if (failed) {
        fprintf(stderr, "bench_kernels: out of memory\n");
    } else {
        uint64_t seed = 1;
        rid_random r = rid_random_of(&seed, 1);
        rid_random_normals(&r, m.a, ROWS_MAX * 1024);
        rid_random_normals(&r, m.b, MATRIX);
        for (size_t i = 0; i < CHUNK_BYTES; i++)
            m.bytes[i] = (unsigned char)rid_random_u64(&r);
        compare_all(&m);
    }
    rid_mem_free(m.a);
    rid_mem_free(m.b);
    rid_mem_free(m.packed);
    rid_mem_free(m.out);
    rid_mem_free(m.bytes);
    return failed;
}
