/** Where payloads come from: files, directories, standard input, stores, all behind one iterator. */
#ifndef RID_SOURCE_H
#define RID_SOURCE_H

#include "data/base/log.h"
#include "data/payload.h"

typedef struct rid_source_options {
    const rid_schema *schema;       /**< attribute vectors are made with it; NULL: none */
    const rid_timezones *timezones; /**< needed */
    size_t vis_dim;                 /**< frames of another size are rejected; 0: the first good
                                         payload decides, of whichever shard */
    uint32_t shard, n_shards;       /**< only buckets of that shard; n_shards = 0: all */
    uint64_t limit;                 /**< at most that many payloads; 0: all */
    size_t batch;                   /**< payloads a batch; 0: 256 */
    int threads;                    /**< 0: one */
    bool interactive;               /**< answer each payload before reading the next */
} rid_source_options;

/** Where an item comes from. */
typedef struct rid_origin {
    const char *file; /**< as given or found; "-" for standard input; lives as long as the source */
    uint64_t line;    /**< from 1; 0 for an entry of a store */
    uint64_t byte;    /**< from 0 in the (decompressed) file; row for an entry of a store */
} rid_origin;

typedef struct rid_item {
    bool rejected;
    bool foreign;            /**< of another shard; not handed out */
    rid_payload payload;     /**< where not rejected */
    rid_payload_fault fault; /**< where rejected */
    rid_origin origin;       /**< of the payload, or of the fault */
} rid_item;

/** Items in input order; the array and the items belong to the source, until the next call. */
typedef struct rid_batch {
    rid_item **items;
    size_t n;
} rid_batch;

typedef struct rid_source rid_source;

/** Opens the inputs: payload files (.json, .jsonl, each also .gz or .zst), directories (searched
 *  through, in order of name), "-", stores (.h5). None given: standard input. RID_ENOINPUT where one
 *  does not exist. `options` is copied, what it points to is borrowed. */
RID_MUST rid_status rid_source_open(rid_source **out, const rid_source_options *options,
                                    const char *const *inputs, size_t n_inputs, rid_err *err);

/** The next batch; batch->n = 0 at the end. Items and their order do not depend on threads. One
 *  thread calls this. */
RID_MUST rid_status rid_source_next(rid_source *s, rid_batch *batch, rid_err *err);

/** Bytes taken from the inputs and in all (0 where not known): for progress. */
void rid_source_position(const rid_source *s, uint64_t *done, uint64_t *total);
/** Payloads seen so far, those of other shards included: 0 at the end means there was no input. */
uint64_t rid_source_seen(const rid_source *s);
/** Size of the frames: the option, or the first accepted payload's; 0 before that. */
size_t rid_source_vis_dim(const rid_source *s);
void rid_source_close(rid_source *s);

#endif
