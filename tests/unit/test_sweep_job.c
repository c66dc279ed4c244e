/* The job of rid-sweep on a small store: odd ids, shortage of memory at every call, an interrupt. */
#include "html_check.h"

#include "data/base/interrupt.h"
#include "data/base/timestamp.h"
#include "data/h5file.h"
#include "data/store.h"
#include "eval/sweep_job.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIM = 8, ENTRIES = 24, PEOPLE = 6 };

static char store_path[128], gt_path[128], out_path[128];
static const char *const GT[] = {gt_path};
static const char *const STORES[] = {store_path};

/* Ids that a page has to escape; some much longer than it shows. */
static void id_of(char out[300], size_t i)
{
    static const char *const odd[] = {"<b>&\"'", "caf\xC3\xA9", "plain", ""};
    snprintf(out, 300, "e%zu-%s", i, odd[i % 4]);
    if (i % 5 == 4)
        for (size_t k = strlen(out); k < 240; k++)
            memcpy(out + k, "x", 2);
}

static void add_entry(rid_store_writer *w, size_t i)
{
    static const char *const stores[] = {"nc1", "nc2"};
    rid_payload p = {.persist = true};
    rid_random r = fx_random(i % PEOPLE), noise = fx_random(100 + i);
    float x[DIM], length = 0;
    char id[300];
    rid_meta m = {.timestamp_us = (int64_t)i * 1000000};
    char stamp[32];
    id_of(id, i);
    rid_timestamp_format_ms(stamp, m.timestamp_us);
    m.text[RID_TEXT_TIMESTAMP] = rid_str_of(stamp);
    m.text[RID_TEXT_ID] = rid_str_of(id);
    m.text[RID_TEXT_DAY] = rid_str_of("2025-11-06");
    m.text[RID_TEXT_STORE] = rid_str_of(stores[i / (ENTRIES / 2)]);
    assert_ok(rid_payload_set_meta(&p, &m, &err));
    for (size_t k = 0; k < DIM; k++) {
        x[k] = (float)(rid_random_normal(&r) + 0.5 * rid_random_normal(&noise));
        length += x[k] * x[k];
    }
    for (size_t k = 0; k < DIM; k++)
        x[k] /= sqrtf(length);
    const rid_store_row row = {&p, i == 7 ? NULL : x, NULL, i == 7 ? RID_ENTRY_SKIP : RID_ENTRY_OK};
    assert_ok(rid_store_writer_add(w, &row, NULL, &err));
    rid_payload_free(&p);
}

/* Entry 3 has no label; entry 5 is left out. */
static void write_gt(void)
{
    rid_buf text = {0};
    rid_jsonw w = {.out = &text};
    char id[300], person[32];
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "entry_map");
    rid_jsonw_begin_object(&w);
    for (size_t i = 0; i < ENTRIES; i++) {
        if (i == 3)
            continue;
        id_of(id, i);
        snprintf(person, sizeof person, "<P&%zu>", i % PEOPLE);
        rid_jsonw_key(&w, id);
        rid_jsonw_begin_object(&w);
        rid_jsonw_key(&w, "person_id");
        rid_jsonw_cstr(&w, person);
        rid_jsonw_key(&w, "include");
        rid_jsonw_bool(&w, i != 5);
        rid_jsonw_end_object(&w);
    }
    rid_jsonw_end_object(&w);
    rid_jsonw_end_object(&w);
    snprintf(gt_path, sizeof gt_path, "%s", fx_write("gt.json", rid_buf_cstr(&text)));
    rid_buf_free(&text);
}

static int begin(void **state)
{
    static const rid_store_info info = {
        .encoder_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .encoder = "mean", .kernel = "base", .schema = "", .filter = "{}",
        .vis_dim = DIM, .emb_dim = DIM, .frames = RID_FRAMES_NONE};
    rid_publish *publish;
    rid_store_writer *w;
    if (fx_begin(state) != 0)
        return -1;
    rid_h5_init();
    snprintf(store_path, sizeof store_path, "%s", fx_path("s.h5"));
    snprintf(out_path, sizeof out_path, "%s", fx_path("out"));
    assert_ok(rid_publish_begin(&publish, store_path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, &info, &err));
    for (size_t i = 0; i < ENTRIES; i++)
        add_entry(w, i);
    assert_ok(rid_store_writer_finish(w, 1, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
    write_gt();
    return 0;
}

static rid_sweep_options options(void)
{
    return (rid_sweep_options){.gt = GT,
                               .n_gt = 1,
                               .threshold = "0:0.9:0.1",
                               .margin = "0,0.05",
                               .mode = {true, true},
                               .objective = "f1",
                               .bootstrap = 25,
                               .output = out_path,
                               .force = true,
                               .threads = 1};
}

static rid_status run(const rid_sweep_options *o, rid_err *err)
{
    rid_summary summary = {0};
    const rid_status st = rid_sweep_run(o, STORES, 1, &summary, NULL, err);
    rid_summary_clear(&summary);
    return st;
}

static rid_buf read_out(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "out/%s", name);
    return fx_read(fx_path(path));
}

static void test_outputs(void **state)
{
    (void)state;
    rid_sweep_options o = options();
    for (size_t side = 0; side <= 3; side += 3) {
        o.auto_side = side;
        assert_ok(run(&o, &err));
        rid_buf page = read_out("report.html"), json = read_out("best.json"), csv = read_out("surface.csv");
        html_check_all(rid_buf_cstr(&page));
        assert_non_null(strstr(page.data, "&lt;P&amp;"));
        assert_null(strstr(page.data, "<P&"));
        assert_non_null(strstr(rid_buf_cstr(&json), "\"unlabelled\":2,\"excluded\":1"));
        assert_true(strncmp(rid_buf_cstr(&csv), "nn2,threshold,margin,", 21) == 0);
        rid_buf_free(&page);
        rid_buf_free(&json);
        rid_buf_free(&csv);
    }
}

static void test_memory(void **state)
{
    (void)state;
    rid_sweep_options o = options();
    o.threshold = "0.5,0.7";
    o.bootstrap = 3;
    o.dry_run = true;
    for (size_t side = 0; side <= 3; side += 3) {
        o.auto_side = side;
        assert_ok(run(&o, &err));
        const int64_t blocks = rid_mem_live_blocks();
        for (uint64_t nth = 1;; nth += nth < 400 ? 1 : 7) {
            rid_err err = {0};
            rid_mem_fail_after(nth);
            const rid_status st = run(&o, &err);
            rid_mem_fail_after(0);
            assert_int_equal(rid_mem_live_blocks(), blocks);
            if (st == RID_OK)
                break;
            assert_int_equal(st, RID_ETEMP);
        }
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    int code = -1;
    const pid_t child = fork();
    if (child == 0) {
        rid_sweep_options o = options();
        rid_err err = {0};
        o.dry_run = true;
        if (rid_interrupt_install(&err) != RID_OK || raise(SIGTERM) != 0)
            _exit(2);
        _exit(run(&o, &err) == RID_EINTR ? 0 : 1);
    }
    assert_true(child > 0 && waitpid(child, &code, 0) == child);
    assert_int_equal(code, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, begin, fx_end);
}
