#include "tools/cli_state.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

/* What the Makefile found: "hdf5-1.10.8 zlib-1.2.13 …". */
#ifndef RID_BUILT_WITH
#define RID_BUILT_WITH "(not recorded)"
#endif

enum { WIDTH = 90, OPTION_COLUMN = 30 };

static const char precedence[] =
    "Values: defaults < YAML file (--config) < --set < environment < flags. YAML keys are the "
    "option "
    "names with _ for -; an empty environment variable counts as unset.";

static const struct {
    const char *code, *meaning;
} exits[] = {{"0", "complete and durable"},
             {"1", "failed"},
             {"2", "usage"},
             {"3", "finished and published, but rejected inputs exceeded --max-rejects"},
             {"4", "an assertion failed"},
             {"65, 66, 78", "bad data, missing input, bad configuration: retrying is useless"},
             {"69, 74, 75", "server unavailable, input/output error, temporary shortage: retry"},
             {"130, 143", "interrupted by SIGINT, SIGTERM: retry"}};

/* Columns of UTF-8 text. */
static size_t columns(const char *s, size_t n)
{
    size_t c = 0;
    for (size_t i = 0; i < n; i++)
        c += ((unsigned char)s[i] & 0xC0) != 0x80;
    return c;
}

static void spaces(rid_buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        rid_buf_append_char(out, ' ');
}

/* Words of one paragraph from column `at` on; further lines begin at `indent`. Ends the line. */
static void wrap(rid_buf *out, const char *text, size_t n, size_t at, size_t indent)
{
    bool first = true;
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        while (i + len < n && text[i + len] != ' ' && text[i + len] != '\n')
            len++;
        if (len == 0) {
            i++;
            continue;
        }
        size_t wide = columns(text + i, len);
        if (!first && at + 1 + wide > WIDTH) {
            rid_buf_append_char(out, '\n');
            spaces(out, indent);
            at = indent;
        } else if (!first) {
            rid_buf_append_char(out, ' ');
            at++;
        }
        rid_buf_append(out, text + i, len);
        at += wide;
        i += len;
        first = false;
    }
    rid_buf_append_char(out, '\n');
}

/* Calls each with every paragraph (text between blank lines). */
static void each_paragraph(rid_buf *out, const char *text,
                           void (*each)(rid_buf *, const char *, size_t))
{
    for (const char *at = text; at && *at;) {
        const char *end = strstr(at, "\n\n");
        size_t n = end ? (size_t)(end - at) : strlen(at);
        each(out, at, n);
        at += n + strspn(at + n, "\n");
    }
}

static void help_paragraph(rid_buf *out, const char *text, size_t n)
{
    wrap(out, text, n, 0, 0);
    rid_buf_append_char(out, '\n');
}

static const char *metavar_of(const rid_option *o)
{
    return o->metavar ? o->metavar : o->choices ? o->choices : "VALUE";
}

/* "[256; $NAME]" as part of the help text. Facts of this machine only where `live`. */
static void append_default(rid_buf *out, const rid_option *o, bool live)
{
    const char *join = " [";
    bool flag = o->type == RID_OPTION_FLAG;
    if (o->type == RID_OPTION_LIST) {
        rid_buf_printf(out, "%srepeatable", join);
        join = "; ";
    }
    if (o->default_text && !flag) {
        rid_buf_printf(out, "%s%s%s", join, o->default_text,
                       o->flags & RID_OPTION_IF_EXISTS ? " if it exists" : "");
        if (live && strcmp(o->name, "threads") == 0)
            rid_buf_printf(out, ", here %d", rid_cli_cores());
        join = "; ";
    }
    if (o->env) {
        rid_buf_printf(out, "%s$%s", join, o->env);
        join = "; ";
    }
    rid_buf_append_str(out, join[0] == ';' ? "]" : "");
}

static void help_option(rid_buf *out, const rid_option *o)
{
    rid_buf text = {0};
    size_t start = out->len;
    if (o->letter)
        rid_buf_printf(out, "  -%c, --%s", o->letter, o->name);
    else
        rid_buf_printf(out, "      --%s", o->name);
    if (o->type != RID_OPTION_FLAG)
        rid_buf_printf(out, " %s", metavar_of(o));
    size_t at = out->failed ? 0 : columns(out->data + start, out->len - start);
    if (at + 2 > OPTION_COLUMN) {
        rid_buf_append_char(out, '\n');
        at = 0;
    }
    spaces(out, OPTION_COLUMN - at);
    rid_buf_append_str(&text, o->help);
    append_default(&text, o, true);
    wrap(out, text.data ? text.data : "", text.len, OPTION_COLUMN, OPTION_COLUMN);
    out->failed |= text.failed;
    rid_buf_free(&text);
}

static bool is_shown(const rid_cli *cli, const rid_option *o)
{
    return (o->tools & cli->tool->bit) && !(o->flags & RID_OPTION_HIDDEN);
}

/* Each group once, at its first row; calls each with the options and heads with the names. */
static void each_group(const rid_cli *cli, rid_buf *out, void (*head)(rid_buf *, const char *),
                       void (*each)(rid_buf *, const rid_option *))
{
    for (size_t i = 0; i < rid_option_count(); i++) {
        const char *group = rid_option_at(i)->group;
        bool begun = false, headed = false;
        for (size_t j = 0; j < i && !begun; j++)
            begun = strcmp(rid_option_at(j)->group, group) == 0;
        for (size_t j = i; j < rid_option_count() && !begun; j++) {
            const rid_option *o = rid_option_at(j);
            if (strcmp(o->group, group) != 0 || !is_shown(cli, o))
                continue;
            if (!headed)
                head(out, group);
            headed = true;
            each(out, o);
        }
    }
}

static void help_group(rid_buf *out, const char *name)
{
    rid_buf_printf(out, "\n%s:\n", name);
}

static void help_commands(rid_buf *out, const rid_command *commands)
{
    rid_buf_append_str(out, "Commands:\n");
    for (const rid_command *c = commands; c->name; c++) {
        size_t at = 2 + strlen(c->name) + 1 + columns(c->arguments, strlen(c->arguments));
        rid_buf_printf(out, "  %s %s", c->name, c->arguments);
        if (at + 2 > OPTION_COLUMN) {
            rid_buf_append_char(out, '\n');
            at = 0;
        }
        spaces(out, OPTION_COLUMN - at);
        wrap(out, c->summary, strlen(c->summary), OPTION_COLUMN, OPTION_COLUMN);
    }
}

static void append_usage(rid_buf *out, const rid_tool *t, const char *before, const char *after)
{
    if (!t->commands) {
        rid_buf_printf(out, "%srid-%s [OPTION…] %s%s", before, t->name, t->arguments, after);
        return;
    }
    rid_buf_printf(out, "%srid-%s COMMAND [OPTION…] %s%s", before, t->name,
                   t->arguments ? t->arguments : "", after);
}

static void help_example_lines(rid_buf *out, const char *text)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        rid_buf_printf(out, n ? "  %.*s\n" : "%.*s\n", (int)n, at);
        at += n + (at[n] == '\n');
    }
}

void rid_cli_write_help(const rid_cli *cli, rid_buf *out)
{
    const rid_tool *t = cli->tool;
    rid_buf_printf(out, "rid-%s: %s\n\n", t->name, t->summary);
    append_usage(out, t, "Usage: ", "\n\n");
    each_paragraph(out, t->description, help_paragraph);
    if (t->commands)
        help_commands(out, t->commands);
    else if (out->len > 0)
        out->len--; /* the groups begin with a blank line themselves */
    each_group(cli, out, help_group, help_option);
    rid_buf_append_char(out, '\n');
    wrap(out, precedence, strlen(precedence), 0, 0);
    if (t->examples) {
        rid_buf_append_str(out, "\nExamples:\n");
        help_example_lines(out, t->examples);
    }
    rid_buf_append_str(out, "\nExit codes:\n");
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++)
        rid_buf_printf(out, "  %-12s%s\n", exits[i].code, exits[i].meaning);
}

/* troff text: backslashes, dashes and quotes as themselves, no line that looks like a request, and
 * other than ASCII by code point, so that no reader needs to know the encoding. */
static void man_text(rid_buf *out, const char *s, size_t n)
{
    bool line_start = true;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (line_start && (c == '.' || c == '\''))
            rid_buf_append_str(out, "\\&");
        line_start = c == '\n';
        if (c == '\\')
            rid_buf_append_str(out, "\\e");
        else if (c == '-')
            rid_buf_append_str(out, "\\-");
        else if (c == '\'')
            rid_buf_append_str(out, "\\(aq");
        else if (c == '^' || c == '~' || c == '`')
            rid_buf_printf(out, "\\(%s", c == '^' ? "ha" : c == '~' ? "ti" : "ga");
        else if (c < 0x80)
            rid_buf_append_char(out, (char)c);
        else if (c < 0xE0 && i + 1 < n)
            rid_buf_printf(out, "\\[u%04X]", (c & 0x1Fu) << 6 | ((unsigned char)s[i + 1] & 0x3Fu)),
                i++;
        else if (c < 0xF0 && i + 2 < n)
            rid_buf_printf(out, "\\[u%04X]",
                           (c & 0xFu) << 12 | ((unsigned char)s[i + 1] & 0x3Fu) << 6 |
                               ((unsigned char)s[i + 2] & 0x3Fu)),
                i += 2;
    }
}

static void man_str(rid_buf *out, const char *s)
{
    man_text(out, s, strlen(s));
}

static void man_paragraph(rid_buf *out, const char *text, size_t n)
{
    rid_buf_append_str(out, ".PP\n");
    man_text(out, text, n);
    rid_buf_append_char(out, '\n');
}

static void man_group(rid_buf *out, const char *name)
{
    rid_buf_printf(out, ".SS %s\n", name);
}

static void man_option(rid_buf *out, const rid_option *o)
{
    rid_buf text = {0};
    rid_buf_append_str(out, ".TP\n");
    if (o->letter)
        rid_buf_printf(out, "\\fB\\-%c\\fR, ", o->letter);
    rid_buf_append_str(out, "\\fB\\-\\-");
    man_str(out, o->name);
    rid_buf_append_str(out, "\\fR");
    if (o->type != RID_OPTION_FLAG) {
        rid_buf_append_str(out, o->metavar ? " \\fI" : " ");
        man_str(out, metavar_of(o));
        rid_buf_append_str(out, o->metavar ? "\\fR" : "");
    }
    rid_buf_append_char(out, '\n');
    rid_buf_append_str(&text, o->help);
    append_default(&text, o, false);
    man_text(out, text.data ? text.data : "", text.len);
    rid_buf_append_char(out, '\n');
    out->failed |= text.failed;
    rid_buf_free(&text);
}

static void man_synopsis(rid_buf *out, const rid_tool *t)
{
    rid_buf_append_str(out, ".SH SYNOPSIS\n\\fBrid\\-");
    man_str(out, t->name);
    rid_buf_printf(out, "\\fR %s[\\fIOPTION\\fR\\[u2026]] ", t->commands ? "\\fICOMMAND\\fR " : "");
    man_str(out, t->arguments ? t->arguments : "");
    rid_buf_append_char(out, '\n');
}

static void man_commands(rid_buf *out, const rid_command *commands)
{
    rid_buf_append_str(out, ".SH COMMANDS\n");
    for (const rid_command *c = commands; c->name; c++) {
        rid_buf_append_str(out, ".TP\n\\fB");
        man_str(out, c->name);
        rid_buf_append_str(out, "\\fR ");
        man_str(out, c->arguments);
        rid_buf_append_char(out, '\n');
        man_str(out, c->summary);
        rid_buf_append_char(out, '\n');
    }
}

static void man_environment(const rid_cli *cli, rid_buf *out)
{
    bool headed = false;
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *o = rid_option_at(i);
        if (!is_shown(cli, o) || !o->env)
            continue;
        if (!headed)
            rid_buf_append_str(out, ".SH ENVIRONMENT\n");
        headed = true;
        rid_buf_append_str(out, ".TP\n\\fB");
        man_str(out, o->env);
        rid_buf_append_str(out, "\\fR\nthe value of \\fB\\-\\-");
        man_str(out, o->name);
        rid_buf_append_str(out, "\\fR\n");
    }
}

static void man_end(const rid_tool *t, rid_buf *out)
{
    rid_buf_append_str(out, ".SH EXIT STATUS\n");
    for (size_t i = 0; i < sizeof exits / sizeof exits[0]; i++) {
        rid_buf_printf(out, ".TP\n%s\n", exits[i].code);
        man_str(out, exits[i].meaning);
        rid_buf_append_char(out, '\n');
    }
    if (t->examples) {
        rid_buf_append_str(out, ".SH EXAMPLES\n.nf\n");
        man_str(out, t->examples);
        rid_buf_append_str(out, "\n.fi\n");
    }
    rid_buf_append_str(out, ".SH SEE ALSO\n");
    const char *join = "";
    for (unsigned bit = 1; bit & RID_TOOL_ALL; bit <<= 1) {
        if (bit == t->bit)
            continue;
        rid_buf_printf(out, "%s\\fBrid\\-%s\\fR(1)", join, rid_tool_name(bit));
        join = ",\n";
    }
    rid_buf_append_char(out, '\n');
}

void rid_cli_write_man(const rid_cli *cli, rid_buf *out)
{
    const rid_tool *t = cli->tool;
    rid_buf_append_str(out, ".TH RID\\-");
    for (const char *c = t->name; *c; c++)
        rid_buf_append_char(out, (char)(*c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c));
    rid_buf_printf(out, " 1 \"\" \"rid %s\" \"rid\"\n.SH NAME\nrid\\-%s \\- ", RID_VERSION,
                   t->name);
    man_str(out, t->summary);
    rid_buf_append_char(out, '\n');
    man_synopsis(out, t);
    rid_buf_append_str(out, ".SH DESCRIPTION\n");
    each_paragraph(out, t->description, man_paragraph);
    if (t->commands)
        man_commands(out, t->commands);
    rid_buf_append_str(out, ".SH OPTIONS\n");
    each_group(cli, out, man_group, man_option);
    rid_buf_append_str(out, ".SH CONFIGURATION\n");
    man_str(out, precedence);
    rid_buf_append_char(out, '\n');
    man_environment(cli, out);
    man_end(t, out);
}

void rid_cli_write_version(const rid_cli *cli, rid_buf *out)
{
    struct utsname host;
    rid_buf_printf(out, "rid-%s %s\n", cli->tool->name, RID_VERSION);
#ifdef __clang__
    rid_buf_append_str(out, "compiler:  " __VERSION__);
#else
    rid_buf_append_str(out, "compiler:  gcc " __VERSION__);
#endif
    rid_buf_printf(out, ", C%ld, OpenMP %d", (long)__STDC_VERSION__ / 100 % 100, _OPENMP);
#ifndef __OPTIMIZE__
    rid_buf_append_str(out, ", not optimised");
#endif
#ifdef __SANITIZE_ADDRESS__
    rid_buf_append_str(out, ", address sanitizer");
#endif
#ifdef __SANITIZE_THREAD__
    rid_buf_append_str(out, ", thread sanitizer");
#endif
    rid_buf_append_str(out, "\nlibraries: " RID_BUILT_WITH "\n");
    if (uname(&host) == 0)
        rid_buf_printf(out, "machine:   %s, %d cores available\n", host.machine, rid_cli_cores());
}
