/** IANA time zones from the system's tzdata (through GLib, which is thread-safe where libc is not). */
#ifndef RID_TIMEZONE_H
#define RID_TIMEZONE_H

#include "data/base/buf.h"
#include "data/base/err.h"

/** Which zone a store is in: a default and exceptions by store. Read-only use is thread-safe. */
typedef struct rid_timezones rid_timezones;

/** All stores in UTC. NULL when there is no memory. */
rid_timezones *rid_timezones_new(void);
void rid_timezones_free(rid_timezones *z);

/** Sets the zone of `store`, or the default where store is NULL. RID_ECONFIG for a name that the
 *  system's tzdata does not know. A later call for the same store wins. */
RID_MUST rid_status rid_timezones_set(rid_timezones *z, const char *store, const char *zone,
                                      rid_err *err);

/** Seconds east of UTC in force for `store` at t_us. */
int32_t rid_timezones_offset_s(const rid_timezones *z, rid_str store, int64_t t_us);

#endif
