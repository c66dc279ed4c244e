/* Evaluation of a ranked gallery, with and without re-ranking, on unit vectors of made-up persons.
 *
 *     bench_ranking QUERIES GALLERY DIM THREADS K1,K2,LAMBDA|- [VECTORS APS]
 *
 * Entries come by turns from one person in 26 of them; the first QUERIES are queries, the rest is the
 * gallery. Prints `seconds WALL cpu CPU` of rid_ranking_run_details and rid_open_set_measure, with the
 * re-ranking before them, and `rss BYTES map X`: the most memory that the process took, vectors and all. Writes, where named, the
 * vectors, f32 (N, DIM), and the AP of each query, f64 (QUERIES), for ranking_peer.py. */
#include "data/base/mem.h"
#include "eval/open_set.h"
#include "tests/bench/bench.h"
#include "tests/bench/bench_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERSON_ENTRIES = 26 };

static const float VISIT_NOISE = 1.5f;

typedef struct bench {
    size_t n_queries, n, dim;
    int threads;
    bool reranks;
    rid_rerank_options rerank;
    float *emb;
    uint32_t *person;
    uint8_t *query, *gallery;
    rid_ranking_query *result;
} bench;

static rid_status make_bench(bench *b, rid_err *err)
{
    const size_t n_people = b->n / PERSON_ENTRIES + 1;
    float *scratch = rid_mem_alloc(b->dim, sizeof *scratch);
    b->emb = rid_mem_alloc(b->n * sizeof *b->emb, b->dim);
    b->person = rid_mem_alloc(b->n, sizeof *b->person);
    b->query = rid_mem_alloc(b->n, 1);
    b->gallery = rid_mem_alloc(b->n, 1);
    b->result = rid_mem_alloc(b->n, sizeof *b->result);
    const bool ok = scratch && b->emb && b->person && b->query && b->gallery && b->result;
    if (ok)
        bench_make_people(b->emb, b->n, b->dim, n_people, VISIT_NOISE, scratch);
    for (size_t i = 0; ok && i < b->n; i++) {
        b->person[i] = (uint32_t)(i % n_people);
        b->query[i] = i < b->n_queries;
        b->gallery[i] = !b->query[i];
    }
    rid_mem_free(scratch);
    return ok ? RID_OK : RID_FAIL_NOMEM(err);
}

static void free_bench(bench *b)
{
    rid_mem_free(b->emb);
    rid_mem_free(b->person);
    rid_mem_free(b->query);
    rid_mem_free(b->gallery);
    rid_mem_free(b->result);
}

static rid_status evaluate(const bench *b, rid_ranking *out, rid_err *err)
{
    rid_rerank *rerank = NULL;
    rid_status st = RID_OK;
    if (b->reranks)
        st = rid_rerank_new(&rerank, &(rid_rerank_input){.emb = b->emb, .n = b->n, .dim = b->dim},
                            &b->rerank, b->threads, err);
    const rid_ranking_input in = {.emb = b->emb,
                                  .n = b->n,
                                  .dim = b->dim,
                                  .person = b->person,
                                  .query = b->query,
                                  .gallery = b->gallery,
                                  .rerank = rerank};
    rid_separation separation;
    rid_open_set open;
    const rid_ranking_details details = {.queries = b->result, .separation = &separation};
    if (st == RID_OK)
        st = rid_ranking_run_details(out, &details, &in, b->threads, err);
    if (st == RID_OK)
        st = rid_open_set_measure(&open, b->result, b->n, err);
    rid_rerank_free(rerank);
    return st;
}

static int write_files(const bench *b, char *const *files)
{
    FILE *f = fopen(files[0], "wb");
    bool ok = f && fwrite(b->emb, b->dim * sizeof *b->emb, b->n, f) == b->n && fclose(f) == 0;
    f = ok ? fopen(files[1], "wb") : NULL;
    ok = ok && f;
    for (size_t i = 0; ok && i < b->n_queries; i++)
        ok = fwrite(&b->result[i].ap, sizeof b->result[i].ap, 1, f) == 1;
    if (ok && fclose(f) == 0)
        return 0;
    perror(files[0]);
    return -1;
}

static int run(bench *b, char *const *files)
{
    rid_err err = {0};
    rid_ranking r;
    bench_time t = {0};
    rid_status st = make_bench(b, &err);
    if (st == RID_OK) {
        const bench_time start = bench_now();
        st = evaluate(b, &r, &err);
        t = bench_since(start);
    }
    int failed = st != RID_OK;
    if (failed)
        fprintf(stderr, "bench_ranking: %s\n", err.message);
    else
        printf("seconds %.4f cpu %.4f\nrss %llu map %.17g\n", t.wall_s, t.cpu_s,
               (unsigned long long)rid_mem_peak_rss(), r.map);
    if (!failed && files)
        failed = write_files(b, files) != 0;
    free_bench(b);
    return failed;
}

int main(int argc, char **argv)
{
    bench b = {0};
    if (argc == 6 || argc == 8) {
        b.n_queries = strtoul(argv[1], NULL, 10);
        b.n = b.n_queries + strtoul(argv[2], NULL, 10);
        b.dim = strtoul(argv[3], NULL, 10);
        b.threads = atoi(argv[4]);
        b.reranks = strcmp(argv[5], "-") != 0;
    }
    if (b.n_queries == 0 || b.dim == 0 || b.threads < 1 ||
        (b.reranks && !rid_rerank_parse(argv[5], &b.rerank))) {
        fprintf(stderr, "usage: bench_ranking QUERIES GALLERY DIM THREADS K1,K2,LAMBDA|- "
                        "[VECTORS APS]\n");
        return 2;
    }
    return run(&b, argc == 8 ? argv + 6 : NULL);
}
