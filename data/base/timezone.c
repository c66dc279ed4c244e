#include "data/base/timezone.h"

#include "data/base/mem.h"

#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct rid_store_zone {
    char *store; /* NULL in the first, the default */
    GTimeZone *zone;
} store_zone;

struct rid_timezones {
    store_zone *zones; /* [0] is the default */
    size_t n, cap;
};

rid_timezones *rid_timezones_new(void)
{
    rid_timezones *z = rid_mem_zalloc(1, sizeof *z);
    if (!z)
        return NULL;
    if (rid_mem_grow(&z->zones, &z->cap, 1, sizeof *z->zones) != 0) {
        rid_mem_free(z);
        return NULL;
    }
    z->zones[0] = (store_zone){NULL, g_time_zone_new_utc()};
    z->n = 1;
    return z;
}

void rid_timezones_free(rid_timezones *z)
{
    if (!z)
        return;
    for (size_t i = 0; i < z->n; i++) {
        g_time_zone_unref(z->zones[i].zone);
        rid_mem_free(z->zones[i].store);
    }
    rid_mem_free(z->zones);
    rid_mem_free(z);
}

/* GLib also takes offsets, paths and POSIX rules ("EST5" is one, without daylight saving), and warns
 * on its own about a file that is no zone: only names that look like IANA's and that tzdata has
 * reach it ("Europe/Berlin", "Etc/GMT+5"). */
static bool is_iana(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
    char path[PATH_MAX];
    struct stat s;
    const char *own = getenv("TZDIR"), *directory = own ? own : "/usr/share/zoneinfo"; /* as GLib */
    if (!(*name >= 'A' && *name <= 'Z') || name[strspn(name, allowed)] != '\0')
        return false;
    int n = snprintf(path, sizeof path, "%s/%s", directory, name);
    return n > 0 && (size_t)n < sizeof path && stat(path, &s) == 0 && S_ISREG(s.st_mode);
}

static GTimeZone *open_zone(const char *name)
{
    if (strcmp(name, "UTC") == 0) /* also without tzdata */
        return g_time_zone_new_utc();
    return is_iana(name) ? g_time_zone_new_identifier(name) : NULL;
}

static store_zone *find(const rid_timezones *z, rid_str store)
{
    for (size_t i = 1; i < z->n; i++)
        if (rid_str_equal(rid_str_of(z->zones[i].store), store))
            return &z->zones[i];
    return NULL;
}

rid_status rid_timezones_set(rid_timezones *z, const char *store, const char *zone, rid_err *err)
{
    GTimeZone *tz = open_zone(zone);
    if (!tz)
        return RID_FAIL(err, RID_ECONFIG,
                        "time zone '%s' is not known here; give an IANA name such as Europe/Berlin"
                        " (package tzdata)",
                        zone);
    store_zone *known = store ? find(z, rid_str_of(store)) : &z->zones[0];
    if (known) {
        g_time_zone_unref(known->zone);
        known->zone = tz;
        return RID_OK;
    }
    char *copy = rid_mem_strdup(store);
    if (!copy || rid_mem_grow(&z->zones, &z->cap, z->n + 1, sizeof *z->zones) != 0) {
        rid_mem_free(copy);
        g_time_zone_unref(tz);
        return RID_FAIL_NOMEM(err);
    }
    z->zones[z->n++] = (store_zone){copy, tz};
    return RID_OK;
}

int32_t rid_timezones_offset_s(const rid_timezones *z, rid_str store, int64_t t_us)
{
    const store_zone *known = find(z, store);
    GTimeZone *zone = known ? known->zone : z->zones[0].zone;
    int64_t t_s = t_us / 1000000 - (t_us % 1000000 < 0);
    int interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, t_s);
    return interval < 0 ? 0 : g_time_zone_get_offset(zone, interval);
}
