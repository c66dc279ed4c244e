#include "tools/gt_options.h"

#include "tools/truth_options.h"

#include <string.h>

static bool is_choice(const rid_cli *cli, const char *name, const char *choice)
{
    const char *value = rid_cli_str(cli, name);
    return value && strcmp(value, choice) == 0;
}

/* --gt, at least one. */
static rid_status read_gt(const rid_cli *cli, const char *const **gt, size_t *n, rid_err *err)
{
    *n = rid_cli_list(cli, "gt", gt);
    return *n > 0 ? RID_OK : RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE");
}

static const char *output_of(const rid_cli *cli)
{
    return rid_cli_is_set(cli, "output") ? rid_cli_str(cli, "output") : "-";
}

static void read_report(const rid_cli *cli, rid_eval_output_options *o)
{
    *o = (rid_eval_output_options){.path = output_of(cli),
                                   .json = rid_cli_flag(cli, "json"),
                                   .force = rid_cli_flag(cli, "force"),
                                   .dry_run = rid_cli_flag(cli, "dry-run")};
    o->n_assertions = rid_cli_list(cli, "assert", &o->assertions);
}

/* The form of documents; *given is false where --to is not set. */
static rid_status read_form(const rid_cli *cli, rid_gt_form *form, bool *given, rid_err *err)
{
    *given = rid_cli_is_set(cli, "to");
    if (*given && !rid_gt_form_parse(rid_cli_str(cli, "to"), form))
        return RID_FAIL(err, RID_EUSAGE, "--to %s: only convert writes them",
                        rid_cli_str(cli, "to"));
    return RID_OK;
}

rid_status rid_gt_options_check(const rid_cli *cli, rid_gt_check_options *o, rid_err *err)
{
    *o = (rid_gt_check_options){.limit = (uint64_t)rid_cli_int(cli, "limit"),
                                .cases = (size_t)rid_cli_int(cli, "cases")};
    o->n_stores = rid_cli_args(cli, &o->stores);
    read_report(cli, &o->output);
    return read_gt(cli, &o->gt, &o->n_gt, err);
}

rid_status rid_gt_options_diff(const rid_cli *cli, const char *const **paths,
                               rid_eval_output_options *o, rid_err *err)
{
    read_report(cli, o);
    return rid_cli_args(cli, paths) == 2
               ? RID_OK
               : RID_FAIL(err, RID_EUSAGE, "diff takes two files of ground truth, the older first");
}

static uint64_t read_max(const rid_cli *cli, const char *name)
{
    return rid_cli_is_set(cli, name) ? (uint64_t)rid_cli_int(cli, name) : UINT64_MAX;
}

static rid_status read_pairs_options(const rid_cli *cli, rid_gt_convert_options *o, rid_err *err)
{
    o->max_same = read_max(cli, "max-same");
    o->max_different = read_max(cli, "max-different");
    o->to_pairs = is_choice(cli, "to", "pairs");
    if (o->to_pairs && o->n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE,
                        "--to pairs needs the stores, whose buckets the pairs are of:"
                        " STORE.h5…");
    if (!o->to_pairs && o->n_stores > 0)
        return RID_FAIL(err, RID_EUSAGE,
                        "only --to pairs takes stores; more ground truth goes to --gt");
    return o->to_pairs ? RID_OK : read_form(cli, &o->form, &o->form_given, err);
}

rid_status rid_gt_options_convert(const rid_cli *cli, rid_gt_convert_options *o, rid_err *err)
{
    *o = (rid_gt_convert_options){.limit = (uint64_t)rid_cli_int(cli, "limit"),
                                  .cases = (size_t)rid_cli_int(cli, "cases"),
                                  .seed = (uint64_t)rid_cli_int(cli, "seed"),
                                  .output = output_of(cli),
                                  .force = rid_cli_flag(cli, "force"),
                                  .dry_run = rid_cli_flag(cli, "dry-run")};
    o->n_stores = rid_cli_args(cli, &o->stores);
    rid_status st = rid_truth_options_require(cli, &o->truth, err);
    if (st == RID_OK && !rid_cli_is_set(cli, "to"))
        st = RID_FAIL(err, RID_EUSAGE, "give --to entries, persons, map or pairs");
    if (st == RID_OK)
        st = read_pairs_options(cli, o, err);
    return st;
}

rid_status rid_gt_options_merge(const rid_cli *cli, rid_gt_convert_options *o, rid_err *err)
{
    *o = (rid_gt_convert_options){.prefer = is_choice(cli, "prefer", "first")  ? RID_GT_PREFER_FIRST
                                            : is_choice(cli, "prefer", "last") ? RID_GT_PREFER_LAST
                                                                               : RID_GT_PREFER_NONE,
                                  .cases = (size_t)rid_cli_int(cli, "cases"),
                                  .output = output_of(cli),
                                  .force = rid_cli_flag(cli, "force"),
                                  .dry_run = rid_cli_flag(cli, "dry-run")};
    o->truth.n_gt = rid_cli_args(cli, &o->truth.gt);
    if (o->truth.n_gt == 0)
        return RID_FAIL(err, RID_EUSAGE, "no ground truth: name the files to merge");
    return read_form(cli, &o->form, &o->form_given, err);
}

/* Where parts go: files, not standard output. */
static rid_status check_split_output(const rid_cli *cli, const rid_gt_split_options *o,
                                     rid_err *err)
{
    if (!o->output && !o->dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o DIR or -o NAME.json");
    if (o->output && strcmp(o->output, "-") == 0)
        return RID_FAIL(err, RID_EUSAGE,
                        "parts cannot go to standard output; give -o DIR or -o NAME.json");
    if (o->json && is_choice(cli, "summary-json", "-"))
        return RID_FAIL(err, RID_EUSAGE, "--json and --summary-json - both want standard output");
    return RID_OK;
}

static rid_status may_write(void *cli, const char *path, rid_err *err)
{
    return rid_cli_claim_output(cli, path, err);
}

rid_status rid_gt_options_split(rid_cli *cli, rid_gt_split_options *o, rid_err *err)
{
    *o = (rid_gt_split_options){
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
        .may_write = may_write,
        .ctx = cli,
    };
    o->n_stores = rid_cli_args(cli, &o->stores);
    rid_status st = read_gt(cli, &o->gt, &o->n_gt, err);
    if (st == RID_OK)
        st = read_form(cli, &o->form, &o->form_given, err);
    if (st != RID_OK)
        return st;
    if (o->by != RID_GT_BY_PERSON && o->n_stores == 0)
        return RID_FAIL(err, RID_EUSAGE, "--by %s needs the stores: STORE.h5…",
                        rid_cli_str(cli, "by"));
    if (o->by == RID_GT_BY_PERSON && o->n_stores > 0)
        return RID_FAIL(err, RID_EUSAGE,
                        "--by person takes no stores; more ground truth goes to --gt");
    return check_split_output(cli, o, err);
}
