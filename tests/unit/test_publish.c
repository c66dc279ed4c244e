/* Publishing: whole and durable under its name, or not there at all; the leavings of dead runs. */
#include "tests/unit/fixture.h"

#include "data/base/interrupt.h"
#include "data/base/publish.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void expect_contents(const char *path, const char *expected)
{
    rid_buf b = fx_read(path);
    assert_string_equal(rid_buf_cstr(&b), expected);
    rid_buf_free(&b);
}

/* Names in the directory that begin with `prefix`. */
static size_t count_names(const char *directory, const char *prefix)
{
    size_t n = 0;
    DIR *d = opendir(directory);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += strncmp(e->d_name, prefix, strlen(prefix)) == 0 && strcmp(e->d_name, ".") != 0 &&
             strcmp(e->d_name, "..") != 0;
    closedir(d);
    return n;
}

static size_t temporaries(void)
{
    return count_names(fx_root, ".");
}

static void publish(const char *path, bool force, const char *text)
{
    rid_publish *p;
    assert_ok(rid_publish_begin(&p, path, force, &err));
    assert_ok(rid_publish_write(p, text, strlen(text), &err));
    assert_ok(rid_publish_commit(p, &err));
}

static void test_appears_at_commit(void **state)
{
    (void)state;
    rid_publish *p;
    const char *path = fx_path("out");
    struct stat s;
    umask(027);
    assert_ok(rid_publish_begin(&p, path, false, &err));
    assert_ok(rid_publish_write(p, "hel", 3, &err));
    assert_ok(rid_publish_write(p, "", 0, &err));
    assert_ok(rid_publish_write(p, "lo", 2, &err));
    assert_false(fx_exists(path));
    assert_int_equal(temporaries(), 1);
    assert_true(fx_exists(rid_publish_temp_path(p)));
    assert_ok(rid_publish_commit(p, &err));
    expect_contents(path, "hello");
    assert_int_equal(temporaries(), 0);
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0640); /* as the umask has it, not a temporary file's 0600 */
}

static void test_abort_leaves_what_was_there(void **state)
{
    (void)state;
    rid_publish *p;
    const char *path = fx_path("kept");
    publish(path, false, "old");
    assert_ok(rid_publish_begin(&p, path, true, &err));
    assert_ok(rid_publish_write(p, "new", 3, &err));
    rid_publish_abort(p);
    rid_publish_abort(NULL);
    expect_contents(path, "old");
    assert_int_equal(temporaries(), 0);
    publish(path, true, "new");
    expect_contents(path, "new");
    publish(path, true, ""); /* an empty file is one, too */
    expect_contents(path, "");
}

static void test_existing_is_refused(void **state)
{
    (void)state;
    rid_publish *p = (rid_publish *)(uintptr_t)8;
    const char *path = fx_path("existing");
    publish(path, false, "old");
    assert_fails(rid_publish_begin(&p, path, false, &err), RID_EUSAGE, "--force");
    assert_null(p);
    /* A link to nowhere is something that exists. */
    assert_int_equal(symlink("nowhere", fx_path("link")), 0);
    assert_fails(rid_publish_begin(&p, fx_path("link"), false, &err), RID_EUSAGE, "--force");
    assert_fails(rid_publish_begin(&p, fx_root, true, &err), RID_EUSAGE, "is a directory");
    assert_fails(rid_publish_begin(&p, fx_path("sub/"), true, &err), RID_EUSAGE, "not a file name");
    assert_fails(rid_publish_begin(&p, fx_path("no/such/dir"), true, &err), RID_ENOINPUT,
                 "no/such/dir");
    assert_fails(rid_publish_begin(&p, "", true, &err), RID_EUSAGE, "not a file name");
    assert_int_equal(temporaries(), 0);
}

static mode_t kind(const char *path)
{
    struct stat s;
    return lstat(path, &s) == 0 ? s.st_mode & S_IFMT : 0;
}

/* With force or without: what is no regular file stays, and force is not what would help. */
static void test_no_regular_file(void **state)
{
    (void)state;
    char fifo[128];
    rid_err e;
    snprintf(fifo, sizeof fifo, "%s", fx_path("fifo"));
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(symlink("fifo", fx_path("to-fifo")), 0);
    for (int force = 0; force < 2; force++) {
        rid_publish *p;
        assert_fails(rid_publish_begin(&p, fifo, force, &err), RID_EUSAGE, "is a pipe");
        assert_fails(rid_publish_begin(&p, fx_path("to-fifo"), force, &err), RID_EUSAGE,
                     "is a pipe");
        assert_int_equal(rid_publish_check("/dev/null", force, &e), RID_EUSAGE);
        assert_non_null(strstr(e.message, "/dev/null is a device"));
        assert_null(strstr(e.message, "--force"));
        assert_ok(rid_publish_check("-", force, &err));
    }
    assert_int_equal(kind(fifo), S_IFIFO);
    assert_fails(rid_publish_mkdirs(fifo, &err), RID_EUSAGE, "is a pipe, and not a directory");
    assert_fails(rid_publish_check_folder(fifo, &err), RID_EUSAGE,
                 "is a pipe, and not a directory");
    assert_ok(rid_publish_check_folder(fx_root, &err));
    assert_ok(rid_publish_check_folder(fx_path("nothing"), &err));
    assert_int_equal(temporaries(), 0);
}

/* A link stays, and what it leads to is replaced, or made. */
static void test_links(void **state)
{
    (void)state;
    assert_int_equal(mkdir(fx_path("deep"), 0777), 0);
    assert_int_equal(symlink("deep/real", fx_path("current")), 0);
    assert_int_equal(symlink("current", fx_path("newest")), 0);
    publish(fx_path("newest"), true, "made");
    expect_contents(fx_path("deep/real"), "made");
    publish(fx_path("current"), true, "replaced");
    expect_contents(fx_path("deep/real"), "replaced");
    assert_int_equal(kind(fx_path("newest")), S_IFLNK);
    assert_int_equal(kind(fx_path("current")), S_IFLNK);
    assert_int_equal(kind(fx_path("deep/real")), S_IFREG);
    assert_int_equal(temporaries(), 0);
    assert_int_equal(count_names(fx_path("deep"), "."), 0);
    rid_publish *p;
    assert_fails(rid_publish_begin(&p, fx_path("current"), false, &err), RID_EUSAGE, "--force");
    assert_int_equal(symlink("no/folder/file", fx_path("astray")), 0);
    assert_fails(rid_publish_begin(&p, fx_path("astray"), true, &err), RID_ENOINPUT, "astray");
}

/* What is written elsewhere than through rid_publish_write is another's to verify. */
static void test_file_of_another_library(void **state)
{
    (void)state;
    rid_publish *p;
    const char *path = fx_path("library");
    assert_ok(rid_publish_begin(&p, path, false, &err));
    FILE *f = fopen(rid_publish_temp_path(p), "wb");
    assert_non_null(f);
    fputs("written by name", f);
    fclose(f);
    assert_ok(rid_publish_commit(p, &err));
    expect_contents(path, "written by name");
}

/* What does not come back as it was written is not published. */
static void test_read_back(void **state)
{
    (void)state;
    for (int how = 0; how < 2; how++) {
        rid_publish *p;
        const char *path = fx_path("damaged");
        size_t n = (1 << 20) + 17;
        char *bytes = rid_mem_zalloc(n, 1);
        assert_non_null(bytes);
        publish(path, true, "old");
        assert_ok(rid_publish_begin(&p, path, true, &err));
        assert_ok(rid_publish_write(p, bytes, n, &err));
        if (how == 0)
            assert_int_equal(pwrite(rid_publish_fd(p), "x", 1, (off_t)n - 5), 1);
        else
            assert_int_equal(ftruncate(rid_publish_fd(p), (off_t)n - 1), 0);
        rid_err e = {0};
        assert_int_not_equal(rid_publish_commit(p, &e), RID_OK);
        expect_contents(path, "old");
        assert_int_equal(temporaries(), 0);
        rid_mem_free(bytes);
    }
}

static void test_second_file(void **state)
{
    (void)state;
    for (int which = 0; which < 2; which++) {
        rid_publish *first, *second;
        const char *path = fx_path("twice");
        assert_ok(rid_publish_begin(&first, path, true, &err));
        assert_ok(rid_publish_write(first, "first", 5, &err));
        assert_ok(rid_publish_again(&second, first, &err));
        assert_string_not_equal(rid_publish_temp_path(first), rid_publish_temp_path(second));
        assert_ok(rid_publish_write(second, "second", 6, &err));
        assert_int_equal(temporaries(), 2);
        rid_publish_abort(which ? first : second);
        assert_ok(rid_publish_commit(which ? second : first, &err));
        expect_contents(path, which ? "second" : "first");
        assert_int_equal(temporaries(), 0);
    }
}

/* A temporary file without a lock is a dead run's; other names' and live runs' stay. */
static void test_dead_temporaries(void **state)
{
    (void)state;
    rid_publish *live, *p;
    char path[128];
    snprintf(path, sizeof path, "%s", fx_path("result"));
    assert_ok(rid_publish_begin(&live, path, false, &err));
    fx_write(".result.rid-tmp-abcdef", "dead");
    fx_write(".result.rid-tmp-", "dead");
    fx_write(".other.rid-tmp-abcdef", "another's");
    fx_write(".result", "a user's");
    assert_int_equal(symlink("/etc/hostname", fx_path(".result.rid-tmp-link")), 0);
    assert_int_equal(mkfifo(fx_path(".result.rid-tmp-fifo"), 0600), 0);
    assert_ok(rid_publish_begin(&p, path, false, &err));
    assert_false(fx_exists(fx_path(".result.rid-tmp-abcdef")));
    assert_false(fx_exists(fx_path(".result.rid-tmp-")));
    assert_true(fx_exists(fx_path(".other.rid-tmp-abcdef")));
    assert_true(fx_exists(fx_path(".result")));
    assert_true(fx_exists(rid_publish_temp_path(live)));
    assert_true(fx_exists("/etc/hostname"));
    assert_ok(rid_publish_write(live, "live", 4, &err));
    assert_ok(rid_publish_commit(live, &err));
    rid_publish_abort(p);
    expect_contents(path, "live");
    unlink(fx_path(".other.rid-tmp-abcdef"));
    unlink(fx_path(".result"));
    unlink(fx_path(".result.rid-tmp-link"));
    unlink(fx_path(".result.rid-tmp-fifo"));
}

/* A killed run leaves the old file, and its temporary one to the next run. */
static void test_killed_run(void **state)
{
    (void)state;
    const char *path = fx_path("killed");
    int ready[2];
    char byte;
    publish(path, true, "old");
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        rid_publish *p;
        alarm(60);
        if (rid_publish_begin(&p, path, true, NULL) != RID_OK ||
            rid_publish_write(p, "half", 4, NULL) != RID_OK || write(ready[1], "", 1) != 1)
            _exit(1);
        pause();
    }
    ssize_t got = read(ready[0], &byte, 1);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_int_equal(got, 1);
    expect_contents(path, "old");
    assert_int_equal(temporaries(), 1);
    publish(path, true, "new");
    expect_contents(path, "new");
    assert_int_equal(temporaries(), 0);
    close(ready[0]);
    close(ready[1]);
}

/* Many at once for one name: each publishes a whole file, the last one stays. */
static void *publish_often(void *arg)
{
    char text[2000];
    memset(text, *(const char *)arg, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < 30; i++) {
        rid_publish *p;
        if (rid_publish_begin(&p, fx_path("shared"), true, NULL) != RID_OK ||
            rid_publish_write(p, text, sizeof text - 1, NULL) != RID_OK ||
            rid_publish_commit(p, NULL) != RID_OK)
            return arg;
    }
    return NULL;
}

static void test_concurrent_runs(void **state)
{
    (void)state;
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit(publish_often(&"abcd"[i]) ? 1 : 0);
    }
    for (int i = 0; i < 4; i++) {
        int status;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    rid_buf b = fx_read(fx_path("shared"));
    assert_int_equal(b.len, 1999);
    for (size_t i = 1; i < b.len; i++)
        assert_int_equal(b.data[i], b.data[0]);
    rid_buf_free(&b);
    assert_int_equal(temporaries(), 0);
}

/* Where the file system knows no locks, a run still goes on. */
static int lock_errno;
int flock(int fd, int operation)
{
    if (lock_errno == 0)
        return (int)syscall(SYS_flock, fd, operation);
    errno = lock_errno;
    return -1;
}

static void test_no_locks(void **state)
{
    (void)state;
    pid_t pid = fork(); /* a run that never ends is stopped */
    if (pid == 0) {
        rid_publish *p;
        alarm(5);
        lock_errno = ENOLCK;
        _exit(rid_publish_begin(&p, fx_path("unlocked"), true, NULL) != RID_OK ||
              rid_publish_write(p, "x", 1, NULL) != RID_OK ||
              rid_publish_commit(p, NULL) != RID_OK);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    expect_contents(fx_path("unlocked"), "x");
}

static void test_standard_output(void **state)
{
    (void)state;
    rid_publish *p;
    int fds[2], saved = dup(1);
    char text[16] = "";
    assert_int_equal(pipe(fds), 0);
    fflush(stdout);
    dup2(fds[1], 1);
    close(fds[1]);
    rid_status st = rid_publish_begin(&p, "-", false, NULL);
    bool named = p && rid_publish_temp_path(p);
    int fd = p ? rid_publish_fd(p) : -1;
    if (st == RID_OK)
        st = rid_publish_write(p, "hello", 5, NULL);
    if (st == RID_OK)
        st = rid_publish_commit(p, NULL);
    bool open_still = fcntl(1, F_GETFD) >= 0;
    dup2(saved, 1);
    close(saved);
    assert_int_equal(st, RID_OK);
    assert_false(named);
    assert_int_equal(fd, 1);
    assert_true(open_still);
    assert_int_equal(read(fds[0], text, sizeof text), 5);
    assert_string_equal(text, "hello");
    close(fds[0]);
    assert_false(fx_exists("-"));
}

static void test_directories(void **state)
{
    (void)state;
    assert_ok(rid_publish_mkdirs(fx_path("a/b/c"), &err));
    assert_true(fx_exists(fx_path("a/b/c")));
    assert_ok(rid_publish_mkdirs(fx_path("a/b/c"), &err));
    assert_ok(rid_publish_mkdirs(fx_path("a/b/c/d/"), &err));
    assert_true(fx_exists(fx_path("a/b/c/d")));
    fx_write("a/file", "");
    assert_fails(rid_publish_mkdirs(fx_path("a/file"), &err), RID_EUSAGE, "not a directory");
    assert_fails(rid_publish_mkdirs(fx_path("a/file/x"), &err), RID_EUSAGE, "not a directory");
    assert_fails(rid_publish_mkdirs("", &err), RID_ENOINPUT, "");
    assert_ok(rid_publish_mkdirs("/", &err));
    assert_ok(rid_publish_mkdirs(".", &err));
}

static void test_remove(void **state)
{
    (void)state;
    const char *path = fx_write("gone", "x");
    assert_ok(rid_publish_remove(path, &err));
    assert_false(fx_exists(path));
    assert_ok(rid_publish_remove(path, &err));
    rid_err e = {0};
    assert_int_not_equal(rid_publish_remove(fx_root, &e), RID_OK);
}

static void test_exact_reads(void **state)
{
    (void)state;
    char text[8] = "";
    int fd = open(fx_write("ten", "0123456789"), O_RDONLY | O_CLOEXEC);
    assert_ok(rid_fd_read_at(fd, text, 4, 6, "ten", &err));
    assert_string_equal(text, "6789");
    assert_fails(rid_fd_read_at(fd, text, 4, 7, "ten", &err), RID_EDATA, "1 bytes short");
    assert_fails(rid_fd_read_at(fd, text, 1, 100, "ten", &err), RID_EDATA, "ten");
    assert_ok(rid_fd_read_at(fd, text, 0, 100, "ten", &err));
    close(fd);
    assert_fails(rid_fd_write_all(fd, "x", 1, "closed", &err), RID_EIO, "closed");
}

static void test_no_memory(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s", fx_path("memory"));
    for (uint64_t n = 1;; n++) {
        int64_t before = rid_mem_live_blocks();
        rid_err e = {0};
        rid_publish *p = NULL;
        fx_write(".memory.rid-tmp-dead", "");
        rid_mem_fail_after(n);
        rid_status st = rid_publish_begin(&p, path, true, &e);
        if (st == RID_OK && (st = rid_publish_write(p, "x", 1, &e)) == RID_OK)
            st = rid_publish_commit(p, &e);
        rid_mem_fail_after(0);
        unlink(fx_path(".memory.rid-tmp-dead"));
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_int_equal(temporaries(), 0);
        if (st == RID_OK)
            break;
        assert_int_equal(st, RID_ETEMP);
        assert_false(fx_exists(path));
    }
}

/* ---- interruption: in a process of its own ---- */

static void test_interrupt(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM};
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            int fds[2];
            char byte;
            rid_err e = {0};
            atomic_bool stop = true;
            if (rid_interrupt_fd() != -1 || rid_interrupt_install(&e) != RID_OK || pipe(fds) != 0 ||
                rid_interrupt_check(&e) != RID_OK || rid_interrupt_signal() != 0)
                _exit(1);
            if (rid_interrupt_read(fds[0], &byte, 1, &stop) != -1 || errno != EINTR)
                _exit(2);
            if (write(fds[1], "x", 1) != 1 || rid_interrupt_read(fds[0], &byte, 1, NULL) != 1 ||
                byte != 'x')
                _exit(3);
            kill(getpid(), signals[i]);
            if (rid_interrupt_signal() != signals[i] || rid_interrupt_check(&e) != RID_EINTR ||
                !strstr(e.message, i ? "SIGTERM" : "SIGINT"))
                _exit(4);
            if (rid_interrupt_read(fds[0], &byte, 1, NULL) != -1 || errno != EINTR)
                _exit(5); /* and does not wait */
            if (write(fds[1], "x", 1) != 1 || close(fds[0]) != 0 || write(fds[1], "x", 1) != -1 ||
                errno != EPIPE)
                _exit(6);
            kill(getpid(), signals[i]); /* the second ends the process */
            _exit(7);
        }
        int status;
        waitpid(pid, &status, 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 128 + signals[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appears_at_commit),
        cmocka_unit_test(test_abort_leaves_what_was_there),
        cmocka_unit_test(test_existing_is_refused),
        cmocka_unit_test(test_no_regular_file),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_file_of_another_library),
        cmocka_unit_test(test_read_back),
        cmocka_unit_test(test_second_file),
        cmocka_unit_test(test_dead_temporaries),
        cmocka_unit_test(test_killed_run),
        cmocka_unit_test(test_concurrent_runs),
        cmocka_unit_test(test_no_locks),
        cmocka_unit_test(test_standard_output),
        cmocka_unit_test(test_directories),
        cmocka_unit_test(test_remove),
        cmocka_unit_test(test_exact_reads),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
