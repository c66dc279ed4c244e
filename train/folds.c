#include "train/folds.h"

#include "data/base/mem.h"
#include "data/base/random.h"

#include <string.h>

/* As many folds as have so many persons who can be found again; the least that make one. */
static const size_t FOLD_PERSONS = 20, FOLD_PERSONS_LEAST = 2;

/* n_entries (n_persons): used entries of each. */
static void count_entries(size_t *n_entries, const rid_train_set *set, const uint8_t *use)
{
    for (size_t i = 0; i < set->n; i++)
        if (use[i] && set->entries[i].person != RID_NO_PERSON)
            n_entries[set->entries[i].person]++;
}

static void shuffle(size_t *items, size_t n, rid_random *random)
{
    for (size_t i = n; i > 1; i--) {
        size_t other = rid_random_below(random, i), moved = items[i - 1];
        items[i - 1] = items[other];
        items[other] = moved;
    }
}

/* order: the persons with one used entry (single), or with more, in random order; returns how many.
 * */
static size_t collect(size_t *order, const size_t *n_entries, size_t n_persons, bool single,
                      rid_random *random)
{
    size_t n = 0;
    for (size_t p = 0; p < n_persons; p++)
        if (n_entries[p] > 0 && (n_entries[p] == 1) == single)
            order[n++] = p;
    shuffle(order, n, random);
    return n;
}

static size_t number_of_folds(size_t n_findable)
{
    size_t n = n_findable / FOLD_PERSONS;
    n = n < RID_FOLDS_MAX ? n : RID_FOLDS_MAX;
    n = n > 2 ? n : 2;
    return n_findable >= n * FOLD_PERSONS_LEAST ? n : 0;
}

rid_status rid_folds_deal(uint8_t *fold, size_t *n_folds, const rid_train_set *set,
                          const uint8_t *use, uint64_t seed, rid_err *err)
{
    size_t *n_entries = rid_mem_zalloc(set->n_persons, sizeof *n_entries);
    size_t *order = rid_mem_alloc(set->n_persons, sizeof *order);
    rid_status st = n_entries && order ? RID_OK : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        rid_random random = rid_random_of(&seed, 1);
        count_entries(n_entries, set, use);
        size_t n_findable = collect(order, n_entries, set->n_persons, false, &random);
        size_t n = n_findable;
        n += collect(order + n, n_entries, set->n_persons, true, &random);
        *n_folds = number_of_folds(n_findable);
        memset(fold, RID_NO_FOLD, set->n_persons);
        for (size_t i = 0; i < n; i++)
            fold[order[i]] = (uint8_t)(*n_folds ? i % *n_folds : 0);
    }
    rid_mem_free(n_entries);
    rid_mem_free(order);
    return st;
}
