/** The globals that a PyTorch checkpoint's pickle may name, and what "calling" them builds: always
 * a plain value of ours, by our own code. */
#ifndef RID_PICKLETORCH_H
#define RID_PICKLETORCH_H

#include "train/pickletree.h"

/** The global of that name, static; NULL where it is not on the list. */
const struct rid_pickle_global *rid_pickle_global_find(rid_str module, rid_str name);

/** Fills *out's type and contents with what `global` makes of `args` (a tuple); out->at is left
 *  alone. Memory comes from `arena`. RID_EDATA ("expected …"), RID_ETEMP. */
RID_MUST rid_status rid_pickle_call(rid_pickle_value *out, const struct rid_pickle_global *global,
                                    const rid_pickle_value *args, rid_pickle_arena *arena,
                                    rid_err *err);

/** As rid_pickle_call, for a persistent id: ('storage', class, key, device, number of elements),
 *  which names the record data/<key> of the archive. */
RID_MUST rid_status rid_pickle_storage_of(rid_pickle_value *out, const rid_pickle_value *id,
                                          rid_pickle_arena *arena, rid_err *err);

#endif
