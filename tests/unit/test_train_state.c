/* The resume state: every bit comes back; what is damaged, cut, of other settings or another network is
 * refused. */
#include "train/train_state.h"

#include "fixture.h"
#include "train/network.h"
#include "train_fixture.h"

#include <signal.h>
#include <sys/resource.h>

enum { HEADER = 48 };
static const char SETTINGS[] =
    "data: 0123abc\nfilter: {\"on\":true}\nlr: 0.0003\np: 32\nschedule: cosine\n";

/* ---- trainers with every number set ---- */

static void fill(void *to, size_t n, rid_random *r)
{
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)to)[i] = (unsigned char)rid_random_below(r, 256);
}

static void fill_tensors(rid_checkpoint *ck, rid_random *r)
{
    for (size_t i = 0; i < ck->n_tensors; i++)
        fill(ck->tensors[i].data, ck->tensors[i].numel * sizeof(float), r);
}

static void init_trainer(rid_trainer *t, size_t emb_dim)
{
    static const size_t counts[] = {2, 1};
    const tx_shape shape = {counts, 2, 2, 1, 1, 0.1, 1};
    rid_train_set set = tx_new_set(&shape);
    const rid_network network = {.emb_dim = emb_dim, .mean_pool = true};
    const rid_trainer_options o = {.epochs = 1};
    const rid_trainer_events events = {0};
    rid_linear_choice choice = {0};
    rid_checkpoint params;
    assert_ok(
        rid_network_start(&params, &network, &set, NULL, RID_INIT_RANDOM, &choice, 1, 0, 1, &err));
    assert_ok(rid_trainer_init(t, &o, &events, &params, NULL, &err));
    rid_train_set_clear(&set);
}

static void make_trainer(rid_trainer *t, size_t emb_dim, size_t n_history, uint64_t seed)
{
    rid_random r = fx_random(seed);
    init_trainer(t, emb_dim);
    fill_tensors(&t->params, &r);
    fill_tensors(&t->best, &r);
    fill_tensors(&t->adam.first, &r);
    fill_tensors(&t->adam.second, &r);
    t->adam.steps = seed * 1000 + 7;
    fill(&t->progress, sizeof t->progress, &r);
    if (n_history > 0)
        assert_int_equal(rid_mem_grow(&t->history, &t->history_cap, n_history, sizeof *t->history),
                         0);
    t->n_history = n_history;
    for (size_t i = 0; i < n_history; i++) {
        memset(&t->history[i], 0, sizeof *t->history);
        t->history[i].epoch = i + 1;
        t->history[i].loss = rid_random_normal(&r);
        t->history[i].validated = i % 2;
        t->history[i].validation.best[1].margin = i % 2 ? rid_random_normal(&r) : NAN;
    }
}

static void assert_same_tensors(const rid_checkpoint *a, const rid_checkpoint *b)
{
    assert_true(a->n_tensors > 4 && a->n_tensors == b->n_tensors);
    for (size_t i = 0; i < a->n_tensors; i++)
        assert_memory_equal(a->tensors[i].data, b->tensors[i].data,
                            a->tensors[i].numel * sizeof(float));
}

static void assert_same(const rid_trainer *a, const rid_trainer *b)
{
    assert_same_tensors(&a->params, &b->params);
    assert_same_tensors(&a->best, &b->best);
    assert_same_tensors(&a->adam.first, &b->adam.first);
    assert_same_tensors(&a->adam.second, &b->adam.second);
    assert_int_equal(a->adam.steps, b->adam.steps);
    assert_memory_equal(&a->progress, &b->progress, sizeof a->progress);
    assert_int_equal(a->n_history, b->n_history);
    if (a->n_history > 0)
        assert_memory_equal(a->history, b->history, a->n_history * sizeof *a->history);
}

static rid_train_phases make_phases(uint64_t current)
{
    rid_random r = fx_random(99);
    rid_train_phases phases;
    fill(&phases, sizeof phases, &r);
    phases.current = current;
    return phases;
}

/* A state of one training or of two, in the file of that name. */
static const char *write_state(const char *name, const rid_trainer *main, const rid_trainer *other)
{
    const char *path = fx_path(name);
    const rid_train_phases phases = make_phases(other ? 3 : 0);
    assert_ok(rid_train_state_write(path, SETTINGS, &phases, main, other ? other : main, &err));
    return path;
}

static rid_train_state *open_state(const char *path)
{
    rid_train_state *s = NULL;
    assert_ok(rid_train_state_open(&s, path, SETTINGS, &err));
    return s;
}

/* ---- what comes back ---- */

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 5};
    for (size_t i = 0; i < 3; i++) {
        rid_trainer main, other, got_main, got_other;
        make_trainer(&main, 4, lengths[i], 1);
        make_trainer(&other, 4, lengths[2 - i], 2);
        make_trainer(&got_main, 4, 3, 3); /* whatever they had before */
        init_trainer(&got_other, 4);
        const rid_train_phases phases = make_phases(3);
        rid_train_state *s = open_state(write_state("two", &main, &other));
        assert_memory_equal(rid_train_state_phases(s), &phases, sizeof phases);
        assert_ok(rid_train_state_restore_main(s, &got_main, &err));
        assert_same(&got_main, &main);
        for (int twice = 0; twice < 2; twice++) {
            assert_ok(rid_train_state_restore_current(s, &got_other, &err));
            assert_same(&got_other, &other);
        }
        rid_train_state_close(s);
        rid_trainer_clear(&main);
        rid_trainer_clear(&other);
        rid_trainer_clear(&got_main);
        rid_trainer_clear(&got_other);
    }
}

static void test_one_training(void **state)
{
    (void)state;
    rid_trainer main, got;
    make_trainer(&main, 4, 2, 1);
    init_trainer(&got, 4);
    const char *path = write_state("one", &main, NULL);
    rid_buf first = fx_read(path);
    rid_train_state *s = open_state(path);
    assert_int_equal(rid_train_state_phases(s)->current, 0);
    assert_ok(rid_train_state_restore_main(s, &got, &err));
    assert_same(&got, &main);
    rid_train_state_close(s);
    rid_buf second = fx_read(write_state("one", &got, NULL)); /* replaces it */
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    rid_buf_free(&first);
    rid_buf_free(&second);
    rid_trainer_clear(&main);
    rid_trainer_clear(&got);
}

/* ---- damage ---- */

/* Opening is refused with a message that names the file and has `part`; `at` and `what` are for us. */
static void assert_refused(const char *path, const char *part, size_t at, const char *what)
{
    rid_err err = {0};
    rid_train_state *s = (rid_train_state *)&err;
    rid_status st = rid_train_state_open(&s, path, SETTINGS, &err);
    if (st != RID_EDATA || s || !strstr(err.message, path) || !strstr(err.message, part))
        fail_msg("%s %zu: status %d, '%s'", what, at, (int)st, st == RID_OK ? "" : err.message);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    rid_trainer main, other;
    make_trainer(&main, 4, 2, 1);
    make_trainer(&other, 4, 1, 2);
    rid_buf whole = fx_read(write_state("whole", &main, &other));
    assert_true(whole.len > 1500 && whole.len < 20000);
    const char *path = fx_write_bytes("cut", whole.data, whole.len);
    for (size_t n = whole.len; n-- > 0;) {
        assert_int_equal(truncate(path, (off_t)n), 0);
        assert_refused(path, n < HEADER ? "bytes are no resume state" : "it was cut short", n,
                       "the first");
    }
    rid_buf_append_char(&whole, 'x');
    assert_refused(fx_write_bytes("longer", whole.data, whole.len), "bytes, expected", whole.len,
                   "all");
    rid_buf_free(&whole);
    rid_trainer_clear(&main);
    rid_trainer_clear(&other);
}

/* Header included: a length of the settings that is off by one would shift every weight. */
static void test_flipped_bits(void **state)
{
    (void)state;
    rid_trainer main;
    rid_random r = fx_random(4);
    make_trainer(&main, 4, 2, 1);
    const char *path = write_state("flipped", &main, NULL);
    rid_buf whole = fx_read(path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    for (size_t at = 0; at < whole.len; at++) {
        const int first = at < HEADER + sizeof SETTINGS ? 0 : (int)rid_random_below(&r, 8);
        const int last = at < HEADER + sizeof SETTINGS ? 7 : first;
        for (int bit = first; bit <= last; bit++) {
            const char flipped = (char)(whole.data[at] ^ (1 << bit));
            assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
            assert_refused(path, at < HEADER ? "" : "damaged", at, "a bit of byte");
        }
        assert_int_equal(pwrite(fd, whole.data + at, 1, (off_t)at), 1);
    }
    close(fd);
    rid_train_state_close(open_state(path)); /* every bit is back */
    rid_buf_free(&whole);
    rid_trainer_clear(&main);
}

static void test_what_is_no_state(void **state)
{
    (void)state;
    rid_train_state *s;
    char zeros[4096] = {0}, ones[4096];
    memset(ones, 255, sizeof ones);
    assert_fails(rid_train_state_open(&s, fx_path("nowhere"), SETTINGS, &err), RID_ENOINPUT,
                 "nowhere");
    assert_null(s);
    assert_fails(rid_train_state_open(&s, fx_write("empty", ""), SETTINGS, &err), RID_EDATA,
                 "empty: 0 bytes are no resume state");
    assert_fails(
        rid_train_state_open(&s, fx_write_bytes("zeros", zeros, sizeof zeros), SETTINGS, &err),
        RID_EDATA, "zeros: no resume state");
    assert_fails(
        rid_train_state_open(&s, fx_write_bytes("ones", ones, sizeof ones), SETTINGS, &err),
        RID_EDATA, "ones: no resume state");
    memcpy(ones, "RIDTRAIN\x07\0\0\0\0\0\0\0", 16);
    assert_fails(
        rid_train_state_open(&s, fx_write_bytes("later", ones, sizeof ones), SETTINGS, &err),
        RID_EDATA, "later: resume state of version 7, this rid-train has version");
    assert_int_equal(mkdir(fx_path("folder"), 0777), 0);
    assert_int_not_equal(rid_train_state_open(&s, fx_path("folder"), SETTINGS, NULL), RID_OK);
    assert_null(s);
    rid_train_state_close(NULL);
}

/* ---- another run's ---- */

static void assert_changed(const char *path, const char *settings, const char *message)
{
    rid_err err = {0};
    rid_train_state *s;
    assert_int_equal(rid_train_state_open(&s, path, settings, &err), RID_EUSAGE);
    assert_null(s);
    const char *said = strstr(err.message, "only: ");
    assert_non_null(said);
    assert_string_equal(said + strlen("only: "), message);
}

static void test_other_settings(void **state)
{
    (void)state;
    rid_trainer main;
    make_trainer(&main, 4, 0, 1);
    const char *path = write_state("settings", &main, NULL);
    assert_changed(path,
                   "data: 0123abc\nfilter: {\"on\":true}\nlr: 0.003\np: 32\nschedule: cosine\n",
                   "lr (was 0.0003, is 0.003)");
    assert_changed(path,
                   "data: 0123abcd\nfilter: {\"on\":false}\nlr: 0.0003\np: 3\nschedule: cosine\n",
                   "data (was 0123abc, is 0123abcd); filter (was {\"on\":true}, is {\"on\":false});"
                   " p (was 32, is 3)");
    /* 'warmup' is none of the old ones, and 'lr' is not the beginning of another's name */
    assert_changed(path,
                   "data: 0123abc\nfilter: {\"on\":true}\nl: 1\nlr: 0.0003\np: 32\nwarmup: 2\n",
                   "l (was not set, is 1); warmup (was not set, is 2)");
    rid_trainer_clear(&main);
}

/* The settings say the same, the tensors do not. */
static void test_other_network(void **state)
{
    (void)state;
    rid_trainer main, other, smaller, larger;
    make_trainer(&main, 4, 2, 1);
    make_trainer(&other, 4, 2, 2);
    make_trainer(&smaller, 2, 0, 3);
    make_trainer(&larger, 600, 0, 4);
    rid_train_state *s = open_state(write_state("alone", &main, NULL));
    assert_fails(rid_train_state_restore_main(s, &smaller, &err), RID_EDATA,
                 "does not fit the network");
    assert_fails(rid_train_state_restore_main(s, &larger, &err), RID_EDATA,
                 "does not fit the network");
    rid_train_state_close(s);
    s = open_state(write_state("both", &main, &other));
    assert_ok(rid_train_state_restore_main(s, &main, &err));
    assert_fails(rid_train_state_restore_current(s, &smaller, &err), RID_EDATA,
                 "does not fit the network");
    assert_fails(rid_train_state_restore_current(s, &larger, &err), RID_EDATA,
                 "does not fit the network");
    rid_train_state_close(s);
    rid_trainer_clear(&main);
    rid_trainer_clear(&other);
    rid_trainer_clear(&smaller);
    rid_trainer_clear(&larger);
}

/* ---- shortage ---- */

static void test_no_memory(void **state)
{
    (void)state;
    rid_trainer main, got;
    rid_status st = RID_ETEMP;
    const rid_train_phases phases = make_phases(0);
    make_trainer(&main, 4, 2, 1);
    const char *path = fx_path("shortage");
    const int64_t before = rid_mem_live_blocks();
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_train_state *s = NULL;
        init_trainer(&got, 4);
        rid_mem_fail_after(nth);
        st = rid_train_state_write(path, SETTINGS, &phases, &main, &main, NULL);
        if (st == RID_OK)
            st = rid_train_state_open(&s, path, SETTINGS, NULL);
        if (st == RID_OK)
            st = rid_train_state_restore_main(s, &got, NULL);
        rid_mem_fail_after(0);
        rid_train_state_close(s);
        rid_trainer_clear(&got);
        assert_true(st == RID_OK ? nth > 4 : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_trainer_clear(&main);
}

static void test_no_room(void **state)
{
    (void)state;
    rid_trainer main, got;
    struct rlimit old;
    const rid_train_phases phases = make_phases(0);
    make_trainer(&main, 4, 2, 1);
    init_trainer(&got, 4);
    assert_fails(
        rid_train_state_write(fx_path("none/state"), SETTINGS, &phases, &main, &main, &err),
        RID_ENOINPUT, "none/");
    const char *path = write_state("full", &main, NULL);
    main.adam.steps++;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {1000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const int64_t before = rid_mem_live_blocks();
    assert_fails(rid_train_state_write(path, SETTINGS, &phases, &main, &main, &err), RID_EIO,
                 "full");
    assert_int_equal(rid_mem_live_blocks(), before);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    rid_train_state *s = open_state(path); /* what was there is */
    assert_ok(rid_train_state_restore_main(s, &got, &err));
    assert_int_equal(got.adam.steps + 1, main.adam.steps);
    rid_train_state_close(s);
    rid_trainer_clear(&main);
    rid_trainer_clear(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_one_training),
        cmocka_unit_test(test_cut_anywhere),     cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_what_is_no_state), cmocka_unit_test(test_other_settings),
        cmocka_unit_test(test_other_network),    cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_room),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
