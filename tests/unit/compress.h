/** Compressed files for tests. */
#ifndef RID_TEST_COMPRESS_H
#define RID_TEST_COMPRESS_H

#include "tests/unit/fixture.h"

#include <zlib.h>
#include <zstd.h>

/** Appends text as one gzip member. */
static FX_UNUSED void fx_gzip(rid_buf *out, const void *text, size_t n)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&z, n) + 64;
    char *at = rid_buf_reserve(out, room);
    assert_non_null(at);
    z.next_in = (Bytef *)(uintptr_t)text;
    z.avail_in = (uInt)n;
    z.next_out = (Bytef *)at;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len += z.total_out;
    deflateEnd(&z);
}

/** Appends text as one zstd frame with a checksum. */
static FX_UNUSED void fx_zstd(rid_buf *out, const void *text, size_t n)
{
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    assert_non_null(ctx);
    ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
    char *at = rid_buf_reserve(out, ZSTD_compressBound(n));
    assert_non_null(at);
    size_t wrote = ZSTD_compress2(ctx, at, ZSTD_compressBound(n), text, n);
    assert_false(ZSTD_isError(wrote));
    out->len += wrote;
    ZSTD_freeCCtx(ctx);
}

typedef void fx_compressor(rid_buf *out, const void *text, size_t n);

#endif
