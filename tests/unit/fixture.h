/** What several unit tests share: a scratch directory, files in it, compressed and cut ones,
 * payload texts, and a watchdog that turns a hang into a failure. Include it first; one program,
 * one test. */
#ifndef RID_TEST_FIXTURE_H
#define RID_TEST_FIXTURE_H

#include "data/base/buf.h"
#include "data/base/err.h"
#include "data/base/mem.h"
#include "data/base/random.h"
#include "data/jsonw.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FX_UNUSED __attribute__((unused))

/** RID_OK, or the test fails with the message. */
#define assert_ok(call)                                                                            \
    do {                                                                                           \
        rid_err err = {0};                                                                         \
        rid_status fx_status = (call);                                                             \
        if (fx_status != RID_OK)                                                                   \
            fail_msg("%s: %d: %s", #call, (int)fx_status, err.message);                            \
    } while (0)

/** That status, and a message which holds `part`. `err` is the call's last argument. */
#define assert_fails(call, status, part)                                                           \
    do {                                                                                           \
        rid_err err = {0};                                                                         \
        rid_status fx_status = (call);                                                             \
        if (fx_status != (status) || err.code != (status) || !strstr(err.message, (part)))         \
            fail_msg("%s: status %d (expected %d): '%s' (expected '%s')", #call, (int)fx_status,   \
                     (int)(status), err.message, (part));                                          \
    } while (0)

static char fx_root[64];

static FX_UNUSED int fx_remove_one(const char *path, const struct stat *s, int type, struct FTW *f)
{
    (void)s;
    (void)type;
    (void)f;
    return remove(path);
}

/** Group set-up and tear-down. Nothing here takes `seconds`; more is a hang. */
static FX_UNUSED int fx_begin(void **state)
{
    (void)state;
    snprintf(fx_root, sizeof fx_root, "/tmp/rid-test-XXXXXX");
    alarm(180);
    return mkdtemp(fx_root) ? 0 : -1;
}

static FX_UNUSED int fx_end(void **state)
{
    (void)state;
    return nftw(fx_root, fx_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/** Path of a name in the scratch directory; valid until the eighth next call. */
static FX_UNUSED const char *fx_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", fx_root, name);
    return path;
}

static FX_UNUSED const char *fx_write_bytes(const char *name, const void *bytes, size_t n)
{
    const char *path = fx_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return path;
}

static FX_UNUSED const char *fx_write(const char *name, const char *text)
{
    return fx_write_bytes(name, text, strlen(text));
}

/** The whole file; the caller frees with rid_buf_free. */
static FX_UNUSED rid_buf fx_read(const char *path)
{
    rid_buf b = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t got = 1; got;) {
        char *at = rid_buf_reserve(&b, 65536);
        assert_non_null(at);
        got = fread(at, 1, 65536, f);
        b.len += got;
    }
    fclose(f);
    return b;
}

static FX_UNUSED bool fx_exists(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0;
}

/** A generator for one test's random choices. */
static FX_UNUSED rid_random fx_random(uint64_t key)
{
    return rid_random_of(&key, 1);
}

/** Appends a payload of rows × cols frames that only the seed decides. */
static FX_UNUSED void fx_payload(rid_buf *b, const char *id, const char *day, const char *store,
                                 size_t rows, size_t cols, uint64_t seed)
{
    rid_random r = fx_random(seed);
    rid_jsonw w = {b, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "entry_id");
    rid_jsonw_cstr(&w, id);
    if (day) {
        rid_jsonw_key(&w, "day_id");
        rid_jsonw_cstr(&w, day);
    }
    if (store) {
        rid_jsonw_key(&w, "store_id");
        rid_jsonw_cstr(&w, store);
    }
    rid_jsonw_key(&w, "embeddings");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < rows; i++) {
        rid_jsonw_begin_array(&w);
        for (size_t k = 0; k < cols; k++)
            rid_jsonw_f32(&w, (float)rid_random_normal(&r));
        rid_jsonw_end_array(&w);
    }
    rid_jsonw_end_array(&w);
    rid_jsonw_end_object(&w);
}

#endif
