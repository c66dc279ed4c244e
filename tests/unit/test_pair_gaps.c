/* People from pairs as labels, and what the pairs leave open: by hand, against counting, without memory. */
#include "tests/unit/fixture.h"

#include "gt/pair_gaps.h"

static rid_labels *read_pairs(const char *text)
{
    rid_labels *l = NULL;
    const char *path = fx_write("pairs.csv", text);
    assert_ok(rid_labels_read_pairs(&l, &path, 1, &err));
    return l;
}

static uint32_t person_of(const rid_labels *l, const char *entry)
{
    uint32_t person = 0;
    assert_true(rid_labels_find(l, rid_str_of(entry), &person));
    return person;
}

/* d, e, a, b, c are one person, x and y are people of their own; only x is told apart from the first. */
static void test_labels(void **state)
{
    (void)state;
    size_t n;
    rid_labels *l = read_pairs("qid,aid,label\nd,e,1\nb,c,1\nx,y,0\na,b,1\ne,a,1\nx,a,0\nc,x,0\n");
    assert_true(rid_labels_are_linked(l));
    assert_int_equal(rid_labels_count(l), 7);
    assert_int_equal(rid_labels_person_count(l), 3);
    for (const char *const *e = (const char *const[]){"d", "e", "a", "b", "c", NULL}; *e; e++)
        assert_int_equal(person_of(l, *e), 0);
    assert_int_equal(person_of(l, "x"), 1);
    assert_int_equal(person_of(l, "y"), 2);
    assert_true(rid_str_equal(rid_labels_person(l, 0), rid_str_of("d")));
    assert_false(rid_labels_find(l, rid_str_of("z"), NULL));
    const uint64_t *apart = rid_labels_apart(l, &n);
    assert_int_equal(n, 2);
    assert_true(apart[0] == 1 && apart[1] == ((uint64_t)1 << 32 | 2));
    rid_labels_free(l);
}

static void test_files(void **state)
{
    (void)state;
    rid_labels *l;
    const char *gt = fx_write("gt.json", "{\"a\": \"p\"}"),
               *pairs = fx_write("p.csv", "qid,aid\na,b\n");
    assert_ok(rid_labels_read_files(&l, &(rid_label_files){.gt = &gt, .n_gt = 1}, &err));
    assert_false(rid_labels_are_linked(l));
    assert_int_equal(rid_labels_count(l), 1);
    rid_labels_free(l);
    assert_ok(rid_labels_read_files(&l, &(rid_label_files){.pairs = &pairs, .n_pairs = 1}, &err));
    assert_true(rid_labels_are_linked(l));
    assert_int_equal(rid_labels_person_count(l), 1);
    rid_labels_free(l);
    const char *wrong = fx_write("w.csv", "qid,aid,label\na,b,1\nb,c,1\na,c,0\n");
    assert_fails(rid_labels_read_pairs(&l, &wrong, 1, &err), RID_EDATA,
                 "said to be different people");
    const char *both[] = {pairs, fx_write("not.csv", "qid,aid,label\nb,a,0\n")};
    assert_fails(rid_labels_read_pairs(&l, both, 2, &err), RID_EDATA, "not.csv");
}

static rid_pair_gaps gaps_of(const rid_labels *l, const uint32_t (*seen)[2], size_t n)
{
    rid_sightings s = {0};
    rid_pair_gaps g;
    for (size_t i = 0; i < n; i++)
        assert_ok(rid_sightings_add(&s, seen[i][0], seen[i][1], &err));
    assert_ok(rid_pair_gaps_find(&g, l, &s, &err));
    rid_sightings_clear(&s);
    return g;
}

/* Four people a b c d; a-b and c-a are told apart. Bucket 7 has a, b, c, bucket 2 has b, d, and b again. */
static void test_by_hand(void **state)
{
    (void)state;
    rid_labels *l = read_pairs("qid,aid,label\na,b,0\nc,a,0\nd,d2,1\n");
    const uint32_t seen[][2] = {{7, 2}, {2, 1}, {7, 0}, {2, 3}, {2, 1}, {7, 1}, {3, UINT32_MAX}};
    const rid_pair_gaps g = gaps_of(l, seen, sizeof seen / sizeof seen[0]);
    assert_int_equal(g.n_buckets, 2);
    assert_int_equal(g.n_people, 4);
    assert_int_equal(g.n_across, 1);
    assert_int_equal(g.within, 3 + 1);
    assert_int_equal(g.within_open, 1 + 1); /* b-c; b-d */
    assert_int_equal(g.all, 6);
    assert_int_equal(g.all_open, 4); /* b-c, a-d, b-d, c-d */
    const rid_pair_gaps none = gaps_of(l, NULL, 0);
    assert_true(none.n_buckets == 0 && none.all == 0 && none.within_open == 0 &&
                none.all_open == 0);
    rid_labels_free(l);
}

enum { ENTRIES = 24, BUCKETS = 4 };

/* A random list over entries whose person is i mod n_people, without any contradiction. */
static rid_labels *random_labels(rid_random *r, size_t n_people)
{
    rid_buf text = {0};
    rid_buf_append_str(&text, "qid,aid,label\n");
    for (size_t i = 0; i < ENTRIES; i++) /* so that all have a label, in this order */
        rid_buf_printf(&text, "%zu,other%zu,1\n", i, i);
    for (size_t i = 0; i < ENTRIES; i++)
        for (size_t k = 0; k < i; k++)
            if (rid_random_chance(r, 0.15))
                rid_buf_printf(&text, "%zu,%zu,%d\n", i, k, i % n_people == k % n_people);
    rid_labels *l = read_pairs(rid_buf_cstr(&text));
    rid_buf_free(&text);
    return l;
}

/* True where a pair of the labels tells them apart, looked for one by one. */
static bool told(const rid_labels *l, uint64_t p, uint64_t q)
{
    size_t n;
    const uint64_t *apart = rid_labels_apart(l, &n);
    for (size_t i = 0; i < n; i++)
        if (apart[i] == (p << 32 | q))
            return true;
    return false;
}

static void assert_counted(const rid_labels *l, const uint32_t (*seen)[2], size_t n)
{
    bool in[BUCKETS][2 * ENTRIES] = {{0}}, any[2 * ENTRIES] = {0};
    uint64_t within = 0, within_open = 0, all = 0, all_open = 0;
    size_t n_people = 0, n_across = 0;
    for (size_t i = 0; i < n; i++)
        in[seen[i][0]][seen[i][1]] = any[seen[i][1]] = true;
    for (size_t p = 0; p < 2 * ENTRIES; p++) {
        size_t n_in = 0;
        for (size_t b = 0; b < BUCKETS; b++)
            n_in += in[b][p];
        n_people += n_in > 0;
        n_across += n_in > 1;
        for (size_t q = p + 1; q < 2 * ENTRIES; q++) {
            const bool open = !told(l, p, q);
            all += any[p] && any[q];
            all_open += any[p] && any[q] && open;
            for (size_t b = 0; b < BUCKETS; b++) {
                within += in[b][p] && in[b][q];
                within_open += in[b][p] && in[b][q] && open;
            }
        }
    }
    const rid_pair_gaps g = gaps_of(l, seen, n);
    assert_int_equal(g.n_people, n_people);
    assert_int_equal(g.n_across, n_across);
    assert_int_equal(g.within, within);
    assert_int_equal(g.within_open, within_open);
    assert_int_equal(g.all, all);
    assert_int_equal(g.all_open, all_open);
}

static void test_counted(void **state)
{
    (void)state;
    rid_random r = fx_random(9);
    for (int round = 0; round < 200; round++) {
        rid_labels *l = random_labels(&r, 1 + rid_random_below(&r, 12));
        uint32_t seen[ENTRIES][2];
        const size_t n = rid_random_below(&r, ENTRIES + 1);
        for (size_t i = 0; i < n; i++) {
            seen[i][0] = (uint32_t)rid_random_below(&r, BUCKETS);
            seen[i][1] = (uint32_t)rid_random_below(&r, rid_labels_person_count(l));
        }
        assert_counted(l, seen, n);
        rid_labels_free(l);
    }
}

static rid_status do_all(const char *path, rid_err *e)
{
    rid_labels *l;
    rid_sightings s = {0};
    rid_status st = rid_labels_read_pairs(&l, &path, 1, e);
    for (uint32_t i = 0; i < 40 && st == RID_OK; i++)
        st = rid_sightings_add(&s, i % 3, i % 4, e);
    if (st == RID_OK)
        st = rid_pair_gaps_say(l, &s, RID_GAPS_ALL, e);
    rid_sightings_clear(&s);
    rid_labels_free(l);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = fx_write("p.csv", "qid,aid,label\na,b,1\nc,d,0\nc,a,0\ne,f,0\n");
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err e;
        rid_mem_fail_after(nth);
        const rid_status st = do_all(path, &e);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), before);
        if (st == RID_OK)
            break;
        if (st != RID_ETEMP || !strstr(e.message, "out of memory"))
            fail_msg("allocation %d: %d, %s", (int)nth, (int)st, e.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels), cmocka_unit_test(test_files), cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_counted), cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
