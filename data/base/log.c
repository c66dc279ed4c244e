#include "data/base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static rid_log_sink *current_sink;
static void *current_ctx;

void rid_log_set_sink(rid_log_sink *sink, void *ctx)
{
    pthread_mutex_lock(&lock);
    current_sink = sink;
    current_ctx = ctx;
    pthread_mutex_unlock(&lock);
}

void rid_log(rid_log_level level, const char *fmt, ...)
{
    char line[2 * RID_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    pthread_mutex_lock(&lock);
    if (current_sink)
        current_sink(current_ctx, level, line);
    pthread_mutex_unlock(&lock);
}

double rid_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t rid_clock_ms(void)
{
    return (int64_t)(rid_clock_s() * 1e3);
}

void rid_progress_update(rid_progress *p, uint64_t done, uint64_t total)
{
    if (!p || !p->show)
        return;
    int64_t now = rid_clock_ms();
    if (now - p->shown_ms < p->interval_ms)
        return;
    p->shown_ms = now;
    p->show(p, done, total, false);
}

void rid_progress_finish(rid_progress *p, uint64_t done, uint64_t total)
{
    if (p && p->show)
        p->show(p, done, total, true);
}
