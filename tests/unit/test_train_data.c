/* From inputs and ground truth to a training set: what is in it, from payloads and stores, held and not. */
#include "fixture.h"
#include "train_data_fixture.h"

#include "data/h5file.h"
#include "data/store.h"

#include <dirent.h>

static void assert_entry(const rid_train_set *s, size_t i, const char *id, uint32_t person,
                         uint32_t bucket, const uint32_t *index, uint32_t n_frames)
{
    const rid_train_entry *e = &s->entries[i];
    assert_true(rid_str_equal(e->id, rid_str_of(id)));
    assert_int_equal(e->person, person);
    assert_int_equal(e->bucket, bucket);
    assert_int_equal(e->n_frames, n_frames);
    assert_memory_equal(s->frame_index + e->first, index, n_frames * sizeof *index);
}

static void assert_frames(const rid_train_set *s, size_t entry, const float *expected)
{
    float got[4 * DIM];
    const size_t n = s->entries[entry].n_frames * s->vis_dim;
    assert_true(n <= 4 * DIM);
    assert_ok(rid_train_set_read(s, entry, got, &err));
    assert_memory_equal(got, expected, n * sizeof *got);
}

/* Entries in the order of the input, persons by first appearance, buckets and matching order by day,
 * store and time, frames unit and filtered, their places those in the payload. */
static void check_day(const rid_train_set *s, const uint32_t *order)
{
    static const uint32_t matching[] = {2, 1, 3, 0,
                                        4}; /* s1: 11:00, 12:00; s2: 09:00, 10:00 a1, b2 */
    static const float xy[] = {1, 0, 0, 0, 1, 0}, y[] = {0, 1, 0}, zx[] = {0, 0, 1, 1, 0, 0},
                       zy[] = {0, 0, 1, 0, 1, 0}, xz[] = {1, 0, 0, 0, 0, 1};
    assert_int_equal(s->n, 5);
    assert_int_equal(s->n_persons, 3);
    assert_int_equal(s->n_buckets, 2);
    assert_int_equal(s->vis_dim, DIM);
    assert_int_equal(s->n_frames, 9);
    assert_entry(s, 0, "a1", 0, 1, (uint32_t[]){0, 1}, 2);
    assert_entry(s, 1, "b1", 1, 0, (uint32_t[]){0}, 1);
    assert_entry(s, 2, "a2", 0, 0, (uint32_t[]){1, 2}, 2);
    assert_entry(s, 3, "c1", 2, 1, (uint32_t[]){0, 1}, 2);
    assert_entry(s, 4, "b2", 1, 1, (uint32_t[]){0, 1}, 2);
    assert_frames(s, 0, xy);
    assert_frames(s, 1, y);
    assert_frames(s, 2, zx);
    assert_frames(s, 3, zy);
    assert_frames(s, 4, xz);
    assert_memory_equal(order, matching, sizeof matching);
    assert_int_equal(s->entries[1].timestamp_us - s->entries[2].timestamp_us, 3600000000);
}

static void test_what_is_in_it(void **state)
{
    (void)state;
    write_day();
    rid_train_data d;
    load_ok(&d, &(request){.gt = "gt.json", .input = "day.jsonl"});
    check_day(&d.set, d.order);
    assert_int_equal(d.set.attr_dim, 0);
    assert_null(d.set.attr);
    assert_null(d.schema);
    /* no validation people: all train */
    assert_int_equal(d.n_train, 5);
    assert_int_equal(d.n_train_people, 3);
    assert_int_equal(d.n_query, 0);
    assert_int_equal(d.n_singles, 1);
    for (size_t i = 0; i < d.set.n; i++)
        assert_true(d.train[i] && !d.query[i]);
    /* and of what is not in it nothing is kept back */
    assert_said("1 entry has no ground truth: left out");
    assert_said("1 entry is excluded by the ground truth (include: false)");
    assert_said("1 labelled entry has no frame left after the filter");
    assert_said(
        "2 of 7 entries named by --gt are not in the inputs (or have no frame): zero, gone");
    assert_said("1 training people have one entry: they are negatives only");
    assert_int_equal(summary.read, 8);
    assert_int_equal(summary.accepted, 8);
    assert_true(figure("unlabelled") == 1 && figure("entries") == 5 && figure("frames") == 9 &&
                figure("people") == 3);
    rid_train_data_clear(&d);
}

static void test_without_the_filter(void **state)
{
    (void)state;
    write_day();
    rid_train_data d;
    load_ok(&d, &(request){.gt = "gt.json", .input = "day.jsonl", .no_filter = true});
    assert_int_equal(d.set.n_frames, 10);
    assert_entry(&d.set, 0, "a1", 0, 1, (uint32_t[]){0, 1, 2}, 3);
    assert_entry(&d.set, 2, "a2", 0, 0, (uint32_t[]){1, 2}, 2); /* a zero frame is none */
    rid_train_data_clear(&d);
}

/* A later entry replaces an earlier one of its id, wherever that stands. */
static void test_replaced_entries(void **state)
{
    (void)state;
    char first[sizeof DAY + 1000];
    rid_train_data d, again;
    write_day();
    snprintf(first, sizeof first, "%s%s%s",
             ENTRY("b1", IN("s9", "12:00:00", Z "," X "," Y)) ENTRY("c1", IN("s9", "09:00:00", X)),
             DAY, ENTRY("nobody", IN("s1", "12:30:00", X)));
    fx_write("twice.jsonl", first);
    load_ok(&d, &(request){.gt = "gt.json", .input = "day.jsonl"});
    load_ok(&again, &(request){.gt = "gt.json", .input = "twice.jsonl"});
    check_day(&again.set, again.order);
    assert_string_equal(again.digest, d.digest);
    assert_string_equal(again.labels_digest, d.labels_digest);
    assert_int_equal(summary.read, 11);
    assert_int_equal(summary.duplicates, 2);
    rid_train_data_clear(&d);
    rid_train_data_clear(&again);
}

/* Also where the filter leaves nothing of the later one, or nothing of the earlier. */
static void test_replaced_by_nothing(void **state)
{
    (void)state;
    static const float unit[] = {0.6f, 0.8f, 0}, none[] = {0, 0, 0};
    char text[sizeof DAY + 400];
    float out[DIM];
    rid_train_data d;
    write_day();
    snprintf(text, sizeof text, "%s%s%s", DAY, ENTRY("a1", IN("s2", "10:00:00", "[0,0,0]")),
             ENTRY("zero", IN("s1", "12:40:00", "[3,4,0]")));
    fx_write("last.jsonl", text);
    load_ok(&d, &(request){.gt = "gt.json", .input = "last.jsonl"});
    assert_int_equal(d.set.n, 5);
    assert_true(rid_str_equal(d.set.entries[0].id, rid_str_of("b1")));
    assert_true(rid_str_equal(d.set.entries[4].id, rid_str_of("zero")));
    assert_frames(&d.set, 4, unit);
    assert_said("1 labelled entry has no frame left after the filter");
    assert_said("2 of 7 entries named by --gt are not in the inputs (or have no frame): a1, gone");
    assert_int_equal(summary.duplicates, 2);
    rid_train_data_clear(&d);
    rid_train_set_unit_frame(out, none, DIM);
    assert_memory_equal(out, none, sizeof none);
}

/* ---- stores, schemas, memory ---- */

static void write_store(const char *name, const char *payloads, const char *schema_text)
{
    static const char hash[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const char *path = fx_path(name), *input = fx_path(payloads);
    rid_schema *schema = NULL;
    rid_source *source;
    rid_publish *publish;
    rid_store_writer *w;
    rid_batch batch;
    rid_h5_init();
    if (schema_text)
        assert_ok(rid_schema_parse(&schema, rid_str_of(schema_text), "schema", &err));
    const rid_store_info info = {.encoder_hash = hash,
                                 .encoder = "mean",
                                 .kernel = "base",
                                 .schema = schema ? rid_schema_text(schema) : "",
                                 .filter = "{\"on\":true}",
                                 .vis_dim = DIM,
                                 .emb_dim = DIM,
                                 .attr_dim = schema ? rid_schema_dim(schema) : 0,
                                 .frames = RID_FRAMES_F32};
    const rid_source_options o = {.timezones = zones, .schema = schema};
    assert_ok(rid_source_open(&source, &o, &input, 1, &err));
    assert_ok(rid_publish_begin(&publish, path, true, &err));
    assert_ok(rid_store_writer_open(&w, publish, &info, &err));
    for (;;) {
        assert_ok(rid_source_next(source, &batch, &err));
        if (batch.n == 0)
            break;
        for (size_t i = 0; i < batch.n; i++) {
            uint8_t kept[8];
            const rid_store_row row = {&batch.items[i]->payload, NULL, kept, RID_ENTRY_SKIP};
            memset(kept, 1, sizeof kept);
            assert_ok(rid_store_writer_add(w, &row, NULL, &err));
        }
    }
    assert_ok(rid_store_writer_finish(w, 1, &publish, &err));
    assert_ok(rid_publish_commit(publish, &err));
    rid_source_close(source);
    rid_schema_free(schema);
}

static size_t open_files(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/* What a store has is what its payloads have, held in memory or read as needed. */
static void test_stores(void **state)
{
    (void)state;
    write_day();
    write_store("day.h5", "day.jsonl", NULL);
    rid_train_data text;
    load_ok(&text, &(request){.gt = "gt.json", .input = "day.jsonl"});
    for (int held = 0; held < 2; held++) {
        /* room for three of the frames */
        const uint64_t memory = held ? 1 << 20 : 3 * DIM * sizeof(float);
        rid_train_data d;
        const size_t n_open = open_files();
        load_ok(&d, &(request){.gt = "gt.json", .input = "day.h5", .memory = memory});
        assert_in_range(open_files() - n_open, 0,
                        4); /* the store is opened once, not for each entry */
        assert_int_equal(d.set.frames != NULL, held);
        check_day(&d.set, d.order);
        assert_string_equal(d.digest, text.digest);
        assert_string_equal(d.labels_digest, text.labels_digest);
        rid_train_data_clear(&d);
    }
    rid_train_data_clear(&text);
}

/* Duplicates across two stores that are read as needed: each entry keeps its own frames. */
static void test_replaced_across_stores(void **state)
{
    (void)state;
    write_day();
    fx_write("old.jsonl",
             ENTRY("b1", IN("s9", "12:00:00", Z "," X "," Y)) ENTRY("c1", IN("s9", "09:00:00", X)));
    write_store("day.h5", "day.jsonl", NULL);
    write_store("old.h5", "old.jsonl", NULL);
    rid_train_data d;
    load_ok(&d, &(request){.gt = "gt.json", .input = "old.h5", .input2 = "day.h5", .memory = 1});
    assert_null(d.set.frames);
    check_day(&d.set, d.order);
    assert_int_equal(summary.duplicates, 2);
    rid_train_data_clear(&d);
}

static void test_payloads_that_do_not_fit(void **state)
{
    (void)state;
    write_day();
    fx_write("one.json",
             "{\"entry_id\":\"b1\",\"day_id\":\"2025-11-06\"," IN("s1", "12:00:00", Y "," Z) "}");
    write_store("day.h5", "day.jsonl", NULL);
    assert_refused(&(request){.gt = "gt.json", .input = "day.jsonl", .memory = 50}, RID_EUSAGE,
                   "the frames need more than --memory, and");
    assert_refused(&(request){.gt = "gt.json", .input = "one.json", .memory = 1}, RID_EUSAGE,
                   "one.json is no store");
    assert_refused(
        &(request){.gt = "gt.json", .input = "day.h5", .input2 = "one.json", .memory = 100},
        RID_EUSAGE, "one.json is no store");
    assert_refused(
        &(request){.gt = "gt.json", .input = "one.json", .input2 = "day.h5", .memory = 100},
        RID_EUSAGE, "one.json is no store");
}

static void test_attributes(void **state)
{
    (void)state;
    static const float hats[] = {1, 0.25f, 0, 0.5f, 1, 0, 0, 0}, bags[] = {1, 0, 0, 0};
    write_dressed();
    write_store("hats.h5", "dressed.jsonl", HATS);
    write_store("more.h5", "dressed.jsonl", HATS);
    write_store("bags.h5", "dressed.jsonl", BAGS);
    rid_summary_clear(&summary);
    const int64_t before = rid_mem_live_blocks();
    const request with_hats[] = {{.gt = "ab.json", .input = "dressed.jsonl", .schema = "hats.json"},
                                 {.gt = "ab.json", .input = "hats.h5"}, /* the store's own */
                                 {.gt = "ab.json", .input = "bags.h5", .schema = "hats.json"},
                                 {.gt = "ab.json", .input = "hats.h5", .input2 = "more.h5"},
                                 {.gt = "ab.json", .input = "hats.h5", .input2 = "dressed.jsonl"}};
    for (size_t i = 0; i < 5; i++) {
        rid_train_data d;
        load_ok(&d, &with_hats[i]);
        assert_int_equal(d.set.attr_dim, 2);
        assert_int_equal(rid_schema_dim(d.schema), 2);
        assert_int_equal(d.set.n, 4);
        assert_memory_equal(d.set.attr, hats, sizeof hats);
        assert_null(strstr(said, "no entry has an attribute"));
        rid_train_data_clear(&d);
        rid_summary_clear(&summary);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
    rid_train_data d;
    load_ok(&d, &(request){.gt = "ab.json", .input = "bags.h5"});
    assert_int_equal(d.set.attr_dim, 1);
    assert_memory_equal(d.set.attr, bags, sizeof bags);
    rid_train_data_clear(&d);
    load_ok(&d, &(request){.gt = "ab.json", .input = "dressed.jsonl"});
    assert_int_equal(d.set.attr_dim, 0);
    rid_train_data_clear(&d);
}

static void test_schemas_that_do_not_fit(void **state)
{
    (void)state;
    write_dressed();
    write_day();
    write_store("hats.h5", "dressed.jsonl", HATS);
    write_store("bags.h5", "dressed.jsonl", BAGS);
    write_store("bare.h5", "dressed.jsonl", NULL);
    assert_refused(&(request){.gt = "ab.json", .input = "hats.h5", .input2 = "bags.h5"},
                   RID_ECONFIG,
                   "bags.h5 were made with different attribute schemas; give --schema");
    assert_refused(&(request){.gt = "ab.json", .input = "hats.h5", .input2 = "bare.h5"},
                   RID_ECONFIG, "bare.h5 were made with different attribute schemas");
    assert_refused(&(request){.gt = "ab.json", .input = "bare.h5", .input2 = "hats.h5"},
                   RID_ECONFIG, "hats.h5 were made with different attribute schemas");
    assert_refused(&(request){.gt = "ab.json", .input = "bare.h5", .schema = "nowhere.json"},
                   RID_ENOINPUT, "nowhere.json");
    assert_refused(&(request){.gt = "ab.json", .input = "bare.h5", .schema = "ab.json"},
                   RID_ECONFIG, "ab.json");
    rid_train_data d;
    load_ok(&d, &(request){.gt = "gt.json", .input = "day.jsonl", .schema = "hats.json"});
    assert_said("no entry has an attribute of the schema");
    rid_train_data_clear(&d);
}

static void test_vocabulary(void **state)
{
    (void)state;
    fx_write("odd.json", "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"hat\",\"type\":\"enum\","
                         "\"values\":[\"cap\"]}]}");
    fx_write("odd.jsonl",
             ENTRY("a1", "\"attrs\":{\"hat\":\"crown\"}," IN("s1", "10:00:00", X))
                 ENTRY("b1", "\"attrs\":{\"hat\":\"cap\"}," IN("s1", "11:00:00", Y))
                     ENTRY("a2", "\"attrs\":{\"hat\":\"crown\"}," IN("s1", "12:00:00", Z)));
    fx_write("odd_gt.json", "{\"a1\":\"A\",\"a2\":\"A\",\"b1\":\"B\"}");
    rid_train_data d;
    load_ok(&d, &(request){.gt = "odd_gt.json", .input = "odd.jsonl", .schema = "odd.json"});
    assert_int_equal(summary.oov.n, 1);
    assert_string_equal(summary.oov.items[0].value, "crown");
    assert_int_equal(summary.oov.items[0].count, 2);
    rid_train_data_clear(&d);
}

/* ---- digests ---- */

static void assert_digests(const char *what, const rid_train_data *expected, const request *q,
                           bool same_data, bool same_labels)
{
    rid_train_data d;
    load_ok(&d, q);
    if ((strcmp(d.digest, expected->digest) == 0) != same_data ||
        (strcmp(d.labels_digest, expected->labels_digest) == 0) != same_labels)
        fail_msg("%s: data %s, labels %s", what, same_data ? "differ" : "agree",
                 same_labels ? "differ" : "agree");
    rid_train_data_clear(&d);
}

static void replace(const char *name, const char *text, const char *from, const char *to)
{
    char changed[sizeof DAY + 100];
    const char *at = strstr(text, from);
    assert_non_null(at);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    fx_write(name, changed);
}

static void test_digests(void **state)
{
    (void)state;
    static const struct {
        const char *what, *from, *to;
        bool same;
    } cases[] = {
        {"a frame", "[0,0.5,0]", "[0,0.5,0.25]", false},
        {"its length", "[0,0.5,0]", "[0,1,0]", true},
        {"a time", "T12:00:00Z", "T12:00:01Z", false},
        {"a store", "\"s1\",\"timestamp\":\"2025-11-06T12:00",
         "\"s3\",\"timestamp\":\"2025-11-06T12:00", false},
        {"an entry that nobody knows", "[0,0,4]]}\n{\"entry_id\":\"a2\"",
         "[1,0,4]]}\n{\"entry_id\":\"a2\"", true},
        {"another frame that the filter leaves out", "[0,0.5,0],[2,0,0]]", "[0,0.5,0],[3,0,0]]",
         true},
    };
    write_day();
    rid_train_data d;
    load_ok(&d, &(request){.gt = "gt.json", .input = "day.jsonl"});
    assert_int_equal(strlen(d.digest), 32);
    assert_int_equal(strlen(d.labels_digest), 32);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        replace("changed.jsonl", DAY, cases[i].from, cases[i].to);
        assert_digests(cases[i].what, &d, &(request){.gt = "gt.json", .input = "changed.jsonl"},
                       cases[i].same, true);
    }
    replace("changed.json", GT, "\"c1\":{\"person_id\":\"C\"}", "\"c1\":{\"person_id\":\"B\"}");
    assert_digests("a label", &d, &(request){.gt = "changed.json", .input = "day.jsonl"}, true,
                   false);
    replace("changed.json", GT, "\"c1\":{\"person_id\":\"C\"}", "\"c1\":{\"person_id\":\"X\"}");
    assert_digests("a name", &d, &(request){.gt = "changed.json", .input = "day.jsonl"}, true,
                   true);
    assert_digests("who trains", &d,
                   &(request){.gt = "gt.json", .input = "day.jsonl", .min_entries = 2}, true,
                   false);
    rid_train_data_clear(&d);
}

static void test_no_memory(void **state)
{
    (void)state;
    write_dressed();
    write_store("hats.h5", "dressed.jsonl", HATS);
    rid_summary_clear(&summary);
    const int64_t before = rid_mem_live_blocks();
    rid_status st = RID_ETEMP;
    for (uint64_t nth = 1; st != RID_OK; nth++) {
        rid_train_data d;
        rid_mem_fail_after(nth);
        st = load(&d, &(request){.gt = "ab.json", .input = "hats.h5", .memory = nth % 2 ? 1 : 1000},
                  NULL);
        rid_mem_fail_after(0);
        rid_train_data_clear(&d);
        rid_summary_clear(&summary);
        if (st != RID_OK && st != RID_ETEMP)
            fail_msg("allocation %llu: status %d", (unsigned long long)nth, (int)st);
        assert_int_equal(rid_mem_live_blocks(), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_in_it),
        cmocka_unit_test(test_without_the_filter),
        cmocka_unit_test(test_replaced_entries),
        cmocka_unit_test(test_replaced_by_nothing),
        cmocka_unit_test(test_stores),
        cmocka_unit_test(test_replaced_across_stores),
        cmocka_unit_test(test_payloads_that_do_not_fit),
        cmocka_unit_test(test_attributes),
        cmocka_unit_test(test_schemas_that_do_not_fit),
        cmocka_unit_test(test_vocabulary),
        cmocka_unit_test(test_digests),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
