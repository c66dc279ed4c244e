/** What a checkpoint holds beside the keys that train/checkpoint.h knows: what somebody's training put there,
 *  such as an epoch. Plain values go into a copy; others do not, and are named. */
#ifndef RID_CHECKPOINT_EXTRAS_H
#define RID_CHECKPOINT_EXTRAS_H

#include "data/base/buf.h"
#include "train/pickletree.h"

enum {
    RID_CHECKPOINT_EXTRAS_MAX = 1000, /**< that are kept */
    RID_CHECKPOINT_DROPPED_NAMED = 10,
};

typedef struct rid_checkpoint_extra {
    char *key; /**< (key_len), no NUL behind it */
    size_t key_len;
    int type; /**< RID_PICKLE_NONE, BOOL, INT, FLOAT or STR */
    bool boolean;
    int64_t integer;
    double real; /**< may be NaN or infinite */
    char *text;  /**< (text_len), UTF-8 */
    size_t text_len;
} rid_checkpoint_extra;

/** Zero-initialise; rid_checkpoint_extras_clear frees. */
typedef struct rid_checkpoint_extras {
    rid_checkpoint_extra *items; /**< (n), in the file's order */
    size_t n;
    rid_buf dropped; /**< the first that are not kept: "optimizer (a dict), steps (a list)" */
    size_t n_dropped;
} rid_checkpoint_extras;

/** Takes the keys of the outermost dict that the reader does not know, and the names of tensors in its
 *  state_dict that it leaves out. Charged to the budget. RID_EDATA over it, or where a key that is kept
 *  occurs twice; RID_ETEMP. */
RID_MUST rid_status rid_checkpoint_extras_take(rid_checkpoint_extras *out,
                                               const rid_pickle_value *root, rid_budget *budget,
                                               rid_err *err);
void rid_checkpoint_extras_clear(rid_checkpoint_extras *e);
/** True where what is kept is the same, to the bit. */
bool rid_checkpoint_extras_same(const rid_checkpoint_extras *a, const rid_checkpoint_extras *b);

#endif
