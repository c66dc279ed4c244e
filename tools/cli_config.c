#include "data/base/mem.h"
#include "data/yaml.h"
#include "tools/cli_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a value stands, for messages and for --print-config. */
typedef struct place {
    rid_cli_origin origin;
    rid_status code;    /* of a value that does not fit */
    const char *name;   /* of the file, for YAML */
    const char *source; /* for the other levels */
    size_t line, column;
} place;

#define FAIL_AT(err, p, ...) fail_at((err), (p), RID_WHERE, __VA_ARGS__)

static rid_status fail_at(rid_err *err, const place *p, const char *where, const char *fmt, ...)
    RID_PRINTF(4, 5);
static rid_status fail_at(rid_err *err, const place *p, const char *where, const char *fmt, ...)
{
    char message[RID_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    if (p->origin == RID_FROM_YAML)
        return rid_err_set(err, p->code, where, "%s:%zu:%zu: %s", rid_cli_show(p->name).text,
                           p->line, p->column, message);
    return rid_err_set(err, p->code, where, "%s: %s", p->source, message);
}

static const char *source_of(rid_cli *cli, const place *p)
{
    if (p->origin == RID_FROM_YAML)
        return rid_cli_keepf(cli, "%s:%zu", rid_cli_show(p->name).text, p->line);
    return p->source;
}

static rid_status add_item(rid_cli_value *v, const char *text, rid_err *err)
{
    if (rid_mem_grow(&v->items, &v->cap_items, v->n_items + 1, sizeof *v->items) != 0)
        return RID_FAIL_NOMEM(err);
    v->items[v->n_items++] = text;
    return RID_OK;
}

static rid_status set_pair(rid_cli_value *v, const char *key, const char *text,
                           rid_cli_origin origin, const char *source, rid_err *err)
{
    size_t i = 0;
    while (i < v->n_pairs && strcmp(v->pairs[i].key, key) != 0)
        i++;
    if (i == v->n_pairs) {
        if (rid_mem_grow(&v->pairs, &v->cap_pairs, i + 1, sizeof *v->pairs) != 0 ||
            rid_mem_grow(&v->pair_sources, &v->cap_pair_sources, i + 1, sizeof *v->pair_sources) !=
                0)
            return RID_FAIL_NOMEM(err);
        v->n_pairs++;
    }
    v->pairs[i] = (rid_cli_pair){key, text, origin};
    v->pair_sources[i] = source;
    return RID_OK;
}

/* A list grows within one level and is replaced by a higher one. */
static void begin_level(rid_cli_value *v, rid_cli_origin origin, const char *source)
{
    if (v->option->type != RID_OPTION_LIST || v->origin != origin)
        v->n_items = 0;
    v->origin = origin;
    v->source = source;
    v->set = true;
}

/* One checked value; `key` names the entry of a map (NULL: the default). */
static rid_status assign(rid_cli *cli, rid_cli_value *v, const char *key, const char *text,
                         rid_cli_origin origin, const char *source, rid_err *err)
{
    const char *canonical = rid_option_canonical(v->option, text);
    const char *kept = rid_cli_keep(cli, canonical, strlen(canonical));
    const char *kept_key = rid_cli_keep(cli, key ? key : "default", strlen(key ? key : "default"));
    if (!kept || !kept_key || !source)
        return RID_FAIL_NOMEM(err);
    begin_level(v, origin, source);
    if (v->option->type == RID_OPTION_MAP)
        return set_pair(v, kept_key, kept, origin, source, err);
    return add_item(v, kept, err);
}

static rid_status set_default(rid_cli *cli, rid_cli_value *v, rid_err *err)
{
    const rid_option *o = v->option;
    v->origin = RID_FROM_DEFAULT;
    v->source = "default";
    v->set = false;
    v->n_items = v->n_pairs = 0;
    if (!o->default_text ||
        ((o->flags & RID_OPTION_IF_EXISTS) && access(o->default_text, F_OK) != 0))
        return RID_OK;
    return assign(cli, v, NULL, o->default_text, RID_FROM_DEFAULT, "default", err);
}

static rid_status fail_key(const char *key, const place *p, rid_err *err)
{
    rid_cli_shown shown = rid_cli_show(key);
    char own[RID_OPTION_KEY_MAX];
    const rid_option *o = rid_option_find(key, RID_TOOL_ALL);
    if (o && (o->flags & RID_OPTION_NO_YAML))
        return FAIL_AT(err, p, "'%s' is for the command line only (--%s)", shown.text, o->name);
    const rid_option *near = rid_option_suggest(key, RID_TOOL_ALL, true);
    if (!near)
        return FAIL_AT(err, p, "unknown key '%s'", shown.text);
    rid_option_key(near, own);
    return FAIL_AT(err, p, "unknown key '%s'; did you mean '%s'?", shown.text, own);
}

/* A key that this tool does not have must hold what one of the others takes: a slip is found by
 * whichever binary reads the file first. */
static bool fits_another(const char *name, const char *text)
{
    char want[128];
    for (unsigned bit = 1; bit & RID_TOOL_ALL; bit <<= 1) {
        const rid_option *o = rid_option_find(name, bit);
        if (o && rid_option_check(o, text, want, sizeof want))
            return true;
    }
    return false;
}

/* *use: whether the value is for this tool. One in a file that only another tool's row of the same
 * name takes (frames: f16 read by rid-synth) is that tool's. */
static rid_status check_item(const rid_cli *cli, const rid_option *o, const char *key,
                             const char *text, const place *p, bool *use, rid_err *err)
{
    char want[128];
    bool fits = rid_option_check(o, text, want, sizeof want);
    *use = fits && (o->tools & cli->tool->bit);
    if (fits)
        return RID_OK;
    rid_cli_shown shown = rid_cli_show(text);
    bool may_be_others = p->origin == RID_FROM_YAML || !(o->tools & cli->tool->bit);
    if (!may_be_others || !fits_another(o->name, text))
        return FAIL_AT(err, p, "%s: '%s' is not %s", key, shown.text, want);
    if (o->tools & cli->tool->bit)
        rid_log(RID_LOG_WARN, "%s:%zu:%zu: %s: '%s' is not %s, so not for rid-%s: left alone",
                rid_cli_show(p->name).text, p->line, p->column, key, shown.text, want,
                cli->tool->name);
    return RID_OK;
}

static rid_status check_kind(const rid_option *o, const rid_yaml_entry *e, const place *p,
                             rid_err *err)
{
    bool list = o->type == RID_OPTION_LIST, map = o->type == RID_OPTION_MAP;
    if ((e->kind == RID_YAML_LIST && !list) || (e->kind == RID_YAML_MAP && !map))
        return FAIL_AT(err, p, "%s: expected %s, found a %s", e->key,
                       list  ? "a list or one value"
                       : map ? "one value or a map"
                             : "one value",
                       e->kind == RID_YAML_LIST ? "list" : "map");
    return RID_OK;
}

/* One key of a YAML document (or of --set): checked against the whole table, kept where the tool
 * has it. Null takes a value back to its default. */
static rid_status apply_entry(rid_cli *cli, const rid_yaml_entry *e, const place *at, rid_err *err)
{
    place p = *at;
    p.line = e->line;
    p.column = e->column;
    const rid_option *o = rid_option_find_key(e->key, cli->tool->bit);
    bool ours = o != NULL;
    if (!o)
        o = rid_option_find_key(e->key, RID_TOOL_ALL);
    if (!o)
        return fail_key(e->key, &p, err);
    const char *source = source_of(cli, &p);
    if (!source)
        return RID_FAIL_NOMEM(err);
    p.line = e->value_line;
    p.column = e->value_column;
    rid_status st = check_kind(o, e, &p, err);
    rid_cli_value *v = ours ? rid_cli_value_of(cli, o->name) : NULL;
    if (st == RID_OK && v && e->kind == RID_YAML_NULL)
        return set_default(cli, v, err);
    if (st == RID_OK && v && e->kind == RID_YAML_LIST) {
        v->n_items = 0;
        begin_level(v, p.origin, source);
    }
    for (size_t i = 0; i < e->n_items && st == RID_OK; i++) {
        p.line = e->items[i].line;
        p.column = e->items[i].column;
        const char *item_source = e->kind == RID_YAML_MAP ? source_of(cli, &p) : source;
        bool use;
        st = check_item(cli, o, e->key, e->items[i].text, &p, &use, err);
        if (st == RID_OK && use)
            st = assign(cli, v, e->items[i].key, e->items[i].text, p.origin, item_source, err);
    }
    return st;
}

static rid_status apply_file(rid_cli *cli, const char *path, rid_err *err)
{
    rid_yaml y = {0};
    place p = {.origin = RID_FROM_YAML, .code = RID_ECONFIG, .name = path};
    rid_status st = rid_yaml_read(&y, path, err);
    for (size_t i = 0; i < y.n && st == RID_OK; i++)
        st = apply_entry(cli, &y.entries[i], &p, err);
    rid_yaml_clear(&y);
    return st;
}

/* "timezone.nc0009=America/Chicago": one entry of a map. */
static rid_status apply_set_pair(rid_cli *cli, const char *text, const char *equals, const place *p,
                                 bool *taken, rid_err *err)
{
    const char *dot = memchr(text, '.', (size_t)(equals - text));
    if (!dot)
        return RID_OK;
    const char *key = rid_cli_keep(cli, text, (size_t)(dot - text));
    const char *entry = rid_cli_keep(cli, dot + 1, (size_t)(equals - dot - 1));
    if (!key || !entry)
        return RID_FAIL_NOMEM(err);
    const rid_option *o = rid_option_find_key(key, RID_TOOL_ALL);
    if (!o || o->type != RID_OPTION_MAP || !*entry)
        return RID_OK;
    *taken = true;
    bool use;
    rid_status st = check_item(cli, o, key, equals + 1, p, &use, err);
    if (st != RID_OK || !use)
        return st;
    return assign(cli, rid_cli_value_of(cli, o->name), entry, equals + 1, RID_FROM_SET, "--set",
                  err);
}

/* As YAML, where the value begins like a list, a map or a quoted text. */
static rid_status apply_set_yaml(rid_cli *cli, const char *key, const char *value, const place *p,
                                 rid_err *err)
{
    rid_buf text = {0};
    rid_yaml y = {0};
    rid_yaml_append_scalar(&text, rid_str_of(key), false);
    rid_buf_printf(&text, ": %s\n", value);
    rid_status st =
        text.failed ? RID_FAIL_NOMEM(err) : rid_yaml_parse(&y, "--set", rid_buf_view(&text), err);
    if (st == RID_ECONFIG)
        st = RID_FAIL(err, RID_EUSAGE, "--set %s: '%s' is not YAML that fits",
                      rid_cli_show(key).text, rid_cli_show(value).text);
    for (size_t i = 0; i < y.n && st == RID_OK; i++)
        st = apply_entry(cli, &y.entries[i], p, err);
    rid_yaml_clear(&y);
    rid_buf_free(&text);
    return st;
}

/* Otherwise the text itself, so that no path or id needs quotes inside the shell's. */
static rid_status apply_set(rid_cli *cli, const char *text, rid_err *err)
{
    const char *equals = strchr(text, '=');
    place p = {.origin = RID_FROM_SET, .code = RID_EUSAGE, .source = "--set"};
    if (!equals || equals == text)
        return FAIL_AT(err, &p, "'%s' is not KEY=VALUE", rid_cli_show(text).text);
    const char *value = equals + 1, *key = rid_cli_keep(cli, text, (size_t)(equals - text));
    bool taken = false;
    rid_status st = key ? apply_set_pair(cli, text, equals, &p, &taken, err) : RID_FAIL_NOMEM(err);
    if (st != RID_OK || taken)
        return st;
    bool null = *value == '\0' || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
    if (!null && strchr("[{\"'", *value))
        return apply_set_yaml(cli, key, value, &p, err);
    rid_yaml_item item = {.text = (char *)value};
    rid_yaml_entry entry = {.key = (char *)key,
                            .kind = null ? RID_YAML_NULL : RID_YAML_SCALAR,
                            .items = &item,
                            .n_items = null ? 0 : 1};
    return apply_entry(cli, &entry, &p, err);
}

static rid_status apply_environment(rid_cli *cli, rid_cli_value *v, rid_err *err)
{
    const rid_option *o = v->option;
    char want[128];
    const char *text = o->env ? getenv(o->env) : NULL;
    if (!text || !*text) /* an empty variable counts as unset, as in most shells' scripts */
        return RID_OK;
    if (!rid_option_check(o, text, want, sizeof want))
        return RID_FAIL(err, RID_ECONFIG, "environment variable %s: '%s' is not %s", o->env,
                        rid_cli_show(text).text, want);
    return assign(cli, v, NULL, text, RID_FROM_ENV, rid_cli_keepf(cli, "$%s", o->env), err);
}

static rid_status apply_given(rid_cli *cli, const rid_cli_given *g, rid_err *err)
{
    rid_cli_value *v = rid_cli_value_of(cli, g->option->name);
    return assign(cli, v, NULL, g->text, RID_FROM_FLAG, g->source, err);
}

void rid_cli_use_given(rid_cli *cli)
{
    for (size_t i = 0; i < cli->n_given; i++)
        if (apply_given(cli, &cli->given[i], NULL) != RID_OK)
            return;
}

rid_status rid_cli_resolve(rid_cli *cli, rid_err *err)
{
    rid_status st = RID_OK;
    const char *file = NULL;
    for (size_t i = 0; i < cli->n_values && st == RID_OK; i++)
        st = set_default(cli, &cli->values[i], err);
    for (size_t i = 0; i < cli->n_given; i++)
        if (strcmp(cli->given[i].option->name, "config") == 0)
            file = cli->given[i].text;
    if (st == RID_OK && file)
        st = apply_file(cli, file, err);
    for (size_t i = 0; i < cli->n_given && st == RID_OK; i++)
        if (strcmp(cli->given[i].option->name, "set") == 0)
            st = apply_set(cli, cli->given[i].text, err);
    for (size_t i = 0; i < cli->n_values && st == RID_OK; i++)
        st = apply_environment(cli, &cli->values[i], err);
    for (size_t i = 0; i < cli->n_given && st == RID_OK; i++)
        st = apply_given(cli, &cli->given[i], err);
    cli->resolved = st == RID_OK;
    return st;
}

enum { COMMENT_COLUMN = 40 };

static void end_line(rid_buf *out, size_t start, const char *source, const char *absent)
{
    do
        rid_buf_append_char(out, ' ');
    while (!out->failed && out->len - start < COMMENT_COLUMN);
    rid_buf_printf(out, "# from %s", source);
    if (absent)
        rid_buf_printf(out, " (there is no %s)", absent);
    rid_buf_append_char(out, '\n');
}

static bool is_text(const rid_option *o)
{
    return o->type == RID_OPTION_STRING || o->type == RID_OPTION_PATH ||
           o->type == RID_OPTION_LIST || o->type == RID_OPTION_MAP;
}

static void write_map(const rid_cli_value *v, rid_buf *out)
{
    rid_buf_append_char(out, '\n');
    for (size_t i = 0; i < v->n_pairs; i++) {
        size_t start = out->len;
        rid_buf_append_str(out, "  ");
        rid_yaml_append_scalar(out, rid_str_of(v->pairs[i].key), false);
        rid_buf_append_str(out, ": ");
        rid_yaml_append_scalar(out, rid_str_of(v->pairs[i].value), false);
        end_line(out, start, v->pair_sources[i], NULL);
    }
}

static void write_items(const rid_cli_value *v, rid_buf *out)
{
    bool list = v->option->type == RID_OPTION_LIST;
    rid_buf_append_str(out, list ? " [" : " ");
    for (size_t i = 0; i < v->n_items; i++) {
        rid_buf_append_str(out, i ? ", " : "");
        rid_yaml_append_scalar(out, rid_str_of(v->items[i]), !is_text(v->option));
    }
    rid_buf_append_str(out, list ? "]" : "");
}

static void write_value(const rid_cli_value *v, rid_buf *out)
{
    char key[RID_OPTION_KEY_MAX];
    size_t start = out->len;
    rid_option_key(v->option, key);
    rid_buf_printf(out, "%s:", key);
    if (v->option->type == RID_OPTION_MAP && v->n_pairs > 0) {
        write_map(v, out);
        return;
    }
    if (v->set)
        write_items(v, out);
    else
        rid_buf_append_str(out, " null");
    bool absent = !v->set && (v->option->flags & RID_OPTION_IF_EXISTS);
    end_line(out, start, v->source, absent ? v->option->default_text : NULL);
}

void rid_cli_write_config(const rid_cli *cli, rid_buf *out)
{
    for (size_t i = 0; i < cli->n_values; i++)
        if (!(cli->values[i].option->flags & RID_OPTION_NO_YAML))
            write_value(&cli->values[i], out);
}
