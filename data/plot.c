#include "data/plot.h"

#include "data/plot_axis.h"

#include <math.h>
#include <string.h>

/* In units that are about a pixel: a chart is 350 to 600 pixels wide. */
static const double WIDTH = 400, HEIGHT = 250, TOP = 12, RIGHT = 14, CHAR_WIDTH = 6.7;
enum { X_TICKS = 6, Y_TICKS = 6, COLUMNS = 800, DOTS_MAX = 60 };

static const char *const COLOR[] = {
    "var(--soft)", "var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)", "var(--s6)",
};

/* The area inside the axes. */
typedef struct frame {
    rid_html *h;
    const rid_plot *p;
    rid_plot_scale x, y;
    double left, right, top, bottom;
    unsigned id;
    bool empty;
} frame;

static double place_x(const frame *f, double value)
{
    return f->left + rid_plot_scale_place(&f->x, value) * (f->right - f->left);
}

static double place_y(const frame *f, double value)
{
    return f->bottom - rid_plot_scale_place(&f->y, value) * (f->bottom - f->top);
}

/* ---- ranges ---- */

typedef struct range {
    double min, max;
} range;

static bool can_show(const rid_plot_axis *a, double value)
{
    return isfinite(value) && (!a->log || value > 0);
}

static void widen(range *r, const rid_plot_axis *a, double value)
{
    if (!can_show(a, value))
        return;
    r->min = fmin(r->min, value);
    r->max = fmax(r->max, value);
}

static rid_plot_scale make_scale(const rid_plot_axis *a, range r, bool round, size_t max_ticks)
{
    const bool given = a->min < a->max;
    if (given)
        r = (range){a->min, a->max};
    else if (!(r.min <= r.max))
        r = a->log ? (range){0.1, 1} : (range){0, 1};
    else if (a->zero && !a->log)
        r = (range){fmin(r.min, 0), fmax(r.max, 0)};
    return a->log ? rid_plot_scale_log(r.min, r.max, round && !given, max_ticks)
                  : rid_plot_scale_linear(r.min, r.max, round && !given, max_ticks);
}

/* Scales over all series; x holds n_edges values more than y. */
static frame make_frame(rid_html *h, const rid_plot *p, size_t n_edges)
{
    frame f = {.h = h, .p = p, .id = ++h->n_plots, .empty = true};
    range x = {INFINITY, -INFINITY}, y = x;
    for (size_t s = 0; s < p->n_series; s++) {
        const rid_plot_series *one = &p->series[s];
        for (size_t i = 0; i < one->n; i++) {
            widen(&y, &p->y, one->y[i]);
            f.empty = f.empty && !(can_show(&p->x, one->x[i]) && can_show(&p->y, one->y[i]));
        }
        for (size_t i = 0; i < one->n + n_edges; i++)
            widen(&x, &p->x, one->x[i]);
    }
    f.x = make_scale(&p->x, x, false, X_TICKS);
    f.y = make_scale(&p->y, y, true, Y_TICKS);
    f.left = 10 + CHAR_WIDTH * (double)f.y.label_chars;
    f.right = WIDTH - RIGHT;
    f.top = TOP + (p->y.label ? 16 : 0) + (p->mark_label ? 14 : 0);
    f.bottom = HEIGHT - (p->x.label ? 40 : 22);
    return f;
}

/* ---- around the data ---- */

/* So that a chart can be read aloud. */
static void describe(const frame *f)
{
    for (size_t s = 0; s < f->p->n_series; s++) {
        const rid_plot_series *one = &f->p->series[s];
        char first[RID_PLOT_LABEL_MAX], last[RID_PLOT_LABEL_MAX], low[RID_PLOT_LABEL_MAX],
            high[RID_PLOT_LABEL_MAX];
        range r = {INFINITY, -INFINITY};
        double begin = NAN, end = NAN;
        for (size_t i = 0; i < one->n; i++) {
            if (!can_show(&f->p->y, one->y[i]))
                continue;
            begin = isnan(begin) ? one->y[i] : begin;
            end = one->y[i];
            widen(&r, &f->p->y, one->y[i]);
        }
        rid_plot_number(first, begin);
        rid_plot_number(last, end);
        rid_plot_number(low, r.min);
        rid_plot_number(high, r.max);
        if (isnan(begin))
            rid_html_text(f->h, "%s: no values. ", one->name);
        else
            rid_html_text(f->h, "%s: from %s to %s, lowest %s, highest %s. ", one->name, first,
                          last, low, high);
    }
}

static void write_legend(const frame *f, bool filled)
{
    const rid_plot *p = f->p;
    if (p->n_series < 2)
        return;
    rid_html_open(f->h, "ul", "legend");
    for (size_t s = 0; s < p->n_series; s++) {
        const rid_plot_series *one = &p->series[s];
        rid_buf_printf(f->h->out,
                       "<li><svg viewBox=\"0 0 20 10\" aria-hidden=\"true\"><path d=\"%s\" "
                       "stroke=\"%s\" stroke-width=\"2\" fill=\"%s\" fill-opacity=\".3\"%s/></svg>",
                       filled ? "M1 9V2H19V9" : "M0 5H20", COLOR[one->color],
                       filled ? COLOR[one->color] : "none",
                       one->dashed ? " stroke-dasharray=\"5 3\"" : "");
        rid_html_element(f->h, "span", NULL, "%s", one->name);
        rid_html_close(f->h, "li");
    }
    rid_html_close(f->h, "ul");
}

static void write_label(const frame *f, double x, double y, const char *anchor, const char *text)
{
    rid_buf_printf(f->h->out, "<text x=\"%.2f\" y=\"%.2f\" text-anchor=\"%s\">", x, y, anchor);
    rid_html_text(f->h, "%s", text);
    rid_buf_append_str(f->h->out, "</text>\n");
}

static void write_line(const frame *f, double x1, double y1, double x2, double y2,
                       const char *color)
{
    rid_buf_printf(f->h->out,
                   "<path d=\"M%.2f %.2fL%.2f %.2f\" stroke=\"var(--%s)\" fill=\"none\"/>\n", x1,
                   y1, x2, y2, color);
}

/* The first and the last label stay inside the picture. */
static const char *anchor_of(double x, const char *label)
{
    const double half = CHAR_WIDTH * (double)strlen(label) / 2;
    return x + half > WIDTH ? "end" : x - half < 0 ? "start" : "middle";
}

static void write_axes(const frame *f)
{
    const rid_plot *p = f->p;
    for (size_t i = 0; i < f->y.n_ticks; i++) {
        double y = place_y(f, f->y.tick[i]);
        write_line(f, f->left, y, f->right, y, "grid");
        write_label(f, f->left - 6, y + 4, "end", f->y.label[i]);
    }
    for (size_t i = 0; i < f->x.n_ticks; i++) {
        double x = place_x(f, f->x.tick[i]);
        write_line(f, x, f->bottom, x, f->bottom + 4, "soft");
        write_label(f, x, f->bottom + 17, anchor_of(x, f->x.label[i]), f->x.label[i]);
    }
    write_line(f, f->left, f->bottom, f->right, f->bottom, "soft");
    if (p->x.label)
        write_label(f, (f->left + f->right) / 2, HEIGHT - 5, "middle", p->x.label);
    if (p->y.label)
        write_label(f, 0, TOP + 2, "start", p->y.label);
}

static void write_mark(const frame *f)
{
    if (!f->p->mark_label || !can_show(&f->p->x, f->p->mark_x))
        return;
    const double x = place_x(f, f->p->mark_x);
    if (x < f->left - 0.5 || x > f->right + 0.5)
        return;
    rid_buf_printf(f->h->out,
                   "<path d=\"M%.2f %.2fV%.2f\" stroke=\"var(--soft)\" stroke-dasharray=\"2 3\" "
                   "fill=\"none\"/>\n",
                   x, f->top - 4, f->bottom);
    write_label(f, x, f->top - 8, anchor_of(x, f->p->mark_label), f->p->mark_label);
}

static void begin_figure(const frame *f, bool filled)
{
    rid_html *h = f->h;
    rid_html_open(h, "figure", NULL);
    rid_buf_append_str(h->out, "<figcaption>");
    rid_html_text(h, "%s", f->p->title);
    if (f->p->note)
        rid_html_element(h, "span", NULL, "%s", f->p->note);
    rid_html_close(h, "figcaption");
    write_legend(f, filled);
    rid_buf_printf(h->out,
                   "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"t%u d%u\">\n"
                   "<title id=\"t%u\">",
                   WIDTH, HEIGHT, f->id, f->id, f->id);
    rid_html_text(h, "%s", f->p->title);
    rid_buf_printf(h->out, "</title>\n<desc id=\"d%u\">", f->id);
    describe(f);
    rid_buf_printf(h->out,
                   "</desc>\n<clipPath id=\"c%u\"><rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" "
                   "height=\"%.2f\"/></clipPath>\n",
                   f->id, f->left - 3, f->top - 3, f->right - f->left + 6, f->bottom - f->top + 6);
    write_axes(f);
    if (f->empty)
        write_label(f, (f->left + f->right) / 2, (f->top + f->bottom) / 2, "middle", "no data");
}

static void end_figure(const frame *f)
{
    write_mark(f);
    rid_html_close(f->h, "svg");
    rid_html_close(f->h, "figure");
}

/* ---- lines ---- */

/* A path under way: runs of points between gaps. Points of one column, of which there are COLUMNS,
 * are held back until the next one, and drawn as first, lowest, highest, last. */
typedef struct pen {
    const frame *f;
    bool down;         /* a point is drawn since the last gap */
    bool held;         /* something is held back */
    double column;     /* of what is held */
    double x[4], y[4]; /* first, lowest, highest, last */
} pen;

static void draw_to(pen *p, double x, double y)
{
    rid_buf_printf(p->f->h->out, "%s%.2f %.2f", p->down ? "L" : "M", x, y);
    p->down = true;
}

static void flush(pen *p)
{
    if (!p->held)
        return;
    const bool low_first = p->x[1] <= p->x[2];
    const int order[] = {0, low_first ? 1 : 2, low_first ? 2 : 1, 3};
    for (int i = 0; i < 4; i++) {
        const int k = order[i], before = order[i > 0 ? i - 1 : 0];
        if (i == 0 || p->x[k] != p->x[before] || p->y[k] != p->y[before])
            draw_to(p, p->x[k], p->y[k]);
    }
    p->held = false;
}

static void hold(pen *p, double x, double y)
{
    const double column = floor(x / WIDTH * COLUMNS);
    if (p->held && column != p->column)
        flush(p);
    for (int k = 0; k < 4; k++) {
        const bool take = !p->held || k == 3 || (k == 1 && y > p->y[1]) || (k == 2 && y < p->y[2]);
        p->x[k] = take ? x : p->x[k];
        p->y[k] = take ? y : p->y[k];
    }
    p->column = column;
    p->held = true;
}

static bool is_shown(const frame *f, const rid_plot_series *s, size_t i)
{
    return i < s->n && can_show(&f->p->x, s->x[i]) && can_show(&f->p->y, s->y[i]);
}

static void draw_path(const frame *f, const rid_plot_series *s)
{
    pen p = {.f = f};
    rid_buf_printf(f->h->out, "<path d=\"");
    for (size_t i = 0; i < s->n; i++) {
        if (is_shown(f, s, i)) {
            hold(&p, place_x(f, s->x[i]), place_y(f, s->y[i]));
        } else {
            flush(&p);
            p.down = false;
        }
    }
    flush(&p);
    rid_buf_printf(f->h->out,
                   "\" stroke=\"%s\" stroke-width=\"2\" stroke-linejoin=\"round\" "
                   "stroke-linecap=\"round\" fill=\"none\"%s/>\n",
                   COLOR[s->color], s->dashed ? " stroke-dasharray=\"5 4\"" : "");
}

/* Dots where they are wanted, and where a point has no neighbour to draw a line to. */
static void draw_dots(const frame *f, const rid_plot_series *s)
{
    for (size_t i = 0; i < s->n; i++) {
        const bool alone = !(i > 0 && is_shown(f, s, i - 1)) && !is_shown(f, s, i + 1);
        if (is_shown(f, s, i) && (alone || (s->dots && s->n <= DOTS_MAX)))
            rid_buf_printf(f->h->out, "<circle cx=\"%.2f\" cy=\"%.2f\" r=\"3\" fill=\"%s\"/>\n",
                           place_x(f, s->x[i]), place_y(f, s->y[i]), COLOR[s->color]);
    }
}

void rid_plot_lines(rid_html *h, const rid_plot *p)
{
    const frame f = make_frame(h, p, 0);
    begin_figure(&f, false);
    rid_buf_printf(h->out, "<g clip-path=\"url(#c%u)\">\n", f.id);
    for (size_t s = 0; s < p->n_series && !f.empty; s++) {
        draw_path(&f, &p->series[s]);
        draw_dots(&f, &p->series[s]);
    }
    rid_html_close(h, "g");
    end_figure(&f);
}

/* ---- histograms ---- */

/* Bins in a row that are not empty are one outline: no line where there is nothing. */
static void draw_steps(const frame *f, const rid_plot_series *s)
{
    bool open = false;
    rid_buf_append_str(f->h->out, "<path d=\"");
    for (size_t i = 0; i < s->n; i++) {
        const bool filled = isfinite(s->y[i]) && s->y[i] > 0;
        if (filled && !open)
            rid_buf_printf(f->h->out, "M%.2f %.2f", place_x(f, s->x[i]), f->bottom);
        if (filled)
            rid_buf_printf(f->h->out, "V%.2fH%.2f", place_y(f, s->y[i]), place_x(f, s->x[i + 1]));
        if (open && !filled)
            rid_buf_printf(f->h->out, "V%.2f", f->bottom);
        open = filled;
    }
    if (open)
        rid_buf_printf(f->h->out, "V%.2f", f->bottom);
    rid_buf_printf(f->h->out,
                   "\" stroke=\"%s\" stroke-width=\"1.5\" fill=\"%s\" fill-opacity=\".3\"/>\n",
                   COLOR[s->color], COLOR[s->color]);
}

/* Invisible columns that tell a bin's values under the pointer. */
static void write_bin_values(const frame *f)
{
    const rid_plot_series *s = f->p->series;
    for (size_t i = 0; i < s->n; i++) {
        char from[RID_PLOT_LABEL_MAX], to[RID_PLOT_LABEL_MAX], value[RID_PLOT_LABEL_MAX];
        double left = fmax(place_x(f, s->x[i]), f->left);
        double right = fmin(place_x(f, s->x[i + 1]), f->right);
        if (!(right > left))
            continue;
        rid_buf_printf(f->h->out,
                       "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" "
                       "fill-opacity=\"0\"><title>",
                       left, f->top, right - left, f->bottom - f->top);
        rid_plot_number(from, s->x[i]);
        rid_plot_number(to, s->x[i + 1]);
        rid_html_text(f->h, "%s to %s", from, to);
        for (size_t k = 0; k < f->p->n_series; k++) {
            rid_plot_number(value, f->p->series[k].y[i]);
            rid_html_text(f->h, "\n%s: %s", f->p->series[k].name, value);
        }
        rid_buf_append_str(f->h->out, "</title></rect>\n");
    }
}

void rid_plot_histogram(rid_html *h, const rid_plot *p)
{
    const frame f = make_frame(h, p, 1);
    begin_figure(&f, true);
    if (!f.empty) {
        rid_buf_printf(h->out, "<g clip-path=\"url(#c%u)\">\n", f.id);
        for (size_t s = 0; s < p->n_series; s++)
            draw_steps(&f, &p->series[s]);
        rid_html_close(h, "g");
        write_bin_values(&f);
    }
    end_figure(&f);
}
