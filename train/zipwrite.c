#include "train/zipwrite.h"

#include "data/base/buf.h"
#include "data/base/mem.h"
#include "train/crc32.h"

#include <string.h>

enum {
    ALIGNMENT = 64,
    LOCAL_SIG = 0x04034b50,
    LOCAL_BYTES = 30,
    CENTRAL_SIG = 0x02014b50,
    END_SIG = 0x06054b50,
    END_BYTES = 22,
    FLAG_UTF8 = 1 << 11,
    PADDING_ID = 'F' | 'B' << 8, /* the extra field that PyTorch pads with */
    EXTRA_HEAD = 4,
    RECORDS_MAX = 0xFFFE,
};

struct rid_zipwriter {
    rid_publish *out;
    rid_buf directory, header;
    uint64_t at; /* bytes written */
    uint32_t n_records;
};

rid_zipwriter *rid_zipwriter_new(rid_publish *out)
{
    rid_zipwriter *w = rid_mem_zalloc(1, sizeof *w);
    if (w)
        w->out = out;
    return w;
}

void rid_zipwriter_free(rid_zipwriter *w)
{
    if (!w)
        return;
    rid_buf_free(&w->directory);
    rid_buf_free(&w->header);
    rid_mem_free(w);
}

static void put16(rid_buf *b, uint32_t v)
{
    unsigned char bytes[2] = {(unsigned char)v, (unsigned char)(v >> 8)};
    rid_buf_append(b, bytes, sizeof bytes);
}

static void put32(rid_buf *b, uint32_t v)
{
    put16(b, v & 0xFFFF);
    put16(b, v >> 16);
}

/* What a local header and a directory entry share: version, flags, method, date, CRC, sizes. */
static void put_common(rid_buf *b, uint32_t crc, uint32_t n, uint32_t n_name)
{
    put16(b, 0);
    put16(b, FLAG_UTF8);
    put16(b, 0); /* stored */
    put32(b, 0); /* no date */
    put32(b, crc);
    put32(b, n);
    put32(b, n);
    put16(b, n_name);
}

static rid_status flush(rid_zipwriter *w, rid_buf *b, rid_err *err)
{
    if (b->failed)
        return RID_FAIL_NOMEM(err);
    w->at += b->len;
    return rid_publish_write(w->out, b->data, b->len, err);
}

rid_status rid_zipwriter_add(rid_zipwriter *w, const char *name, const void *bytes, uint64_t n,
                             rid_err *err)
{
    uint32_t n_name = (uint32_t)strlen(name);
    uint64_t unpadded = w->at + LOCAL_BYTES + n_name + EXTRA_HEAD;
    uint32_t padding = (uint32_t)(-unpadded % ALIGNMENT);
    uint64_t end = n < UINT32_MAX ? unpadded + padding + n : UINT64_MAX;
    if (end >= UINT32_MAX - w->directory.len - 65536 || w->n_records == RECORDS_MAX)
        return RID_FAIL(err, RID_EFAIL, "record %s: checkpoints over 4 GiB are not written", name);
    uint32_t crc = rid_crc32(0, bytes, n), header_at = (uint32_t)w->at;

    rid_buf *b = &w->header;
    rid_buf_clear(b);
    put32(b, LOCAL_SIG);
    put_common(b, crc, (uint32_t)n, n_name);
    put16(b, EXTRA_HEAD + padding);
    rid_buf_append(b, name, n_name);
    put16(b, PADDING_ID);
    put16(b, padding);
    for (uint32_t i = 0; i < padding; i++)
        rid_buf_append_char(b, 'Z');
    rid_status st = flush(w, b, err);
    if (st == RID_OK)
        st = rid_publish_write(w->out, bytes, n, err);
    if (st != RID_OK)
        return st;
    w->at += n;
    w->n_records++;

    b = &w->directory;
    put32(b, CENTRAL_SIG);
    put16(b, 0); /* version made by */
    put_common(b, crc, (uint32_t)n, n_name);
    put16(b, 0); /* extra */
    put16(b, 0); /* comment */
    put16(b, 0); /* disk */
    put16(b, 0); /* internal attributes */
    put32(b, 0); /* external attributes */
    put32(b, header_at);
    rid_buf_append(b, name, n_name);
    return b->failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

rid_status rid_zipwriter_finish(rid_zipwriter *w, rid_err *err)
{
    uint32_t size = (uint32_t)w->directory.len, at = (uint32_t)w->at;
    rid_buf *b = &w->directory;
    put32(b, END_SIG);
    put32(b, 0); /* disks */
    put16(b, w->n_records);
    put16(b, w->n_records);
    put32(b, size);
    put32(b, at);
    put16(b, 0); /* comment */
    return flush(w, b, err);
}
