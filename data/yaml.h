/** Configuration files: the flat part of YAML. A document is one mapping whose values are scalars,
 *  lists of scalars or mappings of scalars; scalars stay text (no "on" becomes true here). Anchors,
 *  aliases, tags, deeper nesting, duplicate keys and second documents are errors, each with its
 *  place: so nothing in a file can expand or be silently overridden. */
#ifndef RID_YAML_H
#define RID_YAML_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    RID_YAML_BYTES_MAX = 1 << 20,
    RID_YAML_ENTRIES_MAX = 1000, /**< keys of a document */
    RID_YAML_ITEMS_MAX = 16384,  /**< items of one list or map */
};

typedef enum rid_yaml_kind {
    RID_YAML_NULL, /**< nothing, ~ or null, not quoted: the key is named but not set */
    RID_YAML_SCALAR,
    RID_YAML_LIST,
    RID_YAML_MAP,
} rid_yaml_kind;

typedef struct rid_yaml_item {
    char *key;  /**< in a map; otherwise NULL */
    char *text; /**< UTF-8 without NUL */
    size_t line, column; /**< of the text, from 1 */
} rid_yaml_item;

typedef struct rid_yaml_entry {
    char *key;
    rid_yaml_kind kind;
    rid_yaml_item *items; /**< one for a scalar, none for null */
    size_t n_items, cap_items;
    size_t line, column;             /**< of the key, from 1 */
    size_t value_line, value_column; /**< of the value */
} rid_yaml_entry;

/** Entries in file order. Zero-initialise; rid_yaml_clear frees. */
typedef struct rid_yaml {
    rid_yaml_entry *entries;
    size_t n, cap;
} rid_yaml;

/** Parses text into *out, which is emptied first; `name` stands for the file in messages
 *  ("name:line:column: …"). A text without content has no entries. RID_ECONFIG, RID_ETEMP; *out is
 *  empty after an error. Thread-safe. */
RID_MUST rid_status rid_yaml_parse(rid_yaml *out, const char *name, rid_str text, rid_err *err);

/** As rid_yaml_parse, for a file (or a pipe) of at most RID_YAML_BYTES_MAX. RID_ENOINPUT where it
 *  cannot be opened, RID_EIO where it cannot be read, RID_EINTR. */
RID_MUST rid_status rid_yaml_read(rid_yaml *out, const char *path, rid_err *err);

void rid_yaml_clear(rid_yaml *y);

/** Appends a scalar that reads back as `text`: plain where any reader of YAML 1.1 or 1.2 takes it
 *  for a string (plain_number: also where one may take it for a number or a truth value), otherwise
 *  in double quotes. Bytes that are no UTF-8 are written as \xNN. */
void rid_yaml_append_scalar(rid_buf *out, rid_str text, bool plain_number);

#endif
