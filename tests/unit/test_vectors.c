/* The encoder and the frame filter against the vectors that scripts/make-vectors wrote with plain,
 * unfolded PyTorch and plain Python. `test_vectors --digest` compares without cmocka's report and
 * prints a digest of every bit that came out: so one kernel is held against another. */
#include "train/encoder.h"

#include "data/base/hash.h"
#include "data/base/mem.h"
#include "eval/kernel.h"
#include "vectors.h"

#include <math.h>
#include <unistd.h>

enum { BURSTS_MAX = 32, FLOATS_MAX = 2048, FRAMES_MAX = 64 };

/* What DESIGN promises of embeddings, and what each stage keeps to: weights and the pooled unit frame
 * absolutely, hidden layer and output in parts of their largest number (at least 1). */
static const double COSINE_MIN = 0.999999, EMBEDDING_TOLERANCE = 2e-6;
static const double STAGE_TOLERANCE[] = {
    [RID_STAGE_WEIGHTS] = 1e-6,
    [RID_STAGE_POOLED] = 5e-7,
    [RID_STAGE_HIDDEN] = 1e-6,
    [RID_STAGE_OUTPUT] = 1e-6,
};
static const char *const STAGE_NAME[] = {"weights", "pooled", "hidden", "output"};
enum { N_STAGES = 4 };

static const char *const CASES[] = {
    "attention", "attention_no_attr", "attention_sharp_odd", "average", "average_no_attr",
    "xattn",     "xattn_no_attr",     "xattn_sharp",         "mean",    "attention_1024",
};
enum { N_CASES = sizeof CASES / sizeof CASES[0] };

/* ---- files ---- */

static rid_filter read_filter(rid_json object)
{
    rid_filter filter = {0};
    rid_buf text = {0};
    rid_err err;
    rid_json_append(&text, member(object, "filter"));
    assert_int_equal(rid_filter_read_json(&filter, rid_buf_view(&text), &err), RID_OK);
    rid_buf_free(&text);
    return filter;
}

static float *read_frames(rid_json object, size_t *n, size_t dim)
{
    rid_json_matrix m = {0};
    size_t row, column;
    assert_int_equal(rid_json_read_matrix(member(object, "frames"), &m, &row, &column),
                     RID_JSON_MATRIX_OK);
    assert_int_equal(m.cols, dim);
    assert_true(m.rows <= FRAMES_MAX);
    *n = m.rows;
    return m.data;
}

/* ---- one case: an encoder, its bursts, what must come out ---- */

typedef struct inputs {
    size_t n, vis_dim;
    float *frames[BURSTS_MAX];
    float attr[BURSTS_MAX][FRAMES_MAX];
    rid_burst bursts[BURSTS_MAX]; /* frames, n_frames, attr are set */
} inputs;

static inputs *read_inputs(const char *file)
{
    inputs *in = rid_mem_zalloc(1, sizeof *in);
    document d = open_document("encoder/", file, "");
    rid_json v;
    assert_non_null(in);
    in->vis_dim = number(d.root, "vis_dim");
    for (rid_json_iter it = rid_json_begin(member(d.root, "bursts")); rid_json_next(&it, NULL, &v);) {
        assert_true(in->n < BURSTS_MAX);
        rid_burst *b = &in->bursts[in->n];
        in->frames[in->n] = read_frames(v, &b->n_frames, in->vis_dim);
        b->frames = in->frames[in->n];
        if (rid_json_type_of(member(v, "attr")) != RID_JSON_NULL) {
            read_floats(in->attr[in->n], FRAMES_MAX, member(v, "attr"));
            b->attr = in->attr[in->n];
        }
        in->n++;
    }
    close_document(&d);
    return in;
}

static void free_inputs(inputs *in)
{
    for (size_t i = 0; i < in->n; i++)
        rid_mem_free(in->frames[i]);
    rid_mem_free(in);
}

static rid_encoder *make_encoder(rid_json root)
{
    rid_filter filter = read_filter(root);
    rid_encoder *e;
    rid_err err = {0};
    char path[256];
    if (strcmp(string(root, "encoder"), "mean") == 0) {
        assert_int_equal(rid_encoder_new_mean(&e, number(root, "vis_dim"), &filter, &err), RID_OK);
        return e;
    }
    rid_checkpoint ck;
    snprintf(path, sizeof path, "tests/vectors/encoder/%s", string(root, "encoder"));
    if (rid_checkpoint_read(&ck, path, &err) != RID_OK ||
        rid_encoder_new(&e, &ck, &filter, NULL, 2, &err) != RID_OK)
        fail_msg("%s: %s", path, err.message);
    rid_checkpoint_free(&ck);
    return e;
}

/* The largest differences met, for the report. */
typedef struct worst {
    double cosine, embedding, stage[N_STAGES];
} worst;

static double check_near(const float *got, size_t n_got, rid_json expected, double tolerance,
                         bool relative, const char *what, const char *burst)
{
    float want[FLOATS_MAX];
    size_t n = read_floats(want, FLOATS_MAX, expected);
    double largest = 1, difference = 0;
    if (n != n_got)
        fail_msg("%s: %s: %zu numbers, expected %zu", burst, what, n_got, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(isfinite(got[i]));
        difference = fmax(difference, fabs((double)got[i] - (double)want[i]));
        largest = fmax(largest, fabs((double)want[i]));
    }
    if (relative)
        difference /= largest;
    if (difference > tolerance)
        fail_msg("%s: %s differ by %.2g, tolerance %.2g", burst, what, difference, tolerance);
    return difference;
}

static void check_embedding(const rid_burst *b, size_t dim, rid_json expected, worst *w,
                            const char *name)
{
    float want[FLOATS_MAX];
    double dot = 0, a = 0, c = 0;
    double difference = check_near(b->embedding, dim, member(expected, "embedding"),
                                   EMBEDDING_TOLERANCE, false, "embedding", name);
    read_floats(want, FLOATS_MAX, member(expected, "embedding"));
    for (size_t i = 0; i < dim; i++) {
        dot += (double)b->embedding[i] * (double)want[i];
        a += (double)b->embedding[i] * (double)b->embedding[i];
        c += (double)want[i] * (double)want[i];
    }
    double cosine = dot / sqrt(a * c);
    if (!(cosine >= COSINE_MIN) || fabs(a - 1) > 1e-6)
        fail_msg("%s: cosine %.9f, squared length %.9f", name, cosine, a);
    w->cosine = fmin(w->cosine, cosine);
    w->embedding = fmax(w->embedding, difference);
}

static void check_stages(const rid_encoder *e, const rid_burst *burst, rid_json expected, worst *w,
                         rid_hasher *digest, const char *name)
{
    static float embedding[FLOATS_MAX], values[FLOATS_MAX];
    uint8_t kept[FRAMES_MAX];
    rid_err err = {0};
    for (int s = 0; s < N_STAGES; s++) {
        size_t n;
        rid_burst copy = *burst;
        copy.embedding = embedding;
        copy.kept = kept;
        assert_int_equal(
            rid_encoder_trace(e, &copy, (rid_encoder_stage)s, values, FLOATS_MAX, &n, &err), RID_OK);
        double d = check_near(values, n, member(expected, STAGE_NAME[s]), STAGE_TOLERANCE[s],
                              s >= RID_STAGE_HIDDEN, STAGE_NAME[s], name);
        w->stage[s] = fmax(w->stage[s], d);
        rid_hasher_add(digest, values, n * sizeof *values);
        assert_memory_equal(embedding, burst->embedding, rid_encoder_emb_dim(e) * sizeof(float));
    }
}

static void check_kept(const rid_burst *b, rid_json expected, const char *name)
{
    float want[FRAMES_MAX];
    assert_int_equal(read_floats(want, FRAMES_MAX, member(expected, "kept")), b->n_frames);
    for (size_t f = 0; f < b->n_frames; f++)
        if (b->kept[f] != (want[f] != 0))
            fail_msg("%s: frame %zu is %s", name, f, b->kept[f] ? "kept" : "dropped");
    if ((size_t)b->status != number(expected, "status"))
        fail_msg("%s: status %d, expected %zu", name, (int)b->status, number(expected, "status"));
}

static void check_burst(const rid_encoder *e, const rid_burst *b, rid_json expected, worst *w,
                        rid_hasher *digest)
{
    static const float zeros[FLOATS_MAX];
    const char *name = string(expected, "burst");
    size_t dim = rid_encoder_emb_dim(e);
    check_kept(b, expected, name);
    rid_hasher_add(digest, b->embedding, dim * sizeof(float));
    if (b->status == RID_ENTRY_SKIP) {
        assert_memory_equal(b->embedding, zeros, dim * sizeof(float));
        return;
    }
    check_embedding(b, dim, expected, w, name);
    check_stages(e, b, expected, w, digest, name);
}

static worst check_case(const char *name, rid_hasher *digest)
{
    static float embeddings[BURSTS_MAX][FLOATS_MAX];
    static uint8_t kept[BURSTS_MAX][FRAMES_MAX];
    document d = open_document("encoder/", name, ".json");
    inputs *in = read_inputs(string(d.root, "inputs"));
    rid_encoder *e = make_encoder(d.root);
    worst w = {.cosine = 1};
    rid_err err = {0};
    rid_json expected;
    size_t i = 0;

    assert_int_equal(rid_encoder_vis_dim(e), number(d.root, "vis_dim"));
    assert_int_equal(rid_encoder_attr_dim(e), number(d.root, "attr_dim"));
    assert_int_equal(rid_encoder_emb_dim(e), number(d.root, "emb_dim"));
    assert_string_equal(rid_encoder_hash(e), string(d.root, "hash"));
    for (size_t k = 0; k < in->n; k++) {
        in->bursts[k].embedding = embeddings[k];
        in->bursts[k].kept = kept[k];
    }
    assert_int_equal(rid_encoder_run(e, in->bursts, in->n, 1, &err), RID_OK);
    for (rid_json_iter it = rid_json_begin(member(d.root, "expected"));
         rid_json_next(&it, NULL, &expected); i++)
        check_burst(e, &in->bursts[i], expected, &w, digest);
    assert_int_equal(i, in->n);
    rid_encoder_free(e);
    free_inputs(in);
    close_document(&d);
    return w;
}

/* Compares all cases; the bits of all results to hex (33 bytes). */
static void check_all(char *hex, bool report)
{
    rid_hasher *digest = rid_hasher_new();
    assert_non_null(digest);
    for (size_t i = 0; i < N_CASES; i++) {
        worst w = check_case(CASES[i], digest);
        if (report)
            print_message("%-20s 1-cosine %.1e  |d| %.1e; weights %.1e, pooled %.1e, hidden %.1e, "
                          "output %.1e\n",
                          CASES[i], 1 - w.cosine, w.embedding, w.stage[0], w.stage[1], w.stage[2],
                          w.stage[3]);
    }
    rid_digest128_hex(hex, rid_hasher_end(digest));
    rid_hasher_free(digest);
}

static void test_against_pytorch(void **state)
{
    (void)state;
    char hex[33];
    check_all(hex, true);
}

/* Every kernel that this processor runs keeps to the tolerance, and those that fuse agree bit for
 * bit. A kernel is chosen once for a process, hence a child for each. */
static void test_every_kernel(void **state)
{
    (void)state;
    char self[512] = "", fused[33] = "", command[640], hex[64];
    assert_true(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
    for (size_t i = 0; rid_kernel_at(i); i++) {
        const rid_kernel *k = rid_kernel_at(i);
        snprintf(command, sizeof command, "RID_CPU='%s' '%s' --digest", k->name, self);
        FILE *f = popen(command, "r");
        assert_non_null(f);
        bool read = fscanf(f, "%32s", hex) == 1;
        if (pclose(f) != 0 || !read)
            fail_msg("kernel %s does not keep to the tolerance", k->name);
        if (strcmp(k->arithmetic, "fma") != 0)
            continue;
        if (*fused)
            assert_string_equal(hex, fused);
        memcpy(fused, hex, sizeof fused);
    }
}

/* ---- the frame filter ---- */

/* Which frames the filter keeps, through the encoder that has no network. */
static void check_filter_case(rid_json c, size_t dim)
{
    const char *name = string(c, "name");
    rid_filter filter = read_filter(c);
    float embedding[FLOATS_MAX];
    uint8_t kept[FRAMES_MAX];
    rid_burst b = {.embedding = embedding, .kept = kept};
    rid_encoder *e;
    rid_err err;
    float *frames = read_frames(c, &b.n_frames, dim);
    b.frames = frames;
    assert_int_equal(rid_encoder_new_mean(&e, dim, &filter, &err), RID_OK);
    assert_int_equal(rid_encoder_run(e, &b, 1, 1, &err), RID_OK);
    check_kept(&b, c, name);
    rid_encoder_free(e);
    rid_mem_free(frames);
}

static void test_filter_against_python(void **state)
{
    (void)state;
    document d = open_document("", "filter", ".json");
    size_t dim = number(d.root, "dim"), n = 0;
    rid_json c;
    for (rid_json_iter it = rid_json_begin(member(d.root, "cases")); rid_json_next(&it, NULL, &c); n++)
        check_filter_case(c, dim);
    assert_true(n >= 80);
    print_message("%zu bursts filtered as in Python\n", n);
    close_document(&d);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--digest") == 0) {
        char hex[33];
        rid_err err;
        if (rid_kernel_check(&err) != RID_OK)
            return 2;
        check_all(hex, false);
        printf("%s\n", hex);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_pytorch),
        cmocka_unit_test(test_every_kernel),
        cmocka_unit_test(test_filter_against_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
