/** Reading ahead: threads that read, decompress and cut text inputs into chunks of records while the
 *  chunks before are worked on. Chunks come out in input order, whatever the number of threads. */
#ifndef RID_READAHEAD_H
#define RID_READAHEAD_H

#include "data/inputs.h"
#include "data/split.h"

typedef struct rid_readahead rid_readahead;

/** Starts reading files[0..n), all of them text. `inputs` is borrowed. */
RID_MUST rid_status rid_readahead_start(rid_readahead **out, const rid_input *files, size_t n,
                                        uint32_t first_file, size_t max_records, size_t max_bytes,
                                        int threads, rid_err *err);
/** The next chunk, the caller's until rid_readahead_give_back; NULL at the end. A failure comes where
 *  it stands in the inputs, behind what could be read before it, and then again with every call. */
RID_MUST rid_status rid_readahead_next(rid_readahead *r, rid_chunk **chunk, rid_err *err);
void rid_readahead_give_back(rid_readahead *r, rid_chunk *chunk);
/** Stops the threads, wherever they are, and frees. */
void rid_readahead_stop(rid_readahead *r);

#endif
