#include "eval/calibration_json.h"

#include "data/base/hash.h"
#include "data/jsonw.h"

static void put_number(rid_jsonw *w, const char *key, double value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_f64(w, value);
}

static void put_count(rid_jsonw *w, const char *key, uint64_t value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_u64(w, value);
}

static void put_text(rid_jsonw *w, const char *key, const char *value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_cstr(w, value);
}

static void put_rule(rid_jsonw *w, const rid_calibration_record *r)
{
    put_number(w, "threshold", r->rule.threshold);
    put_number(w, "margin", r->rule.margin);
    put_text(w, "nn2", rid_nn2_name(r->rule.nn2));
    rid_jsonw_key(w, "from");
    rid_jsonw_begin_object(w);
    put_text(w, "grid", r->grid);
    put_text(w, "margin", r->margin_from);
    put_text(w, "nn2", r->nn2_from);
    rid_jsonw_end_object(w);
}

static void put_promise(rid_jsonw *w, const rid_calibration_record *r)
{
    const rid_search_counts *all = &r->counts->all[r->result->threshold];
    put_number(w, "max_fpir", r->promise->max_fpir);
    put_number(w, "confidence", r->promise->confidence);
    put_number(w, "fpir_bound", r->result->bound);
    put_text(w, "scope", r->promise->bucket_effect ? "future" : "these");
    put_text(w, "clusters", r->by_store ? "store" : "bucket");
    put_number(w, "fnir", rid_search_fnir(all));
    put_count(w, "searches", r->result->searches);
    put_count(w, "false_matches", all->false_matches);
    put_count(w, "to_unlabelled", all->nonmated_to_unlabelled);
    put_count(w, "mated", all->mated);
    put_count(w, "hits", all->hits);
    put_count(w, "wrong_matches", all->wrong_matches);
    put_count(w, "persons", r->counts->n_persons);
    put_count(w, "buckets", r->counts->n_buckets);
    put_number(w, "person_effect", r->counts->person_effect);
    put_number(w, "bucket_effect", r->result->bucket_effect);
    put_number(w, "design_effect", r->result->design_effect);
    put_count(w, "gallery_min", r->counts->gallery_min);
    put_count(w, "gallery_max", r->counts->gallery_max);
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
    put_count(w, "searches", c->searches[worst]);
    put_count(w, "matched", c->matched[worst * n + t]);
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
    put_text(w, "labels", hex);
    return RID_OK;
}

rid_status rid_calibration_write_json(const rid_calibration_record *r, rid_buf *out, rid_err *err)
{
    rid_jsonw w = {.out = out};
    const rid_sweep_data *d = r->data;
    rid_jsonw_begin_object(&w);
    put_count(&w, "format_version", 1);
    put_text(&w, "tool_version", RID_VERSION);
    put_rule(&w, r);
    put_promise(&w, r);
    put_worst_bucket(&w, r);
    put_text(&w, "encoder_hash", rid_store_set_info(&d->set)->encoder_hash);
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
