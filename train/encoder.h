/** Encoder inference: a burst of frames and its attribute vector become one unit embedding.
 *
 *  The networks (attention pooling with the first frame as query; xattn with the attributes as
 *  query; mean) are folded when they are loaded, exactly: the attention weights sum to 1, so the raw
 *  frames are pooled first and one matrix is applied to the result; keys are never formed, because
 *  q·(Wk x + bk) = (Wkᵀ q)·x + a constant that the softmax cancels. */
#ifndef RID_ENCODER_H
#define RID_ENCODER_H

#include "data/entries.h"
#include "train/checkpoint.h"
#include "train/frame_filter.h"

typedef struct rid_encoder rid_encoder;

/** The baseline that needs no checkpoint: the unit-length mean of the kept unit frames. */
RID_MUST rid_status rid_encoder_new_mean(rid_encoder **out, size_t vis_dim, const rid_filter *filter,
                                         rid_err *err);
/** Folds a checkpoint, which may be freed afterwards. `schema_text` (canonical, NULL: none) is part
 *  of the hash. RID_EDATA where tensors are missing or do not fit together, with names and sizes. */
RID_MUST rid_status rid_encoder_new(rid_encoder **out, const rid_checkpoint *ck,
                                    const rid_filter *filter, const char *schema_text, int threads,
                                    rid_err *err);
void rid_encoder_free(rid_encoder *e);

/** "mean", "baseline", "xattn" */
const char *rid_encoder_kind(const rid_encoder *e);
/** SHA-256, 64 hex digits, of four texts, each after its length as 8 little-endian bytes:
 *  "rid-encoder-1"; rid_checkpoint_digest's (fusion mode, sizes, tensors), or "mean <vis_dim>"; the
 *  filter's settings as rid_filter_write_json writes them; the schema's text, or "". */
const char *rid_encoder_hash(const rid_encoder *e);
size_t rid_encoder_vis_dim(const rid_encoder *e);
/** Length of the attribute vector that it reads; 0: none. */
size_t rid_encoder_attr_dim(const rid_encoder *e);
size_t rid_encoder_emb_dim(const rid_encoder *e);

/** One burst and its results. */
typedef struct rid_burst {
    const float *frames;     /**< f32 (n_frames, vis_dim), as received */
    size_t n_frames;
    const float *attr;       /**< f32 (attr_dim); NULL: all zero */
    float *embedding;        /**< out, f32 (emb_dim): unit length, or all zero (skip) */
    uint8_t *kept;           /**< out, u8 (n_frames) */
    rid_entry_status status; /**< out */
} rid_burst;

/** Encodes n bursts. Each result depends on its burst alone: not on n, its place, or threads.
 *  RID_EDATA where an output is not finite, RID_ETEMP; the results are then not to be used. */
RID_MUST rid_status rid_encoder_run(const rid_encoder *e, rid_burst *bursts, size_t n, int threads,
                                    rid_err *err);

/** One stage of a burst's way, for comparison with a reference implementation. */
typedef enum rid_encoder_stage {
    RID_STAGE_WEIGHTS, /**< attention weights of the kept frames (n_kept) */
    RID_STAGE_POOLED,  /**< pooled unit frame (vis_dim) */
    RID_STAGE_HIDDEN,  /**< input of the fusion layers, both halves */
    RID_STAGE_OUTPUT,  /**< output before normalisation (emb_dim) */
} rid_encoder_stage;

/** Encodes one burst and copies what the stage gave to out, at most `cap` floats; *n = how many. A
 *  burst that is a skip has nothing to show: its stages are those of a zero pooled frame. */
RID_MUST rid_status rid_encoder_trace(const rid_encoder *e, rid_burst *burst, rid_encoder_stage stage,
                                      float *out, size_t cap, size_t *n, rid_err *err);

#endif
