/* rid-train: ground truth and entries → a trained encoder. */
#include "tools/train_options.h"

static rid_status run(rid_cli *cli, rid_err *err)
{
    rid_train_options o;
    rid_timezones *zones = NULL;
    rid_buf config = {0};
    rid_status st = rid_train_options_read(&o, cli, err);
    if (st == RID_OK)
        st = rid_cli_timezones(cli, &zones, err);
    if (st == RID_OK) {
        rid_cli_write_config(cli, &config);
        o.config = rid_buf_cstr(&config);
        o.data.source.timezones = zones;
        st = o.config ? rid_train_job_run(&o, rid_cli_summary(cli), rid_cli_progress(cli, "steps"), err)
                      : RID_FAIL_NOMEM(err);
    }
    rid_timezones_free(zones);
    rid_buf_free(&config);
    return st;
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "train",
        .bit = RID_TOOL_TRAIN,
        .summary = "train the entry encoder from ground truth",
        .arguments = "--gt gt.json -o RUN_DIR INPUT…",
        .description =
            "Reads entries with their frames (stores, or payloads) and who they are, sets some people"
            " aside, and trains a network on the others so that entries of one person come to lie"
            " together: batches of P people with K entries each, batch-hard triplets, AdamW.\n\n"
            "Before that it measures what needs no training on the people set aside: mean pooling, and"
            " the linear maps that training can start from. Only a network that is better than the"
            " better start, beyond chance, becomes RUN_DIR/model.pt; otherwise that start does, and"
            " the summary says improved: false. report.html shows it all.\n\n"
            "A run that was killed goes on with --resume and ends in the same bytes. SIGTERM saves"
            " and exits 143.",
        .examples = "# retrain on what the night job encoded\n"
                    "rid-train --gt gt.json -o runs/autumn day1.h5 day2.h5\n"
                    "# with everybody in the end, and for a pipeline that must not get worse\n"
                    "rid-train --gt gt.json --refit --require-improvement -o runs/autumn day*.h5\n"
                    "# after a power cut\n"
                    "rid-train --gt gt.json -o runs/autumn --resume day1.h5 day2.h5",
        .run = run,
    };
    rid_cli_main(&tool, argc, argv);
}
