/* AdamW and learning rates against PyTorch's (scripts/make-optimizer-vectors), and by hand. */
#include "train/adamw.h"

#include "fixture.h"
#include "vectors.h"

enum { TENSORS = 4, NUMEL_MAX = 16 };

/* ---- tensors ---- */

static void add_tensor(rid_checkpoint *ck, const char *name, int n_dims, const int64_t *shape)
{
    rid_tensor *t = &ck->tensors[ck->n_tensors++];
    *t = (rid_tensor){.name = rid_mem_strdup(name), .n_dims = n_dims, .numel = 1};
    for (int d = 0; d < n_dims; d++) {
        t->shape[d] = shape[d];
        t->numel *= (size_t)shape[d];
    }
    t->data = rid_mem_alloc_aligned(t->numel, sizeof *t->data);
    assert_true(t->name && t->data);
}

static rid_checkpoint new_checkpoint(size_t n_tensors)
{
    rid_checkpoint ck = {.tensors = rid_mem_zalloc(n_tensors, sizeof *ck.tensors),
                         .fusion_mode = rid_mem_strdup("baseline")};
    assert_true(ck.tensors && ck.fusion_mode);
    return ck;
}

static rid_checkpoint tensors_of(rid_json root)
{
    rid_checkpoint ck = new_checkpoint(TENSORS);
    rid_json t, size;
    for (rid_json_iter it = rid_json_begin(member(root, "tensors"));
         rid_json_next(&it, NULL, &t);) {
        int64_t shape[RID_TENSOR_DIMS_MAX];
        int n_dims = 0;
        for (rid_json_iter d = rid_json_begin(member(t, "shape")); rid_json_next(&d, NULL, &size);)
            assert_true(rid_json_get_i64(size, &shape[n_dims++]));
        assert_true(ck.n_tensors < TENSORS);
        add_tensor(&ck, string(t, "name"), n_dims, shape);
        assert_true(ck.tensors[ck.n_tensors - 1].numel <= NUMEL_MAX);
    }
    assert_int_equal(ck.n_tensors, TENSORS);
    return ck;
}

static void read_tensors(rid_checkpoint *ck, rid_json lists)
{
    rid_json list;
    size_t i = 0;
    for (rid_json_iter it = rid_json_begin(lists); rid_json_next(&it, NULL, &list); i++)
        assert_int_equal(read_floats(ck->tensors[i].data, NUMEL_MAX, list), ck->tensors[i].numel);
    assert_int_equal(i, TENSORS);
}

/* ---- against PyTorch in float64 ---- */

/* What float32 may be off: a step rounds the weight twice, decayed and moved (2^-24 of it each), and the
 * numbers behind a move of a few lr at most sixteen times; and errors of earlier steps stay. PyTorch's
 * own float32 needs half of this. In float64 no step is off by a mistake worth the name: any of them
 * moves some weight by more than a thousandth of lr. */
static double bound(size_t step, double expected, double lr)
{
    return (double)(step + 1) * 0x1p-24 * (2 * fabs(expected) + 32 * lr);
}

static double compare(const rid_checkpoint *ck, rid_json lists, size_t step, double lr,
                      const char *name)
{
    double worst = 0;
    size_t i = 0, e = 0;
    rid_json list, v;
    for (rid_json_iter it = rid_json_begin(lists); rid_json_next(&it, NULL, &list); i++, e = 0)
        for (rid_json_iter at = rid_json_begin(list); rid_json_next(&at, NULL, &v); e++) {
            double expected = 0, got = (double)ck->tensors[i].data[e];
            assert_true(rid_json_get_f64(v, &expected));
            double off = fabs(got - expected) / bound(step, expected, lr);
            if (!(off <= 1))
                fail_msg("%s, step %zu, %s[%zu]: %.9g, expected %.17g", name, step,
                         ck->tensors[i].name, e, got, expected);
            worst = off > worst ? off : worst;
        }
    return worst;
}

static void check_case(rid_json root, rid_json c, int threads)
{
    rid_checkpoint params = tensors_of(root), grads = tensors_of(root);
    rid_adamw adam;
    rid_json s;
    double worst = 0;
    size_t step = 0;
    read_tensors(&params, member(c, "initial"));
    assert_ok(rid_adamw_init(&adam, &params, &err));
    for (rid_json_iter it = rid_json_begin(member(c, "steps")); rid_json_next(&it, NULL, &s);
         step++) {
        read_tensors(&grads, member(s, "gradients"));
        rid_adamw_update(&adam, &params, &grads, real(s, "lr"), real(c, "weight_decay"),
                         real(s, "scale"), threads);
        double off =
            compare(&params, member(s, "after"), step, real(c, "base_lr"), string(c, "name"));
        worst = off > worst ? off : worst;
    }
    assert_int_equal(step, 10);
    assert_int_equal(adam.steps, 10);
    print_message("%s: at most %.2f of the bound\n", string(c, "name"), worst);
    rid_adamw_clear(&adam);
    rid_checkpoint_free(&params);
    rid_checkpoint_free(&grads);
}

static void test_updates(void **state)
{
    (void)state;
    document d = open_document("", "optimizer", ".json");
    rid_json c;
    size_t n = 0;
    for (rid_json_iter it = rid_json_begin(member(d.root, "cases")); rid_json_next(&it, NULL, &c);
         n++)
        check_case(d.root, c, 1 + (int)n);
    assert_int_equal(n, 3);
    close_document(&d);
}

static void test_rates(void **state)
{
    (void)state;
    document d = open_document("", "optimizer", ".json");
    rid_json c, v;
    for (rid_json_iter it = rid_json_begin(member(d.root, "rates"));
         rid_json_next(&it, NULL, &c);) {
        const bool cosine = strcmp(string(c, "schedule"), "cosine") == 0;
        const double lr = real(c, "lr");
        uint64_t step = 0;
        for (rid_json_iter at = rid_json_begin(member(c, "expected")); rid_json_next(&at, NULL, &v);
             step++) {
            double expected = 0;
            assert_true(rid_json_get_f64(v, &expected));
            double got = rid_learning_rate(cosine ? RID_SCHEDULE_COSINE : RID_SCHEDULE_CONSTANT, lr,
                                           step, number(c, "warmup"), number(c, "total"));
            if (!(fabs(got - expected) <= 1e-13 * lr)) /* double arithmetic on both sides */
                fail_msg("step %llu: %.17g, expected %.17g", (unsigned long long)step, got,
                         expected);
        }
        assert_int_equal(step, number(c, "total"));
    }
    close_document(&d);
}

/* ---- by hand ---- */

static void test_rates_by_hand(void **state)
{
    (void)state;
    const rid_lr_schedule cosine = RID_SCHEDULE_COSINE, constant = RID_SCHEDULE_CONSTANT;
    assert_true(rid_learning_rate(cosine, 2, 0, 0, 8) == 2);
    assert_true(fabs(rid_learning_rate(cosine, 2, 4, 0, 8) - 1) < 1e-15);
    assert_true(fabs(rid_learning_rate(cosine, 2, 2, 0, 8) - (1 + sqrt(0.5))) < 1e-15);
    assert_true(rid_learning_rate(cosine, 2, 8, 0, 8) == 0);
    assert_true(rid_learning_rate(cosine, 2, 9, 0, 8) ==
                0); /* behind its end it does not rise again */
    assert_true(rid_learning_rate(cosine, 2, 0, 1, 8) == 2);
    assert_true(rid_learning_rate(cosine, 2, 1, 1, 8) == 2);
    assert_true(rid_learning_rate(cosine, 2, 1, 4, 8) == 1);
    assert_true(rid_learning_rate(cosine, 2, 3, 4, 8) == 2);
    assert_true(rid_learning_rate(cosine, 2, 5, 10, 8) == 1.2); /* over before it is warm */
    assert_true(rid_learning_rate(cosine, 2, 12, 10, 8) == 2);
    assert_true(rid_learning_rate(cosine, 2, 8, 8, 8) == 2);
    assert_true(rid_learning_rate(constant, 2, 1, 4, 8) == 1);
    assert_true(rid_learning_rate(constant, 2, 1000, 4, 8) == 2);
}

/* From moments of 0, the first step is lr in each gradient's direction, whatever its size: bias correction
 * takes what the moments lack. */
static void test_first_step(void **state)
{
    (void)state;
    static const float gradients[] = {1e-4f, -1e-4f, 20, -5e8f, 0, 3};
    rid_checkpoint params = new_checkpoint(1), grads = new_checkpoint(1);
    rid_adamw adam;
    add_tensor(&params, "w", 1, (int64_t[]){6});
    add_tensor(&grads, "w", 1, (int64_t[]){6});
    memset(params.tensors[0].data, 0, sizeof gradients);
    memcpy(grads.tensors[0].data, gradients, sizeof gradients);
    assert_ok(rid_adamw_init(&adam, &params, &err));
    assert_int_equal(adam.first.n_tensors, 1);
    assert_string_equal(adam.second.tensors[0].name, "w");
    rid_adamw_update(&adam, &params, &grads, 0.25, 0.9, 1, 1);
    for (size_t i = 0; i < 6; i++) {
        const float g = gradients[i], p = params.tensors[0].data[i];
        assert_true(fabs((double)p + 0.25 * (g > 0 ? 1 : g < 0 ? -1 : 0)) < 1e-4 * 0.25);
    }
    rid_adamw_clear(&adam);
    assert_int_equal(adam.steps, 0);
    rid_checkpoint_free(&params);
    rid_checkpoint_free(&grads);
}

/* ---- bits ---- */

enum { PERIOD = 7, LARGE = 200003 };

/* A tensor whose elements repeat with that period, after a few steps. */
static void run_large(rid_checkpoint *params, size_t n, int threads)
{
    rid_checkpoint grads = new_checkpoint(1);
    rid_adamw adam;
    *params = new_checkpoint(1);
    add_tensor(params, "w", 2, (int64_t[]){1, (int64_t)n});
    add_tensor(&grads, "w", 2, (int64_t[]){1, (int64_t)n});
    assert_ok(rid_adamw_init(&adam, params, &err));
    for (uint64_t step = 0; step < 4; step++) {
        rid_random r = fx_random(step);
        float *to = step == 0 ? params->tensors[0].data : grads.tensors[0].data;
        for (size_t i = 0; i < n; i++)
            to[i] = i < PERIOD ? (float)rid_random_normal(&r) : to[i - PERIOD];
        if (step > 0)
            rid_adamw_update(&adam, params, &grads, 0.01, 0.1, 0.7, threads);
    }
    rid_adamw_clear(&adam);
    rid_checkpoint_free(&grads);
}

/* Neither threads nor an element's place in a vector register decide a bit. */
static void test_bits(void **state)
{
    (void)state;
    rid_checkpoint small, large;
    run_large(&small, PERIOD, 1);
    for (int threads = 1; threads <= 3; threads++) {
        run_large(&large, LARGE, threads);
        for (size_t i = 0; i < LARGE; i++)
            assert_memory_equal(&large.tensors[0].data[i], &small.tensors[0].data[i % PERIOD],
                                sizeof(float));
        rid_checkpoint_free(&large);
    }
    rid_checkpoint_free(&small);
}

static void test_no_memory(void **state)
{
    (void)state;
    const int64_t at_first = rid_mem_live_blocks();
    rid_checkpoint params = new_checkpoint(2);
    add_tensor(&params, "w", 2, (int64_t[]){2, 3});
    add_tensor(&params, "b", 1, (int64_t[]){2});
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_adamw adam;
        rid_mem_fail_after(nth);
        st = rid_adamw_init(&adam, &params, NULL);
        rid_mem_fail_after(0);
        rid_adamw_clear(&adam); /* fine after a failure, too */
        assert_true(st == RID_OK ? nth > 4 : st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_checkpoint_free(&params);
    assert_int_equal(rid_mem_live_blocks(), at_first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_updates),       cmocka_unit_test(test_rates),
        cmocka_unit_test(test_rates_by_hand), cmocka_unit_test(test_first_step),
        cmocka_unit_test(test_bits),          cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
