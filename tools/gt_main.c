/* rid-gt: check, convert, split, merge and compare ground truth. */
#include "gt/gt_split.h"
#include "tools/cli.h"

#include <string.h>

/* --gt, at least one. */
static rid_status read_gt(const rid_cli *cli, const char *const **gt, size_t *n, rid_err *err)
{
    *n = rid_cli_list(cli, "gt", gt);
    return *n > 0 ? RID_OK : RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE");
}

static bool is_choice(const rid_cli *cli, const char *name, const char *choice)
{
    const char *value = rid_cli_str(cli, name);
    return value && strcmp(value, choice) == 0;
}

/* The form to write; *given is false where --to is not set. */
static rid_status read_form(const rid_cli *cli, rid_gt_form *form, bool *given, rid_err *err)
{
    *given = rid_cli_is_set(cli, "to");
    if (*given && !rid_gt_form_parse(rid_cli_str(cli, "to"), form))
        return RID_FAIL(err, RID_EUSAGE, "--to %s: only convert writes them", rid_cli_str(cli, "to"));
    return RID_OK;
}

static rid_status run_split(rid_cli *cli, rid_err *err)
{
    rid_gt_split_options o = {
        .limit = (uint64_t)rid_cli_int(cli, "limit"),
        .by = is_choice(cli, "by", "store") ? RID_GT_BY_STORE
              : is_choice(cli, "by", "day") ? RID_GT_BY_DAY
                                            : RID_GT_BY_PERSON,
        .fractions = rid_cli_str(cli, "fractions"),
        .names = rid_cli_str(cli, "names"),
        .rule = is_choice(cli, "assign", "quota") ? RID_SPLIT_QUOTA : RID_SPLIT_HASH,
        .seed = (uint64_t)rid_cli_int(cli, "seed"),
        .output = rid_cli_str(cli, "output"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .json = rid_cli_flag(cli, "json"),
    };
    rid_status st = read_gt(cli, &o.gt, &o.n_gt, err);
    if (st == RID_OK)
        st = read_form(cli, &o.form, &o.form_given, err);
    if (st != RID_OK)
        return st;
    o.n_stores = rid_cli_args(cli, &o.stores);
    if (o.by != RID_GT_BY_PERSON && o.n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE, "--by %s needs the stores: STORE.h5…", rid_cli_str(cli, "by"));
    if (o.by == RID_GT_BY_PERSON && o.n_stores > 0)
        return RID_FAIL(err, RID_EUSAGE, "--by person takes no stores; more ground truth goes to --gt");
    if (!o.output && !o.dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o DIR or -o NAME.json");
    if (o.output && strcmp(o.output, "-") == 0)
        return RID_FAIL(err, RID_EUSAGE, "parts cannot go to standard output; give -o DIR or -o NAME.json");
    if (o.json && is_choice(cli, "summary-json", "-"))
        return RID_FAIL(err, RID_EUSAGE, "--json and --summary-json - both want standard output");
    return rid_gt_split_run(&o, rid_cli_summary(cli), err);
}

int main(int argc, char **argv)
{
    static const rid_command commands[] = {
        {"split", "--gt FILE -o DIR [STORE…]",
         "documents for parts by person, store or day (stores needed), none on two sides",
         "gt by fractions names assign to json limit output", run_split},
        {0}};
    static const rid_tool tool = {
        .name = "gt",
        .bit = RID_TOOL_GT,
        .summary = "check, convert, split, merge and compare ground truth",
        .arguments = "FILE…",
        .description =
            "Works on ground truth in all its forms: an object entry_id: person_id, a document of"
            " persons or of an entry_map, manifests (whose people are then <day>/<person_id>).\n\n"
            "Splitting: a person's, store's or day's part is decided by a hash of its id and the seed."
            " -o DIR gets DIR/train.json and so on; -o X.json stands for X-train.json and so on.",
        .examples = "# ground truth for sweep, calibration and evaluation, whole stores in each\n"
                    "rid-gt split --gt gt.json --by store --assign quota -o parts/ day*.h5",
        .commands = commands,
    };
    rid_cli_main(&tool, argc, argv);
}
