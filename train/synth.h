/** Synthetic store-days: payloads, their ground truth, the attribute schema and a random encoder.
 *  Same options, same bytes, for any number of threads. */
#ifndef RID_SYNTH_H
#define RID_SYNTH_H

#include "data/base/err.h"
#include "data/base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How many digits a vector's numbers get. */
typedef enum rid_synth_digits {
    RID_SYNTH_DIGITS_DOUBLE, /**< of the float widened to double, as Python's json.dumps writes
                                  tensor.tolist(): about 18 characters */
    RID_SYNTH_DIGITS_FLOAT,  /**< the shortest decimal of the float: about 10 characters */
} rid_synth_digits;

/** Which kind of random encoder to write. */
typedef enum rid_synth_fusion {
    RID_SYNTH_BASELINE,
    RID_SYNTH_XATTN,
} rid_synth_fusion;

/** All strings are borrowed for the run. Noise is relative to the spread between persons, which is
 *  1. Start from rid_synth_options_init, which gives the defaults in brackets. */
typedef struct rid_synth_options {
    uint64_t seed;                 /**< [0] */
    uint32_t people;               /**< per store; each comes on every day [40] */
    uint32_t stores;               /**< "nc0001", "nc0002", … [1] */
    uint32_t days;                 /**< consecutive [1] */
    const char *first_day;         /**< "YYYY-MM-DD" [2025-11-06] */
    uint32_t visits_lo, visits_hi; /**< crossings (entries) per person and day [1:4] */
    uint32_t frames_lo, frames_hi; /**< per entry, at least 1 [8:12] */
    uint32_t cameras;              /**< per store, at least 1 [2] */
    uint32_t vis_dim;              /**< floats per frame [1024] */
    uint32_t emb_dim;              /**< of the random encoder [128] */
    double noise;                  /**< scales the next three together [1] */
    double camera_noise;           /**< spread between cameras [0.2] */
    double visit_noise;            /**< spread between visits of a person [0.33] */
    double frame_noise;            /**< length of what is new in each frame [0.6] */
    double duplicates;             /**< probability that a frame repeats the one before [0.05] */
    double outliers;               /**< probability that a frame shows somebody else [0.05] */
    double attr_noise;             /**< probability that an attribute is wrong or missing [0.1] */
    bool attrs;                    /**< payloads have attributes, the encoder reads them [true] */
    rid_synth_digits digits;       /**< [DOUBLE] */
    rid_synth_fusion fusion;       /**< [BASELINE] */
    bool pool_mean;                /**< the encoder has no attention over frames [false] */

    /** Payloads: "-" is standard output, "*.jsonl" one file, "*.json" one entry manifest; a name
     *  that ends in '/' or has no extension is a directory of <day>/<store>.jsonl. NULL: none. */
    const char *output;
    const char *gt_path;     /**< ground truth, JSON entry_id → person_id; "-" or NULL: none */
    const char *schema_path; /**< attribute schema; NULL: none */
    const char *ckpt_path;   /**< random encoder as a checkpoint; NULL: none */
    bool force;              /**< replace existing files */
    bool dry_run;            /**< check and count, write nothing */
    int threads;             /**< at least 1 [1] */
} rid_synth_options;

void rid_synth_options_init(rid_synth_options *o);

/** What came out. */
typedef struct rid_synth_result {
    uint64_t buckets, entries;
    uint64_t persons; /**< people × stores; with visits_lo = 0 some may never come */
    uint64_t frames, duplicates, outliers;
    uint64_t bytes; /**< of payload text */
} rid_synth_result;

/** Generates everything that has a path. Memory: one block of entries (64 MiB of text, at least one
 *  entry per thread) and 24 bytes per entry of one bucket. Files appear whole or not at all, those
 *  of a directory one by one; ground truth, schema and checkpoint after the payloads.
 *  counts may be NULL; progress (in entries) too. RID_EUSAGE for an option out of range
 *  (the message names it) or a file that exists; RID_EINTR; RID_EIO; RID_ETEMP. */
RID_MUST rid_status rid_synth_run(const rid_synth_options *o, rid_synth_result *counts,
                                  rid_progress *progress, rid_err *err);

#endif
