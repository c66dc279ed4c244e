/* rid-pairs: stores and ground truth → pairs that are hard to tell, for people to look at. */
#include "eval/pairs_job.h"
#include "tools/truth_options.h"

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *stores;
    const size_t n_stores = rid_cli_args(cli, &stores);
    rid_pairs_options o = {
        .limits = {.pos_max = rid_cli_float(cli, "pos-max"),
                   .neg_min = rid_cli_float(cli, "neg-min"),
                   .alias_min = rid_cli_float(cli, "alias-min"),
                   .nearest = (size_t)rid_cli_int(cli, "nearest"),
                   .per_person = (size_t)rid_cli_int(cli, "per-person"),
                   .max = (size_t)rid_cli_int(cli, "max-pairs")},
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .limit = (uint64_t)rid_cli_int(cli, "limit"),
        .threads = rid_cli_threads(cli),
    };
    o.n_not_in = rid_cli_list(cli, "not-in", &o.not_in);
    if (!o.output)
        o.output = "-";
    const rid_status st = rid_truth_options_require(cli, &o.people, err);
    if (st != RID_OK)
        return st;
    if (n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE, "no store: name one or more STORE.h5");
    return rid_pairs_run(&o, stores, n_stores, rid_cli_summary(cli),
                         rid_cli_progress(cli, "entries"), err);
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "pairs",
        .bit = RID_TOOL_PAIRS,
        .summary = "list the pairs of entries that are hardest to tell",
        .arguments = "--gt gt.json|--pairs pairs.csv [-o pairs.csv] STORE.h5…",
        .description = "Compares all labelled entries of the stores with one another, across days "
                       "and stores, and"
                       " writes a row for each hard pair:\n\n"
                       "hard_pos: one person, but sim <= --pos-max. hard_neg: different people, "
                       "but sim >= --neg-min,"
                       " and one is among the --nearest entries of other people to the other. "
                       "alias_candidate: a"
                       " hard_neg in one store on different days with sim >= --alias-min: perhaps "
                       "one person under"
                       " two names.\n\n"
                       "Of each risk the hardest come first; the three take turns, so that the "
                       "beginning of the"
                       " file has all of them. Where image addresses hold a user, a password or a "
                       "signature, these"
                       " are left out.",
        .examples = "# the worst pairs of a week\n"
                    "rid-pairs --gt gt.json -o pairs.csv day*.h5\n"
                    "# the next ones, when those were looked at\n"
                    "rid-pairs --gt gt.json --not-in pairs.csv -o more.csv day*.h5\n"
                    "# only labels that may be wrong\n"
                    "rid-pairs -q --gt gt.json day*.h5 | grep -F ,alias_candidate,",
        .run = run,
        .paths = RID_PATHS_STDOUT,
    };
    rid_cli_main(&tool, argc, argv);
}
