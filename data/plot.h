/** Charts as inline SVG in an HTML page, in the page's colours: a figure with title, legend, axes,
 *  and a description for those who cannot see it. */
#ifndef RID_PLOT_H
#define RID_PLOT_H

#include "data/html.h"

/** Colours of series; the order in which to use them. */
typedef enum rid_plot_color {
    RID_PLOT_GREY,
    RID_PLOT_BLUE,
    RID_PLOT_ORANGE,
    RID_PLOT_GREEN,
    RID_PLOT_VIOLET,
    RID_PLOT_YELLOW,
    RID_PLOT_RED,
} rid_plot_color;

typedef struct rid_plot_axis {
    const char *label; /**< with its unit; NULL: none */
    double min, max;   /**< min < max: this range, the rest is cut off; else the data's */
    bool zero;         /**< a range from the data includes 0 */
    bool log;          /**< logarithmic; values up to 0 are gaps */
} rid_plot_axis;

/** A line or a histogram; borrowed. Values that are not finite are gaps. */
typedef struct rid_plot_series {
    const char *name;
    const double *x; /**< (n) in any order; histogram: (n + 1) edges of the bins, ascending */
    const double *y; /**< (n) */
    size_t n;
    rid_plot_color color;
    bool dashed;
    bool dots; /**< a dot at each value */
} rid_plot_series;

typedef struct rid_plot {
    const char *title;
    const char *note; /**< a second, smaller line; NULL: none */
    rid_plot_axis x, y;
    const rid_plot_series *series;
    size_t n_series;
    const char *mark_label; /**< of a vertical line at mark_x; NULL: none */
    double mark_x;
} rid_plot;

/** Lines through the values of each series. Many more points than the chart has columns are drawn
 *  as each column's extremes. */
void rid_plot_lines(rid_html *h, const rid_plot *p);

/** Overlaid histograms of filled steps, which tell their values under the pointer. All series have
 *  the edges of the first. */
void rid_plot_histogram(rid_html *h, const rid_plot *p);

#endif
