/** Ground truth: which entry is which person. Read from every form of document that gt_file.h knows. */
#ifndef RID_LABELS_H
#define RID_LABELS_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rid_labels rid_labels;

/** Reads n >= 1 files (also .gz, .zst, "-") one after the other into one set of labels. The same
 *  label twice is fine; an entry with two persons is RID_EDATA with both and their files. Entries and
 *  persons with include: false are left out and counted. Errors: RID_ENOINPUT, RID_EDATA with file,
 *  line, byte and what was expected; RID_ETEMP. */
RID_MUST rid_status rid_labels_read(rid_labels **out, const char *const *paths, size_t n,
                                    rid_err *err);
void rid_labels_free(rid_labels *l);

/** How many labelled entries, persons, and entries left out by include: false. */
size_t rid_labels_count(const rid_labels *l);
size_t rid_labels_person_count(const rid_labels *l);
size_t rid_labels_excluded_count(const rid_labels *l);
/** Label i in order of first appearance: the entry's id and the person's number. Views. */
void rid_labels_at(const rid_labels *l, size_t i, rid_str *entry_id, uint32_t *person);
/** The person's id; persons are numbered in order of first appearance. View. */
rid_str rid_labels_person(const rid_labels *l, uint32_t person);
/** False where the entry has no label. Thread-safe. *person may be NULL. */
bool rid_labels_find(const rid_labels *l, rid_str entry_id, uint32_t *person);
/** True where the document leaves the entry out (include: false): not the same as not knowing it. */
bool rid_labels_is_excluded(const rid_labels *l, rid_str entry_id);
/** The person of that id. */
bool rid_labels_find_person(const rid_labels *l, rid_str person_id, uint32_t *person);

#endif
