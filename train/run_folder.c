#include "train/run_folder.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "train/metrics_log.h"

#include <unistd.h>

static const char *const NAMES[RID_RUN_FILES] = {"model.pt",    "best.pt",        "last.pt",
                                                 "resume.state", "config.yaml", RID_METRICS_FILE,
                                                 "report.html"};

static rid_status make_paths(rid_run_folder *f, rid_err *err)
{
    for (size_t i = 0; i < RID_RUN_FILES; i++) {
        rid_buf path = {0};
        rid_buf_printf(&path, "%s/%s", f->folder, NAMES[i]);
        const char *text = rid_buf_cstr(&path);
        f->path[i] = text ? rid_mem_strdup(text) : NULL;
        rid_buf_free(&path);
        if (!f->path[i])
            return RID_FAIL_NOMEM(err);
    }
    return RID_OK;
}

rid_status rid_run_folder_open(rid_run_folder *out, const char *folder, bool resume, bool force,
                               rid_err *err)
{
    *out = (rid_run_folder){.folder = folder};
    bool found = false;
    rid_status st = make_paths(out, err);
    if (st == RID_OK)
        st = rid_publish_mkdirs(folder, err);
    for (size_t i = 0; st == RID_OK && i < RID_RUN_FILES; i++) {
        found |= access(out->path[i], F_OK) == 0;
        st = rid_publish_check(out->path[i], true, err);
    }
    if (st == RID_OK && found && !resume && !force)
        st = RID_FAIL(err, RID_EUSAGE, "%s holds a run: --resume goes on with it, --force replaces it",
                      folder);
    out->goes_on = st == RID_OK && resume && access(out->path[RID_RUN_STATE], F_OK) == 0;
    if (st == RID_OK && resume && !out->goes_on)
        rid_log(RID_LOG_INFO, "%s has nothing saved yet: the run begins at its start", folder);
    if (st != RID_OK)
        rid_run_folder_close(out);
    return st;
}

/* Checkpoints of another run would be taken for this one's. */
rid_status rid_run_folder_begin(const rid_run_folder *f, rid_err *err)
{
    static const rid_run_file old[] = {RID_RUN_STATE, RID_RUN_BEST, RID_RUN_LAST};
    rid_status st = RID_OK;
    for (size_t i = 0; i < sizeof old / sizeof old[0] && st == RID_OK; i++)
        st = rid_publish_remove(f->path[old[i]], err);
    return st;
}

void rid_run_folder_close(rid_run_folder *f)
{
    for (size_t i = 0; i < RID_RUN_FILES; i++)
        rid_mem_free(f->path[i]);
    *f = (rid_run_folder){0};
}

rid_status rid_run_folder_write(const rid_run_folder *f, rid_run_file file, rid_str text,
                                rid_err *err)
{
    rid_publish *p = NULL;
    rid_status st = rid_publish_begin(&p, f->path[file], true, err);
    if (st == RID_OK)
        st = rid_publish_write(p, text.data, text.len, err);
    if (st == RID_OK) {
        st = rid_publish_commit(p, err);
        p = NULL;
    }
    rid_publish_abort(p);
    return st;
}
