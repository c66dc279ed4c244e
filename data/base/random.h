/** Random numbers that are the same on every machine: xoshiro256** (Blackman and Vigna, "Scrambled
 *  Linear Pseudorandom Number Generators", ACM TOMS 47(4), 2021), each stream seeded by SplitMix64
 *  (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014) from a
 *  key of words. One stream per item makes results independent of the order of drawing. */
#ifndef RID_RANDOM_H
#define RID_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** One stream; copy it to fork it. Open so that it can be saved; never all zeros. */
typedef struct rid_random {
    uint64_t state[4];
} rid_random;

/** The stream of a key: different keys (also of different lengths) give unrelated streams. */
rid_random rid_random_of(const uint64_t *key, size_t n_key);

uint64_t rid_random_u64(rid_random *r);
/** Uniform in the open interval (0, 1), a multiple of 2^-53. */
double rid_random_uniform(rid_random *r);
/** Uniform in 0 … n-1 without bias (Lemire, "Fast Random Integer Generation in an Interval", ACM
 *  TOMACS 29(1), 2019). n > 0. */
uint64_t rid_random_below(rid_random *r, uint64_t n);
/** Uniform integer in lo … hi. lo <= hi. */
int64_t rid_random_between(rid_random *r, int64_t lo, int64_t hi);
/** True with probability p (never for p <= 0, always for p >= 1); draws one number in any case. */
bool rid_random_chance(rid_random *r, double p);
/** Standard normal deviate by inversion of one uniform: PPND7 of Wichura, "Algorithm AS 241: The
 *  Percentage Points of the Normal Distribution", Applied Statistics 37(3), 1988, accurate to 1
 *  part in 10^7. Only + - * / and sqrt, which IEEE 754 rounds alike everywhere: no libm. */
double rid_random_normal(rid_random *r);
/** n standard normal deviates, rounded to float. */
void rid_random_normals(rid_random *r, float *out, size_t n);

#endif
