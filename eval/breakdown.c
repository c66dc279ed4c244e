#include "eval/breakdown.h"

#include "data/base/mem.h"
#include "data/base/timestamp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static rid_status make_groups(rid_breakdown *b, const char *const *names, size_t n, rid_err *err)
{
    *b = (rid_breakdown){.groups = rid_mem_zalloc(n, sizeof *b->groups), .n = n};
    for (size_t i = 0; b->groups && i < n; i++)
        b->groups[i].name = rid_str_of(names[i]);
    return b->groups ? RID_OK : RID_FAIL_NOMEM(err);
}

void rid_breakdown_clear(rid_breakdown *b)
{
    rid_mem_free(b->groups);
    rid_id_table_clear(&b->cameras);
    *b = (rid_breakdown){0};
}

/* ---- visits ---- */

static const struct {
    const char *name;
    uint32_t from;
} visit_groups[] = {{"1", 1}, {"2", 2}, {"3", 3}, {"4", 4}, {"5-9", 5}, {"10 or more", 10}};

enum { VISIT_GROUPS = sizeof visit_groups / sizeof visit_groups[0] };

static void take_visit(rid_breakdown_group *g, const rid_judged *e)
{
    g->entries++;
    g->people += !e->mated; /* its first entry stands for the person */
    g->exact += !e->mated && e->together == e->visits && e->size == e->visits;
    g->precision_sum += (double)e->together / (double)e->size;
    g->recall_sum += (double)e->together / (double)e->visits;
    rid_search_counts_take(&g->searches, e->mated, e->end);
}

rid_status rid_breakdown_by_visits(rid_breakdown *b, const rid_judgement *j, rid_err *err)
{
    const char *names[VISIT_GROUPS];
    for (size_t g = 0; g < VISIT_GROUPS; g++)
        names[g] = visit_groups[g].name;
    const rid_status st = make_groups(b, names, VISIT_GROUPS, err);
    for (size_t k = 0; st == RID_OK && k < j->clustering->n_buckets; k++)
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++) {
            const rid_judged *e = &j->buckets[k].entries[i];
            size_t g = VISIT_GROUPS - 1;
            if (e->person == RID_UNLABELLED)
                continue;
            while (visit_groups[g].from > e->visits)
                g--;
            take_visit(&b->groups[g], e);
        }
    return st;
}

/* ---- gap ---- */

enum { MINUTE_US = 60000000 };

static const struct {
    const char *name;
    int64_t below_min; /* minutes */
} gap_groups[] = {{"under 1 min", 1}, {"1-10 min", 10},        {"10-60 min", 60},
                  {"1-4 h", 240},     {"over 4 h", INT32_MAX}, {"undated", INT64_MAX}};

enum { GAP_GROUPS = sizeof gap_groups / sizeof gap_groups[0] };

static size_t gap_group(int64_t from_us, int64_t to_us)
{
    size_t g = 0;
    if (from_us == RID_TIMESTAMP_NONE || to_us == RID_TIMESTAMP_NONE)
        return GAP_GROUPS - 1;
    while (g < GAP_GROUPS - 2 && (to_us - from_us) / MINUTE_US >= gap_groups[g].below_min)
        g++;
    return g;
}

rid_status rid_breakdown_by_gap(rid_breakdown *b, const rid_judgement *j, rid_err *err)
{
    const char *names[GAP_GROUPS];
    for (size_t g = 0; g < GAP_GROUPS; g++)
        names[g] = gap_groups[g].name;
    const rid_status st = make_groups(b, names, GAP_GROUPS, err);
    for (size_t k = 0; st == RID_OK && k < j->clustering->n_buckets; k++) {
        const rid_clustered_entry *rows = j->clustering->buckets[k].entries;
        for (size_t i = 0; i < j->clustering->buckets[k].n; i++) {
            const rid_judged *e = &j->buckets[k].entries[i];
            if (e->mated)
                rid_search_counts_take(
                    &b->groups[gap_group(rows[e->previous].t_us, rows[i].t_us)].searches, true,
                    e->end);
        }
    }
    return st;
}

/* ---- cameras ---- */

/* A labelled entry: whom it belongs to, in one of three senses, and its camera. */
typedef struct sighting {
    uint64_t owner;
    uint32_t camera;
} sighting;

static int compare_sightings(const void *x, const void *y)
{
    const sighting *a = x, *b = y;
    if (a->owner != b->owner)
        return a->owner < b->owner ? -1 : 1;
    return a->camera < b->camera ? -1 : a->camera > b->camera;
}

typedef enum pair_kind { TRUE_PAIRS, PREDICTED_PAIRS, HIT_PAIRS } pair_kind;

static uint64_t *pairs_of_kind(rid_breakdown_group *g, pair_kind kind)
{
    return kind == TRUE_PAIRS  ? &g->true_pairs
           : kind == HIT_PAIRS ? &g->hit_pairs
                               : &g->predicted_pairs;
}

/* The groups that are being counted, one for each two cameras that occur together. */
typedef struct camera_pairs {
    rid_breakdown *b;
    rid_id_table keys; /* of the groups: the numbers of two cameras, the lower one first */
    size_t cap;
    uint32_t *camera; /* number of each row of the bucket */
} camera_pairs;

/* So many are no cameras: the field holds something else, and nobody could read the table. */
enum { MAX_CAMERA_PAIRS = 1000000 };

static rid_status find_group(camera_pairs *p, uint32_t a, uint32_t b, rid_breakdown_group **out,
                             rid_err *err)
{
    const uint32_t key[] = {a < b ? a : b, a < b ? b : a};
    uint32_t number;
    bool added;
    rid_status st =
        rid_id_table_add(&p->keys, (rid_str){(const char *)key, sizeof key}, &number, &added, err);
    if (st != RID_OK)
        return st;
    if (number == MAX_CAMERA_PAIRS)
        return RID_FAIL(err, RID_EDATA,
                        "more than %d pairs of cameras: do the entries name cameras?",
                        (int)MAX_CAMERA_PAIRS);
    if (rid_mem_grow(&p->b->groups, &p->cap, p->keys.n, sizeof *p->b->groups) != 0)
        return RID_FAIL_NOMEM(err);
    if (added)
        p->b->groups[p->b->n++] = (rid_breakdown_group){0};
    *out = &p->b->groups[number];
    return RID_OK;
}

static rid_status add_pairs(camera_pairs *p, uint32_t a, uint32_t b, pair_kind kind, uint64_t n,
                            rid_err *err)
{
    rid_breakdown_group *g;
    rid_status st = n > 0 ? find_group(p, a, b, &g, err) : RID_OK;
    if (st == RID_OK && n > 0)
        *pairs_of_kind(g, kind) += n;
    return st;
}

/* One owner's sightings, by camera: of two cameras all pairs, of one those of two different entries. */
static rid_status pair_up(camera_pairs *p, const sighting *s, size_t n, pair_kind kind,
                          rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0, i_end; i < n && st == RID_OK; i = i_end) {
        for (i_end = i + 1; i_end < n && s[i_end].camera == s[i].camera;)
            i_end++;
        const uint64_t own = i_end - i;
        st = add_pairs(p, s[i].camera, s[i].camera, kind, own * (own - 1) / 2, err);
        for (size_t k = i_end, k_end; k < n && st == RID_OK; k = k_end) {
            for (k_end = k + 1; k_end < n && s[k_end].camera == s[k].camera;)
                k_end++;
            st = add_pairs(p, s[i].camera, s[k].camera, kind, own * (k_end - k), err);
        }
    }
    return st;
}

static rid_status take_pairs(camera_pairs *p, const rid_clustered_bucket *b, const rid_judged *e,
                             sighting *s, pair_kind kind, rid_err *err)
{
    rid_status st = RID_OK;
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const uint64_t truth = e[i].person, predicted = b->entries[i].person;
        if (e[i].person != RID_UNLABELLED)
            s[n++] = (sighting){kind == TRUE_PAIRS        ? truth
                                : kind == PREDICTED_PAIRS ? predicted
                                                          : truth << 32 | predicted,
                                p->camera[i]};
    }
    qsort(s, n, sizeof *s, compare_sightings);
    for (size_t i = 0, end; i < n && st == RID_OK; i = end) {
        for (end = i + 1; end < n && s[end].owner == s[i].owner;)
            end++;
        st = pair_up(p, s + i, end - i, kind, err);
    }
    return st;
}

static rid_status take_searches(camera_pairs *p, size_t n, const rid_judged *e, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        rid_breakdown_group *g;
        if (!e[i].mated)
            continue;
        st = find_group(p, p->camera[e[i].previous], p->camera[i], &g, err);
        if (st == RID_OK)
            rid_search_counts_take(&g->searches, true, e[i].end);
    }
    return st;
}

static rid_status number_cameras(camera_pairs *p, const rid_clustered_bucket *b, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; st == RID_OK && i < b->n; i++) {
        const rid_str name = b->entries[i].camera;
        st = rid_id_table_add(&p->b->cameras, name.data ? name : (rid_str){"", 0}, &p->camera[i],
                              NULL, err);
    }
    return st;
}

static rid_status take_bucket(camera_pairs *p, const rid_clustered_bucket *b, const rid_judged *e,
                              rid_err *err)
{
    sighting *s = rid_mem_alloc(b->n, sizeof *s);
    p->camera = rid_mem_alloc(b->n, sizeof *p->camera);
    rid_status st = s && p->camera ? number_cameras(p, b, err) : RID_FAIL_NOMEM(err);
    for (pair_kind kind = TRUE_PAIRS; st == RID_OK && kind <= HIT_PAIRS; kind++)
        st = take_pairs(p, b, e, s, kind, err);
    if (st == RID_OK)
        st = take_searches(p, b->n, e, err);
    rid_mem_free(s);
    rid_mem_free(p->camera);
    return st;
}

static int compare_groups(const void *x, const void *y)
{
    const rid_breakdown_group *a = x, *b = y;
    const int first = rid_str_compare(a->name, b->name);
    return first != 0 ? first : rid_str_compare(a->other, b->other);
}

static void name_groups(camera_pairs *p)
{
    rid_breakdown *b = p->b;
    for (uint32_t g = 0; g < b->n; g++) {
        uint32_t key[2];
        memcpy(key, rid_id_table_at(&p->keys, g).data, sizeof key);
        const rid_str x = rid_id_table_at(&b->cameras, key[0]),
                      y = rid_id_table_at(&b->cameras, key[1]);
        const bool in_order = rid_str_compare(x, y) <= 0;
        b->groups[g].name = in_order ? x : y;
        b->groups[g].other = in_order ? y : x;
    }
    if (b->n > 0)
        qsort(b->groups, b->n, sizeof *b->groups, compare_groups);
}

rid_status rid_breakdown_by_cameras(rid_breakdown *b, const rid_judgement *j, rid_err *err)
{
    camera_pairs p = {.b = b};
    rid_status st = RID_OK;
    *b = (rid_breakdown){0};
    for (size_t k = 0; st == RID_OK && k < j->clustering->n_buckets; k++)
        st = take_bucket(&p, &j->clustering->buckets[k], j->buckets[k].entries, err);
    if (st == RID_OK)
        name_groups(&p);
    rid_id_table_clear(&p.keys);
    return st;
}

/* ---- figures ---- */

static double share(uint64_t part, uint64_t whole, double without)
{
    return whole > 0 ? (double)part / (double)whole : without;
}

void rid_metrics_add_cameras(rid_metric_set *m, const rid_breakdown_group *g)
{
    rid_metrics_add_count(m, "true_pairs", g->true_pairs);
    rid_metrics_add_count(m, "predicted_pairs", g->predicted_pairs);
    rid_metrics_add_count(m, "hit_pairs", g->hit_pairs);
    rid_metrics_add(m, "pairwise_precision", share(g->hit_pairs, g->predicted_pairs, 1), NULL);
    rid_metrics_add(m, "pairwise_recall", share(g->hit_pairs, g->true_pairs, 1), NULL);
    rid_metrics_add(m, "pairwise_f1",
                    share(2 * g->hit_pairs, g->predicted_pairs + g->true_pairs, 1), NULL);
    rid_metrics_add_gap(m, g);
}

void rid_metrics_add_visits(rid_metric_set *m, const rid_breakdown_group *g)
{
    static const char none[] = "no entry";
    const double n = (double)g->entries, p = g->precision_sum / n, r = g->recall_sum / n;
    rid_metrics_add_count(m, "people", g->people);
    rid_metrics_add_count(m, "exact", g->exact);
    rid_metrics_add_count(m, "entries", g->entries);
    rid_metrics_add(m, "bcubed_precision", p, none);
    rid_metrics_add(m, "bcubed_recall", r, none);
    rid_metrics_add(m, "bcubed_f1", 2 * p * r / (p + r), none);
    rid_metrics_add_searches(m, &g->searches);
}

void rid_metrics_add_gap(rid_metric_set *m, const rid_breakdown_group *g)
{
    rid_metrics_add_count(m, "mated", g->searches.mated);
    rid_metrics_add_count(m, "hits", g->searches.hits);
    rid_metrics_add_count(m, "wrong_matches", g->searches.wrong_matches);
    rid_metrics_add(m, "fnir", rid_search_fnir(&g->searches), "no mated search");
}
