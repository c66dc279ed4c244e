#include "eval/link_forest.h"

#include "data/base/mem.h"

#include <string.h>

/* Persons with more groups than this are found in a table. */
enum { FEW_GROUPS = 8 };

#define NO_GROUP UINT32_MAX

/* Entries of one true person in one predicted one. */
typedef struct group {
    uint32_t person; /* true */
    uint32_t count;
    uint32_t next;   /* of the same predicted person */
    uint32_t owner;  /* predicted person; NO_GROUP once merged into another group */
} group;

/* A predicted person, under the number of one of its entries. */
typedef struct predicted {
    uint64_t squares;     /* Σ count² */
    uint32_t size;        /* labelled entries */
    uint32_t n_groups, first, last;
} predicted;

struct rid_forest {
    const rid_forest_truth *truth;
    uint32_t *up;          /* (n), union-find */
    group *groups;         /* (n) */
    predicted *persons;    /* (n) */
    uint32_t *table;       /* (mask + 1) groups of persons with many; open addressing */
    size_t mask, n_table;  /* places in use, some of them by what has moved on */
    rid_cluster_counts counts;
    group *new_groups;     /* (n), as they are without links */
    predicted *new_persons;
    uint32_t *new_up;
};

rid_status rid_forest_truth_init(rid_forest_truth *t, size_t n, size_t largest, rid_err *err)
{
    *t = (rid_forest_truth){0};
    if (n >= RID_NO_ENTRY / 4)
        return RID_FAIL(err, RID_EDATA, "%zu entries are too many for one sweep", n);
    t->person = rid_mem_alloc(n, sizeof *t->person);
    t->share = rid_mem_alloc(n, sizeof *t->share);
    t->x_log_x = rid_mem_alloc(largest + 1, sizeof *t->x_log_x);
    t->inverse = rid_mem_alloc(largest + 1, sizeof *t->inverse);
    if (!t->person || !t->share || !t->x_log_x || !t->inverse) {
        rid_forest_truth_clear(t);
        return RID_FAIL_NOMEM(err);
    }
    t->x_log_x[0] = t->inverse[0] = 0;
    for (uint64_t x = 1; x <= largest; x++) {
        t->x_log_x[x] = rid_fixed_x_log_x(x);
        t->inverse[x] = rid_fixed_inverse(x);
    }
    return RID_OK;
}

rid_status rid_forest_truth_add(rid_forest_truth *t, rid_truth *bucket, size_t n, rid_err *err)
{
    rid_cluster_counts c;
    const size_t before = t->alone.true_persons;
    uint32_t *person = t->person + t->n, *size = rid_mem_alloc(n, sizeof *size);
    if (!size)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++)
        size[i] = (uint32_t)i;
    rid_truth_count(bucket, size, 1, &c);
    rid_cluster_counts_add(&t->alone, &c);
    rid_truth_numbers(bucket, person);
    memset(size, 0, n * sizeof *size);
    for (size_t i = 0; i < n; i++)
        if (person[i] != RID_UNLABELLED)
            size[person[i]]++;
    for (size_t j = 0; j < c.true_persons; j++)
        t->share[before + j] = t->inverse[size[j]];
    for (size_t i = 0; i < n; i++)
        if (person[i] != RID_UNLABELLED)
            person[i] += (uint32_t)before;
    t->n += n;
    rid_mem_free(size);
    return RID_OK;
}

void rid_forest_truth_clear(rid_forest_truth *t)
{
    rid_mem_free(t->person);
    rid_mem_free(t->share);
    rid_mem_free(t->x_log_x);
    rid_mem_free(t->inverse);
    *t = (rid_forest_truth){0};
}

/* ---- forest ---- */

static void make_alone(rid_forest *f)
{
    const uint32_t n = (uint32_t)f->truth->n;
    for (uint32_t i = 0; i < n; i++) {
        const bool labelled = f->truth->person[i] != RID_UNLABELLED;
        f->new_up[i] = i;
        f->new_groups[i] = (group){f->truth->person[i], 1, NO_GROUP, i};
        f->new_persons[i] = (predicted){labelled, labelled, labelled, labelled ? i : NO_GROUP,
                                        labelled ? i : NO_GROUP};
    }
}

rid_forest *rid_forest_new(const rid_forest_truth *t)
{
    rid_forest *f = rid_mem_zalloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->truth = t;
    f->mask = 63;
    while (f->mask + 1 < 4 * t->n)
        f->mask = 2 * f->mask + 1;
    f->up = rid_mem_alloc(t->n, sizeof *f->up);
    f->groups = rid_mem_alloc(t->n, sizeof *f->groups);
    f->persons = rid_mem_alloc(t->n, sizeof *f->persons);
    f->new_up = rid_mem_alloc(t->n, sizeof *f->new_up);
    f->new_groups = rid_mem_alloc(t->n, sizeof *f->new_groups);
    f->new_persons = rid_mem_alloc(t->n, sizeof *f->new_persons);
    f->table = rid_mem_alloc(f->mask + 1, sizeof *f->table);
    if (!f->up || !f->groups || !f->persons || !f->new_up || !f->new_groups || !f->new_persons ||
        !f->table) {
        rid_forest_free(f);
        return NULL;
    }
    make_alone(f);
    f->n_table = 1; /* not cleared yet */
    rid_forest_reset(f);
    return f;
}

void rid_forest_free(rid_forest *f)
{
    if (!f)
        return;
    rid_mem_free(f->up);
    rid_mem_free(f->groups);
    rid_mem_free(f->persons);
    rid_mem_free(f->new_up);
    rid_mem_free(f->new_groups);
    rid_mem_free(f->new_persons);
    rid_mem_free(f->table);
    rid_mem_free(f);
}

static void clear_table(rid_forest *f)
{
    memset(f->table, 0xff, (f->mask + 1) * sizeof *f->table);
    f->n_table = 0;
}

void rid_forest_reset(rid_forest *f)
{
    const size_t n = f->truth->n;
    memcpy(f->up, f->new_up, n * sizeof *f->up);
    memcpy(f->groups, f->new_groups, n * sizeof *f->groups);
    memcpy(f->persons, f->new_persons, n * sizeof *f->persons);
    if (f->n_table > 0)
        clear_table(f);
    f->counts = f->truth->alone;
}

const rid_cluster_counts *rid_forest_counts(const rid_forest *f)
{
    return &f->counts;
}

static uint32_t find(uint32_t *up, uint32_t i)
{
    while (up[i] != i) {
        up[i] = up[up[i]];
        i = up[i];
    }
    return i;
}

bool rid_forest_same(rid_forest *f, uint32_t a, uint32_t b)
{
    return find(f->up, a) == find(f->up, b);
}

/* ---- table of the groups of persons with many ---- */

static size_t place_of(const rid_forest *f, uint32_t owner, uint32_t person)
{
    const uint64_t key = ((uint64_t)owner << 32 | person) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(key >> 29) & f->mask;
}

static void put(rid_forest *f, uint32_t g)
{
    size_t at = place_of(f, f->groups[g].owner, f->groups[g].person);
    while (f->table[at] != NO_GROUP)
        at = (at + 1) & f->mask;
    f->table[at] = g;
    f->n_table++;
}

static void put_all(rid_forest *f, uint32_t owner)
{
    for (uint32_t g = f->persons[owner].first; g != NO_GROUP; g = f->groups[g].next)
        put(f, g);
}

/* What has moved on is dropped: a quarter of the places is enough for all that there are. */
static void rebuild_table(rid_forest *f)
{
    clear_table(f);
    for (uint32_t i = 0; i < f->truth->n; i++)
        if (f->up[i] == i && f->persons[i].n_groups > FEW_GROUPS)
            put_all(f, i);
}

static uint32_t find_group(const rid_forest *f, uint32_t owner, uint32_t person)
{
    if (f->persons[owner].n_groups <= FEW_GROUPS) {
        uint32_t g = f->persons[owner].first;
        while (g != NO_GROUP && f->groups[g].person != person)
            g = f->groups[g].next;
        return g;
    }
    for (size_t at = place_of(f, owner, person);; at = (at + 1) & f->mask) {
        const uint32_t g = f->table[at];
        if (g == NO_GROUP || (f->groups[g].owner == owner && f->groups[g].person == person))
            return g;
    }
}

static void append_group(rid_forest *f, uint32_t owner, uint32_t g)
{
    predicted *p = &f->persons[owner];
    f->groups[g].owner = owner;
    f->groups[g].next = NO_GROUP;
    if (p->n_groups == 0)
        p->first = g;
    else
        f->groups[p->last].next = g;
    p->last = g;
    p->n_groups++;
    if (p->n_groups == FEW_GROUPS + 1)
        put_all(f, owner);
    else if (p->n_groups > FEW_GROUPS)
        put(f, g);
}

/* A group becomes part of another of the same true person. Returns the pairs that come together. */
static uint64_t merge_groups(rid_forest *f, uint32_t from, uint32_t to)
{
    group *a = &f->groups[from], *b = &f->groups[to];
    const rid_fixed *x_log_x = f->truth->x_log_x;
    const uint64_t pairs = (uint64_t)a->count * b->count;
    f->counts.recall_sum += 2 * (rid_fixed)pairs * f->truth->share[a->person];
    f->counts.joint_log += x_log_x[a->count + b->count] - x_log_x[a->count] - x_log_x[b->count];
    b->count += a->count;
    a->owner = NO_GROUP;
    return pairs;
}

void rid_forest_link(rid_forest *f, uint32_t a, uint32_t b)
{
    const rid_forest_truth *t = f->truth;
    a = find(f->up, a);
    b = find(f->up, b);
    if (a == b)
        return;
    if (f->persons[a].n_groups > f->persons[b].n_groups) {
        const uint32_t larger = a;
        a = b;
        b = larger;
    }
    predicted *from = &f->persons[a], *to = &f->persons[b];
    uint64_t hits = 0;
    f->up[a] = b;
    if (f->n_table + from->n_groups > (f->mask + 1) / 2)
        rebuild_table(f);
    for (uint32_t g = from->first, next; g != NO_GROUP; g = next) {
        const uint32_t same = find_group(f, b, f->groups[g].person);
        next = f->groups[g].next;
        if (same != NO_GROUP)
            hits += merge_groups(f, g, same);
        else
            append_group(f, b, g);
    }
    const uint64_t squares = from->squares + to->squares + 2 * hits;
    const uint32_t size = from->size + to->size;
    f->counts.persons -= from->size > 0 && to->size > 0;
    f->counts.predicted_pairs += (uint64_t)from->size * to->size;
    f->counts.hit_pairs += hits;
    f->counts.precision_sum += (rid_fixed)squares * t->inverse[size] -
                               (rid_fixed)from->squares * t->inverse[from->size] -
                               (rid_fixed)to->squares * t->inverse[to->size];
    f->counts.predicted_log += t->x_log_x[size] - t->x_log_x[from->size] - t->x_log_x[to->size];
    to->squares = squares;
    to->size = size;
}
