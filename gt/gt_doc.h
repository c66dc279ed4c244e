/** Ground truth as its documents have it, notes and all, to be checked and written again. (Who only asks
 *  which entry is which person takes labels.h.)
 *
 *      rid_gt_doc_read(&doc, paths, n, RID_GT_PREFER_NONE, err);
 *      if (doc.n_conflicts > 0) return rid_gt_doc_fail_conflict(&doc, paths, err); */
#ifndef RID_GT_DOC_H
#define RID_GT_DOC_H

#include "gt/gt_file.h"
#include "gt/id_table.h"

/** Which label counts where an entry has two that differ. NONE: the first, and it is for the caller to
 *  refuse them. */
typedef enum rid_gt_prefer {
    RID_GT_PREFER_NONE,
    RID_GT_PREFER_FIRST,
    RID_GT_PREFER_LAST,
} rid_gt_prefer;

/** Part of the document's text. */
typedef struct rid_gt_span {
    size_t at, len;
} rid_gt_span;

typedef struct rid_gt_person {
    bool include;     /**< false where every document leaves the person out */
    size_t n_entries; /**< those left out, too */
    size_t n_included;
    rid_gt_span notes; /**< members beside entries and include, as JSON text: "\"alias\":\"Al\"" */
} rid_gt_person;

typedef struct rid_gt_entry {
    uint32_t person, file;
    bool include;     /**< false: left out, by itself or with its person */
    bool own_include; /**< its own "include" */
    bool conflicting;
    rid_gt_span notes;
} rid_gt_entry;

/** An entry with two labels that differ: another person, or left out here and included there. */
typedef struct rid_gt_conflict {
    uint32_t entry;
    struct {
        uint32_t person, file;
        bool include;
    } said[2]; /**< in order of reading */
} rid_gt_conflict;

/** Read only; entries and persons in order of first appearance. Zero-initialise. */
typedef struct rid_gt_doc {
    rid_id_table entry_ids, person_ids;
    rid_gt_entry *entries;      /**< (entry_ids.n) */
    rid_gt_person *persons;     /**< (person_ids.n) */
    rid_gt_conflict *conflicts; /**< (n_conflicts): one for an entry */
    size_t n_conflicts;
    size_t n_included;     /**< entries that are not left out */
    size_t n_repeated;     /**< labels that say again what an earlier one says */
    size_t n_notes_differ; /**< members of notes that two documents have with different values */
    rid_gt_span notes;     /**< what stands in the documents beside the labels */
    rid_gt_form form; /**< of the first document, as it can be written: persons for a manifest */
    rid_buf text;
    size_t entries_cap, persons_cap, conflicts_cap;
} rid_gt_doc;

/** Reads n >= 1 files, in any forms, into one document. Notes of an entry or person that several
 *  documents have are joined; where they differ the first counts, with PREFER_LAST the last. Errors are
 *  those of rid_gt_file_read. To be cleared in every case. */
RID_MUST rid_status rid_gt_doc_read(rid_gt_doc *doc, const char *const *paths, size_t n,
                                    rid_gt_prefer prefer, rid_err *err);
/** Adds a label, or with entry.data NULL a person. Used for documents that come from no file. */
RID_MUST rid_status rid_gt_doc_add(rid_gt_doc *doc, const rid_gt_item *item, uint32_t file,
                                   rid_gt_prefer prefer, rid_err *err);
void rid_gt_doc_clear(rid_gt_doc *doc);

/** How many people have an entry that counts. */
size_t rid_gt_doc_people(const rid_gt_doc *doc);
rid_str rid_gt_doc_text(const rid_gt_doc *doc, rid_gt_span span);
/** Entries by person: those of person p are order[first[p]] … order[first[p + 1] − 1], in the document's
 *  order. */
typedef struct rid_gt_groups {
    size_t *first;   /**< (person_ids.n + 1) */
    uint32_t *order; /**< (entry_ids.n) */
} rid_gt_groups;

/** To be cleared in every case. RID_ETEMP. */
RID_MUST rid_status rid_gt_doc_group(rid_gt_groups *g, const rid_gt_doc *doc, rid_err *err);
void rid_gt_groups_clear(rid_gt_groups *g);

/** "entry 'e': person 'p' in a.json, person 'q' in b.json"; paths as they were given to read. */
void rid_gt_doc_append_conflict(rid_buf *out, const rid_gt_doc *doc, const char *const *paths,
                                size_t i);
/** RID_EDATA with the first conflict and how many there are. n_conflicts > 0. */
rid_status rid_gt_doc_fail_conflict(const rid_gt_doc *doc, const char *const *paths, rid_err *err);

#endif
