/** From a tensor's view of a stored record to contiguous float32. */
#ifndef RID_TENSORLOAD_H
#define RID_TENSORLOAD_H

#include "train/checkpoint.h"
#include "train/pickletree.h"
#include "train/zipstore.h"

typedef struct rid_tensorload rid_tensorload;

/** A loader of tensors whose storages are the records <prefix>data/<key> of `zip`. All but `err`
 *  is borrowed for the loader's life; memory, the tensors' too, is charged to `budget`. */
RID_MUST rid_status rid_tensorload_new(rid_tensorload **out, rid_zip *zip, rid_str prefix,
                                       rid_budget *budget, rid_err *err);
void rid_tensorload_free(rid_tensorload *l);

/** Fills n_dims, shape, numel and data (owned by the caller, rid_mem_free) of *out from a view of a
 *  float storage. The storage's CRC-32 is checked on its first use. RID_EDATA: more than 4
 *  dimensions, a view that leaves its storage or counts an element twice, a record of another size,
 *  damaged bytes, an element that is no finite float32, over the budget. RID_EIO, RID_ETEMP. */
RID_MUST rid_status rid_tensorload_read(rid_tensorload *l, rid_tensor *out,
                                        const rid_pickle_tensor *view, rid_err *err);

#endif
