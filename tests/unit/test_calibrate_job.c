/* The job of rid-calibrate on two small buckets counted by hand, and a checkpoint that gets a point: outputs,
 * shortage of memory at every call, an interrupt. */
#include "fixture.h"

#include "data/base/interrupt.h"
#include "data/base/timestamp.h"
#include "store_fixture.h"
#include "train/calibrate_job.h"
#include "train/encoder.h"
#include "train/point_checkpoint.h"
#include "train/synth.h"
#include "train/synth_encoder.h"

#include <signal.h>
#include <sys/wait.h>

static char store_path[128], gt_path[128], out_path[128], ckpt_path[128], copy_path[128];
static const char *const GT[] = {gt_path};
static const char *const STORES[] = {store_path};

static const float EAST[] = {1, 0}, NORTH[] = {0, 1}, WEST[] = {-1, 0},
                   NEAR_EAST[] = {0.96f, -0.28f}, NEAR_NORTH[] = {0.28f, 0.96f};

#define AT(minute) "2025-11-06T08:" minute ":00Z"
/* s1: b is new, c is taken for a (false), d is skipped and then taken for b (wrong), e is taken for x, whom
 * nobody knows; a is found again. s2: two who are new. */
static const fx_entry ENTRIES[] = {
    {"a1", "2025-11-06", "s1", "c", AT("00"), EAST, NULL},
    {"b1", "2025-11-06", "s1", "c", AT("01"), NORTH, NULL},
    {"a2", "2025-11-06", "s1", "c", AT("02"), EAST, NULL},
    {"c1", "2025-11-06", "s1", "c", AT("03"), NEAR_EAST, NULL},
    {"d1", "2025-11-06", "s1", "c", AT("04"), NULL, NULL},
    {"d2", "2025-11-06", "s1", "c", AT("05"), NEAR_NORTH, NULL},
    {"x1", "2025-11-06", "s1", "c", AT("06"), WEST, NULL},
    {"e1", "2025-11-06", "s1", "c", AT("07"), WEST, NULL},
    {"f1", "2025-11-06", "s2", "c", AT("00"), EAST, NULL},
    {"b2", "2025-11-06", "s2", "c", AT("01"), NORTH, NULL},
};

static int begin(void **state)
{
    rid_store_set set;
    rid_synth_options synth;
    if (fx_begin(state) != 0)
        return -1;
    fx_store_set(&set, "s.h5", ENTRIES, sizeof ENTRIES / sizeof ENTRIES[0], 2);
    rid_store_set_close(&set);
    snprintf(store_path, sizeof store_path, "%s", fx_path("s.h5"));
    snprintf(out_path, sizeof out_path, "%s", fx_path("point.json"));
    snprintf(ckpt_path, sizeof ckpt_path, "%s", fx_path("model.pt"));
    snprintf(copy_path, sizeof copy_path, "%s", fx_path("copy.pt"));
    snprintf(
        gt_path, sizeof gt_path, "%s",
        fx_write("gt.json",
                 "{\"a1\":\"a\",\"a2\":\"a\",\"b1\":\"b\",\"b2\":\"b\",\"c1\":\"c\",\"d1\":\"d\","
                 "\"d2\":\"d\",\"e1\":\"e\",\"f1\":\"f\"}"));
    rid_synth_options_init(&synth);
    synth.vis_dim = 8;
    synth.emb_dim = 4;
    synth.attrs = false;
    synth.ckpt_path = ckpt_path;
    assert_ok(rid_synth_encoder_write(&synth, &err));
    return 0;
}

static rid_calibrate_options options(void)
{
    return (rid_calibrate_options){.people = {.gt = GT, .n_gt = 1},
                                   .grid = "0.9,1.5",
                                   .point = {.rule = {.margin = 0, .nn2 = RID_NN2_IDENTITY},
                                             .margin_from = "flag",
                                             .nn2_from = "flag"},
                                   .promise = {0.4, 0.5, false},
                                   .output = out_path,
                                   .force = true,
                                   .threads = 1};
}

static rid_status run(const rid_calibrate_options *o, rid_err *err)
{
    rid_summary summary = {0};
    const rid_status st = rid_calibrate_run(o, STORES, 1, &summary, NULL, err);
    rid_summary_clear(&summary);
    return st;
}

static void test_counts(void **state)
{
    (void)state;
    /* Persons a, c, d, e, f come to one bucket each, b to two: Σm² / Σm = 9 / 7. */
    static const char *const parts[] = {
        "\"threshold\":0.9,\"margin\":0,",
        "\"searches\":7,\"false_matches\":1,\"to_unlabelled\":1,",
        "\"mated\":2,\"hits\":1,\"wrong_matches\":1,\"persons\":6,\"buckets\":2,",
        "\"person_effect\":1.2857142857142858,\"bucket_effect\":1,",
        "\"clusters\":\"bucket\"",
        "\"fnir\":0.5,",
        "\"gallery_min\":2,\"gallery_max\":7,",
        "\"worst_bucket\":{\"day_id\":\"2025-11-06\",\"store_id\":\"s1\",\"searches\":5,"
        "\"matched\":2}"};
    rid_calibrate_options o = options();
    for (int nn2 = RID_NN2_NEIGHBOR; nn2 <= RID_NN2_IDENTITY; nn2++) {
        o.point.rule.nn2 = (rid_nn2_mode)nn2;
        assert_ok(run(&o, &err));
        rid_buf text = fx_read(out_path);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (!strstr(rid_buf_cstr(&text), parts[i]))
                fail_msg("%s is not in %s", parts[i], text.data);
        rid_buf_free(&text);
    }
}

static void test_memory(void **state)
{
    (void)state;
    rid_calibrate_options o = options();
    assert_ok(run(&o, &err));
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        const rid_status st = run(&o, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
        assert_true(nth < 100000);
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        rid_calibrate_options o = options();
        rid_err err = {0};
        if (rid_interrupt_install(&err) != RID_OK || raise(SIGTERM) != 0)
            _exit(2);
        _exit(run(&o, &err) == RID_EINTR ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

/* ---- checkpoints ---- */

static rid_status copy_checkpoint(const rid_store_info *stores, rid_err *err)
{
    rid_point_checkpoint p;
    rid_publish *out = NULL;
    rid_status st = rid_point_checkpoint_open(&p, ckpt_path, stores, 1, err);
    if (st == RID_OK)
        st = rid_publish_begin(&out, copy_path, true, err);
    if (st == RID_OK)
        st = rid_point_checkpoint_write(&p, "{\"threshold\":0.5}", out, copy_path, err);
    if (st == RID_OK)
        st = rid_publish_commit(out, err);
    else
        rid_publish_abort(out);
    rid_point_checkpoint_clear(&p);
    return st;
}

static void test_checkpoint(void **state)
{
    (void)state;
    rid_checkpoint ck;
    rid_checkpoint_meta meta;
    rid_encoder *encoder;
    rid_buf text = {0};
    rid_filter filter = rid_filter_default();
    filter.max_frames = 3;
    rid_filter_write_json(&filter, &text);
    assert_ok(rid_checkpoint_read(&ck, ckpt_path, &err));
    assert_ok(rid_encoder_new(&encoder, &ck, &filter, NULL, 1, &err));
    const rid_store_info stores = {
        .encoder_hash = rid_encoder_hash(encoder), .filter = rid_buf_cstr(&text), .schema = ""};
    rid_checkpoint_free(&ck);
    assert_ok(copy_checkpoint(&stores, &err));
    assert_ok(rid_checkpoint_read(&ck, copy_path, &err));
    assert_ok(rid_checkpoint_meta_read(&meta, ck.rid, &err));
    assert_string_equal(meta.operating_point, "{\"threshold\":0.5}");
    assert_string_equal(meta.filter, stores.filter);
    rid_checkpoint_meta_free(&meta);
    rid_checkpoint_free(&ck);
    const rid_store_info others = {
        .encoder_hash = stores.encoder_hash, .filter = "{\"on\":false}", .schema = ""};
    assert_fails(copy_checkpoint(&others, &err), RID_ECONFIG, "another encoder");
    const int64_t blocks = rid_mem_live_blocks();
    for (uint64_t nth = 1;; nth++) {
        rid_err err = {0};
        rid_mem_fail_after(nth);
        const rid_status st = copy_checkpoint(&stores, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
    }
    rid_encoder_free(encoder);
    rid_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_checkpoint),
    };
    return cmocka_run_group_tests(tests, begin, fx_end);
}
