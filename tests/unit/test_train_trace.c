/* The trace of a training: a step's line to the letter, the weights and gradients beside it, and what is
 * kept of it where a run goes on. */
#include "fixture.h"

#include "train/network.h"
#include "train/train_trace.h"
#include "train_fixture.h"

enum { ENTRIES = 3, MAX_FRAMES = 4 };

/* A trainer with numbers of its own, and a batch of entries 4, 0, 4 with frames 0 and 2; 0; 2. */
typedef struct rig {
    rid_train_set set;
    uint8_t *use;
    rid_trainer t;
    rid_train_trace *trace;
    uint32_t entry[ENTRIES], n_frames[ENTRIES], frames[ENTRIES * MAX_FRAMES];
} rig;

static void open_rig(rig *r)
{
    static const size_t counts[] = {2, 2, 2};
    const tx_shape shape = {counts, 3, 4, 0, 3, 0.1, 1};
    const rid_network network = {.emb_dim = 4, .mean_pool = true, .dropout = 0.5};
    const rid_trainer_options o = {.feed = {.pk = {.p = 2, .k = 2}},
                                   .epochs = 1}; /* 2 steps an epoch */
    const rid_trainer_events events = {0};
    rid_linear_choice choice = {0};
    rid_checkpoint params;
    *r = (rig){.set = tx_new_set(&shape),
               .entry = {4, 0, 4},
               .n_frames = {2, 1, 1},
               .frames = {0, 2, 9, 9, 0, 9, 9, 9, 2, 9, 9, 9}};
    assert_int_equal(r->set.entries[4].n_frames, 3);
    r->use = tx_use_all(&r->set);
    assert_ok(rid_network_start(&params, &network, &r->set, NULL, RID_INIT_RANDOM, &choice, 1, 0, 1,
                                &err));
    assert_ok(rid_trainer_init(&r->t, &o, &events, &params, NULL, &err));
    for (size_t i = 0; i < r->set.n; i++)
        r->set.entries[i].n_frames = 1; /* of the entries that the feed's own batches have */
    assert_ok(rid_trainer_start(&r->t, &r->set, r->use, &err));
    for (int i = 0; i < 2; i++) { /* so that its thread needs no more memory */
        rid_fed_batch fed;
        assert_ok(rid_batch_feed_next(r->t.feed, &fed, &err));
    }
    for (size_t i = 0; i < r->t.grads.n_tensors; i++)
        for (size_t k = 0; k < r->t.grads.tensors[i].numel; k++)
            r->t.grads.tensors[i].data[k] = (float)(i + 1) / (float)(k + 3);
}

static void close_rig(rig *r)
{
    rid_train_trace_close(r->trace);
    rid_trainer_clear(&r->t);
    rid_mem_free(r->use);
    rid_train_set_clear(&r->set);
}

static void begin_at(rig *r, const char *folder, uint64_t n_params, uint64_t step)
{
    rid_train_trace_close(r->trace);
    assert_ok(rid_train_trace_open(&r->trace, fx_path(folder), n_params, step, &err));
}

static rid_status add(rig *r, uint64_t step, double loss, double lr, rid_err *err)
{
    const rid_fed_batch fed = {.step = step,
                               .batch = {.n = ENTRIES,
                                         .max_frames = MAX_FRAMES,
                                         .n_frames = r->n_frames,
                                         .entry = r->entry},
                               .frames = r->frames};
    const rid_step_figures figures = {.loss = loss};
    return rid_train_trace_add(r->trace, &r->t, &r->set, &fed, &figures, lr, err);
}

static void assert_lines(const char *folder, const char *expected)
{
    char name[100];
    snprintf(name, sizeof name, "%s/steps.jsonl", folder);
    rid_buf text = fx_read(fx_path(name));
    assert_string_equal(rid_buf_cstr(&text) ? rid_buf_cstr(&text) : "", expected);
    rid_buf_free(&text);
}

/* Places of frames are those in the payload: of the fixture's frame f, 2f + 1. */
#define LINE(step, epoch, lr, loss)                                                                \
    "{\"step\":" step ",\"epoch\":" epoch ",\"lr\":" lr ",\"loss\":" loss                          \
    ",\"entry_ids\":[\"2-0\",\"0-0\",\"2-0\"],\"frames\":[[1,5],[1],[5]]}\n"

static void test_lines(void **state)
{
    (void)state;
    rig r;
    open_rig(&r);
    begin_at(&r, "deep/lines", 0, 0);
    assert_ok(add(&r, 0, 0.5, 0.25, &err));
    assert_ok(add(&r, 1, 0.1, 3e-4, &err));
    assert_ok(add(&r, 2, NAN, 1, &err));
    assert_lines("deep/lines", LINE("0", "1", "0.25", "0.5") LINE("1", "1", "3e-04", "0.1")
                                   LINE("2", "2", "1", "null"));
    assert_int_equal(unlink(fx_path("deep/lines/steps.jsonl")), 0);
    assert_int_equal(rmdir(fx_path("deep/lines")), 0); /* no weights were asked for */
    close_rig(&r);
}

/* Ids are any text. */
static void test_ids(void **state)
{
    (void)state;
    rig r;
    open_rig(&r);
    r.set.entries[4].id = rid_str_of("a\"b\\\n\xc3\xa4");
    r.set.entries[0].id = rid_str_of("");
    begin_at(&r, "ids", 0, 0);
    assert_ok(add(&r, 0, 1, 1, &err));
    assert_lines("ids", "{\"step\":0,\"epoch\":1,\"lr\":1,\"loss\":1,"
                        "\"entry_ids\":[\"a\\\"b\\\\\\n\xc3\xa4\",\"\","
                        "\"a\\\"b\\\\\\n\xc3\xa4\"],\"frames\":[[1,5],[1],[5]]}\n");
    close_rig(&r);
}

static void assert_tensors(const char *name, const rid_checkpoint *like,
                           const rid_checkpoint *expected)
{
    rid_checkpoint got;
    assert_ok(rid_checkpoint_read(&got, fx_path(name), &err));
    assert_int_equal(got.n_tensors, expected->n_tensors);
    for (size_t i = 0; i < got.n_tensors; i++) {
        const rid_tensor *t = rid_checkpoint_find(expected, got.tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->numel, got.tensors[i].numel);
        assert_memory_equal(t->data, got.tensors[i].data, t->numel * sizeof *t->data);
    }
    assert_int_equal(got.vis_dim, like->vis_dim);
    assert_int_equal(got.emb_dim, like->emb_dim);
    assert_int_equal(got.use_attention, like->use_attention);
    assert_string_equal(got.fusion_mode, like->fusion_mode);
    assert_true(got.dropout == like->dropout);
    assert_null(got.rid);
    rid_checkpoint_free(&got);
}

static void test_weights_and_gradients(void **state)
{
    (void)state;
    rig r;
    open_rig(&r);
    r.t.params.rid = rid_mem_strdup("of other weights");
    begin_at(&r, "weights", 2, 0);
    assert_ok(add(&r, 0, 1, 1, &err));
    assert_tensors("weights/params-000000.pt", &r.t.params, &r.t.params);
    assert_tensors("weights/grads-000000.pt", &r.t.params, &r.t.grads);
    r.t.params.tensors[0].data[0] += 1;
    r.t.grads.tensors[0].data[0] -= 1;
    assert_ok(add(&r, 1, 1, 1, &err));
    assert_ok(add(&r, 2, 1, 1, &err));
    assert_tensors("weights/params-000001.pt", &r.t.params, &r.t.params);
    assert_tensors("weights/grads-000001.pt", &r.t.params, &r.t.grads);
    assert_false(fx_exists(fx_path("weights/params-000002.pt")));
    assert_false(fx_exists(fx_path("weights/grads-000002.pt")));
    begin_at(&r, "weights", 2, 1); /* a step that is done again replaces them */
    r.t.params.tensors[0].data[0] += 1;
    assert_ok(add(&r, 1, 1, 1, &err));
    assert_tensors("weights/params-000001.pt", &r.t.params, &r.t.params);
    close_rig(&r);
}

/* A line for each step, whatever a killed run had written beyond its last save. */
static void test_going_on(void **state)
{
    (void)state;
    rig r;
    char text[4000];
    open_rig(&r);
    begin_at(&r, "on", 0, 0);
    for (uint64_t step = 0; step < 5; step++)
        assert_ok(add(&r, step, 1, 1, &err));
    begin_at(&r, "on", 0, 3);
    assert_lines("on", LINE("0", "1", "1", "1") LINE("1", "1", "1", "1") LINE("2", "2", "1", "1"));
    assert_ok(add(&r, 3, 2, 1, &err));
    const char *four = LINE("0", "1", "1", "1") LINE("1", "1", "1", "1") LINE("2", "2", "1", "1")
        LINE("3", "2", "1", "2");
    assert_lines("on", four);
    /* cut in the middle of a line: what is left of it goes */
    for (size_t n = 1; n < 60; n += 7) {
        snprintf(text, sizeof text, "%s", four);
        text[strlen(four) - n] = '\0';
        fx_write("on/steps.jsonl", text);
        begin_at(&r, "on", 0, 100);
        assert_lines("on",
                     LINE("0", "1", "1", "1") LINE("1", "1", "1", "1") LINE("2", "2", "1", "1"));
    }
    /* what is no line of a trace ends it */
    snprintf(text, sizeof text, "%s%s", LINE("0", "1", "1", "1") "{\"stop\":0,\"epoch\":1}\n",
             LINE("1", "1", "1", "1"));
    fx_write("on/steps.jsonl", text);
    begin_at(&r, "on", 0, 100);
    assert_lines("on", LINE("0", "1", "1", "1"));
    begin_at(&r, "on", 0, 0); /* anew */
    assert_lines("on", "");
    close_rig(&r);
}

/* A run may be traced from where it goes on. */
static void test_going_on_without_a_trace(void **state)
{
    (void)state;
    rig r;
    open_rig(&r);
    begin_at(&r, "late", 0, 7);
    assert_ok(add(&r, 7, 1, 1, &err));
    assert_lines("late", LINE("7", "4", "1", "1"));
    close_rig(&r);
}

static void test_refused(void **state)
{
    (void)state;
    rid_train_trace *trace = NULL;
    fx_write("file", "x");
    assert_int_not_equal(rid_train_trace_open(&trace, fx_path("file"), 0, 0, NULL), RID_OK);
    assert_null(trace);
    assert_int_equal(mkdir(fx_path("odd"), 0777), 0);
    assert_int_equal(mkdir(fx_path("odd/steps.jsonl"), 0777), 0);
    for (uint64_t step = 0; step < 2; step++) {
        assert_int_not_equal(rid_train_trace_open(&trace, fx_path("odd"), 0, step, NULL), RID_OK);
        assert_null(trace);
    }
    rid_train_trace_close(NULL);
}

static void test_no_memory(void **state)
{
    (void)state;
    rig r;
    rid_status st = RID_ETEMP;
    open_rig(&r);
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_mem_fail_after(nth);
        st = rid_train_trace_open(&r.trace, fx_path("shortage"), 1, nth > 3, NULL);
        if (st == RID_OK)
            st = add(&r, 0, 1, 1, NULL);
        rid_mem_fail_after(0);
        rid_train_trace_close(r.trace);
        r.trace = NULL;
        assert_true(st == RID_OK ? nth > 10 : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_weights_and_gradients),
        cmocka_unit_test(test_going_on),
        cmocka_unit_test(test_going_on_without_a_trace),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
