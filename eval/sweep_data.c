#include "eval/sweep_data.h"

#include "data/base/log.h"
#include "data/base/mem.h"
#include "data/h5file.h"

#include <string.h>

/* The persons of a bucket, as numbers of the labels. */
static rid_status label_bucket(rid_sweep_data *d, size_t b, size_t *n_labelled, rid_err *err)
{
    const size_t n = d->buckets[b].n;
    *n_labelled = 0;
    uint32_t *person = d->person[b] = rid_mem_alloc(n, sizeof *person);
    if (!person)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n; i++) {
        const rid_str id = rid_sweep_data_id(d, b, i);
        person[i] = RID_UNLABELLED;
        if (!d->labels)
            continue;
        if (rid_labels_find(d->labels, id, &person[i]))
            ++*n_labelled;
        else
            d->n_excluded += rid_labels_is_excluded(d->labels, id);
    }
    return RID_OK;
}

static rid_status add_bucket(rid_sweep_data *d, size_t b, const float *emb, const uint8_t *usable,
                             int threads, rid_err *err)
{
    rid_sweep_bucket bucket = {
        .emb = emb, .usable = usable, .person = d->person[b], .n = d->buckets[b].n};
    if (d->pairs.n > 0) {
        bucket.pairs = d->pairs.pairs + d->pairs.first[b];
        bucket.n_pairs = d->pairs.first[b + 1] - d->pairs.first[b];
    }
    return rid_sweep_add(d->sweep, &bucket, threads, err);
}

static rid_status scan_bucket(rid_sweep_data *d, size_t b, int threads, rid_err *err)
{
    const rid_bucket *bucket = &d->buckets[b];
    const size_t dim = rid_store_set_info(&d->set)->emb_dim;
    float *emb = rid_mem_alloc(bucket->n * sizeof *emb, dim);
    uint8_t *usable = rid_mem_alloc(bucket->n, 1);
    rid_status st = emb && usable ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; st == RID_OK && i < bucket->n; i++) {
        usable[i] = rid_store_set_status(&d->set, bucket->places[i]) != RID_ENTRY_SKIP;
        d->n_skipped += !usable[i];
    }
    if (st == RID_OK)
        st = rid_store_set_read_embeddings(&d->set, bucket->places, bucket->n, emb, err);
    if (st == RID_OK)
        st = add_bucket(d, b, emb, usable, threads, err);
    rid_mem_free(emb);
    rid_mem_free(usable);
    if (st != RID_OK && st != RID_EINTR)
        rid_err_prepend(err, "bucket %.*s/%.*s", RID_STR(bucket->day), RID_STR(bucket->store));
    return st;
}

/* Labels the buckets; keep_idle: also those without any label stay. */
static rid_status label_all(rid_sweep_data *d, bool keep_idle, rid_err *err)
{
    const size_t n_all = d->n_buckets;
    rid_status st = RID_OK;
    d->person = rid_mem_zalloc(n_all, sizeof *d->person);
    if (!d->person)
        return RID_FAIL_NOMEM(err);
    d->n_buckets = 0;
    for (size_t b = 0; b < n_all && st == RID_OK; b++) {
        const size_t kept = d->n_buckets;
        size_t n_labelled;
        d->buckets[kept] = d->buckets[b];
        st = label_bucket(d, kept, &n_labelled, err);
        d->n_labelled += n_labelled;
        if (n_labelled > 0 || keep_idle) {
            d->n_entries += d->buckets[kept].n;
            d->n_buckets++;
        } else {
            d->n_idle_entries += d->buckets[kept].n;
            d->n_idle++;
            rid_mem_free(d->person[kept]);
            d->person[kept] = NULL;
        }
    }
    if (st != RID_OK || !d->labels)
        return st;
    if (d->n_labelled == 0)
        st =
            RID_FAIL(err, RID_EDATA, "no entry of the stores has a label (%zu entries, %zu labels)",
                     d->n_entries + d->n_idle_entries, rid_labels_count(d->labels));
    d->n_absent = rid_labels_count(d->labels) - d->n_labelled;
    return st;
}

/* The pairs of the files as rows of the buckets. */
static rid_status read_pairs(rid_sweep_data *d, const rid_sweep_input *in, rid_err *err)
{
    rid_pairs *pairs = NULL;
    if (in->n_pairs == 0)
        return RID_OK;
    rid_status st = rid_pairs_read(&pairs, in->pairs, in->n_pairs, err);
    if (st == RID_OK)
        st = rid_bucket_pairs_bind(&d->pairs, pairs, &d->set, d->buckets, d->n_buckets, err);
    if (st == RID_OK)
        st = rid_bucket_pairs_check(&d->pairs, pairs, "store", err);
    rid_pairs_free(pairs);
    return st;
}

rid_status rid_sweep_data_read(rid_sweep_data *d, const rid_sweep_input *in, bool identity,
                               int threads, rid_summary *summary, rid_err *err)
{
    const double start = rid_clock_s();
    rid_status st = RID_OK;
    *d = (rid_sweep_data){0};
    rid_h5_init();
    if (in->people.n_gt + in->people.n_pairs > 0)
        st = rid_labels_read_files(&d->labels, &in->people, err);
    if (st == RID_OK)
        st = rid_store_set_open(&d->set, in->stores, in->n_stores, in->limit, err);
    if (st == RID_OK)
        st = rid_store_set_group(&d->set, &d->buckets, &d->n_buckets, err);
    if (st == RID_OK)
        st = label_all(d, in->n_pairs > 0, err);
    if (st == RID_OK)
        st = read_pairs(d, in, err);
    if (st == RID_OK)
        st = rid_sweep_new(&d->sweep, d->n_buckets, rid_store_set_info(&d->set)->emb_dim, identity,
                           err);
    rid_summary_add_stage(summary, "open", rid_clock_s() - start);
    const double scan = rid_clock_s();
    for (size_t b = 0; b < d->n_buckets && st == RID_OK; b++)
        st = scan_bucket(d, b, threads, err);
    rid_summary_add_stage(summary, "scan", rid_clock_s() - scan);
    summary->read = d->set.n_read;
    summary->accepted = d->n_entries;
    summary->duplicates = d->set.n_duplicates;
    summary->skipped = d->n_skipped;
    return st;
}

void rid_sweep_data_clear(rid_sweep_data *d)
{
    rid_sweep_free(d->sweep);
    for (size_t b = 0; d->person && b < d->n_buckets; b++)
        rid_mem_free(d->person[b]);
    rid_mem_free(d->person);
    rid_bucket_pairs_clear(&d->pairs);
    rid_mem_free(d->buckets);
    rid_store_set_close(&d->set);
    rid_labels_free(d->labels);
    *d = (rid_sweep_data){0};
}

rid_str rid_sweep_data_id(const rid_sweep_data *d, size_t bucket, size_t row)
{
    return rid_store_set_meta(&d->set, d->buckets[bucket].places[row]).text[RID_TEXT_ID];
}

rid_str rid_sweep_data_person(const rid_sweep_data *d, size_t bucket, size_t row)
{
    const uint32_t person = d->person[bucket][row];
    return person == RID_UNLABELLED ? (rid_str){NULL, 0} : rid_labels_person(d->labels, person);
}
