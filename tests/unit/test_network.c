/* The network that is trained: its tensors by the names and shapes that checkpoints have, where it starts,
 * and which files it may start from. */
#include "train/network.h"

#include "fixture.h"
#include "train/checkpoint_meta.h"
#include "train/encoder.h"
#include "train_fixture.h"

enum { VIS = 5, ATTR = 3, EMB = 8, HIDDEN = 128, TENSORS_MAX = 16 };

static const size_t COUNTS[] = {3, 4, 2, 3, 2, 4, 1, 3, 2, 3};
enum { PERSONS = sizeof COUNTS / sizeof COUNTS[0] };

static rid_train_set make_set(size_t attr_dim)
{
    const tx_shape shape = {COUNTS, PERSONS, VIS, attr_dim, 4, 0.4, 1};
    return tx_new_set(&shape);
}

/* ---- tensors ---- */

typedef struct tensor {
    const char *name;
    int64_t rows, columns; /* columns 0: a vector */
    size_t fan_in;         /* of the random start */
} tensor;

static const tensor POOL[] = {{"vis_pool.q.weight", VIS, VIS, VIS},
                              {"vis_pool.q.bias", VIS, 0, VIS},
                              {"vis_pool.k.weight", VIS, VIS, VIS},
                              {"vis_pool.k.bias", VIS, 0, VIS},
                              {"vis_pool.v.weight", VIS, VIS, VIS},
                              {"vis_pool.v.bias", VIS, 0, VIS},
                              {0}};
static const tensor PROJECTIONS[] = {
    {"vis_proj.weight", EMB, VIS, VIS}, {"vis_proj.bias", EMB, 0, VIS}, {0}};
static const tensor ATTRIBUTES[] = {
    {"attr_proj.weight", EMB, ATTR, ATTR}, {"attr_proj.bias", EMB, 0, ATTR}, {0}};
static const tensor FUSION[] = {{"fuse.0.weight", EMB, 2 * EMB, 2 * EMB},
                                {"fuse.0.bias", EMB, 0, 2 * EMB},
                                {"fuse.3.weight", EMB, EMB, EMB},
                                {"fuse.3.bias", EMB, 0, EMB},
                                {0}};
static const tensor XATTN[] = {{"vis_proj_in.weight", HIDDEN, VIS, VIS},
                               {"vis_proj_in.bias", HIDDEN, 0, VIS},
                               {"q_attr.weight", HIDDEN, HIDDEN, HIDDEN},
                               {"k_vis.weight", HIDDEN, HIDDEN, HIDDEN},
                               {"v_vis.weight", HIDDEN, HIDDEN, HIDDEN},
                               {"fuse.0.weight", EMB, 2 * HIDDEN, 2 * HIDDEN},
                               {"fuse.0.bias", EMB, 0, 2 * HIDDEN},
                               {"fuse.3.weight", EMB, EMB, EMB},
                               {"fuse.3.bias", EMB, 0, EMB},
                               {0}};
static const tensor XATTN_ATTRIBUTES[] = {
    {"attr_proj_in.weight", HIDDEN, ATTR, ATTR}, {"attr_proj_in.bias", HIDDEN, 0, ATTR}, {0}};

typedef struct kind {
    const char *name;
    rid_network network;
    size_t attr_dim;
    const tensor *parts[5];
} kind;

static const kind KINDS[] = {
    {"attention", {.emb_dim = EMB, .dropout = 0.25}, ATTR, {POOL, PROJECTIONS, ATTRIBUTES, FUSION}},
    {"attention, no attributes", {.emb_dim = EMB}, 0, {POOL, PROJECTIONS, FUSION}},
    {"mean pooling", {.emb_dim = EMB, .mean_pool = true}, ATTR, {PROJECTIONS, ATTRIBUTES, FUSION}},
    {"mean pooling, no attributes", {.emb_dim = EMB, .mean_pool = true}, 0, {PROJECTIONS, FUSION}},
    {"xattn", {.emb_dim = EMB, .xattn = true}, ATTR, {XATTN, XATTN_ATTRIBUTES}},
    {"xattn, no attributes", {.emb_dim = EMB, .xattn = true}, 0, {XATTN}},
};
enum { N_KINDS = sizeof KINDS / sizeof KINDS[0] };

static const rid_linear_choice OPEN = {0, -1};

static rid_checkpoint start(const kind *k, const rid_train_set *set, rid_init init, uint64_t seed,
                            uint64_t stream)
{
    rid_checkpoint ck;
    rid_linear_choice choice = OPEN;
    uint8_t *use = tx_use_all(set);
    assert_ok(rid_network_start(&ck, &k->network, set, use, init, &choice, seed, stream, 1, &err));
    rid_mem_free(use);
    return ck;
}

/* Rows and columns of every tensor, and, of a random start, that its numbers fill ±1/√fan_in. */
static void check_tensor(const kind *k, const rid_checkpoint *ck, const tensor *expected,
                         bool random)
{
    const rid_tensor *t = rid_checkpoint_find(ck, expected->name);
    if (!t)
        fail_msg("%s: no %s", k->name, expected->name);
    const int n_dims = expected->columns ? 2 : 1;
    if (t->n_dims != n_dims || t->shape[0] != expected->rows ||
        (n_dims == 2 && t->shape[1] != expected->columns))
        fail_msg("%s: %s is (%lld, %lld)", k->name, t->name, (long long)t->shape[0],
                 (long long)t->shape[1]);
    assert_int_equal(t->numel, expected->rows * (expected->columns ? expected->columns : 1));
    double largest = 0;
    for (size_t i = 0; i < t->numel; i++) {
        assert_true(isfinite(t->data[i]));
        largest = fmax(largest, fabs((double)t->data[i]));
    }
    const double bound = 1 / sqrt((double)expected->fan_in);
    if (random)
        assert_true(largest <= bound * (1 + 1e-6) && largest > 0.3 * bound);
}

static void check_tensors(const kind *k, const rid_checkpoint *ck, bool random)
{
    size_t n = 0;
    for (size_t p = 0; k->parts[p]; p++)
        for (const tensor *t = k->parts[p]; t->name; t++, n++)
            check_tensor(k, ck, t, random);
    assert_int_equal(ck->n_tensors, n); /* and no other */
    assert_int_equal(ck->vis_dim, VIS);
    assert_int_equal(ck->attr_dim, k->attr_dim);
    assert_int_equal(ck->emb_dim, EMB);
    assert_int_equal(ck->use_attention, !k->network.mean_pool);
    assert_true(ck->dropout == k->network.dropout);
    assert_string_equal(ck->fusion_mode, k->network.xattn ? "xattn" : "baseline");
    assert_null(ck->rid);
}

static void test_tensors(void **state)
{
    (void)state;
    static const rid_init inits[] = {RID_INIT_RANDOM, RID_INIT_PCA, RID_INIT_LDA};
    const rid_filter filter = rid_filter_default();
    for (size_t i = 0; i < N_KINDS; i++)
        for (size_t j = 0; j < 3; j++) {
            rid_train_set set = make_set(KINDS[i].attr_dim);
            rid_checkpoint ck = start(&KINDS[i], &set, inits[j], 1, 0);
            rid_encoder *e = NULL;
            check_tensors(&KINDS[i], &ck, inits[j] == RID_INIT_RANDOM);
            assert_ok(rid_encoder_new(&e, &ck, &filter, NULL, 1, &err)); /* it serves */
            rid_encoder_free(e);
            rid_checkpoint_free(&ck);
            rid_train_set_clear(&set);
        }
}

static void test_dropout_dim(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    rid_checkpoint ck = start(&KINDS[4], &set, RID_INIT_RANDOM, 1, 0);
    assert_int_equal(rid_network_dropout_dim(&ck), EMB);
    rid_checkpoint_free(&ck);
    assert_int_equal(rid_network_dropout_dim(&ck), 0);
    assert_ok(rid_checkpoint_read(&ck, "tests/vectors/training/attention.pt", &err));
    assert_int_equal(ck.emb_dim, 10);
    assert_int_equal(rid_network_dropout_dim(&ck),
                     12); /* a file may have another size between them */
    rid_checkpoint_free(&ck);
    rid_train_set_clear(&set);
}

/* ---- what a start depends on ---- */

static bool same_weights(const rid_checkpoint *a, const rid_checkpoint *b)
{
    bool same = a->n_tensors == b->n_tensors && a->n_tensors > 0;
    for (size_t i = 0; same && i < a->n_tensors; i++)
        same = strcmp(a->tensors[i].name, b->tensors[i].name) == 0 &&
               a->tensors[i].numel == b->tensors[i].numel &&
               memcmp(a->tensors[i].data, b->tensors[i].data,
                      a->tensors[i].numel * sizeof(float)) == 0;
    return same;
}

static void test_seed_and_stream(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    static const rid_init inits[] = {RID_INIT_RANDOM, RID_INIT_LDA};
    for (size_t i = 0; i < 2; i++) {
        rid_checkpoint a = start(&KINDS[0], &set, inits[i], 7, 2),
                       b = start(&KINDS[0], &set, inits[i], 7, 2),
                       seed = start(&KINDS[0], &set, inits[i], 8, 2),
                       stream = start(&KINDS[0], &set, inits[i], 7, 3);
        assert_true(same_weights(&a, &b));
        assert_false(same_weights(&a, &seed));
        assert_false(same_weights(&a, &stream));
        rid_checkpoint_free(&a);
        rid_checkpoint_free(&b);
        rid_checkpoint_free(&seed);
        rid_checkpoint_free(&stream);
    }
    rid_train_set_clear(&set);
}

/* Validation people must not be in it. */
static void test_fitted_on_training_people_only(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_checkpoint before, after, with;
    rid_linear_choice choice = OPEN;
    for (size_t i = 0; i < set.n; i++)
        use[i] = set.entries[i].person != 2;
    assert_ok(rid_network_start(&before, &KINDS[0].network, &set, use, RID_INIT_LDA, &choice, 1, 0,
                                1, &err));
    for (size_t i = 0; i < set.n; i++) {
        if (use[i])
            continue;
        set.attr[i * ATTR] += 3;
        for (size_t f = 0; f < set.entries[i].n_frames * VIS; f++)
            set.frames[set.entries[i].first * VIS + f] *= -1;
        use[i] = 0;
    }
    choice = OPEN;
    assert_ok(rid_network_start(&after, &KINDS[0].network, &set, use, RID_INIT_LDA, &choice, 1, 0,
                                1, &err));
    assert_true(same_weights(&before, &after));
    memset(use, 1, set.n);
    choice = OPEN;
    assert_ok(rid_network_start(&with, &KINDS[0].network, &set, use, RID_INIT_LDA, &choice, 1, 0, 1,
                                &err));
    assert_false(same_weights(&before, &with));
    rid_checkpoint_free(&before);
    rid_checkpoint_free(&after);
    rid_checkpoint_free(&with);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* What was chosen comes back, and gives the same network when it is given. */
static void test_choice(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    rid_checkpoint chosen, given, other;
    rid_linear_choice choice = OPEN;
    assert_ok(rid_network_start(&chosen, &KINDS[0].network, &set, use, RID_INIT_LDA, &choice, 1, 0,
                                1, &err));
    assert_in_range(choice.k, 1, EMB / 2);
    assert_true(choice.shrinkage >= 0 && choice.shrinkage <= 1);
    rid_linear_choice same = choice;
    assert_ok(rid_network_start(&given, &KINDS[0].network, &set, use, RID_INIT_LDA, &same, 1, 0, 1,
                                &err));
    assert_true(same.k == choice.k && same.shrinkage == choice.shrinkage);
    assert_true(same_weights(&chosen, &given));
    same = (rid_linear_choice){2, 0.75};
    assert_ok(rid_network_start(&other, &KINDS[0].network, &set, use, RID_INIT_LDA, &same, 1, 0, 1,
                                &err));
    assert_true(same.k == 2 && same.shrinkage == 0.75);
    assert_false(same_weights(&chosen, &other));
    rid_checkpoint_free(&other);
    same = OPEN;
    assert_ok(rid_network_start(&other, &KINDS[0].network, &set, use, RID_INIT_PCA, &same, 1, 0, 1,
                                &err));
    assert_in_range(same.k, 1, EMB / 2);
    assert_true(same.shrinkage < 0); /* it has none */
    rid_checkpoint_free(&other);
    same = (rid_linear_choice){3, 0.5};
    assert_ok(rid_network_start(&other, &KINDS[0].network, &set, use, RID_INIT_RANDOM, &same, 1, 0,
                                1, &err));
    assert_true(same.k == 3 && same.shrinkage == 0.5); /* nothing was fitted */
    rid_checkpoint_free(&other);
    rid_checkpoint_free(&chosen);
    rid_checkpoint_free(&given);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

static void test_nothing_to_fit(void **state)
{
    (void)state;
    rid_train_set set = make_set(0);
    uint8_t *use = rid_mem_zalloc(set.n, 1);
    rid_linear_choice choice = OPEN;
    rid_checkpoint ck;
    const int64_t before = rid_mem_live_blocks();
    use[0] = use[1] = 1; /* both of person 0 */
    assert_fails(
        rid_network_start(&ck, &KINDS[1].network, &set, use, RID_INIT_LDA, &choice, 1, 0, 1, &err),
        RID_EDATA, "person");
    assert_int_equal(ck.n_tensors, 0);
    assert_null(ck.fusion_mode);
    assert_int_equal(rid_mem_live_blocks(), before);
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

/* ---- from a file ---- */

static const char *write_checkpoint(const char *name, const rid_checkpoint *ck)
{
    const char *path = fx_path(name);
    assert_ok(rid_checkpoint_write(ck, path, true, &err));
    return path;
}

/* With the key `rid` that a trained one has; schema NULL: none. */
static const char *write_sealed(const char *name, rid_checkpoint *ck, const char *schema)
{
    rid_checkpoint_meta m = {.schema = schema ? rid_mem_strdup(schema) : NULL};
    assert_ok(rid_checkpoint_meta_seal(ck, &m, &err));
    rid_checkpoint_meta_free(&m);
    return write_checkpoint(name, ck);
}

static void test_load(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_KINDS; i++) {
        rid_train_set set = make_set(KINDS[i].attr_dim);
        rid_checkpoint ck = start(&KINDS[i], &set, RID_INIT_RANDOM, 1, 0), got;
        const char *path = write_sealed("start.pt", &ck, NULL);
        rid_network network = KINDS[i].network;
        network.dropout = 0.375; /* this run's, not the file's */
        assert_ok(rid_network_load(&got, &network, &set, NULL, path, &err));
        assert_true(same_weights(&ck, &got));
        assert_true(got.dropout == 0.375);
        assert_null(got.rid);
        rid_checkpoint_free(&ck);
        rid_checkpoint_free(&got);
        rid_train_set_clear(&set);
    }
}

static rid_schema *parse(const char *text)
{
    rid_schema *s = NULL;
    assert_ok(rid_schema_parse(&s, rid_str_of(text), "schema", &err));
    assert_int_equal(rid_schema_dim(s), ATTR);
    return s;
}

#define SCHEMA(name)                                                                               \
    "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"" name                                           \
    "\",\"type\":\"enum\",\"values\":[\"a\",\"b\",\"c\"]}]}"
#define HATS SCHEMA("hat")
#define BAGS SCHEMA("bag")

/* As many numbers, but of other attributes. */
static void test_load_of_another_schema(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    rid_checkpoint ck = start(&KINDS[0], &set, RID_INIT_RANDOM, 1, 0), got;
    rid_schema *hats = parse(HATS), *spaced = parse("  " HATS "\n"), *bags = parse(BAGS);
    const char *path = write_sealed("hats.pt", &ck, HATS);
    assert_ok(rid_network_load(&got, &KINDS[0].network, &set, hats, path, &err));
    rid_checkpoint_free(&got);
    assert_ok(rid_network_load(&got, &KINDS[0].network, &set, spaced, path, &err));
    rid_checkpoint_free(&got);
    assert_ok(rid_network_load(&got, &KINDS[0].network, &set, NULL, path, &err));
    rid_checkpoint_free(&got);
    const int64_t before = rid_mem_live_blocks();
    assert_fails(rid_network_load(&got, &KINDS[0].network, &set, bags, path, &err), RID_ECONFIG,
                 "hats.pt: trained with another attribute schema than this run's");
    assert_null(got.tensors);
    assert_int_equal(rid_mem_live_blocks(), before);
    rid_schema_free(hats);
    rid_schema_free(spaced);
    rid_schema_free(bags);
    rid_checkpoint_free(&ck);
    rid_train_set_clear(&set);
}

static void assert_other(const rid_network *network, size_t vis_dim, size_t attr_dim,
                         const char *path, const char *message)
{
    const rid_train_set set = {.vis_dim = vis_dim, .attr_dim = attr_dim};
    rid_checkpoint got;
    assert_fails(rid_network_load(&got, network, &set, NULL, path, &err), RID_ECONFIG, message);
    assert_int_equal(got.n_tensors, 0);
    assert_null(got.tensors);
    assert_null(got.fusion_mode);
}

static void test_load_another(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    rid_checkpoint ck = start(&KINDS[0], &set, RID_INIT_RANDOM, 1, 0);
    rid_network network = KINDS[0].network, mean = KINDS[2].network, xattn = KINDS[4].network;
    const char *path = write_checkpoint("attention.pt", &ck);
    const int64_t before = rid_mem_live_blocks();
    assert_other(&mean, VIS, ATTR, path,
                 "attention.pt: a baseline network with attention of vis_dim 5, attr_dim 3, "
                 "emb_dim 8; this run"
                 " needs baseline without attention of 5, 3, 8");
    assert_other(&xattn, VIS, ATTR, path, "needs xattn with attention of 5, 3, 8");
    assert_other(&network, VIS + 1, ATTR, path, "needs baseline with attention of 6, 3, 8");
    assert_other(&network, VIS, 0, path, "needs baseline with attention of 5, 0, 8");
    network.emb_dim = 16;
    assert_other(&network, VIS, ATTR, path, "needs baseline with attention of 5, 3, 16");
    assert_int_equal(rid_mem_live_blocks(), before);
    rid_checkpoint_free(&ck);
    rid_train_set_clear(&set);
}

static void test_load_what_is_none(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    rid_checkpoint ck = start(&KINDS[0], &set, RID_INIT_RANDOM, 1, 0), got;
    const rid_network *network = &KINDS[0].network;
    assert_fails(rid_network_load(&got, network, &set, NULL, fx_path("nowhere.pt"), &err),
                 RID_ENOINPUT, "nowhere.pt");
    assert_fails(
        rid_network_load(&got, &KINDS[0].network, &set, NULL, fx_write("text.pt", "weights"), &err),
        RID_EDATA, "text.pt");
    rid_tensor *t = &ck.tensors[ck.n_tensors - 2]; /* fuse.3.weight */
    t->name[0] = 'x';
    assert_fails(rid_network_load(&got, &KINDS[0].network, &set, NULL,
                                  write_checkpoint("lacks.pt", &ck), &err),
                 RID_EDATA, "lacks.pt: ");
    assert_null(got.tensors);
    rid_checkpoint_free(&ck);
    rid_train_set_clear(&set);
}

/* ---- copies ---- */

static void test_copy(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    rid_checkpoint a = start(&KINDS[0], &set, RID_INIT_RANDOM, 1, 0), b;
    assert_ok(rid_network_copy(&b, &a, &err));
    check_tensors(&KINDS[0], &b, true);
    assert_true(same_weights(&a, &b));
    for (size_t i = 0; i < a.n_tensors; i++)
        for (size_t j = 0; j < a.tensors[i].numel; j++)
            a.tensors[i].data[j] += 1;
    assert_false(same_weights(&a, &b));
    rid_network_copy_weights(&b, &a);
    assert_true(same_weights(&a, &b));
    rid_checkpoint_free(&a);
    assert_string_equal(b.tensors[0].name, "vis_pool.q.weight"); /* its own */
    rid_checkpoint_free(&b);
    rid_train_set_clear(&set);
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_train_set set = make_set(ATTR);
    uint8_t *use = tx_use_all(&set);
    const char *path = fx_path("shortage.pt");
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_checkpoint a = {0}, b = {0}, c = {0};
        rid_linear_choice choice = {2, 0.5};
        rid_mem_fail_after(nth);
        st = rid_network_start(&a, &KINDS[0].network, &set, use, RID_INIT_LDA, &choice, 1, 0, 1,
                               NULL);
        if (st == RID_OK)
            st = rid_network_copy(&b, &a, NULL);
        if (st == RID_OK)
            st = rid_checkpoint_write(&b, path, true, NULL);
        if (st == RID_OK)
            st = rid_network_load(&c, &KINDS[0].network, &set, NULL, path, NULL);
        rid_mem_fail_after(0);
        rid_checkpoint_free(&a);
        rid_checkpoint_free(&b);
        rid_checkpoint_free(&c);
        assert_true(st == RID_OK ? nth > 40 : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_mem_free(use);
    rid_train_set_clear(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_dropout_dim),
        cmocka_unit_test(test_seed_and_stream),
        cmocka_unit_test(test_fitted_on_training_people_only),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_nothing_to_fit),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_load_of_another_schema),
        cmocka_unit_test(test_load_another),
        cmocka_unit_test(test_load_what_is_none),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
