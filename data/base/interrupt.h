/** SIGINT and SIGTERM as a flag that long jobs look at, so that they end in good order. */
#ifndef RID_INTERRUPT_H
#define RID_INTERRUPT_H

#include "data/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>

/** Installs the handlers (SIGPIPE and SIGXFSZ are ignored: writes report EPIPE, EFBIG). Call once, before
 *  any thread. */
RID_MUST rid_status rid_interrupt_install(rid_err *err);
/** The signal received, or 0. Safe from any thread. A second one ends the process at once. */
int rid_interrupt_signal(void);
/** RID_OK, or RID_EINTR with the message, once a signal has come. */
RID_MUST rid_status rid_interrupt_check(rid_err *err);
/** Readable from the moment a signal came; -1 before rid_interrupt_install. Do not read from it. */
int rid_interrupt_fd(void);
/** As read(2), but waits for the descriptor and the signal together: -1 with EINTR when interrupted,
 *  or once *stop (may be NULL) has become true, which is looked at a few times a second. */
long rid_interrupt_read(int fd, void *buf, unsigned long n, const atomic_bool *stop);

#endif
