/** Reading a ground-truth document, whichever form it has, label by label:
 *
 *      {"e1": "p1", …}                                                            plain
 *      {"persons": {"p1": {alias, first_seen, include, entries: [{entry_id, …}]}}}
 *      {"entry_map": {"e1": {person_id, include, …}}}                              a map
 *      a manifest: {"day_id", "people": [{"person_id", "events": [{"entry_id", …}]}]}, whose numbers
 *      begin again every day, so that a person of it is "<day>/<person_id>"
 *
 *  Ids may be whole numbers; they are read as their digits. Frames (arrays and objects under "embeddings",
 *  anywhere) are passed over and need no memory. */
#ifndef RID_GT_FILE_H
#define RID_GT_FILE_H

#include "data/base/buf.h"
#include "data/base/err.h"

typedef enum rid_gt_form {
    RID_GT_PLAIN,
    RID_GT_PERSONS,
    RID_GT_ENTRY_MAP,
    RID_GT_MANIFEST,
} rid_gt_form;

/** "entries", "persons", "map", "manifest" */
const char *rid_gt_form_name(rid_gt_form f);
bool rid_gt_form_parse(const char *name, rid_gt_form *form);

/** A person or a label as it stands there, or, without entry and person, what a document of persons or a
 *  map says beside them (but for format_version); views that live during the call. */
typedef struct rid_gt_item {
    rid_str entry;  /**< data NULL: the item is a person's own, before the labels */
    rid_str person;
    bool include;   /**< the item's own "include", true where it has none */
    bool person_include; /**< of a label: its person's */
    rid_str rest;   /**< all other members, as in "\"alias\":\"Al\",\"first_seen\":1"; may be empty */
} rid_gt_item;

/** Called in the document's order. A message of RID_EDATA gets file, line and byte in front. */
typedef rid_status rid_gt_visit(void *ctx, const rid_gt_item *item, rid_err *err);

/** Reads a file (also .gz, .zst, "-"); *form, which may be NULL, is set before the first visit.
 *  RID_ENOINPUT; RID_EDATA with file, line, byte and what was expected (not JSON, duplicate keys, wrong
 *  types, an empty id, more than 1 GiB); RID_ETEMP; RID_EINTR; what `visit` returns. */
RID_MUST rid_status rid_gt_file_read(const char *path, rid_gt_visit *visit, void *ctx,
                                     rid_gt_form *form, rid_err *err);

#endif
