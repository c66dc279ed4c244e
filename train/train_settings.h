/** A run's settings as short texts: what a resumed run must share, a checkpoint's provenance and a
 *  report say. */
#ifndef RID_TRAIN_SETTINGS_H
#define RID_TRAIN_SETTINGS_H

#include "train/train_job.h"

enum { RID_SETTINGS_MAX = 48, RID_SETTING_BYTES = 256 };

typedef struct rid_train_settings {
    struct {
        const char *name; /**< a string literal */
        char value[RID_SETTING_BYTES];
    } at[RID_SETTINGS_MAX];
    size_t n;
} rid_train_settings;

/** All that decides the result but epochs, patience and steps, which a resumed run may change. init:
 *  digest of the weights of --init FILE, or NULL. No path, host or clock. */
void rid_train_settings_make(rid_train_settings *out, const rid_train_options *o,
                             const rid_train_data *d, const rid_nn *nn, const char *init);
/** Appends lines "name: value". */
void rid_train_settings_text(const rid_train_settings *s, rid_buf *out);

#endif
