#include "data/base/mem.h"
#include "tools/cli_state.h"

#include <stdio.h>
#include <string.h>

static rid_status keep_given(rid_cli *cli, const rid_option *o, const char *text,
                             const char *source, rid_err *err)
{
    char want[128];
    if (!rid_option_check(o, text, want, sizeof want))
        return RID_FAIL(err, RID_EUSAGE, "%s: '%s' is not %s", source, rid_cli_show(text).text,
                        want);
    if (rid_mem_grow(&cli->given, &cli->cap_given, cli->n_given + 1, sizeof *cli->given) != 0)
        return RID_FAIL_NOMEM(err);
    cli->given[cli->n_given++] = (rid_cli_given){o, rid_option_canonical(o, text), source};
    return RID_OK;
}

static rid_status keep_argument(rid_cli *cli, const char *arg, rid_err *err)
{
    if (rid_mem_grow(&cli->args, &cli->cap_args, cli->n_args + 1, sizeof *cli->args) != 0)
        return RID_FAIL_NOMEM(err);
    cli->args[cli->n_args++] = arg;
    return RID_OK;
}

/* True where the option asks for something else than a run, which then happens at once. */
static bool take_action(rid_cli *cli, const rid_option *o)
{
    static const struct {
        const char *name;
        rid_cli_action action;
    } actions[] = {{"help", RID_CLI_HELP}, {"version", RID_CLI_VERSION}, {"man", RID_CLI_MAN}};
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++)
        if (strcmp(o->name, actions[i].name) == 0)
            cli->action = actions[i].action;
    return cli->action != RID_CLI_RUN;
}

/* The binaries that have the option `name`, as "rid-manifest, rid-match". */
static const char *owners_of(rid_cli *cli, const char *name)
{
    rid_buf text = {0};
    for (unsigned bit = 1; bit & RID_TOOL_ALL; bit <<= 1)
        if (rid_option_find(name, bit))
            rid_buf_printf(&text, "%srid-%s", text.len ? ", " : "", rid_tool_name(bit));
    const char *kept = rid_buf_cstr(&text) ? rid_cli_keep(cli, text.data, text.len) : NULL;
    rid_buf_free(&text);
    return kept ? kept : "another tool";
}

static rid_status fail_unknown(rid_cli *cli, const char *name, rid_err *err)
{
    rid_cli_shown shown = rid_cli_show(name);
    if (rid_option_find(name, RID_TOOL_ALL))
        return RID_FAIL(err, RID_EUSAGE, "--%s is an option of %s, not of rid-%s", shown.text,
                        owners_of(cli, name), cli->tool->name);
    const rid_option *near = rid_option_suggest(name, cli->tool->bit, false);
    if (near)
        return RID_FAIL(err, RID_EUSAGE, "unknown option --%s; did you mean --%s?", shown.text,
                        near->name);
    near = rid_option_suggest(name, RID_TOOL_ALL, false);
    if (near)
        return RID_FAIL(err, RID_EUSAGE, "unknown option --%s; --%s is an option of %s", shown.text,
                        near->name, owners_of(cli, near->name));
    return RID_FAIL(err, RID_EUSAGE, "unknown option --%s", shown.text);
}

/* The value of an option that stands in the next argument. */
static rid_status next_value(const rid_cli *cli, const rid_option *o, const char *source,
                             const char *next, rid_err *err)
{
    const char *metavar = o->metavar ? o->metavar : o->choices;
    if (!next)
        return RID_FAIL(err, RID_EUSAGE, "%s needs a value: %s %s", source, source, metavar);
    size_t n = strlen(next) < 3 || strncmp(next, "--", 2) != 0 ? 0 : strcspn(next + 2, "=");
    char name[RID_OPTION_KEY_MAX];
    if (n == 0 || n >= sizeof name)
        return RID_OK;
    memcpy(name, next + 2, n);
    name[n] = '\0';
    if (rid_option_find(name, cli->tool->bit))
        return RID_FAIL(err, RID_EUSAGE,
                        "%s needs a value, and %s is an option (--%s=%s if it is meant)", source,
                        next, o->name, next);
    return RID_OK;
}

static rid_status parse_long(rid_cli *cli, const char *arg, const char *next, bool *used_next,
                             rid_err *err)
{
    size_t n = strcspn(arg, "=");
    const char *value = arg[n] == '=' ? arg + n + 1 : NULL;
    const char *name = rid_cli_keep(cli, arg, n),
               *source = rid_cli_keepf(cli, "--%.*s", (int)n, arg);
    if (!name || !source)
        return RID_FAIL_NOMEM(err);
    const rid_option *o = rid_option_find(name, cli->tool->bit);
    if (!o)
        return fail_unknown(cli, name, err);
    if (o->type == RID_OPTION_FLAG) {
        if (take_action(cli, o))
            return value ? RID_FAIL(err, RID_EUSAGE, "%s takes no value", source) : RID_OK;
        return keep_given(cli, o, value ? value : "true", source, err);
    }
    if (!value) {
        rid_status st = next_value(cli, o, source, next, err);
        if (st != RID_OK)
            return st;
        value = next;
        *used_next = true;
    }
    return keep_given(cli, o, value, source, err);
}

static rid_status fail_letter(const rid_cli *cli, const char *bundle, const char *at, rid_err *err)
{
    const rid_option *o = rid_option_find(bundle, cli->tool->bit);
    const char *dash = "-";
    if (!o && strlen(bundle) > 2)
        o = rid_option_suggest(bundle, cli->tool->bit, false);
    if (o)
        dash = "--";
    rid_cli_shown shown = rid_cli_show(o ? bundle : at);
    if (o)
        return RID_FAIL(err, RID_EUSAGE, "unknown option -%s; did you mean %s%s?", shown.text, dash,
                        o->name);
    if ((unsigned char)*at < 0x80)
        shown.text[1] = '\0';
    return RID_FAIL(err, RID_EUSAGE, "unknown option -%s", shown.text);
}

/* "-qv", "-oFILE", "-qo FILE". */
static rid_status parse_letters(rid_cli *cli, const char *bundle, const char *next, bool *used_next,
                                rid_err *err)
{
    rid_status st = RID_OK;
    for (const char *at = bundle; *at && st == RID_OK && cli->action == RID_CLI_RUN; at++) {
        const rid_option *o = rid_option_find_letter(*at, cli->tool->bit);
        if (!o)
            return fail_letter(cli, bundle, at, err);
        const char *source = rid_cli_keepf(cli, "-%c", *at);
        if (!source)
            return RID_FAIL_NOMEM(err);
        if (o->type == RID_OPTION_FLAG) {
            st = take_action(cli, o) ? RID_OK : keep_given(cli, o, "true", source, err);
            continue;
        }
        if (at[1])
            return keep_given(cli, o, at + 1, source, err);
        *used_next = true;
        st = next_value(cli, o, source, next, err);
        return st == RID_OK ? keep_given(cli, o, next, source, err) : st;
    }
    return st;
}

static rid_status fail_command(const rid_cli *cli, const char *name, rid_err *err)
{
    const rid_command *near = NULL;
    size_t nearest = 3;
    for (const rid_command *c = cli->tool->commands; name && c->name; c++) {
        size_t distance = rid_word_distance(name, c->name);
        if (distance < nearest) {
            nearest = distance;
            near = c;
        }
    }
    if (near)
        return RID_FAIL(err, RID_EUSAGE, "unknown command '%s'; did you mean '%s'?",
                        rid_cli_show(name).text, near->name);
    char list[256] = "";
    for (const rid_command *c = cli->tool->commands; c->name; c++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", c->name);
    }
    if (name)
        return RID_FAIL(err, RID_EUSAGE, "unknown command '%s': there are %s",
                        rid_cli_show(name).text, list);
    return RID_FAIL(err, RID_EUSAGE, "a command is missing: %s", list);
}

static bool is_word_of(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        if (len == n && strncmp(at, word, n) == 0)
            return true;
        at += len;
    }
    return false;
}

bool rid_cli_takes(const rid_cli *cli, const rid_option *o)
{
    const rid_command *c = cli->command;
    return !c || !c->options || o->tools == RID_TOOL_ALL || is_word_of(c->options, o->name);
}

/* The first argument of a tool with commands; the flags must be ones that the command takes. */
static rid_status take_command(rid_cli *cli, rid_err *err)
{
    const rid_command *c = cli->tool->commands;
    const char *name = cli->n_args ? cli->args[0] : NULL;
    while (c->name && (!name || strcmp(c->name, name) != 0))
        c++;
    if (!c->name)
        return fail_command(cli, name, err);
    cli->command = c;
    cli->n_args--;
    memmove(cli->args, cli->args + 1, cli->n_args * sizeof *cli->args);
    for (size_t i = 0; i < cli->n_given; i++) {
        const rid_option *o = cli->given[i].option;
        if (!rid_cli_takes(cli, o))
            return RID_FAIL(err, RID_EUSAGE, "--%s is no option of '%s'", o->name, c->name);
    }
    return RID_OK;
}

static bool wants_config(const rid_cli *cli)
{
    bool wants = false;
    for (size_t i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].option->name, "print-config") == 0)
            wants = strcmp(cli->given[i].text, "true") == 0;
    return wants;
}

/* The first error counts. What follows is read all the same: the summary must not replace it. */
rid_status rid_cli_parse_flags(rid_cli *cli, int argc, char **argv, rid_err *err)
{
    bool options_end = false;
    rid_status st = RID_OK;
    for (int i = 1; i < argc && cli->action == RID_CLI_RUN; i++) {
        const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used_next = false;
        rid_status one = RID_OK;
        rid_err *first = st == RID_OK ? err : NULL;
        if (options_end || arg[0] != '-' || arg[1] == '\0')
            one = keep_argument(cli, arg, first);
        else if (strcmp(arg, "--") == 0)
            options_end = true;
        else if (arg[1] == '-')
            one = parse_long(cli, arg + 2, next, &used_next, first);
        else
            one = parse_letters(cli, arg + 1, next, &used_next, first);
        if (st == RID_OK)
            st = one;
        i += used_next;
    }
    if (st != RID_OK || cli->action != RID_CLI_RUN)
        return st;
    if (wants_config(cli))
        cli->action = RID_CLI_PRINT_CONFIG;
    else if (cli->tool->commands)
        st = take_command(cli, err);
    return st;
}
