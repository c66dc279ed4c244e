/* rid-gt's jobs where memory is short: an error, nothing lost, nothing left behind. */
#include "tests/unit/fixture.h"
#include "tests/unit/store_fixture.h"

#include "eval/gt_report.h"
#include "gt/gt_convert.h"
#include "gt/gt_split.h"

static const float E1[2] = {1, 0};
static char gt_path[256], store_path[256], pairs_path[256];
static const char *const gt[] = {gt_path}, *const stores[] = {store_path},
                         *const pairs[] = {pairs_path};

/* fx_path's own memory is used again. */
static void keep_path(char to[256], const char *path)
{
    snprintf(to, 256, "%s", path);
}

static void make_inputs(void)
{
    const fx_entry entries[] = {{.id = "a1", .day = "2025-11-06", .store = "s", .embedding = E1},
                                {.id = "a2", .day = "2025-11-06", .store = "s", .embedding = E1},
                                {.id = "b1", .day = "2025-11-06", .store = "t", .embedding = E1},
                                {.id = "b2", .day = "2025-11-06", .store = "t", .embedding = E1}};
    rid_store_set set;
    fx_store_set(&set, "s.h5", entries, 4, 2);
    rid_store_set_close(&set);
    keep_path(store_path, fx_path("s.h5"));
    keep_path(gt_path,
              fx_write("gt.json",
                       "{\"persons\": {\"p\": {\"x\": 1, \"entries\": [{\"entry_id\": \"a1\"},"
                       " {\"entry_id\": \"b1\"}]}, \"q\": {\"entries\": [{\"entry_id\": \"a2\"},"
                       " {\"entry_id\": \"b2\", \"include\": false}, {\"entry_id\": \"no\"}]}}}"));
    keep_path(pairs_path, fx_write("p.csv", "qid,aid\na,b\nb,c\n"));
}

static rid_status split(const char *out, rid_err *err)
{
    rid_summary s = {0};
    const rid_gt_split_options o = {.gt = gt,
                                    .n_gt = 1,
                                    .stores = stores,
                                    .n_stores = 1,
                                    .by = RID_GT_BY_STORE,
                                    .fractions = "0.5,0.5",
                                    .rule = RID_SPLIT_QUOTA,
                                    .output = out,
                                    .force = true};
    return rid_gt_split_run(&o, &s, err);
}

static rid_status convert(const char *out, rid_err *err)
{
    rid_summary s = {0};
    const rid_gt_convert_options o = {.truth = {.gt = gt, .n_gt = 1},
                                      .stores = stores,
                                      .n_stores = 1,
                                      .to_pairs = true,
                                      .max_same = 1,
                                      .max_different = UINT64_MAX,
                                      .output = out,
                                      .force = true};
    return rid_gt_convert_run(&o, &s, err);
}

static rid_status link_pairs(const char *out, rid_err *err)
{
    rid_summary s = {0};
    const rid_gt_convert_options o = {.truth = {.pairs = pairs, .n_pairs = 1},
                                      .form_given = true,
                                      .form = RID_GT_PERSONS,
                                      .output = out,
                                      .force = true};
    return rid_gt_convert_run(&o, &s, err);
}

static rid_status check(const char *out, rid_err *err)
{
    rid_summary s = {0};
    const char *const assertions[] = {"unknown == 1"};
    const rid_gt_check_options o = {
        .gt = gt,
        .n_gt = 1,
        .stores = stores,
        .n_stores = 1,
        .cases = 5,
        .output = {
            .path = out, .json = true, .force = true, .assertions = assertions, .n_assertions = 1}};
    return rid_gt_check_run(&o, &s, err);
}

static rid_status diff(const char *out, rid_err *err)
{
    rid_summary s = {0};
    const rid_eval_output_options o = {.path = out, .force = true};
    return rid_gt_diff_run(gt[0], gt[0], 5, &o, &s, err);
}

static void run_short(const char *name, const char *published,
                      rid_status (*job)(const char *out, rid_err *err))
{
    rid_status st = RID_ETEMP;
    uint64_t nth = 1;
    for (; st == RID_ETEMP && nth < 3000; nth++) {
        const int64_t blocks = rid_mem_live_blocks();
        rid_err err = {0};
        assert_false(fx_exists(fx_path(published)));
        rid_mem_fail_after(nth);
        st = job(fx_path(name), &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    if (st != RID_OK)
        fail_msg("%s: status %d", name, (int)st);
    assert_true(nth > 20);
    assert_true(fx_exists(fx_path(published)));
}

static void test_no_memory(void **state)
{
    (void)state;
    make_inputs();
    run_short("parts.json", "parts-test.json", split);
    run_short("pairs.csv", "pairs.csv", convert);
    run_short("linked.json", "linked.json", link_pairs);
    run_short("check.json", "check.json", check);
    run_short("diff.txt", "diff.txt", diff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory)};
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
