#include "data/base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static _Atomic int64_t live_blocks;
static _Atomic uint64_t allocations;
static _Atomic uint64_t fail_from; /* allocation number from which on all fail; 0 = never */

static int may_allocate(size_t n, size_t size, size_t *bytes)
{
    if (__builtin_mul_overflow(n, size, bytes) || *bytes > PTRDIFF_MAX)
        return 0;
    uint64_t number = atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed) + 1;
    uint64_t from = atomic_load_explicit(&fail_from, memory_order_relaxed);
    return from == 0 || number < from;
}

static void *counted(void *p)
{
    if (p)
        atomic_fetch_add_explicit(&live_blocks, 1, memory_order_relaxed);
    return p;
}

void *rid_mem_alloc(size_t n, size_t size)
{
    size_t bytes;
    if (!may_allocate(n, size, &bytes))
        return NULL;
    return counted(malloc(bytes ? bytes : 1));
}

void *rid_mem_zalloc(size_t n, size_t size)
{
    size_t bytes;
    if (!may_allocate(n, size, &bytes))
        return NULL;
    return counted(calloc(1, bytes ? bytes : 1));
}

void *rid_mem_resize(void *p, size_t n, size_t size)
{
    size_t bytes;
    if (!may_allocate(n, size, &bytes))
        return NULL;
    void *q = realloc(p, bytes ? bytes : 1);
    return p ? q : counted(q);
}

void *rid_mem_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;
    if (!may_allocate(n, size, &bytes) || bytes > PTRDIFF_MAX - 64)
        return NULL;
    return counted(aligned_alloc(64, bytes ? (bytes + 63) / 64 * 64 : 64));
}

char *rid_mem_strndup(const char *s, size_t n)
{
    if (n == SIZE_MAX)
        return NULL;
    char *copy = rid_mem_alloc(n + 1, 1);
    if (!copy)
        return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *rid_mem_strdup(const char *s)
{
    return rid_mem_strndup(s, strlen(s));
}

void rid_mem_free(void *p)
{
    if (!p)
        return;
    atomic_fetch_sub_explicit(&live_blocks, 1, memory_order_relaxed);
    free(p);
}

int rid_mem_grow(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return 0;
    size_t larger = *cap + *cap / 2;
    if (larger < need)
        larger = need;
    if (larger < 16)
        larger = 16;
    void *old;
    memcpy(&old, p, sizeof old);
    void *grown = rid_mem_resize(old, larger, size);
    if (!grown)
        return -1;
    memcpy(p, &grown, sizeof grown);
    *cap = larger;
    return 0;
}

void rid_mem_fail_after(uint64_t nth)
{
    uint64_t from = nth ? atomic_load(&allocations) + nth : 0;
    atomic_store(&fail_from, from);
}

int64_t rid_mem_live_blocks(void)
{
    return atomic_load(&live_blocks);
}

uint64_t rid_mem_allocations(void)
{
    return atomic_load(&allocations);
}

uint64_t rid_mem_peak_rss(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (uint64_t)u.ru_maxrss * 1024;
}
