/** Labels of a training set, and who trains and who validates: always whole people. */
#ifndef RID_TRAIN_SPLIT_H
#define RID_TRAIN_SPLIT_H

#include "data/entries.h"
#include "gt/labels.h"
#include "train/train_data.h"

typedef struct rid_train_split {
    rid_labels *gt, *val; /**< val NULL: validation people are split off those of gt */
} rid_train_split;

/** Reads the ground truth. RID_EDATA where a person or an entry is in both gt and val. */
RID_MUST rid_status rid_train_split_open(rid_train_split *out, const rid_train_data_options *o,
                                         rid_err *err);
void rid_train_split_close(rid_train_split *s);

/** The person of an entry, numbered over both files, and whether it is val's. */
bool rid_train_split_find(const rid_train_split *s, rid_str id, uint32_t *person, bool *val);
bool rid_train_split_is_excluded(const rid_train_split *s, rid_str id);

/** Fills persons, buckets, order, the two sides and the digests of d, whose entries are rows of meta.
 *  Says what it decides. RID_EDATA where that leaves nothing to train with. */
RID_MUST rid_status rid_train_split_apply(const rid_train_split *s, rid_train_data *d,
                                          const rid_entries *meta, const rid_train_data_options *o,
                                          rid_err *err);

#endif
