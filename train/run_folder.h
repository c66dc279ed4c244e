/** The folder of a training run: the names in it, and whether a run may begin there. */
#ifndef RID_RUN_FOLDER_H
#define RID_RUN_FOLDER_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>

/** Files of a run. */
typedef enum rid_run_file {
    RID_RUN_MODEL,   /**< model.pt, at the end */
    RID_RUN_BEST,    /**< best.pt, while running */
    RID_RUN_LAST,    /**< last.pt */
    RID_RUN_STATE,   /**< resume.state */
    RID_RUN_CONFIG,  /**< config.yaml */
    RID_RUN_METRICS, /**< metrics.jsonl */
    RID_RUN_REPORT,  /**< report.html */
    RID_RUN_FILES,
} rid_run_file;

typedef struct rid_run_folder {
    char *path[RID_RUN_FILES]; /**< owned */
    const char *folder;        /**< borrowed */
    bool goes_on;              /**< there is a state to resume from */
} rid_run_folder;

/** Makes the folder and looks what is in it, and leaves that alone. A run that is there is refused
 *  (RID_EUSAGE) without `resume` or `force`. RID_EIO. */
RID_MUST rid_status rid_run_folder_open(rid_run_folder *out, const char *folder, bool resume,
                                        bool force, rid_err *err);
void rid_run_folder_close(rid_run_folder *f);

/** Once all is ready for a run from its start: removes what an earlier one would resume from. Its
 *  model.pt stays until there is another. RID_EIO. */
RID_MUST rid_status rid_run_folder_begin(const rid_run_folder *f, rid_err *err);

/** Publishes a text as one of the files, replacing it. */
RID_MUST rid_status rid_run_folder_write(const rid_run_folder *f, rid_run_file file, rid_str text,
                                         rid_err *err);

#endif
