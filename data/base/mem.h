/** Memory: overflow-checked allocation in one place. Nothing here aborts: NULL means no memory. */
#ifndef RID_MEM_H
#define RID_MEM_H

#include <stddef.h>
#include <stdint.h>

/** n*size bytes, not initialised. NULL on overflow or shortage; n*size = 0 gives a freeable pointer. */
void *rid_mem_alloc(size_t n, size_t size) __attribute__((warn_unused_result));
/** As rid_mem_alloc, zeroed. */
void *rid_mem_zalloc(size_t n, size_t size) __attribute__((warn_unused_result));
/** Resizes to n*size bytes; on NULL the old block is unchanged and still the caller's. */
void *rid_mem_resize(void *p, size_t n, size_t size) __attribute__((warn_unused_result));
/** n*size bytes aligned to 64 (a cache line, a vector register). Free with rid_mem_free. */
void *rid_mem_alloc_aligned(size_t n, size_t size) __attribute__((warn_unused_result));
/** Copy of the first n bytes of s with a NUL after them. */
char *rid_mem_strndup(const char *s, size_t n) __attribute__((warn_unused_result));
char *rid_mem_strdup(const char *s) __attribute__((warn_unused_result));
void rid_mem_free(void *p);

/** Grows *p (elements of `size` bytes, capacity *cap) to hold at least `need` elements.
 *  Returns 0, or -1 when there is no memory (*p and *cap unchanged). */
int rid_mem_grow(void *p, size_t *cap, size_t need, size_t size)
    __attribute__((warn_unused_result));

/** For tests: the nth next allocation (1 = the very next) and all after it fail; 0 switches off. */
void rid_mem_fail_after(uint64_t nth);
/** For tests: blocks allocated and not yet freed; allocations so far. Thread-safe. */
int64_t rid_mem_live_blocks(void);
uint64_t rid_mem_allocations(void);

/** Peak resident memory of this process in bytes. */
uint64_t rid_mem_peak_rss(void);

#endif
