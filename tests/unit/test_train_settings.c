/* A run's settings as texts: all that decides the result is in them, each under its own name, and nothing
 * that a resumed run may change. */
#include "fixture.h"

#include "train/train_settings.h"

typedef struct inputs {
    rid_train_options o;
    rid_train_data d;
    const char *init;
} inputs;

static rid_nn *nn;

static rid_schema *parse(const char *text)
{
    rid_schema *s = NULL;
    assert_ok(rid_schema_parse(&s, rid_str_of(text), "schema", &err));
    return s;
}

#define HATS "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"hat\",\"type\":\"bool\"}]}"
#define BAGS "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"bag\",\"type\":\"bool\"}]}"

static inputs make_inputs(void)
{
    inputs in = {.o = {.data = {.filter = rid_filter_default(),
                                .val_fraction = 0.2,
                                .min_entries = 1,
                                .seed = 3},
                       .trainer = {.feed = {.pk = {.p = 32, .k = 4, .frame_subset = true}},
                                   .loss = {.distance = RID_DISTANCE_EUCLIDEAN, .margin = 0.3},
                                   .schedule = RID_SCHEDULE_COSINE,
                                   .lr = 3e-4,
                                   .weight_decay = 1e-4,
                                   .epochs = 400,
                                   .val_every = 10,
                                   .threads = 2},
                       .network = {.emb_dim = 128, .dropout = 0.1},
                       .init = RID_INIT_LDA},
                 .d = {.schema = parse(HATS), .digest = "0123", .labels_digest = "4567"}};
    return in;
}

static rid_buf text_of(const inputs *in)
{
    rid_train_settings s;
    rid_buf text = {0};
    rid_train_settings_make(&s, &in->o, &in->d, nn, in->init);
    assert_true(s.n <= RID_SETTINGS_MAX);
    rid_train_settings_text(&s, &text);
    assert_non_null(rid_buf_cstr(&text));
    return text;
}

/* ---- what each of them changes ---- */

static inputs now; /* whose members the changes below are made to */
#define T now.o.trainer

static void change_digest(void)
{
    strcpy(now.d.digest, "0124");
}
static void change_labels(void)
{
    strcpy(now.d.labels_digest, "4568");
}
static void change_filter(void)
{
    now.o.data.filter.max_frames = 7;
}
static void change_min_entries(void)
{
    now.o.data.min_entries = 2;
}
static void change_val_fraction(void)
{
    now.o.data.val_fraction = 0.25;
}
static void change_seed(void)
{
    now.o.data.seed = 4;
}
static void change_fusion(void)
{
    now.o.network.xattn = true;
}
static void change_pool(void)
{
    now.o.network.mean_pool = true;
}
static void change_emb_dim(void)
{
    now.o.network.emb_dim = 64;
}
static void change_dropout(void)
{
    now.o.network.dropout = 0;
}
static void change_init(void)
{
    now.o.init = RID_INIT_PCA;
}
static void change_init_file(void)
{
    now.init = "89ab";
}
static void change_p(void)
{
    T.feed.pk.p = 31;
}
static void change_k(void)
{
    T.feed.pk.k = 5;
}
static void change_subset(void)
{
    T.feed.pk.frame_subset = false;
}
static void change_attr_dropout(void)
{
    T.feed.attr_dropout = 0.1;
}
static void change_noise(void)
{
    T.feed.frame_noise = 0.1;
}
static void change_lr(void)
{
    T.lr = 3.0000000000000003e-4;
} /* the next double but one */
static void change_decay(void)
{
    T.weight_decay = 0;
}
static void change_warmup(void)
{
    T.warmup = 1;
}
static void change_schedule(void)
{
    T.schedule = RID_SCHEDULE_CONSTANT;
}
static void change_clip(void)
{
    T.clip_norm = 1;
}
static void change_margin(void)
{
    T.loss.margin = 0.31;
}
static void change_distance(void)
{
    T.loss.distance = RID_DISTANCE_COSINE;
}
static void change_val_every(void)
{
    T.val_every = 11;
}
static void change_select(void)
{
    T.select = RID_SELECT_F1;
}
static void change_refit(void)
{
    now.o.refit = true;
}
static void change_ablate(void)
{
    now.o.ablate = true;
}
static void change_threads(void)
{
    T.threads = 1;
}
static void change_schema(void)
{
    rid_schema_free(now.d.schema);
    now.d.schema = parse(BAGS);
}
static void drop_schema(void)
{
    rid_schema_free(now.d.schema);
    now.d.schema = NULL;
}

static const struct {
    const char *name;
    void (*change)(void);
} CHANGES[] = {
    {"data", change_digest},
    {"ground truth and split", change_labels},
    {"filter", change_filter},
    {"min entries", change_min_entries},
    {"val fraction", change_val_fraction},
    {"seed", change_seed},
    {"fusion", change_fusion},
    {"pool", change_pool},
    {"emb dim", change_emb_dim},
    {"dropout", change_dropout},
    {"init", change_init},
    {"init", change_init_file},
    {"p", change_p},
    {"k", change_k},
    {"frame subset", change_subset},
    {"attr dropout", change_attr_dropout},
    {"frame noise", change_noise},
    {"lr", change_lr},
    {"weight decay", change_decay},
    {"warmup", change_warmup},
    {"schedule", change_schedule},
    {"clip norm", change_clip},
    {"margin", change_margin},
    {"distance", change_distance},
    {"val every", change_val_every},
    {"select", change_select},
    {"refit", change_refit},
    {"ablate", change_ablate},
    {"threads", change_threads},
    {"schema", change_schema},
    {"schema", drop_schema},
};

/* Exactly one line of `after` is not the same one of `before`: that name's. */
static void assert_one_differs(const rid_buf *before, const rid_buf *after, const char *name)
{
    const char *a = before->data, *b = after->data;
    size_t n_differing = 0;
    while (*a && *b) {
        const size_t na = strcspn(a, "\n") + 1, nb = strcspn(b, "\n") + 1;
        if (na != nb || memcmp(a, b, na) != 0) {
            n_differing++;
            if (strncmp(a, name, strlen(name)) != 0 || strncmp(b, name, strlen(name)) != 0 ||
                a[strlen(name)] != ':' || b[strlen(name)] != ':')
                fail_msg("'%.*s' became '%.*s', expected another %s", (int)na - 1, a, (int)nb - 1,
                         b, name);
        }
        a += na;
        b += nb;
    }
    assert_true(*a == '\0' && *b == '\0');
    if (n_differing != 1)
        fail_msg("%s: %zu lines differ", name, n_differing);
}

static void test_what_decides(void **state)
{
    (void)state;
    inputs plain = make_inputs();
    rid_buf before = text_of(&plain);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        now = make_inputs();
        CHANGES[i].change();
        rid_buf after = text_of(&now);
        assert_one_differs(&before, &after, CHANGES[i].name);
        rid_buf_free(&after);
        rid_schema_free(now.d.schema);
    }
    rid_buf_free(&before);
    rid_schema_free(plain.d.schema);
}

static void test_what_may_change(void **state)
{
    (void)state;
    now = make_inputs();
    rid_buf before = text_of(&now);
    T.epochs = 7;
    T.patience = 3;
    T.max_steps = 11;
    now.o.data.memory = 5;
    now.o.data.rejects = now.o.folder = now.o.trace = now.o.config = now.o.init_file =
        "/somewhere/else";
    now.o.save_every_s = 3;
    now.o.resume = now.o.force = now.o.require_improvement = true;
    now.o.trace_params = 9;
    rid_buf after = text_of(&now);
    assert_string_equal(after.data, before.data);
    rid_buf_free(&before);
    rid_buf_free(&after);
    rid_schema_free(now.d.schema);
}

/* What has no say is not told apart: the margin of a soft loss, the fraction beside --val-gt. */
static void test_what_does_not_count(void **state)
{
    (void)state;
    now = make_inputs();
    T.loss.soft = true;
    now.o.data.n_val_gt = 1;
    rid_buf before = text_of(&now);
    T.loss.margin = 0.7;
    now.o.data.val_fraction = 0.9;
    rid_buf after = text_of(&now);
    assert_string_equal(after.data, before.data);
    rid_buf_free(&before);
    rid_buf_free(&after);
    rid_schema_free(now.d.schema);
}

static void test_values(void **state)
{
    (void)state;
    now = make_inputs();
    rid_buf text = text_of(&now);
    static const char *const lines[] = {"data: 0123\n",
                                        "\nground truth and split: 4567\n",
                                        "\nval fraction: 0.2\n",
                                        "\nfusion: baseline\n",
                                        "\npool: attention\n",
                                        "\nemb dim: 128\n",
                                        "\ndropout: 0.1\n",
                                        "\ninit: lda\n",
                                        "\np: 32\n",
                                        "\nframe subset: on\n",
                                        "\nlr: 0.0003\n",
                                        "\nweight decay: 0.0001\n",
                                        "\nschedule: cosine\n",
                                        "\nloss: hinge\n",
                                        "\nmargin: 0.3\n",
                                        "\ndistance: euclidean\n",
                                        "\nselect: map\n",
                                        "\nrefit: off\n",
                                        "\nseed: 3\n",
                                        "\nthreads: 2\n",
                                        "\ndevice: cpu\n",
                                        "\nlibtorch: ",
                                        "\nkernel: ",
                                        "\nrid: " RID_VERSION "\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (!strstr(text.data, lines[i]))
            fail_msg("no '%s' in:\n%s", lines[i], text.data);
    rid_buf_free(&text);
    rid_schema_free(now.d.schema);
}

/* No value is cut: the filter's last member still tells two of them apart. */
static void test_long_values(void **state)
{
    (void)state;
    now = make_inputs();
    now.o.data.filter = (rid_filter){.on = false,
                                     .duplicate_cos = -0.12345678901234567,
                                     .outlier_z = -1.2345678901234567e-300,
                                     .max_drop = INT64_MIN,
                                     .min_keep = INT64_MIN,
                                     .max_frames = INT64_MIN,
                                     .empty = RID_EMPTY_FALLBACK};
    rid_buf text = text_of(&now);
    assert_non_null(strstr(text.data, "\"empty\":\"fallback\"}\n"));
    rid_buf_free(&text);
    rid_schema_free(now.d.schema);
}

static int begin(void **state)
{
    (void)state;
    return rid_nn_open(&nn, RID_NN_CPU, 1, false, NULL) != RID_OK;
}

static int end(void **state)
{
    (void)state;
    rid_nn_close(nn);
    return rid_mem_live_blocks() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_decides),        cmocka_unit_test(test_what_may_change),
        cmocka_unit_test(test_what_does_not_count), cmocka_unit_test(test_values),
        cmocka_unit_test(test_long_values),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
