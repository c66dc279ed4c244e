/** Errors. Libraries neither print nor exit: they return a status and fill the caller's rid_err. */
#ifndef RID_ERR_H
#define RID_ERR_H

#include <stdarg.h>

typedef enum rid_status {
    RID_OK = 0,
    RID_EFAIL,    /**< failed, no better class: exit 1 */
    RID_EUSAGE,   /**< wrong command line: exit 2 */
    RID_EASSERT,  /**< an assertion of the user's does not hold: exit 4 */
    RID_EDATA,    /**< bad data: exit 65 */
    RID_ENOINPUT, /**< missing input: exit 66 */
    RID_EUNAVAIL, /**< server unavailable: exit 69 */
    RID_EIO,      /**< input/output error, disk full: exit 74 */
    RID_ETEMP,    /**< temporary shortage (memory, handles): exit 75 */
    RID_ECONFIG,  /**< bad configuration: exit 78 */
    RID_EINTR,    /**< interrupted by a signal: exit 130 or 143 */
} rid_status;

enum { RID_ERR_MESSAGE_MAX = 1024 };

/** What went wrong. `message` is one line for the user; `where` is the source position for -v. */
typedef struct rid_err {
    rid_status code;
    char message[RID_ERR_MESSAGE_MAX];
    const char *where;
} rid_err;

#define RID_MUST __attribute__((warn_unused_result))
#define RID_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define RID_STRINGIFY_(x) #x
#define RID_STRINGIFY(x) RID_STRINGIFY_(x)
#define RID_WHERE __FILE__ ":" RID_STRINGIFY(__LINE__)

/** Fills *err (which may be NULL) and returns `code`: `return RID_FAIL(err, RID_EDATA, "…", …);` */
#define RID_FAIL(err, code, ...) rid_err_set((err), (code), RID_WHERE, __VA_ARGS__)

/** As RID_FAIL, the status chosen from errno and its text appended after ": ". */
#define RID_FAIL_ERRNO(err, ...) rid_err_set_errno((err), RID_WHERE, __VA_ARGS__)

/** Out of memory, the one message for it. */
#define RID_FAIL_NOMEM(err) RID_FAIL((err), RID_ETEMP, "out of memory")

rid_status rid_err_set(rid_err *err, rid_status code, const char *where, const char *fmt, ...)
    RID_PRINTF(4, 5);
rid_status rid_err_set_errno(rid_err *err, const char *where, const char *fmt, ...)
    RID_PRINTF(3, 4);

/** Puts "context: " before the message already in *err; returns its code. */
rid_status rid_err_prepend(rid_err *err, const char *fmt, ...) RID_PRINTF(2, 3);

/** The process exit code of a status (RID_EINTR: 130; a tool that knows the signal says 143). */
int rid_status_exit_code(rid_status code);

#endif
