#include "data/json_scan.h"

#include <string.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

size_t rid_json_skip_blank(const char *text, size_t len, size_t at)
{
    while (at < len && is_blank(text[at]))
        at++;
    return at;
}

/* Takes string bytes from i; returns the index behind the closing quote, or n. */
static size_t skim_string(rid_json_skim *s, const char *text, size_t i, size_t n)
{
    while (i < n) {
        if (s->escaped) {
            s->escaped = false;
            i++;
            continue;
        }
        char c = text[i++];
        if (c == '\\') {
            s->escaped = true;
        } else if (c == '"') {
            s->in_string = false;
            break;
        }
    }
    return i;
}

size_t rid_json_skim_run(rid_json_skim *s, const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && !s->complete) {
        if (s->in_string) {
            i = skim_string(s, text, i, n);
            continue;
        }
        switch (text[i++]) {
        case '"':
            s->in_string = true;
            break;
        case '{':
        case '[':
            s->depth++;
            break;
        case '}':
        case ']':
            if (s->depth > 0)
                s->depth--;
            s->complete = s->depth == 0;
            break;
        default:
            break;
        }
    }
    return i;
}

bool rid_json_scan_plain_string(const char *text, size_t len, size_t *at, rid_str *contents)
{
    size_t i = rid_json_skip_blank(text, len, *at);
    if (i >= len || text[i] != '"')
        return false;
    const char *start = text + i + 1;
    const char *quote = memchr(start, '"', len - i - 1);
    if (!quote || memchr(start, '\\', (size_t)(quote - start)))
        return false;
    *contents = (rid_str){start, (size_t)(quote - start)};
    *at = (size_t)(quote - text) + 1;
    return true;
}

/* ---- diagnosis: a pushdown automaton over the grammar; the stack holds '{' or '[' ---- */

enum { DEPTH_LIMIT = 1024 };

typedef struct checker {
    const char *text;
    size_t len, at;
    rid_json_fault *fault;
} checker;

static bool faulty(checker *c, rid_reject reason, size_t offset, const char *expected)
{
    *c->fault = (rid_json_fault){reason, offset, expected};
    return true;
}

static bool check_escape(checker *c)
{
    size_t start = c->at - 1;
    char e = c->at < c->len ? c->text[c->at++] : '\0';
    if (e != '\0' && strchr("\"\\/bfnrt", e))
        return false;
    if (e != 'u')
        return faulty(c, RID_REJECT_SYNTAX, start, "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
    for (int i = 0; i < 4; i++, c->at++) {
        char h = c->at < c->len ? c->text[c->at] : '\0';
        if (h == '\0' || !strchr("0123456789abcdefABCDEF", h))
            return faulty(c, RID_REJECT_SYNTAX, start, "four hexadecimal digits after \\u");
    }
    return false;
}

static unsigned hex4(const char *s)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        char h = s[i];
        v = v * 16 + (unsigned)(h <= '9' ? h - '0' : (h | 0x20) - 'a' + 10);
    }
    return v;
}

/* Surrogates come in pairs: high (D800–DBFF), then low (DC00–DFFF). c->at is behind a \uXXXX. */
static bool check_surrogate(checker *c, size_t start)
{
    unsigned first = hex4(c->text + c->at - 4);
    if (first < 0xD800 || first > 0xDFFF)
        return false;
    if (first >= 0xDC00 || c->len - c->at < 6 || memcmp(c->text + c->at, "\\u", 2) != 0)
        return faulty(c, RID_REJECT_UTF8, start, "a high and a low surrogate together");
    size_t second = c->at++; /* check_escape starts behind the backslash */
    if (check_escape(c))
        return true;
    unsigned low = hex4(c->text + c->at - 4);
    if (low < 0xDC00 || low > 0xDFFF)
        return faulty(c, RID_REJECT_UTF8, second, "a low surrogate after a high one");
    return false;
}

static bool check_string(checker *c)
{
    size_t run = ++c->at; /* behind the quote; start of bytes not yet checked as UTF-8 */
    size_t open = c->at - 1;
    while (c->at < c->len) {
        unsigned char ch = (unsigned char)c->text[c->at];
        if (ch < 0x20)
            return faulty(c, RID_REJECT_SYNTAX, c->at, "no control character inside a string");
        if (ch != '"' && ch != '\\') {
            c->at++;
            continue;
        }
        size_t valid = rid_utf8_prefix(c->text + run, c->at - run);
        if (valid < c->at - run)
            return faulty(c, RID_REJECT_UTF8, run + valid, "UTF-8");
        size_t start = c->at++;
        if (ch == '"')
            return false;
        bool unicode = c->at < c->len && c->text[c->at] == 'u';
        if (check_escape(c) || (unicode && check_surrogate(c, start)))
            return true;
        run = c->at;
    }
    return faulty(c, RID_REJECT_SYNTAX, open, "a closing quote for the string that begins here");
}

static size_t digits_from(checker *c)
{
    size_t start = c->at;
    while (c->at < c->len && c->text[c->at] >= '0' && c->text[c->at] <= '9')
        c->at++;
    return c->at - start;
}

static bool check_number(checker *c)
{
    size_t start = c->at;
    if (c->text[c->at] == '-')
        c->at++;
    bool zero = c->at < c->len && c->text[c->at] == '0';
    size_t n = digits_from(c);
    if (n == 0 || (zero && n > 1))
        return faulty(c, RID_REJECT_SYNTAX, start, "a number without leading zeros, or a value");
    if (c->at < c->len && c->text[c->at] == '.') {
        c->at++;
        if (digits_from(c) == 0)
            return faulty(c, RID_REJECT_SYNTAX, start, "digits after the decimal point");
    }
    if (c->at < c->len && (c->text[c->at] == 'e' || c->text[c->at] == 'E')) {
        c->at++;
        if (c->at < c->len && (c->text[c->at] == '+' || c->text[c->at] == '-'))
            c->at++;
        if (digits_from(c) == 0)
            return faulty(c, RID_REJECT_SYNTAX, start, "digits in the exponent");
    }
    return false;
}

static bool check_scalar(checker *c)
{
    static const char *const words[] = {"true", "false", "null"};
    char first = c->text[c->at];
    if (first == '"')
        return check_string(c);
    if (first == '-' || (first >= '0' && first <= '9'))
        return check_number(c);
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if (c->len - c->at >= n && memcmp(c->text + c->at, words[i], n) == 0) {
            c->at += n;
            return false;
        }
    }
    return faulty(c, RID_REJECT_SYNTAX, c->at, "a JSON value");
}

/* A key and its colon. */
static bool check_key(checker *c)
{
    c->at = rid_json_skip_blank(c->text, c->len, c->at);
    if (c->at >= c->len || c->text[c->at] != '"')
        return faulty(c, RID_REJECT_SYNTAX, c->at, "a key in double quotes");
    if (check_string(c))
        return true;
    c->at = rid_json_skip_blank(c->text, c->len, c->at);
    if (c->at >= c->len || c->text[c->at] != ':')
        return faulty(c, RID_REJECT_SYNTAX, c->at, "':' after the key");
    c->at++;
    return false;
}

static bool closes(checker *c, char open)
{
    c->at = rid_json_skip_blank(c->text, c->len, c->at);
    if (c->at < c->len && c->text[c->at] == (open == '{' ? '}' : ']')) {
        c->at++;
        return true;
    }
    return false;
}

/* Behind a value: closes what closes; *more tells whether another value follows. */
static bool check_after_value(checker *c, const char *stack, unsigned *depth, bool *more)
{
    *more = false;
    while (*depth > 0) {
        char open = stack[*depth - 1];
        if (closes(c, open)) {
            (*depth)--;
            continue;
        }
        if (c->at >= c->len || c->text[c->at] != ',')
            return faulty(c, RID_REJECT_SYNTAX, c->at, open == '{' ? "',' or '}'" : "',' or ']'");
        c->at++;
        *more = true;
        return open == '{' && check_key(c);
    }
    c->at = rid_json_skip_blank(c->text, c->len, c->at);
    if (c->at < c->len)
        return faulty(c, RID_REJECT_SYNTAX, c->at, "nothing after the end of the document");
    return false;
}

bool rid_json_diagnose(const char *text, size_t len, unsigned max_depth, rid_json_fault *fault)
{
    char stack[DEPTH_LIMIT];
    unsigned depth = 0;
    bool more = true;
    checker c = {text, len, 0, fault};
    if (max_depth > DEPTH_LIMIT)
        max_depth = DEPTH_LIMIT;
    while (more) {
        c.at = rid_json_skip_blank(text, len, c.at);
        if (c.at >= len)
            return faulty(&c, RID_REJECT_SYNTAX, len, "a JSON value, the text ends here");
        char open = text[c.at];
        if (open == '{' || open == '[') {
            if (depth == max_depth)
                return faulty(&c, RID_REJECT_DEPTH, c.at, "less nesting");
            stack[depth++] = open;
            c.at++;
            if (!closes(&c, open)) {
                if (open == '{' && check_key(&c))
                    return true;
                continue;
            }
            depth--;
        } else if (check_scalar(&c)) {
            return true;
        }
        if (check_after_value(&c, stack, &depth, &more))
            return true;
    }
    return false;
}

/* ---- finding a value ---- */

static size_t skip_string(const char *text, size_t len, size_t at)
{
    rid_json_skim s = {.in_string = true};
    return skim_string(&s, text, at + 1, len);
}

/* Behind the value that begins at `at`. */
static size_t skip_value(const char *text, size_t len, size_t at)
{
    if (at < len && text[at] == '"')
        return skip_string(text, len, at);
    if (at < len && (text[at] == '{' || text[at] == '[')) {
        rid_json_skim s = {0};
        return at + rid_json_skim_run(&s, text + at, len - at);
    }
    while (at < len && !is_blank(text[at]) && !strchr(",]}", text[at]))
        at++;
    return at;
}

/* From an object's or array's bracket to the value in its place `index`. */
static bool step_into(const char *text, size_t len, size_t index, size_t *at)
{
    const bool object = *at < len && text[*at] == '{';
    if (!object && !(*at < len && text[*at] == '['))
        return false;
    for (size_t i = 0;; i++) {
        *at = rid_json_skip_blank(text, len, *at + 1);
        if (*at >= len || text[*at] == '}' || text[*at] == ']')
            return false;
        if (object) {
            *at = rid_json_skip_blank(text, len, skip_string(text, len, *at));
            *at = rid_json_skip_blank(text, len, *at + 1);
        }
        if (i == index)
            return *at < len;
        *at = rid_json_skip_blank(text, len, skip_value(text, len, *at));
        if (*at >= len || text[*at] != ',')
            return false;
    }
}

bool rid_json_locate(const char *text, size_t len, const size_t *steps, size_t n, size_t *offset)
{
    size_t at = rid_json_skip_blank(text, len, 0);
    for (size_t i = 0; i < n; i++)
        if (!step_into(text, len, steps[i], &at))
            return false;
    *offset = at;
    return at < len;
}
