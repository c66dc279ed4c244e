#include "gt/gt_check.h"

#include "data/base/mem.h"

static const struct {
    const char *name, *what;
} kinds[RID_GT_CHECK_KINDS] = {
    [RID_GT_CONFLICTS] = {"conflicts", "entries with two labels that differ"},
    [RID_GT_EMPTY] = {"empty", "people without an entry that counts"},
    [RID_GT_SINGLE] = {"single", "people with one entry"},
    [RID_GT_UNKNOWN] = {"unknown", "labelled entries that are in no store"},
    [RID_GT_UNLABELLED] = {"unlabelled", "entries of the stores without a label"},
    [RID_GT_ACROSS_STORES] = {"across_stores", "people in more than one store"},
    [RID_GT_ACROSS_DAYS] = {"across_days", "people on more than one day"},
};

typedef struct checking {
    rid_gt_check *c;
    const rid_gt_doc *doc;
    const char *const *paths;
    const rid_gt_places *places;
    size_t max;
} checking;

static rid_str entry_id(const checking *x, uint32_t entry)
{
    return rid_id_table_at(&x->doc->entry_ids, entry);
}

static rid_str person_id(const checking *x, uint32_t person)
{
    return rid_id_table_at(&x->doc->person_ids, person);
}

static void find_conflicts(const checking *x)
{
    rid_gt_finding *f = &x->c->findings[RID_GT_CONFLICTS];
    rid_jsonw w;
    for (size_t i = 0; i < x->doc->n_conflicts; i++) {
        const rid_gt_conflict *conflict = &x->doc->conflicts[i];
        if (!rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "entry_id", entry_id(x, conflict->entry));
        rid_jsonw_key(&w, "labels");
        rid_jsonw_begin_array(&w);
        for (int k = 0; k < 2; k++) {
            rid_jsonw_begin_object(&w);
            rid_gt_finding_put(&w, "person_id", person_id(x, conflict->said[k].person));
            rid_jsonw_key(&w, "include");
            rid_jsonw_bool(&w, conflict->said[k].include);
            rid_gt_finding_put(&w, "file", rid_str_of(x->paths[conflict->said[k].file]));
            rid_jsonw_end_object(&w);
        }
        rid_jsonw_end_array(&w);
        rid_gt_finding_end(f, &w);
    }
}

static void find_small_people(const checking *x)
{
    rid_jsonw w;
    for (uint32_t p = 0; p < x->doc->person_ids.n; p++) {
        const rid_gt_person *person = &x->doc->persons[p];
        rid_gt_finding *f = person->n_included == 1 ? &x->c->findings[RID_GT_SINGLE]
                            : person->n_included == 0 && person->include
                                ? &x->c->findings[RID_GT_EMPTY]
                                : NULL;
        if (!f || !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "person_id", person_id(x, p));
        rid_jsonw_key(&w, "left_out");
        rid_jsonw_u64(&w, person->n_entries - person->n_included);
        rid_gt_finding_end(f, &w);
    }
}

static void find_unknown(const checking *x)
{
    rid_gt_finding *f = &x->c->findings[RID_GT_UNKNOWN];
    rid_jsonw w;
    for (uint32_t i = 0; i < x->doc->entry_ids.n; i++) {
        const rid_gt_entry *e = &x->doc->entries[i];
        if (!e->include || x->places->bucket[i] != RID_GT_NOWHERE ||
            !rid_gt_finding_begin(f, x->max, &w))
            continue;
        rid_gt_finding_put(&w, "entry_id", entry_id(x, i));
        rid_gt_finding_put(&w, "person_id", person_id(x, e->person));
        rid_gt_finding_end(f, &w);
    }
}

/* The entries of bucket b. seen: (persons) the bucket + 1 where a person was met last. */
static void look_into_bucket(const checking *x, size_t b, size_t *seen)
{
    const rid_bucket *bucket = &x->places->buckets[b];
    rid_gt_finding *f = &x->c->findings[RID_GT_UNLABELLED];
    rid_jsonw w;
    x->c->store_entries += bucket->n;
    for (size_t i = 0; i < bucket->n; i++) {
        const rid_str id = rid_gt_places_id(x->places, b, i);
        uint32_t entry;
        if (rid_id_table_find(&x->doc->entry_ids, id, &entry)) {
            const rid_gt_entry *e = &x->doc->entries[entry];
            x->c->labelled += e->include;
            x->c->mated += e->include && seen[e->person] == b + 1;
            if (e->include)
                seen[e->person] = b + 1;
        } else if (rid_gt_finding_begin(f, x->max, &w)) {
            rid_gt_finding_put(&w, "entry_id", id);
            rid_gt_finding_put(&w, "day_id", bucket->day);
            rid_gt_finding_put(&w, "store_id", bucket->store);
            rid_gt_finding_end(f, &w);
        }
    }
}

/* A person's stores, or days: number[b] of the buckets of the entries. */
typedef struct spread {
    rid_gt_check_kind kind;
    const char *key;
    const rid_id_table *ids;
    const uint32_t *number; /* (n_buckets) */
    uint32_t *seen;         /* (ids->n): person + 1 that was met there last */
    uint32_t *list;         /* (ids->n): the person's */
} spread;

static void look_at_spread(const checking *x, const spread *s, const rid_gt_groups *g,
                           uint32_t person)
{
    rid_gt_finding *f = &x->c->findings[s->kind];
    rid_jsonw w;
    size_t n = 0;
    for (size_t k = g->first[person]; k < g->first[person + 1]; k++) {
        const uint32_t b = x->places->bucket[g->order[k]];
        if (b == RID_GT_NOWHERE || !x->doc->entries[g->order[k]].include ||
            s->seen[s->number[b]] == person + 1)
            continue;
        s->seen[s->number[b]] = person + 1;
        s->list[n++] = s->number[b];
    }
    if (n < 2 || !rid_gt_finding_begin(f, x->max, &w))
        return;
    rid_gt_finding_put(&w, "person_id", person_id(x, person));
    rid_jsonw_key(&w, s->key);
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < n; i++)
        rid_jsonw_str(&w, rid_id_table_at(s->ids, s->list[i]));
    rid_jsonw_end_array(&w);
    rid_gt_finding_end(f, &w);
}

static rid_status find_spread(const checking *x, const rid_gt_groups *g, spread s, rid_err *err)
{
    s.seen = rid_mem_zalloc(s.ids->n, sizeof *s.seen);
    s.list = rid_mem_alloc(s.ids->n, sizeof *s.list);
    const rid_status st = s.seen && s.list ? RID_OK : RID_FAIL_NOMEM(err);
    for (uint32_t p = 0; st == RID_OK && p < x->doc->person_ids.n; p++)
        look_at_spread(x, &s, g, p);
    rid_mem_free(s.seen);
    rid_mem_free(s.list);
    return st;
}

static rid_status look_into_stores(const checking *x, rid_err *err)
{
    const rid_gt_places *places = x->places;
    rid_gt_check *c = x->c;
    rid_gt_groups g = {0};
    size_t *seen = rid_mem_zalloc(x->doc->person_ids.n, sizeof *seen);
    rid_status st = seen ? rid_gt_doc_group(&g, x->doc, err) : RID_FAIL_NOMEM(err);
    c->has_stores = true;
    c->stores = places->store_ids.n;
    c->days = places->day_ids.n;
    c->buckets = places->n_buckets;
    c->replaced = (size_t)places->set.n_duplicates;
    find_unknown(x);
    for (size_t b = 0; st == RID_OK && b < places->n_buckets; b++)
        look_into_bucket(x, b, seen);
    if (st == RID_OK)
        st = find_spread(x, &g,
                         (spread){.kind = RID_GT_ACROSS_STORES,
                                  .key = "stores",
                                  .ids = &places->store_ids,
                                  .number = places->store},
                         err);
    if (st == RID_OK)
        st = find_spread(x, &g,
                         (spread){.kind = RID_GT_ACROSS_DAYS,
                                  .key = "days",
                                  .ids = &places->day_ids,
                                  .number = places->day},
                         err);
    rid_gt_groups_clear(&g);
    rid_mem_free(seen);
    return st;
}

rid_status rid_gt_check_find(rid_gt_check *c, const rid_gt_doc *doc, const char *const *paths,
                             const rid_gt_places *places, size_t max_cases, rid_err *err)
{
    const checking x = {c, doc, paths, places, max_cases};
    *c = (rid_gt_check){.entries = doc->n_included,
                        .people = rid_gt_doc_people(doc),
                        .left_out = doc->entry_ids.n - doc->n_included,
                        .repeated = doc->n_repeated,
                        .notes_differ = doc->n_notes_differ};
    for (int k = 0; k < RID_GT_CHECK_KINDS; k++) {
        c->findings[k].name = kinds[k].name;
        c->findings[k].what = kinds[k].what;
    }
    find_conflicts(&x);
    find_small_people(&x);
    rid_status st = places ? look_into_stores(&x, err) : RID_OK;
    for (int k = 0; k < RID_GT_CHECK_KINDS && st == RID_OK; k++)
        if (c->findings[k].cases.failed)
            st = RID_FAIL_NOMEM(err);
    return st;
}

void rid_gt_check_clear(rid_gt_check *c)
{
    for (int k = 0; k < RID_GT_CHECK_KINDS; k++)
        rid_buf_free(&c->findings[k].cases);
    *c = (rid_gt_check){0};
}
