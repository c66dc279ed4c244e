#include "data/h5file.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/fletcher.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 2 << 20, CHECKSUM_BYTES = 4, ATTRIBUTE_BYTES_MAX = 64 << 20,
       SMALL_ATTRIBUTE_BYTES = 60000 };

struct rid_h5 {
    hid_t file;
    int fd; /* the same file for direct reads, -1 while writing */
    char *path;
};

struct rid_h5_column {
    rid_h5 *h;
    char *name;
    rid_h5_shape shape;
    hid_t dataset; /* -1 until made */
    size_t rows, row_bytes, rows_per_chunk;
    unsigned char *chunk; /* writing: rows_per_chunk rows and the checksum */
    size_t in_chunk;      /* rows in it */
    uint64_t *offsets;    /* reading: of each chunk in the file */
    size_t n_chunks;
    _Atomic unsigned char *checked; /* reading: the chunk's checksum was right */
};

void rid_h5_init(void)
{
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

enum { REASON_MAX = 1024 };

static herr_t deepest_message(unsigned depth, const H5E_error2_t *e, void *out)
{
    if (depth == 0)
        snprintf(out, REASON_MAX, "%s", e->desc ? e->desc : "unknown");
    return 0;
}

/* A read or write that the system refused: its errno stands in the library's message, between the
 * time and the addresses of buffers. 0 for an error of another kind. */
static int errno_of(const char *reason)
{
    static const char label[] = "errno = ";
    const char *found = strstr(reason, label);
    return found ? atoi(found + sizeof label - 1) : 0;
}

/* An error of the library. While writing it is the disk's; while reading, the file's, unless the
 * system could not read. */
static rid_status fail(rid_h5 *h, const char *what, rid_err *err)
{
    char reason[REASON_MAX] = "unknown";
    int saved = errno;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, deepest_message, reason);
    H5Eclear2(H5E_DEFAULT);
    if (errno_of(reason)) {
        errno = errno_of(reason);
        return RID_FAIL_ERRNO(err, "%s: HDF5 cannot %s", h->path, what);
    }
    bool writing = h->fd < 0;
    bool full = writing && (saved == ENOSPC || saved == EDQUOT || saved == EFBIG);
    return RID_FAIL(err, writing ? RID_EIO : RID_EDATA, "%s: HDF5 cannot %s: %s%s%s", h->path, what,
                    reason, full ? ": " : "", full ? strerror(saved) : "");
}

static rid_status open_handle(rid_h5 **out, const char *path, bool create, size_t text_bytes,
                              rid_err *err)
{
    *out = NULL;
    rid_h5 *h = rid_mem_zalloc(1, sizeof *h);
    if (!h)
        return RID_FAIL_NOMEM(err);
    h->file = -1;
    h->fd = -1;
    rid_status st = RID_OK;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS), creation = H5Pcreate(H5P_FILE_CREATE);
    h->path = rid_mem_strdup(path);
    if (!h->path || access < 0 || creation < 0) {
        st = RID_FAIL_NOMEM(err);
        goto done;
    }
    /* Publishing holds its own lock on the file; the library's would clash with it. */
    H5Pset_file_locking(access, false, true);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_userblock(creation, RID_H5_USER_BLOCK);
    H5Pset_obj_track_times(creation, false);
    /* The oldest format, which everything reads, keeps attributes in 64 KiB of object header. */
    if (text_bytes > SMALL_ATTRIBUTE_BYTES)
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    if (create) {
        h->file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
        if (h->file < 0)
            st = fail(h, "create the file", err);
    } else {
        h->fd = open(path, O_RDONLY | O_CLOEXEC);
        errno = h->fd < 0 ? errno : 0;
        if (h->fd >= 0)
            h->file = H5Fopen(path, H5F_ACC_RDONLY, access);
        if (h->fd < 0 || (h->file < 0 && (errno == EMFILE || errno == ENFILE)))
            st = RID_FAIL_ERRNO(err, "%s", path); /* no fault of the file's */
        else if (h->file < 0)
            st = fail(h, "open the file", err);
    }
done:
    if (access >= 0)
        H5Pclose(access);
    if (creation >= 0)
        H5Pclose(creation);
    if (st != RID_OK) {
        rid_h5_abandon(h);
        return st;
    }
    *out = h;
    return RID_OK;
}

rid_status rid_h5_create(rid_h5 **out, const char *path, size_t text_bytes, rid_err *err)
{
    return open_handle(out, path, true, text_bytes, err);
}

rid_status rid_h5_open(rid_h5 **out, const char *path, rid_err *err)
{
    return open_handle(out, path, false, 0, err);
}

rid_status rid_h5_close(rid_h5 *h, rid_err *err)
{
    rid_status st = RID_OK;
    if (!h)
        return RID_OK;
    if (h->file >= 0 && h->fd < 0 && H5Fflush(h->file, H5F_SCOPE_GLOBAL) < 0)
        st = fail(h, "write the file's structure", err);
    if (h->file >= 0 && H5Fclose(h->file) < 0 && st == RID_OK)
        st = fail(h, "close the file", err);
    h->file = -1;
    rid_h5_abandon(h);
    return st;
}

void rid_h5_abandon(rid_h5 *h)
{
    if (!h)
        return;
    if (h->file >= 0)
        H5Fclose(h->file);
    H5Eclear2(H5E_DEFAULT);
    if (h->fd >= 0)
        close(h->fd);
    rid_mem_free(h->path);
    rid_mem_free(h);
}

rid_status rid_h5_make_group(rid_h5 *h, const char *name, rid_err *err)
{
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    hid_t group = H5Gcreate2(h->file, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    if (group < 0)
        return fail(h, "make a group", err);
    H5Gclose(group);
    return RID_OK;
}

/* ---- attributes ---- */

static rid_status write_attribute(rid_h5 *h, const char *name, hid_t type, const void *value,
                                  rid_err *err)
{
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(h->file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    rid_status st = RID_OK;
    if (attribute < 0 || H5Awrite(attribute, type, value) < 0)
        st = fail(h, name, err);
    if (attribute >= 0)
        H5Aclose(attribute);
    H5Sclose(space);
    return st;
}

static hid_t text_type(size_t width)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, width ? width : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

rid_status rid_h5_write_i64(rid_h5 *h, const char *name, int64_t value, rid_err *err)
{
    return write_attribute(h, name, H5T_STD_I64LE, &value, err);
}

rid_status rid_h5_write_text(rid_h5 *h, const char *name, const char *text, rid_err *err)
{
    hid_t type = text_type(strlen(text));
    rid_status st = write_attribute(h, name, type, text, err);
    H5Tclose(type);
    return st;
}

rid_status rid_h5_read_i64(rid_h5 *h, const char *name, int64_t *value, rid_err *err)
{
    rid_status st = RID_OK;
    hid_t attribute = H5Aopen(h->file, name, H5P_DEFAULT);
    if (attribute < 0 || H5Aread(attribute, H5T_NATIVE_INT64, value) < 0)
        st = fail(h, name, err);
    if (attribute >= 0)
        H5Aclose(attribute);
    return st;
}

rid_status rid_h5_read_text(rid_h5 *h, const char *name, bool needed, char **text, rid_err *err)
{
    rid_status st = RID_OK;
    *text = NULL;
    htri_t exists = H5Aexists(h->file, name);
    if (exists == 0 && !needed)
        return RID_OK;
    hid_t attribute = exists > 0 ? H5Aopen(h->file, name, H5P_DEFAULT) : -1;
    hid_t type = attribute < 0 ? -1 : H5Aget_type(attribute);
    if (exists < 0 || (exists > 0 && type < 0)) {
        st = fail(h, "read an attribute", err);
        goto done;
    }
    if (type < 0 || H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) > 0) {
        st = RID_FAIL(err, RID_EDATA, "%s: attribute '%s' is missing or no text", h->path, name);
        goto done;
    }
    size_t width = H5Tget_size(type);
    if (width > ATTRIBUTE_BYTES_MAX) {
        st = RID_FAIL(err, RID_EDATA, "%s: attribute '%s' has %zu bytes", h->path, name, width);
        goto done;
    }
    *text = rid_mem_zalloc(width + 1, 1);
    if (!*text) {
        st = RID_FAIL_NOMEM(err);
    } else if (H5Aread(attribute, type, *text) < 0) {
        rid_mem_free(*text);
        *text = NULL;
        st = fail(h, name, err);
    }
done:
    if (type >= 0)
        H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return st;
}

/* ---- columns ---- */

static hid_t make_type(rid_h5_shape shape)
{
    hid_t half;
    switch (shape.type) {
    case RID_H5_F32:
        return H5Tcopy(H5T_IEEE_F32LE);
    case RID_H5_F16: /* sign 1, exponent 5 biased by 15, mantissa 10 */
        half = H5Tcopy(H5T_IEEE_F32LE);
        H5Tset_fields(half, 15, 10, 5, 0, 10);
        H5Tset_size(half, 2);
        H5Tset_ebias(half, 15);
        return half;
    case RID_H5_I64:
        return H5Tcopy(H5T_STD_I64LE);
    case RID_H5_U8:
        return H5Tcopy(H5T_STD_U8LE);
    case RID_H5_TEXT:
        return text_type(shape.width);
    }
    return -1;
}

static size_t element_bytes(rid_h5_shape shape)
{
    switch (shape.type) {
    case RID_H5_F32:
        return 4;
    case RID_H5_F16:
        return 2;
    case RID_H5_I64:
        return 8;
    case RID_H5_U8:
        return 1;
    case RID_H5_TEXT:
        return shape.width ? shape.width : 1;
    }
    return 0;
}

static size_t row_bytes_of(rid_h5_shape shape)
{
    return element_bytes(shape) * (shape.matrix ? shape.cols : 1);
}

static rid_status new_column(rid_h5_column **out, rid_h5 *h, const char *name, rid_h5_shape shape,
                             rid_err *err)
{
    rid_h5_column *c = rid_mem_zalloc(1, sizeof *c);
    *out = c;
    if (!c)
        return RID_FAIL_NOMEM(err);
    c->h = h;
    c->dataset = -1;
    c->shape = shape;
    c->name = rid_mem_strdup(name);
    return c->name ? RID_OK : RID_FAIL_NOMEM(err);
}

rid_status rid_h5_column_create(rid_h5_column **out, rid_h5 *h, const char *name,
                                rid_h5_shape shape, rid_err *err)
{
    rid_status st = new_column(out, h, name, shape, err);
    rid_h5_column *c = *out;
    if (st == RID_OK) {
        c->row_bytes = row_bytes_of(shape);
        c->rows_per_chunk = c->row_bytes && c->row_bytes < CHUNK_BYTES ? CHUNK_BYTES / c->row_bytes : 1;
        c->chunk = rid_mem_alloc(c->rows_per_chunk * c->row_bytes + CHECKSUM_BYTES, 1);
        if (!c->chunk)
            st = RID_FAIL_NOMEM(err);
    }
    if (st != RID_OK) {
        rid_h5_column_close(c);
        *out = NULL;
    }
    return st;
}

/* The data set with chunks of rows_per_chunk rows; one without bytes is contiguous (a chunk may not
 * have a zero side). */
static rid_status make_dataset(rid_h5_column *c, rid_err *err)
{
    int rank = c->shape.matrix ? 2 : 1;
    hsize_t dims[2] = {0, c->shape.cols}, most[2] = {H5S_UNLIMITED, c->shape.cols};
    hsize_t chunk[2] = {c->rows_per_chunk, c->shape.cols};
    bool chunked = c->row_bytes > 0;
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), type = make_type(c->shape);
    if (!chunked)
        dims[0] = c->rows;
    hid_t space = H5Screate_simple(rank, dims, chunked ? most : dims);
    H5Pset_obj_track_times(creation, false);
    if (chunked) {
        H5Pset_chunk(creation, rank, chunk);
        H5Pset_fletcher32(creation);
    }
    c->dataset = H5Dcreate2(c->h->file, c->name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Tclose(type);
    H5Sclose(space);
    return c->dataset < 0 ? fail(c->h, c->name, err) : RID_OK;
}

/* Writes the chunk buffer, its missing rows zero, checksum behind it. */
static rid_status write_chunk(rid_h5_column *c, rid_err *err)
{
    rid_status st = c->dataset < 0 ? make_dataset(c, err) : RID_OK;
    if (st != RID_OK)
        return st;
    size_t bytes = c->rows_per_chunk * c->row_bytes, used = c->in_chunk * c->row_bytes;
    memset(c->chunk + used, 0, bytes - used);
    uint32_t sum = rid_fletcher32(c->chunk, bytes);
    for (int i = 0; i < CHECKSUM_BYTES; i++)
        c->chunk[bytes + (size_t)i] = (unsigned char)(sum >> (8 * i));
    hsize_t at[2] = {c->rows - c->in_chunk, 0}, dims[2] = {c->rows, c->shape.cols};
    if (H5Dset_extent(c->dataset, dims) < 0 ||
        H5Dwrite_chunk(c->dataset, H5P_DEFAULT, 0, at, bytes + CHECKSUM_BYTES, c->chunk) < 0)
        return fail(c->h, c->name, err);
    c->in_chunk = 0;
    return RID_OK;
}

rid_status rid_h5_column_append(rid_h5_column *c, const void *rows, size_t n, rid_err *err)
{
    const unsigned char *from = rows;
    if (c->row_bytes == 0) {
        c->rows += n;
        return RID_OK;
    }
    while (n > 0) {
        size_t room = c->rows_per_chunk - c->in_chunk, take = n < room ? n : room;
        memcpy(c->chunk + c->in_chunk * c->row_bytes, from, take * c->row_bytes);
        c->in_chunk += take;
        c->rows += take;
        from += take * c->row_bytes;
        n -= take;
        rid_status st = c->in_chunk == c->rows_per_chunk ? write_chunk(c, err) : RID_OK;
        if (st != RID_OK)
            return st;
    }
    return RID_OK;
}

rid_status rid_h5_column_finish(rid_h5_column *c, rid_err *err)
{
    if (c->dataset < 0 && c->row_bytes > 0)
        c->rows_per_chunk = c->in_chunk ? c->in_chunk : 1;
    if (c->in_chunk > 0)
        return write_chunk(c, err);
    return c->dataset < 0 ? make_dataset(c, err) : RID_OK;
}

static rid_status mismatch(rid_h5_column *c, const char *expected, rid_err *err)
{
    return RID_FAIL(err, RID_EDATA, "%s: %s: expected %s", c->h->path, c->name, expected);
}

/* Type and dimensions of an opened data set; true rows and chunk rows. */
static rid_status check_dataset(rid_h5_column *c, rid_err *err)
{
    static const char *const names[] = {"float32", "float16", "int64", "uint8", "fixed-length text"};
    rid_status st = RID_OK;
    hsize_t dims[2] = {0, 1}, chunk[2] = {1, 1};
    hid_t type = H5Dget_type(c->dataset), space = H5Dget_space(c->dataset);
    hid_t creation = H5Dget_create_plist(c->dataset), wanted = -1;
    int rank = c->shape.matrix ? 2 : 1;
    if (c->shape.type == RID_H5_TEXT && H5Tget_class(type) == H5T_STRING)
        c->shape.width = H5Tget_size(type);
    wanted = make_type(c->shape);
    if (H5Tequal(type, wanted) <= 0) {
        st = mismatch(c, names[c->shape.type], err);
    } else if (H5Sget_simple_extent_ndims(space) != rank ||
               H5Sget_simple_extent_dims(space, dims, NULL) != rank) {
        st = mismatch(c, rank == 2 ? "two dimensions" : "one dimension", err);
    } else {
        c->shape.cols = dims[1];
        c->rows = dims[0];
        c->row_bytes = row_bytes_of(c->shape);
        c->rows_per_chunk = 1;
        H5Z_filter_t filter = H5Pget_nfilters(creation) == 1
                                  ? H5Pget_filter2(creation, 0, NULL, NULL, NULL, 0, NULL, NULL)
                                  : -1;
        if (c->row_bytes > 0 && (filter != H5Z_FILTER_FLETCHER32 ||
                                 H5Pget_chunk(creation, rank, chunk) != rank || chunk[1] != dims[1] ||
                                 chunk[0] == 0 || chunk[0] > SIZE_MAX / c->row_bytes))
            st = mismatch(c, "chunks of whole rows with fletcher32", err);
        c->rows_per_chunk = chunk[0];
    }
    H5Tclose(type);
    H5Tclose(wanted);
    H5Sclose(space);
    H5Pclose(creation);
    return st;
}

/* Reads chunk i, in pieces that stay in the processor's cache, and checks it. */
static rid_status check_chunk(rid_h5_column *c, size_t i, rid_err *err)
{
    enum { PIECE_BYTES = 64 << 10 };
    unsigned char piece[PIECE_BYTES];
    rid_fletcher sum = {0};
    size_t bytes = c->rows_per_chunk * c->row_bytes, take;
    long long offset = (long long)c->offsets[i];
    for (size_t at = 0; at < bytes; at += take) {
        take = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
        rid_status st =
            rid_fd_read_at(c->h->fd, piece, take, offset + (long long)at, c->h->path, err);
        if (st != RID_OK)
            return st;
        rid_fletcher_add(&sum, piece, take);
    }
    rid_status st =
        rid_fd_read_at(c->h->fd, piece, CHECKSUM_BYTES, offset + (long long)bytes, c->h->path, err);
    if (st != RID_OK)
        return st;
    uint32_t stored = 0;
    for (int k = 0; k < CHECKSUM_BYTES; k++)
        stored |= (uint32_t)piece[k] << (8 * k);
    if (stored != rid_fletcher_end(&sum))
        return RID_FAIL(err, RID_EDATA, "%s: %s: chunk %zu at byte %llu is damaged (fletcher32)",
                        c->h->path, c->name, i, (unsigned long long)c->offsets[i]);
    atomic_store_explicit(&c->checked[i], 1, memory_order_relaxed);
    return RID_OK;
}

/* HDF5 1.10 counts a chunk's address from behind the user block, later versions from the start of the
 * file: the checksum of the first chunk tells. A damaged one is left for the reader to find. */
static rid_status find_address_base(rid_h5_column *c, rid_err *err)
{
    rid_err damage = {0};
    if (c->n_chunks == 0)
        return RID_OK;
    rid_status st = check_chunk(c, 0, &damage);
    if (st == RID_EDATA) {
        c->offsets[0] -= RID_H5_USER_BLOCK;
        st = check_chunk(c, 0, &damage);
        bool from_start = st == RID_OK;
        for (size_t i = from_start ? 1 : 0; i < (from_start ? c->n_chunks : 1); i++)
            c->offsets[i] += from_start ? -(uint64_t)RID_H5_USER_BLOCK : RID_H5_USER_BLOCK;
    }
    if (st == RID_OK || st == RID_EDATA)
        return RID_OK;
    if (err)
        *err = damage; /* it could not be read, which says nothing about the address */
    return st;
}

static rid_status locate_chunks(rid_h5_column *c, rid_err *err)
{
    size_t bytes = c->rows_per_chunk * c->row_bytes + CHECKSUM_BYTES;
    c->n_chunks = c->row_bytes ? (c->rows + c->rows_per_chunk - 1) / c->rows_per_chunk : 0;
    c->offsets = rid_mem_alloc(c->n_chunks, sizeof *c->offsets);
    c->checked = rid_mem_zalloc(c->n_chunks, sizeof *c->checked);
    if (!c->offsets || !c->checked)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < c->n_chunks; i++) {
        hsize_t at[2] = {i * c->rows_per_chunk, 0}, size = 0;
        haddr_t address = HADDR_UNDEF;
        unsigned mask = 0;
        if (H5Dget_chunk_info_by_coord(c->dataset, at, &mask, &address, &size) < 0)
            return fail(c->h, c->name, err);
        if (address == HADDR_UNDEF || size != bytes || mask != 0)
            return mismatch(c, "every chunk written in full", err);
        c->offsets[i] = address + RID_H5_USER_BLOCK;
    }
    return find_address_base(c, err);
}

rid_status rid_h5_column_open(rid_h5_column **out, rid_h5 *h, const char *name, rid_h5_shape shape,
                              rid_err *err)
{
    rid_status st = new_column(out, h, name, shape, err);
    rid_h5_column *c = *out;
    if (st == RID_OK && (c->dataset = H5Dopen2(h->file, name, H5P_DEFAULT)) < 0)
        st = fail(h, name, err);
    if (st == RID_OK)
        st = check_dataset(c, err);
    if (st == RID_OK)
        st = locate_chunks(c, err);
    if (st != RID_OK) {
        rid_h5_column_close(c);
        *out = NULL;
    }
    return st;
}

rid_h5_shape rid_h5_column_shape(const rid_h5_column *c)
{
    return c->shape;
}

size_t rid_h5_column_rows(const rid_h5_column *c)
{
    return c->rows;
}

size_t rid_h5_column_row_bytes(const rid_h5_column *c)
{
    return c->row_bytes;
}

void rid_h5_column_chunks(const rid_h5_column *c, const uint64_t **offsets, size_t *n,
                          size_t *chunk_bytes)
{
    *offsets = c->offsets;
    *n = c->n_chunks;
    *chunk_bytes = c->rows_per_chunk * c->row_bytes + CHECKSUM_BYTES;
}

static rid_status ensure_checked(rid_h5_column *c, size_t i, rid_err *err)
{
    if (atomic_load_explicit(&c->checked[i], memory_order_relaxed))
        return RID_OK;
    return check_chunk(c, i, err);
}

rid_status rid_h5_column_read(rid_h5_column *c, size_t first, size_t n, void *out, rid_err *err)
{
    char *to = out;
    if (first > c->rows || n > c->rows - first)
        return RID_FAIL(err, RID_EDATA, "%s: %s: rows %zu to %zu of %zu", c->h->path, c->name, first,
                        first + n, c->rows);
    if (c->row_bytes == 0)
        return RID_OK;
    while (n > 0) {
        size_t chunk = first / c->rows_per_chunk, inside = first % c->rows_per_chunk;
        size_t take = c->rows_per_chunk - inside < n ? c->rows_per_chunk - inside : n;
        rid_status st = ensure_checked(c, chunk, err);
        if (st == RID_OK)
            st = rid_fd_read_at(c->h->fd, to, take * c->row_bytes,
                                (long long)(c->offsets[chunk] + inside * c->row_bytes), c->h->path,
                                err);
        if (st != RID_OK)
            return st;
        to += take * c->row_bytes;
        first += take;
        n -= take;
    }
    return RID_OK;
}

rid_status rid_h5_column_verify(rid_h5_column *c, int threads, rid_err *err)
{
    rid_status st = RID_OK;
    size_t failed_at = c->n_chunks;
#pragma omp parallel for num_threads(threads > 0 ? threads : 1)                                    \
    schedule(dynamic, 1) if (c->n_chunks > 1)
    for (size_t i = 0; i < c->n_chunks; i++) {
        rid_err mine = {0};
        rid_status one = rid_interrupt_check(&mine);
        if (one == RID_OK)
            one = check_chunk(c, i, &mine);
        if (one == RID_OK)
            continue;
#pragma omp critical(rid_h5_verify)
        if (i < failed_at) { /* the first fault, whichever thread found it */
            failed_at = i;
            st = one;
            if (err)
                *err = mine;
        }
    }
    return st;
}

void rid_h5_column_close(rid_h5_column *c)
{
    if (!c)
        return;
    if (c->dataset >= 0)
        H5Dclose(c->dataset);
    rid_mem_free(c->chunk);
    rid_mem_free(c->offsets);
    rid_mem_free((void *)(uintptr_t)c->checked);
    rid_mem_free(c->name);
    rid_mem_free(c);
}
