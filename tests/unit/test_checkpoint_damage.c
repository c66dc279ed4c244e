/* Damaged and hostile checkpoints: every truncation, every flipped bit, pickles made to waste
 * memory. Nothing crashes or leaks, what is read is what was written, and memory stays within twice
 * the file's size + 1 MiB, counted at malloc itself (not under the sanitizers). */
#include "train/checkpoint.h"

#include "data/base/buf.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/base/random.h"
#include "train/checkpoint_meta.h"
#include "train/crc32.h"
#include "train/zipwrite.h"

#include <fcntl.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static _Atomic size_t held, held_most;

#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define COUNTED 1
/* glibc's allocator under its own names, so that ours can stand before it and count. */
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *p);

static void *count(void *p)
{
    if (p) {
        size_t now = atomic_fetch_add(&held, malloc_usable_size(p)) + malloc_usable_size(p);
        if (now > held_most)
            held_most = now;
    }
    return p;
}

void *malloc(size_t n)
{
    return count(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
    return count(__libc_calloc(n, size));
}

void free(void *p)
{
    if (p)
        held -= malloc_usable_size(p);
    __libc_free(p);
}

void *realloc(void *p, size_t n)
{
    size_t before = p ? malloc_usable_size(p) : 0;
    void *q = __libc_realloc(p, n);
    if (q || n == 0)
        held -= before;
    return count(q);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return count(__libc_memalign(alignment, n));
}
#else
#define COUNTED 0
#endif

static char folder[] = "/tmp/rid-test-damage-XXXXXX";
static char file[64];

static unsigned char good[8192], bad[8192];
static size_t n_good;
static rid_checkpoint written;

static size_t slurp(const char *path, unsigned char *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    assert_true(n < room);
    return n;
}

static bool same(const rid_checkpoint *a, const rid_checkpoint *b)
{
    bool ok = a->n_tensors == b->n_tensors && a->vis_dim == b->vis_dim &&
              a->attr_dim == b->attr_dim && a->emb_dim == b->emb_dim &&
              a->use_attention == b->use_attention && a->dropout == b->dropout &&
              strcmp(a->fusion_mode, b->fusion_mode) == 0;
    for (size_t i = 0; ok && i < a->n_tensors; i++)
        ok = strcmp(a->tensors[i].name, b->tensors[i].name) == 0 &&
             a->tensors[i].numel == b->tensors[i].numel &&
             memcmp(a->tensors[i].data, b->tensors[i].data, a->tensors[i].numel * 4) == 0;
    return ok;
}

/* Reads `path`, a file of n bytes, and checks what must hold whatever is in it. */
static rid_status read_path(rid_checkpoint *ck, const char *path, size_t n)
{
    rid_err err = {0};
    int64_t blocks = rid_mem_live_blocks();
    size_t before = held;
    held_most = before;
    rid_status st = rid_checkpoint_read(ck, path, &err);
    if (held_most - before > 2 * n + (1 << 20))
        fail_msg("%zu bytes held for a file of %zu", held_most - before, n);
    if (st == RID_OK)
        return st;
    if (st != RID_EDATA || strlen(err.message) <= strlen(path))
        fail_msg("status %d: %s", st, err.message);
    assert_int_equal(rid_mem_live_blocks(), blocks);
    return st;
}

static rid_status read_bytes(rid_checkpoint *ck, const void *bytes, size_t n)
{
    char path[64];
    int fd = memfd_create("checkpoint", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), (ssize_t)n);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    rid_status st = read_path(ck, path, n);
    close(fd);
    return st;
}

/* Damage either is seen or hit what does not matter (padding, dates). */
static void expect_same_or_refused(const void *bytes, size_t n)
{
    rid_checkpoint ck;
    if (read_bytes(&ck, bytes, n) != RID_OK)
        return;
    assert_true(same(&ck, &written));
    rid_checkpoint_free(&ck);
}

static void test_truncated(void **state)
{
    (void)state;
    rid_checkpoint ck;
    for (size_t n = 0; n < n_good; n++)
        assert_int_equal(read_bytes(&ck, good, n), RID_EDATA);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    memcpy(bad, good, n_good);
    for (size_t bit = 0; bit < 8 * n_good; bit++) {
        bad[bit / 8] ^= (unsigned char)(1 << bit % 8);
        expect_same_or_refused(bad, n_good);
        bad[bit / 8] = good[bit / 8];
    }
}

static void put32(unsigned char *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t get32(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

enum { PICKLE_AT = 64 }; /* data.pkl is the first record, aligned to 64 */

/* Makes the damaged pickle's CRC right, so that the unpickler sees it. */
static void fix_crc(unsigned char *bytes)
{
    uint32_t crc = rid_crc32(0, bytes + PICKLE_AT, get32(bytes + 18));
    put32(bytes + 14, crc);
    put32(bytes + get32(bytes + n_good - 6) + 16, crc);
}

static void test_flipped_bits_under_the_crc(void **state)
{
    (void)state;
    size_t n = get32(good + 18);
    memcpy(bad, good, n_good);
    for (size_t bit = 8 * PICKLE_AT; bit < 8 * (PICKLE_AT + n); bit++) {
        bad[bit / 8] ^= (unsigned char)(1 << bit % 8);
        fix_crc(bad);
        rid_checkpoint ck;
        if (read_bytes(&ck, bad, n_good) == RID_OK)
            rid_checkpoint_free(&ck);
        bad[bit / 8] = good[bit / 8];
    }
}

static void test_random_pickles(void **state)
{
    (void)state;
    static const unsigned char opcodes[] = "\x80.(0N\x88\x89JKM\x8AGX\x8C)\x85\x86\x87t]ae}sub"
                                           "qrhj\x94\x93RQc";
    const uint64_t seed[] = {7};
    rid_random r = rid_random_of(seed, 1);
    size_t n = get32(good + 18);
    for (int round = 0; round < 20000; round++) {
        memcpy(bad, good, n_good);
        for (uint64_t k = rid_random_u64(&r) % 8 + 1; k > 0; k--) {
            uint64_t x = rid_random_u64(&r);
            size_t at = PICKLE_AT + (x >> 32) % n;
            if (x & 1)
                bad[at] = opcodes[(x >> 8 & 0xFFFF) % (sizeof opcodes - 1)];
            else
                memmove(bad + at, bad + PICKLE_AT, (PICKLE_AT + n - at) % 32);
        }
        fix_crc(bad);
        rid_checkpoint ck;
        if (read_bytes(&ck, bad, n_good) == RID_OK)
            rid_checkpoint_free(&ck);
    }
}

static void test_damaged_files_of_pytorch(void **state)
{
    (void)state;
    static const char *const names[] = {"torch113_mixed.pt", "torch2_mixed.pt"};
    for (size_t i = 0; i < 2; i++) {
        char path[64];
        rid_checkpoint ck;
        snprintf(path, sizeof path, "tests/vectors/ckpt/%s", names[i]);
        size_t n = slurp(path, bad, sizeof bad);
        for (size_t short_n = 0; short_n < n; short_n++)
            assert_int_equal(read_bytes(&ck, bad, short_n), RID_EDATA);
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bad[bit / 8] ^= (unsigned char)(1 << bit % 8);
            if (read_bytes(&ck, bad, n) == RID_OK)
                rid_checkpoint_free(&ck);
            bad[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
    }
}

#define LITERAL(s) s, sizeof(s) - 1

/* Writes an archive of a pickle and one storage of zeros, and reads it. */
static rid_status read_pickle(const rid_buf *pickle, size_t n_floats)
{
    rid_err err;
    rid_publish *out;
    rid_checkpoint ck;
    float *zeros = rid_mem_zalloc(n_floats, sizeof *zeros);
    assert_int_equal(rid_publish_begin(&out, file, true, &err), RID_OK);
    rid_zipwriter *zip = rid_zipwriter_new(out);
    assert_int_equal(rid_zipwriter_add(zip, "a/data.pkl", pickle->data, pickle->len, &err), RID_OK);
    assert_int_equal(rid_zipwriter_add(zip, "a/data/0", zeros, n_floats * 4, &err), RID_OK);
    assert_int_equal(rid_zipwriter_finish(zip, &err), RID_OK);
    rid_zipwriter_free(zip);
    rid_mem_free(zeros);
    size_t n = (size_t)lseek(rid_publish_fd(out), 0, SEEK_END);
    assert_int_equal(rid_publish_commit(out, &err), RID_OK);
    rid_status st = read_path(&ck, file, n);
    if (st == RID_OK)
        rid_checkpoint_free(&ck);
    return st;
}

/* One byte of pickle each makes a value of 24 and a place on the stack. */
static void test_one_byte_values(void **state)
{
    (void)state;
    static const char *const repeated[] = {"N",    "]",     "}",     ")",      "(",
                                           "\x88", "N\x94", "]\x94", "Nq\xFF", "Nr\xFF\xFF\x0F",
                                           "h",    "]a",    "(t",    "(u",     "K\x01\x85"};
    for (size_t i = 0; i < sizeof repeated / sizeof *repeated; i++) {
        for (size_t times = 1000; times <= 2500000; times *= 50) {
            rid_buf pickle = {0};
            rid_buf_append(&pickle, LITERAL("\x80\x02]"));
            for (size_t k = 0; k < times; k++)
                rid_buf_append_str(&pickle, repeated[i]);
            rid_buf_append_char(&pickle, '.');
            assert_int_equal(read_pickle(&pickle, 1), RID_EDATA);
            rid_buf_free(&pickle);
        }
    }
}

/* A state dict of `times` names for one tensor of n floats: each would be a copy of its own. */
static rid_status read_shared(unsigned times, unsigned n)
{
    rid_buf p = {0};
    rid_buf_append(&p, LITERAL("\x80\x02}("));
    rid_buf_append(
        &p, LITERAL("X\x07\0\0\0vis_dimK\x01X\x08\0\0\0attr_dimK\x00X\x07\0\0\0emb_dimK\x01"));
    rid_buf_append(&p, LITERAL("X\x0d\0\0\0use_attention\x88"));
    rid_buf_append(&p, LITERAL("X\x0a\0\0\0state_dict}("));
    for (unsigned i = 0; i < times; i++) {
        char name[16];
        rid_buf_append(&p, LITERAL("X\x08\0\0\0"));
        snprintf(name, sizeof name, "%08u", i);
        rid_buf_append(&p, name, 8);
        if (i) {
            rid_buf_append(&p, LITERAL("h\x01"));
            continue;
        }
        rid_buf_append_str(&p, "ctorch._utils\n_rebuild_tensor_v2\n((");
        rid_buf_append(&p, LITERAL("X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
                                   "0X\x03\0\0\0cpuJ"));
        put32((unsigned char *)rid_buf_reserve(&p, 4), n);
        p.len += 4;
        rid_buf_append(&p, LITERAL("tQK\0J"));
        put32((unsigned char *)rid_buf_reserve(&p, 4), n);
        p.len += 4;
        rid_buf_append(&p, LITERAL("\x85K\x01\x85\x89}tRq\x01"));
    }
    rid_buf_append(&p, LITERAL("uu."));
    rid_status st = read_pickle(&p, n);
    rid_buf_free(&p);
    return st;
}

static void test_shared_storage(void **state)
{
    (void)state;
    size_t before = held;
    assert_int_equal(read_shared(1, 1000000), RID_OK);
    assert_true(!COUNTED || held_most > before + 4000000); /* the counter counts */
    assert_int_equal(read_shared(2, 1000000), RID_OK);     /* tied weights */
    assert_int_equal(read_shared(3, 1000000), RID_EDATA);
    assert_int_equal(read_shared(900, 10), RID_OK);
    assert_int_equal(read_shared(4000, 1000), RID_EDATA);
    assert_int_equal(read_shared(100000, 1), RID_EDATA);
}

static int make_files(void **state)
{
    (void)state;
    rid_err err;
    rid_checkpoint_meta m = {.filter = rid_mem_strdup("{\"cap\":4}")};
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof file, "%s/a.pt", folder);
    written = (rid_checkpoint){.n_tensors = 2,
                               .vis_dim = 3,
                               .attr_dim = 300,
                               .emb_dim = 70000,
                               .use_attention = true,
                               .dropout = 0.1,
                               .fusion_mode = rid_mem_strdup("baseline")};
    written.tensors = rid_mem_zalloc(2, sizeof *written.tensors);
    for (int i = 0; i < 2; i++) {
        rid_tensor *t = &written.tensors[i];
        *t = (rid_tensor){.name = rid_mem_strdup(i ? "vis_proj.bias" : "vis_proj.weight"),
                          .n_dims = 2 - i,
                          .shape = {4, 3},
                          .numel = i ? 4 : 12};
        t->data = rid_mem_alloc(t->numel, sizeof *t->data);
        for (size_t j = 0; j < t->numel; j++)
            t->data[j] = (float)j - 1.5f;
    }
    if (rid_checkpoint_meta_seal(&written, &m, &err) != RID_OK ||
        rid_checkpoint_write(&written, file, true, &err) != RID_OK)
        return -1;
    rid_checkpoint_meta_free(&m);
    n_good = slurp(file, good, sizeof good);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(file);
    rid_checkpoint_free(&written);
    return rid_mem_live_blocks() != 0 ? -1 : rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_flipped_bits_under_the_crc),
        cmocka_unit_test(test_random_pickles),
        cmocka_unit_test(test_damaged_files_of_pytorch),
        cmocka_unit_test(test_one_byte_values),
        cmocka_unit_test(test_shared_storage),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
