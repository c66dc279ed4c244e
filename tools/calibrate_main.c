/* rid-calibrate: stores and ground truth → an operating point that keeps a promise. */
#include "tools/truth_options.h"
#include "train/calibrate_job.h"

#include <string.h>

static const char *origin(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_name(rid_cli_origin_of(cli, name));
}

static rid_status check_outputs(const rid_cli *cli, rid_calibrate_options *o, rid_err *err)
{
    if (!o->output && !o->ckpt_out && !o->dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o POINT.json, or --ckpt-out FILE");
    if (o->ckpt_out && !o->ckpt)
        return RID_FAIL(err, RID_EUSAGE, "--ckpt-out is a copy of a checkpoint: give --ckpt FILE");
    if (!o->ckpt_out && rid_cli_origin_of(cli, "ckpt") == RID_FROM_FLAG)
        return RID_FAIL(err, RID_EUSAGE, "--ckpt is for --ckpt-out, which is not given");
    return RID_OK;
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *stores;
    const size_t n_stores = rid_cli_args(cli, &stores);
    rid_calibrate_options o = {
        .grid = rid_cli_str(cli, "grid"),
        .point = {.rule = {.margin = rid_cli_float(cli, "margin")},
                  .threshold_from = "calibration",
                  .margin_from = origin(cli, "margin"),
                  .nn2_from = origin(cli, "nn2")},
        .sweep = rid_cli_str(cli, "sweep"),
        .promise = {.max_fpir = rid_cli_float(cli, "max-fpir"),
                    .confidence = rid_cli_float(cli, "confidence"),
                    .bucket_effect = strcmp(rid_cli_str(cli, "scope"), "future") == 0},
        .by_store = strcmp(rid_cli_str(cli, "clusters"), "store") == 0,
        .output = rid_cli_str(cli, "output"),
        .ckpt = rid_cli_str(cli, "ckpt"),
        .ckpt_out = rid_cli_str(cli, "ckpt-out"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .limit = (uint64_t)rid_cli_int(cli, "limit"),
        .threads = rid_cli_threads(cli),
    };
    if (!rid_nn2_parse(rid_cli_str(cli, "nn2"), &o.point.rule.nn2))
        return RID_FAIL(err, RID_EFAIL, "a choice of the option table is not known");
    rid_status st = rid_truth_options_require(cli, &o.people, err);
    if (st == RID_OK && n_stores == 0)
        st = RID_FAIL(err, RID_EUSAGE, "no store: name one or more STORE.h5");
    if (st == RID_OK)
        st = check_outputs(cli, &o, err);
    if (st != RID_OK)
        return st;
    return rid_calibrate_run(&o, stores, n_stores, rid_cli_summary(cli),
                             rid_cli_progress(cli, "steps"), err);
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "calibrate",
        .bit = RID_TOOL_CALIBRATE,
        .summary = "choose a threshold that keeps the false matches below a limit, with proof",
        .arguments = "--gt gt.json|--pairs pairs.csv -o POINT.json STORE.h5…",
        .description =
            "Tests thresholds from strict to loose on people with known identities and takes the "
            "last"
            " one for which the bound on FPIR, the share of first visits that are matched with"
            " somebody else, is at most --max-fpir with --confidence. Searches run as in "
            "rid-manifest:"
            " in time order, against everybody who came before to the same store and day.\n\n"
            "Margin and rule must not come from the stores of the bound: give them, or take them "
            "from"
            " a sweep over other days or stores. The encoder should not have been trained on these"
            " people either. With --pairs, who comes to several buckets is one person only where "
            "pairs"
            " across them say so. The exit code is 65 where there are too few first visits, with "
            "the number"
            " that would be needed.\n\n"
            "The point holds for the encoder whose hash it carries and for the sizes of gallery "
            "that"
            " it names. rid-manifest --point uses it; --ckpt-out puts it into a copy of the"
            " checkpoint, and rid-encode from there into stores.",
        .examples =
            "# margin and rule from Monday, threshold from the other days\n"
            "rid-sweep --gt gt.json -o sweep/ monday.h5\n"
            "rid-calibrate --gt gt.json --max-fpir 0.01 --sweep sweep/best.json -o point.json"
            " tuesday.h5 wednesday.h5\n"
            "rid-manifest --point point.json -o manifests/ thursday.h5\n"
            "# into the checkpoint\n"
            "rid-calibrate --gt gt.json --ckpt model.pt --ckpt-out calibrated.pt day*.h5",
        .run = run,
    };
    rid_cli_main(&tool, argc, argv);
}
