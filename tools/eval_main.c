/* rid-eval: figures of stores and manifests against ground truth. */
#include "eval/eval_diff.h"
#include "eval/eval_manifest.h"
#include "eval/eval_pairs.h"
#include "eval/eval_search.h"
#include "tools/eval_options.h"
#include "tools/truth_options.h"

#include <string.h>

static rid_status run_manifest(rid_cli *cli, rid_err *err)
{
    const char *const *paths;
    size_t n;
    rid_eval_manifest_options o = {.errors = rid_cli_str(cli, "errors"),
                                   .bootstrap = (size_t)rid_cli_int(cli, "bootstrap"),
                                   .seed = (uint64_t)rid_cli_int(cli, "seed"),
                                   .limit = (uint64_t)rid_cli_int(cli, "limit")};
    o.n_gt = rid_cli_list(cli, "gt", &o.gt);
    o.n_pairs = rid_cli_list(cli, "pairs", &o.pairs);
    if (o.n_gt + o.n_pairs == 0)
        return RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE, or --pairs FILE");
    if (o.errors && o.n_gt == 0)
        return RID_FAIL(err, RID_EUSAGE, "--errors needs --gt FILE");
    rid_eval_read_output(cli, &o.output);
    const rid_status st = rid_eval_read_inputs(cli, &paths, &n, "manifest", err);
    return st == RID_OK ? rid_eval_manifest(&o, paths, n, rid_cli_summary(cli),
                                            rid_cli_progress(cli, "documents"), err)
                        : st;
}

static rid_status run_pairs(rid_cli *cli, rid_err *err)
{
    const char *const *stores;
    size_t n;
    rid_eval_pairs_options o = {.limit = (uint64_t)rid_cli_int(cli, "limit"),
                                .seed = (uint64_t)rid_cli_int(cli, "seed"),
                                .threads = rid_cli_threads(cli)};
    o.n_gt = rid_cli_list(cli, "gt", &o.gt);
    o.n_pairs = rid_cli_list(cli, "pairs", &o.pairs);
    if (o.n_gt + o.n_pairs == 0)
        return RID_FAIL(err, RID_EUSAGE, "no pairs: give --pairs FILE, or --gt FILE");
    rid_eval_read_output(cli, &o.output);
    const rid_status st = rid_eval_read_inputs(cli, &stores, &n, "store", err);
    return st == RID_OK ? rid_eval_pairs(&o, stores, n, rid_cli_summary(cli),
                                         rid_cli_progress(cli, "buckets"), err)
                        : st;
}

static rid_status run_diff(rid_cli *cli, rid_err *err)
{
    const char *const *sides;
    rid_eval_diff_options o = {.bootstrap = (size_t)rid_cli_int(cli, "bootstrap"),
                               .seed = (uint64_t)rid_cli_int(cli, "seed"),
                               .limit = (uint64_t)rid_cli_int(cli, "limit"),
                               .point_file = rid_cli_str(cli, "point"),
                               .threads = rid_cli_threads(cli)};
    if (rid_cli_args(cli, &sides) != 2)
        return RID_FAIL(err, RID_EUSAGE, "diff takes two: A and B");
    rid_eval_read_output(cli, &o.output);
    rid_status st = rid_truth_options_read(cli, &o.people, err);
    if (st == RID_OK)
        st = rid_eval_read_point(cli, &o.point, err);
    return st == RID_OK ? rid_eval_diff(&o, sides[0], sides[1], rid_cli_summary(cli),
                                        rid_cli_progress(cli, "buckets"), err)
                        : st;
}

static rid_status run_search(rid_cli *cli, rid_err *err)
{
    rid_eval_search_options o = {
        .input = {.query_ids = rid_cli_str(cli, "query-ids"),
                  .limit = (uint64_t)rid_cli_int(cli, "limit"),
                  .within_buckets = strcmp(rid_cli_str(cli, "within"), "bucket") == 0,
                  .cameras = strcmp(rid_cli_str(cli, "exclude-same"), "camera") == 0},
        .rerank = rid_cli_str(cli, "rerank"),
        .per_query = rid_cli_str(cli, "per-query"),
        .threads = rid_cli_threads(cli)};
    o.input.n_queries = rid_cli_list(cli, "query", &o.input.queries);
    rid_eval_read_output(cli, &o.output);
    rid_status st = rid_truth_options_require(cli, &o.input.people, err);
    if (st == RID_OK)
        st = rid_eval_read_inputs(cli, &o.input.stores, &o.input.n_stores, "store", err);
    return st == RID_OK
               ? rid_eval_search(&o, rid_cli_summary(cli), rid_cli_progress(cli, "queries"), err)
               : st;
}

int main(int argc, char **argv)
{
    static const rid_command commands[] = {
        {"manifest", "--gt|--pairs FILE MANIFEST…",
         "clusters and searches of manifest documents (files, directories), by bucket, cameras, "
         "visits",
         "gt pairs errors bootstrap limit json assert output", run_manifest, RID_PATHS_STDOUT},
        {"pairs", "--pairs|--gt FILE STORE…",
         "how well scores of listed pairs tell persons apart; with --gt, of all pairs within "
         "buckets",
         "pairs gt limit json assert output", run_pairs, RID_PATHS_STDOUT},
        {"diff", "[--gt|--pairs FILE] A B",
         "what is different: manifests or stores of the same entries; with --gt, whether it is "
         "better",
         "gt pairs threshold margin nn2 point bootstrap limit json assert output", run_diff,
         RID_PATHS_STDOUT},
        {"search", "--gt|--pairs FILE STORE…",
         "how well a search by embedding finds a person's other entries: mAP, CMC, ROC, FNIR at "
         "FPIR",
         "gt pairs query query-ids within exclude-same rerank per-query limit json assert output",
         run_search, RID_PATHS_STDOUT},
        {0}};
    static const rid_tool tool = {
        .name = "eval",
        .bit = RID_TOOL_EVAL,
        .summary = "figures of stores and manifests against ground truth",
        .arguments = "INPUT…",
        .description = "Prints figures as a table, or as one JSON document with --json, to "
                       "standard output or to"
                       " the file of -o. --assert makes a pipeline stop: after the figures are "
                       "out, exit code 4"
                       " says that a condition does not hold, and which. A figure that is not "
                       "defined on the data"
                       " is null, and meets no condition.",
        .examples =
            "# last night, and where it went wrong\n"
            "rid-eval manifest --gt gt.json --errors errors.csv manifests/2025-11-06/\n"
            "# ROC of listed pairs, for jq\n"
            "rid-eval pairs --pairs pairs.csv --json day.h5 | jq '{auc, eer, dprime}'\n"
            "# is the new model better, and what does it decide otherwise?\n"
            "rid-eval diff --gt gt.json --assert 'delta_pairwise_f1_low > -0.005' old/ new/\n"
            "# the encoder as re-identification papers measure it, with re-ranking\n"
            "rid-eval search --gt gt.json --rerank 20,6,0.3 --json day.h5 | jq '{map, rank1, "
            "cmc}'\n"
            "# stop a model whose scores separate too little\n"
            "rid-eval pairs --gt gt.json --assert 'auc >= 0.99' --assert 'tar_far_1e2 > 0.9'"
            " day.h5",
        .commands = commands,
    };
    rid_cli_main(&tool, argc, argv);
}
