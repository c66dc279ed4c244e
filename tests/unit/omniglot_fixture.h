/** The entries of the Omniglot evaluation set, where it is there (RID_DATA, or shared/data beside the checkout),
 *  by their mean frame. */
#ifndef RID_OMNIGLOT_FIXTURE_H
#define RID_OMNIGLOT_FIXTURE_H

#include "fixture.h"

#include "data/base/hash.h"
#include "data/json.h"
#include "data/source.h"
#include "train/encoder.h"

enum { OMNIGLOT_ENTRIES = 659 * 4, OMNIGLOT_DIM = 128 };

typedef struct burst_set {
    float emb[OMNIGLOT_ENTRIES * OMNIGLOT_DIM];
    uint32_t person[OMNIGLOT_ENTRIES];
    size_t n;
} burst_set;

/* Numbers from digests of the persons' names: any will do that tells them apart. */
static inline uint32_t person_of(rid_json labels, rid_str id)
{
    char key[300];
    rid_json v;
    rid_str name;
    snprintf(key, sizeof key, "%.*s", RID_STR(id));
    assert_true(rid_json_find(labels, key, &v) && rid_json_get_str(v, &name));
    return (uint32_t)(rid_hash64(name.data, name.len) >> 33);
}

static inline void encode_entry(burst_set *set, const rid_encoder *e, const rid_payload *p,
                                rid_json labels)
{
    uint8_t kept[64];
    assert_true(set->n < OMNIGLOT_ENTRIES && p->frames.rows <= sizeof kept);
    rid_burst burst = {.frames = p->frames.data,
                       .n_frames = p->frames.rows,
                       .embedding = set->emb + set->n * OMNIGLOT_DIM,
                       .kept = kept};
    assert_ok(rid_encoder_run(e, &burst, 1, 1, &err));
    set->person[set->n++] = person_of(labels, p->meta.text[RID_TEXT_ID]);
}

/* Entries of the file by their mean frame. */
static inline void read_bursts(burst_set *set, const char *path, rid_json labels, bool filter_on)
{
    rid_filter filter = rid_filter_default();
    rid_timezones *zones = rid_timezones_new();
    rid_source *source;
    rid_encoder *e;
    rid_batch batch;
    filter.on = filter_on;
    set->n = 0;
    rid_source_options o = {.timezones = zones};
    assert_ok(rid_encoder_new_mean(&e, OMNIGLOT_DIM, &filter, &err));
    assert_ok(rid_source_open(&source, &o, &path, 1, &err));
    do {
        assert_ok(rid_source_next(source, &batch, &err));
        for (size_t i = 0; i < batch.n; i++)
            encode_entry(set, e, &batch.items[i]->payload, labels);
    } while (batch.n > 0);
    rid_source_close(source);
    rid_encoder_free(e);
    rid_timezones_free(zones);
}

/** False where the files are not there. */
static inline bool read_omniglot(burst_set *set, bool filter_on)
{
    const char *folder = getenv("RID_DATA") ? getenv("RID_DATA") : "../shared/data";
    char path[2][512];
    rid_json labels;
    snprintf(path[0], sizeof path[0], "%s/omniglot/eval.jsonl.gz", folder);
    snprintf(path[1], sizeof path[1], "%s/omniglot/gt_eval.json", folder);
    if (!fx_exists(path[0]))
        return false;
    rid_json_parser *parser = rid_json_parser_new();
    rid_buf text = fx_read(path[1]);
    assert_non_null(rid_buf_reserve(&text, RID_JSON_PADDING));
    assert_ok(rid_json_parse(parser, text.data, text.len, &labels, &err));
    read_bursts(set, path[0], labels, filter_on);
    rid_buf_free(&text);
    rid_json_parser_free(parser);
    return true;
}

#endif
