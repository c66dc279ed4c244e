/** What every command of rid-eval does with its figures: checks --assert before the first input is read,
 *  publishes a table or a JSON document, and fails where an assertion does not hold:
 *
 *      rid_eval_output *out;
 *      rid_eval_output_open(&out, &options, "manifest", &names, err);
 *      …
 *      rid_eval_output_begin(out, &values);            // the figures, flat in the JSON document
 *      if (json) put further members to rid_eval_output_json(out);
 *      else append to rid_eval_output_text(out);
 *      st = rid_eval_output_finish(out, err);          // RID_EASSERT, though published
 *      rid_eval_output_free(out); */
#ifndef RID_EVAL_OUTPUT_H
#define RID_EVAL_OUTPUT_H

#include "data/base/publish.h"
#include "eval/assertion.h"

/** Borrowed. */
typedef struct rid_eval_output_options {
    const char *path; /**< NULL or "-": standard output */
    bool json, force, dry_run;
    const char *const *assertions;
    size_t n_assertions;
} rid_eval_output_options;

typedef struct rid_eval_output rid_eval_output;

/** RID_EUSAGE where an assertion is about a figure that is not among `names`, but would be, in `all`, with the
 *  option `needs` ("--gt FILE"). */
RID_MUST rid_status rid_eval_output_check_needs(const rid_eval_output_options *o,
                                                const rid_metric_set *names,
                                                const rid_metric_set *all, const char *needs,
                                                rid_err *err);
/** names: figures as those to come, for their names alone. RID_EUSAGE for an assertion that is none or of
 *  another figure, or where the path exists without force; errors of rid_publish_begin. *out is NULL on
 *  failure. One thread at a time. */
RID_MUST rid_status rid_eval_output_open(rid_eval_output **out, const rid_eval_output_options *o,
                                         const char *command, const rid_metric_set *names,
                                         rid_err *err);
/** Writes the beginning: in JSON format_version, tool_version, command, assertions and the figures, as
 *  text the table. `values` is borrowed until the end. */
void rid_eval_output_begin(rid_eval_output *e, const rid_metric_set *values);
/** The same without the table: what is for people is all in rid_eval_output_text. */
void rid_eval_output_begin_plain(rid_eval_output *e, const rid_metric_set *values);
/** Where members follow (json), or further text. */
rid_jsonw *rid_eval_output_json(rid_eval_output *e);
rid_buf *rid_eval_output_text(rid_eval_output *e);
/** The member "roc" of an open JSON document: points of the ROC curve. */
void rid_eval_output_put_roc(rid_eval_output *e, const rid_score_counts *counts);
/** Publishes (not in a dry run) and then looks at the assertions: every one that does not hold is logged as
 *  an error, and the status is RID_EASSERT. */
RID_MUST rid_status rid_eval_output_finish(rid_eval_output *e, rid_err *err);
/** Publishes a table beside the report. Frees the text; *publish is NULL once it has been committed, or failed to
 *  be. RID_ETEMP where the text ran out of memory; errors of rid_publish_write, rid_publish_commit. */
RID_MUST rid_status rid_eval_output_publish_text(rid_publish **publish, rid_buf *text,
                                                 rid_err *err);
/** NULL is fine; what is not published is gone. */
void rid_eval_output_free(rid_eval_output *e);

#endif
