/* Hard pairs against a search that looks at every pair: numbers are small fractions, so that scores are
 * exact and many are equal. */
#include "tests/unit/fixture.h"

#include "data/base/interrupt.h"
#include "eval/hard_pairs.h"

#include <signal.h>
#include <sys/wait.h>

enum { DIM = 6, DAYS = 3, STORES = 2 };

typedef struct world {
    float *emb;
    uint32_t *person, *store, *day;
    size_t n, n_persons;
} world;

/* Person 0 has a good part of all entries; the last person has none. */
static world make_world(size_t n, size_t n_persons, uint64_t seed)
{
    world w = {.emb = rid_mem_alloc(n, DIM * sizeof(float)), .n = n, .n_persons = n_persons};
    rid_random r = fx_random(seed);
    uint32_t **const columns[] = {&w.person, &w.store, &w.day};
    for (int c = 0; c < 3; c++)
        *columns[c] = rid_mem_alloc(n, sizeof(uint32_t));
    for (size_t i = 0; i < n; i++) {
        w.person[i] =
            rid_random_below(&r, 4) == 0 ? 0 : (uint32_t)rid_random_below(&r, n_persons - 1);
        w.store[i] = (uint32_t)rid_random_below(&r, STORES);
        w.day[i] = (uint32_t)rid_random_below(&r, DAYS);
        for (size_t k = 0; k < DIM; k++)
            w.emb[i * DIM + k] = (float)((double)rid_random_below(&r, 17) - 8) / 16;
    }
    return w;
}

static void free_world(world *w)
{
    rid_mem_free(w->emb);
    rid_mem_free(w->person);
    rid_mem_free(w->store);
    rid_mem_free(w->day);
}

static rid_hard_entries entries_of(const world *w)
{
    return (rid_hard_entries){w->emb, w->person, w->store, w->day, w->n, DIM, w->n_persons};
}

/* Every seventh pair was looked at. */
static bool known(const void *ctx, uint32_t a, uint32_t b)
{
    (void)ctx;
    assert_true(a < b);
    return (a * 31 + b) % 7 == 0;
}

/* ---- the plain search ---- */

static double sim_of(const world *w, size_t a, size_t b)
{
    double sum = 0;
    for (size_t k = 0; k < DIM; k++)
        sum += (double)w->emb[a * DIM + k] * (double)w->emb[b * DIM + k];
    return sum;
}

/* How many entries of other people are nearer to `row` than `other` is. */
static size_t place_of(const world *w, size_t row, size_t other)
{
    size_t n = 0;
    const double s = sim_of(w, row, other);
    for (size_t i = 0; i < w->n; i++) {
        const double t = sim_of(w, row, i);
        n += w->person[i] != w->person[row] && (t > s || (t >= s && i < other));
    }
    return n;
}

static bool is_candidate(const world *w, const rid_hard_limits *l, uint32_t a, uint32_t b,
                         rid_hard_pair *p)
{
    const double s = sim_of(w, a, b);
    *p = (rid_hard_pair){a, b, (float)s, RID_RISK_HARD_POS};
    if (w->person[a] == w->person[b])
        return s <= l->pos_max;
    p->risk = w->store[a] == w->store[b] && w->day[a] != w->day[b] && s >= l->alias_min
                  ? RID_RISK_ALIAS_CANDIDATE
                  : RID_RISK_HARD_NEG;
    return s >= l->neg_min && (place_of(w, a, b) < l->nearest || place_of(w, b, a) < l->nearest);
}

static int by_rank(const void *x, const void *y)
{
    const rid_hard_pair *p = x, *q = y;
    const double d = (double)p->sim - (double)q->sim;
    if (p->risk != q->risk)
        return p->risk < q->risk ? -1 : 1;
    if (d < 0 || d > 0)
        return (p->risk == RID_RISK_HARD_POS ? d : -d) < 0 ? -1 : 1;
    return p->a != q->a ? (p->a < q->a ? -1 : 1) : (p->b < q->b ? -1 : p->b > q->b);
}

typedef struct expected {
    rid_hard_pair *pairs; /* sorted by risk and rank */
    size_t n, n_of[RID_RISK_COUNT];
    uint64_t n_found[RID_RISK_COUNT], n_known;
} expected;

static expected search_all(const world *w, const rid_hard_limits *l, bool review)
{
    expected x = {0};
    size_t cap = 0, n = 0;
    size_t *count = rid_mem_zalloc(w->n_persons, RID_RISK_COUNT * sizeof *count);
    for (uint32_t a = 0; a < w->n; a++)
        for (uint32_t b = a + 1; b < w->n; b++) {
            rid_hard_pair p;
            if (!is_candidate(w, l, a, b, &p))
                continue;
            x.n_found[p.risk]++;
            const bool skip = review && known(NULL, a, b);
            x.n_known += skip;
            if (skip)
                continue;
            assert_int_equal(rid_mem_grow(&x.pairs, &cap, x.n + 1, sizeof p), 0);
            x.pairs[x.n++] = p;
        }
    if (x.n > 0)
        qsort(x.pairs, x.n, sizeof *x.pairs, by_rank);
    for (size_t i = 0; i < x.n; i++) {
        const rid_hard_pair p = x.pairs[i];
        size_t *a = &count[w->person[p.a] * RID_RISK_COUNT + p.risk];
        size_t *b = &count[w->person[p.b] * RID_RISK_COUNT + p.risk];
        if (*a >= l->per_person || *b >= l->per_person)
            continue;
        ++*a;
        if (a != b)
            ++*b;
        x.pairs[n++] = p;
        x.n_of[p.risk]++;
    }
    x.n = n;
    rid_mem_free(count);
    return x;
}

static void assert_found(const rid_hard_pairs *f, const expected *x, size_t max)
{
    size_t next[RID_RISK_COUNT], n = 0, taken = 0;
    for (int r = 0; r < RID_RISK_COUNT; n += x->n_of[r++])
        next[r] = n;
    assert_int_equal(f->n, n < max ? n : max);
    for (size_t turn = 0; taken < f->n; turn++)
        for (int r = 0; r < RID_RISK_COUNT && taken < f->n; r++)
            if (turn < x->n_of[r]) {
                const rid_hard_pair *p = &x->pairs[next[r]++], *q = &f->pairs[taken++];
                assert_int_equal(q->risk, r);
                assert_int_equal(q->a, p->a);
                assert_int_equal(q->b, p->b);
                assert_memory_equal(&q->sim, &p->sim, sizeof p->sim);
            }
    for (int r = 0; r < RID_RISK_COUNT; r++)
        assert_int_equal(f->n_found[r], x->n_found[r]);
    assert_int_equal(f->n_known, x->n_known);
}

/* ---- tests ---- */

static void check(const world *w, const rid_hard_limits *l, bool review)
{
    const rid_hard_entries e = entries_of(w);
    const rid_hard_review r = {review ? known : NULL, NULL};
    expected x = search_all(w, l, review);
    for (int threads = 1; threads <= 3; threads++) {
        rid_hard_pairs f;
        assert_ok(rid_hard_pairs_find(&f, &e, l, &r, threads, NULL, &err));
        assert_found(&f, &x, l->max);
        rid_hard_pairs_clear(&f);
    }
    rid_mem_free(x.pairs);
}

static void test_plain_search(void **state)
{
    (void)state;
    static const rid_hard_limits limits[] = {
        {0, 0.5, 0.6, 20, 20, 10000},    {0, 0.5, 0.6, 1, 3, 50},    {-0.5, 0.25, 0.25, 3, 1, 7},
        {1, -1, 2, 500, 100000, 100000}, {-1, 0.9, 0.1, 5, 20, 100}, {0.25, 0.5, 0.5, 2, 2, 1},
    };
    world w = make_world(160, 20, 5);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        for (int review = 0; review < 2; review++)
            check(&w, &limits[i], review);
    free_world(&w);
}

/* More entries than a block of packed rows has, and a person with more than a tile. */
static void test_blocks(void **state)
{
    (void)state;
    world w = make_world(1100, 40, 6);
    const rid_hard_limits l = {-0.5, 0.5, 0.6, 4, 30, 300};
    expected x = search_all(&w, &l, false);
    for (int r = 0; r < RID_RISK_COUNT; r++)
        assert_true(x.n_of[r] > 5);
    rid_mem_free(x.pairs);
    check(&w, &l, false);
    free_world(&w);
}

static void test_few(void **state)
{
    (void)state;
    const rid_hard_limits l = {0, 0.5, 0.6, 20, 20, 10};
    for (size_t n = 0; n <= 3; n++) {
        world w = make_world(n, 3, 7 + n);
        check(&w, &l, false);
        free_world(&w);
    }
}

static void test_not_finite(void **state)
{
    (void)state;
    world w = make_world(10, 3, 8);
    const rid_hard_entries e = entries_of(&w);
    const rid_hard_limits l = {0, 0.5, 0.6, 20, 20, 10};
    rid_hard_pairs f;
    w.emb[DIM * 4] = NAN;
    assert_fails(rid_hard_pairs_find(&f, &e, &l, &(rid_hard_review){0}, 2, NULL, &err), RID_EDATA,
                 "not finite");
    assert_null(f.pairs);
    free_world(&w);
}

static void test_no_memory(void **state)
{
    (void)state;
    world w = make_world(60, 5, 9);
    const rid_hard_entries e = entries_of(&w);
    const rid_hard_limits l = {0, 0.1, 0.2, 3, 4, 20};
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err = {0};
        rid_hard_pairs f;
        rid_mem_fail_after(nth);
        const rid_status st = rid_hard_pairs_find(&f, &e, &l, &(rid_hard_review){0}, 2, NULL, &err);
        rid_mem_fail_after(0);
        rid_hard_pairs_clear(&f);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
        assert_true(nth < 100);
    }
    free_world(&w);
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    world w = make_world(60, 5, 9);
    const pid_t child = fork();
    if (child == 0) {
        const rid_hard_entries e = entries_of(&w);
        const rid_hard_limits l = {0, 0.1, 0.2, 3, 4, 20};
        rid_hard_pairs f;
        rid_err err = {0};
        if (rid_interrupt_install(&err) != RID_OK || raise(SIGTERM) != 0)
            _exit(2);
        _exit(rid_hard_pairs_find(&f, &e, &l, &(rid_hard_review){0}, 1, NULL, &err) == RID_EINTR
                  ? 0
                  : 1);
    }
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
    free_world(&w);
}

/* Where the signal comes, and what happens afterwards. */
static struct {
    bool in_scan;
    uint64_t n_after;
} stop;

static void show(rid_progress *p, uint64_t done, uint64_t total, bool last)
{
    (void)p;
    stop.n_after += rid_interrupt_signal() != 0 && !last;
    if (stop.in_scan && rid_interrupt_signal() == 0 && done > 0 && done < total &&
        raise(SIGINT) != 0)
        _exit(2);
}

static bool look(const void *ctx, uint32_t a, uint32_t b)
{
    (void)ctx;
    (void)a;
    (void)b;
    stop.n_after += rid_interrupt_signal() != 0;
    if (rid_interrupt_signal() == 0 && raise(SIGINT) != 0)
        _exit(2);
    return false;
}

/* All pairs of one block of rows, one thread: the signal comes while it is scanned, or with the first pair
 * that is looked up. 0: nothing goes on after it, but for the pairs of one row. */
static int stop_in_the_middle(const world *w, bool in_scan)
{
    const rid_hard_entries e = entries_of(w);
    const rid_hard_limits l = {-2, -2, 2, 3, 1000, 1000000};
    rid_hard_pairs f;
    rid_err err = {0};
    rid_progress progress = {.show = show};
    stop.in_scan = in_scan;
    if (rid_interrupt_install(&err) != RID_OK)
        return 2;
    const rid_status st =
        rid_hard_pairs_find(&f, &e, &l, &(rid_hard_review){look, NULL}, 1, &progress, &err);
    return st == RID_EINTR && stop.n_after <= (in_scan ? 0 : 2) ? 0 : 1;
}

static void test_interrupt_in_the_middle(void **state)
{
    (void)state;
    world w = make_world(200, 20, 9);
    for (int in_scan = 0; in_scan < 2; in_scan++) {
        int code = -1;
        const pid_t child = fork();
        if (child == 0)
            _exit(stop_in_the_middle(&w, in_scan));
        assert_true(child > 0 && waitpid(child, &code, 0) == child);
        assert_int_equal(code, 0);
    }
    free_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_search),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_few),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_interrupt_in_the_middle),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
