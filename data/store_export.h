/** The work of rid-store export: stores as payloads, as a table, as a NumPy array. */
#ifndef RID_STORE_EXPORT_H
#define RID_STORE_EXPORT_H

#include "data/base/log.h"
#include "data/summary.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rid_export_format {
    /** Payloads, one a line: every field that was given and every frame, so that encoding them gives
     *  the same store again. Its floats are the shortest that read back to the same float32. */
    RID_EXPORT_JSONL,
    /** A header, then one line an entry: entry_id, day_id, store_id, camera, direction, alert_id,
     *  employee_id, timestamp, status (ok, skip, fallback), emb_0, emb_1, …; not given is empty.
     *  Quoted as RFC 4180 says; lines end in LF. */
    RID_EXPORT_CSV,
    /** Embeddings as a NumPy array file (version 1.0), little-endian float32 (n, emb_dim). */
    RID_EXPORT_NPY,
} rid_export_format;

typedef struct rid_export_options {
    const char *const *inputs; /**< stores made with one encoder */
    size_t n_inputs;           /**< 1 or more */
    const char *output;        /**< "-": standard output */
    rid_export_format format;
    bool force, dry_run;
    uint64_t limit;            /**< only the first so many rows of the inputs; 0: all */
    int threads;
} rid_export_options;

/** Writes the entries in order of input and row, the same order in every format; of entries with the
 *  same id the last stays. Bytes do not depend on threads. Memory: metadata, and one batch of rows.
 *  RID_EDATA for payloads of a store without frames; RID_ECONFIG where encoders differ. */
RID_MUST rid_status rid_store_export(const rid_export_options *options, rid_summary *summary,
                                     rid_progress *progress, rid_err *err);

#endif
