/* The checksum: the fast sum against the plain loop, and both against what HDF5 itself writes and
 * accepts. */
#include "tests/unit/fixture.h"

#include "data/fletcher.h"
#include "data/h5file.h"

#include <hdf5.h>

static void check(const void *bytes, size_t n)
{
    uint32_t fast = rid_fletcher32(bytes, n), plain = rid_fletcher32_reference(bytes, n);
    if (fast != plain)
        fail_msg("%zu bytes: %08x, expected %08x", n, fast, plain);
    rid_fletcher pieces = {0};
    size_t at = 0;
    for (size_t piece = 2; piece < n - at; at += piece, piece = piece * 5 / 2 * 2)
        rid_fletcher_add(&pieces, (const char *)bytes + at, piece);
    rid_fletcher_add(&pieces, (const char *)bytes + at, n - at);
    if (rid_fletcher_end(&pieces) != plain)
        fail_msg("%zu bytes in pieces: %08x, expected %08x", n, rid_fletcher_end(&pieces), plain);
}

static void test_known_answers(void **state)
{
    (void)state;
    assert_int_equal(rid_fletcher32("", 0), 0);
    assert_int_equal(rid_fletcher32("\0\0\0\0", 4), 0);
    assert_int_equal(rid_fletcher32("\x01\x02", 2), 0x01020102);
    assert_int_equal(rid_fletcher32("\x01\x02\x03\x04", 4),
                     0x05080406); /* sums 0406, 0102 + 0406 */
    assert_int_equal(rid_fletcher32("\x01\x02\x03", 3), 0x05040402);
    assert_int_equal(rid_fletcher32("\xFF\xFF", 2),
                     0xFFFFFFFF); /* a multiple of 65535, but not zero */
    assert_int_equal(rid_fletcher32("\xFF\xFF\xFF\xFF", 4), 0xFFFFFFFF);
    assert_int_equal(rid_fletcher32("\xFF\xFE\0\1", 4), 0xFFFEFFFF);
}

static void test_fast_equals_plain(void **state)
{
    (void)state;
    enum { N = 70000 };
    static unsigned char bytes[N];
    rid_random r = fx_random(2);
    for (int fill = 0; fill < 5; fill++) {
        for (size_t i = 0; i < N; i++)
            bytes[i] = (unsigned char)(fill == 0   ? rid_random_u64(&r)
                                       : fill == 1 ? 0xFF
                                       : fill == 2 ? 0
                                       : fill == 3 ? (i % 2 ? 0xFE : 0xFF)
                                                   : (rid_random_chance(&r, 0.001) ? 0xFF : 0));
        for (size_t n = 0; n <= 1100; n++)
            check(bytes, n);
        for (size_t n = N - 5; n <= N; n++)
            check(bytes + (n % 3), n - 3);
    }
}

/* HDF5 writes the chunks of a data set, and reads ours. */
static void test_as_the_library_does(void **state)
{
    (void)state;
    enum { ROWS = 1000, COLS = 37 };
    static float x[ROWS * COLS], back[ROWS * COLS];
    rid_random r = fx_random(8);
    rid_random_normals(&r, x, ROWS * COLS);
    memset(x, 0, 50 * COLS * sizeof(float));

    /* Theirs: the last four bytes of each raw chunk. */
    hsize_t dims[2] = {ROWS, COLS}, chunk[2] = {64, COLS};
    hid_t file = H5Fcreate(fx_path("theirs.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, dims, NULL), creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, chunk);
    H5Pset_fletcher32(creation);
    hid_t set = H5Dcreate2(file, "x", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    enum { CHUNK_BYTES = 64 * COLS * 4 };
    static unsigned char raw[CHUNK_BYTES + 4];
    for (hsize_t first = 0; first < ROWS; first += 64) {
        hsize_t at[2] = {first, 0}, size = 0;
        uint32_t mask = 0, sum = 0;
        assert_true(H5Dget_chunk_storage_size(set, at, &size) >= 0 && size == sizeof raw);
        assert_true(H5Dread_chunk(set, H5P_DEFAULT, at, &mask, raw) >= 0);
        for (int k = 0; k < 4; k++)
            sum |= (uint32_t)raw[CHUNK_BYTES + k] << (8 * k);
        assert_int_equal(rid_fletcher32(raw, CHUNK_BYTES), sum);
    }
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(creation);
    H5Fclose(file);

    /* Ours: read through the library's filter, which refuses a wrong sum. */
    rid_h5 *h5;
    rid_h5_column *column;
    rid_h5_shape shape = {RID_H5_F32, 0, true, COLS};
    assert_ok(rid_h5_create(&h5, fx_path("ours.h5"), 0, &err));
    assert_ok(rid_h5_column_create(&column, h5, "/x", shape, &err));
    for (size_t i = 0; i < ROWS; i += 8)
        assert_ok(rid_h5_column_append(column, x + i * COLS, 8, &err));
    assert_ok(rid_h5_column_finish(column, &err));
    rid_h5_column_close(column);
    assert_ok(rid_h5_close(h5, &err));
    file = H5Fopen(fx_path("ours.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    set = H5Dopen2(file, "x", H5P_DEFAULT);
    assert_true(file >= 0 && set >= 0);
    assert_true(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0);
    assert_memory_equal(back, x, sizeof x);
    H5Dclose(set);
    H5Fclose(file);
}

/* Half floats and texts, too, are what the library and h5py take them for. */
static void test_other_types(void **state)
{
    (void)state;
    rid_h5 *h5;
    rid_h5_column *half, *text;
    static const uint16_t halves[] = {0x3C00, 0xC000, 0x7BFF, 0x0001};
    float x[4];
    char strings[3 * 5];
    assert_ok(rid_h5_create(&h5, fx_path("types.h5"), 0, &err));
    assert_ok(rid_h5_column_create(&half, h5, "/h", (rid_h5_shape){.type = RID_H5_F16}, &err));
    assert_ok(rid_h5_column_create(&text, h5, "/t", (rid_h5_shape){.type = RID_H5_TEXT, .width = 5},
                                   &err));
    assert_ok(rid_h5_column_append(half, halves, 4, &err));
    assert_ok(rid_h5_column_append(text,
                                   "abcde"
                                   "x\0\0\0\0"
                                   "\xC3\xBC\0\0",
                                   3, &err));
    assert_ok(rid_h5_column_finish(half, &err));
    assert_ok(rid_h5_column_finish(text, &err));
    rid_h5_column_close(half);
    rid_h5_column_close(text);
    assert_ok(rid_h5_close(h5, &err));
    hid_t file = H5Fopen(fx_path("types.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(file, "h", H5P_DEFAULT);
    assert_true(H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, x) >= 0);
    assert_true(x[0] == 1 && x[1] == -2 && x[2] == 65504 && x[3] == 0x1p-24f);
    H5Dclose(set);
    set = H5Dopen2(file, "t", H5P_DEFAULT);
    hid_t type = H5Dget_type(set);
    assert_int_equal(H5Tget_cset(type), H5T_CSET_UTF8);
    assert_true(H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, strings) >= 0);
    assert_memory_equal(strings,
                        "abcde"
                        "x\0\0\0\0"
                        "\xC3\xBC\0\0",
                        15);
    H5Tclose(type);
    H5Dclose(set);
    H5Fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_fast_equals_plain),
        cmocka_unit_test(test_as_the_library_does),
        cmocka_unit_test(test_other_types),
    };
    rid_h5_init();
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
