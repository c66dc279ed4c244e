/** Checkpoints: model.pt as PyTorch's torch.save writes a dict of a model's weights and sizes. Read
 *  with our own bounded unpickler, written so that Python's torch.load reads them.
 *
 *  Keys: state_dict, vis_dim, attr_dim, emb_dim, use_attention (required), dropout (absent: 0),
 *  fusion_mode (absent: "baseline"), rid (ours, see train/checkpoint_meta.h). Others are ignored, unless
 *  asked for (train/checkpoint_extras.h).
 */
#ifndef RID_CHECKPOINT_H
#define RID_CHECKPOINT_H

#include "data/base/publish.h"
#include "train/checkpoint_extras.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RID_TENSOR_DIMS_MAX = 4,
    RID_CHECKPOINT_TENSORS_MAX = 4096,
    RID_CHECKPOINT_DIM_MAX = 1 << 24, /**< of vis_dim, attr_dim, emb_dim */
};

/** One weight. Everything is owned by the checkpoint. */
typedef struct rid_tensor {
    char *name;
    int n_dims; /**< 0 (a scalar) to 4 */
    int64_t shape[RID_TENSOR_DIMS_MAX];
    float *data; /**< f32 (shape), row-major, 64-byte aligned */
    size_t numel;
} rid_tensor;

/** Allocate members with rid_mem; rid_checkpoint_free frees them. */
typedef struct rid_checkpoint {
    rid_tensor *tensors; /**< in the file's order, names distinct */
    size_t n_tensors;
    int64_t vis_dim, attr_dim, emb_dim;
    bool use_attention;
    double dropout;    /**< in [0, 1] */
    char *fusion_mode; /**< "baseline" or "xattn" */
    char *rid;         /**< JSON text of the key `rid`; NULL when absent */
} rid_checkpoint;

/** Reads `path`, written by PyTorch 1.6 or later or by rid_checkpoint_write. float16, bfloat16 and
 *  float64 weights become float32 (round to nearest even), views become contiguous; tensors of
 *  other types (counters) are left out. A weight that is not a finite float32 is an error. Where
 * the key `rid` is present, the weights must be those whose digest it holds. At no time is more
 * memory held than twice the file's size + 1 MiB, whatever the file says. RID_ENOINPUT: there is no
 * such file. RID_EDATA: anything else about the file, with the record, the byte in it and what was
 * expected. RID_EIO, RID_ETEMP. *out is all zero on failure. */
RID_MUST rid_status rid_checkpoint_read(rid_checkpoint *out, const char *path, rid_err *err);

/** Publishes `ck` at `path` ("-": standard output, without the comparison): it is written beside
 * it, read back, compared, made durable, and renamed. The bytes depend on `ck` alone. RID_EUSAGE:
 * `path` exists and not `force`. RID_EDATA: `ck` is none that could be read again (weights that are
 * not finite, a digest of other weights, …). RID_EFAIL: over 4 GiB. RID_EIO. */
RID_MUST rid_status rid_checkpoint_write(const rid_checkpoint *ck, const char *path, bool force,
                                         rid_err *err);

/** As rid_checkpoint_read, and takes what else there is (see rid_checkpoint_extras_take). *extras is to be
 *  cleared, in any case. */
RID_MUST rid_status rid_checkpoint_read_extras(rid_checkpoint *out, rid_checkpoint_extras *extras,
                                               const char *path, rid_err *err);
/** As rid_checkpoint_write, with what is kept of extras behind the other keys. */
RID_MUST rid_status rid_checkpoint_write_extras(const rid_checkpoint *ck,
                                                const rid_checkpoint_extras *extras,
                                                const char *path, bool force, rid_err *err);
/** As rid_checkpoint_write_extras, into an output that the caller began for `path` and commits or aborts. */
RID_MUST rid_status rid_checkpoint_write_to(const rid_checkpoint *ck,
                                            const rid_checkpoint_extras *extras, rid_publish *out,
                                            const char *path, rid_err *err);

/** The tensor of that name, or NULL. */
const rid_tensor *rid_checkpoint_find(const rid_checkpoint *ck, const char *name);

/** Frees the members and zeroes *ck. */
void rid_checkpoint_free(rid_checkpoint *ck);

/** SHA-256 of the weights, 64 lower-case hex digits and NUL. Digested, integers as 8 little-endian
 *  bytes and strings after their length: "rid-weights-1", fusion mode, vis_dim, attr_dim, emb_dim,
 *  use_attention, the number of tensors, and by name in byte order: name, n_dims, shape, float32
 *  data (little-endian). Neither the order in the file nor `dropout` nor `rid` matter. */
RID_MUST rid_status rid_checkpoint_digest(const rid_checkpoint *ck, char hex[65], rid_err *err);

#endif
