/** A JSON document in a file: read whole, checked for duplicate keys, and walked so that an error can say
 *  where it is:
 *
 *      static rid_status take_person(rid_json_file *f, void *ctx, rid_str key, rid_json v, rid_err *err)
 *      {
 *          …
 *          return rid_json_file_fail_type(f, err, "an object with 'person_id'", v);
 *      }
 *      rid_json_file f;
 *      st = rid_json_file_open(&f, path, max_bytes, "embeddings", err);
 *      if (st == RID_OK && rid_json_file_enter(&f, f.root, "people", &people)) {
 *          st = rid_json_file_each(&f, people, take_person, ctx, err);
 *          rid_json_file_leave(&f);
 *      }
 *      rid_json_file_close(&f); */
#ifndef RID_JSON_FILE_H
#define RID_JSON_FILE_H

#include "data/json.h"

/** Text that was left out of the document in memory. */
typedef struct rid_json_gap {
    size_t at;            /**< byte of the text in memory that stands for it */
    int64_t bytes, lines; /**< how much more there is in the file */
} rid_json_gap;

typedef struct rid_json_file {
    const char *path; /**< borrowed */
    rid_json root;
    rid_buf text; /**< what is in memory */
    rid_json_parser *parser;
    rid_json_gap *gaps;
    size_t n_gaps, gaps_cap;
    size_t steps[RID_JSON_DEPTH_MAX + 1],
        depth; /**< the places of the members and elements down to here */
} rid_json_file;

/** Reads and parses a file (also .gz, .zst, "-"). leave_out: members of that name are null in memory where
 *  they are arrays or objects, and not looked at beyond their brackets: large documents need no memory for
 *  their frames. NULL: none. RID_ENOINPUT; RID_EDATA with file, line, byte and what was expected, for a text
 *  that is no JSON, a key that stands twice in one object, or more than max_bytes in memory; RID_ETEMP;
 *  RID_EINTR. To be closed in any case. */
RID_MUST rid_status rid_json_file_open(rid_json_file *f, const char *path, size_t max_bytes,
                                       const char *leave_out, rid_err *err);
void rid_json_file_close(rid_json_file *f);

/** Calls `child` for each member or element of v, in order, until one fails; key is empty in an array. */
typedef rid_status rid_json_file_child(rid_json_file *f, void *ctx, rid_str key, rid_json v,
                                       rid_err *err);
RID_MUST rid_status rid_json_file_each(rid_json_file *f, rid_json v, rid_json_file_child *child,
                                       void *ctx, rid_err *err);
/** Goes into the member of that name: errors are there until rid_json_file_leave. False (and nothing to
 *  leave) where `object` is none or has none. */
bool rid_json_file_enter(rid_json_file *f, rid_json object, const char *name, rid_json *v);
void rid_json_file_leave(rid_json_file *f);

/** Puts "file: line, byte" of the value that is being looked at in front of what *err says; returns its
 *  code. */
rid_status rid_json_file_fail_here(const rid_json_file *f, rid_err *err);
/** RID_EDATA: "file: line, byte: expected `expected`, found a string". */
rid_status rid_json_file_fail_type(const rid_json_file *f, rid_err *err, const char *expected,
                                   rid_json v);

#endif
