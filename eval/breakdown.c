#include "eval/breakdown.h"

#include "data/base/mem.h"
#include "data/base/timestamp.h"

#include <math.h>
#include <stdlib.h>

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
} gap_groups[] = {{"under 1 min", 1},  {"1-10 min", 10},         {"10-60 min", 60},
                  {"1-4 h", 240},      {"over 4 h", INT32_MAX}, {"undated", INT64_MAX}};

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
                rid_search_counts_take(&b->groups[gap_group(rows[e->previous].t_us, rows[i].t_us)].searches,
                                       true, e->end);
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
    return kind == TRUE_PAIRS ? &g->true_pairs : kind == HIT_PAIRS ? &g->hit_pairs : &g->predicted_pairs;
}

/* The pairs of the cameras of one bucket, (n, n), of which those with a <= b are used. */
typedef struct matrix {
    rid_breakdown_group *at;
    rid_id_table cameras;
    size_t n;
    uint32_t *camera; /* of each row */
} matrix;

static rid_breakdown_group *cell(const matrix *m, uint32_t a, uint32_t b)
{
    return &m->at[a < b ? a * m->n + b : b * m->n + a];
}

/* One owner's sightings, by camera: of two cameras all pairs, of one those of two different entries. */
static void pair_up(const matrix *m, const sighting *s, size_t n, pair_kind kind)
{
    for (size_t i = 0, i_end; i < n; i = i_end) {
        for (i_end = i + 1; i_end < n && s[i_end].camera == s[i].camera;)
            i_end++;
        const uint64_t own = i_end - i;
        *pairs_of_kind(cell(m, s[i].camera, s[i].camera), kind) += own * (own - 1) / 2;
        for (size_t k = i_end, k_end; k < n; k = k_end) {
            for (k_end = k + 1; k_end < n && s[k_end].camera == s[k].camera;)
                k_end++;
            *pairs_of_kind(cell(m, s[i].camera, s[k].camera), kind) += own * (k_end - k);
        }
    }
}

static void take_pairs(const matrix *m, const rid_clustered_bucket *b, const rid_judged *e, sighting *s,
                       pair_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        const uint64_t truth = e[i].person, predicted = b->entries[i].person;
        if (e[i].person != RID_UNLABELLED)
            s[n++] = (sighting){kind == TRUE_PAIRS        ? truth
                                : kind == PREDICTED_PAIRS ? predicted
                                                          : truth << 32 | predicted,
                                m->camera[i]};
    }
    qsort(s, n, sizeof *s, compare_sightings);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && s[end].owner == s[i].owner;)
            end++;
        pair_up(m, s + i, end - i, kind);
    }
}

static void take_searches(const matrix *m, size_t n, const rid_judged *e)
{
    for (size_t i = 0; i < n; i++)
        if (e[i].mated)
            rid_search_counts_take(&cell(m, m->camera[e[i].previous], m->camera[i])->searches, true,
                                   e[i].end);
}

static rid_status init_matrix(matrix *m, const rid_clustered_bucket *b, rid_err *err)
{
    rid_status st = RID_OK;
    *m = (matrix){.camera = rid_mem_alloc(b->n, sizeof *m->camera)};
    if (!m->camera)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < b->n; i++) {
        const rid_str name = b->entries[i].camera;
        st = rid_id_table_add(&m->cameras, name.data ? name : (rid_str){"", 0}, &m->camera[i], NULL, err);
    }
    if (st != RID_OK)
        return st;
    m->n = m->cameras.n;
    m->at = rid_mem_zalloc(m->n * m->n, sizeof *m->at);
    return m->at ? RID_OK : RID_FAIL_NOMEM(err);
}

static void clear_matrix(matrix *m)
{
    rid_mem_free(m->at);
    rid_mem_free(m->camera);
    rid_id_table_clear(&m->cameras);
}

static void add_group(rid_breakdown_group *to, const rid_breakdown_group *g)
{
    rid_search_counts_add(&to->searches, &g->searches);
    to->true_pairs += g->true_pairs;
    to->predicted_pairs += g->predicted_pairs;
    to->hit_pairs += g->hit_pairs;
}

/* Adds a cell to the group of its two cameras, "first NUL second". */
static rid_status flush_cell(rid_breakdown *b, rid_buf *key, size_t *cap, rid_str x, rid_str y,
                             const rid_breakdown_group *g, rid_err *err)
{
    const bool in_order = rid_str_compare(x, y) <= 0;
    uint32_t number;
    bool added;
    rid_buf_clear(key);
    rid_buf_append(key, in_order ? x.data : y.data, in_order ? x.len : y.len);
    rid_buf_append_char(key, '\0');
    rid_buf_append(key, in_order ? y.data : x.data, in_order ? y.len : x.len);
    if (key->failed || rid_mem_grow(&b->groups, cap, b->n + 1, sizeof *b->groups) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_id_table_add(&b->cameras, rid_buf_view(key), &number, &added, err);
    if (st == RID_OK && added)
        b->groups[b->n++] = (rid_breakdown_group){.name.len = in_order ? x.len : y.len};
    if (st == RID_OK)
        add_group(&b->groups[number], g);
    return st;
}

static rid_status flush(rid_breakdown *b, const matrix *m, rid_buf *key, size_t *cap, rid_err *err)
{
    rid_status st = RID_OK;
    for (uint32_t x = 0; x < m->n; x++)
        for (uint32_t y = x; y < m->n && st == RID_OK; y++) {
            const rid_breakdown_group *g = &m->at[x * m->n + y];
            if (g->true_pairs + g->predicted_pairs + g->searches.mated > 0)
                st = flush_cell(b, key, cap, rid_id_table_at(&m->cameras, x),
                                rid_id_table_at(&m->cameras, y), g, err);
        }
    return st;
}

static rid_status take_bucket(matrix *m, const rid_clustered_bucket *b, const rid_judged *e, rid_err *err)
{
    sighting *s = rid_mem_alloc(b->n, sizeof *s);
    rid_status st = s ? init_matrix(m, b, err) : RID_FAIL_NOMEM(err);
    for (pair_kind kind = TRUE_PAIRS; st == RID_OK && kind <= HIT_PAIRS; kind++)
        take_pairs(m, b, e, s, kind);
    if (st == RID_OK)
        take_searches(m, b->n, e);
    rid_mem_free(s);
    return st;
}

static int compare_groups(const void *x, const void *y)
{
    const rid_breakdown_group *a = x, *b = y;
    const int first = rid_str_compare(a->name, b->name);
    return first != 0 ? first : rid_str_compare(a->other, b->other);
}

/* Every group's two names out of its key. */
static void name_groups(rid_breakdown *b)
{
    for (uint32_t g = 0; g < b->n; g++) {
        const rid_str key = rid_id_table_at(&b->cameras, g);
        const size_t n = b->groups[g].name.len;
        b->groups[g].name = (rid_str){key.data, n};
        b->groups[g].other = (rid_str){key.data + n + 1, key.len - n - 1};
    }
    if (b->n > 0)
        qsort(b->groups, b->n, sizeof *b->groups, compare_groups);
}

rid_status rid_breakdown_by_cameras(rid_breakdown *b, const rid_judgement *j, rid_err *err)
{
    rid_buf key = {0};
    size_t cap = 0;
    rid_status st = RID_OK;
    *b = (rid_breakdown){0};
    for (size_t k = 0; st == RID_OK && k < j->clustering->n_buckets; k++) {
        matrix m = {0};
        st = take_bucket(&m, &j->clustering->buckets[k], j->buckets[k].entries, err);
        if (st == RID_OK)
            st = flush(b, &m, &key, &cap, err);
        clear_matrix(&m);
    }
    if (st == RID_OK)
        name_groups(b);
    rid_buf_free(&key);
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
    rid_metrics_add(m, "pairwise_f1", share(2 * g->hit_pairs, g->predicted_pairs + g->true_pairs, 1), NULL);
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
