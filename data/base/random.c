#include "data/base/random.h"

#include <math.h>
#include <string.h>

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

rid_random rid_random_of(const uint64_t *key, size_t n_key)
{
    /* Each word is mixed into the digest of those before, so that order and number count. */
    uint64_t state = n_key;
    for (size_t i = 0; i < n_key; i++)
        state = splitmix(&state) ^ key[i];
    rid_random r;
    for (size_t i = 0; i < 4; i++)
        r.state[i] = splitmix(&state);
    return r;
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

uint64_t rid_random_u64(rid_random *r)
{
    uint64_t *s = r->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double rid_random_uniform(rid_random *r)
{
    /* 52 bits and a half: with 53 the largest would round to 1. */
    return ((double)(rid_random_u64(r) >> 12) + 0.5) * 0x1p-52;
}

uint64_t rid_random_below(rid_random *r, uint64_t n)
{
    __extension__ typedef unsigned __int128 u128;
    u128 product = (u128)rid_random_u64(r) * n;
    if ((uint64_t)product < n) {
        uint64_t least = (0 - n) % n;
        while ((uint64_t)product < least)
            product = (u128)rid_random_u64(r) * n;
    }
    return (uint64_t)(product >> 64);
}

int64_t rid_random_between(rid_random *r, int64_t lo, int64_t hi)
{
    uint64_t width = (uint64_t)hi - (uint64_t)lo + 1;
    uint64_t offset = width ? rid_random_below(r, width) : rid_random_u64(r);
    return (int64_t)((uint64_t)lo + offset);
}

bool rid_random_chance(rid_random *r, double p)
{
    return rid_random_uniform(r) < p;
}

/* Natural logarithm of a normal double in (0, 1), to about 1e-13: exponent and mantissa m in
 * [sqrt(1/2), sqrt 2), then log m = 2 artanh((m-1)/(m+1)) as a series. */
static double log_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        exponent++;
    }
    double s = (m - 1) / (m + 1), s2 = s * s;
    double series = 1.0 / 15;
    for (int odd = 13; odd >= 1; odd -= 2)
        series = series * s2 + 1.0 / odd;
    return exponent * 0x1.62e42fefa39efp-1 + 2 * s * series;
}

/* The tails of AS 241's PPND7; p is the smaller of the two tail areas, 0 < p < 0.075. */
static double tail_deviate(double p)
{
    double r = sqrt(-log_of(p));
    if (r <= 5) {
        r -= 1.6;
        return (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r + 1.4234372777) /
               ((0.12021132975 * r + 0.73700164250) * r + 1);
    }
    r -= 5;
    return (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r + 6.6579051150) /
           ((0.012258202635 * r + 0.24197894225) * r + 1);
}

double rid_random_normal(rid_random *r)
{
    double p = rid_random_uniform(r), q = p - 0.5;
    if (q < -0.425)
        return -tail_deviate(p);
    if (q > 0.425)
        return tail_deviate(1 - p);
    double x = 0.180625 - q * q;
    return q * (((59.109374720 * x + 159.29113202) * x + 50.434271938) * x + 3.3871327179) /
           (((67.187563600 * x + 78.757757664) * x + 17.895169469) * x + 1);
}

void rid_random_normals(rid_random *r, float *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)rid_random_normal(r);
}
