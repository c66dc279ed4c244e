/* Reading plain, gzip and zstd inputs: the same bytes whatever the form, damage always noticed. */
#include "tests/unit/compress.h"

#include "data/inflate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

/* All bytes by reads of n; the status of the last read. */
static rid_status slurp(const char *path, size_t n, rid_buf *out, rid_err *err)
{
    rid_reader *r;
    rid_status st = rid_reader_open(&r, path, NULL, err);
    size_t got = 1;
    struct stat s;
    if (st != RID_OK)
        return st;
    while (st == RID_OK && got > 0) {
        char *at = rid_buf_reserve(out, n);
        assert_non_null(at);
        st = rid_reader_read(r, at, n, &got, err);
        assert_true(got <= n);
        out->len += got;
    }
    if (st == RID_OK && stat(path, &s) == 0)
        assert_int_equal(rid_reader_raw_bytes(r), s.st_size);
    rid_reader_close(r);
    return st;
}

static void expect(const char *path, const rid_buf *text)
{
    static const size_t steps[] = {1, 7, 4096, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        rid_buf out = {0};
        assert_ok(slurp(path, steps[i], &out, &err));
        assert_int_equal(out.len, text->len);
        if (text->len)
            assert_memory_equal(out.data, text->data, text->len);
        rid_buf_free(&out);
    }
}

/* Text that does not compress to nothing. */
static rid_buf some_text(size_t n)
{
    rid_buf b = {0};
    rid_random r = fx_random(n);
    while (b.len < n)
        rid_buf_printf(&b, "%.5f,", rid_random_normal(&r));
    b.len = n;
    return b;
}

static fx_compressor *const compressors[] = {fx_gzip, fx_zstd};

static void test_plain(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "x",        "\x1F",      "\x1F\x8C",
                                        "\x28", "\x28\xB5", "\x28\xB5/", "\x28\xB5/\xFC"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        rid_buf text = {0};
        rid_buf_append_str(&text, texts[i]);
        expect(fx_write("plain", texts[i]), &text);
        rid_buf_free(&text);
    }
    rid_buf text = some_text(700000);
    expect(fx_write_bytes("plain", text.data, text.len), &text);
    rid_buf_free(&text);
}

static void test_compressed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 1000, 262143, 700000};
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i < 5; i++) {
            rid_buf text = some_text(sizes[i]), packed = {0};
            compressors[c](&packed, text.data, text.len);
            expect(fx_write_bytes("packed", packed.data, packed.len), &text);
            rid_buf_free(&packed);
            rid_buf_free(&text);
        }
    }
}

/* Members (frames) one after the other, empty ones among them: `cat a.gz b.gz`. */
static void test_several_members(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        rid_buf all = {0}, packed = {0};
        static const size_t sizes[] = {10, 0, 300000, 1, 0};
        for (size_t i = 0; i < 5; i++) {
            rid_buf text = some_text(sizes[i]);
            rid_buf_append(&all, text.data, text.len);
            compressors[c](&packed, text.data, text.len);
            rid_buf_free(&text);
        }
        if (c == 1) /* a skippable frame of four bytes */
            rid_buf_append(&packed, "\x50\x2A\x4D\x18\x04\0\0\0skip", 12);
        expect(fx_write_bytes("packed", packed.data, packed.len), &all);
        rid_buf_free(&packed);
        rid_buf_free(&all);
    }
}

/* Cut at every byte: what is delivered is a beginning of the text, and the end is not taken for
 * one. */
static void test_cut_short(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        rid_buf text = some_text(3000), packed = {0};
        compressors[c](&packed, text.data, text.len);
        size_t magic = c == 0 ? 2 : 4;
        for (size_t n = magic; n < packed.len; n++) {
            rid_buf out = {0};
            const char *path = fx_write_bytes("cut", packed.data, n);
            assert_fails(slurp(path, 512, &out, &err), RID_EDATA, "cut short");
            assert_true(out.len <= text.len);
            if (out.len)
                assert_memory_equal(out.data, text.data, out.len);
            rid_buf_free(&out);
        }
        rid_buf_free(&packed);
        rid_buf_free(&text);
    }
}

static void test_second_member_cut_short(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        rid_buf packed = {0};
        compressors[c](&packed, "first\n", 6);
        size_t first = packed.len;
        compressors[c](&packed, "second\n", 7);
        for (size_t n = first + 1; n < packed.len; n++) {
            rid_buf out = {0};
            const char *path = fx_write_bytes("cut", packed.data, n);
            assert_fails(slurp(path, 100, &out, &err), RID_EDATA, "");
            assert_true(out.len >= 6 && memcmp(out.data, "first\n", 6) == 0);
            rid_buf_free(&out);
        }
        rid_buf_free(&packed);
    }
}

/* A flipped bit is an error, or does not matter (header fields nobody reads). */
static void test_flipped_bits(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        rid_buf text = some_text(800), packed = {0};
        compressors[c](&packed, text.data, text.len);
        size_t magic = c == 0 ? 2 : 4;
        unsigned harmless = 0;
        for (size_t bit = 8 * magic; bit < 8 * packed.len; bit++) {
            rid_buf out = {0};
            rid_err err = {0};
            packed.data[bit / 8] ^= (char)(1 << bit % 8);
            const char *path = fx_write_bytes("flipped", packed.data, packed.len);
            rid_status st = slurp(path, 4096, &out, &err);
            packed.data[bit / 8] ^= (char)(1 << bit % 8);
            if (st == RID_OK) {
                harmless++;
                assert_int_equal(out.len, text.len);
                assert_memory_equal(out.data, text.data, text.len);
            } else {
                assert_int_equal(st, RID_EDATA);
            }
            rid_buf_free(&out);
        }
        assert_true(harmless < 64); /* gzip's time, system and extra flags */
        rid_buf_free(&packed);
        rid_buf_free(&text);
    }
}

static void test_garbage_behind(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2; c++) {
        rid_buf packed = {0}, out = {0};
        compressors[c](&packed, "text", 4);
        rid_buf_append_str(&packed, "garbage");
        const char *path = fx_write_bytes("packed", packed.data, packed.len);
        assert_fails(slurp(path, 100, &out, &err), RID_EDATA, "damaged");
        assert_int_equal(out.len, 4);
        rid_buf_free(&packed);
        rid_buf_free(&out);
    }
}

static void test_not_there(void **state)
{
    (void)state;
    rid_buf out = {0};
    assert_fails(slurp(fx_path("nowhere"), 1, &out, &err), RID_ENOINPUT, "nowhere");
    assert_fails(slurp(fx_root, 1, &out, &err), RID_ENOINPUT, "directory");
    rid_buf_free(&out);
}

static void test_standard_input(void **state)
{
    (void)state;
    rid_buf out = {0}, packed = {0};
    fx_gzip(&packed, "hello", 5);
    int saved = dup(0), fd = open(fx_write_bytes("in", packed.data, packed.len), O_RDONLY);
    assert_true(saved >= 0 && fd >= 0 && dup2(fd, 0) == 0);
    assert_ok(slurp("-", 100, &out, &err));
    assert_int_equal(fcntl(0, F_GETFD), 0); /* not closed */
    dup2(saved, 0);
    close(saved);
    close(fd);
    assert_int_equal(out.len, 5);
    rid_buf_free(&out);
    rid_buf_free(&packed);
}

/* ---- waiting ---- */

static atomic_bool stop;

static void *stop_soon(void *arg)
{
    (void)arg;
    usleep(100000);
    atomic_store(&stop, true);
    return NULL;
}

/* A named pipe that nobody ever opens for writing, and one that stays silent. */
static void test_given_up(void **state)
{
    (void)state;
    const char *path = fx_path("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int silent = 0; silent < 2; silent++) {
        rid_reader *r;
        pthread_t thread;
        char byte;
        size_t got;
        int fd = silent ? open(path, O_RDWR | O_CLOEXEC) : -1;
        atomic_store(&stop, false);
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, NULL), 0);
        assert_ok(rid_reader_open(&r, path, &stop, &err));
        assert_fails(rid_reader_read(r, &byte, 1, &got, &err), RID_EINTR, "given up");
        pthread_join(thread, NULL);
        rid_reader_close(r);
        if (silent)
            close(fd);
    }
}

static void *write_late(void *arg)
{
    usleep(50000);
    int fd = open(arg, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    usleep(50000);
    assert_int_equal(write(fd, "la", 2), 2);
    usleep(50000);
    assert_int_equal(write(fd, "te", 2), 2);
    close(fd);
    return NULL;
}

static void test_late_writer(void **state)
{
    (void)state;
    rid_buf out = {0};
    pthread_t thread;
    char path[512];
    snprintf(path, sizeof path, "%s", fx_path("late"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_late, path), 0);
    rid_reader *r;
    size_t got = 1;
    char block[16];
    assert_ok(rid_reader_open(&r, path, &stop, &err));
    atomic_store(&stop, false);
    while (got > 0) {
        assert_ok(rid_reader_read(r, block, sizeof block, &got, &err));
        rid_buf_append(&out, block, got);
    }
    rid_reader_close(r);
    pthread_join(thread, NULL);
    assert_string_equal(rid_buf_cstr(&out), "late");
    rid_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_several_members),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_second_member_cut_short),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_garbage_behind),
        cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_given_up),
        cmocka_unit_test(test_late_writer),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
