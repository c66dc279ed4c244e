/* rid-sweep: stores and ground truth → the surface of threshold and margin, and its best point. */
#include "eval/sweep_grid.h"
#include "eval/sweep_job.h"
#include "tools/cli.h"

#include <string.h>

static bool is_given(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_of(cli, name) != RID_FROM_DEFAULT;
}

/* --grid, and that nothing contradicts it. */
static rid_status read_grid(const rid_cli *cli, size_t *auto_side, rid_err *err)
{
    const char *grid = rid_cli_str(cli, "grid");
    *auto_side = 0;
    if (!grid)
        return RID_OK;
    if (!rid_grid_parse_auto(grid, auto_side))
        return RID_FAIL(err, RID_EUSAGE, "--grid: '%s' is not auto or auto:N, N from 2 to 1000", grid);
    if (rid_cli_origin_of(cli, "threshold") == RID_FROM_FLAG ||
        rid_cli_origin_of(cli, "margin") == RID_FROM_FLAG)
        return RID_FAIL(err, RID_EUSAGE,
                        "--grid auto chooses thresholds and margins: leave out --threshold and"
                        " --margin");
    if (is_given(cli, "threshold") || is_given(cli, "margin"))
        rid_log(RID_LOG_WARN, "--grid auto: threshold and margin of the configuration are not used");
    return RID_OK;
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *stores;
    const size_t n_stores = rid_cli_args(cli, &stores);
    const char *nn2 = rid_cli_str(cli, "nn2");
    rid_sweep_options o = {
        .threshold = rid_cli_str(cli, "threshold"),
        .margin = rid_cli_str(cli, "margin"),
        .mode = {strstr(nn2, "neighbor") != NULL, strstr(nn2, "identity") != NULL},
        .objective = rid_cli_str(cli, "objective"),
        .bootstrap = (size_t)rid_cli_int(cli, "bootstrap"),
        .seed = (uint64_t)rid_cli_int(cli, "seed"),
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .limit = (uint64_t)rid_cli_int(cli, "limit"),
        .threads = rid_cli_threads(cli),
    };
    const rid_status st = read_grid(cli, &o.auto_side, err);
    if (st != RID_OK)
        return st;
    o.n_gt = rid_cli_list(cli, "gt", &o.gt);
    o.n_pairs = rid_cli_list(cli, "pairs", &o.pairs);
    if (o.n_gt + o.n_pairs == 0)
        return RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE, or --pairs FILE");
    if (!o.objective)
        o.objective = o.n_gt > 0 ? "f1" : "pairs-f1";
    if (!o.output && !o.dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o DIR");
    if (n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE, "no store: name one or more STORE.h5");
    return rid_sweep_run(&o, stores, n_stores, rid_cli_summary(cli), rid_cli_progress(cli, "steps"),
                         err);
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "sweep",
        .bit = RID_TOOL_SWEEP,
        .summary = "try thresholds and margins against ground truth",
        .arguments = "--gt gt.json -o DIR STORE.h5…",
        .description =
            "Replays the matching rule for every threshold and margin of a grid, under both rules"
            " for the second best, and counts how well people and searches come out. Every cell is"
            " exactly what rid-manifest would do with those values.\n\n"
            "Writes DIR/surface.csv (a row per cell), DIR/best.json (the best cell, its plateau, the"
            " buckets one by one) and DIR/report.html. Ties go to the lower FPIR, then to the higher"
            " threshold, the higher margin, and neighbor.\n\n"
            "Entries without a label are matched like all others, but not counted. Buckets are pooled"
            " by counts. Intervals come from resampling people, not pairs.",
        .examples = "# a grid, both rules\n"
                    "rid-sweep --gt gt.json --threshold 0.5:0.98:0.01 --margin 0:0.1:0.005 -o sweep/"
                    " day*.h5\n"
                    "# where the scores are, and the fewest misses at one false match in a hundred\n"
                    "rid-sweep --gt gt.json --grid auto --objective fnir@fpir=0.01 -o sweep/ day*.h5\n"
                    "jq '{threshold, margin, nn2, value}' sweep/best.json",
        .run = run,
    };
    rid_cli_main(&tool, argc, argv);
}
