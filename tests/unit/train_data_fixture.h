/** What the tests of loading training data share: inputs, ground truth, and loading them with what was said.
 *  Include fixture.h first. */
#ifndef RID_TEST_TRAIN_DATA_FIXTURE_H
#define RID_TEST_TRAIN_DATA_FIXTURE_H

#include "data/base/log.h"
#include "train/train_data.h"

enum { DIM = 3, LINES = 4096 };

static char said[LINES]; /* what was logged, a line each */

static FX_UNUSED void keep_line(void *ctx, rid_log_level level, const char *line)
{
    (void)ctx;
    assert_true(level == RID_LOG_INFO || level == RID_LOG_WARN);
    strncat(said, line, sizeof said - strlen(said) - 2);
    strcat(said, "\n");
}

static FX_UNUSED void assert_said(const char *part)
{
    if (!strstr(said, part))
        fail_msg("not said: '%s', but:\n%s", part, said);
}

static rid_timezones *zones;
static rid_summary summary;

/* Files of the scratch directory, NULL: none. */
typedef struct request {
    const char *gt, *input, *input2, *val_gt, *val, *schema;
    double val_fraction;
    uint64_t seed, memory;
    size_t min_entries;
    bool no_filter;
} request;

static FX_UNUSED rid_status load(rid_train_data *d, const request *q, rid_err *err)
{
    char paths[6][512];
    const char *p[6], *const names[] = {q->gt, q->input, q->input2, q->val_gt, q->val, q->schema};
    for (size_t i = 0; i < 6; i++) {
        snprintf(paths[i], sizeof paths[i], "%s", names[i] ? fx_path(names[i]) : "");
        p[i] = paths[i];
    }
    rid_train_data_options o = {.gt = &p[0],
                                .n_gt = 1,
                                .inputs = &p[1],
                                .n_inputs = q->input2 ? 2 : 1,
                                .val_gt = &p[3],
                                .n_val_gt = q->val_gt ? 1 : 0,
                                .val_inputs = &p[4],
                                .n_val_inputs = q->val ? 1 : 0,
                                .source = {.timezones = zones},
                                .schema_path = q->schema ? p[5] : NULL,
                                .filter = rid_filter_default(),
                                .val_fraction = q->val_fraction,
                                .min_entries = q->min_entries ? q->min_entries : 1,
                                .seed = q->seed,
                                .memory = q->memory ? q->memory : 1 << 20,
                                .threads = 1};
    o.filter.on = !q->no_filter;
    said[0] = '\0';
    rid_summary_clear(&summary);
    rid_log_set_sink(keep_line, NULL);
    rid_status st = rid_train_data_load(d, &o, &summary, NULL, err);
    rid_log_set_sink(NULL, NULL);
    return st;
}

/** To be freed with rid_train_data_clear. */
static FX_UNUSED void load_ok(rid_train_data *d, const request *q)
{
    assert_ok(load(d, q, &err));
}

static FX_UNUSED void assert_refused(const request *q, rid_status status, const char *part)
{
    rid_train_data d;
    const int64_t before = rid_mem_live_blocks();
    assert_fails(load(&d, q, &err), status, part);
    assert_null(d.set.entries);
    assert_null(d.train);
    rid_summary_clear(&summary);
    assert_int_equal(rid_mem_live_blocks(), before);
}

static FX_UNUSED double figure(const char *name)
{
    for (int i = 0; i < RID_SUMMARY_NAMED_MAX && summary.figures[i].name; i++)
        if (strcmp(summary.figures[i].name, name) == 0)
            return summary.figures[i].value;
    fail_msg("no figure %s", name);
    return 0;
}

/* ---- the inputs ---- */

/* Frames are multiples of unit vectors that float32 divides exactly; the third one repeats the first. */
#define X "[2,0,0]"
#define Y "[0,0.5,0]"
#define Z "[0,0,4]"
#define ENTRY(id, rest) "{\"entry_id\":\"" id "\",\"day_id\":\"2025-11-06\"," rest "}\n"
#define IN(store, time, frames)                                                                    \
    "\"store_id\":\"" store "\",\"timestamp\":\"2025-11-06T" time "Z\",\"embeddings\":[" frames "]"

static FX_UNUSED const char DAY[] = ENTRY("a1", IN("s2", "10:00:00", X "," Y "," X))
    ENTRY("b1", IN("s1", "12:00:00", Y)) ENTRY("nobody", IN("s1", "12:30:00", Z))
        ENTRY("a2", IN("s1", "11:00:00", "[0,0,0]," Z "," X))
            ENTRY("c1", IN("s2", "09:00:00", Z "," Y))
                ENTRY("zero", IN("s1", "12:40:00", "[0,0,0]"))
                    ENTRY("b2", IN("s2", "10:00:00", X "," Z))
                        ENTRY("out", IN("s2", "08:00:00", X));

static FX_UNUSED const char GT[] =
    "{\"entry_map\":{\"c1\":{\"person_id\":\"C\"},\"a1\":{\"person_id\":\"A\"},"
    "\"a2\":{\"person_id\":\"A\"},\"b1\":{\"person_id\":\"B\"},\"b2\":{\"person_id\":\"B\"},"
    "\"zero\":{\"person_id\":\"C\"},\"gone\":{\"person_id\":\"C\"},"
    "\"out\":{\"person_id\":\"A\",\"include\":false}}}";

static FX_UNUSED void write_day(void)
{
    fx_write("day.jsonl", DAY);
    fx_write("gt.json", GT);
}

#define HATS                                                                                       \
    "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"hat\",\"type\":\"bool\"},"                       \
    "{\"name\":\"tall\",\"type\":\"float\"}]}"
#define BAGS "{\"schema_id\":\"x\",\"fields\":[{\"name\":\"bag\",\"type\":\"bool\"}]}"

static FX_UNUSED void write_dressed(void)
{
    fx_write(
        "dressed.jsonl",
        ENTRY("a1", "\"attrs\":{\"hat\":true,\"tall\":0.25,\"bag\":true}," IN("s1", "10:00:00", X))
            ENTRY("b1", "\"attrs\":{\"tall\":0.5}," IN("s1", "11:00:00", Y))
                ENTRY("a2", "\"attrs\":{\"hat\":true}," IN("s1", "12:00:00", Z))
                    ENTRY("b2", IN("s1", "13:00:00", X)));
    fx_write("ab.json", "{\"a1\":\"A\",\"a2\":\"A\",\"b1\":\"B\",\"b2\":\"B\"}");
    fx_write("hats.json", HATS);
    fx_write("bags.json", BAGS);
}

static FX_UNUSED int begin(void **state)
{
    zones = rid_timezones_new();
    return fx_begin(state) || !zones;
}

static FX_UNUSED int end(void **state)
{
    rid_timezones_free(zones);
    rid_summary_clear(&summary);
    return fx_end(state);
}

#endif
