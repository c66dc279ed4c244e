#include "gt/gt_diff.h"

#include "data/base/mem.h"

#include <stdlib.h>

static const struct {
    const char *name, *what;
} kinds[RID_GT_DIFF_KINDS] = {
    [RID_GT_SPLIT] = {"split", "people from whom entries were split off"},
    [RID_GT_MERGED] = {"merged", "people into whom others were merged"},
    [RID_GT_MOVED] = {"moved", "entries that moved from one person to another"},
    [RID_GT_RENAMED] = {"renamed", "people who go on under another name"},
    [RID_GT_ADDED] = {"added", "entries that only the second labels"},
    [RID_GT_REMOVED] = {"removed", "entries that only the first labels"},
    [RID_GT_PEOPLE_ADDED] = {"people_added", "people of whom the first labels no entry"},
    [RID_GT_PEOPLE_REMOVED] = {"people_removed", "people of whom the second labels no entry"},
};

/* The entries that go from one person to another. */
typedef struct cell {
    uint32_t from, to; /* persons of a and of b */
    uint32_t first;    /* entry of a */
    size_t n;
} cell;

typedef struct comparing {
    rid_gt_diff *d;
    const rid_gt_doc *a, *b;
    size_t max;
    cell *links; /* (common): one an entry, in a's order */
    cell *cells; /* (n_cells) by from, to */
    cell *by_to; /* (n_cells) by to, from */
    size_t n_cells;
    size_t *heir, *origin; /* of people of a, of b: which of cells; SIZE_MAX: none */
} comparing;

static rid_str entry_of(const rid_gt_doc *doc, uint32_t entry)
{
    return rid_id_table_at(&doc->entry_ids, entry);
}

static rid_str person_of(const rid_gt_doc *doc, uint32_t person)
{
    return rid_id_table_at(&doc->person_ids, person);
}

/* ---- cells ---- */

static int compare_from_to(const void *x, const void *y)
{
    const cell *p = x, *q = y;
    if (p->from != q->from)
        return p->from < q->from ? -1 : 1;
    if (p->to != q->to)
        return p->to < q->to ? -1 : 1;
    return p->first < q->first ? -1 : p->first > q->first;
}

static int compare_to_from(const void *x, const void *y)
{
    const cell *p = x, *q = y;
    if (p->to != q->to)
        return p->to < q->to ? -1 : 1;
    return p->from < q->from ? -1 : p->from > q->from;
}

/* The entry's person where it is labelled and counts. */
static bool find_person(const rid_gt_doc *doc, rid_str entry, uint32_t *person)
{
    uint32_t number;
    if (!rid_id_table_find(&doc->entry_ids, entry, &number) || !doc->entries[number].include)
        return false;
    *person = doc->entries[number].person;
    return true;
}

static rid_status link_entries(comparing *x, rid_err *err)
{
    x->links = rid_mem_alloc(x->a->n_included, sizeof *x->links);
    x->cells = rid_mem_alloc(x->a->n_included, sizeof *x->cells);
    x->by_to = rid_mem_alloc(x->a->n_included, sizeof *x->by_to);
    if (!x->links || !x->cells || !x->by_to)
        return RID_FAIL_NOMEM(err);
    for (uint32_t i = 0; i < x->a->entry_ids.n; i++) {
        uint32_t to;
        if (x->a->entries[i].include && find_person(x->b, entry_of(x->a, i), &to))
            x->links[x->d->common++] = (cell){x->a->entries[i].person, to, i, 1};
    }
    return RID_OK;
}

static void make_cells(comparing *x)
{
    const size_t n = x->d->common;
    for (size_t i = 0; i < n; i++)
        x->by_to[i] = x->links[i];
    qsort(x->by_to, n, sizeof *x->by_to, compare_from_to);
    for (size_t i = 0; i < n; i++) {
        cell *last = x->n_cells > 0 ? &x->cells[x->n_cells - 1] : NULL;
        if (last && last->from == x->by_to[i].from && last->to == x->by_to[i].to)
            last->n++;
        else
            x->cells[x->n_cells++] = x->by_to[i];
    }
    for (size_t i = 0; i < x->n_cells; i++)
        x->by_to[i] = x->cells[i];
    qsort(x->by_to, x->n_cells, sizeof *x->by_to, compare_to_from);
}

static bool has_same_name(const comparing *x, const cell *c)
{
    return rid_str_equal(person_of(x->a, c->from), person_of(x->b, c->to));
}

/* Of two cells of one person: more entries, else the one that keeps the name, else the first name. */
static bool is_larger(const comparing *x, const cell *c, const cell *than)
{
    if (c->n != than->n)
        return c->n > than->n;
    if (has_same_name(x, c) != has_same_name(x, than))
        return has_same_name(x, c);
    const int from = rid_str_compare(person_of(x->a, c->from), person_of(x->a, than->from));
    return from != 0 ? from < 0
                     : rid_str_compare(person_of(x->b, c->to), person_of(x->b, than->to)) < 0;
}

static rid_status find_heirs(comparing *x, rid_err *err)
{
    x->heir = rid_mem_alloc(x->a->person_ids.n, sizeof *x->heir);
    x->origin = rid_mem_alloc(x->b->person_ids.n, sizeof *x->origin);
    if (!x->heir || !x->origin)
        return RID_FAIL_NOMEM(err);
    for (size_t p = 0; p < x->a->person_ids.n; p++)
        x->heir[p] = SIZE_MAX;
    for (size_t p = 0; p < x->b->person_ids.n; p++)
        x->origin[p] = SIZE_MAX;
    for (size_t i = 0; i < x->n_cells; i++) {
        const cell *c = &x->cells[i];
        size_t *best[] = {&x->heir[c->from], &x->origin[c->to]};
        for (int k = 0; k < 2; k++)
            if (*best[k] == SIZE_MAX || is_larger(x, c, &x->cells[*best[k]]))
                *best[k] = i;
    }
    return RID_OK;
}

static bool is_to_heir(const comparing *x, const cell *c)
{
    return x->cells[x->heir[c->from]].to == c->to;
}

static bool is_from_origin(const comparing *x, const cell *c)
{
    return x->cells[x->origin[c->to]].from == c->from;
}

/* ---- findings ---- */

static void put_person(rid_jsonw *w, const rid_gt_doc *doc, uint32_t person, size_t n)
{
    rid_jsonw_begin_object(w);
    rid_gt_finding_put(w, "person_id", person_of(doc, person));
    rid_jsonw_key(w, "entries");
    rid_jsonw_u64(w, n);
    rid_jsonw_end_object(w);
}

/* Cells [first, end) of one person of a (or of b: merged): those that stay there or left it. */
static void put_parts(const comparing *x, rid_jsonw *w, const cell *cells, size_t n, bool merged)
{
    rid_gt_finding_put(w, "person_id",
                       merged ? person_of(x->b, cells->to) : person_of(x->a, cells->from));
    rid_jsonw_key(w, merged ? "from" : "into");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < n; i++)
        if (is_to_heir(x, &cells[i]) || is_from_origin(x, &cells[i])) {
            if (merged)
                put_person(w, x->a, cells[i].from, cells[i].n);
            else
                put_person(w, x->b, cells[i].to, cells[i].n);
        }
    rid_jsonw_end_array(w);
}

/* People with a cell that was split off (merged in). */
static void find_parts(const comparing *x, bool merged)
{
    const cell *cells = merged ? x->by_to : x->cells;
    rid_gt_finding *f = &x->d->findings[merged ? RID_GT_MERGED : RID_GT_SPLIT];
    rid_jsonw w;
    for (size_t i = 0, end; i < x->n_cells; i = end) {
        bool found = false;
        for (end = i; end < x->n_cells &&
                      (merged ? cells[end].to == cells[i].to : cells[end].from == cells[i].from);
             end++) {
            const bool heir = is_to_heir(x, &cells[end]), origin = is_from_origin(x, &cells[end]);
            found |= merged ? heir && !origin : origin && !heir;
        }
        if (found && rid_gt_finding_begin(f, x->max, &w)) {
            put_parts(x, &w, &cells[i], end - i, merged);
            rid_gt_finding_end(f, &w);
        }
    }
}

static void find_moved(const comparing *x)
{
    rid_gt_finding *f = &x->d->findings[RID_GT_MOVED];
    rid_jsonw w;
    for (size_t i = 0; i < x->d->common; i++) {
        const cell *c = &x->links[i];
        const bool heir = is_to_heir(x, c), origin = is_from_origin(x, c);
        x->d->changed += !(heir && origin);
        if (heir || origin || !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "entry_id", entry_of(x->a, c->first));
        rid_gt_finding_put(&w, "from", person_of(x->a, c->from));
        rid_gt_finding_put(&w, "to", person_of(x->b, c->to));
        rid_gt_finding_end(f, &w);
    }
}

static void find_renamed(const comparing *x)
{
    rid_gt_finding *f = &x->d->findings[RID_GT_RENAMED];
    rid_jsonw w;
    for (size_t i = 0; i < x->n_cells; i++) {
        const cell *c = &x->cells[i];
        if (!is_to_heir(x, c) || !is_from_origin(x, c) || has_same_name(x, c) ||
            !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "from", person_of(x->a, c->from));
        rid_gt_finding_put(&w, "to", person_of(x->b, c->to));
        rid_jsonw_key(&w, "entries");
        rid_jsonw_u64(&w, c->n);
        rid_gt_finding_end(f, &w);
    }
}

/* Entries that `doc` labels and `other` does not. */
static void find_only(const comparing *x, const rid_gt_doc *doc, const rid_gt_doc *other,
                      rid_gt_diff_kind kind)
{
    rid_gt_finding *f = &x->d->findings[kind];
    rid_jsonw w;
    uint32_t person;
    for (uint32_t i = 0; i < doc->entry_ids.n; i++) {
        const rid_str id = entry_of(doc, i);
        if (!doc->entries[i].include || find_person(other, id, &person) ||
            !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "entry_id", id);
        rid_gt_finding_put(&w, "person_id", person_of(doc, doc->entries[i].person));
        rid_jsonw_key(&w, "left_out");
        rid_jsonw_bool(&w, rid_id_table_find(&other->entry_ids, id, NULL));
        rid_gt_finding_end(f, &w);
    }
}

/* People with entries, none of which has a link. */
static void find_alone(const comparing *x, const rid_gt_doc *doc, const size_t *link,
                       rid_gt_diff_kind kind)
{
    rid_gt_finding *f = &x->d->findings[kind];
    rid_jsonw w;
    for (uint32_t p = 0; p < doc->person_ids.n; p++) {
        if (doc->persons[p].n_included == 0 || link[p] != SIZE_MAX ||
            !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "person_id", person_of(doc, p));
        rid_jsonw_key(&w, "entries");
        rid_jsonw_u64(&w, doc->persons[p].n_included);
        rid_gt_finding_end(f, &w);
    }
}

rid_status rid_gt_diff_find(rid_gt_diff *d, const rid_gt_doc *a, const rid_gt_doc *b,
                            size_t max_cases, rid_err *err)
{
    comparing x = {.d = d, .a = a, .b = b, .max = max_cases};
    *d = (rid_gt_diff){.entries_a = a->n_included,
                       .entries_b = b->n_included,
                       .people_a = rid_gt_doc_people(a),
                       .people_b = rid_gt_doc_people(b)};
    for (int k = 0; k < RID_GT_DIFF_KINDS; k++) {
        d->findings[k].name = kinds[k].name;
        d->findings[k].what = kinds[k].what;
    }
    rid_status st = link_entries(&x, err);
    if (st == RID_OK) {
        make_cells(&x);
        st = find_heirs(&x, err);
    }
    if (st == RID_OK) {
        find_parts(&x, false);
        find_parts(&x, true);
        find_moved(&x);
        find_renamed(&x);
        find_only(&x, b, a, RID_GT_ADDED);
        find_only(&x, a, b, RID_GT_REMOVED);
        find_alone(&x, b, x.origin, RID_GT_PEOPLE_ADDED);
        find_alone(&x, a, x.heir, RID_GT_PEOPLE_REMOVED);
    }
    for (int k = 0; k < RID_GT_DIFF_KINDS && st == RID_OK; k++)
        if (d->findings[k].cases.failed)
            st = RID_FAIL_NOMEM(err);
    rid_mem_free(x.links);
    rid_mem_free(x.cells);
    rid_mem_free(x.by_to);
    rid_mem_free(x.heir);
    rid_mem_free(x.origin);
    return st;
}

void rid_gt_diff_clear(rid_gt_diff *d)
{
    for (int k = 0; k < RID_GT_DIFF_KINDS; k++)
        rid_buf_free(&d->findings[k].cases);
    *d = (rid_gt_diff){0};
}
