/** The list of rejected payloads beside an output: OUTPUT.rejects.jsonl, a line each with file, line,
 *  byte, reason and message. */
#ifndef RID_REJECTS_H
#define RID_REJECTS_H

#include "data/source.h"

typedef struct rid_rejects rid_rejects;

/** For an output at `path`; NULL (or "-"): nothing is written, rejects are only counted and shown.
 *  The file appears with the first reject. */
RID_MUST rid_status rid_rejects_open(rid_rejects **out, const char *path, rid_err *err);
/** Notes one rejected item, counts it in the summary, and shows the first few as warnings. */
RID_MUST rid_status rid_rejects_add(rid_rejects *r, const rid_item *item, rid_summary *summary,
                                    rid_err *err);
/** Publishes the list; without rejects, removes the list of an earlier run. Frees r. */
RID_MUST rid_status rid_rejects_commit(rid_rejects *r, rid_err *err);
/** Frees r, leaving what was there before. NULL is fine. */
void rid_rejects_abort(rid_rejects *r);

#endif
