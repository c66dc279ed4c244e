#include "data/uri.h"

#include <string.h>
#include <strings.h>

/* Parts of names, in lower case. Rather a harmless parameter too many is dropped. */
static const char *const SECRET[] = {"sig",  "token", "secret", "cred",  "key",
                                     "pass", "pwd",   "auth",   "policy"};

static bool holds(rid_str text, const char *word)
{
    const size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++)
        if (strncasecmp(text.data + i, word, n) == 0)
            return true;
    return false;
}

static bool is_secret(rid_str name)
{
    for (size_t i = 0; i < sizeof SECRET / sizeof SECRET[0]; i++)
        if (holds(name, SECRET[i]))
            return true;
    return false;
}

/* How many of text's bytes come before the first of `ends`. */
static size_t span(rid_str text, const char *ends)
{
    size_t n = 0;
    while (n < text.len && !strchr(ends, text.data[n]))
        n++;
    return n;
}

static rid_str behind(rid_str text, size_t n)
{
    return (rid_str){text.data + n, text.len - n};
}

/* Behind "scheme://" (RFC 3986, 3.2), or "//"; 0 where there is no host. */
static size_t authority_at(rid_str uri)
{
    const size_t scheme = span(uri, ":/?#");
    const size_t at = scheme < uri.len && uri.data[scheme] == ':' ? scheme + 1 : 0;
    return at + 2 <= uri.len && memcmp(uri.data + at, "//", 2) == 0 ? at + 2 : 0;
}

/* What comes before the query, without the user. */
static void append_place(rid_buf *out, rid_str place)
{
    const size_t at = authority_at(place);
    if (at > 0) {
        const size_t host_end = at + span(behind(place, at), "/");
        const char *user_end = memrchr(place.data + at, '@', host_end - at);
        rid_buf_append(out, place.data, at);
        place = behind(place, user_end ? (size_t)(user_end + 1 - place.data) : at);
    }
    rid_buf_append(out, place.data, place.len);
}

void rid_uri_append_public(rid_buf *out, rid_str uri)
{
    size_t n = span(uri, "?#");
    append_place(out, (rid_str){uri.data, n});
    char mark = 0;
    for (rid_str rest = behind(uri, n); rest.len > 0; rest = behind(rest, n)) {
        const rid_str parameter = behind(rest, 1);
        /* The first that is kept takes over the mark of those dropped before it. */
        mark = rest.data[0] == '#' || mark == 0 ? rest.data[0] : mark;
        n = 1 + span(parameter, "&;#");
        if (is_secret((rid_str){parameter.data, span(parameter, "=&;#")}))
            continue;
        rid_buf_append_char(out, mark);
        rid_buf_append(out, parameter.data, n - 1);
        mark = '&';
    }
}
