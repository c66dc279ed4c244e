/* Open-set identification, and galleries apart from queries, by hand; scikit-learn's word on both is in
 * test_ranking.c. */
#include "fixture.h"

#include "eval/open_set.h"

static rid_ranking_query search(uint32_t n_positives, uint32_t first, float positive,
                                float negative)
{
    return (rid_ranking_query){.is_query = true,
                               .n_positives = n_positives,
                               .first = first,
                               .best_positive = positive,
                               .best_negative = negative};
}

static rid_open_set measure(const rid_ranking_query *q, size_t n)
{
    rid_open_set out;
    assert_ok(rid_open_set_measure(&out, q, n, &err));
    return out;
}

static void test_fnir_by_hand(void **state)
{
    (void)state;
    /* Ten searches: at an FPIR of 0.1 one may be false. Their best negatives are 0.9, 0.5, 0.5, 0.4 …: the
     * threshold has to be above 0.5. Mated are six: 0.95 and 0.6 come first and pass, 0.5 does not pass,
     * 0.8 is behind 0.9, one is not retrieved, 0.2 does not pass: four of six are missed. */
    rid_ranking_query q[11] = {search(1, 1, 0.95f, 0.5f),
                               search(2, 1, 0.6f, 0.4f),
                               search(1, 1, 0.5f, 0.3f),
                               search(3, 2, 0.8f, 0.9f),
                               search(1, 0, -INFINITY, 0.5f),
                               search(1, 1, 0.2f, 0.1f),
                               search(0, 0, -INFINITY, 0.2f),
                               search(0, 0, -INFINITY, 0.1f),
                               search(0, 0, -INFINITY, -0.5f),
                               search(0, 0, -INFINITY, -INFINITY),
                               {.best_positive = 1}};
    rid_open_set o = measure(q, 11);
    assert_int_equal(o.n_mated, 6);
    assert_int_equal(o.n_nonmated, 10);
    assert_true(o.fnir[0] == 1 - 2.0 / 6);
    assert_true(o.fnir[1] == 1 - 1.0 / 6); /* none may be false: above 0.9 */
    assert_true(o.fnir[2] == o.fnir[1]);
    q[3].best_negative = 0.96f;
    o = measure(q, 11);
    assert_true(o.fnir[0] == 1 - 2.0 / 6 && o.fnir[1] == 1);
}

static void test_nothing_there(void **state)
{
    (void)state;
    const rid_ranking_query none = {0}, alone = search(0, 0, -INFINITY, 0.5f),
                            no_negative = search(1, 1, -0.25f, -INFINITY);
    rid_open_set o = measure(&none, 1);
    assert_true(o.n_mated == 0 && o.n_nonmated == 0 && isnan(o.fnir[0]));
    o = measure(&none, 0);
    assert_true(isnan(o.fnir[2]));
    o = measure(&alone, 1);
    assert_true(o.n_nonmated == 1 && isnan(o.fnir[0]));
    o = measure(&no_negative, 1); /* nothing to take it for: any threshold will do */
    assert_true(o.fnir[0] == 0 && o.fnir[2] == 0);
    rid_mem_fail_after(1);
    assert_int_equal(rid_open_set_measure(&o, &alone, 1, NULL), RID_ETEMP);
    rid_mem_fail_after(0);
}

/* ---- queries and gallery ---- */

enum { N = 6 };

/* Angles 0°, 10°, 20°, 30°, 40°, 50°; persons a b a a b c. */
static const uint32_t person[N] = {1, 2, 1, 1, 2, 3};
static float emb[2 * N];

static rid_ranking run(rid_ranking_query *q, rid_ranking_input in)
{
    rid_ranking r;
    for (size_t i = 0; i < N; i++) {
        emb[2 * i] = (float)cos((double)i * 3.14159265358979 / 18);
        emb[2 * i + 1] = (float)sin((double)i * 3.14159265358979 / 18);
    }
    in.emb = emb;
    in.n = N;
    in.dim = 2;
    in.person = person;
    assert_ok(rid_ranking_run_details(&r, &(rid_ranking_details){.queries = q}, &in, 2, &err));
    return r;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-15;
}

static void test_split(void **state)
{
    (void)state;
    const uint8_t query[N] = {1, 1, 0, 0, 0, 1}, gallery[N] = {0, 0, 1, 1, 1, 0};
    rid_ranking_query q[N];
    /* gallery 2 (a), 3 (a), 4 (b). Query 0 (a): 2, 3, 4: AP 1. Query 1 (b): 2, 3, 4: AP 1/3. Query 5 (c) has
     * nobody. */
    rid_ranking r = run(q, (rid_ranking_input){.query = query, .gallery = gallery});
    assert_true(near(q[0].ap, 1) && near(q[1].ap, 1.0 / 3) && q[1].first == 3 && isnan(q[5].ap));
    assert_true(r.n_queries == 2 && r.n_without_positive == 1 && near(r.map, 2.0 / 3));
    assert_true(!q[2].is_query && q[2].ap == 0);
    assert_true(near(r.minp, (1 + 1.0 / 3) / 2) && r.rank1 == 0.5 && r.rank5 == 1);
    /* An entry may be both; it is not in its own gallery. */
    const uint8_t with[N] = {1, 0, 1, 1, 1, 0};
    run(q, (rid_ranking_input){.query = query, .gallery = with});
    assert_true(q[0].n_positives == 2 && q[0].first == 1 && near(q[0].ap, 1));
    /* An empty gallery. */
    const uint8_t nobody[N] = {0};
    r = run(q, (rid_ranking_input){.query = query, .gallery = nobody});
    assert_true(r.n_queries == 0 && r.n_without_positive == 3 && isnan(r.map) && isnan(r.auc));
    assert_true(isinf(q[0].best_negative));
}

static void test_cameras(void **state)
{
    (void)state;
    const uint32_t camera[N] = {7, 8, 7, 9, 8, RID_NO_CAMERA};
    rid_ranking_query q[N];
    /* Query 0 (a, camera 7): without 2 there are 1 (b), 3 (a), 4, 5: AP 1/2. Query 1 (b, camera 8) loses 4, its
     * one positive. Query 3 (a, camera 9): 2, 4 (tie of angles up to rounding), 1, 5, 0. */
    rid_ranking r = run(q, (rid_ranking_input){.camera = camera});
    assert_true(q[0].n_positives == 1 && q[0].first == 2 && near(q[0].ap, 0.5));
    assert_true(q[1].n_positives == 0 && q[4].n_positives == 0 && isnan(q[1].ap));
    assert_true(q[3].n_positives == 2);
    assert_int_equal(r.n_queries, 3);
    assert_int_equal(r.n_without_positive, 3);
    /* Whose camera is not known loses nothing. */
    const uint32_t unknown[N] = {RID_NO_CAMERA, 8, RID_NO_CAMERA, RID_NO_CAMERA, RID_NO_CAMERA, 8};
    r = run(q, (rid_ranking_input){.camera = unknown});
    assert_int_equal(r.n_queries, 5);
}

static void test_groups(void **state)
{
    (void)state;
    const uint32_t group[N] = {2, 2, 2, 1, 1, 1};
    rid_ranking_query q[N];
    /* 0 (a): 1 (b), 2 (a): AP 1/2; 1 (b) has nobody; 2 (a): 1, 0: AP 1/2; 3, 4, 5 have nobody. */
    rid_ranking r = run(q, (rid_ranking_input){.group = group});
    assert_true(near(q[0].ap, 0.5) && near(q[2].ap, 0.5) && r.n_queries == 2 && near(r.map, 0.5));
    assert_int_equal(r.n_without_positive, 4);
    assert_true(fabs((double)q[5].best_negative - cos(3.14159265358979 / 18)) < 1e-6);
}

static void test_not_finite(void **state)
{
    (void)state;
    const float rows[4] = {1, NAN, 1, 0};
    const uint32_t one[2] = {1, 1};
    const uint8_t query[2] = {1, 0}, gallery[2] = {0, 1};
    rid_ranking r;
    rid_ranking_input in = {
        .emb = rows, .n = 2, .dim = 2, .person = one, .query = query, .gallery = gallery};
    assert_fails(rid_ranking_run_details(&r, &(rid_ranking_details){0}, &in, 1, &err), RID_EDATA,
                 "not finite"); /* a query that is in no gallery is looked at, too */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fnir_by_hand), cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_split),        cmocka_unit_test(test_cameras),
        cmocka_unit_test(test_groups),       cmocka_unit_test(test_not_finite),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
