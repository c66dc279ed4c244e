/** What the benchmark programs share: clocks, and the one line that scripts/run-bench reads. */
#ifndef RID_BENCH_H
#define RID_BENCH_H

#include <time.h>

typedef struct bench_time {
    double wall_s, cpu_s; /**< since some moment; cpu of all threads */
} bench_time;

static inline double bench_clock_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline bench_time bench_now(void)
{
    bench_time t = {bench_clock_s(CLOCK_MONOTONIC), bench_clock_s(CLOCK_PROCESS_CPUTIME_ID)};
    return t;
}

static inline bench_time bench_since(bench_time start)
{
    bench_time now = bench_now();
    now.wall_s -= start.wall_s;
    now.cpu_s -= start.cpu_s;
    return now;
}

#endif
