#include "data/store_seal.h"

#include "data/base/mem.h"
#include "data/store_format.h"

#include <unistd.h>

/* The runs of frame chunks in the closed file, ascending. */
static rid_status frame_extents(const char *path, const rid_store_info *info, rid_extent **table,
                                size_t *n, rid_err *err)
{
    rid_h5 *h5 = NULL;
    rid_h5_column *column = NULL;
    const uint64_t *offsets_of = NULL;
    size_t n_chunks = 0, bytes = 0, cap = 0;
    *table = NULL;
    *n = 0;
    if (info->frames == RID_FRAMES_NONE)
        return RID_OK;
    rid_status st = rid_h5_open(&h5, path, err);
    if (st == RID_OK)
        st = rid_h5_column_open(&column, h5, rid_store_column_name(RID_COLUMN_FRAME_VECTOR),
                                rid_store_column_shape(RID_COLUMN_FRAME_VECTOR, info), err);
    if (st == RID_OK)
        rid_h5_column_chunks(column, &offsets_of, &n_chunks, &bytes);
    for (size_t i = 0; i < n_chunks && st == RID_OK; i++) {
        rid_extent *last = *n ? &(*table)[*n - 1] : NULL;
        if (last && last->offset + last->bytes == offsets_of[i]) {
            last->bytes += bytes;
        } else if (last && offsets_of[i] < last->offset + last->bytes) {
            st = RID_FAIL(err, RID_EFAIL, "%s: frame chunks out of order", path);
        } else if (rid_mem_grow(table, &cap, *n + 1, sizeof **table) != 0) {
            st = RID_FAIL_NOMEM(err);
        } else {
            (*table)[(*n)++] = (rid_extent){offsets_of[i], bytes};
        }
    }
    rid_h5_column_close(column);
    rid_h5_abandon(h5);
    return st;
}

rid_status rid_store_seal(rid_publish *publish, const rid_store_info *info, rid_err *err)
{
    const char *path = rid_publish_temp_path(publish);
    int fd = rid_publish_fd(publish);
    rid_extent *table = NULL;
    size_t n = 0;
    unsigned char block[RID_H5_USER_BLOCK], *bytes = NULL;
    rid_status st = frame_extents(path, info, &table, &n, err);
    off_t end = lseek(fd, 0, SEEK_END);
    if (st == RID_OK && end < 0)
        st = RID_FAIL_ERRNO(err, "%s: seek", path);
    if (st == RID_OK && !(bytes = rid_mem_alloc(n, sizeof *table)))
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        rid_store_table_encode(bytes, table, n);
        st = rid_fd_write_all(fd, bytes, n * sizeof *table, path, err);
    }
    rid_store_header h = {.file_bytes = (uint64_t)end + n * sizeof *table,
                          .table_offset = (uint64_t)end,
                          .n_extents = n};
    if (st == RID_OK)
        st = rid_store_digest_file(&h.digest, fd, &h, table, path, err);
    if (st == RID_OK) {
        rid_store_header_encode(block, &h);
        if (lseek(fd, 0, SEEK_SET) != 0)
            st = RID_FAIL_ERRNO(err, "%s: seek", path);
        else
            st = rid_fd_write_all(fd, block, sizeof block, path, err);
    }
    rid_mem_free(bytes);
    rid_mem_free(table);
    return st;
}

rid_status rid_store_verify_sealed(const char *path, int threads, rid_err *err)
{
    rid_store *s = NULL;
    rid_status st = rid_store_open(&s, path, err);
    if (st == RID_OK)
        st = rid_store_verify(s, false, threads, err);
    rid_store_close(s);
    if (st != RID_EDATA)
        return st;
    /* What was written did not come back: the disk's doing, not the input's. */
    rid_err_prepend(err, "the new store does not verify after writing");
    if (err)
        err->code = RID_EIO;
    return RID_EIO;
}
