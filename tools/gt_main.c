/* rid-gt: check, convert, split, merge and compare ground truth. */
#include "tools/gt_options.h"

static rid_status run_check(rid_cli *cli, rid_err *err)
{
    rid_gt_check_options o;
    const rid_status st = rid_gt_options_check(cli, &o, err);
    return st == RID_OK ? rid_gt_check_run(&o, rid_cli_summary(cli), err) : st;
}

static rid_status run_diff(rid_cli *cli, rid_err *err)
{
    const char *const *paths;
    rid_eval_output_options o;
    const rid_status st = rid_gt_options_diff(cli, &paths, &o, err);
    return st == RID_OK ? rid_gt_diff_run(paths[0], paths[1], (size_t)rid_cli_int(cli, "cases"), &o,
                                          rid_cli_summary(cli), err)
                        : st;
}

static rid_status run_convert(rid_cli *cli, rid_err *err)
{
    rid_gt_convert_options o;
    const rid_status st = rid_gt_options_convert(cli, &o, err);
    return st == RID_OK ? rid_gt_convert_run(&o, rid_cli_summary(cli), err) : st;
}

static rid_status run_merge(rid_cli *cli, rid_err *err)
{
    rid_gt_convert_options o;
    const rid_status st = rid_gt_options_merge(cli, &o, err);
    return st == RID_OK ? rid_gt_convert_run(&o, rid_cli_summary(cli), err) : st;
}

static rid_status run_split(rid_cli *cli, rid_err *err)
{
    rid_gt_split_options o;
    const rid_status st = rid_gt_options_split(cli, &o, err);
    return st == RID_OK ? rid_gt_split_run(&o, rid_cli_summary(cli), err) : st;
}

static const char description[] =
    "Works on ground truth in all its forms: an object entry_id: person_id (entries), a document of"
    " persons or of an entry_map (map), manifests, whose people are then <day>/<person_id>. "
    "Entries and"
    " persons with include: false are left out. Alias, first_seen and other notes are kept as far "
    "as the"
    " form can say them; what is lost is said.\n\n"
    "check lists labels that differ, labelled entries that are in no store, entries without a "
    "label,"
    " people across stores and days, people with no entry or one. The report is written in every "
    "case;"
    " then exit code 65 says that labels differ, which no other tool accepts, and 4 that an "
    "--assert"
    " does not hold. diff tells people that were split, merged, renamed, and entries that moved, "
    "were"
    " added or removed.\n\n"
    "convert --to pairs lists the labelled entries of each bucket two and two; from --pairs, "
    "entries"
    " that pairs of one person connect become a person. merge refuses labels that differ unless"
    " --prefer decides.\n\n"
    "split decides a person's, store's or day's part by a hash of its id and the seed. -o DIR gets"
    " DIR/train.json and so on; -o X.json stands for X-train.json and so on.";

static const char examples[] =
    "# is it fit for tonight's stores?\n"
    "rid-gt check --gt gt.json --assert 'unknown == 0' --assert 'across_stores == 0' day*.h5\n"
    "# corrected manifests as ground truth; what changed since last week\n"
    "rid-gt merge -o gt.json manifests/2025-11-06/*.json\n"
    "rid-gt diff old.json gt.json\n"
    "# pairs, as many of different people as of one\n"
    "rid-gt convert --gt gt.json --to pairs --max-same 5000 --max-different 5000 -o pairs.csv "
    "day*.h5\n"
    "# ground truth for sweep, calibration and evaluation, whole stores in each\n"
    "rid-gt split --gt gt.json --by store --assign quota -o parts/ day*.h5";

int main(int argc, char **argv)
{
    static const rid_command commands[] = {
        {"check", "--gt FILE [STORE…]",
         "what is wrong or worth knowing, with the first cases of each",
         "gt limit cases json assert output", run_check, RID_PATHS_STDOUT},
        {"convert", "--gt FILE --to FORM [STORE…]",
         "another form; pairs need the stores whose buckets they are of",
         "gt pairs to max-same max-different"
         " limit cases output",
         run_convert, RID_PATHS_STDOUT},
        {"split", "--gt FILE -o DIR [STORE…]",
         "documents for parts by person, store or day (stores needed), none on two sides",
         "gt by fractions names assign to limit json output", run_split, RID_PATHS_DERIVED},
        {"merge", "[--prefer first|last] FILE…",
         "one document of many; labels that differ are errors", "prefer to cases output", run_merge,
         RID_PATHS_STDOUT},
        {"diff", "OLD NEW", "people split, merged, renamed; entries moved, added, removed",
         "cases json assert output", run_diff, RID_PATHS_STDOUT},
        {0}};
    static const rid_tool tool = {
        .name = "gt",
        .bit = RID_TOOL_GT,
        .summary = "check, convert, split, merge and compare ground truth",
        .arguments = "FILE…",
        .description = description,
        .examples = examples,
        .commands = commands,
    };
    rid_cli_main(&tool, argc, argv);
}
