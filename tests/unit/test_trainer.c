/* A training's course: what it counts and keeps, when it ends, and the known ways in which it goes wrong,
 * each with its name and advice. */
#include "train/trainer.h"

#include "fixture.h"
#include "train/network.h"
#include "train_fixture.h"

#include "data/base/log.h"
#include "train/validate.h"

enum { VIS = 6, EMB = 8, P = 3, K = 2, STEPS_MAX = 64 };
static const size_t COUNTS[] = {3, 2, 4, 2, 1, 3}; /* 6 people: 2 batches an epoch */
enum { PERSONS = sizeof COUNTS / sizeof COUNTS[0], PER_EPOCH = 2 };

/* ---- a training, and what it reports ---- */

typedef struct rig {
    rid_train_set set;
    uint8_t *use;
    rid_nn *nn;
    rid_trainer t;
    rid_trainer_options o;
    const double *scripted; /* mAP of validation after validation; NULL: `fails` or 0.5 */
    size_t n_validated;
    rid_checkpoint at_best; /* weights at validation number `best`, from 1 */
    size_t best;
    bool encodes; /* validation encodes as in serving */
    rid_step_figures figures[STEPS_MAX];
    double lr[STEPS_MAX];
    size_t n_steps;
    char log[2048];
} rig;

static void keep_line(void *ctx, rid_log_level level, const char *line)
{
    rig *r = ctx;
    assert_int_equal(level, RID_LOG_WARN);
    strncat(r->log, line, sizeof r->log - strlen(r->log) - 2);
    strcat(r->log, "\n");
}

static rid_status validate(void *ctx, const rid_checkpoint *params, rid_validation *out,
                           rid_err *err)
{
    rig *r = ctx;
    *out = (rid_validation){.map = r->scripted ? r->scripted[r->n_validated] : 0.5,
                            .rank1 = 0.25,
                            .best = {{.f1 = 0.125}, {.f1 = 0.375}}};
    if (++r->n_validated == r->best)
        assert_int_equal(rid_network_copy(&r->at_best, params, err), RID_OK);
    if (!r->encodes)
        return RID_OK;
    float *emb = rid_mem_alloc_aligned(r->set.n * EMB, sizeof *emb);
    uint8_t *usable = rid_mem_alloc(r->set.n, 1);
    rid_status st = rid_validate_encode(&r->set, params, emb, usable, 1, err);
    rid_mem_free(emb);
    rid_mem_free(usable);
    return st;
}

static rid_status note_step(void *ctx, const rid_trainer *t, const rid_fed_batch *batch,
                            const rid_step_figures *figures, double lr, rid_err *err)
{
    rig *r = ctx;
    (void)err;
    assert_int_equal(batch->step, t->progress.step);
    assert_int_equal(batch->step, r->n_steps);
    r->figures[r->n_steps] = *figures;
    r->lr[r->n_steps++] = lr;
    return RID_OK;
}

static void open_rig(rig *r, const tx_shape *shape)
{
    *r = (rig){.set = tx_new_set(shape)};
    r->use = tx_use_all(&r->set);
    r->o = (rid_trainer_options){.feed = {.pk = {.p = P, .k = K, .seed = 3}},
                                 .loss = {RID_DISTANCE_EUCLIDEAN, false, 0.3},
                                 .schedule = RID_SCHEDULE_CONSTANT,
                                 .lr = 1e-3,
                                 .epochs = 5,
                                 .val_every = 1,
                                 .threads = 1};
    assert_ok(rid_nn_open(&r->nn, RID_NN_CPU, 1, false, &err));
    rid_log_set_sink(keep_line, r);
}

static void open_plain(rig *r)
{
    const tx_shape shape = {COUNTS, PERSONS, VIS, 0, 3, 0.5, 1};
    open_rig(r, &shape);
}

static void start(rig *r, rid_init init)
{
    const rid_network network = {.emb_dim = EMB, .mean_pool = true};
    rid_linear_choice choice = {0, -1};
    rid_checkpoint params;
    const rid_trainer_events events = {.ctx = r, .validate = validate, .step = note_step};
    assert_ok(rid_network_start(&params, &network, &r->set, r->use, init, &choice, 1, 0, 1, &err));
    r->o.feed.dropout_dim = rid_network_dropout_dim(&params);
    assert_ok(rid_trainer_init(&r->t, &r->o, &events, &params, r->nn, &err));
    assert_ok(rid_trainer_start(&r->t, &r->set, r->use, &err));
}

/* To its end, or to what ends it. */
static rid_status train(rig *r, rid_err *err)
{
    rid_status st = RID_OK;
    while (st == RID_OK && !rid_trainer_is_over(&r->t))
        st = rid_trainer_advance(&r->t, err);
    return st;
}

static void close_rig(rig *r)
{
    rid_log_set_sink(NULL, NULL);
    rid_trainer_clear(&r->t);
    rid_checkpoint_free(&r->at_best);
    rid_nn_close(r->nn);
    rid_mem_free(r->use);
    rid_train_set_clear(&r->set);
    assert_int_equal(rid_nn_live(), 0);
    assert_int_equal(rid_mem_live_blocks(), 0);
}

static void assert_same_weights(const rid_checkpoint *a, const rid_checkpoint *b)
{
    for (size_t i = 0; i < a->n_tensors; i++)
        assert_memory_equal(a->tensors[i].data, b->tensors[i].data,
                            a->tensors[i].numel * sizeof *a->tensors[i].data);
}

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-12 * (1 + fabs(b));
}

/* ---- a good one ---- */

static void test_an_epoch_is_the_mean_of_its_steps(void **state)
{
    (void)state;
    rig r;
    open_plain(&r);
    r.o.warmup = 3;
    start(&r, RID_INIT_RANDOM);
    assert_int_equal(rid_trainer_steps_per_epoch(&r.t), PER_EPOCH);
    assert_int_equal(rid_trainer_total_steps(&r.t), 5 * PER_EPOCH);
    assert_ok(train(&r, &err));
    assert_int_equal(r.n_steps, 5 * PER_EPOCH);
    assert_int_equal(r.t.n_history, 5);
    for (size_t e = 0; e < 5; e++) {
        const rid_epoch_record *h = &r.t.history[e];
        const rid_step_figures *a = &r.figures[e * PER_EPOCH], *b = a + 1;
        assert_int_equal(h->epoch, e + 1);
        assert_int_equal(h->step, (e + 1) * PER_EPOCH);
        assert_true(h->validated && h->validation.map == 0.5);
        assert_true(near(h->loss, (a->loss + b->loss) / 2));
        assert_true(near(h->spread, (a->spread + b->spread) / 2));
        assert_true(near(h->positive, (a->positive + b->positive) / 2));
        assert_true(near(h->negative, (a->negative + b->negative) / 2));
        assert_true(near(h->gradient_norm, (a->gradient_norm + b->gradient_norm) / 2));
        assert_true(near(h->active, ((double)a->n_active / (double)a->n_anchors +
                                     (double)b->n_active / (double)b->n_anchors) /
                                        2));
        assert_true(near(h->lr, (r.lr[e * PER_EPOCH] + r.lr[e * PER_EPOCH + 1]) / 2));
    }
    assert_true(near(r.lr[0], 1e-3 / 3) && near(r.lr[1], 2e-3 / 3) && near(r.lr[2], 1e-3));
    assert_true(near(r.lr[9], 1e-3));
    assert_string_equal(r.log, "");
    close_rig(&r);
}

/* Of equals the first is the best; the end comes `patience` validations behind it. */
static void test_best_and_patience(void **state)
{
    (void)state;
    static const double maps[] = {NAN, 0.5, 0.75, 0.5, 0.75, 0.25, 0.875};
    rig r;
    open_plain(&r);
    r.scripted = maps;
    r.o.epochs = 30;
    r.o.val_every = 2;
    r.o.patience = 3;
    r.best = 3;
    start(&r, RID_INIT_RANDOM);
    assert_ok(train(&r, &err));
    assert_int_equal(r.n_validated, 6);
    assert_int_equal(r.t.progress.step, 12 * PER_EPOCH);
    assert_int_equal(r.t.progress.best_step, 6 * PER_EPOCH);
    assert_true(r.t.progress.best_value == 0.75 && r.t.progress.best_validation.map == 0.75);
    assert_same_weights(&r.t.best, &r.at_best);
    assert_memory_not_equal(r.t.best.tensors[0].data, r.t.params.tensors[0].data,
                            r.t.params.tensors[0].numel * sizeof(float));
    for (size_t i = 0; i < r.t.n_history; i++)
        assert_int_equal(r.t.history[i].validated, r.t.history[i].epoch % 2 == 0);
    close_rig(&r);
}

/* The last epoch, though cut short, is recorded and validated. */
static void test_max_steps(void **state)
{
    (void)state;
    rig r;
    open_plain(&r);
    r.o.max_steps = 2 * PER_EPOCH + 1;
    r.o.val_every = 10;
    start(&r, RID_INIT_RANDOM);
    assert_int_equal(rid_trainer_total_steps(&r.t), 2 * PER_EPOCH + 1);
    assert_ok(train(&r, &err));
    assert_int_equal(r.n_steps, 2 * PER_EPOCH + 1);
    assert_int_equal(r.t.n_history, 3);
    assert_int_equal(r.n_validated, 1);
    assert_true(r.t.history[2].validated && near(r.t.history[2].loss, r.figures[4].loss));
    close_rig(&r);
}

static void test_what_selects(void **state)
{
    (void)state;
    const rid_validation v = {.map = 0.1, .rank1 = 0.2, .best = {{.f1 = 0.3}, {.f1 = 0.4}}},
                         half = {.map = NAN, .best = {{.f1 = NAN}, {.f1 = 0.4}}};
    assert_true(rid_validation_value(&v, RID_SELECT_MAP) == 0.1);
    assert_true(rid_validation_value(&v, RID_SELECT_RANK1) == 0.2);
    assert_true(rid_validation_value(&v, RID_SELECT_F1) == 0.4);
    assert_true(isnan(rid_validation_value(&half, RID_SELECT_MAP)));
    assert_true(rid_validation_value(&half, RID_SELECT_F1) == 0.4);
}

/* Adam's first moment after one update is (1 − β₁) times the gradient that it was given. */
static double length_of_first_gradient(double clip_norm, double *told)
{
    rig r;
    double squares = 0;
    open_plain(&r);
    r.o.clip_norm = clip_norm;
    start(&r, RID_INIT_RANDOM);
    assert_ok(rid_trainer_advance(&r.t, &err));
    *told = r.figures[0].gradient_norm;
    for (size_t i = 0; i < r.t.adam.first.n_tensors; i++)
        for (size_t k = 0; k < r.t.adam.first.tensors[i].numel; k++)
            squares += pow(r.t.adam.first.tensors[i].data[k], 2);
    close_rig(&r);
    return sqrt(squares) / 0.1;
}

static void test_clipping(void **state)
{
    (void)state;
    double norm, told;
    assert_true(fabs(length_of_first_gradient(0, &norm) - norm) < 1e-6 * norm);
    assert_true(fabs(length_of_first_gradient(norm / 4, &told) - norm / 4) < 1e-6 * norm);
    assert_true(told == norm); /* as it was */
    assert_true(fabs(length_of_first_gradient(norm * 2, &told) - norm) < 1e-6 * norm);
}

/* ---- what goes wrong ---- */

static void test_no_triplet(void **state)
{
    (void)state;
    rig r;
    open_plain(&r);
    r.o.feed.pk.k = 1;
    start(&r, RID_INIT_RANDOM);
    assert_fails(train(&r, &err), RID_EDATA, "no batch of epoch 1 has a triplet");
    assert_int_equal(r.n_steps, 0);
    assert_int_equal(r.t.progress.n_without_anchor, PER_EPOCH);
    close_rig(&r);
}

static void test_divergence_in_a_step(void **state)
{
    (void)state;
    rig r;
    open_plain(&r);
    r.o.lr = 1e30;
    start(&r, RID_INIT_RANDOM);
    assert_fails(train(&r, &err), RID_EFAIL,
                 "training diverged: loss or gradients of step 1 are not finite; lower --lr");
    assert_int_equal(r.t.progress.step, 1); /* stands where it stood */
    assert_int_equal(r.t.adam.steps, 1);
    assert_int_equal(r.t.n_history, 0);
    close_rig(&r);
}

/* The step that overshoots ends an epoch: it is validation that sees it first. */
static void test_divergence_at_validation(void **state)
{
    (void)state;
    rig r;
    open_plain(&r);
    r.o.feed.pk.p = PERSONS;
    r.o.lr = 1e30;
    r.encodes = true;
    r.best = 1;
    start(&r, RID_INIT_RANDOM);
    assert_fails(train(&r, &err), RID_EFAIL, "training diverged");
    assert_int_equal(r.t.progress.best_step, 0);
    assert_int_equal(r.t.n_history, 0);
    close_rig(&r);
}

/* All frames are the same: so are all embeddings, whatever the weights. */
static void make_alike(rid_train_set *set)
{
    for (size_t f = 1; f < set->n_frames; f++)
        memcpy(set->frames + f * VIS, set->frames, VIS * sizeof *set->frames);
}

static void check_collapse(bool soft, double dropout, const char *loss)
{
    rig r;
    open_plain(&r);
    make_alike(&r.set);
    r.o.loss.soft = soft;
    r.o.feed.dropout = dropout;
    r.o.epochs = 50;
    start(&r, RID_INIT_RANDOM);
    assert_fails(train(&r, &err), RID_EFAIL,
                 "training collapsed: embeddings of different people are the same");
    assert_int_equal(r.t.n_history, 3); /* in a row */
    assert_true(r.t.history[2].spread < 1e-6);
    assert_non_null(strstr(r.log, "epoch 1: the spread of the embeddings vanishes"));
    assert_null(strstr(r.log, "epoch 2"));
    assert_int_equal(r.t.progress.best_step, PER_EPOCH);            /* and the best is kept */
    assert_fails(rid_trainer_advance(&r.t, &err), RID_EFAIL, loss); /* the epoch's end again */
    assert_fails(rid_trainer_advance(&r.t, &err), RID_EFAIL,
                 "lower --lr, warm up longer (--warmup), or start from --init lda");
    close_rig(&r);
}

static void test_collapse(void **state)
{
    (void)state;
    check_collapse(false, 0, "loss 0.3, which is where equal distances leave it)");
    check_collapse(true, 0, "loss 0.6931, which is where equal distances leave it)");
}

/* Dropout moves equal embeddings apart: that must not hide it. */
static void test_collapse_behind_dropout(void **state)
{
    (void)state;
    check_collapse(false, 0.1, "");
    check_collapse(true, 0.3, "");
}

/* Four entries on a circle, each as far from its person's other as from the next person's. */
static void put_on_circle(rid_train_set *set, const int *quarter)
{
    memset(set->frames, 0, set->n_frames * VIS * sizeof *set->frames);
    for (size_t i = 0; i < set->n; i++)
        set->frames[set->entries[i].first * VIS + (size_t)(quarter[i] % 2)] =
            quarter[i] < 2 ? 1 : -1;
}

static void train_on_circle(rig *r, const int *quarter)
{
    static const size_t two[] = {2, 2};
    const tx_shape shape = {two, 2, VIS, 0, 1, 0.5, 1};
    open_rig(r, &shape);
    put_on_circle(&r->set, quarter);
    r->o.feed.pk.p = 2;
    r->o.lr = 0;
    start(r, RID_INIT_PCA);
    assert_ok(train(r, &err));
}

static void test_stuck_at_the_margin(void **state)
{
    (void)state;
    static const int beside[] = {0, 1, 2, 3};
    rig r;
    train_on_circle(&r, beside);
    assert_true(r.t.history[0].spread > 0.9 && fabs(r.t.history[0].loss - 0.3) < 0.003);
    assert_non_null(
        strstr(r.log, "epoch 2: the loss sits at 0.3, where nothing is told apart; a lower --lr"
                      " or --soft-margin may help"));
    assert_null(strstr(r.log, "epoch 3"));
    close_rig(&r);
}

static void test_no_active_triplet(void **state)
{
    (void)state;
    static const int together[] = {0, 0, 2, 2};
    rig r;
    train_on_circle(&r, together);
    assert_true(r.t.history[0].active == 0 && r.t.history[0].loss == 0);
    assert_non_null(strstr(r.log, "epoch 1: no active triplet is left"));
    assert_non_null(strstr(r.log, "a larger --margin, --soft-margin or a larger --p"));
    assert_null(strstr(r.log, "epoch 2"));
    close_rig(&r);
}

static void test_short_of_memory(void **state)
{
    (void)state;
    const rid_network network = {.emb_dim = EMB, .mean_pool = true};
    const rid_trainer_events events = {0};
    rid_linear_choice choice = {0, -1};
    rig r;
    open_plain(&r);
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        rid_checkpoint params;
        rid_err err = {0};
        assert_int_equal(rid_network_start(&params, &network, &r.set, r.use, RID_INIT_RANDOM,
                                           &choice, 1, 0, 1, &err),
                         RID_OK);
        rid_mem_fail_after(nth);
        rid_status st = rid_trainer_init(&r.t, &r.o, &events, &params, r.nn, &err);
        if (st == RID_OK)
            st = rid_trainer_start(&r.t, &r.set, r.use, &err);
        rid_mem_fail_after(0);
        done = st == RID_OK;
        assert_true(done || (st == RID_ETEMP && err.code == RID_ETEMP));
        assert_null(params.tensors);
        rid_trainer_clear(&r.t);
    }
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_is_the_mean_of_its_steps),
        cmocka_unit_test(test_best_and_patience),
        cmocka_unit_test(test_max_steps),
        cmocka_unit_test(test_what_selects),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_no_triplet),
        cmocka_unit_test(test_divergence_in_a_step),
        cmocka_unit_test(test_divergence_at_validation),
        cmocka_unit_test(test_collapse),
        cmocka_unit_test(test_collapse_behind_dropout),
        cmocka_unit_test(test_stuck_at_the_margin),
        cmocka_unit_test(test_no_active_triplet),
        cmocka_unit_test(test_short_of_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
