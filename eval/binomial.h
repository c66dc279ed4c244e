/** Exact bounds on a proportion, and the distributions behind them. */
#ifndef RID_BINOMIAL_H
#define RID_BINOMIAL_H

/** The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]: the probability that
 *  a Beta(a, b) variable is at most x. Continued fraction (DLMF 8.17.22); absolute error below 1e-10
 *  for a + b up to 1e6. */
double rid_beta_cdf(double x, double a, double b);

/** Upper bound of Clopper and Pearson ("The use of confidence or fiducial limits illustrated in the
 *  case of the binomial", Biometrika 1934) on a proportion of which `hits` in n trials were seen: the
 *  p at which as few hits have probability 1 − confidence. 1 where hits >= n. Neither hits nor n
 *  need be whole: effective counts are of their own kind (Korn and Graubard 1998). */
double rid_binomial_upper(double hits, double n, double confidence);

/** The value that Student's t with `df` >= 1 degrees of freedom exceeds with probability `tail` in
 *  (0, 0.5]; df = INFINITY: the normal distribution's. */
double rid_student_quantile(double tail, double df);

#endif
