/** The option table of the toolkit: one row per option, read by parsing, help, man pages and the
 *  checking of YAML files. A row may serve several binaries; where two binaries need different
 *  choices or defaults under one name, the name has two rows with disjoint `tools`. */
#ifndef RID_OPTIONS_H
#define RID_OPTIONS_H

#include "data/base/buf.h"
#include "data/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The binaries, as bits of rid_option.tools and rid_tool.bit. */
enum {
    RID_TOOL_ENCODE = 1 << 0,
    RID_TOOL_MANIFEST = 1 << 1,
    RID_TOOL_MATCH = 1 << 2,
    RID_TOOL_STORE = 1 << 3,
    RID_TOOL_SYNTH = 1 << 4,
    RID_TOOL_TRAIN = 1 << 5,
    RID_TOOL_SWEEP = 1 << 6,
    RID_TOOL_EVAL = 1 << 7,
    RID_TOOL_PAIRS = 1 << 8,
    RID_TOOL_GT = 1 << 9,
    RID_TOOL_CALIBRATE = 1 << 10,
    RID_TOOL_ALL = (1 << 11) - 1,
};

typedef enum rid_option_type {
    RID_OPTION_FLAG,             /**< true|false; on the command line no value, or "=false" */
    RID_OPTION_STRING,
    RID_OPTION_PATH,
    RID_OPTION_INT,              /**< min … max */
    RID_OPTION_FLOAT,            /**< min … max, finite */
    RID_OPTION_CHOICE,           /**< one of `choices`; for on|off also true, false, yes, no */
    RID_OPTION_LIST,             /**< strings; repeatable, a list in YAML */
    RID_OPTION_MAP,              /**< one value sets "default"; in YAML also a map */
    RID_OPTION_COUNT_OR_PERCENT, /**< "12" or "1.5%" */
    RID_OPTION_SHARD,            /**< "i/n" */
    RID_OPTION_RANGE,            /**< "LO:HI" or "N" */
    RID_OPTION_GRID,             /**< as rid_grid_parse reads it, min … max */
} rid_option_type;

enum {
    RID_OPTION_NO_YAML = 1 << 0,   /**< on the command line only (--help, --config) */
    RID_OPTION_HIDDEN = 1 << 1,    /**< not in the help */
    RID_OPTION_IF_EXISTS = 1 << 2, /**< the default is a file, used only where it exists */
    RID_OPTION_ZONE = 1 << 3,      /**< values are IANA time zones */
    RID_OPTION_NO_EMPTY = 1 << 4,  /**< the empty text is refused */
    RID_OPTION_INPUT = 1 << 5,     /**< a file that is read: no output may replace it */
    RID_OPTION_FILE = 1 << 6,      /**< an output: a file or "-" */
    RID_OPTION_FOLDER = 1 << 7,    /**< an output: a folder; with RID_OPTION_FILE either */
    RID_OPTION_OUTPUT = RID_OPTION_FILE | RID_OPTION_FOLDER,
};

typedef struct rid_option {
    const char *name;         /**< long name with dashes; the YAML key has '_' instead */
    char letter;              /**< short name, or 0 */
    rid_option_type type;
    const char *metavar;      /**< "FILE"; NULL: the choices, or nothing for a flag */
    const char *default_text; /**< NULL: unset */
    const char *choices;      /**< "frames|fused|none" */
    const char *env;          /**< environment variable, or NULL */
    unsigned tools;           /**< who has it: RID_TOOL_… */
    const char *group;        /**< heading in the help */
    const char *help;         /**< a phrase, no full stop */
    double min, max;          /**< of numbers; both 0: no bounds */
    unsigned flags;           /**< RID_OPTION_… */
    const char *makes; /**< files that come with an output, by |, its value for the star: "*.log" */
} rid_option;

/** Row i of the table, in the order of the help; NULL behind the last. */
const rid_option *rid_option_at(size_t i);
size_t rid_option_count(void);

/** The row `name` (dashes) for one of `tools`, or NULL. */
const rid_option *rid_option_find(const char *name, unsigned tools);
/** As rid_option_find for a YAML key (underscores); not for rows that no YAML file may hold. */
const rid_option *rid_option_find_key(const char *key, unsigned tools);
const rid_option *rid_option_find_letter(char letter, unsigned tools);

/** Writes the YAML key of o into key (at most RID_OPTION_KEY_MAX bytes with the NUL). */
enum { RID_OPTION_KEY_MAX = 48 };
void rid_option_key(const rid_option *o, char key[RID_OPTION_KEY_MAX]);

/** Checks one value (for LIST and MAP: one element). False where it does not fit; `want` then says
 *  what was expected, as in "'x' is not " want: "a number from 0 to 1". */
bool rid_option_check(const rid_option *o, const char *text, char *want, size_t want_size);

/** The text as it is kept: "true"/"false" of a flag, the choice of an alias, else `text` itself. */
const char *rid_option_canonical(const rid_option *o, const char *text);

/** The nearest option of `tools` to a mistyped name (YAML key where `key`), or NULL when none is
 *  near. A name of three letters or more is near to the first option that it begins. */
const rid_option *rid_option_suggest(const char *name, unsigned tools, bool key);

/** Distance in edits (insert, delete, replace, swap of neighbours) between two short words. */
size_t rid_word_distance(const char *a, const char *b);

/** The name of a binary without "rid-": "encode". `bit` is one RID_TOOL_…. */
const char *rid_tool_name(unsigned bit);

#endif
