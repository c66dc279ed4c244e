#include "data/base/log.h"
#include "data/base/mem.h"
#include "train/train_run.h"

#include <string.h>

static const char *const NAMES[] = {
    [RID_ROW_MEAN] = "mean pooling",
    [RID_ROW_PCA] = "PCA start",
    [RID_ROW_LDA] = "LDA start",
    [RID_ROW_GIVEN] = "given start",
};

static rid_status measure(rid_train_run *run, rid_row row, rid_err *err)
{
    rid_candidate *c = &run->rows[row];
    c->name = NAMES[row];
    if (!rid_train_run_validates(run))
        return RID_OK;
    return rid_candidate_measure(c, &run->d, &run->d.set, run->o.trainer.threads, err);
}

/* needed: the training starts there; otherwise one that cannot be had is left out. */
static rid_status add_linear(rid_train_run *run, rid_row row, rid_init kind, rid_err *err)
{
    rid_err why = {0};
    rid_candidate *c = &run->rows[row];
    c->choice = (rid_linear_choice){0, -1};
    if (run->o.init != kind && !rid_train_run_validates(run))
        return RID_OK;
    rid_status st = rid_network_start(&c->params, &run->o.network, &run->d.set, run->d.train, kind,
                                      &c->choice, run->o.data.seed, RID_TRAINING_MAIN,
                                      run->o.trainer.threads, &why);
    if (st == RID_EDATA && run->o.init != kind) {
        rid_log(RID_LOG_INFO, "no %s to compare with: %s", NAMES[row], why.message);
        return RID_OK;
    }
    if (st != RID_OK) {
        *err = why;
        return st;
    }
    rid_log(RID_LOG_DEBUG, "%s: %zu dimensions, shrinkage %.3g", NAMES[row], c->choice.k,
            c->choice.shrinkage);
    return measure(run, row, err);
}

rid_status rid_train_starts(rid_train_run *run, rid_err *err)
{
    double started = rid_clock_s();
    rid_status st = measure(run, RID_ROW_MEAN, err);
    if (st == RID_OK)
        st = add_linear(run, RID_ROW_PCA, RID_INIT_PCA, err);
    if (st == RID_OK)
        st = add_linear(run, RID_ROW_LDA, RID_INIT_LDA, err);
    if (st == RID_OK && run->o.init == RID_INIT_FILE) {
        st = rid_network_load(&run->rows[RID_ROW_GIVEN].params, &run->o.network, &run->d.set,
                              run->d.schema, run->o.init_file, err);
        if (st == RID_OK)
            st = measure(run, RID_ROW_GIVEN, err);
    }
    rid_summary_add_stage(run->summary, "starts", rid_clock_s() - started);
    return st;
}

/* An ablation cannot start from a file made for the whole network. */
static rid_init kind_of(const rid_train_run *run, rid_training training)
{
    bool ablation = training == RID_TRAINING_NO_ATTRS || training == RID_TRAINING_MEAN;
    return ablation && run->o.init == RID_INIT_FILE ? RID_INIT_LDA : run->o.init;
}

static rid_status copy_start(rid_train_run *run, rid_row row, rid_checkpoint *out, rid_err *err)
{
    return rid_network_copy(out, &run->rows[row].params, err);
}

rid_status rid_train_initial(rid_train_run *run, rid_training training, rid_checkpoint *out,
                             rid_err *err)
{
    const rid_init kind = kind_of(run, training);
    const bool refit = training == RID_TRAINING_REFIT;
    const rid_row row = kind == RID_INIT_PCA ? RID_ROW_PCA : RID_ROW_LDA;
    rid_linear_choice choice = refit ? run->rows[row].choice : (rid_linear_choice){0, -1};
    rid_network network = run->o.network;
    network.mean_pool |= training == RID_TRAINING_MEAN;
    if (kind == RID_INIT_FILE)
        return copy_start(run, RID_ROW_GIVEN, out, err);
    if (training == RID_TRAINING_MAIN && kind != RID_INIT_RANDOM)
        return copy_start(run, row, out, err);
    return rid_network_start(out, &network,
                             training == RID_TRAINING_NO_ATTRS ? &run->bare : &run->d.set,
                             refit ? run->everyone : run->d.train, kind, &choice, run->o.data.seed,
                             rid_training_stream(training), run->o.trainer.threads, err);
}
