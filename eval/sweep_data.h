/** Stores and ground truth as a sweep wants them: buckets scanned, persons by number. */
#ifndef RID_SWEEP_DATA_H
#define RID_SWEEP_DATA_H

#include "data/store_set.h"
#include "data/summary.h"
#include "eval/sweep.h"
#include "gt/labels.h"

/** Buckets in the order of day and store; where ground truth alone says who is who, only those with a
 *  label, for the others count nothing. */
typedef struct rid_sweep_data {
    rid_store_set set;
    rid_labels *labels;  /**< NULL without ground truth */
    rid_bucket *buckets; /**< (n_buckets) */
    size_t n_buckets;
    uint32_t **person;   /**< (n_buckets) (entries): number in labels, RID_UNLABELLED */
    rid_sweep *sweep;    /**< all buckets, in the same order */
    rid_bucket_pairs pairs; /**< from --pairs; none otherwise */
    size_t n_entries, n_labelled, n_skipped; /**< of the buckets */
    size_t n_idle, n_idle_entries; /**< buckets left out for want of a label; their entries */
    size_t n_excluded; /**< entries that ground truth leaves out: unlabelled, too */
    size_t n_absent;   /**< labels whose entry is in no store */
} rid_sweep_data;

/** What to read. Borrowed. */
typedef struct rid_sweep_input {
    rid_label_files people;                   /**< who is who; none: only pairs */
    const char *const *pairs, *const *stores; /**< pairs: to be counted */
    size_t n_pairs, n_stores;
    uint64_t limit;
} rid_sweep_input;

/** Reads, groups and scans, one bucket's embeddings in memory at a time (beyond what rid_sweep keeps).
 *  identity: as for rid_sweep_new. RID_EDATA where no entry of the stores has a label, or no pair is in a
 *  bucket; errors of rid_labels_read_files, rid_pairs_read, rid_store_set_open, rid_sweep_add. To be cleared in any case. */
RID_MUST rid_status rid_sweep_data_read(rid_sweep_data *d, const rid_sweep_input *in, bool identity,
                                        int threads, rid_summary *summary, rid_err *err);
void rid_sweep_data_clear(rid_sweep_data *d);

/** The id of an entry; of its person (no data: unlabelled). Views. */
rid_str rid_sweep_data_id(const rid_sweep_data *d, size_t bucket, size_t row);
rid_str rid_sweep_data_person(const rid_sweep_data *d, size_t bucket, size_t row);

#endif
