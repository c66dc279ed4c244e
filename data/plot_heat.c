#include "data/plot_heat.h"

#include "data/plot_axis.h"

#include <math.h>
#include <string.h>

/* As in data/plot.c: units that are about a pixel. */
static const double WIDTH = 400, HEIGHT = 270, TOP = 26, RIGHT = 14, BOTTOM = 226, CHAR_WIDTH = 6.7;
enum { SHADES = 32, TICKS = 6 };

/* Where the grid stands, and what its colours mean. */
typedef struct map {
    rid_html *h;
    const rid_plot_heat *p;
    double left, width, height; /* of a cell */
    double low, high;
} map;

static double edge_x(const map *m, size_t column)
{
    return m->left + m->width * (double)column;
}

/* The upper edge of a row; of row −1, the lower edge of the first. */
static double edge_y(const map *m, size_t rows_below)
{
    return BOTTOM - m->height * (double)rows_below;
}

static void label(char out[RID_PLOT_LABEL_MAX], double value)
{
    rid_plot_number(out, value);
}

/* −1: a gap. */
static int shade_of(const map *m, size_t row, size_t column)
{
    const double v = m->p->value[row * m->p->n_x + column];
    if (!isfinite(v))
        return -1;
    const double share = m->high > m->low ? (v - m->low) / (m->high - m->low) : 1;
    return (int)lround(share * (SHADES - 1));
}

static map make_map(rid_html *h, const rid_plot_heat *p)
{
    map m = {.h = h, .p = p, .low = INFINITY, .high = -INFINITY};
    size_t chars = 0;
    for (size_t i = 0; i < p->n_x * p->n_y; i++) {
        if (!isfinite(p->value[i]))
            continue;
        m.low = fmin(m.low, p->value[i]);
        m.high = fmax(m.high, p->value[i]);
    }
    for (size_t i = 0; i < p->n_y; i++) {
        char text[RID_PLOT_LABEL_MAX];
        label(text, p->y[i]);
        chars = strlen(text) > chars ? strlen(text) : chars;
    }
    m.left = 10 + CHAR_WIDTH * (double)chars;
    m.width = (WIDTH - RIGHT - m.left) / (double)p->n_x;
    m.height = (BOTTOM - TOP) / (double)p->n_y;
    return m;
}

/* One path for each shade: rows of cells that have it. */
static void draw_shade(const map *m, int shade)
{
    rid_buf *out = m->h->out;
    bool open = false;
    for (size_t row = 0; row < m->p->n_y; row++) {
        for (size_t from = 0, to; from < m->p->n_x; from = to) {
            to = from + 1;
            if (shade_of(m, row, from) != shade)
                continue;
            while (to < m->p->n_x && shade_of(m, row, to) == shade)
                to++;
            if (!open)
                rid_buf_append_str(out, "<path d=\"");
            open = true;
            rid_buf_printf(out, "M%.2f %.2fH%.2fV%.2fH%.2fz", edge_x(m, from), edge_y(m, row),
                           edge_x(m, to), edge_y(m, row + 1), edge_x(m, from));
        }
    }
    if (open)
        rid_buf_printf(out, "\" fill=\"var(--s1)\" fill-opacity=\"%.3f\" "
                            "shape-rendering=\"crispEdges\"/>\n",
                       0.04 + 0.96 * pow((double)shade / (SHADES - 1), 1.5));
}

static bool is_inside(const map *m, size_t row, size_t column)
{
    return row < m->p->n_y && column < m->p->n_x && m->p->inside[row * m->p->n_x + column];
}

/* The edges between cells inside and outside. */
static void draw_contour(const map *m)
{
    rid_buf *out = m->h->out;
    if (!m->p->inside)
        return;
    rid_buf_append_str(out, "<path d=\"M0 0");
    for (size_t row = 0; row <= m->p->n_y; row++) {
        for (size_t column = 0; column <= m->p->n_x; column++) {
            const bool here = is_inside(m, row, column);
            if (here != (row > 0 && is_inside(m, row - 1, column)))
                rid_buf_printf(out, "M%.2f %.2fH%.2f", edge_x(m, column), edge_y(m, row),
                               edge_x(m, column + 1));
            if (here != (column > 0 && is_inside(m, row, column - 1)))
                rid_buf_printf(out, "M%.2f %.2fV%.2f", edge_x(m, column), edge_y(m, row),
                               edge_y(m, row + 1));
        }
    }
    rid_buf_append_str(out, "\" stroke=\"var(--s2)\" stroke-width=\"1.5\" fill=\"none\"/>\n");
}

static void draw_mark(const map *m)
{
    const rid_plot_heat *p = m->p;
    if (p->mark_x >= p->n_x || p->mark_y >= p->n_y)
        return;
    const double x = edge_x(m, p->mark_x) + m->width / 2, y = edge_y(m, p->mark_y) - m->height / 2;
    rid_buf_printf(m->h->out,
                   "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"5\" fill=\"none\" stroke=\"var(--card)\" "
                   "stroke-width=\"4\"/><circle cx=\"%.2f\" cy=\"%.2f\" r=\"5\" fill=\"none\" "
                   "stroke=\"var(--s2)\" stroke-width=\"2\"/>\n",
                   x, y, x, y);
}

static void write_label(const map *m, double x, double y, const char *anchor, const char *text)
{
    rid_buf_printf(m->h->out, "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"%s\">", x, y, anchor);
    rid_html_text(m->h, "%s", text);
    rid_buf_append_str(m->h->out, "</text>\n");
}

/* Every how many of n values one is labelled. */
static size_t tick_step(size_t n)
{
    return n > TICKS ? (n - 1 + TICKS - 1) / TICKS : 1;
}

static void write_axes(const map *m)
{
    const rid_plot_heat *p = m->p;
    char text[RID_PLOT_LABEL_MAX];
    for (size_t i = 0; i < p->n_x; i += tick_step(p->n_x)) {
        const double x = edge_x(m, i) + m->width / 2;
        label(text, p->x[i]);
        const double half = CHAR_WIDTH * (double)strlen(text) / 2;
        write_label(m, fmin(x, WIDTH - half), BOTTOM + 16, "middle", text);
    }
    for (size_t i = 0; i < p->n_y; i += tick_step(p->n_y)) {
        label(text, p->y[i]);
        write_label(m, m->left - 6, edge_y(m, i) - m->height / 2 + 4, "end", text);
    }
    write_label(m, (m->left + WIDTH - RIGHT) / 2, HEIGHT - 6, "middle", p->x_label);
    write_label(m, 0, 12, "start", p->y_label);
}

/* What pale and strong mean. */
static void write_scale(const map *m)
{
    char low[RID_PLOT_LABEL_MAX], high[RID_PLOT_LABEL_MAX];
    label(low, m->low);
    label(high, m->high);
    rid_html_open(m->h, "ul", "legend");
    for (int i = 0; i < 2; i++) {
        rid_buf_printf(m->h->out,
                       "<li><svg viewBox=\"0 0 20 10\" aria-hidden=\"true\"><path d=\"M0 0H20V10H0z\" "
                       "fill=\"var(--s1)\" fill-opacity=\"%s\" stroke=\"var(--line)\"/></svg>",
                       i == 0 ? ".04" : "1");
        rid_html_element(m->h, "span", NULL, "%s", i == 0 ? low : high);
        rid_html_close(m->h, "li");
    }
    if (m->p->inside) {
        rid_buf_append_str(m->h->out,
                           "<li><svg viewBox=\"0 0 20 10\" aria-hidden=\"true\"><path d=\"M2 1H18V9H2z\" "
                           "fill=\"none\" stroke=\"var(--s2)\" stroke-width=\"1.5\"/></svg>");
        rid_html_element(m->h, "span", NULL, "as good as the best");
        rid_html_close(m->h, "li");
    }
    rid_html_close(m->h, "ul");
}

static void describe(const map *m, unsigned id)
{
    const rid_plot_heat *p = m->p;
    char low[RID_PLOT_LABEL_MAX], high[RID_PLOT_LABEL_MAX], x[RID_PLOT_LABEL_MAX],
        y[RID_PLOT_LABEL_MAX];
    label(low, m->low <= m->high ? m->low : NAN);
    label(high, m->low <= m->high ? m->high : NAN);
    rid_buf_printf(m->h->out, "<desc id=\"d%u\">", id);
    rid_html_text(m->h, "Values from %s to %s over %zu by %zu cells.", low, high, p->n_x, p->n_y);
    if (p->mark_x < p->n_x && p->mark_y < p->n_y) {
        label(x, p->x[p->mark_x]);
        label(y, p->y[p->mark_y]);
        rid_html_text(m->h, " Marked: %s %s, %s %s.", p->x_label, x, p->y_label, y);
    }
    rid_buf_append_str(m->h->out, "</desc>\n");
}

void rid_plot_heat_map(rid_html *h, const rid_plot_heat *p)
{
    const map m = make_map(h, p);
    const unsigned id = ++h->n_plots;
    rid_html_open(h, "figure", NULL);
    rid_buf_append_str(h->out, "<figcaption>");
    rid_html_text(h, "%s", p->title);
    if (p->note)
        rid_html_element(h, "span", NULL, "%s", p->note);
    rid_html_close(h, "figcaption");
    if (m.low <= m.high)
        write_scale(&m);
    rid_buf_printf(h->out,
                   "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"t%u d%u\">\n"
                   "<title id=\"t%u\">",
                   WIDTH, HEIGHT, id, id, id);
    rid_html_text(h, "%s", p->title);
    rid_buf_append_str(h->out, "</title>\n");
    describe(&m, id);
    for (int shade = 0; shade < SHADES; shade++)
        draw_shade(&m, shade);
    rid_buf_printf(h->out,
                   "<path d=\"M%.2f %.2fH%.2fV%.2fH%.2fz\" stroke=\"var(--line)\" fill=\"none\"/>\n",
                   m.left, TOP, WIDTH - RIGHT, BOTTOM, m.left);
    draw_contour(&m);
    draw_mark(&m);
    write_axes(&m);
    if (!(m.low <= m.high))
        write_label(&m, (m.left + WIDTH) / 2, (TOP + BOTTOM) / 2, "middle", "no data");
    rid_html_close(h, "svg");
    rid_html_close(h, "figure");
}
