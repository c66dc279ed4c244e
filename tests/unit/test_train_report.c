/* The training report: what its verdict says, and a page of good and of missing figures. */
#include "html_check.h"

#include "train/train_report.h"

enum { EPOCHS = 30 };

static rid_score_counts before, after;
static rid_epoch_record epochs[EPOCHS];
static rid_report_encoder encoders[4];

static void fill_scores(rid_score_counts *c, double positive, double negative)
{
    rid_random rng = fx_random(1);
    memset(c, 0, sizeof *c);
    for (int i = 0; i < 3000; i++) {
        c->positive[rid_score_bin((float)(positive + 0.1 * rid_random_normal(&rng)))]++;
        c->negative[rid_score_bin((float)(negative + 0.1 * rid_random_normal(&rng)))]++;
    }
}

/* A report of an improvement, for each test to change. */
static rid_train_report make_report(void)
{
    const rid_interval unknown = {NAN, NAN, NAN};
    static const rid_report_fact data[] = {{"entries", "3856"}, {"people", "964"}},
                                 settings[] = {{"gt", "a<b>.json"}};
    fill_scores(&before, 0.6, 0.1);
    fill_scores(&after, 0.7, 0);
    for (size_t i = 0; i < EPOCHS; i++)
        epochs[i] = (rid_epoch_record){.epoch = i + 1,
                                       .step = 10 * (i + 1),
                                       .loss = 1 / (double)(i + 1),
                                       .lr = 3e-4,
                                       .active = 0.5,
                                       .positive = 0.4,
                                       .negative = 0.6,
                                       .spread = 0.9,
                                       .gradient_norm = 1,
                                       .validated = i % 5 == 4,
                                       .validation = {.map = 0.94, .rank1 = 0.97}};
    encoders[0] = (rid_report_encoder){
        .name = "mean pooling", .v = {.map = 0.917}, .gain = {-0.022, -0.03, -0.01}};
    encoders[1] = (rid_report_encoder){
        .name = "LDA start", .v = {.map = 0.939}, .gain = unknown, .scores = &before};
    encoders[2] = (rid_report_encoder){.name = "trained",
                                       .v = {.map = 0.9452, .auc = NAN},
                                       .gain = {0.0062, 0.0031, 0.0094},
                                       .scores = &after};
    return (rid_train_report){.run = "a&b",
                              .epochs = epochs,
                              .n_epochs = EPOCHS,
                              .best_epoch = 25,
                              .collapse_loss = 0.3,
                              .encoders = encoders,
                              .n_encoders = 3,
                              .reference = 1,
                              .trained = 2,
                              .published = 2,
                              .mean = 0,
                              .confidence = 0.95,
                              .data = data,
                              .n_data = 2,
                              .settings = settings,
                              .n_settings = 1,
                              .made_by = "rid-train 1"};
}

static void assert_verdict(const rid_train_report *r, const char *wanted)
{
    rid_buf text = {0};
    rid_train_report_verdict(&text, r);
    assert_string_equal(rid_buf_cstr(&text), wanted);
    rid_buf_free(&text);
}

static void test_verdict(void **state)
{
    (void)state;
    rid_train_report r = make_report();
    assert_true(rid_train_report_improved(&r));
    assert_verdict(&r, "Training improved on the LDA start: mAP 0.945 against 0.939, a change of "
                       "+0.0062 (95% interval over people: +0.0031 to +0.0094). model.pt holds the "
                       "trained encoder.");
    encoders[2].gain.low = -0.0001; /* it may be nothing */
    r.published = 1;
    assert_false(rid_train_report_improved(&r));
    assert_verdict(&r, "Training did not improve on the LDA start: mAP 0.945 against 0.939, a "
                       "change of +0.0062 (95% interval over people: −0.0001 to +0.0094). model.pt "
                       "holds the LDA start encoder.");
    encoders[0].v.map = 0.95;
    encoders[2].gain = (rid_interval){NAN, NAN, NAN};
    assert_verdict(&r, "Training did not improve on the LDA start: mAP 0.945 against 0.939. "
                       "model.pt holds the LDA start encoder. Plain mean pooling is better (mAP "
                       "0.950): use --encoder mean.");
    r.trained = r.n_encoders;
    r.mean = r.n_encoders;
    assert_verdict(&r, "model.pt holds the LDA start encoder.");
}

static size_t count(const char *page, const char *part)
{
    size_t n = 0;
    for (; (page = strstr(page, part)) != NULL; page++)
        n++;
    return n;
}

/* The page, well-formed; the caller frees. */
static rid_buf render(const rid_train_report *r)
{
    rid_buf page = {0};
    rid_train_report_render(&page, r);
    const char *text = rid_buf_cstr(&page);
    assert_non_null(text);
    html_check_all(text);
    return page;
}

static void assert_counts(const rid_train_report *r, const char *part, size_t wanted)
{
    rid_buf page = render(r);
    if (count(page.data, part) != wanted)
        fail_msg("%zu times '%s', expected %zu", count(page.data, part), part, wanted);
    rid_buf_free(&page);
}

static void test_page(void **state)
{
    (void)state;
    rid_train_report r = make_report();
    assert_counts(&r, "<figure>", 3 + 5 + 6);
    assert_counts(&r, "no data", 0);
    assert_counts(&r, "verdict good", 1);
    assert_counts(&r, "Training report: a&amp;b", 2);
    assert_counts(&r, "trained (model.pt)", 1);
    assert_counts(&r, "a&lt;b&gt;.json", 1);
    assert_counts(&r, ">best</text>", 5);
    assert_counts(&r, "where nobody is told apart", 2); /* legend, description */
    rid_buf one = render(&r), two = render(&r);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    rid_buf_free(&one);
    rid_buf_free(&two);
}

static void test_missing_figures(void **state)
{
    (void)state;
    rid_train_report r = make_report();
    for (size_t i = 0; i < EPOCHS; i++)
        epochs[i].validated = false;
    assert_counts(&r, "<figure>", 3 + 6);
    r.n_epochs = 1;
    epochs[0].loss = epochs[0].spread = NAN;
    r.collapse_loss = NAN;
    assert_counts(&r, "no data", 2);
    r.n_epochs = 0;
    assert_counts(&r, "<figure>", 3);
    encoders[2].scores = NULL;
    assert_counts(&r, "<figure>", 2);
    encoders[1].scores = NULL;
    assert_counts(&r, "<figure>", 0);
    memset(&after, 0, sizeof after);
    encoders[2].scores = &after; /* without a pair: no curve */
    assert_counts(&r, "no data", 1);
    assert_counts(&(rid_train_report){.encoders = encoders, .n_encoders = 1, .trained = 1},
                  "model.pt holds the mean pooling encoder.", 1);
}

static void test_written(void **state)
{
    (void)state;
    rid_train_report r = make_report();
    const char *path = fx_write("report.html", "old");
    assert_ok(rid_train_report_write(path, &r, &err));
    rid_buf page = render(&r), file = fx_read(path);
    assert_int_equal(file.len, page.len);
    assert_memory_equal(file.data, page.data, page.len);
    rid_buf_free(&page);
    rid_buf_free(&file);
    assert_fails(rid_train_report_write(fx_path("missing/report.html"), &r, &err), RID_ENOINPUT,
                 "missing");
}

static void test_no_memory(void **state)
{
    (void)state;
    rid_train_report r = make_report();
    const char *path = fx_path("shortage.html");
    const int64_t before_blocks = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth += 7) {
        rid_mem_fail_after(nth);
        st = rid_train_report_write(path, &r, NULL);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before_blocks);
        assert_int_equal(fx_exists(path), st == RID_OK);
        assert_true(nth < 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict),         cmocka_unit_test(test_page),
        cmocka_unit_test(test_missing_figures), cmocka_unit_test(test_written),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
