#include "tools/encoder_options.h"

#include "data/base/log.h"

#include <string.h>
#include <unistd.h>

rid_filter rid_encoder_options_filter(const rid_cli *cli)
{
    return (rid_filter){
        .on = rid_cli_flag(cli, "filter"),
        .duplicate_cos = rid_cli_float(cli, "filter-duplicate-cos"),
        .outlier_z = rid_cli_float(cli, "filter-outlier-z"),
        .max_drop = rid_cli_int(cli, "filter-max-drop"),
        .min_keep = rid_cli_int(cli, "filter-min-keep"),
        .max_frames = rid_cli_int(cli, "filter-max-frames"),
        .empty = strcmp(rid_cli_str(cli, "empty"), "fallback") == 0 ? RID_EMPTY_FALLBACK : RID_EMPTY_SKIP,
    };
}

static void read_filter(rid_model_options *m, const rid_cli *cli)
{
    static const struct {
        const char *name;
        unsigned bit;
    } given[] = {{"filter", RID_GIVEN_ON},
                 {"filter-duplicate-cos", RID_GIVEN_DUPLICATE_COS},
                 {"filter-outlier-z", RID_GIVEN_OUTLIER_Z},
                 {"filter-max-drop", RID_GIVEN_MAX_DROP},
                 {"filter-min-keep", RID_GIVEN_MIN_KEEP},
                 {"filter-max-frames", RID_GIVEN_MAX_FRAMES},
                 {"empty", RID_GIVEN_EMPTY}};
    m->filter = rid_encoder_options_filter(cli);
    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++)
        if (rid_cli_origin_of(cli, given[i].name) != RID_FROM_DEFAULT)
            m->given |= given[i].bit;
}

/* Without it a forgotten input looks like a program that hangs. */
static void mention_terminal(const rid_cli *cli)
{
    const char *const *inputs;
    size_t n = rid_cli_args(cli, &inputs);
    bool from_stdin = n == 0 || (n == 1 && strcmp(inputs[0], "-") == 0);
    if (from_stdin && isatty(STDIN_FILENO))
        rid_log(RID_LOG_INFO, "reading payloads from the terminal; Ctrl-D ends them");
}

rid_status rid_encoder_options_model(rid_model_options *model, const rid_cli *cli, rid_err *err)
{
    bool mean = rid_cli_is_set(cli, "encoder");
    *model = (rid_model_options){
        .checkpoint = mean ? NULL : rid_cli_str(cli, "ckpt"),
        .vis_dim = (size_t)rid_cli_int(cli, "vis-dim"),
        .schema_path = rid_cli_str(cli, "schema"),
        .schema_given = rid_cli_origin_of(cli, "schema") != RID_FROM_DEFAULT,
        .threads = rid_cli_threads(cli),
    };
    read_filter(model, cli);
    if (mean && rid_cli_origin_of(cli, "ckpt") >= rid_cli_origin_of(cli, "encoder") &&
        rid_cli_origin_of(cli, "ckpt") == RID_FROM_FLAG)
        return RID_FAIL(err, RID_EUSAGE, "--ckpt and --encoder mean exclude each other");
    if (!mean && !model->checkpoint)
        return RID_FAIL(err, RID_EUSAGE,
                        "no encoder: give a checkpoint (--ckpt model.pt or MODEL_CKPT), or take the"
                        " baseline without one (--encoder mean)");
    mention_terminal(cli);
    return RID_OK;
}
