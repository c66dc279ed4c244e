/** What can be told of a payload from its text without parsing it. */
#ifndef RID_PAYLOAD_SKIM_H
#define RID_PAYLOAD_SKIM_H

#include "data/payload.h"

/** Where the value of the top-level member `embeddings` begins, if that is a '['. False where it is
 *  not found without a full parse. */
bool rid_payload_find_frames(const char *text, size_t len, size_t *at);

/** The bucket of a payload by skimming its text: day and store as views of it. False where that
 *  needs a full parse (escapes, missing day, unexpected order of things). */
bool rid_payload_skim_bucket(const char *text, size_t len, rid_str entry_key, rid_str *day,
                             rid_str *store);
/** The store of an entry that names none: its id up to the first '-'. */
rid_str rid_payload_store_of_id(rid_str entry_id);
/** Which of n shards holds the bucket: XXH3-64 of day, NUL, store, modulo n. */
uint32_t rid_payload_shard(rid_str day, rid_str store, uint32_t n);

#endif
