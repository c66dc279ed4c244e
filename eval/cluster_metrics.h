/** How well a bucket was clustered, and how its searches ended, against ground truth.
 *
 *  Everything is computed from counts that add up: over entries, over persons, over buckets. They are
 *  whole numbers (sums of fractions and of logarithms are kept in fixed point), so no order of adding
 *  changes a bit. Matching never crosses buckets: pairs are pairs within one bucket, a person of two
 *  buckets is one of each, and what the bucket alone tells earns nothing. Of one bucket the metrics
 *  are those of scikit-learn. Unlabelled entries are left out of all counts. */
#ifndef RID_CLUSTER_METRICS_H
#define RID_CLUSTER_METRICS_H

#include "eval/ranking.h"
#include "eval/rule.h"

/** A number in units of 2^-80. */
typedef __int128 rid_fixed;

/** Sufficient statistics. n_ij: entries of true person j in predicted person i; a_i, b_j: its sums;
 *  n: labelled entries of the bucket. Zero is the empty one. */
typedef struct rid_cluster_counts {
    uint64_t entries;                      /**< labelled */
    uint64_t persons, true_persons;        /**< with a labelled entry */
    uint64_t pairs;                        /**< C(n, 2) */
    uint64_t predicted_pairs, true_pairs;  /**< Σ C(a_i, 2), Σ C(b_j, 2) */
    uint64_t hit_pairs;                    /**< Σ C(n_ij, 2) */
    rid_fixed precision_sum, recall_sum;   /**< B-cubed: Σ n_ij²/a_i, Σ n_ij²/b_j */
    rid_fixed joint_log, predicted_log, true_log, entries_log; /**< Σ x ln x of n_ij, a_i, b_j, n */
} rid_cluster_counts;

/** Precision without predicted pairs and recall without true pairs are 1; all others are NaN without
 *  a labelled entry. */
typedef struct rid_cluster_metrics {
    double pairwise_precision, pairwise_recall, pairwise_f1;
    /** Bagga and Baldwin, "Algorithms for Scoring Coreference Chains", 1998: means over entries. */
    double bcubed_precision, bcubed_recall, bcubed_f1;
    /** Rosenberg and Hirschberg, "V-Measure", EMNLP 2007; 1 where there is no entropy to explain.
     *  Over several buckets, of the entropies given the bucket. */
    double homogeneity, completeness, v_measure;
    /** Hubert and Arabie, "Comparing Partitions", 1985, from the pairs within buckets; 1 where both
     *  partitions are the same. */
    double ari;
    double persons_error; /**< persons − true persons */
} rid_cluster_metrics;

/** The part of them that takes no time. */
typedef struct rid_cluster_shares {
    double pairwise_precision, pairwise_recall, pairwise_f1;
    double bcubed_precision, bcubed_recall, bcubed_f1;
} rid_cluster_shares;

rid_cluster_shares rid_cluster_shares_of(const rid_cluster_counts *c);

void rid_cluster_counts_add(rid_cluster_counts *to, const rid_cluster_counts *c);
rid_cluster_metrics rid_cluster_metrics_of(const rid_cluster_counts *c);

/** How searches (labelled entries in matching order, each against what came before it) ended. A
 *  search is mated where an earlier entry of the bucket, even one that cannot be matched, is its
 *  person's. Misses are the rest. */
typedef struct rid_search_counts {
    uint64_t mated, nonmated;
    uint64_t hits;          /**< mated, joined an entry of the same person */
    uint64_t wrong_matches; /**< mated, joined another's */
    uint64_t false_matches; /**< non-mated, joined another's */
    uint64_t to_unlabelled; /**< joined an unlabelled entry: none of the above */
    uint64_t nonmated_to_unlabelled; /**< those of them that are non-mated */
} rid_search_counts;

/** How a search ended. */
typedef enum rid_search_end {
    RID_SEARCH_NO_MATCH, /**< a new person, or skipped */
    RID_SEARCH_SAME,     /**< joined an entry of its person */
    RID_SEARCH_OTHER,    /**< joined another's */
    RID_SEARCH_TO_UNLABELLED,
} rid_search_end;

/** Counts one search. What joined an earlier entry of its person is mated (assert). */
void rid_search_counts_take(rid_search_counts *c, bool mated, rid_search_end end);
void rid_search_counts_add(rid_search_counts *to, const rid_search_counts *c);
/** 1 − hits/mated, false_matches/nonmated; NaN without a search of the kind. */
double rid_search_fnir(const rid_search_counts *c);
double rid_search_fpir(const rid_search_counts *c);

/** How listed pairs of entries came out: together in one person, or not. */
typedef struct rid_pair_counts {
    uint64_t same, different; /**< in truth */
    uint64_t same_together, different_together;
} rid_pair_counts;

/** Precision without pairs together and recall without pairs of one person are 1, as for clusters; all
 *  are NaN without any pair. */
typedef struct rid_pair_metrics {
    double precision, recall, f1;
} rid_pair_metrics;

/** Counts one pair. */
void rid_pair_counts_take(rid_pair_counts *c, bool same, bool together);
void rid_pair_counts_add(rid_pair_counts *to, const rid_pair_counts *c);
rid_pair_metrics rid_pair_metrics_of(const rid_pair_counts *c);

/** A bucket's ground truth, ready for counting many clusterings. One thread at a time. */
typedef struct rid_truth rid_truth;

/** person u32 (n < 2^32 − 1), in matching order: any numbers, RID_UNLABELLED: none. Copied.
 *  RID_ETEMP; RID_EDATA where n is too large. */
RID_MUST rid_status rid_truth_new(rid_truth **out, const uint32_t *person, size_t n, rid_err *err);
void rid_truth_free(rid_truth *t);
/** u8 (n): 1 where the entry's search is mated. View. */
const uint8_t *rid_truth_mated(const rid_truth *t);
/** person u32 (n) as numbers below the true persons' number, in ascending order of what they were
 *  called; RID_UNLABELLED stays. */
void rid_truth_numbers(const rid_truth *t, uint32_t *out);
/** Counts a clustering: predicted u32 (n), `stride` numbers apart, each below n. O(n). */
void rid_truth_count(rid_truth *t, const uint32_t *predicted, size_t stride,
                     rid_cluster_counts *out);
/** Counts the searches of n decisions, whose rows are rows of the bucket. */
void rid_truth_count_searches(const rid_truth *t, const rid_decision *decisions,
                              rid_search_counts *out);

/** Counts one clustering whose persons have any numbers; those of unlabelled entries do not matter.
 *  Errors of rid_truth_new. */
RID_MUST rid_status rid_cluster_count(rid_cluster_counts *out, const uint32_t *person,
                                      const uint32_t *predicted, size_t n, rid_err *err);

/** x ln x and 1/x, as the counts use them. x >= 1. */
rid_fixed rid_fixed_x_log_x(uint64_t x);
rid_fixed rid_fixed_inverse(uint64_t x);

#endif
