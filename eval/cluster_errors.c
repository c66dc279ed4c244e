#include "eval/cluster_errors.h"

#include "data/base/mem.h"
#include "data/csv.h"
#include "data/jsonw.h"

#include <math.h>
#include <stdlib.h>

const char *rid_cluster_error_name(rid_cluster_error_kind k)
{
    return k == RID_SPLIT ? "split" : "false_merge";
}

/* The labelled entries of one true person in one predicted person. */
typedef struct cell {
    uint32_t truth, predicted;
    uint32_t first; /* row */
    uint32_t n;
} cell;

typedef struct search {
    rid_cluster_errors *out;
    size_t cap;
    const rid_clustered_bucket *bucket;
    const rid_judged *e;
    uint32_t number; /* of the bucket */
    cell *cells;     /* (n_cells) */
    size_t n_cells;
} search;

static int by_prediction(const void *x, const void *y)
{
    const cell *a = x, *b = y;
    if (a->predicted != b->predicted)
        return a->predicted < b->predicted ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int by_truth(const void *x, const void *y)
{
    const cell *a = x, *b = y;
    if (a->truth != b->truth)
        return a->truth < b->truth ? -1 : 1;
    return a->first < b->first ? -1 : a->first > b->first;
}

static int by_both(const void *x, const void *y)
{
    const cell *a = x, *b = y;
    if (a->truth != b->truth)
        return a->truth < b->truth ? -1 : 1;
    return by_prediction(x, y);
}

/* One cell an entry, then one a pair of persons. */
static void make_cells(search *s)
{
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < s->bucket->n; i++)
        if (s->e[i].person != RID_UNLABELLED)
            s->cells[n++] = (cell){s->e[i].person, s->bucket->entries[i].person, (uint32_t)i, 1};
    qsort(s->cells, n, sizeof *s->cells, by_both);
    for (size_t i = 0; i < n; i++) {
        cell *last = kept > 0 ? &s->cells[kept - 1] : NULL;
        if (last && last->truth == s->cells[i].truth && last->predicted == s->cells[i].predicted)
            last->n++;
        else
            s->cells[kept++] = s->cells[i];
    }
    s->n_cells = kept;
}

static rid_status add(search *s, rid_cluster_error_kind kind, const cell *c, uint32_t b,
                      rid_err *err)
{
    rid_cluster_errors *out = s->out;
    if (rid_mem_grow(&out->at, &s->cap, out->n + 1, sizeof *out->at) != 0)
        return RID_FAIL_NOMEM(err);
    out->at[out->n++] = (rid_cluster_error){kind, s->number, c->first, b, c->n};
    out->n_merges += kind == RID_FALSE_MERGE;
    out->n_splits += kind == RID_SPLIT;
    return RID_OK;
}

/* The entry of the predicted person that c's first entry joined: what it says, if that is labelled and of
 * another person, else the latest labelled one before it. There is one, of an earlier cell. */
static uint32_t joined(const search *s, const cell *c)
{
    const rid_clustered_entry *rows = s->bucket->entries;
    const uint32_t said = rows[c->first].joined;
    if (said < c->first && rows[said].person == c->predicted && s->e[said].person != RID_UNLABELLED)
        return said;
    uint32_t at = c->first - 1;
    while (rows[at].person != c->predicted || s->e[at].person == RID_UNLABELLED)
        at--;
    return at;
}

static rid_status find_kind(search *s, rid_cluster_error_kind kind, rid_err *err)
{
    rid_status st = RID_OK;
    qsort(s->cells, s->n_cells, sizeof *s->cells, kind == RID_SPLIT ? by_truth : by_prediction);
    for (size_t i = 1; i < s->n_cells && st == RID_OK; i++) {
        const cell *c = &s->cells[i], *before = &s->cells[i - 1];
        if (kind == RID_SPLIT && c->truth == before->truth)
            st = add(s, kind, c, s->e[c->first].previous, err);
        else if (kind == RID_FALSE_MERGE && c->predicted == before->predicted)
            st = add(s, kind, c, joined(s, c), err);
    }
    return st;
}

static int compare_errors(const void *x, const void *y)
{
    const rid_cluster_error *a = x, *b = y;
    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    if (a->a != b->a)
        return a->a < b->a ? -1 : 1;
    return (int)a->kind - (int)b->kind;
}

rid_status rid_cluster_errors_find(rid_cluster_errors *out, const rid_judgement *j, rid_err *err)
{
    search s = {.out = out};
    rid_status st = RID_OK;
    *out = (rid_cluster_errors){0};
    for (size_t k = 0; k < j->clustering->n_buckets && st == RID_OK; k++) {
        s.bucket = &j->clustering->buckets[k];
        s.e = j->buckets[k].entries;
        s.number = (uint32_t)k;
        s.cells = rid_mem_alloc(s.bucket->n, sizeof *s.cells);
        if (!s.cells)
            return RID_FAIL_NOMEM(err);
        make_cells(&s);
        st = find_kind(&s, RID_FALSE_MERGE, err);
        if (st == RID_OK)
            st = find_kind(&s, RID_SPLIT, err);
        rid_mem_free(s.cells);
    }
    if (st == RID_OK && out->n > 0)
        qsort(out->at, out->n, sizeof *out->at, compare_errors);
    return st;
}

void rid_cluster_errors_clear(rid_cluster_errors *e)
{
    rid_mem_free(e->at);
    *e = (rid_cluster_errors){0};
}

/* ---- CSV ---- */

static void append_fields(rid_buf *out, const rid_str *fields, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        rid_csv_append_field(out, fields[i].data ? fields[i] : (rid_str){"", 0});
        rid_buf_append_char(out, ',');
    }
}

static void append_score(rid_buf *out, double score)
{
    if (!isnan(score))
        rid_jsonw_f64(&(rid_jsonw){.out = out}, score);
}

static void write_error(rid_buf *out, const rid_cluster_error *e, const rid_judgement *j,
                        const rid_labels *labels)
{
    const rid_clustered_bucket *bucket = &j->clustering->buckets[e->bucket];
    const rid_judged *judged = j->buckets[e->bucket].entries;
    const rid_clustered_entry *a = &bucket->entries[e->a], *b = &bucket->entries[e->b];
    const rid_str fields[] = {rid_str_of(rid_cluster_error_name(e->kind)),
                              bucket->day,
                              bucket->store,
                              a->id,
                              b->id,
                              rid_labels_person(labels, judged[e->a].person),
                              rid_labels_person(labels, judged[e->b].person),
                              rid_str_of(e->kind == RID_SPLIT ? "1" : "0"),
                              bucket->persons[a->person],
                              bucket->persons[b->person],
                              a->camera,
                              b->camera,
                              a->timestamp,
                              b->timestamp,
                              a->match_id};
    append_fields(out, fields, sizeof fields / sizeof fields[0]);
    append_score(out, a->score);
    rid_buf_append_char(out, ',');
    append_score(out, a->score2);
    rid_buf_printf(out, ",%u\n", e->entries);
}

void rid_cluster_errors_write(rid_buf *out, const rid_cluster_errors *e, const rid_judgement *j,
                              const rid_labels *labels)
{
    rid_buf_append_str(
        out, "kind,day_id,store_id,entry_id_a,entry_id_b,pid_a,pid_b,same_pid,person_a,person_b,"
             "camera_a,camera_b,ts_a,ts_b,match_id,score,score2,entries\n");
    for (size_t i = 0; i < e->n; i++)
        write_error(out, &e->at[i], j, labels);
}
