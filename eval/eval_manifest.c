#include "eval/eval_manifest.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "eval/judged_sums.h"
#include "eval/manifest_report.h"

static const double CONFIDENCE = 0.95;

typedef struct job {
    const rid_eval_manifest_options *o;
    rid_clustering clustering;
    rid_labels *labels; /* NULL without ground truth */
    rid_bucket_pairs pairs;
    rid_judgement judgement;
    rid_cluster_errors errors;
    rid_interval intervals[RID_SURE_FIGURES];
} job;

static rid_manifest_report report_of(const job *j)
{
    return (rid_manifest_report){.judgement = &j->judgement,
                                 .pairs = j->o->n_pairs > 0 ? &j->pairs : NULL,
                                 .errors = j->o->n_gt > 0 ? &j->errors : NULL,
                                 .intervals = j->intervals};
}

static rid_status place_pairs(job *j, const rid_pairs *pairs, rid_err *err)
{
    const size_t n = rid_pairs_id_count(pairs);
    rid_pair_place *at = rid_mem_alloc(n, sizeof *at);
    for (uint32_t i = 0; at && i < n; i++) {
        rid_clustered_place place;
        at[i].bucket = UINT32_MAX;
        if (rid_clustering_find(&j->clustering, rid_pairs_id(pairs, i), &place))
            at[i] = (rid_pair_place){place.bucket, place.row};
    }
    rid_status st = at ? rid_bucket_pairs_place(&j->pairs, pairs, at, j->clustering.n_buckets, err)
                       : RID_FAIL_NOMEM(err);
    rid_mem_free(at);
    return st;
}

static rid_status read_pairs(job *j, rid_err *err)
{
    rid_pairs *pairs = NULL;
    if (j->o->n_pairs == 0)
        return RID_OK;
    rid_status st = rid_pairs_read(&pairs, j->o->pairs, j->o->n_pairs, err);
    if (st == RID_OK)
        st = place_pairs(j, pairs, err);
    if (st == RID_OK && rid_pairs_count(pairs) > 0)
        st = rid_bucket_pairs_check(&j->pairs, pairs, "document", err);
    rid_pairs_free(pairs);
    return st;
}

static rid_status judge(job *j, rid_err *err)
{
    rid_status st = read_pairs(j, err);
    if (st == RID_OK)
        st = rid_judge(&j->judgement, &j->clustering, j->labels, NULL,
                       j->o->n_pairs > 0 ? &j->pairs : NULL, err);
    if (st == RID_OK && j->labels && j->judgement.n_labelled == 0 && j->clustering.n_entries > 0)
        st = RID_FAIL(err, RID_EDATA,
                      "no entry of the documents has a label (%zu entries, %zu labels)",
                      j->clustering.n_entries, rid_labels_count(j->labels));
    if (st == RID_OK && j->labels)
        st = rid_cluster_errors_find(&j->errors, &j->judgement, err);
    if (st == RID_OK && j->labels)
        st = rid_judged_intervals(j->intervals, &j->judgement, rid_labels_person_count(j->labels),
                                  j->o->bootstrap, CONFIDENCE, j->o->seed, err);
    if (st == RID_OK && j->judgement.n_joined_outside > 0)
        rid_log(RID_LOG_WARN,
                "%zu labelled entries joined an entry that is not in the documents (a view, or a "
                "part of them):"
                " they count in to_unlabelled alone",
                j->judgement.n_joined_outside);
    if (st == RID_OK && j->clustering.n_inferred > 0)
        rid_log(RID_LOG_WARN,
                "%zu entries do not say which entry they joined: the latest of their person before "
                "them is"
                " taken for it",
                j->clustering.n_inferred);
    return st;
}

static rid_status write_errors(const job *j, rid_publish **publish, rid_err *err)
{
    rid_buf text = {0};
    rid_cluster_errors_write(&text, &j->errors, &j->judgement, j->labels);
    return rid_eval_output_publish_text(publish, &text, err);
}

static rid_status run(job *j, rid_eval_output *out, rid_publish **errors, const char *const *paths,
                      size_t n_paths, rid_summary *summary, rid_progress *progress, rid_err *err)
{
    rid_metric_set m = {0};
    rid_status st = RID_OK;
    double start = rid_clock_s();
    if (j->o->n_gt > 0)
        st = rid_labels_read(&j->labels, j->o->gt, j->o->n_gt, err);
    if (st == RID_OK)
        st = rid_clustering_read(&j->clustering, paths, n_paths, NULL, NULL, j->o->limit, 1,
                                 summary, progress, err);
    rid_progress_finish(progress, j->clustering.n_buckets, j->clustering.n_buckets);
    rid_summary_add_stage(summary, "read", rid_clock_s() - start);
    start = rid_clock_s();
    if (st == RID_OK)
        st = judge(j, err);
    if (st == RID_OK && *errors)
        st = write_errors(j, errors, err);
    if (st != RID_OK)
        return st;
    const rid_manifest_report report = report_of(j);
    rid_manifest_report_figures(&m, &report);
    rid_eval_output_begin(out, &m);
    st = rid_manifest_report_write(out, j->o->output.json, &report, err);
    if (st == RID_OK)
        st = rid_eval_output_finish(out, err);
    rid_summary_add_stage(summary, "evaluate", rid_clock_s() - start);
    return st;
}

/* Assertions on figures that ground truth, or pairs, alone give. */
static rid_status check_assertions(const job *j, const rid_metric_set *names, rid_err *err)
{
    rid_manifest_report judged = report_of(j), paired = judged;
    rid_metric_set with_gt = {0}, with_pairs = {0};
    judged.errors = &j->errors;
    paired.pairs = &j->pairs;
    rid_manifest_report_figures(&with_gt, &judged);
    rid_manifest_report_figures(&with_pairs, &paired);
    const rid_status st =
        rid_eval_output_check_needs(&j->o->output, names, &with_gt, "--gt FILE", err);
    return st == RID_OK
               ? rid_eval_output_check_needs(&j->o->output, names, &with_pairs, "--pairs FILE", err)
               : st;
}

rid_status rid_eval_manifest(const rid_eval_manifest_options *o, const char *const *paths,
                             size_t n_paths, rid_summary *summary, rid_progress *progress,
                             rid_err *err)
{
    job j = {.o = o, .judgement.clustering = &j.clustering};
    const rid_manifest_report report = report_of(&j);
    rid_metric_set names = {0};
    rid_eval_output *out = NULL;
    rid_publish *errors = NULL;
    rid_manifest_report_figures(&names, &report);
    rid_status st = check_assertions(&j, &names, err);
    if (st == RID_OK)
        st = rid_eval_output_open(&out, &o->output, "manifest", &names, err);
    if (st == RID_OK && o->errors && !o->output.dry_run)
        st = rid_publish_begin(&errors, o->errors, o->output.force, err);
    if (st == RID_OK)
        st = run(&j, out, &errors, paths, n_paths, summary, progress, err);
    rid_publish_abort(errors);
    rid_eval_output_free(out);
    rid_cluster_errors_clear(&j.errors);
    rid_judgement_clear(&j.judgement);
    rid_bucket_pairs_clear(&j.pairs);
    rid_clustering_clear(&j.clustering);
    rid_labels_free(j.labels);
    return st;
}
