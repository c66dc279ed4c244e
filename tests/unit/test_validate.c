/* Validation: embeddings of a set, and its figures against plain loops over all pairs, all thresholds and
 * all earlier entries. Embeddings there have coordinates in sixteenths, so that scores are exact and many
 * are equal. */
#include "train/validate.h"

#include "fixture.h"
#include "eval/rule.h"
#include "train/encoder.h"
#include "train/linear_init.h"
#include "train_fixture.h"

enum { DIM = 6, GRAIN = 16, N_MAX = 96 };

/* ---- a set of embeddings ---- */

typedef struct world {
    rid_train_data d;
    float *emb;
    uint8_t *usable;
} world;

/* A unit row in sixteenths; `like` (NULL: any): at a cosine of at least `least` to it. */
static void draw_row(float *row, const float *like, double least, rid_random *r)
{
    for (;;) {
        int sum = 0, last, x[DIM];
        double dot = 0;
        for (int d = 0; d < DIM - 1; d++) {
            x[d] = (int)rid_random_between(r, 0, 20) - 10;
            sum += x[d] * x[d];
        }
        last = (int)lrint(sqrt(fmax(0, GRAIN * GRAIN - sum)));
        if (sum + last * last != GRAIN * GRAIN)
            continue;
        x[DIM - 1] = rid_random_chance(r, 0.5) ? last : -last;
        for (int d = 0; d < DIM; d++) {
            row[d] = (float)x[d] / GRAIN;
            dot += like ? (double)row[d] * like[d] : 0;
        }
        if (!like || dot >= least)
            return;
    }
}

static int compare_places(const void *a, const void *b)
{
    const rid_train_entry *const *x = a, *const *y = b;
    if ((*x)->bucket != (*y)->bucket)
        return (*x)->bucket < (*y)->bucket ? -1 : 1;
    return (*x)->timestamp_us < (*y)->timestamp_us ? -1 : 1;
}

static void sort_by_bucket(rid_train_data *d)
{
    const rid_train_entry *places[N_MAX];
    for (size_t i = 0; i < d->set.n; i++)
        places[i] = &d->set.entries[i];
    qsort(places, d->set.n, sizeof places[0], compare_places);
    for (size_t i = 0; i < d->set.n; i++)
        d->order[i] = (uint32_t)(places[i] - d->set.entries);
}

/* n entries of n_persons, every third person is a validation person; buckets and times are random. */
static world make_world(size_t n, uint32_t n_persons, uint32_t n_buckets, double least,
                        uint64_t seed)
{
    rid_random r = fx_random(seed);
    float base[N_MAX][DIM];
    world w = {.d = {.set = {.n = n,
                             .n_persons = n_persons,
                             .n_buckets = n_buckets,
                             .vis_dim = DIM,
                             .entries = rid_mem_zalloc(n, sizeof *w.d.set.entries)},
                     .query = rid_mem_zalloc(n, 1),
                     .order = rid_mem_alloc(n, sizeof *w.d.order)},
               .emb = rid_mem_alloc_aligned(n * DIM, sizeof *w.emb),
               .usable = rid_mem_alloc(n, 1)};
    assert_true(n <= N_MAX && n_persons <= N_MAX);
    for (size_t p = 0; p < n_persons; p++)
        draw_row(base[p], NULL, 0, &r);
    for (size_t i = 0; i < n; i++) {
        uint32_t person = i < n_persons ? (uint32_t)i : (uint32_t)rid_random_below(&r, n_persons);
        w.d.set.entries[i] =
            (rid_train_entry){.person = person,
                              .bucket = (uint32_t)rid_random_below(&r, n_buckets),
                              .timestamp_us = (int64_t)rid_random_below(&r, 1 << 30)};
        w.d.query[i] = person % 3 == 0;
        w.usable[i] = !rid_random_chance(&r, 0.05);
        draw_row(w.emb + i * DIM, base[person], least, &r);
    }
    sort_by_bucket(&w.d);
    return w;
}

static void clear_world(world *w)
{
    rid_train_data_clear(&w->d);
    rid_mem_free(w->emb);
    rid_mem_free(w->usable);
}

static double score(const world *w, size_t i, size_t j)
{
    double dot = 0;
    for (size_t d = 0; d < DIM; d++)
        dot += (double)w->emb[i * DIM + d] * w->emb[j * DIM + d];
    return dot;
}

static bool same_person(const world *w, size_t i, size_t j)
{
    return w->d.set.entries[i].person == w->d.set.entries[j].person;
}

/* ---- ranking, by plain loops ---- */

/* The entries before j in i's ranking: higher scores, and of equals the earlier ones. */
static size_t rank_of(const world *w, size_t i, size_t j, bool of_person)
{
    size_t rank = 0;
    for (size_t k = 0; k < w->d.set.n; k++)
        rank += k != i && k != j && w->usable[k] && (!of_person || same_person(w, i, k)) &&
                (score(w, i, k) > score(w, i, j) || (score(w, i, k) == score(w, i, j) && k < j));
    return rank;
}

/* NaN: no other entry of the person. */
static double plain_ap(const world *w, size_t i, bool *hit)
{
    double sum = 0;
    size_t n = 0;
    *hit = false;
    for (size_t j = 0; j < w->d.set.n; j++) {
        if (j == i || !same_person(w, i, j))
            continue;
        n++;
        if (!w->usable[i] || !w->usable[j])
            continue;
        const size_t rank = rank_of(w, i, j, false);
        *hit |= rank == 0;
        sum += (double)(rank_of(w, i, j, true) + 1) / (double)(rank + 1);
    }
    return n > 0 ? sum / (double)n : NAN;
}

static bool is_scored(const world *w, size_t i, size_t j)
{
    return w->d.query[i] && i != j && w->usable[i] && w->usable[j];
}

/* Scores of queries and gallery at or above t, and how many there are in all. */
static void count_scores(const world *w, double t, bool same, double *above, double *all)
{
    *above = *all = 0;
    for (size_t i = 0; i < w->d.set.n; i++)
        for (size_t j = 0; j < w->d.set.n; j++)
            if (is_scored(w, i, j) && same_person(w, i, j) == same) {
                *above += score(w, i, j) >= t;
                ++*all;
            }
}

/* By the trapezium rule over every threshold that there can be, which are multiples of 1/256. */
static void plain_roc(const world *w, double *auc, double *eer)
{
    double fpr = 0, fnr = 1;
    *auc = 0;
    *eer = NAN;
    for (int step = 256; step >= -256; step--) {
        double tp, fp, positives, negatives;
        count_scores(w, step / 256.0, true, &tp, &positives);
        count_scores(w, step / 256.0, false, &fp, &negatives);
        const double next_fpr = fp / negatives, next_fnr = 1 - tp / positives;
        *auc += (next_fpr - fpr) * (1 - (fnr + next_fnr) / 2);
        if (fpr < fnr && next_fpr >= next_fnr) { /* the diagonal lies between */
            const double share = (fnr - fpr) / ((fnr - fpr) + (next_fpr - next_fnr));
            *eer = fpr + share * (next_fpr - fpr);
        }
        fpr = next_fpr;
        fnr = next_fnr;
    }
}

static void check_ranking(const world *w, const rid_validation *v, const double *ap)
{
    double sum = 0, hits = 0, n = 0, auc, eer;
    for (size_t i = 0; i < w->d.set.n; i++) {
        bool hit;
        const double expected = w->d.query[i] ? plain_ap(w, i, &hit) : NAN;
        assert_true(isnan(expected) ? isnan(ap[i]) : fabs(ap[i] - expected) < 1e-12);
        if (isnan(expected))
            continue;
        sum += expected;
        hits += hit;
        n++;
    }
    assert_true(fabs(v->map - sum / n) < 1e-12);
    assert_true(fabs(v->rank1 - hits / n) < 1e-12);
    plain_roc(w, &auc, &eer);
    assert_true(fabs(v->auc - auc) < 1e-12);
    assert_true(fabs(v->eer - eer) < 1e-12);
}

/* ---- matching, by plain loops ---- */

/* Query, then add, in one bucket after the other. */
static void replay(const world *w, double threshold, double margin, bool identity, size_t *person)
{
    for (size_t k = 0; k < w->d.set.n; k++) {
        const size_t i = w->d.order[k];
        size_t best = SIZE_MAX;
        double nn1 = -2, nn2 = -1;
        person[i] = i; /* the entry that began it */
        for (size_t e = 0; e < k; e++) {
            const size_t j = w->d.order[e];
            if (w->d.set.entries[j].bucket == w->d.set.entries[i].bucket && w->usable[i] &&
                w->usable[j] && score(w, i, j) > nn1)
                nn1 = score(w, i, j), best = j;
        }
        for (size_t e = 0; e < k; e++) {
            const size_t j = w->d.order[e];
            if (w->d.set.entries[j].bucket == w->d.set.entries[i].bucket && w->usable[i] &&
                w->usable[j] && j != best && (!identity || person[j] != person[best]))
                nn2 = fmax(nn2, score(w, i, j));
        }
        if (best != SIZE_MAX && nn1 >= threshold && nn1 - nn2 >= margin)
            person[i] = person[best];
    }
}

/* Over pairs of validation people's entries in one bucket. */
static double plain_f1(const world *w, double threshold, double margin, bool identity)
{
    size_t person[N_MAX];
    double both = 0, predicted = 0, truth = 0;
    replay(w, threshold, margin, identity, person);
    for (size_t i = 0; i < w->d.set.n; i++)
        for (size_t j = 0; j < i; j++) {
            if (!w->d.query[i] || !w->d.query[j] ||
                w->d.set.entries[i].bucket != w->d.set.entries[j].bucket)
                continue;
            both += same_person(w, i, j) && person[i] == person[j];
            predicted += person[i] == person[j];
            truth += same_person(w, i, j);
        }
    return predicted + truth > 0 ? 2 * both / (predicted + truth) : NAN;
}

/* What is told is so. */
static void check_f1(const world *w, const rid_validation *v)
{
    for (int mode = 0; mode < 2; mode++) {
        const double f1 = plain_f1(w, v->best[mode].threshold, v->best[mode].margin, mode == 1);
        assert_true(fabs(f1 - v->best[mode].f1) < 1e-12);
    }
}

/* All that rules of `neighbor` can decide, where entries are so few that every one is tried. */
static void check_f1_is_the_best(const world *w, const rid_validation *v)
{
    double best = 0;
    for (int t = -256; t <= 257; t++)
        for (int m = 0; m <= 512; m++)
            best = fmax(best, plain_f1(w, t / 256.0, m / 256.0, false));
    assert_true(fabs(v->best[RID_NN2_NEIGHBOR].f1 - best) < 1e-12);
    for (int t = -256; t <= 257; t++) /* margin 0: one rule, whatever nn2 is */
        best = fmax(0, plain_f1(w, t / 256.0, 0, true));
    assert_true(v->best[RID_NN2_IDENTITY].f1 >= best - 1e-12);
}

static void test_figures(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        world w = make_world(N_MAX, 20, 3, seed < 3 ? 0.9 : 0.6, seed);
        rid_validation v, threaded;
        double ap[N_MAX];
        assert_ok(rid_validate(&v, ap, NULL, &w.d, w.emb, w.usable, DIM, 1, &err));
        check_ranking(&w, &v, ap);
        check_f1(&w, &v);
        assert_true(v.map > 0.2 && v.map < 1 && v.auc < 1 &&
                    v.eer > 0); /* not a set without errors */
        assert_ok(rid_validate(&threaded, NULL, NULL, &w.d, w.emb, w.usable, DIM, 3, &err));
        assert_memory_equal(&v, &threaded, sizeof v);
        clear_world(&w);
    }
}

static void test_best_of_all_points(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 3; seed++) {
        world w = make_world(14, 5, 1, 0.7, 100 + seed);
        rid_validation v;
        assert_ok(rid_validate(&v, NULL, NULL, &w.d, w.emb, w.usable, DIM, 1, &err));
        check_f1(&w, &v);
        check_f1_is_the_best(&w, &v);
        clear_world(&w);
    }
}

static void test_scores(void **state)
{
    (void)state;
    world w = make_world(60, 12, 2, 0.8, 7);
    rid_validation v;
    rid_score_counts *c = rid_mem_zalloc(1, sizeof *c);
    assert_ok(rid_validate(&v, NULL, c, &w.d, w.emb, w.usable, DIM, 2, &err));
    for (int kind = 0; kind < 2; kind++) {
        const uint64_t *bins = kind ? c->positive : c->negative;
        uint64_t n = 0;
        double above, all;
        for (size_t i = 0; i < RID_SCORE_BINS; i++)
            n += bins[i];
        count_scores(&w, -2, kind == 1, &above, &all);
        assert_true((double)n == all);
        count_scores(&w, 0.5, kind == 1, &above, &all);
        for (size_t i = n = 0; i < RID_SCORE_BINS; i++)
            n += i >= (size_t)rid_score_bin(0.5f) ? bins[i] : 0;
        assert_true((double)n == above);
    }
    rid_mem_free(c);
    clear_world(&w);
}

/* Nobody comes twice: nothing is defined, and nothing fails. */
static void test_nothing_to_find(void **state)
{
    (void)state;
    world w = make_world(9, 9, 1, 0.9, 5);
    rid_validation v;
    double ap[9];
    assert_ok(rid_validate(&v, ap, NULL, &w.d, w.emb, w.usable, DIM, 1, &err));
    assert_true(isnan(v.map) && isnan(v.rank1) && isnan(v.auc) && isnan(v.eer));
    assert_true(isnan(v.best[0].f1) && isnan(v.best[1].f1) && isnan(ap[0]));
    clear_world(&w);
}

/* ---- embeddings ---- */

enum { VIS = 7, ATTR = 4, EMB = 5, PERSONS = 280 }; /* more than two blocks of entries */

static rid_train_set make_set(void)
{
    size_t counts[PERSONS];
    const tx_shape shape = {counts, PERSONS, VIS, ATTR, 6, 0.5, 2};
    for (size_t i = 0; i < PERSONS; i++)
        counts[i] = 2 + i % 5;
    rid_train_set set = tx_new_set(&shape);
    assert_true(set.n > 1024);
    return set;
}

static rid_checkpoint make_network(void)
{
    rid_random r = fx_random(3);
    rid_checkpoint ck = {.vis_dim = VIS,
                         .attr_dim = ATTR,
                         .emb_dim = EMB,
                         .use_attention = true,
                         .fusion_mode = rid_mem_strdup("baseline")};
    assert_ok(rid_linear_init(&ck, VIS, NULL, &r, &err));
    return ck;
}

static rid_status read_held(void *reader, size_t entry, float *out, rid_err *err)
{
    return rid_train_set_read(reader, entry, out, err);
}

/* A frame and its opposite have no mean. */
static void test_mean_pooling(void **state)
{
    (void)state;
    rid_train_set set = make_set();
    float *emb = rid_mem_alloc_aligned(set.n * VIS, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(set.n, 1);
    size_t none = 0;
    while (set.entries[none].n_frames != 2)
        none++;
    float *two = set.frames + set.entries[none].first * VIS;
    for (size_t d = 0; d < VIS; d++)
        two[VIS + d] = -two[d];
    assert_ok(rid_validate_encode(&set, NULL, emb, usable, 2, &err));
    for (size_t i = 0; i < set.n; i++) {
        const rid_train_entry *e = &set.entries[i];
        double mean[VIS] = {0}, squares = 0;
        for (size_t f = 0; f < e->n_frames * VIS; f++)
            mean[f % VIS] += (double)set.frames[e->first * VIS + f];
        for (size_t d = 0; d < VIS; d++)
            squares += mean[d] * mean[d];
        assert_int_equal(usable[i], i != none);
        for (size_t d = 0; d < VIS && i != none; d++)
            assert_true(fabs(emb[i * VIS + d] - mean[d] / sqrt(squares)) < 2e-6);
    }
    rid_mem_free(emb);
    rid_mem_free(usable);
    rid_train_set_clear(&set);
}

/* As each entry alone, with its own attributes; whether frames are held or read; for any threads. */
static void test_network(void **state)
{
    (void)state;
    const rid_filter filter = {.on = false};
    rid_train_set held = make_set(), read = held;
    rid_checkpoint ck = make_network();
    rid_encoder *e = NULL;
    float *emb = rid_mem_alloc_aligned(held.n * EMB, sizeof *emb);
    float *other = rid_mem_alloc_aligned(held.n * EMB, sizeof *other);
    uint8_t *usable = rid_mem_alloc(held.n, 1);
    read.frames = NULL;
    read.read = read_held;
    read.reader = &held;
    assert_ok(rid_validate_encode(&held, &ck, emb, usable, 1, &err));
    assert_ok(rid_validate_encode(&read, &ck, other, usable, 3, &err));
    assert_memory_equal(emb, other, held.n * EMB * sizeof *emb);
    assert_ok(rid_encoder_new(&e, &ck, &filter, NULL, 1, &err));
    for (size_t i = 0; i < held.n; i++) {
        float alone[EMB];
        uint8_t kept[8];
        rid_burst b = {.frames = held.frames + held.entries[i].first * VIS,
                       .n_frames = held.entries[i].n_frames,
                       .attr = held.attr + i * ATTR,
                       .embedding = alone,
                       .kept = kept};
        assert_ok(rid_encoder_run(e, &b, 1, 1, &err));
        assert_memory_equal(alone, emb + i * EMB, sizeof alone);
        assert_int_equal(usable[i], 1);
    }
    rid_encoder_free(e);
    rid_checkpoint_free(&ck);
    rid_mem_free(emb);
    rid_mem_free(other);
    rid_mem_free(usable);
    rid_train_set_clear(&held);
}

static rid_status fail_to_read(void *reader, size_t entry, float *out, rid_err *err)
{
    (void)reader;
    (void)out;
    return entry < 600 ? RID_OK : RID_FAIL(err, RID_EIO, "entry %zu is gone", entry);
}

static void test_errors(void **state)
{
    (void)state;
    rid_train_set held = make_set(), read = held;
    rid_checkpoint ck = make_network();
    float *emb = rid_mem_alloc_aligned(held.n * VIS, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(held.n, 1);
    read.frames = NULL;
    read.read = fail_to_read;
    assert_fails(rid_validate_encode(&read, NULL, emb, usable, 1, &err), RID_EIO,
                 "entry 600 is gone");
    rid_tensor *last = &ck.tensors[ck.n_tensors - 1];
    for (int k = 0; k < 2; k++) { /* what a training that diverges leaves */
        last->data[0] = k ? NAN : INFINITY;
        assert_fails(rid_validate_encode(&held, &ck, emb, usable, 1, &err), RID_EDATA,
                     "not finite");
    }
    rid_checkpoint_free(&ck);
    rid_mem_free(emb);
    rid_mem_free(usable);
    rid_train_set_clear(&held);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    world w = make_world(20, 6, 2, 0.8, 1);
    rid_train_set set = make_set();
    float *emb = rid_mem_alloc_aligned(set.n * VIS, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(set.n, 1);
    const int64_t before = rid_mem_live_blocks();
    for (int what = 0; what < 2; what++) {
        bool done = false;
        for (uint64_t nth = 1; !done; nth++) {
            rid_validation v;
            rid_err err = {0};
            rid_mem_fail_after(nth);
            rid_status st = what == 0
                                ? rid_validate(&v, NULL, NULL, &w.d, w.emb, w.usable, DIM, 1, &err)
                                : rid_validate_encode(&set, NULL, emb, usable, 1, &err);
            rid_mem_fail_after(0);
            done = st == RID_OK;
            assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP));
            assert_int_equal(rid_mem_live_blocks(), before);
        }
    }
    rid_mem_free(emb);
    rid_mem_free(usable);
    rid_train_set_clear(&set);
    clear_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_figures),      cmocka_unit_test(test_best_of_all_points),
        cmocka_unit_test(test_scores),       cmocka_unit_test(test_nothing_to_find),
        cmocka_unit_test(test_mean_pooling), cmocka_unit_test(test_network),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
