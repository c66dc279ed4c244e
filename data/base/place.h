/** Where a name leads: whether two names mean one file, also where it is not there yet. */
#ifndef RID_PLACE_H
#define RID_PLACE_H

#include "data/base/err.h"

#include <stdbool.h>
#include <sys/stat.h>

/** The file itself, or the nearest folder above it that exists and the names below that. */
typedef struct rid_place {
    bool exists;
    mode_t mode; /**< of the file, where it exists */
    dev_t device;
    ino_t inode;
    char *rest; /**< NULL where it exists; else "new/file", without "." and empty names */
} rid_place;

/** Finds `path`; links are followed. *out is the caller's (rid_place_clear), also on failure:
 *  RID_ETEMP, RID_ENOINPUT for links in a circle. Thread-safe. */
RID_MUST rid_status rid_place_find(rid_place *out, const char *path, rid_err *err);
/** The file behind an open descriptor; one that is closed is no place. Needs no clearing. */
rid_place rid_place_of_descriptor(int fd);
bool rid_place_same(const rid_place *a, const rid_place *b);
void rid_place_clear(rid_place *p);

/** The name that `path` leads to where its last part is a link (to a link, …), which need not be
 *  there; otherwise `path`. *out is the caller's (rid_mem_free). RID_ETEMP, RID_ENOINPUT. */
RID_MUST rid_status rid_place_follow(char **out, const char *path, rid_err *err);

#endif
