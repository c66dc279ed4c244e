#include "data/base/publish.h"

#include "data/base/buf.h"
#include "data/base/hash.h"
#include "data/base/mem.h"
#include "data/base/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct rid_publish {
    char *path;      /* as given, or "-" */
    char *target;    /* final name: where a link leads, else path */
    char *directory; /* of target */
    char *temp;      /* NULL for standard output */
    int fd;
    bool sealed; /* verified and durable */
    rid_hasher *written;
    long long n_written, n_sent; /* n_sent: of them, on their way to the disk */
};

enum { COPY_BYTES = 1 << 18 };

/* The mode open(2) would give; umask can only be read by setting it, which threads must not race. */
static mode_t file_mode;
static pthread_once_t file_mode_once = PTHREAD_ONCE_INIT;

static void read_file_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    file_mode = 0666 & ~mask;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return rid_mem_strdup(".");
    return rid_mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static rid_status sync_directory(const char *directory, rid_err *err)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return RID_FAIL_ERRNO(err, "%s", directory);
    rid_status st = RID_OK;
    /* Some file systems cannot sync a directory and say EINVAL: then there is nothing to do. */
    if (fsync(fd) != 0 && errno != EINVAL)
        st = RID_FAIL_ERRNO(err, "%s: fsync", directory);
    close(fd);
    return st;
}

/* A live run holds a lock on its temporary file; one whose lock can be had is a dead run's. */
static void remove_if_dead(const char *directory, const char *name)
{
    rid_buf path = {0};
    rid_buf_printf(&path, "%s/%s", directory, name);
    const char *text = rid_buf_cstr(&path);
    int fd = text ? open(text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            unlink(text);
        close(fd);
    }
    rid_buf_free(&path);
}

static void remove_dead_temporaries(const char *directory, const char *prefix)
{
    DIR *d = opendir(directory);
    if (!d)
        return;
    size_t n = strlen(prefix);
    for (struct dirent *e; (e = readdir(d));)
        if (strncmp(e->d_name, prefix, n) == 0)
            remove_if_dead(directory, e->d_name);
    closedir(d);
}

static rid_status create_temporary(rid_publish *p, rid_err *err)
{
    rid_buf prefix = {0}, name = {0};
    rid_status st = RID_OK;
    rid_buf_printf(&prefix, ".%s.rid-tmp-", base_name(p->target));
    const char *text = rid_buf_cstr(&prefix);
    if (!text) {
        st = RID_FAIL_NOMEM(err);
        goto done;
    }
    remove_dead_temporaries(p->directory, text);
    for (;;) {
        rid_buf_clear(&name);
        rid_buf_printf(&name, "%s/%sXXXXXX", p->directory, text);
        p->temp = rid_buf_cstr(&name) ? rid_mem_strdup(name.data) : NULL;
        if (!p->temp) {
            st = RID_FAIL_NOMEM(err);
            goto done;
        }
        p->fd = mkostemp(p->temp, O_CLOEXEC);
        if (p->fd < 0) {
            st = RID_FAIL_ERRNO(err, "%s: cannot create a file in its directory", p->path);
            rid_mem_free(p->temp);
            p->temp = NULL;
            goto done;
        }
        struct stat s;
        /* Another run may have taken the file for a dead one before it was locked: then again.
         * Where the file system knows no locks, no run takes anything for dead. */
        bool locked = flock(p->fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        if (locked && fstat(p->fd, &s) == 0 && s.st_nlink == 1)
            break;
        close(p->fd);
        p->fd = -1;
        unlink(p->temp);
        rid_mem_free(p->temp);
        p->temp = NULL;
    }
    pthread_once(&file_mode_once, read_file_mode);
    if (fchmod(p->fd, file_mode) != 0)
        st = RID_FAIL_ERRNO(err, "%s: chmod", p->temp);
done:
    rid_buf_free(&prefix);
    rid_buf_free(&name);
    return st;
}

/* What else than a regular file can have a name. */
static const char *kind_of(mode_t mode)
{
    return S_ISREG(mode)    ? "file"
           : S_ISDIR(mode)  ? "directory"
           : S_ISFIFO(mode) ? "pipe"
           : S_ISSOCK(mode) ? "socket"
                            : "device";
}

rid_status rid_publish_check(const char *path, bool force, rid_err *err)
{
    struct stat s;
    if (strcmp(path, "-") == 0)
        return RID_OK;
    if (*base_name(path) == '\0')
        return RID_FAIL(err, RID_EUSAGE, "output '%s' is not a file name", path);
    const bool found = stat(path, &s) == 0;
    if (found && S_ISDIR(s.st_mode))
        return RID_FAIL(err, RID_EUSAGE, "%s is a directory; name a file", path);
    if (found && !S_ISREG(s.st_mode))
        return RID_FAIL(err, RID_EUSAGE,
                        "%s is a %s, and stays one; name a file, or - for standard output", path,
                        kind_of(s.st_mode));
    if (!force && (found || lstat(path, &s) == 0))
        return RID_FAIL(err, RID_EUSAGE, "%s exists; add --force to replace it", path);
    return RID_OK;
}

rid_status rid_publish_check_folder(const char *path, rid_err *err)
{
    struct stat s;
    if (stat(path, &s) != 0 || S_ISDIR(s.st_mode))
        return RID_OK;
    return RID_FAIL(err, RID_EUSAGE, "%s is a %s, and not a directory", path, kind_of(s.st_mode));
}

static rid_status find_target(rid_publish *p, rid_err *err)
{
    rid_status st = rid_place_follow(&p->target, p->path, err);
    if (st == RID_OK && !(p->directory = directory_of(p->target)))
        st = RID_FAIL_NOMEM(err);
    return st;
}

rid_status rid_publish_begin(rid_publish **out, const char *path, bool force, rid_err *err)
{
    *out = NULL;
    rid_publish *p = rid_mem_zalloc(1, sizeof *p);
    if (!p)
        return RID_FAIL_NOMEM(err);
    p->fd = -1;
    p->path = rid_mem_strdup(path);
    p->written = rid_hasher_new();
    rid_status st =
        p->path && p->written ? rid_publish_check(path, force, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK && strcmp(path, "-") == 0)
        p->fd = STDOUT_FILENO;
    else if (st == RID_OK && (st = find_target(p, err)) == RID_OK)
        st = create_temporary(p, err);
    if (st != RID_OK) {
        rid_publish_abort(p);
        return st;
    }
    *out = p;
    return RID_OK;
}

rid_status rid_publish_again(rid_publish **out, const rid_publish *p, rid_err *err)
{
    return rid_publish_begin(out, p->path, true, err);
}

const char *rid_publish_temp_path(const rid_publish *p)
{
    return p->temp;
}

int rid_publish_fd(const rid_publish *p)
{
    return p->fd;
}

rid_status rid_fd_write_all(int fd, const void *bytes, size_t n, const char *name, rid_err *err)
{
    const char *at = bytes;
    while (n > 0) {
        ssize_t wrote = write(fd, at, n);
        if (wrote < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EPIPE)
                return RID_FAIL(err, RID_EIO, "%s: closed by its reader", name);
            return RID_FAIL_ERRNO(err, "%s: write", name);
        }
        at += wrote;
        n -= (size_t)wrote;
    }
    return RID_OK;
}

rid_status rid_fd_read_at(int fd, void *bytes, size_t n, long long offset, const char *name,
                          rid_err *err)
{
    char *at = bytes;
    while (n > 0) {
        ssize_t got = pread(fd, at, n, offset);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return RID_FAIL_ERRNO(err, "%s: read at byte %lld", name, offset);
        }
        if (got == 0)
            return RID_FAIL(err, RID_EDATA, "%s: ends at byte %lld, %zu bytes short", name, offset, n);
        at += got;
        offset += got;
        n -= (size_t)got;
    }
    return RID_OK;
}

/* Sends what was written on its way to the disk meanwhile, so that the sync at the end finds little
 * left to wait for. Where that fails, the sync says so. */
static void start_writeback(rid_publish *p)
{
    enum { AT_ONCE = 4 << 20 };
    long long n = p->n_written - p->n_sent;
    if (!p->temp || n < AT_ONCE)
        return;
    (void)sync_file_range(p->fd, p->n_sent, n, SYNC_FILE_RANGE_WRITE);
    p->n_sent = p->n_written;
}

rid_status rid_publish_write(rid_publish *p, const void *bytes, size_t n, rid_err *err)
{
    rid_hasher_add(p->written, bytes, n);
    rid_status st = rid_fd_write_all(p->fd, bytes, n, p->temp ? p->path : "standard output", err);
    p->n_written += (long long)n;
    if (st == RID_OK)
        start_writeback(p);
    return st;
}

static rid_status verify_written(rid_publish *p, rid_err *err)
{
    rid_digest128 expected = rid_hasher_end(p->written);
    if (p->n_written == 0)
        return RID_OK; /* another library wrote the file and verifies it */
    char *block = rid_mem_alloc(COPY_BYTES, 1);
    if (!block)
        return RID_FAIL_NOMEM(err);
    rid_status st = RID_OK;
    for (long long at = 0; at < p->n_written && st == RID_OK; at += COPY_BYTES) {
        size_t n = p->n_written - at < COPY_BYTES ? (size_t)(p->n_written - at) : COPY_BYTES;
        st = rid_fd_read_at(p->fd, block, n, at, p->temp, err);
        if (st == RID_OK)
            rid_hasher_add(p->written, block, n);
    }
    rid_mem_free(block);
    rid_digest128 found = rid_hasher_end(p->written);
    if (st == RID_OK && memcmp(&expected, &found, sizeof found) != 0)
        st = RID_FAIL(err, RID_EIO, "%s: read back differently than it was written", p->path);
    return st;
}

rid_status rid_publish_seal(rid_publish *p, rid_err *err)
{
    if (!p->temp || p->sealed)
        return RID_OK;
    const rid_status st = verify_written(p, err);
    if (st == RID_OK && fsync(p->fd) != 0)
        return RID_FAIL_ERRNO(err, "%s: fsync", p->path);
    p->sealed = st == RID_OK;
    return st;
}

rid_status rid_publish_commit(rid_publish *p, rid_err *err)
{
    rid_status st = RID_OK;
    if (p->temp) {
        st = rid_publish_seal(p, err);
        if (st == RID_OK && rename(p->temp, p->target) != 0)
            st = RID_FAIL_ERRNO(err, "%s: rename", p->path);
        if (st == RID_OK) {
            rid_mem_free(p->temp);
            p->temp = NULL;
            st = sync_directory(p->directory, err);
            close(p->fd);
            p->fd = -1;
        }
    }
    rid_publish_abort(p);
    return st;
}

void rid_publish_abort(rid_publish *p)
{
    if (!p)
        return;
    if (p->temp) {
        unlink(p->temp);
        if (p->fd >= 0)
            close(p->fd);
    }
    rid_mem_free(p->temp);
    rid_mem_free(p->path);
    rid_mem_free(p->target);
    rid_mem_free(p->directory);
    rid_hasher_free(p->written);
    rid_mem_free(p);
}

rid_status rid_publish_mkdirs(const char *path, rid_err *err)
{
    struct stat s;
    if (stat(path, &s) == 0)
        return rid_publish_check_folder(path, err);
    char *parent = directory_of(path);
    if (!parent)
        return RID_FAIL_NOMEM(err);
    rid_status st = strcmp(parent, path) == 0 ? RID_OK : rid_publish_mkdirs(parent, err);
    if (st == RID_OK && mkdir(path, 0777) != 0 && errno != EEXIST)
        st = RID_FAIL_ERRNO(err, "%s: mkdir", path);
    else if (st == RID_OK)
        st = sync_directory(parent, err);
    rid_mem_free(parent);
    return st;
}

rid_status rid_publish_remove(const char *path, rid_err *err)
{
    if (unlink(path) != 0)
        return errno == ENOENT ? RID_OK : RID_FAIL_ERRNO(err, "%s: unlink", path);
    char *directory = directory_of(path);
    if (!directory)
        return RID_FAIL_NOMEM(err);
    rid_status st = sync_directory(directory, err);
    rid_mem_free(directory);
    return st;
}
