#include "gt/gt_convert.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/plain.h"
#include "gt/bucket_pairs.h"
#include "gt/gt_places.h"
#include "gt/gt_write.h"
#include "gt/linked_people.h"

enum { FLUSH_BYTES = 1 << 20 };

typedef struct job {
    const rid_gt_convert_options *o;
    rid_gt_doc doc;
    rid_gt_places places;
    rid_summary *summary;
    rid_publish *out; /* NULL in a dry run */
} job;

/* ---- reading ---- */

/* The first conflicts as messages: errors where they end the run. */
static void log_conflicts(const job *j, rid_log_level level)
{
    for (size_t i = 0; i < j->doc.n_conflicts && i < j->o->cases; i++) {
        rid_buf text = {0};
        rid_gt_doc_append_conflict(&text, &j->doc, j->o->truth.gt, i);
        if (rid_buf_cstr(&text))
            rid_log(level, "%s", text.data);
        rid_buf_free(&text);
    }
}

static rid_status judge_conflicts(const job *j, rid_err *err)
{
    const size_t n = j->doc.n_conflicts;
    if (j->doc.n_notes_differ > 0)
        rid_log(RID_LOG_WARN, "%zu notes differ from file to file: the %s ones count",
                j->doc.n_notes_differ, j->o->prefer == RID_GT_PREFER_LAST ? "last" : "first");
    if (n == 0)
        return RID_OK;
    log_conflicts(j, j->o->prefer == RID_GT_PREFER_NONE ? RID_LOG_ERROR : RID_LOG_DEBUG);
    if (j->o->prefer == RID_GT_PREFER_NONE)
        return RID_FAIL(err, RID_EDATA,
                        "%zu %s labels that differ; nothing is written (merge --prefer"
                        " first or last decides)",
                        n, n == 1 ? "entry has two" : "entries have two");
    rid_log(RID_LOG_WARN, "%zu %s labels that differ: the %s ones count", n,
            n == 1 ? "entry has two" : "entries have two",
            j->o->prefer == RID_GT_PREFER_LAST ? "last" : "first");
    return RID_OK;
}

static rid_status add_label(void *doc, const rid_gt_item *label, rid_err *err)
{
    return rid_gt_doc_add(doc, label, 0, RID_GT_PREFER_NONE, err);
}

static rid_status read_pairs(job *j, rid_err *err)
{
    rid_pairs *pairs = NULL;
    rid_status st = rid_pairs_read(&pairs, j->o->truth.pairs, j->o->truth.n_pairs, err);
    if (st == RID_OK)
        st = rid_linked_people(pairs, add_label, &j->doc, err);
    rid_pairs_free(pairs);
    return st;
}

static rid_status read_truth(job *j, rid_err *err)
{
    if (j->o->truth.n_pairs > 0)
        return read_pairs(j, err);
    const rid_status st =
        rid_gt_doc_read(&j->doc, j->o->truth.gt, j->o->truth.n_gt, j->o->prefer, err);
    return st == RID_OK ? judge_conflicts(j, err) : st;
}

/* ---- pairs ---- */

/* Who is who in each bucket; person[b] is the caller's. */
static rid_status label_buckets(const job *j, rid_bucket_labels *labels, uint32_t **person,
                                rid_err *err)
{
    for (size_t b = 0; b < j->places.n_buckets; b++) {
        const size_t n = j->places.buckets[b].n;
        person[b] = rid_mem_alloc(n, sizeof **person);
        if (!person[b])
            return RID_FAIL_NOMEM(err);
        for (size_t i = 0; i < n; i++) {
            uint32_t e;
            const bool labelled =
                rid_id_table_find(&j->doc.entry_ids, rid_gt_places_id(&j->places, b, i), &e) &&
                j->doc.entries[e].include;
            person[b][i] = labelled ? j->doc.entries[e].person : UINT32_MAX;
        }
        labels[b] = (rid_bucket_labels){person[b], n};
    }
    return RID_OK;
}

/* Pairs of one person in two buckets: no pair of a bucket says so. */
static rid_status count_pairs_across(const job *j, const rid_bucket_labels *labels, size_t *n,
                                     rid_err *err)
{
    struct tally {
        size_t all, here, bucket; /* entries so far; of them in the bucket (+ 1) met last */
    } *of = rid_mem_zalloc(j->doc.person_ids.n, sizeof *of);
    *n = 0;
    if (!of)
        return RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < j->places.n_buckets; b++)
        for (size_t i = 0; i < labels[b].n; i++) {
            if (labels[b].person[i] == UINT32_MAX)
                continue;
            struct tally *t = &of[labels[b].person[i]];
            t->here = t->bucket == b + 1 ? t->here : 0;
            t->bucket = b + 1;
            *n += t->all - t->here;
            t->all++;
            t->here++;
        }
    rid_mem_free(of);
    return RID_OK;
}

static rid_status write_pairs(job *j, const rid_bucket_pairs *pairs, rid_err *err)
{
    rid_buf text = {0};
    rid_status st = RID_OK;
    rid_pairs_append_header(&text);
    for (size_t b = 0; b < pairs->n_buckets && st == RID_OK; b++)
        for (size_t i = pairs->first[b]; i < pairs->first[b + 1] && st == RID_OK; i++) {
            const rid_pair *p = &pairs->pairs[i];
            rid_pairs_append(&text, rid_gt_places_id(&j->places, b, p->a),
                             rid_gt_places_id(&j->places, b, p->b), p->same);
            if (text.len < FLUSH_BYTES)
                continue;
            if (j->out)
                st = rid_publish_write(j->out, text.data, text.len, err);
            rid_buf_clear(&text);
        }
    if (st == RID_OK && text.failed)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && j->out)
        st = rid_publish_write(j->out, text.data, text.len, err);
    rid_buf_free(&text);
    return st;
}

static void say_pairs(const job *j, const rid_bucket_pairs *pairs, size_t n_across)
{
    size_t unknown = 0;
    for (size_t i = 0; i < j->doc.entry_ids.n; i++)
        unknown += j->places.bucket[i] == RID_GT_NOWHERE && j->doc.entries[i].include;
    rid_log(RID_LOG_INFO, "%zu %s, %zu of one person, of %zu %s", pairs->n,
            rid_noun(pairs->n, "pair", "pairs"), pairs->n_same, pairs->n_buckets,
            rid_noun(pairs->n_buckets, "bucket", "buckets"));
    rid_summary_add_figure(j->summary, "pairs", (double)pairs->n);
    rid_summary_add_figure(j->summary, "pairs_same", (double)pairs->n_same);
    if (unknown > 0)
        rid_log(RID_LOG_WARN, "lost: %zu labelled entries that are in no store", unknown);
    if (n_across > 0)
        rid_log(RID_LOG_WARN,
                "lost: %zu pairs of one person in two buckets, which matching never joins",
                n_across);
}

static rid_status convert_to_pairs(job *j, rid_err *err)
{
    const rid_gt_convert_options *o = j->o;
    const rid_pair_sampling sampling = {o->max_same, o->max_different, o->seed};
    rid_bucket_pairs pairs = {0};
    size_t n_across = 0;
    rid_status st = rid_gt_places_open(&j->places, &j->doc, o->stores, o->n_stores, o->limit, err);
    if (st != RID_OK)
        return st;
    const size_t n = j->places.n_buckets;
    rid_bucket_labels *labels = rid_mem_alloc(n, sizeof *labels);
    uint32_t **person = rid_mem_zalloc(n, sizeof *person);
    st = labels && person ? label_buckets(j, labels, person, err) : RID_FAIL_NOMEM(err);
    if (st == RID_OK)
        st = rid_bucket_pairs_of_labels(&pairs, labels, n, &sampling, err);
    if (st == RID_OK)
        st = count_pairs_across(j, labels, &n_across, err);
    if (st == RID_OK)
        st = write_pairs(j, &pairs, err);
    if (st == RID_OK)
        say_pairs(j, &pairs, n_across);
    rid_bucket_pairs_clear(&pairs);
    for (size_t b = 0; person && b < n; b++)
        rid_mem_free(person[b]);
    rid_mem_free(person);
    rid_mem_free(labels);
    return st;
}

/* ---- documents ---- */

static rid_status convert_to_document(job *j, rid_err *err)
{
    const rid_gt_form form = j->o->form_given ? j->o->form : j->doc.form;
    rid_gt_loss loss = {0};
    rid_buf text = {0}, lost = {0};
    rid_status st = rid_gt_write(&text, &j->doc, NULL, form, &loss, err);
    if (st == RID_OK && j->out)
        st = rid_publish_write(j->out, text.data, text.len, err);
    rid_buf_free(&text);
    if (st != RID_OK)
        return st;
    rid_log(RID_LOG_INFO, "%zu %s of %zu %s", j->doc.n_included,
            rid_noun(j->doc.n_included, "entry", "entries"), rid_gt_doc_people(&j->doc),
            rid_noun(rid_gt_doc_people(&j->doc), "person", "people"));
    rid_gt_loss_append(&lost, &loss);
    if (lost.len > 0)
        rid_log(RID_LOG_WARN, "lost, as the form '%s' cannot say it: %.*s", rid_gt_form_name(form),
                RID_STR(rid_buf_view(&lost)));
    rid_buf_free(&lost);
    return RID_OK;
}

rid_status rid_gt_convert_run(const rid_gt_convert_options *o, rid_summary *summary, rid_err *err)
{
    job j = {.o = o, .summary = summary};
    rid_status st = o->dry_run ? RID_OK : rid_publish_begin(&j.out, o->output, o->force, err);
    if (st == RID_OK)
        st = read_truth(&j, err);
    summary->read = j.doc.entry_ids.n;
    summary->accepted = j.doc.n_included;
    summary->skipped = summary->read - summary->accepted;
    if (st == RID_OK)
        st = o->to_pairs ? convert_to_pairs(&j, err) : convert_to_document(&j, err);
    if (st == RID_OK && j.out)
        st = rid_publish_commit(j.out, err);
    else
        rid_publish_abort(j.out);
    rid_gt_places_close(&j.places);
    rid_gt_doc_clear(&j.doc);
    return st;
}
