/* Cutting inputs into records: what is a record, where it stands, and that neither the sizes of
 * reads nor those of chunks change it. */
#include "tests/unit/fixture.h"

#include "data/json.h"
#include "data/split.h"

#include <poll.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

/* ---- records as one text: "line:byte[key]=text;" or "line:byte!reason;" ---- */

typedef struct setting {
    size_t max_records, max_bytes;
    size_t limit; /* of a record; 0: the default */
    bool interactive;
} setting;

static const setting plain = {1000, 1 << 20, 0, false};

static void show(rid_buf *out, const rid_chunk *c)
{
    for (size_t i = 0; i < c->n; i++) {
        const rid_record *r = &c->records[i];
        assert_int_equal(r->file, 7);
        assert_true(r->offset + r->len + RID_JSON_PADDING <= c->cap);
        rid_buf_printf(out, "%llu:%llu", (unsigned long long)r->line, (unsigned long long)r->byte);
        if (r->has_key) {
            rid_buf_append_char(out, '[');
            rid_buf_append(out, c->text + r->key_offset, r->key_len);
            rid_buf_append_char(out, ']');
        }
        rid_buf_append_char(out, r->fault ? '!' : '=');
        if (r->fault)
            rid_buf_append_str(out, rid_reject_name(r->reason));
        else
            rid_buf_append(out, c->text + r->offset, r->len);
        rid_buf_append_char(out, ';');
    }
}

/* All of the input through chunks of that setting. */
static rid_buf cut_path(const char *path, setting set)
{
    rid_buf out = {0};
    rid_chunk chunk = {0};
    rid_splitter *s;
    bool end = false;
    assert_ok(rid_splitter_open(&s, path, 7, set.interactive, NULL, &err));
    if (set.limit)
        rid_splitter_limit(s, set.limit);
    while (!end) {
        rid_chunk_clear(&chunk);
        assert_ok(rid_splitter_fill(s, &chunk, set.max_records, set.max_bytes, &end, &err));
        assert_true(chunk.n <= set.max_records + 2); /* at the end: the rest and its damage */
        assert_true(end || chunk.n > 0);
        show(&out, &chunk);
    }
    rid_splitter_close(s);
    rid_chunk_free(&chunk);
    assert_non_null(rid_buf_cstr(&out));
    return out;
}

/* ---- a pipe whose reader sees exactly the pieces that were written ---- */

typedef struct feeder {
    const char *path, *text;
    size_t len, piece;
} feeder;

static void *feed(void *arg)
{
    const feeder *f = arg;
    int fd = open(f->path, O_WRONLY | O_CLOEXEC), left = 0;
    assert_true(fd >= 0);
    for (size_t at = 0; at < f->len;) {
        size_t n = f->len - at < f->piece ? f->len - at : f->piece;
        ssize_t wrote = write(fd, f->text + at, n);
        assert_true(wrote > 0);
        at += (size_t)wrote;
        while (ioctl(fd, FIONREAD, &left) == 0 && left > 0)
            sched_yield();
    }
    close(fd);
    return NULL;
}

static rid_buf cut_piped(const char *text, size_t len, size_t piece, setting set)
{
    feeder f = {fx_path("pipe"), text, len, piece};
    pthread_t thread;
    unlink(f.path);
    assert_int_equal(mkfifo(f.path, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, feed, &f), 0);
    rid_buf out = cut_path(f.path, set);
    pthread_join(thread, NULL);
    return out;
}

/* The same records from a file, from pipes of any piece size, in chunks of any size. */
static void expect_n(const char *text, size_t len, size_t limit, const char *expected)
{
    static const size_t pieces[] = {1, 2, 3, 7, 64};
    static const setting sets[] = {{1000, 1 << 20, 0, false},
                                   {1, 1 << 20, 0, false},
                                   {3, 1 << 20, 0, false},
                                   {1000, 1, 0, false},
                                   {1000, 40, 0, false}};
    const char *path = fx_write_bytes("input", text, len);
    for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++) {
        setting set = sets[k];
        set.limit = limit;
        rid_buf out = cut_path(path, set);
        if (strcmp(out.data, expected) != 0)
            fail_msg("set %zu:\n%s\nexpected\n%s", k, out.data, expected);
        rid_buf_free(&out);
    }
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        setting set = sets[p];
        set.limit = limit;
        rid_buf out = cut_piped(text, len, pieces[p], set);
        if (strcmp(out.data, expected) != 0)
            fail_msg("pieces of %zu:\n%s\nexpected\n%s", pieces[p], out.data, expected);
        rid_buf_free(&out);
    }
}

static void expect(const char *text, const char *expected)
{
    expect_n(text, strlen(text), 0, expected);
}

/* ---- documents ---- */

static void test_lines(void **state)
{
    (void)state;
    expect("", "");
    expect("\n\n  \n\t\r\n", "");
    expect("{\"a\":1}", "1:0={\"a\":1};");
    expect("{\"a\":1}\n{\"b\":2}\n", "1:0={\"a\":1};2:8={\"b\":2};");
    expect("{\"a\":1}\r\n{\"b\":2}\r\n", "1:0={\"a\":1};2:9={\"b\":2};");
    expect("\n\n{\"a\":1}\n\n\n{\"b\":2}  \n", "3:2={\"a\":1};6:12={\"b\":2};");
    expect("\xEF\xBB\xBF{\"a\":1}\n{\"b\":2}\n", "1:3={\"a\":1};2:11={\"b\":2};");
    expect("\xEF\xBB\xBF", "");
    expect("\xEF\xBB", "1:0=\xEF\xBB;");
    expect("7", "1:0=7;");
}

static void test_pretty_printed(void **state)
{
    (void)state;
    expect("{\n  \"a\": [\n    1\n  ]\n}\n{\n  \"b\": 2\n}\n",
           "1:0={\n  \"a\": [\n    1\n  ]\n};6:23={\n  \"b\": 2\n};");
    expect("{\r\n  \"a\": {\r\n  }\r\n}\r\n", "1:0={\r\n  \"a\": {\r\n  }\r\n};");
}

/* A '{' in column 0 begins a payload, whatever state the one before is in. */
static void test_cut_short(void **state)
{
    (void)state;
    expect("{\"a\":[1,2\n{\"b\":2}\n", "1:0={\"a\":[1,2;2:10={\"b\":2};");
    expect("{\"a\":\"open\n{\"b\":2}\n{\"c\":3", "1:0={\"a\":\"open;2:11={\"b\":2};3:19={\"c\":3;");
    expect("{\n \"a\": 1,\n{\n \"b\": 2\n}\n", "1:0={\n \"a\": 1,;3:11={\n \"b\": 2\n};");
    expect("{\"a\":\"\\\n{\"b\":2}\n", "1:0={\"a\":\"\\;2:8={\"b\":2};");
}

static void test_garbage_stays_with_its_record(void **state)
{
    (void)state;
    expect("xyz\n{\"b\":2}\n", "1:0=xyz;2:4={\"b\":2};");
    expect("{\"a\":1}\nxyz\n\n{\"b\":2}\n", "1:0={\"a\":1};2:8=xyz;4:13={\"b\":2};");
    expect("{\"a\":1} \n  {\"b\":2}\nx\ny\n {\"c\":3}",
           "1:0={\"a\":1};2:11={\"b\":2};3:19=x\ny\n {\"c\":3};");
    expect("{\"a\":{}\n}\n}\n", "1:0={\"a\":{}\n}\n};");
    expect("{\"a\":{}\n,\"b\":[{}\n]\n}\n", "1:0={\"a\":{}\n,\"b\":[{}\n]\n};");
    expect("{\"a\":1}\n\n {\"b\":2}", "1:0={\"a\":1}\n\n {\"b\":2};");
    expect("{\"a\":1}{\"b\":2}\n{\"c\":3}\n", "1:0={\"a\":1}{\"b\":2};2:15={\"c\":3};");
    expect_n("{\"a\":\0}\n{\"b\":2}\n", 16, 0, "1:0={\"a\":");
}

/* ---- entry manifests ---- */

#define E "\"embeddings\":[[1]]"

static void test_manifest(void **state)
{
    (void)state;
    expect("{\"e1\":{" E "},\"e2\":{" E "}}", "1:6[e1]={" E "};1:32[e2]={" E "};");
    expect("{\n \"e1\": {\n  " E "\n },\n \"e2\": {" E "}\n}\n",
           "2:9[e1]={\n  " E "\n };5:43[e2]={" E "};");
    expect("{\"a\\\"b\":{" E "}}", "1:8[a\\\"b]={" E "};");
    expect("{\"\":{" E "}}", "1:4[]={" E "};");
    expect("{\"e1\":{" E "}}\n{\"a\":1}\n", "1:6[e1]={" E "};2:28={\"a\":1};");
    expect("{\"e1\":{" E "}} {\"a\":1}\n", "1:6[e1]={" E "};1:28={\"a\":1};");
    expect("\n\n {\"e1\":{" E "}}", "3:9[e1]={" E "};");
    expect("\xEF\xBB\xBF{\"e1\":{" E "}}", "1:9[e1]={" E "};");
    /* The first key inside a member need not be a payload's, nor its first member a good one. */
    expect("{\"e1\":{\"x\":{\"y\":[]}," E "}}", "1:6[e1]={\"x\":{\"y\":[]}," E "};");
    expect("{\"e1\":{},\"e2\":{" E "}}", "1:6[e1]={};1:14[e2]={" E "};");
    expect("{\"e1\":{\"camera\":\"c\"},\"e2\":{" E "}}",
           "1:6[e1]={\"camera\":\"c\"};1:26[e2]={" E "};");
}

/* Unknown keys are ignored, also first ones that hold what a payload holds. */
static void test_payload_that_resembles_a_manifest(void **state)
{
    (void)state;
    expect("{\"meta\":{\"camera\":\"c\"},\"entry_id\":\"x\"," E "}\n",
           "1:0={\"meta\":{\"camera\":\"c\"},\"entry_id\":\"x\"," E "};");
    expect("{\"meta\":{\"camera\":\"c\"},\"v\":1,\"entry_id\":\"x\"}\n",
           "1:0={\"meta\":{\"camera\":\"c\"},\"v\":1,\"entry_id\":\"x\"};");
    expect("{\"_id\":{\"$oid\":\"1\"},\"entry_id\":\"x\"}\n",
           "1:0={\"_id\":{\"$oid\":\"1\"},\"entry_id\":\"x\"};");
    expect("{\"a\":{\"b\":{" E "}},\"entry_id\":\"x\"}\n",
           "1:0={\"a\":{\"b\":{" E "}},\"entry_id\":\"x\"};");
}

static void test_broken_manifest(void **state)
{
    (void)state;
    /* Ends inside: between members, in a key, in a value. */
    expect("{\"e1\":{" E "},", "1:6[e1]={" E "};1:27!syntax;");
    expect("{\"e1\":{" E "},\n\"e2", "1:6[e1]={" E "};2:28!syntax;");
    expect("{\"e1\":{" E "},\"e2\":{\"a\":", "1:6[e1]={" E "};1:27!syntax;");
    /* Cut short: the next payload is whole. */
    expect("{\"e1\":{" E "},\"e2\":{\"a\":\n{\"b\":2}\n",
           "1:6[e1]={" E "};1:32[e2]={\"a\":;2:38={\"b\":2};");
    expect("{\"e1\":{" E "},\"e2\n{\"b\":2}\n", "1:6[e1]={" E "};1:27!syntax;2:31={\"b\":2};");
    expect("{\"e1\":{" E "},\n{\"b\":2}\n", "1:6[e1]={" E "};2:28!syntax;2:28={\"b\":2};");
    expect("{\"e1\":{" E "},\"e2\":\n{\"b\":2}\n", "1:6[e1]={" E "};1:27!syntax;2:33={\"b\":2};");
    expect("{\"e1\":{" E "}\n{\"b\":2}\n", "1:6[e1]={" E "};2:27!syntax;2:27={\"b\":2};");
    /* A member that is no object costs only itself, wherever it stands. */
    expect("{\"e1\":{" E "},\"e2\":7,\"e3\":{" E "}}\n{\"b\":2}\n",
           "1:6[e1]={" E "};1:32!wrong_type;1:39[e3]={" E "};2:61={\"b\":2};");
    expect("{\"v\":null,\"e1\":{" E "},\"e2\":[{}] ,\"e3\":\"}\"}",
           "1:5!wrong_type;1:15[e1]={" E "};1:41!wrong_type;1:52!wrong_type;");
    /* Without a key, or with anything but a value behind it, what follows is lost. */
    expect("{\"e1\":{" E "},e2:{}}\n", "1:6[e1]={" E "};1:27!syntax;");
}

/* A payload may hold what looks like an entry under a key of its own. */
static void test_payload_with_an_entry_inside(void **state)
{
    (void)state;
    expect("{\"model\":{" E "},\"entry_id\":\"a\"}\n", "1:0={\"model\":{" E "},\"entry_id\":\"a\"};");
    expect("{\"n\":7,\"entry_id\":\"a\"}\n", "1:0={\"n\":7,\"entry_id\":\"a\"};");
}

/* A member's nested '{' may stand anywhere but in column 0. */
static void test_brackets_in_strings(void **state)
{
    (void)state;
    expect("{\"e1\":{\"camera\":\"}{\\\"\"," E "},\"e2\":{" E "}}",
           "1:6[e1]={\"camera\":\"}{\\\"\"," E "};1:48[e2]={" E "};");
}

/* ---- sizes ---- */

static void test_too_large(void **state)
{
    (void)state;
    const char *text =
        "{\"a\":1}\n{\"b\":\"0123456789012345678901234567890123456789\"}\n{\"c\":3}\n";
    expect_n(text, strlen(text), 20, "1:0={\"a\":1};2:8!too_large;3:57={\"c\":3};");
    expect_n(text, strlen(text), 50,
             "1:0={\"a\":1};2:8={\"b\":\"0123456789012345678901234567890123"
             "456789\"};3:57={\"c\":3};");
    expect_n(text, strlen(text), 48, "1:0={\"a\":1};2:8!too_large;3:57={\"c\":3};");
    text = "{\"b\":\"0123456789012345678901234567890123456789\"}";
    expect_n(text, strlen(text), 20, "1:0!too_large;");
}

static void test_too_large_member_costs_only_itself(void **state)
{
    (void)state;
    const char *text = "{\"e1\":{" E "},\n\"e2\":{" E ",\"x\":[\"}}\",12345678901234567890]},\n"
                       "\"e3\":{" E "}}\n{\"c\":3}\n";
    expect_n(text, strlen(text), 26,
             "1:6[e1]={" E "};2:28!too_large;3:92[e3]={" E "};4:114={\"c\":3};");
    text = "{\"e1\":{" E "},\n\"e2\":{" E ",\"x\":[1234567890123456\n{\"c\":3}\n";
    expect_n(text, strlen(text), 26, "1:6[e1]={" E "};2:28!too_large;3:75={\"c\":3};");
}

/* Far more text than a chunk may hold: it streams, and nothing is lost. */
static void test_large_manifest_streams(void **state)
{
    (void)state;
    enum { MEMBERS = 3000 };
    rid_buf text = {0}, expected = {0};
    rid_buf_append_char(&text, '{');
    for (int i = 0; i < MEMBERS; i++) {
        rid_buf_printf(&text, "%s\n \"e%d\": ", i ? "," : "", i);
        size_t at = text.len;
        rid_buf_printf(&text, "{\"attrs\":{\"n\":%d},\"embeddings\":[[", i);
        for (int k = 0; k < i % 97; k++)
            rid_buf_printf(&text, "%d,", k);
        rid_buf_append_str(&text, "0]]}");
        rid_buf_printf(&expected, "%d:%zu[e%d]=%.*s;", i + 2, at, i, (int)(text.len - at),
                       text.data + at);
    }
    rid_buf_append_str(&text, "\n}\n");
    const char *path = fx_write_bytes("manifest.json", text.data, text.len);
    static const setting sets[] = {
        {1000, 1 << 20, 0, false}, {256, 1000, 0, false}, {7, 1, 0, false}};
    for (size_t k = 0; k < 3; k++) {
        rid_buf out = cut_path(path, sets[k]);
        assert_string_equal(out.data, rid_buf_cstr(&expected));
        rid_buf_free(&out);
    }
    rid_buf piped = cut_piped(text.data, text.len, 4093, sets[1]);
    assert_string_equal(piped.data, expected.data);
    rid_buf_free(&piped);
    rid_buf_free(&text);
    rid_buf_free(&expected);
}

/* A text of one endless key or string is looked at once, not once a read. */
static void test_endless_key(void **state)
{
    (void)state;
    enum { BYTES = 24 << 20 };
    char *text = rid_mem_alloc(BYTES, 1);
    assert_non_null(text);
    memset(text, 'k', BYTES);
    memcpy(text, "{\"", 2);
    const char *path = fx_write_bytes("key.json", text, BYTES);
    rid_mem_free(text);
    setting set = plain;
    set.limit = 16 << 20;
    rid_buf out = cut_path(path, set);
    assert_string_equal(out.data, "1:0!too_large;");
    rid_buf_free(&out);
}

/* ---- interactive ---- */

/* Waits for the record of what was written so far, before anything else is. */
static void ask(rid_splitter *s, int fd, const char *line, const char *expected)
{
    rid_buf out = {0};
    rid_chunk chunk = {0};
    bool end;
    assert_int_equal(write(fd, line, strlen(line)), strlen(line));
    assert_ok(rid_splitter_fill(s, &chunk, 1, 1 << 20, &end, &err));
    assert_false(end);
    show(&out, &chunk);
    assert_non_null(rid_buf_cstr(&out));
    assert_string_equal(out.data, expected);
    rid_chunk_free(&chunk);
    rid_buf_free(&out);
}

static void test_interactive(void **state)
{
    (void)state;
    rid_splitter *s;
    const char *path = fx_path("coprocess");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(rid_splitter_open(&s, path, 7, true, NULL, &err));
    ask(s, fd, "{\"a\":1}\n", "1:0={\"a\":1};");
    ask(s, fd, "\n \n{\"b\":2}\r\n", "4:11={\"b\":2};"); /* lines 2 and 3 are blank */
    ask(s, fd, "{\"c\":[1,2\n", "5:20={\"c\":[1,2;");
    ask(s, fd, "{\"c\":\"open\n", "6:30={\"c\":\"open;");
    ask(s, fd, "xyz\n", "7:41=xyz;");
    ask(s, fd, "[1]\n", "8:45=[1];");
    ask(s, fd, "{\"a\":1}{\"b\":2}\n", "9:49={\"a\":1}{\"b\":2};");
    ask(s, fd, "{\n\"a\":\n[1,\n2]\n}\n", "10:64={\n\"a\":\n[1,\n2]\n};");
    ask(s, fd, "{\"e1\":{" E "}}\n", "15:86[e1]={" E "};");
    ask(s, fd, "\x1F\n", "16:108=\x1F;");
    ask(s, fd, "{\"a\":1,\n{\"b\":2}\n", "17:110={\"a\":1,;");
    ask(s, fd, "", "18:118={\"b\":2};");
    close(fd);
    rid_splitter_close(s);
}

static void test_interactive_cuts_as_a_file_does(void **state)
{
    (void)state;
    setting set = {1, 1 << 20, 0, true};
    const char *text =
        "{\"a\":1}\n{\n\"b\":[\n2]}\n{\"e1\":{" E "},\"e2\":{" E "}}\n{\"c\":[\n{\"d\":1}";
    const char *expected = "1:0={\"a\":1};2:8={\n\"b\":[\n2]};5:26[e1]={" E "};5:52[e2]={" E "};"
                           "6:74={\"c\":[;7:81={\"d\":1};";
    for (size_t piece = 1; piece < 200; piece += 13) {
        rid_buf out = cut_piped(text, strlen(text), piece, set);
        assert_string_equal(out.data, expected);
        rid_buf_free(&out);
    }
}

/* ---- the second look ---- */

static void expect_again(const char *text, const char *expected)
{
    rid_buf out = {0};
    size_t at = 0, start, len;
    while (rid_split_again(text, strlen(text), &at, &start, &len)) {
        assert_true(len > 0 && start + len <= strlen(text) && at == start + len);
        rid_buf_printf(&out, "%zu=%.*s;", start, (int)len, text + start);
    }
    assert_non_null(rid_buf_cstr(&out));
    assert_string_equal(out.data, expected);
    rid_buf_free(&out);
}

static void test_second_look(void **state)
{
    (void)state;
    expect_again("  \n ", "");
    expect_again("{\"a\":1}\nxyz", "0={\"a\":1};8=xyz;");
    expect_again("xyz\n {\"a\":1}\n", "0=xyz;5={\"a\":1};");
    expect_again("{\"a\":1}\n {\"b\":2}\n\t{\"c\":3}", "0={\"a\":1};9={\"b\":2};18={\"c\":3};");
    expect_again("{\n\"a\":1\n}\nx\ny", "0={\n\"a\":1\n};10=x\ny;");
    expect_again("{\"a\":1}{\"b\":2}\n {\"c\":3}", "0={\"a\":1}{\"b\":2};16={\"c\":3};");
    expect_again("\"a\": 1,\n  \"b\": 2\n}\n {\"c\":3}",
                 "0=\"a\": 1,\n  \"b\": 2\n};20={\"c\":3};");
    expect_again("{\"a\":[1\n {\"b\":2}", "0={\"a\":[1\n {\"b\":2};");
    expect_again("}", "0=};");
}

static void test_count_lines(void **state)
{
    (void)state;
    assert_int_equal(rid_count_lines("", 0), 0);
    assert_int_equal(rid_count_lines("\n", 1), 1);
    assert_int_equal(rid_count_lines("a\n\nb\n", 5), 3);
    assert_int_equal(rid_count_lines("a\n\nb\n", 4), 2);
}

/* ---- random texts: a file, pieces and chunks of any size agree ---- */

static void test_random_texts(void **state)
{
    (void)state;
    static const char *const words[] = {"{",
                                        "}",
                                        "\n",
                                        "\n{",
                                        "\"",
                                        ",",
                                        ":",
                                        "[",
                                        "]",
                                        "\\",
                                        " ",
                                        "\r\n",
                                        "\"e1\":{",
                                        E,
                                        "\"a\":1",
                                        "{\"e1\":{" E,
                                        "}}",
                                        "\n{\"b\":2}\n",
                                        "{\"entry_id\":\"x\"," E "}\n",
                                        "x"};
    rid_random r = fx_random(1);
    for (int round = 0; round < 400; round++) {
        rid_buf text = {0};
        for (uint64_t n = rid_random_below(&r, 30); n > 0; n--)
            rid_buf_append_str(&text, words[rid_random_below(&r, sizeof words / sizeof words[0])]);
        assert_non_null(rid_buf_cstr(&text));
        size_t limit = rid_random_chance(&r, 0.3) ? 10 + rid_random_below(&r, 40) : 0;
        setting set = plain;
        set.limit = limit;
        rid_buf expected = cut_path(fx_write_bytes("random", text.data, text.len), set);
        for (int k = 0; k < 3; k++) {
            set.max_records = 1 + rid_random_below(&r, 4);
            set.max_bytes = 1 + rid_random_below(&r, 60);
            rid_buf found = cut_piped(text.data, text.len, 1 + rid_random_below(&r, 20), set);
            if (strcmp(found.data, expected.data) != 0)
                fail_msg("text\n%s\nlimit %zu\nfound\n%s\nexpected\n%s", text.data, limit,
                         found.data, expected.data);
            rid_buf_free(&found);
        }
        rid_buf_free(&expected);
        rid_buf_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_pretty_printed),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_garbage_stays_with_its_record),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_payload_that_resembles_a_manifest),
        cmocka_unit_test(test_broken_manifest),
        cmocka_unit_test(test_payload_with_an_entry_inside),
        cmocka_unit_test(test_brackets_in_strings),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_too_large_member_costs_only_itself),
        cmocka_unit_test(test_large_manifest_streams),
        cmocka_unit_test(test_endless_key),
        cmocka_unit_test(test_interactive),
        cmocka_unit_test(test_interactive_cuts_as_a_file_does),
        cmocka_unit_test(test_second_look),
        cmocka_unit_test(test_count_lines),
        cmocka_unit_test(test_random_texts),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
