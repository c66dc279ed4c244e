#include "tools/eval_options.h"

void rid_eval_read_output(const rid_cli *cli, rid_eval_output_options *o)
{
    *o = (rid_eval_output_options){.path = rid_cli_str(cli, "output"),
                                   .json = rid_cli_flag(cli, "json"),
                                   .force = rid_cli_flag(cli, "force"),
                                   .dry_run = rid_cli_flag(cli, "dry-run")};
    o->n_assertions = rid_cli_list(cli, "assert", &o->assertions);
}

rid_status rid_eval_read_inputs(const rid_cli *cli, const char *const **paths, size_t *n,
                                const char *what, rid_err *err)
{
    *n = rid_cli_args(cli, paths);
    return *n > 0 ? RID_OK : RID_FAIL(err, RID_EUSAGE, "no %s given", what);
}

static const char *origin(const rid_cli *cli, const char *name)
{
    return rid_cli_origin_name(rid_cli_origin_of(cli, name));
}

rid_status rid_eval_read_point(const rid_cli *cli, rid_operating_point *p, rid_err *err)
{
    *p = (rid_operating_point){.rule = {.threshold = rid_cli_float(cli, "threshold"),
                                        .margin = rid_cli_float(cli, "margin")},
                               .threshold_from = origin(cli, "threshold"),
                               .margin_from = origin(cli, "margin"),
                               .nn2_from = origin(cli, "nn2")};
    return rid_nn2_parse(rid_cli_str(cli, "nn2"), &p->rule.nn2)
               ? RID_OK
               : RID_FAIL(err, RID_EFAIL, "a choice of the option table is not known");
}
