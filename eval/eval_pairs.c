#include "eval/eval_pairs.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/h5file.h"
#include "eval/kernel.h"
#include "gt/bucket_pairs.h"
#include "gt/labels.h"

enum { DRAWN_MAX = 10000000 };

typedef struct job {
    const rid_eval_pairs_options *o;
    rid_store_set set;
    rid_bucket *buckets;
    size_t n_buckets;
    rid_bucket_pairs pairs;
    float *score; /* (n): of the pairs that have one */
    bool *same;   /* (n) */
    size_t n, n_same, n_skipped;
    rid_summary *summary;
} job;

/* ---- pairs ---- */

static rid_status read_listed(job *j, rid_err *err)
{
    rid_pairs *listed = NULL;
    rid_status st = rid_pairs_read(&listed, j->o->pairs, j->o->n_pairs, err);
    if (st == RID_OK)
        st = rid_bucket_pairs_bind(&j->pairs, listed, &j->set, j->buckets, j->n_buckets, err);
    if (st == RID_OK && rid_pairs_count(listed) > 0)
        st = rid_bucket_pairs_check(&j->pairs, listed, "store", err);
    rid_pairs_free(listed);
    return st;
}

static rid_status label(const job *j, const rid_labels *labels, const rid_bucket *b,
                        rid_bucket_labels *out, rid_err *err)
{
    uint32_t *person = rid_mem_alloc(b->n, sizeof *person);
    *out = (rid_bucket_labels){person, b->n};
    for (size_t i = 0; person && i < b->n; i++)
        if (!rid_labels_find(labels, rid_store_set_meta(&j->set, b->places[i]).text[RID_TEXT_ID],
                             &person[i]))
            person[i] = RID_UNLABELLED;
    return person ? RID_OK : RID_FAIL_NOMEM(err);
}

static rid_status derive(job *j, rid_err *err)
{
    const rid_pair_sampling sampling = {DRAWN_MAX, DRAWN_MAX, j->o->seed};
    rid_labels *labels = NULL;
    rid_bucket_labels *of = rid_mem_zalloc(j->n_buckets, sizeof *of);
    rid_status st = of ? rid_labels_read(&labels, j->o->gt, j->o->n_gt, err) : RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < j->n_buckets && st == RID_OK; b++)
        st = label(j, labels, &j->buckets[b], &of[b], err);
    if (st == RID_OK)
        st = rid_bucket_pairs_of_labels(&j->pairs, of, j->n_buckets, &sampling, err);
    if (st == RID_OK && (j->pairs.n_same == DRAWN_MAX || j->pairs.n - j->pairs.n_same == DRAWN_MAX))
        rid_log(RID_LOG_WARN, "of the pairs of ground truth %d of a kind are drawn (--seed)",
                DRAWN_MAX);
    for (size_t b = 0; of && b < j->n_buckets; b++)
        rid_mem_free((uint32_t *)of[b].person);
    rid_mem_free(of);
    rid_labels_free(labels);
    return st;
}

/* ---- scores ---- */

static void score_pairs(job *j, const rid_pair *pairs, size_t n, const float *emb, size_t dim)
{
    const rid_kernel *kernel = rid_kernel_get();
#pragma omp parallel for schedule(static) num_threads(j->o->threads) if (n > 10000)
    for (size_t i = 0; i < n; i++)
        j->score[j->n + i] = kernel->dot(emb + pairs[i].a * dim, emb + pairs[i].b * dim, dim);
    for (size_t i = 0; i < n; i++)
        j->same[j->n + i] = pairs[i].same;
    j->n += n;
}

/* Puts the pairs of two entries that have an embedding in front; returns how many they are. */
static size_t keep_scored(const job *j, const rid_bucket *b, rid_pair *pairs, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (rid_store_set_status(&j->set, b->places[pairs[i].a]) != RID_ENTRY_SKIP &&
            rid_store_set_status(&j->set, b->places[pairs[i].b]) != RID_ENTRY_SKIP)
            pairs[kept++] = pairs[i];
    return kept;
}

static rid_status score_bucket(job *j, size_t b, rid_err *err)
{
    const rid_bucket *bucket = &j->buckets[b];
    const size_t dim = rid_store_set_info(&j->set)->emb_dim;
    rid_pair *pairs = j->pairs.pairs + j->pairs.first[b];
    const size_t n = j->pairs.first[b + 1] - j->pairs.first[b];
    rid_status st = rid_interrupt_check(err);
    if (n == 0 || st != RID_OK)
        return st;
    float *emb = rid_mem_alloc(bucket->n * sizeof *emb, dim);
    st = emb ? rid_store_set_read_embeddings(&j->set, bucket->places, bucket->n, emb, err)
             : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        const size_t kept = keep_scored(j, bucket, pairs, n);
        j->n_skipped += n - kept;
        score_pairs(j, pairs, kept, emb, dim);
    }
    rid_mem_free(emb);
    return st;
}

static rid_status score_all(job *j, rid_progress *progress, rid_err *err)
{
    const double start = rid_clock_s();
    rid_status st = RID_OK;
    j->score = rid_mem_alloc(j->pairs.n, sizeof *j->score);
    j->same = rid_mem_alloc(j->pairs.n, sizeof *j->same);
    if (!j->score || !j->same)
        return RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < j->n_buckets && st == RID_OK; b++) {
        st = score_bucket(j, b, err);
        rid_progress_update(progress, b + 1, j->n_buckets);
    }
    for (size_t i = 0; i < j->n; i++)
        j->n_same += j->same[i];
    rid_summary_add_stage(j->summary, "score", rid_clock_s() - start);
    return st;
}

/* ---- what comes out ---- */

static void list_figures(rid_metric_set *m, const job *j, const rid_separation *s)
{
    rid_metrics_add_count(m, "pairs", j->n);
    rid_metrics_add_count(m, "pairs_same", j->n_same);
    rid_metrics_add_count(m, "pairs_across", j->pairs.n_across);
    rid_metrics_add_count(m, "pairs_across_same", j->pairs.n_across_same);
    rid_metrics_add_count(m, "pairs_without_entry", j->pairs.n_absent);
    rid_metrics_add_count(m, "pairs_without_score", j->n_skipped);
    rid_metrics_add_separation(m, s);
}

static rid_status write(const job *j, rid_eval_output *out, rid_err *err)
{
    rid_metric_set m = {0};
    rid_separation s;
    rid_score_counts *counts = rid_mem_alloc(1, sizeof *counts);
    rid_status st =
        counts ? rid_separation_of(&s, counts, j->score, j->same, j->n, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK) {
        list_figures(&m, j, &s);
        rid_eval_output_begin(out, &m);
        if (j->o->output.json)
            rid_eval_output_put_roc(out, counts);
        st = rid_eval_output_finish(out, err);
    }
    rid_mem_free(counts);
    return st;
}

static rid_status run(job *j, rid_eval_output *out, const char *const *stores, size_t n_stores,
                      rid_progress *progress, rid_err *err)
{
    const double start = rid_clock_s();
    rid_status st = rid_store_set_open(&j->set, stores, n_stores, j->o->limit, err);
    if (st == RID_OK)
        st = rid_store_set_group(&j->set, &j->buckets, &j->n_buckets, err);
    if (st == RID_OK)
        st = j->o->n_pairs > 0 ? read_listed(j, err) : derive(j, err);
    rid_summary_add_stage(j->summary, "open", rid_clock_s() - start);
    j->summary->read = j->set.n_read;
    j->summary->accepted = j->set.n;
    j->summary->duplicates = j->set.n_duplicates;
    if (st == RID_OK)
        st = score_all(j, progress, err);
    rid_progress_finish(progress, j->n_buckets, j->n_buckets);
    return st == RID_OK ? write(j, out, err) : st;
}

rid_status rid_eval_pairs(const rid_eval_pairs_options *o, const char *const *stores,
                          size_t n_stores, rid_summary *summary, rid_progress *progress,
                          rid_err *err)
{
    job j = {.o = o, .summary = summary};
    const rid_separation none = {0};
    rid_metric_set names = {0};
    rid_eval_output *out = NULL;
    rid_h5_init();
    list_figures(&names, &j, &none);
    rid_status st = rid_eval_output_open(&out, &o->output, "pairs", &names, err);
    if (st == RID_OK)
        st = run(&j, out, stores, n_stores, progress, err);
    rid_eval_output_free(out);
    rid_bucket_pairs_clear(&j.pairs);
    rid_mem_free(j.score);
    rid_mem_free(j.same);
    rid_mem_free(j.buckets);
    rid_store_set_close(&j.set);
    return st;
}
