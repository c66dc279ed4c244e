/** The unpickler's machine: position, stack, marks and memo, all bounded. It keeps its first
 * failure; after that every step does nothing that matters, so that an opcode reads as a chain of
 * pops and pushes with one check at the end. Used by train/unpickle.c. */
#ifndef RID_PICKLESTACK_H
#define RID_PICKLESTACK_H

#include "train/unpickle.h"

typedef struct rid_picklestack {
    const unsigned char *bytes; /**< borrowed */
    size_t n, at, op_at;        /**< at: the next byte; op_at: the present opcode's */
    rid_pickle_value **stack;
    size_t n_stack, stack_cap;
    size_t marks[RID_UNPICKLE_MARKS_MAX]; /**< heights of the stack */
    size_t n_marks;
    rid_pickle_value **memo; /**< NULL where nothing was put */
    size_t n_memo, memo_cap;
    rid_pickle_arena *arena; /**< borrowed */
    rid_pickle_value none;   /**< stands in for what is missing after a failure; always None */
    rid_status st;
    rid_err *err;
    bool stopped;
} rid_picklestack;

/** Frees the stack and the memo and gives back their charge; the values stay in the arena. */
void rid_picklestack_free(rid_picklestack *m);

/** Fails with RID_EDATA, "byte N: …"; a later failure changes nothing. */
void rid_picklestack_fail(rid_picklestack *m, const char *fmt, ...) RID_PRINTF(2, 3);
/** Fails with "expected <what>, found <a value of found's type>". */
void rid_picklestack_expected(rid_picklestack *m, const char *what, const rid_pickle_value *found);
/** Takes over the status of a function that filled m->err and knows nothing of the position. */
void rid_picklestack_refer(rid_picklestack *m, rid_status st);
/** Memory from the arena; NULL after a failure. */
void *rid_picklestack_alloc(rid_picklestack *m, size_t n, size_t size);

void rid_picklestack_push(rid_picklestack *m, rid_pickle_value *v);
/** Pushes a new value of that type, zeroed, and returns it to be filled. Never NULL. */
rid_pickle_value *rid_picklestack_push_new(rid_picklestack *m, rid_pickle_type type);
/** The topmost value above the last mark. Never NULL. */
rid_pickle_value *rid_picklestack_top(rid_picklestack *m);
rid_pickle_value *rid_picklestack_pop(rid_picklestack *m);
void rid_picklestack_push_mark(rid_picklestack *m);
/** Closes the last mark: the *n values above it leave the stack, readable until the next push. */
rid_pickle_value **rid_picklestack_pop_mark(rid_picklestack *m, size_t *n);
/** The height of the stack at the last mark; 0 without one. */
size_t rid_picklestack_floor(const rid_picklestack *m);

/** Remembers the topmost value; pushes a remembered one. */
void rid_picklestack_put(rid_picklestack *m, size_t index);
void rid_picklestack_get(rid_picklestack *m, size_t index);

/** The next n bytes; NULL where the pickle ends before. */
const unsigned char *rid_picklestack_take(rid_picklestack *m, uint64_t n);
/** The next n <= 8 bytes as a little-endian unsigned integer; 0 where the pickle ends before. */
uint64_t rid_picklestack_take_uint(rid_picklestack *m, size_t n);
/** The bytes up to the next newline, which is passed over. */
rid_str rid_picklestack_take_line(rid_picklestack *m);

#endif
