/* rid-store: look into stores, check, merge and export them. */
#include "data/h5file.h"
#include "data/store_export.h"
#include "data/store_info.h"
#include "data/store_merge.h"
#include "data/store_report.h"
#include "tools/cli.h"

#include <string.h>

/* The inputs of a command: at least one. */
static rid_status read_inputs(const rid_cli *cli, const char *const **paths, size_t *n, rid_err *err)
{
    *n = rid_cli_args(cli, paths);
    rid_h5_init();
    return *n > 0 ? RID_OK : RID_FAIL(err, RID_EUSAGE, "no store given");
}

/* Where results go unless -o says otherwise. */
static const char *output_of(const rid_cli *cli)
{
    return rid_cli_is_set(cli, "output") ? rid_cli_str(cli, "output") : "-";
}

static rid_status write_report(const rid_cli *cli, rid_publish *out, const char *const *paths,
                               size_t n, rid_err *err)
{
    const char *command = rid_cli_command(cli)->name;
    bool json = rid_cli_flag(cli, "json");
    if (strcmp(command, "info") == 0)
        return rid_store_info_report(out, paths, n, json, err);
    if (strcmp(command, "verify") == 0)
        return rid_store_report_verify(out, paths, n, rid_cli_threads(cli), err);
    if (strcmp(command, "list") == 0)
        return rid_store_report_list(out, paths, n, (uint64_t)rid_cli_int(cli, "limit"), json, err);
    if (n != 2)
        return RID_FAIL(err, RID_EUSAGE, "show takes a store and one entry id");
    return rid_store_report_show(out, paths[0], paths[1], json, err);
}

/* The commands whose result is text: info, verify, list, show. */
static rid_status run_report(rid_cli *cli, rid_err *err)
{
    const char *const *paths;
    size_t n;
    rid_publish *out = NULL;
    rid_status st = read_inputs(cli, &paths, &n, err);
    if (st == RID_OK && !rid_cli_flag(cli, "dry-run"))
        st = rid_publish_begin(&out, output_of(cli), rid_cli_flag(cli, "force"), err);
    if (st == RID_OK)
        st = write_report(cli, out, paths, n, err);
    if (st == RID_OK && out)
        return rid_publish_commit(out, err);
    rid_publish_abort(out);
    return st;
}

static rid_status run_merge(rid_cli *cli, rid_err *err)
{
    rid_merge_options o = {.output = rid_cli_str(cli, "output"),
                           .force = rid_cli_flag(cli, "force"),
                           .dry_run = rid_cli_flag(cli, "dry-run"),
                           .limit = (uint64_t)rid_cli_int(cli, "limit"),
                           .threads = rid_cli_threads(cli)};
    if (!o.output && !o.dry_run)
        return RID_FAIL(err, RID_EUSAGE, "no output: give -o OUT.h5");
    if (o.output && strcmp(o.output, "-") == 0)
        return RID_FAIL(err, RID_EUSAGE, "a store cannot go to standard output; give -o OUT.h5");
    rid_status st = read_inputs(cli, &o.inputs, &o.n_inputs, err);
    return st == RID_OK ? rid_store_merge(&o, rid_cli_summary(cli),
                                          rid_cli_progress(cli, "entries"), err)
                        : st;
}

static rid_status run_export(rid_cli *cli, rid_err *err)
{
    const char *format = rid_cli_str(cli, "format");
    rid_export_options o = {.format = strcmp(format, "csv") == 0   ? RID_EXPORT_CSV
                                      : strcmp(format, "npy") == 0 ? RID_EXPORT_NPY
                                                                   : RID_EXPORT_JSONL,
                            .output = output_of(cli),
                            .force = rid_cli_flag(cli, "force"),
                            .dry_run = rid_cli_flag(cli, "dry-run"),
                            .limit = (uint64_t)rid_cli_int(cli, "limit"),
                            .threads = rid_cli_threads(cli)};
    const rid_status st = read_inputs(cli, &o.inputs, &o.n_inputs, err);
    return st == RID_OK ? rid_store_export(&o, rid_cli_summary(cli),
                                           rid_cli_progress(cli, "entries"), err)
                        : st;
}

int main(int argc, char **argv)
{
    static const rid_command commands[] = {
        {"info", "STORE…", "what is in it and what made it", "json output", run_report,
         RID_PATHS_STDOUT},
        {"verify", "STORE…",
         "check every checksum and every rule; exit 65 names the first violation", "output",
         run_report, RID_PATHS_STDOUT},
        {"merge", "-o OUT.h5 STORE…",
         "one store of many, ordered by day, store, time and id; of equal ids the last wins",
         "limit output", run_merge, RID_PATHS_IN_PLACE},
        {"export", "[--format F] STORE…", "payloads (jsonl), a table (csv), a NumPy array (npy)",
         "format limit output", run_export, RID_PATHS_STDOUT},
        {"list", "STORE…", "entry id, day and store of every entry, bucket by bucket",
         "json limit output", run_report, RID_PATHS_STDOUT},
        {"show", "STORE ENTRY", "one entry: all but its vectors", "json output", run_report,
         RID_PATHS_STDOUT | RID_PATHS_ONE_INPUT},
        {0}};
    static const rid_tool tool = {
        .name = "store",
        .bit = RID_TOOL_STORE,
        .summary = "look into stores, check, merge and export them",
        .arguments = "STORE…",
        .description =
            "Works on the stores that rid-encode writes. Results go to standard output unless -o"
            " names a file, which then appears whole or not at all.\n\n"
            "Merging the shards of a run gives the same bytes as merging the store of the one run."
            " Exported payloads encode to the same embeddings again. In text, control characters of"
            " ids stand as \\n, \\t, \\xHH; JSON and CSV have them exactly.",
        .examples = "# the night's shards as one store\n"
                    "rid-store merge -o day.h5 shard-*.h5\n"
                    "# everything about a store, for jq\n"
                    "rid-store info --json day.h5 | jq '.stores[0].entries'\n"
                    "# the embeddings in Python: numpy.load('day.npy')\n"
                    "rid-store export --format npy -o day.npy day.h5",
        .commands = commands,
    };
    rid_cli_main(&tool, argc, argv);
}
