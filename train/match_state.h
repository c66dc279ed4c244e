/** What rid-match remembers: every entry seen, its bucket's gallery, and the answer it was given. */
#ifndef RID_MATCH_STATE_H
#define RID_MATCH_STATE_H

#include "data/base/hash.h"
#include "data/store_set.h"
#include "eval/operating_point.h"

typedef struct rid_match_state rid_match_state;

/** What was answered about an entry. The views live until the state changes. */
typedef struct rid_answer {
    bool skip, matched, replaced, has_score;
    rid_str match_id;  /**< data NULL: none */
    uint32_t person;   /**< running number in the bucket, from 1 */
    float score, score2;
    size_t n_matchable; /**< entries of its bucket that can be matched by now, itself included */
} rid_answer;

/** NULL when there is no memory. */
rid_match_state *rid_match_state_new(size_t emb_dim, const rid_rule *rule);
void rid_match_state_free(rid_match_state *s);

/** Digest of an entry's contents: metadata, images, attributes, embedding. */
RID_MUST rid_status rid_match_digest(rid_digest128 *digest, const rid_payload *p,
                                     const float *embedding, size_t emb_dim, rid_err *err);

/** Query, then add. An id seen before with the same digest gets its first answer again (*repeated);
 *  with another one, the old row is taken out first and the answer says `replaced`. `embedding` NULL:
 *  a skip. */
RID_MUST rid_status rid_match_state_ask(rid_match_state *s, const rid_meta *meta,
                                        const float *embedding, const rid_digest128 *digest,
                                        rid_answer *answer, bool *repeated, rid_err *err);

/** How many buckets there are, and how many matchable entries one has. */
size_t rid_match_state_buckets(const rid_match_state *s);
size_t rid_match_state_matchable(const rid_match_state *s, size_t bucket);

/** Preloads the entries of stores, bucket by bucket in matching order, as if each had been
 *  asked. */
RID_MUST rid_status rid_match_state_warm(rid_match_state *s, rid_store_set *set, rid_err *err);

#endif
