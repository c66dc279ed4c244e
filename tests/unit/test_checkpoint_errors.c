/* Checkpoints that are whole archives and sound pickles, but not what they should be: each error
 * names the record, the byte and what was expected. */
#include "train/checkpoint.h"

#include "data/base/buf.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/zipwrite.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LITERAL(s)                                                                                 \
    (rid_str)                                                                                      \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }

static char folder[] = "/tmp/rid-test-errors-XXXXXX";
static char file[64];

/* A storage of 6 numbers under key 0, and tensors that view it. */
#define STORAGE(type)                                                                              \
    "(X\x07\0\0\0storagectorch\n" type "Storage\nX\x01\0\0\0"                                      \
    "0X\x03\0\0\0cpuK\x06tQ"
#define TENSOR(type, view) "ctorch._utils\n_rebuild_tensor_v2\n(" STORAGE(type) view "\x89}tR"
#define WHOLE "K\0K\x02K\x03\x86K\x03K\x01\x86"
#define W "X\x01\0\0\0w"
#define LONG1(eighth) "\x8A\x08\0\0\0\0\0\0\0" eighth

enum { STATE, VIS, ATTR, EMB, ATTENTION, N_PARTS };

static const struct {
    const char *key;
    rid_str value;
} parts[N_PARTS] = {
    [STATE] = {"state_dict", LITERAL("}(" W TENSOR("Float", WHOLE) "u")},
    [VIS] = {"vis_dim", LITERAL("K\x04")},
    [ATTR] = {"attr_dim", LITERAL("K\0")},
    [EMB] = {"emb_dim", LITERAL("K\x02")},
    [ATTENTION] = {"use_attention", LITERAL("\x89")},
};

static void put_str(rid_buf *b, const char *s)
{
    size_t n = strlen(s);
    char length[4] = {(char)n, 0, 0, 0};
    rid_buf_append_char(b, 'X');
    rid_buf_append(b, length, 4);
    rid_buf_append_str(b, s);
}

/* A sound pickle, but with the value of one part replaced (where `with` is given), and with `extra`
 * keys and values at the end. */
static void make_pickle(rid_buf *b, int part, rid_str with, rid_str extra)
{
    rid_buf_append(b, "\x80\x02}(", 4);
    for (int i = 0; i < N_PARTS; i++) {
        rid_str value = i == part && with.data ? with : parts[i].value;
        put_str(b, parts[i].key);
        rid_buf_append(b, value.data, value.len);
    }
    rid_buf_append(b, extra.data, extra.len);
    rid_buf_append(b, "u.", 2);
}

typedef struct record {
    const char *name;
    rid_str bytes;
} record;

/* Writes an archive of the records (those with a name) and reads it. */
static rid_status read_records(rid_checkpoint *ck, const record *records, size_t n, rid_err *err)
{
    rid_publish *out;
    assert_int_equal(rid_publish_begin(&out, file, true, err), RID_OK);
    rid_zipwriter *zip = rid_zipwriter_new(out);
    for (size_t i = 0; i < n; i++)
        if (records[i].name)
            assert_int_equal(rid_zipwriter_add(zip, records[i].name, records[i].bytes.data,
                                               records[i].bytes.len, err),
                             RID_OK);
    assert_int_equal(rid_zipwriter_finish(zip, err), RID_OK);
    rid_zipwriter_free(zip);
    assert_int_equal(rid_publish_commit(out, err), RID_OK);
    return rid_checkpoint_read(ck, file, err);
}

static rid_status read_pickle(rid_checkpoint *ck, int part, rid_str with, rid_str extra,
                              rid_err *err)
{
    static const float numbers[6] = {0, 1, 2, 3, 4, 5};
    rid_buf b = {0};
    make_pickle(&b, part, with, extra);
    const record records[] = {{"a/data.pkl", rid_buf_view(&b)},
                              {"a/data/0", {(const char *)numbers, sizeof numbers}}};
    rid_status st = read_records(ck, records, 2, err);
    rid_buf_free(&b);
    return st;
}

static void expect_message(const rid_err *err, const char *message)
{
    if (strncmp(err->message, file, strlen(file)) != 0 || !strstr(err->message, message))
        fail_msg("expected '%s', found '%s'", message, err->message);
}

static void test_sound(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint ck;
    assert_int_equal(read_pickle(&ck, -1, (rid_str){0}, LITERAL("X\x07\0\0\0dropoutK\0"), &err),
                     RID_OK);
    assert_int_equal(ck.n_tensors, 1);
    assert_true(ck.tensors[0].data[5] == 5);
    assert_true(ck.dropout == 0);
    assert_string_equal(ck.fusion_mode, "baseline");
    rid_checkpoint_free(&ck);
    const rid_str transposed =
        LITERAL("}(" W TENSOR("Float", "K\1K\x02K\x02\x86K\x01K\x03\x86") "u");
    assert_int_equal(read_pickle(&ck, STATE, transposed, (rid_str){0}, &err), RID_OK);
    static const float expected[] = {1, 4, 2, 5};
    assert_memory_equal(ck.tensors[0].data, expected, sizeof expected);
    rid_checkpoint_free(&ck);
    const rid_str counter = LITERAL("}(" W TENSOR("Long", WHOLE) "u");
    assert_int_equal(read_pickle(&ck, STATE, counter, (rid_str){0}, &err), RID_OK);
    assert_int_equal(ck.n_tensors, 0);
    rid_checkpoint_free(&ck);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        int part;
        rid_str with;
        const char *message;
    } cases[] = {
        {STATE, LITERAL("N"), "a/data.pkl: byte 19: key 'state_dict': expected a dict, found None"},
        {STATE, LITERAL("}(K\1Nu"),
         "byte 21: key 'state_dict': expected the name of a tensor, found an"},
        {STATE, LITERAL("}(" W "Nu"),
         "byte 27: key 'state_dict': expected a tensor 'w', found None"},
        {VIS, LITERAL("N"), "key 'vis_dim': expected an integer, found None"},
        {VIS, LITERAL("K\0"), "key 'vis_dim': expected 1 to 16777216, found 0"},
        {VIS, LITERAL("J\1\0\0\1"), "key 'vis_dim': expected 1 to 16777216, found 16777217"},
        {ATTR, LITERAL("J\xFF\xFF\xFF\xFF"), "key 'attr_dim': expected 0 to 16777216, found -1"},
        {ATTR, LITERAL("\x88"), "key 'attr_dim': expected an integer, found a bool"},
        {EMB, LITERAL("G\x3F\xF0\0\0\0\0\0\0"),
         "key 'emb_dim': expected an integer, found a float"},
        {ATTENTION, LITERAL("K\1"), "key 'use_attention': expected a bool, found an integer"},
        {-1, LITERAL("X\x07\0\0\0vis_dimK\4"), "key 'vis_dim' occurs twice"},
        {-1, LITERAL("X\x07\0\0\0dropoutK\2"), "key 'dropout': expected 0 to 1, found 2"},
        {-1, LITERAL("X\x07\0\0\0dropoutG\x7F\xF8\0\0\0\0\0\0"), "key 'dropout': expected 0 to 1"},
        {-1, LITERAL("X\x07\0\0\0dropoutN"), "key 'dropout': expected a float, found None"},
        {-1, LITERAL("X\x0B\0\0\0fusion_modeN"),
         "key 'fusion_mode': expected a string, found None"},
        {-1, LITERAL("X\x0B\0\0\0fusion_modeX\x01\0\0\0a"), "expected 'baseline' or 'xattn'"},
        {-1, LITERAL("X\x03\0\0\0ridX\x02\0\0\0a\0"),
         "key 'rid': expected text, found a NUL in it"},
        {-1, LITERAL("X\x03\0\0\0ridX\x02\0\0\0{}"), "key 'rid': 'weights_digest': expected 64"},
        {-1, LITERAL("X\x01\0\0\0xcos\nsystem\n"), "found 'os.system'"},
    };
    rid_err err;
    rid_checkpoint ck;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rid_str none = {0};
        bool extra = cases[i].part < 0;
        assert_int_equal(read_pickle(&ck, cases[i].part, extra ? none : cases[i].with,
                                     extra ? cases[i].with : none, &err),
                         RID_EDATA);
        expect_message(&err, cases[i].message);
    }
}

static void test_tensors(void **state)
{
    (void)state;
    static const struct {
        rid_str state;
        const char *message;
    } cases[] = {
        {LITERAL("}(" W TENSOR("Float", "K\1K\x02K\x03\x86K\x03K\x01\x86") "u"),
         "tensor 'w': leaves its storage: expected at most 6 elements from element 1 on, found 6"},
        {LITERAL("}(" W TENSOR("Float", "K\6))") "u"), "tensor 'w': leaves its storage"},
        {LITERAL("}(" W TENSOR("Float", "K\0K\x02K\x02\x86" LONG1("\x7F") "K\x01\x86") "u"),
         "tensor 'w': leaves its storage"},
        {LITERAL("}(" W TENSOR("Float", "K\0K\x04K\x02\x86" LONG1("\x7F") "K\x01\x86") "u"),
         "tensor 'w': leaves its storage"},
        {LITERAL("}(" W TENSOR("Float", "K\0" LONG1("\x20") "\x85K\x01\x85") "u"),
         "tensor 'w': has too many elements"},
        {LITERAL("}(" W TENSOR("Float", "K\0" LONG1("\x0F") "K\x20\x86K\x20K\x01\x86") "u"),
         "tensor 'w': has too many elements"},
        {LITERAL("}(" W TENSOR("Float", "K\0K\x02K\x03\x86K\0K\x01\x86") "u"), "overlaps itself"},
        {LITERAL("}(" W TENSOR("Float", "K\0K\x02K\x02\x86K\1K\x01\x86") "u"), "overlaps itself"},
        {LITERAL("}(" W TENSOR("Float", "K\0(K\1K\1K\1K\1K\1t(K\1K\1K\1K\1K\1t") "u"),
         "tensor 'w': has 5 dimensions; expected at most 4"},
        {LITERAL("}(" W TENSOR("Double", WHOLE) "u"),
         "a/data/0: expected 6 numbers of 8 bytes, found 24 bytes"},
        {LITERAL("}(" W TENSOR("Float", WHOLE) W TENSOR("Float", WHOLE) "u"), "two tensors 'w'"},
        {LITERAL("}(X\x02\0\0\0w\0" TENSOR("Float", WHOLE) "u"),
         "expected text, found a NUL in it"},
    };
    rid_err err;
    rid_checkpoint ck;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_pickle(&ck, STATE, cases[i].state, (rid_str){0}, &err), RID_EDATA);
        expect_message(&err, cases[i].message);
        assert_non_null(strstr(err.message, ": a/data.pkl: byte "));
    }
}

static void test_not_finite(void **state)
{
    (void)state;
    static const unsigned char halves[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0x7C, 0, 0};
    rid_err err;
    rid_checkpoint ck;
    rid_buf b = {0};
    make_pickle(&b, STATE, LITERAL("}(" W TENSOR("Half", WHOLE) "u"), (rid_str){0});
    const record records[] = {{"a/data.pkl", rid_buf_view(&b)},
                              {"a/data/0", {(const char *)halves, sizeof halves}}};
    assert_int_equal(read_records(&ck, records, 2, &err), RID_EDATA);
    expect_message(&err, "tensor 'w': element [1,1] is no finite float32");
    rid_buf_free(&b);
}

static void test_records(void **state)
{
    (void)state;
    rid_buf b = {0};
    make_pickle(&b, -1, (rid_str){0}, (rid_str){0});
    const rid_str pickle = rid_buf_view(&b),
                  zeros = LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    const struct {
        record records[3];
        const char *message;
    } cases[] = {
        {{{"a/data.pkl", pickle}},
         "tensor 'w': expected a record a/data/0 in the archive, found none"},
        {{{"data.pkl", pickle}}, "expected a record NAME/data.pkl, found none"},
        {{{"a/b/data.pkl", pickle}}, "expected a record NAME/data.pkl, found none"},
        {{{"a/data.pkl", pickle}, {"b/data.pkl", pickle}}, "found two: in a/ and b/"},
        {{{"a/data.pkl", pickle}, {"a/constants.pkl", pickle}}, "is a TorchScript program"},
        {{{"a/data.pkl", pickle}, {"a/data/0", zeros}, {"a/byteorder", LITERAL("big")}},
         "a/byteorder: was written by a big-endian machine"},
        {{{"a/data.pkl", pickle}, {"a/data/0", zeros}, {"a/byteorder", LITERAL("litter")}},
         "a/byteorder: expected 'little'"},
        {{{"a/data.pkl", pickle}, {"a/data/0", zeros}, {"a/byteorder", LITERAL("?")}},
         "a/byteorder: expected 'little'"},
        {{{"a/data.pkl", LITERAL("")}}, "a/data.pkl: byte 0: expected 1 more bytes"},
        {{{"a/data.pkl", LITERAL("].")}}, "a/data.pkl: byte 0: expected a dict, found a list"},
        {{{"a/data.pkl", LITERAL("}.")}},
         "a/data.pkl: byte 0: expected a key 'vis_dim', found none"},
    };
    rid_err err;
    rid_checkpoint ck;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_records(&ck, cases[i].records, 3, &err), RID_EDATA);
        expect_message(&err, cases[i].message);
    }
    rid_buf_free(&b);
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/a.pt", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file);
    return rid_mem_live_blocks() != 0 ? -1 : rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),   cmocka_unit_test(test_keys),
        cmocka_unit_test(test_tensors), cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_records),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
