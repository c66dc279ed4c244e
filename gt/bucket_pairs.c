#include "gt/bucket_pairs.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "data/base/random.h"

#include <stdlib.h>

static int compare_pairs(const void *x, const void *y)
{
    const rid_pair *p = x, *q = y;
    if (p->a != q->a)
        return p->a < q->a ? -1 : 1;
    return p->b < q->b ? -1 : p->b > q->b;
}

static rid_pair pair_of_rows(uint32_t a, uint32_t b, bool same)
{
    return (rid_pair){a < b ? a : b, a < b ? b : a, same};
}

static rid_status make_room(rid_bucket_pairs *out, size_t n, size_t n_buckets, rid_err *err)
{
    out->pairs = rid_mem_alloc(n, sizeof *out->pairs);
    out->first = rid_mem_zalloc(n_buckets + 2, sizeof *out->first);
    out->n_buckets = n_buckets;
    return out->pairs && out->first ? RID_OK : RID_FAIL_NOMEM(err);
}

static void sort_buckets(rid_bucket_pairs *out)
{
    for (size_t k = 0; k < out->n_buckets; k++)
        qsort(out->pairs + out->first[k], out->first[k + 1] - out->first[k], sizeof *out->pairs,
              compare_pairs);
}

static rid_pair_place *find_places(const rid_pairs *p, const rid_store_set *set,
                                   const rid_bucket *buckets, size_t n_buckets)
{
    const size_t n = rid_pairs_id_count(p);
    rid_pair_place *at = rid_mem_alloc(n, sizeof *at);
    for (size_t i = 0; at && i < n; i++)
        at[i].bucket = UINT32_MAX;
    for (size_t k = 0; at && k < n_buckets; k++)
        for (size_t row = 0; row < buckets[k].n; row++) {
            const rid_meta m = rid_store_set_meta(set, buckets[k].places[row]);
            uint32_t id;
            if (rid_pairs_find_id(p, m.text[RID_TEXT_ID], &id))
                at[id] = (rid_pair_place){(uint32_t)k, (uint32_t)row};
        }
    return at;
}

/* Counts the pairs of every bucket at first[bucket + 2], and those that are left out. */
static void count_bound(rid_bucket_pairs *out, const rid_pairs *p, const rid_pair_place *at)
{
    for (size_t i = 0; i < rid_pairs_count(p); i++) {
        uint32_t x, y;
        bool same;
        rid_pairs_at(p, i, &x, &y, &same);
        const uint32_t a = at[x].bucket, b = at[y].bucket;
        if (a == UINT32_MAX || b == UINT32_MAX) {
            out->n_absent++;
        } else if (a != b) {
            out->n_across++;
            out->n_across_same += same;
        } else {
            out->first[a + 2]++;
            out->n++;
            out->n_same += same;
        }
    }
}

/* Counting sort: first[bucket + 1] is where the bucket's next pair goes, in the end where it ends. */
static void place_bound(rid_bucket_pairs *out, const rid_pairs *p, const rid_pair_place *at)
{
    for (size_t k = 0; k < out->n_buckets; k++)
        out->first[k + 2] += out->first[k + 1];
    for (size_t i = 0; i < rid_pairs_count(p); i++) {
        uint32_t x, y;
        bool same;
        rid_pairs_at(p, i, &x, &y, &same);
        const rid_pair_place a = at[x], b = at[y];
        if (a.bucket == b.bucket && a.bucket != UINT32_MAX)
            out->pairs[out->first[a.bucket + 1]++] = pair_of_rows(a.row, b.row, same);
    }
}

rid_status rid_bucket_pairs_place(rid_bucket_pairs *out, const rid_pairs *p,
                                  const rid_pair_place *at, size_t n_buckets, rid_err *err)
{
    *out = (rid_bucket_pairs){0};
    rid_status st = make_room(out, rid_pairs_count(p), n_buckets, err);
    if (st == RID_OK) {
        count_bound(out, p, at);
        place_bound(out, p, at);
        sort_buckets(out);
    } else {
        rid_bucket_pairs_clear(out);
    }
    return st;
}

rid_status rid_bucket_pairs_bind(rid_bucket_pairs *out, const rid_pairs *p,
                                 const rid_store_set *set, const rid_bucket *buckets,
                                 size_t n_buckets, rid_err *err)
{
    *out = (rid_bucket_pairs){0};
    rid_pair_place *at = find_places(p, set, buckets, n_buckets);
    rid_status st = at ? rid_bucket_pairs_place(out, p, at, n_buckets, err) : RID_FAIL_NOMEM(err);
    rid_mem_free(at);
    return st;
}

rid_status rid_bucket_pairs_check(const rid_bucket_pairs *b, const rid_pairs *p, const char *where,
                                  rid_err *err)
{
    if (b->n > 0)
        return RID_OK;
    return RID_FAIL(
        err, RID_EDATA,
        "no pair is of two entries of one bucket (%zu pairs; %zu across buckets, %zu with an entry"
        " that is in no %s)",
        rid_pairs_count(p), b->n_across, b->n_absent, where);
}

void rid_bucket_pairs_clear(rid_bucket_pairs *p)
{
    rid_mem_free(p->pairs);
    rid_mem_free(p->first);
    *p = (rid_bucket_pairs){0};
}


/* ---- pairs of ground truth ---- */

/* Labelled rows of a bucket, those of a person together. */
typedef struct labelled_row {
    uint32_t person, row;
} labelled_row;

static int compare_labelled(const void *x, const void *y)
{
    const labelled_row *p = x, *q = y;
    if (p->person != q->person)
        return p->person < q->person ? -1 : 1;
    return p->row < q->row ? -1 : p->row > q->row;
}

/* Row i of n in that order makes one pair with each row behind it: the first ones, up to `end`, are its
 * person's. All pairs of a kind, in the order of buckets and rows, are numbered 0 … total − 1. */
typedef struct kind {
    bool same;
    uint64_t total;
    uint64_t *chosen; /* (n_chosen) ascending; NULL: all */
    size_t n_chosen;
    size_t next;   /* of chosen */
    uint64_t seen; /* pairs of the rows before */
} kind;

static size_t label_rows(labelled_row *rows, const rid_bucket_labels *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        if (b->person[i] != UINT32_MAX)
            rows[n++] = (labelled_row){b->person[i], (uint32_t)i};
    qsort(rows, n, sizeof *rows, compare_labelled);
    return n;
}

static size_t end_of_person(const labelled_row *rows, size_t n, size_t i)
{
    size_t end = i + 1;
    while (end < n && rows[end].person == rows[i].person)
        end++;
    return end;
}

static void count_kinds(kind kinds[2], const labelled_row *rows, size_t n)
{
    for (size_t i = 0, end; i < n; i = end) {
        end = end_of_person(rows, n, i);
        const uint64_t k = end - i;
        kinds[1].total += k * (k - 1) / 2;
        kinds[0].total += k * (n - end);
    }
}

/* Adds the chosen ones of row i's pairs with rows first … first + n_others − 1. */
static void take_pairs(rid_bucket_pairs *out, kind *k, const labelled_row *rows, size_t i,
                       size_t first, size_t n_others)
{
    for (size_t j = 0; !k->chosen && j < n_others; j++)
        out->pairs[out->n++] = pair_of_rows(rows[i].row, rows[first + j].row, k->same);
    for (; k->chosen && k->next < k->n_chosen && k->chosen[k->next] - k->seen < n_others; k->next++)
        out->pairs[out->n++] = pair_of_rows(rows[i].row, rows[first + k->chosen[k->next] - k->seen].row,
                                            k->same);
    k->seen += n_others;
}

static void take_bucket(rid_bucket_pairs *out, kind kinds[2], const labelled_row *rows, size_t n)
{
    for (size_t i = 0, end = 0; i < n; i++) {
        end = i < end ? end : end_of_person(rows, n, i);
        take_pairs(out, &kinds[1], rows, i, i + 1, end - i - 1);
        take_pairs(out, &kinds[0], rows, i, end, n - end);
    }
}

/* ---- drawing ---- */

/* A set of numbers (+ 1; 0: free), at most half full. */
static bool insert(uint64_t *slots, size_t n_slots, uint64_t x)
{
    size_t at = rid_hash64(&x, sizeof x) & (n_slots - 1);
    for (; slots[at] != 0; at = (at + 1) & (n_slots - 1))
        if (slots[at] == x + 1)
            return false;
    slots[at] = x + 1;
    return true;
}

static int compare_u64(const void *x, const void *y)
{
    const uint64_t p = *(const uint64_t *)x, q = *(const uint64_t *)y;
    return p < q ? -1 : p > q;
}

/* max of the kind's pairs, each choice of so many as likely as any other: Floyd's algorithm (Bentley and
 * Floyd, "Programming Pearls: A Sample of Brilliance", CACM 30(9), 1987). */
static rid_status choose(kind *k, uint64_t max, uint64_t seed, rid_err *err)
{
    k->n_chosen = (size_t)k->total;
    if (max >= k->total)
        return RID_OK;
    const uint64_t key[] = {0x7061697273u /* "pairs" */, seed, k->same};
    rid_random r = rid_random_of(key, 3);
    size_t n_slots = 16, n = 0;
    while (n_slots / 2 < max && n_slots < SIZE_MAX / 4)
        n_slots *= 2;
    uint64_t *slots = rid_mem_zalloc(n_slots, sizeof *slots);
    k->n_chosen = (size_t)max;
    k->chosen = rid_mem_alloc(k->n_chosen, sizeof *k->chosen);
    if (!slots || !k->chosen) {
        rid_mem_free(slots);
        return RID_FAIL_NOMEM(err);
    }
    for (uint64_t j = k->total - max; j < k->total; j++) {
        const uint64_t x = rid_random_below(&r, j + 1);
        const bool is_new = insert(slots, n_slots, x);
        if (!is_new)
            (void)insert(slots, n_slots, j);
        k->chosen[n++] = is_new ? x : j;
    }
    rid_mem_free(slots);
    qsort(k->chosen, n, sizeof *k->chosen, compare_u64);
    return RID_OK;
}

rid_status rid_bucket_pairs_of_labels(rid_bucket_pairs *out, const rid_bucket_labels *buckets,
                                      size_t n_buckets, const rid_pair_sampling *sampling,
                                      rid_err *err)
{
    kind kinds[2] = {{.same = false}, {.same = true}};
    size_t largest = 0;
    *out = (rid_bucket_pairs){0};
    for (size_t k = 0; k < n_buckets; k++)
        largest = buckets[k].n > largest ? buckets[k].n : largest;
    labelled_row *rows = rid_mem_alloc(largest, sizeof *rows);
    rid_status st = rows ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t k = 0; st == RID_OK && k < n_buckets; k++)
        count_kinds(kinds, rows, label_rows(rows, &buckets[k]));
    for (int i = 0; st == RID_OK && i < 2; i++) {
        const uint64_t max = !sampling ? UINT64_MAX
                             : i == 0  ? sampling->max_different
                                       : sampling->max_same;
        st = choose(&kinds[i], max, sampling ? sampling->seed : 0, err);
    }
    if (st == RID_OK)
        st = make_room(out, kinds[0].n_chosen + kinds[1].n_chosen, n_buckets, err);
    for (size_t k = 0; st == RID_OK && k < n_buckets; k++) {
        take_bucket(out, kinds, rows, label_rows(rows, &buckets[k]));
        out->first[k + 1] = out->n;
    }
    if (st == RID_OK) {
        out->n_same = kinds[1].n_chosen;
        sort_buckets(out);
    } else {
        rid_bucket_pairs_clear(out);
    }
    rid_mem_free(rows);
    rid_mem_free(kinds[0].chosen);
    rid_mem_free(kinds[1].chosen);
    return st;
}
