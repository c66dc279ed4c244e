#include "eval/calibration_counts.h"

#include "data/base/mem.h"
#include "gt/id_table.h"

/* Who is searched for in the bucket, each person once: a person's first entry is the non-mated search. */
static size_t mark_persons(const rid_sweep_data *data, size_t b, size_t *times, size_t *last)
{
    size_t n = 0;
    for (size_t i = 0; i < data->buckets[b].n; i++) {
        const uint32_t person = data->person[b][i];
        if (person == RID_UNLABELLED || last[person] == b + 1)
            continue;
        last[person] = b + 1;
        times[person]++;
        n++;
    }
    return n;
}

static rid_status count_persons(rid_calibration_data *out, const rid_sweep_data *data, rid_err *err)
{
    const size_t n_all = rid_labels_person_count(data->labels);
    size_t *times = rid_mem_zalloc(n_all, sizeof *times),
           *last = rid_mem_zalloc(n_all, sizeof *last);
    double sum = 0, squares = 0;
    for (size_t b = 0; times && last && b < data->n_buckets; b++)
        if (mark_persons(data, b, times, last) > 0)
            out->bucket[out->n_buckets++] = b;
    for (size_t p = 0; times && last && p < n_all; p++) {
        out->n_persons += times[p] > 0;
        sum += (double)times[p];
        squares += (double)times[p] * (double)times[p];
    }
    out->person_effect = squares / sum;
    const bool ok = times && last;
    rid_mem_free(times);
    rid_mem_free(last);
    if (!ok)
        return RID_FAIL_NOMEM(err);
    return out->n_buckets > 0 ? RID_OK : RID_FAIL(err, RID_EDATA, "there is no non-mated search");
}

static void take_cells(rid_calibration_data *out, size_t b, const rid_sweep_cell *cells)
{
    const size_t n = out->grid.n_thresholds;
    out->searches[b] = cells[0].searches.nonmated;
    for (size_t t = 0; t < n; t++) {
        const rid_search_counts *c = &cells[t].searches;
        out->matched[b * n + t] = c->false_matches + c->nonmated_to_unlabelled;
        rid_search_counts_add(&out->all[t], c);
    }
}

static void take_gallery(rid_calibration_data *out, size_t b, size_t n)
{
    if (b == 0 || n < out->gallery_min)
        out->gallery_min = n;
    if (n > out->gallery_max)
        out->gallery_max = n;
}

static rid_status count_buckets(rid_calibration_data *out, const rid_sweep_data *data,
                                rid_nn2_mode nn2, int threads, rid_err *err)
{
    rid_sweep_cell *cells = rid_mem_alloc(out->grid.n_thresholds, sizeof *cells);
    rid_status st = cells ? RID_OK : RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < out->n_buckets && st == RID_OK; b++) {
        st =
            rid_sweep_surface_of(data->sweep, out->bucket[b], nn2, &out->grid, cells, threads, err);
        if (st == RID_OK) {
            take_cells(out, b, cells);
            take_gallery(out, b, rid_sweep_matchable(data->sweep, out->bucket[b]));
        }
    }
    rid_mem_free(cells);
    return st;
}

/* The buckets of one store together, stores in order of their first bucket. */
static rid_status pool_stores(rid_calibration_data *out, const rid_sweep_data *data, rid_err *err)
{
    const size_t n = out->grid.n_thresholds;
    rid_id_table stores = {0};
    rid_status st = RID_OK;
    for (size_t b = 0; b < out->n_buckets && st == RID_OK; b++) {
        uint32_t store;
        st = rid_id_table_add(&stores, data->buckets[out->bucket[b]].store, &store, NULL, err);
        if (st != RID_OK)
            break;
        out->store_searches[store] += out->searches[b];
        for (size_t t = 0; t < n; t++)
            out->store_matched[store * n + t] += out->matched[b * n + t];
    }
    out->n_stores = stores.n;
    rid_id_table_clear(&stores);
    return st;
}

rid_status rid_calibration_data_count(rid_calibration_data *out, const rid_sweep_data *data,
                                      rid_nn2_mode nn2, double margin, double *threshold, size_t n,
                                      int threads, rid_err *err)
{
    *out = (rid_calibration_data){
        .grid = {.threshold = threshold,
                 .margin = rid_mem_alloc(1, sizeof(double)),
                 .n_thresholds = n,
                 .n_margins = 1},
        .bucket = rid_mem_alloc(data->n_buckets, sizeof *out->bucket),
        .searches = rid_mem_alloc(data->n_buckets, sizeof *out->searches),
        .matched = rid_mem_alloc(data->n_buckets * n, sizeof *out->matched),
        .store_searches = rid_mem_zalloc(data->n_buckets, sizeof *out->store_searches),
        .store_matched = rid_mem_zalloc(data->n_buckets * n, sizeof *out->store_matched),
        .all = rid_mem_zalloc(n, sizeof *out->all)};
    if (!out->grid.margin || !out->bucket || !out->searches || !out->matched ||
        !out->store_searches || !out->store_matched || !out->all)
        return RID_FAIL_NOMEM(err);
    out->grid.margin[0] = margin;
    rid_status st = count_persons(out, data, err);
    if (st == RID_OK)
        st = count_buckets(out, data, nn2, threads, err);
    return st == RID_OK ? pool_stores(out, data, err) : st;
}

void rid_calibration_data_clear(rid_calibration_data *d)
{
    rid_sweep_grid_clear(&d->grid);
    rid_mem_free(d->bucket);
    rid_mem_free(d->searches);
    rid_mem_free(d->matched);
    rid_mem_free(d->store_searches);
    rid_mem_free(d->store_matched);
    rid_mem_free(d->all);
    *d = (rid_calibration_data){0};
}

rid_calibration_counts rid_calibration_data_counts(const rid_calibration_data *d, bool by_store)
{
    return (rid_calibration_counts){.searches = by_store ? d->store_searches : d->searches,
                                    .matched = by_store ? d->store_matched : d->matched,
                                    .n_buckets = by_store ? d->n_stores : d->n_buckets,
                                    .n_thresholds = d->grid.n_thresholds,
                                    .person_effect = d->person_effect};
}
