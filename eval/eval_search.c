#include "eval/eval_search.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/csv.h"
#include "data/plain.h"

#include <math.h>

enum { CMC_RANKS = 50 };

typedef struct job {
    const rid_eval_search_options *o;
    rid_rerank_options rerank; /* where o->rerank */
    rid_search_data data;
    rid_ranking_query *queries; /* (data.n) */
    rid_score_counts *scores;
    rid_ranking ranking;
    rid_separation separation;
    rid_open_set open;
} job;

/* ---- ranking ---- */

/* Who takes part in re-ranking: labelled entries that can be found or are looked for. */
static uint8_t *mark_part(const rid_search_data *d)
{
    uint8_t *part = rid_mem_alloc(d->n, 1);
    for (size_t i = 0; part && i < d->n; i++)
        part[i] = d->person[i] != RID_UNLABELLED && d->usable[i];
    return part;
}

static rid_status rerank(const job *j, rid_rerank **out, rid_err *err)
{
    const rid_ranking_input r = rid_search_data_ranking(&j->data);
    uint8_t *part = mark_part(&j->data);
    const rid_rerank_input in = {
        .emb = r.emb, .n = r.n, .dim = r.dim, .part = part, .group = r.group};
    const rid_status st =
        part ? rid_rerank_new(out, &in, &j->rerank, j->o->threads, err) : RID_FAIL_NOMEM(err);
    rid_mem_free(part);
    return st;
}

static rid_status rank(job *j, rid_summary *summary, rid_progress *progress, rid_err *err)
{
    rid_ranking_input in = rid_search_data_ranking(&j->data);
    rid_rerank *reranked = NULL;
    rid_status st = RID_OK;
    double start = rid_clock_s();
    j->queries = rid_mem_alloc(j->data.n, sizeof *j->queries);
    j->scores = rid_mem_alloc(1, sizeof *j->scores);
    if (!j->queries || !j->scores)
        return RID_FAIL_NOMEM(err);
    if (j->o->rerank) {
        st = rerank(j, &reranked, err);
        rid_summary_add_stage(summary, "rerank", rid_clock_s() - start);
        start = rid_clock_s();
    }
    in.rerank = reranked;
    const rid_ranking_details details = {j->queries, j->scores, &j->separation, progress};
    if (st == RID_OK)
        st = rid_ranking_run_details(&j->ranking, &details, &in, j->o->threads, err);
    if (st == RID_OK)
        st = rid_open_set_measure(&j->open, j->queries, j->data.n, err);
    const size_t n = j->ranking.n_queries + j->ranking.n_without_positive;
    rid_progress_finish(progress, n, n);
    rid_summary_add_stage(summary, "rank", rid_clock_s() - start);
    rid_rerank_free(reranked);
    return st;
}

/* ---- figures ---- */

static void list_figures(rid_metric_set *m, const job *j)
{
    const rid_search_data *d = &j->data;
    rid_metrics_add_count(m, "entries", d->n);
    rid_metrics_add_count(m, "labelled", d->n_labelled);
    rid_metrics_add_count(m, "unlabelled", d->n - d->n_labelled);
    rid_metrics_add_count(m, "excluded", d->n_excluded);
    rid_metrics_add_count(m, "skipped", d->n_skipped);
    rid_metrics_add_count(m, "labels_without_entry", d->n_absent);
    rid_metrics_add_count(m, "queries", j->ranking.n_queries);
    rid_metrics_add_count(m, "queries_without_positive", j->ranking.n_without_positive);
    rid_metrics_add_ranking(m, &j->ranking);
    rid_metrics_add_separation(m, &j->separation);
    rid_metrics_add_open_set(m, &j->open);
}

/* Of the queries with a positive, the share that have one among their first 1, 2, … */
static void put_cmc(rid_jsonw *w, const job *j)
{
    size_t first[CMC_RANKS + 1] = {0}, found = 0;
    for (size_t i = 0; i < j->data.n; i++)
        if (j->queries[i].is_query && j->queries[i].first <= CMC_RANKS)
            first[j->queries[i].first]++;
    rid_jsonw_key(w, "cmc");
    rid_jsonw_begin_array(w);
    for (size_t r = 1; r <= CMC_RANKS && j->ranking.n_queries > 0; r++) {
        found += first[r];
        rid_jsonw_f64(w, (double)found / (double)j->ranking.n_queries);
    }
    rid_jsonw_end_array(w);
}

static void put_settings(rid_jsonw *w, const job *j)
{
    const rid_search_input *in = &j->o->input;
    rid_jsonw_key(w, "encoder_hash");
    rid_jsonw_cstr(w, rid_store_set_info(&j->data.set)->encoder_hash);
    rid_jsonw_key(w, "within");
    rid_jsonw_cstr(w, in->within_buckets ? "bucket" : "all");
    rid_jsonw_key(w, "buckets");
    if (in->within_buckets)
        rid_jsonw_u64(w, j->data.n_groups);
    else
        rid_jsonw_null(w);
    rid_jsonw_key(w, "exclude_same");
    rid_jsonw_cstr(w, in->cameras ? "camera" : "none");
    rid_jsonw_key(w, "leave_one_out");
    rid_jsonw_bool(w, !j->data.query);
    rid_jsonw_key(w, "rerank");
    if (!j->o->rerank) {
        rid_jsonw_null(w);
        return;
    }
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, "k1");
    rid_jsonw_u64(w, j->rerank.k1);
    rid_jsonw_key(w, "k2");
    rid_jsonw_u64(w, j->rerank.k2);
    rid_jsonw_key(w, "lambda");
    rid_jsonw_f64(w, j->rerank.lambda);
    rid_jsonw_end_object(w);
}

/* ---- queries, one by one ---- */

static void append_number(rid_buf *out, double value)
{
    rid_buf_append_char(out, ',');
    if (isfinite(value))
        rid_jsonw_f64(&(rid_jsonw){.out = out}, value);
}

static void append_query(rid_buf *out, const job *j, size_t i)
{
    const rid_ranking_query *q = &j->queries[i];
    rid_csv_append_field(out, rid_search_data_id(&j->data, i));
    rid_buf_append_char(out, ',');
    rid_csv_append_field(out, rid_labels_person(j->data.labels, j->data.person[i]));
    rid_buf_printf(out, ",%u,", q->n_positives);
    if (q->first > 0)
        rid_buf_printf(out, "%u", q->first);
    append_number(out, q->ap);
    append_number(out, q->inp);
    append_number(out, (double)q->best_positive);
    append_number(out, (double)q->best_negative);
    rid_buf_append_char(out, '\n');
}

static rid_status write_queries(const job *j, rid_publish **publish, rid_err *err)
{
    rid_buf text = {0};
    rid_buf_append_str(
        &text, "entry_id,person_id,positives,first_rank,ap,inp,best_positive,best_negative\n");
    for (size_t i = 0; i < j->data.n; i++)
        if (j->queries[i].is_query)
            append_query(&text, j, i);
    return rid_eval_output_publish_text(publish, &text, err);
}

/* ---- all of it ---- */

static void say_what_is_there(const job *j, rid_summary *summary)
{
    const rid_search_data *d = &j->data;
    summary->read = d->set.n_read;
    summary->accepted = d->n;
    summary->duplicates = d->set.n_duplicates;
    summary->skipped = d->n_skipped;
    if (d->n_labelled < d->n)
        rid_log(RID_LOG_WARN,
                "%zu of %zu entries have no label (%zu of them left out by ground truth): they are "
                "neither"
                " asked for nor found",
                d->n - d->n_labelled, d->n, d->n_excluded);
    if (d->n_absent > 0)
        rid_log(RID_LOG_WARN, "%zu %s not in the stores", d->n_absent,
                rid_noun(d->n_absent, "label is of an entry that is",
                         "labels are of entries that are"));
    if (d->n_unknown_ids > 0)
        rid_log(RID_LOG_WARN, "%zu %s of %s: of no entry of the stores", d->n_unknown_ids,
                rid_noun(d->n_unknown_ids, "id", "ids"), j->o->input.query_ids);
    if (d->n_without_camera > 0)
        rid_log(RID_LOG_WARN, "%zu labelled %s no camera: nothing is left out there",
                d->n_without_camera, rid_noun(d->n_without_camera, "entry names", "entries name"));
}

static rid_status run(job *j, rid_eval_output *out, rid_publish **per_query, rid_summary *summary,
                      rid_progress *progress, rid_err *err)
{
    rid_metric_set m = {0};
    const double start = rid_clock_s();
    rid_status st = rid_search_data_read(&j->data, &j->o->input, err);
    rid_summary_add_stage(summary, "open", rid_clock_s() - start);
    if (st != RID_OK)
        return st;
    say_what_is_there(j, summary);
    st = rank(j, summary, progress, err);
    if (st == RID_OK && *per_query)
        st = write_queries(j, per_query, err);
    if (st != RID_OK)
        return st;
    if (j->ranking.n_queries == 0)
        rid_log(RID_LOG_WARN,
                "no query has a positive: of no person with a query there is another entry among"
                " those looked through (queries: %zu)",
                j->ranking.n_without_positive);
    list_figures(&m, j);
    rid_eval_output_begin(out, &m);
    if (j->o->output.json) {
        put_settings(rid_eval_output_json(out), j);
        put_cmc(rid_eval_output_json(out), j);
        rid_eval_output_put_roc(out, j->scores);
    }
    return rid_eval_output_finish(out, err);
}

rid_status rid_eval_search(const rid_eval_search_options *o, rid_summary *summary,
                           rid_progress *progress, rid_err *err)
{
    job j = {.o = o};
    rid_metric_set names = {0};
    rid_eval_output *out = NULL;
    rid_publish *per_query = NULL;
    if (o->input.n_queries > 0 && o->input.query_ids)
        return RID_FAIL(err, RID_EUSAGE, "--query and --query-ids: give one of them");
    if (o->rerank && !rid_rerank_parse(o->rerank, &j.rerank))
        return RID_FAIL(
            err, RID_EUSAGE,
            "--rerank: '%s' is not K1,K2,LAMBDA, as in 20,6,0.3 (K1, K2 from 1 to %d, LAMBDA from"
            " 0 to 1)",
            o->rerank, RID_RERANK_K_MAX);
    list_figures(&names, &j);
    rid_status st = rid_eval_output_open(&out, &o->output, "search", &names, err);
    if (st == RID_OK && o->per_query && !o->output.dry_run)
        st = rid_publish_begin(&per_query, o->per_query, o->output.force, err);
    if (st == RID_OK)
        st = run(&j, out, &per_query, summary, progress, err);
    rid_publish_abort(per_query);
    rid_eval_output_free(out);
    rid_mem_free(j.queries);
    rid_mem_free(j.scores);
    rid_search_data_clear(&j.data);
    return st;
}
