#include "eval/cluster_metrics.h"

#include "data/base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIXED_BITS = 80 };

struct rid_truth {
    size_t n, n_labelled;
    uint32_t *person;       /* (n) */
    uint32_t *row_of;       /* (n_labelled), person by person, in matching order */
    uint32_t *first_of;     /* (true_persons + 1), into row_of */
    uint8_t *mated;         /* (n) */
    rid_cluster_counts own; /* what does not depend on the clustering */
    rid_fixed *x_log_x, *inverse; /* (n + 1) */
    /* Of predicted persons, while counting: entries, Σ n_ij², the true person last seen in it
     * (from 1) and the entries of that one. */
    uint32_t *size, *last, *together; /* (n) */
    uint64_t *squares;                /* (n) */
};

rid_fixed rid_fixed_x_log_x(uint64_t x)
{
    return (rid_fixed)ldexp((double)x * log((double)x), FIXED_BITS);
}

rid_fixed rid_fixed_inverse(uint64_t x)
{
    return (((rid_fixed)1 << FIXED_BITS) + (rid_fixed)(x / 2)) / (rid_fixed)x;
}

static double to_double(rid_fixed x)
{
    return ldexp((double)x, -FIXED_BITS);
}

static uint64_t pairs_of(uint64_t n)
{
    return n > 0 ? n * (n - 1) / 2 : 0;
}

/* ---- metrics from counts ---- */

void rid_cluster_counts_add(rid_cluster_counts *to, const rid_cluster_counts *c)
{
    to->entries += c->entries;
    to->persons += c->persons;
    to->true_persons += c->true_persons;
    to->pairs += c->pairs;
    to->predicted_pairs += c->predicted_pairs;
    to->true_pairs += c->true_pairs;
    to->hit_pairs += c->hit_pairs;
    to->precision_sum += c->precision_sum;
    to->recall_sum += c->recall_sum;
    to->joint_log += c->joint_log;
    to->predicted_log += c->predicted_log;
    to->true_log += c->true_log;
    to->entries_log += c->entries_log;
}

static double share(uint64_t part, uint64_t whole, double without)
{
    return whole > 0 ? (double)part / (double)whole : without;
}

static double harmonic(double a, double b)
{
    return a + b > 0 ? 2 * a * b / (a + b) : 0;
}

/* 1 − H(one | other) / H(one), from sums of x ln x, whose last bits may be off. */
static double explained(rid_fixed other, rid_fixed joint, rid_fixed all, rid_fixed one)
{
    return all > one ? fmax(0, 1 - (double)(other - joint) / (double)(all - one)) : 1;
}

/* From the four kinds of pairs, in long double: products of two counts. */
static double adjusted_rand(const rid_cluster_counts *c)
{
    const long double both = (long double)c->hit_pairs;
    const long double merged = (long double)(c->predicted_pairs - c->hit_pairs);
    const long double split = (long double)(c->true_pairs - c->hit_pairs);
    const long double apart =
        (long double)(c->pairs + c->hit_pairs - c->predicted_pairs - c->true_pairs);
    if (c->hit_pairs == c->predicted_pairs && c->hit_pairs == c->true_pairs)
        return 1;
    return (double)(2 * (both * apart - split * merged) /
                    ((both + split) * (split + apart) + (both + merged) * (merged + apart)));
}

rid_cluster_shares rid_cluster_shares_of(const rid_cluster_counts *c)
{
    rid_cluster_shares s = {.pairwise_precision = share(c->hit_pairs, c->predicted_pairs, 1),
                            .pairwise_recall = share(c->hit_pairs, c->true_pairs, 1),
                            .pairwise_f1 = 1,
                            .bcubed_precision = NAN,
                            .bcubed_recall = NAN,
                            .bcubed_f1 = NAN};
    if (c->predicted_pairs + c->true_pairs > 0)
        s.pairwise_f1 = 2 * (double)c->hit_pairs / (double)(c->predicted_pairs + c->true_pairs);
    if (c->entries > 0) {
        s.bcubed_precision = to_double(c->precision_sum) / (double)c->entries;
        s.bcubed_recall = to_double(c->recall_sum) / (double)c->entries;
        s.bcubed_f1 = harmonic(s.bcubed_precision, s.bcubed_recall);
    }
    return s;
}

rid_cluster_metrics rid_cluster_metrics_of(const rid_cluster_counts *c)
{
    const rid_cluster_shares s = rid_cluster_shares_of(c);
    rid_cluster_metrics m = {.pairwise_precision = s.pairwise_precision,
                             .pairwise_recall = s.pairwise_recall,
                             .pairwise_f1 = s.pairwise_f1,
                             .bcubed_precision = s.bcubed_precision,
                             .bcubed_recall = s.bcubed_recall,
                             .bcubed_f1 = s.bcubed_f1,
                             .homogeneity = NAN, .completeness = NAN, .v_measure = NAN, .ari = NAN,
                             .persons_error = (double)c->persons - (double)c->true_persons};
    if (c->entries == 0)
        return m;
    m.homogeneity = explained(c->predicted_log, c->joint_log, c->entries_log, c->true_log);
    m.completeness = explained(c->true_log, c->joint_log, c->entries_log, c->predicted_log);
    m.v_measure = harmonic(m.homogeneity, m.completeness);
    m.ari = adjusted_rand(c);
    return m;
}

void rid_search_counts_take(rid_search_counts *c, bool mated, rid_search_end end)
{
    assert(mated || end != RID_SEARCH_SAME);
    c->mated += mated;
    c->nonmated += !mated;
    c->hits += end == RID_SEARCH_SAME;
    c->wrong_matches += end == RID_SEARCH_OTHER && mated;
    c->false_matches += end == RID_SEARCH_OTHER && !mated;
    c->to_unlabelled += end == RID_SEARCH_TO_UNLABELLED;
    c->nonmated_to_unlabelled += end == RID_SEARCH_TO_UNLABELLED && !mated;
}

void rid_search_counts_add(rid_search_counts *to, const rid_search_counts *c)
{
    to->mated += c->mated;
    to->nonmated += c->nonmated;
    to->hits += c->hits;
    to->wrong_matches += c->wrong_matches;
    to->false_matches += c->false_matches;
    to->to_unlabelled += c->to_unlabelled;
    to->nonmated_to_unlabelled += c->nonmated_to_unlabelled;
}

double rid_search_fnir(const rid_search_counts *c)
{
    return 1 - share(c->hits, c->mated, NAN);
}

double rid_search_fpir(const rid_search_counts *c)
{
    return share(c->false_matches, c->nonmated, NAN);
}

void rid_pair_counts_take(rid_pair_counts *c, bool same, bool together)
{
    c->same += same;
    c->different += !same;
    c->same_together += same && together;
    c->different_together += !same && together;
}

void rid_pair_counts_add(rid_pair_counts *to, const rid_pair_counts *c)
{
    to->same += c->same;
    to->different += c->different;
    to->same_together += c->same_together;
    to->different_together += c->different_together;
}

rid_pair_metrics rid_pair_metrics_of(const rid_pair_counts *c)
{
    const uint64_t together = c->same_together + c->different_together;
    rid_pair_metrics m = {share(c->same_together, together, 1), share(c->same_together, c->same, 1),
                          1};
    if (together + c->same > 0)
        m.f1 = 2 * (double)c->same_together / (double)(together + c->same);
    return c->same + c->different > 0 ? m : (rid_pair_metrics){NAN, NAN, NAN};
}

/* ---- a bucket's ground truth ---- */

static int compare_keys(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the labelled entries by person and place; keys (n) is scratch. */
static void group_entries(rid_truth *t, uint64_t *keys)
{
    uint32_t n_persons = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->person[i] != RID_UNLABELLED)
            keys[t->n_labelled++] = (uint64_t)t->person[i] << 32 | i;
    qsort(keys, t->n_labelled, sizeof *keys, compare_keys);
    for (size_t i = 0; i < t->n_labelled; i++) {
        t->row_of[i] = (uint32_t)keys[i];
        if (i == 0 || keys[i] >> 32 != keys[i - 1] >> 32)
            t->first_of[n_persons++] = (uint32_t)i;
        else
            t->mated[t->row_of[i]] = 1;
    }
    t->first_of[n_persons] = (uint32_t)t->n_labelled;
    t->own.true_persons = n_persons;
}

static void count_truth(rid_truth *t)
{
    rid_cluster_counts *c = &t->own;
    for (uint64_t x = 1; x <= t->n; x++) {
        t->x_log_x[x] = rid_fixed_x_log_x(x);
        t->inverse[x] = rid_fixed_inverse(x);
    }
    t->x_log_x[0] = t->inverse[0] = 0;
    c->entries = t->n_labelled;
    c->pairs = pairs_of(t->n_labelled);
    c->entries_log = t->x_log_x[t->n_labelled];
    for (size_t j = 0; j < c->true_persons; j++) {
        const uint32_t size = t->first_of[j + 1] - t->first_of[j];
        c->true_pairs += pairs_of(size);
        c->true_log += t->x_log_x[size];
    }
}

static rid_status allocate(rid_truth *t, uint64_t **keys, rid_err *err)
{
    const size_t n = t->n;
    t->person = rid_mem_alloc(n, sizeof *t->person);
    t->row_of = rid_mem_alloc(n, sizeof *t->row_of);
    t->first_of = rid_mem_alloc(n + 1, sizeof *t->first_of);
    t->mated = rid_mem_zalloc(n, 1);
    t->x_log_x = rid_mem_alloc(n + 1, sizeof *t->x_log_x);
    t->inverse = rid_mem_alloc(n + 1, sizeof *t->inverse);
    t->size = rid_mem_zalloc(n, sizeof *t->size);
    t->last = rid_mem_zalloc(n, sizeof *t->last);
    t->together = rid_mem_alloc(n, sizeof *t->together);
    t->squares = rid_mem_zalloc(n, sizeof *t->squares);
    *keys = rid_mem_alloc(n, sizeof **keys);
    return t->person && t->row_of && t->first_of && t->mated && t->x_log_x && t->inverse &&
                   t->size && t->last && t->together && t->squares && *keys
               ? RID_OK
               : RID_FAIL_NOMEM(err);
}

rid_status rid_truth_new(rid_truth **out, const uint32_t *person, size_t n, rid_err *err)
{
    uint64_t *keys = NULL;
    *out = NULL;
    if (n >= RID_NO_ENTRY)
        return RID_FAIL(err, RID_EDATA, "a bucket of %zu entries is too large", n);
    rid_truth *t = rid_mem_zalloc(1, sizeof *t);
    if (!t)
        return RID_FAIL_NOMEM(err);
    t->n = n;
    rid_status st = allocate(t, &keys, err);
    if (st == RID_OK) {
        if (n > 0)
            memcpy(t->person, person, n * sizeof *person);
        group_entries(t, keys);
        count_truth(t);
        *out = t;
    } else {
        rid_truth_free(t);
    }
    rid_mem_free(keys);
    return st;
}

void rid_truth_free(rid_truth *t)
{
    if (!t)
        return;
    rid_mem_free(t->person);
    rid_mem_free(t->row_of);
    rid_mem_free(t->first_of);
    rid_mem_free(t->mated);
    rid_mem_free(t->x_log_x);
    rid_mem_free(t->inverse);
    rid_mem_free(t->size);
    rid_mem_free(t->last);
    rid_mem_free(t->together);
    rid_mem_free(t->squares);
    rid_mem_free(t);
}

const uint8_t *rid_truth_mated(const rid_truth *t)
{
    return t->mated;
}

void rid_truth_numbers(const rid_truth *t, uint32_t *out)
{
    for (size_t i = 0; i < t->n; i++)
        out[i] = RID_UNLABELLED;
    for (uint32_t j = 0; j < t->own.true_persons; j++)
        for (uint32_t i = t->first_of[j]; i < t->first_of[j + 1]; i++)
            out[t->row_of[i]] = j;
}

/* ---- counting ---- */

/* One true person's entries, one after the other into the predicted persons: n_ij grows from c − 1 to
 * c, n_ij² by 2c − 1. */
static void count_true_person(rid_truth *t, size_t j, const uint32_t *predicted, size_t stride,
                              rid_cluster_counts *c)
{
    uint64_t squares = 0, hits = 0;
    for (uint32_t i = t->first_of[j]; i < t->first_of[j + 1]; i++) {
        const uint32_t p = predicted[t->row_of[i] * stride];
        if (t->last[p] != j + 1) {
            t->last[p] = (uint32_t)(j + 1);
            t->together[p] = 0;
        }
        const uint32_t n = ++t->together[p];
        hits += n - 1;
        squares += 2 * (uint64_t)n - 1;
        t->squares[p] += 2 * (uint64_t)n - 1;
        t->size[p]++;
        c->joint_log += t->x_log_x[n] - t->x_log_x[n - 1];
    }
    c->hit_pairs += hits;
    c->recall_sum += (rid_fixed)squares * t->inverse[t->first_of[j + 1] - t->first_of[j]];
}

void rid_truth_count(rid_truth *t, const uint32_t *predicted, size_t stride,
                     rid_cluster_counts *out)
{
    *out = t->own;
    for (size_t j = 0; j < t->own.true_persons; j++)
        count_true_person(t, j, predicted, stride, out);
    for (size_t p = 0; p < t->n; p++) {
        const uint32_t size = t->size[p];
        if (size == 0)
            continue;
        out->persons++;
        out->predicted_pairs += pairs_of(size);
        out->precision_sum += (rid_fixed)t->squares[p] * t->inverse[size];
        out->predicted_log += t->x_log_x[size];
        t->size[p] = t->last[p] = 0;
        t->squares[p] = 0;
    }
}

static rid_search_end end_of_search(const rid_truth *t, size_t i, const rid_decision *d)
{
    if (!d->matched)
        return RID_SEARCH_NO_MATCH;
    const uint32_t joined = t->person[d->nn1.row];
    if (joined == RID_UNLABELLED)
        return RID_SEARCH_TO_UNLABELLED;
    return joined == t->person[i] ? RID_SEARCH_SAME : RID_SEARCH_OTHER;
}

void rid_truth_count_searches(const rid_truth *t, const rid_decision *decisions,
                              rid_search_counts *out)
{
    *out = (rid_search_counts){0};
    for (size_t i = 0; i < t->n; i++)
        if (t->person[i] != RID_UNLABELLED)
            rid_search_counts_take(out, t->mated[i], end_of_search(t, i, &decisions[i]));
}

/* Numbers of any size → numbers below n, the same for the same. */
static void renumber(uint32_t *out, uint64_t *keys, const uint32_t *numbers, size_t n)
{
    uint32_t next = 0;
    for (size_t i = 0; i < n; i++)
        keys[i] = (uint64_t)numbers[i] << 32 | i;
    qsort(keys, n, sizeof *keys, compare_keys);
    for (size_t i = 0; i < n; i++) {
        next += i > 0 && keys[i] >> 32 != keys[i - 1] >> 32;
        out[(uint32_t)keys[i]] = next;
    }
}

rid_status rid_cluster_count(rid_cluster_counts *out, const uint32_t *person,
                             const uint32_t *predicted, size_t n, rid_err *err)
{
    rid_truth *t = NULL;
    uint32_t *numbers = rid_mem_alloc(n, sizeof *numbers);
    uint64_t *keys = rid_mem_alloc(n, sizeof *keys);
    rid_status st = numbers && keys ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_truth_new(&t, person, n, err);
    if (st == RID_OK) {
        renumber(numbers, keys, predicted, n);
        rid_truth_count(t, numbers, 1, out);
    }
    rid_truth_free(t);
    rid_mem_free(numbers);
    rid_mem_free(keys);
    return st;
}
