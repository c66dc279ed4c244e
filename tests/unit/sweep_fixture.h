/** Data sets with ties for tests of the sweep, and the rule replayed on them. */
#ifndef RID_SWEEP_FIXTURE_H
#define RID_SWEEP_FIXTURE_H

#include "fixture.h"

#include "eval/cluster.h"
#include "eval/best_f1.h"

enum { DIM = 4, MAX_BUCKETS = 4 };

/* A data set: its buckets one after the other. */
typedef struct data_set {
    float *emb;
    uint8_t *usable;
    uint32_t *person;
    rid_pair *pairs; /**< (n): of each entry and a later one of its bucket */
    rid_sweep_bucket buckets[MAX_BUCKETS];
    size_t n_buckets, n;
} data_set;

/* Entries around a few centres; with steps > 0 rounded to multiples of 1/steps, so that many scores are
 * equal. Some entries repeat an earlier one, some are unlabelled, some cannot be matched. */
static inline data_set make_data(uint64_t seed, size_t n_buckets, size_t n, size_t n_people, double noise,
                          double steps)
{
    rid_random r = fx_random(seed);
    const size_t all = n_buckets * n;
    data_set d = {.n_buckets = n_buckets, .n = all};
    float *centre = rid_mem_alloc(n_people * DIM, sizeof *centre);
    d.emb = rid_mem_alloc(all * DIM, sizeof *d.emb);
    d.usable = rid_mem_alloc(all, 1);
    d.pairs = rid_mem_alloc(all, sizeof *d.pairs);
    d.person = rid_mem_alloc(all, sizeof *d.person);
    rid_random_normals(&r, centre, n_people * DIM);
    for (size_t i = 0; i < all; i++) {
        float *x = d.emb + i * DIM;
        const size_t who = rid_random_below(&r, n_people);
        double sum = 0;
        d.usable[i] = !rid_random_chance(&r, 0.1);
        d.person[i] = rid_random_chance(&r, 0.1) ? RID_UNLABELLED : (uint32_t)(who * 1000003);
        for (size_t k = 0; k < DIM; k++) {
            x[k] = centre[who * DIM + k] + (float)(noise * rid_random_normal(&r));
            sum += (double)x[k] * (double)x[k];
        }
        for (size_t k = 0; k < DIM; k++) {
            x[k] = (float)((double)x[k] / sqrt(sum));
            if (steps > 0)
                x[k] = (float)(round((double)x[k] * steps) / steps);
        }
        if (i % n > 0 && rid_random_chance(&r, 0.1))
            memcpy(x, d.emb + (i / n * n + rid_random_below(&r, i % n)) * DIM, DIM * sizeof *x);
    }
    for (size_t b = 0; b < n_buckets; b++)
        {
        d.buckets[b] = (rid_sweep_bucket){.emb = d.emb + b * n * DIM,
                                          .usable = d.usable + b * n,
                                          .person = d.person + b * n,
                                          .n = n,
                                          .pairs = d.pairs + b * n,
                                          .n_pairs = n - 1};
        for (uint32_t i = 0; i + 1 < n; i++)
            d.pairs[b * n + i] = (rid_pair){
                i, i + 1 + (uint32_t)rid_random_below(&r, n - 1 - i), rid_random_chance(&r, 0.4)};
    }
    rid_mem_free(centre);
    return d;
}

static inline void free_data(data_set *d)
{
    rid_mem_free(d->emb);
    rid_mem_free(d->usable);
    rid_mem_free(d->person);
    rid_mem_free(d->pairs);
}

/* What rid_cluster does with the rule, counted. */
static inline rid_sweep_cell replay(const rid_sweep_bucket *buckets, size_t n_buckets, const rid_rule *rule)
{
    rid_sweep_cell all = {0};
    for (size_t b = 0; b < n_buckets; b++) {
        const rid_sweep_bucket *bucket = &buckets[b];
        rid_decision *d = rid_mem_alloc(bucket->n, sizeof *d);
        uint32_t *predicted = rid_mem_alloc(bucket->n, sizeof *predicted);
        rid_truth *truth;
        rid_cluster_counts clusters;
        rid_search_counts searches;
        size_t n_people;
        assert_ok(rid_cluster(d, &n_people, bucket->emb, bucket->usable, bucket->n, DIM, rule, 1, &err));
        for (size_t i = 0; i < bucket->n; i++)
            predicted[i] = d[i].person;
        assert_ok(rid_cluster_count(&clusters, bucket->person, predicted, bucket->n, &err));
        assert_ok(rid_truth_new(&truth, bucket->person, bucket->n, &err));
        rid_truth_count_searches(truth, d, &searches);
        rid_truth_free(truth);
        rid_cluster_counts_add(&all.clusters, &clusters);
        rid_search_counts_add(&all.searches, &searches);
        for (size_t i = 0; i < bucket->n_pairs; i++)
            rid_pair_counts_take(&all.pairs, bucket->pairs[i].same,
                                 d[bucket->pairs[i].a].person == d[bucket->pairs[i].b].person);
        rid_mem_free(predicted);
        rid_mem_free(d);
    }
    return all;
}

static const struct {
    size_t n_buckets, n, n_people;
    double noise, steps;
} sets[] = {{1, 120, 15, 0.2, 0}, {3, 60, 8, 0.3, 4},  {1, 90, 2, 0.3, 0},
            {2, 80, 3, 0.1, 8},   {1, 100, 60, 1, 2}, {4, 30, 1, 0.5, 0}};
enum { N_SETS = sizeof sets / sizeof sets[0] };

static inline data_set make_set(size_t i)
{
    return make_data(i, sets[i].n_buckets, sets[i].n, sets[i].n_people, sets[i].noise, sets[i].steps);
}

static inline rid_sweep *scan_all(const data_set *d, rid_nn2_mode nn2, int threads)
{
    rid_sweep *s;
    assert_ok(rid_sweep_new(&s, d->n_buckets, DIM, nn2 == RID_NN2_IDENTITY, &err));
    for (size_t b = 0; b < d->n_buckets; b++)
        assert_ok(rid_sweep_add(s, &d->buckets[b], threads, &err));
    return s;
}

#endif
