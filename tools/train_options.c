#include "tools/train_options.h"

#include "tools/encoder_options.h"

#include <string.h>
#include <unistd.h>

static bool is(const rid_cli *cli, const char *name, const char *value)
{
    return strcmp(rid_cli_str(cli, name), value) == 0;
}

static uint64_t count(const rid_cli *cli, const char *name)
{
    return (uint64_t)rid_cli_int(cli, name);
}

/* Half of what the machine has, or what was asked for. */
static uint64_t memory_of(const rid_cli *cli)
{
    uint64_t megabytes = count(cli, "memory");
    if (megabytes > 0)
        return megabytes << 20;
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : (uint64_t)1 << 30;
}

static void read_data(rid_train_data_options *d, const rid_cli *cli)
{
    *d = (rid_train_data_options){
        .source = {.limit = count(cli, "limit"), .threads = rid_cli_threads(cli)},
        .schema_path = rid_cli_str(cli, "schema"),
        .filter = rid_encoder_options_filter(cli),
        .val_fraction = rid_cli_float(cli, "val-fraction"),
        .min_entries = (size_t)count(cli, "min-entries"),
        .seed = count(cli, "seed"),
        .memory = memory_of(cli),
        .threads = rid_cli_threads(cli),
    };
    d->n_gt = rid_cli_list(cli, "gt", &d->gt);
    d->n_inputs = rid_cli_args(cli, &d->inputs);
    d->n_val_gt = rid_cli_list(cli, "val-gt", &d->val_gt);
    d->n_val_inputs = rid_cli_list(cli, "val", &d->val_inputs);
}

static void read_trainer(rid_trainer_options *t, const rid_cli *cli)
{
    *t = (rid_trainer_options){
        .feed = {.pk = {.p = (size_t)count(cli, "p"),
                        .k = (size_t)count(cli, "k"),
                        .frame_subset = rid_cli_flag(cli, "frame-subset")},
                 .attr_dropout = rid_cli_float(cli, "attr-dropout"),
                 .frame_noise = rid_cli_float(cli, "frame-noise")},
        .loss = {.distance = is(cli, "distance", "cosine") ? RID_DISTANCE_COSINE : RID_DISTANCE_EUCLIDEAN,
                 .soft = rid_cli_flag(cli, "soft-margin"),
                 .margin = rid_cli_float(cli, "margin")},
        .schedule = is(cli, "schedule", "constant") ? RID_SCHEDULE_CONSTANT : RID_SCHEDULE_COSINE,
        .lr = rid_cli_float(cli, "lr"),
        .weight_decay = rid_cli_float(cli, "weight-decay"),
        .clip_norm = rid_cli_float(cli, "clip-norm"),
        .warmup = count(cli, "warmup"),
        .epochs = count(cli, "epochs"),
        .max_steps = count(cli, "max-steps"),
        .val_every = count(cli, "val-every"),
        .patience = count(cli, "patience"),
        .select = is(cli, "select", "f1")      ? RID_SELECT_F1
                  : is(cli, "select", "rank1") ? RID_SELECT_RANK1
                                               : RID_SELECT_MAP,
        .threads = rid_cli_threads(cli),
    };
}

static void read_init(rid_train_options *o, const rid_cli *cli)
{
    static const struct {
        const char *name;
        rid_init init;
    } known[] = {{"lda", RID_INIT_LDA}, {"pca", RID_INIT_PCA}, {"random", RID_INIT_RANDOM}};
    o->init = RID_INIT_FILE;
    o->init_file = rid_cli_str(cli, "init");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(o->init_file, known[i].name) == 0)
            o->init = known[i].init;
}

static rid_status check(const rid_train_options *o, const rid_cli *cli, rid_err *err)
{
    if (o->data.n_gt == 0)
        return RID_FAIL(err, RID_EUSAGE, "no ground truth: give --gt FILE, which entry is which person");
    if (!o->folder && !o->dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o RUN_DIR");
    if (o->data.n_inputs == 0)
        return RID_FAIL(err, RID_EUSAGE, "no input: give stores with frames, or payload files (- for standard"
                                         " input)");
    if (o->data.n_val_gt > 0 && rid_cli_origin_of(cli, "val-fraction") == RID_FROM_FLAG)
        return RID_FAIL(err, RID_EUSAGE,
                        "--val-gt says who validates, --val-fraction would choose others: give"
                        " one of them");
    if (o->data.n_val_inputs > 0 && o->data.n_val_gt == 0)
        return RID_FAIL(err, RID_EUSAGE,
                        "--val is where the entries of --val-gt are: give that, too");
    if (o->resume && o->force)
        return RID_FAIL(err, RID_EUSAGE, "--resume and --force exclude each other");
    if (o->trace_params > 0 && !o->trace)
        return RID_FAIL(err, RID_EUSAGE, "--trace-params says how many steps, --trace DIR where");
    if (o->network.xattn && o->network.mean_pool)
        return RID_FAIL(err, RID_EUSAGE, "--pool mean is the baseline's; xattn pools by attention");
    return RID_OK;
}

rid_status rid_train_options_read(rid_train_options *o, const rid_cli *cli, rid_err *err)
{
    *o = (rid_train_options){
        .network = {.emb_dim = (size_t)count(cli, "emb-dim"),
                    .xattn = is(cli, "fusion", "xattn"),
                    .mean_pool = is(cli, "pool", "mean"),
                    .dropout = rid_cli_float(cli, "dropout")},
        .device = is(cli, "device", "cuda")   ? RID_NN_CUDA
                  : is(cli, "device", "auto") ? RID_NN_AUTO
                                              : RID_NN_CPU,
        .refit = rid_cli_flag(cli, "refit"),
        .ablate = rid_cli_flag(cli, "ablate"),
        .require_improvement = rid_cli_flag(cli, "require-improvement"),
        .resume = rid_cli_flag(cli, "resume"),
        .force = rid_cli_flag(cli, "force"),
        .dry_run = rid_cli_flag(cli, "dry-run"),
        .save_every_s = rid_cli_float(cli, "save-every"),
        .folder = rid_cli_str(cli, "output"),
        .trace = rid_cli_str(cli, "trace"),
        .trace_params = count(cli, "trace-params"),
        .max_rejects = rid_cli_count_or_percent(cli, "max-rejects"),
    };
    read_data(&o->data, cli);
    read_trainer(&o->trainer, cli);
    read_init(o, cli);
    return check(o, cli, err);
}
