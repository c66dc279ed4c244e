#include "train/synth_check.h"

#include "data/base/buf.h"
#include "data/base/timestamp.h"

#include <stdio.h>
#include <string.h>

void rid_synth_options_init(rid_synth_options *o)
{
    *o = (rid_synth_options){
        .seed = 0,
        .people = 40,
        .stores = 1,
        .days = 1,
        .first_day = "2025-11-06",
        .visits_lo = 1,
        .visits_hi = 4,
        .frames_lo = 8,
        .frames_hi = 12,
        .cameras = 2,
        .vis_dim = 1024,
        .emb_dim = 128,
        .noise = 1,
        .camera_noise = 0.2,
        .visit_noise = 0.33,
        .frame_noise = 0.6,
        .duplicates = 0.05,
        .outliers = 0.05,
        .attr_noise = 0.1,
        .attrs = true,
        .threads = 1,
    };
}

static rid_synth_output kind_of(const char *path)
{
    if (!path)
        return RID_SYNTH_NO_OUTPUT;
    if (strcmp(path, "-") == 0)
        return RID_SYNTH_STREAM;
    size_t n = strlen(path);
    if (n > 6 && strcmp(path + n - 6, ".jsonl") == 0)
        return RID_SYNTH_LINES;
    if (n > 5 && strcmp(path + n - 5, ".json") == 0)
        return RID_SYNTH_DOCUMENT;
    return RID_SYNTH_DIRECTORY;
}

static rid_status check_numbers(const rid_synth_options *o, rid_err *err)
{
    const struct {
        const char *name;
        double value, lo, hi;
    } checks[] = {
        {"people", o->people, 0, 1e7},
        {"stores", o->stores, 1, 1e6},
        {"days", o->days, 1, 1e5},
        {"visits", o->visits_lo, 0, o->visits_hi},
        {"visits", o->visits_hi, 0, 1e6},
        {"frames", o->frames_lo, 1, o->frames_hi},
        {"frames", o->frames_hi, 1, 1e6},
        {"cameras", o->cameras, 1, 1e6},
        {"vis-dim", o->vis_dim, 1, 65536},
        {"emb-dim", o->emb_dim, 1, 65536},
        {"noise", o->noise, 0, 1e3},
        {"camera-noise", o->camera_noise, 0, 1e3},
        {"visit-noise", o->visit_noise, 0, 1e3},
        {"frame-noise", o->frame_noise, 0, 1e3},
        {"duplicates", o->duplicates, 0, 1},
        {"outliers", o->outliers, 0, 1},
        {"duplicates + outliers", o->duplicates + o->outliers, 0, 1},
        {"attr-noise", o->attr_noise, 0, 1},
        {"threads", o->threads, 1, 4096},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!(checks[i].value >= checks[i].lo && checks[i].value <= checks[i].hi))
            return RID_FAIL(err, RID_EUSAGE, "%s: %g is not in %g to %g", checks[i].name,
                            checks[i].value, checks[i].lo, checks[i].hi);
    return RID_OK;
}

static rid_status read_first_day(const rid_synth_options *o, int64_t *first_day, rid_err *err)
{
    enum { DAY_S = 86400 };
    char midnight[RID_DAY_LENGTH + 16], last[RID_DAY_LENGTH + 1];
    int64_t t_us;
    snprintf(midnight, sizeof midnight, "%.10sT00:00:00Z", o->first_day);
    if (!rid_day_valid(rid_str_of(o->first_day)) ||
        !rid_timestamp_parse(rid_str_of(midnight), &t_us))
        return RID_FAIL(err, RID_EUSAGE, "first-day: '%s' is not a YYYY-MM-DD", o->first_day);
    *first_day = t_us / ((int64_t)DAY_S * 1000000);
    if (t_us < 0 || !rid_day_of(last, t_us + (int64_t)(o->days - 1) * DAY_S * 1000000, 0))
        return RID_FAIL(err, RID_EUSAGE, "first-day, days: only 1970 to 9999");
    return RID_OK;
}

static bool is_stream(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* A name that is meant as a directory; a dot in it is more likely a suffix that is not known. */
static bool is_directory_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return *path && (!strchr(name, '.') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

rid_status rid_synth_check(const rid_synth_options *o, rid_synth_output *kind, int64_t *first_day,
                           rid_err *err)
{
    *kind = kind_of(o->output);
    rid_status st = check_numbers(o, err);
    if (st == RID_OK)
        st = read_first_day(o, first_day, err);
    if (st != RID_OK)
        return st;
    if (o->schema_path && !o->attrs)
        return RID_FAIL(err, RID_EUSAGE, "no schema without attributes");
    if (*kind == RID_SYNTH_DIRECTORY && !is_directory_name(o->output))
        return RID_FAIL(err, RID_EUSAGE,
                        "%s: expected a name in .jsonl or .json, '-', or a directory ('%s/')",
                        o->output, o->output);
    int streams = is_stream(o->output) + is_stream(o->gt_path);
    streams += is_stream(o->schema_path) + is_stream(o->ckpt_path);
    if (streams > 1)
        return RID_FAIL(err, RID_EUSAGE, "only one output can go to '-'");
    return RID_OK;
}
