/* Merging, exporting and looking at stores: the same bytes for every way to the same entries, every
 * number back bit for bit, nothing lost to damage, shortage of memory or a signal. */
#include "tests/unit/fixture.h"

#include "data/base/interrupt.h"
#include "data/h5file.h"
#include "data/plain.h"
#include "data/source.h"
#include "data/store_export.h"
#include "data/store_info.h"
#include "data/store_merge.h"
#include "data/store_report.h"
#include "data/store_set.h"

#include <dirent.h>
#include <float.h>
#include <signal.h>
#include <sys/wait.h>

enum { VIS = 5, ATTR = 2, EMB = 6 };

/* As fx_path, but valid to the end of the program. */
static const char *path_of(const char *name)
{
    static char paths[48][128];
    char wanted[128];
    snprintf(wanted, sizeof wanted, "%s/%s", fx_root, name);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (paths[i][0] == '\0')
            memcpy(paths[i], wanted, sizeof wanted);
        if (strcmp(paths[i], wanted) == 0)
            return paths[i];
    }
    fail_msg("too many names");
    return NULL;
}

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static rid_store_info make_info(rid_frames_kind frames)
{
    return (rid_store_info){.encoder_hash = HASH,
                            .encoder = "mean",
                            .kernel = "base",
                            .schema = "{\"schema_id\":\"s\",\"fields\":[{\"name\":\"hat\","
                                      "\"type\":\"bool\"},{\"name\":\"n\",\"type\":\"float\"}]}",
                            .filter = "{\"on\":true}",
                            .operating_point = "{\"threshold\":0.5}",
                            .vis_dim = VIS,
                            .attr_dim = ATTR,
                            .emb_dim = EMB,
                            .frames = frames};
}

/* ---- entries that their number decides ---- */

/* Numbers that float16 keeps, a zero with a sign among them; with `wild` also ones it does not. */
static float value_of(rid_random *r, bool wild)
{
    static const float rare[] = {-0.0f, 1e-45f, FLT_MAX, -FLT_MIN, 16777217.f, 0.1f, 3.4e38f};
    if (wild && rid_random_chance(r, 0.3))
        return rare[rid_random_below(r, sizeof rare / sizeof rare[0])];
    if (rid_random_chance(r, 0.1))
        return -0.0f;
    return (float)(rid_random_between(r, -1024, 1024)) / 256;
}

static void add_image(rid_payload *p, const char *uri)
{
    rid_buf_append_str(&p->images, uri);
    assert_int_equal(
        rid_mem_grow(&p->image_ends, &p->images_cap, p->n_images + 1, sizeof *p->image_ends), 0);
    p->image_ends[p->n_images++] = p->images.len;
}

/* Entry number i as it was in its `version`. */
static void add_entry(rid_store_writer *w, unsigned i, unsigned version, rid_frames_kind frames)
{
    rid_payload p = {.persist = true};
    uint64_t key[] = {i, version};
    rid_random r = rid_random_of(key, 2);
    char id[32], stamp[32], day[16], store[16];
    float embedding[EMB] = {0};
    uint8_t kept[8];
    rid_entry_status status = i % 7 == 3    ? RID_ENTRY_SKIP
                              : i % 11 == 5 ? RID_ENTRY_FALLBACK
                                            : RID_ENTRY_OK;
    snprintf(id, sizeof id, "e%u", i * 7919 % 1000);
    snprintf(day, sizeof day, "2025-11-%02u", 1 + i % 3);
    snprintf(store, sizeof store, "nc%u", i % 5 % 2);
    rid_meta m = {.timestamp_us = RID_TIMESTAMP_NONE};
    m.text[RID_TEXT_ID] = rid_str_of(id);
    m.text[RID_TEXT_DAY] = rid_str_of(day);
    m.text[RID_TEXT_STORE] = rid_str_of(store);
    if (i % 4) {
        m.timestamp_us = (int64_t)(i % 5) * 60000000;
        rid_timestamp_format_ms(stamp, m.timestamp_us);
        m.text[RID_TEXT_TIMESTAMP] = rid_str_of(stamp);
    }
    if (i % 3)
        m.text[RID_TEXT_CAMERA] = rid_str_of("cam \"1\",\n\\");
    if (i % 2)
        m.text[RID_TEXT_EMPLOYEE] = rid_str_of("Zo\xC3\xAB");
    assert_ok(rid_payload_set_meta(&p, &m, &err));
    for (unsigned k = 0; k < i % 3; k++)
        add_image(&p, k ? "" : "s3://b/\"a\".jpg");
    if (i % 5)
        rid_buf_append_str(&p.attrs, i % 2 ? "{\"hat\":\"a\\nb\",\"n\":[1.5,null]}" : "{}");
    p.frames.rows = 1 + i % 4;
    p.frames.cols = VIS;
    assert_int_equal(rid_mem_grow(&p.frames.data, &p.frames.cap, p.frames.rows * VIS, sizeof(float)),
                     0);
    for (size_t k = 0; k < p.frames.rows * VIS; k++)
        p.frames.data[k] = value_of(&r, frames == RID_FRAMES_F32);
    assert_int_equal(rid_mem_grow(&p.attr, &p.attr_cap, ATTR, sizeof(float)), 0);
    p.attr[0] = (float)i;
    p.attr[1] = (float)version;
    for (size_t k = 0; k < p.frames.rows; k++)
        kept[k] = (uint8_t)(status != RID_ENTRY_SKIP && k != 1);
    if (status != RID_ENTRY_SKIP) {
        embedding[i % EMB] = version % 2 ? -0.6f : 0.6f;
        embedding[(i + 1) % EMB] = 0.8f;
    }
    rid_store_row row = {&p, embedding, kept, status};
    assert_ok(rid_store_writer_add(w, &row, NULL, &err));
    rid_payload_free(&p);
}

static rid_store_writer *start_store(const char *path, const rid_store_info *info)
{
    rid_publish *publish;
    rid_store_writer *w;
    assert_ok(rid_publish_begin(&publish, path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, info, &err));
    return w;
}

static void end_store(rid_store_writer *w)
{
    rid_publish *publish;
    assert_ok(rid_store_writer_finish(w, 1, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
}

/* Entries first, first + step, … below end. */
static const char *make_store(const char *name, unsigned first, unsigned end, unsigned step,
                              unsigned version, rid_frames_kind frames)
{
    const char *path = path_of(name);
    rid_store_info info = make_info(frames);
    rid_store_writer *w = start_store(path, &info);
    for (unsigned i = first; i < end; i += step)
        add_entry(w, i, version, frames);
    end_store(w);
    return path;
}

static void assert_same_file(const char *a, const char *b)
{
    rid_buf x = fx_read(a), y = fx_read(b);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    rid_buf_free(&x);
    rid_buf_free(&y);
}

static void assert_no_temporaries(void)
{
    DIR *d = opendir(fx_root);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (strstr(e->d_name, "rid-tmp"))
            fail_msg("left behind: %s", e->d_name);
    closedir(d);
}

/* ---- merge ---- */

static rid_status merge(const char *out, const char *const *in, size_t n, rid_summary *summary,
                        rid_err *err)
{
    rid_summary own = {0};
    rid_merge_options o = {.inputs = in, .n_inputs = n, .output = out, .force = true, .threads = 2};
    rid_status st = rid_store_merge(&o, summary ? summary : &own, NULL, err);
    rid_summary_clear(&own);
    return st;
}

static void assert_row_equal(rid_store *a, size_t i, rid_store *b, size_t j)
{
    rid_payload p = {0}, q = {0};
    float x[EMB], y[EMB], f[ATTR], g[ATTR];
    uint8_t k[8], l[8];
    bool frames = rid_store_get_info(a)->frames != RID_FRAMES_NONE;
    assert_ok(rid_store_read_payload(a, i, frames, &p, &err));
    assert_ok(rid_store_read_payload(b, j, frames, &q, &err));
    for (int t = 0; t < RID_TEXT_FIELDS; t++)
        assert_true(rid_str_equal(p.meta.text[t], q.meta.text[t]));
    assert_int_equal(p.meta.timestamp_us, q.meta.timestamp_us);
    assert_int_equal(p.n_images, q.n_images);
    for (size_t t = 0; t < p.n_images; t++)
        assert_true(rid_str_equal(rid_payload_image(&p, t), rid_payload_image(&q, t)));
    assert_true(rid_str_equal(rid_buf_view(&p.attrs), rid_buf_view(&q.attrs)));
    assert_int_equal(p.frames.rows, q.frames.rows);
    if (frames) {
        assert_memory_equal(p.frames.data, q.frames.data, p.frames.rows * VIS * sizeof(float));
        assert_ok(rid_store_read_kept(a, i, k, &err));
        assert_ok(rid_store_read_kept(b, j, l, &err));
        assert_memory_equal(k, l, p.frames.rows);
    }
    assert_ok(rid_store_read_embeddings(a, &i, 1, x, &err));
    assert_ok(rid_store_read_embeddings(b, &j, 1, y, &err));
    assert_memory_equal(x, y, sizeof x);
    assert_ok(rid_store_read_attr(a, &i, 1, f, &err));
    assert_ok(rid_store_read_attr(b, &j, 1, g, &err));
    assert_memory_equal(f, g, sizeof f);
    assert_int_equal(rid_entries_status(rid_store_entries(a), i),
                     rid_entries_status(rid_store_entries(b), j));
    rid_payload_free(&p);
    rid_payload_free(&q);
}

/* `merged` has the entries of `single`, in order. */
static void assert_canonical(const char *merged, const char *single)
{
    rid_store *m, *s;
    rid_meta before;
    assert_ok(rid_store_open(&m, merged, &err));
    assert_ok(rid_store_open(&s, single, &err));
    assert_ok(rid_store_verify(m, true, 2, &err));
    assert_int_equal(rid_store_count(m), rid_store_count(s));
    for (size_t i = 0; i < rid_store_count(m); i++) {
        size_t j;
        rid_meta meta = rid_entries_meta(rid_store_entries(m), i);
        assert_true(i == 0 || rid_meta_compare(&before, &meta) < 0);
        assert_true(rid_entries_find(rid_store_entries(s), meta.text[RID_TEXT_ID], &j));
        assert_row_equal(m, i, s, j);
        before = meta;
    }
    rid_store_close(m);
    rid_store_close(s);
}

static void test_merge_is_canonical(void **state)
{
    (void)state;
    for (rid_frames_kind frames = RID_FRAMES_NONE; frames <= RID_FRAMES_F16; frames++) {
        const char *single = make_store("single.h5", 0, 90, 1, 0, frames);
        const char *parts[] = {make_store("p0.h5", 0, 90, 3, 0, frames),
                               make_store("p1.h5", 1, 90, 3, 0, frames),
                               make_store("empty.h5", 0, 0, 1, 0, frames),
                               make_store("p2.h5", 2, 90, 3, 0, frames)};
        const char *turned[] = {parts[3], parts[0], parts[2], parts[1]};
        const char *a = path_of("a.h5"), *b = path_of("b.h5");
        assert_ok(merge(a, &single, 1, NULL, &err));
        assert_canonical(a, single);
        assert_ok(merge(b, parts, 4, NULL, &err));
        assert_same_file(a, b);
        assert_ok(merge(b, turned, 4, NULL, &err));
        assert_same_file(a, b);
        assert_ok(merge(b, &a, 1, NULL, &err)); /* what is in order stays as it is */
        assert_same_file(a, b);
        assert_ok(merge(b, (const char *[]){parts[2], parts[2]}, 2, NULL, &err));
        assert_canonical(b, parts[2]);
    }
    assert_no_temporaries();
}

/* The version of entry i in a store, -1 where it is not. */
static int version_in(const char *path, unsigned i)
{
    rid_store *s;
    size_t row;
    float attr[ATTR] = {0, -1};
    char id[32];
    snprintf(id, sizeof id, "e%u", i * 7919 % 1000);
    assert_ok(rid_store_open(&s, path, &err));
    if (rid_entries_find(rid_store_entries(s), rid_str_of(id), &row)) {
        assert_ok(rid_store_read_attr(s, &row, 1, attr, &err));
        assert_int_equal(attr[0], i);
    }
    rid_store_close(s);
    return (int)attr[1];
}

static void test_merge_later_duplicate_wins(void **state)
{
    (void)state;
    const char *a = make_store("a.h5", 0, 10, 1, 1, RID_FRAMES_F32);
    const char *b = make_store("b.h5", 5, 15, 1, 2, RID_FRAMES_F32);
    const char *c = make_store("c.h5", 9, 11, 1, 3, RID_FRAMES_F32);
    const char *out = path_of("out.h5");
    rid_summary s = {0};
    assert_ok(merge(out, (const char *[]){a, b, c}, 3, &s, &err));
    assert_int_equal(s.read, 22);
    assert_int_equal(s.duplicates, 7);
    assert_int_equal(s.skipped, 2); /* entries 3 and 10 */
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(version_in(out, i), i < 5 ? 1 : i < 9 ? 2 : i < 11 ? 3 : 2);
    rid_summary_clear(&s);
    assert_ok(merge(out, (const char *[]){c, b, a}, 3, &s, &err));
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(version_in(out, i), i < 10 ? 1 : 2);
    rid_summary_clear(&s);
    assert_ok(merge(out, (const char *[]){a, a, a}, 3, &s, &err));
    assert_int_equal(s.duplicates, 20);
    rid_summary_clear(&s);
    assert_ok(merge(path_of("once.h5"), &a, 1, NULL, &err));
    assert_same_file(out, path_of("once.h5"));
}

static void test_merge_onto_an_input(void **state)
{
    (void)state;
    const char *a = make_store("in.h5", 0, 20, 2, 1, RID_FRAMES_F32);
    const char *b = make_store("b.h5", 1, 20, 2, 1, RID_FRAMES_F32);
    const char *in[] = {a, b};
    assert_ok(merge(path_of("elsewhere.h5"), in, 2, NULL, &err));
    assert_ok(merge(a, in, 2, NULL, &err));
    assert_same_file(a, path_of("elsewhere.h5"));
}

static void test_merge_limit_and_dry_run(void **state)
{
    (void)state;
    const char *in[] = {make_store("a.h5", 0, 10, 1, 1, RID_FRAMES_NONE),
                        make_store("b.h5", 5, 15, 1, 2, RID_FRAMES_NONE)};
    rid_summary s = {0};
    rid_merge_options o = {.inputs = in, .n_inputs = 2, .threads = 1, .limit = 12, .dry_run = true};
    assert_ok(rid_store_merge(&o, &s, NULL, &err));
    assert_int_equal(s.read, 12);
    assert_int_equal(s.duplicates, 2);
    rid_summary_clear(&s);
    o.dry_run = false;
    o.output = path_of("limited.h5");
    assert_ok(rid_store_merge(&o, &s, NULL, &err));
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(version_in(o.output, i), i < 5 ? 1 : i < 7 ? 2 : i < 10 ? 1 : -1);
    rid_summary_clear(&s);
}

static void test_merge_refuses(void **state)
{
    (void)state;
    const char *a = make_store("a.h5", 0, 5, 1, 0, RID_FRAMES_F32);
    const char *out = make_store("out.h5", 0, 3, 1, 0, RID_FRAMES_F32), *other = path_of("other.h5");
    const struct {
        const char *field, *part;
    } cases[] = {{"hash", "encoder_hash"}, {"kernel", "kernel is base in the first and fma"},
                 {"filter", "filter"},     {"frames", "frames is f32 in the first and f16"},
                 {"point", "operating_point"}};
    rid_buf before = fx_read(out);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rid_store_info info = make_info(i == 3 ? RID_FRAMES_F16 : RID_FRAMES_F32);
        info.kernel = i == 1 ? "fma" : info.kernel;
        info.filter = i == 2 ? "{\"on\":false}" : info.filter;
        info.operating_point = i == 4 ? NULL : info.operating_point;
        if (i == 0)
            info.encoder_hash = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        rid_store_writer *w = start_store(other, &info);
        add_entry(w, 50, 0, info.frames);
        end_store(w);
        assert_fails(merge(out, (const char *[]){a, other}, 2, NULL, &err), RID_ECONFIG,
                     cases[i].part);
        assert_fails(merge(out, (const char *[]){other, a}, 2, NULL, &err), RID_ECONFIG, "other.h5");
    }
    rid_summary s = {0};
    rid_merge_options o = {.inputs = &a, .n_inputs = 1, .output = out, .threads = 1};
    assert_fails(rid_store_merge(&o, &s, NULL, &err), RID_EUSAGE, "--force");
    rid_summary_clear(&s);
    assert_fails(merge(out, (const char *[]){a, path_of("gone.h5")}, 2, NULL, &err), RID_ENOINPUT,
                 "gone.h5");
    rid_buf after = fx_read(out);
    assert_true(rid_str_equal(rid_buf_view(&before), rid_buf_view(&after)));
    rid_buf_free(&before);
    rid_buf_free(&after);
    assert_no_temporaries();
}

/* ---- export ---- */

static rid_status export_as(rid_export_format format, const char *out, const char *const *in,
                            size_t n, int threads, uint64_t limit, rid_err *err)
{
    rid_summary s = {0};
    rid_export_options o = {.inputs = in,
                            .n_inputs = n,
                            .output = out,
                            .format = format,
                            .force = true,
                            .limit = limit,
                            .threads = threads};
    rid_status st = rid_store_export(&o, &s, NULL, err);
    rid_summary_clear(&s);
    return st;
}

/* The payloads of the file are the store's rows, bit for bit. */
static void assert_payloads_equal(const char *jsonl, const char *path)
{
    rid_store *s;
    rid_source *source;
    rid_batch batch;
    rid_payload q = {0};
    size_t row = 0;
    rid_timezones *zones = rid_timezones_new();
    rid_source_options o = {.timezones = zones, .threads = 1};
    assert_ok(rid_store_open(&s, path, &err));
    assert_ok(rid_source_open(&source, &o, &jsonl, 1, &err));
    for (;;) {
        assert_ok(rid_source_next(source, &batch, &err));
        if (batch.n == 0)
            break;
        for (size_t i = 0; i < batch.n; i++, row++) {
            const rid_payload *p = &batch.items[i]->payload;
            if (batch.items[i]->rejected)
                fail_msg("row %zu: %s", row, batch.items[i]->fault.message);
            assert_ok(rid_store_read_payload(s, row, true, &q, &err));
            for (int t = 0; t < RID_TEXT_FIELDS; t++)
                assert_true(rid_str_equal(p->meta.text[t], q.meta.text[t]));
            assert_int_equal(p->meta.timestamp_us, q.meta.timestamp_us);
            assert_int_equal(p->n_images, q.n_images);
            for (size_t t = 0; t < p->n_images; t++)
                assert_true(rid_str_equal(rid_payload_image(p, t), rid_payload_image(&q, t)));
            assert_true(rid_str_equal(rid_buf_view(&p->attrs), rid_buf_view(&q.attrs)));
            assert_int_equal(p->frames.rows, q.frames.rows);
            assert_memory_equal(p->frames.data, q.frames.data, q.frames.rows * VIS * sizeof(float));
        }
    }
    assert_int_equal(row, rid_store_count(s));
    rid_payload_free(&q);
    rid_source_close(source);
    rid_store_close(s);
    rid_timezones_free(zones);
}

static void test_export_payloads_read_back(void **state)
{
    (void)state;
    for (rid_frames_kind frames = RID_FRAMES_F32; frames <= RID_FRAMES_F16; frames++) {
        const char *in = make_store("a.h5", 0, 300, 1, 4, frames), *out = path_of("a.jsonl");
        assert_ok(export_as(RID_EXPORT_JSONL, out, &in, 1, 1, 0, &err));
        assert_payloads_equal(out, in);
        assert_ok(export_as(RID_EXPORT_JSONL, path_of("b.jsonl"), &in, 1, 7, 0, &err));
        assert_same_file(out, path_of("b.jsonl"));
    }
}

static void test_export_needs_frames(void **state)
{
    (void)state;
    const char *in = make_store("a.h5", 0, 3, 1, 0, RID_FRAMES_NONE);
    assert_fails(export_as(RID_EXPORT_JSONL, path_of("none.jsonl"), &in, 1, 1, 0, &err), RID_EDATA,
                 "no frames");
    assert_false(fx_exists(path_of("none.jsonl")));
    assert_no_temporaries();
}

static void test_export_csv(void **state)
{
    (void)state;
    static const char expected[] =
        "entry_id,day_id,store_id,camera,direction,alert_id,employee_id,timestamp,status,"
        "emb_0,emb_1,emb_2,emb_3,emb_4,emb_5\n"
        "e919,2025-11-02,nc1,\"cam \"\"1\"\",\n\\\",,,Zo\xC3\xAB,1970-01-01T00:01:00.000Z,ok,"
        "0,0.6,0.8,0,0,0\n"
        "e838,2025-11-03,nc0,\"cam \"\"1\"\",\n\\\",,,,1970-01-01T00:02:00.000Z,ok,"
        "0,0,0.6,0.8,0,0\n"
        "e757,2025-11-01,nc1,,,,Zo\xC3\xAB,1970-01-01T00:03:00.000Z,skip,0,0,0,0,0,0\n"
        "e676,2025-11-02,nc0,\"cam \"\"1\"\",\n\\\",,,,,ok,0,0,0,0,0.6,0.8\n"
        "e595,2025-11-03,nc0,\"cam \"\"1\"\",\n\\\",,,Zo\xC3\xAB,1970-01-01T00:00:00.000Z,fallback,"
        "0.8,0,0,0,0,0.6\n";
    const char *in = make_store("a.h5", 1, 20, 1, 0, RID_FRAMES_NONE), *out = path_of("a.csv");
    assert_ok(export_as(RID_EXPORT_CSV, out, &in, 1, 2, 5, &err));
    rid_buf text = fx_read(out);
    assert_non_null(rid_buf_cstr(&text));
    assert_string_equal(text.data, expected);
    rid_buf_free(&text);
    in = make_store("empty.h5", 0, 0, 1, 0, RID_FRAMES_NONE);
    assert_ok(export_as(RID_EXPORT_CSV, out, &in, 1, 2, 0, &err));
    text = fx_read(out);
    assert_int_equal(text.len, strchr(expected, '\n') + 1 - expected);
    assert_memory_equal(text.data, expected, text.len);
    rid_buf_free(&text);
}

static void test_export_npy(void **state)
{
    (void)state;
    const char *in[] = {make_store("a.h5", 0, 400, 1, 0, RID_FRAMES_NONE),
                        make_store("b.h5", 10, 12, 1, 1, RID_FRAMES_NONE)};
    const char *out = path_of("a.npy");
    rid_store_set set;
    assert_ok(export_as(RID_EXPORT_NPY, out, in, 2, 2, 0, &err));
    rid_buf file = fx_read(out);
    assert_int_equal(file.len, 128 + 400 * EMB * sizeof(float));
    assert_memory_equal(file.data, "\x93NUMPY\x01\x00\x76\x00", 10);
    static const char head[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (400, 6), } ";
    assert_memory_equal(file.data + 10, head, sizeof head - 1);
    assert_int_equal(file.data[127], '\n');
    assert_ok(rid_store_set_open(&set, in, 2, 0, &err));
    assert_int_equal(set.n, 400);
    for (size_t i = 0; i < set.n; i++) {
        float expected[EMB];
        size_t row = set.places[i].row;
        assert_int_equal(set.places[i].store, i >= 398); /* the two that came again stand last */
        assert_ok(rid_store_read_embeddings(set.stores[set.places[i].store], &row, 1, expected, &err));
        assert_memory_equal(file.data + 128 + i * sizeof expected, expected, sizeof expected);
    }
    rid_store_set_close(&set);
    rid_buf_free(&file);
}

/* ---- reports ---- */

typedef enum report {
    REPORT_INFO,
    REPORT_INFO_JSON,
    REPORT_VERIFY,
    REPORT_LIST,
    REPORT_LIST_JSON,
    REPORT_SHOW,
    REPORT_SHOW_JSON,
    REPORTS
} report;

static rid_status run_report(report r, const char *out, const char *path, const char *id,
                             rid_err *err)
{
    rid_publish *publish;
    rid_status st = rid_publish_begin(&publish, out, true, err);
    if (st != RID_OK)
        return st;
    switch (r) {
    case REPORT_INFO:
    case REPORT_INFO_JSON:
        st = rid_store_info_report(publish, &path, 1, r == REPORT_INFO_JSON, err);
        break;
    case REPORT_VERIFY:
        st = rid_store_report_verify(publish, &path, 1, 1, err);
        break;
    case REPORT_LIST:
    case REPORT_LIST_JSON:
        st = rid_store_report_list(publish, &path, 1, 4, r == REPORT_LIST_JSON, err);
        break;
    default:
        st = rid_store_report_show(publish, path, id, r == REPORT_SHOW_JSON, err);
        break;
    }
    if (st == RID_OK)
        return rid_publish_commit(publish, err);
    rid_publish_abort(publish);
    return st;
}

static void assert_report(report r, const char *path, const char *id, const char *expected)
{
    const char *out = path_of("report.txt");
    assert_ok(run_report(r, out, path, id, &err));
    rid_buf text = fx_read(out);
    assert_non_null(rid_buf_cstr(&text));
    assert_string_equal(text.data, expected);
    rid_buf_free(&text);
}

static void test_reports(void **state)
{
    (void)state;
    char line[600];
    const char *path = make_store("a.h5", 0, 20, 1, 0, RID_FRAMES_F32);
    snprintf(line, sizeof line, "%s: ok (20 entries, 50 frames)\n", path);
    assert_report(REPORT_VERIFY, path, NULL, line);
    assert_report(REPORT_LIST, path, NULL,
                  "e0\t2025-11-01\tnc0\ne757\t2025-11-01\tnc1\n"
                  "e919\t2025-11-02\tnc1\ne838\t2025-11-03\tnc0\n");
    assert_report(REPORT_LIST_JSON, make_store("c.h5", 3, 5, 1, 0, RID_FRAMES_F32), NULL,
                  "{\"entry_id\":\"e757\",\"day_id\":\"2025-11-01\",\"store_id\":\"nc1\","
                  "\"camera\":null,\"direction\":null,\"alert_id\":null,"
                  "\"employee_id\":\"Zo\xC3\xAB\",\"timestamp\":\"1970-01-01T00:03:00.000Z\","
                  "\"status\":\"skip\"}\n"
                  "{\"entry_id\":\"e676\",\"day_id\":\"2025-11-02\",\"store_id\":\"nc0\","
                  "\"camera\":\"cam \\\"1\\\",\\n\\\\\",\"direction\":null,\"alert_id\":null,"
                  "\"employee_id\":null,\"timestamp\":null,\"status\":\"ok\"}\n");
    assert_report(REPORT_SHOW, path, "e433",
                  "entry_id         e433\n"
                  "day_id           2025-11-02\n"
                  "store_id         nc0\n"
                  "camera           cam \"1\",\\n\\\\\n"
                  "employee_id      Zo\xC3\xAB\n"
                  "timestamp        1970-01-01T00:02:00.000Z\n"
                  "status           ok\n"
                  "attrs            {\"hat\":\"a\\nb\",\"n\":[1.5,null]}\n"
                  "images           s3://b/\"a\".jpg\n"
                  "frames           4, kept 3: 0, 2-3\n");
    assert_report(REPORT_SHOW_JSON, path, "e433",
                  "{\"format_version\":1,\"entry_id\":\"e433\",\"day_id\":\"2025-11-02\","
                  "\"store_id\":\"nc0\",\"camera\":\"cam \\\"1\\\",\\n\\\\\",\"direction\":null,"
                  "\"alert_id\":null,\"employee_id\":\"Zo\xC3\xAB\","
                  "\"timestamp\":\"1970-01-01T00:02:00.000Z\",\"status\":\"ok\","
                  "\"attrs\":{\"hat\":\"a\\nb\",\"n\":[1.5,null]},\"images\":[\"s3://b/\\\"a\\\".jpg\"],"
                  "\"frames\":{\"count\":4,\"kept\":[0,2,3]}}\n");
    assert_fails(run_report(REPORT_SHOW, path_of("r"), path, "e\n1", &err), RID_ENOINPUT,
                 "no entry 'e\\n1' among its 20");
    path = make_store("b.h5", 3, 4, 1, 0, RID_FRAMES_NONE);
    assert_report(REPORT_SHOW, path, "e757",
                  "entry_id         e757\n"
                  "day_id           2025-11-01\n"
                  "store_id         nc1\n"
                  "employee_id      Zo\xC3\xAB\n"
                  "timestamp        1970-01-01T00:03:00.000Z\n"
                  "status           skip\n"
                  "attrs            {\"hat\":\"a\\nb\",\"n\":[1.5,null]}\n"
                  "frames           not stored\n");
}

static void test_info(void **state)
{
    (void)state;
    char expected[2000];
    rid_store *s;
    const char *path = make_store("a.h5", 0, 20, 1, 0, RID_FRAMES_F16);
    assert_ok(rid_store_open(&s, path, &err));
    unsigned bytes = (unsigned)rid_store_bytes(s);
    snprintf(expected, sizeof expected,
             "path             %s\n"
             "entries          20 (15 ok, 3 skip, 2 fallback)\n"
             "buckets          6\n"
             "days             3 (2025-11-01 to 2025-11-03)\n"
             "stores           2\n"
             "encoder          mean\n"
             "encoder hash     " HASH "\n"
             "kernel           base\n"
             "filter           {\"on\":true}\n"
             "schema           s\n"
             "dimensions       frame 5, attributes 2, embedding 6\n"
             "frames           50 (f16)\n"
             "operating point  {\"threshold\":0.5}\n"
             "written by       rid " RID_VERSION "\n"
             "size             %u kB (%u,%03u bytes)\n"
             "digest           %s\n",
             path, (bytes + 500) / 1000, bytes / 1000, bytes % 1000, rid_store_digest(s));
    assert_report(REPORT_INFO, path, NULL, expected);
    snprintf(expected, sizeof expected,
             "{\"format_version\":1,\"stores\":[{\"path\":\"%s\",\"bytes\":%u,\"digest\":\"%s\","
             "\"tool_version\":\"" RID_VERSION "\","
             "\"entries\":{\"total\":20,\"ok\":15,\"skip\":3,\"fallback\":2},"
             "\"buckets\":6,\"days\":3,\"stores\":2,"
             "\"first_day\":\"2025-11-01\",\"last_day\":\"2025-11-03\","
             "\"frames\":{\"kind\":\"f16\",\"count\":50},"
             "\"encoder\":\"mean\",\"encoder_hash\":\"" HASH "\",\"kernel\":\"base\","
             "\"filter\":{\"on\":true},\"schema_id\":\"s\",\"vis_dim\":5,\"attr_dim\":2,"
             "\"emb_dim\":6,\"operating_point\":{\"threshold\":0.5}}]}\n",
             path, bytes, rid_store_digest(s));
    assert_report(REPORT_INFO_JSON, path, NULL, expected);
    rid_store_close(s);
}

static void test_plain(void **state)
{
    (void)state;
    rid_buf b = {0};
    rid_plain_append(&b, (rid_str){"a\tb\\\x1b[0m\0\xC2\x9B\xC3\xA9\xC2\xA0\x7F", 16});
    assert_string_equal(rid_buf_cstr(&b), "a\\tb\\\\\\x1B[0m\\x00\\xC2\\x9B\xC3\xA9\xC2\xA0\\x7F");
    const struct {
        uint64_t n;
        const char *text;
    } sizes[] = {{0, "0.0 kB (0 bytes)"},
                 {9949, "9.9 kB (9,949 bytes)"},
                 {9960, "10 kB (9,960 bytes)"},
                 {999499, "999 kB (999,499 bytes)"},
                 {999500, "1.0 MB (999,500 bytes)"},
                 {1234567890123, "1.2 TB (1,234,567,890,123 bytes)"}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        rid_buf_clear(&b);
        rid_plain_append_bytes(&b, sizes[i].n);
        assert_string_equal(rid_buf_cstr(&b), sizes[i].text);
    }
    rid_buf_free(&b);
}

/* ---- damage ---- */

static rid_status verify_bytes(const rid_buf *file, size_t n, rid_err *err)
{
    const char *path = fx_write_bytes("damaged.h5", file->data, n);
    return rid_store_report_verify(NULL, &path, 1, 1, err);
}

static void test_every_flip_is_found(void **state)
{
    (void)state;
    enum { HEADER_BYTES = 64, RANDOM_FLIPS = 1500 };
    rid_random r = fx_random(7);
    const char *path = make_store("a.h5", 0, 30, 1, 0, RID_FRAMES_F32);
    rid_buf file = fx_read(path);
    assert_ok(verify_bytes(&file, file.len, &err));
    for (size_t i = 0; i < HEADER_BYTES + RANDOM_FLIPS; i++) {
        size_t at = i < HEADER_BYTES ? i : rid_random_below(&r, file.len);
        char bit = (char)(1 << rid_random_below(&r, 8));
        rid_err err = {0};
        file.data[at] ^= bit;
        rid_status st = verify_bytes(&file, file.len, &err);
        file.data[at] ^= bit;
        if (st != RID_EDATA || !strstr(err.message, "damaged.h5"))
            fail_msg("byte %zu: status %d, %s", at, (int)st, err.message);
    }
    for (size_t n = 0; n < file.len; n += n < 1024 ? 37 : 997)
        assert_fails(verify_bytes(&file, n, &err), RID_EDATA, "damaged.h5");
    for (size_t i = 0; i < 20; i++) {
        rid_buf_append_char(&file, i % 2 ? 'x' : '\0');
        assert_fails(verify_bytes(&file, file.len, &err), RID_EDATA, "cut short or extended");
    }
    rid_buf_free(&file);
}

/* Opening leaves the frames to their own checksums: whoever reads them must meet the damage. */
static void test_damaged_frames(void **state)
{
    (void)state;
    rid_store *s;
    float frames[4 * VIS];
    const char *path = make_store("a.h5", 0, 30, 1, 0, RID_FRAMES_F32), *out = path_of("out");
    assert_ok(rid_store_open(&s, path, &err));
    assert_ok(rid_store_read_frames(s, 7, frames, &err));
    rid_store_close(s);
    rid_buf file = fx_read(path);
    char *at = memmem(file.data, file.len, frames, sizeof frames);
    assert_non_null(at);
    at[5] ^= 4;
    fx_write_bytes("a.h5", file.data, file.len);
    assert_ok(export_as(RID_EXPORT_CSV, out, &path, 1, 1, 0, &err));
    assert_int_equal(unlink(out), 0);
    for (int threads = 1; threads <= 3; threads += 2)
        assert_fails(export_as(RID_EXPORT_JSONL, out, &path, 1, threads, 0, &err), RID_EDATA,
                     "/frame/vector: chunk 0");
    assert_fails(merge(out, &path, 1, NULL, &err), RID_EDATA, "/frame/vector: chunk 0");
    assert_fails(rid_store_report_verify(NULL, &path, 1, 1, &err), RID_EDATA,
                 "/frame/vector: chunk 0");
    assert_false(fx_exists(out));
    assert_no_temporaries();
    rid_buf_free(&file);
}

/* Digests fit, contents do not: what a faulty writer would leave. */
static void write_faulty(const char *path, unsigned fault)
{
    rid_store_info info = make_info(RID_FRAMES_F32);
    float embedding[EMB] = {0.6f, 0.8f}, frame[VIS] = {1, 2, 3, 4, 5}, attr[ATTR] = {0};
    uint8_t kept = 1;
    rid_entry_status status = RID_ENTRY_OK;
    rid_payload p = {.frames = {.data = frame, .rows = 1, .cols = VIS}, .attr = attr};
    rid_meta *m = &p.meta;
    m->text[RID_TEXT_ID] = rid_str_of("e1");
    m->text[RID_TEXT_DAY] = rid_str_of(fault == 0 ? "2025-02-30" : "2025-02-28");
    m->text[RID_TEXT_STORE] = rid_str_of(fault == 1 ? "s\xFF" : "s");
    m->timestamp_us = fault == 2 ? 5 : RID_TIMESTAMP_NONE;
    embedding[1] = fault == 3 ? 0.81f : 0.8f;
    status = fault == 4 ? RID_ENTRY_SKIP : status;
    embedding[0] = fault == 5 ? NAN : embedding[0];
    frame[2] = fault == 6 ? INFINITY : frame[2];
    kept = (uint8_t)(fault == 7 ? 0 : fault == 8 ? 2 : 1);
    rid_buf_append_str(&p.attrs, fault == 9 ? "{\"a\":}" : fault == 10 ? "[]" : "{\"a\":1}");
    p.frames.rows = fault == 11 ? 0 : 1;
    rid_store_writer *w = start_store(path, &info);
    rid_store_row row = {&p, embedding, &kept, status};
    assert_ok(rid_store_writer_add(w, &row, NULL, &err));
    rid_publish *publish = NULL;
    rid_err caught = {0};
    rid_status st = rid_store_writer_finish(w, 1, &publish, &caught);
    bool deep_only = fault == 6 || fault == 9 || fault == 10 || fault == 12;
    if (deep_only) {
        assert_int_equal(st, RID_OK);
        assert_ok(rid_publish_commit(publish, &err));
    } else { /* the writer's own verification refuses to publish it */
        assert_int_equal(st, RID_EIO);
        assert_null(publish);
    }
    rid_buf_free(&p.attrs);
}

static void test_deep_verification(void **state)
{
    (void)state;
    static const char *const found[] = {[6] = "a frame holds a number that is not finite",
                                        [9] = "attributes are no JSON object",
                                        [10] = "attributes are no JSON object"};
    const char *path = path_of("faulty.h5");
    for (unsigned fault = 0; fault <= 12; fault++) {
        write_faulty(path, fault);
        if (fault == 12)
            assert_ok(rid_store_report_verify(NULL, &path, 1, 1, &err));
        else if (fault < sizeof found / sizeof found[0] && found[fault])
            assert_fails(rid_store_report_verify(NULL, &path, 1, 1, &err), RID_EDATA, found[fault]);
    }
    assert_no_temporaries();
}

static void count_line(void *ctx, rid_log_level level, const char *line)
{
    (void)line;
    *(int *)ctx += level == RID_LOG_ERROR;
}

static void test_all_are_verified(void **state)
{
    (void)state;
    int errors = 0;
    const char *good = make_store("good.h5", 0, 2, 1, 0, RID_FRAMES_F32);
    const char *paths[] = {path_of("gone.h5"), path_of("text.h5"), good, path_of("nothing.h5")};
    rid_publish *out;
    fx_write("text.h5", "no store");
    fx_write("nothing.h5", "");
    rid_log_set_sink(count_line, &errors);
    assert_ok(rid_publish_begin(&out, path_of("verified"), true, &err));
    assert_fails(rid_store_report_verify(out, paths, 4, 1, &err), RID_EDATA,
                 "3 of 4 stores did not pass");
    assert_ok(rid_publish_commit(out, &err));
    assert_int_equal(errors, 3);
    assert_fails(rid_store_report_verify(NULL, (const char *[]){paths[0], good}, 2, 1, &err),
                 RID_ENOINPUT, "1 of 2");
    rid_log_set_sink(NULL, NULL);
    rid_buf text = fx_read(path_of("verified"));
    assert_non_null(strstr(rid_buf_cstr(&text), "good.h5: ok (2 entries, 3 frames)\n"));
    rid_buf_free(&text);
}

/* ---- shortage of memory, signals ---- */

static rid_status run_job(unsigned job, const char *const *in, rid_err *err)
{
    const char *out = path_of("job.out");
    if (job == 0)
        return merge(out, in, 2, NULL, err);
    if (job <= 3)
        return export_as((rid_export_format)(job - 1), out, in, 2, 1, 0, err);
    return run_report((report)(job - 4), out, in[0], "e433", err);
}

enum { JOBS = 4 + REPORTS };

static void test_no_memory(void **state)
{
    (void)state;
    const char *in[] = {make_store("a.h5", 0, 20, 1, 0, RID_FRAMES_F16),
                        make_store("b.h5", 15, 25, 1, 1, RID_FRAMES_F16)};
    for (unsigned job = 0; job < JOBS; job++) {
        assert_ok(run_job(job, in, &err));
        assert_int_equal(rename(path_of("job.out"), path_of("job.expected")), 0);
        fx_write("job.out", "before");
        uint64_t nth = 1;
        for (rid_status st = RID_ETEMP; st != RID_OK; nth++) {
            rid_err err = {0};
            int64_t live = rid_mem_live_blocks();
            rid_mem_fail_after(nth);
            st = run_job(job, in, &err);
            rid_mem_fail_after(0);
            assert_int_equal(rid_mem_live_blocks(), live);
            if (st == RID_OK)
                break;
            if (st != RID_ETEMP)
                fail_msg("job %u, allocation %u: status %d, %s", job, (unsigned)nth, (int)st,
                         err.message);
            rid_buf text = fx_read(path_of("job.out"));
            assert_true(rid_str_equal(rid_buf_view(&text), rid_str_of("before")));
            rid_buf_free(&text);
        }
        assert_true(nth > 20);
        assert_same_file(path_of("job.out"), path_of("job.expected"));
        assert_no_temporaries();
    }
}

static void test_interrupt(void **state)
{
    (void)state;
    const char *in[] = {make_store("a.h5", 0, 20, 1, 0, RID_FRAMES_F32),
                        make_store("b.h5", 15, 25, 1, 1, RID_FRAMES_F32)};
    for (unsigned job = 0; job < JOBS; job++) {
        fx_write("job.out", "before");
        if (job == 4 + REPORT_SHOW || job == 4 + REPORT_SHOW_JSON)
            continue; /* over in a moment */
        pid_t child = fork();
        if (child == 0) {
            rid_err err = {0};
            bool right = rid_interrupt_install(&err) == RID_OK && raise(SIGTERM) == 0 &&
                         run_job(job, in, &err) == RID_EINTR;
            _exit(right ? 0 : 1);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_int_equal(ended, 0);
        rid_buf text = fx_read(path_of("job.out"));
        assert_true(rid_str_equal(rid_buf_view(&text), rid_str_of("before")));
        rid_buf_free(&text);
        assert_no_temporaries();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_is_canonical),
        cmocka_unit_test(test_merge_later_duplicate_wins),
        cmocka_unit_test(test_merge_onto_an_input),
        cmocka_unit_test(test_merge_limit_and_dry_run),
        cmocka_unit_test(test_merge_refuses),
        cmocka_unit_test(test_export_payloads_read_back),
        cmocka_unit_test(test_export_needs_frames),
        cmocka_unit_test(test_export_csv),
        cmocka_unit_test(test_export_npy),
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_info),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_every_flip_is_found),
        cmocka_unit_test(test_damaged_frames),
        cmocka_unit_test(test_deep_verification),
        cmocka_unit_test(test_all_are_verified),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_interrupt),
    };
    rid_h5_init();
    return cmocka_run_group_tests(tests, fx_begin, fx_end);
}
