/* The archive: what is written is read, and every way of being broken is told apart, with its byte.
 */
#include "train/zipstore.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/crc32.h"
#include "train/zipwrite.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROOM = 200000, N_LARGE = 70001, CENTRAL = 46, END = 22 };

static unsigned char good[ROOM], bad[ROOM], large[N_LARGE];
static size_t n_good, n_bad;
static size_t x_entry, y_entry, end_at; /* of the directory entries and the end record */

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put(size_t at, uint64_t v, int n)
{
    for (int i = 0; i < n; i++)
        bad[at + (size_t)i] = (unsigned char)(v >> (8 * i));
}

static void start(void)
{
    memcpy(bad, good, n_good);
    n_bad = n_good;
}

static int make_archive(void **state)
{
    (void)state;
    rid_err err;
    rid_publish *out;
    char folder[] = "/tmp/rid-test-zip-XXXXXX", path[64];
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.zip", folder);
    for (size_t i = 0; i < N_LARGE; i++)
        large[i] = (unsigned char)(i * i >> 3);
    rid_status st = rid_publish_begin(&out, path, false, &err);
    rid_zipwriter *w = rid_zipwriter_new(out);
    if (st != RID_OK || rid_zipwriter_add(w, "no", large, UINT64_C(5) << 30, &err) != RID_EFAIL ||
        rid_zipwriter_add(w, "a/y", large, N_LARGE, &err) != RID_OK ||
        rid_zipwriter_add(w, "a/x", "hello", 5, &err) != RID_OK ||
        rid_zipwriter_finish(w, &err) != RID_OK)
        return -1;
    rid_zipwriter_free(w);
    ssize_t n = pread(rid_publish_fd(out), good, sizeof good, 0);
    rid_publish_abort(out);
    n_good = (size_t)n;
    end_at = n_good - END;
    y_entry = get32(good + end_at + 16);
    x_entry = y_entry + CENTRAL + 3;
    return rmdir(folder);
}

/* Opens `bad`; *fd is to be closed after the archive. */
static rid_status open_bad(rid_zip **z, int *fd, rid_err *err)
{
    static rid_budget budget;
    budget = (rid_budget){1 << 20, 1 << 20};
    *fd = memfd_create("zip", MFD_CLOEXEC);
    assert_int_equal(write(*fd, bad, n_bad), (ssize_t)n_bad);
    return rid_zip_open(z, *fd, n_bad, &budget, err);
}

static void refuse(const char *message)
{
    rid_err err;
    rid_zip *z;
    int fd;
    assert_int_equal(open_bad(&z, &fd, &err), RID_EDATA);
    if (!strstr(err.message, message))
        fail_msg("expected '%s', found '%s'", message, err.message);
    assert_null(z);
    close(fd);
    assert_int_equal(rid_mem_live_blocks(), 0);
    start();
}

static void expect_good(void)
{
    rid_err err;
    rid_zip *z;
    int fd;
    unsigned char bytes[4];
    if (open_bad(&z, &fd, &err) != RID_OK)
        fail_msg("%s", err.message);
    assert_int_equal(rid_zip_n_records(z), 2);
    const rid_zip_record *y = rid_zip_record_at(z, 0), *x = rid_zip_record_at(z, 1);
    assert_ptr_equal(rid_zip_find(z, rid_str_of("a/x")), x);
    assert_ptr_equal(rid_zip_find(z, rid_str_of("a/y")), y);
    assert_null(rid_zip_find(z, rid_str_of("a")));
    assert_int_equal(x->offset % 64, 0);
    assert_int_equal(y->offset % 64, 0);
    assert_int_equal(y->size, N_LARGE);
    assert_int_equal(rid_zip_check(z, x, &err), RID_OK);
    assert_int_equal(rid_zip_check(z, y, &err), RID_OK);
    assert_int_equal(rid_zip_read(z, y, N_LARGE - 4, bytes, 4, &err), RID_OK);
    assert_memory_equal(bytes, large + N_LARGE - 4, 4);
    assert_int_equal(rid_zip_read(z, y, N_LARGE - 3, bytes, 4, &err), RID_EDATA);
    assert_int_equal(rid_zip_read(z, y, UINT64_MAX, bytes, 4, &err), RID_EDATA);
    rid_zip_close(z);
    close(fd);
    start();
}

static void test_crc32c(void **state)
{
    (void)state;
    static const unsigned char zeros[32], ones[] = {[0 ... 31] = 0xFF};
    unsigned char ascending[32];
    for (unsigned char i = 0; i < 32; i++)
        ascending[i] = i;
    assert_int_equal(rid_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(rid_crc32c(0, zeros, 32), 0x8A9136AA); /* RFC 3720, B.4 */
    assert_int_equal(rid_crc32c(0, ones, 32), 0x62A8AB43);
    assert_int_equal(rid_crc32c(0, ascending, 32), 0x46DD794E);
    assert_int_equal(rid_crc32c(rid_crc32c(0, ascending, 5), ascending + 5, 27), 0x46DD794E);
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(rid_crc32(0, "123456789", 9), 0xCBF43926); /* the catalogue's check value */
    assert_int_equal(rid_crc32(0, "", 0), 0);
    uint32_t whole = rid_crc32(0, large, N_LARGE);
    for (size_t cut = 0; cut < 40; cut++)
        assert_int_equal(rid_crc32(rid_crc32(0, large, cut), large + cut, N_LARGE - cut), whole);
}

static void test_read(void **state)
{
    (void)state;
    start();
    expect_good();
}

static void test_damaged_data(void **state)
{
    (void)state;
    rid_err err;
    rid_zip *z;
    int fd;
    start();
    bad[64 + 69000] ^= 1;
    assert_int_equal(open_bad(&z, &fd, &err), RID_OK);
    assert_int_equal(rid_zip_check(z, rid_zip_record_at(z, 1), &err), RID_OK);
    assert_int_equal(rid_zip_check(z, rid_zip_record_at(z, 0), &err), RID_EDATA);
    assert_non_null(strstr(err.message, "a/y: damaged: its CRC-32 is "));
    rid_zip_close(z);
    close(fd);
}

static void test_end_record(void **state)
{
    (void)state;
    char text[64];
    start();
    n_bad = END - 1;
    refuse("not a zip archive, or cut short: 21 bytes");
    n_bad = n_good - 1;
    snprintf(text, sizeof text, "byte %zu: expected the archive's end record", end_at - 1);
    refuse(text);
    put(end_at + 4, 1, 2); /* this disk */
    refuse("split into parts");
    put(end_at + 8, 1, 2); /* records on it */
    refuse("split into parts");
    put(end_at + 20, 1, 2); /* a comment that is not there */
    refuse("the end record is damaged");
    put(end_at + 8, 0, 4);
    refuse("0 records; expected 1 to 16384");
    put(end_at + 8, 0xFFFEFFFE, 4);
    refuse("65534 records; expected 1 to 16384");
    put(end_at + 12, 1000, 4);
    refuse("does not fit before its end record");
    put(end_at + 16, (uint32_t)end_at + 1, 4);
    refuse("does not fit before its end record");
    put(end_at + 8, 0x00030003, 4);
    refuse("does not fit before its end record");
    put(end_at + 8, 0x00010001, 4);
    snprintf(text, sizeof text, "byte %zu: expected the end of the directory", x_entry);
    refuse(text);
}

static void test_entries(void **state)
{
    (void)state;
    char text[64];
    start();
    put(x_entry, 0, 1);
    snprintf(text, sizeof text, "byte %zu: expected a directory entry", x_entry);
    refuse(text);
    put(x_entry + 30, 1000, 2);
    refuse("a directory entry runs past the directory");
    put(x_entry + 8, 1, 2);
    refuse("a/x: is encrypted");
    put(x_entry + 10, 8, 2);
    refuse("a/x: is compressed (method 8): torch.save stores");
    put(x_entry + 24, 4, 4);
    refuse("a/x: its directory entry (byte ");
    put(x_entry + 34, 1, 2);
    refuse("a/x: its directory entry (byte ");
    put(x_entry + 24, 0xFFFFFFFF, 4); /* zip64, but without its field */
    refuse("a/x: its directory entry (byte ");
    put(x_entry + 20, 0x7FFFFFFF, 4);
    put(x_entry + 24, 0x7FFFFFFF, 4);
    refuse("a/x: its 2147483647 bytes at byte ");
    put(x_entry + 42, 0xFFFFFFF0, 4);
    refuse("a/x: lies outside the file (byte 4294967280)");
    put(x_entry + 42, (uint32_t)y_entry - 5, 4);
    refuse("a/x: lies outside the file");
    put(x_entry + 42, 1, 4);
    refuse("a/x: byte 1: its header is damaged");
    put(get32(good + x_entry + 42) + 8, 8, 2); /* compressed, says the local header */
    refuse("its header is damaged or not the one the directory describes");
    put(get32(good + x_entry + 42) + 28, 0xFFFF, 2);
    refuse("a/x: its 5 bytes at byte ");
    put(y_entry + 20, N_LARGE + 5, 4);
    put(y_entry + 24, N_LARGE + 5, 4);
    refuse("a/y and a/x overlap at byte ");
}

static void rename_x(const char *name)
{
    memcpy(bad + x_entry + CENTRAL, name, 3);
    memcpy(bad + get32(good + x_entry + 42) + 30, name, 3);
}

static void test_names(void **state)
{
    (void)state;
    start();
    rename_x("a/y");
    refuse("two are named a/y");
    rename_x("/ax");
    refuse("a record's name is absolute");
    rename_x("../");
    refuse("a record's name has a '..' in it");
    rename_x("/..");
    refuse("a record's name is absolute");
    rename_x("a\\x");
    refuse("holds a control character or a backslash");
    rename_x("a\nx");
    refuse("holds a control character or a backslash");
    put(x_entry + 28, 0, 2);
    refuse("a record's name is empty");
    memcpy(bad + x_entry + CENTRAL, "a/z", 3);
    refuse("its header is damaged or not the one the directory describes");
}

/* Puts a zip64 end record and its locator before the end record, as PyTorch always does. */
static void add_end64(void)
{
    start();
    memmove(bad + end_at + 76, bad + end_at, END);
    n_bad += 76;
    memset(bad + end_at, 0, 76);
    put(end_at, 0x06064b50, 4);
    put(end_at + 4, 44, 8);
    put(end_at + 24, 2, 8);
    put(end_at + 32, 2, 8);
    put(end_at + 40, end_at - y_entry, 8);
    put(end_at + 48, y_entry, 8);
    put(end_at + 56, 0x07064b50, 4);
    put(end_at + 64, end_at, 8);
    put(end_at + 72, 1, 4);
}

static void test_zip64(void **state)
{
    (void)state;
    add_end64();
    expect_good();
    add_end64();
    put(end_at + 76 + 8, 0xFFFFFFFF, 4); /* then the fields of 32 bits may be saturated */
    put(end_at + 76 + 12, UINT64_MAX, 8);
    expect_good();
    add_end64();
    put(end_at + 48, y_entry - 1, 8);
    refuse("the two end records disagree");
    add_end64();
    put(end_at, 0, 1);
    refuse("the zip64 end record is damaged");
    add_end64();
    put(end_at + 4, 45, 8);
    refuse("the zip64 end record is damaged");
    add_end64();
    put(end_at + 64, end_at + 1, 8);
    refuse("the zip64 end record lies outside the file");
    add_end64();
    put(end_at + 64, UINT64_MAX, 8);
    refuse("the zip64 end record lies outside the file");
    add_end64();
    put(end_at + 24, UINT64_MAX, 8);
    put(end_at + 32, UINT64_MAX, 8);
    put(end_at + 76 + 8, 0xFFFFFFFF, 4);
    refuse("18446744073709551615 records");
}

/* The second entry's sizes and offset in a zip64 field. */
static void test_zip64_entry(void **state)
{
    (void)state;
    const size_t extra = 4 + 24;
    start();
    size_t field = x_entry + CENTRAL + 3, header = get32(good + x_entry + 42);
    memmove(bad + field + extra, bad + field, END);
    n_bad += extra;
    put(x_entry + 30, extra, 2);
    put(x_entry + 20, UINT64_MAX, 8);
    put(x_entry + 42, 0xFFFFFFFF, 4);
    put(field, 1, 2);
    put(field + 2, 24, 2);
    put(field + 4, 5, 8);
    put(field + 12, 5, 8);
    put(field + 20, header, 8);
    put(end_at + extra + 12, end_at + extra - y_entry, 4);
    unsigned char keep[ROOM / 2];
    assert_true(n_bad <= sizeof keep);
    memcpy(keep, bad, n_bad);
    size_t n_keep = n_bad;
    expect_good();
    memcpy(bad, keep, n_bad = n_keep);
    put(field + 4, UINT64_MAX - 1, 8);
    put(field + 12, UINT64_MAX - 1, 8);
    refuse("a/x: its 18446744073709551614 bytes at byte ");
    memcpy(bad, keep, n_bad = n_keep);
    put(field + 20, UINT64_MAX - 1, 8);
    refuse("a/x: lies outside the file");
    memcpy(bad, keep, n_bad = n_keep);
    put(field + 2, 16, 2);
    refuse("a/x: its directory entry (byte ");
    memcpy(bad, keep, n_bad = n_keep);
    put(field + 2, 25, 2);
    refuse("a/x: its directory entry (byte ");
}

static void test_budget(void **state)
{
    (void)state;
    rid_err err;
    rid_budget budget = {65536, 65536};
    assert_int_equal(rid_budget_take(&budget, SIZE_MAX, 2, &err), RID_EDATA);
    assert_int_equal(rid_budget_take(&budget, SIZE_MAX, 1, &err), RID_EDATA);
    assert_int_equal(rid_budget_take(&budget, 65536, 1, &err), RID_EDATA);
    assert_int_equal(rid_budget_take(&budget, 600, 100, &err), RID_OK);
    assert_int_equal(rid_budget_take(&budget, 600, 100, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "over 65536 bytes"));
    rid_budget_give(&budget, 600, 100);
    assert_int_equal(budget.left, 65536);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32c),
        cmocka_unit_test(test_crc32),        cmocka_unit_test(test_read),
        cmocka_unit_test(test_damaged_data), cmocka_unit_test(test_end_record),
        cmocka_unit_test(test_entries),      cmocka_unit_test(test_names),
        cmocka_unit_test(test_zip64),        cmocka_unit_test(test_zip64_entry),
        cmocka_unit_test(test_budget),
    };
    return cmocka_run_group_tests(tests, make_archive, NULL);
}
