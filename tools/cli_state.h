/** Inside of the command-line layer; for tools/cli*.c only. */
#ifndef RID_CLI_STATE_H
#define RID_CLI_STATE_H

#include "tools/cli.h"

/** The value of one option. A single value is items[0]; a map has pairs instead. */
typedef struct rid_cli_value {
    const rid_option *option;
    rid_cli_origin origin;
    const char *source; /**< "default", "night.yaml:12", "--set", "$THRESHOLD", "--threshold" */
    bool set;
    const char **items;
    size_t n_items, cap_items;
    rid_cli_pair *pairs;
    const char **pair_sources; /**< (n_pairs) */
    size_t n_pairs, cap_pairs, cap_pair_sources;
} rid_cli_value;

/** A flag as given, kept until the levels below it are known. */
typedef struct rid_cli_given {
    const rid_option *option;
    const char *text;
    const char *source;
} rid_cli_given;

typedef struct rid_cli_bar {
    rid_progress base;
    rid_cli *cli;
} rid_cli_bar;

struct rid_cli {
    const rid_tool *tool;
    const rid_command *command;
    rid_cli_action action;
    rid_cli_value *values; /**< one per row of the tool, in the table's order */
    size_t n_values;
    rid_cli_given *given;
    size_t n_given, cap_given;
    const char **args;
    size_t n_args, cap_args;
    const char **derived; /**< what -o stands for: rid_cli_claim_output */
    size_t n_derived, cap_derived;
    char **strings; /**< everything that values, sources and pairs point to */
    size_t n_strings, cap_strings;
    bool resolved; /**< all levels have been applied */
    bool checked;  /**< rid_cli_check_paths found nothing */
    rid_summary summary;
    rid_cli_bar bar;
    double started_s;
};

/* cli_parse.c: the command line into cli->given and cli->args; RID_EUSAGE. */
RID_MUST rid_status rid_cli_parse_flags(rid_cli *cli, int argc, char **argv, rid_err *err);

/* cli_config.c: defaults, YAML, --set, environment and cli->given into cli->values. */
RID_MUST rid_status rid_cli_resolve(rid_cli *cli, rid_err *err);

/* After an error in parsing: the flags that were read, so that it is known where the summary goes and
 * what it must not replace. */
void rid_cli_use_given(rid_cli *cli);

/* cli_paths.c: RID_EUSAGE where two outputs are one file, an output is an input, or it is there and
 * can be none. `only`: where this option's is; NULL: all. */
RID_MUST rid_status rid_cli_check_paths(rid_cli *cli, const rid_option *only, rid_err *err);

/* Whether the command (if there is one) takes the option. */
bool rid_cli_takes(const rid_cli *cli, const rid_option *o);

/* A copy that lives as long as cli; NULL when there is no memory. */
const char *rid_cli_keep(rid_cli *cli, const char *text, size_t n);
const char *rid_cli_keepf(rid_cli *cli, const char *fmt, ...) RID_PRINTF(2, 3);

/* Text of the user's for a message: one line, no control characters, cut at a length. */
enum { RID_CLI_SHOWN_MAX = 96 };
typedef struct rid_cli_shown {
    char text[RID_CLI_SHOWN_MAX];
} rid_cli_shown;
rid_cli_shown rid_cli_show(const char *text);

rid_cli_value *rid_cli_value_of(const rid_cli *cli, const char *name);

/* Cores that this process may use, at least 1. */
int rid_cli_cores(void);

/* cli_report.c */
void rid_cli_report_start(const rid_tool *tool);
void rid_cli_report_level(const rid_cli *cli);
void rid_cli_report_error(const rid_err *err);
void rid_cli_report_end_bar(void);
void rid_cli_report_closing(const rid_cli *cli, int exit_code);
bool rid_cli_report_quiet(void);
bool rid_cli_report_terminal(void);
void rid_cli_report_show(rid_progress *p, uint64_t done, uint64_t total, bool last);
RID_MUST rid_status rid_cli_report_summary(const rid_cli *cli, const char *path, int exit_code,
                                           rid_err *err);

#endif
