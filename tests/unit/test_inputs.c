/* From names to files; small text files; the list of rejects. */
#include "tests/unit/fixture.h"

#include "data/inputs.h"
#include "data/rejects.h"
#include "data/textfile.h"

#include <dlfcn.h>
#include <errno.h>
#include <fts.h>

/* The names found, each with its size; an error as "status". */
static void expect_named(const char *const *names, size_t n, const char *expected)
{
    rid_inputs list;
    rid_buf out = {0};
    rid_err e = {0};
    rid_status st = rid_inputs_find(&list, names, n, &e);
    if (st != RID_OK)
        rid_buf_printf(&out, "%d", (int)st);
    for (size_t i = 0; i < list.n; i++) {
        const char *path = list.files[i].path;
        size_t root = strlen(fx_root);
        rid_buf_printf(&out, "%s:%d%s;", strncmp(path, fx_root, root) == 0 ? path + root + 1 : path,
                       (int)list.files[i].bytes, list.files[i].store ? ":store" : "");
    }
    assert_string_equal(out.data ? rid_buf_cstr(&out) : "", expected);
    rid_inputs_free(&list);
    rid_buf_free(&out);
}

static void expect(const char *name, const char *expected)
{
    expect_named(&name, 1, expected);
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(mkdir(fx_path("d"), 0700), 0);
    assert_int_equal(mkdir(fx_path("d/sub.json"), 0700), 0);
    assert_int_equal(mkdir(fx_path("d/.git"), 0700), 0);
    static const char *const files[] = {
        "d/b.json", "d/a.jsonl.gz", "d/c.json.zst",  "d/sub.json/x.jsonl",
        "d/z.JSON", "d/.h.json",    "d/.git/y.json", "d/o.rejects.jsonl",
        "d/r.h5",   "d/t.txt",      "d/n.gz",        "d/B.json",
        "d/json"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        fx_write(files[i], "xy");
    assert_int_equal(symlink("b.json", fx_path("d/link.json")), 0);
    assert_int_equal(symlink("..", fx_path("d/loop")), 0);
    assert_int_equal(mkfifo(fx_path("d/pipe.json"), 0600), 0);
    expect(
        fx_path("d"),
        "d/B.json:2;d/a.jsonl.gz:2;d/b.json:2;d/c.json.zst:2;d/link.json:2;d/sub.json/x.jsonl:2;");
    /* What is named is taken, whatever it is called. */
    expect(fx_path("d/t.txt"), "d/t.txt:2;");
    expect(fx_path("d/.h.json"), "d/.h.json:2;");
    expect(fx_path("d/.git"), "d/.git/y.json:2;");
    expect(fx_path("d/o.rejects.jsonl"), "d/o.rejects.jsonl:2;");
    expect(fx_path("d/pipe.json"), "d/pipe.json:0;");
    expect(fx_path("d/r.h5"), "d/r.h5:2:store;");
    expect(fx_write("named-otherwise", "RIDSTORE and more"), "named-otherwise:17:store;");
    expect(fx_write("short", "RIDSTOR"), "short:7;");
    expect("-", "-:0;");
    assert_int_equal(RID_ENOINPUT, 5);
    expect(fx_path("nowhere"), "5");
    const char *several[] = {fx_path("d/t.txt"), "-", fx_path("d/.git"), fx_path("d/t.txt")};
    expect_named(several, 4, "d/t.txt:2;-:0;d/.git/y.json:2;d/t.txt:2;");
    expect_named(NULL, 0, "-:0;");
    several[3] = fx_path("nowhere");
    expect_named(several, 4, "5");
}

/* A directory that cannot be read to its end is an error, not a shorter list. */
static int fts_fails_at;
static int fts_calls;

FTSENT *fts_read(FTS *walk)
{
    typedef FTSENT *reader(FTS *);
    reader *real;
    void *symbol = dlsym(RTLD_NEXT, "fts_read");
    memcpy(&real, &symbol, sizeof real);
    if (fts_fails_at && ++fts_calls == fts_fails_at) {
        while (real(walk)) /* fts_close frees what is behind only */
            continue;
        errno = EIO;
        return NULL;
    }
    return real(walk);
}

static void test_unreadable_directory(void **state)
{
    (void)state;
    assert_int_equal(mkdir(fx_path("e"), 0700), 0);
    fx_write("e/a.json", "1");
    fx_write("e/b.json", "1");
    for (fts_fails_at = 1; fts_fails_at <= 5; fts_fails_at++) {
        rid_inputs list;
        const char *path = fx_path("e");
        fts_calls = 0;
        assert_fails(rid_inputs_find(&list, &path, 1, &err), RID_EIO, "/e");
        assert_int_equal(list.n, 0);
    }
    fts_fails_at = 0;
    expect(fx_path("e"), "e/a.json:1;e/b.json:1;");
}

static void test_textfile(void **state)
{
    (void)state;
    rid_buf b = {0};
    rid_buf_append_str(&b, "before ");
    assert_ok(rid_textfile_read(&b, fx_write("text", "hello"), 5, &err));
    assert_string_equal(rid_buf_cstr(&b), "before hello");
    assert_fails(rid_textfile_read(&b, fx_path("text"), 4, &err), RID_EDATA, "larger than 4 bytes");
    assert_fails(rid_textfile_read(&b, fx_path("nowhere"), 4, &err), RID_ENOINPUT, "nowhere");
    assert_fails(rid_textfile_read(&b, fx_root, 4, &err), RID_ENOINPUT, "");
    assert_fails(rid_textfile_read(&b, "/dev/zero", 1 << 20, &err), RID_EDATA, "larger");
    rid_buf_clear(&b);
    assert_ok(rid_textfile_read(&b, fx_write("empty", ""), 0, &err));
    assert_int_equal(b.len, 0);
    rid_buf_free(&b);
}

/* ---- rejects ---- */

static rid_item item_of(uint64_t line, rid_reject reason, const char *message)
{
    rid_item item = {.rejected = true, .origin = {"in \"1\".jsonl", line, 10 * line}};
    item.fault.reason = reason;
    snprintf(item.fault.message, sizeof item.fault.message, "%s", message);
    return item;
}

static void test_rejects(void **state)
{
    (void)state;
    char out[128], list[160];
    rid_rejects *r;
    rid_summary summary = {0};
    snprintf(out, sizeof out, "%s", fx_path("out.h5"));
    snprintf(list, sizeof list, "%s.rejects.jsonl", out);
    /* None: no file, and the one of an earlier run goes. */
    fx_write("out.h5.rejects.jsonl", "old");
    assert_ok(rid_rejects_open(&r, out, &err));
    assert_true(fx_exists(list));
    assert_ok(rid_rejects_commit(r, &err));
    assert_false(fx_exists(list));
    /* Some: they appear at the end. */
    assert_ok(rid_rejects_open(&r, out, &err));
    for (uint64_t i = 1; i <= 8; i++) {
        rid_item item = item_of(i, i % 2 ? RID_REJECT_SYNTAX : RID_REJECT_DAY, "expected \"x\"");
        assert_ok(rid_rejects_add(r, &item, &summary, &err));
    }
    assert_false(fx_exists(list));
    assert_ok(rid_rejects_commit(r, &err));
    rid_buf b = fx_read(list);
    const char *first =
        "{\"file\":\"in \\\"1\\\".jsonl\",\"line\":1,\"byte\":10,\"reason\":\"syntax\","
        "\"message\":\"expected \\\"x\\\"\"}\n";
    assert_memory_equal(b.data, first, strlen(first));
    size_t lines = 0;
    for (size_t i = 0; i < b.len; i++)
        lines += b.data[i] == '\n';
    assert_int_equal(lines, 8);
    rid_buf_free(&b);
    assert_int_equal(summary.rejects[RID_REJECT_SYNTAX], 4);
    assert_int_equal(summary.rejects[RID_REJECT_DAY], 4);
    /* Given up: what was there stays. */
    rid_item item = item_of(1, RID_REJECT_DAY, "x");
    assert_ok(rid_rejects_open(&r, out, &err));
    assert_ok(rid_rejects_add(r, &item, &summary, &err));
    rid_rejects_abort(r);
    rid_rejects_abort(NULL);
    b = fx_read(list);
    assert_memory_equal(b.data, first, strlen(first));
    rid_buf_free(&b);
    /* Nowhere to write: counted only. */
    for (int i = 0; i < 2; i++) {
        assert_ok(rid_rejects_open(&r, i ? "-" : NULL, &err));
        assert_ok(rid_rejects_add(r, &item, &summary, &err));
        assert_ok(rid_rejects_commit(r, &err));
    }
    assert_int_equal(summary.rejects[RID_REJECT_DAY], 7);
    assert_false(fx_exists("-.rejects.jsonl"));
}

static int end(void **state)
{
    return rid_mem_live_blocks() != 0 || fx_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unreadable_directory),
        cmocka_unit_test(test_textfile),
        cmocka_unit_test(test_rejects),
    };
    return cmocka_run_group_tests(tests, fx_begin, end);
}
