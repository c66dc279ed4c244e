/* Scan, decision rule, clustering and gallery against plain loops, ties included. */
#include "eval/cluster.h"
#include "eval/gallery.h"
#include "eval/kernel.h"
#include "eval/operating_point.h"

#include "data/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Unit rows in a few directions with little noise, some of them equal to an earlier row. */
static float *make_rows(size_t n, size_t dim, size_t n_people, double noise)
{
    float *emb = rid_mem_alloc(n * sizeof *emb, dim);
    float *centres = rid_mem_alloc(n_people * sizeof *centres, dim);
    assert_true(emb && centres);
    for (size_t i = 0; i < n_people * dim; i++)
        centres[i] = (float)(drand48() - 0.5);
    for (size_t i = 0; i < n; i++) {
        size_t p = (size_t)lrand48() % n_people;
        double sum = 0;
        if (i > 0 && lrand48() % 10 == 0) {
            memcpy(emb + i * dim, emb + ((size_t)lrand48() % i) * dim, dim * sizeof *emb);
            continue;
        }
        for (size_t d = 0; d < dim; d++) {
            double x = (double)centres[p * dim + d] + noise * (drand48() - 0.5);
            emb[i * dim + d] = (float)x;
            sum += x * x;
        }
        for (size_t d = 0; d < dim; d++)
            emb[i * dim + d] = (float)((double)emb[i * dim + d] / sqrt(sum));
    }
    rid_mem_free(centres);
    return emb;
}

static bool fused(void)
{
    return strcmp(rid_kernel_get()->arithmetic, "fma") == 0;
}

static void test_scan_equals_reference(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 15, 16, 17, 47, 48, 49, 97, 255, 256, 257, 300, 530};
    srand48(3);
    if (!fused())
        skip();
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        size_t n = sizes[s], dim = 1 + (size_t)lrand48() % 70;
        float *emb = make_rows(n, dim, 7, 0.3);
        for (size_t k = 1; k <= 17; k = k == 1 ? 2 : k + 5) {
            rid_neighbour *fast = rid_mem_alloc(n * k, sizeof *fast);
            rid_neighbour *plain = rid_mem_alloc(n * k, sizeof *plain);
            rid_scan_reference(plain, k, emb, n, dim);
            for (int threads = 1; threads <= 7; threads += 3) {
                assert_int_equal(rid_scan(fast, k, emb, n, dim, threads, NULL), RID_OK);
                for (size_t i = 0; i < n * k; i++) {
                    assert_int_equal(fast[i].row, plain[i].row);
                    assert_memory_equal(&fast[i].score, &plain[i].score, sizeof(float));
                }
            }
            rid_mem_free(fast);
            rid_mem_free(plain);
        }
        rid_mem_free(emb);
    }
}

static void test_scan_refuses_nan(void **state)
{
    (void)state;
    float emb[6] = {1, 0, 0, NAN, 1, 0};
    rid_neighbour out[3];
    rid_err err = {0};
    assert_int_equal(rid_scan(out, 1, emb, 3, 2, 1, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "not finite"));
}

/* The definition, entry by entry over all pairs. */
static size_t plain_cluster(rid_decision *out, const float *emb, const uint8_t *usable, size_t n,
                            size_t dim, const rid_rule *rule)
{
    size_t n_people = 0;
    for (size_t i = 0; i < n; i++) {
        rid_decision d = {.nn1 = {-2, RID_NO_ENTRY}, .nn2 = {RID_NN2_NONE, RID_NO_ENTRY}};
        for (int pass = 0; pass < 2 && usable[i]; pass++) {
            rid_neighbour best = {-2, RID_NO_ENTRY};
            for (size_t j = 0; j < i; j++) {
                float score;
                if (!usable[j])
                    continue;
                if (pass == 1 && rule->nn2 == RID_NN2_NEIGHBOR && j == d.nn1.row)
                    continue;
                if (pass == 1 && rule->nn2 == RID_NN2_IDENTITY &&
                    out[j].person == out[d.nn1.row].person)
                    continue;
                rid_kernel_reference_product(&score, 1, emb + i * dim, dim, 1, emb + j * dim, dim, 1,
                                             dim);
                if (score > best.score)
                    best = (rid_neighbour){score, (uint32_t)j};
            }
            if (best.row == RID_NO_ENTRY)
                break;
            if (pass == 0)
                d.nn1 = best;
            else
                d.nn2 = best;
        }
        d.matched = d.nn1.row != RID_NO_ENTRY && (double)d.nn1.score >= rule->threshold &&
                    (double)d.nn1.score - (double)d.nn2.score >= rule->margin;
        d.person = d.matched ? out[d.nn1.row].person : (uint32_t)n_people++;
        out[i] = d;
    }
    return n_people;
}

static void assert_same_decision(const rid_decision *a, const rid_decision *b)
{
    assert_int_equal(a->nn1.row, b->nn1.row);
    assert_int_equal(a->nn2.row, b->nn2.row);
    assert_memory_equal(&a->nn1.score, &b->nn1.score, sizeof(float));
    assert_memory_equal(&a->nn2.score, &b->nn2.score, sizeof(float));
    assert_int_equal(a->matched, b->matched);
    assert_int_equal(a->person, b->person);
}

/* The gallery, fed one by one, decides as the bucket did. */
static void check_gallery(const rid_decision *expected, const float *emb, const uint8_t *usable,
                          size_t n, size_t dim, const rid_rule *rule)
{
    rid_gallery *g = rid_gallery_new(dim);
    uint32_t *entry_of = rid_mem_alloc(n, sizeof *entry_of);
    for (size_t i = 0; i < n; i++) {
        rid_decision d;
        uint32_t row;
        const float *x = usable[i] ? emb + i * dim : NULL;
        assert_int_equal(rid_gallery_decide(g, x, rule, &d, NULL), RID_OK);
        if (d.nn1.row != RID_NO_ENTRY)
            d.nn1.row = entry_of[d.nn1.row];
        if (d.nn2.row != RID_NO_ENTRY)
            d.nn2.row = entry_of[d.nn2.row];
        assert_same_decision(&d, &expected[i]);
        rid_gallery_count_person(g, d.person);
        if (!x)
            continue;
        assert_int_equal(rid_gallery_add(g, x, d.person, &row, NULL), RID_OK);
        entry_of[row] = (uint32_t)i;
    }
    rid_mem_free(entry_of);
    rid_gallery_free(g);
}

static void test_cluster_equals_definition(void **state)
{
    (void)state;
    srand48(11);
    if (!fused())
        skip();
    for (int round = 0; round < 60; round++) {
        size_t n = (size_t)lrand48() % 220, dim = 2 + (size_t)lrand48() % 20, n_people, expected;
        /* Few people and many visits: the candidates of `identity` often are all one person's. */
        float *emb = make_rows(n, dim, 1 + (size_t)lrand48() % 9, 0.02 + drand48());
        uint8_t *usable = rid_mem_alloc(n, 1);
        rid_decision *fast = rid_mem_alloc(n, sizeof *fast), *plain = rid_mem_alloc(n, sizeof *plain);
        for (size_t i = 0; i < n; i++)
            usable[i] = lrand48() % 12 != 0;
        rid_rule rule = {drand48(), drand48() * 0.2, round % 2 ? RID_NN2_IDENTITY : RID_NN2_NEIGHBOR};
        if (round % 5 == 0)
            rule.margin = 0;
        expected = plain_cluster(plain, emb, usable, n, dim, &rule);
        for (int threads = 1; threads <= 3; threads += 2) {
            assert_int_equal(
                rid_cluster(fast, &n_people, emb, usable, n, dim, &rule, threads, NULL), RID_OK);
            assert_int_equal(n_people, expected);
            for (size_t i = 0; i < n; i++)
                assert_same_decision(&fast[i], &plain[i]);
        }
        check_gallery(plain, emb, usable, n, dim, &rule);
        rid_mem_free(emb);
        rid_mem_free(usable);
        rid_mem_free(fast);
        rid_mem_free(plain);
    }
}

/* Two directions at right angles, a third visit of the first person between two near-equal ones. */
static void test_third_visit(void **state)
{
    (void)state;
    const float emb[] = {1, 0, 0, 1, 0.6f, 0.8f, 1, 0, 1, 0};
    rid_decision d[5];
    size_t n_people;
    rid_rule rule = {0.88, 0.02, RID_NN2_NEIGHBOR};
    /* Entry 3 equals entry 0 and finds only strangers beside it; entry 4 has two equal neighbours. */
    assert_int_equal(rid_cluster(d, &n_people, emb, NULL, 5, 2, &rule, 1, NULL), RID_OK);
    assert_true(d[3].matched && d[3].person == 0 && d[3].nn1.row == 0);
    assert_false(d[4].matched); /* the gap collapsed */
    assert_int_equal(d[4].nn1.row, 0);
    assert_int_equal(d[4].nn2.row, 3);
    assert_int_equal(n_people, 4);
    rule.nn2 = RID_NN2_IDENTITY;
    assert_int_equal(rid_cluster(d, &n_people, emb, NULL, 5, 2, &rule, 1, NULL), RID_OK);
    assert_true(d[4].matched && d[4].person == 0);
    assert_int_equal(d[4].nn2.row, 2); /* the stranger that is nearest */
    assert_int_equal(n_people, 3);
}

static void test_second_entry_has_no_nn2(void **state)
{
    (void)state;
    const float emb[] = {1, 0, 1, 0};
    rid_decision d[2];
    size_t n_people;
    rid_rule rule = {0.88, 0.02, RID_NN2_NEIGHBOR};
    assert_int_equal(rid_cluster(d, &n_people, emb, NULL, 2, 2, &rule, 1, NULL), RID_OK);
    assert_int_equal(d[0].nn1.row, RID_NO_ENTRY);
    assert_true(d[1].matched && d[1].nn1.score == 1.0f && d[1].nn2.score == -1.0f);
    assert_int_equal(d[1].nn2.row, RID_NO_ENTRY);
    const uint8_t skipped[] = {0, 1};
    assert_int_equal(rid_cluster(d, &n_people, emb, skipped, 2, 2, &rule, 1, NULL), RID_OK);
    assert_false(d[1].matched);
    assert_int_equal(d[1].nn1.row, RID_NO_ENTRY);
    assert_int_equal(n_people, 2);
}

static void test_gallery_removal(void **state)
{
    (void)state;
    const float a[] = {1, 0}, b[] = {0, 1};
    rid_rule rule = {0.5, 0, RID_NN2_NEIGHBOR};
    rid_decision d;
    uint32_t row;
    rid_gallery *g = rid_gallery_new(2);
    assert_int_equal(rid_gallery_add(g, a, 0, &row, NULL), RID_OK);
    rid_gallery_remove(g, row);
    assert_int_equal(rid_gallery_decide(g, a, &rule, &d, NULL), RID_OK);
    assert_false(d.matched);
    assert_int_equal(d.nn1.row, RID_NO_ENTRY);
    assert_int_equal(d.person, 1); /* numbers are not given twice */
    assert_int_equal(rid_gallery_add(g, b, 1, &row, NULL), RID_OK);
    assert_int_equal(rid_gallery_decide(g, b, &rule, &d, NULL), RID_OK);
    assert_true(d.matched && d.person == 1 && d.nn1.row == row);
    rid_gallery_free(g);
}

static void test_operating_point(void **state)
{
    (void)state;
    rid_err err = {0};
    rid_operating_point p = {.rule = {0.88, 0.02, RID_NN2_NEIGHBOR},
                             .threshold_from = "default",
                             .margin_from = "flag",
                             .nn2_from = "default"};
    const char *json = "{\"threshold\":0.7,\"margin\":0.05,\"nn2\":\"identity\",\"fnir\":0.1}";
    const char *wrong[] = {
        "{",
        "[]",
        "{\"threshold\":0.7,\"margin\":0.05,\"nn2\":\"other\"}",
        "{\"margin\":0.05,\"nn2\":\"identity\"}",
        "{\"threshold\":0.7,\"margin\":\"x\",\"nn2\":\"identity\"}",
        "{\"threshold\":7,\"margin\":0,\"nn2\":\"identity\"}",
        "{\"threshold\":0.7,\"margin\":-1,\"nn2\":\"identity\"}",
        "{\"format_version\":2,\"threshold\":0.7,\"margin\":0,\"nn2\":\"identity\"}",
        "{\"threshold\":0.7,\"margin\":0,\"nn2\":\"identity\",\"encoder_hash\":5}",
        "{\"threshold\":0.7,\"threshold\":0.7,\"margin\":0,\"nn2\":\"identity\"}"};
    assert_int_equal(rid_operating_point_settle(&p, json, "store", NULL, "abc", &err), RID_OK);
    assert_true(p.rule.threshold == 0.7 && p.rule.margin == 0.02);
    assert_int_equal(p.rule.nn2, RID_NN2_IDENTITY);
    assert_string_equal(p.threshold_from, "store");
    assert_string_equal(p.margin_from, "flag");
    assert_false(rid_operating_point_keeps_promise(&p));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(rid_operating_point_settle(&p, wrong[i], "store", NULL, "abc", &err),
                         RID_EDATA);
    const char *bound = "{\"threshold\":0.7,\"margin\":0.02,\"nn2\":\"identity\",\"max_fpir\":0.01,"
                        "\"confidence\":0.95,\"fpir_bound\":0.009,\"encoder_hash\":\"abc\"}";
    assert_int_equal(rid_operating_point_settle(&p, bound, "store", NULL, "abd", &err),
                     RID_ECONFIG);
    assert_int_equal(rid_operating_point_settle(&p, bound, "store", NULL, "abc", &err), RID_OK);
    assert_true(rid_operating_point_keeps_promise(&p));
}

static void test_no_memory(void **state)
{
    (void)state;
    srand48(5);
    float *emb = make_rows(80, 5, 2, 0.1);
    rid_decision d[80];
    size_t n_people;
    rid_rule rule = {0.5, 0, RID_NN2_IDENTITY};
    int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_cluster(d, &n_people, emb, NULL, 80, 5, &rule, 1, NULL);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(nth < 100);
    }
    rid_mem_free(emb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_equals_reference),
        cmocka_unit_test(test_scan_refuses_nan),
        cmocka_unit_test(test_cluster_equals_definition),
        cmocka_unit_test(test_third_visit),
        cmocka_unit_test(test_second_entry_has_no_nn2),
        cmocka_unit_test(test_gallery_removal),
        cmocka_unit_test(test_operating_point),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
