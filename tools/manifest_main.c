/* rid-manifest: store → manifest JSON per bucket. */
#include "data/base/timestamp.h"
#include "eval/manifest_job.h"
#include "tools/cli.h"

#include <string.h>

static const char *origin(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_name(rid_cli_origin_of(cli, name));
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *stores;
    size_t n_stores = rid_cli_args(cli, &stores);
    rid_manifest_options o = {
        .point = {.rule = {.threshold = rid_cli_float(cli, "threshold"),
                           .margin = rid_cli_float(cli, "margin")},
                  .threshold_from = origin(cli, "threshold"),
                  .margin_from = origin(cli, "margin"),
                  .nn2_from = origin(cli, "nn2")},
        .point_file = rid_cli_str(cli, "point"),
        .day = rid_cli_str(cli, "day"),
        .store = rid_cli_str(cli, "store"),
        .selection = {.entry_id = rid_cli_str(cli, "entry-id"),
                      .camera_match = strcmp(rid_cli_str(cli, "camera-scope"), "match") == 0},
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .skip_existing = rid_cli_flag(cli, "skip-existing"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .limit = (size_t)rid_cli_int(cli, "limit"),
        .threads = rid_cli_threads(cli),
    };
    o.n_labelled_in = rid_cli_list(cli, "labelled-in", &o.labelled_in);
    o.selection.n_cameras = rid_cli_list(cli, "camera", &o.selection.cameras);
    if (!rid_nn2_parse(rid_cli_str(cli, "nn2"), &o.point.rule.nn2) ||
        !rid_embeddings_parse(rid_cli_str(cli, "embeddings"), &o.selection.embeddings))
        return RID_FAIL(err, RID_EFAIL, "a choice of the option table is not known");
    if (!o.output && o.dry_run)
        o.output = ".";
    if (!o.output)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o DIR, -o FILE.json or -o -");
    if (n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE, "no store: name one or more STORE.h5");
    if (o.day && !rid_day_valid(rid_str_of(o.day)))
        return RID_FAIL(err, RID_EUSAGE, "--day: '%s' is no calendar date YYYY-MM-DD", o.day);
    return rid_manifest_run(&o, stores, n_stores, rid_cli_summary(cli),
                            rid_cli_progress(cli, "buckets"), err);
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "manifest",
        .bit = RID_TOOL_MANIFEST,
        .summary = "decide who came back, and list people and their events",
        .arguments = "-o DIR|FILE.json|- STORE.h5…",
        .description =
            "Matches the entries of every day and store against the earlier ones, in time order: an"
            " entry joins the person of its nearest earlier entry (nn1) where nn1 >= threshold and"
            " nn1 - nn2 >= margin, and begins a new person otherwise. Under --nn2 identity, nn2 is"
            " the nearest entry of another person, so that a third visit is not lost between two"
            " near-equal neighbours.\n\n"
            "Writes DIR/<day_id>/<store_id>.json, or one document (a name that ends in .json, or -"
            " for standard output) when exactly one bucket is left.",
        .examples = "# every bucket of a night's stores\n"
                    "rid-manifest -o manifests/ day.h5\n"
                    "# who is the person of one entry?\n"
                    "rid-manifest --entry-id nc0009-20251106-00042 --embeddings none -o - day.h5 | jq .\n"
                    "# again after a change: only the buckets that changed\n"
                    "rid-manifest --skip-existing -o manifests/ day.h5",
        .run = run,
    };
    rid_cli_main(&tool, argc, argv);
}
