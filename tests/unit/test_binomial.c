/* Exact bounds on a proportion: closed forms, and SciPy (tests/vectors/binomial.json). */
#include "vectors.h"

#include "eval/binomial.h"

#include <math.h>

static double value(rid_json object, const char *key)
{
    double x = NAN;
    assert_true(rid_json_get_f64(member(object, key), &x));
    return x;
}

static void check(const char *what, double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("%s: %.17g, expected %.17g", what, found, expected);
}

static void test_closed_forms(void **state)
{
    (void)state;
    /* Nothing seen in n: the p with (1 − p)^n = 1 − confidence. */
    check("0 of 1", rid_binomial_upper(0, 1, 0.95), 0.95, 1e-15);
    check("0 of 2", rid_binomial_upper(0, 2, 0.75), 0.5, 1e-15);
    check("0 of 299", rid_binomial_upper(0, 299, 0.95), 1 - pow(0.05, 1.0 / 299), 1e-15);
    assert_true(rid_binomial_upper(0, 298, 0.95) > 0.01 && rid_binomial_upper(0, 299, 0.95) < 0.01);
    /* All but one: p^n = confidence. */
    check("1 of 2", rid_binomial_upper(1, 2, 0.81), 0.9, 1e-15);
    check("4 of 5", rid_binomial_upper(4, 5, 0.95), pow(0.95, 0.2), 1e-14);
    check("all", rid_binomial_upper(5, 5, 0.95), 1, 0);
    /* The bound is where as few hits have that probability: Σ C(4, k) p^k (1 − p)^(4 − k), k <= 1. */
    const double p = rid_binomial_upper(1, 4, 0.95), q = 1 - p;
    check("1 of 4", q * q * q * q + 4 * p * q * q * q, 0.05, 1e-14);
    check("I_x(1, 1)", rid_beta_cdf(0.3, 1, 1), 0.3, 1e-15);
    check("I_x(2, 3)", rid_beta_cdf(0.5, 2, 3), 11.0 / 16, 1e-15);
    check("I_0", rid_beta_cdf(0, 2, 3), 0, 0);
    check("I_1", rid_beta_cdf(1, 2, 3), 1, 0);
    check("t, 1", rid_student_quantile(0.25, 1), 1, 1e-13);
    check("t, 2", rid_student_quantile(0.05, 2), 0.9 / sqrt(2 * 0.05 * 0.95), 1e-13);
    check("median", rid_student_quantile(0.5, 5), 0, 1e-12);
}

static void test_scipy(void **state)
{
    (void)state;
    document d = open_document("", "binomial", ".json");
    rid_json v;
    size_t n = 0;
    for (rid_json_iter it = rid_json_begin(member(d.root, "bounds")); rid_json_next(&it, NULL, &v);
         n++)
        check("bound", rid_binomial_upper(value(v, "hits"), value(v, "n"), value(v, "confidence")),
              value(v, "bound"), 1e-9 * value(v, "bound"));
    for (rid_json_iter it = rid_json_begin(member(d.root, "betas")); rid_json_next(&it, NULL, &v);
         n++)
        check("beta", rid_beta_cdf(value(v, "x"), value(v, "a"), value(v, "b")), value(v, "p"),
              1e-10);
    for (rid_json_iter it = rid_json_begin(member(d.root, "students"));
         rid_json_next(&it, NULL, &v); n++) {
        const double df = value(v, "df");
        check("student", rid_student_quantile(value(v, "tail"), df > 0 ? df : INFINITY),
              value(v, "value"), 1e-9 * value(v, "value"));
    }
    assert_true(n > 300);
    close_document(&d);
}

static void test_monotone(void **state)
{
    (void)state;
    for (double x = 0; x < 20; x += 0.25)
        assert_true(rid_binomial_upper(x, 400, 0.95) < rid_binomial_upper(x + 0.25, 400, 0.95));
    for (double x = 0; x < 4; x += 0.5)
        assert_true(rid_binomial_upper(x, 400, 0.95) > rid_binomial_upper(x, 401, 0.95) &&
                    rid_binomial_upper(x, 400, 0.95) < rid_binomial_upper(x, 400, 0.951));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_forms),
        cmocka_unit_test(test_scipy),
        cmocka_unit_test(test_monotone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
