/* rid-match: a filter that answers each payload with a decision. */
#include "data/base/mem.h"
#include "tools/cli.h"
#include "tools/encoder_options.h"
#include "train/match_job.h"

#include <string.h>

static const char *origin(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_name(rid_cli_origin_of(cli, name));
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *inputs;
    size_t n_inputs = rid_cli_args(cli, &inputs);
    rid_timezones *zones = NULL;
    rid_match_options o = {
        .point = {.rule = {.threshold = rid_cli_float(cli, "threshold"),
                           .margin = rid_cli_float(cli, "margin")},
                  .threshold_from = origin(cli, "threshold"),
                  .margin_from = origin(cli, "margin"),
                  .nn2_from = origin(cli, "nn2")},
        .point_file = rid_cli_str(cli, "point"),
        .source = {.limit = (uint64_t)rid_cli_int(cli, "limit"), .threads = 1},
        .persist = rid_cli_str(cli, "persist"),
        .echo_frames = strcmp(rid_cli_str(cli, "embeddings"), "frames") == 0,
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .max_rejects = rid_cli_count_or_percent(cli, "max-rejects"),
    };
    if (!rid_nn2_parse(rid_cli_str(cli, "nn2"), &o.point.rule.nn2))
        return RID_FAIL(err, RID_EFAIL, "a choice of the option table is not known");
    o.n_warm = rid_cli_list(cli, "warm", &o.warm);
    rid_status st = rid_encoder_options_model(&o.model, cli, err);
    if (st == RID_OK)
        st = rid_cli_timezones(cli, &zones, err);
    if (st != RID_OK)
        return st;
    o.source.timezones = zones;
    st = rid_match_run(&o, inputs, n_inputs, rid_cli_summary(cli), err);
    rid_timezones_free(zones);
    return st;
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "match",
        .bit = RID_TOOL_MATCH,
        .summary = "answer each payload: who is it, among those seen before?",
        .arguments = "[INPUT…]",
        .description =
            "Reads payloads and writes one JSON line for each, in input order, before it reads the"
            " next: usable as a coprocess. Every entry is matched against the earlier ones of its"
            " day and store, then added. Payloads in (timestamp, id) order get rid-manifest's"
            " decisions bit for bit.\n\n"
            "A bad payload is answered with {\"ok\":false,\"error\":…,\"line\":…} and the stream "
            "goes"
            " on; the exit code at the end is 3 when there were more than --max-rejects. The same"
            " payload again gets its first answer again; other contents under an id seen before"
            " replace that entry and are answered with \"replaced\":true.",
        .examples = "# decisions for a stream\n"
                    "tail -f crossings.jsonl | rid-match --ckpt model.pt\n"
                    "# go on where an earlier store ended, and keep what comes\n"
                    "rid-match --ckpt model.pt --warm morning.h5 --persist day.h5 afternoon.jsonl",
        .run = run,
        .paths = RID_PATHS_STDOUT,
    };
    rid_cli_main(&tool, argc, argv);
}
