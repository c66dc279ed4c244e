/* Buffers, views, UTF-8 and file names; memory and errors beneath them. */
#include "tests/unit/fixture.h"

#include "data/base/hash.h"

#include <errno.h>

static void test_append(void **state)
{
    (void)state;
    rid_buf b = {0};
    assert_string_equal(rid_buf_view(&b).data, "");
    assert_int_equal(rid_buf_view(&b).len, 0);
    rid_buf_append(&b, NULL, 0);
    rid_buf_append_str(&b, "ab");
    rid_buf_append_char(&b, 'c');
    rid_buf_append(&b, "\0d", 2);
    rid_buf_printf(&b, "%d-%s", 7, "x");
    assert_int_equal(b.len, 8);
    assert_memory_equal(rid_buf_cstr(&b), "abc\0d7-x", 9);
    rid_buf_clear(&b);
    for (int i = 0; i < 10000; i++)
        rid_buf_printf(&b, "%d,", i);
    assert_int_equal(b.len, 48890);
    assert_memory_equal(b.data + b.len - 5, "9999,", 5);
    rid_buf_free(&b);
    assert_true(b.data == NULL && b.cap == 0);
}

/* After a shortage nothing is appended, and it shows, until the buffer is cleared. */
static void test_failure_sticks(void **state)
{
    (void)state;
    rid_buf b = {0};
    rid_buf_append_str(&b, "abc");
    rid_mem_fail_after(1);
    assert_null(rid_buf_reserve(&b, 1000));
    rid_mem_fail_after(0);
    assert_true(b.failed);
    rid_buf_append_str(&b, "d");
    rid_buf_printf(&b, "e");
    assert_int_equal(b.len, 3);
    assert_null(rid_buf_cstr(&b));
    rid_buf_clear(&b);
    rid_buf_append_str(&b, "f");
    assert_string_equal(rid_buf_cstr(&b), "f");
    assert_null(rid_buf_reserve(&b, SIZE_MAX));
    assert_true(b.failed);
    rid_buf_free(&b);
}

static void test_views(void **state)
{
    (void)state;
    static const char *const sorted[] = {"", "a", "a\x01", "aa", "ab", "b", "\x80"};
    for (size_t i = 0; i < 7; i++)
        for (size_t k = 0; k < 7; k++) {
            rid_str a = rid_str_of(sorted[i]), b = rid_str_of(sorted[k]);
            int c = rid_str_compare(a, b);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
            assert_int_equal(rid_str_equal(a, b), i == k);
        }
    assert_null(rid_str_of(NULL).data);
    assert_true(rid_str_equal((rid_str){NULL, 0}, (rid_str){"", 0}));
}

/* ---- UTF-8 ---- */

/* The reference: decode by the definition, and look at what comes out. */
static size_t decode(const unsigned char *s, size_t n)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (s[0] < 0x80)
        return 1;
    size_t len = (s[0] & 0xE0) == 0xC0   ? 2
                 : (s[0] & 0xF0) == 0xE0 ? 3
                 : (s[0] & 0xF8) == 0xF0 ? 4
                                         : 0;
    if (len == 0 || len > n)
        return 0;
    uint32_t c = s[0] & (0xFFu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3F);
    }
    return c < least[len] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0 : len;
}

static void check(const unsigned char *s, size_t n)
{
    size_t expected = 0, step;
    while (expected < n && (step = decode(s + expected, n - expected)) > 0)
        expected += step;
    if (rid_utf8_prefix((const char *)s, n) != expected ||
        rid_utf8_valid((const char *)s, n) != (expected == n))
        fail_msg("%02x %02x %02x %02x (%zu)", s[0], s[1], s[2], s[3], n);
}

/* All sequences of up to three bytes; of four, all first three and the edges of the last. */
static void test_utf8_exhaustively(void **state)
{
    (void)state;
    static const unsigned char edges[] = {0x00, 0x41, 0x7F, 0x80, 0xBF, 0xC0, 0xFF};
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (unsigned c = 0; c < 256; c++) {
                unsigned char s[4] = {(unsigned char)a, (unsigned char)b, (unsigned char)c, 0};
                check(s, 3);
                for (size_t d = 0; d < sizeof edges && a >= 0xE0; d++) {
                    s[3] = edges[d];
                    check(s, 4);
                }
            }
            unsigned char s[4] = {(unsigned char)a, (unsigned char)b, 0, 0};
            check(s, 2);
        }
        unsigned char s[4] = {(unsigned char)a, 0, 0, 0};
        check(s, 1);
    }
    assert_true(rid_utf8_valid("", 0));
}

static void test_utf8_table(void **state)
{
    (void)state;
    static const char *const good[] = {"a",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "a\xC3\xBC\xE2\x82\xAC"};
    static const char *const bad[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC3",
                                      "\xC3(",
                                      "\xE0\x9F\xBF",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x82",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xFE",
                                      "\xFF",
                                      "\xF8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(rid_utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (rid_utf8_valid(bad[i], strlen(bad[i])))
            fail_msg("%zu", i);
}

/* ---- file names ---- */

static const char *name_of(rid_buf *b, rid_str id)
{
    rid_buf_clear(b);
    rid_filename_append(b, id);
    return rid_buf_cstr(b);
}

static void test_file_names(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"nc0009-1", "nc0009-1"},
                                           {"A.b_c-D", "A.b_c-D"},
                                           {".", "%2E"},
                                           {"..", "%2E."},
                                           {".hidden", "%2Ehidden"},
                                           {"a/b", "a%2Fb"},
                                           {"../../etc", "%2E.%2F..%2Fetc"},
                                           {"a b\n\"", "a%20b%0A%22"},
                                           {"%41", "%2541"},
                                           {"\xC3\xBC", "%C3%BC"},
                                           {"~", "%7E"},
                                           {"-rf", "-rf"},
                                           {"a:b\\c", "a%3Ab%5Cc"},
                                           {"", ""}};
    rid_buf b = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(name_of(&b, rid_str_of(cases[i][0])), cases[i][1]);
    assert_string_equal(name_of(&b, (rid_str){"a\0b", 3}), "a%00b");
    rid_buf_clear(&b);
    rid_buf_append_str(&b, "dir/");
    rid_filename_append(&b, rid_str_of(".x")); /* behind what is there */
    assert_string_equal(rid_buf_cstr(&b), "dir/%2Ex");
    rid_buf_free(&b);
}

static void test_long_file_names(void **state)
{
    (void)state;
    rid_buf b = {0}, other = {0};
    char id[4096];
    memset(id, 'a', sizeof id);
    assert_int_equal(strlen(name_of(&b, (rid_str){id, 200})), 200);
    assert_null(strchr(b.data, '-'));
    name_of(&b, (rid_str){id, 201});
    assert_int_equal(b.len, 217);
    char expected[32];
    snprintf(expected, sizeof expected, "-%016llx", (unsigned long long)rid_hash64(id, 201));
    assert_string_equal(b.data + 200, expected);
    for (size_t n = 202; n <= sizeof id; n += 97) {
        assert_int_equal(strlen(name_of(&other, (rid_str){id, n})), 217);
        assert_string_not_equal(b.data, other.data);
    }
    /* The same beginning, another end. */
    name_of(&b, (rid_str){id, sizeof id});
    id[sizeof id - 1] = 'b';
    assert_string_not_equal(b.data, name_of(&other, (rid_str){id, sizeof id}));
    memset(id, '/', sizeof id);
    assert_null(strchr(name_of(&b, (rid_str){id, sizeof id}), '/'));
    assert_int_equal(b.len, 217);
    rid_buf_free(&b);
    rid_buf_free(&other);
}

/* Different ids, different names; and a name never leaves its directory. */
static void test_file_names_do_not_collide(void **state)
{
    (void)state;
    enum { N = 3000 };
    static char names[N][256];
    static char ids[N][512];
    size_t lengths[N];
    rid_random r = fx_random(3);
    rid_buf b = {0};
    for (size_t i = 0; i < N; i++) {
        lengths[i] = 1 + rid_random_below(&r, i % 10 ? 3 : 400);
        for (size_t k = 0; k < lengths[i]; k++)
            ids[i][k] = "./%2EF5a\0-\n"[rid_random_below(&r, 11)];
        snprintf(names[i], sizeof names[i], "%s", name_of(&b, (rid_str){ids[i], lengths[i]}));
        assert_true(b.len < 255 && !strchr(names[i], '/') && names[i][0] != '.' && names[i][0]);
        for (size_t k = 0; k < i; k++) {
            bool same = rid_str_equal((rid_str){ids[i], lengths[i]}, (rid_str){ids[k], lengths[k]});
            if ((strcmp(names[i], names[k]) == 0) != same)
                fail_msg("%s", names[i]);
        }
    }
    rid_buf_free(&b);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    (void)state;
    int64_t before = rid_mem_live_blocks();
    uint64_t asked = rid_mem_allocations();
    assert_null(rid_mem_alloc(SIZE_MAX / 2, 3));
    assert_null(rid_mem_zalloc(SIZE_MAX, 2));
    assert_null(rid_mem_alloc((size_t)PTRDIFF_MAX + 1, 1));
    assert_null(rid_mem_alloc_aligned((size_t)PTRDIFF_MAX - 10, 1));
    assert_null(rid_mem_strndup("x", SIZE_MAX));
    void *p[] = {rid_mem_alloc(0, 8),   rid_mem_zalloc(8, 0),      rid_mem_alloc_aligned(3, 5),
                 rid_mem_strdup("abc"), rid_mem_strndup("abc", 2), rid_mem_resize(NULL, 3, 3)};
    for (size_t i = 0; i < 6; i++)
        assert_non_null(p[i]);
    assert_int_equal((uintptr_t)p[2] % 64, 0);
    assert_string_equal(p[4], "ab");
    assert_int_equal(rid_mem_live_blocks(), before + 6);
    assert_true(rid_mem_allocations() >= asked + 6);
    p[3] = rid_mem_resize(p[3], 1000, 1);
    assert_string_equal(p[3], "abc");
    assert_null(rid_mem_resize(p[3], SIZE_MAX, 2)); /* p[3] is still ours */
    rid_mem_fail_after(2);
    void *q = rid_mem_alloc(1, 1);
    assert_non_null(q);
    assert_null(rid_mem_alloc(1, 1));
    assert_null(rid_mem_resize(p[3], 5000, 1));
    assert_null(rid_mem_zalloc(1, 1)); /* and all after it */
    rid_mem_fail_after(0);
    rid_mem_free(q);
    for (size_t i = 0; i < 6; i++)
        rid_mem_free(p[i]);
    rid_mem_free(NULL);
    assert_int_equal(rid_mem_live_blocks(), before);
    assert_true(rid_mem_peak_rss() > 1 << 20);
}

static void test_grow(void **state)
{
    (void)state;
    int *list = NULL;
    size_t cap = 0, grown = 0;
    for (int i = 0; i < 100000; i++) {
        size_t old = cap;
        assert_int_equal(rid_mem_grow(&list, &cap, (size_t)i + 1, sizeof *list), 0);
        grown += cap != old;
        list[i] = i;
    }
    assert_true(grown < 40);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(list[i], i);
    int *before = list;
    size_t cap_before = cap;
    assert_int_equal(rid_mem_grow(&list, &cap, SIZE_MAX / 2, sizeof *list), -1);
    assert_true(list == before && cap == cap_before);
    rid_mem_free(list);
}

/* ---- errors ---- */

static void test_errors(void **state)
{
    (void)state;
    rid_err e = {0};
    char text[3 * RID_ERR_MESSAGE_MAX];
    assert_int_equal(RID_FAIL(&e, RID_EDATA, "bad %d", 7), RID_EDATA);
    assert_string_equal(e.message, "bad 7");
    assert_int_equal(e.code, RID_EDATA);
    assert_non_null(strstr(e.where, "test_buf.c:"));
    assert_int_equal(rid_err_prepend(&e, "%s", "file"), RID_EDATA);
    assert_string_equal(e.message, "file: bad 7");
    assert_int_equal(RID_FAIL(NULL, RID_EIO, "x"), RID_EIO);
    /* Long messages are cut, context first. */
    memset(text, 'c', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(RID_FAIL(&e, RID_EDATA, "%s", text), RID_EDATA);
    assert_int_equal(strlen(e.message), RID_ERR_MESSAGE_MAX - 1);
    assert_int_equal(rid_err_prepend(&e, "front"), RID_EDATA);
    assert_int_equal(strlen(e.message), RID_ERR_MESSAGE_MAX - 1);
    assert_memory_equal(e.message, "front: ccc", 10);
    rid_err_prepend(&e, "%s", text);
    assert_int_equal(strlen(e.message), RID_ERR_MESSAGE_MAX - 1);
    static const struct {
        int number;
        rid_status status;
    } numbers[] = {{ENOENT, RID_ENOINPUT}, {EACCES, RID_ENOINPUT}, {EISDIR, RID_ENOINPUT},
                   {ENOMEM, RID_ETEMP},    {EMFILE, RID_ETEMP},    {EIO, RID_EIO},
                   {ENOSPC, RID_EIO},      {EROFS, RID_EIO}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        errno = numbers[i].number;
        assert_int_equal(RID_FAIL_ERRNO(&e, "open"), numbers[i].status);
        assert_true(strncmp(e.message, "open: ", 6) == 0 &&
                    strstr(e.message, strerror(numbers[i].number)));
    }
    static const int exits[] = {0, 1, 2, 4, 65, 66, 69, 74, 75, 78, 130};
    for (int st = RID_OK; st <= RID_EINTR; st++)
        assert_int_equal(rid_status_exit_code((rid_status)st), exits[st]);
}

/* ---- digests ---- */

static void test_digests(void **state)
{
    (void)state;
    char hex[65], again[33];
    rid_sha256 *sha = rid_sha256_new();
    rid_sha256_add(sha, "ab", 2);
    rid_sha256_add(sha, NULL, 0);
    rid_sha256_add(sha, "c", 1);
    assert_ok(rid_sha256_end(hex, sha, &err));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rid_sha256_free(sha);
    assert_int_equal(rid_hash64("", 0), 0x2d06800538d394c2u); /* XXH3-64's of nothing */
    assert_int_equal(rid_hash64(NULL, 0), rid_hash64("", 0));
    rid_hasher *h = rid_hasher_new();
    rid_digest128_hex(hex, rid_hasher_end(h));
    assert_string_equal(hex, "99aa06d3014798d86001c324468d497f"); /* XXH3-128's of nothing */
    rid_hasher_add(h, "abc", 3);
    rid_digest128_hex(hex, rid_hasher_end(h));
    rid_hasher_add(h, "a", 1); /* end has reset it */
    rid_hasher_add(h, "bc", 2);
    rid_digest128_hex(again, rid_hasher_end(h));
    assert_string_equal(hex, again);
    rid_hasher_add_field(h, "a", 1);
    rid_hasher_add_field(h, "bc", 2);
    rid_digest128_hex(hex, rid_hasher_end(h));
    rid_hasher_add_field(h, "ab", 2);
    rid_hasher_add_field(h, "c", 1);
    rid_digest128_hex(again, rid_hasher_end(h));
    assert_string_not_equal(hex, again);
    rid_hasher_free(h);
}

/* What the library's plain code gives, whichever it chooses on this processor, in pieces or whole. */
static void test_long_digests(void **state)
{
    (void)state;
    enum { N = 1000000 };
    char hex[33];
    unsigned char *bytes = rid_mem_alloc(N, 1);
    rid_hasher *h = rid_hasher_new();
    for (uint32_t i = 0; i < N; i++)
        bytes[i] = (unsigned char)(i * 2654435761U >> 24);
    assert_int_equal(rid_hash64(bytes, N), 0xb0a556c44e5591b7u);
    for (size_t at = 0, n = 1; at < N; at += n, n = n * 3 < N - at ? n * 3 : N - at)
        rid_hasher_add(h, bytes + at, n);
    rid_digest128_hex(hex, rid_hasher_end(h));
    assert_string_equal(hex, "a5058e5d8c6f579db0a556c44e5591b7");
    rid_hasher_free(h);
    rid_mem_free(bytes);
}

static int end(void **state)
{
    (void)state;
    return rid_mem_live_blocks() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),          cmocka_unit_test(test_failure_sticks),
        cmocka_unit_test(test_views),           cmocka_unit_test(test_utf8_exhaustively),
        cmocka_unit_test(test_utf8_table),      cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_long_file_names), cmocka_unit_test(test_file_names_do_not_collide),
        cmocka_unit_test(test_memory),          cmocka_unit_test(test_grow),
        cmocka_unit_test(test_errors),          cmocka_unit_test(test_digests),
        cmocka_unit_test(test_long_digests),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
