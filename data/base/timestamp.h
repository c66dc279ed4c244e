/** Points in time: RFC 3339 text, microseconds since 1970 UTC, calendar days. */
#ifndef RID_TIMESTAMP_H
#define RID_TIMESTAMP_H

#include "data/base/buf.h"

/** "No timestamp"; sorts before every time. */
#define RID_TIMESTAMP_NONE INT64_MIN

enum { RID_DAY_LENGTH = 10 }; /**< of "YYYY-MM-DD" */

/** RFC 3339 date-time with any offset ("Z", "z", "+05:30"), 'T', 't' or a space between, and 0–9
 *  fraction digits (truncated to microseconds). A leap second (:60) is accepted at 23:59 UTC and
 *  reads as the following second. False where it is anything else. */
bool rid_timestamp_parse(rid_str text, int64_t *t_us);

/** True for a "YYYY-MM-DD" that is in the (proleptic Gregorian) calendar, years 0001–9999. */
bool rid_day_valid(rid_str text);

/** The day of t_us seen at utc_offset_s, as "YYYY-MM-DD" and NUL. False outside years 0001–9999. */
bool rid_day_of(char day[RID_DAY_LENGTH + 1], int64_t t_us, int32_t utc_offset_s);

/** "YYYY-MM-DDTHH:MM:SS.mmmZ" of t_us and NUL (rid-synth writes these). */
void rid_timestamp_format_ms(char text[32], int64_t t_us);

/** Days from 1970-01-01 to a calendar date (Howard Hinnant, "chrono-Compatible Low-Level Date
 *  Algorithms", days_from_civil). */
int64_t rid_days_from_civil(int64_t year, int month, int day);

#endif
