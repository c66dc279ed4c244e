#include "train/zipstore.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/crc32.h"

#include <stdlib.h>
#include <string.h>

/* Structures and limits of PKWARE's APPNOTE 6.3, sections 4.3 and 4.5. */
enum {
    END_SIG = 0x06054b50,
    END_BYTES = 22,
    END64_SIG = 0x06064b50,
    END64_BYTES = 56,
    LOCATOR_SIG = 0x07064b50,
    LOCATOR_BYTES = 20,
    CENTRAL_SIG = 0x02014b50,
    CENTRAL_BYTES = 46,
    LOCAL_SIG = 0x04034b50,
    LOCAL_BYTES = 30,
    EXTRA_ZIP64 = 0x0001,
    FLAGS_ENCRYPTED = 1 << 0 | 1 << 13, /* the data, the directory */
    METHOD_STORED = 0,
};

struct rid_zip {
    int fd;
    uint64_t file_size;
    unsigned char *directory; /* the central directory's bytes; names are views of it */
    size_t directory_size;
    uint64_t directory_at;
    rid_zip_record *records; /* in the directory's order */
    const rid_zip_record **by_name;
    size_t n_records;
    unsigned char *block; /* RID_ZIP_BLOCK_BYTES */
};

static uint32_t le16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t le32(const unsigned char *p)
{
    return le16(p) | le16(p + 2) << 16;
}

static uint64_t le64(const unsigned char *p)
{
    return le32(p) | (uint64_t)le32(p + 4) << 32;
}

static rid_status read_at(const rid_zip *z, void *bytes, size_t n, uint64_t at, rid_err *err)
{
    return rid_fd_read_at(z->fd, bytes, n, (long long)at, "zip archive", err);
}

/* The end record's view of the directory, the zip64 one's where there is one. */
typedef struct end_record {
    uint64_t n_records, size, at;
    uint64_t limit; /* byte where the directory must end */
} end_record;

/* Both records describe one directory: a field that is given twice must agree, or readers that
 * trust one or the other would see different archives. */
static bool same_or_saturated(uint64_t in_end, uint64_t saturated, uint64_t in_end64)
{
    return in_end == saturated || in_end == in_end64;
}

static rid_status read_end64(const rid_zip *z, end_record *e, rid_err *err)
{
    unsigned char locator[LOCATOR_BYTES], end64[END64_BYTES];
    if (e->limit < LOCATOR_BYTES)
        return RID_OK;
    uint64_t locator_at = e->limit - LOCATOR_BYTES;
    rid_status st = read_at(z, locator, sizeof locator, locator_at, err);
    if (st != RID_OK || le32(locator) != LOCATOR_SIG)
        return st;
    uint64_t at = le64(locator + 8);
    if (locator_at < END64_BYTES || at > locator_at - END64_BYTES)
        return RID_FAIL(err, RID_EDATA, "byte %llu: the zip64 end record lies outside the file",
                        (unsigned long long)locator_at);
    st = read_at(z, end64, sizeof end64, at, err);
    if (st != RID_OK)
        return st;
    if (le32(end64) != END64_SIG || le32(locator + 4) != 0 || le32(end64 + 16) != 0 ||
        le32(end64 + 20) != 0 || le64(end64 + 24) != le64(end64 + 32) ||
        le64(end64 + 4) != locator_at - at - 12)
        return RID_FAIL(err, RID_EDATA, "byte %llu: the zip64 end record is damaged",
                        (unsigned long long)at);
    if (!same_or_saturated(e->n_records, 0xFFFF, le64(end64 + 32)) ||
        !same_or_saturated(e->size, 0xFFFFFFFF, le64(end64 + 40)) ||
        !same_or_saturated(e->at, 0xFFFFFFFF, le64(end64 + 48)))
        return RID_FAIL(err, RID_EDATA, "byte %llu: the two end records disagree",
                        (unsigned long long)at);
    *e = (end_record){le64(end64 + 32), le64(end64 + 40), le64(end64 + 48), at};
    return RID_OK;
}

static rid_status read_end(const rid_zip *z, end_record *e, rid_err *err)
{
    unsigned char end[END_BYTES];
    if (z->file_size < END_BYTES)
        return RID_FAIL(err, RID_EDATA, "not a zip archive, or cut short: %llu bytes",
                        (unsigned long long)z->file_size);
    uint64_t at = z->file_size - END_BYTES;
    rid_status st = read_at(z, end, sizeof end, at, err);
    if (st != RID_OK)
        return st;
    if (le32(end) != END_SIG)
        return RID_FAIL(err, RID_EDATA,
                        "byte %llu: expected the archive's end record; the file is "
                        "cut short, has something appended, or is no zip archive",
                        (unsigned long long)at);
    if (le16(end + 4) != 0 || le16(end + 6) != 0 || le16(end + 8) != le16(end + 10) ||
        le16(end + 20) != 0)
        return RID_FAIL(err, RID_EDATA,
                        "byte %llu: the end record is damaged, or the archive is "
                        "split into parts",
                        (unsigned long long)at);
    *e = (end_record){le16(end + 10), le32(end + 12), le32(end + 16), at};
    st = read_end64(z, e, err);
    if (st != RID_OK)
        return st;
    if (e->n_records == 0 || e->n_records > RID_ZIP_RECORDS_MAX)
        return RID_FAIL(err, RID_EDATA, "%llu records; expected 1 to %d",
                        (unsigned long long)e->n_records, RID_ZIP_RECORDS_MAX);
    if (e->at > e->limit || e->size != e->limit - e->at || e->size / CENTRAL_BYTES < e->n_records)
        return RID_FAIL(err, RID_EDATA,
                        "the directory (byte %llu, %llu bytes) does not fit before "
                        "its end record at byte %llu",
                        (unsigned long long)e->at, (unsigned long long)e->size,
                        (unsigned long long)e->limit);
    return RID_OK;
}

/* NULL where the name is harmless, else what is wrong with it. */
static const char *name_fault(rid_str name)
{
    if (name.len == 0 || name.len > RID_ZIP_NAME_MAX)
        return "is empty or over 512 bytes long";
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7F || name.data[i] == '\\')
            return "holds a control character or a backslash";
    if (name.data[0] == '/')
        return "is absolute";
    for (size_t i = 0, start = 0; i <= name.len; i++) {
        if (i < name.len && name.data[i] != '/')
            continue;
        if (i - start == 2 && memcmp(name.data + start, "..", 2) == 0)
            return "has a '..' in it";
        start = i + 1;
    }
    return NULL;
}

/* Sizes and offset that do not fit 32 bits stand in the zip64 field, in this order. */
static bool read_extra64(const unsigned char *extra, size_t n, uint64_t *sizes[], size_t n_sizes)
{
    while (n >= 4) {
        size_t length = le16(extra + 2);
        if (length > n - 4)
            return false;
        if (le16(extra) == EXTRA_ZIP64) {
            if (length < 8 * n_sizes)
                return false;
            for (size_t i = 0; i < n_sizes; i++)
                *sizes[i] = le64(extra + 4 + 8 * i);
            return true;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
    return false;
}

static rid_status parse_central(const rid_zip *z, rid_zip_record *r, size_t *pos, rid_err *err)
{
    const unsigned char *p = z->directory + *pos;
    size_t room = z->directory_size - *pos;
    unsigned long long at = z->directory_at + *pos;
    if (room < CENTRAL_BYTES || le32(p) != CENTRAL_SIG)
        return RID_FAIL(err, RID_EDATA, "byte %llu: expected a directory entry", at);
    size_t n_name = le16(p + 28), n_extra = le16(p + 30), n_comment = le16(p + 32);
    if (room - CENTRAL_BYTES < n_name + n_extra + n_comment)
        return RID_FAIL(err, RID_EDATA, "byte %llu: a directory entry runs past the directory", at);
    r->name = (rid_str){(const char *)p + CENTRAL_BYTES, n_name};
    const char *fault = name_fault(r->name);
    if (fault)
        return RID_FAIL(err, RID_EDATA, "byte %llu: a record's name %s", at, fault);
    if (le16(p + 8) & FLAGS_ENCRYPTED)
        return RID_FAIL(err, RID_EDATA, "%.*s: is encrypted", RID_STR(r->name));
    if (le16(p + 10) != METHOD_STORED) /* torch.jit.save compresses the program's text */
        return RID_FAIL(err, RID_EDATA, "%.*s: is compressed (method %u): %s", RID_STR(r->name),
                        le16(p + 10),
                        memmem(r->name.data, r->name.len, "/code/", 6)
                            ? "this is a TorchScript program (torch.jit.save); expected a "
                              "checkpoint: a dict written with torch.save"
                            : "torch.save stores records as they are; write the file with it");
    uint64_t packed = le32(p + 20), *large[3];
    size_t n_large = 0;
    r->crc = le32(p + 16);
    r->size = le32(p + 24);
    r->header = le32(p + 42);
    if (r->size == 0xFFFFFFFF)
        large[n_large++] = &r->size;
    if (packed == 0xFFFFFFFF)
        large[n_large++] = &packed;
    if (r->header == 0xFFFFFFFF)
        large[n_large++] = &r->header;
    if ((n_large && !read_extra64(p + CENTRAL_BYTES + n_name, n_extra, large, n_large)) ||
        packed != r->size || le16(p + 34) != 0)
        return RID_FAIL(err, RID_EDATA, "%.*s: its directory entry (byte %llu) is damaged",
                        RID_STR(r->name), at);
    *pos += CENTRAL_BYTES + n_name + n_extra + n_comment;
    return RID_OK;
}

/* Where the data begins is known only from the local header's own lengths. PyTorch's writer leaves
 * sizes and CRC there zero (they follow the data), so those come from the directory alone. */
static rid_status locate_data(const rid_zip *z, rid_zip_record *r, rid_err *err)
{
    unsigned char local[LOCAL_BYTES + RID_ZIP_NAME_MAX];
    size_t head = LOCAL_BYTES + r->name.len;
    if (r->header > z->directory_at || z->directory_at - r->header < head)
        return RID_FAIL(err, RID_EDATA, "%.*s: lies outside the file (byte %llu)", RID_STR(r->name),
                        (unsigned long long)r->header);
    rid_status st = read_at(z, local, head, r->header, err);
    if (st != RID_OK)
        return st;
    if (le32(local) != LOCAL_SIG || le16(local + 26) != r->name.len ||
        memcmp(local + LOCAL_BYTES, r->name.data, r->name.len) != 0 ||
        le16(local + 8) != METHOD_STORED || (le16(local + 6) & FLAGS_ENCRYPTED))
        return RID_FAIL(err, RID_EDATA,
                        "%.*s: byte %llu: its header is damaged or not the one the "
                        "directory describes",
                        RID_STR(r->name), (unsigned long long)r->header);
    r->offset = r->header + head + le16(local + 28);
    if (r->offset > z->directory_at || z->directory_at - r->offset < r->size)
        return RID_FAIL(err, RID_EDATA, "%.*s: its %llu bytes at byte %llu leave the file",
                        RID_STR(r->name), (unsigned long long)r->size,
                        (unsigned long long)r->offset);
    return RID_OK;
}

static int compare_header(const void *a, const void *b)
{
    const rid_zip_record *x = *(const rid_zip_record *const *)a;
    const rid_zip_record *y = *(const rid_zip_record *const *)b;
    return (x->header > y->header) - (x->header < y->header);
}

static int compare_name(const void *a, const void *b)
{
    const rid_zip_record *x = *(const rid_zip_record *const *)a;
    const rid_zip_record *y = *(const rid_zip_record *const *)b;
    return rid_str_compare(x->name, y->name);
}

static rid_status check_distinct(rid_zip *z, rid_err *err)
{
    for (size_t i = 0; i < z->n_records; i++)
        z->by_name[i] = &z->records[i];
    qsort(z->by_name, z->n_records, sizeof *z->by_name, compare_header);
    for (size_t i = 1; i < z->n_records; i++) {
        const rid_zip_record *a = z->by_name[i - 1], *b = z->by_name[i];
        if (a->offset + a->size > b->header)
            return RID_FAIL(err, RID_EDATA, "%.*s and %.*s overlap at byte %llu", RID_STR(a->name),
                            RID_STR(b->name), (unsigned long long)b->header);
    }
    qsort(z->by_name, z->n_records, sizeof *z->by_name, compare_name);
    for (size_t i = 1; i < z->n_records; i++)
        if (compare_name(&z->by_name[i - 1], &z->by_name[i]) == 0)
            return RID_FAIL(err, RID_EDATA, "two are named %.*s", RID_STR(z->by_name[i]->name));
    return RID_OK;
}

static rid_status allocate(rid_zip *z, const end_record *e, rid_budget *budget, rid_err *err)
{
    rid_status st = rid_budget_take(budget, e->size, 1, err);
    if (st == RID_OK)
        st = rid_budget_take(budget, e->n_records,
                             sizeof *z->records + 2 * sizeof *z->by_name /* qsort's too */, err);
    if (st == RID_OK)
        st = rid_budget_take(budget, RID_ZIP_BLOCK_BYTES, 1, err);
    if (st != RID_OK)
        return st;
    z->directory = rid_mem_alloc(e->size, 1);
    z->records = rid_mem_zalloc(e->n_records, sizeof *z->records);
    z->by_name = rid_mem_alloc(e->n_records, sizeof *z->by_name);
    z->block = rid_mem_alloc(RID_ZIP_BLOCK_BYTES, 1);
    if (!z->directory || !z->records || !z->by_name || !z->block)
        return RID_FAIL_NOMEM(err);
    z->directory_size = e->size;
    z->directory_at = e->at;
    z->n_records = e->n_records;
    return RID_OK;
}

static rid_status read_directory(rid_zip *z, rid_budget *budget, rid_err *err)
{
    end_record e = {0};
    rid_status st = read_end(z, &e, err);
    if (st == RID_OK)
        st = allocate(z, &e, budget, err);
    if (st == RID_OK)
        st = read_at(z, z->directory, z->directory_size, z->directory_at, err);
    size_t pos = 0;
    for (size_t i = 0; i < z->n_records && st == RID_OK; i++) {
        st = parse_central(z, &z->records[i], &pos, err);
        if (st == RID_OK)
            st = locate_data(z, &z->records[i], err);
    }
    if (st == RID_OK && pos != z->directory_size)
        st = RID_FAIL(err, RID_EDATA, "byte %llu: expected the end of the directory",
                      (unsigned long long)(z->directory_at + pos));
    return st == RID_OK ? check_distinct(z, err) : st;
}

rid_status rid_zip_open(rid_zip **out, int fd, uint64_t size, rid_budget *budget, rid_err *err)
{
    *out = NULL;
    rid_zip *z = rid_mem_zalloc(1, sizeof *z);
    if (!z)
        return RID_FAIL_NOMEM(err);
    z->fd = fd;
    z->file_size = size;
    rid_status st = read_directory(z, budget, err);
    if (st != RID_OK) {
        rid_zip_close(z);
        return st;
    }
    *out = z;
    return RID_OK;
}

void rid_zip_close(rid_zip *z)
{
    if (!z)
        return;
    rid_mem_free(z->directory);
    rid_mem_free(z->records);
    rid_mem_free(z->by_name);
    rid_mem_free(z->block);
    rid_mem_free(z);
}

size_t rid_zip_n_records(const rid_zip *z)
{
    return z->n_records;
}

const rid_zip_record *rid_zip_record_at(const rid_zip *z, size_t i)
{
    return &z->records[i];
}

const rid_zip_record *rid_zip_find(const rid_zip *z, rid_str name)
{
    size_t lo = 0, hi = z->n_records;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int c = rid_str_compare(name, z->by_name[mid]->name);
        if (c == 0)
            return z->by_name[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

rid_status rid_zip_read(const rid_zip *z, const rid_zip_record *r, uint64_t at, void *bytes,
                        size_t n, rid_err *err)
{
    if (at > r->size || n > r->size - at)
        return RID_FAIL(err, RID_EDATA, "%.*s: %zu bytes at byte %llu leave the record",
                        RID_STR(r->name), n, (unsigned long long)at);
    return read_at(z, bytes, n, r->offset + at, err);
}

rid_status rid_zip_check(rid_zip *z, const rid_zip_record *r, rid_err *err)
{
    uint32_t crc = 0;
    for (uint64_t at = 0; at < r->size; at += RID_ZIP_BLOCK_BYTES) {
        size_t n =
            r->size - at < RID_ZIP_BLOCK_BYTES ? (size_t)(r->size - at) : RID_ZIP_BLOCK_BYTES;
        rid_status st = rid_zip_read(z, r, at, z->block, n, err);
        if (st != RID_OK)
            return st;
        crc = rid_crc32(crc, z->block, n);
    }
    if (crc != r->crc)
        return RID_FAIL(err, RID_EDATA, "%.*s: damaged: its CRC-32 is %08x, expected %08x",
                        RID_STR(r->name), crc, r->crc);
    return RID_OK;
}
