#include "data/inputs.h"

#include "data/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void rid_inputs_free(rid_inputs *list)
{
    for (size_t i = 0; i < list->n; i++)
        rid_mem_free(list->files[i].path);
    rid_mem_free(list->files);
    *list = (rid_inputs){0};
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static bool names_payloads(const char *name)
{
    static const char *const endings[] = {".json",     ".jsonl",     ".json.gz",
                                          ".jsonl.gz", ".json.zst", ".jsonl.zst"};
    if (name[0] == '.' || ends_with(name, ".rejects.jsonl"))
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(name, endings[i]))
            return true;
    return false;
}

static bool is_store(const char *path)
{
    char magic[8] = "";
    if (ends_with(path, ".h5"))
        return true;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool found = read(fd, magic, sizeof magic) == sizeof magic &&
                 memcmp(magic, "RIDSTORE", sizeof magic) == 0;
    close(fd);
    return found;
}

static rid_status add_file(rid_inputs *list, const char *path, bool store, uint64_t bytes,
                           rid_err *err)
{
    char *copy = rid_mem_strdup(path);
    if (!copy || rid_mem_grow(&list->files, &list->cap, list->n + 1, sizeof *list->files) != 0) {
        rid_mem_free(copy);
        return RID_FAIL_NOMEM(err);
    }
    list->files[list->n++] = (rid_input){copy, store, bytes};
    return RID_OK;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static rid_status add_directory(rid_inputs *list, const char *path, rid_err *err)
{
    rid_status st = RID_OK;
    char *copy = rid_mem_strdup(path);
    char *const roots[] = {copy, NULL};
    FTS *walk = copy ? fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, by_name) : NULL;
    if (!walk)
        st = copy ? RID_FAIL_ERRNO(err, "%s", path) : RID_FAIL_NOMEM(err);
    while (st == RID_OK) {
        errno = 0;
        FTSENT *e = fts_read(walk);
        if (!e) {
            if (errno != 0) /* not the end: what is left must not be missed */
                st = RID_FAIL_ERRNO(err, "%s: reading the directory", path);
            break;
        }
        if (e->fts_info == FTS_D && e->fts_level > 0 && e->fts_name[0] == '.')
            fts_set(walk, e, FTS_SKIP);
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            st = RID_FAIL(err, RID_ENOINPUT, "%s: %s", e->fts_path, strerror(e->fts_errno));
        else if (e->fts_info == FTS_F && names_payloads(e->fts_name))
            st = add_file(list, e->fts_path, false, (uint64_t)e->fts_statp->st_size, err);
    }
    if (walk)
        fts_close(walk);
    rid_mem_free(copy);
    return st;
}

static rid_status add_input(rid_inputs *list, const char *path, rid_err *err)
{
    struct stat s;
    if (strcmp(path, "-") == 0)
        return add_file(list, path, false, 0, err);
    if (stat(path, &s) != 0)
        return RID_FAIL_ERRNO(err, "%s", path);
    if (S_ISDIR(s.st_mode))
        return add_directory(list, path, err);
    bool regular = S_ISREG(s.st_mode);
    return add_file(list, path, regular && is_store(path), regular ? (uint64_t)s.st_size : 0, err);
}

rid_status rid_inputs_find(rid_inputs *out, const char *const *paths, size_t n, rid_err *err)
{
    *out = (rid_inputs){0};
    rid_status st = n == 0 ? add_input(out, "-", err) : RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = add_input(out, paths[i], err);
    if (st != RID_OK)
        rid_inputs_free(out);
    return st;
}
