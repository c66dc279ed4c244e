/** Self-contained HTML pages: no script, nothing fetched, light and dark as the reader's system is,
 *  readable on a phone. Everything that is not markup is escaped. Shortage of memory shows in the
 *  buffer's `failed`; same calls, same bytes. */
#ifndef RID_HTML_H
#define RID_HTML_H

#include "data/base/buf.h"

#include <stdarg.h>

typedef struct rid_html {
    rid_buf *out;     /**< borrowed */
    unsigned n_plots; /**< so far: their ids */
    bool in_cards;    /**< within rid_html_begin_cards */
} rid_html;

/** Appends text with & < > " ' escaped; what is not UTF-8, and control characters but for line
 *  breaks and tabs, as U+FFFD. */
void rid_html_escape(rid_buf *out, rid_str text);

/** Head, style and the opening of the body. */
void rid_html_begin(rid_html *h, const char *title);
void rid_html_end(rid_html *h);

/** <tag class="…">; class_name NULL: none. tag and class_name are the program's own. */
void rid_html_open(rid_html *h, const char *tag, const char *class_name);
void rid_html_close(rid_html *h, const char *tag);
/** Text, escaped after formatting. */
void rid_html_text(rid_html *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** An element that holds text alone. */
void rid_html_element(rid_html *h, const char *tag, const char *class_name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** A table's column. Numbers stand right-aligned in digits of one width. */
typedef struct rid_html_column {
    const char *name;
    bool number;
} rid_html_column;

/** A table that scrolls sideways in itself where the screen is too narrow. caption NULL: none. The
 *  first column's name NULL: no heading. */
void rid_html_begin_table(rid_html *h, const char *caption, const rid_html_column *columns,
                          size_t n);
/** The same, but where the screen is narrow each row becomes a card with a line a cell. Each column has a
 *  name. */
void rid_html_begin_cards(rid_html *h, const rid_html_column *columns, size_t n);
/** A row: as many cells as there are columns, the first of them its heading. What follows a line break in
 *  a cell stands below, smaller. class_name NULL: none; "strong": set off. */
void rid_html_row(rid_html *h, const rid_html_column *columns, const char *const *cells, size_t n,
                  const char *class_name);
void rid_html_end_table(rid_html *h);

#endif
