#include "gt/gt_doc.h"

#include "data/base/mem.h"
#include "data/plain.h"
#include "gt/gt_notes.h"

/* Reading one file. */
typedef struct reading {
    rid_gt_doc *doc;
    uint32_t file;
    rid_gt_prefer prefer;
} reading;

rid_str rid_gt_doc_text(const rid_gt_doc *doc, rid_gt_span span)
{
    return (rid_str){doc->text.data ? doc->text.data + span.at : "", span.len};
}

static rid_status add_notes(rid_gt_doc *doc, rid_gt_span *span, rid_str more, rid_gt_prefer prefer,
                            rid_err *err)
{
    const rid_str known = rid_gt_doc_text(doc, *span);
    const bool last = prefer == RID_GT_PREFER_LAST;
    rid_buf joined = {0};
    if (more.len == 0 || rid_str_equal(known, more))
        return RID_OK;
    rid_status st = rid_gt_notes_join(&joined, last ? more : known, last ? known : more,
                                      &doc->n_notes_differ, err);
    span->at = doc->text.len;
    span->len = joined.len;
    rid_buf_append(&doc->text, joined.data, joined.len);
    rid_buf_free(&joined);
    return st == RID_OK && doc->text.failed ? RID_FAIL_NOMEM(err) : st;
}

static rid_status add_person(rid_gt_doc *doc, const rid_gt_item *item, uint32_t *number,
                             rid_err *err)
{
    bool added;
    rid_status st = rid_id_table_add(&doc->person_ids, item->person, number, &added, err);
    if (st != RID_OK)
        return st;
    if (rid_mem_grow(&doc->persons, &doc->persons_cap, doc->person_ids.n, sizeof *doc->persons) !=
        0)
        return RID_FAIL_NOMEM(err);
    if (added)
        doc->persons[*number] = (rid_gt_person){0};
    doc->persons[*number].include |= item->person_include;
    return RID_OK;
}

/* Makes the entry the person's, or with -1 takes it away. */
static void count_entry(rid_gt_doc *doc, const rid_gt_entry *e, int by)
{
    const size_t one = by > 0 ? 1 : SIZE_MAX;
    doc->persons[e->person].n_entries += one;
    if (e->include) {
        doc->persons[e->person].n_included += one;
        doc->n_included += one;
    }
}

static bool agree(const rid_gt_entry *a, const rid_gt_entry *b)
{
    return a->include == b->include && (!a->include || a->person == b->person);
}

static rid_status note_conflict(rid_gt_doc *doc, uint32_t entry, const rid_gt_entry *now,
                                rid_err *err)
{
    rid_gt_entry *was = &doc->entries[entry];
    if (was->conflicting)
        return RID_OK;
    if (rid_mem_grow(&doc->conflicts, &doc->conflicts_cap, doc->n_conflicts + 1,
                     sizeof *doc->conflicts) != 0)
        return RID_FAIL_NOMEM(err);
    was->conflicting = true;
    doc->conflicts[doc->n_conflicts++] = (rid_gt_conflict){
        .entry = entry,
        .said = {{was->person, was->file, was->include}, {now->person, now->file, now->include}}};
    return RID_OK;
}

/* An entry that has a label already. */
static rid_status label_again(rid_gt_doc *doc, uint32_t number, rid_gt_entry *now,
                              const rid_gt_item *item, rid_gt_prefer prefer, rid_err *err)
{
    rid_gt_entry *was = &doc->entries[number];
    if (agree(was, now)) {
        doc->n_repeated++;
        return add_notes(doc, &was->notes, item->rest, prefer, err);
    }
    const rid_status st = note_conflict(doc, number, now, err);
    if (st != RID_OK || prefer != RID_GT_PREFER_LAST)
        return st;
    count_entry(doc, was, -1);
    now->conflicting = true;
    now->notes = (rid_gt_span){0};
    *was = *now;
    count_entry(doc, was, 1);
    return add_notes(doc, &was->notes, item->rest, prefer, err);
}

static rid_status add_label(rid_gt_doc *doc, const rid_gt_item *item, uint32_t person,
                            uint32_t file, rid_gt_prefer prefer, rid_err *err)
{
    rid_gt_entry e = {.person = person,
                      .file = file,
                      .include = item->include && item->person_include,
                      .own_include = item->include};
    uint32_t number;
    bool added;
    const rid_status st = rid_id_table_add(&doc->entry_ids, item->entry, &number, &added, err);
    if (st != RID_OK)
        return st;
    if (!added)
        return label_again(doc, number, &e, item, prefer, err);
    if (rid_mem_grow(&doc->entries, &doc->entries_cap, doc->entry_ids.n, sizeof *doc->entries) != 0)
        return RID_FAIL_NOMEM(err);
    doc->entries[number] = e;
    count_entry(doc, &e, 1);
    return add_notes(doc, &doc->entries[number].notes, item->rest, prefer, err);
}

rid_status rid_gt_doc_add(rid_gt_doc *doc, const rid_gt_item *item, uint32_t file,
                          rid_gt_prefer prefer, rid_err *err)
{
    uint32_t person;
    if (!item->person.data)
        return add_notes(doc, &doc->notes, item->rest, prefer, err);
    const rid_status st = add_person(doc, item, &person, err);
    if (st != RID_OK)
        return st;
    return item->entry.data ? add_label(doc, item, person, file, prefer, err)
                            : add_notes(doc, &doc->persons[person].notes, item->rest, prefer, err);
}

static rid_status visit(void *ctx, const rid_gt_item *item, rid_err *err)
{
    const reading *r = ctx;
    return rid_gt_doc_add(r->doc, item, r->file, r->prefer, err);
}

rid_status rid_gt_doc_read(rid_gt_doc *doc, const char *const *paths, size_t n,
                           rid_gt_prefer prefer, rid_err *err)
{
    rid_status st = RID_OK;
    *doc = (rid_gt_doc){0};
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_gt_form form = RID_GT_PLAIN;
        reading r = {doc, (uint32_t)i, prefer};
        st = rid_gt_file_read(paths[i], visit, &r, &form, err);
        if (i == 0)
            doc->form = form == RID_GT_MANIFEST ? RID_GT_PERSONS : form;
    }
    return st;
}

void rid_gt_doc_clear(rid_gt_doc *doc)
{
    rid_id_table_clear(&doc->entry_ids);
    rid_id_table_clear(&doc->person_ids);
    rid_mem_free(doc->entries);
    rid_mem_free(doc->persons);
    rid_mem_free(doc->conflicts);
    rid_buf_free(&doc->text);
    *doc = (rid_gt_doc){0};
}

size_t rid_gt_doc_people(const rid_gt_doc *doc)
{
    size_t n = 0;
    for (size_t p = 0; p < doc->person_ids.n; p++)
        n += doc->persons[p].n_included > 0;
    return n;
}

rid_status rid_gt_doc_group(rid_gt_groups *g, const rid_gt_doc *doc, rid_err *err)
{
    const size_t n = doc->entry_ids.n, n_persons = doc->person_ids.n;
    g->first = rid_mem_zalloc(n_persons + 2, sizeof *g->first);
    g->order = rid_mem_alloc(n, sizeof *g->order);
    if (!g->first || !g->order)
        return RID_FAIL_NOMEM(err);
    for (size_t p = 0; p < n_persons; p++)
        g->first[p + 2] = g->first[p + 1] + doc->persons[p].n_entries;
    for (uint32_t i = 0; i < n; i++)
        g->order[g->first[doc->entries[i].person + 1]++] = i;
    return RID_OK;
}

void rid_gt_groups_clear(rid_gt_groups *g)
{
    rid_mem_free(g->first);
    rid_mem_free(g->order);
    *g = (rid_gt_groups){0};
}

void rid_gt_doc_append_conflict(rid_buf *out, const rid_gt_doc *doc, const char *const *paths,
                                size_t i)
{
    const rid_gt_conflict *c = &doc->conflicts[i];
    rid_buf_append_str(out, "entry '");
    rid_plain_append(out, rid_id_table_at(&doc->entry_ids, c->entry));
    for (int k = 0; k < 2; k++) {
        rid_buf_append_str(out, k == 0 ? "': " : ", ");
        rid_buf_append_str(out, c->said[k].include ? "person '" : "left out of person '");
        rid_plain_append(out, rid_id_table_at(&doc->person_ids, c->said[k].person));
        rid_buf_append_str(out, "' in ");
        rid_plain_append(out, rid_str_of(paths[c->said[k].file]));
    }
}

rid_status rid_gt_doc_fail_conflict(const rid_gt_doc *doc, const char *const *paths, rid_err *err)
{
    rid_buf text = {0};
    rid_gt_doc_append_conflict(&text, doc, paths, 0);
    const rid_status st =
        rid_buf_cstr(&text)
            ? RID_FAIL(err, RID_EDATA, "%.700s: an entry is one person%s", text.data,
                       doc->n_conflicts > 1 ? " (the first of several; rid-gt check lists them)"
                                            : "")
            : RID_FAIL_NOMEM(err);
    rid_buf_free(&text);
    return st;
}
