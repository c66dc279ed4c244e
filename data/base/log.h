/** Messages for the user. Library code reports through here; where they go is the tool's choice
 *  (nowhere until a sink is set). Never pass a vector, a payload's text or a URI. */
#ifndef RID_LOG_H
#define RID_LOG_H

#include "data/base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum rid_log_level {
    RID_LOG_ERROR,
    RID_LOG_WARN,
    RID_LOG_INFO,
    RID_LOG_DEBUG,
} rid_log_level;

/** Called with one line without newline; may be called from any thread, one call at a time. */
typedef void rid_log_sink(void *ctx, rid_log_level level, const char *line);

void rid_log_set_sink(rid_log_sink *sink, void *ctx);
void rid_log(rid_log_level level, const char *fmt, ...) RID_PRINTF(2, 3);

/** Progress of one long job; a tool sets the callback, a job calls update as it goes (cheap: it
 *  returns at once while less than the interval has passed). total = 0 means not known. */
typedef struct rid_progress rid_progress;
struct rid_progress {
    void (*show)(rid_progress *p, uint64_t done, uint64_t total, bool last);
    const char *unit;     /**< "payloads" */
    int64_t interval_ms;  /**< least time between two calls of show */
    int64_t started_ms, shown_ms;
};

/** p may be NULL. Called by one thread. */
void rid_progress_update(rid_progress *p, uint64_t done, uint64_t total);
void rid_progress_finish(rid_progress *p, uint64_t done, uint64_t total);

/** Monotonic clock. */
int64_t rid_clock_ms(void);
double rid_clock_s(void);

#endif
