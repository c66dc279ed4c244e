/* The sampler of PK batches: its rules counted over many batches, drawing in any order, the
 * distributions, what is refused. */
#include "train/pk_sampler.h"

#include "fixture.h"
#include "train_fixture.h"

/* Persons with 1 … 7 entries; 11 of them, so that batches of 4 leave 3 for the last. */
static const size_t COUNTS[] = {3, 1, 7, 2, 1, 4, 5, 1, 6, 2, 3};
enum { PERSONS = sizeof COUNTS / sizeof COUNTS[0], P = 4, K = 4, BATCHES = 3, EPOCHS = 40 };

static rid_train_set make_set(void)
{
    const tx_shape shape = {COUNTS, PERSONS, 2, 0, 3, 0.1, 1};
    return tx_new_set(&shape);
}

static rid_pk_sampler *open_sampler(const rid_train_set *set, const uint8_t *use, rid_pk_options o)
{
    rid_pk_sampler *s = NULL;
    assert_ok(rid_pk_sampler_new(&s, set, use, &o, &err));
    return s;
}

static const rid_pk_options PLAIN = {.p = P, .k = K, .seed = 5};

/* ---- batches ---- */

/* The person of each group of K, which must all be that person's. */
static void read_people(const rid_train_set *set, const uint32_t *entries, uint32_t people[P])
{
    for (size_t i = 0; i < P; i++) {
        people[i] = set->entries[entries[i * K]].person;
        for (size_t k = 0; k < K; k++)
            assert_int_equal(set->entries[entries[i * K + k]].person, people[i]);
        for (size_t j = 0; j < i; j++)
            assert_int_not_equal(people[i], people[j]);
    }
}

/* K of n entries: no entry comes more than once oftener than another. */
static void check_deal(const uint32_t *entries, size_t n)
{
    size_t distinct = 0;
    for (size_t k = 0; k < K; k++) {
        size_t times = 0, before = 0;
        for (size_t j = 0; j < K; j++) {
            times += entries[j] == entries[k];
            before += j < k && entries[j] == entries[k];
        }
        distinct += before == 0;
        assert_true(times >= K / n && times <= (K + n - 1) / n);
        assert_true(before == k / n); /* every entry once, before any comes again */
    }
    assert_int_equal(distinct, n < K ? n : K);
}

static void test_an_epoch_has_everybody(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_sampler *s = open_sampler(&set, use, PLAIN);
    assert_int_equal(rid_pk_sampler_batches(s), BATCHES);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        uint32_t people[BATCHES * P], entries[P * K];
        bool seen[PERSONS] = {false};
        for (size_t b = 0; b < BATCHES; b++) {
            rid_pk_sampler_draw(s, epoch * BATCHES + b, entries);
            read_people(&set, entries, people + b * P);
            for (size_t i = 0; i < P; i++)
                check_deal(entries + i * K, COUNTS[people[b * P + i]]);
        }
        for (size_t i = 0; i < PERSONS; i++) {
            assert_false(seen[people[i]]);
            seen[people[i]] = true;
        }
        for (size_t i = PERSONS; i < BATCHES * P; i++) /* filled from the order's beginning */
            assert_int_equal(people[i], people[i - PERSONS]);
    }
    rid_pk_sampler_free(s);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_how_many_batches(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    for (size_t p = 1; p <= PERSONS; p++) {
        rid_pk_sampler *s = open_sampler(&set, use, (rid_pk_options){.p = p, .k = 1});
        size_t batches = 0;
        for (size_t left = PERSONS; left > 0; left -= left < p ? left : p)
            batches++;
        assert_int_equal(rid_pk_sampler_batches(s), batches);
        rid_pk_sampler_free(s);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_orders_differ(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    const rid_pk_options options[] = {
        PLAIN, {.p = P, .k = K, .seed = 6}, {.p = P, .k = K, .seed = 5, .stream = 1}};
    uint32_t drawn[3][2][P * K];
    for (size_t i = 0; i < 3; i++) {
        rid_pk_sampler *s = open_sampler(&set, use, options[i]);
        rid_pk_sampler_draw(s, 0, drawn[i][0]);
        rid_pk_sampler_draw(s, BATCHES, drawn[i][1]);
        rid_pk_sampler_free(s);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_memory_not_equal(drawn[i][0], drawn[i][1], sizeof drawn[i][0]); /* another epoch */
        assert_memory_not_equal(drawn[i][0], drawn[(i + 1) % 3][0], sizeof drawn[i][0]);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* There is no state: a step's draw does not depend on what was drawn before, or by which sampler. */
static void test_steps_in_any_order(void **state)
{
    (void)state;
    enum { STEPS = 24, DRAWS = 400 };
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_sampler *in_order = open_sampler(&set, use, PLAIN), *jumping = open_sampler(&set, use, PLAIN);
    uint32_t expected[STEPS][P * K], got[P * K];
    rid_random r = fx_random(2);
    for (uint64_t step = 0; step < STEPS; step++)
        rid_pk_sampler_draw(in_order, step, expected[step]);
    for (size_t i = 0; i < DRAWS; i++) {
        uint64_t step = rid_random_below(&r, STEPS);
        rid_pk_sampler_draw(jumping, step, got);
        assert_memory_equal(got, expected[step], sizeof got);
    }
    rid_pk_sampler_draw(jumping, UINT64_MAX, got); /* the far end is a step, too */
    rid_pk_sampler_draw(jumping, 0, got);
    assert_memory_equal(got, expected[0], sizeof got);
    rid_pk_sampler_free(in_order);
    rid_pk_sampler_free(jumping);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* χ² of counts that should be equal, against its mean n − 1 and 5 deviations √(2 (n − 1)). */
static void check_uniform(const size_t *counts, size_t n)
{
    double total = 0, chi2 = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)counts[i];
    for (size_t i = 0; i < n; i++)
        chi2 += pow((double)counts[i] - total / (double)n, 2) / (total / (double)n);
    assert_true(chi2 < (double)(n - 1) + 5 * sqrt(2 * (double)(n - 1)));
}

/* Who comes first, and which entry of a person with more than K. */
static void test_draws_are_uniform(void **state)
{
    (void)state;
    enum { DRAWN = 20000 };
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_sampler *s = open_sampler(&set, use, PLAIN);
    size_t first[PERSONS] = {0}, of_seven[7] = {0}, of_three[3] = {0};
    for (uint64_t epoch = 0; epoch < DRAWN; epoch++) {
        uint32_t entries[P * K];
        rid_pk_sampler_draw(s, epoch * BATCHES, entries);
        first[set.entries[entries[0]].person]++;
        for (size_t i = 0; i < P; i++) {
            uint32_t person = set.entries[entries[i * K]].person;
            if (person == 2) /* 7 entries behind 3 + 1 */
                of_seven[entries[i * K] - 4]++;
            if (person == 0) /* 3 entries: which one comes twice */
                of_three[entries[i * K + 3]]++;
        }
    }
    check_uniform(first, PERSONS);
    check_uniform(of_seven, 7);
    check_uniform(of_three, 3);
    rid_pk_sampler_free(s);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- who takes part ---- */

static void test_only_entries_in_use(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    uint32_t entries[3 * 2];
    for (size_t i = 0; i < set.n; i++)
        use[i] = set.entries[i].person >= 8 && i % 2 == 0;
    set.entries[set.n - 1].person = RID_NO_PERSON;
    use[set.n - 1] = 1;
    rid_pk_sampler *s = open_sampler(&set, use, (rid_pk_options){.p = 3, .k = 2});
    assert_int_equal(rid_pk_sampler_batches(s), 1); /* three people, then */
    for (uint64_t step = 0; step < 50; step++) {
        rid_pk_sampler_draw(s, step, entries);
        for (size_t i = 0; i < 6; i++)
            assert_true(use[entries[i]] && entries[i] != set.n - 1);
    }
    rid_pk_sampler_free(s);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_refusals(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_sampler *s = (void *)&set;
    rid_pk_options o = {.p = PERSONS + 1, .k = 2};
    assert_fails(rid_pk_sampler_new(&s, &set, use, &o, &err), RID_EDATA, "P = 12 people");
    assert_null(s);
    o = (rid_pk_options){.p = 0, .k = 2};
    assert_fails(rid_pk_sampler_new(&s, &set, use, &o, &err), RID_EDATA, "P = 0");
    o = (rid_pk_options){.p = 2, .k = 0};
    assert_fails(rid_pk_sampler_new(&s, &set, use, &o, &err), RID_EDATA, "K = 0");
    o.k = 2;
    for (size_t i = 0; i < set.n; i++)
        use[i] = set.entries[i].person == 2;
    assert_fails(rid_pk_sampler_new(&s, &set, use, &o, &err), RID_EDATA, "2 people, there are 1");
    memset(use, 0, set.n);
    assert_fails(rid_pk_sampler_new(&s, &set, use, &o, &err), RID_EDATA, "there are 0");
    assert_null(s);
    rid_pk_sampler_free(NULL);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- frames ---- */

static void test_all_frames(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_sampler *s = open_sampler(&set, use, PLAIN);
    for (size_t n = 1; n <= 12; n++) {
        uint32_t frames[12];
        assert_int_equal(rid_pk_sampler_frames(s, n, 3, n, frames), n);
        for (uint32_t i = 0; i < n; i++)
            assert_int_equal(frames[i], i);
    }
    rid_pk_sampler_free(s);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* Of 4 frames: each of the 4 sizes, and of a size each of its subsets, as often as any other. */
static void test_frame_subsets(void **state)
{
    (void)state;
    enum { FRAMES = 4, DRAWN = 40000 };
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    rid_pk_options o = PLAIN;
    o.frame_subset = true;
    rid_pk_sampler *s = open_sampler(&set, use, o);
    size_t subsets[1 << FRAMES] = {0}, sizes[FRAMES] = {0};
    for (uint64_t i = 0; i < DRAWN; i++) {
        uint32_t frames[FRAMES];
        size_t n = rid_pk_sampler_frames(s, i / 16, i % 16, FRAMES, frames), subset = 0;
        assert_in_range(n, 1, FRAMES);
        for (size_t k = 0; k < n; k++) {
            assert_true(frames[k] < FRAMES && (k == 0 || frames[k] > frames[k - 1]));
            subset |= (size_t)1 << frames[k];
        }
        subsets[subset]++;
        sizes[n - 1]++;
    }
    check_uniform(sizes, FRAMES);
    for (int size = 1; size <= FRAMES; size++) {
        size_t of_size[1 << FRAMES], n = 0;
        for (unsigned subset = 1; subset < 1 << FRAMES; subset++)
            if (__builtin_popcount(subset) == size)
                of_size[n++] = subsets[subset];
        if (n > 1)
            check_uniform(of_size, n);
    }
    rid_pk_sampler_free(s);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- memory ---- */

static void test_short_of_memory(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    uint8_t *use = tx_use_all(&set);
    const int64_t before = rid_mem_live_blocks();
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        rid_pk_sampler *s;
        rid_err err = {0};
        rid_mem_fail_after(nth);
        rid_status st = rid_pk_sampler_new(&s, &set, use, &PLAIN, &err);
        rid_mem_fail_after(0);
        done = st == RID_OK;
        assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP && !s));
        rid_pk_sampler_free(s);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_has_everybody),
        cmocka_unit_test(test_how_many_batches),
        cmocka_unit_test(test_orders_differ),
        cmocka_unit_test(test_steps_in_any_order),
        cmocka_unit_test(test_draws_are_uniform),
        cmocka_unit_test(test_only_entries_in_use),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_all_frames),
        cmocka_unit_test(test_frame_subsets),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
