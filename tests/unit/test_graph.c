/* The training graph against the vectors that scripts/make-training-vectors wrote with plain, unfactored
 * PyTorch in float64; against finite differences; against inference; and with what does not fit. */
#include "train/graph.h"

#include "fixture.h"
#include "train/encoder.h"
#include "vectors.h"

enum { ROWS_MAX = 16, FRAMES_MAX = 8, FLOATS_MAX = 2048 };

/* Loss absolutely; a gradient in parts of its tensor's largest entry, but no finer than in parts of the
 * model's largest. In float64 only the rounding of what is stored is left. */
typedef struct tolerance {
    double loss, gradient, floor, embedding;
} tolerance;
static const tolerance SINGLE = {1e-5, 1e-4, 1e-7, 2e-6};
static const tolerance DOUBLE = {1e-10, 3e-7, 1e-10, 2e-7};

static const char *const CASES[] = {
    "attention_hinge",         "attention_cosine_hinge",
    "attention_soft",          "attention_cosine_soft",
    "attention_dropout",       "attention_doubles",
    "attention_doubles_soft",  "attention_no_attr_hinge",
    "average_hinge",           "average_no_attr_cosine_soft",
    "xattn_hinge",             "xattn_cosine_soft",
    "xattn_doubles",           "xattn_no_attr_dropout",
};
enum { N_CASES = sizeof CASES / sizeof CASES[0] };

/* ---- one case ---- */

typedef struct sample {
    rid_checkpoint model, expected, grads;
    rid_train_batch batch;
    rid_triplet_options loss;
    rid_step_figures figures; /* expected */
    float frames[ROWS_MAX * FRAMES_MAX * 16], attr[ROWS_MAX * 16], dropout[ROWS_MAX * 16];
    float embeddings[ROWS_MAX * 16];
    uint32_t n_frames[ROWS_MAX], entry[ROWS_MAX], person[ROWS_MAX];
} sample;

static void read_checkpoint(rid_checkpoint *ck, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "tests/vectors/training/%s", name);
    assert_ok(rid_checkpoint_read(ck, path, &err));
}

static void read_row(sample *s, rid_json row)
{
    rid_train_batch *b = &s->batch;
    const size_t i = b->n++;
    rid_json frame;
    assert_true(i < ROWS_MAX);
    s->entry[i] = (uint32_t)number(row, "entry");
    s->person[i] = (uint32_t)number(row, "person");
    for (rid_json_iter it = rid_json_begin(member(row, "frames")); rid_json_next(&it, NULL, &frame);) {
        float *to = s->frames + (i * b->max_frames + s->n_frames[i]++) * b->vis_dim;
        assert_true(s->n_frames[i] <= b->max_frames);
        assert_int_equal(read_floats(to, b->vis_dim, frame), b->vis_dim);
    }
    if (b->attr_dim > 0)
        assert_int_equal(read_floats(s->attr + i * b->attr_dim, b->attr_dim, member(row, "attr")),
                         b->attr_dim);
}

static void read_batch(sample *s, const char *name)
{
    document d = open_document("training/", name, ".json");
    rid_json row;
    s->batch = (rid_train_batch){
        .max_frames = FRAMES_MAX, /* two more than there are: padding in every row */
        .vis_dim = (size_t)s->model.vis_dim,
        .attr_dim = (size_t)s->model.attr_dim,
        .frames = s->frames,
        .n_frames = s->n_frames,
        .attr = s->model.attr_dim ? s->attr : NULL,
        .entry = s->entry,
        .person = s->person,
    };
    for (rid_json_iter it = rid_json_begin(member(d.root, "rows")); rid_json_next(&it, NULL, &row);)
        read_row(s, row);
    close_document(&d);
}

static void read_matrix(float *out, size_t cap, rid_json matrix)
{
    rid_json row;
    size_t n = 0;
    for (rid_json_iter it = rid_json_begin(matrix); rid_json_next(&it, NULL, &row);)
        n += read_floats(out + n, cap - n, row);
}

static sample *open_sample(const char *name)
{
    sample *s = rid_mem_zalloc(1, sizeof *s);
    document d = open_document("training/", name, ".json");
    assert_non_null(s);
    read_checkpoint(&s->model, string(d.root, "model"));
    read_checkpoint(&s->expected, string(d.root, "gradients"));
    read_batch(s, string(d.root, "batch"));
    s->loss.distance = strcmp(string(d.root, "distance"), "cosine") == 0 ? RID_DISTANCE_COSINE
                                                                        : RID_DISTANCE_EUCLIDEAN;
    s->loss.soft = flag(d.root, "soft");
    s->loss.margin = real(d.root, "margin");
    s->figures = (rid_step_figures){.loss = real(d.root, "loss"),
                                    .n_anchors = number(d.root, "n_anchors"),
                                    .n_active = number(d.root, "n_active"),
                                    .positive = real(d.root, "positive"),
                                    .negative = real(d.root, "negative"),
                                    .spread = real(d.root, "spread"),
                                    .gradient_norm = real(d.root, "gradient_norm")};
    read_matrix(s->embeddings, sizeof s->embeddings / sizeof(float), member(d.root, "embeddings"));
    if (rid_json_type_of(member(d.root, "dropout")) != RID_JSON_NULL) {
        read_matrix(s->dropout, sizeof s->dropout / sizeof(float), member(d.root, "dropout"));
        s->batch.dropout = s->dropout;
    }
    assert_ok(rid_graph_new_like(&s->grads, &s->model, &err));
    close_document(&d);
    return s;
}

static void close_sample(sample *s)
{
    rid_checkpoint_free(&s->model);
    rid_checkpoint_free(&s->expected);
    rid_checkpoint_free(&s->grads);
    rid_mem_free(s);
}

static rid_nn *open_nn(bool f64, int threads)
{
    rid_nn *nn = NULL;
    assert_ok(rid_nn_open(&nn, RID_NN_CPU, threads, f64, &err));
    return nn;
}

static rid_step_figures step(rid_nn *nn, sample *s)
{
    rid_step_figures f = {0};
    assert_ok(rid_graph_step(nn, &s->model, &s->batch, &s->loss, &s->grads, &f, &err));
    return f;
}

/* ---- against PyTorch ---- */

static double largest(const float *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

static double largest_difference(const float *a, const float *b, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static double largest_of_model(const rid_checkpoint *ck)
{
    double most = 0;
    for (size_t i = 0; i < ck->n_tensors; i++)
        most = fmax(most, largest(ck->tensors[i].data, ck->tensors[i].numel));
    return most;
}

/* Returns the worst difference in parts of its bound. */
static double check_gradients(const char *name, const sample *s, tolerance t)
{
    const double floor = t.floor * largest_of_model(&s->expected);
    double worst = 0;
    assert_int_equal(s->grads.n_tensors, s->expected.n_tensors);
    for (size_t i = 0; i < s->grads.n_tensors; i++) {
        const rid_tensor *g = &s->grads.tensors[i], *e = rid_checkpoint_find(&s->expected, g->name);
        assert_true(e && e->numel == g->numel);
        if (strcmp(g->name, "vis_pool.k.bias") == 0) { /* exactly: by the softmax's shift invariance */
            assert_true(largest(g->data, g->numel) == 0);
            continue;
        }
        double bound = fmax(t.gradient * largest(e->data, e->numel), floor);
        double d = largest_difference(g->data, e->data, g->numel);
        if (!(d <= bound))
            fail_msg("%s: gradient of %s differs by %.3g, bound %.3g", name, g->name, d, bound);
        worst = fmax(worst, d / bound);
    }
    return worst;
}

static bool near(double a, double b, double bound)
{
    return fabs(a - b) <= bound * fmax(1, fabs(b));
}

/* Closes nn. */
static double check_case(const char *name, rid_nn *nn, tolerance t)
{
    float emb[FLOATS_MAX];
    sample *s = open_sample(name);
    rid_step_figures f = step(nn, s), *e = &s->figures;
    assert_true(f.finite);
    assert_int_equal(f.n_anchors, e->n_anchors);
    assert_int_equal(f.n_active, e->n_active);
    if (!(fabs(f.loss - e->loss) <= t.loss))
        fail_msg("%s: loss %.12g, expected %.12g", name, f.loss, e->loss);
    assert_true(near(f.positive, e->positive, t.loss) && near(f.negative, e->negative, t.loss));
    assert_true(near(f.spread, e->spread, t.loss));
    assert_true(near(f.gradient_norm, e->gradient_norm, t.gradient));
    double worst = check_gradients(name, s, t);
    assert_ok(rid_graph_embed(nn, &s->model, &s->batch, emb, &err));
    assert_true(largest_difference(emb, s->embeddings, s->batch.n * (size_t)s->model.emb_dim) <=
                t.embedding);
    rid_nn_close(nn);
    close_sample(s);
    return worst;
}

static void test_against_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        double f32 = check_case(CASES[i], open_nn(false, 1), SINGLE);
        double f64 = check_case(CASES[i], open_nn(true, 1), DOUBLE);
        check_case(CASES[i], open_nn(false, 2), SINGLE);
        print_message("%-28s worst gradient %.1e of its bound, in float64 %.1e\n", CASES[i], f32, f64);
    }
    assert_int_equal(rid_nn_live(), 0);
}

static void test_on_cuda(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        rid_nn *nn = NULL;
        rid_err why = {0};
        rid_status st = rid_nn_open(&nn, RID_NN_CUDA, 1, false, &why);
        if (st == RID_ECONFIG) {
            print_message("%s\n", why.message);
            skip();
        }
        assert_int_equal(st, RID_OK);
        check_case(CASES[i], nn, SINGLE);
    }
}

/* ---- against finite differences ---- */

static double loss_at(rid_nn *nn, sample *s, float *at, float x)
{
    float kept = *at;
    *at = x;
    double loss = step(nn, s).loss;
    *at = kept;
    return loss;
}

/* A few elements of each tensor. float32 parameters, so the difference that they really have counts. */
static void check_differences(const char *name)
{
    const float H = 1.0f / 4096;
    sample *s = open_sample(name);
    rid_nn *nn = open_nn(true, 1);
    rid_random r = fx_random(11);
    step(nn, s);
    rid_checkpoint grads = s->grads;
    assert_ok(rid_graph_new_like(&s->grads, &s->model, &err));
    for (size_t i = 0; i < s->model.n_tensors; i++) {
        rid_tensor *p = &s->model.tensors[i];
        const float *g = grads.tensors[i].data;
        const double scale = fmax(largest(g, p->numel), 1e-3);
        for (int k = 0; k < 4; k++) {
            size_t at = (size_t)rid_random_below(&r, p->numel);
            float high = p->data[at] + H, low = p->data[at] - H;
            double slope = (loss_at(nn, s, &p->data[at], high) - loss_at(nn, s, &p->data[at], low)) /
                           ((double)high - (double)low);
            if (!(fabs(slope - (double)g[at]) <= 1e-3 * scale))
                fail_msg("%s: %s[%zu]: slope %.8g, gradient %.8g", name, p->name, at, slope,
                         (double)g[at]);
        }
    }
    rid_checkpoint_free(&grads);
    rid_nn_close(nn);
    close_sample(s);
}

static void test_finite_differences(void **state)
{
    (void)state;
    check_differences("attention_soft");
    check_differences("attention_cosine_soft");
    check_differences("average_no_attr_cosine_soft");
    check_differences("xattn_cosine_soft");
    check_differences("xattn_no_attr_dropout");
}

/* ---- against inference ---- */

/* Root of the mean squared distance to the mean: of all pairs, half the mean square. */
static double plain_spread(const float *emb, size_t n, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t d = 0; d < dim; d++)
                sum += pow((double)emb[i * dim + d] - emb[j * dim + d], 2);
    return sqrt(sum / 2) / (double)n;
}

/* Dropout has no part in it: inference has none. */
static void check_inference(const char *name)
{
    double spread;
    rid_burst bursts[ROWS_MAX];
    uint8_t kept[ROWS_MAX][FRAMES_MAX];
    float ours[ROWS_MAX * 16], theirs[ROWS_MAX * 16];
    sample *s = open_sample(name);
    rid_nn *nn = open_nn(false, 1);
    const rid_filter off = {0};
    rid_encoder *e = NULL;
    const size_t dim = (size_t)s->model.emb_dim;
    assert_ok(rid_graph_spread(nn, &s->model, &s->batch, &spread, &err));
    s->batch.dropout = NULL;
    assert_ok(rid_encoder_new(&e, &s->model, &off, NULL, 1, &err));
    for (size_t i = 0; i < s->batch.n; i++)
        bursts[i] = (rid_burst){.frames = s->frames + i * s->batch.max_frames * s->batch.vis_dim,
                                .n_frames = s->n_frames[i],
                                .attr = s->batch.attr ? s->attr + i * s->batch.attr_dim : NULL,
                                .embedding = theirs + i * dim,
                                .kept = kept[i]};
    assert_ok(rid_encoder_run(e, bursts, s->batch.n, 1, &err));
    assert_ok(rid_graph_embed(nn, &s->model, &s->batch, ours, &err));
    assert_true(largest_difference(ours, theirs, s->batch.n * dim) <= SINGLE.embedding);
    assert_true(fabs(spread - plain_spread(theirs, s->batch.n, dim)) <= 1e-5);
    rid_encoder_free(e);
    rid_nn_close(nn);
    close_sample(s);
}

static void test_inference_agrees(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++)
        check_inference(CASES[i]);
}

/* ---- what must not matter ---- */

static void copy_gradients(rid_checkpoint *out, const sample *s)
{
    assert_ok(rid_graph_new_like(out, &s->grads, &err));
    for (size_t i = 0; i < out->n_tensors; i++)
        memcpy(out->tensors[i].data, s->grads.tensors[i].data, out->tensors[i].numel * sizeof(float));
}

static void assert_same_bits(const rid_checkpoint *a, const rid_checkpoint *b)
{
    for (size_t i = 0; i < a->n_tensors; i++)
        assert_memory_equal(a->tensors[i].data, b->tensors[i].data,
                            a->tensors[i].numel * sizeof(float));
}

/* The same bits again, also from another context, and whatever stands behind a row's frames. */
static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        sample *s = open_sample(CASES[i]);
        rid_checkpoint first;
        rid_nn *nn = open_nn(false, 2);
        double loss = step(nn, s).loss;
        copy_gradients(&first, s);
        assert_true(step(nn, s).loss == loss);
        assert_same_bits(&first, &s->grads);
        rid_nn_close(nn);
        nn = open_nn(false, 2);
        const size_t dim = s->batch.vis_dim, row = s->batch.max_frames * dim;
        for (size_t k = 0; k < s->batch.n; k++)
            for (size_t at = s->n_frames[k] * dim; at < row; at++)
                s->frames[k * row + at] = (float)at;
        assert_true(step(nn, s).loss == loss);
        assert_same_bits(&first, &s->grads);
        rid_nn_close(nn);
        rid_checkpoint_free(&first);
        close_sample(s);
    }
}

/* ---- degenerate models ---- */

static rid_tensor *tensor(sample *s, const char *name)
{
    for (size_t i = 0; i < s->model.n_tensors; i++)
        if (strcmp(s->model.tensors[i].name, name) == 0)
            return &s->model.tensors[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

static void test_outputs_without_direction(void **state)
{
    (void)state;
    sample *s = open_sample("attention_hinge");
    rid_nn *nn = open_nn(false, 1);
    memset(tensor(s, "fuse.3.weight")->data, 0, tensor(s, "fuse.3.weight")->numel * sizeof(float));
    memset(tensor(s, "fuse.3.bias")->data, 0, tensor(s, "fuse.3.bias")->numel * sizeof(float));
    rid_step_figures f = step(nn, s); /* all embeddings are zero: distances of 1e-6 */
    assert_true(f.finite && f.spread == 0 && f.gradient_norm == 0);
    assert_true(near(f.loss, s->loss.margin, 1e-12));
    rid_nn_close(nn);
    close_sample(s);
}

static void test_what_is_not_finite(void **state)
{
    (void)state;
    sample *s = open_sample("attention_hinge");
    rid_nn *nn = open_nn(false, 1);
    float *weight = tensor(s, "vis_proj.weight")->data, kept = *weight;
    const float wrong[] = {NAN, INFINITY};
    for (size_t i = 0; i < 2; i++) {
        *weight = wrong[i];
        rid_step_figures f = step(nn, s);
        assert_true(!f.finite && isnan(f.loss) && isnan(f.gradient_norm));
    }
    *weight = kept;
    assert_true(step(nn, s).finite);
    rid_nn_close(nn);
    close_sample(s);
}

/* ---- what does not fit ---- */

static void assert_step_fails(rid_nn *nn, sample *s, const char *part)
{
    rid_step_figures f;
    assert_fails(rid_graph_step(nn, &s->model, &s->batch, &s->loss, &s->grads, &f, &err), RID_EDATA,
                 part);
}

static void test_batches_that_do_not_fit(void **state)
{
    (void)state;
    sample *s = open_sample("attention_hinge");
    rid_nn *nn = open_nn(false, 1);
    const rid_train_batch good = s->batch;
    s->batch.vis_dim = 4;
    assert_step_fails(nn, s, "the batch has vis_dim 4, attr_dim 5, the model 11 and 5");
    s->batch = good;
    s->batch.n = 0;
    assert_step_fails(nn, s, "the batch is empty");
    s->batch = good;
    s->n_frames[3] = 0;
    assert_step_fails(nn, s, "row 3 of the batch has 0 frames, expected 1 to 8");
    s->n_frames[3] = 9;
    assert_step_fails(nn, s, "row 3 of the batch has 9 frames");
    s->n_frames[3] = 1;
    for (uint32_t i = 0; i < good.n; i++)
        s->person[i] = i;
    assert_step_fails(nn, s, "no triplet in 15 rows");
    memset(s->person, 0, sizeof s->person);
    assert_step_fails(nn, s, "no triplet in 15 rows");
    rid_nn_close(nn);
    close_sample(s);
}

static void assert_tensor_fails(rid_nn *nn, const char *name, int dim, const char *part)
{
    sample *s = open_sample("attention_hinge");
    rid_tensor *t = tensor(s, name);
    if (dim < 0)
        t->name[0] = '#';
    else
        t->shape[dim]--;
    assert_step_fails(nn, s, part);
    close_sample(s);
}

static void test_tensors_that_do_not_fit(void **state)
{
    (void)state;
    rid_nn *nn = open_nn(false, 1);
    assert_tensor_fails(nn, "vis_pool.q.weight", -1,
                        "tensor 'vis_pool.q.weight' is missing (fusion mode baseline)");
    assert_tensor_fails(nn, "fuse.3.bias", -1, "tensor 'fuse.3.bias' is missing");
    assert_tensor_fails(nn, "vis_pool.q.weight", 1, "'vis_pool.q.weight' is (9, 10), expected (…, 11)");
    assert_tensor_fails(nn, "vis_pool.k.weight", 0, "'vis_pool.k.weight' is (8, 11), expected (9, 11)");
    assert_tensor_fails(nn, "vis_pool.k.weight", 1, "'vis_pool.k.weight' is (9, 10), expected (9, 11)");
    assert_tensor_fails(nn, "vis_pool.v.bias", 0, "tensor 'vis_pool.v.bias' is (6), expected (7)");
    assert_tensor_fails(nn, "fuse.0.weight", 1, "'fuse.0.weight' is (12, 23), expected (…, 24)");
    assert_tensor_fails(nn, "fuse.3.weight", 0, "'fuse.3.weight' is (9, 12), expected (10, 12)");
    sample *s = open_sample("attention_hinge");
    tensor(s, "fuse.3.weight")->n_dims = 1;
    assert_step_fails(nn, s, "tensor 'fuse.3.weight' has 1 dimensions, expected 2");
    close_sample(s);
    s = open_sample("attention_no_attr_hinge"); /* narrower than the first half */
    tensor(s, "fuse.0.weight")->shape[1] = 3;
    rid_step_figures f;
    assert_fails(rid_graph_step(nn, &s->model, &s->batch, &s->loss, &s->grads, &f, &err), RID_EDATA,
                 "'fuse.0.weight' is (10, 3), expected (…, 10)");
    close_sample(s);
    rid_nn_close(nn);
    assert_int_equal(rid_nn_live(), 0);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    sample *s = open_sample("attention_hinge");
    rid_nn *nn = open_nn(false, 1);
    const int64_t before = rid_mem_live_blocks();
    rid_step_figures f;
    rid_err err = {0};
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_graph_step(nn, &s->model, &s->batch, &s->loss, &s->grads, &f, &err);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK ? nth > 1 : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
        assert_int_equal(rid_nn_live(), 1);
    }
    st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_checkpoint like;
        rid_mem_fail_after(nth);
        st = rid_graph_new_like(&like, &s->model, &err);
        rid_mem_fail_after(0);
        if (st == RID_OK)
            rid_checkpoint_free(&like);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_nn_close(nn);
    close_sample(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: libtorch looks for a GPU's library once, when it is first used. */
        cmocka_unit_test(test_on_cuda),
        cmocka_unit_test(test_against_pytorch),
        cmocka_unit_test(test_finite_differences),
        cmocka_unit_test(test_inference_agrees),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_outputs_without_direction),
        cmocka_unit_test(test_what_is_not_finite),
        cmocka_unit_test(test_batches_that_do_not_fit),
        cmocka_unit_test(test_tensors_that_do_not_fit),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
