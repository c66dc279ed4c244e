#include "train/pk_sampler.h"

#include "data/base/mem.h"

struct rid_pk_sampler {
    rid_pk_options o;
    size_t n_people;
    size_t *first;     /* (n_people + 1): where a person's entries begin in `entries` */
    uint32_t *entries; /* by person, in order of the set */
    uint32_t *order;   /* (n_people): shuffled for `epoch` */
    uint64_t epoch;    /* of `order`; UINT64_MAX: none yet */
    uint32_t *deck;    /* of one person; as long as the longest */
};

rid_random rid_train_random(uint64_t seed, uint64_t stream, rid_train_purpose purpose, uint64_t a,
                            uint64_t b)
{
    const uint64_t key[] = {seed, 0x747261696e /* "train" */, stream, (uint64_t)purpose, a, b};
    return rid_random_of(key, sizeof key / sizeof key[0]);
}

void rid_pk_sampler_free(rid_pk_sampler *s)
{
    if (!s)
        return;
    rid_mem_free(s->first);
    rid_mem_free(s->entries);
    rid_mem_free(s->order);
    rid_mem_free(s->deck);
    rid_mem_free(s);
}

/* Numbers the people in use (place[person]) and counts their entries. */
static size_t count_entries(const rid_train_set *set, const uint8_t *use, uint32_t *place,
                            size_t *counts)
{
    size_t n_people = 0;
    for (size_t i = 0; i < set->n_persons; i++)
        place[i] = RID_NO_PERSON;
    for (size_t i = 0; i < set->n; i++) {
        uint32_t person = set->entries[i].person;
        if (!use[i] || person == RID_NO_PERSON)
            continue;
        if (place[person] == RID_NO_PERSON) {
            place[person] = (uint32_t)n_people;
            counts[n_people++] = 0;
        }
        counts[place[person]]++;
    }
    return n_people;
}

/* Lists the entries person by person. On success `first` and `entries` are filled. */
static rid_status group_entries(rid_pk_sampler *s, const rid_train_set *set, const uint8_t *use,
                                uint32_t *place, size_t *counts, rid_err *err)
{
    size_t longest = 0;
    s->n_people = count_entries(set, use, place, counts);
    s->first = rid_mem_zalloc(s->n_people + 1, sizeof *s->first);
    s->order = rid_mem_alloc(s->n_people, sizeof *s->order);
    if (!s->first || !s->order)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < s->n_people; i++) {
        s->first[i + 1] = s->first[i] + counts[i];
        longest = counts[i] > longest ? counts[i] : longest;
        counts[i] = s->first[i];
    }
    s->entries = rid_mem_alloc(s->first[s->n_people], sizeof *s->entries);
    s->deck = rid_mem_alloc(longest, sizeof *s->deck);
    if (!s->entries || !s->deck)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < set->n; i++)
        if (use[i] && set->entries[i].person != RID_NO_PERSON)
            s->entries[counts[place[set->entries[i].person]]++] = (uint32_t)i;
    return RID_OK;
}

rid_status rid_pk_sampler_new(rid_pk_sampler **out, const rid_train_set *set, const uint8_t *use,
                              const rid_pk_options *options, rid_err *err)
{
    rid_pk_sampler *s = rid_mem_zalloc(1, sizeof *s);
    uint32_t *place = rid_mem_alloc(set->n_persons, sizeof *place);
    size_t *counts = rid_mem_alloc(set->n_persons, sizeof *counts);
    rid_status st = s && place && counts ? RID_OK : RID_FAIL_NOMEM(err);
    *out = NULL;
    if (st == RID_OK) {
        s->o = *options;
        s->epoch = UINT64_MAX;
        st = group_entries(s, set, use, place, counts, err);
    }
    if (st == RID_OK && s->n_people < 2)
        st = RID_FAIL(err, RID_EDATA, "training needs entries of at least 2 people, there are %zu",
                      s->n_people);
    if (st == RID_OK && (options->p < 1 || options->p > s->n_people))
        st = RID_FAIL(err, RID_EDATA, "P = %zu people a batch, but there are %zu", options->p,
                      s->n_people);
    if (st == RID_OK && options->k < 1)
        st = RID_FAIL(err, RID_EDATA, "K = 0 entries a person");
    rid_mem_free(place);
    rid_mem_free(counts);
    if (st == RID_OK)
        *out = s;
    else
        rid_pk_sampler_free(s);
    return st;
}

size_t rid_pk_sampler_batches(const rid_pk_sampler *s)
{
    return (s->n_people + s->o.p - 1) / s->o.p;
}

/* Fisher and Yates. */
static void shuffle(uint32_t *a, size_t n, rid_random *r)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = rid_random_below(r, i);
        uint32_t swap = a[i - 1];
        a[i - 1] = a[j];
        a[j] = swap;
    }
}

static void set_epoch(rid_pk_sampler *s, uint64_t epoch)
{
    if (s->epoch == epoch)
        return;
    rid_random r = rid_train_random(s->o.seed, s->o.stream, RID_DRAW_ORDER, epoch, 0);
    for (size_t i = 0; i < s->n_people; i++)
        s->order[i] = (uint32_t)i;
    shuffle(s->order, s->n_people, &r);
    s->epoch = epoch;
}

/* K entries of a person: a shuffled deck, dealt again and again where it is shorter than K. */
static void deal(rid_pk_sampler *s, uint32_t person, rid_random *r, uint32_t *out)
{
    size_t n = s->first[person + 1] - s->first[person];
    for (size_t i = 0; i < n; i++)
        s->deck[i] = s->entries[s->first[person] + i];
    for (size_t i = 0; i < s->o.k; i++) {
        if (i % n == 0)
            shuffle(s->deck, n, r);
        out[i] = s->deck[i % n];
    }
}

void rid_pk_sampler_draw(rid_pk_sampler *s, uint64_t step, uint32_t *entries)
{
    size_t n_batches = rid_pk_sampler_batches(s), batch = (size_t)(step % n_batches);
    rid_random r = rid_train_random(s->o.seed, s->o.stream, RID_DRAW_ENTRIES, step, 0);
    set_epoch(s, step / n_batches);
    for (size_t i = 0; i < s->o.p; i++) {
        size_t at = (batch * s->o.p + i) % s->n_people; /* behind the last: from the beginning */
        deal(s, s->order[at], &r, entries + i * s->o.k);
    }
}

size_t rid_pk_sampler_frames(const rid_pk_sampler *s, uint64_t step, size_t slot, size_t n_frames,
                             uint32_t *frames)
{
    rid_random r = rid_train_random(s->o.seed, s->o.stream, RID_DRAW_FRAMES, step, slot);
    size_t size = s->o.frame_subset ? 1 + rid_random_below(&r, n_frames) : n_frames;
    size_t n = 0;
    for (size_t i = 0; i < n_frames; i++)
        if (rid_random_below(&r, n_frames - i) < size - n)
            frames[n++] = (uint32_t)i;
    return n;
}
