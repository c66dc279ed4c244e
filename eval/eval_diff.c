#include "eval/eval_diff.h"

#include "data/base/log.h"
#include "eval/diff_report.h"
#include "gt/pair_gaps.h"

static const double CONFIDENCE = 0.95;

typedef struct job {
    const rid_eval_diff_options *o;
    rid_clustering a, b;
    rid_labels *labels; /* NULL without ground truth */
    rid_clustering_diff diff;
    rid_judgement of_a, of_b;
    rid_diff_figure figures[RID_DIFF_FIGURES];
} job;

static bool is_judged(const job *j)
{
    return j->o->people.n_gt + j->o->people.n_pairs > 0;
}

static rid_diff_report report_of(const job *j)
{
    const bool judged = is_judged(j);
    return (rid_diff_report){.diff = &j->diff,
                             .a = judged ? &j->of_a : NULL,
                             .b = judged ? &j->of_b : NULL,
                             .figures = j->figures,
                             .confidence = CONFIDENCE};
}

static rid_status read_sides(job *j, const char *a, const char *b, rid_summary *summary,
                             rid_progress *progress, rid_err *err)
{
    const rid_eval_diff_options *o = j->o;
    const double start = rid_clock_s();
    rid_status st = RID_OK;
    if (is_judged(j))
        st = rid_labels_read_files(&j->labels, &o->people, err);
    if (st == RID_OK)
        st = rid_clustering_read(&j->a, &a, 1, &o->point, o->point_file, o->limit, o->threads,
                                 summary, progress, err);
    if (st == RID_OK)
        st = rid_clustering_read(&j->b, &b, 1, &o->point, o->point_file, o->limit, o->threads,
                                 summary, progress, err);
    rid_progress_finish(progress, j->b.n_buckets, j->b.n_buckets);
    rid_summary_add_stage(summary, "read", rid_clock_s() - start);
    return st;
}

/* Figures are of buckets; their intervals are by drawing people. */
static rid_status say_gaps(const job *j, rid_err *err)
{
    rid_sightings seen = {0};
    rid_status st = RID_OK;
    for (size_t b = 0; b < j->a.n_buckets; b++)
        for (size_t i = 0; i < j->a.buckets[b].n && st == RID_OK; i++)
            st = rid_sightings_add(&seen, (uint32_t)b, j->of_a.buckets[b].entries[i].person, err);
    if (st == RID_OK)
        st = rid_pair_gaps_say(j->labels, &seen,
                               j->o->bootstrap > 0 ? RID_GAPS_ALL : RID_GAPS_WITHIN, err);
    rid_sightings_clear(&seen);
    return st;
}

static rid_status judge(job *j, rid_err *err)
{
    rid_status st = rid_judge(&j->of_a, &j->a, j->labels, &j->b, NULL, err);
    if (st == RID_OK)
        st = rid_judge(&j->of_b, &j->b, j->labels, &j->a, NULL, err);
    if (st == RID_OK && j->of_a.n_labelled == 0 && j->diff.n_common > 0)
        st = RID_FAIL(err, RID_EDATA,
                      "no entry that both sides have has a label (%zu entries, %zu labels)",
                      j->diff.n_common, rid_labels_count(j->labels));
    if (st == RID_OK && rid_labels_are_linked(j->labels))
        st = say_gaps(j, err);
    return st == RID_OK ? rid_diff_figures_of(j->figures, &j->of_a, &j->of_b,
                                              rid_labels_person_count(j->labels), j->o->bootstrap,
                                              CONFIDENCE, j->o->seed, err)
                        : st;
}

static rid_status run(job *j, rid_eval_output *out, const char *a, const char *b,
                      rid_summary *summary, rid_progress *progress, rid_err *err)
{
    rid_metric_set m = {0};
    rid_status st = read_sides(j, a, b, summary, progress, err);
    const double start = rid_clock_s();
    if (st == RID_OK)
        st = rid_clustering_diff_find(&j->diff, &j->a, &j->b, err);
    if (st == RID_OK && j->diff.n_common == 0 && j->a.n_entries + j->b.n_entries > 0)
        st = RID_FAIL(err, RID_EDATA, "%s and %s have no entry in common", a, b);
    if (st == RID_OK && j->labels)
        st = judge(j, err);
    if (st != RID_OK)
        return st;
    if (j->diff.n_common < j->a.n_entries || j->diff.n_common < j->b.n_entries)
        rid_log(RID_LOG_WARN, "passed over, as one side alone has them: %zu of A, %zu of B",
                j->a.n_entries - j->diff.n_common, j->b.n_entries - j->diff.n_common);
    if (j->of_a.n_joined_outside + j->of_b.n_joined_outside > 0)
        rid_log(RID_LOG_WARN,
                "%zu labelled entries of A and %zu of B joined an entry that is not on both sides: "
                "they are neither"
                " hits nor false matches",
                j->of_a.n_joined_outside, j->of_b.n_joined_outside);
    const rid_diff_report report = report_of(j);
    rid_diff_report_figures(&m, &report);
    rid_eval_output_begin_plain(out, &m);
    rid_diff_report_write(out, j->o->output.json, &report);
    rid_summary_add_stage(summary, "compare", rid_clock_s() - start);
    return rid_eval_output_finish(out, err);
}

/* Assertions on figures that ground truth alone gives. */
static rid_status check_assertions(const job *j, const rid_metric_set *names, rid_err *err)
{
    rid_diff_report judged = report_of(j);
    rid_metric_set all = {0};
    judged.a = &j->of_a;
    judged.b = &j->of_b;
    rid_diff_report_figures(&all, &judged);
    return rid_eval_output_check_needs(&j->o->output, names, &all, "--gt or --pairs FILE", err);
}

rid_status rid_eval_diff(const rid_eval_diff_options *o, const char *a, const char *b,
                         rid_summary *summary, rid_progress *progress, rid_err *err)
{
    job j = {.o = o};
    j.diff.a = j.of_a.clustering = &j.a;
    j.diff.b = j.of_b.clustering = &j.b;
    const rid_diff_report report = report_of(&j);
    rid_metric_set names = {0};
    rid_eval_output *out = NULL;
    rid_diff_report_figures(&names, &report);
    rid_status st = check_assertions(&j, &names, err);
    if (st == RID_OK)
        st = rid_eval_output_open(&out, &o->output, "diff", &names, err);
    if (st == RID_OK)
        st = run(&j, out, a, b, summary, progress, err);
    rid_eval_output_free(out);
    rid_judgement_clear(&j.of_a);
    rid_judgement_clear(&j.of_b);
    rid_clustering_diff_clear(&j.diff);
    rid_clustering_clear(&j.a);
    rid_clustering_clear(&j.b);
    rid_labels_free(j.labels);
    return st;
}
