#include "data/base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t received;
static _Atomic int wake_read = -1;
static int wake_write = -1;

static void on_signal(int number)
{
    int saved = errno;
    if (received)
        _exit(128 + number);
    received = number;
    /* The pipe is never read: once readable it stays readable, for every waiting thread. */
    if (wake_write >= 0 && write(wake_write, "", 1) < 0)
        received = number;
    errno = saved;
}

rid_status rid_interrupt_install(rid_err *err)
{
    struct sigaction act;
    int fds[2];
    if (pipe(fds) != 0)
        return RID_FAIL_ERRNO(err, "pipe");
    wake_write = fds[1];
    atomic_store(&wake_read, fds[0]);
    memset(&act, 0, sizeof act);
    sigemptyset(&act.sa_mask);
    act.sa_handler = on_signal;
    if (sigaction(SIGINT, &act, NULL) != 0 || sigaction(SIGTERM, &act, NULL) != 0)
        return RID_FAIL_ERRNO(err, "sigaction");
    act.sa_handler = SIG_IGN;
    /* A write that meets a limit on the size of files (ulimit -f) fails like any other. */
    if (sigaction(SIGPIPE, &act, NULL) != 0 || sigaction(SIGXFSZ, &act, NULL) != 0)
        return RID_FAIL_ERRNO(err, "sigaction");
    return RID_OK;
}

int rid_interrupt_signal(void)
{
    return received;
}

rid_status rid_interrupt_check(rid_err *err)
{
    int number = received;
    if (number == 0)
        return RID_OK;
    return RID_FAIL(err, RID_EINTR, "interrupted by SIG%s", number == SIGTERM ? "TERM" : "INT");
}

int rid_interrupt_fd(void)
{
    return atomic_load(&wake_read);
}

long rid_interrupt_read(int fd, void *buf, unsigned long n, const atomic_bool *stop)
{
    enum { LOOK_MS = 200 };
    struct pollfd wait[2] = {{.fd = fd, .events = POLLIN}, {.fd = rid_interrupt_fd(), .events = POLLIN}};
    for (;;) {
        if (received || (stop && atomic_load(stop))) {
            errno = EINTR;
            return -1;
        }
        int ready = poll(wait, 2, stop ? LOOK_MS : -1);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready <= 0 || wait[1].revents)
            continue;
        ssize_t got = read(fd, buf, n);
        if (got >= 0 || errno != EINTR)
            return got;
    }
}
