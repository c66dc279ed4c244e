#include "gt/labels.h"

#include "data/base/mem.h"
#include "gt/gt_file.h"
#include "gt/id_table.h"
#include "gt/linked_people.h"

#include <stdlib.h>

static const uint32_t EXCLUDED = UINT32_MAX; /* as an entry's person */

/* An entry: its person, and the file that said so first. */
typedef struct label {
    uint32_t person;
    uint32_t file;
} label;

struct rid_labels {
    rid_id_table entries, persons;
    label *at; /* (entries.n) */
    size_t cap;
    uint32_t *order; /* labelled entries in order of first appearance */
    size_t order_cap, n_labelled;
    bool linked;     /* by pairs */
    uint64_t *apart; /* (n_apart) */
    size_t n_apart;
};

/* Reading one file. */
typedef struct reading {
    rid_labels *l;
    const char *const *paths;
    uint32_t file;
} reading;

static rid_status fail_conflict(const reading *r, rid_str entry, const label *was, uint32_t now,
                                rid_err *err)
{
    static const rid_str excluded = {"(include: false)", 16};
    rid_str a = was->person == EXCLUDED ? excluded : rid_id_table_at(&r->l->persons, was->person);
    rid_str b = now == EXCLUDED ? excluded : rid_id_table_at(&r->l->persons, now);
    return RID_FAIL(err, RID_EDATA,
                    "entry '%.*s' is person '%.*s', but person '%.*s' in %s: an entry is one person",
                    RID_STR(entry), RID_STR(b), RID_STR(a), r->paths[was->file]);
}

static rid_status add_label(void *ctx, const rid_gt_item *item, rid_err *err)
{
    const reading *r = ctx;
    rid_labels *l = r->l;
    const bool include = item->include && item->person_include;
    uint32_t number, who = EXCLUDED;
    bool added;
    if (!item->entry.data)
        return RID_OK;
    rid_status st = rid_id_table_add(&l->entries, item->entry, &number, &added, err);
    if (st == RID_OK && include)
        st = rid_id_table_add(&l->persons, item->person, &who, NULL, err);
    if (st != RID_OK)
        return st;
    if (!added)
        return l->at[number].person == who ? RID_OK
                                           : fail_conflict(r, item->entry, &l->at[number], who, err);
    if (rid_mem_grow(&l->at, &l->cap, l->entries.n, sizeof *l->at) != 0 ||
        rid_mem_grow(&l->order, &l->order_cap, l->n_labelled + 1, sizeof *l->order) != 0)
        return RID_FAIL_NOMEM(err);
    l->at[number] = (label){who, r->file};
    if (include)
        l->order[l->n_labelled++] = number;
    return RID_OK;
}

rid_status rid_labels_read(rid_labels **out, const char *const *paths, size_t n, rid_err *err)
{
    rid_labels *l = *out = rid_mem_zalloc(1, sizeof *l);
    rid_status st = l ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = rid_gt_file_read(paths[i], add_label, &(reading){l, paths, (uint32_t)i}, NULL, err);
    if (st != RID_OK) {
        rid_labels_free(l);
        *out = NULL;
    }
    return st;
}

/* ---- pairs ---- */

static int compare_keys(const void *x, const void *y)
{
    const uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

/* Every entry of the pairs has a label, whose number is that of the entry there. */
static rid_status tell_apart(rid_labels *l, const rid_pairs *pairs, rid_err *err)
{
    const size_t n = rid_pairs_count(pairs);
    size_t n_all = 0;
    l->apart = rid_mem_alloc(n, sizeof *l->apart);
    if (!l->apart)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        uint32_t a, b;
        bool same;
        rid_pairs_at(pairs, i, &a, &b, &same);
        const uint64_t p = l->at[a].person, q = l->at[b].person;
        if (!same)
            l->apart[n_all++] = p < q ? p << 32 | q : q << 32 | p;
    }
    if (n_all > 0)
        qsort(l->apart, n_all, sizeof *l->apart, compare_keys);
    for (size_t i = 0; i < n_all; i++)
        if (i == 0 || l->apart[i] != l->apart[i - 1])
            l->apart[l->n_apart++] = l->apart[i];
    return RID_OK;
}

rid_status rid_labels_read_pairs(rid_labels **out, const char *const *paths, size_t n, rid_err *err)
{
    rid_pairs *pairs = NULL;
    rid_labels *l = *out = rid_mem_zalloc(1, sizeof *l);
    rid_status st = l ? rid_pairs_read(&pairs, paths, n, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_linked_people(pairs, add_label, &(reading){l, paths, 0}, err);
    if (st == RID_OK)
        st = tell_apart(l, pairs, err);
    rid_pairs_free(pairs);
    if (st != RID_OK) {
        rid_labels_free(l);
        *out = NULL;
        return st;
    }
    l->linked = true;
    return st;
}

rid_status rid_labels_read_files(rid_labels **out, const rid_label_files *files, rid_err *err)
{
    return files->n_gt > 0 ? rid_labels_read(out, files->gt, files->n_gt, err)
                           : rid_labels_read_pairs(out, files->pairs, files->n_pairs, err);
}

void rid_labels_free(rid_labels *l)
{
    if (!l)
        return;
    rid_id_table_clear(&l->entries);
    rid_id_table_clear(&l->persons);
    rid_mem_free(l->at);
    rid_mem_free(l->order);
    rid_mem_free(l->apart);
    rid_mem_free(l);
}

/* ---- asking ---- */

bool rid_labels_are_linked(const rid_labels *l)
{
    return l->linked;
}

const uint64_t *rid_labels_apart(const rid_labels *l, size_t *n)
{
    *n = l->n_apart;
    return l->apart;
}

size_t rid_labels_count(const rid_labels *l)
{
    return l->n_labelled;
}

size_t rid_labels_person_count(const rid_labels *l)
{
    return l->persons.n;
}

void rid_labels_at(const rid_labels *l, size_t i, rid_str *entry_id, uint32_t *person)
{
    *entry_id = rid_id_table_at(&l->entries, l->order[i]);
    *person = l->at[l->order[i]].person;
}

rid_str rid_labels_person(const rid_labels *l, uint32_t person)
{
    return rid_id_table_at(&l->persons, person);
}

bool rid_labels_find(const rid_labels *l, rid_str entry_id, uint32_t *person)
{
    uint32_t number;
    if (!rid_id_table_find(&l->entries, entry_id, &number) || l->at[number].person == EXCLUDED)
        return false;
    if (person)
        *person = l->at[number].person;
    return true;
}

bool rid_labels_is_excluded(const rid_labels *l, rid_str entry_id)
{
    uint32_t number;
    return rid_id_table_find(&l->entries, entry_id, &number) && l->at[number].person == EXCLUDED;
}

bool rid_labels_find_person(const rid_labels *l, rid_str person_id, uint32_t *person)
{
    return rid_id_table_find(&l->persons, person_id, person);
}
