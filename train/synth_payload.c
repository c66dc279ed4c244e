#include "train/synth_payload.h"

#include "data/json.h"
#include "data/jsonw.h"
#include "train/synth_attrs.h"

#include <inttypes.h>
#include <stdio.h>

rid_synth_bucket rid_synth_bucket_of(uint32_t store, int64_t day)
{
    rid_synth_bucket b = {.store = store, .day = day};
    snprintf(b.store_id, sizeof b.store_id, "nc%04" PRIu32, store);
    rid_day_of(b.day_id, day * 86400 * 1000000, 0);
    snprintf(b.day_digits, sizeof b.day_digits, "%.4s%.2s%.2s", b.day_id, b.day_id + 5,
             b.day_id + 8);
    return b;
}

void rid_synth_entry_id(char id[RID_SYNTH_ID_MAX], const rid_synth_bucket *b, size_t number)
{
    snprintf(id, RID_SYNTH_ID_MAX, "%.24s-%.8s-%05zu", b->store_id, b->day_digits, number);
}

void rid_synth_person_id(char id[RID_SYNTH_ID_MAX], const rid_synth_bucket *b, uint32_t person)
{
    snprintf(id, RID_SYNTH_ID_MAX, "%.24s-p%04" PRIu64, b->store_id, (uint64_t)person + 1);
}

static void write_text(rid_jsonw *w, const char *key, const char *value)
{
    rid_jsonw_key(w, key);
    rid_jsonw_cstr(w, value);
}

/* A stream of its own, so that the vectors of an entry do not depend on how its attributes went. */
static rid_random entry_random(const rid_synth_world *w, const rid_synth_bucket *b,
                               const rid_synth_crossing *c, bool attrs)
{
    const rid_synth_stream purpose = attrs ? RID_SYNTH_ENTRY_ATTRS : RID_SYNTH_ENTRY;
    return rid_synth_random(w->options, purpose, b->store, b->day, c->person, c->index);
}

static void write_metadata(rid_jsonw *w, const rid_synth_bucket *b, const rid_synth_crossing *c,
                           const rid_synth_person *p, const char *entry_id, uint64_t alert,
                           uint32_t camera)
{
    char text[RID_SYNTH_ID_MAX], timestamp[32];
    write_text(w, "day_id", b->day_id);
    write_text(w, "store_id", b->store_id);
    write_text(w, "entry_id", entry_id);
    snprintf(text, sizeof text, "alert-%016" PRIx64, alert);
    write_text(w, "alert_id", text);
    if (p->employee) {
        snprintf(text, sizeof text, "%.24s-e%04" PRIu64, b->store_id, (uint64_t)c->person + 1);
        write_text(w, "employee_id", text);
    }
    rid_timestamp_format_ms(timestamp, c->t_us);
    write_text(w, "timestamp", timestamp);
    write_text(w, "direction", c->index % 2 ? "exit" : "entry");
    snprintf(text, sizeof text, "cam%02" PRIu64, (uint64_t)camera + 1);
    write_text(w, "camera", text);
}

static void write_images(rid_jsonw *w, const rid_synth_bucket *b, const char *entry_id, size_t n)
{
    char uri[4 * RID_SYNTH_ID_MAX];
    rid_jsonw_key(w, "images");
    rid_jsonw_begin_array(w);
    for (size_t k = 0; k < n; k++) {
        snprintf(uri, sizeof uri, "synth://%s/%s/%s/%zu.jpg", b->store_id, b->day_id, entry_id, k);
        rid_jsonw_cstr(w, uri);
    }
    rid_jsonw_end_array(w);
}

/* rid_jsonw_f32_array for either number of digits, in one reservation. */
static void write_row(rid_jsonw *w, const float *x, size_t n, rid_synth_digits digits)
{
    rid_jsonw_begin_array(w);
    char *start = rid_buf_reserve(w->out, n * (RID_JSON_NUMBER_MAX + 1)), *at = start;
    for (size_t i = 0; start && i < n; i++) {
        if (i)
            *at++ = ',';
        at += digits == RID_SYNTH_DIGITS_FLOAT ? rid_json_write_f32(at, x[i])
                                               : rid_json_write_f64(at, (double)x[i]);
    }
    if (start)
        w->out->len += (size_t)(at - start);
    rid_jsonw_end_array(w);
}

static rid_synth_frames write_frames(rid_jsonw *w, rid_synth_burst *burst, size_t n)
{
    const rid_synth_options *o = burst->world->options;
    rid_synth_frames frames = {.drawn = n};
    rid_jsonw_key(w, "embeddings");
    rid_jsonw_begin_array(w);
    for (size_t k = 0; k < n; k++) {
        rid_synth_frame_kind kind = rid_synth_burst_next(burst);
        frames.duplicates += kind == RID_SYNTH_FRAME_DUPLICATE;
        frames.outliers += kind == RID_SYNTH_FRAME_OUTLIER;
        write_row(w, burst->frame, o->vis_dim, o->digits);
    }
    rid_jsonw_end_array(w);
    return frames;
}

rid_synth_frames rid_synth_payload_append(rid_buf *out, const rid_synth_world *world,
                                          const rid_synth_bucket *b, const rid_synth_crossing *c,
                                          size_t number, float *memory)
{
    const rid_synth_options *o = world->options;
    char entry_id[RID_SYNTH_ID_MAX];
    rid_synth_entry_id(entry_id, b, number);
    const rid_synth_person p = rid_synth_person_of(world, b->store, c->person);
    rid_random random = entry_random(world, b, c, false);
    const uint64_t alert = rid_random_u64(&random);
    const uint32_t camera = (uint32_t)rid_random_below(&random, o->cameras);
    const size_t n = (size_t)rid_random_between(&random, o->frames_lo, o->frames_hi);

    rid_jsonw w = {.out = out};
    rid_jsonw_begin_object(&w);
    write_metadata(&w, b, c, &p, entry_id, alert, camera);
    rid_jsonw_key(&w, "topk");
    rid_jsonw_i64(&w, 20);
    rid_jsonw_key(&w, "persist");
    rid_jsonw_bool(&w, true);
    write_images(&w, b, entry_id, n);
    if (o->attrs) {
        rid_random of_attrs = entry_random(world, b, c, true);
        rid_jsonw_key(&w, "attrs");
        rid_synth_attrs_write(&w, p.look, p.employee, o->attr_noise, &of_attrs);
    }
    rid_synth_burst burst = rid_synth_burst_begin(world, b->store, camera, &p, random, memory);
    rid_synth_frames frames = write_frames(&w, &burst, n);
    rid_jsonw_end_object(&w);
    return frames;
}

size_t rid_synth_payload_size(const rid_synth_options *o, size_t n_frames)
{
    return 4096 + n_frames * (128 + (size_t)o->vis_dim * 24);
}
