/* Checkpoints: round trip, files of both PyTorch writers, digest, messages.
 * `test_checkpoint --copy IN OUT` reads one and writes it again:
 * tests/vectors/checkpoint_roundtrip.py compares the two with PyTorch. */
#include "train/checkpoint.h"

#include "data/base/mem.h"
#include "train/checkpoint_meta.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* Of make_checkpoint(), by Python's hashlib from the definition in train/checkpoint.h. */
#define DIGEST "407dbf3b8495ed2f3a63e2d22c5bd2e6083a90c3f0150482e9b1d80700556643"

static char folder[] = "/tmp/rid-test-checkpoint-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[2][256];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static rid_tensor make_tensor(const char *name, int n_dims, int64_t a, int64_t b)
{
    rid_tensor t = {.name = rid_mem_strdup(name), .n_dims = n_dims, .shape = {a, b}, .numel = 1};
    for (int d = 0; d < n_dims; d++)
        t.numel *= (size_t)t.shape[d];
    t.data = rid_mem_alloc(t.numel, sizeof *t.data);
    for (size_t i = 0; i < t.numel; i++)
        t.data[i] = (float)i * 0.25f - 1;
    return t;
}

static rid_checkpoint make_checkpoint(void)
{
    rid_checkpoint ck = {.n_tensors = 4,
                         .vis_dim = 3,
                         .attr_dim = 300,
                         .emb_dim = 70000,
                         .use_attention = true,
                         .dropout = 0.1,
                         .fusion_mode = rid_mem_strdup("xattn")};
    ck.tensors = rid_mem_zalloc(4, sizeof *ck.tensors);
    ck.tensors[0] = make_tensor("w", 2, 2, 3);
    ck.tensors[1] = make_tensor("b", 1, 3, 0);
    ck.tensors[2] = make_tensor("scale", 0, 0, 0);
    ck.tensors[3] = make_tensor("none", 2, 0, 3);
    return ck;
}

static void seal(rid_checkpoint *ck)
{
    rid_err err;
    rid_checkpoint_meta m = {.schema = rid_mem_strdup("{\"schema_id\": \"a\\\"b\"}\n"),
                             .filter = rid_mem_strdup("{\"cap\":4}")};
    assert_int_equal(rid_checkpoint_meta_seal(ck, &m, &err), RID_OK);
    rid_checkpoint_meta_free(&m);
}

static void assert_same(const rid_checkpoint *a, const rid_checkpoint *b)
{
    assert_int_equal(a->n_tensors, b->n_tensors);
    for (size_t i = 0; i < a->n_tensors; i++) {
        const rid_tensor *x = &a->tensors[i], *y = &b->tensors[i];
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->n_dims, y->n_dims);
        assert_int_equal(x->numel, y->numel);
        for (int d = 0; d < x->n_dims; d++)
            assert_int_equal(x->shape[d], y->shape[d]);
        assert_memory_equal(x->data, y->data, x->numel * sizeof(float));
    }
    assert_int_equal(a->vis_dim, b->vis_dim);
    assert_int_equal(a->attr_dim, b->attr_dim);
    assert_int_equal(a->emb_dim, b->emb_dim);
    assert_int_equal(a->use_attention, b->use_attention);
    assert_true(a->dropout == b->dropout);
    assert_string_equal(a->fusion_mode, b->fusion_mode);
    assert_int_equal(!a->rid, !b->rid);
    if (a->rid)
        assert_string_equal(a->rid, b->rid);
}

static size_t slurp(const char *path, unsigned char *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    assert_true(n < room);
    return n;
}

static void spew(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void test_round_trip(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint ck = make_checkpoint(), got;
    for (int sealed = 0; sealed < 2; sealed++) {
        if (sealed)
            seal(&ck);
        assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_OK);
        assert_int_equal(rid_checkpoint_read(&got, in_folder("a.pt"), &err), RID_OK);
        assert_same(&ck, &got);
        assert_ptr_equal(rid_checkpoint_find(&got, "b"), &got.tensors[1]);
        assert_null(rid_checkpoint_find(&got, "c"));
        rid_checkpoint_free(&got);
    }
    rid_checkpoint_free(&ck);
}

static void test_bytes_depend_on_contents_alone(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint ck = make_checkpoint();
    static unsigned char a[8192], b[8192];
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_OK);
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("other.model"), true, &err), RID_OK);
    size_t n = slurp(in_folder("a.pt"), a, sizeof a);
    assert_int_equal(slurp(in_folder("other.model"), b, sizeof b), n);
    assert_memory_equal(a, b, n);
    rid_checkpoint_free(&ck);
}

static void test_write_refuses(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint ck = make_checkpoint();
    static unsigned char before[8192], after[8192];
    seal(&ck);
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_OK);
    size_t n = slurp(in_folder("a.pt"), before, sizeof before);
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), false, &err), RID_EUSAGE);
    ck.tensors[0].data[5] = 7; /* no longer the sealed weights */
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "not the ones that were written"));
    ck.tensors[0].data[5] = NAN;
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_EDATA);
    assert_non_null(strstr(err.message, "tensor 'w': element [1,2] is no finite float32"));
    ck.tensors[0].data[5] = 0.25f;
    ck.vis_dim = 0;
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("a.pt"), true, &err), RID_EDATA);
    assert_int_equal(rid_checkpoint_write(&ck, in_folder("no/such/a.pt"), true, &err),
                     RID_ENOINPUT);
    assert_int_equal(slurp(in_folder("a.pt"), after, sizeof after), n);
    assert_memory_equal(before, after, n);
    rid_checkpoint_free(&ck);
}

/* What checkpoint_roundtrip.py's mixed() holds. */
static void check_mixed(const char *path)
{
    static const struct {
        const char *name;
        int n_dims;
        int64_t shape[2];
        float first, step0, step1;
    } expected[] = {
        {"vis_proj.weight", 2, {4, 4}, -1, 1, 0.25f},
        {"vis_proj.bias", 1, {4, 0}, 2, 0.25f, 0},
        {"attr_proj.weight", 2, {2, 4}, -0.75f, 0.25f, 2},
        {"attr_proj.bias", 1, {4, 0}, 2, 0.25f, 0},
        {"fuse.0.weight", 2, {2, 3}, -1, 0.75f, 0.25f},
        {"fuse.0.bias", 1, {3, 0}, -1, 0.25f, 0},
        {"fuse.3.weight", 2, {3, 2}, -1, 0.5f, 0.25f},
        {"fuse.3.bias", 0, {0, 0}, 0.5f, 0, 0},
        {"empty", 2, {0, 3}, 0, 0, 0},
    };
    rid_err err;
    rid_checkpoint ck;
    if (rid_checkpoint_read(&ck, path, &err) != RID_OK)
        fail_msg("%s", err.message);
    assert_int_equal(ck.n_tensors, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < ck.n_tensors; i++) {
        const rid_tensor *t = &ck.tensors[i];
        assert_string_equal(t->name, expected[i].name);
        assert_int_equal(t->n_dims, expected[i].n_dims);
        for (int d = 0; d < t->n_dims; d++)
            assert_int_equal(t->shape[d], expected[i].shape[d]);
        size_t columns = t->n_dims == 2 ? (size_t)t->shape[1] : 1;
        for (size_t j = 0; j < t->numel; j++)
            assert_true(t->data[j] == expected[i].first + (float)(j / columns) * expected[i].step0 +
                                          (float)(j % columns) * expected[i].step1);
    }
    assert_int_equal(ck.vis_dim, 4);
    assert_int_equal(ck.attr_dim, 2);
    assert_int_equal(ck.emb_dim, 3);
    assert_true(ck.use_attention);
    assert_true(ck.dropout == 0.1);
    assert_string_equal(ck.fusion_mode, "baseline");
    assert_null(ck.rid);
    rid_checkpoint_free(&ck);
}

static void test_files_of_pytorch(void **state)
{
    (void)state;
    check_mixed("tests/vectors/ckpt/torch113_mixed.pt");
    check_mixed("tests/vectors/ckpt/torch2_mixed.pt");
}

static void refuse(const char *path, rid_status code, const char *text)
{
    rid_err err;
    rid_checkpoint ck;
    assert_int_equal(rid_checkpoint_read(&ck, path, &err), code);
    if (strncmp(err.message, path, strlen(path)) != 0 || !strstr(err.message, text))
        fail_msg("expected '%s', found '%s'", text, err.message);
    assert_null(ck.tensors);
}

static void test_says_what_it_is(void **state)
{
    (void)state;
    refuse("tests/vectors/ckpt/torch113_legacy.pt", RID_EDATA, "old format, from before 1.6");
    refuse("tests/vectors/ckpt/torch2_legacy.pt", RID_EDATA, "old format, from before 1.6");
    refuse("tests/vectors/ckpt/torch113_script.pt", RID_EDATA, "is a TorchScript program");
    refuse("tests/vectors/ckpt/torch2_script.pt", RID_EDATA, "is a TorchScript program");
    refuse(in_folder("none.pt"), RID_ENOINPUT, "No such file");
    refuse(folder, RID_ENOINPUT, "is a directory");
    refuse("/dev/null", RID_ENOINPUT, "is no regular file");
    spew(in_folder("x"), "", 0);
    refuse(in_folder("x"), RID_EDATA, "is empty");
    spew(in_folder("x"), "hello", 5);
    refuse(in_folder("x"), RID_EDATA, "byte 0: expected a zip archive");
    spew(in_folder("x"), "PK\3\4", 4);
    refuse(in_folder("x"), RID_EDATA, "cut short");
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    refuse(in_folder("fifo"), RID_ENOINPUT, "is no regular file"); /* and does not hang */
}

static void digest_of(rid_checkpoint *ck, char hex[65])
{
    rid_err err;
    assert_int_equal(rid_checkpoint_digest(ck, hex, &err), RID_OK);
}

static void test_digest(void **state)
{
    (void)state;
    char base[65], hex[65];
    rid_checkpoint ck = make_checkpoint();
    digest_of(&ck, base);
    assert_string_equal(base, DIGEST);
    rid_tensor first = ck.tensors[0]; /* the order in the file does not matter */
    ck.tensors[0] = ck.tensors[3];
    ck.tensors[3] = first;
    ck.dropout = 0.5;
    digest_of(&ck, hex);
    assert_string_equal(hex, base);
    int64_t *sizes[] = {&ck.vis_dim, &ck.attr_dim, &ck.emb_dim, &ck.tensors[3].shape[0]};
    for (size_t i = 0; i < 4; i++) {
        ++*sizes[i];
        digest_of(&ck, hex);
        assert_string_not_equal(hex, base);
        --*sizes[i];
    }
    ck.use_attention = false;
    digest_of(&ck, hex);
    assert_string_not_equal(hex, base);
    ck.use_attention = true;
    ck.tensors[3].data[4] = -ck.tensors[3].data[4]; /* 0 to -0 */
    digest_of(&ck, hex);
    assert_string_not_equal(hex, base);
    rid_checkpoint_free(&ck);
}

/* Every allocation fails once, with all after it: no crash, no leak, nothing published. */
static void test_no_memory(void **state)
{
    (void)state;
    char hex[65];
    rid_err err;
    rid_checkpoint ck, written = make_checkpoint();
    const char *file = in_folder("a.pt");
    seal(&written);
    int64_t blocks = rid_mem_live_blocks();
    assert_int_equal(rid_checkpoint_write(&written, file, true, &err), RID_OK);
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_checkpoint_read(&ck, file, &err);
        rid_mem_fail_after(0);
        if (st == RID_OK)
            rid_checkpoint_free(&ck);
        else
            assert_int_equal(st, RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    unlink(file);
    st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_checkpoint_write(&written, file, false, &err);
        rid_mem_fail_after(0);
        assert_int_equal(access(file, F_OK) == 0, st == RID_OK);
        if (st != RID_OK)
            assert_int_equal(st, RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_checkpoint_digest(&written, hex, &err);
        rid_mem_fail_after(0);
        assert_int_equal(rid_mem_live_blocks(), blocks);
    }
    rid_checkpoint_free(&written);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"a.pt", "other.model", "x", "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_folder(names[i]));
    if (rid_mem_live_blocks() != 0)
        return -1;
    return rmdir(folder); /* fails where a temporary file was left */
}

static int copy(const char *from, const char *to)
{
    rid_err err;
    rid_checkpoint ck;
    rid_status st = rid_checkpoint_read(&ck, from, &err);
    if (st == RID_OK)
        st = rid_checkpoint_write(&ck, to, true, &err);
    if (st != RID_OK)
        fprintf(stderr, "%s\n", err.message);
    else
        rid_checkpoint_free(&ck);
    return rid_status_exit_code(st);
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--copy") == 0)
        return copy(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_bytes_depend_on_contents_alone),
        cmocka_unit_test(test_write_refuses),
        cmocka_unit_test(test_files_of_pytorch),
        cmocka_unit_test(test_says_what_it_is),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
