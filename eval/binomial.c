#include "eval/binomial.h"

#include <math.h>

/* Far more than the fraction takes: about √max(a, b) steps. */
enum { STEPS_MAX = 100000 };

/* The continued fraction by the modified method of Lentz, which converges quickly where
 * x < (a + 1)/(a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double value = d;
    for (int m = 1; m < STEPS_MAX; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 + even * d;
        c = 1 + even / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        value *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 + odd * d;
        c = 1 + odd / c;
        d = 1 / (fabs(d) < tiny ? tiny : d);
        c = fabs(c) < tiny ? tiny : c;
        value *= d * c;
        if (fabs(d * c - 1) < 1e-15)
            break;
    }
    return value;
}

static double log_gamma(double x)
{
    int sign; /* lgamma would leave it in a variable that all threads share */
    return lgamma_r(x, &sign);
}

double rid_beta_cdf(double x, double a, double b)
{
    if (x <= 0 || x >= 1)
        return x >= 1;
    const double front =
        exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2))
        return front * beta_fraction(x, a, b) / a;
    return 1 - front * beta_fraction(1 - x, b, a) / b;
}

double rid_binomial_upper(double hits, double n, double confidence)
{
    double low = 0, high = 1;
    if (hits >= n)
        return 1;
    if (hits <= 0)
        return -expm1(log1p(-confidence) / n);
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return high;
        if (rid_beta_cdf(middle, hits + 1, n - hits) < confidence)
            low = middle;
        else
            high = middle;
    }
}

/* How often t exceeds x >= 0. */
static double student_tail(double x, double df)
{
    if (isinf(df))
        return erfc(x / sqrt(2)) / 2;
    return rid_beta_cdf(df / (df + x * x), df / 2, 0.5) / 2;
}

double rid_student_quantile(double tail, double df)
{
    double low = 0, high = 1;
    while (student_tail(high, df) > tail && high < 1e300)
        high *= 2;
    for (;;) {
        const double middle = low + (high - low) / 2;
        if (middle <= low || middle >= high)
            return high;
        if (student_tail(middle, df) > tail)
            low = middle;
        else
            high = middle;
    }
}
