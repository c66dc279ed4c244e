/* rid-encode: payloads → store. */
#include "data/base/mem.h"
#include "tools/cli.h"
#include "tools/encoder_options.h"
#include "train/encode_job.h"

#include <string.h>

static rid_frames_kind frames_kind(const char *name)
{
    return strcmp(name, "f16") == 0 ? RID_FRAMES_F16
           : strcmp(name, "none") == 0 ? RID_FRAMES_NONE
                                       : RID_FRAMES_F32;
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *inputs;
    size_t n_inputs = rid_cli_args(cli, &inputs);
    rid_timezones *zones = NULL;
    rid_encode_options o = {
        .source = {.limit = (uint64_t)rid_cli_int(cli, "limit"),
                   .batch = (size_t)rid_cli_int(cli, "batch"),
                   .threads = rid_cli_threads(cli)},
        .frames = frames_kind(rid_cli_str(cli, "frames")),
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .max_rejects = rid_cli_count_or_percent(cli, "max-rejects"),
    };
    if (!o.output && !o.dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o OUT.h5");
    if (o.output && strcmp(o.output, "-") == 0)
        return RID_FAIL(err, RID_EUSAGE, "a store cannot go to standard output; give -o OUT.h5");
    rid_status st = rid_encoder_options_model(&o.model, cli, err);
    if (st == RID_OK)
        st = rid_cli_timezones(cli, &zones, err);
    if (st != RID_OK)
        return st;
    rid_cli_shard(cli, "shard", &o.source.shard, &o.source.n_shards);
    o.source.timezones = zones;
    st = rid_encode_run(&o, inputs, n_inputs, rid_cli_summary(cli), rid_cli_progress(cli, "bytes"),
                        err);
    rid_timezones_free(zones);
    return st;
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "encode",
        .bit = RID_TOOL_ENCODE,
        .summary = "encode bursts of frames into one embedding per line crossing",
        .arguments = "-o OUT.h5 [INPUT…]",
        .description =
            "Reads payloads (JSON, JSONL, entry manifests, each also .gz or .zst; directories;"
            " standard input) or stores, filters the frames of each, encodes it with the attributes"
            " into one unit vector, and publishes a store.\n\n"
            "A payload that cannot be used costs only itself: it is listed in"
            " OUT.h5.rejects.jsonl with file, line, byte and reason. The exit code is 3 when more"
            " were rejected than --max-rejects allows; the store is complete all the same.",
        .examples = "# a day's payloads, with the trained encoder\n"
                    "rid-encode --ckpt model.pt -o day.h5 payloads/2025-11-06/\n"
                    "# without a model: the mean of the frames\n"
                    "zcat day.jsonl.gz | rid-encode --encoder mean -o day.h5\n"
                    "# a new encoder, from the frames in the old store\n"
                    "rid-encode --ckpt new.pt -o new.h5 old.h5",
        .run = run,
        .paths = RID_PATHS_IN_PLACE,
    };
    rid_cli_main(&tool, argc, argv);
}
