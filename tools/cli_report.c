#include "data/base/mem.h"
#include "data/base/publish.h"
#include "tools/cli_state.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Standard error is one per process, and so is this. */
static struct {
    pthread_mutex_t lock;
    const rid_tool *tool;
    bool quiet, verbose, terminal;
    bool bar_shown; /* the cursor stands behind a bar */
} report = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Standard error may be a pipe that nobody reads: nothing can be done then. */
static void put(const char *text, size_t n)
{
    rid_status st = rid_fd_write_all(STDERR_FILENO, text, n, "standard error", NULL);
    (void)st;
}

static void put_line(const char *label, const char *line)
{
    rid_buf out = {0};
    pthread_mutex_lock(&report.lock);
    if (report.bar_shown)
        rid_buf_append_str(&out, "\r\033[K");
    report.bar_shown = false;
    rid_buf_printf(&out, "rid-%s: %s%s\n", report.tool->name, label, line);
    if (out.failed) /* short of memory, which may be the very message */
        put(line, strlen(line));
    else
        put(out.data, out.len);
    pthread_mutex_unlock(&report.lock);
    rid_buf_free(&out);
}

static void sink(void *ctx, rid_log_level level, const char *line)
{
    static const char *const labels[] = {[RID_LOG_ERROR] = "error: ",
                                         [RID_LOG_WARN] = "warning: ",
                                         [RID_LOG_INFO] = "",
                                         [RID_LOG_DEBUG] = "debug: "};
    (void)ctx;
    if ((report.quiet && level > RID_LOG_ERROR) || (!report.verbose && level > RID_LOG_INFO))
        return;
    put_line(labels[level], line);
}

void rid_cli_report_start(const rid_tool *tool)
{
    const char *term = getenv("TERM");
    report.tool = tool;
    report.quiet = report.verbose = report.bar_shown = false;
    report.terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    rid_log_set_sink(sink, NULL);
}

/* The flags as given count before the other levels are known: a broken YAML file is no reason to
 * forget -q. */
void rid_cli_report_level(const rid_cli *cli)
{
    for (size_t i = 0; i < cli->n_given; i++) {
        bool on = strcmp(cli->given[i].text, "true") == 0;
        if (strcmp(cli->given[i].option->name, "quiet") == 0)
            report.quiet = on;
        if (strcmp(cli->given[i].option->name, "verbose") == 0)
            report.verbose = on;
    }
    if (!cli->resolved)
        return;
    report.quiet = rid_cli_flag(cli, "quiet");
    report.verbose = rid_cli_flag(cli, "verbose") && !report.quiet;
    rid_log(RID_LOG_DEBUG, "rid %s, %d threads", RID_VERSION, rid_cli_threads(cli));
}

void rid_cli_report_error(const rid_err *err)
{
    put_line("error: ", err->message);
    if (report.verbose && err->where)
        put_line("debug: at ", err->where);
    if (err->code == RID_EUSAGE) {
        char line[64];
        snprintf(line, sizeof line, "try 'rid-%s --help'", report.tool->name);
        put_line("", line);
    }
}

bool rid_cli_report_quiet(void)
{
    return report.quiet;
}

bool rid_cli_report_terminal(void)
{
    return report.terminal;
}

void rid_cli_report_end_bar(void)
{
    pthread_mutex_lock(&report.lock);
    if (report.bar_shown)
        put("\r\033[K", 4);
    report.bar_shown = false;
    pthread_mutex_unlock(&report.lock);
}

/* "12,345" */
static void append_count(rid_buf *out, uint64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            rid_buf_append_char(out, ',');
        rid_buf_append_char(out, digits[i]);
    }
}

/* "0:42", "1:02:03" */
static void append_duration(rid_buf *out, double seconds)
{
    unsigned long long s = seconds < 0 || seconds > 1e9 ? 0 : (unsigned long long)(seconds + 0.5);
    if (s >= 3600)
        rid_buf_printf(out, "%llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
    else
        rid_buf_printf(out, "%llu:%02llu", s / 60, s % 60);
}

static void append_rate(rid_buf *out, double rate)
{
    if (rate >= 100)
        append_count(out, (uint64_t)(rate + 0.5));
    else
        rid_buf_printf(out, "%.1f", rate);
}

/* "17.0 of 72.2 MB, 122 MB/s" */
static void append_bytes(rid_buf *out, uint64_t done, uint64_t total, double rate)
{
    rid_buf_printf(out, "%.1f ", (double)done / 1e6);
    if (total > 0)
        rid_buf_printf(out, "of %.1f ", (double)total / 1e6);
    rid_buf_append_str(out, "MB, ");
    append_rate(out, rate / 1e6);
    rid_buf_append_str(out, " MB/s");
}

/* "12,345 of 27,000 payloads, 1,234/s" */
static void append_items(rid_buf *out, const char *unit, uint64_t done, uint64_t total, double rate)
{
    append_count(out, done);
    if (total > 0) {
        rid_buf_append_str(out, " of ");
        append_count(out, total);
    }
    rid_buf_printf(out, " %s, ", unit);
    append_rate(out, rate);
    rid_buf_append_str(out, "/s");
}

/* …, and ", ETA 0:12" */
static void append_state(rid_buf *out, const rid_progress *p, uint64_t done, uint64_t total)
{
    double elapsed_s = (double)(rid_clock_ms() - p->started_ms) / 1e3;
    double rate = elapsed_s > 0 ? (double)done / elapsed_s : 0;
    const char *unit = p->unit ? p->unit : "done";
    if (strcmp(unit, "bytes") == 0)
        append_bytes(out, done, total, rate);
    else
        append_items(out, unit, done, total, rate);
    if (total > done && rate > 0) {
        rid_buf_append_str(out, ", ETA ");
        append_duration(out, (double)(total - done) / rate);
    }
}

static size_t terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

/* "[#########.........]  45% " */
static void append_bar(rid_buf *out, uint64_t done, uint64_t total)
{
    enum { CELLS = 24 };
    double share = done < total ? (double)done / (double)total : 1;
    rid_buf_append_char(out, '[');
    for (int i = 0; i < CELLS; i++)
        rid_buf_append_char(out, i < (int)(share * CELLS) ? '#' : '.');
    rid_buf_printf(out, "] %3d%%  ", (int)(share * 100));
}

void rid_cli_report_show(rid_progress *p, uint64_t done, uint64_t total, bool last)
{
    rid_buf line = {0};
    if (last || report.quiet) {
        rid_cli_report_end_bar(); /* the closing line has the figures */
        return;
    }
    if (!report.terminal) {
        append_state(&line, p, done, total);
        if (rid_buf_cstr(&line))
            put_line("", line.data);
        rid_buf_free(&line);
        return;
    }
    if (total > 0)
        append_bar(&line, done, total);
    append_state(&line, p, done, total);
    size_t width = terminal_width() - 1;
    if (!line.failed) {
        pthread_mutex_lock(&report.lock);
        put("\r", 1);
        put(line.data, line.len < width ? line.len : width);
        put("\033[K", 3);
        report.bar_shown = true;
        pthread_mutex_unlock(&report.lock);
    }
    rid_buf_free(&line);
}

rid_status rid_cli_report_summary(const rid_cli *cli, const char *path, int exit_code, rid_err *err)
{
    char tool[64];
    rid_buf json = {0};
    rid_publish *file = NULL;
    snprintf(tool, sizeof tool, "rid-%s", cli->tool->name);
    rid_summary_write_json(&cli->summary, tool, exit_code, rid_clock_s() - cli->started_s, &json);
    rid_status st = json.failed ? RID_FAIL_NOMEM(err) : rid_publish_begin(&file, path, true, err);
    if (st == RID_OK)
        st = rid_publish_write(file, json.data, json.len, err);
    if (st == RID_OK)
        st = rid_publish_commit(file, err);
    else
        rid_publish_abort(file);
    rid_buf_free(&json);
    return st;
}

static double cpu_seconds(void)
{
    struct rusage u;
    if (getrusage(RUSAGE_SELF, &u) != 0)
        return 0;
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* The name of a figure behind its value: 1 bucket. */
static const char *noun_of(const char *figure, double value)
{
    static const char *const nouns[][2] = {
        {"bucket", "buckets"},      {"entry", "entries"}, {"person", "persons"},
        {"person", "people"},       {"event", "events"},  {"frame", "frames"},
        {"cell", "cells"},          {"pair", "pairs"},    {"search", "searches"},
        {"part", "parts"},          {"step", "steps"},    {"byte", "bytes"},
        {"duplicate", "duplicates"}};
    for (size_t i = 0; i < sizeof nouns / sizeof nouns[0]; i++)
        if (value == 1 && strcmp(figure, nouns[i][1]) == 0)
            return nouns[i][0];
    return figure;
}

static void append_counts(rid_buf *out, const rid_summary *s)
{
    const struct {
        const char *name;
        uint64_t n;
        bool always;
    } counts[] = {{"read", s->read, true},
                  {"accepted", s->accepted, true},
                  {"rejected", rid_summary_rejected(s), true},
                  {"duplicates", s->duplicates, false},
                  {"skipped", s->skipped, false}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        if (counts[i].n == 0 && !(counts[i].always && s->read > 0))
            continue;
        append_count(out, counts[i].n);
        rid_buf_printf(out, " %s, ", noun_of(counts[i].name, (double)counts[i].n));
    }
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX && s->figures[i].name; i++) {
        double value = s->figures[i].value;
        if (value >= 0 && value < 1e15 && value == floor(value))
            append_count(out, (uint64_t)value);
        else
            rid_buf_printf(out, "%g", value);
        rid_buf_printf(out, " %s, ", noun_of(s->figures[i].name, value));
    }
    if (out->len >= 2 && !out->failed) {
        out->len -= 2;
        rid_buf_append_str(out, "; ");
    }
}

/* Short runs without counts (rid-store info) end without a word. */
void rid_cli_report_closing(const rid_cli *cli, int exit_code)
{
    enum { LONG_RUN_S = 5 };
    double wall_s = rid_clock_s() - cli->started_s;
    bool failed = exit_code != 0 && exit_code != 3;
    if (exit_code == 3) {
        char line[160];
        uint64_t rejected = rid_summary_rejected(&cli->summary);
        snprintf(line, sizeof line,
                 "%llu of %llu rejected, more than --max-rejects allows (exit 3)",
                 (unsigned long long)rejected, (unsigned long long)cli->summary.read);
        put_line("error: ", line);
    }
    if (report.quiet ||
        (!report.verbose && (failed || (cli->summary.read == 0 && wall_s < LONG_RUN_S))))
        return;
    rid_buf line = {0};
    append_counts(&line, &cli->summary);
    rid_buf_printf(&line, "%.2f s, CPU %.2f s, peak memory %.0f MB", wall_s, cpu_seconds(),
                   (double)rid_mem_peak_rss() / 1e6);
    if (report.verbose)
        rid_buf_printf(&line, "; rid %s, exit %d", RID_VERSION, exit_code);
    if (rid_buf_cstr(&line))
        put_line("", line.data);
    rid_buf_free(&line);
}
