/** Folds of persons, for cross-validation. */
#ifndef RID_FOLDS_H
#define RID_FOLDS_H

#include "train/train_set.h"

/** Few: the more people a fold holds, the less does a ranking of it saturate. */
enum { RID_FOLDS_MAX = 3, RID_NO_FOLD = UINT8_MAX };

/** Deals the persons of the entries `use` (u8 (set->n)) to 2 … RID_FOLDS_MAX folds at random, those
 *  with two entries or more first, so that each fold has its share of them; fewer folds where they
 *  would have less than 20 of those.
 *  fold u8 (set->n_persons): RID_NO_FOLD where no entry of the person is used.
 *  *n_folds = 0, and all in fold 0, where fewer than 4 persons have two entries. RID_ETEMP. */
RID_MUST rid_status rid_folds_deal(uint8_t *fold, size_t *n_folds, const rid_train_set *set,
                                   const uint8_t *use, uint64_t seed, rid_err *err);

#endif
