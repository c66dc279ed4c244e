#include "data/base/timestamp.h"

#include <stdio.h>
#include <string.h>

enum { US_PER_S = 1000000, S_PER_DAY = 86400, FRACTION_DIGITS_MAX = 9 };

/* Era arithmetic of H. Hinnant's days_from_civil / civil_from_days: 400-year eras from 0000-03-01. */
int64_t rid_days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

static bool digits(const char *s, int n, int *value)
{
    *value = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        *value = *value * 10 + (s[i] - '0');
    }
    return true;
}

static bool parse_date(const char *s, int *year, int *month, int *day)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!digits(s, 4, year) || s[4] != '-' || !digits(s + 5, 2, month) || s[7] != '-' ||
        !digits(s + 8, 2, day))
        return false;
    if (*year < 1 || *month < 1 || *month > 12)
        return false;
    bool leap = (*year % 4 == 0 && *year % 100 != 0) || *year % 400 == 0;
    int last = month_days[*month - 1] + (*month == 2 && leap ? 1 : 0);
    return *day >= 1 && *day <= last;
}

bool rid_day_valid(rid_str text)
{
    int year, month, day;
    return text.len == RID_DAY_LENGTH && parse_date(text.data, &year, &month, &day);
}

/* "Z" or "+hh:mm" up to the end of the text. */
static bool parse_offset(const char *s, const char *end, int *offset_s)
{
    int hours, minutes;
    *offset_s = 0;
    if (end - s == 1 && (*s == 'Z' || *s == 'z'))
        return true;
    if (end - s != 6 || (*s != '+' && *s != '-') || !digits(s + 1, 2, &hours) || s[3] != ':' ||
        !digits(s + 4, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = (hours * 3600 + minutes * 60) * (*s == '-' ? -1 : 1);
    return true;
}

/* An optional ".d{1,9}", truncated to microseconds. */
static bool parse_fraction(const char **s, const char *end, int *us)
{
    int n = 0;
    *us = 0;
    if (*s == end || **s != '.')
        return true;
    for ((*s)++; *s < end && **s >= '0' && **s <= '9'; (*s)++, n++)
        if (n < 6)
            *us = *us * 10 + (**s - '0');
    for (int i = n; i < 6; i++)
        *us *= 10;
    return n >= 1 && n <= FRACTION_DIGITS_MAX;
}

bool rid_timestamp_parse(rid_str text, int64_t *t_us)
{
    enum { DATE_AND_TIME = 19 };
    int year, month, day, hour, minute, second, us, offset_s;
    if (text.len < DATE_AND_TIME + 1)
        return false;
    const char *s = text.data, *end = s + text.len;
    if (!parse_date(s, &year, &month, &day) || !strchr("Tt ", s[10]) || s[10] == '\0' ||
        !digits(s + 11, 2, &hour) || s[13] != ':' || !digits(s + 14, 2, &minute) || s[16] != ':' ||
        !digits(s + 17, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    s += DATE_AND_TIME;
    if (!parse_fraction(&s, end, &us) || !parse_offset(s, end, &offset_s))
        return false;
    int64_t t_s = rid_days_from_civil(year, month, day) * S_PER_DAY + hour * 3600 + minute * 60 +
                  second - offset_s;
    if (second == 60 && t_s % S_PER_DAY != 0)
        return false;
    *t_us = t_s * US_PER_S + us;
    return true;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

bool rid_day_of(char day[RID_DAY_LENGTH + 1], int64_t t_us, int32_t utc_offset_s)
{
    int64_t year;
    int month, day_of_month;
    int64_t t_s = floor_div(t_us, US_PER_S) + utc_offset_s;
    civil_from_days(floor_div(t_s, S_PER_DAY), &year, &month, &day_of_month);
    if (year < 1 || year > 9999)
        return false;
    snprintf(day, RID_DAY_LENGTH + 1, "%04u-%02u-%02u", (unsigned)year % 10000U,
             (unsigned)month % 100U, (unsigned)day_of_month % 100U);
    return true;
}

void rid_timestamp_format_ms(char text[32], int64_t t_us)
{
    char day[RID_DAY_LENGTH + 1] = "";
    rid_day_of(day, t_us, 0);
    int64_t ms = floor_div(t_us, 1000);
    unsigned ms_of_day = (unsigned)(ms - floor_div(ms, S_PER_DAY * 1000LL) * S_PER_DAY * 1000LL);
    snprintf(text, 32, "%sT%02u:%02u:%02u.%03uZ", day, ms_of_day / 3600000 % 100,
             ms_of_day / 60000 % 60, ms_of_day / 1000 % 60, ms_of_day % 1000);
}
