#include "data/store_merge.h"

#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/store_set.h"

/* Memory that goes from row to row. */
typedef struct scratch {
    rid_payload payload;
    float *embedding;
    uint8_t *kept;
    size_t kept_cap;
} scratch;

static rid_status copy_rows(const rid_store_set *set, rid_store_writer *writer,
                            rid_progress *progress, rid_err *err)
{
    scratch s = {0};
    s.embedding = rid_mem_alloc(rid_store_get_info(set->stores[0])->emb_dim, sizeof *s.embedding);
    rid_status st = s.embedding ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < set->n && st == RID_OK; i++) {
        rid_place p = set->places[i];
        st = rid_interrupt_check(err);
        if (st == RID_OK)
            st = rid_store_copy_row(writer, set->stores[p.store], p.row, &s.payload, s.embedding,
                                    &s.kept, &s.kept_cap, err);
        rid_progress_update(progress, i + 1, set->n);
    }
    rid_payload_free(&s.payload);
    rid_mem_free(s.embedding);
    rid_mem_free(s.kept);
    return st;
}

/* Takes publish over, and closes the set once it is copied: the new store's verification needs the
 * memory of its tables. */
static rid_status write_store(const rid_merge_options *o, rid_store_set *set, rid_publish *publish,
                              rid_summary *summary, rid_progress *progress, rid_err *err)
{
    rid_store_writer *writer;
    size_t n = set->n;
    double start_s = rid_clock_s();
    rid_store_set_sort(set);
    rid_status st = rid_store_writer_open(&writer, publish, rid_store_get_info(set->stores[0]), err);
    if (st != RID_OK)
        return st;
    st = copy_rows(set, writer, progress, err);
    rid_store_set_close(set);
    double copied_s = rid_clock_s();
    rid_summary_add_stage(summary, "copy", copied_s - start_s);
    if (st != RID_OK) {
        rid_store_writer_abort(writer);
        return st;
    }
    st = rid_store_writer_finish(writer, o->threads, &publish, err);
    double verified_s = rid_clock_s();
    rid_summary_add_stage(summary, "verify", verified_s - copied_s);
    if (st == RID_OK)
        st = rid_publish_commit(publish, err);
    rid_summary_add_stage(summary, "publish", rid_clock_s() - verified_s);
    if (st == RID_OK)
        rid_progress_finish(progress, n, n);
    return st;
}

static void count(rid_summary *summary, const rid_store_set *set)
{
    summary->read = set->n_read;
    summary->accepted = set->n_read; /* as rid-encode counts: a replaced entry was a good one */
    summary->duplicates = set->n_duplicates;
    for (size_t i = 0; i < set->n; i++)
        summary->skipped += rid_store_set_status(set, set->places[i]) == RID_ENTRY_SKIP;
    rid_summary_add_figure(summary, "entries", (double)set->n);
}

rid_status rid_store_merge(const rid_merge_options *options, rid_summary *summary,
                           rid_progress *progress, rid_err *err)
{
    rid_store_set set = {0};
    rid_publish *publish = NULL;
    double start_s = rid_clock_s();
    rid_status st = RID_OK;
    if (!options->dry_run)
        st = rid_publish_begin(&publish, options->output, options->force, err);
    if (st == RID_OK)
        st = rid_store_set_open(&set, options->inputs, options->n_inputs, options->limit, err);
    rid_summary_add_stage(summary, "open", rid_clock_s() - start_s);
    if (st == RID_OK) {
        count(summary, &set);
        if (!options->dry_run) {
            st = write_store(options, &set, publish, summary, progress, err);
            publish = NULL;
        }
    }
    rid_publish_abort(publish);
    rid_store_set_close(&set);
    return st;
}
