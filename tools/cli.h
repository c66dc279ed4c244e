/** The command line shared by all binaries. A main describes its tool and calls rid_cli_main:
 *
 *      static rid_status run(rid_cli *cli, rid_err *err) { … }
 *      int main(int argc, char **argv)
 *      {
 *          static const rid_tool tool = {.name = "encode", .bit = RID_TOOL_ENCODE, …, .run = run};
 *          return rid_cli_main(&tool, argc, argv);
 *      }
 *
 *  Values: default < YAML file < --set < environment < flag. Getters take the option's long name
 *  ("filter-min-keep"); asking for one that the tool does not have, or as another type, is a
 *  programmer's error (assert). All getters are read-only and thread-safe; pointers they return
 *  belong to the cli and live as long as it does. */
#ifndef RID_CLI_H
#define RID_CLI_H

#include "data/base/err.h"
#include "data/base/log.h"
#include "data/base/timezone.h"
#include "data/summary.h"
#include "tools/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rid_cli rid_cli;

/** What a tool or command does with files, beyond what the option table says. */
enum {
    RID_PATHS_STDOUT = 1 << 0,    /**< without -o, results go to standard output */
    RID_PATHS_IN_PLACE = 1 << 1,  /**< with --force, -o may name one of the arguments */
    RID_PATHS_ONE_INPUT = 1 << 2, /**< only the first argument is a file */
    RID_PATHS_DERIVED = 1 << 3,   /**< -o stands for other files: rid_cli_claim_output */
};

/** A command of a tool that has several (rid-store info …). */
typedef struct rid_command {
    const char *name;
    const char *arguments; /**< "STORE.h5…" */
    const char *summary;
    const char *options;   /**< the tool's own options it takes, by spaces; NULL: all of them */
    rid_status (*run)(rid_cli *cli, rid_err *err);
    unsigned paths; /**< RID_PATHS_… */
} rid_command;

typedef struct rid_tool {
    const char *name;            /**< "encode" for rid-encode */
    unsigned bit;                /**< RID_TOOL_ENCODE */
    const char *summary;         /**< one line, no full stop */
    const char *arguments;       /**< "-o OUT.h5 [INPUT…]", after "rid-encode [OPTION…]" */
    const char *description;     /**< paragraphs, separated by blank lines; wrapped here */
    const char *examples;        /**< lines, printed as they are; "# …" lines explain */
    const rid_command *commands; /**< ends with a NULL name; NULL for a tool without */
    /** NULL for a tool with commands. */
    rid_status (*run)(rid_cli *cli, rid_err *err);
    unsigned paths; /**< RID_PATHS_… of a tool without commands */
} rid_tool;

/** Parses, checks that no output replaces another, an input or what is no file, runs and reports: help
 *  and version, configuration, signals, messages on stderr, summary, exit code. Does not return: it
 *  leaves through _exit after flushing (exit handlers of libraries may crash after a failed write). A
 *  run that returns RID_OK and has set summary->exit_code (3) leaves with that. The message of a failed
 *  run, and the line about exceeded rejects, are printed here; `run` only fills err (and may rid_log). */
int rid_cli_main(const rid_tool *tool, int argc, char **argv) __attribute__((noreturn));

/** The parsing alone, for tests: nothing exits, and warnings go to rid_log. RID_EUSAGE, RID_ECONFIG,
 *  RID_ENOINPUT for a missing --config, RID_ETEMP. *out is the caller's in every case (rid_cli_free;
 *  NULL is possible with RID_ETEMP only). argv must outlive it. */
RID_MUST rid_status rid_cli_parse(rid_cli **out, const rid_tool *tool, int argc, char **argv,
                                  rid_err *err);
void rid_cli_free(rid_cli *cli);

/** What the command line asks for instead of a run. */
typedef enum rid_cli_action {
    RID_CLI_RUN,
    RID_CLI_HELP,
    RID_CLI_VERSION,
    RID_CLI_MAN,
    RID_CLI_PRINT_CONFIG,
} rid_cli_action;
/** The command of a tool that has some, after a successful parse; otherwise NULL. */
const rid_command *rid_cli_command(const rid_cli *cli);

/** FLAG, and CHOICE on|off. */
bool rid_cli_flag(const rid_cli *cli, const char *name);
/** INT; 0 when unset. */
int64_t rid_cli_int(const rid_cli *cli, const char *name);
/** FLOAT; 0 when unset. */
double rid_cli_float(const rid_cli *cli, const char *name);
/** STRING, PATH, CHOICE; NULL when unset. For every other single value its text. */
const char *rid_cli_str(const rid_cli *cli, const char *name);
/** LIST: how many, and the items. */
size_t rid_cli_list(const rid_cli *cli, const char *name, const char *const **items);
bool rid_cli_is_set(const rid_cli *cli, const char *name);

/** COUNT_OR_PERCENT. */
rid_reject_limit rid_cli_count_or_percent(const rid_cli *cli, const char *name);

/** SHARD i/n and RANGE LO:HI: false, outputs unchanged, when unset. */
bool rid_cli_shard(const rid_cli *cli, const char *name, uint32_t *i, uint32_t *n);
bool rid_cli_range(const rid_cli *cli, const char *name, int64_t *lo, int64_t *hi);

/** Where a value came from. */
typedef enum rid_cli_origin {
    RID_FROM_DEFAULT,
    RID_FROM_YAML,
    RID_FROM_SET,
    RID_FROM_ENV,
    RID_FROM_FLAG,
} rid_cli_origin;

/** MAP: entries in order of first appearance, the default under "default". A higher level replaces
 *  the entries it names and leaves the others: --timezone changes the default only. */
typedef struct rid_cli_pair {
    const char *key, *value;
    rid_cli_origin origin;
} rid_cli_pair;
size_t rid_cli_map(const rid_cli *cli, const char *name, const rid_cli_pair **pairs);
/** The option "timezone" as rid_timezones, for payload readers. *out is the caller's
 *  (rid_timezones_free). The names were checked in parsing; RID_ETEMP is left. */
RID_MUST rid_status rid_cli_timezones(const rid_cli *cli, rid_timezones **out, rid_err *err);

/** Of a MAP: the highest of its entries. */
rid_cli_origin rid_cli_origin_of(const rid_cli *cli, const char *name);
/** "default", "configuration", "--set", "environment", "flag". */
const char *rid_cli_origin_name(rid_cli_origin origin);

/** The arguments that are not options (without the command). */
size_t rid_cli_args(const rid_cli *cli, const char *const **args);

/** For a tool with RID_PATHS_DERIVED: a file that -o stands for is checked like an output of its own.
 *  Before anything is written. RID_EUSAGE, RID_ETEMP. */
RID_MUST rid_status rid_cli_claim_output(rid_cli *cli, const char *path, rid_err *err);

/** The run's summary: filled by the tool, written by rid_cli_main (--summary-json). */
rid_summary *rid_cli_summary(rid_cli *cli);
/** Starts progress for one job at a time: a bar on a terminal, a line every 30 s elsewhere. NULL
 *  (which rid_progress_update takes) with --quiet. `unit` outlives the job; "bytes" are shown as MB. */
rid_progress *rid_cli_progress(rid_cli *cli, const char *unit);
/** Threads to use, at least 1. */
int rid_cli_threads(const rid_cli *cli);

/** Appends to out: the help, the man page (troff), the version text, the configuration (YAML). The
 *  buffer's `failed` tells shortage of memory. */
void rid_cli_write_help(const rid_cli *cli, rid_buf *out);
void rid_cli_write_man(const rid_cli *cli, rid_buf *out);
void rid_cli_write_version(const rid_cli *cli, rid_buf *out);
void rid_cli_write_config(const rid_cli *cli, rid_buf *out);

#endif
