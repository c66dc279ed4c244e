#include "data/html.h"

#include <stdio.h>
#include <string.h>

/* Colours of series, --s1 …, differ in lightness, too, for readers who do not see hues, and keep a
 * contrast of 3:1 to the surface in both schemes. */
static const char STYLE[] =
    ":root{color-scheme:light dark;--page:#f6f6f4;--card:#fff;--line:#deddd8;--grid:#e9e8e4;"
    "--text:#16160f;--soft:#5d5c55;--good:#0a6b34;--good-bg:#e4f4e9;--warn:#8a4b00;"
    "--warn-bg:#fdf0dc;--s1:#1f6fc9;--s2:#d9601a;--s3:#12875c;--s4:#7a4fc4;--s5:#a67a00;"
    "--s6:#c23b57}"
    "@media(prefers-color-scheme:dark){:root{--page:#121211;--card:#1c1c1a;--line:#3a3a36;"
    "--grid:#2d2d2a;--text:#f0efe9;--soft:#aeada4;--good:#7fd8a0;--good-bg:#173021;--warn:#f2b661;"
    "--warn-bg:#382a12;--s1:#5a9ff0;--s2:#f08a4b;--s3:#3fbf8f;--s4:#ab8cf0;--s5:#d9ab2b;"
    "--s6:#ee7a90}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--page);color:var(--text);"
    "font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"DejaVu Sans\","
    "sans-serif;-webkit-text-size-adjust:100%;overflow-wrap:break-word}"
    "main{max-width:1240px;margin:0 auto;padding:24px 16px 48px}"
    "h1{font-size:1.6rem;line-height:1.25;margin:0 0 12px}"
    "h2{font-size:1.15rem;margin:36px 0 4px}"
    "p{margin:0 0 12px;max-width:46rem}"
    ".soft{color:var(--soft)}.small{font-size:.875rem}"
    ".verdict{border-radius:8px;padding:14px 18px;margin:0 0 16px;font-size:1.05rem;"
    "border-left:5px solid;max-width:none}"
    ".good{background:var(--good-bg);border-color:var(--good)}"
    ".warn{background:var(--warn-bg);border-color:var(--warn)}"
    ".charts{display:grid;gap:16px;grid-template-columns:repeat(auto-fill,minmax(min(350px,100%),"
    "1fr));margin:12px 0}"
    ".tables{display:grid;gap:0 32px;grid-template-columns:repeat(auto-fit,minmax(min(350px,100%),"
    "1fr));align-items:start}"
    "figure{margin:0;padding:12px 14px 10px;background:var(--card);border:1px solid var(--line);"
    "border-radius:8px;min-width:0;display:flex;flex-direction:column}"
    "figcaption{font-weight:600;line-height:1.3;margin-bottom:2px}"
    "figcaption span{display:block;font-weight:400;font-size:.8125rem;color:var(--soft)}"
    ".legend{display:flex;flex-wrap:wrap;gap:2px 14px;margin:4px 0;padding:0;list-style:none;"
    "font-size:.8125rem}"
    ".legend li{display:flex;align-items:center;gap:6px}"
    ".legend svg{flex:none;width:20px;height:10px}"
    "figure>svg{display:block;width:100%;height:auto;margin-top:auto}"
    "svg text{font-size:12px;fill:var(--soft)}"
    ".table{overflow-x:auto;margin:12px 0}"
    "table{border-collapse:collapse;font-size:.9375rem;min-width:100%}"
    "caption{text-align:left;font-weight:600;padding:0 0 6px}"
    "th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);"
    "vertical-align:top;font-weight:400}"
    ".tables table{min-width:0}"
    "th:last-child,td:last-child{padding-right:0}"
    "th:first-child{position:sticky;left:0;background:var(--page)}"
    "thead th{color:var(--soft);font-size:.8125rem;vertical-align:bottom}"
    ".n{text-align:right}td.n{font-variant-numeric:tabular-nums;white-space:nowrap}"
    "tr.strong th,tr.strong td{font-weight:650}"
    "td small{display:block;font-size:.75rem;font-weight:400;color:var(--soft)}"
    "@media(max-width:640px){.cards thead{display:none}.cards tr{display:block;padding:8px 0;"
    "border-bottom:1px solid var(--line)}.cards th,.cards td{display:flex;gap:12px;"
    "justify-content:space-between;align-items:baseline;border:0;padding:2px 0;text-align:right}"
    ".cards td small{display:inline;margin-left:6px}"
    ".cards [data-name]::before{content:attr(data-name);color:var(--soft);font-size:.8125rem;"
    "font-weight:400;text-align:left}}"
    "footer{margin-top:40px;color:var(--soft);font-size:.8125rem}"
    "@media print{figure{break-inside:avoid}}";

static const char *entity(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F ? "\xEF\xBF\xBD" : NULL;
    }
}

void rid_html_escape(rid_buf *out, rid_str text)
{
    for (size_t at = 0; at < text.len;) {
        const size_t good = at + rid_utf8_prefix(text.data + at, text.len - at);
        for (; at < good; at++) {
            const char *name = entity((unsigned char)text.data[at]);
            if (name)
                rid_buf_append_str(out, name);
            else
                rid_buf_append_char(out, text.data[at]);
        }
        if (at < text.len) { /* a byte that is no character */
            rid_buf_append_str(out, "\xEF\xBF\xBD");
            at++;
        }
    }
}

void rid_html_begin(rid_html *h, const char *title)
{
    rid_buf_append_str(h->out,
                       "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                       "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                       "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                       "style-src 'unsafe-inline'\">\n"
                       "<meta name=\"color-scheme\" content=\"light dark\">\n");
    rid_html_element(h, "title", NULL, "%s", title);
    rid_buf_append_str(h->out, "<style>");
    rid_buf_append_str(h->out, STYLE);
    rid_buf_append_str(h->out, "</style>\n</head>\n<body>\n<main>\n");
    rid_html_element(h, "h1", NULL, "%s", title);
}

void rid_html_end(rid_html *h)
{
    rid_buf_append_str(h->out, "</main>\n</body>\n</html>\n");
}

static void open_tag(rid_html *h, const char *tag, const char *class_name)
{
    rid_buf_printf(h->out, "<%s", tag);
    if (class_name)
        rid_buf_printf(h->out, " class=\"%s\"", class_name);
    rid_buf_append_char(h->out, '>');
}

void rid_html_open(rid_html *h, const char *tag, const char *class_name)
{
    open_tag(h, tag, class_name);
    rid_buf_append_char(h->out, '\n');
}

void rid_html_close(rid_html *h, const char *tag)
{
    rid_buf_printf(h->out, "</%s>\n", tag);
}

static void append_text(rid_html *h, const char *fmt, va_list ap)
{
    va_list again;
    rid_buf text = {0};
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    char *to = n < 0 ? NULL : rid_buf_reserve(&text, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        rid_html_escape(h->out, (rid_str){to, (size_t)n});
    } else {
        h->out->failed = true;
    }
    va_end(again);
    rid_buf_free(&text);
}

void rid_html_text(rid_html *h, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    append_text(h, fmt, ap);
    va_end(ap);
}

void rid_html_element(rid_html *h, const char *tag, const char *class_name, const char *fmt, ...)
{
    va_list ap;
    open_tag(h, tag, class_name);
    va_start(ap, fmt);
    append_text(h, fmt, ap);
    va_end(ap);
    rid_html_close(h, tag);
}

static void write_head(rid_html *h, const rid_html_column *columns, size_t n)
{
    rid_buf_append_str(h->out, "<thead>\n<tr>\n");
    for (size_t i = 0; i < n; i++) {
        rid_buf_printf(h->out, "<th scope=\"col\"%s>", columns[i].number ? " class=\"n\"" : "");
        rid_html_escape(h->out, rid_str_of(columns[i].name));
        rid_html_close(h, "th");
    }
    rid_buf_append_str(h->out, "</tr>\n</thead>\n");
}

static void begin_table(rid_html *h, const char *class_name, const char *caption,
                        const rid_html_column *columns, size_t n)
{
    /* tabindex: so that the keyboard scrolls it, too */
    rid_buf_printf(h->out, "<div class=\"%s\" tabindex=\"0\">\n<table>\n", class_name);
    if (caption)
        rid_html_element(h, "caption", NULL, "%s", caption);
    if (n > 0 && columns[0].name)
        write_head(h, columns, n);
    rid_buf_append_str(h->out, "<tbody>\n");
}

void rid_html_begin_table(rid_html *h, const char *caption, const rid_html_column *columns,
                          size_t n)
{
    begin_table(h, "table", caption, columns, n);
}

void rid_html_begin_cards(rid_html *h, const rid_html_column *columns, size_t n)
{
    h->in_cards = true;
    begin_table(h, "table cards", NULL, columns, n);
}

static void open_cell(rid_html *h, const char *tag, const rid_html_column *column, bool is_heading)
{
    rid_buf_printf(h->out, "<%s%s%s", tag, is_heading ? " scope=\"row\"" : "",
                   column->number ? " class=\"n\"" : "");
    if (h->in_cards) {
        rid_buf_append_str(h->out, " data-name=\"");
        rid_html_escape(h->out, rid_str_of(column->name));
        rid_buf_append_char(h->out, '"');
    }
    rid_buf_append_char(h->out, '>');
}

/* In a card name and text stand apart: the text is one element. */
static void write_cell(rid_html *h, const char *text)
{
    const size_t n = strcspn(text, "\n");
    if (h->in_cards)
        rid_buf_append_str(h->out, "<span>");
    rid_html_escape(h->out, (rid_str){text, n});
    if (text[n] == '\n') {
        rid_buf_append_str(h->out, "<small>");
        rid_html_escape(h->out, rid_str_of(text + n + 1));
        rid_buf_append_str(h->out, "</small>");
    }
    if (h->in_cards)
        rid_buf_append_str(h->out, "</span>");
}

void rid_html_row(rid_html *h, const rid_html_column *columns, const char *const *cells, size_t n,
                  const char *class_name)
{
    rid_html_open(h, "tr", class_name);
    for (size_t i = 0; i < n; i++) {
        const char *tag = i == 0 ? "th" : "td";
        open_cell(h, tag, &columns[i], i == 0);
        write_cell(h, cells[i]);
        rid_html_close(h, tag);
    }
    rid_html_close(h, "tr");
}

void rid_html_end_table(rid_html *h)
{
    rid_buf_append_str(h->out, "</tbody>\n</table>\n</div>\n");
    h->in_cards = false;
}
