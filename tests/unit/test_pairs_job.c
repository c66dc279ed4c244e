/* The job of rid-pairs on a small store: rows by hand, shortage of memory at every call, an interrupt. */
#include "tests/unit/fixture.h"

#include "data/base/interrupt.h"
#include "tests/unit/store_fixture.h"

#include "eval/pairs_job.h"

#include <signal.h>
#include <sys/wait.h>

enum { DIM = 2 };
static char store_path[128], gt_path[128], reviewed_path[128], out_path[128];
static const char *const GT[] = {gt_path};
static const char *const REVIEWED[] = {reviewed_path};
static const char *const STORES[] = {store_path};

/* Cosines: a-b 0.96, a-c 1, a-d 0, b-c 0.96, b-d 0.28, c-d 0. b and c are of one store on two days. */
static const float A[] = {1, 0}, B[] = {0.96f, 0.28f}, D[] = {0, 1};
static const fx_entry ENTRIES[] = {
    {"d", "2025-11-07", "s2", "cam,1", "2025-11-07T10:00:00Z", D, "rtsp://u:pw@cam/d.jpg?token=x"},
    {"c", "2025-11-07", "s1", NULL, NULL, A, NULL},
    {"a", "2025-11-06", "s2", NULL, "2025-11-06T10:00:00Z", A, "a.jpg"},
    {"b", "2025-11-06", "s1", NULL, "2025-11-06T09:00:00Z", B, NULL},
    {"skipped", "2025-11-06", "s1", NULL, NULL, NULL, NULL},
    {"unlabelled", "2025-11-06", "s1", NULL, NULL, A, NULL},
};

static int begin(void **state)
{
    rid_store_set set;
    if (fx_begin(state) != 0)
        return -1;
    fx_store_set(&set, "s.h5", ENTRIES, sizeof ENTRIES / sizeof ENTRIES[0], DIM);
    rid_store_set_close(&set);
    snprintf(store_path, sizeof store_path, "%s", fx_path("s.h5"));
    snprintf(out_path, sizeof out_path, "%s", fx_path("pairs.csv"));
    snprintf(
        gt_path, sizeof gt_path, "%s",
        fx_write("gt.json", "{\"a\":\"P\",\"b\":\"Q\",\"c\":\"R\",\"d\":\"P\",\"skipped\":\"P\"}"));
    snprintf(reviewed_path, sizeof reviewed_path, "%s",
             fx_write("reviewed.csv", "qid,aid,label\nc,b,1\nx,a,0\n"));
    return 0;
}

static rid_pairs_options options(void)
{
    return (rid_pairs_options){.people = {.gt = GT, .n_gt = 1},
                               .limits = {0.75, 0.88, 0.93, 20, 20, 100},
                               .output = out_path,
                               .force = true,
                               .threads = 2};
}

static rid_status run(const rid_pairs_options *o, rid_summary *summary, rid_err *err)
{
    *summary = (rid_summary){0};
    return rid_pairs_run(o, STORES, 1, summary, NULL, err);
}

#define HEAD                                                                                       \
    "entry_id_a,entry_id_b,pid_a,pid_b,same_pid,sim,risk_type,store_a,store_b,day_a,day_b,camera_" \
    "a,"                                                                                           \
    "camera_b,ts_a,ts_b,image_a,image_b\n"
#define ALIAS                                                                                      \
    "b,c,Q,R,0,0.96,alias_candidate,s1,s1,2025-11-06,2025-11-07,,,2025-11-06T09:00:00Z,,,\n"
#define NEAR "a,c,P,R,0,1,hard_neg,s2,s1,2025-11-06,2025-11-07,,,2025-11-06T10:00:00Z,,a.jpg,\n"
#define FAR                                                                                        \
    "a,d,P,P,1,0,hard_pos,s2,s2,2025-11-06,2025-11-07,,\"cam,1\",2025-11-06T10:00:00Z,"            \
    "2025-11-07T10:00:00Z,a.jpg,rtsp://cam/d.jpg\n"
#define NEXT                                                                                       \
    "b,a,Q,P,0,0.96,hard_neg,s1,s2,2025-11-06,2025-11-06,,,2025-11-06T09:00:00Z,2025-11-06T10:00:" \
    "00Z,,"                                                                                        \
    "a.jpg\n"

static void assert_written(const rid_pairs_options *o, const char *expected, uint64_t n_skipped)
{
    rid_summary s;
    assert_ok(run(o, &s, &err));
    rid_buf text = fx_read(out_path);
    assert_string_equal(rid_buf_cstr(&text), expected);
    assert_int_equal(s.skipped, n_skipped);
    rid_buf_free(&text);
    rid_summary_clear(&s);
}

static void test_rows(void **state)
{
    (void)state;
    rid_pairs_options o = options();
    assert_written(&o, HEAD ALIAS NEAR FAR NEXT, 1);
    o.limits.max = 2;
    assert_written(&o, HEAD ALIAS NEAR, 1);
    o.limits.max = 100;
    o.limits.per_person = 1;
    assert_written(&o, HEAD ALIAS NEAR FAR, 1);
    o.not_in = REVIEWED;
    o.n_not_in = 1;
    assert_written(&o, HEAD NEAR FAR, 1);
    o.limits.alias_min = 0.97;
    o.limits.per_person = 20;
    assert_written(&o, HEAD NEAR FAR NEXT, 1);
    o.limit = 2; /* d and c alone */
    assert_written(&o, HEAD, 0);
}

static void test_memory(void **state)
{
    (void)state;
    rid_pairs_options o = options();
    rid_summary s;
    o.not_in = REVIEWED;
    o.n_not_in = 1;
    assert_ok(run(&o, &s, &err));
    rid_summary_clear(&s);
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        const rid_status st = run(&o, &s, &err);
        rid_mem_fail_after(0);
        rid_summary_clear(&s);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        rid_pairs_options o = options();
        rid_err err = {0};
        rid_summary s;
        o.dry_run = true;
        if (rid_interrupt_install(&err) != RID_OK || raise(SIGTERM) != 0)
            _exit(2);
        _exit(run(&o, &s, &err) == RID_EINTR ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, begin, fx_end);
}
