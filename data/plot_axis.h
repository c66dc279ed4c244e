/** Axes of charts: round ranges, ticks in steps of 1, 2, 5 times a power of ten, their labels. */
#ifndef RID_PLOT_AXIS_H
#define RID_PLOT_AXIS_H

#include <stdbool.h>
#include <stddef.h>

enum { RID_PLOT_TICKS_MAX = 16, RID_PLOT_LABEL_MAX = 32 };

/** A scale from lo to hi, lo < hi, with its ticks in ascending order. */
typedef struct rid_plot_scale {
    double lo, hi;
    bool log; /**< then 0 < lo */
    size_t n_ticks;
    double tick[RID_PLOT_TICKS_MAX];
    char label[RID_PLOT_TICKS_MAX][RID_PLOT_LABEL_MAX]; /**< UTF-8, a real minus sign */
    size_t label_chars;                                 /**< of the longest */
} rid_plot_scale;

/** A scale over finite values min <= max, at most max_ticks >= 3 ticks. round: extended to the next
 *  ticks (log: decades). A single value gets room around it. */
rid_plot_scale rid_plot_scale_linear(double min, double max, bool round, size_t max_ticks);
/** 0 < min <= max. */
rid_plot_scale rid_plot_scale_log(double min, double max, bool round, size_t max_ticks);

/** Where a value lies: 0 at lo, 1 at hi. NaN for what a logarithm does not have. */
double rid_plot_scale_place(const rid_plot_scale *s, double value);

/** A number in as many digits as readers want: 0.0213, 0.917, 12.3, 4321, 3e−5. "–" for NaN. At
 *  most RID_PLOT_LABEL_MAX bytes with the NUL. */
void rid_plot_number(char *out, double value);

#endif
