#include "data/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static rid_status set_message(rid_err *err, rid_status code, const char *where, const char *fmt,
                              va_list ap)
{
    if (err) {
        err->code = code;
        err->where = where;
        if (vsnprintf(err->message, sizeof err->message, fmt, ap) < 0)
            err->message[0] = '\0';
    }
    return code;
}

rid_status rid_err_set(rid_err *err, rid_status code, const char *where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    rid_status st = set_message(err, code, where, fmt, ap);
    va_end(ap);
    return st;
}

static rid_status status_of_errno(int e)
{
    switch (e) {
    case ENOENT:
    case ENOTDIR:
    case EACCES:
    case EPERM:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
        return RID_ENOINPUT;
    case ENOMEM:
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return RID_ETEMP;
    default:
        return RID_EIO;
    }
}

rid_status rid_err_set_errno(rid_err *err, const char *where, const char *fmt, ...)
{
    int e = errno;
    rid_status code = status_of_errno(e);
    va_list ap;
    va_start(ap, fmt);
    set_message(err, code, where, fmt, ap);
    va_end(ap);
    if (err) {
        size_t used = strlen(err->message);
        snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(e));
    }
    return code;
}

rid_status rid_err_prepend(rid_err *err, const char *fmt, ...)
{
    char context[2 * RID_ERR_MESSAGE_MAX];
    va_list ap;
    if (!err)
        return RID_EFAIL;
    va_start(ap, fmt);
    int n = vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used > RID_ERR_MESSAGE_MAX - 1)
        used = RID_ERR_MESSAGE_MAX - 1;
    /* Context first; where both do not fit, the end of the older message gives way. */
    snprintf(context + used, sizeof context - used, ": %s", err->message);
    memcpy(err->message, context, sizeof err->message);
    err->message[sizeof err->message - 1] = '\0';
    return err->code;
}

int rid_status_exit_code(rid_status code)
{
    switch (code) {
    case RID_OK:
        return 0;
    case RID_EFAIL:
        return 1;
    case RID_EUSAGE:
        return 2;
    case RID_EASSERT:
        return 4;
    case RID_EDATA:
        return 65;
    case RID_ENOINPUT:
        return 66;
    case RID_EUNAVAIL:
        return 69;
    case RID_EIO:
        return 74;
    case RID_ETEMP:
        return 75;
    case RID_ECONFIG:
        return 78;
    case RID_EINTR:
        return 130;
    }
    return 1;
}
