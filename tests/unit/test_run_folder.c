/* The folder of a run: what may begin there, what is removed, what stays. */
#include "train/run_folder.h"

#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>

static const char *const NAMES[RID_RUN_FILES] = {"model.pt",     "best.pt",     "last.pt",
                                                 "resume.state", "config.yaml", "metrics.jsonl",
                                                 "report.html"};

static const char *in(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return fx_path(path);
}

static void make_folder(const char *name)
{
    assert_int_equal(mkdir(fx_path(name), 0777), 0);
}

static void put(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    fx_write(path, name);
}

static void put_all(const char *folder)
{
    for (size_t i = 0; i < RID_RUN_FILES; i++)
        put(folder, NAMES[i]);
}

/* Of the run's files exactly those of the mask are there, and are what they were. */
static void assert_left(const char *folder, unsigned mask)
{
    for (size_t i = 0; i < RID_RUN_FILES; i++) {
        const char *path = in(folder, NAMES[i]);
        if (fx_exists(path) != ((mask >> i & 1) == 1))
            fail_msg("%s is %s", path, mask >> i & 1 ? "gone" : "still there");
        if (!(mask >> i & 1))
            continue;
        rid_buf text = fx_read(path);
        assert_string_equal(rid_buf_cstr(&text), NAMES[i]);
        rid_buf_free(&text);
    }
}

enum { ALL = (1 << RID_RUN_FILES) - 1 };

static void test_new_folder(void **state)
{
    (void)state;
    rid_run_folder f;
    char folder[200];
    snprintf(folder, sizeof folder, "%s", fx_path("runs/deep/autumn"));
    assert_ok(rid_run_folder_open(&f, folder, false, false, &err));
    assert_true(fx_exists(folder));
    assert_string_equal(f.folder, folder);
    assert_false(f.goes_on);
    for (size_t i = 0; i < RID_RUN_FILES; i++)
        assert_string_equal(f.path[i], in("runs/deep/autumn", NAMES[i]));
    rid_run_folder_close(&f);
    assert_null(f.path[0]);
    rid_run_folder_close(&f);
    /* what is in it and belongs to no run does not matter */
    put("runs/deep/autumn", "notes.txt");
    assert_ok(rid_run_folder_open(&f, folder, false, false, &err));
    rid_run_folder_close(&f);
}

/* Any of a run's files alone is a run that is there. */
static void test_refused(void **state)
{
    (void)state;
    make_folder("one");
    for (size_t i = 0; i < RID_RUN_FILES; i++) {
        rid_run_folder f;
        put("one", NAMES[i]);
        assert_fails(rid_run_folder_open(&f, fx_path("one"), false, false, &err), RID_EUSAGE,
                     "one holds a run: --resume goes on with it, --force replaces it");
        assert_null(f.path[0]);
        assert_left("one", 1U << i);
        assert_int_equal(unlink(in("one", NAMES[i])), 0);
    }
}

static void test_force(void **state)
{
    (void)state;
    rid_run_folder f;
    make_folder("forced");
    put_all("forced");
    assert_ok(rid_run_folder_open(&f, fx_path("forced"), false, true, &err));
    assert_false(f.goes_on);
    assert_left("forced", ALL); /* what comes next may fail: data that cannot be read */
    assert_ok(rid_run_folder_begin(&f, &err));
    rid_run_folder_close(&f);
    /* model.pt stays until there is another, and what describes it */
    assert_left("forced", ALL & ~(1U << RID_RUN_STATE | 1U << RID_RUN_BEST | 1U << RID_RUN_LAST));
}

static void test_resume(void **state)
{
    (void)state;
    rid_run_folder f;
    make_folder("resumed");
    put_all("resumed");
    assert_ok(rid_run_folder_open(&f, fx_path("resumed"), true, false, &err));
    assert_true(f.goes_on);
    rid_run_folder_close(&f);
    assert_left("resumed", ALL);
    unlink(in("resumed", "resume.state")); /* killed before the first save */
    assert_ok(rid_run_folder_open(&f, fx_path("resumed"), true, false, &err));
    assert_false(f.goes_on);
    rid_run_folder_close(&f);
    assert_left("resumed", ALL & ~(1U << RID_RUN_STATE));
    assert_ok(rid_run_folder_open(&f, fx_path("never"), true, false, &err));
    assert_false(f.goes_on);
    rid_run_folder_close(&f);
}

static void test_no_folder(void **state)
{
    (void)state;
    rid_run_folder f;
    fx_write("file", "x");
    assert_int_not_equal(rid_run_folder_open(&f, fx_path("file"), false, true, NULL), RID_OK);
    assert_null(f.path[0]);
    assert_int_not_equal(rid_run_folder_open(&f, fx_path("file/run"), false, true, NULL), RID_OK);
    assert_null(f.path[0]);
    rid_buf text = fx_read(fx_path("file"));
    assert_int_equal(text.len, 1);
    rid_buf_free(&text);
}

static void test_write(void **state)
{
    (void)state;
    rid_run_folder f;
    static const char text[] = "a: 1\nb: \xc3\xa4\0\n";
    assert_ok(rid_run_folder_open(&f, fx_path("written"), false, false, &err));
    assert_ok(rid_run_folder_write(&f, RID_RUN_CONFIG, rid_str_of("a longer text before"), &err));
    assert_ok(rid_run_folder_write(&f, RID_RUN_CONFIG, (rid_str){text, sizeof text - 1}, &err));
    rid_buf got = fx_read(in("written", "config.yaml"));
    assert_int_equal(got.len, sizeof text - 1);
    assert_memory_equal(got.data, text, sizeof text - 1);
    rid_buf_free(&got);
    assert_ok(rid_run_folder_write(&f, RID_RUN_REPORT, (rid_str){0}, &err));
    got = fx_read(in("written", "report.html"));
    assert_int_equal(got.len, 0);
    rid_buf_free(&got);
    struct rlimit old;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {4, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const int64_t before = rid_mem_live_blocks();
    assert_fails(rid_run_folder_write(&f, RID_RUN_CONFIG, rid_str_of("more than fits"), &err),
                 RID_EIO, "config.yaml");
    assert_int_equal(rid_mem_live_blocks(), before);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    got = fx_read(in("written", "config.yaml"));
    assert_int_equal(got.len, sizeof text - 1); /* what was there stays */
    rid_buf_free(&got);
    assert_int_equal(unlink(in("written", "config.yaml")) | unlink(in("written", "report.html")),
                     0);
    assert_int_equal(rmdir(fx_path("written")), 0); /* nothing else is left in it */
    assert_fails(rid_run_folder_write(&f, RID_RUN_CONFIG, rid_str_of("x"), &err), RID_ENOINPUT,
                 "written/");
    rid_run_folder_close(&f);
}

static void test_no_memory(void **state)
{
    (void)state;
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_run_folder f;
        rid_mem_fail_after(nth);
        st = rid_run_folder_open(&f, fx_path("shortage"), false, true, NULL);
        if (st == RID_OK)
            st = rid_run_folder_begin(&f, NULL);
        if (st == RID_OK)
            st = rid_run_folder_write(&f, RID_RUN_CONFIG, rid_str_of("x"), NULL);
        rid_mem_fail_after(0);
        rid_run_folder_close(&f);
        assert_true(st == RID_OK ? nth > RID_RUN_FILES : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_folder), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_force),      cmocka_unit_test(test_resume),
        cmocka_unit_test(test_no_folder),  cmocka_unit_test(test_write),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
