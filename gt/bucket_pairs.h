/** Pairs of rows within buckets, from files of pairs or from ground truth:
 *
 *      rid_pairs_read(&pairs, paths, n_paths, err);
 *      rid_bucket_pairs_bind(&out, pairs, &set, buckets, n_buckets, err);    // or
 *      rid_bucket_pairs_of_labels(&out, labels, n_buckets, &sampling, err); */
#ifndef RID_BUCKET_PAIRS_H
#define RID_BUCKET_PAIRS_H

#include "data/store_set.h"
#include "gt/pairs.h"

/** Two entries of a bucket, as rows in matching order. */
typedef struct rid_pair {
    uint32_t a, b; /**< a < b */
    bool same;     /**< of one person */
} rid_pair;

/** Ordered by bucket, a, b; each once. To be cleared; zero on failure. */
typedef struct rid_bucket_pairs {
    rid_pair *pairs;  /**< (n) */
    size_t *first;    /**< (n_buckets + 1): bucket k has pairs[first[k]] … pairs[first[k + 1] − 1] */
    size_t n, n_buckets;
    size_t n_same;    /**< of n: of one person */
    /** Left out, from files: pairs of entries in two buckets, which matching never joins; of them those
     *  of one person; pairs with an entry that is in no bucket. */
    size_t n_across, n_across_same, n_absent;
} rid_bucket_pairs;

/** Where an id of the pairs is: a row of a bucket; bucket UINT32_MAX: nowhere. */
typedef struct rid_pair_place {
    uint32_t bucket, row;
} rid_pair_place;

/** The pairs as rows of n_buckets buckets, whatever they are; at (rid_pairs_id_count): where each id is.
 *  Memory: 16 bytes a pair. RID_ETEMP. */
RID_MUST rid_status rid_bucket_pairs_place(rid_bucket_pairs *out, const rid_pairs *p,
                                           const rid_pair_place *at, size_t n_buckets,
                                           rid_err *err);

/** The rows of the pairs in stores. Buckets and their rows are those of rid_store_set_group, or a part of them.
 *  Memory: 8 bytes an id and 16 a pair. RID_ETEMP. */
RID_MUST rid_status rid_bucket_pairs_bind(rid_bucket_pairs *out, const rid_pairs *p,
                                   const rid_store_set *set, const rid_bucket *buckets,
                                   size_t n_buckets, rid_err *err);
/** RID_EDATA where no pair of `p` came within a bucket. `where` is for the message: "store". */
RID_MUST rid_status rid_bucket_pairs_check(const rid_bucket_pairs *b, const rid_pairs *p,
                                           const char *where, rid_err *err);

/** Who is who in a bucket. */
typedef struct rid_bucket_labels {
    const uint32_t *person; /**< (n) in matching order, any numbers; UINT32_MAX: unlabelled */
    size_t n;
} rid_bucket_labels;

/** Which of all pairs of ground truth are taken: at most so many of one person and of different
 *  persons over all buckets, drawn without replacement, each pair as likely as any other. */
typedef struct rid_pair_sampling {
    uint64_t max_same, max_different; /**< UINT64_MAX: all */
    uint64_t seed;                    /**< the same seed, the same pairs */
} rid_pair_sampling;

/** The pairs of labelled entries within buckets; sampling NULL: all of them. Memory is that of the
 *  pairs taken, which is quadratic in a bucket where all are. RID_ETEMP. */
RID_MUST rid_status rid_bucket_pairs_of_labels(rid_bucket_pairs *out, const rid_bucket_labels *buckets,
                                          size_t n_buckets, const rid_pair_sampling *sampling,
                                          rid_err *err);
void rid_bucket_pairs_clear(rid_bucket_pairs *p);

#endif
