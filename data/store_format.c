#include "data/store_format.h"

#include "data/base/mem.h"

#include <string.h>

static const struct {
    const char *name;
    rid_h5_type type;
} columns[RID_STORE_COLUMNS] = {
    [RID_COLUMN_TIMESTAMP_US] = {"/entry/timestamp_us", RID_H5_I64},
    [RID_COLUMN_STATUS] = {"/entry/status", RID_H5_U8},
    [RID_COLUMN_ATTR] = {"/entry/attr", RID_H5_F32},
    [RID_COLUMN_EMBEDDING] = {"/entry/embedding", RID_H5_F32},
    [RID_COLUMN_IMAGE_ENTRY_OFFSET] = {"/images/entry_offset", RID_H5_I64},
    [RID_COLUMN_IMAGE_OFFSET] = {"/images/offset", RID_H5_I64},
    [RID_COLUMN_IMAGE_BYTES] = {"/images/bytes", RID_H5_U8},
    [RID_COLUMN_ATTRS_OFFSET] = {"/attrs/offset", RID_H5_I64},
    [RID_COLUMN_ATTRS_BYTES] = {"/attrs/bytes", RID_H5_U8},
    [RID_COLUMN_FRAME_OFFSET] = {"/frame/offset", RID_H5_I64},
    [RID_COLUMN_FRAME_KEPT] = {"/frame/kept", RID_H5_U8},
    [RID_COLUMN_FRAME_VECTOR] = {"/frame/vector", RID_H5_F32},
};

static const char magic[8] = "RIDSTORE";

enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_FILE_BYTES = 16,
    AT_TABLE = 24,
    AT_EXTENTS = 32,
    AT_DIGEST = 40,
    AT_HEADER_SUM = 56, /* XXH3-64 of the bytes before it */
    EXTENT_BYTES = 16,
    STEP_BYTES = 1 << 20,
};

const char *rid_frames_kind_name(rid_frames_kind k)
{
    static const char *const names[] = {"none", "f32", "f16"};
    return names[k];
}

const char *rid_store_column_name(rid_store_column c)
{
    return columns[c].name;
}

bool rid_store_has_column(rid_store_column c, rid_frames_kind frames)
{
    return frames != RID_FRAMES_NONE || c < RID_COLUMN_FRAME_OFFSET;
}

rid_h5_shape rid_store_column_shape(rid_store_column c, const rid_store_info *info)
{
    rid_h5_shape shape = {.type = columns[c].type};
    shape.matrix = c == RID_COLUMN_ATTR || c == RID_COLUMN_EMBEDDING || c == RID_COLUMN_FRAME_VECTOR;
    shape.cols = c == RID_COLUMN_ATTR        ? info->attr_dim
                 : c == RID_COLUMN_EMBEDDING ? info->emb_dim
                                             : info->vis_dim;
    if (c == RID_COLUMN_FRAME_VECTOR && info->frames == RID_FRAMES_F16)
        shape.type = RID_H5_F16;
    return shape;
}

static void put_u64(unsigned char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t get_u64(const unsigned char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

void rid_store_header_encode(unsigned char block[RID_H5_USER_BLOCK], const rid_store_header *h)
{
    memset(block, 0, RID_H5_USER_BLOCK);
    memcpy(block + AT_MAGIC, magic, sizeof magic);
    put_u64(block + AT_VERSION, RID_STORE_VERSION);
    put_u64(block + AT_FILE_BYTES, h->file_bytes);
    put_u64(block + AT_TABLE, h->table_offset);
    put_u64(block + AT_EXTENTS, h->n_extents);
    memcpy(block + AT_DIGEST, h->digest.bytes, sizeof h->digest.bytes);
    put_u64(block + AT_HEADER_SUM, rid_hash64(block, AT_HEADER_SUM));
}

rid_status rid_store_header_decode(rid_store_header *h, const unsigned char block[RID_H5_USER_BLOCK],
                                   rid_err *err)
{
    if (memcmp(block + AT_MAGIC, magic, sizeof magic) != 0)
        return RID_FAIL(err, RID_EDATA, "is no rid store (expected '%.8s' at byte 0)", magic);
    uint64_t version = get_u64(block + AT_VERSION);
    if (version != RID_STORE_VERSION)
        return RID_FAIL(err, RID_EDATA, "is a store of format version %llu; this tool reads %d",
                        (unsigned long long)version, RID_STORE_VERSION);
    if (get_u64(block + AT_HEADER_SUM) != rid_hash64(block, AT_HEADER_SUM))
        return RID_FAIL(err, RID_EDATA, "has a damaged header (bytes 0 to %d)", AT_HEADER_SUM + 7);
    for (size_t i = AT_HEADER_SUM + 8; i < RID_H5_USER_BLOCK; i++)
        if (block[i] != 0)
            return RID_FAIL(err, RID_EDATA, "has a damaged header (byte %zu is not 0)", i);
    h->file_bytes = get_u64(block + AT_FILE_BYTES);
    h->table_offset = get_u64(block + AT_TABLE);
    h->n_extents = get_u64(block + AT_EXTENTS);
    memcpy(h->digest.bytes, block + AT_DIGEST, sizeof h->digest.bytes);
    if (h->table_offset < RID_H5_USER_BLOCK || h->table_offset > h->file_bytes ||
        (h->file_bytes - h->table_offset) / EXTENT_BYTES != h->n_extents ||
        (h->file_bytes - h->table_offset) % EXTENT_BYTES != 0)
        return RID_FAIL(err, RID_EDATA, "has a header that contradicts itself");
    return RID_OK;
}

void rid_store_table_encode(unsigned char *bytes, const rid_extent *table, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put_u64(bytes + i * EXTENT_BYTES, table[i].offset);
        put_u64(bytes + i * EXTENT_BYTES + 8, table[i].bytes);
    }
}

void rid_store_table_decode(rid_extent *table, const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        table[i] = (rid_extent){get_u64(bytes + i * EXTENT_BYTES),
                                get_u64(bytes + i * EXTENT_BYTES + 8)};
}

static rid_status digest_run(rid_hasher *hasher, int fd, uint64_t from, uint64_t to,
                             unsigned char *block, const char *name, rid_err *err)
{
    while (from < to) {
        size_t n = to - from < STEP_BYTES ? (size_t)(to - from) : STEP_BYTES;
        rid_status st = rid_fd_read_at(fd, block, n, (long long)from, name, err);
        if (st != RID_OK)
            return st;
        rid_hasher_add(hasher, block, n);
        from += n;
    }
    return RID_OK;
}

rid_status rid_store_digest_file(rid_digest128 *digest, int fd, const rid_store_header *h,
                                 const rid_extent *table, const char *name, rid_err *err)
{
    rid_status st = RID_OK;
    uint64_t at = RID_H5_USER_BLOCK;
    rid_hasher *hasher = rid_hasher_new();
    unsigned char *block = rid_mem_alloc(STEP_BYTES, 1);
    if (!hasher || !block)
        st = RID_FAIL_NOMEM(err);
    for (uint64_t i = 0; i < h->n_extents && st == RID_OK; i++) {
        if (table[i].offset < at || table[i].offset > h->table_offset ||
            table[i].bytes > h->table_offset - table[i].offset) {
            st = RID_FAIL(err, RID_EDATA, "%s: its table of frame chunks is damaged (row %llu)", name,
                          (unsigned long long)i);
            break;
        }
        st = digest_run(hasher, fd, at, table[i].offset, block, name, err);
        at = table[i].offset + table[i].bytes;
    }
    if (st == RID_OK)
        st = digest_run(hasher, fd, at, h->file_bytes, block, name, err);
    if (st == RID_OK)
        *digest = rid_hasher_end(hasher);
    rid_mem_free(block);
    rid_hasher_free(hasher);
    return st;
}

rid_status rid_store_info_copy(rid_store_info *a, const rid_store_info *b, rid_err *err)
{
    *a = *b;
    const char *none = b->operating_point;
    a->encoder_hash = rid_mem_strdup(b->encoder_hash);
    a->encoder = rid_mem_strdup(b->encoder);
    a->kernel = rid_mem_strdup(b->kernel);
    a->schema = rid_mem_strdup(b->schema);
    a->filter = rid_mem_strdup(b->filter);
    a->operating_point = none ? rid_mem_strdup(none) : NULL;
    a->tool_version = rid_mem_strdup(b->tool_version ? b->tool_version : RID_VERSION);
    if (!a->encoder_hash || !a->encoder || !a->kernel || !a->schema || !a->filter ||
        (none && !a->operating_point) || !a->tool_version) {
        rid_store_info_free(a);
        return RID_FAIL_NOMEM(err);
    }
    return RID_OK;
}

void rid_store_info_free(rid_store_info *a)
{
    const char *strings[] = {a->encoder_hash, a->encoder,         a->kernel,      a->schema,
                             a->filter,       a->operating_point, a->tool_version};
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
        rid_mem_free((void *)(uintptr_t)strings[i]);
    *a = (rid_store_info){0};
}
