#include "train/match_state.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/payload_skim.h"
#include "eval/gallery.h"

#include <string.h>

/** A bucket and which entry each of its gallery's rows is. */
typedef struct bucket {
    char *day, *store;
    rid_gallery *gallery;
    size_t *entry_of;
    size_t n, cap;
    size_t n_matchable; /* rows that were not taken out */
} bucket;

/** What is kept of an entry besides its metadata; same numbering as `entries`. */
typedef struct record {
    rid_digest128 digest;
    uint32_t bucket;
    uint32_t row;        /* in the bucket's gallery; RID_NO_ENTRY: none */
    uint32_t person;
    bool skip, matched, replaced, has_score;
    size_t match_entry;  /* the entry joined; with matched */
    float score, score2;
} record;

struct rid_match_state {
    size_t emb_dim;
    rid_rule rule;
    rid_entries *entries;
    record *records;
    size_t n, records_cap;
    bucket *buckets;
    size_t n_buckets, buckets_cap;
    uint32_t *bucket_slots; /* hash of (day, store): bucket + 1 */
    size_t n_slots;
};

rid_match_state *rid_match_state_new(size_t emb_dim, const rid_rule *rule)
{
    rid_match_state *s = rid_mem_zalloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->emb_dim = emb_dim;
    s->rule = *rule;
    s->entries = rid_entries_new();
    if (!s->entries) {
        rid_mem_free(s);
        return NULL;
    }
    return s;
}

void rid_match_state_free(rid_match_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_buckets; i++) {
        rid_mem_free(s->buckets[i].day);
        rid_mem_free(s->buckets[i].store);
        rid_gallery_free(s->buckets[i].gallery);
        rid_mem_free(s->buckets[i].entry_of);
    }
    rid_mem_free(s->buckets);
    rid_mem_free(s->bucket_slots);
    rid_mem_free(s->records);
    rid_entries_free(s->entries);
    rid_mem_free(s);
}

rid_status rid_match_digest(rid_digest128 *digest, const rid_payload *p, const float *embedding,
                            size_t emb_dim, rid_err *err)
{
    rid_hasher *h = rid_hasher_new();
    if (!h)
        return RID_FAIL_NOMEM(err);
    rid_payload_hash(p, h);
    rid_hasher_add_field(h, embedding, embedding ? emb_dim * sizeof *embedding : 0);
    *digest = rid_hasher_end(h);
    rid_hasher_free(h);
    return RID_OK;
}

/* ---- buckets ---- */

static uint32_t *slot_of(const rid_match_state *s, rid_str day, rid_str store)
{
    size_t i = rid_payload_shard(day, store, UINT32_MAX) & (s->n_slots - 1);
    for (;; i = (i + 1) & (s->n_slots - 1)) {
        uint32_t b = s->bucket_slots[i];
        if (b == 0 || (rid_str_equal(rid_str_of(s->buckets[b - 1].day), day) &&
                       rid_str_equal(rid_str_of(s->buckets[b - 1].store), store)))
            return &s->bucket_slots[i];
    }
}

static rid_status grow_slots(rid_match_state *s, rid_err *err)
{
    size_t n = s->n_slots ? 2 * s->n_slots : 64;
    uint32_t *fresh = rid_mem_zalloc(n, sizeof *fresh);
    if (!fresh)
        return RID_FAIL_NOMEM(err);
    rid_mem_free(s->bucket_slots);
    s->bucket_slots = fresh;
    s->n_slots = n;
    for (size_t b = 0; b < s->n_buckets; b++)
        *slot_of(s, rid_str_of(s->buckets[b].day), rid_str_of(s->buckets[b].store)) =
            (uint32_t)b + 1;
    return RID_OK;
}

static rid_status find_bucket(rid_match_state *s, const rid_meta *meta, uint32_t *index, rid_err *err)
{
    rid_str day = meta->text[RID_TEXT_DAY], store = meta->text[RID_TEXT_STORE];
    if (2 * (s->n_buckets + 1) > s->n_slots && grow_slots(s, err) != RID_OK)
        return RID_ETEMP;
    uint32_t *slot = slot_of(s, day, store);
    if (*slot == 0) {
        if (rid_mem_grow(&s->buckets, &s->buckets_cap, s->n_buckets + 1, sizeof *s->buckets) != 0)
            return RID_FAIL_NOMEM(err);
        bucket *b = &s->buckets[s->n_buckets];
        *b = (bucket){.day = rid_mem_strndup(day.data, day.len),
                      .store = rid_mem_strndup(store.data, store.len),
                      .gallery = rid_gallery_new(s->emb_dim)};
        s->n_buckets++; /* freed with the state, complete or not */
        if (!b->day || !b->store || !b->gallery)
            return RID_FAIL_NOMEM(err);
        *slot = (uint32_t)s->n_buckets;
    }
    *index = *slot - 1;
    return RID_OK;
}

/* ---- answers ---- */

static rid_answer answer_of(const rid_match_state *s, const record *r)
{
    rid_answer a = {.skip = r->skip,
                    .matched = r->matched,
                    .replaced = r->replaced,
                    .has_score = r->has_score,
                    .person = r->person + 1,
                    .score = r->score,
                    .score2 = r->score2,
                    .n_matchable = s->buckets[r->bucket].n_matchable};
    if (r->matched)
        a.match_id = rid_entries_meta(s->entries, r->match_entry).text[RID_TEXT_ID];
    return a;
}

static rid_status add_to_gallery(bucket *b, record *r, size_t entry, const float *embedding,
                                 rid_err *err)
{
    rid_gallery_count_person(b->gallery, r->person);
    if (!embedding)
        return RID_OK;
    if (rid_mem_grow(&b->entry_of, &b->cap, b->n + 1, sizeof *b->entry_of) != 0)
        return RID_FAIL_NOMEM(err);
    rid_status st = rid_gallery_add(b->gallery, embedding, r->person, &r->row, err);
    if (st != RID_OK)
        return st;
    b->entry_of[b->n++] = entry;
    b->n_matchable++;
    return RID_OK;
}

rid_status rid_match_state_ask(rid_match_state *s, const rid_meta *meta, const float *embedding,
                               const rid_digest128 *digest, rid_answer *answer, bool *repeated,
                               rid_err *err)
{
    size_t before;
    rid_decision d;
    record r = {.digest = *digest, .row = RID_NO_ENTRY, .skip = !embedding};
    *repeated = false;
    if (rid_entries_find(s->entries, meta->text[RID_TEXT_ID], &before)) {
        record *old = &s->records[before];
        if (memcmp(&old->digest, digest, sizeof *digest) == 0) {
            *repeated = true;
            *answer = answer_of(s, old);
            return RID_OK;
        }
        r.replaced = true;
        if (old->row != RID_NO_ENTRY) {
            rid_gallery_remove(s->buckets[old->bucket].gallery, old->row);
            s->buckets[old->bucket].n_matchable--;
        }
        old->row = RID_NO_ENTRY;
    }
    rid_status st = find_bucket(s, meta, &r.bucket, err);
    if (st != RID_OK)
        return st;
    bucket *b = &s->buckets[r.bucket];
    if ((st = rid_gallery_decide(b->gallery, embedding, &s->rule, &d, err)) != RID_OK)
        return st;
    r.person = d.person;
    r.matched = d.matched;
    r.has_score = d.nn1.row != RID_NO_ENTRY;
    r.match_entry = d.matched ? b->entry_of[d.nn1.row] : 0;
    r.score = d.nn1.score;
    r.score2 = d.nn2.score;
    if (rid_mem_grow(&s->records, &s->records_cap, s->n + 1, sizeof *s->records) != 0)
        return RID_FAIL_NOMEM(err);
    if ((st = add_to_gallery(b, &r, s->n, embedding, err)) != RID_OK)
        return st;
    st = rid_entries_add(s->entries, meta, r.skip ? RID_ENTRY_SKIP : RID_ENTRY_OK, err);
    if (st != RID_OK)
        return st;
    s->records[s->n++] = r;
    *answer = answer_of(s, &r);
    return RID_OK;
}

size_t rid_match_state_buckets(const rid_match_state *s)
{
    return s->n_buckets;
}

size_t rid_match_state_matchable(const rid_match_state *s, size_t b)
{
    return s->buckets[b].n_matchable;
}

static rid_status warm_entry(rid_match_state *s, const rid_store_set *set, rid_place place,
                             float *embedding, rid_payload *payload, rid_err *err)
{
    rid_answer ignored;
    rid_digest128 digest;
    bool repeated, skip = rid_store_set_status(set, place) == RID_ENTRY_SKIP;
    rid_status st =
        rid_store_read_payload(set->stores[place.store], place.row, false, payload, err);
    if (st == RID_OK)
        st = rid_store_set_read_embeddings(set, &place, 1, embedding, err);
    if (st == RID_OK)
        st = rid_match_digest(&digest, payload, skip ? NULL : embedding, s->emb_dim, err);
    if (st == RID_OK)
        st = rid_match_state_ask(s, &payload->meta, skip ? NULL : embedding, &digest, &ignored,
                                 &repeated, err);
    return st;
}

rid_status rid_match_state_warm(rid_match_state *s, rid_store_set *set, rid_err *err)
{
    rid_payload payload = {0};
    float *embedding = rid_mem_alloc(s->emb_dim, sizeof *embedding);
    if (!embedding)
        return RID_FAIL_NOMEM(err);
    rid_status st = RID_OK;
    rid_store_set_sort(set);
    for (size_t i = 0; st == RID_OK && i < set->n; i++) {
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = warm_entry(s, set, set->places[i], embedding, &payload, err);
    }
    rid_payload_free(&payload);
    rid_mem_free(embedding);
    return st;
}
