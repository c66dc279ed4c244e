/** Pairs of entries that are, or are not, of one person, from CSV files. For pairs as rows of buckets,
 *  and pairs from ground truth, see bucket_pairs.h. */
#ifndef RID_PAIRS_H
#define RID_PAIRS_H

#include "data/base/buf.h"
#include "data/base/err.h"

typedef struct rid_pairs rid_pairs;

/** Reads n >= 1 CSV files (also .gz, .zst, "-") one after the other. The header names the columns, in
 *  any order: qid, aid and, where there is one, label; or entry_id_a, entry_id_b and same_pid; others
 *  are passed over. Without a column for it the label is 1. Labels are 0, 1, false or true. Either
 *  order of the two ids is the same pair; one that comes again counts once.
 *  RID_EDATA with file, line, byte and what was expected: a pair of an entry with itself, a pair that
 *  has both labels (both places are named), a row of another width than the header, an empty id.
 *  RID_ENOINPUT, RID_ETEMP, RID_EINTR. */
RID_MUST rid_status rid_pairs_read(rid_pairs **out, const char *const *paths, size_t n,
                                   rid_err *err);
void rid_pairs_free(rid_pairs *p);

size_t rid_pairs_count(const rid_pairs *p);
/** Pair i in order of first appearance: its ids by number, as they stood there, and its label. */
void rid_pairs_at(const rid_pairs *p, size_t i, uint32_t *a, uint32_t *b, bool *same);
/** Distinct ids, numbered in order of first appearance. View. */
size_t rid_pairs_id_count(const rid_pairs *p);
rid_str rid_pairs_id(const rid_pairs *p, uint32_t number);
/** The number of an id; false where it is in no pair. Thread-safe. */
bool rid_pairs_find_id(const rid_pairs *p, rid_str id, uint32_t *number);
/** True where the pair of two numbers of ids, in either order, is among them; its label, unless same is NULL.
 *  Thread-safe. */
bool rid_pairs_find_numbers(const rid_pairs *p, uint32_t a, uint32_t b, bool *same);

/* ---- writing ---- */

/** Appends "qid,aid,label" and a line of it. */
void rid_pairs_append_header(rid_buf *out);
void rid_pairs_append(rid_buf *out, rid_str a, rid_str b, bool same);

/** An entry of a hard pair; texts that are not known have data = NULL. */
typedef struct rid_pair_side {
    rid_str entry, person, store, day, camera, timestamp, image;
} rid_pair_side;
/** Appends the header of hard pairs and a line of it; risk_type is "hard_neg", "hard_pos" or
 *  "alias_candidate". */
void rid_pairs_append_hard_header(rid_buf *out);
void rid_pairs_append_hard(rid_buf *out, const rid_pair_side sides[2], bool same, float sim,
                           const char *risk_type);

#endif
