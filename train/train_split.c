#include "train/train_split.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/plain.h"
#include "train/pk_sampler.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void rid_train_split_close(rid_train_split *s)
{
    rid_labels_free(s->gt);
    rid_labels_free(s->val);
    *s = (rid_train_split){0};
}

/* A person or an entry on both sides would make validation a test of memory. */
static rid_status check_apart(const rid_train_split *s, rid_err *err)
{
    size_t n_people = 0, n_entries = 0;
    rid_str first = {0};
    for (uint32_t p = 0; p < rid_labels_person_count(s->val); p++) {
        rid_str name = rid_labels_person(s->val, p);
        if (!rid_labels_find_person(s->gt, name, NULL))
            continue;
        first = n_people++ == 0 ? name : first;
    }
    if (n_people > 0)
        return RID_FAIL(err, RID_EDATA,
                        "%zu people are in --gt and in --val-gt, the first '%.*s': validation needs"
                        " people that training never sees",
                        n_people, RID_STR(first));
    for (size_t i = 0; i < rid_labels_count(s->val); i++) {
        rid_str id;
        uint32_t person;
        rid_labels_at(s->val, i, &id, &person);
        if (!rid_labels_find(s->gt, id, NULL))
            continue;
        first = n_entries++ == 0 ? id : first;
    }
    if (n_entries > 0)
        return RID_FAIL(err, RID_EDATA, "%zu entries are in --gt and in --val-gt, the first '%.*s'",
                        n_entries, RID_STR(first));
    return RID_OK;
}

rid_status rid_train_split_open(rid_train_split *out, const rid_train_data_options *o, rid_err *err)
{
    *out = (rid_train_split){0};
    rid_status st = rid_labels_read(&out->gt, o->gt, o->n_gt, err);
    if (st == RID_OK && o->n_val_gt > 0) {
        st = rid_labels_read(&out->val, o->val_gt, o->n_val_gt, err);
        if (st == RID_OK)
            st = check_apart(out, err);
    }
    if (st != RID_OK)
        rid_train_split_close(out);
    return st;
}

bool rid_train_split_find(const rid_train_split *s, rid_str id, uint32_t *person, bool *val)
{
    uint32_t p;
    bool found = rid_labels_find(s->gt, id, &p), in_val = false;
    if (!found && s->val && rid_labels_find(s->val, id, &p)) {
        p += (uint32_t)rid_labels_person_count(s->gt);
        found = in_val = true;
    }
    if (found && person)
        *person = p;
    if (found && val)
        *val = in_val;
    return found;
}

bool rid_train_split_is_excluded(const rid_train_split *s, rid_str id)
{
    return rid_labels_is_excluded(s->gt, id) || (s->val && rid_labels_is_excluded(s->val, id));
}

/* ---- people ---- */

/* Numbers people in order of first appearance; side[person] = 1: of val. */
static rid_status number_people(const rid_train_split *s, rid_train_data *d, uint8_t **side,
                                rid_err *err)
{
    rid_train_set *set = &d->set;
    size_t n = rid_labels_person_count(s->gt);
    n += s->val ? rid_labels_person_count(s->val) : 0;
    uint32_t *number = rid_mem_alloc(n, sizeof *number);
    *side = rid_mem_zalloc(n, 1);
    if (!number || !*side) {
        rid_mem_free(number);
        return RID_FAIL_NOMEM(err);
    }
    for (size_t p = 0; p < n; p++)
        number[p] = RID_NO_PERSON;
    for (size_t i = 0; i < set->n; i++) {
        uint32_t p = 0;
        bool val = false;
        rid_train_split_find(s, set->entries[i].id, &p, &val);
        if (number[p] == RID_NO_PERSON) {
            (*side)[set->n_persons] = val;
            number[p] = (uint32_t)set->n_persons++;
        }
        set->entries[i].person = number[p];
    }
    rid_mem_free(number);
    return RID_OK;
}

static void warn_missing_in(const rid_labels *labels, const rid_entries *meta, const char *option)
{
    size_t n = 0, row;
    rid_buf first = {0};
    for (size_t i = 0; i < rid_labels_count(labels); i++) {
        rid_str id;
        uint32_t person;
        rid_labels_at(labels, i, &id, &person);
        if (rid_entries_find(meta, id, &row))
            continue;
        if (n++ < 3) {
            rid_buf_append_str(&first, n > 1 ? ", " : "");
            rid_plain_append(&first, id);
        }
    }
    const char *names = rid_buf_cstr(&first);
    if (n > 0)
        rid_log(RID_LOG_WARN, "%zu of %zu entries named by %s are not in the inputs (or have no frame):"
                              " %s%s",
                n, rid_labels_count(labels), option, names ? names : "", n > 3 ? ", …" : "");
    rid_buf_free(&first);
}

/* ---- buckets ---- */

typedef struct ordered {
    rid_meta meta;
    uint32_t entry;
} ordered;

static int compare_ordered(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    return rid_meta_compare(&x->meta, &y->meta);
}

static rid_status number_buckets(rid_train_data *d, const rid_entries *meta, rid_err *err)
{
    rid_train_set *s = &d->set;
    ordered *rows = rid_mem_alloc(s->n, sizeof *rows);
    d->order = rid_mem_alloc(s->n, sizeof *d->order);
    if (!rows || !d->order) {
        rid_mem_free(rows);
        return RID_FAIL_NOMEM(err);
    }
    for (size_t i = 0; i < s->n; i++)
        rows[i] = (ordered){rid_entries_meta(meta, i), (uint32_t)i};
    qsort(rows, s->n, sizeof *rows, compare_ordered);
    for (size_t i = 0; i < s->n; i++) {
        const rid_str *now = rows[i].meta.text, *before = i > 0 ? rows[i - 1].meta.text : now;
        s->n_buckets += i == 0 || !rid_str_equal(now[RID_TEXT_DAY], before[RID_TEXT_DAY]) ||
                        !rid_str_equal(now[RID_TEXT_STORE], before[RID_TEXT_STORE]);
        d->order[i] = rows[i].entry;
        s->entries[rows[i].entry].bucket = (uint32_t)(s->n_buckets - 1);
    }
    rid_mem_free(rows);
    return RID_OK;
}

/* ---- the two sides ---- */

/* Of the people with two entries or more, a random fraction validates; two always train. */
static rid_status split_off(const rid_train_data *d, const size_t *counts, uint8_t *side,
                            const rid_train_data_options *o, rid_err *err)
{
    const size_t n_persons = d->set.n_persons;
    uint32_t *people = rid_mem_alloc(n_persons, sizeof *people);
    size_t n = 0;
    if (!people)
        return RID_FAIL_NOMEM(err);
    for (size_t p = 0; p < n_persons; p++)
        if (counts[p] >= 2)
            people[n++] = (uint32_t)p;
    size_t n_val = (size_t)llround(o->val_fraction * (double)n);
    if (o->val_fraction > 0 && n_val == 0)
        n_val = 1;
    if (n_val + 2 > n)
        n_val = n > 2 ? n - 2 : 0;
    if (o->val_fraction > 0 && n_val == 0)
        rid_log(RID_LOG_WARN,
                "%zu people with two entries or more are too few to set some aside: nothing is "
                "validated",
                n);
    rid_random r = rid_train_random(o->seed, 0, RID_DRAW_SPLIT, 0, 0);
    for (size_t i = 0; i < n_val; i++) {
        size_t j = i + rid_random_below(&r, n - i);
        uint32_t swap = people[i];
        people[i] = people[j];
        people[j] = swap;
        side[people[i]] = 1;
    }
    rid_mem_free(people);
    return RID_OK;
}

/* Marks the entries of both sides, and counts. */
static rid_status mark_sides(rid_train_data *d, const size_t *counts, const uint8_t *side,
                             const rid_train_data_options *o, rid_err *err)
{
    rid_train_set *s = &d->set;
    size_t n_few = 0, n_multi = 0;
    d->train = rid_mem_zalloc(s->n, 1);
    d->query = rid_mem_zalloc(s->n, 1);
    if (!d->train || !d->query)
        return RID_FAIL_NOMEM(err);
    for (size_t p = 0; p < s->n_persons; p++) {
        bool trains = !side[p] && counts[p] >= o->min_entries;
        n_few += !side[p] && !trains;
        d->n_query_people += side[p];
        d->n_train_people += trains;
        d->n_singles += trains && counts[p] == 1;
        n_multi += trains && counts[p] > 1;
    }
    for (size_t i = 0; i < s->n; i++) {
        uint32_t p = s->entries[i].person;
        d->query[i] = side[p];
        d->train[i] = !side[p] && counts[p] >= o->min_entries;
        d->n_query += d->query[i];
        d->n_train += d->train[i];
    }
    if (n_few > 0)
        rid_log(RID_LOG_INFO, "%zu people with fewer than %zu entries do not train (--min-entries)", n_few,
                o->min_entries);
    if (d->n_train_people < 2 || n_multi == 0)
        return RID_FAIL(err, RID_EDATA,
                        "nothing to train with: %zu people with %zu entries, %zu of them with two entries"
                        " or more; a triplet needs a person with two and another person",
                        d->n_train_people, d->n_train, n_multi);
    if (d->n_singles > 0)
        rid_log(RID_LOG_INFO, "%zu training people have one entry: they are negatives only", d->n_singles);
    return RID_OK;
}

/* ---- digests ---- */

static rid_status digest_data(rid_train_data *d, const rid_entries *meta, rid_err *err)
{
    rid_train_set *s = &d->set;
    rid_hasher *data = rid_hasher_new(), *labels = rid_hasher_new();
    size_t longest = 1;
    for (size_t i = 0; i < s->n; i++)
        longest = s->entries[i].n_frames > longest ? s->entries[i].n_frames : longest;
    float *frames = rid_mem_alloc(longest * sizeof *frames, s->vis_dim);
    rid_status st = data && labels && frames ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < s->n; i++) {
        const rid_train_entry *e = &s->entries[i];
        rid_meta m = rid_entries_meta(meta, i);
        uint64_t sizes[] = {e->n_frames, s->vis_dim, s->attr_dim, e->bucket, (uint64_t)m.timestamp_us};
        st = rid_train_set_read(s, i, frames, err);
        rid_hasher_add_field(data, e->id.data, e->id.len);
        rid_hasher_add(data, sizes, sizeof sizes);
        if (st == RID_OK)
            rid_hasher_add(data, frames, e->n_frames * s->vis_dim * sizeof *frames);
        if (s->attr_dim > 0)
            rid_hasher_add(data, s->attr + i * s->attr_dim, s->attr_dim * sizeof *s->attr);
        uint8_t sides[] = {d->train[i], d->query[i]};
        rid_hasher_add(labels, &e->person, sizeof e->person);
        rid_hasher_add(labels, sides, sizeof sides);
    }
    if (st == RID_OK) {
        rid_digest128_hex(d->digest, rid_hasher_end(data));
        rid_digest128_hex(d->labels_digest, rid_hasher_end(labels));
    }
    rid_hasher_free(data);
    rid_hasher_free(labels);
    rid_mem_free(frames);
    return st;
}

rid_status rid_train_split_apply(const rid_train_split *s, rid_train_data *d, const rid_entries *meta,
                                 const rid_train_data_options *o, rid_err *err)
{
    uint8_t *side = NULL;
    size_t *counts = NULL;
    warn_missing_in(s->gt, meta, "--gt");
    if (s->val)
        warn_missing_in(s->val, meta, "--val-gt");
    rid_status st = number_people(s, d, &side, err);
    if (st == RID_OK && !(counts = rid_mem_zalloc(d->set.n_persons, sizeof *counts)))
        st = RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < d->set.n; i++)
        counts[d->set.entries[i].person]++;
    if (st == RID_OK && !s->val)
        st = split_off(d, counts, side, o, err);
    if (st == RID_OK)
        st = mark_sides(d, counts, side, o, err);
    if (st == RID_OK)
        st = number_buckets(d, meta, err);
    if (st == RID_OK)
        st = digest_data(d, meta, err);
    rid_mem_free(side);
    rid_mem_free(counts);
    return st;
}
