/* Outputs against one another and against the inputs, before anything is read or written. */
#include "data/base/mem.h"
#include "data/base/place.h"
#include "data/base/publish.h"
#include "tools/cli_state.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A file or folder that the run is going to write. */
typedef struct claim {
    const rid_option *option;
    const char *path;
    rid_place place;
    bool made;    /* comes with the option's value */
    bool implied; /* standard output, as the option is not set */
} claim;

typedef struct claims {
    claim *at;
    size_t n, cap;
} claims;

typedef struct option_name {
    char text[RID_OPTION_KEY_MAX + 2];
} option_name;

/* "-o", "--gt" */
static option_name name_of(const rid_option *o)
{
    option_name name;
    if (o->letter)
        snprintf(name.text, sizeof name.text, "-%c", o->letter);
    else
        snprintf(name.text, sizeof name.text, "--%s", o->name);
    return name;
}

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

static bool is_folder(const rid_option *o)
{
    return (o->flags & RID_OPTION_OUTPUT) == RID_OPTION_FOLDER;
}

static unsigned paths_of(const rid_cli *cli)
{
    return cli->command ? cli->command->paths : cli->tool->paths;
}

/* ---- what is written ---- */

static rid_status add(claims *c, claim new, rid_err *err)
{
    if (rid_mem_grow(&c->at, &c->cap, c->n + 1, sizeof *c->at) != 0)
        return RID_FAIL_NOMEM(err);
    c->at[c->n] = new;
    if (is_stdout(new.path)) {
        c->at[c->n++].place = rid_place_of_descriptor(STDOUT_FILENO);
        return RID_OK;
    }
    return rid_place_find(&c->at[c->n++].place, new.path, err);
}

/* One of o->makes, `n` bytes long, with the value for '*'. */
static const char *made_path(rid_cli *cli, const char *pattern, size_t n, const char *value)
{
    rid_buf path = {0};
    const size_t star = strcspn(pattern, "*");
    rid_buf_printf(&path, "%.*s%s%.*s", (int)star, pattern, value, (int)(n - star - 1),
                   pattern + star + 1);
    const char *kept = rid_buf_cstr(&path) ? rid_cli_keep(cli, path.data, path.len) : NULL;
    rid_buf_free(&path);
    return kept;
}

static rid_status add_made(rid_cli *cli, claims *c, const claim *from, rid_err *err)
{
    const rid_option *o = from->option;
    const char *value = from->path; /* c->at moves */
    rid_status st = RID_OK;
    for (const char *at = o->makes; at && *at && !is_stdout(value) && st == RID_OK;) {
        const size_t n = strcspn(at, "|");
        const char *path = made_path(cli, at, n, value);
        st = path ? add(c, (claim){.option = o, .path = path, .made = true}, err)
                  : RID_FAIL_NOMEM(err);
        at += n + (at[n] == '|');
    }
    return st;
}

static bool is_main(const rid_option *o)
{
    return strcmp(o->name, "output") == 0;
}

static bool is_implied(const rid_cli *cli, const rid_cli_value *v)
{
    return v->n_items == 0 && is_main(v->option) && (paths_of(cli) & RID_PATHS_STDOUT) &&
           !rid_cli_flag(cli, "dry-run");
}

static bool is_output(const rid_cli *cli, const rid_option *o)
{
    const bool derived = is_main(o) && (paths_of(cli) & RID_PATHS_DERIVED);
    return (o->flags & RID_OPTION_OUTPUT) && !derived && rid_cli_takes(cli, o);
}

static rid_status collect(rid_cli *cli, claims *c, rid_err *err)
{
    rid_status st = RID_OK;
    for (size_t i = 0; i < cli->n_values && st == RID_OK; i++) {
        const rid_cli_value *v = &cli->values[i];
        const bool implied = is_implied(cli, v);
        const char *path = implied ? "-" : v->n_items ? v->items[0] : NULL;
        if (path && is_output(cli, v->option))
            st = add(c, (claim){.option = v->option, .path = path, .implied = implied}, err);
    }
    const rid_option *derived = rid_option_find("output", cli->tool->bit);
    for (size_t i = 0; i < cli->n_derived && st == RID_OK; i++)
        st = add(c, (claim){.option = derived, .path = cli->derived[i]}, err);
    const size_t n = c->n;
    for (size_t i = 0; n > 1 && i < n && st == RID_OK; i++)
        st = add_made(cli, c, &c->at[i], err);
    return st;
}

static rid_status check_kind(const claim *c, rid_err *err)
{
    const option_name name = name_of(c->option);
    rid_status st = RID_OK;
    if (is_folder(c->option) && is_stdout(c->path))
        return RID_FAIL(err, RID_EUSAGE, "a folder cannot go to standard output; give %s %s",
                        name.text, c->option->metavar);
    if (is_folder(c->option))
        st = rid_publish_check_folder(c->path, err);
    else if (!(c->option->flags & RID_OPTION_FOLDER))
        st = rid_publish_check(c->path, true, err);
    else if (c->path[strlen(c->path) - 1] != '/' && !(c->place.exists && S_ISDIR(c->place.mode)))
        st = rid_publish_check(c->path, true, err);
    return st == RID_OK ? st : rid_err_prepend(err, "%s", name.text);
}

/* ---- one against the other ---- */

static bool collide(const claim *a, const claim *b)
{
    const bool folders = is_folder(a->option) && is_folder(b->option) && !a->made && !b->made;
    if (a->option == b->option || folders)
        return false;
    return (is_stdout(a->path) && is_stdout(b->path)) || rid_place_same(&a->place, &b->place);
}

static rid_status fail_both(const claim *a, const claim *b, rid_err *err)
{
    const option_name first = name_of(a->option), second = name_of(b->option);
    if (a->implied && is_stdout(b->path))
        return RID_FAIL(err, RID_EUSAGE, "%s - needs %s: results go to '-'", second.text,
                        first.text);
    if (b->implied && is_stdout(a->path))
        return RID_FAIL(err, RID_EUSAGE, "%s - needs %s: results go to '-'", first.text,
                        second.text);
    if (is_stdout(a->path) && is_stdout(b->path))
        return RID_FAIL(err, RID_EUSAGE, "%s and %s both want standard output", first.text,
                        second.text);
    const char *path = a->made || is_stdout(a->path) ? b->path : a->path;
    return RID_FAIL(err, RID_EUSAGE,
                    "%s and %s both write %s, and one would be lost; name another file", first.text,
                    second.text, rid_cli_show(path).text);
}

/* `from` is the option that names the input; NULL: it is an argument. */
static rid_status check_input(const rid_cli *cli, const claims *c, const char *path,
                              const rid_option *from, const rid_option *only, rid_err *err)
{
    rid_place input = {0};
    if (strcmp(path, "-") == 0)
        input = rid_place_of_descriptor(STDIN_FILENO);
    else if (rid_place_find(&input, path, err) != RID_OK)
        return RID_OK; /* the one who reads it says so */
    rid_status st = RID_OK;
    for (size_t i = 0; i < c->n && st == RID_OK && input.exists && S_ISREG(input.mode); i++) {
        const claim *out = &c->at[i];
        const bool may = !from && is_main(out->option) && (paths_of(cli) & RID_PATHS_IN_PLACE);
        if (out->made || is_stdout(out->path) || may || (only && out->option != only) ||
            !rid_place_same(&out->place, &input))
            continue;
        const option_name name = name_of(out->option);
        st = from ? RID_FAIL(err, RID_EUSAGE,
                             "%s would replace an input, %s of %s; name another file", name.text,
                             rid_cli_show(path).text, name_of(from).text)
                  : RID_FAIL(err, RID_EUSAGE, "%s would replace the input %s; name another file",
                             name.text, rid_cli_show(path).text);
    }
    rid_place_clear(&input);
    return st;
}

static rid_status check_inputs(const rid_cli *cli, const claims *c, const rid_option *only,
                               rid_err *err)
{
    bool replaces = false; /* what is not there is no input */
    for (size_t i = 0; i < c->n; i++)
        replaces |=
            c->at[i].place.exists && S_ISREG(c->at[i].place.mode) && !is_stdout(c->at[i].path);
    if (!replaces)
        return RID_OK;
    rid_status st = RID_OK;
    for (size_t i = 0; i < cli->n_values && st == RID_OK; i++) {
        const rid_cli_value *v = &cli->values[i];
        if (!(v->option->flags & RID_OPTION_INPUT) || !rid_cli_takes(cli, v->option))
            continue;
        for (size_t k = 0; k < v->n_items && st == RID_OK; k++)
            st = check_input(cli, c, v->items[k], v->option, only, err);
    }
    const bool one = paths_of(cli) & RID_PATHS_ONE_INPUT;
    for (size_t i = 0; i < cli->n_args && st == RID_OK && !(one && i > 0); i++)
        st = check_input(cli, c, cli->args[i], NULL, only, err);
    return st;
}

rid_status rid_cli_check_paths(rid_cli *cli, const rid_option *only, rid_err *err)
{
    claims c = {0};
    rid_status st = collect(cli, &c, err);
    for (size_t i = 0; i < c.n && st == RID_OK; i++)
        if (!c.at[i].made && (!only || c.at[i].option == only))
            st = check_kind(&c.at[i], err);
    for (size_t i = 0; i < c.n && st == RID_OK; i++)
        for (size_t k = i + 1; k < c.n && st == RID_OK; k++)
            if ((!only || c.at[i].option == only || c.at[k].option == only) &&
                collide(&c.at[i], &c.at[k]))
                st = fail_both(&c.at[i], &c.at[k], err);
    if (st == RID_OK)
        st = check_inputs(cli, &c, only, err);
    for (size_t i = 0; i < c.n; i++)
        rid_place_clear(&c.at[i].place);
    rid_mem_free(c.at);
    return st;
}

rid_status rid_cli_claim_output(rid_cli *cli, const char *path, rid_err *err)
{
    const char *kept = rid_cli_keep(cli, path, strlen(path));
    const size_t need = cli->n_derived + 1;
    if (!kept || rid_mem_grow(&cli->derived, &cli->cap_derived, need, sizeof *cli->derived) != 0)
        return RID_FAIL_NOMEM(err);
    cli->derived[cli->n_derived++] = kept;
    const rid_status st = rid_cli_check_paths(cli, NULL, err);
    cli->checked = st == RID_OK;
    return st;
}
