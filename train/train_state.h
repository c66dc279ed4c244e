/** The resume state of a training run: one file, published whole, checked by a digest when it is
 *  read. It is this machine's and this version's: no exchange format. */
#ifndef RID_TRAIN_STATE_H
#define RID_TRAIN_STATE_H

#include "train/trainer.h"

/** What a run had done before the training it is in: validation figures of trainings that are over. */
enum { RID_PHASES_MAX = 4 };
typedef struct rid_train_phases {
    uint64_t current;                          /**< number of the training it is in; 0: the first */
    rid_validation validation[RID_PHASES_MAX]; /**< best of each that is over */
    uint64_t best_step[RID_PHASES_MAX];
} rid_train_phases;

/** Writes. settings: text of lines "key: value", all that must be the same on resuming. main: the
 *  first training, whose best weights and history are kept; current: the one it is in (may be main). */
RID_MUST rid_status rid_train_state_write(const char *path, const char *settings,
                                          const rid_train_phases *phases, const rid_trainer *main,
                                          const rid_trainer *current, rid_err *err);

typedef struct rid_train_state rid_train_state;

/** Opens and checks. RID_ENOINPUT: there is none; RID_EDATA: damaged, or of another version;
 *  RID_EUSAGE where settings differ, naming each that does, with both values. */
RID_MUST rid_status rid_train_state_open(rid_train_state **out, const char *path, const char *settings,
                                         rid_err *err);
void rid_train_state_close(rid_train_state *s);
const rid_train_phases *rid_train_state_phases(const rid_train_state *s);
/** Restores the first training: initialised with the same tensors. */
RID_MUST rid_status rid_train_state_restore_main(rid_train_state *s, rid_trainer *t, rid_err *err);
/** Restores the training it is in, where that is another; after rid_train_state_restore_main. */
RID_MUST rid_status rid_train_state_restore_current(rid_train_state *s, rid_trainer *t,
                                                    rid_err *err);

#endif
