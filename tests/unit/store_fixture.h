/** Small stores for tests: entries with metadata and embeddings, without frames. Include after
 *  fixture.h. */
#ifndef RID_TEST_STORE_FIXTURE_H
#define RID_TEST_STORE_FIXTURE_H

#include "data/h5file.h"
#include "data/store_set.h"

/** An entry; texts may be NULL but for id, day and store. */
typedef struct fx_entry {
    const char *id, *day, *store, *camera, *timestamp; /**< timestamp RFC 3339 */
    const float *embedding;                            /**< f32 (dim); NULL: skipped */
    const char *image;
} fx_entry;

static FX_UNUSED void fx_store_entry(rid_store_writer *w, const fx_entry *e)
{
    const char *const texts[RID_TEXT_FIELDS] = {[RID_TEXT_ID] = e->id,
                                                [RID_TEXT_DAY] = e->day,
                                                [RID_TEXT_STORE] = e->store,
                                                [RID_TEXT_CAMERA] = e->camera,
                                                [RID_TEXT_TIMESTAMP] = e->timestamp};
    rid_payload p = {.persist = true};
    rid_meta m = {.timestamp_us = RID_TIMESTAMP_NONE};
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        if (texts[f])
            m.text[f] = rid_str_of(texts[f]);
    if (e->timestamp)
        assert_true(rid_timestamp_parse(rid_str_of(e->timestamp), &m.timestamp_us));
    assert_ok(rid_payload_set_meta(&p, &m, &err));
    if (e->image) {
        rid_buf_append_str(&p.images, e->image);
        assert_int_equal(rid_mem_grow(&p.image_ends, &p.images_cap, 1, sizeof *p.image_ends), 0);
        p.image_ends[p.n_images++] = p.images.len;
    }
    const rid_store_row row = {&p, e->embedding, NULL, e->embedding ? RID_ENTRY_OK : RID_ENTRY_SKIP};
    assert_ok(rid_store_writer_add(w, &row, NULL, &err));
    rid_payload_free(&p);
}

/** Writes a store of n entries into the scratch directory and opens it as a set. */
static FX_UNUSED void fx_store_set(rid_store_set *set, const char *name, const fx_entry *entries,
                                   size_t n, size_t dim)
{
    const rid_store_info info = {
        .encoder_hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .encoder = "mean",
        .kernel = "base",
        .schema = "",
        .filter = "{\"on\":true}",
        .vis_dim = dim,
        .emb_dim = dim,
        .frames = RID_FRAMES_NONE};
    const char *path = fx_path(name);
    rid_publish *publish;
    rid_store_writer *w;
    rid_h5_init();
    assert_ok(rid_publish_begin(&publish, path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, &info, &err));
    for (size_t i = 0; i < n; i++)
        fx_store_entry(w, &entries[i]);
    assert_ok(rid_store_writer_finish(w, 1, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
    assert_ok(rid_store_set_open(set, &path, 1, 0, &err));
}

#endif
