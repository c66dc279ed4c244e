/* Writing a store and reading it back: every field, every kind of frames, nothing left of what was
 * dropped, nothing accepted that is wrong, nothing leaked when memory is short. */
#include "tests/unit/fixture.h"

#include "data/h5file.h"
#include "data/half.h"
#include "data/store.h"

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static rid_store_info info_of(rid_frames_kind frames, size_t vis, size_t attr, size_t emb)
{
    return (rid_store_info){.encoder_hash = HASH,
                            .encoder = "mean",
                            .kernel = "base",
                            .schema = attr ? "{\"fields\":[]}" : "",
                            .filter = "{\"on\":true}",
                            .vis_dim = vis,
                            .attr_dim = attr,
                            .emb_dim = emb,
                            .frames = frames};
}

/* ---- entries made from their number ---- */

typedef struct entry {
    rid_payload payload;
    char texts[RID_TEXT_FIELDS][300];
    float embedding[64];
    uint8_t kept[4096];
    rid_entry_status status;
} entry;

static void set_text(entry *e, rid_text_field f, const char *text)
{
    rid_meta m = e->payload.meta;
    snprintf(e->texts[f], sizeof e->texts[f], "%s", text);
    m.text[f] = text[0] ? rid_str_of(e->texts[f]) : (rid_str){NULL, 0};
    if (f == RID_TEXT_TIMESTAMP && !rid_timestamp_parse(m.text[f], &m.timestamp_us))
        m.timestamp_us = RID_TIMESTAMP_NONE;
    assert_ok(rid_payload_set_meta(&e->payload, &m, &err));
}

static void add_image(entry *e, const char *uri)
{
    rid_payload *p = &e->payload;
    rid_buf_append_str(&p->images, uri);
    assert_int_equal(
        rid_mem_grow(&p->image_ends, &p->images_cap, p->n_images + 1, sizeof *p->image_ends), 0);
    p->image_ends[p->n_images++] = p->images.len;
}

static entry *make_entry(const rid_store_info *info, int i)
{
    entry *e = rid_mem_zalloc(1, sizeof *e);
    assert_non_null(e);
    rid_payload *p = &e->payload;
    rid_random r = fx_random((uint64_t)i);
    char text[300];
    p->meta.timestamp_us = RID_TIMESTAMP_NONE;
    snprintf(text, sizeof text, "s%d-%d%.*s", i % 3, i, i % 40,
             "_a_rather_long_id__________________________");
    set_text(e, RID_TEXT_ID, text);
    snprintf(text, sizeof text, "2025-11-%02d", 1 + i % 28);
    set_text(e, RID_TEXT_DAY, text);
    snprintf(text, sizeof text, "s%d", i % 3);
    set_text(e, RID_TEXT_STORE, text);
    for (rid_text_field f = RID_TEXT_CAMERA; f <= RID_TEXT_EMPLOYEE; f++) {
        snprintf(text, sizeof text, "%s \"Ã¼\" %d", rid_text_field_key(f), i);
        if ((i + (int)f) % 3)
            set_text(e, f, text);
    }
    if (i % 2)
        set_text(e, RID_TEXT_TIMESTAMP,
                 i % 4 == 1 ? "1969-12-31T23:59:59.123456789Z" : "2025-11-06T08:15:00+05:30");
    for (int k = 0; k < i % 4; k++)
        add_image(e, k == 1 ? "" : "s3://bucket/image.jpg");
    if (i % 3)
        rid_buf_printf(&p->attrs, "{\"a\":%d,\"b\":[\"\xC3\xBC\"]}", i);
    p->frames.rows = 1 + (size_t)i % 7;
    p->frames.cols = info->vis_dim;
    size_t n = p->frames.rows * p->frames.cols;
    assert_int_equal(rid_mem_grow(&p->frames.data, &p->frames.cap, n, sizeof(float)), 0);
    rid_random_normals(&r, p->frames.data, n);
    assert_int_equal(rid_mem_grow(&p->attr, &p->attr_cap, info->attr_dim, sizeof(float)), 0);
    for (size_t k = 0; k < info->attr_dim; k++)
        p->attr[k] = (float)(i * 100 + (int)k);
    e->status = i % 5 == 4 ? RID_ENTRY_SKIP : i % 5 == 3 ? RID_ENTRY_FALLBACK : RID_ENTRY_OK;
    e->embedding[(size_t)i % info->emb_dim] = i % 2 ? 1 : -1;
    for (size_t k = 0; k < p->frames.rows; k++)
        e->kept[k] = k % 2 == 0;
    return e;
}

static void free_entry(entry *e)
{
    rid_payload_free(&e->payload);
    rid_mem_free(e);
}

static rid_status add(rid_store_writer *w, const entry *e, bool *replaced, rid_err *err)
{
    rid_store_row row = {&e->payload, e->status == RID_ENTRY_SKIP ? NULL : e->embedding,
                         e->status == RID_ENTRY_SKIP ? NULL : e->kept, e->status};
    return rid_store_writer_add(w, &row, replaced, err);
}

static rid_store_writer *start(const char *path, const rid_store_info *info)
{
    rid_publish *publish;
    rid_store_writer *w;
    assert_ok(rid_publish_begin(&publish, path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, info, &err));
    return w;
}

static void finish(rid_store_writer *w)
{
    rid_publish *publish;
    assert_ok(rid_store_writer_finish(w, 2, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
}

static void expect_str(rid_str found, rid_str expected)
{
    assert_int_equal(found.data != NULL, expected.data != NULL);
    if (!rid_str_equal(found, expected))
        fail_msg("'%.*s', expected '%.*s'", RID_STR(found), RID_STR(expected));
}

/* Row `row` of the store is that entry, in every field. */
static void expect_entry(rid_store *s, size_t row, const entry *e)
{
    const rid_store_info *info = rid_store_get_info(s);
    const rid_payload *p = &e->payload;
    rid_meta m = rid_entries_meta(rid_store_entries(s), row);
    rid_payload back = {0};
    float embedding[64], attr[64], zeros[64] = {0};
    size_t found;
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        expect_str(m.text[f], p->meta.text[f]);
    assert_int_equal(m.timestamp_us, p->meta.timestamp_us);
    assert_int_equal(rid_entries_status(rid_store_entries(s), row), e->status);
    assert_true(rid_entries_find(rid_store_entries(s), m.text[RID_TEXT_ID], &found) &&
                found == row);
    assert_ok(rid_store_read_embeddings(s, &row, 1, embedding, &err));
    assert_memory_equal(embedding, e->status == RID_ENTRY_SKIP ? zeros : e->embedding,
                        info->emb_dim * sizeof(float));
    assert_ok(rid_store_read_attr(s, &row, 1, attr, &err));
    if (info->attr_dim)
        assert_memory_equal(attr, p->attr, info->attr_dim * sizeof(float));
    bool frames = info->frames != RID_FRAMES_NONE;
    assert_ok(rid_store_read_payload(s, row, frames, &back, &err));
    for (int f = 0; f < RID_TEXT_FIELDS; f++)
        expect_str(back.meta.text[f], p->meta.text[f]);
    assert_int_equal(back.n_images, p->n_images);
    for (size_t i = 0; i < p->n_images; i++)
        expect_str(rid_payload_image(&back, i), rid_payload_image(p, i));
    assert_true(rid_str_equal(rid_buf_view(&back.attrs), rid_buf_view(&p->attrs)));
    assert_int_equal(rid_store_frame_count(s, row), frames ? p->frames.rows : 0);
    assert_int_equal(back.frames.rows, frames ? p->frames.rows : 0);
    if (frames) {
        size_t n = p->frames.rows * p->frames.cols;
        uint8_t kept[64], none[64] = {0};
        float *expected = rid_mem_alloc(n, sizeof *expected);
        assert_non_null(expected);
        memcpy(expected, p->frames.data, n * sizeof *expected);
        if (info->frames == RID_FRAMES_F16) {
            uint16_t *half = rid_mem_alloc(n, sizeof *half);
            assert_true(half && rid_half_from_f32(half, p->frames.data, n));
            rid_half_to_f32(expected, half, n);
            rid_mem_free(half);
        }
        assert_memory_equal(back.frames.data, expected, n * sizeof *expected);
        rid_mem_free(expected);
        assert_ok(rid_store_read_kept(s, row, kept, &err));
        assert_memory_equal(kept, e->status == RID_ENTRY_SKIP ? none : e->kept, p->frames.rows);
    } else {
        assert_fails(rid_store_read_frames(s, row, embedding, &err), RID_EDATA, "no frames");
    }
    rid_payload_free(&back);
}

/* ---- round trips ---- */

static void round_trip(rid_frames_kind frames, size_t vis, size_t attr, size_t emb, int n)
{
    const char *path = fx_path("round.h5");
    rid_store_info info = info_of(frames, vis, attr, emb);
    info.operating_point = n % 2 ? "{\"threshold\":0.5}" : NULL;
    rid_store_writer *w = start(path, &info);
    for (int i = 0; i < n; i++) {
        entry *e = make_entry(&info, i);
        bool replaced = true;
        assert_ok(add(w, e, &replaced, &err));
        assert_false(replaced);
        free_entry(e);
    }
    finish(w);
    rid_store *s;
    assert_ok(rid_store_open(&s, path, &err));
    assert_ok(rid_store_verify(s, true, 2, &err));
    assert_int_equal(rid_store_count(s), n);
    const rid_store_info *found = rid_store_get_info(s);
    assert_string_equal(found->encoder_hash, HASH);
    assert_string_equal(found->encoder, "mean");
    assert_string_equal(found->kernel, "base");
    assert_string_equal(found->schema, info.schema);
    assert_string_equal(found->filter, info.filter);
    assert_string_equal(found->tool_version, RID_VERSION);
    assert_true(!found->operating_point == !info.operating_point);
    assert_true(found->vis_dim == vis && found->attr_dim == attr && found->emb_dim == emb &&
                found->frames == frames);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(rid_store_bytes(s), file.st_size);
    assert_int_equal(strlen(rid_store_digest(s)), 32);
    for (int i = n; i-- > 0;) { /* any order */
        entry *e = make_entry(&info, i);
        expect_entry(s, (size_t)i, e);
        free_entry(e);
    }
    rid_store_close(s);
}

static void test_round_trips(void **state)
{
    (void)state;
    for (int kind = RID_FRAMES_NONE; kind <= RID_FRAMES_F16; kind++) {
        round_trip((rid_frames_kind)kind, 7, 3, 5, 61);
        round_trip((rid_frames_kind)kind, 1, 0, 1, 5);
        round_trip((rid_frames_kind)kind, 7, 3, 5, 1);
        round_trip((rid_frames_kind)kind, 7, 3, 5, 0);
        round_trip((rid_frames_kind)kind, 7, 0, 5, 0);
    }
    round_trip(RID_FRAMES_F32, 1024, 64, 64, 300); /* several chunks of frames */
    round_trip(RID_FRAMES_F16, 2000, 2, 3, 300);
}

/* A burst of 10,000 frames larger than a chunk, and the row after it. */
static void test_long_burst(void **state)
{
    (void)state;
    const char *path = fx_path("long.h5");
    rid_store_info info = info_of(RID_FRAMES_F32, 100, 0, 4);
    entry *e[2] = {make_entry(&info, 0), make_entry(&info, 1)};
    rid_payload *p = &e[0]->payload;
    p->frames.rows = 10000;
    assert_int_equal(rid_mem_grow(&p->frames.data, &p->frames.cap, 1000000, sizeof(float)), 0);
    for (size_t i = 0; i < 1000000; i++)
        p->frames.data[i] = (float)i;
    e[0]->status = RID_ENTRY_SKIP; /* its kept is written as zeros, in pieces */
    rid_store_writer *w = start(path, &info);
    for (int i = 0; i < 2; i++)
        assert_ok(add(w, e[i], NULL, &err));
    finish(w);
    rid_store *s;
    assert_ok(rid_store_open(&s, path, &err));
    assert_int_equal(rid_store_frame_count(s, 0), 10000);
    float *back = rid_mem_alloc(1000000, sizeof *back);
    assert_non_null(back);
    assert_ok(rid_store_read_frames(s, 0, back, &err));
    assert_memory_equal(back, p->frames.data, 1000000 * sizeof(float));
    expect_entry(s, 1, e[1]);
    rid_mem_free(back);
    rid_store_close(s);
    free_entry(e[0]);
    free_entry(e[1]);
}

/* The schema's text is an attribute of the file, whatever its length. */
static void test_large_schema(void **state)
{
    (void)state;
    static const size_t sizes[] = {60000, 66000, 3000000};
    for (size_t i = 0; i < 3; i++) {
        const char *path = fx_path("schema.h5");
        rid_store_info info = info_of(RID_FRAMES_NONE, 3, 2, 4);
        char *schema = rid_mem_alloc(sizes[i] + 1, 1);
        assert_non_null(schema);
        memset(schema, 'x', sizes[i]);
        schema[sizes[i]] = '\0';
        info.schema = schema;
        finish(start(path, &info));
        rid_store *s;
        assert_ok(rid_store_open(&s, path, &err));
        assert_string_equal(rid_store_get_info(s)->schema, schema);
        rid_store_close(s);
        rid_mem_free(schema);
    }
}

static void test_same_entries_same_bytes(void **state)
{
    (void)state;
    rid_store_info info = info_of(RID_FRAMES_F16, 9, 2, 4);
    rid_buf files[2];
    for (int k = 0; k < 2; k++) {
        const char *path = fx_path(k ? "b.h5" : "a.h5");
        rid_store_writer *w = start(path, &info);
        for (int i = 0; i < 20; i++) {
            entry *e = make_entry(&info, i);
            assert_ok(add(w, e, NULL, &err));
            free_entry(e);
        }
        finish(w);
        files[k] = fx_read(path);
    }
    assert_int_equal(files[0].len, files[1].len);
    assert_memory_equal(files[0].data, files[1].data, files[0].len);
    rid_buf_free(&files[0]);
    rid_buf_free(&files[1]);
}

/* ---- replacing and removing ---- */

static bool contains(const rid_buf *file, const void *bytes, size_t n)
{
    return memmem(file->data, file->len, bytes, n) != NULL;
}

static void test_dropped_entries_leave_no_trace(void **state)
{
    (void)state;
    for (int kind = RID_FRAMES_NONE; kind <= RID_FRAMES_F16; kind++) {
        const char *path = fx_path("dropped.h5");
        rid_store_info info = info_of((rid_frames_kind)kind, 8, 2, 4);
        entry *secret = make_entry(&info, 5), *last = make_entry(&info, 100),
              *gone = make_entry(&info, 6);
        uint16_t half[8];
        bool replaced;
        set_text(secret, RID_TEXT_CAMERA, "secret-camera");
        add_image(secret, "s3://secret-image");
        rid_buf_append_str(&secret->payload.attrs, "");
        rid_buf_clear(&secret->payload.attrs);
        rid_buf_append_str(&secret->payload.attrs, "{\"secret\":\"attribute\"}");
        secret->payload.attr[0] = 12345.678f;
        secret->embedding[0] = 0.6f;
        secret->embedding[1] = 0.8f;
        secret->embedding[2] = secret->embedding[3] = 0;
        set_text(gone, RID_TEXT_EMPLOYEE, "gone-employee");
        set_text(last, RID_TEXT_ID, secret->texts[RID_TEXT_ID]);
        rid_store_writer *w = start(path, &info);
        rid_store_writer_remove(w, rid_str_of("nobody"), NULL) == RID_OK ? (void)0 : fail();
        for (int i = 0; i < 12; i++) {
            entry *e = i == 5 ? secret : i == 6 ? gone : make_entry(&info, i);
            assert_ok(add(w, e, &replaced, &err));
            assert_false(replaced);
            if (e != secret && e != gone)
                free_entry(e);
        }
        assert_ok(rid_store_writer_remove(w, rid_str_of(gone->texts[RID_TEXT_ID]), &err));
        assert_ok(rid_store_writer_remove(w, rid_str_of(gone->texts[RID_TEXT_ID]), &err));
        assert_ok(add(w, last, &replaced, &err));
        assert_true(replaced);
        finish(w);
        rid_buf file = fx_read(path);
        assert_false(contains(&file, "secret", 6));
        assert_false(contains(&file, "gone-employee", 13));
        assert_false(contains(&file, secret->payload.frames.data, 8 * sizeof(float)));
        assert_false(contains(&file, gone->payload.frames.data, 8 * sizeof(float)));
        assert_true(rid_half_from_f32(half, secret->payload.frames.data, 8));
        assert_false(contains(&file, half, sizeof half));
        assert_false(contains(&file, secret->embedding, 4 * sizeof(float)));
        assert_false(contains(&file, secret->payload.attr, sizeof(float)));
        assert_int_equal(contains(&file, last->payload.frames.data, 8 * sizeof(float)),
                         kind == RID_FRAMES_F32);
        rid_store *s;
        assert_ok(rid_store_open(&s, path, &err));
        assert_ok(rid_store_verify(s, true, 1, &err));
        assert_int_equal(rid_store_count(s), 11);
        for (int row = 0, i = 0; i < 12; i++) {
            if (i == 5 || i == 6)
                continue;
            entry *e = make_entry(&info, i);
            expect_entry(s, (size_t)row++, e);
            free_entry(e);
        }
        expect_entry(s, 10, last);
        rid_store_close(s);
        rid_buf_free(&file);
        free_entry(secret);
        free_entry(gone);
        free_entry(last);
    }
}

static void test_all_removed(void **state)
{
    (void)state;
    const char *path = fx_path("none.h5");
    rid_store_info info = info_of(RID_FRAMES_F32, 8, 2, 4);
    entry *e = make_entry(&info, 1);
    rid_store_writer *w = start(path, &info);
    for (int k = 0; k < 3; k++) {
        bool replaced;
        assert_ok(add(w, e, &replaced, &err));
        assert_false(replaced); /* removed before */
        assert_ok(rid_store_writer_remove(w, rid_str_of(e->texts[RID_TEXT_ID]), &err));
    }
    finish(w);
    rid_store *s;
    assert_ok(rid_store_open(&s, path, &err));
    assert_int_equal(rid_store_count(s), 0);
    rid_store_close(s);
    free_entry(e);
}

static void test_abort(void **state)
{
    (void)state;
    const char *path = fx_path("aborted.h5");
    rid_store_info info = info_of(RID_FRAMES_F32, 8, 2, 4);
    entry *e = make_entry(&info, 1);
    rid_store_writer *w = start(path, &info);
    assert_ok(add(w, e, NULL, &err));
    rid_store_writer_abort(w);
    rid_store_writer_abort(NULL);
    assert_false(fx_exists(path));
    free_entry(e);
}

/* ---- what a store may not hold ---- */

/* Writes one entry that breaks an invariant; it must not get as far as being published. */
static void expect_refused(void spoil(entry *e), const char *part)
{
    const char *path = fx_path("refused.h5");
    rid_store_info info = info_of(RID_FRAMES_F32, 8, 2, 4);
    entry *e = make_entry(&info, 1);
    rid_publish *publish;
    rid_store_writer *w = start(path, &info);
    spoil(e);
    rid_store_row row = {&e->payload, e->embedding, e->kept, e->status};
    assert_ok(rid_store_writer_add(w, &row, NULL, &err));
    assert_fails(rid_store_writer_finish(w, 1, &publish, &err), RID_EIO, part);
    assert_null(publish);
    assert_false(fx_exists(path));
    free_entry(e);
}

static void spoil_length(entry *e)
{
    e->embedding[1] = 0.5f;
    e->embedding[0] = 0;
}
static void spoil_nan(entry *e)
{
    e->embedding[1] = NAN;
}
static void spoil_skip(entry *e)
{
    e->status = RID_ENTRY_SKIP;
}
static void spoil_kept(entry *e)
{
    e->kept[0] = 2;
}
static void spoil_unkept(entry *e)
{
    memset(e->kept, 0, sizeof e->kept);
}
static void spoil_frames(entry *e)
{
    e->payload.frames.rows = 0;
}
static void spoil_day(entry *e)
{
    set_text(e, RID_TEXT_DAY, "2025-02-30");
}
static void spoil_utf8(entry *e)
{
    set_text(e, RID_TEXT_CAMERA, "\xFF");
}
static void spoil_timestamp(entry *e)
{
    e->payload.meta.timestamp_us++;
}
static void spoil_status(entry *e)
{
    e->status = (rid_entry_status)3;
}

static void test_invariants(void **state)
{
    (void)state;
    expect_refused(spoil_length, "");
    expect_refused(spoil_nan, "");
    expect_refused(spoil_skip, "");
    expect_refused(spoil_kept, "");
    expect_refused(spoil_unkept, "");
    expect_refused(spoil_frames, "");
    expect_refused(spoil_day, "");
    expect_refused(spoil_utf8, "");
    expect_refused(spoil_timestamp, "");
    expect_refused(spoil_status, "");
}

static void test_writer_refuses(void **state)
{
    (void)state;
    rid_store_info info = info_of(RID_FRAMES_F16, 8, 2, 4);
    entry *e = make_entry(&info, 1);
    rid_store_writer *w = start(fx_path("f16.h5"), &info);
    e->payload.frames.data[3] = 65520;
    assert_fails(add(w, e, NULL, &err), RID_EDATA, "float16");
    rid_store_writer_abort(w);
    w = start(fx_path("f16.h5"), &info);
    e->payload.frames.cols = 7;
    assert_fails(add(w, e, NULL, &err), RID_EFAIL, "7 dimensions");
    rid_store_writer_abort(w);
    free_entry(e);
}

/* ---- damage ---- */

static const char *sound_store(rid_frames_kind kind, rid_buf *file)
{
    const char *path = fx_path("sound.h5");
    rid_store_info info = info_of(kind, 300, 2, 4);
    rid_store_writer *w = start(path, &info);
    for (int i = 0; i < 8; i++) {
        entry *e = make_entry(&info, i);
        assert_ok(add(w, e, NULL, &err));
        free_entry(e);
    }
    finish(w);
    *file = fx_read(path);
    return path;
}

static rid_status open_and_verify(const char *path, rid_err *err)
{
    rid_store *s = NULL;
    rid_status st = rid_store_open(&s, path, err);
    if (st == RID_OK)
        st = rid_store_verify(s, true, 2, err);
    rid_store_close(s);
    return st;
}

static void test_truncation(void **state)
{
    (void)state;
    rid_buf file;
    sound_store(RID_FRAMES_F32, &file);
    for (size_t n = 0; n < file.len; n += n < 600 ? 1 : 997) {
        const char *path = fx_write_bytes("cut.h5", file.data, n);
        assert_fails(open_and_verify(path, &err), RID_EDATA, "cut.h5");
    }
    rid_buf_append(&file, "x", 1);
    assert_fails(open_and_verify(fx_write_bytes("cut.h5", file.data, file.len), &err), RID_EDATA,
                 "extended");
    rid_buf_free(&file);
}

static void test_header_flips(void **state)
{
    (void)state;
    rid_buf file;
    sound_store(RID_FRAMES_F32, &file);
    const char *path = fx_write_bytes("flipped.h5", file.data, file.len);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (off_t bit = 0; bit < 8 * 512; bit++) {
        char byte = (char)(file.data[bit / 8] ^ 1 << bit % 8);
        assert_int_equal(pwrite(fd, &byte, 1, bit / 8), 1);
        assert_fails(open_and_verify(path, &err), RID_EDATA, "flipped.h5");
        assert_int_equal(pwrite(fd, &file.data[bit / 8], 1, bit / 8), 1);
    }
    assert_ok(open_and_verify(path, &err));
    close(fd);
    rid_buf_free(&file);
}

/* Blocks swapped, zeroed, written twice: none goes unnoticed. */
static void test_blocks(void **state)
{
    (void)state;
    rid_buf file;
    rid_random r = fx_random(4);
    sound_store(RID_FRAMES_F16, &file);
    for (int round = 0; round < 300; round++) {
        rid_buf copy = {0};
        rid_buf_append(&copy, file.data, file.len);
        size_t n = 1 + rid_random_below(&r, 2000), at = rid_random_below(&r, file.len - n);
        size_t from = rid_random_below(&r, file.len - n);
        if (round % 2)
            memset(copy.data + at, round % 4 == 1 ? 0 : 0xFF, n);
        else
            memcpy(copy.data + at, file.data + from, n);
        const char *path = fx_write_bytes("damaged.h5", copy.data, copy.len);
        if (memcmp(copy.data, file.data, file.len) == 0)
            assert_ok(open_and_verify(path, &err));
        else
            assert_fails(open_and_verify(path, &err), RID_EDATA, "damaged.h5");
        rid_buf_free(&copy);
    }
    rid_buf_free(&file);
}

static void test_no_store(void **state)
{
    (void)state;
    rid_store *s;
    char *zeros = rid_mem_zalloc(1, 5000);
    assert_non_null(zeros);
    assert_fails(rid_store_open(&s, fx_path("nowhere.h5"), &err), RID_ENOINPUT, "nowhere.h5");
    assert_fails(rid_store_open(&s, fx_root, &err), RID_ENOINPUT, "regular file");
    assert_fails(rid_store_open(&s, fx_write("empty.h5", ""), &err), RID_EDATA, "no rid store");
    assert_fails(rid_store_open(&s, fx_write_bytes("zeros.h5", zeros, 5000), &err), RID_EDATA,
                 "no rid store");
    assert_fails(rid_store_open(&s, fx_write("text.h5", "RIDSTORE"), &err), RID_EDATA,
                 "no rid store");
    assert_int_equal(mkfifo(fx_path("fifo.h5"), 0600), 0);
    assert_fails(rid_store_open(&s, fx_path("fifo.h5"), &err), RID_ENOINPUT, "regular file");
    assert_null(s);
    rid_store_close(NULL);
    rid_mem_free(zeros);
}

static void test_compatible(void **state)
{
    (void)state;
    rid_store_info a = info_of(RID_FRAMES_F32, 8, 2, 4), b[8];
    static const char *const parts[] = {NULL,     "encoder_hash",    "schema", "filter",
                                        "frames", "operating_point", "kernel", "sizes"};
    for (size_t i = 0; i < 8; i++)
        b[i] = a;
    b[1].encoder_hash = "f" HASH;
    b[1].encoder_hash++; /* another string, the same text */
    b[1].encoder_hash = "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    b[2].schema = "";
    b[3].filter = "{}";
    b[4].frames = RID_FRAMES_F16;
    b[5].operating_point = "{}";
    b[6].kernel = "avx2";
    b[7].emb_dim = 5;
    finish(start(fx_path("one.h5"), &a));
    for (size_t i = 0; i < 8; i++) {
        rid_store *x, *y;
        finish(start(fx_path("other.h5"), &b[i]));
        assert_ok(rid_store_open(&x, fx_path("one.h5"), &err));
        assert_ok(rid_store_open(&y, fx_path("other.h5"), &err));
        if (parts[i])
            assert_fails(rid_store_check_compatible(x, y, &err), RID_ECONFIG, parts[i]);
        else
            assert_ok(rid_store_check_compatible(x, y, &err));
        rid_store_close(x);
        rid_store_close(y);
    }
}

/* ---- memory ---- */

static rid_status write_all(const char *path, entry *const e[4], const rid_store_info *info,
                            rid_err *err)
{
    rid_publish *publish = NULL;
    rid_store_writer *w = NULL;
    rid_status st = rid_publish_begin(&publish, path, true, err);
    if (st == RID_OK)
        st = rid_store_writer_open(&w, publish, info, err);
    if (st != RID_OK)
        return st;
    for (int i = 0; i < 4 && st == RID_OK; i++)
        st = add(w, e[i], NULL, err);
    if (st != RID_OK) {
        rid_store_writer_abort(w);
        return st;
    }
    st = rid_store_writer_finish(w, 1, &publish, err);
    return st == RID_OK ? rid_publish_commit(publish, err) : st;
}

static rid_status read_all(const char *path, rid_err *err)
{
    rid_store *s = NULL;
    rid_payload p = {0};
    rid_status st = rid_store_open(&s, path, err);
    if (st == RID_OK)
        st = rid_store_verify(s, true, 1, err);
    for (size_t i = 0; st == RID_OK && i < rid_store_count(s); i++)
        st = rid_store_read_payload(s, i, true, &p, err);
    rid_payload_free(&p);
    rid_store_close(s);
    return st;
}

static void test_no_memory(void **state)
{
    (void)state;
    const char *path = fx_path("memory.h5");
    rid_store_info info = info_of(RID_FRAMES_F16, 8, 2, 4);
    entry *e[4];
    for (int i = 0; i < 4; i++)
        e[i] = make_entry(&info, i + 1);
    set_text(e[3], RID_TEXT_ID, e[1]->texts[RID_TEXT_ID]); /* replaces: the store is compacted */
    for (int reading = 0; reading < 2; reading++) {
        uint64_t n = 1;
        for (;; n++) {
            int64_t before = rid_mem_live_blocks();
            rid_err failure = {0};
            rid_mem_fail_after(n);
            rid_status st =
                reading ? read_all(path, &failure) : write_all(path, e, &info, &failure);
            rid_mem_fail_after(0);
            assert_int_equal(rid_mem_live_blocks(), before);
            if (st == RID_OK)
                break;
            if (st != RID_ETEMP || failure.code != RID_ETEMP)
                fail_msg("allocation %d: %d: %s", (int)n, (int)st, failure.message);
            assert_true(reading || !fx_exists(path));
        }
        assert_true(n > 50);
    }
    for (int i = 0; i < 4; i++)
        free_entry(e[i]);
}

static int end(void **state)
{
    return rid_mem_live_blocks() != 0 || fx_end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_long_burst),
        cmocka_unit_test(test_large_schema),
        cmocka_unit_test(test_same_entries_same_bytes),
        cmocka_unit_test(test_dropped_entries_leave_no_trace),
        cmocka_unit_test(test_all_removed),
        cmocka_unit_test(test_abort),
        cmocka_unit_test(test_invariants),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_truncation),
        cmocka_unit_test(test_header_flips),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_no_store),
        cmocka_unit_test(test_compatible),
        cmocka_unit_test(test_no_memory),
    };
    rid_h5_init();
    return cmocka_run_group_tests(tests, fx_begin, end);
}
