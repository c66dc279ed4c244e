/* rid-synth: synthetic store-days with ground truth, schema and a random encoder. */
#include "tools/cli.h"
#include "data/plain.h"
#include "train/synth.h"

#include <string.h>

static const char description[] =
    "Writes payloads of invented persons as rid-encode and rid-match read them, one JSON object "
    "per line. -o names a file (.jsonl, or .json for one entry manifest), - for standard output "
    "(the default), or, ending in / or without a suffix, a directory that gets one file per "
    "bucket, <day>/<store>.jsonl.\n\n"
    "A frame is a direction common to all, plus the person, plus the noise of camera, visit and "
    "frame. Persons and part of the visit noise lie in one low-dimensional space, cameras and the "
    "rest in another, so that a trained encoder can do better than the mean of the frames. At the "
    "default noise that mean, threshold 0.88, margin 0.02 and --nn2 identity find most visits.\n\n"
    "The same options and seed give the same bytes, on any number of threads. A person's vectors "
    "stay the same when stores, days or people are added.";

static const char examples[] =
    "# a store-day, its truth, and an encoder to try it with\n"
    "rid-synth -o day.jsonl --gt gt.json --ckpt-out random.pt\n"
    "# 500 stores for three days, hard, straight into a store file\n"
    "rid-synth --stores 500 --days 3 --noise 1.3 | rid-encode --encoder mean -o hard.h5 -\n"
    "# an encoder alone\n"
    "rid-synth --people 0 --fusion xattn --ckpt-out random.pt >/dev/null";

static void read_range(const rid_cli *cli, const char *name, uint32_t *lo, uint32_t *hi)
{
    int64_t a, b;
    if (rid_cli_range(cli, name, &a, &b)) {
        *lo = (uint32_t)a;
        *hi = (uint32_t)b;
    }
}

static uint32_t read_count(const rid_cli *cli, const char *name)
{
    return (uint32_t)rid_cli_int(cli, name);
}

static bool is_choice(const rid_cli *cli, const char *name, const char *choice)
{
    return strcmp(rid_cli_str(cli, name), choice) == 0;
}

static void read_world(rid_synth_options *o, const rid_cli *cli)
{
    o->seed = (uint64_t)rid_cli_int(cli, "seed");
    o->people = read_count(cli, "people");
    o->stores = read_count(cli, "stores");
    o->days = read_count(cli, "days");
    o->first_day = rid_cli_str(cli, "first-day");
    read_range(cli, "visits", &o->visits_lo, &o->visits_hi);
    read_range(cli, "frames", &o->frames_lo, &o->frames_hi);
    o->cameras = read_count(cli, "cameras");
    o->vis_dim = read_count(cli, "vis-dim");
    o->attrs = rid_cli_flag(cli, "attrs");
    o->noise = rid_cli_float(cli, "noise");
    o->camera_noise = rid_cli_float(cli, "camera-noise");
    o->visit_noise = rid_cli_float(cli, "visit-noise");
    o->frame_noise = rid_cli_float(cli, "frame-noise");
    o->duplicates = rid_cli_float(cli, "duplicates");
    o->outliers = rid_cli_float(cli, "outliers");
    o->attr_noise = rid_cli_float(cli, "attr-noise");
}

static void read_outputs(rid_synth_options *o, const rid_cli *cli)
{
    o->emb_dim = read_count(cli, "emb-dim");
    o->fusion = is_choice(cli, "fusion", "xattn") ? RID_SYNTH_XATTN : RID_SYNTH_BASELINE;
    o->pool_mean = is_choice(cli, "pool", "mean");
    o->digits =
        is_choice(cli, "digits", "float") ? RID_SYNTH_DIGITS_FLOAT : RID_SYNTH_DIGITS_DOUBLE;
    o->output = rid_cli_is_set(cli, "output") ? rid_cli_str(cli, "output") : "-";
    o->gt_path = rid_cli_str(cli, "gt");
    o->schema_path = rid_cli_str(cli, "schema-out");
    o->ckpt_path = rid_cli_str(cli, "ckpt-out");
    o->force = rid_cli_flag(cli, "force");
    o->dry_run = rid_cli_flag(cli, "dry-run");
    o->threads = rid_cli_threads(cli);
}

static void report(const rid_synth_result *r, double seconds, bool dry_run)
{
    const char *entries = rid_noun(r->entries, "entry", "entries");
    const char *persons = rid_noun(r->persons, "person", "persons");
    const char *buckets = rid_noun(r->buckets, "bucket", "buckets");
    if (dry_run) {
        rid_log(RID_LOG_INFO, "would write %llu %s of %llu %s in %llu %s",
                (unsigned long long)r->entries, entries, (unsigned long long)r->persons, persons,
                (unsigned long long)r->buckets, buckets);
        return;
    }
    double mb = (double)r->bytes / 1e6;
    rid_log(RID_LOG_INFO, "%llu %s, %llu %s, %llu %s, %llu %s; %.1f MB, %.0f MB/s",
            (unsigned long long)r->entries, entries, (unsigned long long)r->frames,
            rid_noun(r->frames, "frame", "frames"), (unsigned long long)r->persons, persons,
            (unsigned long long)r->buckets, buckets, mb, seconds > 0 ? mb / seconds : 0);
}

static void summarise(rid_summary *s, const rid_synth_result *r, double seconds)
{
    rid_summary_add_stage(s, "generate", seconds);
    rid_summary_add_figure(s, "buckets", (double)r->buckets);
    rid_summary_add_figure(s, "persons", (double)r->persons);
    rid_summary_add_figure(s, "entries", (double)r->entries);
    rid_summary_add_figure(s, "frames", (double)r->frames);
    rid_summary_add_figure(s, "duplicate_frames", (double)r->duplicates);
    rid_summary_add_figure(s, "outlier_frames", (double)r->outliers);
    rid_summary_add_figure(s, "bytes", (double)r->bytes);
}

static rid_status run(rid_cli *cli, rid_err *err)
{
    const char *const *args;
    rid_synth_options o;
    rid_synth_result counts = {0};
    if (rid_cli_args(cli, &args) > 0)
        return RID_FAIL(err, RID_EUSAGE, "unexpected argument '%.200s'; -o names the output",
                        args[0]);
    rid_synth_options_init(&o);
    read_world(&o, cli);
    read_outputs(&o, cli);
    double started_s = rid_clock_s();
    rid_status st = rid_synth_run(&o, &counts, rid_cli_progress(cli, "entries"), err);
    double seconds = rid_clock_s() - started_s;
    summarise(rid_cli_summary(cli), &counts, seconds);
    if (st == RID_OK)
        report(&counts, seconds, o.dry_run);
    return st;
}

int main(int argc, char **argv)
{
    static const rid_tool tool = {
        .name = "synth",
        .bit = RID_TOOL_SYNTH,
        .summary = "make synthetic store-days with ground truth",
        .arguments = "[-o OUT]",
        .description = description,
        .examples = examples,
        .run = run,
        .paths = RID_PATHS_STDOUT,
    };
    return rid_cli_main(&tool, argc, argv);
}
