/** From what the user names (files, directories, "-") to the list of files to read. */
#ifndef RID_INPUTS_H
#define RID_INPUTS_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rid_input {
    char *path;     /**< "-": standard input */
    bool store;     /**< a store, not payload text */
    uint64_t bytes; /**< size of the file; 0 where it is not known */
} rid_input;

typedef struct rid_inputs {
    rid_input *files;
    size_t n, cap;
} rid_inputs;

/** Looks for every input; directories are searched through in order of name, for names that end in
 *  .json or .jsonl (or those with .gz or .zst), hidden ones and *.rejects.jsonl left out. No inputs
 *  given: standard input. RID_ENOINPUT where one does not exist. */
RID_MUST rid_status rid_inputs_find(rid_inputs *out, const char *const *paths, size_t n,
                                    rid_err *err);
void rid_inputs_free(rid_inputs *list);

#endif
