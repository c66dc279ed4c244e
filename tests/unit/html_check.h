/** Whether a page or a part of one is well-formed: every tag closed in order, attributes quoted, no
 * bare < or &, and no number in it that is none. */
#ifndef RID_TEST_HTML_CHECK_H
#define RID_TEST_HTML_CHECK_H

#include "fixture.h"

enum { HTML_DEPTH_MAX = 32 };

typedef struct html_check {
    const char *at;
    char open[HTML_DEPTH_MAX][16];
    size_t depth;
} html_check;

/* A tag's attributes, up to its ">"; true where it closes itself. */
static bool html_attributes(html_check *c)
{
    for (;;) {
        c->at += strspn(c->at, " ");
        if (*c->at == '/' || *c->at == '>')
            break;
        c->at += strcspn(c->at, "=> ");
        if (*c->at != '=')
            continue;
        if (c->at[1] != '"')
            fail_msg("not quoted: %.60s", c->at);
        size_t n = strcspn(c->at + 2, "\"");
        for (const char *bad = c->at; bad < c->at + n; bad++)
            if (*bad == '<' || strncmp(bad, "nan", 3) == 0 || strncmp(bad, "inf", 3) == 0)
                fail_msg("in an attribute: %.60s", bad);
        c->at += n + 3;
    }
    bool closed = *c->at == '/';
    c->at += closed;
    assert_int_equal(*c->at++, '>');
    return closed;
}

static void html_tag(html_check *c)
{
    static const char *const empty[] = {"!DOCTYPE", "meta"};
    char name[16];
    bool closing = *++c->at == '/', alone = false;
    c->at += closing;
    size_t n = strcspn(c->at, " />");
    assert_true(n > 0 && n < sizeof name);
    memcpy(name, c->at, n);
    name[n] = '\0';
    c->at += n;
    for (size_t i = 0; i < 2; i++)
        alone = alone || strcmp(name, empty[i]) == 0;
    if (closing) {
        assert_int_equal(*c->at++, '>');
        if (c->depth == 0 || strcmp(c->open[--c->depth], name) != 0)
            fail_msg("</%s> closes nothing: %.60s", name, c->at);
    } else if (!html_attributes(c) && !alone) {
        assert_true(c->depth < HTML_DEPTH_MAX);
        memcpy(c->open[c->depth++], name, sizeof name);
    }
}

static FX_UNUSED void html_check_all(const char *text)
{
    html_check c = {.at = text};
    while (*c.at) {
        if (*c.at == '<')
            html_tag(&c);
        else if (*c.at == '&' && strcspn(c.at, ";") > 6)
            fail_msg("a bare &: %.60s", c.at);
        else
            c.at++;
    }
    if (c.depth > 0)
        fail_msg("<%s> is not closed", c.open[c.depth - 1]);
}

#endif
