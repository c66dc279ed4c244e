/** The vectors of the benchmarks: unit vectors of made-up persons, the same every time. */
#ifndef RID_BENCH_VECTORS_H
#define RID_BENCH_VECTORS_H

#include "data/base/random.h"

#include <math.h>
#include <stddef.h>

enum { BENCH_VISITS = 4 };

/** Persons come and go: the entries of one are n_persons apart. */
static inline size_t bench_person(size_t i, size_t n)
{
    return i % (n / BENCH_VISITS + 1);
}

/** emb f32 (n, dim) of entries of n_people by turns, person f32 (dim) is scratch. noise: spread of a
 *  person's entries about the person, of which the spread is 1. */
static inline void bench_make_people(float *emb, size_t n, size_t dim, size_t n_people, float noise,
                                     float *person)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t of_person[2] = {0, i % n_people}, of_entry[2] = {1, i};
        rid_random p = rid_random_of(of_person, 2), e = rid_random_of(of_entry, 2);
        double squares = 0;
        float *to = emb + i * dim;
        rid_random_normals(&p, person, dim);
        rid_random_normals(&e, to, dim);
        for (size_t d = 0; d < dim; d++) {
            to[d] = person[d] + noise * to[d];
            squares += (double)to[d] * (double)to[d];
        }
        for (size_t d = 0; d < dim; d++)
            to[d] = (float)(to[d] / sqrt(squares));
    }
}

/** The same with the persons of bench_person. */
static inline void bench_make_vectors(float *emb, size_t n, size_t dim, float noise, float *person)
{
    bench_make_people(emb, n, dim, n / BENCH_VISITS + 1, noise, person);
}

#endif
