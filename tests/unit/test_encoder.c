/* What the encoder promises beyond its numbers (those are test_vectors' matter): bits that depend on
 * the burst alone, frames of any length, empty bursts, and messages for weights that make no encoder. */
#include "train/encoder.h"

#include "data/base/mem.h"
#include "data/base/random.h"
#include "train/affine.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { VIS = 40, ATTR = 7, HIDDEN = 21, EMB = 19, WIDE = 40, BURSTS = 150, FRAMES = 12 };

typedef enum kind { ATTENTION, AVERAGE, XATTN, PLAIN_XATTN, MEAN, KINDS } kind;

/* ---- encoders ---- */

static void add_tensor(rid_checkpoint *ck, rid_random *r, const char *name, int64_t rows, int64_t cols,
                       double gain)
{
    rid_tensor *t = &ck->tensors[ck->n_tensors++];
    *t = (rid_tensor){.name = rid_mem_strdup(name),
                      .n_dims = cols ? 2 : 1,
                      .shape = {rows, cols},
                      .numel = (size_t)(rows * (cols ? cols : 1))};
    t->data = rid_mem_alloc(t->numel, sizeof *t->data);
    for (size_t i = 0; i < t->numel; i++)
        t->data[i] = (float)(gain * rid_random_normal(r) / sqrt((double)(cols ? cols : rows)));
}

static void add_layer(rid_checkpoint *ck, rid_random *r, const char *name, int64_t out, int64_t in,
                      bool bias, double gain)
{
    char full[64];
    snprintf(full, sizeof full, "%s.weight", name);
    add_tensor(ck, r, full, out, in, gain);
    snprintf(full, sizeof full, "%s.bias", name);
    if (bias)
        add_tensor(ck, r, full, out, 0, 0.3);
}

static rid_checkpoint make_checkpoint(kind k)
{
    uint64_t key = (uint64_t)k;
    rid_random r = rid_random_of(&key, 1);
    bool xattn = k == XATTN || k == PLAIN_XATTN;
    int64_t attr = k == PLAIN_XATTN ? 0 : ATTR;
    rid_checkpoint ck = {.vis_dim = VIS,
                         .attr_dim = attr,
                         .emb_dim = EMB,
                         .use_attention = k != AVERAGE,
                         .fusion_mode = rid_mem_strdup(xattn ? "xattn" : "baseline"),
                         .tensors = rid_mem_zalloc(16, sizeof *ck.tensors)};
    if (xattn) {
        add_layer(&ck, &r, "vis_proj_in", HIDDEN, VIS, true, 1);
        add_layer(&ck, &r, "attr_proj_in", HIDDEN, ATTR, true, 1);
        add_layer(&ck, &r, "q_attr", HIDDEN, HIDDEN, false, 4);
        add_layer(&ck, &r, "k_vis", HIDDEN, HIDDEN, false, 4);
        add_layer(&ck, &r, "v_vis", HIDDEN, HIDDEN, false, 1);
    } else {
        if (ck.use_attention) {
            add_layer(&ck, &r, "vis_pool.q", WIDE, VIS, true, 5);
            add_layer(&ck, &r, "vis_pool.k", WIDE, VIS, true, 5);
            add_layer(&ck, &r, "vis_pool.v", WIDE, VIS, true, 1);
        }
        add_layer(&ck, &r, "vis_proj", HIDDEN, VIS, true, 1);
        add_layer(&ck, &r, "attr_proj", HIDDEN, ATTR, true, 1);
    }
    add_layer(&ck, &r, "fuse.0", EMB, 2 * HIDDEN, true, 1);
    add_layer(&ck, &r, "fuse.3", EMB, EMB, true, 1);
    return ck;
}

static rid_encoder *make_encoder(kind k, const rid_filter *filter)
{
    rid_encoder *e = NULL;
    rid_err err = {0};
    if (k == MEAN) {
        assert_int_equal(rid_encoder_new_mean(&e, VIS, filter, &err), RID_OK);
        return e;
    }
    rid_checkpoint ck = make_checkpoint(k);
    if (rid_encoder_new(&e, &ck, filter, NULL, 2, &err) != RID_OK)
        fail_msg("%s", err.message);
    rid_checkpoint_free(&ck);
    return e;
}

/* ---- bursts ---- */

typedef struct batch {
    float frames[BURSTS][FRAMES * VIS], attr[BURSTS][ATTR], embedding[BURSTS][VIS];
    uint8_t kept[BURSTS][FRAMES];
    rid_burst bursts[BURSTS];
} batch;

static void fill_frames(float *frames, size_t n, rid_random *r, double noise)
{
    double base[VIS];
    for (size_t d = 0; d < VIS; d++)
        base[d] = rid_random_normal(r);
    for (size_t f = 0; f < n; f++)
        for (size_t d = 0; d < VIS; d++)
            frames[f * VIS + d] = (float)(base[d] + noise * rid_random_normal(r));
}

static void scale_frame(float *frame, double factor)
{
    for (size_t d = 0; d < VIS; d++)
        frame[d] = (float)(frame[d] * factor);
}

/* Bursts of 1 … 12 frames; every seventh with a huge frame, some with zero frames, all zero, or
 * without attributes. */
static batch *make_batch(void)
{
    batch *b = rid_mem_zalloc(1, sizeof *b);
    uint64_t key = 77;
    rid_random r = rid_random_of(&key, 1);
    assert_non_null(b);
    for (size_t i = 0; i < BURSTS; i++) {
        size_t n = 1 + i * 5 % FRAMES;
        fill_frames(b->frames[i], n, &r, 0.5);
        if (i % 7 == 3)
            scale_frame(b->frames[i], 1e30);
        if (i % 11 == 5)
            scale_frame(b->frames[i] + (n - 1) * VIS, 0);
        for (size_t f = 0; f < n && i % 31 == 8; f++)
            scale_frame(b->frames[i] + f * VIS, 0);
        for (size_t d = 0; d < ATTR; d++)
            b->attr[i][d] = (float)rid_random_uniform(&r);
        b->bursts[i] = (rid_burst){.frames = b->frames[i],
                                   .n_frames = n,
                                   .attr = i % 13 == 4 ? NULL : b->attr[i],
                                   .embedding = b->embedding[i],
                                   .kept = b->kept[i]};
    }
    return b;
}

/* ---- the same bits everywhere ---- */

/* Encodes the bursts in the given order, `at_once` in a call, and compares with what is known. */
static void check_order(const rid_encoder *e, const batch *known, const size_t *order, size_t at_once,
                        int threads)
{
    static float embedding[BURSTS][VIS];
    static uint8_t kept[BURSTS][FRAMES];
    rid_burst bursts[BURSTS];
    rid_err err;
    size_t bytes = rid_encoder_emb_dim(e) * sizeof(float);
    memset(embedding, 0xa5, sizeof embedding);
    memset(kept, 0xa5, sizeof kept);
    for (size_t i = 0; i < BURSTS; i++) {
        bursts[i] = known->bursts[order[i]];
        bursts[i].embedding = embedding[i];
        bursts[i].kept = kept[i];
        bursts[i].status = 99;
    }
    for (size_t i = 0; i < BURSTS; i += at_once) {
        size_t n = BURSTS - i < at_once ? BURSTS - i : at_once;
        assert_int_equal(rid_encoder_run(e, bursts + i, n, threads, &err), RID_OK);
    }
    for (size_t i = 0; i < BURSTS; i++) {
        const rid_burst *b = &known->bursts[order[i]];
        assert_memory_equal(embedding[i], b->embedding, bytes);
        assert_memory_equal(kept[i], b->kept, b->n_frames);
        assert_int_equal(bursts[i].status, b->status);
    }
}

static void check_kind(const rid_encoder *e, batch *b)
{
    static const size_t sizes[] = {BURSTS, 1, 31, 32, 33, 64, 7};
    size_t forward[BURSTS], backward[BURSTS], strided[BURSTS], n_status[3] = {0};
    rid_err err;
    for (size_t i = 0; i < BURSTS; i++) {
        forward[i] = i;
        backward[i] = BURSTS - 1 - i;
        strided[i] = i * 37 % BURSTS;
        assert_int_equal(rid_encoder_run(e, &b->bursts[i], 1, 1, &err), RID_OK);
        n_status[b->bursts[i].status]++;
    }
    assert_true(n_status[RID_ENTRY_OK] > 100 && n_status[RID_ENTRY_SKIP] >= 4);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        check_order(e, b, forward, sizes[s], 1);
        check_order(e, b, backward, sizes[s], 2);
        check_order(e, b, strided, sizes[s], 7);
    }
}

static void test_bits_depend_on_the_burst_alone(void **state)
{
    (void)state;
    batch *b = make_batch();
    for (kind k = ATTENTION; k < KINDS; k++) {
        rid_filter filter = rid_filter_default();
        filter.on = k != PLAIN_XATTN;
        rid_encoder *e = make_encoder(k, &filter);
        check_kind(e, b);
        rid_encoder_free(e);
    }
    rid_mem_free(b);
}

/* The product that folds: right, and the same bits for any number of threads. */
static void test_matrix_multiply(void **state)
{
    (void)state;
    enum { N = 150, K = 37, M = 41 };
    static double a[N * K], b[K * M], c[3][N * M + 1];
    uint64_t key = 3;
    rid_random r = rid_random_of(&key, 1);
    rid_err err;
    for (size_t i = 0; i < N * K; i++)
        a[i] = rid_random_normal(&r);
    for (size_t i = 0; i < K * M; i++)
        b[i] = rid_random_normal(&r);
    for (int t = 0; t < 3; t++) {
        c[t][N * M] = 7;
        assert_int_equal(rid_matrix_multiply(c[t], a, b, N, K, M, 3 * t, &err), RID_OK);
        assert_memory_equal(c[t], c[0], sizeof c[0]);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < M; j++) {
            double sum = 0, absolute = 0;
            for (size_t k = 0; k < K; k++) {
                sum += a[i * K + k] * b[k * M + j];
                absolute += fabs(a[i * K + k] * b[k * M + j]);
            }
            assert_true(fabs(c[0][i * M + j] - sum) <= 1e-14 * absolute);
        }
    assert_true(c[0][N * M] == 7);
}

/* Folding with another number of threads gives the same encoder. */
static void test_bits_of_folding(void **state)
{
    (void)state;
    rid_filter filter = rid_filter_default();
    batch *b = make_batch();
    float first[EMB];
    rid_err err;
    for (int threads = 1; threads <= 7; threads += 3) {
        rid_checkpoint ck = make_checkpoint(ATTENTION);
        rid_encoder *e;
        assert_int_equal(rid_encoder_new(&e, &ck, &filter, NULL, threads, &err), RID_OK);
        assert_int_equal(rid_encoder_run(e, b->bursts, 1, threads, &err), RID_OK);
        if (threads == 1)
            memcpy(first, b->embedding[0], sizeof first);
        assert_memory_equal(first, b->embedding[0], sizeof first);
        rid_encoder_free(e);
        rid_checkpoint_free(&ck);
    }
    rid_mem_free(b);
}

/* ---- frames of any length ---- */

static void encode_one(const rid_encoder *e, rid_burst *b)
{
    rid_err err = {0};
    if (rid_encoder_run(e, b, 1, 1, &err) != RID_OK)
        fail_msg("%s", err.message);
}

static void assert_close(const float *a, const float *b, size_t n, double tolerance)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs((double)a[i] - (double)b[i]) <= tolerance))
            fail_msg("number %zu is %.9g, expected %.9g", i, (double)a[i], (double)b[i]);
}

/* Scales frame f of a burst to the norm given for it; the embedding is that of the plain frames. */
static void check_norms(const rid_encoder *e, const double *norms, size_t n)
{
    float plain[FRAMES * VIS], scaled[FRAMES * VIS], attr[ATTR] = {0.5f, 0, 1}, want[VIS], got[VIS];
    uint8_t kept_plain[FRAMES], kept[FRAMES];
    uint64_t key = n;
    rid_random r = rid_random_of(&key, 1);
    fill_frames(plain, n, &r, 0.7);
    for (size_t f = 0; f < n; f++) {
        double squares = 0;
        for (size_t d = 0; d < VIS; d++)
            squares += (double)plain[f * VIS + d] * (double)plain[f * VIS + d];
        memcpy(scaled + f * VIS, plain + f * VIS, VIS * sizeof *plain);
        scale_frame(scaled + f * VIS, norms[f % n] / sqrt(squares));
        for (size_t d = 0; d < VIS; d++)
            assert_true(isfinite(scaled[f * VIS + d]));
    }
    rid_burst a = {.frames = plain, .n_frames = n, .attr = attr, .embedding = want, .kept = kept_plain};
    rid_burst b = {.frames = scaled, .n_frames = n, .attr = attr, .embedding = got, .kept = kept};
    encode_one(e, &a);
    encode_one(e, &b);
    assert_memory_equal(kept, kept_plain, n);
    assert_int_equal(a.status, RID_ENTRY_OK);
    assert_int_equal(b.status, RID_ENTRY_OK);
    assert_close(got, want, rid_encoder_emb_dim(e), 5e-7);
}

static void test_extreme_norms(void **state)
{
    (void)state;
    static const double norms[] = {1,    1e-5, 1e15, 1e38, 1.1e-6, 9.9e11,
                                   1e12, 1e13, 1e19, 1e20, 3e38,   1e-3};
    rid_filter filter = rid_filter_default();
    for (kind k = ATTENTION; k < KINDS; k++) {
        for (int on = 0; on < 2; on++) {
            filter.on = on;
            rid_encoder *e = make_encoder(k, &filter);
            check_norms(e, norms, sizeof norms / sizeof norms[0]);
            for (size_t i = 0; i < sizeof norms / sizeof norms[0]; i++) {
                double alike[5] = {norms[i], norms[i], norms[i], norms[i], norms[i]};
                check_norms(e, alike, 5);
                check_norms(e, alike, 1);
            }
            rid_encoder_free(e);
        }
    }
}

/* A norm beyond float32 itself: every number is ±FLT_MAX. */
static void test_largest_frames(void **state)
{
    (void)state;
    float frames[3 * VIS], small[3 * VIS], got[VIS], want[VIS];
    uint8_t kept[3];
    for (size_t i = 0; i < 3 * VIS; i++) {
        small[i] = (i * i / 7) % 3 == 0 ? 1 : -1;
        frames[i] = small[i] * FLT_MAX;
    }
    rid_filter filter = rid_filter_default();
    for (kind k = ATTENTION; k < KINDS; k++) {
        rid_encoder *e = make_encoder(k, &filter);
        rid_burst b = {.frames = frames, .n_frames = 3, .embedding = got, .kept = kept};
        encode_one(e, &b);
        b.frames = small;
        b.embedding = want;
        encode_one(e, &b);
        assert_close(got, want, rid_encoder_emb_dim(e), 5e-7);
        rid_encoder_free(e);
    }
}

/* A norm up to 1e-6 is zero, with the filter on and off. */
static void test_zero_limit(void **state)
{
    (void)state;
    float frames[3 * VIS] = {0}, embedding[VIS];
    uint8_t kept[3];
    rid_filter filter = rid_filter_default();
    frames[0] = 0.999e-6f;
    frames[VIS + 1] = 1.001e-6f;
    frames[2 * VIS + 2] = -1.0f;
    for (int on = 0; on < 2; on++) {
        filter.on = on;
        rid_encoder *e = make_encoder(MEAN, &filter);
        rid_burst b = {.frames = frames, .n_frames = 3, .embedding = embedding, .kept = kept};
        encode_one(e, &b);
        assert_memory_equal(kept, "\0\1\1", 3);
        assert_true(embedding[0] == 0);
        assert_close(embedding + 1, (float[]){(float)sqrt(0.5), -(float)sqrt(0.5)}, 2, 1e-7);
        rid_encoder_free(e);
    }
}

/* ---- empty ---- */

static void check_empty(kind k, rid_empty_policy policy, rid_entry_status status, const float *frames,
                        const char *kept_expected)
{
    static const float zeros[VIS];
    rid_filter filter = {.on = true, /* every frame is an outlier */
                         .duplicate_cos = 2,
                         .outlier_z = 100,
                         .max_drop = 100,
                         .min_keep = 0,
                         .empty = policy};
    rid_filter off = rid_filter_default();
    float embedding[VIS], without[VIS];
    uint8_t kept[5];
    off.on = false;
    rid_encoder *e = make_encoder(k, &filter), *plain = make_encoder(k, &off);
    rid_burst b = {.frames = frames, .n_frames = 5, .embedding = embedding, .kept = kept};
    memset(embedding, 0x7f, sizeof embedding);
    encode_one(e, &b);
    assert_int_equal(b.status, status);
    for (size_t f = 0; f < 5; f++)
        assert_int_equal(kept[f], kept_expected[f] - '0');
    if (status == RID_ENTRY_SKIP) {
        assert_memory_equal(embedding, zeros, rid_encoder_emb_dim(e) * sizeof(float));
    } else { /* as if there had been no filter */
        b.embedding = without;
        encode_one(plain, &b);
        assert_memory_equal(embedding, without, rid_encoder_emb_dim(e) * sizeof(float));
    }
    rid_encoder_free(e);
    rid_encoder_free(plain);
}

static void test_empty_policy(void **state)
{
    (void)state;
    float frames[5 * VIS], zeros[5 * VIS] = {0};
    uint64_t key = 5;
    rid_random r = rid_random_of(&key, 1);
    fill_frames(frames, 5, &r, 0.5);
    scale_frame(frames, 0);
    scale_frame(frames + 3 * VIS, 1e-8);
    for (kind k = ATTENTION; k < KINDS; k++) {
        check_empty(k, RID_EMPTY_SKIP, RID_ENTRY_SKIP, frames, "00000");
        check_empty(k, RID_EMPTY_FALLBACK, RID_ENTRY_FALLBACK, frames, "01101");
        check_empty(k, RID_EMPTY_SKIP, RID_ENTRY_SKIP, zeros, "00000");
        check_empty(k, RID_EMPTY_FALLBACK, RID_ENTRY_SKIP, zeros, "00000");
    }
}

/* A burst without frames is a skip too; and a call without bursts is none. */
static void test_nothing(void **state)
{
    (void)state;
    rid_filter filter = rid_filter_default();
    for (kind k = ATTENTION; k < KINDS; k++) {
        float embedding[VIS] = {1};
        rid_err err;
        rid_encoder *e = make_encoder(k, &filter);
        rid_burst b = {.embedding = embedding};
        encode_one(e, &b);
        assert_int_equal(b.status, RID_ENTRY_SKIP);
        assert_true(embedding[0] == 0);
        assert_int_equal(rid_encoder_run(e, NULL, 0, 2, &err), RID_OK);
        rid_encoder_free(e);
    }
}

/* A mean of opposite frames, and an output that is zero whatever goes in: no direction. */
static void test_zero_results(void **state)
{
    (void)state;
    float frames[2 * VIS] = {0}, embedding[VIS];
    uint8_t kept[2];
    rid_err err;
    rid_filter filter = rid_filter_default();
    rid_burst b = {.frames = frames, .n_frames = 2, .embedding = embedding, .kept = kept};
    frames[3] = 2;
    frames[VIS + 3] = -5;
    rid_encoder *e = make_encoder(MEAN, &filter);
    encode_one(e, &b);
    assert_int_equal(b.status, RID_ENTRY_SKIP);
    assert_memory_equal(kept, "\1\1", 2);
    assert_true(embedding[3] == 0);
    rid_encoder_free(e);

    rid_checkpoint ck = make_checkpoint(ATTENTION);
    for (size_t i = ck.n_tensors - 2; i < ck.n_tensors; i++) /* fuse.3 */
        memset(ck.tensors[i].data, 0, ck.tensors[i].numel * sizeof(float));
    assert_int_equal(rid_encoder_new(&e, &ck, &filter, NULL, 1, &err), RID_OK);
    b.status = RID_ENTRY_OK;
    encode_one(e, &b);
    assert_int_equal(b.status, RID_ENTRY_SKIP);
    assert_true(embedding[0] == 0);
    rid_encoder_free(e);
    rid_checkpoint_free(&ck);
}

/* ---- weights that make no encoder, or an odd one ---- */

static rid_tensor *find(rid_checkpoint *ck, const char *name)
{
    for (size_t i = 0; i < ck->n_tensors; i++)
        if (strcmp(ck->tensors[i].name, name) == 0)
            return &ck->tensors[i];
    fail_msg("no tensor '%s'", name);
    return NULL;
}

/* Logits in the millions, whose exponentials are out of any range: the highest takes it all. */
static void test_large_logits(void **state)
{
    (void)state;
    static const char *const names[KINDS][2] = {
        [ATTENTION] = {"vis_pool.q.weight", "vis_pool.k.weight"},
        [XATTN] = {"q_attr.weight", "k_vis.weight"},
    };
    rid_filter filter = rid_filter_default();
    batch *b = make_batch();
    for (kind k = ATTENTION; k <= XATTN; k += XATTN - ATTENTION) {
        float weights[FRAMES];
        size_t n;
        rid_err err = {0};
        rid_encoder *e;
        rid_checkpoint ck = make_checkpoint(k);
        for (size_t t = 0; t < 2; t++)
            for (size_t i = 0; i < find(&ck, names[k][t])->numel; i++)
                find(&ck, names[k][t])->data[i] *= 1000;
        assert_int_equal(rid_encoder_new(&e, &ck, &filter, NULL, 1, &err), RID_OK);
        assert_int_equal(rid_encoder_run(e, b->bursts, BURSTS, 1, &err), RID_OK);
        rid_burst *burst = &b->bursts[1];
        assert_int_equal(rid_encoder_trace(e, burst, RID_STAGE_WEIGHTS, weights, FRAMES, &n, &err),
                         RID_OK);
        assert_true(n > 3);
        size_t ones = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(weights[i] == 0 || weights[i] == 1);
            ones += weights[i] == 1;
        }
        assert_int_equal(ones, 1);
        rid_encoder_free(e);
        rid_checkpoint_free(&ck);
    }
    rid_mem_free(b);
}

/* Weights that are finite, but not what they lead to. */
static void test_output_not_finite(void **state)
{
    (void)state;
    static const struct {
        kind kind;
        const char *a, *b; /* tensors that become 3e38 */
    } cases[] = {
        {ATTENTION, "fuse.0.weight", "fuse.3.weight"},
        {ATTENTION, "vis_pool.q.weight", "vis_pool.k.weight"},
        {ATTENTION, "vis_pool.v.weight", "vis_proj.weight"},
        {AVERAGE, "attr_proj.weight", "fuse.0.weight"},
        {AVERAGE, "fuse.3.bias", "fuse.3.weight"},
        {XATTN, "q_attr.weight", "k_vis.weight"},
        {XATTN, "v_vis.weight", "fuse.0.weight"},
        {PLAIN_XATTN, "vis_proj_in.weight", "fuse.3.weight"},
    };
    rid_filter filter = rid_filter_default();
    batch *b = make_batch();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_encoder *e;
        rid_err err = {0};
        rid_checkpoint ck = make_checkpoint(cases[i].kind);
        rid_tensor *changed[] = {find(&ck, cases[i].a), find(&ck, cases[i].b)};
        for (size_t t = 0; t < 2; t++)
            for (size_t d = 0; d < changed[t]->numel; d++)
                changed[t]->data[d] = 3e38f;
        assert_int_equal(rid_encoder_new(&e, &ck, &filter, NULL, 1, &err), RID_OK);
        for (int threads = 1; threads <= 2; threads++) {
            memset(&err, 0, sizeof err);
            assert_int_equal(rid_encoder_run(e, b->bursts, BURSTS, threads, &err), RID_EDATA);
            assert_string_equal(err.message, "the encoder's output is not finite: its weights are too"
                                             " large for float32");
        }
        rid_encoder_free(e);
        rid_checkpoint_free(&ck);
    }
    rid_mem_free(b);
}

static void refuse(rid_checkpoint *ck, const char *message)
{
    rid_filter filter = rid_filter_default();
    rid_encoder *e = (rid_encoder *)ck;
    rid_err err = {0};
    int64_t live = rid_mem_live_blocks();
    assert_int_equal(rid_encoder_new(&e, ck, &filter, NULL, 1, &err), RID_EDATA);
    assert_string_equal(err.message, message);
    assert_null(e);
    assert_int_equal(rid_mem_live_blocks(), live);
    rid_checkpoint_free(ck);
}

/* Every tensor that a kind needs, taken away. */
static void test_missing_tensors(void **state)
{
    (void)state;
    static const char *const fusion[] = {"baseline", "baseline", "xattn"};
    size_t n_checked = 0;
    for (kind k = ATTENTION; k <= XATTN; k++) {
        rid_checkpoint probe = make_checkpoint(k);
        for (size_t i = 0; i < probe.n_tensors; i++, n_checked++) {
            char message[256];
            rid_checkpoint ck = make_checkpoint(k);
            snprintf(message, sizeof message, "tensor '%s' is missing (fusion mode %s)",
                     ck.tensors[i].name, fusion[k]);
            ck.tensors[i].name[0] = '#';
            refuse(&ck, message);
        }
        rid_checkpoint_free(&probe);
    }
    assert_int_equal(n_checked, 14 + 8 + 11);
}

/* One tensor gets another shape. */
static void misfit(kind k, const char *name, int64_t rows, int64_t cols, const char *message)
{
    rid_checkpoint ck = make_checkpoint(k);
    rid_tensor *t = find(&ck, name);
    rid_mem_free(t->data);
    t->n_dims = cols >= 0 ? 2 : 1;
    t->shape[0] = rows;
    t->shape[1] = cols >= 0 ? cols : 0;
    t->numel = (size_t)(rows * (cols >= 0 ? cols : 1));
    t->data = rid_mem_zalloc(t->numel, sizeof *t->data);
    refuse(&ck, message);
}

static void test_misfit_tensors(void **state)
{
    (void)state;
    misfit(ATTENTION, "vis_pool.q.weight", WIDE, 39,
           "tensor 'vis_pool.q.weight' is (40, 39), expected (…, 40)");
    misfit(ATTENTION, "vis_pool.k.weight", 17, VIS,
           "tensor 'vis_pool.k.bias' is (40), expected (17)");
    misfit(ATTENTION, "vis_pool.v.bias", 41, -1, "tensor 'vis_pool.v.bias' is (41), expected (40)");
    misfit(ATTENTION, "vis_pool.q.bias", WIDE, 1,
           "tensor 'vis_pool.q.bias' has 2 dimensions, expected 1");
    misfit(ATTENTION, "vis_pool.q.weight", WIDE, -1,
           "tensor 'vis_pool.q.weight' has 1 dimensions, expected 2");
    misfit(ATTENTION, "vis_proj.weight", HIDDEN, 64,
           "tensor 'vis_proj.weight' is (21, 64), expected (…, 40)");
    misfit(ATTENTION, "vis_proj.weight", 0, VIS,
           "tensor 'vis_proj.weight' is (0, 40), expected (…, 40)");
    misfit(AVERAGE, "attr_proj.weight", HIDDEN, 9,
           "tensor 'attr_proj.weight' is (21, 9), expected (…, 7)");
    misfit(ATTENTION, "fuse.0.weight", EMB, 43,
           "tensor 'fuse.0.weight' is (19, 43), expected (…, 21 + 21)");
    misfit(ATTENTION, "fuse.0.weight", EMB, 20,
           "tensor 'fuse.0.weight' is (19, 20), expected (…, 21 + 21)");
    misfit(PLAIN_XATTN, "fuse.0.weight", EMB, 20,
           "tensor 'fuse.0.weight' is (19, 20), expected (…, 21 + 0)");
    misfit(ATTENTION, "fuse.3.weight", EMB, 18,
           "tensor 'fuse.3.weight' is (19, 18), expected (…, 19)");
    misfit(XATTN, "q_attr.weight", HIDDEN, 20, "tensor 'q_attr.weight' is (21, 20), expected (…, 21)");
    misfit(XATTN, "k_vis.weight", 20, HIDDEN,
           "tensor 'q_attr.weight' gives 21 numbers, 'k_vis.weight' 20");
    misfit(XATTN, "v_vis.weight", HIDDEN, 22, "tensor 'v_vis.weight' is (21, 22), expected (…, 21)");
    misfit(XATTN, "v_vis.weight", 22, HIDDEN,
           "tensor 'fuse.0.weight' is (19, 42), expected (…, 22 + 21)");
    misfit(XATTN, "attr_proj_in.weight", HIDDEN, 8,
           "tensor 'attr_proj_in.weight' is (21, 8), expected (…, 7)");
    misfit(XATTN, "vis_proj_in.weight", HIDDEN, 0,
           "tensor 'vis_proj_in.weight' is (21, 0), expected (…, 40)");
}

static void test_misfit_sizes(void **state)
{
    (void)state;
    rid_checkpoint ck = make_checkpoint(AVERAGE);
    ck.emb_dim = 20;
    refuse(&ck, "tensor 'fuse.3.weight' is (19, 19), expected (20, …)");
    ck = make_checkpoint(AVERAGE);
    ck.vis_dim = 0;
    refuse(&ck, "vis_dim 0, attr_dim 7, emb_dim 19 make no encoder");
    ck = make_checkpoint(AVERAGE);
    ck.attr_dim = -1;
    refuse(&ck, "vis_dim 40, attr_dim -1, emb_dim 19 make no encoder");
    ck = make_checkpoint(XATTN);
    ck.emb_dim = 0;
    refuse(&ck, "vis_dim 40, attr_dim 7, emb_dim 0 make no encoder");
    ck = make_checkpoint(AVERAGE);
    strcpy(ck.fusion_mode, "gated");
    refuse(&ck, "fusion_mode is 'gated', expected baseline or xattn");
}

/* ---- hash, memory ---- */

static void test_hash(void **state)
{
    (void)state;
    rid_filter filter = rid_filter_default(), other = filter;
    char hashes[8][65];
    size_t n = 0;
    rid_encoder *e;
    rid_err err;
    other.max_drop = 3;
    for (int i = 0; i < 5; i++) {
        rid_checkpoint ck = make_checkpoint(ATTENTION);
        ck.dropout = i == 4 ? 0.5 : 0.1; /* not part of it */
        if (i == 1)
            ck.tensors[3].data[5] = nextafterf(ck.tensors[3].data[5], 9);
        assert_int_equal(rid_encoder_new(&e, &ck, i == 2 ? &other : &filter,
                                         i == 3 ? "{\"schema_id\":\"a\"}" : NULL, 1, &err),
                         RID_OK);
        assert_string_equal(rid_encoder_kind(e), "baseline");
        memcpy(hashes[n++], rid_encoder_hash(e), 65);
        rid_encoder_free(e);
        rid_checkpoint_free(&ck);
    }
    assert_string_equal(hashes[0], hashes[4]);
    n = 4;
    for (size_t dim = 39; dim <= 40; dim++) {
        assert_int_equal(rid_encoder_new_mean(&e, dim, &filter, &err), RID_OK);
        memcpy(hashes[n++], rid_encoder_hash(e), 65);
        rid_encoder_free(e);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(strlen(hashes[i]), 64);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(hashes[i], hashes[j]);
    }
}

/* Makes an encoder and uses it while the nth allocation fails. */
static rid_status run_short(kind k, const rid_checkpoint *ck, batch *b, uint64_t nth)
{
    rid_filter filter = rid_filter_default();
    rid_encoder *e = NULL;
    rid_err err = {0};
    float values[VIS];
    size_t n;
    rid_mem_fail_after(nth);
    rid_status st = k == MEAN ? rid_encoder_new_mean(&e, VIS, &filter, &err)
                              : rid_encoder_new(&e, ck, &filter, NULL, 1, &err);
    if (st == RID_OK)
        st = rid_encoder_run(e, b->bursts, 40, 2, &err);
    if (st == RID_OK)
        st = rid_encoder_trace(e, b->bursts, RID_STAGE_POOLED, values, VIS, &n, &err);
    rid_mem_fail_after(0);
    assert_int_equal(st, err.code);
    rid_encoder_free(e);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    batch *b = make_batch();
    for (kind k = ATTENTION; k < KINDS; k++) {
        rid_checkpoint ck = {0};
        if (k != MEAN)
            ck = make_checkpoint(k);
        int64_t live = rid_mem_live_blocks();
        uint64_t nth = 1;
        rid_status st = RID_ETEMP;
        for (; st == RID_ETEMP && nth < 1000; nth++) {
            st = run_short(k, &ck, b, nth);
            assert_true(st == RID_ETEMP || st == RID_OK);
            assert_int_equal(rid_mem_live_blocks(), live);
        }
        assert_int_equal(st, RID_OK);
        assert_true(nth > 5);
        rid_checkpoint_free(&ck);
    }
    rid_mem_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits_depend_on_the_burst_alone),
        cmocka_unit_test(test_matrix_multiply),
        cmocka_unit_test(test_bits_of_folding),
        cmocka_unit_test(test_extreme_norms),
        cmocka_unit_test(test_largest_frames),
        cmocka_unit_test(test_zero_limit),
        cmocka_unit_test(test_empty_policy),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_zero_results),
        cmocka_unit_test(test_large_logits),
        cmocka_unit_test(test_output_not_finite),
        cmocka_unit_test(test_missing_tensors),
        cmocka_unit_test(test_misfit_tensors),
        cmocka_unit_test(test_misfit_sizes),
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
