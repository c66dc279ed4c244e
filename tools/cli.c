#include "tools/cli.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/base/num.h"
#include "data/base/publish.h"
#include "tools/cli_state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <omp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *rid_cli_keep(rid_cli *cli, const char *text, size_t n)
{
    if (rid_mem_grow(&cli->strings, &cli->cap_strings, cli->n_strings + 1, sizeof *cli->strings) !=
        0)
        return NULL;
    char *copy = rid_mem_strndup(text, n);
    if (copy)
        cli->strings[cli->n_strings++] = copy;
    return copy;
}

const char *rid_cli_keepf(rid_cli *cli, const char *fmt, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return rid_cli_keep(cli, text, strlen(text));
}

rid_cli_shown rid_cli_show(const char *text)
{
    rid_cli_shown shown;
    size_t n = strlen(text), max = sizeof shown.text - sizeof "…";
    bool cut = n > max;
    if (cut)
        for (n = max; n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80;)
            n--;
    for (size_t i = 0; i < n; i++)
        shown.text[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7F ? '?' : text[i];
    strcpy(shown.text + n, cut ? "…" : "");
    return shown;
}

static rid_status make_values(rid_cli *cli, rid_err *err)
{
    cli->values = rid_mem_zalloc(rid_option_count(), sizeof *cli->values);
    if (!cli->values)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < rid_option_count(); i++)
        if (rid_option_at(i)->tools & cli->tool->bit)
            cli->values[cli->n_values++].option = rid_option_at(i);
    return RID_OK;
}

rid_status rid_cli_parse(rid_cli **out, const rid_tool *tool, int argc, char **argv, rid_err *err)
{
    rid_cli *cli = *out = rid_mem_zalloc(1, sizeof *cli);
    if (!cli)
        return RID_FAIL_NOMEM(err);
    cli->tool = tool;
    cli->started_s = rid_clock_s();
    rid_status st = make_values(cli, err);
    if (st == RID_OK)
        st = rid_cli_parse_flags(cli, argc, argv, err);
    rid_cli_report_level(cli); /* a warning about the YAML file already heeds -q */
    bool runs = cli->action == RID_CLI_RUN;
    if (st == RID_OK && (runs || cli->action == RID_CLI_PRINT_CONFIG))
        st = rid_cli_resolve(cli, err);
    if (st != RID_OK)
        rid_cli_use_given(cli);
    else if (runs)
        st = rid_cli_check_paths(cli, NULL, err);
    cli->checked = st == RID_OK;
    return st;
}

void rid_cli_free(rid_cli *cli)
{
    if (!cli)
        return;
    for (size_t i = 0; i < cli->n_values; i++) {
        rid_mem_free(cli->values[i].items);
        rid_mem_free(cli->values[i].pairs);
        rid_mem_free(cli->values[i].pair_sources);
    }
    for (size_t i = 0; i < cli->n_strings; i++)
        rid_mem_free(cli->strings[i]);
    rid_mem_free(cli->strings);
    rid_mem_free(cli->values);
    rid_mem_free(cli->given);
    rid_mem_free(cli->args);
    rid_mem_free(cli->derived);
    rid_summary_clear(&cli->summary);
    rid_mem_free(cli);
}

const rid_command *rid_cli_command(const rid_cli *cli)
{
    return cli->command;
}

rid_cli_value *rid_cli_value_of(const rid_cli *cli, const char *name)
{
    for (size_t i = 0; i < cli->n_values; i++)
        if (strcmp(cli->values[i].option->name, name) == 0)
            return &cli->values[i];
    assert(!"an option that this tool does not have");
    return NULL;
}

/* The text of a single value, NULL when unset; `types` are the allowed ones, as bits. */
static const char *text_of(const rid_cli *cli, const char *name, unsigned types)
{
    const rid_cli_value *v = rid_cli_value_of(cli, name);
    assert(types & (1u << v->option->type));
    return v->n_items ? v->items[0] : NULL;
}

bool rid_cli_flag(const rid_cli *cli, const char *name)
{
    const char *text = text_of(cli, name, 1u << RID_OPTION_FLAG | 1u << RID_OPTION_CHOICE);
    return text && (strcmp(text, "true") == 0 || strcmp(text, "on") == 0);
}

int64_t rid_cli_int(const rid_cli *cli, const char *name)
{
    int64_t value = 0;
    const char *text = text_of(cli, name, 1u << RID_OPTION_INT);
    if (text && !rid_num_parse_i64(rid_str_of(text), &value))
        assert(!"checked in parsing");
    return value;
}

double rid_cli_float(const rid_cli *cli, const char *name)
{
    double value = 0;
    const char *text = text_of(cli, name, 1u << RID_OPTION_FLOAT);
    if (text && !rid_num_parse_f64(rid_str_of(text), &value))
        assert(!"checked in parsing");
    return value;
}

const char *rid_cli_str(const rid_cli *cli, const char *name)
{
    return text_of(cli, name, ~(1u << RID_OPTION_LIST | 1u << RID_OPTION_MAP));
}

size_t rid_cli_list(const rid_cli *cli, const char *name, const char *const **items)
{
    const rid_cli_value *v = rid_cli_value_of(cli, name);
    assert(v->option->type == RID_OPTION_LIST);
    *items = (const char *const *)v->items;
    return v->n_items;
}

bool rid_cli_is_set(const rid_cli *cli, const char *name)
{
    return rid_cli_value_of(cli, name)->set;
}

rid_reject_limit rid_cli_count_or_percent(const rid_cli *cli, const char *name)
{
    rid_reject_limit c = {0, false};
    const char *text = text_of(cli, name, 1u << RID_OPTION_COUNT_OR_PERCENT);
    if (text && !rid_num_parse_count_or_percent(rid_str_of(text), &c.value, &c.is_percent))
        assert(!"checked in parsing");
    return c;
}

bool rid_cli_shard(const rid_cli *cli, const char *name, uint32_t *i, uint32_t *n)
{
    const char *text = text_of(cli, name, 1u << RID_OPTION_SHARD);
    return text && rid_num_parse_shard(rid_str_of(text), i, n);
}

bool rid_cli_range(const rid_cli *cli, const char *name, int64_t *lo, int64_t *hi)
{
    const char *text = text_of(cli, name, 1u << RID_OPTION_RANGE);
    return text && rid_num_parse_range(rid_str_of(text), lo, hi);
}

size_t rid_cli_map(const rid_cli *cli, const char *name, const rid_cli_pair **pairs)
{
    const rid_cli_value *v = rid_cli_value_of(cli, name);
    assert(v->option->type == RID_OPTION_MAP);
    *pairs = v->pairs;
    return v->n_pairs;
}

rid_status rid_cli_timezones(const rid_cli *cli, rid_timezones **out, rid_err *err)
{
    const rid_cli_pair *pairs;
    size_t n = rid_cli_map(cli, "timezone", &pairs);
    rid_timezones *z = rid_timezones_new();
    rid_status st = z ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++) {
        bool is_default = strcmp(pairs[i].key, "default") == 0;
        st = rid_timezones_set(z, is_default ? NULL : pairs[i].key, pairs[i].value, err);
    }
    if (st != RID_OK) {
        rid_timezones_free(z);
        z = NULL;
    }
    *out = z;
    return st;
}

rid_cli_origin rid_cli_origin_of(const rid_cli *cli, const char *name)
{
    return rid_cli_value_of(cli, name)->origin;
}

const char *rid_cli_origin_name(rid_cli_origin origin)
{
    static const char *const names[] = {[RID_FROM_DEFAULT] = "default",
                                        [RID_FROM_YAML] = "configuration",
                                        [RID_FROM_SET] = "--set",
                                        [RID_FROM_ENV] = "environment",
                                        [RID_FROM_FLAG] = "flag"};
    return names[origin];
}

size_t rid_cli_args(const rid_cli *cli, const char *const **args)
{
    *args = (const char *const *)cli->args;
    return cli->n_args;
}

rid_summary *rid_cli_summary(rid_cli *cli)
{
    return &cli->summary;
}

rid_progress *rid_cli_progress(rid_cli *cli, const char *unit)
{
    enum { BAR_MS = 100, LINE_MS = 30000 };
    if (rid_cli_report_quiet())
        return NULL;
    int64_t now = rid_clock_ms();
    cli->bar = (rid_cli_bar){{.show = rid_cli_report_show,
                              .unit = unit,
                              .interval_ms = rid_cli_report_terminal() ? BAR_MS : LINE_MS,
                              .started_ms = now,
                              .shown_ms = now},
                             cli};
    return &cli->bar.base;
}

/* A container's share of the processor time does not show in the affinity. */
static int cores_by_quota(int cores)
{
    double quota, period;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (!f)
        return cores;
    if (fscanf(f, "%lf %lf", &quota, &period) == 2 && period > 0 && quota < (double)cores * period)
        cores = (int)(quota / period + 0.999);
    fclose(f);
    return cores < 1 ? 1 : cores;
}

int rid_cli_cores(void)
{
    return cores_by_quota(omp_get_num_procs()); /* which knows the affinity */
}

int rid_cli_threads(const rid_cli *cli)
{
    int64_t n = rid_cli_int(cli, "threads");
    return n > 0 ? (int)n : rid_cli_cores();
}

static rid_status print(void (*write)(const rid_cli *, rid_buf *), const rid_cli *cli, rid_err *err)
{
    rid_buf text = {0};
    write(cli, &text);
    rid_status st =
        text.failed ? RID_FAIL_NOMEM(err)
                    : rid_fd_write_all(STDOUT_FILENO, text.data, text.len, "standard output", err);
    rid_buf_free(&text);
    return st;
}

static rid_status flush_stdout(rid_status st, rid_err *err)
{
    rid_err late = {0};
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return st;
    rid_status flushed = errno ? RID_FAIL_ERRNO(&late, "standard output: write")
                               : RID_FAIL(&late, RID_EIO, "standard output: write failed");
    if (st != RID_OK)
        return st;
    *err = late;
    return flushed;
}

static rid_status run_tool(rid_cli *cli, rid_err *err)
{
    switch (cli->action) {
    case RID_CLI_HELP:
        return print(rid_cli_write_help, cli, err);
    case RID_CLI_VERSION:
        return print(rid_cli_write_version, cli, err);
    case RID_CLI_MAN:
        return print(rid_cli_write_man, cli, err);
    case RID_CLI_PRINT_CONFIG:
        return print(rid_cli_write_config, cli, err);
    case RID_CLI_RUN:
        break;
    }
    omp_set_dynamic(0);
    omp_set_num_threads(rid_cli_threads(cli));
    rid_status st = cli->command ? cli->command->run(cli, err) : cli->tool->run(cli, err);
    rid_cli_report_end_bar();
    return flush_stdout(st, err);
}

static int exit_code_of(const rid_cli *cli, rid_status st)
{
    if (st == RID_OK)
        return cli ? cli->summary.exit_code : 0;
    if (st == RID_EINTR && rid_interrupt_signal() == SIGTERM)
        return 143;
    return rid_status_exit_code(st);
}

/* Where the summary goes, if anywhere: also when parsing ended before all levels were applied, but never
 * over an input or another output. */
static const char *summary_path(rid_cli *cli)
{
    if (!cli || cli->n_values == 0 || cli->action != RID_CLI_RUN)
        return NULL;
    const rid_cli_value *v = rid_cli_value_of(cli, "summary-json");
    if (v->n_items == 0)
        return NULL;
    const bool replaces_nothing = cli->checked || strcmp(v->items[0], "-") == 0;
    return replaces_nothing || rid_cli_check_paths(cli, v->option, NULL) == RID_OK ? v->items[0]
                                                                                   : NULL;
}

static int write_summary(rid_cli *cli, int code)
{
    rid_err err = {0};
    const char *path = summary_path(cli);
    rid_status st = path ? rid_cli_report_summary(cli, path, code, &err) : RID_OK;
    if (st == RID_OK)
        return code;
    rid_err_prepend(&err, "--summary-json");
    rid_cli_report_error(&err);
    return code == 0 || code == 3 ? rid_status_exit_code(st) : code;
}

#ifdef __SANITIZE_ADDRESS__
void __lsan_do_leak_check(void);
#endif

/* _exit, because libraries' exit handlers may crash after a failed write (HDF5 does on a full
 * disk). */
static _Noreturn void leave(rid_cli *cli, int code)
{
    rid_log_set_sink(NULL, NULL);
    rid_cli_free(cli);
    fflush(NULL);
#ifdef __SANITIZE_ADDRESS__
    if (code == 0)
        __lsan_do_leak_check(); /* which would have run as an exit handler */
#endif
    _exit(code);
}

/* With a standard descriptor closed the next file opened would take its place, and messages would
 * go into an output. What is opened here fails for the use it is not meant for. */
static void hold_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 1 ? O_RDONLY : O_WRONLY) < 0)
            return;
}

/* Waiting OpenMP threads spin unless told otherwise, and take the processor from the threads that read
 * ahead (ten times slower at the end of a pipe on two cores). The library reads its environment when it
 * is loaded, so telling it takes a second start: some milliseconds. What the user has set stands.
 * With one processor there is no need: more threads than processors spin a hundred rounds only. */
static void let_threads_sleep(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || omp_get_num_procs() == 1)
        return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0)
        execv("/proc/self/exe", argv); /* returns only where there is no /proc: then they spin */
}

int rid_cli_main(const rid_tool *tool, int argc, char **argv)
{
    rid_cli *cli = NULL;
    rid_err err = {0};
    let_threads_sleep(argv);
    hold_standard_descriptors();
    rid_cli_report_start(tool);
    rid_status st = rid_interrupt_install(&err);
    if (st == RID_OK)
        st = rid_cli_parse(&cli, tool, argc, argv, &err);
    if (cli)
        rid_cli_report_level(cli);
    if (st == RID_OK)
        st = run_tool(cli, &err);
    int code = exit_code_of(cli, st);
    if (st != RID_OK)
        rid_cli_report_error(&err);
    code = write_summary(cli, code);
    if (cli && cli->action == RID_CLI_RUN && cli->resolved)
        rid_cli_report_closing(cli, code);
    leave(cli, code);
}
