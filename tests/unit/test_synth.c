/* Synthetic data: same options same bytes, counts, well-formed payloads, honest ground truth,
 * vectors whose geometry is what the header says. */
#include "data/base/interrupt.h"
#include "data/base/mem.h"
#include "data/json.h"
#include "data/schema.h"
#include "data/textfile.h"
#include "train/checkpoint.h"
#include "train/checkpoint_meta.h"
#include "train/synth.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/rid-test-synth-XXXXXX";

/* A path inside the folder; four stay valid at a time. */
static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

static rid_synth_options small(void)
{
    rid_synth_options o;
    rid_synth_options_init(&o);
    o.people = 9;
    o.vis_dim = 48;
    o.force = true;
    return o;
}

static rid_synth_result run_ok(const rid_synth_options *o)
{
    rid_synth_result counts;
    rid_err err = {RID_OK, "", NULL};
    if (rid_synth_run(o, &counts, NULL, &err) != RID_OK)
        fail_msg("%s (%s)", err.message, err.where);
    return counts;
}

static rid_buf slurp(const char *path)
{
    rid_buf text = {0};
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    for (size_t got = 1; got > 0;) {
        char *at = rid_buf_reserve(&text, 1 << 16);
        assert_non_null(at);
        got = fread(at, 1, 1 << 16, f);
        text.len += got;
    }
    fclose(f);
    assert_non_null(rid_buf_reserve(&text, RID_JSON_PADDING));
    return text;
}

static void assert_same_file(const char *a, const char *b)
{
    rid_buf x = slurp(a), y = slurp(b);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    rid_buf_free(&x);
    rid_buf_free(&y);
}

static void test_same_seed_same_bytes(void **state)
{
    (void)state;
    static const int threads[] = {1, 2, 7};
    rid_synth_options o = small();
    o.stores = 2;
    o.days = 2;
    for (size_t i = 0; i < 3; i++) {
        char payloads[32], gt[32];
        snprintf(payloads, sizeof payloads, "same-%d.jsonl", threads[i]);
        snprintf(gt, sizeof gt, "same-%d.json", threads[i]);
        o.threads = threads[i];
        o.output = in_folder(payloads);
        o.gt_path = in_folder(gt);
        rid_synth_result counts = run_ok(&o);
        assert_same_file(o.output, in_folder("same-1.jsonl"));
        assert_same_file(o.gt_path, in_folder("same-1.json"));
        rid_buf text = slurp(o.output);
        assert_int_equal(counts.bytes, text.len);
        rid_buf_free(&text);
    }
    o.seed = 2;
    o.output = in_folder("other.jsonl");
    run_ok(&o);
    rid_buf x = slurp(in_folder("same-1.jsonl")), y = slurp(o.output);
    assert_true(x.len != y.len || memcmp(x.data, y.data, x.len) != 0);
    rid_buf_free(&x);
    rid_buf_free(&y);
}

/* ---- one line of payload ---- */

typedef struct entry {
    char id[64], person[64], timestamp[32];
    bool exit;
    float mean[64]; /* unit-length mean of the unit frames */
    size_t n_frames;
} entry;

static void copy_text(char *out, size_t cap, rid_json object, const char *key)
{
    rid_json v;
    rid_str s;
    assert_true(rid_json_find(object, key, &v) && rid_json_get_str(v, &s));
    assert_true(s.len < cap);
    memcpy(out, s.data, s.len);
    out[s.len] = '\0';
}

static void normalise(float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)x[i] * x[i];
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(x[i] / sqrt(square));
}

static void read_frames(entry *e, rid_json object, size_t dim, rid_json_matrix *m)
{
    rid_json v;
    size_t row, column;
    assert_true(rid_json_find(object, "embeddings", &v));
    assert_int_equal(rid_json_read_matrix(v, m, &row, &column), RID_JSON_MATRIX_OK);
    assert_int_equal(m->cols, dim);
    e->n_frames = m->rows;
    for (size_t k = 0; k < m->rows; k++) {
        normalise(m->data + k * dim, dim);
        for (size_t i = 0; i < dim; i++)
            e->mean[i] += m->data[k * dim + i];
    }
    normalise(e->mean, dim);
}

static entry read_entry(rid_json object, size_t dim, rid_json_matrix *m)
{
    entry e = {0};
    char direction[8], text[80];
    rid_json v;
    rid_str key;
    size_t n = 0;
    assert_false(rid_json_find_duplicate_key(object, &key));
    copy_text(e.id, sizeof e.id, object, "entry_id");
    copy_text(e.timestamp, sizeof e.timestamp, object, "timestamp");
    copy_text(direction, sizeof direction, object, "direction");
    copy_text(text, sizeof text, object, "alert_id");
    copy_text(text, sizeof text, object, "camera");
    e.exit = strcmp(direction, "exit") == 0;
    assert_true(e.exit || strcmp(direction, "entry") == 0);
    read_frames(&e, object, dim, m);
    assert_true(rid_json_find(object, "images", &v));
    for (rid_json_iter it = rid_json_begin(v); rid_json_next(&it, NULL, &v);)
        n++;
    assert_int_equal(n, e.n_frames);
    return e;
}

/* All entries of a JSONL file with their persons. */
static entry *read_entries(const char *payloads, const char *gt, size_t dim, size_t *n_entries)
{
    rid_buf text = slurp(payloads), truth = slurp(gt);
    rid_json_parser *line_parser = rid_json_parser_new(), *gt_parser = rid_json_parser_new();
    rid_json gt_root, root, v;
    rid_json_matrix m = {0};
    rid_err err;
    size_t n = 0, cap = 0, n_gt = 0;
    entry *entries = NULL;
    assert_int_equal(rid_json_parse(gt_parser, truth.data, truth.len, &gt_root, &err), RID_OK);
    for (char *at = text.data, *end; at < text.data + text.len; at = end + 1) {
        end = memchr(at, '\n', (size_t)(text.data + text.len - at));
        assert_non_null(end);
        assert_int_equal(rid_json_parse(line_parser, at, (size_t)(end - at), &root, &err), RID_OK);
        assert_int_equal(rid_mem_grow(&entries, &cap, n + 1, sizeof *entries), 0);
        entries[n] = read_entry(root, dim, &m);
        copy_text(entries[n].person, sizeof entries[n].person, gt_root, entries[n].id);
        n++;
    }
    for (rid_json_iter it = rid_json_begin(gt_root); rid_json_next(&it, NULL, &v);)
        n_gt++;
    assert_int_equal(n_gt, n);
    rid_json_parser_free(line_parser);
    rid_json_parser_free(gt_parser);
    rid_mem_free(m.data);
    rid_buf_free(&text);
    rid_buf_free(&truth);
    *n_entries = n;
    return entries;
}

static void test_entries(void **state)
{
    (void)state;
    rid_synth_options o = small();
    o.visits_lo = 2;
    o.visits_hi = 3;
    o.frames_lo = 1;
    o.frames_hi = 4;
    o.output = in_folder("entries.jsonl");
    o.gt_path = in_folder("entries.json");
    rid_synth_result counts = run_ok(&o);
    size_t n, n_frames = 0;
    entry *e = read_entries(o.output, o.gt_path, o.vis_dim, &n);
    assert_int_equal(counts.entries, n);
    assert_int_equal(counts.buckets, 1);
    assert_int_equal(counts.persons, 9);
    assert_in_range(n, 18, 27);
    for (size_t i = 0; i < n; i++) {
        char id[64];
        bool expect_exit = false;
        n_frames += e[i].n_frames;
        assert_in_range(e[i].n_frames, 1, 4);
        snprintf(id, sizeof id, "nc0001-20251106-%05zu", i + 1);
        assert_string_equal(e[i].id, id);
        assert_int_equal(strncmp(e[i].person, "nc0001-p000", 11), 0);
        assert_int_equal(strncmp(e[i].timestamp, "2025-11-06T", 11), 0);
        assert_true(i == 0 || strcmp(e[i - 1].timestamp, e[i].timestamp) <= 0);
        for (size_t k = 0; k < i; k++) /* entry, exit, entry, … */
            expect_exit ^= strcmp(e[k].person, e[i].person) == 0;
        assert_int_equal(e[i].exit, expect_exit);
    }
    assert_int_equal(counts.frames, n_frames);
    rid_mem_free(e);
}

/* At the default noise, persons stand apart; without noise and outliers, visits are one point. */
static void test_geometry(void **state)
{
    (void)state;
    for (int noisy = 0; noisy < 2; noisy++) {
        rid_synth_options o = small();
        o.people = 30;
        o.vis_dim = 64;
        o.outliers = noisy ? o.outliers : 0;
        o.noise = noisy;
        o.output = in_folder("geometry.jsonl");
        o.gt_path = in_folder("geometry.json");
        run_ok(&o);
        size_t n, n_same = 0, n_other = 0;
        double same = 0, other = 0, least_same = 1;
        entry *e = read_entries(o.output, o.gt_path, o.vis_dim, &n);
        for (size_t i = 0; i < n; i++) {
            for (size_t j = 0; j < i; j++) {
                double cosine = 0;
                for (size_t k = 0; k < o.vis_dim; k++)
                    cosine += (double)e[i].mean[k] * e[j].mean[k];
                bool mates = strcmp(e[i].person, e[j].person) == 0;
                *(mates ? &same : &other) += cosine;
                *(mates ? &n_same : &n_other) += 1;
                if (mates && cosine < least_same)
                    least_same = cosine;
            }
        }
        assert_true(n_same > 20 && n_other > 500);
        assert_true(same / (double)n_same > (noisy ? 0.85 : 0.999));
        assert_true(same / (double)n_same < (noisy ? 0.97 : 1.001));
        assert_true(noisy || least_same > 0.999);
        assert_true(other / (double)n_other > 0.2 && other / (double)n_other < 0.7);
        rid_mem_free(e);
    }
}

/* The world does not change for a person when others, stores or days are added. */
static void test_more_leaves_the_rest_alone(void **state)
{
    (void)state;
    rid_synth_options o = small();
    o.output = in_folder("one");
    run_ok(&o);
    o.output = in_folder("many/");
    o.stores = 3;
    o.days = 2;
    rid_synth_result counts = run_ok(&o);
    assert_int_equal(counts.buckets, 6);
    assert_same_file(in_folder("one/2025-11-06/nc0001.jsonl"),
                     in_folder("many/2025-11-06/nc0001.jsonl"));
    assert_int_equal(access(in_folder("many/2025-11-07/nc0003.jsonl"), F_OK), 0);
}

static void test_digits(void **state)
{
    (void)state;
    rid_synth_options o = small();
    size_t n, n_short;
    o.gt_path = in_folder("digits.json");
    o.output = in_folder("double.jsonl");
    uint64_t bytes = run_ok(&o).bytes;
    entry *e = read_entries(o.output, o.gt_path, o.vis_dim, &n);
    o.digits = RID_SYNTH_DIGITS_FLOAT;
    o.output = in_folder("float.jsonl");
    assert_true(run_ok(&o).bytes < bytes * 7 / 10);
    entry *f = read_entries(o.output, o.gt_path, o.vis_dim, &n_short);
    assert_int_equal(n, n_short);
    assert_memory_equal(e, f, n * sizeof *e);
    rid_mem_free(e);
    rid_mem_free(f);
}

static void test_document(void **state)
{
    (void)state;
    rid_synth_options o = small();
    for (o.visits_lo = 0, o.visits_hi = 0; o.visits_hi < 4; o.visits_hi += 3) {
        rid_json_parser *parser = rid_json_parser_new();
        rid_json root, v;
        rid_str key;
        char id[64];
        uint64_t n = 0;
        rid_err err;
        o.output = in_folder("document.json");
        o.gt_path = in_folder("gt.json");
        rid_synth_result counts = run_ok(&o);
        rid_buf text = slurp(o.output);
        assert_int_equal(rid_json_parse(parser, text.data, text.len, &root, &err), RID_OK);
        for (rid_json_iter it = rid_json_begin(root); rid_json_next(&it, &key, &v); n++) {
            copy_text(id, sizeof id, v, "entry_id");
            assert_true(rid_str_equal(key, rid_str_of(id)));
        }
        assert_int_equal(counts.entries, n);
        rid_buf_free(&text);
        text = slurp(o.gt_path);
        assert_int_equal(rid_json_parse(parser, text.data, text.len, &root, &err), RID_OK);
        assert_int_equal(rid_json_type_of(root), RID_JSON_OBJECT);
        rid_buf_free(&text);
        rid_json_parser_free(parser);
    }
}

/* Every attribute is in the schema; noise is what makes values fall out of the vocabulary. */
static void test_attributes(void **state)
{
    (void)state;
    rid_synth_options o = small();
    rid_err err = {RID_OK, "", NULL};
    rid_schema *schema;
    o.people = 60;
    o.vis_dim = 2;
    o.output = in_folder("attrs.jsonl");
    o.schema_path = in_folder("schema.json");
    for (int noisy = 0; noisy < 2; noisy++) {
        o.attr_noise = noisy ? 0.5 : 0;
        run_ok(&o);
        assert_int_equal(rid_schema_read(&schema, o.schema_path, &err), RID_OK);
        assert_int_equal(rid_schema_dim(schema), 43);
        rid_buf text = slurp(o.output);
        rid_json_parser *parser = rid_json_parser_new();
        rid_oov oov = {0};
        rid_json root, attrs;
        float vector[43];
        double sum = 0;
        for (char *at = text.data, *end; at < text.data + text.len; at = end + 1) {
            end = memchr(at, '\n', (size_t)(text.data + text.len - at));
            assert_int_equal(rid_json_parse(parser, at, (size_t)(end - at), &root, &err), RID_OK);
            assert_true(rid_json_find(root, "attrs", &attrs));
            assert_int_equal(rid_schema_vector(schema, &attrs, vector, &oov, &err), RID_OK);
            for (int i = 0; i < 43; i++)
                sum += vector[i];
        }
        assert_true(sum > 100);
        assert_true((oov.n > 0) == noisy);
        rid_oov_clear(&oov);
        rid_json_parser_free(parser);
        rid_buf_free(&text);
        rid_schema_free(schema);
    }
    o.attrs = false;
    assert_int_equal(rid_synth_run(&o, NULL, NULL, &err), RID_EUSAGE);
    o.schema_path = NULL;
    run_ok(&o);
    rid_buf text = slurp(o.output);
    assert_null(memmem(text.data, text.len, "\"attrs\"", 7));
    rid_buf_free(&text);
}

static void test_encoders(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        rid_synth_options o = small();
        rid_checkpoint ck;
        rid_checkpoint_meta meta;
        rid_err err = {RID_OK, "", NULL};
        o.emb_dim = 15; /* odd: pairs do not come out even */
        o.fusion = kind & 1 ? RID_SYNTH_XATTN : RID_SYNTH_BASELINE;
        o.pool_mean = kind & 2;
        o.attrs = kind & 4;
        o.ckpt_path = in_folder("model.pt");
        run_ok(&o);
        if (rid_checkpoint_read(&ck, o.ckpt_path, &err) != RID_OK)
            fail_msg("%s", err.message);
        assert_string_equal(ck.fusion_mode, kind & 1 ? "xattn" : "baseline");
        assert_int_equal(ck.vis_dim, 48);
        assert_int_equal(ck.emb_dim, 15);
        assert_int_equal(ck.attr_dim, kind & 4 ? 43 : 0);
        assert_int_equal(ck.use_attention, !(kind & 2));
        assert_int_equal(rid_checkpoint_find(&ck, "vis_pool.q.weight") != NULL, (kind & 3) == 0);
        const rid_tensor *t = rid_checkpoint_find(&ck, "fuse.0.weight");
        assert_non_null(t);
        assert_int_equal(t->shape[0], 15);
        assert_int_equal(t->shape[1], kind & 1 ? 256 : 30);
        assert_int_equal(rid_checkpoint_meta_read(&meta, ck.rid, &err), RID_OK);
        assert_int_equal(meta.schema != NULL, (kind & 4) != 0);
        rid_checkpoint_meta_free(&meta);
        rid_checkpoint_free(&ck);
    }
}

/* ---- what is refused ---- */

static void assert_refused(const rid_synth_options *o, const char *word)
{
    rid_err err = {RID_OK, "", NULL};
    assert_int_equal(rid_synth_run(o, NULL, NULL, &err), RID_EUSAGE);
    if (!strstr(err.message, word))
        fail_msg("'%s' does not name %s", err.message, word);
}

static void test_refusals(void **state)
{
    (void)state;
#define REFUSE(member, value, word)                                                                \
    do {                                                                                           \
        rid_synth_options o = small();                                                             \
        o.member = value;                                                                          \
        assert_refused(&o, word);                                                                  \
    } while (0)
    REFUSE(people, 20000000, "people");
    REFUSE(visits_lo, 5, "visits");
    REFUSE(frames_lo, 0, "frames");
    REFUSE(frames_lo, 13, "frames");
    REFUSE(vis_dim, 0, "vis-dim");
    REFUSE(cameras, 0, "cameras");
    REFUSE(noise, -1, "noise");
    REFUSE(noise, NAN, "noise");
    REFUSE(outliers, 0.99, "duplicates + outliers");
    REFUSE(first_day, "2025-02-29", "first-day");
    REFUSE(first_day, "2025-11-06T00:00:00Z", "first-day");
    REFUSE(first_day, "1969-12-31", "first-day");
    REFUSE(threads, 0, "threads");
    REFUSE(output, "x.jsonl.gz", "x.jsonl.gz");
    REFUSE(output, "", "directory");
#undef REFUSE
    rid_synth_options o = small();
    o.output = o.gt_path = "-";
    assert_refused(&o, "only one");
}

static void test_existing_files_are_kept(void **state)
{
    (void)state;
    rid_synth_options o = small();
    o.output = in_folder("kept.jsonl");
    o.gt_path = in_folder("kept.json");
    run_ok(&o);
    o.force = false;
    assert_refused(&o, "kept.json");
    unlink(o.output);
    assert_refused(&o, "kept.json"); /* found before the payloads are made */
    assert_int_equal(access(o.output, F_OK), -1);
    o.gt_path = NULL;
    o.output = in_folder("kept-folder");
    run_ok(&o);
    assert_refused(&o, "kept-folder/2025-11-06/nc0001.jsonl");
    o.output = in_folder("dry.jsonl");
    o.dry_run = true;
    assert_true(run_ok(&o).entries > 0);
    assert_int_equal(access(o.output, F_OK), -1);
}

static void test_memory_shortage(void **state)
{
    (void)state;
    rid_synth_options o = small();
    o.people = 2;
    o.vis_dim = 4;
    o.output = in_folder("short.jsonl");
    o.gt_path = in_folder("short.json");
    o.schema_path = in_folder("short-schema.json");
    int64_t live = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK && nth < 10000; nth++) {
        rid_err err;
        rid_mem_fail_after(nth);
        st = rid_synth_run(&o, NULL, NULL, &err);
        rid_mem_fail_after(0);
        assert_true(st == RID_OK || st == RID_ETEMP);
        assert_int_equal(rid_mem_live_blocks(), live);
    }
    assert_int_equal(st, RID_OK);
}

/* The flag of a signal stays for the life of the process: this one comes last. */
static void test_interrupt(void **state)
{
    (void)state;
    rid_synth_options o = small();
    rid_err err;
    o.output = in_folder("interrupted.jsonl");
    o.gt_path = in_folder("interrupted.json");
    assert_int_equal(rid_interrupt_install(&err), RID_OK);
    raise(SIGTERM);
    assert_int_equal(rid_synth_run(&o, NULL, NULL, &err), RID_EINTR);
    assert_int_equal(access(o.output, F_OK), -1);
    assert_int_equal(access(o.gt_path, F_OK), -1);
    DIR *d = opendir(folder);
    for (struct dirent *f; (f = readdir(d));)
        assert_null(strstr(f->d_name, "rid-tmp"));
    closedir(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_bytes),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_geometry),
        cmocka_unit_test(test_more_leaves_the_rest_alone),
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_document),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_encoders),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_existing_files_are_kept),
        cmocka_unit_test(test_memory_shortage),
        cmocka_unit_test(test_interrupt),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
