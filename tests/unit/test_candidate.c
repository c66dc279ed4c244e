/* Encoders that a run compares: what is measured, and by how much one beats another. */
#include "train/candidate.h"

#include "fixture.h"
#include "train/linear_init.h"
#include "train_fixture.h"

enum { VIS = 8, EMB = 4, PERSONS = 24 };

/* Half of the persons are validation people; one bucket, in the order of the set. */
static rid_train_data make_data(double noise)
{
    size_t counts[PERSONS];
    const tx_shape shape = {counts, PERSONS, VIS, 0, 3, noise, 4};
    for (size_t i = 0; i < PERSONS; i++)
        counts[i] = 2 + i % 3;
    rid_train_data d = {.set = tx_new_set(&shape)};
    d.query = rid_mem_zalloc(d.set.n, 1);
    d.order = rid_mem_alloc(d.set.n, sizeof *d.order);
    for (size_t i = 0; i < d.set.n; i++) {
        d.query[i] = d.set.entries[i].person % 2 == 0;
        d.order[i] = (uint32_t)i;
    }
    return d;
}

/* Random weights: a bad encoder. */
static rid_checkpoint make_network(uint64_t seed)
{
    rid_random r = fx_random(seed);
    rid_checkpoint ck = {.vis_dim = VIS, .emb_dim = EMB, .fusion_mode = rid_mem_strdup("baseline")};
    assert_ok(rid_linear_init(&ck, VIS, NULL, &r, &err));
    return ck;
}

static rid_candidate measure(const rid_train_data *d, rid_checkpoint params)
{
    rid_candidate c = {.name = "x", .params = params};
    assert_ok(rid_candidate_measure(&c, d, &d->set, 1, &err));
    return c;
}

static void test_measure(void **state)
{
    (void)state;
    rid_train_data d = make_data(0.8);
    rid_candidate c = measure(&d, (rid_checkpoint){0});
    float *emb = rid_mem_alloc_aligned(d.set.n * VIS, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(d.set.n, 1);
    rid_validation v;
    double *ap = rid_mem_alloc(d.set.n, sizeof *ap), sum = 0, n = 0;
    uint64_t n_scores = 0;
    assert_ok(rid_validate_encode(&d.set, NULL, emb, usable, 1, &err));
    assert_ok(rid_validate(&v, ap, NULL, &d, emb, usable, VIS, 1, &err));
    assert_memory_equal(&c.v, &v, sizeof v);
    assert_memory_equal(c.ap, ap, d.set.n * sizeof *ap);
    assert_true(isnan(c.gain.mean) && isnan(c.gain.low) && isnan(c.gain.high));
    for (size_t i = 0; i < d.set.n; i++)
        if (d.query[i])
            sum += c.ap[i], n++;
    assert_true(fabs(c.v.map - sum / n) < 1e-12); /* everybody comes twice */
    for (size_t i = 0; i < RID_SCORE_BINS; i++)
        n_scores += c.scores->positive[i] + c.scores->negative[i];
    assert_true((double)n_scores == n * (double)(d.set.n - 1));
    assert_ok(rid_candidate_measure(&c, &d, &d.set, 2, &err)); /* anew, in place of the first */
    assert_memory_equal(&c.v, &v, sizeof v);
    rid_candidate_clear(&c);
    rid_mem_free(emb);
    rid_mem_free(usable);
    rid_mem_free(ap);
    rid_train_data_clear(&d);
    assert_int_equal(rid_mem_live_blocks(), 0);
}

/* Over people: each brings the mean of all its queries' differences, weighted by their number. */
static void test_compare(void **state)
{
    (void)state;
    rid_train_data d = make_data(0.4);
    rid_candidate good = measure(&d, (rid_checkpoint){0}), bad = measure(&d, make_network(1));
    assert_ok(rid_candidate_compare(&good, &bad, &d, 1, &err));
    assert_ok(rid_candidate_compare(&bad, &good, &d, 1, &err));
    assert_true(good.v.map > bad.v.map);
    assert_true(fabs(good.gain.mean - (good.v.map - bad.v.map)) < 1e-12);
    assert_true(0 < good.gain.low && good.gain.low < good.gain.mean &&
                good.gain.mean < good.gain.high);
    assert_true(fabs(bad.gain.mean + good.gain.mean) < 1e-12);
    assert_true(bad.gain.high < 0);
    /* the normal interval of a mean over people, which theirs is near: ±1.645 standard errors */
    double mean[PERSONS] = {0}, weight[PERSONS] = {0}, n = 0, squares = 0;
    for (size_t i = 0; i < d.set.n; i++)
        if (d.query[i]) {
            const uint32_t p = d.set.entries[i].person;
            mean[p] += good.ap[i] - bad.ap[i];
            weight[p]++;
            n++;
        }
    for (size_t p = 0; p < PERSONS; p += 2)
        squares += pow(mean[p] - weight[p] * good.gain.mean, 2);
    const double half = 1.645 * sqrt(squares) / n, found = (good.gain.high - good.gain.low) / 2;
    assert_true(fabs(found - half) < 0.15 * half);
    rid_interval again = good.gain;
    assert_ok(rid_candidate_compare(&good, &bad, &d, 1, &err));
    assert_memory_equal(&again, &good.gain, sizeof again);
    assert_ok(rid_candidate_compare(&good, &bad, &d, 2, &err));
    assert_memory_not_equal(&again, &good.gain, sizeof again);
    rid_candidate_clear(&good);
    rid_candidate_clear(&bad);
    rid_train_data_clear(&d);
}

static void test_compare_with_itself(void **state)
{
    (void)state;
    rid_train_data d = make_data(0.8);
    rid_candidate c = measure(&d, (rid_checkpoint){0}), same = measure(&d, (rid_checkpoint){0});
    assert_ok(rid_candidate_compare(&c, &same, &d, 1, &err));
    assert_true(c.gain.mean == 0 && c.gain.low == 0 && c.gain.high == 0);
    rid_candidate_clear(&c);
    rid_candidate_clear(&same);
    rid_train_data_clear(&d);
}

/* One person: whatever is drawn is that one, and its own weight does not matter. */
static void test_one_validation_person(void **state)
{
    (void)state;
    rid_train_data d = make_data(0.8);
    for (size_t i = 0; i < d.set.n; i++)
        d.query[i] = d.set.entries[i].person == 2;
    rid_candidate good = measure(&d, (rid_checkpoint){0}), bad = measure(&d, make_network(2));
    assert_ok(rid_candidate_compare(&good, &bad, &d, 1, &err));
    assert_true(fabs(good.gain.mean - good.gain.low) < 1e-12 &&
                fabs(good.gain.high - good.gain.low) < 1e-12);
    rid_candidate_clear(&good);
    rid_candidate_clear(&bad);
    rid_train_data_clear(&d);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    rid_train_data d = make_data(0.8);
    rid_candidate reference = measure(&d, (rid_checkpoint){0});
    const int64_t before = rid_mem_live_blocks();
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        rid_candidate c = {.name = "x"};
        rid_err err = {0};
        rid_mem_fail_after(nth);
        rid_status st = rid_candidate_measure(&c, &d, &d.set, 1, &err);
        if (st == RID_OK)
            st = rid_candidate_compare(&c, &reference, &d, 1, &err);
        rid_mem_fail_after(0);
        done = st == RID_OK;
        assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP));
        rid_candidate_clear(&c);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_candidate_clear(&reference);
    rid_train_data_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measure),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_compare_with_itself),
        cmocka_unit_test(test_one_validation_person),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
