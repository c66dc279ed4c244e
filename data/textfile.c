#include "data/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

rid_status rid_textfile_read(rid_buf *out, const char *path, size_t max, rid_err *err)
{
    enum { STEP = 1 << 16 };
    rid_status st = RID_OK;
    size_t start = out->len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return RID_FAIL_ERRNO(err, "%s", path);
    for (;;) {
        char *at = rid_buf_reserve(out, STEP);
        if (!at) {
            st = RID_FAIL_NOMEM(err);
            break;
        }
        ssize_t got = read(fd, at, STEP);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            st = RID_FAIL_ERRNO(err, "%s: read", path);
        if (got <= 0)
            break;
        out->len += (size_t)got;
        if (out->len - start > max) {
            st = RID_FAIL(err, RID_EDATA, "%s: larger than %zu bytes", path, max);
            break;
        }
    }
    close(fd);
    return st;
}
