/* The scan and the clustering on unit vectors of made-up persons, four entries each.
 *
 *     bench_scan N DIM THREADS [VECTORS NEIGHBOURS]
 *
 * Prints `seconds WALL cpu CPU` of rid_scan with k = 2, and `neighbor WALL CPU people N` and
 * `identity WALL CPU people N` of rid_cluster. Writes, where named, the vectors, f32 (N, DIM), and
 * the neighbours, (N, 2) of f32 score and u32 row, for scan_peer.py. The vectors are the same every
 * time. */
#include "data/base/mem.h"
#include "eval/cluster.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_vectors.h"

#include <stdio.h>
#include <stdlib.h>

enum { NEIGHBOURS = 2 };

static const float VISIT_NOISE = 0.4f;

static int write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f && fwrite(bytes, 1, n, f) == n && fclose(f) == 0)
        return 0;
    perror(path);
    return -1;
}

static rid_status time_scan(rid_neighbour *out, const float *emb, size_t n, size_t dim, int threads,
                            rid_err *err)
{
    bench_time start = bench_now();
    rid_status st = rid_scan(out, NEIGHBOURS, emb, n, dim, threads, err);
    bench_time t = bench_since(start);
    printf("seconds %.4f cpu %.4f\n", t.wall_s, t.cpu_s);
    return st;
}

static rid_status time_cluster(rid_decision *out, rid_nn2_mode mode, const float *emb, size_t n,
                               size_t dim, int threads, rid_err *err)
{
    rid_rule rule = {.threshold = 0.75, .margin = 0.02, .nn2 = mode};
    size_t people = 0;
    bench_time start = bench_now();
    rid_status st = rid_cluster(out, &people, emb, NULL, n, dim, &rule, threads, err);
    bench_time t = bench_since(start);
    printf("%s %.4f %.4f people %zu\n", rid_nn2_name(mode), t.wall_s, t.cpu_s, people);
    return st;
}

static int run(size_t n, size_t dim, int threads, const char *vectors, const char *neighbours)
{
    rid_err err = {0};
    float *emb = rid_mem_alloc(n * sizeof *emb, dim), *person = rid_mem_alloc(dim, sizeof *person);
    rid_neighbour *nearest = rid_mem_alloc(n * NEIGHBOURS, sizeof *nearest);
    rid_decision *decisions = rid_mem_alloc(n, sizeof *decisions);
    rid_status st = emb && person && nearest && decisions ? RID_OK : RID_FAIL_NOMEM(&err);
    if (st == RID_OK) {
        bench_make_vectors(emb, n, dim, VISIT_NOISE, person);
        st = time_scan(nearest, emb, n, dim, threads, &err);
    }
    if (st == RID_OK)
        st = time_cluster(decisions, RID_NN2_NEIGHBOR, emb, n, dim, threads, &err);
    if (st == RID_OK)
        st = time_cluster(decisions, RID_NN2_IDENTITY, emb, n, dim, threads, &err);
    int failed = st != RID_OK;
    if (failed)
        fprintf(stderr, "bench_scan: %s\n", err.message);
    if (!failed && vectors)
        failed = write_file(vectors, emb, n * dim * sizeof *emb) != 0 ||
                 write_file(neighbours, nearest, n * NEIGHBOURS * sizeof *nearest) != 0;
    rid_mem_free(emb);
    rid_mem_free(person);
    rid_mem_free(nearest);
    rid_mem_free(decisions);
    return failed;
}

int main(int argc, char **argv)
{
    size_t n = argc > 3 ? strtoul(argv[1], NULL, 10) : 0;
    size_t dim = argc > 3 ? strtoul(argv[2], NULL, 10) : 0;
    int threads = argc > 3 ? atoi(argv[3]) : 0;
    if ((argc != 4 && argc != 6) || n == 0 || dim == 0 || threads < 1) {
        fprintf(stderr, "usage: bench_scan N DIM THREADS [VECTORS NEIGHBOURS]\n");
        return 2;
    }
    return run(n, dim, threads, argc == 6 ? argv[4] : NULL, argc == 6 ? argv[5] : NULL);
}
