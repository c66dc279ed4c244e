/** Cutting an input into records, each the text of one payload, without parsing it.
 *
 *  A line that begins with '{' in column 0 always begins a record, so a payload that was cut short
 *  costs only itself; so does a line that no document could go on with after one that ends in '}'. An entry manifest ({"entry-1": {…}, "entry-2": {…}}) is cut into its members
 *  as it streams by, whatever its size. */
#ifndef RID_SPLIT_H
#define RID_SPLIT_H

#include "data/inflate.h"
#include "data/summary.h"

typedef struct rid_record {
    size_t offset, len;         /**< of its text in the chunk */
    size_t key_offset, key_len; /**< of an entry manifest's key, between its quotes */
    bool has_key;
    uint32_t file;              /**< the caller's number of the input */
    uint64_t line, byte;        /**< where it begins: line from 1, byte from 0, decompressed */
    const char *fault;          /**< what was expected, where it cannot be a payload; else NULL */
    rid_reject reason;          /**< with fault */
} rid_record;

/** Text of many records. Zero-initialise. RID_JSON_PADDING bytes behind the text are readable. */
typedef struct rid_chunk {
    char *text;
    size_t len, cap;
    rid_record *records;
    size_t n, records_cap;
    uint64_t raw_bytes; /**< bytes taken from the inputs for it, compressed ones, for progress */
} rid_chunk;

void rid_chunk_free(rid_chunk *c);
/** Empties it for reuse; memory beyond 64 MiB is given back. */
void rid_chunk_clear(rid_chunk *c);

typedef struct rid_splitter rid_splitter;

/** Opens an input. `interactive`: a record ends with the line that completes it, so that each can be
 *  answered before the next is written (a line that cannot be continued ends one, too). */
RID_MUST rid_status rid_splitter_open(rid_splitter **out, const char *path, uint32_t file,
                                      bool interactive, const atomic_bool *stop, rid_err *err);
void rid_splitter_close(rid_splitter *s);
/** A record of more bytes becomes one with a fault. RID_PAYLOAD_BYTES_MAX unless set. */
void rid_splitter_limit(rid_splitter *s, size_t record_bytes);

/** Appends records to c until it holds max_records, or max_bytes of text with at least one record,
 *  or the input ends (*end = true). Damaged compressed data becomes a record with a fault. */
RID_MUST rid_status rid_splitter_fill(rid_splitter *s, rid_chunk *c, size_t max_records,
                                      size_t max_bytes, bool *end, rid_err *err);

/** Second look at a record that did not parse: the documents in it, line-wise, and what stands between
 *  them (lines that do not begin with '{' go together). Finds the next one at or after *at in
 *  text[0..len): its extent, and *at behind it. False where only blanks are left. */
bool rid_split_again(const char *text, size_t len, size_t *at, size_t *start, size_t *sub_len);

/** Newlines in text[0..n). */
uint64_t rid_count_lines(const char *text, size_t n);

#endif
