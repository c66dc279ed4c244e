#include "data/plot_axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUS "\xE2\x88\x92"

/* Numbers of this size and more, or of more decimals, are written with an exponent. */
static const double PLAIN_MAX = 1e6;
enum { DECIMALS_MAX = 4 };

/* Copies a number that printf wrote: with a real minus sign, and exponents without + and zeros. */
static void tidy(char *out, const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p && n + 4 < RID_PLOT_LABEL_MAX; p++) {
        if (*p == '-') {
            memcpy(out + n, MINUS, 3);
            n += 3;
        } else if (*p != '+') {
            out[n++] = *p;
        }
        if (*p == 'e')
            for (; p[1] == '0' || p[1] == '+' || (p[1] == '-' && p[2] == '0'); p++)
                if (p[1] == '-') {
                    memcpy(out + n, MINUS, 3);
                    n += 3;
                }
    }
    out[n] = '\0';
}

/* Digits after the point that tell multiples of step apart. */
static int decimals_of(double step)
{
    int d = (int)ceil(-log10(step) - 1e-9);
    return d > 0 ? d : 0;
}

/* A tick; step: how far apart they are. */
static void write_tick(char *out, double value, double step, bool exponents)
{
    char text[64];
    if (fabs(value) < step / 1000) /* what rounding leaves of 0 */
        snprintf(text, sizeof text, "0");
    else if (exponents)
        snprintf(text, sizeof text, "%.*e", decimals_of(step / pow(10, floor(log10(fabs(value))))),
                 value);
    else
        snprintf(text, sizeof text, "%.*f", decimals_of(step), value);
    tidy(out, text);
}

static size_t count_chars(const char *utf8)
{
    size_t n = 0;
    for (; *utf8; utf8++)
        n += ((unsigned char)*utf8 & 0xC0) != 0x80;
    return n;
}

static void add_tick(rid_plot_scale *s, double value, double step, bool exponents)
{
    if (s->n_ticks == RID_PLOT_TICKS_MAX)
        return;
    char *label = s->label[s->n_ticks];
    s->tick[s->n_ticks++] = value;
    write_tick(label, value, step, exponents);
    if (count_chars(label) > s->label_chars)
        s->label_chars = count_chars(label);
}

/* The smallest step of 1, 2, 5 times a power of ten that needs at most n ticks. */
static double step_of(double min, double max, bool round, size_t n)
{
    static const double mantissa[] = {1, 2, 5};
    double power = pow(10, floor(log10((max - min) / (double)n)));
    for (;; power *= 10)
        for (size_t i = 0; i < 3; i++) {
            double step = mantissa[i] * power;
            double first = round ? floor(min / step + 1e-9) : ceil(min / step - 1e-9);
            double last = round ? ceil(max / step - 1e-9) : floor(max / step + 1e-9);
            if (last - first < (double)n)
                return step;
        }
}

rid_plot_scale rid_plot_scale_linear(double min, double max, bool round, size_t max_ticks)
{
    rid_plot_scale s = {0};
    if (!(max - min > 1e-9 * (fabs(max) + fabs(min)))) {
        double room = min == 0 ? 1 : fabs(min) / 10;
        min -= min == 0 ? 0 : room;
        max += room;
    }
    const size_t most = max_ticks < RID_PLOT_TICKS_MAX ? max_ticks : RID_PLOT_TICKS_MAX;
    const double step = step_of(min, max, round, most);
    s.lo = round ? floor(min / step + 1e-9) * step : min;
    s.hi = round ? ceil(max / step - 1e-9) * step : max;
    const bool exponents =
        fmax(fabs(min), fabs(max)) >= PLAIN_MAX || decimals_of(step) > DECIMALS_MAX;
    const double first = ceil(s.lo / step - 1e-9), last = floor(s.hi / step + 1e-9);
    for (double k = first; k <= last; k++)
        add_tick(&s, k * step, step, exponents);
    return s;
}

/* Ticks at these multiples of each `every`-th power of ten, as far as they are within the scale. Returns how
 * many there are; `add` adds them. */
static size_t mark_decades(rid_plot_scale *s, const double *mantissa, size_t per_decade,
                           size_t every, bool add)
{
    const double first = every > 1 ? ceil(log10(s->lo) - 1e-9) : floor(log10(s->lo) + 1e-9);
    const double last = ceil(log10(s->hi) - 1e-9);
    size_t n = 0;
    for (double d = first; d <= last; d += (double)every)
        for (size_t i = 0; i < per_decade; i++) {
            const double value = mantissa[i] * pow(10, d);
            if (value < s->lo * (1 - 1e-9) || value > s->hi * (1 + 1e-9))
                continue;
            n++;
            if (add)
                add_tick(s, value, value / mantissa[i],
                         value < pow(10, -DECIMALS_MAX) * (1 - 1e-9) || value >= PLAIN_MAX);
        }
    return n;
}

/* Within less than a decade there may be no 1, 2 and 5 times a power of ten: round numbers then. */
static void mark_evenly(rid_plot_scale *s, size_t max_ticks)
{
    const rid_plot_scale even = rid_plot_scale_linear(s->lo, s->hi, false, max_ticks);
    s->n_ticks = even.n_ticks;
    s->label_chars = even.label_chars;
    memcpy(s->tick, even.tick, sizeof s->tick);
    memcpy(s->label, even.label, sizeof s->label);
}

/* Ticks at 1, 2 and 5 times powers of ten where there is room for them, or 1 and 3 times, or at every
 * so many powers. */
rid_plot_scale rid_plot_scale_log(double min, double max, bool round, size_t max_ticks)
{
    static const double mantissa[] = {1, 2, 5}, sparse[] = {1, 3};
    rid_plot_scale s = {.log = true};
    if (!(max > min * (1 + 1e-9))) {
        max = min * 2;
        min /= 2;
    }
    s.lo = round ? pow(10, floor(log10(min) + 1e-9)) : min;
    s.hi = round ? pow(10, ceil(log10(max) - 1e-9)) : max;
    const size_t decades = mark_decades(&s, mantissa, 1, 1, false);
    if (mark_decades(&s, mantissa, 3, 1, false) <= max_ticks)
        mark_decades(&s, mantissa, 3, 1, true);
    else if (decades < 2)
        mark_decades(&s, sparse, 2, 1, true);
    else
        mark_decades(&s, mantissa, 1, (decades + max_ticks - 1) / max_ticks, true);
    if (s.n_ticks < 2)
        mark_evenly(&s, max_ticks);
    return s;
}

double rid_plot_scale_place(const rid_plot_scale *s, double value)
{
    if (!s->log)
        return (value - s->lo) / (s->hi - s->lo);
    return value > 0 ? log(value / s->lo) / log(s->hi / s->lo) : NAN;
}

void rid_plot_number(char *out, double value)
{
    char text[64];
    const double size = fabs(value);
    if (isnan(value)) {
        snprintf(out, RID_PLOT_LABEL_MAX, "–");
        return;
    }
    if (size > 0 && (size < 1e-3 || size >= PLAIN_MAX))
        snprintf(text, sizeof text, "%.2g", value);
    else
        snprintf(text, sizeof text, "%.*f",
                 size >= 1000 ? 0
                 : size >= 10 ? 1
                 : size < 0.1 ? 4
                              : 3,
                 value);
    tidy(out, text);
}
