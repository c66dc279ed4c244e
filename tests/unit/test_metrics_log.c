/* What a run writes epoch by epoch: lines of JSON, TensorBoard events, and files that go on after a
 * restart. */
#include "fixture.h"

#include "data/base/appendfile.h"
#include "train/metrics_log.h"
#include "train/tb_events.h"

#include <signal.h>
#include <sys/resource.h>

static void assert_hex(const rid_buf *b, const char *wanted)
{
    rid_buf hex = {0};
    for (size_t i = 0; i < b->len; i++)
        rid_buf_printf(&hex, "%02x", (unsigned char)b->data[i]);
    assert_string_equal(rid_buf_cstr(&hex), wanted);
    rid_buf_free(&hex);
}

/* The bytes that TensorBoard's own writer gives for these two events. */
static void test_events_as_tensorboard_writes_them(void **state)
{
    (void)state;
    const rid_tb_scalar scalars[] = {
        {"train/loss", 0.25}, {"left out", NAN}, {"left out", INFINITY}, {"val/map", -1.5}};
    rid_buf b = {0};
    rid_tb_events_begin(&b, 1700000000.5);
    rid_tb_events_scalars(&b, 1700000001.25, 300, scalars, 4);
    assert_hex(&b, "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b35"
                   "311031000000000000009d8383e90900005040fc54d94110ac022a230a110a0a747261696e2f"
                   "6c6f7373150000803e0a0e0a0776616c2f6d6170150000c0bfe77761b9");
    size_t before = b.len;
    rid_tb_events_scalars(&b, 1, 1, scalars + 1, 2); /* nothing is left to write */
    rid_tb_events_scalars(&b, 1, 1, NULL, 0);
    assert_int_equal(b.len, before);
    rid_buf_free(&b);
}

static rid_epoch_record make_record(uint64_t epoch)
{
    return (rid_epoch_record){
        .epoch = epoch,
        .step = 31 * epoch,
        .wall_s = 1.7e9 + (double)epoch,
        .loss = 0.5,
        .lr = 3e-4,
        .active = 0.25,
        .positive = 0.75,
        .negative = 1,
        .spread = NAN,
        .gradient_norm = INFINITY,
        .entries_per_s = 12000,
        .validation = {.map = 0.9,
                       .rank1 = 0.95,
                       .auc = NAN,
                       .eer = 0.02,
                       .best = {{0.5, 0.8, 0.02}, {0.625, 0.7, NAN}}},
    };
}

static void test_line(void **state)
{
    (void)state;
    rid_epoch_record r = make_record(2);
    rid_buf b = {0};
    rid_metrics_log_line(&b, &r);
    assert_string_equal(rid_buf_cstr(&b),
                        "{\"epoch\":2,\"step\":62,\"loss\":0.5,\"lr\":3e-04,\"active\":0.25,"
                        "\"hardest_positive\":0.75,\"hardest_negative\":1,\"spread\":null,"
                        "\"gradient_norm\":null,\"entries_per_s\":12000}\n");
    rid_buf_clear(&b);
    r.validated = true;
    rid_metrics_log_line(&b, &r);
    assert_non_null(strstr(rid_buf_cstr(&b),
                           "\"entries_per_s\":12000,\"val_map\":0.9,\"val_rank1\":0.95,"
                           "\"val_auc\":null,\"val_eer\":0.02,\"val_f1_neighbor\":0.5,"
                           "\"val_threshold_neighbor\":0.8,\"val_margin_neighbor\":0.02,"
                           "\"val_f1_identity\":0.625,\"val_threshold_identity\":0.7,"
                           "\"val_margin_identity\":null}\n"));
    rid_buf_free(&b);
}

static size_t count(const rid_buf *b, const char *part)
{
    size_t n = 0, length = strlen(part);
    for (size_t i = 0; i + length <= b->len; i++)
        n += memcmp(b->data + i, part, length) == 0;
    return n;
}

static void test_events_of_an_epoch(void **state)
{
    (void)state;
    rid_epoch_record r = make_record(3);
    rid_buf b = {0};
    rid_metrics_log_events(&b, &r);
    assert_int_equal(count(&b, "train/"), 6); /* of eight two are not finite */
    assert_int_equal(count(&b, "val/"), 0);
    rid_buf_clear(&b);
    r.validated = true;
    rid_metrics_log_events(&b, &r);
    assert_int_equal(count(&b, "val/"), 8);
    assert_int_equal(count(&b, "val/f1_identity"), 1);
    rid_buf_free(&b);
}

/* Both files after the epochs 1 … n. */
static void write_epochs(const char *folder, uint64_t n)
{
    rid_metrics_log *log;
    mkdir(folder, 0777);
    assert_ok(rid_metrics_log_open(&log, folder, 1.7e9, &err));
    for (uint64_t i = 1; i <= n; i++) {
        const rid_epoch_record r = make_record(i);
        assert_ok(rid_metrics_log_add(log, &r, &err));
    }
    rid_metrics_log_close(log);
}

static void assert_same_file(const char *a, const char *b, const char *name)
{
    char path[2][600];
    snprintf(path[0], sizeof path[0], "%s/%s", a, name);
    snprintf(path[1], sizeof path[1], "%s/%s", b, name);
    rid_buf x = fx_read(path[0]), y = fx_read(path[1]);
    assert_true(x.len > 0);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    rid_buf_free(&x);
    rid_buf_free(&y);
}

/* As a resumed run does it: what a killed one left is written over. */
static void test_anew(void **state)
{
    (void)state;
    char whole[600], again[600];
    snprintf(whole, sizeof whole, "%s", fx_path("whole"));
    snprintf(again, sizeof again, "%s", fx_path("again"));
    write_epochs(whole, 4);
    write_epochs(again, 7);
    write_epochs(again, 4);
    assert_same_file(whole, again, RID_METRICS_FILE);
    assert_same_file(whole, again, RID_EVENTS_FILE);
}

static void test_appending_goes_on(void **state)
{
    (void)state;
    rid_appendfile *f;
    const char *path = fx_path("grows");
    assert_ok(rid_appendfile_open(&f, path, 0, &err));
    assert_ok(rid_appendfile_add(f, "first ", 6, &err));
    assert_ok(rid_appendfile_add(f, "second ", 7, &err));
    rid_appendfile_close(f);
    assert_ok(rid_appendfile_open(&f, path, 6, &err)); /* and the rest is cut off */
    assert_ok(rid_appendfile_add(f, "2nd", 3, &err));
    rid_appendfile_close(f);
    rid_buf b = fx_read(path);
    assert_int_equal(b.len, 9);
    assert_memory_equal(b.data, "first 2nd", 9);
    rid_buf_free(&b);
}

static void test_refused(void **state)
{
    (void)state;
    rid_appendfile *f;
    rid_metrics_log *log;
    const char *path = fx_write("short", "12345");
    assert_fails(rid_appendfile_open(&f, path, 6, &err), RID_EDATA, "short: 5 bytes, but 6");
    assert_null(f);
    rid_buf left = fx_read(path);
    assert_int_equal(left.len, 5); /* nothing is lost by it */
    rid_buf_free(&left);
    assert_fails(rid_appendfile_open(&f, fx_path("none/file"), 0, &err), RID_ENOINPUT, "none/file");
    assert_fails(rid_metrics_log_open(&log, fx_path("none"), 0, &err), RID_ENOINPUT,
                 "none/metrics.jsonl");
    assert_null(log);
}

/* A piece that does not fit whole: the file goes on from the last whole one once there is room. */
static void test_failed_write(void **state)
{
    (void)state;
    rid_appendfile *f;
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){8, old.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_ok(rid_appendfile_open(&f, fx_path("full"), 0, &err));
    assert_ok(rid_appendfile_add(f, "first ", 6, &err));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_fails(rid_appendfile_add(f, "second", 6, &err), RID_EIO, "full");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_ok(rid_appendfile_add(f, "third", 5, &err));
    rid_appendfile_close(f);
    rid_buf b = fx_read(fx_path("full"));
    assert_int_equal(b.len, 11);
    assert_memory_equal(b.data, "first third", 11);
    rid_buf_free(&b);
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *folder = fx_path("shortage");
    const rid_epoch_record r = make_record(1);
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    assert_int_equal(mkdir(folder, 0777), 0);
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_metrics_log *log;
        rid_mem_fail_after(nth);
        st = rid_metrics_log_open(&log, folder, 0, NULL);
        if (st == RID_OK)
            st = rid_metrics_log_add(log, &r, NULL);
        rid_metrics_log_close(log);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_true(nth < 300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_as_tensorboard_writes_them),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_events_of_an_epoch),
        cmocka_unit_test(test_anew),
        cmocka_unit_test(test_appending_goes_on),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_failed_write),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
