#include "eval/calibration_json.h"

#include "data/base/hash.h"
#include "data/jsonw.h"

static void put_rule(rid_jsonw *w, const rid_calibration_record *r)
{
    rid_jsonw_put_f64(w, "threshold", r->rule.threshold);
    rid_jsonw_put_f64(w, "margin", r->rule.margin);
    rid_jsonw_put_cstr(w, "nn2", rid_nn2_name(r->rule.nn2));
    rid_jsonw_key(w, "from");
    rid_jsonw_begin_object(w);
    rid_jsonw_put_cstr(w, "grid", r->grid);
    rid_jsonw_put_cstr(w, "margin", r->margin_from);
    rid_jsonw_put_cstr(w, "nn2", r->nn2_from);
    rid_jsonw_end_object(w);
}

static void put_promise(rid_jsonw *w, const rid_calibration_record *r)
{
    const rid_search_counts *all = &r->counts->all[r->result->threshold];
    rid_jsonw_put_f64(w, "max_fpir", r->promise->max_fpir);
    rid_jsonw_put_f64(w, "confidence", r->promise->confidence);
    rid_jsonw_put_f64(w, "fpir_bound", r->result->bound);
    rid_jsonw_put_cstr(w, "scope", r->promise->bucket_effect ? "future" : "these");
    rid_jsonw_put_cstr(w, "clusters", r->by_store ? "store" : "bucket");
    rid_jsonw_put_f64(w, "fnir", rid_search_fnir(all));
    rid_jsonw_put_u64(w, "searches", r->result->searches);
    rid_jsonw_put_u64(w, "false_matches", all->false_matches);
    rid_jsonw_put_u64(w, "to_unlabelled", all->nonmated_to_unlabelled);
    rid_jsonw_put_u64(w, "mated", all->mated);
    rid_jsonw_put_u64(w, "hits", all->hits);
    rid_jsonw_put_u64(w, "wrong_matches", all->wrong_matches);
    rid_jsonw_put_u64(w, "persons", r->counts->n_persons);
    rid_jsonw_put_u64(w, "buckets", r->counts->n_buckets);
    rid_jsonw_put_f64(w, "person_effect", r->counts->person_effect);
    rid_jsonw_put_f64(w, "bucket_effect", r->result->bucket_effect);
    rid_jsonw_put_f64(w, "design_effect", r->result->design_effect);
    rid_jsonw_put_u64(w, "gallery_min", r->counts->gallery_min);
    rid_jsonw_put_u64(w, "gallery_max", r->counts->gallery_max);
}

/* The bucket with the highest share of matches, the first of several. */
static void put_worst_bucket(rid_jsonw *w, const rid_calibration_record *r)
{
    const rid_calibration_data *c = r->counts;
    const size_t n = c->grid.n_thresholds, t = r->result->threshold;
    size_t worst = 0;
    for (size_t b = 1; b < c->n_buckets; b++)
        if ((double)c->matched[b * n + t] / (double)c->searches[b] >
            (double)c->matched[worst * n + t] / (double)c->searches[worst])
            worst = b;
    const rid_bucket *bucket = &r->data->buckets[c->bucket[worst]];
    rid_jsonw_key(w, "worst_bucket");
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, "day_id");
    rid_jsonw_str(w, bucket->day);
    rid_jsonw_key(w, "store_id");
    rid_jsonw_str(w, bucket->store);
    rid_jsonw_put_u64(w, "searches", c->searches[worst]);
    rid_jsonw_put_u64(w, "matched", c->matched[worst * n + t]);
    rid_jsonw_end_object(w);
}

/* Which entries have which labels, whatever the document looked like. */
static rid_status put_labels_digest(rid_jsonw *w, const rid_sweep_data *d, rid_err *err)
{
    char hex[33];
    rid_hasher *h = rid_hasher_new();
    if (!h)
        return RID_FAIL_NOMEM(err);
    for (size_t b = 0; b < d->n_buckets; b++)
        for (size_t i = 0; i < d->buckets[b].n; i++) {
            if (d->person[b][i] == RID_UNLABELLED)
                continue;
            const rid_str id = rid_sweep_data_id(d, b, i), person = rid_sweep_data_person(d, b, i);
            rid_hasher_add_field(h, id.data, id.len);
            rid_hasher_add_field(h, person.data, person.len);
        }
    rid_digest128_hex(hex, rid_hasher_end(h));
    rid_hasher_free(h);
    rid_jsonw_put_cstr(w, "labels", hex);
    return RID_OK;
}

rid_status rid_calibration_write_json(const rid_calibration_record *r, rid_buf *out, rid_err *err)
{
    rid_jsonw w = {.out = out};
    const rid_sweep_data *d = r->data;
    rid_jsonw_begin_object(&w);
    rid_jsonw_put_u64(&w, "format_version", 1);
    rid_jsonw_put_cstr(&w, "tool_version", RID_VERSION);
    put_rule(&w, r);
    put_promise(&w, r);
    put_worst_bucket(&w, r);
    rid_jsonw_put_cstr(&w, "encoder_hash", rid_store_set_info(&d->set)->encoder_hash);
    rid_jsonw_key(&w, "stores");
    rid_jsonw_begin_array(&w);
    for (size_t i = 0; i < d->set.n_stores; i++)
        rid_jsonw_cstr(&w, rid_store_digest(d->set.stores[i]));
    rid_jsonw_end_array(&w);
    const rid_status st = put_labels_digest(&w, d, err);
    rid_jsonw_end_object(&w);
    if (st != RID_OK)
        return st;
    return out->failed ? RID_FAIL_NOMEM(err) : RID_OK;
}
