#include "eval/pairs_job.h"

#include "data/base/mem.h"
#include "data/base/publish.h"
#include "data/h5file.h"
#include "data/plain.h"
#include "data/store_set.h"
#include "data/uri.h"
#include "gt/id_table.h"
#include "gt/pair_gaps.h"
#include "gt/pairs.h"

#define FLUSH_BYTES ((size_t)1 << 20)

typedef struct job {
    const rid_pairs_options *o;
    rid_summary *summary;
    rid_labels *labels;
    rid_pairs *reviewed; /* NULL without --not-in */
    rid_store_set set;
    rid_bucket *buckets;
    size_t n_buckets;
    /* The entries that count, in the order of day, store, time, id. */
    rid_place *places;
    uint32_t *person, *store, *day;
    uint32_t *pair_id; /* number in reviewed; NO_PAIR */
    float *emb;        /* f32 (n, emb_dim) */
    size_t n, n_persons;
    rid_hard_pairs found;
    rid_payload payload; /* scratch */
    rid_buf image[2];
} job;

enum { NO_PAIR = UINT32_MAX };

/* ---- entries ---- */

static rid_status allocate(job *j, rid_err *err)
{
    const size_t n = j->set.n;
    j->places = rid_mem_alloc(n, sizeof *j->places);
    j->person = rid_mem_alloc(n, sizeof *j->person);
    j->store = rid_mem_alloc(n, sizeof *j->store);
    j->day = rid_mem_alloc(n, sizeof *j->day);
    j->pair_id = rid_mem_alloc(n, sizeof *j->pair_id);
    return j->places && j->person && j->store && j->day && j->pair_id ? RID_OK
                                                                      : RID_FAIL_NOMEM(err);
}

static rid_str id_of(const job *j, rid_place place)
{
    return rid_store_set_meta(&j->set, place).text[RID_TEXT_ID];
}

/* Takes over the entry if it counts; otherwise says why not. */
static void add_entry(job *j, rid_place place, uint32_t day, uint32_t store, size_t *n_labelled,
                      size_t *n_excluded)
{
    const rid_str id = id_of(j, place);
    const size_t i = j->n;
    if (!rid_labels_find(j->labels, id, &j->person[i])) {
        *n_excluded += rid_labels_is_excluded(j->labels, id);
        return;
    }
    ++*n_labelled;
    if (rid_store_set_status(&j->set, place) == RID_ENTRY_SKIP) {
        j->summary->skipped++;
        return;
    }
    j->places[i] = place;
    j->day[i] = day;
    j->store[i] = store;
    if (!j->reviewed || !rid_pairs_find_id(j->reviewed, id, &j->pair_id[i]))
        j->pair_id[i] = NO_PAIR;
    j->n++;
}

static void say_what_is_there(const job *j, size_t n_labelled, size_t n_excluded)
{
    const size_t unlabelled = j->set.n - n_labelled,
                 absent = rid_labels_count(j->labels) - n_labelled;
    rid_summary_add_figure(j->summary, "buckets", (double)j->n_buckets);
    rid_summary_add_figure(j->summary, "labelled", (double)n_labelled);
    rid_summary_add_figure(j->summary, "unlabelled", (double)unlabelled);
    if (unlabelled > 0)
        rid_log(RID_LOG_WARN,
                "%zu of %zu entries have no label (%zu of them left out by ground"
                " truth): no pair has them",
                unlabelled, j->set.n, n_excluded);
    if (absent > 0)
        rid_log(RID_LOG_WARN, "%zu %s not in the stores", absent,
                rid_noun(absent, "label is of an entry that is", "labels are of entries that are"));
}

static rid_status say_gaps(const job *j, rid_err *err)
{
    rid_sightings seen = {0};
    rid_status st = RID_OK;
    uint32_t bucket = 0;
    for (size_t i = 0; i < j->n && st == RID_OK; i++) {
        bucket += i > 0 && (j->day[i] != j->day[i - 1] || j->store[i] != j->store[i - 1]);
        st = rid_sightings_add(&seen, bucket, j->person[i], err);
    }
    if (st == RID_OK)
        st = rid_pair_gaps_say(j->labels, &seen, RID_GAPS_ALL, err);
    rid_sightings_clear(&seen);
    return st;
}

static rid_status take_entries(job *j, rid_err *err)
{
    rid_id_table days = {0}, stores = {0};
    size_t n_labelled = 0, n_excluded = 0;
    rid_status st = allocate(j, err);
    for (size_t b = 0; b < j->n_buckets && st == RID_OK; b++) {
        uint32_t day = 0, store = 0;
        st = rid_id_table_add(&days, j->buckets[b].day, &day, NULL, err);
        if (st == RID_OK)
            st = rid_id_table_add(&stores, j->buckets[b].store, &store, NULL, err);
        for (size_t i = 0; i < j->buckets[b].n && st == RID_OK; i++)
            add_entry(j, j->buckets[b].places[i], day, store, &n_labelled, &n_excluded);
    }
    rid_id_table_clear(&days);
    rid_id_table_clear(&stores);
    if (st != RID_OK)
        return st;
    if (n_labelled == 0)
        return RID_FAIL(err, RID_EDATA,
                        "no entry of the stores has a label (%zu entries, %zu labels)", j->set.n,
                        rid_labels_count(j->labels));
    say_what_is_there(j, n_labelled, n_excluded);
    return rid_labels_are_linked(j->labels) ? say_gaps(j, err) : RID_OK;
}

/* People with an entry that counts. */
static rid_status count_persons(job *j, rid_err *err)
{
    uint8_t *seen = rid_mem_zalloc(rid_labels_person_count(j->labels), 1);
    if (!seen)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < j->n; i++) {
        j->n_persons += !seen[j->person[i]];
        seen[j->person[i]] = 1;
    }
    rid_mem_free(seen);
    return RID_OK;
}

static rid_status read_all(job *j, const char *const *stores, size_t n_stores, rid_err *err)
{
    const rid_pairs_options *o = j->o;
    rid_h5_init();
    rid_status st = rid_labels_read_files(&j->labels, &o->people, err);
    if (st == RID_OK && o->n_not_in > 0)
        st = rid_pairs_read(&j->reviewed, o->not_in, o->n_not_in, err);
    if (st == RID_OK)
        st = rid_store_set_open(&j->set, stores, n_stores, o->limit, err);
    if (st == RID_OK)
        st = rid_store_set_group(&j->set, &j->buckets, &j->n_buckets, err);
    if (st == RID_OK)
        st = take_entries(j, err);
    if (st == RID_OK)
        st = count_persons(j, err);
    if (st != RID_OK)
        return st;
    j->summary->read = j->set.n_read;
    j->summary->accepted = j->n;
    j->summary->duplicates = j->set.n_duplicates;
    const size_t dim = rid_store_set_info(&j->set)->emb_dim;
    j->emb = rid_mem_alloc(j->n * sizeof *j->emb, dim);
    if (!j->emb)
        return RID_FAIL_NOMEM(err);
    return rid_store_set_read_embeddings(&j->set, j->places, j->n, j->emb, err);
}

/* ---- pairs ---- */

static bool is_reviewed(const void *ctx, uint32_t a, uint32_t b)
{
    const job *j = ctx;
    return j->pair_id[a] != NO_PAIR && j->pair_id[b] != NO_PAIR &&
           rid_pairs_find_numbers(j->reviewed, j->pair_id[a], j->pair_id[b], NULL);
}

static rid_status find(job *j, rid_progress *progress, rid_err *err)
{
    const rid_hard_entries e = {.emb = j->emb,
                                .person = j->person,
                                .store = j->store,
                                .day = j->day,
                                .n = j->n,
                                .dim = rid_store_set_info(&j->set)->emb_dim,
                                .n_persons = rid_labels_person_count(j->labels)};
    const rid_hard_review review = {j->reviewed ? is_reviewed : NULL, j};
    return rid_hard_pairs_find(&j->found, &e, &j->o->limits, &review, j->o->threads, progress, err);
}

/* ---- output ---- */

/* An entry of a pair; its image goes into the buffer. */
static rid_status side_of(job *j, uint32_t row, rid_pair_side *side, rid_buf *image, rid_err *err)
{
    const rid_place place = j->places[row];
    const rid_meta m = rid_store_set_meta(&j->set, place);
    rid_buf_clear(image);
    const rid_status st =
        rid_store_read_payload(j->set.stores[place.store], place.row, false, &j->payload, err);
    if (st != RID_OK)
        return st;
    if (j->payload.n_images > 0)
        rid_uri_append_public(image, rid_payload_image(&j->payload, 0));
    *side = (rid_pair_side){.entry = m.text[RID_TEXT_ID],
                            .person = rid_labels_person(j->labels, j->person[row]),
                            .store = m.text[RID_TEXT_STORE],
                            .day = m.text[RID_TEXT_DAY],
                            .camera = m.text[RID_TEXT_CAMERA],
                            .timestamp = m.text[RID_TEXT_TIMESTAMP],
                            .image = rid_buf_view(image)};
    return image->failed ? RID_FAIL_NOMEM(err) : RID_OK;
}

static rid_status append_pair(job *j, rid_buf *text, const rid_hard_pair *p, rid_err *err)
{
    rid_pair_side sides[2];
    rid_status st = side_of(j, p->a, &sides[0], &j->image[0], err);
    if (st == RID_OK)
        st = side_of(j, p->b, &sides[1], &j->image[1], err);
    if (st == RID_OK)
        rid_pairs_append_hard(text, sides, p->risk == RID_RISK_HARD_POS, p->sim,
                              rid_risk_name(p->risk));
    return st;
}

/* Hands what has been gathered to the output; NULL: nowhere. */
static rid_status flush(rid_publish *out, rid_buf *text, rid_err *err)
{
    rid_status st = text->failed ? RID_FAIL_NOMEM(err) : RID_OK;
    if (st == RID_OK && out)
        st = rid_publish_write(out, text->data, text->len, err);
    rid_buf_clear(text);
    return st;
}

static rid_status write_rows(job *j, rid_publish *out, rid_err *err)
{
    rid_buf text = {0};
    rid_status st = RID_OK;
    rid_pairs_append_hard_header(&text);
    for (size_t i = 0; i < j->found.n && st == RID_OK; i++) {
        st = append_pair(j, &text, &j->found.pairs[i], err);
        if (st == RID_OK && (text.len >= FLUSH_BYTES || text.failed))
            st = flush(out, &text, err);
    }
    if (st == RID_OK)
        st = flush(out, &text, err);
    rid_buf_free(&text);
    return st;
}

static void say_what_was_found(const job *j)
{
    uint64_t n_found = 0, n_written[RID_RISK_COUNT] = {0};
    for (size_t i = 0; i < j->found.n; i++)
        n_written[j->found.pairs[i].risk]++;
    for (int r = 0; r < RID_RISK_COUNT; r++)
        n_found += j->found.n_found[r];
    rid_summary_add_figure(j->summary, "persons", (double)j->n_persons);
    rid_summary_add_figure(j->summary, "found", (double)n_found);
    rid_summary_add_figure(j->summary, "reviewed", (double)j->found.n_known);
    rid_summary_add_figure(j->summary, "written", (double)j->found.n);
    for (int r = 0; r < RID_RISK_COUNT; r++)
        rid_summary_add_figure(j->summary, rid_risk_name((rid_risk)r), (double)n_written[r]);
    const uint64_t *found = j->found.n_found;
    rid_log(
        RID_LOG_INFO,
        "%zu pairs: %llu of %llu alias candidates, %llu of %llu hard negatives, %llu of %llu hard"
        " positives; %llu were reviewed before",
        j->found.n, (unsigned long long)n_written[0], (unsigned long long)found[0],
        (unsigned long long)n_written[1], (unsigned long long)found[1],
        (unsigned long long)n_written[2], (unsigned long long)found[2],
        (unsigned long long)j->found.n_known);
}

static rid_status run_job(job *j, rid_publish *out, const char *const *stores, size_t n_stores,
                          rid_progress *progress, rid_err *err)
{
    double start = rid_clock_s();
    rid_status st = read_all(j, stores, n_stores, err);
    rid_summary_add_stage(j->summary, "open", rid_clock_s() - start);
    if (st != RID_OK)
        return st;
    start = rid_clock_s();
    st = find(j, progress, err);
    rid_summary_add_stage(j->summary, "find", rid_clock_s() - start);
    if (st != RID_OK)
        return st;
    start = rid_clock_s();
    st = write_rows(j, out, err);
    rid_summary_add_stage(j->summary, "write", rid_clock_s() - start);
    return st;
}

static void clear(job *j)
{
    rid_hard_pairs_clear(&j->found);
    rid_payload_free(&j->payload);
    rid_buf_free(&j->image[0]);
    rid_buf_free(&j->image[1]);
    rid_mem_free(j->places);
    rid_mem_free(j->person);
    rid_mem_free(j->store);
    rid_mem_free(j->day);
    rid_mem_free(j->pair_id);
    rid_mem_free(j->emb);
    rid_mem_free(j->buckets);
    rid_store_set_close(&j->set);
    rid_pairs_free(j->reviewed);
    rid_labels_free(j->labels);
}

rid_status rid_pairs_run(const rid_pairs_options *o, const char *const *stores, size_t n_stores,
                         rid_summary *summary, rid_progress *progress, rid_err *err)
{
    job j = {.o = o, .summary = summary};
    rid_publish *out = NULL;
    rid_status st = o->dry_run ? RID_OK : rid_publish_begin(&out, o->output, o->force, err);
    if (st == RID_OK)
        st = run_job(&j, out, stores, n_stores, progress, err);
    if (st == RID_OK && out)
        st = rid_publish_commit(out, err);
    else
        rid_publish_abort(out);
    if (st == RID_OK)
        say_what_was_found(&j);
    clear(&j);
    return st;
}
