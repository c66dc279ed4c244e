/** Ground truth: which entry is which person. Read from every form of document that gt_file.h knows, or from
 *  files of pairs. */
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
 *  persons with include: false are left out. Errors: RID_ENOINPUT, RID_EDATA with file,
 *  line, byte and what was expected; RID_ETEMP. */
RID_MUST rid_status rid_labels_read(rid_labels **out, const char *const *paths, size_t n,
                                    rid_err *err);
/** Reads n >= 1 files of pairs (see pairs.h) as people (see linked_people.h): every entry that a pair names
 *  has a label. RID_EDATA where a pair of different people is within one person; errors of
 *  rid_pairs_read. */
RID_MUST rid_status rid_labels_read_pairs(rid_labels **out, const char *const *paths, size_t n,
                                          rid_err *err);

/** Where labels come from; one of n_gt and n_pairs is 0. Borrowed. */
typedef struct rid_label_files {
    const char *const *gt, *const *pairs;
    size_t n_gt, n_pairs;
} rid_label_files;
/** Reads the ones or the others; not both numbers may be 0. */
RID_MUST rid_status rid_labels_read_files(rid_labels **out, const rid_label_files *files,
                                          rid_err *err);
void rid_labels_free(rid_labels *l);

/** True where they come from pairs. */
bool rid_labels_are_linked(const rid_labels *l);
/** Of labels from pairs: the people whom a pair tells apart, two and two, as a << 32 | b with a < b; ascending,
 *  each once. A view of *n. */
const uint64_t *rid_labels_apart(const rid_labels *l, size_t *n);

/** How many labelled entries and persons. */
size_t rid_labels_count(const rid_labels *l);
size_t rid_labels_person_count(const rid_labels *l);
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
