/* The iterator over inputs: the same items for any number of threads, batch size and form of the
 * same payloads; nothing lost beside what is broken; shards that partition; ends that come. */
#include "tests/unit/compress.h"

#include "data/h5file.h"
#include "data/readahead.h"
#include "data/source.h"
#include "data/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

static rid_timezones *zones;

/* ---- items as text: "file:line:byte id rows x cols;" or "file:line:byte !reason message;" ---- */

typedef struct setting {
    rid_source_options opt;
    bool places; /* with file, line and byte */
} setting;

static void show(rid_buf *out, const rid_item *item, bool places)
{
    const rid_origin *o = &item->origin;
    const char *slash = strrchr(o->file, '/');
    if (places)
        rid_buf_printf(out, "%s:%llu:%llu ", slash ? slash + 1 : o->file,
                       (unsigned long long)o->line, (unsigned long long)o->byte);
    if (item->rejected) {
        rid_buf_printf(out, "!%s%s%s;\n", rid_reject_name(item->fault.reason), places ? " " : "",
                       places ? item->fault.message : "");
        return;
    }
    const rid_payload *p = &item->payload;
    rid_buf_printf(out, "%.*s %.*s %.*s %zux%zu", RID_STR(p->meta.text[RID_TEXT_ID]),
                   RID_STR(p->meta.text[RID_TEXT_DAY]), RID_STR(p->meta.text[RID_TEXT_STORE]),
                   p->frames.rows, p->frames.cols);
    for (size_t i = 0; i < p->frames.rows * p->frames.cols; i++)
        rid_buf_printf(out, " %a", (double)p->frames.data[i]);
    rid_buf_append_str(out, ";\n");
}

static rid_status collect_into(rid_buf *out, const char *const *paths, size_t n, setting set,
                               rid_err *err)
{
    rid_source *s;
    rid_batch batch;
    set.opt.timezones = zones;
#ifdef __SANITIZE_THREAD__
    set.opt.threads =
        1; /* libgomp's barriers are invisible to it; readahead has tests of its own */
#endif
    rid_status st = rid_source_open(&s, &set.opt, paths, n, err);
    if (st != RID_OK)
        return st;
    for (;;) {
        st = rid_source_next(s, &batch, err);
        if (st != RID_OK || batch.n == 0)
            break;
        for (size_t i = 0; i < batch.n; i++) {
            assert_false(batch.items[i]->foreign);
            show(out, batch.items[i], set.places);
        }
    }
    rid_source_close(s);
    return st;
}

static char *collect(const char *path, setting set)
{
    rid_buf out = {0};
    assert_ok(collect_into(&out, &path, 1, set, &err));
    assert_non_null(rid_buf_cstr(&out));
    return out.data;
}

static void expect(const char *path, setting set, const char *expected)
{
    char *found = collect(path, set);
    assert_string_equal(found, expected);
    rid_mem_free(found);
}

/* ---- a day's payloads, some of them broken ---- */

enum { N_PAYLOADS = 300, DIM = 5 };

static const char *payload_text(rid_buf *b, int i)
{
    char id[32], store[8];
    rid_buf_clear(b);
    snprintf(id, sizeof id, "s%d-%d", i % 4, i);
    snprintf(store, sizeof store, "s%d", i % 4);
    fx_payload(b, id, i % 3 ? "2025-11-06" : "2025-11-07", store, 1 + (size_t)i % 7, DIM,
               (uint64_t)i);
    switch (i % 29) {
    case 3: /* cut short */
        b->len -= 7;
        break;
    case 11: /* another size */
        rid_buf_clear(b);
        fx_payload(b, id, "2025-11-06", store, 2, DIM + 1, 1);
        break;
    case 17: /* no array of frames */
        rid_buf_clear(b);
        rid_buf_printf(b, "{\"day_id\":\"2025-11-06\",\"entry_id\":\"%s\",\"embeddings\":[1]}", id);
        break;
    default:
        break;
    }
    return rid_buf_cstr(b);
}

static rid_buf day_lines(void)
{
    rid_buf all = {0}, one = {0};
    for (int i = 0; i < N_PAYLOADS; i++) {
        rid_buf_append_str(&all, payload_text(&one, i));
        rid_buf_append_char(&all, '\n');
    }
    rid_buf_free(&one);
    return all;
}

static void test_threads_and_batches(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 7};
    static const size_t batches[] = {1, 3, 256};
    rid_buf text = day_lines();
    const char *path = fx_write_bytes("day.jsonl", text.data, text.len);
    char *expected = collect(path, (setting){.places = true});
    assert_non_null(strstr(expected, "!syntax"));
    assert_non_null(strstr(expected, "!frame_size"));
    assert_non_null(strstr(expected, "!wrong_type"));
    for (size_t t = 0; t < 3; t++)
        for (size_t b = 0; b < 3; b++)
            expect(path, (setting){{.threads = threads[t], .batch = batches[b]}, true}, expected);
    rid_mem_free(expected);
    rid_buf_free(&text);
}

static char *collect_piped(const rid_buf *text, setting set);

static void test_forms(void **state)
{
    (void)state;
    rid_buf text = day_lines(), gz = {0}, zst = {0}, one = {0};
    const char *path = fx_write_bytes("plain.jsonl", text.data, text.len);
    char *expected = collect(path, (setting){.places = false});
    size_t half = text.len / 2;
    fx_gzip(&gz, text.data, half);
    fx_gzip(&gz, text.data + half, text.len - half);
    fx_zstd(&zst, text.data, half);
    fx_zstd(&zst, text.data + half, text.len - half);
    assert_int_equal(mkdir(fx_path("parts"), 0700), 0);
    for (int i = 0; i < N_PAYLOADS; i++) {
        char name[64];
        payload_text(&one, i);
        snprintf(name, sizeof name, "parts/%03d.json%s", i,
                 i % 3 == 1   ? ".gz"
                 : i % 3 == 2 ? ".zst"
                              : "");
        rid_buf packed = {0};
        if (i % 3 == 1)
            fx_gzip(&packed, one.data, one.len);
        else if (i % 3 == 2)
            fx_zstd(&packed, one.data, one.len);
        else
            rid_buf_append(&packed, one.data, one.len);
        fx_write_bytes(name, packed.data, packed.len);
        rid_buf_free(&packed);
    }
    static const setting sets[] = {{{.threads = 1}, false}, {{.threads = 7, .batch = 11}, false}};
    for (size_t k = 0; k < 2; k++) {
        expect(fx_write_bytes("day.jsonl.gz", gz.data, gz.len), sets[k], expected);
        expect(fx_write_bytes("day.jsonl.zst", zst.data, zst.len), sets[k], expected);
        expect(fx_path("parts"), sets[k], expected);
        char *piped = collect_piped(&text, sets[k]);
        assert_string_equal(piped, expected);
        rid_mem_free(piped);
    }
    rid_mem_free(expected);
    rid_buf_free(&text);
    rid_buf_free(&gz);
    rid_buf_free(&zst);
    rid_buf_free(&one);
}

typedef struct writing {
    int fd;
    const rid_buf *text;
} writing;

static void *write_pieces(void *arg)
{
    const writing *w = arg;
    for (size_t at = 0, n; at < w->text->len; at += n) {
        n = w->text->len - at < 3001 ? w->text->len - at : 3001;
        if (write(w->fd, w->text->data + at, n) != (ssize_t)n)
            break;
    }
    close(w->fd);
    return NULL;
}

/* Through standard input. */
static char *collect_piped(const rid_buf *text, setting set)
{
    int fds[2], saved = dup(0);
    pthread_t thread;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[0], 0);
    close(fds[0]);
    writing w = {fds[1], text};
    assert_int_equal(pthread_create(&thread, NULL, write_pieces, &w), 0);
    rid_buf out = {0};
    assert_ok(collect_into(&out, NULL, 0, set, &err));
    pthread_join(thread, NULL);
    dup2(saved, 0);
    close(saved);
    assert_non_null(rid_buf_cstr(&out));
    return out.data;
}

static void test_several_inputs_in_their_order(void **state)
{
    (void)state;
    const char *paths[] = {
        fx_write("b.json", "{\"entry_id\":\"b\",\"day_id\":\"2025-01-01\",\"embeddings\":[[1]]}"),
        fx_write("a.json",
                 "x\n{\"entry_id\":\"a\",\"day_id\":\"2025-01-01\",\"embeddings\":[[2]]}"),
        fx_write("e.json", ""),
        fx_write("c.json",
                 "\n{\"entry_id\":\"c\",\"day_id\":\"2025-01-01\",\"embeddings\":[[3]]}")};
    for (int threads = 1; threads < 8; threads += 3) {
        rid_buf out = {0};
        setting set = {{.threads = threads, .batch = 2}, true};
        assert_ok(collect_into(&out, paths, 4, set, &err));
        assert_string_equal(rid_buf_cstr(&out), "b.json:1:0 b 2025-01-01 b 1x1 0x1p+0;\n"
                                                "a.json:1:0 !syntax expected a JSON value;\n"
                                                "a.json:2:2 a 2025-01-01 a 1x1 0x1p+1;\n"
                                                "c.json:2:1 c 2025-01-01 c 1x1 0x1.8p+1;\n");
        rid_buf_free(&out);
    }
}

/* ---- places of what is broken ---- */

#define GOOD(id) "{\"entry_id\":\"" id "\",\"day_id\":\"2025-01-01\",\"embeddings\":[[1]]}"
#define SHOWN(id) id " 2025-01-01 " id " 1x1 0x1p+0;\n"

static void test_places(void **state)
{
    (void)state;
    static const setting set = {.places = true};
    expect(fx_write("f", GOOD("a") "\n{\"entry_id\":,}\n" GOOD("b")), set,
           "f:1:0 " SHOWN("a") "f:2:70 !syntax expected a JSON value;\nf:3:73 " SHOWN("b"));
    expect(fx_write("f", "{\n \"entry_id\": 7,\n \"x\": [1,\n 2\n}\n" GOOD("b")), set,
           "f:5:31 !syntax expected ',' or ']';\nf:6:33 " SHOWN("b"));
    expect(fx_write("f", GOOD("a") "\nxyz\n\n" GOOD("b") "\n"), set,
           "f:1:0 " SHOWN("a") "f:2:58 !syntax expected a JSON value;\nf:4:63 " SHOWN("b"));
    expect(fx_write("f", " " GOOD("a") "\n\t" GOOD("b") "\nxyz\n yz\n  " GOOD("c")), set,
           "f:1:1 " SHOWN("a") "f:2:60 " SHOWN(
               "b") "f:3:118 !syntax expected a JSON value;\nf:5:128 " SHOWN("c"));
    expect(fx_write("f", GOOD("a") GOOD("b") "\n" GOOD("c")), set,
           "f:1:57 !syntax expected nothing after the end of the document;\nf:2:115 " SHOWN("c"));
    expect(
        fx_write("f", "{\n\"entry_id\":\"a\",\n\"day_id\":\"2025-13-01\",\"embeddings\":[[1]]}\n"),
        set, "f:1:0 !bad_day day_id: expected a calendar date YYYY-MM-DD;\n");
}

static void test_manifest(void **state)
{
    (void)state;
    static const setting set = {.places = true};
#define M "\"day_id\":\"2025-01-01\",\"embeddings\":[[1]]}"
    expect(fx_write("m", "{\"a\":{" M ",\n\"b\":{\"entry_id\":\"b\"," M
                         ",\n\"c\":{\"entry_id\":\"d\"," M ",\n\"\\u0065\\t\":{" M "}\n"),
           set,
           "m:1:5 " SHOWN("a") "m:2:53 " SHOWN(
               "b") "m:3:116 !bad_id entry_id differs from the key it stands under;\n"
                    "m:4:186 e\t 2025-01-01 e\t 1x1 0x1p+0;\n");
    /* A key that is no string: bad escapes, lone surrogates, raw control characters, not UTF-8. */
    expect(
        fx_write("m", "{\"a\\q\":{" M ",\n\"\\ud800\":{" M ",\n\"a\tb\":{" M ",\n\"\xFF\":{" M
                      ",\n\"c\":{" M "}\n"),
        set,
        "m:1:3 !syntax key of an entry manifest: expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t "
        "\\u;\n"
        "m:2:52 !utf8 key of an entry manifest: expected a high and a low surrogate together;\n"
        "m:3:106 !syntax key of an entry manifest: expected no control character inside a string;\n"
        "m:4:155 !utf8 key of an entry manifest: expected UTF-8;\n"
        "m:5:206 " SHOWN("c"));
}

static void test_compressed_data_cut_short(void **state)
{
    (void)state;
    rid_buf text = day_lines(), whole = {0};
    char *expected =
        collect(fx_write_bytes("day.jsonl", text.data, text.len), (setting){.places = false});
    static fx_compressor *const compressors[] = {fx_gzip, fx_zstd};
    for (size_t c = 0; c < 2; c++) {
        rid_buf packed = {0};
        compressors[c](&packed, text.data, text.len);
        for (size_t n = packed.len / 5; n < packed.len; n += packed.len / 5) {
            const char *path = fx_write_bytes("cut.gz", packed.data, n);
            char *found = collect(path, (setting){.places = false});
            char *fault = strstr(found, "!unreadable_input");
            assert_non_null(fault);
            assert_null(strchr(fault, ' ')); /* the last one */
            assert_memory_equal(found, expected, (size_t)(fault - found));
            rid_mem_free(found);
        }
        rid_buf_free(&packed);
    }
    /* The message says where, and a payload that is complete just before is kept. */
    fx_gzip(&whole, GOOD("a") "\n", strlen(GOOD("a") "\n"));
    expect(fx_write_bytes("cut.gz", whole.data, whole.len - 8), (setting){.places = true},
           "cut.gz:1:0 " SHOWN("a") "cut.gz:2:58 !unreadable_input expected readable data: "
                                    "compressed data is cut short at byte 62;\n");
    rid_buf_free(&whole);
    rid_buf_free(&text);
    rid_mem_free(expected);
}

/* ---- limits and sizes ---- */

static void test_limit(void **state)
{
    (void)state;
    rid_buf text = day_lines();
    const char *path = fx_write_bytes("day.jsonl", text.data, text.len);
    char *all = collect(path, (setting){.places = true});
    for (uint64_t limit = 1; limit < N_PAYLOADS + 50; limit += 23) {
        char *found = collect(path, (setting){{.limit = limit, .threads = 2, .batch = 7}, true});
        size_t lines = 0;
        for (const char *p = found; *p; p++)
            lines += *p == '\n';
        assert_int_equal(lines, limit < N_PAYLOADS ? limit : N_PAYLOADS);
        assert_memory_equal(found, all, strlen(found));
        rid_mem_free(found);
    }
    rid_mem_free(all);
    rid_buf_free(&text);
}

static void test_frame_size(void **state)
{
    (void)state;
    const char *path =
        fx_write("f", "{\"entry_id\":\"x\"}\n{\"entry_id\":\"a-1\",\"day_id\":\"2025-01-01\","
                      "\"embeddings\":[[1,2]]}\n" GOOD("b") "\n");
    expect(path, (setting){.places = false},
           "!missing_field;\na-1 2025-01-01 a 1x2 0x1p+0 0x1p+1;\n!frame_size;\n");
    expect(path, (setting){{.vis_dim = 1}, false}, "!missing_field;\n!frame_size;\n" SHOWN("b"));
    expect(path, (setting){{.vis_dim = 9}, false}, "!missing_field;\n!frame_size;\n!frame_size;\n");
}

/* ---- shards ---- */

static size_t count_of(const char *text, const char *line, size_t n)
{
    size_t found = 0;
    for (const char *p = text; (p = strstr(p, "\n")); p++)
        if (strncmp(p + 1, line, n) == 0)
            found++;
    return found + (strncmp(text, line, n) == 0);
}

/* Every item of the unsharded run is in exactly one shard, and nothing else is. */
static void expect_partition(const char *path, size_t batch)
{
    char *all = collect(path, (setting){{.batch = batch}, true});
    for (uint32_t n = 1; n <= 5; n++) {
        rid_buf shards = {0};
        for (uint32_t i = 0; i < n; i++) {
            setting set = {{.shard = i, .n_shards = n, .threads = 2, .batch = batch}, true};
            assert_ok(collect_into(&shards, &path, 1, set, &err));
        }
        assert_non_null(rid_buf_cstr(&shards));
        if (shards.len != strlen(all))
            fail_msg("%u shards, batch %zu:\n%s\nexpected\n%s", n, batch, shards.data, all);
        for (const char *line = all; *line;) {
            size_t len = (size_t)(strchr(line, '\n') - line) + 1;
            if (count_of(shards.data, line, len) != 1)
                fail_msg("%u shards, batch %zu: %.*s", n, batch, (int)len, line);
            line += len;
        }
        rid_buf_free(&shards);
    }
    rid_mem_free(all);
}

#define IN(id, day, store)                                                                         \
    "{\"entry_id\":\"" id "\",\"day_id\":\"" day "\",\"store_id\":\"" store                        \
    "\",\"embeddings\":[[1]]}"

static void test_shards_partition(void **state)
{
    (void)state;
    rid_buf text = day_lines();
    /* Records that hold several documents, garbage beside good payloads, no bucket to be seen. */
    rid_buf_append_str(&text,
                       IN("p1", "2025-11-06", "s0") "\n " IN("p2", "2025-11-06", "s1") "\n\t" IN(
                           "p3", "2025-11-06", "s2") "\n  " IN("p4", "2025-11-06", "s3") "\n");
    rid_buf_append_str(&text, IN("q1", "2025-11-06", "s1") "\ngarbage\n");
    rid_buf_append_str(&text, IN("q2", "2025-11-06", "s2") "\ngarbage\nmore\n");
    rid_buf_append_str(&text, IN("q3", "2025-11-06", "s3") IN("q4", "2025-11-06", "s0") "\n");
    rid_buf_append_str(&text,
                       "{\n\"entry_id\":\"s1-r1\",\n\"timestamp\":\"2025-11-06T23:30:00-01:00\",\n"
                       "\"embeddings\":[[1,2,3,4,5]]\n}\n");
    rid_buf_append_str(
        &text, "{\"entry_id\":\"s2-r2\",\"day_id\":\"2025-11-06\",\"day_id\":\"2025-11-07\","
               "\"embeddings\":[[1,2,3,4,5]]}\n");
    rid_buf_append_str(&text,
                       "{\"store_id\":\"s\\u0033\",\"entry_id\":\"r3\",\"day_id\":\"2025-11-06\","
                       "\"embeddings\":[[1,2,3,4,5]]}\n");
    rid_buf_append_str(&text,
                       "{\"-r4\":{\"day_id\":\"2025-11-06\",\"embeddings\":[[1,2,3,4,5]]},\"r5\":{"
                       "\"day_id\":\"2025-11-06\",\"embeddings\":[[1,2,3,4,5]]}\n");
    const char *path = fx_write_bytes("day.jsonl", text.data, text.len);
    expect_partition(path, 256);
    expect_partition(path, 1);
    expect_partition(path, 13);
    rid_buf_free(&text);
}

/* ---- stores ---- */

/* The day's good payloads of DIM numbers as a store. */
static void make_store(const char *path, rid_frames_kind frames)
{
    static const float unit[DIM] = {1};
    uint8_t kept[16];
    rid_source *s;
    rid_batch batch;
    rid_publish *publish;
    rid_store_writer *w;
    rid_buf text = day_lines();
    const char *day = fx_write_bytes("for-store.jsonl", text.data, text.len);
    rid_source_options opt = {.timezones = zones, .vis_dim = DIM};
    rid_store_info info = {.encoder_hash =
                               "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                           .encoder = "mean",
                           .kernel = "base",
                           .schema = "",
                           .filter = "{}",
                           .vis_dim = DIM,
                           .emb_dim = DIM,
                           .frames = frames};
    memset(kept, 1, sizeof kept);
    assert_ok(rid_publish_begin(&publish, path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, &info, &err));
    assert_ok(rid_source_open(&s, &opt, &day, 1, &err));
    for (;;) {
        assert_ok(rid_source_next(s, &batch, &err));
        if (batch.n == 0)
            break;
        for (size_t i = 0; i < batch.n; i++) {
            rid_store_row row = {&batch.items[i]->payload, unit, kept, RID_ENTRY_OK};
            if (!batch.items[i]->rejected)
                assert_ok(rid_store_writer_add(w, &row, NULL, &err));
        }
    }
    rid_source_close(s);
    assert_ok(rid_store_writer_finish(w, 1, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
    rid_buf_free(&text);
}

/* A store gives what was put into it, beside text before and after it, whole and in shards. */
static void test_stores(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s", fx_path("day.h5"));
    make_store(path, RID_FRAMES_F32);
    char *text = collect(fx_path("for-store.jsonl"), (setting){{.vis_dim = DIM}, false});
    char *all = collect(path, (setting){.places = false});
    for (const char *line = all; *line; line = strchr(line, '\n') + 1)
        assert_true(count_of(text, line, (size_t)(strchr(line, '\n') - line) + 1) == 1);
    const char *paths[] = {fx_write("before.json", "{\"entry_id\":\"x\"}"), path, path,
                           fx_write("after.json", "{")};
    rid_buf expected = {0};
    rid_buf_printf(&expected, "!missing_field;\n%s%s!syntax;\n", all, all);
    for (int threads = 1; threads < 8; threads += 6) {
        rid_buf found = {0};
        setting set = {{.threads = threads, .batch = 1 + (size_t)threads * 20}, false};
        assert_ok(collect_into(&found, paths, 4, set, &err));
        assert_string_equal(rid_buf_cstr(&found), rid_buf_cstr(&expected));
        rid_buf_free(&found);
    }
    expect_partition(path, 256);
    expect_partition(path, 7);
    make_store(path, RID_FRAMES_NONE);
    rid_buf none = {0};
    const char *only = path;
    assert_fails(collect_into(&none, &only, 1, (setting){.places = false}, &err), RID_EDATA,
                 "--frames none");
    rid_mem_free(all);
    rid_mem_free(text);
    rid_buf_free(&expected);
}

/* ---- interactive: an answer before the next line is written ---- */

static void test_interactive(void **state)
{
    (void)state;
    int fds[2], saved = dup(0);
    static const char *const dialogue[][2] = {
        {GOOD("a") "\n", "-:1:0 " SHOWN("a")},
        {"{\"entry_id\":\"b\",\"day\n", "-:2:74 !syntax"},
        {"{\"entry_id\":\"b\",\"embeddings\":[[1,2]\n", "-:3:114 !syntax"},
        {"{\n\"entry_id\":\"b\",\n\"day_id\":\"2025-01-01\",\n\"embeddings\":[[1]]\n}\n",
         "-:4:115 " SHOWN("b")},
        {"garbage\n", "-:9:177 !syntax"},
        {GOOD("c") GOOD("d") "\n", "-:10:242 !syntax"},
        {GOOD("e") "\r\n", "-:11:300 " SHOWN("e")},
    };
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    dup2(fds[0], 0);
    close(fds[0]);
    rid_source *s;
    rid_batch batch;
    rid_source_options opt = {.timezones = zones, .interactive = true, .threads = 2};
    assert_ok(rid_source_open(&s, &opt, NULL, 0, &err));
    for (size_t i = 0; i < sizeof dialogue / sizeof dialogue[0]; i++) {
        rid_buf out = {0};
        size_t n = strlen(dialogue[i][0]);
        assert_int_equal(write(fds[1], dialogue[i][0], n), n);
        assert_ok(rid_source_next(s, &batch, &err));
        assert_int_equal(batch.n, 1);
        show(&out, batch.items[0], true);
        if (strncmp(rid_buf_cstr(&out), dialogue[i][1], strlen(dialogue[i][1])) != 0)
            fail_msg("%s, expected %s", out.data, dialogue[i][1]);
        rid_buf_free(&out);
    }
    close(fds[1]);
    assert_ok(rid_source_next(s, &batch, &err));
    assert_int_equal(batch.n, 0);
    rid_source_close(s);
    dup2(saved, 0);
    close(saved);
}

/* ---- inputs ---- */

static void test_directories(void **state)
{
    (void)state;
    assert_int_equal(mkdir(fx_path("tree"), 0700), 0);
    assert_int_equal(mkdir(fx_path("tree/m"), 0700), 0);
    assert_int_equal(mkdir(fx_path("tree/.hidden"), 0700), 0);
    assert_int_equal(mkdir(fx_path("tree/empty"), 0700), 0);
    fx_write("tree/z.json", GOOD("z"));
    fx_write("tree/a.jsonl", GOOD("a"));
    fx_write("tree/m/m.json", GOOD("m"));
    fx_write("tree/.hidden/h.json", GOOD("h"));
    fx_write("tree/.x.json", GOOD("x"));
    fx_write("tree/out.h5.rejects.jsonl", GOOD("r"));
    fx_write("tree/notes.txt", "n");
    fx_write("tree/.json", "n");
    expect(fx_path("tree"), (setting){.places = false}, SHOWN("a") SHOWN("m") SHOWN("z"));
    expect(fx_path("tree/empty"), (setting){.places = false}, "");
    rid_source *s;
    rid_source_options opt = {.timezones = zones};
    const char *missing = fx_path("missing");
    assert_fails(rid_source_open(&s, &opt, &missing, 1, &err), RID_ENOINPUT, "missing");
}

/* An input that goes away after it was found: what stands before it is delivered first, and asking
 * again gives the same answer (a wait without end before). */
static void test_unreadable_input(void **state)
{
    (void)state;
    for (int threads = 1; threads < 8; threads += 3) {
        char names[12][512];
        const char *paths[12];
        for (int i = 0; i < 12; i++) {
            char name[32];
            snprintf(name, sizeof name, "u%02d.json", i);
            snprintf(names[i], sizeof names[i], "%s", fx_write(name, i == 3 ? "" : GOOD("a")));
            paths[i] = names[i];
            assert_int_equal(truncate(paths[i], i == 3 ? 0 : 60), 0);
        }
        rid_source *s;
        rid_batch batch;
        rid_source_options opt = {.timezones = zones, .threads = threads, .batch = 1};
        assert_ok(rid_source_open(&s, &opt, paths, 12, &err));
        unlink(paths[5]);
        unlink(paths[8]);
        rid_err failure = {0};
        rid_status st = RID_OK;
        size_t n = 0;
        while (st == RID_OK) {
            st = rid_source_next(s, &batch, &failure);
            assert_true(st != RID_OK || batch.n > 0);
            n += st == RID_OK ? batch.n : 0;
        }
        assert_int_equal(st, RID_ENOINPUT);
        assert_non_null(strstr(failure.message, "u05.json"));
        assert_int_equal(n, 4);
        assert_fails(rid_source_next(s, &batch, &err), RID_ENOINPUT, "u05.json");
        rid_source_close(s);
    }
}

/* ---- reading ahead ---- */

/* Large inputs: each has a reader of its own. */
static void make_large(char paths[][512], rid_input *files, int n)
{
    rid_buf text = {0};
    for (int i = 0; i < n; i++) {
        char name[32];
        rid_buf_clear(&text);
        for (int k = 0; text.len < 200000; k++)
            rid_buf_printf(&text, "{\"file\":%d,\"k\":%d}\n", i, k);
        snprintf(name, sizeof name, "large%d.jsonl", i);
        snprintf(paths[i], 512, "%s", fx_write_bytes(name, text.data, text.len));
        files[i] = (rid_input){paths[i], false, 0};
    }
    rid_buf_free(&text);
}

static void test_readahead_keeps_order(void **state)
{
    (void)state;
    enum { FILES = 9 };
    char paths[FILES][512];
    rid_input files[FILES];
    make_large(paths, files, FILES);
    for (int threads = 1; threads <= 5; threads++) {
        rid_readahead *a;
        rid_chunk *held[2] = {NULL, NULL}, *chunk;
        uint32_t file = 0;
        uint64_t line = 0;
        assert_ok(rid_readahead_start(&a, files, FILES, 0, 1 + (size_t)threads * 100, 10000,
                                      threads, &err));
        for (;;) {
            assert_ok(rid_readahead_next(a, &chunk, &err));
            if (!chunk)
                break;
            for (size_t i = 0; i < chunk->n; i++) {
                const rid_record *r = &chunk->records[i];
                char expected[64];
                line = r->file == file ? line + 1 : 1;
                assert_true(r->file == file || r->file == file + 1);
                file = r->file;
                assert_int_equal(r->line, line);
                snprintf(expected, sizeof expected, "{\"file\":%u,\"k\":%d}", file, (int)line - 1);
                assert_int_equal(r->len, strlen(expected));
                assert_memory_equal(chunk->text + r->offset, expected, r->len);
            }
            if (held[1]) /* chunks may be given back late */
                rid_readahead_give_back(a, held[1]);
            held[1] = held[0];
            held[0] = chunk;
        }
        assert_int_equal(file, FILES - 1);
        rid_readahead_stop(a);
    }
}

/* The consumer stops early: readers that wait for room, for a pipe's writer, for its bytes. */
static void test_readahead_stops(void **state)
{
    (void)state;
    enum { FILES = 6 };
    char paths[FILES][512];
    rid_input files[FILES];
    make_large(paths, files, FILES);
    const char *fifo = fx_path("silent");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    for (int round = 0; round < 20; round++) {
        rid_readahead *a;
        rid_chunk *chunk;
        files[1].path = round % 2 ? (char *)(uintptr_t)fifo : paths[1];
        assert_ok(rid_readahead_start(&a, files, FILES, 0, 10, 1000, 1 + round % 5, &err));
        for (int k = 0; k < round % 4; k++)
            assert_ok(rid_readahead_next(a, &chunk, &err));
        if (round % 3 == 0)
            usleep(3000);
        rid_readahead_stop(a);
    }
    rid_readahead_stop(NULL);
}

/* A failure belongs where it happened, also when its reader was ahead with earlier files. */
static void test_readahead_failure_in_its_place(void **state)
{
    (void)state;
    enum { FILES = 4 };
    char paths[FILES][512];
    rid_input files[FILES];
    make_large(paths, files, FILES);
    for (int round = 0; round < 10; round++) {
        rid_readahead *a;
        rid_chunk *chunk;
        rid_err failure = {0};
        rid_status st = RID_OK;
        bool second = false;
        files[2].path = (char *)(uintptr_t) "/nowhere/at/all";
        assert_ok(rid_readahead_start(&a, files, FILES, 0, 1000000, 1 << 20, 2, &err));
        usleep(20000); /* the first reader has met the missing file by now */
        while (st == RID_OK) {
            st = rid_readahead_next(a, &chunk, &failure);
            if (st == RID_OK)
                second |= chunk->n > 0 && chunk->records[0].file == 1;
            if (chunk)
                rid_readahead_give_back(a, chunk);
        }
        assert_int_equal(st, RID_ENOINPUT);
        assert_true(second);
        rid_readahead_stop(a);
    }
}

/* ---- memory ---- */

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = fx_write(
        "small.jsonl", GOOD("a") "\n{\"entry_id\":\n" GOOD(
                           "b") "\n x\n"
                                "{\"c\":{\"day_id\":\"2025-01-01\",\"embeddings\":[[1]]}}\n");
    for (int interactive = 0; interactive < 2; interactive++) {
        setting set = {{.interactive = interactive, .n_shards = 2}, true};
        uint64_t n = 1;
        for (;; n++) {
            rid_buf out = {0};
            rid_err failure = {0};
            rid_source *s = NULL;
            rid_batch batch;
            set.opt.timezones = zones;
            int64_t before = rid_mem_live_blocks();
            rid_mem_fail_after(n);
            rid_status st = rid_source_open(&s, &set.opt, &path, 1, &failure);
            while (st == RID_OK && (st = rid_source_next(s, &batch, &failure)) == RID_OK &&
                   batch.n > 0)
                continue;
            rid_source_close(s);
            rid_mem_fail_after(0);
            rid_buf_free(&out);
            assert_int_equal(rid_mem_live_blocks(), before);
            if (st == RID_OK)
                break;
            if (st != RID_ETEMP)
                fail_msg("allocation %d: status %d: %s", (int)n, (int)st, failure.message);
            assert_int_equal(failure.code, RID_ETEMP);
        }
        assert_true(n > 20);
    }
}

static int begin(void **state)
{
    zones = rid_timezones_new();
    return zones ? fx_begin(state) : -1;
}

static int end(void **state)
{
    rid_timezones_free(zones);
    return rid_mem_live_blocks() != 0 || fx_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_and_batches),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_several_inputs_in_their_order),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_compressed_data_cut_short),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_frame_size),
        cmocka_unit_test(test_shards_partition),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_interactive),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_readahead_keeps_order),
        cmocka_unit_test(test_readahead_stops),
        cmocka_unit_test(test_readahead_failure_in_its_place),
        cmocka_unit_test(test_unreadable_input),
        cmocka_unit_test(test_no_memory),
    };
    rid_h5_init();
    return cmocka_run_group_tests(tests, begin, end);
}
