#include "eval/provenance.h"

#include "data/base/hash.h"
#include "data/base/mem.h"

static rid_status hash_entry(rid_hasher *h, const rid_store_set *set, rid_place place,
                             const float *embedding, bool frames, rid_payload *payload,
                             uint8_t **kept, size_t *kept_cap, rid_err *err)
{
    rid_store *s = set->stores[place.store];
    const rid_store_info *info = rid_store_set_info(set);
    size_t n_frames = rid_store_frame_count(s, place.row);
    uint8_t status = (uint8_t)rid_store_set_status(set, place);
    rid_status st = rid_store_read_payload(s, place.row, frames, payload, err);
    if (st == RID_OK && rid_mem_grow(kept, kept_cap, n_frames, 1) != 0)
        st = RID_FAIL_NOMEM(err);
    if (st == RID_OK && info->frames != RID_FRAMES_NONE)
        st = rid_store_read_kept(s, place.row, *kept, err);
    if (st != RID_OK)
        return st;
    rid_payload_hash(payload, h);
    rid_hasher_add(h, &status, 1);
    rid_hasher_add(h, embedding, info->emb_dim * sizeof *embedding);
    rid_hasher_add_field(h, payload->frames.data,
                         payload->frames.rows * payload->frames.cols * sizeof(float));
    rid_hasher_add_field(h, *kept, n_frames);
    return RID_OK;
}

rid_status rid_provenance_digest(char hex[33], const rid_store_set *set, const rid_place *places,
                                 const float *emb, size_t n, bool frames, rid_err *err)
{
    rid_payload payload = {0};
    rid_status st = RID_OK;
    uint8_t *kept = NULL;
    size_t kept_cap = 0, emb_dim = rid_store_set_info(set)->emb_dim;
    rid_hasher *h = rid_hasher_new();
    if (!h)
        return RID_FAIL_NOMEM(err);
    for (size_t i = 0; i < n && st == RID_OK; i++)
        st = hash_entry(h, set, places[i], emb + i * emb_dim, frames, &payload, &kept, &kept_cap,
                        err);
    rid_digest128_hex(hex, rid_hasher_end(h));
    rid_hasher_free(h);
    rid_payload_free(&payload);
    rid_mem_free(kept);
    return st;
}

static void write_selection(rid_jsonw *w, const rid_selection *s)
{
    rid_jsonw_key(w, "selection");
    rid_jsonw_begin_object(w);
    rid_jsonw_key(w, "embeddings");
    rid_jsonw_cstr(w, rid_embeddings_name(s->embeddings));
    rid_jsonw_key(w, "entry_id");
    rid_jsonw_str(w, rid_str_of(s->entry_id));
    rid_jsonw_key(w, "camera_scope");
    rid_jsonw_cstr(w, s->camera_match ? "match" : "view");
    rid_jsonw_key(w, "cameras");
    rid_jsonw_begin_array(w);
    for (size_t i = 0; i < s->n_cameras; i++)
        rid_jsonw_cstr(w, s->cameras[i]);
    rid_jsonw_end_array(w);
    rid_jsonw_end_object(w);
}

rid_status rid_provenance_write(rid_buf *out, const rid_store_info *info,
                                const rid_operating_point *point, size_t gallery,
                                const rid_selection *selection, const char *digest, rid_err *err)
{
    rid_jsonw w = {out, false};
    rid_jsonw_begin_object(&w);
    rid_jsonw_key(&w, "tool_version");
    rid_jsonw_cstr(&w, RID_VERSION);
    rid_jsonw_key(&w, "encoder");
    rid_jsonw_cstr(&w, info->encoder);
    rid_jsonw_key(&w, "encoder_hash");
    rid_jsonw_cstr(&w, info->encoder_hash);
    rid_jsonw_key(&w, "kernel");
    rid_jsonw_cstr(&w, info->kernel);
    rid_operating_point_put(&w, point, gallery);
    write_selection(&w, selection);
    rid_jsonw_key(&w, "content_digest");
    rid_jsonw_cstr(&w, digest);
    rid_jsonw_end_object(&w);
    return rid_buf_cstr(out) ? RID_OK : RID_FAIL_NOMEM(err);
}
