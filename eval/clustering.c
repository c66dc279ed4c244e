#include "eval/clustering.h"

#include "data/base/mem.h"
#include "data/base/timestamp.h"
#include "data/h5file.h"
#include "data/inputs.h"
#include "eval/cluster.h"
#include "eval/gallery_cover.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t NONE = UINT32_MAX;

/* An event as it was read; texts by number in the tables, NONE: none. */
typedef struct raw_event {
    uint32_t id, camera, timestamp, match, person; /* id: of ids, the others of texts */
    uint32_t bucket;
    bool has_status;
    uint8_t status;
    int64_t t_us;
    double score, score2;
} raw_event;

/* A bucket as it was read: numbers of texts, and which one it was. */
typedef struct raw_bucket {
    uint32_t day, store, number;
    const char *path; /* of its document */
} raw_bucket;

typedef struct builder {
    rid_clustering *c;
    rid_id_table keys;   /* of buckets: "day NUL store" */
    raw_bucket *buckets; /* (keys.n) */
    uint32_t bucket;     /* that is being read */
    const char *path;    /* where from */
    uint32_t *begun;     /* (texts.n): bucket + 1 in which a person of that id was last begun */
    raw_event *raw;
    size_t n, cap, begun_cap, buckets_cap;
    uint64_t limit;
    rid_progress *progress;
    rid_buf key;         /* scratch */
} builder;

/* ---- taking in ---- */

static rid_status keep(rid_id_table *t, rid_str text, uint32_t *number, rid_err *err)
{
    *number = NONE;
    return text.data ? rid_id_table_add(t, text, number, NULL, err) : RID_OK;
}

static rid_status begin_bucket(void *ctx, const rid_manifest_head *head, rid_err *err)
{
    static const rid_str empty = {"", 0};
    builder *b = ctx;
    rid_id_table *texts = &b->c->texts;
    const rid_str day = head->day, store = head->store;
    uint32_t maker;
    bool added;
    rid_buf_clear(&b->key);
    rid_buf_append(&b->key, day.data, day.len);
    rid_buf_append_char(&b->key, '\0');
    rid_buf_append(&b->key, store.data, store.len);
    if (b->key.failed || rid_mem_grow(&b->buckets, &b->buckets_cap, b->keys.n + 1, sizeof *b->buckets) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_id_table_add(&b->keys, rid_buf_view(&b->key), &b->bucket, &added, err);
    if (st == RID_OK && !added)
        return RID_FAIL(err, RID_EDATA, "bucket %.*s/%.*s stands in another document, too", RID_STR(day),
                        RID_STR(store));
    if (st == RID_OK)
        st = keep(texts, day.data ? day : empty, &b->buckets[b->bucket].day, err);
    if (st == RID_OK)
        st = keep(texts, store.data ? store : empty, &b->buckets[b->bucket].store, err);
    if (st == RID_OK)
        st = keep(&b->c->made_by, head->made_by, &maker, err);
    b->buckets[b->bucket].number = b->bucket;
    b->buckets[b->bucket].path = b->path;
    return st;
}

static rid_status begin_person(builder *b, rid_str id, rid_err *err)
{
    uint32_t number;
    const size_t had = b->begun_cap;
    rid_status st = keep(&b->c->texts, id, &number, err);
    if (st != RID_OK)
        return st;
    if (rid_mem_grow(&b->begun, &b->begun_cap, (size_t)number + 1, sizeof *b->begun) != 0)
        return RID_FAIL_NOMEM(err);
    memset(b->begun + had, 0, (b->begun_cap - had) * sizeof *b->begun);
    if (b->begun[number] == b->bucket + 1)
        return RID_FAIL(err, RID_EDATA, "person '%.*s' stands twice", RID_STR(id));
    b->begun[number] = b->bucket + 1;
    return RID_OK;
}

static rid_status take_event(void *ctx, const rid_manifest_event *e, rid_err *err)
{
    builder *b = ctx;
    rid_clustering *c = b->c;
    bool added;
    if (!e->entry_id.data)
        return begin_person(b, e->person_id, err);
    if (b->limit > 0 && b->n == b->limit)
        return RID_OK;
    if (rid_mem_grow(&b->raw, &b->cap, b->n + 1, sizeof *b->raw) != 0)
        return RID_FAIL_NOMEM(err);
    raw_event *r = &b->raw[b->n];
    *r = (raw_event){.bucket = b->bucket, .has_status = e->has_status, .status = (uint8_t)e->status,
                     .t_us = e->timestamp_us, .score = e->score, .score2 = e->score2};
    rid_status st = rid_id_table_add(&c->ids, e->entry_id, &r->id, &added, err);
    if (st == RID_OK && !added)
        st = RID_FAIL(err, RID_EDATA, "entry '%.*s' stands twice", RID_STR(e->entry_id));
    if (st == RID_OK)
        st = keep(&c->texts, e->person_id, &r->person, err);
    if (st == RID_OK)
        st = keep(&c->texts, e->camera, &r->camera, err);
    if (st == RID_OK)
        st = keep(&c->texts, e->timestamp, &r->timestamp, err);
    if (st == RID_OK)
        st = keep(&c->texts, e->match_id, &r->match, err);
    b->n += st == RID_OK;
    return st;
}

/* ---- putting in order ---- */

static rid_str text_of(const rid_id_table *t, uint32_t number)
{
    return number == NONE ? (rid_str){NULL, 0} : rid_id_table_at(t, number);
}

static int compare_buckets(const void *x, const void *y, void *texts)
{
    const raw_bucket *a = x, *b = y;
    const int day = rid_str_compare(rid_id_table_at(texts, a->day), rid_id_table_at(texts, b->day));
    return day != 0 ? day
                    : rid_str_compare(rid_id_table_at(texts, a->store), rid_id_table_at(texts, b->store));
}

static int compare_events(const void *x, const void *y, void *ctx)
{
    const raw_event *a = x, *b = y;
    if (a->bucket != b->bucket)
        return a->bucket < b->bucket ? -1 : 1;
    if (a->t_us != b->t_us)
        return a->t_us < b->t_us ? -1 : 1;
    return rid_str_compare(rid_id_table_at(ctx, a->id), rid_id_table_at(ctx, b->id));
}

/* The entry's person as number in the bucket; number_of (texts.n): number + 1 of those of this bucket. */
static uint32_t number_person(rid_clustered_bucket *bucket, uint32_t *number_of, uint32_t text,
                              const rid_id_table *texts)
{
    if (number_of[text] == 0) {
        bucket->persons[bucket->n_persons] = rid_id_table_at(texts, text);
        number_of[text] = (uint32_t)++bucket->n_persons;
    }
    return number_of[text] - 1;
}

static void fill_bucket(rid_clustering *c, rid_clustered_bucket *bucket, const raw_event *raw,
                        uint32_t *number_of)
{
    for (size_t i = 0; i < bucket->n; i++) {
        const raw_event *r = &raw[i];
        bucket->entries[i] = (rid_clustered_entry){
            .id = rid_id_table_at(&c->ids, r->id),
            .camera = text_of(&c->texts, r->camera),
            .timestamp = text_of(&c->texts, r->timestamp),
            .t_us = r->t_us,
            .person = number_person(bucket, number_of, r->person, &c->texts),
            .status = (rid_event_status)r->status,
            .match_id = text_of(&c->texts, r->match),
            .joined = RID_NO_ENTRY,
            .score = r->score,
            .score2 = r->score2,
        };
    }
    for (size_t i = 0; i < bucket->n; i++)
        number_of[raw[i].person] = 0;
}

/* What the document does not say; last (n_persons of the bucket): the latest row of each person. */
static void infer(rid_clustering *c, rid_clustered_bucket *bucket, const raw_event *raw, uint32_t *last)
{
    for (size_t p = 0; p < bucket->n_persons; p++)
        last[p] = RID_NO_ENTRY;
    for (size_t i = 0; i < bucket->n; i++) {
        rid_clustered_entry *e = &bucket->entries[i];
        const uint32_t before = last[e->person];
        last[e->person] = (uint32_t)i;
        if (!raw[i].has_status)
            e->status = before != RID_NO_ENTRY || e->match_id.data ? RID_EVENT_MATCH : RID_EVENT_NEW;
        c->n_skipped += e->status == RID_EVENT_SKIP;
        if (e->status != RID_EVENT_MATCH || e->match_id.data)
            continue;
        c->n_inferred++;
        e->joined = before;
        if (before == RID_NO_ENTRY)
            e->status = RID_EVENT_NEW;
        else
            e->match_id = bucket->entries[before].id;
    }
}

/* An entry joins an earlier one of its bucket: a document that says otherwise is broken. */
static rid_status find_joined(const rid_clustering *c, rid_clustered_bucket *bucket, const char *path,
                              rid_err *err)
{
    for (size_t i = 0; i < bucket->n; i++) {
        rid_clustered_entry *e = &bucket->entries[i];
        rid_clustered_place at;
        if (e->status != RID_EVENT_MATCH || !rid_clustering_find(c, e->match_id, &at))
            continue;
        if (&c->buckets[at.bucket] != bucket || at.row >= i)
            return RID_FAIL(err, RID_EDATA, "%s: entry '%.*s' joined '%.*s', which %s", path, RID_STR(e->id),
                            RID_STR(e->match_id),
                            &c->buckets[at.bucket] != bucket ? "is of another bucket"
                                                             : "does not come before it");
        e->joined = at.row;
    }
    return RID_OK;
}

/* Buckets by day and store, the events by bucket and in matching order. rank (keys.n): scratch. */
static void sort_all(builder *b, uint32_t *rank)
{
    rid_clustering *c = b->c;
    qsort_r(b->buckets, b->keys.n, sizeof *b->buckets, compare_buckets, &c->texts);
    for (uint32_t k = 0; k < b->keys.n; k++) {
        c->buckets[k].day = rid_id_table_at(&c->texts, b->buckets[k].day);
        c->buckets[k].store = rid_id_table_at(&c->texts, b->buckets[k].store);
        rank[b->buckets[k].number] = k;
    }
    for (size_t i = 0; i < b->n; i++) {
        b->raw[i].bucket = rank[b->raw[i].bucket];
        c->buckets[b->raw[i].bucket].n++;
    }
    if (b->n > 0)
        qsort_r(b->raw, b->n, sizeof *b->raw, compare_events, &c->ids);
}

/* number_of (texts.n) zero, last (n): scratch. */
static rid_status cut_into_buckets(builder *b, uint32_t *number_of, uint32_t *last, rid_err *err)
{
    rid_clustering *c = b->c;
    rid_status st = RID_OK;
    size_t first = 0;
    c->n_buckets = b->keys.n;
    c->n_entries = b->n;
    for (size_t i = 0; i < b->n; i++) {
        first = i > 0 && b->raw[i].bucket == b->raw[i - 1].bucket ? first : i;
        c->place[b->raw[i].id] = (rid_clustered_place){b->raw[i].bucket, (uint32_t)(i - first)};
    }
    first = 0;
    for (size_t k = 0; k < c->n_buckets && st == RID_OK; first += c->buckets[k++].n) {
        c->buckets[k].entries = c->entries + first;
        c->buckets[k].persons = c->persons + first;
        fill_bucket(c, &c->buckets[k], b->raw + first, number_of);
        infer(c, &c->buckets[k], b->raw + first, last);
        st = find_joined(c, &c->buckets[k], b->buckets[k].path, err);
    }
    return st;
}

static rid_status arrange(builder *b, rid_err *err)
{
    rid_clustering *c = b->c;
    uint32_t *rank = rid_mem_alloc(b->keys.n, sizeof *rank), *last = rid_mem_alloc(b->n, sizeof *last);
    uint32_t *number_of = rid_mem_zalloc(c->texts.n, sizeof *number_of);
    c->buckets = rid_mem_zalloc(b->keys.n, sizeof *c->buckets);
    c->entries = rid_mem_alloc(b->n, sizeof *c->entries);
    c->persons = rid_mem_alloc(b->n, sizeof *c->persons);
    c->place = rid_mem_alloc(c->ids.n, sizeof *c->place);
    const bool ok = rank && last && number_of && c->buckets && c->entries && c->persons && c->place;
    rid_status st = ok ? RID_OK : RID_FAIL_NOMEM(err);
    if (ok) {
        sort_all(b, rank);
        st = cut_into_buckets(b, number_of, last, err);
    }
    rid_mem_free(rank);
    rid_mem_free(last);
    rid_mem_free(number_of);
    return st;
}

/* ---- documents ---- */

static rid_status read_documents(builder *b, const rid_inputs *inputs, rid_err *err)
{
    const rid_manifest_reader reader = {begin_bucket, take_event, b};
    rid_status st = RID_OK;
    for (size_t i = 0; i < inputs->n && st == RID_OK; i++) {
        b->path = inputs->files[i].path;
        st = rid_manifest_read(inputs->files[i].path, &reader, err);
        rid_progress_update(b->progress, i + 1, inputs->n);
    }
    return st;
}

/* ---- stores ---- */

/* One bucket of a set of stores at work; all (n). */
typedef struct bucket_work {
    float *emb;
    uint8_t *usable;
    rid_decision *decisions;
    rid_buf person;
} bucket_work;

static rid_status take_decision(builder *b, const rid_store_set *set, const rid_bucket *bucket, size_t i,
                                bucket_work *w, rid_err *err)
{
    const rid_decision *d = &w->decisions[i];
    const rid_meta m = rid_store_set_meta(set, bucket->places[i]);
    const bool scored = d->nn1.row != RID_NO_ENTRY;
    rid_manifest_event e = {.entry_id = m.text[RID_TEXT_ID],
                            .camera = m.text[RID_TEXT_CAMERA],
                            .timestamp = m.text[RID_TEXT_TIMESTAMP],
                            .timestamp_us = m.timestamp_us,
                            .has_status = true,
                            .status = !w->usable[i] ? RID_EVENT_SKIP
                                      : d->matched  ? RID_EVENT_MATCH
                                                    : RID_EVENT_NEW,
                            .score = scored ? (double)d->nn1.score : NAN,
                            .score2 = scored ? (double)d->nn2.score : NAN};
    if (d->matched)
        e.match_id = rid_store_set_meta(set, bucket->places[d->nn1.row]).text[RID_TEXT_ID];
    rid_buf_clear(&w->person);
    rid_person_id_append(&w->person, bucket->store, d->person + 1);
    e.person_id = rid_buf_view(&w->person);
    return w->person.failed ? RID_FAIL_NOMEM(err) : take_event(b, &e, err);
}

static rid_status begin_store_bucket(builder *b, const rid_store_set *set, const rid_bucket *bucket,
                                     const rid_rule *rule, rid_err *err)
{
    rid_buf made_by = {0};
    rid_manifest_append_made_by(&made_by, rid_str_of(rid_store_set_info(set)->encoder_hash), rule->threshold,
                                rule->margin, rid_str_of(rid_nn2_name(rule->nn2)));
    const rid_manifest_head head = {bucket->day, bucket->store, rid_buf_view(&made_by)};
    const rid_status st = made_by.failed ? RID_FAIL_NOMEM(err) : begin_bucket(b, &head, err);
    rid_buf_free(&made_by);
    return st;
}

static rid_status cluster_bucket(builder *b, const rid_store_set *set, const rid_bucket *bucket,
                                 const rid_operating_point *point, rid_gallery_cover *cover, int threads,
                                 rid_err *err)
{
    const size_t n = bucket->n, dim = rid_store_set_info(set)->emb_dim;
    const rid_rule *rule = &point->rule;
    size_t n_people, n_matchable = 0;
    bucket_work w = {.emb = rid_mem_alloc(n * sizeof *w.emb, dim),
                     .usable = rid_mem_alloc(n, 1),
                     .decisions = rid_mem_alloc(n, sizeof *w.decisions)};
    rid_status st = w.emb && w.usable && w.decisions ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        w.usable[i] = rid_store_set_status(set, bucket->places[i]) != RID_ENTRY_SKIP;
        n_matchable += w.usable[i];
    }
    rid_gallery_cover_take(cover, point, n_matchable);
    if (st == RID_OK)
        st = rid_store_set_read_embeddings(set, bucket->places, n, w.emb, err);
    if (st == RID_OK)
        st = rid_cluster(w.decisions, &n_people, w.emb, w.usable, n, dim, rule, threads, err);
    if (st == RID_OK)
        st = begin_store_bucket(b, set, bucket, rule, err);
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = take_decision(b, set, bucket, i, &w, err);
    rid_mem_free(w.emb);
    rid_mem_free(w.usable);
    rid_mem_free(w.decisions);
    rid_buf_free(&w.person);
    return st;
}

static rid_status cluster_stores(builder *b, const rid_inputs *inputs, rid_operating_point point,
                                 const char *point_file, int threads, rid_err *err)
{
    rid_gallery_cover cover = {0};
    rid_store_set set = {0};
    rid_bucket *buckets = NULL;
    size_t n = 0;
    const char **paths = rid_mem_alloc(inputs->n, sizeof *paths);
    rid_status st = paths ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < inputs->n && st == RID_OK; i++)
        paths[i] = inputs->files[i].path;
    b->path = paths && inputs->n > 0 ? paths[0] : NULL;
    rid_h5_init();
    if (st == RID_OK)
        st = rid_store_set_open(&set, paths, inputs->n, b->limit, err);
    if (st == RID_OK)
        st = rid_operating_point_settle(&point, rid_store_set_info(&set)->operating_point, "store", point_file,
                                        rid_store_set_info(&set)->encoder_hash, err);
    if (st == RID_OK)
        st = rid_store_set_group(&set, &buckets, &n, err);
    for (size_t k = 0; k < n && st == RID_OK; k++) {
        st = cluster_bucket(b, &set, &buckets[k], &point, &cover, threads, err);
        rid_progress_update(b->progress, k + 1, n);
    }
    if (st == RID_OK)
        rid_gallery_cover_say(&cover, &point);
    rid_mem_free(paths);
    rid_mem_free(buckets);
    rid_store_set_close(&set);
    return st;
}

/* ---- all ---- */

static bool is_flag(const rid_operating_point *p)
{
    return strcmp(p->threshold_from, "flag") == 0 || strcmp(p->margin_from, "flag") == 0 ||
           strcmp(p->nn2_from, "flag") == 0;
}

static rid_status read_inputs(builder *b, const rid_inputs *inputs, const rid_operating_point *point,
                              const char *point_file, int threads, rid_err *err)
{
    size_t n_stores = 0;
    for (size_t i = 0; i < inputs->n; i++) {
        n_stores += inputs->files[i].store;
        if (inputs->files[i].store && !point)
            return RID_FAIL(err, RID_EUSAGE, "%s is a store: rid-manifest makes the documents",
                            inputs->files[i].path);
    }
    if (n_stores > 0 && n_stores < inputs->n)
        return RID_FAIL(err, RID_EUSAGE, "stores and manifest documents together: give one kind");
    if (n_stores == 0 && point && (is_flag(point) || point_file))
        rid_log(RID_LOG_WARN,
                "%s: documents are as they are: threshold, margin, nn2 and an operating point are for stores",
                inputs->files[0].path);
    return n_stores > 0 ? cluster_stores(b, inputs, *point, point_file, threads, err)
                        : read_documents(b, inputs, err);
}

rid_status rid_clustering_read(rid_clustering *c, const char *const *paths, size_t n,
                               const rid_operating_point *point, const char *point_file, uint64_t limit,
                               int threads, rid_summary *summary, rid_progress *progress, rid_err *err)
{
    builder b = {.c = c, .limit = limit, .progress = progress};
    rid_inputs inputs = {0};
    *c = (rid_clustering){0};
    rid_status st = rid_inputs_find(&inputs, paths, n, err);
    if (st == RID_OK && inputs.n == 0)
        st = RID_FAIL(err, RID_ENOINPUT, "%s: no manifest document in it", paths[0]);
    if (st == RID_OK)
        st = read_inputs(&b, &inputs, point, point_file, threads, err);
    if (st == RID_OK)
        st = arrange(&b, err);
    if (st == RID_OK && c->made_by.n > 1)
        rid_log(RID_LOG_WARN, "the documents were made in %zu ways: other encoders, thresholds, margins or rules",
                c->made_by.n);
    summary->read += c->n_entries;
    summary->accepted += c->n_entries;
    summary->skipped += c->n_skipped;
    rid_inputs_free(&inputs);
    rid_id_table_clear(&b.keys);
    rid_mem_free(b.buckets);
    rid_mem_free(b.begun);
    rid_mem_free(b.raw);
    rid_buf_free(&b.key);
    return st;
}

void rid_clustering_put_makers(rid_jsonw *w, const char *key, const rid_clustering *c)
{
    rid_jsonw_key(w, key);
    rid_jsonw_begin_array(w);
    for (uint32_t i = 0; i < c->made_by.n; i++)
        rid_jsonw_raw(w, rid_id_table_at(&c->made_by, i));
    rid_jsonw_end_array(w);
}

void rid_clustering_clear(rid_clustering *c)
{
    rid_id_table_clear(&c->made_by);
    rid_id_table_clear(&c->ids);
    rid_id_table_clear(&c->texts);
    rid_mem_free(c->buckets);
    rid_mem_free(c->entries);
    rid_mem_free(c->persons);
    rid_mem_free(c->place);
    *c = (rid_clustering){0};
}

bool rid_clustering_find(const rid_clustering *c, rid_str id, rid_clustered_place *place)
{
    uint32_t number;
    if (!rid_id_table_find(&c->ids, id, &number))
        return false;
    *place = c->place[number];
    return true;
}
