#include "data/inflate.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

typedef enum codec { UNKNOWN, PLAIN, GZIP, ZSTD } codec;

enum { RAW_BYTES = 1 << 18, MAGIC_BYTES = 4 };

struct rid_reader {
    int fd;
    const atomic_bool *stop;
    bool close_fd, regular;
    codec codec;
    uint64_t raw_bytes;
    unsigned char *raw; /* raw[at..len) is not yet used */
    size_t at, len;
    bool ended;     /* the file has no more bytes */
    bool in_stream; /* inside a gzip member or zstd frame */
    z_stream gzip;
    ZSTD_DStream *zstd;
};

rid_status rid_reader_open(rid_reader **out, const char *path, const atomic_bool *stop, rid_err *err)
{
    struct stat s;
    bool standard = strcmp(path, "-") == 0;
    *out = NULL;
    rid_reader *r = rid_mem_zalloc(1, sizeof *r);
    if (!r || !(r->raw = rid_mem_alloc(RAW_BYTES, 1))) {
        rid_mem_free(r);
        return RID_FAIL_NOMEM(err);
    }
    /* Opening a named pipe would wait for its writer where neither *stop nor a signal ends it; reading
     * waits as it should (rid_interrupt_read). */
    r->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    r->close_fd = !standard;
    r->stop = stop;
    rid_status st = RID_OK;
    if (r->fd < 0)
        st = RID_FAIL_ERRNO(err, "%s", path);
    else if (fstat(r->fd, &s) != 0)
        st = RID_FAIL_ERRNO(err, "%s: stat", path);
    else if (S_ISDIR(s.st_mode))
        st = RID_FAIL(err, RID_ENOINPUT, "%s: is a directory", path);
    else if (!standard && fcntl(r->fd, F_SETFL, O_RDONLY) != 0)
        st = RID_FAIL_ERRNO(err, "%s: fcntl", path);
    if (st != RID_OK) {
        rid_reader_close(r);
        return st;
    }
    r->regular = S_ISREG(s.st_mode);
    if (r->regular)
        (void)posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *out = r;
    return RID_OK;
}

void rid_reader_close(rid_reader *r)
{
    if (!r)
        return;
    if (r->codec == GZIP)
        inflateEnd(&r->gzip);
    ZSTD_freeDStream(r->zstd);
    if (r->close_fd && r->fd >= 0)
        close(r->fd);
    rid_mem_free(r->raw);
    rid_mem_free(r);
}

uint64_t rid_reader_raw_bytes(const rid_reader *r)
{
    return r->raw_bytes;
}

static rid_status read_fd(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err)
{
    ssize_t k;
    do
        k = r->regular ? read(r->fd, bytes, n) : rid_interrupt_read(r->fd, bytes, n, r->stop);
    while (k < 0 && errno == EINTR && r->regular);
    if (k < 0) {
        if (errno != EINTR)
            return RID_FAIL_ERRNO(err, "read");
        rid_status st = rid_interrupt_check(err);
        return st != RID_OK ? st : RID_FAIL(err, RID_EINTR, "reading was given up");
    }
    r->raw_bytes += (uint64_t)k;
    r->ended |= k == 0;
    *got = (size_t)k;
    return RID_OK;
}

static rid_status refill(rid_reader *r, rid_err *err)
{
    size_t got;
    memmove(r->raw, r->raw + r->at, r->len - r->at);
    r->len -= r->at;
    r->at = 0;
    if (r->ended || r->len == RAW_BYTES)
        return RID_OK;
    rid_status st = read_fd(r, r->raw + r->len, RAW_BYTES - r->len, &got, err);
    if (st == RID_OK)
        r->len += got;
    return st;
}

static rid_status detect(rid_reader *r, rid_err *err)
{
    static const unsigned char gzip_magic[] = {0x1F, 0x8B}, zstd_magic[] = {0x28, 0xB5, 0x2F, 0xFD};
    /* Enough for a magic number; a line without one (a coprocess) must not wait for more. */
    while (r->len < MAGIC_BYTES && !r->ended &&
           (r->len == 0 || r->raw[0] == gzip_magic[0] || r->raw[0] == zstd_magic[0])) {
        rid_status st = refill(r, err);
        if (st != RID_OK)
            return st;
    }
    if (r->len >= 2 && memcmp(r->raw, gzip_magic, 2) == 0) {
        if (inflateInit2(&r->gzip, 16 + MAX_WBITS) != Z_OK)
            return RID_FAIL_NOMEM(err);
        r->codec = GZIP;
    } else if (r->len >= 4 && memcmp(r->raw, zstd_magic, 4) == 0) {
        if (!(r->zstd = ZSTD_createDStream()))
            return RID_FAIL_NOMEM(err);
        r->codec = ZSTD;
    } else {
        r->codec = PLAIN;
    }
    return RID_OK;
}

static uint64_t position(const rid_reader *r)
{
    return r->raw_bytes - (r->len - r->at);
}

static rid_status step_gzip(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err)
{
    r->gzip.next_in = r->raw + r->at;
    r->gzip.avail_in = (uInt)(r->len - r->at);
    r->gzip.next_out = bytes;
    r->gzip.avail_out = n > 1U << 30 ? 1U << 30 : (uInt)n;
    uInt room = r->gzip.avail_out;
    r->in_stream = true;
    int code = inflate(&r->gzip, Z_NO_FLUSH);
    r->at = r->len - r->gzip.avail_in;
    *got = room - r->gzip.avail_out;
    if (code == Z_STREAM_END) {
        r->in_stream = false;
        inflateReset(&r->gzip);
    } else if (code == Z_MEM_ERROR) {
        return RID_FAIL_NOMEM(err);
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return RID_FAIL(err, RID_EDATA, "damaged gzip data near compressed byte %llu: %s",
                        (unsigned long long)position(r), r->gzip.msg ? r->gzip.msg : "unreadable");
    }
    return RID_OK;
}

static rid_status step_zstd(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err)
{
    ZSTD_inBuffer in = {r->raw, r->len, r->at};
    ZSTD_outBuffer out = {bytes, n, 0};
    size_t code = ZSTD_decompressStream(r->zstd, &out, &in);
    r->at = in.pos;
    *got = out.pos;
    if (ZSTD_isError(code))
        return RID_FAIL(err, RID_EDATA, "damaged zstd data near compressed byte %llu: %s",
                        (unsigned long long)position(r), ZSTD_getErrorName(code));
    r->in_stream = code != 0;
    return RID_OK;
}

/* Decompresses until at least one byte is there, or the end. */
static rid_status read_compressed(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err)
{
    *got = 0;
    for (;;) {
        bool had_input = r->at < r->len;
        if (had_input || r->in_stream) {
            rid_status st = r->codec == GZIP ? step_gzip(r, bytes, n, got, err)
                                             : step_zstd(r, bytes, n, got, err);
            if (st != RID_OK || *got > 0)
                return st;
        }
        if (r->at < r->len)
            continue;
        if (r->ended && r->in_stream)
            return RID_FAIL(err, RID_EDATA, "compressed data is cut short at byte %llu",
                            (unsigned long long)position(r));
        if (r->ended)
            return RID_OK;
        rid_status st = refill(r, err);
        if (st != RID_OK)
            return st;
    }
}

rid_status rid_reader_read(rid_reader *r, void *bytes, size_t n, size_t *got, rid_err *err)
{
    *got = 0;
    if (r->codec == UNKNOWN) {
        rid_status st = detect(r, err);
        if (st != RID_OK)
            return st;
    }
    if (r->codec != PLAIN)
        return read_compressed(r, bytes, n, got, err);
    if (r->at < r->len) {
        *got = r->len - r->at < n ? r->len - r->at : n;
        memcpy(bytes, r->raw + r->at, *got);
        r->at += *got;
        return RID_OK;
    }
    return r->ended ? RID_OK : read_fd(r, bytes, n, got, err);
}
