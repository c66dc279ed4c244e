#include "gt/gt_write.h"

#include "data/jsonw.h"

typedef struct writing {
    rid_buf *out;
    const rid_gt_doc *doc;
    const rid_gt_part *part;
    rid_gt_loss loss;
} writing;

static bool is_in(const writing *w, uint32_t entry)
{
    return !w->part || w->part->entry[entry] == w->part->number;
}

static bool is_empty_in(const writing *w, uint32_t person)
{
    return w->doc->persons[person].n_entries == 0 &&
           (!w->part || (w->part->person && w->part->person[person] == w->part->number));
}

/* A member's name at the beginning of a line. */
static void begin_line(rid_buf *out, bool *first, const char *indent, rid_str name)
{
    rid_buf_append_str(out, *first ? "\n" : ",\n");
    rid_buf_append_str(out, indent);
    rid_jsonw_quote(out, name);
    rid_buf_append_str(out, ": ");
    *first = false;
}

static void append_notes(writing *w, rid_gt_span notes)
{
    const rid_str text = rid_gt_doc_text(w->doc, notes);
    if (text.len == 0)
        return;
    rid_buf_append_str(w->out, ", ");
    rid_buf_append(w->out, text.data, text.len);
}

static void begin_document(writing *w, const char *mark)
{
    rid_buf_append_str(w->out, "{\"format_version\": 1");
    append_notes(w, w->doc->notes);
    rid_buf_printf(w->out, ",\n \"%s\": {", mark);
}

/* ---- entries ---- */

static void write_plain(writing *w)
{
    const rid_gt_doc *doc = w->doc;
    bool first = true;
    rid_buf_append_char(w->out, '{');
    for (uint32_t i = 0; i < doc->entry_ids.n; i++) {
        const rid_gt_entry *e = &doc->entries[i];
        if (!is_in(w, i))
            continue;
        w->loss.left_out += !e->include;
        w->loss.notes += e->notes.len > 0;
        if (!e->include)
            continue;
        begin_line(w->out, &first, " ", rid_id_table_at(&doc->entry_ids, i));
        rid_jsonw_quote(w->out, rid_id_table_at(&doc->person_ids, e->person));
    }
    rid_buf_append_str(w->out, first ? "}\n" : "\n}\n");
    w->loss.notes += doc->notes.len > 0;
}

/* ---- map ---- */

static void write_map(writing *w)
{
    const rid_gt_doc *doc = w->doc;
    bool first = true;
    begin_document(w, "entry_map");
    for (uint32_t i = 0; i < doc->entry_ids.n; i++) {
        const rid_gt_entry *e = &doc->entries[i];
        if (!is_in(w, i))
            continue;
        begin_line(w->out, &first, "  ", rid_id_table_at(&doc->entry_ids, i));
        rid_buf_append_str(w->out, "{\"person_id\": ");
        rid_jsonw_quote(w->out, rid_id_table_at(&doc->person_ids, e->person));
        rid_buf_append_str(w->out, e->include ? "" : ", \"include\": false");
        append_notes(w, e->notes);
        rid_buf_append_char(w->out, '}');
    }
    rid_buf_append_str(w->out, first ? "}}\n" : "\n }}\n");
}

/* ---- persons ---- */

static bool is_written(const writing *w, const rid_gt_groups *g, uint32_t person)
{
    for (size_t k = g->first[person]; k < g->first[person + 1]; k++)
        if (is_in(w, g->order[k]))
            return true;
    return is_empty_in(w, person);
}

static void write_person(writing *w, const rid_gt_groups *g, uint32_t person, bool *first)
{
    const rid_gt_doc *doc = w->doc;
    const rid_gt_person *p = &doc->persons[person];
    bool first_entry = true;
    begin_line(w->out, first, "  ", rid_id_table_at(&doc->person_ids, person));
    rid_buf_append_str(w->out, p->include ? "{\"include\": true" : "{\"include\": false");
    append_notes(w, p->notes);
    rid_buf_append_str(w->out, ", \"entries\": [");
    for (size_t k = g->first[person]; k < g->first[person + 1]; k++) {
        const rid_gt_entry *e = &doc->entries[g->order[k]];
        if (!is_in(w, g->order[k]))
            continue;
        rid_buf_append_str(w->out, first_entry ? "\n   {\"entry_id\": " : ",\n   {\"entry_id\": ");
        rid_jsonw_quote(w->out, rid_id_table_at(&doc->entry_ids, g->order[k]));
        /* Left out by a person that is in after all, it says so itself. */
        rid_buf_append_str(
            w->out, (p->include ? e->include : e->own_include) ? "" : ", \"include\": false");
        append_notes(w, e->notes);
        rid_buf_append_char(w->out, '}');
        first_entry = false;
    }
    rid_buf_append_str(w->out, "]}");
}

static rid_status write_persons(writing *w, rid_err *err)
{
    rid_gt_groups g;
    bool first = true;
    const rid_status st = rid_gt_doc_group(&g, w->doc, err);
    if (st == RID_OK) {
        begin_document(w, "persons");
        for (uint32_t p = 0; p < w->doc->person_ids.n; p++)
            if (is_written(w, &g, p))
                write_person(w, &g, p, &first);
        rid_buf_append_str(w->out, first ? "}}\n" : "\n }}\n");
    }
    rid_gt_groups_clear(&g);
    return st;
}

/* Persons without entries, and their notes: no place for them but among persons. Notes of a person that
 * is in several parts count in each. */
static rid_status count_lost_persons(writing *w, rid_err *err)
{
    rid_gt_groups g;
    const rid_status st = rid_gt_doc_group(&g, w->doc, err);
    for (uint32_t p = 0; st == RID_OK && p < w->doc->person_ids.n; p++) {
        if (!is_written(w, &g, p))
            continue;
        w->loss.empty += w->doc->persons[p].n_entries == 0;
        w->loss.notes += w->doc->persons[p].notes.len > 0;
    }
    rid_gt_groups_clear(&g);
    return st;
}

rid_status rid_gt_write(rid_buf *out, const rid_gt_doc *doc, const rid_gt_part *part,
                        rid_gt_form form, rid_gt_loss *loss, rid_err *err)
{
    writing w = {.out = out, .doc = doc, .part = part};
    rid_status st = RID_OK;
    if (form == RID_GT_PERSONS) {
        st = write_persons(&w, err);
    } else {
        if (form == RID_GT_ENTRY_MAP)
            write_map(&w);
        else
            write_plain(&w);
        st = count_lost_persons(&w, err);
    }
    if (loss)
        *loss = w.loss;
    return st == RID_OK && out->failed ? RID_FAIL_NOMEM(err) : st;
}

void rid_gt_loss_append(rid_buf *out, const rid_gt_loss *loss)
{
    const struct {
        size_t n;
        const char *one, *many;
    } kinds[] = {{loss->left_out, "entry that is left out", "entries that are left out"},
                 {loss->empty, "person without entries", "persons without entries"},
                 {loss->notes, "object's notes", "objects' notes"}};
    const char *join = "";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].n == 0)
            continue;
        rid_buf_printf(out, "%s%zu %s", join, kinds[i].n,
                       kinds[i].n == 1 ? kinds[i].one : kinds[i].many);
        join = ", ";
    }
}
