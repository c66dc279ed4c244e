/** Re-ranking by k-reciprocal encoding (Zhong, Zheng, Cao and Li, "Re-ranking Person Re-identification with
 *  k-reciprocal Encoding", CVPR 2017), as the authors' program does it, with sparse sets:
 *
 *  - distances are squared Euclidean ones, each entry's divided by its largest; at equal ones the earlier
 *    entry is nearer. Among the nearest entries of p is p itself, unless enough others are equal to it;
 *  - R(p, k): those of the k + 1 nearest entries of p that have p among their k + 1 nearest. R*(p, k1) adds R(q, k1/2) of each q in R(p, k1) where more than two thirds of it are in
 *    R(p, k1); k1/2 is rounded, halves to even;
 *  - p's weights are exp(−distance) over R*(p, k1), with sum 1; then, unless k2 is 1, the mean of the
 *    weights of its k2 nearest entries;
 *  - the new distance is (1 − lambda) Jaccard distance of the weights + lambda distance.
 *
 *  Queries and gallery take part together, each entry once, also where it is both:
 *
 *      rid_rerank_new(&r, &in, &(rid_rerank_options){20, 6, 0.3}, threads, err);
 *      rid_ranking_run(…, &(rid_ranking_input){…, .rerank = r}, …);
 *      rid_rerank_free(r); */
#ifndef RID_RERANK_H
#define RID_RERANK_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RID_RERANK_K_MAX = 1000 };

typedef struct rid_rerank_options {
    size_t k1, k2; /**< 1 … RID_RERANK_K_MAX; beyond the number of entries: all of them */
    double lambda; /**< 0 … 1 */
} rid_rerank_options;

/** "20,6,0.3". False where it is anything else. */
bool rid_rerank_parse(const char *text, rid_rerank_options *out);

/** Borrowed arrays of n < 2^32 − 1 entries. */
typedef struct rid_rerank_input {
    const float *emb; /**< f32 (n, dim), unit rows */
    size_t n, dim;
    const uint8_t *part;   /**< u8 (n), 1: takes part; NULL: all */
    const uint32_t *group; /**< (n): entries of one number are among themselves; NULL: all are */
} rid_rerank_input;

typedef struct rid_rerank rid_rerank;

/** The weights of all entries. Memory is linear in n (k1 + k2): 8 bytes a nearest entry, 16 a weight. Bits
 *  depend on neither threads nor kernel. RID_EDATA on a number that is not finite; RID_ETEMP; RID_EINTR. */
RID_MUST rid_status rid_rerank_new(rid_rerank **out, const rid_rerank_input *in,
                                   const rid_rerank_options *o, int threads, rid_err *err);
void rid_rerank_free(rid_rerank *r);

/** One thread's scratch memory, 4 bytes an entry of the largest group; NULL where there is none. */
typedef struct rid_rerank_scorer rid_rerank_scorer;
rid_rerank_scorer *rid_rerank_scorer_new(const rid_rerank *r);
void rid_rerank_scorer_free(rid_rerank_scorer *s);

/** Turns the cosines of a query and n entries of its group, all of which take part, into 1 − the new
 *  distance. A score depends on the query and its entry alone, not on which others are asked for. */
void rid_rerank_score(rid_rerank_scorer *s, float *score, uint32_t query, const uint32_t *entry,
                      size_t n);

#endif
