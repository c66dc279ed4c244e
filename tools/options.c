#include "tools/option_rows.h"

#include "data/base/mem.h"
#include "data/base/num.h"
#include "data/base/timezone.h"
#include "eval/sweep_grid.h"

#include <stdio.h>
#include <string.h>

/* Their order, and the rows' in them, is that of the help. */
static const rid_option_rows *const tables[] = {
    &rid_option_rows_data,      &rid_option_rows_eval,  &rid_option_rows_gt,
    &rid_option_rows_calibrate, &rid_option_rows_train, &rid_option_rows_common,
};

const rid_option *rid_option_at(size_t i)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        if (i < tables[t]->n)
            return &tables[t]->rows[i];
        i -= tables[t]->n;
    }
    return NULL;
}

size_t rid_option_count(void)
{
    size_t n = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
        n += tables[t]->n;
    return n;
}

/* '-' and '_' count as one character where a name is compared with a key. */
static char fold(char c)
{
    return c == '_' ? '-' : c;
}

const rid_option *rid_option_find(const char *name, unsigned tools)
{
    for (size_t i = 0; i < rid_option_count(); i++)
        if ((rid_option_at(i)->tools & tools) && strcmp(rid_option_at(i)->name, name) == 0)
            return rid_option_at(i);
    return NULL;
}

void rid_option_key(const rid_option *o, char key[RID_OPTION_KEY_MAX])
{
    size_t i = 0;
    for (; o->name[i] && i + 1 < RID_OPTION_KEY_MAX; i++)
        key[i] = o->name[i] == '-' ? '_' : o->name[i];
    key[i] = '\0';
}

const rid_option *rid_option_find_key(const char *key, unsigned tools)
{
    char own[RID_OPTION_KEY_MAX];
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *o = rid_option_at(i);
        rid_option_key(o, own);
        if ((o->tools & tools) && !(o->flags & RID_OPTION_NO_YAML) && strcmp(own, key) == 0)
            return o;
    }
    return NULL;
}

const rid_option *rid_option_find_letter(char letter, unsigned tools)
{
    for (size_t i = 0; i < rid_option_count(); i++)
        if (letter && (rid_option_at(i)->tools & tools) && rid_option_at(i)->letter == letter)
            return rid_option_at(i);
    return NULL;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);
    for (const char *c = choices; *c;) {
        size_t len = strcspn(c, "|");
        if (len == n && strncmp(c, text, n) == 0)
            return true;
        c += len + (c[len] == '|');
    }
    return false;
}

static const char *truth_word(const char *text, const char *yes, const char *no)
{
    static const char *const words[] = {"true", "false", "on", "off", "yes", "no", "True", "False"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(text, words[i]) == 0)
            return i % 2 == 0 ? yes : no;
    return text;
}

const char *rid_option_canonical(const rid_option *o, const char *text)
{
    if (o->type == RID_OPTION_FLAG)
        return truth_word(text, "true", "false");
    if (o->type == RID_OPTION_CHOICE && strcmp(o->choices, "on|off") == 0)
        return truth_word(text, "on", "off");
    return text;
}

static bool has_bounds(const rid_option *o)
{
    return o->min != 0 || o->max != 0;
}

static bool check_number(const rid_option *o, const char *text, char *want, size_t size)
{
    bool whole = o->type == RID_OPTION_INT;
    int64_t integer = 0;
    double value = 0;
    bool ok = whole ? rid_num_parse_i64(rid_str_of(text), &integer)
                    : rid_num_parse_f64(rid_str_of(text), &value);
    if (whole)
        value = (double)integer;
    const char *kind = whole ? "a whole number" : "a number";
    if (!has_bounds(o))
        snprintf(want, size, "%s", kind);
    else if (o->max >= 1e9)
        snprintf(want, size, "%s, %.0f or more", kind, o->min);
    else
        snprintf(want, size, "%s from %.15g to %.15g", kind, o->min, o->max);
    return ok && (!has_bounds(o) || (value >= o->min && value <= o->max));
}

static void want_choices(const char *choices, char *want, size_t size)
{
    size_t used = 0;
    want[0] = '\0';
    for (const char *c = choices; *c && used < size;) {
        size_t len = strcspn(c, "|");
        bool last = c[len] == '\0';
        const char *join = c == choices ? "" : last ? " or " : ", ";
        int n = snprintf(want + used, size - used, "%s%.*s", join, (int)len, c);
        used += n > 0 ? (size_t)n : 0;
        c += len + !last;
    }
}

static bool is_zone(const char *text)
{
    rid_timezones *z = rid_timezones_new();
    bool known = z && rid_timezones_set(z, NULL, text, NULL) == RID_OK;
    rid_timezones_free(z);
    return known;
}

static bool check_text(const rid_option *o, const char *text, char *want, size_t size)
{
    if ((o->flags & RID_OPTION_NO_EMPTY) && *text == '\0') {
        snprintf(want, size, "a value");
        return false;
    }
    snprintf(want, size, o->flags & RID_OPTION_ZONE ? "a time zone like Europe/Berlin" : "a text");
    return !(o->flags & RID_OPTION_ZONE) || is_zone(text);
}

static bool check_grid(const rid_option *o, const char *text, char *want, size_t size)
{
    double *x = NULL;
    size_t n = 0;
    const bool ok = rid_grid_parse(&x, &n, text, o->name, NULL) == RID_OK &&
                    (!has_bounds(o) || (x[0] >= o->min && x[n - 1] <= o->max));
    snprintf(want, size, "a grid like 0.5 or 0,0.1:0.3:0.05 of values from %.15g to %.15g", o->min,
             o->max);
    rid_mem_free(x);
    return ok;
}

bool rid_option_check(const rid_option *o, const char *text, char *want, size_t want_size)
{
    uint32_t i, n;
    int64_t lo, hi;
    double value;
    bool percent;
    switch (o->type) {
    case RID_OPTION_FLAG:
        snprintf(want, want_size, "true or false");
        return is_choice("true|false", rid_option_canonical(o, text));
    case RID_OPTION_CHOICE:
        want_choices(o->choices, want, want_size);
        return is_choice(o->choices, rid_option_canonical(o, text));
    case RID_OPTION_INT:
    case RID_OPTION_FLOAT:
        return check_number(o, text, want, want_size);
    case RID_OPTION_COUNT_OR_PERCENT:
        snprintf(want, want_size, "a count like 12 or a share like 1.5%%");
        return rid_num_parse_count_or_percent(rid_str_of(text), &value, &percent);
    case RID_OPTION_SHARD:
        snprintf(want, want_size, "a shard like 0/4 (from 0/4 to 3/4)");
        return rid_num_parse_shard(rid_str_of(text), &i, &n);
    case RID_OPTION_RANGE:
        snprintf(want, want_size, "a range like 2:5");
        return rid_num_parse_range(rid_str_of(text), &lo, &hi) &&
               (!has_bounds(o) || ((double)lo >= o->min && (double)hi <= o->max));
    case RID_OPTION_GRID:
        return check_grid(o, text, want, want_size);
    case RID_OPTION_STRING:
    case RID_OPTION_PATH:
    case RID_OPTION_LIST:
    case RID_OPTION_MAP:
        return check_text(o, text, want, want_size);
    }
    return false;
}

enum { WORD_MAX = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Three rows of the usual table: the row before, and one more for swapped neighbours. */
size_t rid_word_distance(const char *a, const char *b)
{
    size_t rows[3][WORD_MAX + 1], n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return n > m ? n : m;
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t replaced = above[j - 1] + (fold(a[i - 1]) != fold(b[j - 1]));
            row[j] = least(least(row[j - 1], above[j]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

static bool begins(const char *whole, const char *part)
{
    size_t i = 0;
    while (part[i] && fold(whole[i]) == fold(part[i]))
        i++;
    return i >= 3 && part[i] == '\0';
}

const rid_option *rid_option_suggest(const char *name, unsigned tools, bool key)
{
    const rid_option *near = NULL, *begun = NULL;
    size_t nearest = (strlen(name) + 1) / 3; /* edits: one typing slip in three letters */
    if (nearest > 3)
        nearest = 3;
    for (size_t i = 0; i < rid_option_count(); i++) {
        const rid_option *o = rid_option_at(i);
        if (!(o->tools & tools) || (o->flags & RID_OPTION_HIDDEN) ||
            (key && (o->flags & RID_OPTION_NO_YAML)))
            continue;
        size_t distance = rid_word_distance(name, o->name);
        if (distance < nearest || (distance == nearest && !near)) {
            nearest = distance;
            near = o;
        }
        if (!begun && begins(o->name, name))
            begun = o;
    }
    return begun && nearest > 0 ? begun : near;
}

const char *rid_tool_name(unsigned bit)
{
    switch (bit) {
    case RID_TOOL_ENCODE:
        return "encode";
    case RID_TOOL_MANIFEST:
        return "manifest";
    case RID_TOOL_MATCH:
        return "match";
    case RID_TOOL_STORE:
        return "store";
    case RID_TOOL_SYNTH:
        return "synth";
    case RID_TOOL_TRAIN:
        return "train";
    case RID_TOOL_SWEEP:
        return "sweep";
    case RID_TOOL_EVAL:
        return "eval";
    case RID_TOOL_PAIRS:
        return "pairs";
    case RID_TOOL_GT:
        return "gt";
    case RID_TOOL_CALIBRATE:
        return "calibrate";
    default:
        return "?";
    }
}
