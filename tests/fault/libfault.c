/* Counts the calls that a program makes on the files below one directory, and at the Nth of a kind
 * kills the process or lets the call fail. For LD_PRELOAD in command-line tests:
 *
 *   FAULT_DIR     absolute, real path: calls on files below it count
 *   FAULT_STDOUT  set: writes to descriptor 1 count, too
 *   FAULT_CALL    kinds that count, by commas (default: any, which is all but read):
 *                 write fsync rename create unlink close truncate mkdir msync read
 *   FAULT_AT      from 1: which of the counted calls is hit
 *   FAULT_DO      kill-before, kill-after: SIGKILL around the call
 *                 enospc, eio: the call fails, nothing happens to the file
 *                 full: from this call on, all that needs room on the disk fails with ENOSPC
 *                 short: a write (or read) transfers half of its bytes
 *   FAULT_LOG     gets a line for every counted call: "NUMBER KIND PATH"
 *
 * A call through standard I/O's buffers is not seen: the project writes through write(2). */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

typedef enum kind {
    WRITE = 1,
    FSYNC = 2,
    RENAME = 4,
    CREATE = 8,
    UNLINK = 16,
    CLOSE = 32,
    TRUNCATE = 64,
    MKDIR = 128,
    MSYNC = 256,
    READ = 512,
    NEEDS_ROOM = WRITE | CREATE | TRUNCATE | MKDIR
} kind;

typedef enum action { PASS, KILL_BEFORE, KILL_AFTER, FAIL_ENOSPC, FAIL_EIO, FULL, SHORT } action;

static const char *const kind_names[] = {"write", "fsync",    "rename", "create", "unlink",
                                         "close", "truncate", "mkdir",  "msync",  "read"};
static const char *const action_names[] = {"",       "kill-before", "kill-after", "enospc",
                                           "eio",    "full",        "short"};
enum { N_KINDS = 10, N_ACTIONS = 7 };

static struct {
    char directory[PATH_MAX];
    size_t directory_len;
    bool standard_output;
    unsigned kinds;
    long at;
    action what;
    int log;
} config = {.log = -1};
static pthread_once_t configured = PTHREAD_ONCE_INIT;
static atomic_long counter;
static atomic_bool full;

static unsigned kinds_of(const char *list)
{
    unsigned kinds = 0;
    for (int k = 0; k < N_KINDS; k++) {
        const char *found = strstr(list, kind_names[k]);
        kinds |= found ? 1U << k : 0;
    }
    return strstr(list, "any") ? kinds | (READ - 1) : kinds;
}

/* A test that asks for what is not there would pass without a fault: so it ends here. */
static void refuse(const char *what)
{
    fprintf(stderr, "libfault: %s\n", what);
    _exit(99);
}

static void configure(void)
{
    const char *directory = getenv("FAULT_DIR"), *call = getenv("FAULT_CALL");
    const char *at = getenv("FAULT_AT"), *what = getenv("FAULT_DO"), *log = getenv("FAULT_LOG");
    if (!directory || *directory != '/' || strlen(directory) >= sizeof config.directory)
        refuse("FAULT_DIR is not an absolute path");
    strcpy(config.directory, directory);
    config.directory_len = strlen(directory);
    config.standard_output = getenv("FAULT_STDOUT") != NULL;
    config.kinds = kinds_of(call ? call : "any");
    if (config.kinds == 0)
        refuse("FAULT_CALL names no kind of call");
    config.at = at ? atol(at) : 0;
    for (int a = 1; what && a < N_ACTIONS; a++)
        if (strcmp(what, action_names[a]) == 0)
            config.what = (action)a;
    if (what && config.what == PASS)
        refuse("FAULT_DO is not known");
    if (log)
        config.log = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                                  0666);
    if (log && config.log < 0)
        refuse("FAULT_LOG cannot be written");
}

static void log_call(long number, kind k, const char *path)
{
    char line[PATH_MAX + 64];
    int bit = 0;
    while (!(k & (1U << bit)))
        bit++;
    int n = snprintf(line, sizeof line, "%ld %s %s\n", number, kind_names[bit], path);
    if (config.log >= 0 && n > 0 && syscall(SYS_write, config.log, line, n) < 0)
        refuse("FAULT_LOG cannot be written");
}

static bool below_directory(const char *path)
{
    return strncmp(path, config.directory, config.directory_len) == 0 &&
           (path[config.directory_len] == '/' || path[config.directory_len] == '\0');
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
}

/* Counts the call, and says what becomes of it; does not return where the process is killed. */
static action judge(kind k, const char *path)
{
    if (!(config.kinds & k))
        return PASS;
    long number = atomic_fetch_add(&counter, 1) + 1;
    log_call(number, k, path);
    if (atomic_load(&full) && (k & NEEDS_ROOM))
        return FAIL_ENOSPC;
    if (number != config.at)
        return PASS;
    if (config.what == KILL_BEFORE)
        die();
    if (config.what == FULL) {
        atomic_store(&full, true);
        return k & NEEDS_ROOM ? FAIL_ENOSPC : PASS;
    }
    return config.what;
}

static action judge_fd(kind k, int fd)
{
    char link[64], path[PATH_MAX];
    int saved = errno;
    pthread_once(&configured, configure);
    if (fd == STDOUT_FILENO && config.standard_output && k == WRITE)
        return judge(k, "(stdout)");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    errno = saved;
    if (n < 0)
        return PASS;
    path[n] = '\0';
    return below_directory(path) ? judge(k, path) : PASS;
}

static action judge_path(kind k, const char *name)
{
    char path[2 * PATH_MAX];
    int saved = errno;
    pthread_once(&configured, configure);
    if (*name == '/' || !getcwd(path, PATH_MAX)) {
        snprintf(path, sizeof path, "%s", name);
    } else {
        size_t n = strlen(path);
        snprintf(path + n, sizeof path - n, "/%s", name);
    }
    errno = saved;
    return below_directory(path) ? judge(k, path) : PASS;
}

/* True: the call fails with errno set. */
static bool fails(action a)
{
    if (a != FAIL_ENOSPC && a != FAIL_EIO)
        return false;
    errno = a == FAIL_ENOSPC ? ENOSPC : EIO;
    return true;
}

static long after(action a, long result)
{
    if (a == KILL_AFTER)
        die();
    return result;
}

static size_t cut(action a, size_t n)
{
    return a == SHORT && n > 1 ? n / 2 : n;
}

/* The next definition of the function that this is written in. */
#define REAL(type)                                                                                 \
    static type real;                                                                              \
    if (!real)                                                                                     \
        real = (type)dlsym(RTLD_NEXT, __func__)

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off_t);
typedef ssize_t (*writev_fn)(int, const struct iovec *, int);
typedef ssize_t (*read_fn)(int, void *, size_t);
typedef ssize_t (*pread_fn)(int, void *, size_t, off_t);
typedef int (*fd_fn)(int);
typedef int (*truncate_fn)(int, off_t);
typedef int (*open_fn)(const char *, int, ...);
typedef int (*openat_fn)(int, const char *, int, ...);
typedef int (*mkstemp_fn)(char *);
typedef int (*mkostemp_fn)(char *, int);
typedef int (*path_fn)(const char *);
typedef int (*rename_fn)(const char *, const char *);
typedef int (*renameat_fn)(int, const char *, int, const char *);
typedef int (*unlinkat_fn)(int, const char *, int);
typedef int (*mkdir_fn)(const char *, mode_t);
typedef int (*msync_fn)(void *, size_t, int);

ssize_t write(int fd, const void *bytes, size_t n)
{
    REAL(write_fn);
    action a = judge_fd(WRITE, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n)));
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t offset)
{
    REAL(pwrite_fn);
    action a = judge_fd(WRITE, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n), offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off_t offset)
{
    REAL(pwrite_fn);
    action a = judge_fd(WRITE, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n), offset));
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    REAL(writev_fn);
    action a = judge_fd(WRITE, fd);
    if (a == SHORT && n > 0)
        return write(fd, parts[0].iov_base, cut(a, parts[0].iov_len));
    return fails(a) ? -1 : after(a, real(fd, parts, n));
}

ssize_t read(int fd, void *bytes, size_t n)
{
    REAL(read_fn);
    action a = judge_fd(READ, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n)));
}

ssize_t pread(int fd, void *bytes, size_t n, off_t offset)
{
    REAL(pread_fn);
    action a = judge_fd(READ, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n), offset));
}

ssize_t pread64(int fd, void *bytes, size_t n, off_t offset)
{
    REAL(pread_fn);
    action a = judge_fd(READ, fd);
    return fails(a) ? -1 : after(a, real(fd, bytes, cut(a, n), offset));
}

int fsync(int fd)
{
    REAL(fd_fn);
    action a = judge_fd(FSYNC, fd);
    return fails(a) ? -1 : (int)after(a, real(fd));
}

int fdatasync(int fd)
{
    REAL(fd_fn);
    action a = judge_fd(FSYNC, fd);
    return fails(a) ? -1 : (int)after(a, real(fd));
}

/* A close that fails has closed the descriptor all the same, as on Linux. */
int close(int fd)
{
    REAL(fd_fn);
    action a = judge_fd(CLOSE, fd);
    int result = real(fd);
    return fails(a) ? -1 : (int)after(a, result);
}

int ftruncate(int fd, off_t length)
{
    REAL(truncate_fn);
    action a = judge_fd(TRUNCATE, fd);
    return fails(a) ? -1 : (int)after(a, real(fd, length));
}

int ftruncate64(int fd, off_t length)
{
    REAL(truncate_fn);
    action a = judge_fd(TRUNCATE, fd);
    return fails(a) ? -1 : (int)after(a, real(fd, length));
}

static mode_t mode_of(int flags, va_list ap)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(ap, int) : 0;
}

int open(const char *name, int flags, ...)
{
    REAL(open_fn);
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    action a = flags & O_CREAT ? judge_path(CREATE, name) : PASS;
    return fails(a) ? -1 : (int)after(a, real(name, flags, mode));
}

int open64(const char *name, int flags, ...)
{
    REAL(open_fn);
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    action a = flags & O_CREAT ? judge_path(CREATE, name) : PASS;
    return fails(a) ? -1 : (int)after(a, real(name, flags, mode));
}

int openat(int directory, const char *name, int flags, ...)
{
    REAL(openat_fn);
    va_list ap;
    va_start(ap, flags);
    mode_t mode = mode_of(flags, ap);
    va_end(ap);
    action a = flags & O_CREAT ? judge_path(CREATE, name) : PASS;
    return fails(a) ? -1 : (int)after(a, real(directory, name, flags, mode));
}

int mkstemp(char *name)
{
    REAL(mkstemp_fn);
    action a = judge_path(CREATE, name);
    return fails(a) ? -1 : (int)after(a, real(name));
}

int mkostemp(char *name, int flags)
{
    REAL(mkostemp_fn);
    action a = judge_path(CREATE, name);
    return fails(a) ? -1 : (int)after(a, real(name, flags));
}

int rename(const char *from, const char *to)
{
    REAL(rename_fn);
    action a = judge_path(RENAME, to);
    return fails(a) ? -1 : (int)after(a, real(from, to));
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
    REAL(renameat_fn);
    action a = judge_path(RENAME, to);
    return fails(a) ? -1 : (int)after(a, real(from_directory, from, to_directory, to));
}

int unlink(const char *name)
{
    REAL(path_fn);
    action a = judge_path(UNLINK, name);
    return fails(a) ? -1 : (int)after(a, real(name));
}

int unlinkat(int directory, const char *name, int flags)
{
    REAL(unlinkat_fn);
    action a = judge_path(UNLINK, name);
    return fails(a) ? -1 : (int)after(a, real(directory, name, flags));
}

int mkdir(const char *name, mode_t mode)
{
    REAL(mkdir_fn);
    action a = judge_path(MKDIR, name);
    return fails(a) ? -1 : (int)after(a, real(name, mode));
}

/* Which file a mapping belongs to is not looked up: every msync counts. */
int msync(void *bytes, size_t n, int flags)
{
    REAL(msync_fn);
    pthread_once(&configured, configure);
    action a = judge(MSYNC, "(mapping)");
    return fails(a) ? -1 : (int)after(a, real(bytes, n, flags));
}
