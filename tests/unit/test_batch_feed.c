/* The feed of batches: what is in them, against the sampler and the set; made ahead, one and no more; the
 * same from memory and through a reader, and wherever the feed begins; a reader's errors. */
#include "train/batch_feed.h"

#include "fixture.h"
#include "train_fixture.h"

#include <sched.h>
#include <stdatomic.h>

static const size_t COUNTS[] = {3, 1, 5, 2, 4, 2, 1};
enum {
    PERSONS = sizeof COUNTS / sizeof COUNTS[0],
    P = 3,
    K = 3,
    N = P * K,
    VIS = 5,
    ATTR = 3,
    MOST = 6
};
enum { DROPOUT_DIM = 7, STEPS = 20 };

static const rid_feed_options PLAIN = {.pk = {.p = P, .k = K, .seed = 4, .frame_subset = true}};
static const rid_feed_options NOISY = {.pk = {.p = P, .k = K, .seed = 4, .frame_subset = true},
                                       .dropout = 0.25,
                                       .dropout_dim = DROPOUT_DIM,
                                       .attr_dropout = 0.5,
                                       .frame_noise = 0.5};

static rid_train_set make_set(size_t attr_dim)
{
    const tx_shape shape = {COUNTS, PERSONS, VIS, attr_dim, MOST, 0.5, 9};
    return tx_new_set(&shape);
}

static rid_batch_feed *open_feed(const rid_train_set *set, const uint8_t *use,
                                 const rid_feed_options *o, uint64_t step)
{
    rid_batch_feed *f = NULL;
    assert_ok(rid_batch_feed_open(&f, set, use, o, step, &err));
    return f;
}

/* ---- a set whose frames are read ---- */

/** Reads from the frames that its set would hold. */
typedef struct shelf {
    const rid_train_set *held;
    atomic_size_t reads;
    atomic_size_t limit;   /* no read may be beyond it; 0: none */
    size_t fails_at;       /* this read and all behind it do; 0: none */
    atomic_bool went_over; /* the limit */
} shelf;

static rid_status read_from(void *reader, size_t entry, float *out, rid_err *err)
{
    shelf *s = reader;
    size_t n = atomic_fetch_add(&s->reads, 1) + 1, limit = atomic_load(&s->limit);
    if (limit > 0 && n > limit)
        atomic_store(&s->went_over, true);
    if (s->fails_at > 0 && n >= s->fails_at)
        return RID_FAIL(err, RID_EIO, "the shelf is empty");
    return rid_train_set_read(s->held, entry, out, err);
}

/* A view of the set without its frames. */
static rid_train_set put_on(shelf *s, const rid_train_set *held)
{
    rid_train_set set = *held;
    *s = (shelf){.held = held};
    set.frames = NULL;
    set.read = read_from;
    set.reader = s;
    return set;
}

static void wait_for_reads(const shelf *s, size_t n)
{
    while (atomic_load(&s->reads) < n) /* a hang ends with the test's alarm */
        sched_yield();
}

/* ---- comparing ---- */

static void assert_same_floats(const float *a, const float *b, size_t n)
{
    assert_true(!a == !b);
    if (a)
        assert_memory_equal(a, b, n * sizeof *a);
}

static void assert_same_batches(const rid_fed_batch *a, const rid_fed_batch *b)
{
    const rid_train_batch *x = &a->batch, *y = &b->batch;
    assert_true(a->step == b->step && a->has_anchor == b->has_anchor);
    assert_true(x->n == y->n && x->max_frames == y->max_frames && x->vis_dim == y->vis_dim &&
                x->attr_dim == y->attr_dim);
    assert_memory_equal(x->entry, y->entry, x->n * sizeof *x->entry);
    assert_memory_equal(x->person, y->person, x->n * sizeof *x->person);
    assert_memory_equal(x->n_frames, y->n_frames, x->n * sizeof *x->n_frames);
    for (size_t i = 0; i < x->n; i++)
        assert_memory_equal(a->frames + i * x->max_frames, b->frames + i * x->max_frames,
                            x->n_frames[i] * sizeof *a->frames);
    assert_same_floats(x->frames, y->frames, x->n * x->max_frames * x->vis_dim);
    assert_same_floats(x->attr, y->attr, x->n * x->attr_dim);
    assert_same_floats(x->dropout, y->dropout, x->n * DROPOUT_DIM);
}

/* ---- what is in a batch ---- */

static void check_row(const rid_train_set *set, const rid_pk_sampler *sampler,
                      const rid_fed_batch *fed, size_t i)
{
    const rid_train_batch *b = &fed->batch;
    const rid_train_entry *e = &set->entries[b->entry[i]];
    const float *row = b->frames + i * b->max_frames * VIS;
    uint32_t expected[MOST];
    size_t n = rid_pk_sampler_frames(sampler, fed->step, i, e->n_frames, expected);
    assert_int_equal(b->person[i], e->person);
    assert_int_equal(b->n_frames[i], n);
    for (size_t f = 0; f < n; f++) {
        assert_int_equal(fed->frames[i * b->max_frames + f], expected[f]);
        assert_memory_equal(row + f * VIS, set->frames + (e->first + expected[f]) * VIS,
                            VIS * sizeof *row);
    }
    for (size_t k = n * VIS; k < b->max_frames * VIS; k++)
        assert_true(row[k] == 0);
    assert_memory_equal(b->attr + i * ATTR, set->attr + b->entry[i] * ATTR, ATTR * sizeof *b->attr);
}

static void test_contents(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_batch_feed *f = open_feed(&set, use, &PLAIN, 0);
    rid_pk_sampler *sampler = NULL;
    assert_ok(rid_pk_sampler_new(&sampler, &set, use, &PLAIN.pk, &err));
    assert_int_equal(rid_batch_feed_batches(f), rid_pk_sampler_batches(sampler));
    for (uint64_t step = 0; step < STEPS; step++) {
        rid_fed_batch fed;
        uint32_t entries[N];
        size_t longest = 0;
        assert_ok(rid_batch_feed_next(f, &fed, &err));
        assert_true(fed.step == step && fed.has_anchor && !fed.batch.dropout);
        assert_true(fed.batch.n == N && fed.batch.vis_dim == VIS && fed.batch.attr_dim == ATTR);
        rid_pk_sampler_draw(sampler, step, entries);
        assert_memory_equal(fed.batch.entry, entries, sizeof entries);
        for (size_t i = 0; i < N; i++) {
            check_row(&set, sampler, &fed, i);
            longest = fed.batch.n_frames[i] > longest ? fed.batch.n_frames[i] : longest;
        }
        assert_int_equal(fed.batch.max_frames, longest);
    }
    rid_batch_feed_close(f);
    rid_pk_sampler_free(sampler);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* Shares and lengths over many batches, within five standard deviations. */
static void test_augmentation(void **state)
{
    (void)state;
    enum { MANY = 2000 };
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_batch_feed *f = open_feed(&set, use, &NOISY, 0);
    size_t zeros = 0, bare = 0, n_frames = 0;
    double cosines = 0;
    for (size_t step = 0; step < MANY; step++) {
        rid_fed_batch fed;
        assert_ok(rid_batch_feed_next(f, &fed, &err));
        const rid_train_batch *b = &fed.batch;
        for (size_t i = 0; i < N * DROPOUT_DIM; i++) {
            assert_true(b->dropout[i] == 0 || b->dropout[i] == (float)(1 / 0.75));
            zeros += b->dropout[i] == 0;
        }
        for (size_t i = 0; i < N; i++) {
            const float *attr = b->attr + i * ATTR, *whole = set.attr + b->entry[i] * ATTR;
            const bool none = attr[0] == 0 && attr[1] == 0 && attr[2] == 0;
            assert_true(none || memcmp(attr, whole, ATTR * sizeof *attr) == 0);
            bare += none;
            for (size_t k = 0; k < b->n_frames[i]; k++) {
                const float *x = b->frames + (i * b->max_frames + k) * VIS;
                const float *y =
                    set.frames +
                    (set.entries[b->entry[i]].first + fed.frames[i * b->max_frames + k]) * VIS;
                double squares = 0, dot = 0;
                for (size_t d = 0; d < VIS; d++)
                    squares += (double)x[d] * x[d], dot += (double)x[d] * y[d];
                assert_true(fabs(squares - 1) < 1e-6);
                cosines += dot;
                n_frames++;
            }
        }
    }
    const double n_factors = (double)MANY * N * DROPOUT_DIM, n_slots = (double)MANY * N;
    assert_true(fabs((double)zeros / n_factors - 0.25) < 5 * sqrt(0.25 * 0.75 / n_factors));
    assert_true(fabs((double)bare / n_slots - 0.5) < 5 * sqrt(0.25 / n_slots));
    /* noise of length 0.5 across a unit vector: about 1/√1.25, which few dimensions spread */
    assert_true(fabs(cosines / (double)n_frames - 1 / sqrt(1.25)) < 0.02);
    rid_batch_feed_close(f);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_has_anchor(void **state)
{
    (void)state;
    rid_feed_options o = PLAIN;
    rid_train_set set = make_set(0);
    uint8_t *use = tx_use_all(&set);
    rid_fed_batch fed;
    for (size_t p = 1; p <= 2; p++)
        for (size_t k = 1; k <= 2; k++) {
            o.pk.p = p;
            o.pk.k = k;
            rid_batch_feed *f = open_feed(&set, use, &o, 0);
            for (size_t step = 0; step < STEPS; step++) {
                bool findable = false; /* a person with two entries in the batch */
                assert_ok(rid_batch_feed_next(f, &fed, &err));
                for (size_t i = 1; i < p * k; i++)
                    findable |= fed.batch.person[i] == fed.batch.person[i - 1] &&
                                fed.batch.entry[i] != fed.batch.entry[i - 1];
                assert_int_equal(fed.has_anchor, findable && p > 1);
                assert_null(fed.batch.attr);
            }
            rid_batch_feed_close(f);
        }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- the same wherever frames come from and the feed begins ---- */

static void test_read_or_held(void **state)
{
    (void)state;
    rid_train_set held = make_set(ATTR);
    shelf s;
    rid_train_set read = put_on(&s, &held);
    uint8_t *use = tx_use_all(&held);
    const rid_feed_options *const options[] = {&PLAIN, &NOISY};
    for (size_t o = 0; o < 2; o++) {
        rid_batch_feed *a = open_feed(&held, use, options[o], 0),
                       *b = open_feed(&read, use, options[o], 0);
        for (uint64_t step = 0; step < STEPS; step++) {
            rid_fed_batch x, y;
            assert_ok(rid_batch_feed_next(a, &x, &err));
            assert_ok(rid_batch_feed_next(b, &y, &err));
            assert_same_batches(&x, &y);
        }
        rid_batch_feed_close(a);
        rid_batch_feed_close(b);
    }
    assert_true(atomic_load(&s.reads) >= (size_t)2 * STEPS * N);
    rid_mem_free(use);
    rid_train_set_clear(&held);
}

static void test_any_beginning(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_batch_feed *walking = open_feed(&set, use, &NOISY, 0);
    for (uint64_t step = 0; step < STEPS; step++) {
        rid_fed_batch x, y;
        rid_batch_feed *jumping = open_feed(&set, use, &NOISY, step);
        assert_ok(rid_batch_feed_next(walking, &x, &err));
        assert_ok(rid_batch_feed_next(jumping, &y, &err));
        assert_same_batches(&x, &y);
        rid_batch_feed_close(jumping);
    }
    rid_batch_feed_close(walking);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_streams_differ(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_feed_options o[3] = {NOISY, NOISY, NOISY};
    float dropout[3][N * DROPOUT_DIM];
    o[1].pk.stream = 1;
    o[2].pk.seed = 5;
    for (size_t i = 0; i < 3; i++) {
        rid_fed_batch fed;
        rid_batch_feed *f = open_feed(&set, use, &o[i], 0);
        assert_ok(rid_batch_feed_next(f, &fed, &err));
        memcpy(dropout[i], fed.batch.dropout, sizeof dropout[i]);
        rid_batch_feed_close(f);
    }
    for (size_t i = 0; i < 3; i++)
        assert_memory_not_equal(dropout[i], dropout[(i + 1) % 3], sizeof dropout[i]);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- ahead ---- */

/* While a batch is used the next is read whole; the one behind that only once it is asked for. The used
 * one stays as it was. */
static void test_one_batch_ahead(void **state)
{
    (void)state;
    rid_train_set held = make_set(0);
    shelf s;
    rid_train_set read = put_on(&s, &held);
    uint8_t *use = tx_use_all(&held);
    atomic_store(&s.limit, N); /* before any is asked for: the first */
    rid_batch_feed *f = open_feed(&read, use, &PLAIN, 0);
    wait_for_reads(&s, N);
    for (size_t step = 0; step < STEPS; step++) {
        static float kept[N * MOST * VIS];
        rid_fed_batch fed;
        atomic_store(&s.limit, (step + 2) * N);
        assert_ok(rid_batch_feed_next(f, &fed, &err));
        const size_t bytes = N * fed.batch.max_frames * VIS * sizeof *kept;
        memcpy(kept, fed.batch.frames, bytes);
        wait_for_reads(&s, (step + 2) * N);
        assert_memory_equal(fed.batch.frames, kept, bytes);
    }
    rid_batch_feed_close(f);
    assert_false(atomic_load(&s.went_over));
    rid_mem_free(use);
    rid_train_set_clear(&held);
}

/* ---- errors ---- */

/* An error is of the batch that it was met in. */
static void test_reader_fails(void **state)
{
    (void)state;
    rid_train_set held = make_set(ATTR);
    shelf s;
    rid_train_set read = put_on(&s, &held);
    uint8_t *use = tx_use_all(&held);
    rid_fed_batch fed;
    s.fails_at = 2 * N + 3;
    rid_batch_feed *f = open_feed(&read, use, &PLAIN, 0);
    assert_ok(rid_batch_feed_next(f, &fed, &err));
    wait_for_reads(&s, 2 * N);
    assert_ok(rid_batch_feed_next(f, &fed, &err));
    wait_for_reads(&s, 2 * N + 3);
    assert_fails(rid_batch_feed_next(f, &fed, &err), RID_EIO, "the shelf is empty");
    rid_batch_feed_close(f);
    rid_mem_free(use);
    rid_train_set_clear(&held);
}

static void test_refusals(void **state)
{
    (void)state;
    rid_train_set set = make_set(0);
    uint8_t *use = tx_use_all(&set);
    rid_batch_feed *f = (void *)&set;
    rid_feed_options o = PLAIN;
    o.pk.p = PERSONS + 1;
    assert_fails(rid_batch_feed_open(&f, &set, use, &o, 0, &err), RID_EDATA, "P = 8 people");
    assert_null(f);
    rid_batch_feed_close(NULL);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    const int64_t before = rid_mem_live_blocks();
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        rid_batch_feed *f;
        rid_fed_batch fed;
        rid_err err = {0};
        rid_mem_fail_after(nth);
        rid_status st = rid_batch_feed_open(&f, &set, use, &NOISY, 0, &err);
        for (int step = 0; step < 2 && st == RID_OK; step++)
            st = rid_batch_feed_next(f, &fed, &err);
        rid_batch_feed_close(f);
        rid_mem_fail_after(0);
        done = st == RID_OK;
        assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP));
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contents),        cmocka_unit_test(test_augmentation),
        cmocka_unit_test(test_has_anchor),      cmocka_unit_test(test_read_or_held),
        cmocka_unit_test(test_any_beginning),   cmocka_unit_test(test_streams_differ),
        cmocka_unit_test(test_one_batch_ahead), cmocka_unit_test(test_reader_fails),
        cmocka_unit_test(test_refusals),        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
