/** Pairs of entries that are, or are not, of one person: from CSV files, or from ground truth.
 *
 *  A file's pairs are between ids (rid_pairs). What is measured is pairs of rows within one bucket
 *  (rid_bucket_pairs), from either source:
 *
 *      rid_pairs_read(&pairs, paths, n_paths, err);
 *      rid_pairs_bind(&of_buckets, pairs, &set, buckets, n_buckets, err);    // or
 *      rid_pairs_from_labels(&of_buckets, truth, n_buckets, &sampling, err);
 */
#ifndef RID_PAIRS_H
#define RID_PAIRS_H

#include "data/base/buf.h"
#include "data/store_set.h"

/* ---- pairs of ids ---- */

typedef struct rid_pairs rid_pairs;

/** Reads n >= 1 CSV files (also .gz, .zst, "-") one after the other. The header names the columns, in
 *  any order: qid, aid and, where there is one, label; or entry_id_a, entry_id_b and same_pid; others
 *  are passed over. Without a column for it the label is 1. Labels are 0, 1, false or true. Either
 *  order of the two ids is the same pair; one that comes again counts once (rid_pairs_repeated_count).
 *  RID_EDATA with file, line, byte and what was expected: a pair of an entry with itself, a pair that
 *  has both labels (both places are named), a row of another width than the header, an empty id.
 *  RID_ENOINPUT, RID_ETEMP, RID_EINTR. */
RID_MUST rid_status rid_pairs_read(rid_pairs **out, const char *const *paths, size_t n, rid_err *err);
void rid_pairs_free(rid_pairs *p);

size_t rid_pairs_count(const rid_pairs *p);
size_t rid_pairs_repeated_count(const rid_pairs *p);
/** Pair i in order of first appearance, its ids as they stood there. Views. */
void rid_pairs_at(const rid_pairs *p, size_t i, rid_str *a, rid_str *b, bool *same);
/** Distinct ids, numbered in order of first appearance. View. */
size_t rid_pairs_id_count(const rid_pairs *p);
rid_str rid_pairs_id(const rid_pairs *p, uint32_t number);
/** True where the pair, in either order, is among them; its label, unless same is NULL. Thread-safe. */
bool rid_pairs_find(const rid_pairs *p, rid_str a, rid_str b, bool *same);

/* ---- pairs of rows ---- */

/** Two entries of a bucket, as rows in matching order. */
typedef struct rid_pair {
    uint32_t a, b; /**< a < b */
    bool same;     /**< of one person */
} rid_pair;

/** Ordered by bucket, a, b; each once. To be cleared; zero on failure. */
typedef struct rid_bucket_pairs {
    rid_pair *pairs;  /**< (n) */
    size_t *first;    /**< (n_buckets + 1): those of bucket k are pairs[first[k]] … pairs[first[k + 1] − 1] */
    size_t n, n_buckets;
    size_t n_same;    /**< of n: of one person */
    /** Left out, from files: pairs of entries in two buckets, which matching never joins; of them those
     *  of one person; pairs with an entry that is in no bucket. */
    size_t n_across, n_across_same, n_absent;
} rid_bucket_pairs;

/** The rows of the pairs. Buckets and their rows are those of rid_store_set_group, or a part of them.
 *  Memory: 8 bytes an id and 16 a pair. RID_ETEMP. */
RID_MUST rid_status rid_pairs_bind(rid_bucket_pairs *out, const rid_pairs *p, const rid_store_set *set,
                                   const rid_bucket *buckets, size_t n_buckets, rid_err *err);

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
RID_MUST rid_status rid_pairs_from_labels(rid_bucket_pairs *out, const rid_bucket_labels *buckets,
                                          size_t n_buckets, const rid_pair_sampling *sampling,
                                          rid_err *err);
void rid_bucket_pairs_clear(rid_bucket_pairs *p);

/* ---- writing ---- */

/** Appends "qid,aid,label" and a line of it. */
void rid_pairs_append_header(rid_buf *out);
void rid_pairs_append(rid_buf *out, rid_str a, rid_str b, bool same);

#endif
