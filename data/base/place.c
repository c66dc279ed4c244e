#include "data/base/place.h"

#include "data/base/buf.h"
#include "data/base/mem.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

rid_status rid_place_follow(char **out, const char *path, rid_err *err)
{
    enum { LINKS_MAX = 40 }; /* as the kernel */
    char link[PATH_MAX];
    ssize_t n;
    *out = rid_mem_strdup(path);
    for (int i = 0; *out && (n = readlink(*out, link, sizeof link)) >= 0; i++) {
        if (i == LINKS_MAX || (size_t)n == sizeof link) {
            errno = ELOOP;
            return RID_FAIL_ERRNO(err, "%s", path);
        }
        const char *slash = strrchr(*out, '/');
        const int folder = slash && link[0] != '/' ? (int)(slash + 1 - *out) : 0;
        rid_buf name = {0};
        rid_buf_printf(&name, "%.*s%.*s", folder, *out, (int)n, link);
        rid_mem_free(*out);
        *out = rid_buf_cstr(&name) ? rid_mem_strdup(name.data) : NULL;
        rid_buf_free(&name);
    }
    return *out ? RID_OK : RID_FAIL_NOMEM(err);
}

/* Length of the longest folder of `path` that is there, with its slash; `path` begins with "./" or "/". */
static size_t find_folder(char *path, struct stat *s)
{
    size_t n = strlen(path);
    for (;;) {
        while (path[n - 1] != '/')
            n--;
        const char first = path[n];
        path[n] = '\0';
        const bool found = stat(path, s) == 0;
        path[n] = first;
        if (found)
            return n;
        while (n > 1 && path[n - 1] == '/')
            n--;
        if (n == 1)
            return 0; /* the working folder is gone */
    }
}

/* "a//./b/" → "a/b", in place. */
static void tidy(char *names)
{
    char *to = names;
    for (const char *at = names; *at;) {
        const size_t n = strcspn(at, "/");
        if (n > 0 && !(n == 1 && *at == '.')) {
            if (to > names)
                *to++ = '/';
            memmove(to, at, n);
            to += n;
        }
        at += n + (at[n] == '/');
    }
    *to = '\0';
}

/* Where nothing is yet: the folder that it would be made in, and the names from there. */
static rid_status find_above(rid_place *place, const char *path, rid_err *err)
{
    struct stat s = {0};
    rid_buf text = {0};
    rid_buf_printf(&text, "%s%s", *path == '/' ? "" : "./", path);
    rid_status st = rid_buf_cstr(&text) ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        place->rest = rid_mem_strdup(text.data + find_folder(text.data, &s));
        place->device = s.st_dev;
        place->inode = s.st_ino;
        if (place->rest)
            tidy(place->rest);
        else
            st = RID_FAIL_NOMEM(err);
    }
    rid_buf_free(&text);
    return st;
}

static rid_place place_of(const struct stat *s)
{
    return (rid_place){.exists = true, .mode = s->st_mode, .device = s->st_dev, .inode = s->st_ino};
}

rid_status rid_place_find(rid_place *out, const char *path, rid_err *err)
{
    struct stat s;
    char *target = NULL;
    *out = (rid_place){0};
    if (stat(path, &s) == 0) {
        *out = place_of(&s);
        return RID_OK;
    }
    rid_status st = rid_place_follow(&target, path, err);
    if (st == RID_OK)
        st = find_above(out, target, err);
    rid_mem_free(target);
    return st;
}

rid_place rid_place_of_descriptor(int fd)
{
    struct stat s;
    return fstat(fd, &s) == 0 ? place_of(&s) : (rid_place){0};
}

bool rid_place_same(const rid_place *a, const rid_place *b)
{
    if (a->exists != b->exists || a->device != b->device || a->inode != b->inode)
        return false;
    return a->exists || (a->rest && b->rest && strcmp(a->rest, b->rest) == 0);
}

void rid_place_clear(rid_place *p)
{
    rid_mem_free(p->rest);
    *p = (rid_place){0};
}
