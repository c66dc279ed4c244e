/** Heat maps as inline SVG, in the page's colours: pale is low, strong is high. */
#ifndef RID_PLOT_HEAT_H
#define RID_PLOT_HEAT_H

#include "data/html.h"

/** Values over a grid whose columns and rows stand for numbers, however far apart; borrowed. */
typedef struct rid_plot_heat {
    const char *title;
    const char *note; /**< NULL: none */
    const char *x_label, *y_label;
    const double *x; /**< (n_x) ascending, of the columns */
    const double *y; /**< (n_y) ascending, of the rows, the first at the bottom */
    size_t n_x, n_y;
    const double *value;   /**< (n_y, n_x); NaN: a gap */
    const uint8_t *inside; /**< (n_y, n_x), 1: within the contour; NULL: none */
    size_t mark_x, mark_y; /**< the cell that is marked; n_x: none */
} rid_plot_heat;

void rid_plot_heat_map(rid_html *h, const rid_plot_heat *p);

#endif
