/** Writing ground truth in the forms that gt_file.h reads. Entries and persons come in the document's
 *  order, one a line; the same document gives the same bytes. */
#ifndef RID_GT_WRITE_H
#define RID_GT_WRITE_H

#include "gt/gt_doc.h"

/** A part of a document; NULL instead of it: everything. */
typedef struct rid_gt_part {
    const uint32_t *entry; /**< (entry_ids.n): the part of each */
    const uint32_t
        *person;     /**< (person_ids.n): the part of a person without entries; NULL: of none */
    uint32_t number; /**< which part it is */
} rid_gt_part;

/** What a form cannot say. */
typedef struct rid_gt_loss {
    size_t left_out; /**< entries that are left out: form of entries */
    size_t empty;    /**< persons without entries: form of entries, map */
    size_t
        notes; /**< entries, persons and documents with notes: form of entries; persons in a map */
} rid_gt_loss;

/** Appends the document in a form: RID_GT_PLAIN (an object entry_id: person_id, which has no place for a
 *  format_version), RID_GT_PERSONS or RID_GT_ENTRY_MAP. loss may be NULL. RID_ETEMP. */
RID_MUST rid_status rid_gt_write(rid_buf *out, const rid_gt_doc *doc, const rid_gt_part *part,
                                 rid_gt_form form, rid_gt_loss *loss, rid_err *err);
/** "12 entries that are left out, 3 persons without entries": appended; nothing where nothing is lost. */
void rid_gt_loss_append(rid_buf *out, const rid_gt_loss *loss);

#endif
