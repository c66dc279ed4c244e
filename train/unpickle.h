/** A bounded unpickler for PyTorch's checkpoints. It knows the opcodes and globals that they are
 * made of, builds plain values, and calls nothing; everything else is refused. It never recurses.
 */
#ifndef RID_UNPICKLE_H
#define RID_UNPICKLE_H

#include "train/pickletree.h"

enum {
    RID_UNPICKLE_BYTES_MAX = 1 << 30,
    RID_UNPICKLE_STACK_MAX = 1 << 20, /**< values on the stack */
    RID_UNPICKLE_MARKS_MAX = 64,      /**< marks open at once: the nesting of filled containers */
    RID_UNPICKLE_MEMO_MAX = 1 << 20,
};

/** Reads the pickle in `bytes` (protocol 2, and what is plain of 3 to 5) to *root, which lives in
 *  `arena` and views `bytes` (borrowed, must outlive the tree). On failure free the arena as well.
 *  RID_EDATA, "byte N: expected …, found …", for anything out of place, over a bound, or over the
 *  arena's budget; RID_ETEMP. */
RID_MUST rid_status rid_unpickle(const rid_pickle_value **root, rid_str bytes,
                                 rid_pickle_arena *arena, rid_err *err);

#endif
