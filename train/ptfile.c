#include "train/ptfile.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/unpickle.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MEMORY_PER_BYTE = 2,
    MEMORY_FIXED = 1 << 20,
    MEMORY_UNCHARGED = 16384, /* handles, digest states, buffers of the C library */
};

struct rid_ptfile {
    int fd;
    rid_budget budget;
    rid_zip *zip;
    rid_str prefix;
    char *pickle;
    rid_pickle_arena arena;
    const rid_pickle_value *root;
};

/* What a file that is no zip archive may be, said in a way that helps. */
static rid_status check_magic(const rid_ptfile *f, uint64_t size, rid_err *err)
{
    /* PROTO 2, LONG1 0x1950a86a20f9469cfc6c */
    static const unsigned char legacy[] = {0x80, 2,    0x8A, 10,   0x6C, 0xFC, 0x9C,
                                           0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19};
    unsigned char head[sizeof legacy] = {0};
    size_t n = size < sizeof head ? (size_t)size : sizeof head;
    rid_status st = rid_fd_read_at(f->fd, head, n, 0, "file", err);
    if (st != RID_OK || (n >= 4 && memcmp(head, "PK\3\4", 4) == 0))
        return st;
    if (n == 0)
        return RID_FAIL(err, RID_EDATA, "is empty");
    if (n == sizeof legacy && memcmp(head, legacy, n) == 0)
        return RID_FAIL(err, RID_EDATA,
                        "is in PyTorch's old format, from before 1.6; write it "
                        "again: torch.save(torch.load(FILE), FILE)");
    return RID_FAIL(err, RID_EDATA, "byte 0: expected a zip archive as torch.save writes it");
}

static rid_status open_file(rid_ptfile *f, const char *path, rid_err *err)
{
    struct stat s;
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (f->fd < 0 || fstat(f->fd, &s) != 0)
        return RID_FAIL_ERRNO(err, "cannot open");
    if (S_ISDIR(s.st_mode))
        return RID_FAIL(err, RID_ENOINPUT, "is a directory; expected a file that torch.save wrote");
    if (!S_ISREG(s.st_mode))
        return RID_FAIL(err, RID_ENOINPUT, "is no regular file; checkpoints are read out of order");
    uint64_t size = (uint64_t)s.st_size;
    if (size > SIZE_MAX / MEMORY_PER_BYTE / 2)
        return RID_FAIL(err, RID_EDATA, "is too large");
    f->budget.total = MEMORY_PER_BYTE * (size_t)size + MEMORY_FIXED;
    f->budget.left = f->budget.total - MEMORY_UNCHARGED;
    rid_status st = check_magic(f, size, err);
    return st == RID_OK ? rid_zip_open(&f->zip, f->fd, size, &f->budget, err) : st;
}

static const rid_zip_record *find_in(const rid_ptfile *f, const char *name)
{
    char full[RID_ZIP_NAME_MAX + 1];
    int n = snprintf(full, sizeof full, "%.*s%s", RID_STR(f->prefix), name);
    return n < (int)sizeof full ? rid_zip_find(f->zip, rid_str_of(full)) : NULL;
}

/* All records lie in one folder, named by the writer: the one that has a data.pkl. */
static rid_status find_prefix(rid_ptfile *f, rid_err *err)
{
    for (size_t i = 0; i < rid_zip_n_records(f->zip); i++) {
        rid_str name = rid_zip_record_at(f->zip, i)->name;
        const char *slash = memchr(name.data, '/', name.len);
        rid_str folder = {name.data, slash ? (size_t)(slash - name.data) + 1 : 0};
        rid_str rest = {name.data + folder.len, name.len - folder.len};
        if (!slash || !rid_str_equal(rest, rid_str_of("data.pkl")))
            continue;
        if (f->prefix.data)
            return RID_FAIL(err, RID_EDATA, "expected one data.pkl, found two: in %.*s and %.*s",
                            RID_STR(f->prefix), RID_STR(folder));
        f->prefix = folder;
    }
    if (!f->prefix.data)
        return RID_FAIL(err, RID_EDATA,
                        "expected a record NAME/data.pkl, found none: a zip archive, "
                        "but not one that torch.save wrote");
    if (find_in(f, "constants.pkl"))
        return RID_FAIL(err, RID_EDATA,
                        "is a TorchScript program (torch.jit.save); expected a "
                        "checkpoint: a dict written with torch.save");
    return RID_OK;
}

static rid_status check_byte_order(const rid_ptfile *f, rid_err *err)
{
    const rid_zip_record *record = find_in(f, "byteorder");
    char text[6];
    if (!record)
        return RID_OK;
    rid_status st = rid_zip_check(f->zip, record, err);
    if (st != RID_OK)
        return st;
    if (record->size == 3)
        return RID_FAIL(err, RID_EDATA,
                        "%.*s: was written by a big-endian machine; only "
                        "little-endian numbers are read",
                        RID_STR(record->name));
    if (record->size != sizeof text)
        return RID_FAIL(err, RID_EDATA, "%.*s: expected 'little'", RID_STR(record->name));
    st = rid_zip_read(f->zip, record, 0, text, sizeof text, err);
    if (st == RID_OK && memcmp(text, "little", sizeof text) != 0)
        st = RID_FAIL(err, RID_EDATA, "%.*s: expected 'little'", RID_STR(record->name));
    return st;
}

static rid_status read_pickle(rid_ptfile *f, rid_err *err)
{
    const rid_zip_record *record = find_in(f, "data.pkl");
    rid_status st = rid_zip_check(f->zip, record, err);
    if (st == RID_OK)
        st = rid_budget_take(&f->budget, record->size, 1, err);
    if (st != RID_OK)
        return st;
    f->pickle = rid_mem_alloc(record->size, 1);
    if (!f->pickle)
        return RID_FAIL_NOMEM(err);
    st = rid_zip_read(f->zip, record, 0, f->pickle, record->size, err);
    if (st != RID_OK)
        return st;
    f->arena.budget = &f->budget;
    st = rid_unpickle(&f->root, (rid_str){f->pickle, record->size}, &f->arena, err);
    if (st != RID_OK)
        rid_err_prepend(err, "%.*s", RID_STR(record->name));
    return st;
}

rid_status rid_ptfile_open(rid_ptfile **out, const char *path, rid_err *err)
{
    *out = NULL;
    rid_ptfile *f = rid_mem_zalloc(1, sizeof *f);
    if (!f)
        return RID_FAIL_NOMEM(err);
    f->fd = -1;
    rid_status st = open_file(f, path, err);
    if (st == RID_OK)
        st = find_prefix(f, err);
    if (st == RID_OK)
        st = check_byte_order(f, err);
    if (st == RID_OK)
        st = read_pickle(f, err);
    if (st != RID_OK) {
        rid_ptfile_close(f);
        return st;
    }
    *out = f;
    return RID_OK;
}

void rid_ptfile_close(rid_ptfile *f)
{
    if (!f)
        return;
    rid_pickle_arena_free(&f->arena);
    rid_mem_free(f->pickle);
    rid_zip_close(f->zip);
    if (f->fd >= 0)
        close(f->fd);
    rid_mem_free(f);
}

const rid_pickle_value *rid_ptfile_root(const rid_ptfile *f)
{
    return f->root;
}

rid_str rid_ptfile_prefix(const rid_ptfile *f)
{
    return f->prefix;
}

rid_budget *rid_ptfile_budget(rid_ptfile *f)
{
    return &f->budget;
}

rid_status rid_ptfile_loader(rid_ptfile *f, rid_tensorload **out, rid_err *err)
{
    return rid_tensorload_new(out, f->zip, f->prefix, &f->budget, err);
}
