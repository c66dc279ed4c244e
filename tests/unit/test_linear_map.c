/* The map that training starts from, against numpy's (tests/vectors/linear_map.py), a case worked
 * by hand and a plain cross-validation; and the networks that hold it. */
#include "tests/unit/fixture.h"

#include "data/json.h"
#include "eval/ranking.h"
#include "train/encoder.h"
#include "train/folds.h"
#include "train/linear_init.h"
#include "train/linear_map.h"

/* cmocka's own compares as float. */
#define assert_near(a, b, tolerance)                                                               \
    do {                                                                                           \
        double near_a = (a), near_b = (b);                                                         \
        if (!(fabs(near_a - near_b) <= (tolerance)))                                               \
            fail_msg("%s is %.12g, expected %.12g", #a, near_a, near_b);                           \
    } while (0)

/* ---- training sets ---- */

static void set_person(rid_train_set *set, size_t entry, uint32_t person)
{
    set->entries[entry].person = person;
    if (person != RID_NO_PERSON && person >= set->n_persons)
        set->n_persons = person + 1;
}

static rid_train_set new_set(size_t n, const uint32_t *n_frames, size_t vis_dim, size_t attr_dim)
{
    rid_train_set set = {.n = n, .vis_dim = vis_dim, .attr_dim = attr_dim};
    set.entries = rid_mem_zalloc(n, sizeof *set.entries);
    assert_non_null(set.entries);
    for (size_t i = 0; i < n; i++) {
        set.entries[i].n_frames = n_frames[i];
        set.entries[i].first = set.n_frames;
        set.n_frames += n_frames[i];
    }
    set.frames = rid_mem_zalloc(set.n_frames * vis_dim, sizeof *set.frames);
    set.attr = attr_dim ? rid_mem_zalloc(n * attr_dim, sizeof *set.attr) : NULL;
    assert_true(set.frames && (set.attr || !attr_dim));
    return set;
}

static float *frame_of(const rid_train_set *set, size_t entry, size_t frame)
{
    return set->frames + (set->entries[entry].first + frame) * set->vis_dim;
}

static void make_unit(float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / sqrt(sum));
}

/* Persons in turn, 1 … `most` frames an entry; noise grows along the axes from 0.1 to 1.1.
 * Attributes of any size. */
static rid_train_set random_set(size_t persons, size_t each, uint32_t most, size_t vis_dim,
                                size_t attr_dim, uint64_t seed)
{
    const size_t n = persons * each;
    rid_random r = fx_random(seed), taste = r;
    uint32_t *n_frames = rid_mem_alloc(n, sizeof *n_frames);
    for (size_t i = 0; i < n; i++)
        n_frames[i] = (uint32_t)rid_random_between(&r, 1, most);
    rid_train_set set = new_set(n, n_frames, vis_dim, attr_dim);
    rid_mem_free(n_frames);
    for (size_t i = 0; i < n; i++) {
        size_t person = i % persons;
        set_person(&set, i, (uint32_t)person);
        for (size_t f = 0; f < set.entries[i].n_frames; f++) {
            float *x = frame_of(&set, i, f);
            taste = fx_random(1000 + person);
            for (size_t d = 0; d < vis_dim; d++)
                x[d] = (float)(rid_random_normal(&taste) + 0.5 +
                               (0.1 + (double)d / (double)vis_dim) * rid_random_normal(&r));
            make_unit(x, vis_dim);
        }
        for (size_t d = 0; d < attr_dim; d++)
            set.attr[i * attr_dim + d] =
                (float)(2 * rid_random_uniform(&taste) + 0.5 * rid_random_uniform(&r));
    }
    return set;
}

static uint8_t *use_all(const rid_train_set *set)
{
    uint8_t *use = rid_mem_alloc(set->n, 1);
    assert_non_null(use);
    memset(use, 1, set->n);
    return use;
}

static const rid_linear_options LDA = {
    .kind = RID_LINEAR_LDA, .max_k = 64, .shrinkage = -1, .seed = 7, .threads = 1};

/* ---- cosines of mapped entries ---- */

/* y f64 (n, k) of the entries' mean rows, unit length. */
static double *map_entries(const rid_linear_map *m, const rid_train_set *set)
{
    const size_t vis = set->vis_dim, dim = vis + set->attr_dim;
    double *y = rid_mem_zalloc(set->n * m->k, sizeof *y);
    double *z = rid_mem_alloc(dim, sizeof *z);
    assert_true(y && z);
    for (size_t i = 0; i < set->n; i++) {
        double square = 0;
        for (size_t d = 0; d < dim; d++)
            z[d] = d < vis ? 0 : (double)set->attr[i * set->attr_dim + d - vis];
        for (size_t f = 0; f < set->entries[i].n_frames; f++)
            for (size_t d = 0; d < vis; d++)
                z[d] += (double)frame_of(set, i, f)[d] / set->entries[i].n_frames;
        for (size_t j = 0; j < m->k; j++) {
            for (size_t d = 0; d < dim; d++)
                y[i * m->k + j] += m->a[j * dim + d] * (z[d] - m->mean[d]);
            square += y[i * m->k + j] * y[i * m->k + j];
        }
        for (size_t j = 0; j < m->k; j++)
            y[i * m->k + j] /= sqrt(square);
    }
    rid_mem_free(z);
    return y;
}

static double cosine(const double *y, size_t k, size_t i, size_t j)
{
    double sum = 0;
    for (size_t d = 0; d < k; d++)
        sum += y[i * k + d] * y[j * k + d];
    return sum;
}

/* Mean of |y|² over rows: 1 by definition. */
static double mean_square(const rid_linear_map *m, const rid_train_set *set)
{
    const size_t vis = set->vis_dim, dim = vis + set->attr_dim;
    double sum = 0;
    for (size_t i = 0; i < set->n; i++) {
        for (size_t f = 0; f < set->entries[i].n_frames; f++) {
            for (size_t j = 0; j < m->k; j++) {
                double y = 0;
                for (size_t d = 0; d < dim; d++)
                    y += m->a[j * dim + d] *
                         ((double)(d < vis ? frame_of(set, i, f)[d]
                                           : set->attr[i * set->attr_dim + d - vis]) -
                          m->mean[d]);
                sum += y * y;
            }
        }
    }
    return sum / (double)set->n_frames;
}

/* ---- numpy ---- */

static rid_json member(rid_json object, const char *key)
{
    rid_json v;
    if (!rid_json_find(object, key, &v))
        fail_msg("the vectors lack '%s'", key);
    return v;
}

static double number(rid_json object, const char *key)
{
    double v = NAN;
    (void)rid_json_get_f64(member(object, key), &v);
    return v;
}

static size_t read_numbers(double *out, size_t cap, rid_json array)
{
    size_t n = 0;
    rid_json v;
    for (rid_json_iter it = rid_json_begin(array); rid_json_next(&it, NULL, &v); n++) {
        assert_true(n < cap);
        assert_true(rid_json_get_f64(v, &out[n]));
    }
    return n;
}

typedef struct vectors {
    rid_json_parser *parser;
    rid_buf text;
    rid_json root;
    rid_train_set set;
} vectors;

static void read_entry(vectors *v, size_t i, rid_json entry)
{
    double row[64];
    size_t f = 0, n;
    rid_json frame;
    set_person(&v->set, i, (uint32_t)number(entry, "person"));
    rid_json_iter it = rid_json_begin(member(entry, "frames"));
    for (; rid_json_next(&it, NULL, &frame); f++) {
        n = read_numbers(row, 64, frame);
        assert_int_equal(n, v->set.vis_dim);
        for (size_t d = 0; d < n; d++)
            frame_of(&v->set, i, f)[d] = (float)row[d];
    }
    n = read_numbers(row, 64, member(entry, "attr"));
    for (size_t d = 0; d < n; d++)
        v->set.attr[i * n + d] = (float)row[d];
}

static size_t count(rid_json array)
{
    size_t n = 0;
    rid_json v;
    for (rid_json_iter it = rid_json_begin(array); rid_json_next(&it, NULL, &v);)
        n++;
    return n;
}

static vectors open_vectors(void)
{
    vectors v = {.parser = rid_json_parser_new(), .text = fx_read("tests/vectors/linear_map.json")};
    uint32_t n_frames[256];
    size_t n = 0;
    rid_json entry;
    assert_non_null(rid_buf_reserve(&v.text, RID_JSON_PADDING));
    assert_ok(rid_json_parse(v.parser, v.text.data, v.text.len, &v.root, &err));
    rid_json entries = member(v.root, "entries");
    for (rid_json_iter it = rid_json_begin(entries); rid_json_next(&it, NULL, &entry); n++) {
        assert_true(n < 256);
        n_frames[n] = (uint32_t)count(member(entry, "frames"));
    }
    v.set = new_set(n, n_frames, (size_t)number(v.root, "vis_dim"),
                    (size_t)number(v.root, "attr_dim"));
    n = 0;
    for (rid_json_iter it = rid_json_begin(entries); rid_json_next(&it, NULL, &entry);)
        read_entry(&v, n++, entry);
    return v;
}

static void close_vectors(vectors *v)
{
    rid_train_set_clear(&v->set);
    rid_json_parser_free(v->parser);
    rid_buf_free(&v->text);
}

/* Frames are float32 and the same in both; what is left is the order of sums. */
static const double COSINE_TOLERANCE = 1e-7;

static void check_case(const rid_train_set *set, rid_json c)
{
    double expected[4096];
    uint8_t *use = use_all(set);
    rid_train_set part = *set;
    rid_linear_map m;
    rid_str kind;
    bool attr = false;
    assert_true(rid_json_get_str(member(c, "kind"), &kind));
    assert_true(rid_json_get_bool(member(c, "attr"), &attr));
    rid_linear_options o = {.kind = kind.data[0] == 'l' ? RID_LINEAR_LDA : RID_LINEAR_PCA,
                            .max_k = 64,
                            .k = (size_t)number(c, "k"),
                            .shrinkage = number(c, "shrinkage"),
                            .threads = 1};
    part.attr_dim = attr ? set->attr_dim : 0;
    assert_ok(rid_linear_fit(&m, &part, use, &o, &err));
    assert_int_equal(m.k, o.k);
    assert_true(isnan(m.cv_map));
    assert_near(mean_square(&m, &part), 1, 1e-9);
    double *y = map_entries(&m, &part);
    size_t n = read_numbers(expected, 4096, member(c, "cosines")), at = 0;
    for (size_t i = 0; i < set->n; i++)
        for (size_t j = 0; j < i; j++, at++)
            if (!(fabs(cosine(y, m.k, i, j) - expected[at]) <= COSINE_TOLERANCE))
                fail_msg("%.*s k %zu: cosine of %zu and %zu is %.9f, numpy has %.9f", RID_STR(kind),
                         m.k, i, j, cosine(y, m.k, i, j), expected[at]);
    assert_int_equal(at, n);
    rid_mem_free(y);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
}

static void test_as_numpy(void **state)
{
    (void)state;
    vectors v = open_vectors();
    rid_json c;
    size_t n = 0;
    rid_json_iter it = rid_json_begin(member(v.root, "cases"));
    for (; rid_json_next(&it, NULL, &c); n++)
        check_case(&v.set, c);
    assert_true(n >= 8);
    close_vectors(&v);
}

/* Two persons at ±(1, 2), each with rows ±(1, 0) ± (0, 2) around: S_w = diag(1, 4), S_b = [1 2; 2
 * 4], so that Fisher's direction is S_w⁻¹ (1, 2) = (1, 1/2), and with S_w + S_b = [2 2; 2 8] the
 * mean square of z₁ + z₂/2 is 6. */
static void test_by_hand(void **state)
{
    (void)state;
    const uint32_t n_frames[] = {1, 3, 2, 2};
    const float centre[] = {1, 2};
    rid_train_set set = new_set(4, n_frames, 2, 0);
    uint8_t use[] = {1, 1, 1, 1};
    rid_linear_options o = {.kind = RID_LINEAR_LDA, .max_k = 1, .shrinkage = 0, .threads = 1};
    rid_linear_map m;
    for (size_t i = 0; i < 4; i++)
        set_person(&set, i, i < 2 ? 0 : 1);
    for (size_t f = 0; f < 8; f++)
        for (size_t d = 0; d < 2; d++)
            set.frames[f * 2 + d] = (f < 4 ? 3 + centre[d] : 3 - centre[d]) +
                                    (float)(d + 1) * ((f >> d) & 1 ? 1.0f : -1.0f);
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    assert_int_equal(m.k, 1);
    assert_near(m.mean[0], 3, 1e-12);
    assert_near(m.mean[1], 3, 1e-12);
    assert_near(fabs(m.a[0]), 1 / sqrt(6), 1e-9);
    assert_near(m.a[1] / m.a[0], 0.5, 1e-9);
    rid_linear_map_clear(&m);
    rid_train_set_clear(&set);
}

/* ---- folds and cross-validation ---- */

static void test_folds(void **state)
{
    (void)state;
    rid_train_set set = random_set(130, 3, 2, 4, 0, 1);
    uint8_t fold[130], again[130], *use = use_all(&set);
    size_t n_folds = 0, n_in[2][RID_FOLDS_MAX] = {{0}};
    for (size_t i = 0; i < set.n; i++)
        if (i % 130 >= 110) /* one entry, or none */
            use[i] = i < 125;
    assert_ok(rid_folds_deal(fold, &n_folds, &set, use, 3, &err));
    assert_ok(rid_folds_deal(again, &n_folds, &set, use, 3, &err));
    assert_int_equal(n_folds, RID_FOLDS_MAX);
    assert_memory_equal(fold, again, sizeof fold);
    for (size_t p = 0; p < 130; p++) {
        assert_true(p < 125 ? fold[p] < n_folds : fold[p] == RID_NO_FOLD);
        if (p < 125)
            n_in[p >= 110][fold[p]]++;
    }
    for (size_t f = 0; f < n_folds; f++) {
        assert_true(n_in[0][f] * n_folds + n_folds > 110 && n_in[0][f] * n_folds < 110 + n_folds);
        assert_int_equal(n_in[1][f] * n_folds, 15);
    }
    assert_ok(rid_folds_deal(again, &n_folds, &set, use, 4, &err));
    assert_memory_not_equal(fold, again, sizeof fold);
    memset(use, 0, set.n);
    for (size_t i = 0; i < 3; i++)
        use[i] = use[i + 130] = 1;
    assert_ok(rid_folds_deal(fold, &n_folds, &set, use, 3, &err));
    assert_int_equal(n_folds, 0);
    assert_true(fold[0] == 0 && fold[2] == 0 && fold[3] == RID_NO_FOLD);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* Sum of the APs of one fold's entries under a map of the others. */
static double fold_ap(const rid_train_set *set, const uint8_t *use, const uint8_t *fold, size_t f,
                      rid_linear_options o, size_t *n_queries)
{
    uint8_t *others = rid_mem_zalloc(set->n, 1), *labelled = rid_mem_zalloc(set->n, 1);
    uint32_t *person = rid_mem_alloc(set->n, sizeof *person);
    rid_linear_map m;
    rid_ranking ranking;
    for (size_t i = 0; i < set->n; i++) {
        uint32_t p = set->entries[i].person;
        labelled[i] = use[i] && p != RID_NO_PERSON && fold[p] == f;
        others[i] = use[i] && p != RID_NO_PERSON && fold[p] != f;
        person[i] = labelled[i] ? p : RID_UNLABELLED;
    }
    assert_ok(rid_linear_fit(&m, set, others, &o, &err));
    double *y = map_entries(&m, set);
    float *emb = rid_mem_alloc_aligned(set->n * m.k, sizeof *emb);
    for (size_t i = 0; i < set->n * m.k; i++)
        emb[i] = (float)y[i];
    rid_ranking_input in = {.emb = emb, .n = set->n, .dim = m.k, .person = person};
    assert_ok(rid_ranking_run(&ranking, NULL, &in, 1, &err));
    *n_queries += ranking.n_queries;
    rid_mem_free(others);
    rid_mem_free(labelled);
    rid_mem_free(person);
    rid_mem_free(y);
    rid_mem_free(emb);
    rid_linear_map_clear(&m);
    return ranking.map * (double)ranking.n_queries;
}

static double plain_cv(const rid_train_set *set, const uint8_t *use, rid_linear_options o, double s,
                       size_t k)
{
    uint8_t *fold = rid_mem_alloc(set->n_persons, 1);
    size_t n_folds = 0, n_queries = 0;
    double sum = 0;
    o.k = k;
    o.shrinkage = s;
    assert_ok(rid_folds_deal(fold, &n_folds, set, use, o.seed, &err));
    assert_true(n_folds >= 2);
    for (size_t f = 0; f < n_folds; f++)
        sum += fold_ap(set, use, fold, f, o, &n_queries);
    rid_mem_free(fold);
    return sum / (double)n_queries;
}

/* The choice has the measure that a plain cross-validation gives it, and no other setting has more.
 * */
static void check_choice(const rid_train_set *set, const uint8_t *use, rid_linear_options o)
{
    static const double shrinkages[] = {0.9, 0.3, 0.03, 0.003};
    const size_t ks[] = {8, 6, 3, 1};
    rid_linear_map m;
    assert_ok(rid_linear_fit(&m, set, use, &o, &err));
    assert_near(m.cv_map, plain_cv(set, use, o, m.shrinkage, m.k), 1e-6);
    assert_true(m.cv_map > 0.2 && m.cv_map < 0.999);
    for (size_t i = 0; i < 4; i++)
        assert_true(plain_cv(set, use, o, shrinkages[i], ks[i]) < m.cv_map + 1e-6);
    rid_linear_map_clear(&m);
}

static void test_cross_validation(void **state)
{
    (void)state;
    for (size_t attr = 0; attr <= 3; attr += 3) {
        rid_train_set set = random_set(70, 3, 3, 12, attr, 5);
        uint8_t *use = use_all(&set);
        rid_linear_options o = LDA;
        o.max_k = 8;
        set.entries[20].person = RID_NO_PERSON;
        use[5] = use[33] = use[75] = 0;
        check_choice(&set, use, o);
        o.kind = RID_LINEAR_PCA;
        check_choice(&set, use, o);
        rid_mem_free(use);
        rid_train_set_clear(&set);
    }
}

static void test_few_persons(void **state)
{
    (void)state;
    rid_train_set set = random_set(3, 2, 4, 6, 0, 9);
    uint8_t *use = use_all(&set);
    rid_linear_options o = LDA;
    rid_linear_map m;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    assert_int_equal(m.k, 6); /* more than persons less one */
    assert_true(isnan(m.cv_map));
    assert_true(m.shrinkage > 0);
    assert_near(mean_square(&m, &set), 1, 1e-9);
    rid_linear_map_clear(&m);
    o.k = 100;
    o.max_k = 4;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    assert_int_equal(m.k, 4);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- what a fit must not depend on ---- */

static rid_status read_frames(void *reader, size_t entry, float *out, rid_err *err)
{
    (void)err;
    const rid_train_set *set = reader;
    memcpy(out, frame_of(set, entry, 0), set->entries[entry].n_frames * set->vis_dim * sizeof *out);
    return RID_OK;
}

static rid_status read_nothing(void *reader, size_t entry, float *out, rid_err *err)
{
    (void)reader;
    (void)out;
    return RID_FAIL(err, RID_EIO, "entry %zu cannot be read", entry);
}

static void assert_same_bytes(const rid_linear_map *a, const rid_linear_map *b)
{
    const size_t dim = a->vis_dim + a->attr_dim;
    assert_int_equal(a->k, b->k);
    assert_memory_equal(a->a, b->a, a->k * dim * sizeof *a->a);
    assert_memory_equal(a->mean, b->mean, dim * sizeof *a->mean);
    assert_memory_equal(&a->shrinkage, &b->shrinkage, sizeof a->shrinkage);
    assert_memory_equal(&a->cv_map, &b->cv_map, sizeof a->cv_map);
}

static void test_same_bytes(void **state)
{
    (void)state;
    rid_train_set set = random_set(50, 3, 30, 10, 2, 11), read = set;
    uint8_t *use = use_all(&set);
    rid_linear_map a, b;
    rid_linear_options o = LDA;
    read.frames = NULL;
    read.reader = &set;
    read.read = read_frames;
    assert_ok(rid_linear_fit(&a, &set, use, &o, &err));
    o.threads = 2;
    assert_ok(rid_linear_fit(&b, &read, use, &o, &err));
    assert_same_bytes(&a, &b);
    rid_linear_map_clear(&a);
    rid_linear_map_clear(&b);
    read.read = read_nothing;
    assert_fails(rid_linear_fit(&b, &read, use, &o, &err), RID_EIO, "cannot be read");
    assert_null(b.a);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* The unit of the attributes is nobody's business. */
static void test_unit_of_attributes(void **state)
{
    (void)state;
    rid_train_set set = random_set(12, 3, 3, 6, 3, 12);
    uint8_t *use = use_all(&set);
    rid_linear_options o = LDA;
    rid_linear_map m;
    for (int kind = 0; kind < 2; kind++) {
        double *y[2];
        o.kind = kind ? RID_LINEAR_LDA : RID_LINEAR_PCA;
        o.k = 4;
        o.shrinkage = 0.2;
        for (int i = 0; i < 2; i++) {
            for (size_t d = 0; d < set.n * set.attr_dim; d++)
                set.attr[d] *= i ? 64.0f : 1.0f / 64;
            assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
            y[i] = map_entries(&m, &set);
            rid_linear_map_clear(&m);
        }
        for (size_t i = 0; i < set.n; i++)
            assert_near(cosine(y[0], 4, i, 0), cosine(y[1], 4, i, 0), 1e-9);
        rid_mem_free(y[0]);
        rid_mem_free(y[1]);
    }
    for (size_t d = 0; d < set.n * set.attr_dim; d++) /* nothing to scale */
        set.attr[d] = 1;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    for (size_t j = 0; j < m.k; j++)
        assert_near(m.a[j * 9 + 7], 0, 1e-12);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* Where no frame of a person differs from another, S_w is 0. */
static void test_no_variance_within(void **state)
{
    (void)state;
    rid_train_set set = random_set(30, 3, 1, 6, 0, 13);
    uint8_t *use = use_all(&set);
    rid_linear_options o = LDA;
    rid_linear_map m;
    for (size_t i = 30; i < set.n; i++)
        memcpy(frame_of(&set, i, 0), frame_of(&set, i % 30, 0), 6 * sizeof(float));
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    assert_near(m.cv_map, 1, 1e-12);
    assert_near(mean_square(&m, &set), 1, 1e-6);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_errors(void **state)
{
    (void)state;
    rid_train_set set = random_set(6, 2, 2, 4, 0, 14);
    uint8_t *use = use_all(&set);
    rid_linear_options o = LDA;
    rid_linear_map m;
    for (size_t i = 0; i < set.n; i++)
        use[i] = i % 6 == 2;
    assert_fails(rid_linear_fit(&m, &set, use, &o, &err), RID_EDATA,
                 "2 training entries with a person, of 1 persons");
    assert_null(m.a);
    memset(use, 0, set.n);
    assert_fails(rid_linear_fit(&m, &set, use, &o, &err), RID_EDATA, "of 0 persons");
    memset(use, 1, 6);
    assert_fails(rid_linear_fit(&m, &set, use, &o, &err), RID_EDATA,
                 "each of the 6 training persons has a single entry");
    o.kind = RID_LINEAR_PCA;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    rid_linear_map_clear(&m);
    for (size_t f = 1; f < set.n_frames; f++)
        memcpy(set.frames + f * 4, set.frames, 4 * sizeof(float));
    assert_fails(rid_linear_fit(&m, &set, use, &o, &err), RID_EDATA, "all frames");
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- networks ---- */

typedef struct network {
    const char *fusion;
    bool attention;
    size_t emb, hidden, k;
} network;

static const network NETWORKS[] = {
    {"baseline", true, 24, 24, 12}, /* nothing but the map */
    {"baseline", true, 33, 24, 7},
    {"baseline", false, 40, 24, 9},
    {"baseline", false, 17, 24, 8},
    {"xattn", true, 24, 16, 12},
    {"xattn", true, 37, 9, 9},
    {"baseline", true, 256, 24, 16},
    {"baseline", true, 2, 24, 1},
};
enum { N_NETWORKS = sizeof NETWORKS / sizeof NETWORKS[0] };

static rid_checkpoint new_network(const network *n, const rid_train_set *set,
                                  const rid_linear_map *m, uint64_t seed)
{
    rid_random random = fx_random(seed);
    rid_checkpoint ck = {.vis_dim = (int64_t)set->vis_dim,
                         .attr_dim = (int64_t)set->attr_dim,
                         .emb_dim = (int64_t)n->emb,
                         .use_attention = n->attention,
                         .fusion_mode = rid_mem_strdup(n->fusion)};
    assert_ok(rid_linear_init(&ck, n->hidden, m, &random, &err));
    return ck;
}

static rid_encoder *new_encoder(const rid_checkpoint *ck)
{
    rid_encoder *e = NULL;
    rid_filter off = rid_filter_default();
    off.on = false;
    assert_ok(rid_encoder_new(&e, ck, &off, NULL, 1, &err));
    return e;
}

/* Embeddings of the set's entries, f32 (n, emb); every fifth comes without attributes, as zeros. */
static float *encode(const rid_encoder *e, rid_train_set *set)
{
    const size_t emb = rid_encoder_emb_dim(e), attr = set->attr_dim;
    float *out = rid_mem_zalloc(set->n * emb, sizeof *out);
    rid_burst *bursts = rid_mem_zalloc(set->n, sizeof *bursts);
    uint8_t *kept = rid_mem_zalloc(set->n_frames, 1);
    assert_true(out && bursts && kept);
    for (size_t i = 0; i < set->n; i++) {
        bursts[i] = (rid_burst){.frames = frame_of(set, i, 0),
                                .n_frames = set->entries[i].n_frames,
                                .attr = attr && i % 5 ? set->attr + i * attr : NULL,
                                .embedding = out + i * emb,
                                .kept = kept + set->entries[i].first};
        for (size_t d = 0; d < attr && i % 5 == 0; d++)
            set->attr[i * attr + d] = 0;
    }
    assert_ok(rid_encoder_run(e, bursts, set->n, 2, &err));
    rid_mem_free(bursts);
    rid_mem_free(kept);
    return out;
}

/* The largest difference between a network's cosines and the map's; DESIGN allows 1e-3. */
static double worst_cosine(const float *emb, size_t dim, const double *y, size_t k, size_t n)
{
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double sum = 0;
            for (size_t d = 0; d < dim; d++)
                sum += (double)emb[i * dim + d] * emb[j * dim + d];
            worst = fmax(worst, fabs(sum - cosine(y, k, i, j)));
        }
    }
    return worst;
}

static void check_network(const network *n, size_t attr_dim, rid_linear_kind kind)
{
    rid_train_set set = random_set(25, 3, 7, 24, attr_dim, 21);
    uint8_t *use = use_all(&set);
    rid_linear_options o = {.kind = kind, .max_k = n->k, .k = n->k, .shrinkage = 0.1, .threads = 1};
    rid_linear_map m;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    assert_int_equal(m.k, n->k);
    rid_checkpoint ck = new_network(n, &set, &m, 5);
    rid_encoder *e = new_encoder(&ck);
    float *emb = encode(e, &set);
    double *y = map_entries(&m, &set);
    double worst = worst_cosine(emb, n->emb, y, m.k, set.n);
    if (!(worst <= 1e-3))
        fail_msg("%s, emb %zu, k %zu, %zu attributes: cosines off by %g", n->fusion, n->emb, n->k,
                 attr_dim, worst);
    rid_mem_free(y);
    rid_mem_free(emb);
    rid_encoder_free(e);
    rid_checkpoint_free(&ck);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_networks_hold_the_map(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_NETWORKS; i++) {
        for (size_t attr = 0; attr <= 5; attr += 5) {
            check_network(&NETWORKS[i], attr, RID_LINEAR_LDA);
            check_network(&NETWORKS[i], attr, RID_LINEAR_PCA);
        }
    }
}

/* Units of the hidden layer that are on for some entries and off for others. */
static size_t count_alive(const rid_encoder *e, const rid_train_set *set, size_t n_hidden)
{
    float *hidden = rid_mem_alloc(set->n * n_hidden, sizeof *hidden);
    uint8_t kept[8];
    size_t alive = 0;
    float *embedding = rid_mem_alloc(rid_encoder_emb_dim(e), sizeof *embedding);
    for (size_t i = 0; i < set->n; i++) {
        size_t n = 0;
        rid_burst b = {.frames = frame_of(set, i, 0), .n_frames = set->entries[i].n_frames,
                       .attr = set->attr + i * set->attr_dim, .embedding = embedding, .kept = kept};
        float *out = hidden + i * n_hidden;
        assert_ok(rid_encoder_trace(e, &b, RID_STAGE_HIDDEN, out, n_hidden, &n, &err));
        assert_int_equal(n, n_hidden);
    }
    for (size_t u = 0; u < n_hidden; u++) {
        size_t on = 0;
        for (size_t i = 0; i < set->n; i++)
            on += hidden[i * n_hidden + u] > 0;
        alive += on > 0 && on < set->n;
    }
    rid_mem_free(hidden);
    rid_mem_free(embedding);
    return alive;
}

static void test_units_are_alive(void **state)
{
    (void)state;
    const network n = {"baseline", true, 64, 24, 8};
    rid_train_set set = random_set(40, 4, 5, 24, 5, 22);
    uint8_t *use = use_all(&set);
    rid_linear_options o = {
        .kind = RID_LINEAR_LDA, .max_k = 8, .k = 8, .shrinkage = 0.1, .threads = 1};
    rid_linear_map m;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    rid_checkpoint ck = new_network(&n, &set, &m, 6);
    rid_encoder *e = new_encoder(&ck);
    assert_int_equal(count_alive(e, &set, 128), 128);
    rid_encoder_free(e);
    rid_checkpoint_free(&ck);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* What must not be 0, so that nothing is stuck: the keys, and what leads to and from spare units.
 * */
static void test_queries_start_at_zero(void **state)
{
    (void)state;
    const network n = {"baseline", true, 32, 24, 8};
    rid_train_set set = random_set(10, 3, 3, 24, 0, 23);
    uint8_t *use = use_all(&set);
    rid_linear_options o = {.kind = RID_LINEAR_PCA, .max_k = 8, .k = 8, .threads = 1};
    rid_linear_map m;
    assert_ok(rid_linear_fit(&m, &set, use, &o, &err));
    rid_checkpoint ck = new_network(&n, &set, &m, 6);
    static const char *const random[] = {"vis_pool.k.weight", "vis_proj.weight", "fuse.0.weight",
                                         "fuse.3.weight"};
    const rid_tensor *q = rid_checkpoint_find(&ck, "vis_pool.q.weight");
    for (size_t i = 0; i < q->numel; i++)
        assert_true(q->data[i] == 0);
    for (size_t t = 0; t < 4; t++) {
        const rid_tensor *w = rid_checkpoint_find(&ck, random[t]);
        for (size_t i = 0; i < w->numel; i++)
            assert_true(w->data[i] != 0);
    }
    rid_checkpoint_free(&ck);
    rid_linear_map_clear(&m);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* torch.nn.Linear: uniform within ±1/√fan_in, weights and biases. */
static void check_uniform(const rid_checkpoint *ck, const char *name, double bound)
{
    const rid_tensor *t = rid_checkpoint_find(ck, name);
    double sum = 0, square = 0, most = 0;
    if (!t)
        fail_msg("no tensor '%s'", name);
    for (size_t i = 0; i < t->numel; i++) {
        sum += t->data[i];
        square += (double)t->data[i] * t->data[i];
        most = fmax(most, fabs((double)t->data[i]));
    }
    double n = (double)t->numel, deviation = bound / sqrt(3);
    assert_true(most <= bound * (1 + 1e-6) && most > bound * 0.9);
    assert_true(fabs(sum / n) < 5 * deviation / sqrt(n));
    assert_near(sqrt(square / n), deviation, 2 * deviation / sqrt(n));
}

static void test_random_networks(void **state)
{
    (void)state;
    const network baseline = {"baseline", true, 48, 64, 0}, mean = {"baseline", false, 48, 64, 0},
                  xattn = {"xattn", true, 48, 32, 0};
    rid_train_set set = random_set(2, 1, 1, 64, 25, 30);
    rid_checkpoint ck = new_network(&baseline, &set, NULL, 1);
    assert_int_equal(ck.n_tensors, 14);
    check_uniform(&ck, "vis_pool.q.weight", 1.0 / 8);
    check_uniform(&ck, "vis_pool.k.bias", 1.0 / 8);
    check_uniform(&ck, "vis_proj.weight", 1.0 / 8);
    check_uniform(&ck, "attr_proj.weight", 1.0 / 5);
    check_uniform(&ck, "attr_proj.bias", 1.0 / 5);
    check_uniform(&ck, "fuse.0.weight", 1 / sqrt(96));
    check_uniform(&ck, "fuse.3.weight", 1 / sqrt(48));
    rid_encoder_free(new_encoder(&ck));
    rid_checkpoint_free(&ck);
    ck = new_network(&mean, &set, NULL, 1);
    assert_int_equal(ck.n_tensors, 8);
    rid_encoder_free(new_encoder(&ck));
    rid_checkpoint_free(&ck);
    ck = new_network(&xattn, &set, NULL, 1);
    assert_int_equal(ck.n_tensors, 11);
    check_uniform(&ck, "q_attr.weight", 1 / sqrt(32));
    check_uniform(&ck, "vis_proj_in.weight", 1.0 / 8);
    check_uniform(&ck, "fuse.0.bias", 1.0 / 8);
    rid_encoder_free(new_encoder(&ck));
    rid_checkpoint_free(&ck);
    set.attr_dim = 0;
    ck = new_network(&xattn, &set, NULL, 1);
    assert_int_equal(ck.n_tensors, 9);
    rid_encoder_free(new_encoder(&ck));
    rid_checkpoint_free(&ck);
    rid_train_set_clear(&set);
}

/* ---- memory ---- */

/* Every allocation of a fit and of a network fails once: an error, and nothing left behind. */
static void test_no_memory(void **state)
{
    (void)state;
    rid_train_set set = random_set(8, 2, 2, 4, 2, 40);
    uint8_t *use = use_all(&set);
    rid_linear_options o = LDA;
    int64_t before = rid_mem_live_blocks();
    bool done = false;
    /* Every allocation of the set-up; of the 126 rankings that follow, all alike, a sample. */
    for (uint64_t nth = 1; !done; nth += 1 + nth / 32) {
        rid_err err = {0};
        rid_random random = fx_random(1);
        rid_linear_map m;
        rid_checkpoint ck = {.vis_dim = 4, .attr_dim = 2, .emb_dim = 9, .use_attention = true};
        ck.fusion_mode = rid_mem_strdup("baseline");
        o.max_k = 4;
        rid_mem_fail_after(nth);
        rid_status st = rid_linear_fit(&m, &set, use, &o, &err);
        if (st == RID_OK)
            st = rid_linear_init(&ck, 0, &m, &random, &err);
        rid_mem_fail_after(0);
        done = st == RID_OK;
        assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP));
        rid_linear_map_clear(&m);
        rid_checkpoint_free(&ck);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_numpy),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_folds),
        cmocka_unit_test(test_cross_validation),
        cmocka_unit_test(test_few_persons),
        cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_unit_of_attributes),
        cmocka_unit_test(test_no_variance_within),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_networks_hold_the_map),
        cmocka_unit_test(test_units_are_alive),
        cmocka_unit_test(test_queries_start_at_zero),
        cmocka_unit_test(test_random_networks),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
