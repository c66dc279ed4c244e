/** The file that torch.save writes: a zip archive with one pickle and the storages it names. */
#ifndef RID_PTFILE_H
#define RID_PTFILE_H

#include "train/budget.h"
#include "train/pickletree.h"
#include "train/tensorload.h"

typedef struct rid_ptfile rid_ptfile;

/** Opens `path`, checks the archive and reads its pickle. What is read now and later is charged to
 *  a budget of twice the file's size + 1 MiB. RID_ENOINPUT where it is missing or no regular file;
 *  RID_EDATA for anything that is not such a file (with what it is instead, where that can be
 * told), RID_EIO, RID_ETEMP. Messages do not name `path`. *out is NULL on failure. */
RID_MUST rid_status rid_ptfile_open(rid_ptfile **out, const char *path, rid_err *err);
void rid_ptfile_close(rid_ptfile *f);

/** The pickle's value, which lives as long as f. */
const rid_pickle_value *rid_ptfile_root(const rid_ptfile *f);
/** The folder of the archive's records, "archive/". */
rid_str rid_ptfile_prefix(const rid_ptfile *f);
rid_budget *rid_ptfile_budget(rid_ptfile *f);
/** A loader of the file's tensors; rid_tensorload_free it before rid_ptfile_close. */
RID_MUST rid_status rid_ptfile_loader(rid_ptfile *f, rid_tensorload **out, rid_err *err);

#endif
