#include "tools/truth_options.h"

static bool is_flag(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_of(cli, name) == RID_FROM_FLAG;
}

rid_status rid_truth_options_read(const rid_cli *cli, rid_label_files *files, rid_err *err)
{
    *files = (rid_label_files){0};
    files->n_gt = rid_cli_list(cli, "gt", &files->gt);
    files->n_pairs = rid_cli_list(cli, "pairs", &files->pairs);
    if (files->n_gt == 0 || files->n_pairs == 0)
        return RID_OK;
    if (is_flag(cli, "gt") && is_flag(cli, "pairs"))
        return RID_FAIL(err, RID_EUSAGE, "--gt and --pairs both say who is who: give one of them");
    const bool pairs = is_flag(cli, "pairs");
    rid_log(RID_LOG_WARN, "%s says who is who: %s of the configuration is not used",
            pairs ? "--pairs" : "ground truth", pairs ? "gt" : "pairs");
    *(pairs ? &files->n_gt : &files->n_pairs) = 0;
    return RID_OK;
}

rid_status rid_truth_options_require(const rid_cli *cli, rid_label_files *files, rid_err *err)
{
    const rid_status st = rid_truth_options_read(cli, files, err);
    if (st != RID_OK || files->n_gt + files->n_pairs > 0)
        return st;
    return RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE, or --pairs FILE");
}
