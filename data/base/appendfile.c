#include "data/base/appendfile.h"

#include "data/base/mem.h"
#include "data/base/publish.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct rid_appendfile {
    char *path;
    int fd;
    uint64_t length;
};

/* Cuts off what stands behind the first `keep` bytes. */
static rid_status cut(rid_appendfile *f, uint64_t keep, rid_err *err)
{
    struct stat s;
    if (fstat(f->fd, &s) != 0)
        return RID_FAIL_ERRNO(err, "%s", f->path);
    if ((uint64_t)s.st_size < keep)
        return RID_FAIL(err, RID_EDATA, "%s: %lld bytes, but %llu had been written", f->path,
                        (long long)s.st_size, (unsigned long long)keep);
    if (ftruncate(f->fd, (off_t)keep) != 0 || lseek(f->fd, (off_t)keep, SEEK_SET) < 0)
        return RID_FAIL_ERRNO(err, "%s", f->path);
    f->length = keep;
    return RID_OK;
}

rid_status rid_appendfile_open(rid_appendfile **out, const char *path, uint64_t keep, rid_err *err)
{
    rid_appendfile *f = rid_mem_zalloc(1, sizeof *f);
    rid_status st = RID_OK;
    *out = NULL;
    if (!f)
        return RID_FAIL_NOMEM(err);
    f->fd = -1;
    f->path = rid_mem_strdup(path);
    if (!f->path)
        st = RID_FAIL_NOMEM(err);
    else if ((f->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666)) < 0)
        st = RID_FAIL_ERRNO(err, "%s", path);
    if (st == RID_OK)
        st = cut(f, keep, err);
    if (st != RID_OK) {
        rid_appendfile_close(f);
        return st;
    }
    *out = f;
    return RID_OK;
}

rid_status rid_appendfile_add(rid_appendfile *f, const void *bytes, size_t n, rid_err *err)
{
    /* From where the last good piece ends, whatever a failure before has left there. */
    if (lseek(f->fd, (off_t)f->length, SEEK_SET) < 0)
        return RID_FAIL_ERRNO(err, "%s", f->path);
    rid_status st = rid_fd_write_all(f->fd, bytes, n, f->path, err);
    if (st == RID_OK && fdatasync(f->fd) != 0)
        st = RID_FAIL_ERRNO(err, "%s", f->path);
    if (st == RID_OK)
        f->length += n;
    return st;
}

void rid_appendfile_close(rid_appendfile *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    rid_mem_free(f->path);
    rid_mem_free(f);
}
